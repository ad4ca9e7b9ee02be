#include "testing/nasty_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "base/printable.h"

namespace packferry::testing {

std::vector<std::string> nasty_names(std::size_t count, unsigned seed) {
  const std::string_view pieces[] = {
      "a", "b", "heads", "x1", "-",  "lock", "LOCK", "/",  "/",    "/",        ".",        ".",     "..",     "@",
      "{", "}", "@{",    "*",  "?",  "[",    "]",    "\\", "^",    "~",        ":",        " ",     "\t",     "\x01",
      "!", "+", "$",     "\"", "\'", "\x1f", "\x7f", "%",  "\xff", "\xc2\x85", "\xc3\xa4", ".lock", ".lock/", "(",
  };
  std::mt19937 random(seed);
  std::set<std::string> names;
  while (names.size() < count) {
    std::string text = "refs/";
    for (auto length = 1 + random() % 7; length > 0; --length)
      text += pieces[random() % (random() % 2 == 0 ? 10 : std::size(pieces))];
    names.insert(text);
  }
  return {names.begin(), names.end()};
}

std::string joined_lines(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + "\n";
  return text;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    lines.emplace_back(text.substr(0, text.find('\n')));
    text.remove_prefix(lines.back().size() + 1);
  }
  return lines;
}

void expect_same_names(const std::vector<std::string>& ours, const std::vector<std::string>& of_git) {
  std::vector<std::string> differ;
  std::set_symmetric_difference(ours.begin(), ours.end(), of_git.begin(), of_git.end(), std::back_inserter(differ));
  for (const std::string& name : differ) ADD_FAILURE() << "git differs on '" << printable(name) << "'";
}

}  // namespace packferry::testing
