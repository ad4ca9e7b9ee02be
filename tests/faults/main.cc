// faults_test [--full] [--seconds N] [--seed S] [--only 'WORDS'] [--gtest_…]
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <charconv>
#include <cstring>
#include <string_view>

#include "faults/campaign.h"

namespace {

int usage() {
  fmt::print(stderr, "faults_test [--full] [--seconds N] [--seed S] [--only 'WORDS'] [--gtest_filter=…]\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  using packferry::testing::Campaign;
  using packferry::testing::campaign;
  ::testing::InitGoogleTest(&argc, argv);
  ::signal(SIGPIPE, SIG_IGN);
  Campaign& options = campaign();
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--full") {
      options.full = true;
      continue;
    }
    if (i + 1 == argc) return usage();
    const std::string_view value = argv[++i];
    const auto number = [&](auto& into) {
      return std::from_chars(value.data(), value.data() + value.size(), into).ptr == value.data() + value.size();
    };
    if (word == "--only") {
      options.only = value;
    } else if (!(word == "--seconds" && number(options.seconds)) && !(word == "--seed" && number(options.seed))) {
      return usage();
    }
  }
  fmt::print("seed {}{}\n", options.seed, options.full ? ", in full" : fmt::format(", {} seconds", options.seconds));
  return RUN_ALL_TESTS();
}
