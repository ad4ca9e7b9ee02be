// What every Host promises, before a double that speaks its dialect and has its faults.
//
// A new host joins by a row in host_kinds.cc and a module in tests/servers/forges/. Where kinds differ, the row says
// so: a suite is for the kinds that have its trait.

#include <gmock/gmock.h>

#include "hosts/host_kinds.h"
#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAreArray;
using testing::ForgeDouble;
using ::testing::HasSubstr;
using testing::HostTools;
using testing::KindOfHost;
using testing::must;

std::vector<std::string> names_of(const std::vector<HostedRepository>& all) {
  std::vector<std::string> names;
  for (const HostedRepository& each : all) names.push_back(each.name);
  return names;
}

class HostConformance : public ::testing::TestWithParam<KindOfHost> {
 protected:
  HostConformance() : double_(testing::forge_double(kind().speaks)) {
    order("reset",
          fmt::format(R"("page": 2, "public_key": "{}", "repositories": [{}])", escaped_public_key(), described()));
    tokens_ = kind().make_tokens != nullptr ? kind().make_tokens(double_.web(), tools_)
                                            : std::make_unique<testing::NumberedTokens>();
    host_ = kind().make(double_, *tokens_, tools_);
  }

  static const KindOfHost& kind() { return GetParam(); }
  static std::string escaped_public_key() {
    if (kind().make_tokens == nullptr) return {};
    std::string escaped;
    for (const char c : testing::app_public_key()) escaped += c == '\n' ? "\\n" : std::string(1, c);
    return escaped;
  }
  // A name as this kind has them: "app/web", or "app-web".
  static std::string here(std::string name) {
    if (kind().has_flat_names) std::replace(name.begin(), name.end(), '/', '-');
    return name;
  }
  static std::string described() {
    const auto one = [](const std::string& name, std::string_view more = "") {
      return fmt::format(R"({{"name": "{}"{}}})", here(name), more);
    };
    std::string text = one("app/web", R"(, "visibility": "public", "wiki": true)");
    text += ", " + one("tools/ci") + ", " + one("app/old", R"(, "archived": true)") + ", " +
            one("ada/notes", R"(, "fork": true)") + ", " + one("app/empty", R"(, "empty": true)") + ", " +
            one("app/api") + ", " + one("app/x.y_z-1");
    return kind().has_groups_in_groups ? text + ", " + one("app/backend/db") : text;
  }
  static std::vector<std::string> world(std::string_view owner = "") {
    std::vector<std::string> names = {"ada/notes", "app/api",     "app/empty", "app/old",
                                      "app/web",   "app/x.y_z-1", "tools/ci"};
    if (kind().has_groups_in_groups) names.insert(names.begin() + 2, "app/backend/db");
    std::erase_if(names, [&](const std::string& name) { return !name.starts_with(owner); });
    for (std::string& name : names) name = here(name);
    return names;
  }
  // Whose list is read where one owner's will do.
  static std::string somebody() { return kind().has_owners ? "app" : ""; }

  Host& host() { return *host_; }
  void order(const std::string& what, const std::string& more) {
    double_.order(fmt::format(R"({{"do": "{}", {}}})", what, more));
  }
  void commit_to(const std::string& name, const std::string& branch) {
    order("commit", fmt::format(R"("name": "{}", "branch": "{}")", here(name), branch));
  }
  Result<HostedRepository> find(const std::string& name) { return host().find(here(name), {}); }
  HostedRepository listed(const std::string& name) {
    for (const HostedRepository& each : must(host().list("", {})))
      if (each.name == here(name)) return each;
    ADD_FAILURE() << name << " is not listed";
    return {.name = name, .url = double_.web()};
  }

  ForgeDouble& double_;
  HostTools tools_;
  std::unique_ptr<TokenSource> tokens_;
  std::unique_ptr<Host> host_;
};

TEST_P(HostConformance, ListsAllSortedByName) {
  EXPECT_THAT(names_of(must(host().list("", {}))), ElementsAreArray(world()));
}

TEST_P(HostConformance, SaysWhatItKnowsAndNothingElse) {
  const HostedRepository web = listed("app/web");
  EXPECT_EQ(web.visibility, kind().tells_visibility ? std::optional(Visibility::Public) : std::nullopt);
  EXPECT_EQ(listed("tools/ci").visibility, kind().tells_visibility ? std::optional(Visibility::Private) : std::nullopt);
  EXPECT_FALSE(web.archived || web.fork || web.is_wiki);
  EXPECT_EQ(listed("app/old").archived, kind().tells_archived);
  EXPECT_EQ(listed("ada/notes").fork, kind().tells_forks);
  EXPECT_EQ(web.id.empty(), !kind().tells_ids);
  EXPECT_EQ(web.last_push.empty(), !kind().tells_last_push);
  EXPECT_EQ(web.default_branch, kind().tells_default_branches && kind().lists_default_branches ? "main" : "");
  EXPECT_EQ(web.wiki.has_value(), kind().has_wikis);
  EXPECT_FALSE(listed("tools/ci").wiki);
  if (kind().knows_empty_ones) {
    EXPECT_EQ(listed("app/empty").default_branch, "");
  }
}

TEST_P(HostConformance, FindsOne) {
  const HostedRepository found = must(find("app/web"));
  EXPECT_EQ(found.name, here("app/web"));
  EXPECT_EQ(found.default_branch, kind().tells_default_branches ? "main" : "");
  EXPECT_EQ(found.id, listed("app/web").id);
  if (kind().knows_empty_ones) {
    EXPECT_EQ(must(find("app/empty")).default_branch, "");
  }
  if (kind().ignores_case) {
    EXPECT_EQ(must(find("App/WEB")).name, "app/web");
  } else {
    EXPECT_FAILS(find("App/WEB"), ErrorKind::NotFound, here("App/WEB"));
  }
  EXPECT_FAILS(find("app/nothing"), ErrorKind::NotFound, here("app/nothing"));
  for (const std::string& name : kind().no_names) EXPECT_FAILS(host().find(name, {}), ErrorKind::Invalid, "");
}

TEST_P(HostConformance, SaysWhereGitIsAndGitReadsThere) {
  const HostedRepository web = listed("app/web");
  EXPECT_EQ(web.url.text(), must(host().url_of(here("app/web"))).text());
  EXPECT_EQ(must(find("app/web")).url.text(), web.url.text());
  EXPECT_EQ(web.url.same_origin(double_.web()), kind().git_is_at_web_address);
  EXPECT_TRUE(web.url.user().empty() && web.url.password().empty());
  if (web.wiki) {
    EXPECT_TRUE(web.wiki->same_origin(double_.web()));
  }
  if (!kind().git_reads_addresses) return;
  const ProcessOutput run = must(run_process({.argv = {"git", "ls-remote", web.url.text()},
                                              .environment = {"PATH=/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM=1"},
                                              .directory = {}},
                                             "", 10'000, Patience{}, {}));
  EXPECT_THAT(run.output, HasSubstr("refs/heads/main")) << run.exit.stderr_text;
}

TEST_P(HostConformance, ListsWhatOneOwnerHasOrSaysThatThereAreNone) {
  if (!kind().has_owners) {
    EXPECT_FAILS(host().list("app", {}), ErrorKind::Unsupported, "no owners");
    return;
  }
  EXPECT_THAT(names_of(must(host().list("app", {}))), ElementsAreArray(world("app/")));
  EXPECT_THAT(names_of(must(host().list("ada", {}))), ElementsAreArray(world("ada/")));
  if (kind().has_groups_in_groups) {
    EXPECT_THAT(names_of(must(host().list("app/backend", {}))), ElementsAreArray({"app/backend/db"}));
  }
  EXPECT_FAILS(host().list("../x", {}), ErrorKind::Invalid, "is no name");
}

TEST_P(HostConformance, WhatItCannotChangeItSays) {
  if (kind().changes_repositories) return;
  EXPECT_FAILS(host().create({.name = "app/new"}, {}), ErrorKind::Unsupported, "'app/new'");
  EXPECT_FAILS(host().set_default_branch("app/web", "main", {}), ErrorKind::Unsupported, "'app/web'");
}

INSTANTIATE_TEST_SUITE_P(Kinds, HostConformance, ::testing::ValuesIn(testing::kinds_of_hosts()),
                         [](const auto& instance) { return instance.param.name; });

class HostThatTellsPushes : public HostConformance {};

TEST_P(HostThatTellsPushes, APushMovesWhatItCallsTheLastOne) {
  const std::string before = listed("app/api").last_push;
  EXPECT_EQ(listed("app/api").last_push, before);
  commit_to("app/api", "trunk");
  EXPECT_NE(listed("app/api").last_push, before);
}

INSTANTIATE_TEST_SUITE_P(Kinds, HostThatTellsPushes,
                         ::testing::ValuesIn(testing::kinds_that(&KindOfHost::tells_last_push)),
                         [](const auto& instance) { return instance.param.name; });

class HostThatMakes : public HostConformance {
 protected:
  Result<HostedRepository> create(NewRepository wanted) {
    wanted.name = here(wanted.name);
    return host().create(wanted, {});
  }
};

TEST_P(HostThatMakes, MakesPrivateOnesUnlessTold) {
  const HostedRepository made = must(create({.name = "app/new", .description = "größe \"x\""}));
  EXPECT_EQ(made.name, here("app/new"));
  EXPECT_EQ(made.visibility, kind().tells_visibility ? std::optional(Visibility::Private) : std::nullopt);
  EXPECT_EQ(made.url.text(), listed("app/new").url.text());
  EXPECT_EQ(made.id, listed("app/new").id);
  EXPECT_FAILS(create({.name = "app/new"}), ErrorKind::Conflict, here("app/new"));

  const NewRepository shown{.name = "app/shown", .visibility = Visibility::Public};
  if (kind().makes_public_ones) {
    EXPECT_EQ(must(create(shown)).visibility, Visibility::Public);
  } else {
    EXPECT_FAILS(create(shown), ErrorKind::Unsupported, here("app/shown"));
    EXPECT_FAILS(find("app/shown"), ErrorKind::NotFound, "");
  }
}

TEST_P(HostThatMakes, RefusesToMakeWhatItCannot) {
  if (kind().makes_owners) {
    EXPECT_EQ(must(create({.name = "nowhere/x"})).name, here("nowhere/x"));
  } else {
    EXPECT_FAILS(create({.name = "nowhere/x"}), ErrorKind::NotFound, "");
  }
  if (kind().takes_tags) {
    must(create({.name = "app/x", .tags = {{"a", "b"}}}));
  } else {
    EXPECT_FAILS(create({.name = "app/x", .tags = {{"a", "b"}}}), ErrorKind::Unsupported, "tags");
  }
  EXPECT_FAILS(create({.name = "app/y", .description = "a\nb"}), ErrorKind::Invalid, "description");
  for (const std::string& name : kind().no_names)
    EXPECT_FAILS(host().create({.name = name}, {}), ErrorKind::Invalid, "");
}

TEST_P(HostThatMakes, SetsTheDefaultBranch) {
  commit_to("app/web", "trunk");
  const std::string web = here("app/web");
  must(host().set_default_branch(web, "trunk", {}));
  EXPECT_EQ(must(find("app/web")).default_branch, "trunk");
  EXPECT_FAILS(host().set_default_branch(web, "nothing", {}), ErrorKind::Invalid, web);
  EXPECT_EQ(must(find("app/web")).default_branch, "trunk");
  EXPECT_FAILS(host().set_default_branch(here("app/none"), "main", {}), ErrorKind::NotFound, here("app/none"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, HostThatMakes,
                         ::testing::ValuesIn(testing::kinds_that(&KindOfHost::changes_repositories)),
                         [](const auto& instance) { return instance.param.name; });

// It is asked over the network, page by page, by somebody who has to say who he is.
class HostWithPages : public HostConformance {
 protected:
  Host& host_with(const std::string& token) {
    fixed_ = std::make_unique<FixedToken>(Credentials{.username = {}, .password = Secret(token), .bearer = true});
    other_ = kind().make(double_, *fixed_, tools_);
    return *other_;
  }
  void fault(const std::string& what, const std::string& more) {
    order("fault", fmt::format(R"("what": "{}", {})", what, more));
  }
  std::size_t requests() {
    const std::string log = double_.order(R"({"do": "log"})");
    std::size_t count = 0;
    for (std::size_t at = 0; (at = log.find("\"target\"", at)) != std::string::npos; ++at) ++count;
    return count;
  }
  Milliseconds waited() const {
    return std::chrono::duration_cast<Milliseconds>(tools_.clock.steady() - Clock::SteadyTime{});
  }
  auto list() { return host().list(somebody(), {}); }
  // What a list lacks, and what it has too many.
  std::string wrong_with_list() {
    const Result<std::vector<HostedRepository>> all = list();
    if (!all) return all.error().message();
    return names_of(*all) == world(kind().has_owners ? "app/" : "") ? "" : "other names than there are";
  }

  std::unique_ptr<FixedToken> fixed_;
  std::unique_ptr<Host> other_;
};

TEST_P(HostWithPages, ReadsAllPages) {
  EXPECT_THAT(names_of(must(host().list("", {}))), ElementsAreArray(world()));
  EXPECT_GE(requests(), 4u);
}

TEST_P(HostWithPages, ARefusedTokenIsDeniedWithWhatItNeeds) {
  const auto not_shown = ::testing::Not(HasSubstr("wr0ng"));
  const auto list = host_with("wr0ng-token").list(somebody(), {});
  EXPECT_FAILS(list, ErrorKind::Denied, "");
  EXPECT_THAT(list.error().message(), AllOf(::testing::ContainsRegex("it needs |check the access key"), not_shown));
  EXPECT_FAILS(host_with("wr0ng-token").find(here("app/web"), {}), ErrorKind::Denied, here("app/web"));

  const auto create = host_with("reader").create({.name = here("app/new")}, {});
  EXPECT_FAILS(create, ErrorKind::Denied, here("app/new"));
  EXPECT_THAT(create.error().message(),
              ::testing::ContainsRegex("the token may not: it needs |not authorized to perform: codecommit:Create"));
}

TEST_P(HostWithPages, ATokenThatExpiresInMidListIsRenewed) {
  fault("expire", R"("page": 2, "times": 1)");
  EXPECT_EQ(wrong_with_list(), "");
}

TEST_P(HostWithPages, ATokenThatExpiresForGoodEndsTheList) {
  fault("expire", R"("page": 2)");
  EXPECT_FAILS(list(), ErrorKind::Denied, "");
}

TEST_P(HostWithPages, APageThatFailsOnceIsAskedForAgain) {
  fault("status", R"("status": 500, "page": 2, "times": 1)");
  EXPECT_EQ(wrong_with_list(), "");
  EXPECT_GE(waited(), Milliseconds(500));
}

TEST_P(HostWithPages, APageThatFailsIsNoList) {
  fault("status", R"("status": 500, "page": 2)");
  EXPECT_FAILS(list(), ErrorKind::Unavailable, "");
}

TEST_P(HostWithPages, WaitsWhenItIsToldTo) {
  fault("throttle", R"("page": 2, "times": 1)");
  EXPECT_EQ(wrong_with_list(), "");
  EXPECT_GE(waited(), Milliseconds(kind().tells_when_to_come_back ? 7'000 : 500));
  fault("secondary", R"("page": 2, "times": 1)");
  EXPECT_EQ(wrong_with_list(), "");
  EXPECT_GE(waited(), Milliseconds(kind().tells_when_to_come_back ? 67'000 : 1'000));
}

TEST_P(HostWithPages, DoesNotWaitForEver) {
  fault("throttle", R"("page": 2)");
  const auto throttled = list();
  EXPECT_FAILS(throttled, ErrorKind::Throttled, "");
  EXPECT_EQ(throttled.error().retry_after(),
            kind().tells_when_to_come_back ? std::optional(Milliseconds(7'000)) : std::nullopt);
}

TEST_P(HostWithPages, WhatIsNoListIsNone) {
  fault("malformed", R"("page": 2)");
  EXPECT_FAILS(list(), ErrorKind::Corrupt, "");
}

TEST_P(HostWithPages, ATotalThatIsNotReachedIsNoList) {
  fault("lie", R"("page": 1)");
  if (kind().tells_total_of_owner) {
    EXPECT_FAILS(list(), ErrorKind::Unavailable, "by the host's own count");
  } else {
    EXPECT_EQ(wrong_with_list(), "");
  }
}

TEST_P(HostWithPages, APageTwiceIsNoList) {
  fault("repeat", R"("page": 2)");
  EXPECT_FAILS(list(), ErrorKind::Corrupt, "");
}

TEST_P(HostWithPages, AListThatLeadsBackEnds) {
  fault("loop", R"("page": 2)");
  EXPECT_FAILS(list(), ErrorKind::Corrupt, "");
}

TEST_P(HostWithPages, TheTokenDoesNotTravel) {
  fault("elsewhere", R"("page": 2)");
  if (!kind().names_next_page) {
    EXPECT_EQ(wrong_with_list(), "") << "no answer says where to go on";
    return;
  }
  EXPECT_FAILS(list(), ErrorKind::Corrupt, "at http://localhost:");
  const std::size_t asked = requests();
  EXPECT_FAILS(list(), ErrorKind::Corrupt, "no token of http://127.0.0.1:");
  EXPECT_LE(requests() - asked, asked);
}

TEST_P(HostWithPages, StopsWhenAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FAILS(host().list(somebody(), stop.get_token()), ErrorKind::Cancelled, "");
}

// Planted: the suite itself has to notice a list that lacks one.
TEST_P(HostWithPages, AListThatLacksOneIsNoticed) {
  EXPECT_EQ(wrong_with_list(), "");
  fault("omit", R"("page": 2)");
  EXPECT_NE(wrong_with_list(), "");
  if (kind().tells_total_of_owner) {
    EXPECT_FAILS(list(), ErrorKind::Unavailable, "by the host's own count");
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, HostWithPages, ::testing::ValuesIn(testing::kinds_that(&KindOfHost::has_pages)),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace packferry
