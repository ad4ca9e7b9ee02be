// What a program says, held against a file that a person has read: tests/golden/NAME. UPDATE_GOLDEN=1 in the
// environment rewrites the files; the difference is then looked at in version control.
#pragma once

#include <string>
#include <string_view>

namespace packferry::testing {

// A failure of the running test when `text` is not what the file holds.
void expect_golden(std::string_view text, const std::string& name);

}  // namespace packferry::testing
