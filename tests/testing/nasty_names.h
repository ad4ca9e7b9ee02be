// Names that try the rules for ref names, and what it takes to ask git about many of them line by line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace packferry::testing {

// Different names under refs/, sorted, made of what the rules speak of and of harmless pieces between. No NUL and no
// line feed in them.
std::vector<std::string> nasty_names(std::size_t count, unsigned seed);

std::string joined_lines(const std::vector<std::string>& names);
std::vector<std::string> lines_of(std::string_view text);

// EXPECTs both lists, each sorted, to hold the same names.
void expect_same_names(const std::vector<std::string>& ours, const std::vector<std::string>& of_git);

}  // namespace packferry::testing
