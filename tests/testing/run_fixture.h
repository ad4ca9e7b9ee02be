// The whole program over ends in memory: what it says, to a person and to a program, and how it exits.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/run.h"
#include "store/memory_store.h"
#include "testing/borrowed_ends.h"
#include "testing/fake_ends.h"
#include "testing/fake_fleet.h"
#include "testing/fake_service_ends.h"
#include "testing/git_sandbox.h"
#include "testing/golden.h"
#include "testing/memory_output.h"

namespace packferry::testing {

// A store that outlives what was made of it, and that can be made to refuse.
class BorrowedStore final : public ObjectStore {
 public:
  BorrowedStore(MemoryStore& store, const bool& is_locked) : store_(store), is_locked_(is_locked) {}
  std::string name() const override { return store_.name(); }
  Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override {
    return store_.create(key, stop);
  }
  Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override {
    return store_.put_if_absent(key, bytes, stop);
  }
  Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override {
    return store_.open(key, offset, stop);
  }
  Result<std::optional<ObjectInfo>> find(std::string_view key, std::stop_token stop) override {
    return store_.find(key, stop);
  }
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::stop_token stop) override {
    return store_.list(prefix, stop);
  }
  Result<> remove(std::string_view key, std::stop_token stop) override {
    if (is_locked_) return Error(ErrorKind::Denied, "remove '{}' from {}: it is locked", key, name());
    return store_.remove(key, stop);
  }
  Result<std::size_t> sweep(Milliseconds age, std::stop_token stop) override { return store_.sweep(age, stop); }

 private:
  MemoryStore& store_;
  const bool& is_locked_;
};

// Keeps nothing; whoever wants to know is told of each event, on the thread that it is of.
class EventLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::initializer_list<LogField>) override {
    if (on_event) on_event(event);
  }
  std::function<void(std::string_view event)> on_event;
};

class RunTest : public ::testing::Test {
 protected:
  // One that lists the repositories of `hosted`, by region.
  class FakeHost final : public Host {
   public:
    FakeHost(RunTest& test, std::string region) : test_(test), region_(std::move(region)) {}
    std::string name() const override { return "fakehost " + region_; }
    Result<std::vector<HostedRepository>> list(const std::string&, std::stop_token) override {
      {
        const std::lock_guard lock(test_.list_mutex);
        if (!test_.list_errors.empty()) {
          Error error = test_.list_errors.back();
          test_.list_errors.pop_back();
          return error;
        }
      }
      if (test_.hosted.count(region_) == 0) return Error(ErrorKind::Denied, "{}: not allowed to list", name());
      std::vector<HostedRepository> listed;
      for (const std::string& repository : test_.hosted.at(region_)) listed.push_back(of(repository));
      return listed;
    }
    Result<HostedRepository> find(std::string_view repository, std::stop_token) override {
      for (const std::string& each : test_.hosted[region_])
        if (each == repository) return of(each);
      return Error(ErrorKind::NotFound, "{} has no repository '{}'", name(), repository);
    }
    Result<Url> url_of(std::string_view repository) const override { return of(std::string(repository)).url; }
    Result<HostedRepository> create(const NewRepository& wanted, std::stop_token) override {
      std::vector<std::string>& there = test_.hosted[region_];
      if (std::count(there.begin(), there.end(), wanted.name) > 0)
        return Error(ErrorKind::Conflict, "{} has a repository '{}' already", name(), wanted.name);
      there.push_back(wanted.name);
      test_.created.push_back(wanted);
      return of(wanted.name);
    }
    Result<> set_default_branch(std::string_view, std::string_view, std::stop_token) override { return {}; }

   private:
    HostedRepository of(const std::string& repository) const {
      return {
          .name = repository, .url = must(Url::parse("/" + repository)), .account = "111122223333", .region = region_};
    }
    RunTest& test_;
    const std::string region_;
  };

  RunTest() {
    source.holds = refs_at({{"refs/heads/main", 3}, {"refs/tags/v1", 2}});
    for (unsigned i = 2; i <= 20; ++i) source.parents.emplace(commit(i), commit(i - 1));
  }

  class FakeEnds final : public Ends {
   public:
    explicit FakeEnds(RunTest& test) : test_(test) {}
    using Ends::source;
    Result<std::unique_ptr<Source>> source(const Url& url, Side, const std::string&) override {
      if (url.path().ends_with("/restored.git")) return std::make_unique<BorrowedSource>(test_.copy, "restored");
      const auto found = test_.sources.find(url.path());
      if (found == test_.sources.end()) return Error(ErrorKind::Invalid, "credentials for {} are missing", url.text());
      return std::make_unique<BorrowedSource>(*found->second, "fake:/" + url.path());
    }
    Result<std::unique_ptr<Destination>> destination(const Url& url) override {
      const auto found = test_.destinations.find(url.path());
      if (found == test_.destinations.end())
        return Error(ErrorKind::Invalid, "credentials for {} are missing", url.text());
      return std::make_unique<BorrowedDestination>(found->second);
    }
    Result<std::unique_ptr<ObjectStore>> store(const StoreAddress& address, const StoreOptions&,
                                               bool for_writing) override {
      auto found = test_.stores.find(address.path);
      if (found == test_.stores.end()) {
        if (!for_writing) return Error(ErrorKind::NotFound, "{}: no such directory", address.path);
        found = test_.stores.try_emplace(address.path, test_.clock, "fake:/" + address.path).first;
      }
      return std::make_unique<BorrowedStore>(found->second, test_.stores_are_locked);
    }
    Result<std::unique_ptr<Host>> host(const std::string&, const std::string& region, Side) override {
      return std::make_unique<FakeHost>(test_, region);
    }
    Result<HostedPlace> hosted(const Url& url, Side) override {
      if (url.scheme() != Scheme::CodeCommit) return Error(ErrorKind::Unsupported, "{}: no way to ask", url.text());
      return HostedPlace{std::make_unique<FakeHost>(test_, url.region()), url.path().substr(url.path().rfind('/') + 1)};
    }
    Result<std::optional<GitPassword>> git_password(const Url& url, Side, std::stop_token) override {
      if (!url.host().starts_with("git-codecommit.")) return std::optional<GitPassword>();
      return std::optional(
          GitPassword{{.username = "AKIA", .password = Secret("for " + url.path())}, test_.clock.now()});
    }
    const std::vector<std::string>& child_environment() const override { return test_.sandbox.environment(); }

   private:
    RunTest& test_;
  };

  ExitStatus run(const std::vector<std::string>& words) {
    out.said.clear();
    err.said.clear();
    const Surroundings around{
        .out = out,
        .err = err,
        .log = log,
        .clock = clock,
        .make_ends = [this](const EndOptions& options) -> Result<std::unique_ptr<Ends>> {
          asked = options;
          if (ends_error) return Error(*ends_error);
          return std::make_unique<FakeEnds>(*this);
        },
        .make_fleet_ends =
            [this](const EndOptions& options) {
              asked = options;
              return std::make_unique<BorrowedFleetEnds>(fleet_ends);
            },
        .version = "1.2.3",
        .no_color = false,
        .plain_terminal = false,
        .can_prompt = false,
        .job = job,
        .read_input = [this] { return Result<std::string>(input); },
        .on_hangup = on_hangup,
        .log_from = [this](LogLevel lowest) { log_levels.push_back(lowest); },
        .make_service_ends = [this](const EndOptions&) { return std::make_unique<FakeServiceEnds>(service_ends); }};
    return run_packferry(words, around, stop.get_token());
  }
  ExitStatus replicate(std::vector<std::string> words) {
    words.insert(words.begin(), {"replicate", "/source"});
    return run(words);
  }
  // Progress comes from several threads and in any order; errors come at the end.
  std::string errors() const {
    const std::size_t first = err.said.find("packferry: ");
    return first == std::string::npos ? "" : err.said.substr(first);
  }
  // Once for a person and once for a program, each time on the world as `prepare` makes it.
  template <typename Prepare>
  void expect_golden_reports(const std::string& name, const std::vector<std::string>& words, ExitStatus status,
                             const Prepare& prepare) {
    prepare();
    EXPECT_EQ(to_string(run(words)), to_string(status));
    expect_golden(everywhere_the_same("--- standard error\n" + errors() + "--- standard output\n" + out.said),
                  name + ".txt");
    prepare();
    std::vector<std::string> json_words = words;
    json_words.push_back("--json");
    EXPECT_EQ(to_string(run(json_words)), to_string(status));
    expect_golden(everywhere_the_same(out.said), name + ".json");
    EXPECT_EQ(nlohmann::json::parse(out.said).at("exit_status"), static_cast<int>(status));
  }

  // The place of this run on this machine is not in the golden files.
  std::string everywhere_the_same(std::string text) const {
    const std::string here = sandbox.path("").string();
    for (std::size_t at = text.find(here); at != std::string::npos; at = text.find(here))
      text.replace(at, here.size(), "/sandbox/");
    return text;
  }

  MemoryOutput out;
  MemoryOutput err;
  EventLog log;
  FakeClock clock;
  std::stop_source stop;
  FakeSource source;
  FakeSource copy;
  std::map<std::string, FakeSource*, std::less<>> sources = {{"/source", &source}, {"/copy", &copy}};
  std::map<std::string, FakeDestination, std::less<>> destinations = [] {
    std::map<std::string, FakeDestination, std::less<>> made;
    for (const char* name : {"east", "west"})
      made.emplace(std::string("/") + name, FakeDestination(std::string("fake://") + name));
    return made;
  }();
  FakeDestination& east = destinations.at("/east");
  FakeDestination& west = destinations.at("/west");
  std::map<std::string, MemoryStore, std::less<>> stores;
  bool stores_are_locked = false;
  GitSandbox sandbox;
  std::map<std::string, std::vector<std::string>> hosted;  // what each region lists
  std::vector<Error> list_errors;                          // before it does, once each
  std::mutex list_mutex;
  std::vector<NewRepository> created;
  JobVariables job;
  std::string input;  // what stands on standard input
  std::optional<Error> ends_error;
  EndOptions asked;
  FakeFleetEnds fleet_ends{clock};
  FakeServiceEnds service_ends;
  std::function<void(std::function<void()>)> on_hangup;
  std::vector<LogLevel> log_levels;  // as they were asked for
};

}  // namespace packferry::testing
