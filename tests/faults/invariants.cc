#include "faults/invariants.h"

#include <fmt/format.h>

#include "engine/plan.h"

namespace packferry::testing {
namespace {

bool is_kept(const std::string& name) { return name.starts_with(kKeptPrefix); }

std::string value_of(const Refs& refs, const std::string& name) {
  const auto found = refs.find(name);
  return found == refs.end() ? std::string() : found->second;
}

std::string shown(const std::string& value) { return value.empty() ? "nothing" : value.substr(0, 12); }

bool is_value_of_some(const Refs& refs, const std::string& value) {
  for (const auto& [name, held] : refs)
    if (held == value) return true;
  return false;
}

Refs without_kept(const Refs& refs) {
  Refs rest;
  for (const auto& [name, value] : refs)
    if (!is_kept(name)) rest.emplace(name, value);
  return rest;
}

// Every ref is where it was, or where the source lists it; kept names hold old tips.
void judge_values(const Evidence& evidence, std::vector<std::string>& broken) {
  Refs all = evidence.before.refs;
  all.insert(evidence.after.refs.begin(), evidence.after.refs.end());
  for (const auto& [name, anything] : all) {
    const std::string before = value_of(evidence.before.refs, name);
    const std::string after = value_of(evidence.after.refs, name);
    if (after == before) continue;
    if (is_kept(name)) {
      if (!before.empty() || !is_value_of_some(evidence.before.refs, after))
        broken.push_back(fmt::format("{} went from {} to {}: no old tip", name, shown(before), shown(after)));
    } else if (after != value_of(evidence.offered, name)) {
      broken.push_back(fmt::format("{} went from {} to {}, the source lists {}", name, shown(before), shown(after),
                                   shown(value_of(evidence.offered, name))));
    }
  }
}

void judge_tips(const Evidence& evidence, std::vector<std::string>& broken) {
  for (const auto& [name, value] : evidence.before.refs)
    if (!evidence.after.reachable.contains(value))
      broken.push_back(fmt::format("the old tip {} of {} is lost", shown(value), name));
}

void judge_claim(const Evidence& evidence, std::vector<std::string>& broken) {
  const bool equal = without_kept(evidence.after.refs) == evidence.offered;
  if (evidence.claim.success && !equal) broken.push_back("success is claimed, and the refs are not equal");
  if (evidence.claim.equal && !equal) broken.push_back("equality is claimed, and the refs are not equal");
  for (const auto& [name, value] : evidence.claim.confirmed)
    if (value_of(evidence.after.refs, name) != value)
      broken.push_back(fmt::format("{} is said to be at {} and is at {}", name, shown(value),
                                   shown(value_of(evidence.after.refs, name))));
  if (!evidence.claim.success && !evidence.claim.has_reason) broken.push_back("a failure is claimed without a reason");
}

void judge_errors(const Evidence& evidence, const std::set<ErrorKind>& expected, std::vector<std::string>& broken) {
  for (const Error& error : evidence.claim.errors) {
    if (!expected.contains(error.kind()))
      broken.push_back(fmt::format("an error of the wrong kind, {}: {}", to_string(error.kind()), error.message()));
    // Nothing in these tests is silent for long; who waited until the stall was over missed an end.
    if (error.message().find("no progress") != std::string::npos)
      broken.push_back(fmt::format("it hung: {}", error.message()));
  }
}

}  // namespace

Claim claim_of(const CrossingReport& report, std::size_t leg_index) {
  Claim claim;
  if (report.error) {
    claim.errors.push_back(*report.error);
    claim.has_reason = true;
  }
  const LegReport& leg = report.legs.at(leg_index);
  claim.success = leg.status == LegStatus::Done || leg.status == LegStatus::UpToDate;
  claim.equal = leg.equal_to_source;
  if (leg.error) {
    claim.errors.push_back(*leg.error);
    claim.has_reason = true;
  }
  for (const RefResult& ref : leg.refs) {
    claim.has_reason = claim.has_reason || !ref.reason.empty();
    if (ref.outcome == RefOutcome::Confirmed)
      claim.confirmed[ref.update.name.text()] = ref.update.is_delete() ? "" : ref.update.new_oid.hex();
  }
  return claim;
}

std::vector<std::string> violations(const Evidence& evidence, const std::set<ErrorKind>& expected) {
  std::vector<std::string> broken;
  judge_values(evidence, broken);
  judge_tips(evidence, broken);
  if (!evidence.after.broken.empty()) broken.push_back("objects are missing: " + evidence.after.broken);
  if (evidence.pushes && *evidence.pushes > 1) broken.push_back(fmt::format("pushed {} times", *evidence.pushes));
  judge_claim(evidence, broken);
  judge_errors(evidence, expected, broken);
  return broken;
}

std::vector<std::string> violations_of_second_run(const Evidence& evidence) {
  std::vector<std::string> broken = violations(evidence, {});
  if (!evidence.claim.success) broken.push_back("it did not succeed");
  if (without_kept(evidence.after.refs) != evidence.offered) broken.push_back("it did not make the refs equal");
  for (std::string& sentence : broken) sentence = "the second run: " + sentence;
  return broken;
}

}  // namespace packferry::testing
