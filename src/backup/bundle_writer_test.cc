#include "backup/bundle_writer.h"

#include <gtest/gtest.h>

#include "io/file.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::GitSandbox;
using testing::must;

TEST(BundleWriter, MakesABundleOfAPack) {
  GitSandbox git;
  const std::string tip = git.commit("source.git", "main", "one");
  const std::string pack = git.git_fed("source.git", {"pack-objects", "-q", "--all", "--stdout"}, "");
  BundleHeader header;
  header.head = must(Oid::parse(tip));
  header.refs = must(RefMap::from({{must(RefName::parse("refs/heads/main")), *header.head}}));

  const std::filesystem::path path = git.path("whole.bundle");
  const std::unique_ptr<Writer> writer = must(open_bundle(header, must(create_file(path))));
  must(writer->write(as_bytes(pack)));
  EXPECT_FALSE(std::filesystem::exists(path));
  must(writer->finish());

  git.git(".", {"clone", "-q", "--bare", path.string(), git.path("clone.git").string()});
  EXPECT_EQ(git.git("clone.git", {"rev-parse", "HEAD"}), tip);
  git.git("clone.git", {"fsck", "--full", "--strict"});
}

TEST(BundleWriter, FailsWithItsEnd) {
  class Full final : public Writer {
    Result<> write(std::span<const std::byte>) override { return Error(ErrorKind::Exhausted, "no space left"); }
    Result<> finish() override { return {}; }
  };
  EXPECT_FAILS(open_bundle({}, std::make_unique<Full>()), ErrorKind::Exhausted, "no space left");
}

}  // namespace
}  // namespace packferry
