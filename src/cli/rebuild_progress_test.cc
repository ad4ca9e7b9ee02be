#include "cli/rebuild_progress.h"

#include <gmock/gmock.h>

#include "testing/memory_output.h"

namespace packferry {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::MemoryOutput;
using Form = ProgressForm;

class RebuildProgressTest : public ::testing::Test {
 protected:
  void tell(Form form) {
    RebuildProgress progress(output, form, clock, "app/web");
    for (std::uint64_t mebibytes = 1; mebibytes <= 25; ++mebibytes) {
      progress.tell("fetching", mebibytes << 20, 25 << 20);
      clock.advance(Milliseconds(1'000));
    }
    progress.tell("indexing", 25 << 20, 25 << 20);
  }

  FakeClock clock;
  MemoryOutput output;
};

TEST_F(RebuildProgressTest, OffATerminalItIsALineAPhaseAndOneEveryTenSeconds) {
  tell(Form::Lines);
  EXPECT_EQ(output.said,
            "app/web: fetching, 1.0 MiB of 25.0 MiB\n"
            "app/web: fetching, 11.0 MiB of 25.0 MiB\n"
            "app/web: fetching, 21.0 MiB of 25.0 MiB\n"
            "app/web: indexing, 25.0 MiB of 25.0 MiB\n");
}

TEST_F(RebuildProgressTest, OnATerminalItIsOneLineThatGoesAway) {
  output.terminal = Window{.columns = 20, .rows = 10};
  tell(Form::Redrawn);
  EXPECT_THAT(output.said, HasSubstr("\r\x1b[Kapp/web: fetching, \r"));
  EXPECT_THAT(output.said, EndsWith("\r\x1b[K"));
}

TEST_F(RebuildProgressTest, QuietIsQuiet) {
  tell(Form::None);
  EXPECT_EQ(output.said, "");
}

}  // namespace
}  // namespace packferry
