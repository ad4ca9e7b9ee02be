#include "cli/one_way.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;

bool same(std::string_view a, std::string_view b) {
  return is_same_repository(must(Url::parse(a)), must(Url::parse(b)));
}

TEST(OneWay, SeesThroughTheWaysOfWritingOneAddress) {
  const struct {
    const char *a, *b;
    bool same;
  } cases[] = {
      {"https://host/app/web", "https://host/app/web.git", true},
      {"https://host/app/web", "https://HOST:443/app/web/", true},
      {"https://ann@host/app/web", "https://ben@host/app/web", true},
      {"https://host/app/web.git", "git@host:app/web.git", true},
      {"ssh://git@host/app/web", "git@host:app/web.git", true},
      {"https://host/app/web", "https://host/app/web2", false},
      {"https://host/app/web", "https://other/app/web", false},
      {"https://host:8443/app/web", "https://host:9443/app/web", false},
      {"https://host:8443/app/web", "ssh://git@host:2222/app/web", false},
      {"https://host/app/web", "/app/web", false},
      {"codecommit://web", "codecommit://web", true},
      {"codecommit://web", "codecommit://Web", false},
      {"codecommit://west@web", "codecommit://web", false},
      {"codecommit::eu-west-1://web", "eu-west-1://web", true},
      {"codecommit::eu-west-1://web", "codecommit::eu-west-2://web", false},
      {"codecommit::eu-west-1://web", "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/web", true},
      {"ssh://APKA@git-codecommit.eu-west-1.amazonaws.com/v1/repos/web", "codecommit::eu-west-1://web", true},
      {"https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/web", "codecommit::eu-west-2://web", false},
      {"https://host/v1/repos/web", "codecommit::eu-west-2://web", false},
  };
  for (const auto& c : cases) EXPECT_EQ(same(c.a, c.b), c.same) << c.a << " " << c.b;
}

TEST(OneWay, FollowsLinksOnThisMachine) {
  const testing::TempDir directory;
  std::filesystem::create_directories(directory / "web/.git");
  std::filesystem::create_directory_symlink(directory / "web", directory / "link");
  const std::string root = directory.path().string();
  EXPECT_TRUE(same(root + "/web", root + "/link"));
  EXPECT_TRUE(same(root + "/web", root + "/web/.git"));
  EXPECT_TRUE(same(root + "/web", "file://" + root + "/other/../web/"));
  EXPECT_TRUE(same(root + "/none.git", root + "//none.git/"));
  EXPECT_FALSE(same(root + "/web", root + "/web2"));
}

TEST(OneWay, RefusesWhatIsNoOneWayTrip) {
  const Url source = must(Url::parse("https://host/web"));
  const Url west = must(Url::parse("https://west/web"));
  EXPECT_TRUE(check_one_way(source, {west}).has_value());
  EXPECT_FAILS(check_one_way(source, {west, must(Url::parse("git@host:web"))}), ErrorKind::Invalid, "is the source");
  EXPECT_FAILS(check_one_way(source, {west, must(Url::parse("https://west/web.git"))}), ErrorKind::Invalid,
               "given twice");
  EXPECT_FAILS(check_one_way(source, {must(Url::parse("git://west/web"))}), ErrorKind::Invalid, "only be read");
  EXPECT_FAILS(check_one_way(source, {source}, false), ErrorKind::Invalid, "is the source");
  const Url codecommit = must(Url::parse("codecommit::eu-west-1://web"));
  EXPECT_FAILS(check_one_way(codecommit, {codecommit}), ErrorKind::Invalid, "is the source");
  EXPECT_TRUE(check_one_way(codecommit, {codecommit}, false).has_value());
}

}  // namespace
}  // namespace packferry
