#include "host/list_host.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

std::vector<Url> urls(const std::vector<std::string>& texts) {
  std::vector<Url> all;
  for (const std::string& text : texts) all.push_back(must(Url::parse(text)));
  return all;
}

TEST(ListHost, NamesRepositoriesByTheirPaths) {
  const auto host = must(ListHost::make(urls({"https://x.example/app/web.git", "git@y.example:tools/ci.git",
                                              "/srv/git/a", "codecommit::eu-west-1://store", "ssh://z.example/b/"})));
  std::vector<std::string> names;
  for (const HostedRepository& each : must(host->list("", {}))) names.push_back(each.name);
  EXPECT_EQ(names, std::vector<std::string>({"app/web", "b", "srv/git/a", "store", "tools/ci"}));
}

TEST(ListHost, FindsWhatIsOnTheList) {
  const auto host = must(ListHost::make(urls({"https://x.example/app/web.git"})));
  EXPECT_EQ(must(host->find("app/web", {})).url.text(), "https://x.example/app/web.git");
  EXPECT_EQ(must(host->url_of("app/web")).text(), "https://x.example/app/web.git");
  EXPECT_FAILS(host->find("app/we", {}), ErrorKind::NotFound, "'app/we' is not on the list");
  EXPECT_EQ(host->name(), "list");
}

TEST(ListHost, HasEachNameOnce) {
  EXPECT_FAILS(ListHost::make(urls({"https://x.example/app/web.git", "https://y.example/app/web"})), ErrorKind::Invalid,
               "both called 'app/web'");
  for (const char* text : {"https://x.example/", "x.example:../web.git", "/srv//a/../b", "https://x.example/.git"})
    EXPECT_FAILS(ListHost::make(urls({text})), ErrorKind::Invalid, "has no name in it");
}

TEST(ListHost, DoesNothingElse) {
  const auto host = must(ListHost::make({}));
  EXPECT_TRUE(must(host->list("", {})).empty());
  EXPECT_FAILS(host->list("app", {}), ErrorKind::Unsupported, "no owners");
  EXPECT_FAILS(host->create({.name = "x"}, {}), ErrorKind::Unsupported, "makes no repositories");
  EXPECT_FAILS(host->set_default_branch("x", "main", {}), ErrorKind::Unsupported, "no default branches");
}

}  // namespace
}  // namespace packferry
