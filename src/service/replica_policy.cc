#include "service/replica_policy.h"

#include <set>

#include "base/printable.h"

namespace packferry {
namespace {

Result<bool> parse_yes_no(std::string_view text) {
  if (text == "yes" || text == "no") return text == "yes";
  return Error(ErrorKind::Invalid, "'{}' is neither yes nor no", printable(text));
}

std::string text_of(const Allowance& allowance) {
  return allowance.percent > 0 ? fmt::format("{}%", allowance.percent) : fmt::format("{}", allowance.count);
}

Result<> apply(ReplicaPolicy& policy, std::string_view rule, std::string_view value) {
  if (rule == "ref") {
    policy.refs.push_back(TRY(Refspec::parse(value)));
  } else if (rule == "follow") {
    policy.follow = TRY(parse_follow_mode(value));
  } else if (rule == "allow-deletions") {
    policy.allow_deletions = TRY(Allowance::parse(value));
  } else if (rule == "allow-rewinds") {
    policy.allow_rewinds = TRY(Allowance::parse(value));
  } else if (rule == "keep-old-tips") {
    policy.keep_old_tips = TRY(parse_yes_no(value));
  } else if (rule == "ignore-non-empty-destination") {
    policy.ignore_non_empty_destination = TRY(parse_yes_no(value));
  } else {
    return Error(ErrorKind::Invalid, "'{}' is no rule of a policy", printable(rule));
  }
  return {};
}

}  // namespace

Result<ReplicaPolicy> ReplicaPolicy::parse(std::string_view text) {
  ReplicaPolicy policy;
  std::set<std::string_view> seen;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view rule = line.substr(0, space);
    const std::string_view value = line.substr(std::min(space + 1, line.size()));
    if (rule != "ref" && !seen.insert(rule).second)
      return Error(ErrorKind::Invalid, "policy has '{}' twice", printable(rule));
    TRY(apply(policy, rule, value).context("policy, '{}'", printable(line)));
  }
  return policy;
}

std::string ReplicaPolicy::text() const {
  std::string text;
  const auto add = [&text](std::string_view rule, std::string_view value) {
    text += fmt::format("{} {}\n", rule, value);
  };
  for (const Refspec& ref : refs) add("ref", ref.text());
  if (follow != FollowMode::Mirror) add("follow", to_string(follow));
  if (allow_deletions) add("allow-deletions", text_of(*allow_deletions));
  if (allow_rewinds) add("allow-rewinds", text_of(*allow_rewinds));
  if (!keep_old_tips) add("keep-old-tips", "no");
  if (ignore_non_empty_destination) add("ignore-non-empty-destination", "yes");
  return text;
}

Result<Policy> ReplicaPolicy::policy() const {
  Policy policy{.follow = follow,
                .allow_deletions = allow_deletions,
                .allow_rewinds = allow_rewinds,
                .keep_old_tips = keep_old_tips,
                .ignore_non_empty_destination = ignore_non_empty_destination};
  if (!refs.empty()) policy.selection = TRY(RefspecSet::from(refs));
  return policy;
}

}  // namespace packferry
