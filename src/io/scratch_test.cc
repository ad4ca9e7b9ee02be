#include "io/scratch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;

TEST(ScratchDirectory, IsOursAloneAndGoes) {
  const testing::TempDir parent;
  std::filesystem::path path;
  {
    const std::unique_ptr<ScratchDirectory> scratch = must(ScratchDirectory::make(parent.path()));
    path = scratch->path();
    EXPECT_EQ(path.parent_path(), parent.path());
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0700u);
    std::filesystem::create_directories(path / "a/b");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FAILS(ScratchDirectory::make(parent / "nowhere"), ErrorKind::NotFound, "nowhere");
}

}  // namespace
}  // namespace packferry
