// A fleet in memory: hosts that list what a test says, sources and destinations of testing/fake_ends.h behind them, and
// a catalogue that forgets on request.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "catalogue/catalogue.h"
#include "service/fleet_ends.h"
#include "store/memory_store.h"
#include "testing/borrowed_ends.h"
#include "testing/fake_ends.h"

namespace packferry::testing {

class FakeHost final : public Host {
 public:
  explicit FakeHost(std::string name) : name_(std::move(name)) {}

  std::string name() const override { return name_; }
  Result<std::vector<HostedRepository>> list(const std::string& owner, std::stop_token) override {
    const std::lock_guard lock(mutex);
    ++lists;
    if (!list_errors.empty()) {
      Error error = list_errors.back();
      list_errors.pop_back();
      return error;
    }
    std::vector<HostedRepository> of_owner;
    for (const auto& [name, hosted] : repositories)
      if (owner.empty() || name.starts_with(owner + "/")) of_owner.push_back(hosted);
    return of_owner;
  }
  Result<HostedRepository> find(std::string_view repository, std::stop_token) override {
    const std::lock_guard lock(mutex);
    const auto found = repositories.find(std::string(repository));
    if (found == repositories.end()) return Error(ErrorKind::NotFound, "{} has no {}", name_, repository);
    return found->second;
  }
  Result<Url> url_of(std::string_view repository) const override {
    return Url::parse("https://" + name_ + ".example/" + std::string(repository) + ".git");
  }
  Result<HostedRepository> create(const NewRepository& wanted, std::stop_token) override {
    const std::lock_guard lock(mutex);
    return repositories.try_emplace(wanted.name, at(wanted.name)).first->second;
  }
  Result<> set_default_branch(std::string_view, std::string_view, std::stop_token) override { return {}; }

  HostedRepository& add(const std::string& repository) {
    return repositories.try_emplace(repository, at(repository)).first->second;
  }

  std::map<std::string, HostedRepository> repositories;
  std::vector<Error> list_errors;  // the last one first, one a list
  unsigned lists = 0;
  std::mutex mutex;

 private:
  HostedRepository at(const std::string& repository) const {
    return {.name = repository, .url = must(url_of(repository)), .id = "id of " + repository};
  }

  const std::string name_;
};

class FakeFleetEnds final : public FleetEnds {
 public:
  explicit FakeFleetEnds(const Clock& clock) : clock_(clock) {}

  Result<Host*> host(const FleetHost& host) override { return &host_named(host.name); }
  Result<ObjectStore*> store(const FleetStore& store) override {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<MemoryStore>& kept = stores[store.name];
    if (!kept) kept = std::make_unique<MemoryStore>(clock_);
    stores_asked_for.insert_or_assign(store.name, store);
    return kept.get();
  }
  Result<std::unique_ptr<Source>> source(const FleetHost& host, const HostedRepository& repository) override {
    const std::lock_guard lock(mutex_);
    return std::make_unique<BorrowedSource>(sources[host.name + "/" + repository.name], repository.name);
  }
  Result<std::unique_ptr<Destination>> destination(const FleetHost& host, const Url& url,
                                                   const NewRepository* wanted) override {
    const std::lock_guard lock(mutex_);
    const std::string name = host.name + url.path().substr(0, url.path().size() - 4);
    if (wanted != nullptr) made.push_back(name);
    return std::make_unique<BorrowedDestination>(
        *destinations.try_emplace(name, std::make_unique<FakeDestination>(name)).first->second);
  }
  const std::vector<std::string>& child_environment() const override { return environment_; }

  FakeHost& host_named(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<FakeHost>& kept = hosts[name];
    if (!kept) kept = std::make_unique<FakeHost>(name);
    return *kept;
  }
  FakeDestination& destination_named(const std::string& name) {
    return *destinations.try_emplace(name, std::make_unique<FakeDestination>(name)).first->second;
  }

  std::map<std::string, std::unique_ptr<FakeHost>> hosts;
  std::map<std::string, std::unique_ptr<MemoryStore>> stores;
  std::map<std::string, FleetStore> stores_asked_for;
  std::map<std::string, FakeSource> sources;  // "HOST/NAME"
  std::map<std::string, std::unique_ptr<FakeDestination>> destinations;
  std::vector<std::string> made;  // destinations that were to be made when missing

 private:
  const Clock& clock_;
  const std::vector<std::string> environment_;
  std::mutex mutex_;
};

// What the program makes of a fleet is its own; this stands for the test's.
class BorrowedFleetEnds final : public FleetEnds {
 public:
  explicit BorrowedFleetEnds(FleetEnds& ends) : ends_(ends) {}
  Result<Host*> host(const FleetHost& host) override { return ends_.host(host); }
  Result<ObjectStore*> store(const FleetStore& store) override { return ends_.store(store); }
  Result<std::unique_ptr<Source>> source(const FleetHost& host, const HostedRepository& repository) override {
    return ends_.source(host, repository);
  }
  Result<std::unique_ptr<Destination>> destination(const FleetHost& host, const Url& url,
                                                   const NewRepository* wanted) override {
    return ends_.destination(host, url, wanted);
  }
  const std::vector<std::string>& child_environment() const override { return ends_.child_environment(); }

 private:
  FleetEnds& ends_;
};

class MemoryCatalogue final : public Catalogue {
 public:
  Result<std::vector<Delivery>> deliveries() override {
    const std::lock_guard lock(mutex_);
    std::vector<Delivery> all;
    for (const auto& [key, delivery] : kept) all.push_back(delivery);
    return all;
  }
  Result<std::vector<DeliveryKey>> keys() override {
    const std::lock_guard lock(mutex_);
    std::vector<DeliveryKey> all;
    for (const auto& [key, delivery] : kept) all.push_back(key);
    return all;
  }
  Result<std::optional<Delivery>> find(const DeliveryKey& key) override {
    const std::lock_guard lock(mutex_);
    if (find_error) return Error(*find_error);
    const auto found = kept.find(key);
    return found == kept.end() ? std::optional<Delivery>() : found->second;
  }
  Result<> record(const std::vector<Delivery>& deliveries) override {
    const std::lock_guard lock(mutex_);
    if (error) return Error(*error);
    for (const Delivery& delivery : deliveries) kept.insert_or_assign(delivery.key, delivery);
    return {};
  }
  Result<> forget(const std::vector<DeliveryKey>& keys) override {
    for (const DeliveryKey& key : keys) kept.erase(key);
    return {};
  }
  Result<std::vector<ListingRecord>> listings() override { return listed; }
  Result<> record(const ListingRecord& listing) override {
    std::erase_if(listed,
                  [&](const ListingRecord& each) { return each.host == listing.host && each.owner == listing.owner; });
    listed.push_back(listing);
    return {};
  }
  Result<std::int64_t> begin_sweep(const SweepRecord& record) override {
    runs.push_back(record);
    return static_cast<std::int64_t>(runs.size());
  }
  Result<> end_sweep(std::int64_t id, Clock::WallTime at, const std::string& report) override {
    runs.at(static_cast<std::size_t>(id) - 1).ended_at = at;
    runs.at(static_cast<std::size_t>(id) - 1).report = report;
    return {};
  }
  Result<std::vector<SweepRecord>> sweeps(std::size_t) override { return runs; }
  Result<> trim_sweeps(std::size_t) override { return {}; }

  std::map<DeliveryKey, Delivery> kept;
  std::vector<ListingRecord> listed;
  std::vector<SweepRecord> runs;
  std::optional<Error> error;  // of what is recorded
  std::optional<Error> find_error;

 private:
  std::mutex mutex_;
};

}  // namespace packferry::testing
