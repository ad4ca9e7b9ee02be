// The recipe that docs/formats/backup.md gives to somebody who has git, a shell and the bucket: taken from the page as
// it stands there, and run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>

#include "io/file.h"
#include "io/process.h"
#include "store/file_store.h"
#include "testing/backup_scene.h"

namespace packferry {
namespace {

using testing::BackupScene;
using testing::must;

std::string read_text(const std::filesystem::path& path) {
  const std::unique_ptr<Reader> file = must(open_file(path));
  return std::string(as_text(must(read_all(*file, 1 << 20))));
}

// The indented lines of the section "By hand".
std::string recipe() {
  const std::string page = read_text(std::filesystem::path(PACKFERRY_DOCS) / "formats/backup.md");
  std::string_view rest = std::string_view(page).substr(page.find("## By hand"));
  std::string script;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    const std::string_view line = rest.substr(0, end);
    if (line.starts_with("    ")) script.append(line.substr(4)).append("\n");
    rest.remove_prefix(end + 1);
  }
  return script;
}

class ByHand : public ::testing::TestWithParam<const char*> {};

TEST_P(ByHand, EverySnapshotOfAChainComesBack) {
  BackupScene scene(GetParam());
  const testing::GitSandbox& git = scene.git;
  const auto store = must(FileStore::open(git.path("bucket"), FileStore::IfMissing::Make, scene.clock));
  std::vector<std::string> expected;
  std::vector<std::string> heads;
  const auto back_up = [&] {
    const LegReport leg = scene.back_up_into(*store);
    ASSERT_TRUE(scene.published.has_value()) << (leg.error ? leg.error->message() : "");
    expected.push_back(scene.refs("source"));
    heads.push_back(git.git("source", {"rev-parse", "HEAD"}));
  };

  const std::string one = scene.git.commit("source", "main", "one");
  scene.git.commit("source", "main", "two");
  scene.git.commit("source", "topic", "topic");
  git.git("source", {"tag", "-a", "-m", "annotated", "v1", one});
  git.git("source", {"tag", "gone", one});
  git.git("source", {"update-ref", "refs/notes/commits", one});
  back_up();
  // Rewound, deleted, and something new from an old commit.
  git.git("source", {"update-ref", "refs/heads/main", one});
  git.git("source", {"branch", "-D", "topic"});
  git.git("source", {"tag", "-d", "gone"});
  scene.git.commit("source", "main", "another two");
  back_up();
  // Only names change.
  git.git("source", {"branch", "topic/below", one});
  back_up();
  // Re-created with other contents; a branch that is no commit, as only an old or careless server has it; HEAD
  // detached.
  git.git("source", {"branch", "-D", "topic/below"});
  scene.git.commit("source", "topic", "topic again");
  git.git("source", {"tag", "-f", "-a", "-m", "moved", "v1", "topic"});
  const std::string tree = git.git("source", {"rev-parse", "topic^{tree}"});
  {
    const auto packed = must(create_file(git.path("source") / "refs/heads/a-tree"));
    must(packed->write(as_bytes(tree + "\n")));
    must(packed->finish());
  }
  git.git("source", {"update-ref", "--no-deref", "HEAD", one});
  back_up();
  ASSERT_EQ(scene.published->manifest.chain.size(), 3u);

  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::string target = fmt::format("by-hand-{}", i + 1);
    std::string script = std::regex_replace(recipe(), std::regex("0000000003"), fmt::format("{:010}", i + 1));
    script = std::regex_replace(script, std::regex("target=web.git"), "target=" + git.path(target).string());
    ASSERT_NE(script.find(target), std::string::npos) << script;
    const ProcessOutput run = must(run_process({.argv = {"bash", "-euo", "pipefail", "-c", script},
                                                .environment = git.environment(),
                                                .directory = git.path("bucket").string()},
                                               "", 1 << 20, Patience{}, {}));
    const std::string said = run.output + run.exit.stderr_text;
    EXPECT_EQ(said.find("damaged"), std::string::npos) << said;
    EXPECT_EQ(scene.refs(target), expected[i]) << said;
    EXPECT_EQ(git.git(target, {"rev-parse", "HEAD"}), heads[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, ByHand, ::testing::Values("sha1", "sha256"));

}  // namespace
}  // namespace packferry
