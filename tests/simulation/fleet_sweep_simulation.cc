// A fleet of any size in virtual hosts, in two steps. What a pass asks of whom is counted while sweep_fleet() itself
// goes over hosts that answer from nothing, with a real catalogue. How long it takes is then played on a virtual clock:
// the schedule of the sweep gives out the same items, each request takes 100 ms, and a host that is asked more often
// than it likes answers 429.
//
//   fleet_sweep_simulation                            a small one, and what it must count
//   fleet_sweep_simulation --repositories 100000      that many; prints a table
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <queue>

#include "service/fleet_sweep.h"
#include "service/sweep.h"
#include "testing/fake_ends.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;
using testing::ref_name;

constexpr std::size_t kPageEntries = 100;
constexpr Milliseconds kRequest{100};
constexpr Milliseconds kMinute{60'000};
constexpr Milliseconds kHour{3'600'000};

// ---- Hosts that answer from nothing -------------------------------------------------------------------------------

// All there is to know of a repository.
struct Repository {
  std::uint8_t generation = 1;  // what its source offers
  std::uint8_t delivered = 0;   // what its copy holds: 0 nothing
  std::uint8_t at_source = 0;   // requests of this pass
  std::uint8_t at_copy = 0;
};

struct World {
  explicit World(std::size_t count) : repositories(count) {}

  std::vector<Repository> repositories;
  std::atomic<std::size_t> pages = 0;
};

std::string name_of(std::size_t number) { return fmt::format("group-{:03}/repository-{:06}", number % 500, number); }

std::size_t number_in(std::string_view name) {
  const std::size_t digits = name.rfind('-') + 1;
  std::size_t number = 0;
  std::from_chars(name.data() + digits, name.data() + name.size(), number);
  return number;
}

Oid tip(std::size_t number, unsigned generation) {
  return must(Oid::parse(fmt::format("{:020x}{:020x}", number + 1, generation)));
}

RefMap refs_of(std::size_t number, unsigned generation) {
  if (generation == 0) return {};
  return must(RefMap::from({{ref_name("refs/heads/main"), tip(number, generation)},
                            {ref_name("refs/heads/next"), tip(number, 1)},
                            {ref_name("refs/tags/v1"), tip(number, 1)}}));
}

// Counts requests as smart HTTP makes them: a fetch is greeted first, a listing is not.
class VirtualSource final : public Source {
 public:
  VirtualSource(World& world, std::size_t number) : here_(world.repositories[number]), number_(number) {}

  std::string name() const override { return name_of(number_); }
  Result<Listing> refs(const RefspecSet&, std::stop_token) override {
    ++here_.at_source;
    Listing listing;
    listing.protocol = 2;
    listing.refs = refs_of(number_, here_.generation);
    listing.head = {ref_name("refs/heads/main"), tip(number_, here_.generation)};
    return listing;
  }
  Result<std::unique_ptr<PackStream>> pack(FetchRequest request, RemoteMessages, std::stop_token) override {
    ask();
    return PackStream::open(
        std::make_unique<MemoryReader>(testing::some_pack(static_cast<std::uint32_t>(request.wants.size()), 200)),
        ObjectFormat::Sha1);
  }
  Result<History> history(std::vector<Oid> wants, std::vector<Oid> haves, const SmallPack&, std::stop_token) override {
    ask();
    History::Links links;
    for (const Oid& want : wants) links.emplace(want, haves);
    return History(std::move(links));
  }
  // What the history shows is not asked, as with a real source.
  Result<std::vector<AncestryAnswer>> ancestry(const std::vector<RefUpdate>& updates, AncestryDetail,
                                               const History& known, std::stop_token) override {
    const bool is_shown = std::ranges::all_of(
        updates, [&](const RefUpdate& update) { return known.leads_to(update.new_oid, update.old_oid); });
    if (!is_shown) ask();
    std::vector<AncestryAnswer> answers;
    for (const RefUpdate& update : updates) answers.push_back({update.name, Ancestry::FastForward});
    return answers;
  }
  Result<std::vector<Oid>> known(const std::vector<Oid>&, const std::vector<Oid>& candidates,
                                 std::stop_token) override {
    ask();
    return candidates;
  }

 private:
  void ask() { here_.at_source = static_cast<std::uint8_t>(here_.at_source + (std::exchange(greeted_, true) ? 1 : 2)); }

  Repository& here_;
  const std::size_t number_;
  bool greeted_ = false;
};

class VirtualPush final : public PushWriter {
 public:
  VirtualPush(Repository& there, std::uint8_t generation, const PushRequest& request)
      : there_(there), generation_(generation) {
    for (const RefUpdate& update : request.updates) report_.refs.push_back({update.name, true});
  }
  Result<> write(std::span<const std::byte>) override { return {}; }
  Result<> finish() override {
    there_.delivered = generation_;
    return {};
  }
  const PushReport& report() const override { return report_; }
  bool is_in_doubt() const override { return false; }

 private:
  Repository& there_;
  const std::uint8_t generation_;
  PushReport report_;
};

class VirtualDestination final : public Destination {
 public:
  VirtualDestination(World& world, std::size_t number) : here_(world.repositories[number]), number_(number) {}

  std::string name() const override { return "copy of " + name_of(number_); }
  const HostProfile& profile() const override { return profile_; }
  Result<std::optional<Listing>> refs(std::stop_token) override {
    ++here_.at_copy;
    Listing listing;
    for (const char* word : {"report-status", "delete-refs", "ofs-delta", "atomic"}) listing.capabilities.add(word);
    listing.refs = refs_of(number_, here_.delivered);
    return std::optional(std::move(listing));
  }
  Result<> create(ObjectFormat, const Head&, std::stop_token) override { return {}; }
  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages, std::stop_token) override {
    ++here_.at_copy;
    return std::unique_ptr<PushWriter>(std::make_unique<VirtualPush>(here_, here_.generation, request));
  }
  Result<bool> set_head(const RefName&, std::stop_token) override { return false; }

 private:
  Repository& here_;
  const std::size_t number_;
  const HostProfile profile_;
};

class VirtualHost final : public Host {
 public:
  VirtualHost(std::string name, World& world) : name_(std::move(name)), world_(world) {}

  std::string name() const override { return name_; }
  Result<std::vector<HostedRepository>> list(const std::string&, std::stop_token) override {
    std::vector<HostedRepository> all;
    for (std::size_t number = 0; number < world_.repositories.size(); ++number) all.push_back(hosted(number));
    std::ranges::sort(all, {}, &HostedRepository::name);
    world_.pages += (all.size() + kPageEntries - 1) / kPageEntries;
    return all;
  }
  Result<HostedRepository> find(std::string_view repository, std::stop_token) override {
    ++world_.repositories[number_in(repository)].at_copy;
    return hosted(number_in(repository));
  }
  Result<Url> url_of(std::string_view repository) const override {
    return Url::parse(fmt::format("https://{}.example/{}.git", name_, repository));
  }
  Result<HostedRepository> create(const NewRepository&, std::stop_token) override {
    return Error(ErrorKind::Unsupported, "all of them are there");
  }
  Result<> set_default_branch(std::string_view, std::string_view, std::stop_token) override { return {}; }

 private:
  HostedRepository hosted(std::size_t number) const {
    const std::string name = name_of(number);
    return {.name = name,
            .url = must(url_of(name)),
            .default_branch = "main",
            .id = std::to_string(number),
            .last_push = std::to_string(world_.repositories[number].generation)};
  }

  const std::string name_;
  World& world_;
};

class VirtualEnds final : public FleetEnds {
 public:
  explicit VirtualEnds(World& world) : world_(world) {}

  Result<Host*> host(const FleetHost& host) override { return host.name == "forge" ? &forge_ : &mirror_; }
  Result<ObjectStore*> store(const FleetStore&) override { return Error(ErrorKind::Unsupported, "no stores here"); }
  Result<std::unique_ptr<Source>> source(const FleetHost&, const HostedRepository& repository) override {
    return std::make_unique<VirtualSource>(world_, number_in(repository.name));
  }
  Result<std::unique_ptr<Destination>> destination(const FleetHost&, const Url& url, const NewRepository*) override {
    return std::make_unique<VirtualDestination>(world_, number_in(url.path()));
  }
  const std::vector<std::string>& child_environment() const override { return environment_; }

 private:
  World& world_;
  VirtualHost forge_{"forge", world_};
  VirtualHost mirror_{"mirror", world_};
  const std::vector<std::string> environment_;
};

// ---- Time ---------------------------------------------------------------------------------------------------------

// So many requests in each minute; the rest hear when the next one begins.
class Allowance {
 public:
  explicit Allowance(std::size_t a_minute) : a_minute_(a_minute) {}

  // Nothing: go ahead.
  std::optional<Milliseconds> refusal(Milliseconds now) {
    const auto minute = now / kMinute;
    if (minute != std::exchange(minute_, minute)) used_ = 0;
    if (used_ == a_minute_) return (minute + 1) * kMinute - now;
    ++used_;
    return std::nullopt;
  }

 private:
  const std::size_t a_minute_;
  std::size_t used_ = 0;
  std::int64_t minute_ = 0;
};

struct Play {
  Milliseconds took{0};
  std::size_t refusals = 0;
};

// One lane, as one host is; each item asks the source and then its copy, a request at a time.
class Playing {
 public:
  Playing(const World& world, unsigned jobs, std::size_t a_minute)
      : world_(world),
        schedule_(std::vector<std::size_t>(world.repositories.size(), 0), {.jobs = jobs, .attempts_max = 100}),
        allowance_(a_minute) {}

  Play run() {
    Milliseconds now{0};
    while (!schedule_.is_over()) {
      const SweepSchedule::Next next = schedule_.next(Clock::SteadyTime(now));
      if (next.item) {
        const Repository& repository = world_.repositories[*next.item];
        events_.push({now, *next.item, std::size_t{repository.at_source} + repository.at_copy, repository.at_copy});
        continue;
      }
      Milliseconds until = events_.empty() ? Milliseconds::max() : events_.top().at;
      if (next.look_again)
        until = std::min(until, std::chrono::ceil<Milliseconds>(next.look_again->time_since_epoch()));
      now = std::max(now, until);
      while (!events_.empty() && events_.top().at <= now) step();
    }
    play_.took = now;
    return play_;
  }

 private:
  struct Event {
    Milliseconds at;
    std::size_t item;
    std::size_t left;     // requests
    std::size_t at_copy;  // the last of them, which the source's host does not count
    bool operator<(const Event& other) const { return at > other.at; }
  };

  void step() {
    Event event = events_.top();
    events_.pop();
    if (event.left == 0) return schedule_.done(event.item);
    if (event.left > event.at_copy) {
      if (const std::optional<Milliseconds> wait = allowance_.refusal(event.at)) {
        ++play_.refusals;
        schedule_.failed(event.item, Error(ErrorKind::Throttled, "429").retry_after(*wait),
                         Clock::SteadyTime(event.at));
        return;
      }
    }
    --event.left;
    event.at += kRequest;
    events_.push(event);
  }

  const World& world_;
  SweepSchedule schedule_;
  Allowance allowance_;
  std::priority_queue<Event> events_;
  Play play_;
};

// ---- Passes -------------------------------------------------------------------------------------------------------

struct Pass {
  SweepReport report;
  std::size_t pages = 0;
  std::size_t at_source = 0;
  std::size_t at_copy = 0;
  double cpu_seconds = 0;
  std::size_t peak_mb = 0;
  std::uintmax_t database_bytes = 0;
};

class Simulation {
 public:
  explicit Simulation(std::size_t repositories) : world_(repositories) {
    fleet_.hosts = {{.name = "forge"}, {.name = "mirror"}};
    fleet_.replicas.push_back({.name = "copy", .source = {.host = "forge"}, .destinations = {{.host = "mirror"}}});
  }

  Pass pass(Milliseconds later) {
    clock_.advance(later);
    for (Repository& repository : world_.repositories) repository.at_source = repository.at_copy = 0;
    world_.pages = 0;
    forget_peak();
    const std::clock_t begin = std::clock();
    Pass pass{.report = must(
                  sweep_fleet(fleet_, ends_, *must(Catalogue::open(database())), {.jobs = 2}, clock_, nullptr, {}))};
    pass.cpu_seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    pass.peak_mb = peak_mb();
    pass.pages = world_.pages;
    for (const Repository& repository : world_.repositories) {
      pass.at_source += repository.at_source;
      pass.at_copy += repository.at_copy;
    }
    pass.database_bytes = std::filesystem::file_size(database());
    return pass;
  }

  void change_every(std::size_t nth) {
    for (std::size_t i = 0; i < world_.repositories.size(); i += nth) ++world_.repositories[i].generation;
  }

  Play play(unsigned jobs, std::size_t a_minute) const { return Playing(world_, jobs, a_minute).run(); }

 private:
  std::string database() const { return (directory_.path() / "catalogue.db").string(); }

  // proc(5): the peak is what it was since this.
  static void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5\n"; }
  static std::size_t peak_mb() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) / 1024;
    return 0;
  }

  testing::TempDir directory_;
  World world_;
  VirtualEnds ends_{world_};
  FakeClock clock_;
  Fleet fleet_;
};

// ---- What it must count -------------------------------------------------------------------------------------------

TEST(FleetSimulation, APassCostsWhatChanged) {
  constexpr std::size_t kRepositories = 2'000;
  constexpr std::size_t kChanged = kRepositories / 100;
  Simulation simulation(kRepositories);

  const Pass first = simulation.pass(Milliseconds(0));
  EXPECT_EQ(first.report.count(LegState::Done), kRepositories);
  EXPECT_EQ(first.pages, kRepositories / kPageEntries);
  EXPECT_EQ(first.at_source, 3 * kRepositories) << "a listing, a greeting, a fetch";
  EXPECT_EQ(first.at_copy, 4 * kRepositories) << "who it is, its refs, a push, its refs again";

  const Pass looked = simulation.pass(7 * kHour);
  EXPECT_EQ(looked.report.count(LegState::UpToDate), kRepositories);
  EXPECT_EQ(looked.at_source, kRepositories) << "a listing each";
  EXPECT_EQ(looked.at_copy, 0u);

  const Pass believed = simulation.pass(kHour);
  EXPECT_EQ(believed.report.count(LegState::UpToDate), kRepositories);
  EXPECT_EQ(believed.pages, kRepositories / kPageEntries);
  EXPECT_EQ(believed.at_source + believed.at_copy, 0u) << "the host's listing says that nothing was pushed";

  simulation.change_every(100);
  const Pass changed = simulation.pass(kHour);
  EXPECT_EQ(changed.report.count(LegState::Done), kChanged);
  EXPECT_EQ(changed.report.count(LegState::UpToDate), kRepositories - kChanged);
  EXPECT_EQ(changed.at_source, 4 * kChanged) << "a listing, a greeting, the history of the change, a fetch";
  EXPECT_EQ(changed.at_copy, 4 * kChanged);
}

TEST(FleetSimulation, TimeIsRequestsByJobsWhereTheHostDoesNotMind) {
  Simulation simulation(1'000);
  simulation.pass(Milliseconds(0));
  simulation.pass(7 * kHour);
  EXPECT_EQ(simulation.play(8, 1'000'000).took, 1'000 / 8 * kRequest);
  EXPECT_EQ(simulation.play(8, 1'000'000).refusals, 0u);
}

TEST(FleetSimulation, AHostThatMindsSetsThePace) {
  Simulation simulation(1'000);
  simulation.pass(Milliseconds(0));
  simulation.pass(7 * kHour);
  const Play play = simulation.play(8, 200);
  EXPECT_GE(play.took, 4 * kMinute) << "200 in each of five minutes";
  EXPECT_LT(play.took, 6 * kMinute);
  EXPECT_LE(play.refusals, 8u * 4) << "once for each that was at work when the host had enough";
}

// ---- The large one ------------------------------------------------------------------------------------------------

void print(const char* name, const Pass& pass, const Simulation& simulation) {
  const auto minutes = [&](unsigned jobs, std::size_t a_minute) {
    return static_cast<double>(simulation.play(jobs, a_minute).took.count()) / static_cast<double>(kMinute.count());
  };
  constexpr std::size_t kUnbounded = 1'000'000'000;
  std::puts(fmt::format("| {} | {} | {} | {} | {:.1f} | {:.1f} | {:.1f} | {:.1f} | {} | {:.1f} |", name, pass.pages,
                        pass.at_source, pass.at_copy, minutes(8, kUnbounded), minutes(64, kUnbounded),
                        minutes(64, 2'000), pass.cpu_seconds, pass.peak_mb,
                        static_cast<double>(pass.database_bytes) / 1e6)
                .c_str());
}

int simulate(std::size_t repositories) {
  Simulation simulation(repositories);
  std::puts(fmt::format("{} repositories, {} ms a request\n", repositories, kRequest.count()).c_str());
  std::puts(
      "| pass | pages of the list | requests to the source | to the copies | minutes, 8 jobs | 64 jobs | "
      "64 jobs, 2,000 a minute allowed | CPU s | peak MB | database MB |");
  std::puts("|---|---|---|---|---|---|---|---|---|---|");
  print("first", simulation.pass(Milliseconds(0)), simulation);
  print("no change, all asked", simulation.pass(7 * kHour), simulation);
  print("no change, listing believed", simulation.pass(kHour), simulation);
  simulation.change_every(100);
  print("1 % changed, listing believed", simulation.pass(kHour), simulation);
  simulation.change_every(100);
  print("1 % changed, all asked", simulation.pass(7 * kHour), simulation);
  return 0;
}

}  // namespace
}  // namespace packferry

int main(int count, char** words) {
  ::testing::InitGoogleTest(&count, words);
  if (count == 3 && std::string_view(words[1]) == "--repositories") return packferry::simulate(std::stoul(words[2]));
  return RUN_ALL_TESTS();
}
