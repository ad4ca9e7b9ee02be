#include "aws/credential_process.h"

#include <gmock/gmock.h>

#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::ElementsAre;
using testing::must;

TEST(CredentialProcess, IsSplitAsAShellWouldAndNothingElse) {
  EXPECT_THAT(must(split_command("/bin/x --flag  value\t")), ElementsAre("/bin/x", "--flag", "value"));
  EXPECT_THAT(must(split_command(R"(x "a b" 'c "d" \' e\ f "g\"h\\i\j" "" k'l'"m")")),
              ElementsAre("x", "a b", "c \"d\" \\", "e f", "g\"h\\i\\j", "", "klm"));
  // Neither variables nor pipes nor comments.
  EXPECT_THAT(must(split_command("x $HOME | y; # z `id`")), ElementsAre("x", "$HOME", "|", "y;", "#", "z", "`id`"));
}

TEST(CredentialProcess, ACommandThatIsNoneIsToldWithoutRepeatingIt) {
  EXPECT_FAILS(split_command("x 'y"), ErrorKind::Invalid, "a quote without its other");
  EXPECT_FAILS(split_command("x \"y"), ErrorKind::Invalid, "a quote without its other");
  EXPECT_FAILS(split_command("x \\"), ErrorKind::Invalid, "ends in a backslash");
  EXPECT_FAILS(split_command("  "), ErrorKind::Invalid, "names no program");
  EXPECT_FAILS(split_command("''"), ErrorKind::Invalid, "names no program");
}

}  // namespace
}  // namespace packferry
