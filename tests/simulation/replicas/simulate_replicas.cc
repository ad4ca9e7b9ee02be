// simulate_replicas [--seeds N] [--first SEED]    that many histories; 1 and what is broken, with its seed
// simulate_replicas --only SEED [--bug NAME]      one of them again, step by step
// simulate_replicas --planted                     shows that it can fail: finds each planted bug
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "simulation.h"

namespace packferry::simulation {
namespace {

constexpr std::uint64_t kSeedsForABug = 2'000;

struct Arguments {
  std::uint64_t seeds = 10'000;
  std::uint64_t first = 1;
  std::optional<std::uint64_t> only;
  Bug bug = Bug::None;
  bool planted = false;
};

std::optional<Bug> bug_named(const char* name) {
  for (const Bug bug : kBugs)
    if (to_string(bug) == name) return bug;
  return std::nullopt;
}

std::optional<Arguments> parse(int count, char** words) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string option = words[i];
    if (option == "--planted") {
      arguments.planted = true;
      continue;
    }
    if (++i == count) return std::nullopt;
    if (option == "--bug") {
      const std::optional<Bug> bug = bug_named(words[i]);
      if (!bug) return std::nullopt;
      arguments.bug = *bug;
      continue;
    }
    const std::uint64_t number = std::strtoull(words[i], nullptr, 10);
    if (option == "--seeds") {
      arguments.seeds = number;
    } else if (option == "--first") {
      arguments.first = number;
    } else if (option == "--only") {
      arguments.only = number;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

int run_one(std::uint64_t seed, Bug bug) {
  const Outcome outcome = simulate(seed, bug, true);
  std::printf("seed %ju: %s\n", static_cast<std::uintmax_t>(seed),
              outcome.broken.value_or("all promises kept").c_str());
  return outcome.broken ? 1 : 0;
}

int run_many(const Arguments& arguments) {
  std::uint64_t looks = 0, refused = 0, heard = 0, broken = 0;
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    const Outcome outcome = simulate(seed, arguments.bug, false);
    looks += outcome.looks;
    refused += outcome.refused;
    heard += outcome.heard;
    if (!outcome.broken) continue;
    ++broken;
    std::printf("seed %ju: %s\n  again, step by step: simulate_replicas --only %ju\n",
                static_cast<std::uintmax_t>(seed), outcome.broken->c_str(), static_cast<std::uintmax_t>(seed));
  }
  std::printf(
      "%ju histories, %ju looks recorded, %ju refused to those who had lost their lease, %ju alarms heard: %ju "
      "broken\n",
      static_cast<std::uintmax_t>(arguments.seeds), static_cast<std::uintmax_t>(looks),
      static_cast<std::uintmax_t>(refused), static_cast<std::uintmax_t>(heard), static_cast<std::uintmax_t>(broken));
  return broken == 0 ? 0 : 1;
}

bool finds(Bug bug) {
  const std::string name(to_string(bug));
  for (std::uint64_t seed = 1; seed <= kSeedsForABug; ++seed) {
    const Outcome outcome = simulate(seed, bug, false);
    if (!outcome.broken) continue;
    std::printf("%s: found by seed %ju: %s\n", name.c_str(), static_cast<std::uintmax_t>(seed),
                outcome.broken->c_str());
    return true;
  }
  std::printf("%s: not found by %ju seeds\n", name.c_str(), static_cast<std::uintmax_t>(kSeedsForABug));
  return false;
}

int run_planted() {
  bool all = true;
  for (const Bug bug : kBugs) all = finds(bug) && all;
  return all ? 0 : 1;
}

}  // namespace
}  // namespace packferry::simulation

int main(int count, char** words) {
  using namespace packferry::simulation;
  const std::optional<Arguments> arguments = parse(count, words);
  if (!arguments) {
    std::fputs("usage: simulate_replicas [--seeds N] [--first SEED] | --only SEED [--bug NAME] | --planted\n", stderr);
    return 2;
  }
  if (arguments->planted) return run_planted();
  return arguments->only ? run_one(*arguments->only, arguments->bug) : run_many(*arguments);
}
