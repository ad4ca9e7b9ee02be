#include "io/private_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::TempDir;

class PrivateFileTest : public ::testing::Test {
 protected:
  std::string file(mode_t mode) {
    const std::string path = (directory / "secret").string();
    std::ofstream(path) << "hunter2";
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }

  TempDir directory;
};

TEST_F(PrivateFileTest, OfOursIsForUsAlone) {
  for (const mode_t mode : {0600u, 0400u}) EXPECT_TRUE(open_private_file(file(mode)));
  for (const mode_t mode : {0640u, 0604u, 0644u, 0440u})
    EXPECT_FAILS(open_private_file(file(mode)), ErrorKind::Invalid,
                 "others than its owner; make it private: chmod 600");
  EXPECT_FAILS(open_private_file((directory / "missing").string()), ErrorKind::NotFound, "missing");
}

// Only root can give a file away.
TEST_F(PrivateFileTest, OfAnotherUserMayBeForAGroup) {
  const std::string path = file(0640);
  if (::geteuid() != 0) GTEST_SKIP();
  ASSERT_EQ(::chown(path.c_str(), 1, static_cast<gid_t>(-1)), 0);
  EXPECT_TRUE(open_private_file(path));
  EXPECT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_FAILS(open_private_file(path), ErrorKind::Invalid,
               "others than its owner and group; make it private: chmod 640");
}

}  // namespace
}  // namespace packferry
