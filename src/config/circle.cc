#include "config/circle.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <tuple>

namespace packferry {
namespace {

// Any file that a person wrote is far below both.
constexpr std::size_t kStepsMax = 20'000;
constexpr std::size_t kNameBytesMax = 1000;
// A name that came back as another one may be left alone the next time. One that comes back this often grows for ever.
constexpr unsigned kRoundsMax = 3;

bool selects(const SourceSelection& source, const std::string& name) {
  return (source.owner.empty() || name.starts_with(source.owner + "/")) &&
         (source.include.empty() || matches_any(source.include, name)) && !matches_any(source.exclude, name);
}

// Names that the selection chooses.
std::vector<std::string> sample_names(const SourceSelection& source) {
  std::vector<std::string> names;
  for (std::string name : source.include) {
    std::ranges::replace(name, '*', 'x');
    std::ranges::replace(name, '?', 'x');
    names.push_back(std::move(name));
  }
  if (source.include.empty()) names = {source.owner.empty() ? "group/name" : source.owner + "/name", "name"};
  std::erase_if(names, [&](const std::string& name) { return !selects(source, name); });
  return names;
}

// Two names for one host are one host: the first of them, by each.
using Homes = std::map<std::string_view, const FleetHost*>;

Homes homes_of(const Fleet& fleet) {
  Homes homes;
  std::map<std::tuple<HostKind, std::string, std::string, std::string, std::string, std::string>, const FleetHost*>
      seen;
  for (const FleetHost& host : fleet.hosts) {
    // A list is what it says, and nothing else.
    const std::string address = host.kind == HostKind::List ? host.name : host.url ? host.url->text() : "";
    const auto place =
        std::tuple(host.kind, address, host.path, host.region, host.identity.profile, host.identity.role_arn);
    homes.emplace(host.name, seen.emplace(place, &host).first->second);
  }
  return homes;
}

// A repository on its way: `replica` has just been taken to get there.
struct Stop {
  std::string host;
  std::string name;
  std::size_t replica = 0;
  std::size_t before = 0;  // in the walk; the first one is its own
  unsigned rounds = 0;     // how often the walk's first replica was taken
};

class Walk {
 public:
  Walk(const Fleet& fleet, const Homes& homes, std::size_t& steps_left)
      : fleet_(fleet), homes_(homes), steps_left_(steps_left) {}

  // Can what `first` takes come back to it?
  std::optional<ReplicaCircle> around(std::size_t first, const std::string& name) {
    first_ = first;
    stops_ = {{.host = fleet_.replicas[first].source.host, .name = name}};
    take(first, 0);
    for (std::size_t at = 1; at < stops_.size(); ++at) {
      const bool is_home = leads_into(fleet_.replicas[first], stops_[at]);
      if (is_home && (stops_[at].name == name || stops_[at].rounds == kRoundsMax)) return circle_to(end_of_round(at));
      for (std::size_t next = 0; next < fleet_.replicas.size(); ++next)
        if (leads_into(fleet_.replicas[next], stops_[at])) take(next, at);
    }
    return std::nullopt;
  }

 private:
  bool leads_into(const FleetReplica& replica, const Stop& stop) {
    if (steps_left_ == 0) return false;
    --steps_left_;
    const auto there = homes_.find(stop.host), source = homes_.find(replica.source.host);
    return there != homes_.end() && source != homes_.end() && there->second == source->second &&
           selects(replica.source, stop.name);
  }

  void take(std::size_t replica, std::size_t at) {
    if (!taken_.insert({replica, stops_[at].name}).second) return;
    const FleetReplica& taken = fleet_.replicas[replica];
    const FleetHost* const host = fleet_.host(taken.source.host);
    if (host == nullptr) return;
    for (const ReplicaEnd& end : taken.destinations) {
      const Result<std::string> name = sample_of(end.repository, *host, stops_[at].name);
      if (name && name->size() <= kNameBytesMax)
        stops_.push_back({.host = end.host,
                          .name = *name,
                          .replica = replica,
                          .before = at,
                          .rounds = stops_[at].rounds + (replica == first_ ? 1 : 0)});
    }
  }

  std::size_t end_of_round(std::size_t at) const {
    while (stops_[at].rounds > 1) at = stops_[at].before;
    return at;
  }

  ReplicaCircle circle_to(std::size_t at) const {
    ReplicaCircle circle;
    for (; at != 0; at = stops_[at].before) {
      circle.replicas.insert(circle.replicas.begin(), stops_[at].replica);
      circle.way = fmt::format(" → {}/{}{}", stops_[at].host, stops_[at].name, circle.way);
    }
    circle.way = fmt::format("{}/{}{}", stops_[0].host, stops_[0].name, circle.way);
    return circle;
  }

  const Fleet& fleet_;
  const Homes& homes_;
  std::size_t& steps_left_;
  std::size_t first_ = 0;
  std::deque<Stop> stops_;
  std::set<std::pair<std::size_t, std::string>> taken_;
};

}  // namespace

Result<std::string> sample_of(const NameTemplate& name_template, const FleetHost& host, std::string_view name) {
  const bool is_at_aws = host.kind == HostKind::CodeCommit;
  return name_from(name_template,
                   {.host = host.name,
                    .path = std::string(name),
                    .account_id = is_at_aws ? "111122223333" : "",
                    .region = host.region},
                   "the repositories of " + host.name);
}

std::vector<ReplicaCircle> find_circles(const Fleet& fleet) {
  std::vector<ReplicaCircle> circles;
  std::set<std::set<std::size_t>> seen;
  const Homes homes = homes_of(fleet);
  std::size_t steps_left = kStepsMax;
  for (std::size_t first = 0; first < fleet.replicas.size(); ++first) {
    for (const std::string& name : sample_names(fleet.replicas[first].source)) {
      std::optional<ReplicaCircle> circle = Walk(fleet, homes, steps_left).around(first, name);
      // Found once from each of its replicas, and told once.
      if (circle && seen.insert({circle->replicas.begin(), circle->replicas.end()}).second)
        circles.push_back(std::move(*circle));
    }
  }
  return circles;
}

}  // namespace packferry
