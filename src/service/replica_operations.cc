#include "service/replica_operations.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "aws/codecommit_address.h"
#include "base/printable.h"
#include "service/cron.h"
#include "service/topology.h"

namespace packferry {
namespace {

// Sooner than a service asks the queue by itself.
constexpr Milliseconds kAgain{50};

constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kDigestDigitsMin = 12;
constexpr std::size_t kShownRefsMax = 5;

Result<> check_name(const std::string& name) {
  const auto is_fit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._/-").find(c) != std::string_view::npos;
  };
  if (!name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, is_fit) && name.front() != '-')
    return {};
  return Error(ErrorKind::Invalid, "'{}' is no name for a replica: letters, digits, '.', '_', '-' and '/', at most {}",
               printable(name), kNameBytesMax);
}

Result<> check_region(const Url& destination, const ReplicaWish& wish) {
  if (wish.allowed_regions.empty()) return {};
  if (!is_codecommit(destination))
    return Error(ErrorKind::Invalid, "{} is in no region of AWS, and only some are allowed", destination.text());
  const CodeCommitAddress address = TRY(codecommit_address(destination, wish.destination_facts.region, {}));
  if (std::ranges::find(wish.allowed_regions, address.region) != wish.allowed_regions.end()) return {};
  return Error(ErrorKind::Invalid, "{} is in {}, and only {} {} allowed", destination.text(), address.region,
               fmt::join(wish.allowed_regions, ", "), wish.allowed_regions.size() == 1 ? "is" : "are");
}

// At its end; one may stay.
Result<Url> without_slashes(const Url& url) {
  std::string text = url.text();
  while (text.ends_with("//")) text.pop_back();
  return Url::parse(text);
}

Result<ReplicaOrder> order_of(const ReplicaWish& wish, Clock::WallTime now) {
  const Url there = TRY(without_slashes(wish.destination));
  ReplicaSide source = TRY(replica_side(wish.source, wish.source_facts));
  ReplicaSide destination = TRY(replica_side(there, wish.destination_facts));
  std::string link = TRY(replica_link(there, wish.destination_facts));
  ReplicaOrder order{.name = wish.name.empty() ? replica_name_of(wish.source) : wish.name,
                     .source = std::move(source),
                     .destination = std::move(destination),
                     .account_name = wish.account_name,
                     .link = std::move(link),
                     .policy = wish.policy.text(),
                     .schedule = wish.schedule,
                     .role = wish.role,
                     .regions = fmt::format("{}", fmt::join(wish.allowed_regions, " ")),
                     .freshness = wish.freshness,
                     .created_at = now};
  TRY(check_name(order.name));
  if (!order.schedule.empty()) TRY(Schedule::parse(order.schedule).context("the schedule"));
  TRY(check_region(wish.destination, wish));
  return order;
}

// What is stored was parsed before it was.
Result<std::string> end_of(const ReplicaSide& side) { return end_at(TRY(Url::parse(side.url))); }

Result<ReplicaEdge> edge_of(const ReplicaOrder& order) {
  std::string from = TRY(end_of(order.source));
  std::string to = TRY(end_of(order.destination));
  return ReplicaEdge{.from = std::move(from), .to = std::move(to)};
}

// All that end_at() makes that end of.
std::vector<std::string> addresses_of(const std::string& end) { return {end, end + ".git", end + "/", end + ".git/"}; }

// A repository has one writer at most, so what leads to the source of the new one is a single chain; where it begins at
// the new one's destination, there is a circle.
Result<> admitted(const ReplicaOrder& order, const ReplicaWish& wish, const Replicas::WriterOf& writer_of) {
  const auto may_hear_of = [&](const ReplicaOrder& other) { return !wish.may_hear_of || wish.may_hear_of(other.name); };
  const ReplicaEdge wanted = TRY(edge_of(order));
  if (const std::optional<ReplicaOrder> writer = TRY(writer_of(addresses_of(wanted.to))))
    return Error(ErrorKind::Rejected, "{} has its source already: {} writes to it", printable(order.destination.url),
                 may_hear_of(*writer) ? fmt::format("the replica '{}'", printable(writer->name)) : "another replica");
  std::vector<ReplicaEdge> chain{wanted};
  std::set<std::string> passed{wanted.to};
  bool may_hear_of_all = true;
  while (passed.insert(chain.back().from).second) {
    const std::optional<ReplicaOrder> writer = TRY(writer_of(addresses_of(chain.back().from)));
    if (!writer) return {};
    may_hear_of_all = may_hear_of_all && may_hear_of(*writer);
    chain.push_back(TRY(edge_of(*writer)));
  }
  if (!may_hear_of_all)
    return Error(ErrorKind::Invalid, "it would close a circle, from {} back to there", printable(order.source.url));
  return refuse_circles(std::move(chain));
}

Error not_found(const std::string& name) {
  return Error(ErrorKind::NotFound, "there is no replica '{}'; see packferry replica list", printable(name));
}

}  // namespace

bool ReplicaWish::may_replace(const std::string& ref) const {
  if (ignore_non_empty_destination) return true;
  return std::ranges::any_of(replace_branches,
                             [&](const std::string& branch) { return ref == "refs/heads/" + branch; });
}

std::string replica_name_of(const Url& source) {
  const std::string end = end_at(source);
  return end.substr(end.find_last_of("/:") + 1);
}

Result<ReplicaRecord> ReplicaOperations::create(const ReplicaWish& wish, const std::string& by, std::stop_token stop) {
  const ReplicaOrder order = TRY(order_of(wish, clock_.now()));
  if (TRY(replicas_.find(order.name)))
    return Error(ErrorKind::Rejected, "there is a replica '{}' already: give this one another --name", order.name);
  const auto admit = [&](const Replicas::WriterOf& writer_of) { return admitted(order, wish, writer_of); };
  TRY(admit([this](const std::vector<std::string>& addresses) { return replicas_.writer_of(addresses); }));
  TRY(check_destination(order, wish, std::move(stop)));
  // Somebody may have been quicker: asked again in the transaction.
  TRY(replicas_.create(order, by, admit));
  return get(order.name);
}

Result<> ReplicaOperations::check_destination(const ReplicaOrder& order, const ReplicaWish& wish,
                                              std::stop_token stop) {
  const Policy policy = TRY(wish.policy.policy());
  const std::unique_ptr<Destination> destination = TRY(ends_.destination(order));
  const std::optional<Listing> listing = TRY(destination->refs(std::move(stop)).context("list the destination"));
  if (!listing) return {};
  std::vector<std::string> in_the_way;
  for (const Ref& ref : listing->refs)
    if (policy.selection.covers(ref.name) && !destination->profile().is_hidden(ref.name) &&
        !wish.may_replace(ref.name.text()))
      in_the_way.push_back(printable(ref.name.text()));
  if (in_the_way.empty()) return {};
  const std::size_t count = in_the_way.size();
  in_the_way.resize(std::min(count, kShownRefsMax));
  return Error(ErrorKind::Rejected,
               "{} has {} ref{} already ({}{}): name the branches that are to become the source's with "
               "--replace-branch, or allow all with --ignore-non-empty-destination",
               order.destination.url, count, count == 1 ? "" : "s", fmt::join(in_the_way, ", "),
               count > kShownRefsMax ? ", …" : "");
}

Result<ReplicaRecord> ReplicaOperations::get(const std::string& name) {
  std::optional<ReplicaRecord> found = TRY(replicas_.find(name));
  if (!found) return not_found(name);
  return *std::move(found);
}

Result<> ReplicaOperations::approve(const std::string& name, const std::string& digest, const std::string& by) {
  const ReplicaRecord replica = TRY(get(name));
  const std::optional<HeldPlan>& held = replica.memory.held;
  if (!held) return Error(ErrorKind::Rejected, "nothing of '{}' is held", printable(name));
  if (digest.size() < kDigestDigitsMin || !held->digest.starts_with(digest))
    return Error(ErrorKind::Rejected, "'{}' is not the plan of '{}' that is held, which is {}", printable(digest),
                 printable(name), held->digest.substr(0, kDigestDigitsMin));
  return replicas_.approve(name, held->digest, by, clock_.now());
}

Result<Looked> ReplicaOperations::seed(const std::string& name, ReplicaWorker& worker, const MayReplace& allow,
                                       const std::string& by, CrossingObserver* observer, std::stop_token stop) {
  const auto look = [&]() -> Result<Looked> {
    while (true) {
      if (std::optional<Looked> looked = TRY(worker.work(name, observer, stop))) return *std::move(looked);
      if (TRY(get(name)).paused) return Error(ErrorKind::Conflict, "'{}' was paused meanwhile", printable(name));
      TRY(replicas_.trigger(name, LookReason::Sync, clock_.now()));
      if (!clock_.sleep(kAgain, stop)) return Error(ErrorKind::Cancelled, "stopped");
    }
  };
  Looked first = TRY(look());
  const bool is_allowed = first.look.outcome == LookOutcome::Held && std::ranges::all_of(first.held_refs, allow);
  if (!is_allowed) return first;
  TRY(replicas_.approve(name, first.look.held->digest, by, clock_.now()));
  return look();
}

Result<std::vector<ReplicaRecord>> ReplicaOperations::list() {
  std::vector<ReplicaRecord> all;
  TRY(for_each_replica(replicas_, [&all](ReplicaRecord replica) -> Result<> {
    all.push_back(std::move(replica));
    return {};
  }));
  return all;
}

Result<std::vector<ReplicaRecord>> ReplicaOperations::chain(const std::string& name) {
  std::vector<ReplicaRecord> chain { TRY(get(name)) };
  const std::vector<ReplicaRecord> others = TRY(list());
  // Circles are refused at create, so this ends.
  while (true) {
    const std::string begin = TRY(end_of(chain.front().order.source));
    const ReplicaRecord* before = nullptr;
    for (const ReplicaRecord& other : others)
      if (TRY(end_of(other.order.destination)) == begin) before = &other;
    if (before == nullptr || chain.size() > others.size()) return chain;
    chain.insert(chain.begin(), *before);
  }
}

}  // namespace packferry
