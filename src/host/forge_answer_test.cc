#include "host/forge_answer.h"

#include <gmock/gmock.h>

#include "host/bitbucket_host.h"
#include "host/bitbucket_server_host.h"
#include "host/gitea_host.h"
#include "host/github_host.h"
#include "host/gitlab_host.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

const Url kWeb = must(Url::parse("https://forge.example.org/below"));

Json json(std::string_view text) { return must(parse_answer(text)); }

TEST(ForgeAnswer, MembersThatAreNotThereAreNothing) {
  const Json object = json(R"({"text": "x", "flag": true, "count": 7, "none": null, "minus": -1})");
  EXPECT_EQ(text_of(object, "text"), "x");
  EXPECT_TRUE(flag_of(object, "flag"));
  EXPECT_EQ(count_of(object, "count"), 7u);
  for (const char* name : {"missing", "none", "minus"}) {
    EXPECT_EQ(text_of(object, name), "");
    EXPECT_FALSE(flag_of(object, name));
    EXPECT_EQ(count_of(object, name), std::nullopt);
  }
  EXPECT_TRUE(member(json("[]"), "x").is_null());
}

TEST(ForgeAnswer, WhatIsNoJsonOrNoListIsCorrupt) {
  EXPECT_FAILS(parse_answer("<html>"), ErrorKind::Corrupt, "no JSON");
  EXPECT_FAILS(parse_answer(""), ErrorKind::Corrupt, "no JSON");
  EXPECT_FAILS(parse_list("{}"), ErrorKind::Corrupt, "something else than a list");
  EXPECT_FAILS(parse_list(json("{}"), "values"), ErrorKind::Corrupt, "no list 'values'");
}

TEST(ForgeAnswer, IdsAreNumbersOrPlainText) {
  EXPECT_EQ(must(id_of(json(R"({"id": 12345678901})"), "id")), "12345678901");
  EXPECT_EQ(must(id_of(json(R"({"id": "{a-b}"})"), "id")), "{a-b}");
  for (const char* text : {R"({})", R"({"id": ""})", R"({"id": -1})", R"({"id": "a\nb"})", R"({"id": []})"})
    EXPECT_FAILS(id_of(json(text), "id"), ErrorKind::Corrupt, "without a sound 'id'");
  EXPECT_FAILS(id_of(Json{{"id", std::string(101, 'x')}}, "id"), ErrorKind::Corrupt, "without a sound 'id'");
}

TEST(ForgeAnswer, BranchesAreWhatGitTakes) {
  EXPECT_EQ(must(branch_of(json(R"({"b": "release/1.x"})"), "b")), "release/1.x");
  EXPECT_EQ(must(branch_of(json(R"({"b": null})"), "b")), "");
  for (const char* text : {R"({"b": "../x"})", R"({"b": "a b"})", R"({"b": "a\u0000b"})", R"({"b": "x.lock"})"})
    EXPECT_FAILS(branch_of(json(text), "b"), ErrorKind::Corrupt, "which no branch can be called");
}

TEST(ForgeAnswer, MomentsAreShortAndPlain) {
  EXPECT_EQ(must(moment_of(json(R"({"t": "2026-11-22T13:45:00Z"})"), "t")), "2026-11-22T13:45:00Z");
  EXPECT_EQ(must(moment_of(json(R"({"t": null})"), "t")), "");
  EXPECT_FAILS(moment_of(Json{{"t", std::string(65, '1')}}, "t"), ErrorKind::Corrupt, "no time");
  EXPECT_FAILS(moment_of(json(R"({"t": "a\u001b"})"), "t"), ErrorKind::Corrupt, "no time");
}

TEST(ForgeAnswer, OneOfANameMayBeSpelledAsTheForgeDoes) {
  const HostedRepository found{.name = "App/Web", .url = kWeb};
  EXPECT_EQ(must(one_of_name(found, "app/web")).name, "App/Web");
  EXPECT_FAILS(one_of_name(found, "app/we"), ErrorKind::Corrupt, "the answer is about 'App/Web'");
}

// What a forge says of addresses is not looked at.
TEST(ForgeAnswer, RepositoriesAreBelowTheWebAddressWhateverTheForgeSays) {
  const char* const lies = R"("clone_url": "https://evil.example/x.git", "http_url_to_repo": "file:///etc/passwd",
      "links": {"clone": [{"name": "http", "href": "https://token@evil.example/x.git"}]})";
  const std::string base = "https://forge.example.org/below/";
  EXPECT_EQ(must(parse_gitlab_projects(fmt::format(R"([{{"id": 1, "path_with_namespace": "a/b/c", {}}}])", lies), kWeb))
                .front()
                .url.text(),
            base + "a/b/c.git");
  EXPECT_EQ(must(parse_gitea_repositories(fmt::format(R"([{{"id": 1, "full_name": "a/b", {}}}])", lies), kWeb))
                .front()
                .url.text(),
            base + "a/b.git");
  const auto github = [&](const char* form) {
    return must(parse_github_repositories(
                    fmt::format(fmt::runtime(form), fmt::format(R"({{"id": 1, "full_name": "a/b", {}}})", lies)), kWeb))
        .repositories.front()
        .url.text();
  };
  EXPECT_EQ(github("[{}]"), base + "a/b.git");
  EXPECT_EQ(github(R"({{"total_count": 1, "repositories": [{}]}})"), base + "a/b.git");
  EXPECT_EQ(must(parse_bitbucket_repositories(
                     fmt::format(R"({{"values": [{{"uuid": "{{1}}", "full_name": "a/b", {}}}]}})", lies), kWeb))
                .repositories.front()
                .url.text(),
            base + "a/b.git");
  EXPECT_EQ(
      must(parse_bitbucket_server_repositories(
               fmt::format(
                   R"({{"isLastPage": true, "values": [{{"id": 1, "slug": "b", "project": {{"key": "~Ada"}}, {}}}]}})",
                   lies),
               kWeb))
          .repositories.front()
          .url.text(),
      base + "scm/~ada/b.git");
}

TEST(ForgeAnswer, NamesThatAreNoneAreCorrupt) {
  for (const char* name : {"../../etc/passwd", "a/b/../c", "a", "", "a/b\\nc", "a/b.git", "a/b c"}) {
    const std::string one =
        fmt::format(R"({{"id": 1, "uuid": "1", "full_name": "{0}", "path_with_namespace": "{0}"}})", name);
    EXPECT_FAILS(parse_gitlab_projects("[" + one + "]", kWeb), ErrorKind::Corrupt, "the name of a repository");
    EXPECT_FAILS(parse_gitea_repositories("[" + one + "]", kWeb), ErrorKind::Corrupt, "the name of a repository");
    EXPECT_FAILS(parse_github_repositories("[" + one + "]", kWeb), ErrorKind::Corrupt, "the name of a repository");
    EXPECT_FAILS(parse_bitbucket_repositories(R"({"values": [)" + one + "]}", kWeb), ErrorKind::Corrupt,
                 "the name of a repository");
  }
  EXPECT_FAILS(parse_bitbucket_server_repositories(
                   R"({"isLastPage": true, "values": [{"id": 1, "slug": "b/../c", "project": {"key": "A"}}]})", kWeb),
               ErrorKind::Corrupt, "the name of a repository");
}

TEST(ForgeAnswer, BitbucketServersLastPageSaysSo) {
  EXPECT_EQ(
      must(parse_bitbucket_server_repositories(R"({"isLastPage": false, "nextPageStart": 7, "values": []})", kWeb))
          .next,
      "?limit=100&start=7");
  EXPECT_FAILS(parse_bitbucket_server_repositories(R"({"values": []})", kWeb), ErrorKind::Corrupt, "the last page");
  EXPECT_FAILS(parse_bitbucket_server_repositories(R"({"isLastPage": false, "values": []})", kWeb), ErrorKind::Corrupt,
               "does not say what comes next");
}

TEST(ForgeAnswer, ApisAreWhereTheForgesHaveThem) {
  const auto url = [](std::string_view text) { return must(Url::parse(text)); };
  EXPECT_EQ(GitLabHost::api_of(url("https://x.example/git")).text(), "https://x.example/git/api/v4");
  EXPECT_EQ(GiteaHost::api_of(url("https://codeberg.org")).text(), "https://codeberg.org/api/v1");
  EXPECT_EQ(GitHubHost::api_of(url("https://github.com")).text(), "https://api.github.com/");
  EXPECT_EQ(GitHubHost::api_of(url("https://ghe.example")).text(), "https://ghe.example/api/v3");
  EXPECT_EQ(BitbucketHost::api_of(url("https://bitbucket.org/")).text(), "https://api.bitbucket.org/2.0");
  EXPECT_EQ(BitbucketServerHost::api_of(url("https://x.example/stash")).text(), "https://x.example/stash/rest/api/1.0");
}

}  // namespace
}  // namespace packferry
