#include "git/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "testing/chunk_reader.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::ChunkReader;
using testing::drain;
using ::testing::ElementsAre;
using testing::GitSandbox;
using ::testing::IsEmpty;
using testing::must;

const std::string kOid = "9daeafb9864cf43055ae93beb0afd6c7d144bfa4";
const std::string kOtherOid = "4a8ab1f3a2d2e3b5d3f0c3a9c6f3d6a5b4c3d2e1";

Oid oid(std::string_view hex) { return must(Oid::parse(hex)); }
Result<BundleHeader> read(std::string_view text) {
  MemoryReader reader(text);
  return read_bundle_header(reader);
}

TEST(Bundle, IsWrittenAsTheFormatSays) {
  BundleHeader header;
  header.prerequisites = {oid(kOtherOid)};
  header.refs = must(RefMap::from({{must(RefName::parse("refs/heads/main")), oid(kOid)}}));
  header.head = oid(kOid);
  EXPECT_EQ(to_text(header),
            "# v2 git bundle\n-" + kOtherOid + " \n" + kOid + " refs/heads/main\n" + kOid + " HEAD\n\n");
  const std::string long_oid(64, 'a');
  const BundleHeader sha256{.format = ObjectFormat::Sha256, .head = oid(long_oid)};
  EXPECT_EQ(to_text(sha256), "# v3 git bundle\n@object-format=sha256\n" + long_oid + " HEAD\n\n");
  for (const BundleHeader& one : {header, sha256, BundleHeader()}) EXPECT_EQ(must(read(to_text(one))), one);
}

TEST(Bundle, IsReadToItsEmptyLineAndNotAByteFurther) {
  const std::string header = "# v2 git bundle\n-" + kOid + " a comment \xFF\n-" + kOtherOid + "\n" + kOid + " HEAD\n\n";
  for (const std::size_t chunk_bytes : {1u, 7u, 41u, 1000u}) {
    ChunkReader reader(header + "PACK\nand more", chunk_bytes);
    const BundleHeader read = must(read_bundle_header(reader));
    EXPECT_THAT(read.prerequisites, ElementsAre(oid(kOid), oid(kOtherOid)));
    EXPECT_EQ(must(drain(reader, 100)), "PACK\nand more");
  }
}

TEST(Bundle, ThatEndsEarlyIsUnavailable) {
  const std::string header = "# v3 git bundle\n@object-format=sha1\n-" + kOid + " \n" + kOid + " refs/heads/a\n\n";
  EXPECT_TRUE(read(header));
  for (std::size_t bytes = 0; bytes < header.size(); ++bytes)
    EXPECT_FAILS(read(header.substr(0, bytes)), ErrorKind::Unavailable, "header of a bundle: the stream ended");
}

TEST(Bundle, ThatIsNoneIsCorrupt) {
  const std::string v2 = "# v2 git bundle\n";
  const std::string v3 = "# v3 git bundle\n";
  const struct {
    std::string text, complaint;
  } cases[] = {
      {"# v4 git bundle\n\n", "'# v4 git bundle' begins no bundle"},
      {"PACK, and some more of it\n", "begins no bundle"},
      {"\n", "'' begins no bundle"},
      {"# v2 git bundle \n\n", "begins no bundle"},
      {v2 + "@object-format=sha1\n\n" + kOid + "\n", "too short"},
      {v3 + "@filter=blob:none\n\n", "a bundle that needs 'filter=blob:none'"},
      {v3 + "@object-format=sha512\n\n", "'sha512' is neither"},
      {v3 + "@object-format=sha256\n" + kOid + " HEAD\n\n", "is no ref"},
      {v2 + std::string(64, 'a') + " HEAD\n\n", "is no ref"},
      {v2 + kOid + "\n\n", "is no ref"},
      {v2 + kOid + " \n\n", "ref name ''"},
      {v2 + kOid + "  HEAD\n\n", "ref name ' HEAD'"},
      {v2 + kOid + " refs/heads/..\n\n", "ref name 'refs/heads/..'"},
      {v2 + kOid + " main\n\n", "does not begin with 'refs/'"},
      {v2 + kOid + " refs/a\n" + kOid + " refs/a\n\n", "listed twice"},
      {v2 + kOid + " HEAD\n" + kOid + " HEAD\n\n", "HEAD is listed twice"},
      {v2 + kOid + " HEAD\n-" + kOid + " \n\n", "is no ref"},
      {v2 + "-" + kOid + "x\n\n", "is no prerequisite"},
      {v2 + "-" + kOid.substr(1) + "\n\n", "has 39 characters"},
      {v2 + std::string(40, '0') + " HEAD\n\n", "all zeros"},
      {v2 + std::string(40, 'A') + " HEAD\n\n", "lower-case"},
      {v2 + "short\n\n" + kOid + "\n", "too short"},
  };
  for (const auto& c : cases) EXPECT_FAILS(read(c.text), ErrorKind::Corrupt, c.complaint);
}

TEST(Bundle, WithTooLongAHeaderIsExhausted) {
  const std::string header = "# v2 git bundle\n-" + kOid + " a comment that does not end\n\n";
  MemoryReader reader{std::string_view(header)};
  EXPECT_TRUE(read_bundle_header(reader, header.size()));
  for (const std::size_t bytes_max : {std::size_t{0}, std::size_t{20}, header.size() - 1}) {
    MemoryReader again{std::string_view(header)};
    EXPECT_FAILS(read_bundle_header(again, bytes_max), ErrorKind::Exhausted, fmt::format("more than {} b", bytes_max));
  }
}

class BundleOfGitTest : public ::testing::TestWithParam<const char*> {
 protected:
  BundleOfGitTest() {
    git.init("source.git", GetParam());
    first = git.commit("source.git", "main", "one");
    git.git("source.git", {"tag", "-a", "-m", "first", "v1", first});
    second = git.commit("source.git", "main", "two");
    git.commit("source.git", "side", "three");
  }
  // What git has written, in two.
  struct Parts {
    BundleHeader header;
    std::string pack;
  };
  Parts parts(std::string_view name) const {
    std::ifstream file(git.path(name), std::ios::binary);
    ChunkReader reader(std::string(std::istreambuf_iterator<char>(file), {}), 4096);
    Parts parts;
    parts.header = must(read_bundle_header(reader));
    parts.pack = must(drain(reader, 4096));
    return parts;
  }
  void write(std::string_view name, const Parts& parts) const {
    std::ofstream(git.path(name), std::ios::binary) << to_text(parts.header) << parts.pack;
  }
  std::string create(const std::vector<std::string>& what) const {
    std::vector<std::string> words = {"bundle", "create", "-q", git.path("git.bundle").string()};
    words.insert(words.end(), what.begin(), what.end());
    git.git("source.git", words);
    return "git.bundle";
  }
  std::string path(std::string_view name) const { return git.path(name).string(); }

  GitSandbox git;
  std::string first;
  std::string second;
};
INSTANTIATE_TEST_SUITE_P(Formats, BundleOfGitTest, ::testing::Values("sha1", "sha256"),
                         [](const auto& format) { return std::string(format.param); });

TEST_P(BundleOfGitTest, IsReadWhole) {
  const Parts full = parts(create({"--all"}));
  EXPECT_EQ(to_string(full.header.format), GetParam());
  EXPECT_THAT(full.header.prerequisites, IsEmpty());
  EXPECT_EQ(full.header.head, oid(second));
  std::string listed;
  for (const Ref& ref : full.header.refs) listed += ref.oid.hex() + " " + ref.name.text() + "\n";
  EXPECT_EQ(listed, git.git("source.git", {"for-each-ref", "--format=%(objectname) %(refname)"}) + "\n");
  EXPECT_TRUE(full.pack.starts_with("PACK"));
}

TEST_P(BundleOfGitTest, IsReadWithItsPrerequisites) {
  const Parts incremental = parts(create({"main", "side", "^" + first}));
  EXPECT_THAT(incremental.header.prerequisites, ElementsAre(oid(first)));
  EXPECT_EQ(incremental.header.refs.size(), 2u);
  EXPECT_EQ(incremental.header.head, std::nullopt);
}

TEST_P(BundleOfGitTest, IsTakenByGitAsWeWriteIt) {
  write("ours.bundle", parts(create({"--all"})));
  EXPECT_EQ(git.git("source.git", {"bundle", "list-heads", path("ours.bundle")}),
            git.git("source.git", {"show-ref"}) + "\n" + second + " HEAD");

  git.git(".", {"clone", "-q", "--mirror", path("ours.bundle"), path("clone.git")});
  EXPECT_EQ(git.git("clone.git", {"show-ref"}), git.git("source.git", {"show-ref"}));
  EXPECT_EQ(git.git("clone.git", {"symbolic-ref", "HEAD"}), "refs/heads/main");
  git.git("clone.git", {"fsck", "--full", "--strict"});
}

TEST_P(BundleOfGitTest, IsTakenByGitOnlyWhereItsPrerequisitesAre) {
  write("base.bundle", parts(create({"v1"})));
  write("ours.bundle", parts(create({"--all", "^" + first})));
  git.init("target.git", GetParam());
  EXPECT_THAT(git.try_git("target.git", {"bundle", "verify", path("ours.bundle")}).output, ::testing::HasSubstr(first));
  git.git("target.git", {"fetch", "-q", path("base.bundle"), "+refs/*:refs/*"});
  git.git("target.git", {"bundle", "verify", "-q", path("ours.bundle")});
  git.git("target.git", {"fetch", "-q", path("ours.bundle"), "+refs/*:refs/*"});
  EXPECT_EQ(git.git("target.git", {"show-ref"}), git.git("source.git", {"show-ref"}));
}

}  // namespace
}  // namespace packferry
