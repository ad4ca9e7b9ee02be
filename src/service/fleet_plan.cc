#include "service/fleet_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/printable.h"
#include "service/topology.h"

namespace packferry {
namespace {

bool is_selected(const SourceSelection& selection, const HostedRepository& hosted) {
  if (hosted.archived && !selection.archived) return false;
  if (hosted.fork && !selection.forks) return false;
  if (!selection.visibility.empty() && hosted.visibility &&
      std::ranges::find(selection.visibility, *hosted.visibility) == selection.visibility.end())
    return false;
  return (selection.include.empty() || matches_any(selection.include, hosted.name)) &&
         !matches_any(selection.exclude, hosted.name);
}

Result<std::string> name_from(const NameTemplate& name_template, const std::string& host,
                              const HostedRepository& hosted) {
  return packferry::name_from(
      name_template, {.host = host, .path = hosted.name, .account_id = hosted.account, .region = hosted.region},
      host + "/" + hosted.name);
}

HostedRepository wiki_of(const HostedRepository& hosted) {
  HostedRepository wiki = hosted;
  wiki.name += ".wiki";
  wiki.url = *hosted.wiki;
  wiki.default_branch.clear();
  wiki.last_push.clear();
  if (!wiki.id.empty()) wiki.id += ".wiki";
  wiki.wiki.reset();
  wiki.is_wiki = true;
  return wiki;
}

class Planner {
 public:
  Planner(const Fleet& fleet, FleetListings listings, const UrlAtHost& url_at) : fleet_(fleet), url_at_(url_at) {
    for (auto& [key, listing] : listings)
      listings_.emplace(key, std::make_shared<const std::vector<HostedRepository>>(std::move(listing)));
  }

  Result<FleetPlan> plan(const std::vector<DeliveryKey>& known) {
    for (const FleetBackup& backup : fleet_.backups)
      for_each_source(backup.source, [&](const SharedSource& source) { add(backup, source); });
    for (const FleetReplica& replica : fleet_.replicas)
      for_each_source(replica.source, [&](const SharedSource& source) {
        for (const ReplicaEnd& end : replica.destinations) add(replica, end, source);
      });
    TRY(check_destinations());
    TRY(check_circles());

    FleetPlan plan;
    plan.refused = std::move(refused_);
    plan.missing = missing_from(known);
    plan.passed_over = passed_over();
    plan.items.reserve(items_.size());
    for (auto& [name, item] : items_) plan.items.push_back(std::move(item));
    return plan;
  }

 private:
  using SharedSource = std::shared_ptr<const HostedRepository>;

  template <typename Work>
  void for_each_source(const SourceSelection& selection, const Work& work) {
    const auto listed = listings_.find({selection.host, selection.owner});
    if (listed == listings_.end()) return;
    for (const HostedRepository& hosted : *listed->second) {
      if (!is_selected(selection, hosted)) continue;
      work(SharedSource(listed->second, &hosted));
      if (selection.wikis && hosted.wiki) work(std::make_shared<const HostedRepository>(wiki_of(hosted)));
    }
  }

  void add(const FleetBackup& backup, const SharedSource& source) {
    const Result<std::string> name = name_from(backup.repository, backup.source.host, *source);
    const Result<RepositoryName> checked = name ? RepositoryName::parse(*name) : Result<RepositoryName>(name.error());
    if (!checked) return refuse(backup.name, backup.source.host, *source, checked.error());
    FleetLeg& leg = leg_of(backup.name, backup.source.host, source, backup.store, checked->text());
    leg.backup = &backup;
  }

  void add(const FleetReplica& replica, const ReplicaEnd& end, const SharedSource& source) {
    const Result<std::string> name = name_from(end.repository, replica.source.host, *source);
    if (!name) return refuse(replica.name, replica.source.host, *source, name.error());
    Result<Url> url = url_at_(*fleet_.host(end.host), *name);
    if (!url) return refuse(replica.name, replica.source.host, *source, url.error());
    FleetLeg& leg = leg_of(replica.name, replica.source.host, source, end.host, *name);
    leg.replica = &replica;
    leg.end = &end;
    leg.url = *std::move(url);
  }

  void refuse(const std::string& order, const std::string& host, const HostedRepository& source, const Error& error) {
    refused_.push_back({order, host + "/" + source.name, error});
  }

  FleetLeg& leg_of(const std::string& order, const std::string& host, const SharedSource& source,
                   const std::string& place, const std::string& name) {
    FleetItem& item =
        items_.try_emplace(host + "/" + source->name, FleetItem{.host = host, .source = source}).first->second;
    FleetLeg& leg = item.legs.emplace_back();
    leg.key = {order, item.name(), place + "/" + name};
    leg.name = name;
    return leg;
  }

  // Two orders of one source with one destination are refused as well: they would undo each other's policy.
  Result<> check_destinations() const {
    std::map<std::string, const FleetLeg*> taken;
    for (const auto& [name, item] : items_)
      for (const FleetLeg& leg : item.legs) {
        const std::string place = leg.backup != nullptr ? "store " + leg.key.destination : end_at(*leg.url);
        const auto [other, is_new] = taken.try_emplace(place, &leg);
        if (is_new) continue;
        return Error(
            ErrorKind::Invalid,
            "'{}' of {} and '{}' of {} would both be {}: nothing was moved; tell them apart in `repository`, or "
            "leave one out",
            other->second->key.order, printable(other->second->key.source), leg.key.order, printable(leg.key.source),
            printable(leg.key.destination));
      }
    return {};
  }

  Result<> check_circles() const {
    std::vector<ReplicaEdge> edges;
    for (const auto& [name, item] : items_)
      for (const FleetLeg& leg : item.legs)
        if (leg.replica != nullptr) edges.push_back({end_at(item.source->url), end_at(*leg.url)});
    return refuse_circles(std::move(edges));
  }

  std::vector<DeliveryKey> missing_from(const std::vector<DeliveryKey>& known) const {
    std::set<std::string> listed;
    std::set<std::string> orders;  // whose hosts were listed
    const auto note = [&](const std::string& order, const SourceSelection& selection) {
      const auto found = listings_.find({selection.host, selection.owner});
      if (found == listings_.end()) return;
      orders.insert(order);
      for (const HostedRepository& hosted : *found->second) {
        listed.insert(selection.host + "/" + hosted.name);
        if (hosted.wiki) listed.insert(selection.host + "/" + hosted.name + ".wiki");
      }
    };
    for (const FleetBackup& backup : fleet_.backups) note(backup.name, backup.source);
    for (const FleetReplica& replica : fleet_.replicas) note(replica.name, replica.source);

    std::vector<DeliveryKey> missing;
    for (const DeliveryKey& key : known)
      if (orders.count(key.order) > 0 && listed.count(key.source) == 0) missing.push_back(key);
    return missing;
  }

  std::size_t passed_over() const {
    std::set<std::string> listed;
    for (const auto& [key, repositories] : listings_)
      for (const HostedRepository& hosted : *repositories) listed.insert(key.host + "/" + hosted.name);
    return static_cast<std::size_t>(
        std::ranges::count_if(listed, [this](const std::string& name) { return items_.count(name) == 0; }));
  }

  const Fleet& fleet_;
  std::map<ListingKey, std::shared_ptr<const std::vector<HostedRepository>>> listings_;
  const UrlAtHost& url_at_;
  std::map<std::string, FleetItem> items_;
  std::vector<FleetPlan::Refused> refused_;
};

}  // namespace

std::string ListingKey::name() const { return owner.empty() ? host : host + " " + printable(owner); }

std::vector<ListingKey> listings_of(const Fleet& fleet) {
  std::set<ListingKey> keys;
  for (const FleetBackup& backup : fleet.backups) keys.insert({backup.source.host, backup.source.owner});
  for (const FleetReplica& replica : fleet.replicas) keys.insert({replica.source.host, replica.source.owner});
  return {keys.begin(), keys.end()};
}

Result<FleetPlan> plan_fleet(const Fleet& fleet, FleetListings listings, const std::vector<DeliveryKey>& known,
                             const UrlAtHost& url_at) {
  return Planner(fleet, std::move(listings), url_at).plan(known);
}

void select_items(FleetPlan& plan, const std::vector<std::string>& only, unsigned shard, unsigned shards) {
  const auto is_left_out = [&](const std::string& name) {
    return (!only.empty() && !matches_any(only, name)) || shard_of(name, shards) != shard;
  };
  plan.passed_over += std::erase_if(plan.items, [&](const FleetItem& item) { return is_left_out(item.name()); });
  std::erase_if(plan.missing, [&](const DeliveryKey& key) { return is_left_out(key.source); });
  std::erase_if(plan.refused, [&](const FleetPlan::Refused& refused) { return is_left_out(refused.source); });
}

}  // namespace packferry
