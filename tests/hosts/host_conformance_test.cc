// What every Host of a forge promises, against a double that speaks the forge's own dialect and has its faults.
//
// A new host joins by a row in kForges and a module in tests/servers/forges/.

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "host/bitbucket_host.h"
#include "host/bitbucket_server_host.h"
#include "host/gitea_host.h"
#include "host/github_app.h"
#include "host/github_host.h"
#include "host/gitlab_host.h"
#include "hosts/forge_double.h"
#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAreArray;
using testing::ForgeDouble;
using ::testing::HasSubstr;
using testing::must;

struct Tools {
  HttpClient http{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}}};
  // The double looks at the times of what is signed.
  FakeClock clock{std::chrono::system_clock::now()};
};

struct Forge {
  std::string name;
  std::string kind;  // of the double
  std::unique_ptr<Host> (*make)(const Url& web, TokenSource& tokens, Tools& tools);
  std::unique_ptr<TokenSource> (*make_tokens)(const Url& web, Tools& tools) = nullptr;  // none: numbered ones

  // What a forge does less well, and says so.
  bool has_groups_in_groups = false;
  bool counts_one_owners_list = true;  // says how many there are in all
  bool names_next_page = true;         // by its address, not by a number
  bool tells_archived = true;
  bool tells_last_push = true;
  bool has_wikis = true;
  bool lists_default_branches = true;  // otherwise find() knows
  bool knows_empty_ones = true;        // otherwise an empty repository has a default branch all the same
};

void PrintTo(const Forge& forge, std::ostream* out) { *out << forge.name; }

// "token-1", and the next one whenever one is refused.
class NumberedTokens final : public TokenSource {
 public:
  Result<std::optional<Credentials>> get(std::stop_token) override {
    return std::optional(
        Credentials{.username = {}, .password = Secret(fmt::format("token-{}", number_)), .bearer = true});
  }
  bool refused(const Credentials&) override { return ++number_, true; }

 private:
  int number_ = 1;
};

template <typename AHost>
std::unique_ptr<Host> make(const Url& web, TokenSource& tokens, Tools& tools) {
  return std::make_unique<AHost>(web, AHost::api_of(web), tokens, tools.http, tools.clock);
}

template <GitHubIdentity identity>
std::unique_ptr<Host> make_github(const Url& web, TokenSource& tokens, Tools& tools) {
  return std::make_unique<GitHubHost>(web, GitHubHost::api_of(web), identity, tokens, tools.http, tools.clock);
}

// The App's key, made once by OpenSSL's own program.
struct AppKey {
  AppKey() {
    const std::string at = directory.path().string();
    const std::string words = "cd '" + at +
                              "' && openssl genrsa -out key.pem 2048 2>/dev/null && openssl rsa -in key.pem "
                              "-pubout -out public.pem 2>/dev/null";
    EXPECT_EQ(std::system(words.c_str()), 0);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(directory / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  testing::TempDir directory;
};

const AppKey& app_key() {
  static const AppKey key;
  return key;
}

std::unique_ptr<TokenSource> make_app_tokens(const Url& web, Tools& tools) {
  GitHubApp app{.id = "4711", .installation = "", .key = must(RsaKey::parse(app_key().read("key.pem")))};
  return std::make_unique<GitHubAppToken>(std::move(app), GitHubHost::api_of(web), tools.http, tools.clock);
}

const Forge kForges[] = {
    {.name = "GitLab",
     .kind = "gitlab",
     .make = make<GitLabHost>,
     .has_groups_in_groups = true,
     .tells_last_push = false},
    {.name = "Gitea", .kind = "gitea", .make = make<GiteaHost>},
    {.name = "GitHub",
     .kind = "github",
     .make = make_github<GitHubIdentity::Person>,
     .counts_one_owners_list = false,
     .knows_empty_ones = false},
    {.name = "GitHubApp",
     .kind = "github",
     .make = make_github<GitHubIdentity::Installation>,
     .make_tokens = make_app_tokens,
     .knows_empty_ones = false},
    {.name = "Bitbucket", .kind = "bitbucket", .make = make<BitbucketHost>, .tells_archived = false},
    {.name = "BitbucketServer",
     .kind = "bitbucket-server",
     .make = make<BitbucketServerHost>,
     .counts_one_owners_list = false,
     .names_next_page = false,
     .tells_last_push = false,
     .has_wikis = false,
     .lists_default_branches = false},
};

std::vector<std::string> names_of(const std::vector<HostedRepository>& all) {
  std::vector<std::string> names;
  for (const HostedRepository& each : all) names.push_back(each.name);
  return names;
}

class HostConformance : public ::testing::TestWithParam<Forge> {
 protected:
  HostConformance() : double_(testing::forge_double(GetParam().kind)) {
    order("reset", fmt::format(R"("page": 2, "public_key": "{}", "repositories": [{}])", escaped_public_key(),
                               described_world()));
    tokens_ = GetParam().make_tokens != nullptr ? GetParam().make_tokens(double_.web(), tools_)
                                                : std::make_unique<NumberedTokens>();
    host_ = GetParam().make(double_.web(), *tokens_, tools_);
  }

  static std::string escaped_public_key() {
    if (GetParam().make_tokens == nullptr) return {};
    std::string escaped;
    for (const char c : app_key().read("public.pem")) escaped += c == '\n' ? "\\n" : std::string(1, c);
    return escaped;
  }
  static std::string described_world() {
    std::string text = R"({"name": "app/web", "visibility": "public", "wiki": true}, {"name": "tools/ci"},
        {"name": "app/old", "archived": true}, {"name": "ada/notes", "fork": true}, {"name": "app/empty", "empty": true},
        {"name": "app/api"}, {"name": "app/x.y_z-1"})";
    return GetParam().has_groups_in_groups ? text + R"(, {"name": "app/backend/db"})" : text;
  }
  std::vector<std::string> world(std::string_view owner = "") const {
    std::vector<std::string> names = {"ada/notes", "app/api",     "app/empty", "app/old",
                                      "app/web",   "app/x.y_z-1", "tools/ci"};
    if (GetParam().has_groups_in_groups) names.insert(names.begin() + 2, "app/backend/db");
    std::erase_if(names, [&](const std::string& name) { return !name.starts_with(owner); });
    return names;
  }

  Host& host() { return *host_; }
  Host& host_with(const std::string& token) {
    fixed_ = std::make_unique<FixedToken>(Credentials{.username = {}, .password = Secret(token), .bearer = true});
    other_ = GetParam().make(double_.web(), *fixed_, tools_);
    return *other_;
  }
  void order(const std::string& what, const std::string& more) {
    double_.order(fmt::format(R"({{"do": "{}", {}}})", what, more));
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
  HostedRepository listed(const std::string& name) {
    for (const HostedRepository& each : must(host().list("", {})))
      if (each.name == name) return each;
    ADD_FAILURE() << name << " is not listed";
    return {.name = name, .url = double_.web()};
  }
  // What a list lacks, and what it has too many.
  std::string wrong_with_list(const std::string& owner) {
    const Result<std::vector<HostedRepository>> all = host().list(owner, {});
    if (!all) return all.error().message();
    return names_of(*all) == world(owner.empty() ? "" : owner + "/") ? "" : "other names than there are";
  }

  ForgeDouble& double_;
  Tools tools_;
  std::unique_ptr<TokenSource> tokens_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<FixedToken> fixed_;
  std::unique_ptr<Host> other_;
};

TEST_P(HostConformance, ListsAllPagesSortedByName) {
  EXPECT_THAT(names_of(must(host().list("", {}))), ElementsAreArray(world()));
  EXPECT_GE(requests(), 4u);
}

TEST_P(HostConformance, ListsWhatOneOwnerHas) {
  EXPECT_THAT(names_of(must(host().list("app", {}))), ElementsAreArray(world("app/")));
  EXPECT_THAT(names_of(must(host().list("ada", {}))), ElementsAreArray(world("ada/")));
  if (GetParam().has_groups_in_groups) {
    EXPECT_THAT(names_of(must(host().list("app/backend", {}))), ElementsAreArray({"app/backend/db"}));
  }
  EXPECT_FAILS(host().list("a b", {}), ErrorKind::Invalid, "'a b' is no name");
  EXPECT_FAILS(host().list("../x", {}), ErrorKind::Invalid, "is no name");
}

TEST_P(HostConformance, SaysWhatTheForgeKnows) {
  const Forge& forge = GetParam();
  const HostedRepository web = listed("app/web");
  EXPECT_EQ(web.visibility, Visibility::Public);
  EXPECT_FALSE(web.archived || web.fork);
  EXPECT_FALSE(web.id.empty());
  EXPECT_EQ(web.last_push.empty(), !forge.tells_last_push);
  EXPECT_EQ(web.default_branch, forge.lists_default_branches ? "main" : "");
  EXPECT_EQ(web.wiki.has_value(), forge.has_wikis);
  EXPECT_FALSE(listed("tools/ci").wiki);
  EXPECT_EQ(listed("tools/ci").visibility, Visibility::Private);
  EXPECT_EQ(listed("app/old").archived, forge.tells_archived);
  EXPECT_TRUE(listed("ada/notes").fork);
  if (forge.knows_empty_ones) {
    EXPECT_EQ(listed("app/empty").default_branch, "");
  }
}

TEST_P(HostConformance, APushMovesWhatItCallsTheLastOne) {
  if (!GetParam().tells_last_push) return;
  const std::string before = listed("app/api").last_push;
  EXPECT_EQ(listed("app/api").last_push, before);
  order("commit", R"("name": "app/api", "branch": "trunk")");
  EXPECT_NE(listed("app/api").last_push, before);
}

TEST_P(HostConformance, FindsOne) {
  const HostedRepository found = must(host().find("app/web", {}));
  EXPECT_EQ(found.name, "app/web");
  EXPECT_EQ(found.default_branch, "main");
  EXPECT_EQ(found.id, listed("app/web").id);
  EXPECT_EQ(must(host().find("App/WEB", {})).name, "app/web");
  if (GetParam().knows_empty_ones) {
    EXPECT_EQ(must(host().find("app/empty", {})).default_branch, "");
  }
  EXPECT_FAILS(host().find("app/nothing", {}), ErrorKind::NotFound, "look for 'app/nothing'");
  for (const char* name : {"web", "app/../web", "app/web.git", "app/we b", "app/%2e", "/app/web"})
    EXPECT_FAILS(host().find(name, {}), ErrorKind::Invalid, "");
}

TEST_P(HostConformance, GitIsBelowTheWebAddress) {
  const HostedRepository web = listed("app/web");
  EXPECT_EQ(web.url.text(), must(host().url_of("app/web")).text());
  EXPECT_EQ(must(host().find("app/web", {})).url.text(), web.url.text());
  EXPECT_TRUE(web.url.same_origin(double_.web()));
  EXPECT_TRUE(web.url.user().empty() && web.url.password().empty());
  if (web.wiki) {
    EXPECT_TRUE(web.wiki->same_origin(double_.web()));
  }
  // Behind the address is a repository that git reads.
  const ProcessOutput run = must(run_process({.argv = {"git", "ls-remote", web.url.text()},
                                              .environment = {"PATH=/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM=1"},
                                              .directory = {}},
                                             "", 10'000, Patience{}, {}));
  EXPECT_THAT(run.output, HasSubstr("refs/heads/main")) << run.exit.stderr_text;
}

TEST_P(HostConformance, MakesPrivateOnesUnlessTold) {
  const HostedRepository made = must(host().create({.name = "app/new", .description = "größe \"x\""}, {}));
  EXPECT_EQ(made.name, "app/new");
  EXPECT_EQ(made.visibility, Visibility::Private);
  EXPECT_EQ(made.url.text(), listed("app/new").url.text());
  EXPECT_EQ(made.id, listed("app/new").id);
  EXPECT_EQ(must(host().create({.name = "app/shown", .visibility = Visibility::Public}, {})).visibility,
            Visibility::Public);
  EXPECT_FAILS(host().create({.name = "app/new"}, {}), ErrorKind::Conflict, "make 'app/new'");
}

TEST_P(HostConformance, RefusesToMakeWhatTheForgeCannot) {
  EXPECT_FAILS(host().create({.name = "nowhere/x"}, {}), ErrorKind::NotFound, "");
  EXPECT_FAILS(host().create({.name = "app/x", .tags = {{"a", "b"}}}, {}), ErrorKind::Unsupported, "tags");
  EXPECT_FAILS(host().create({.name = "app/x", .description = "a\nb"}, {}), ErrorKind::Invalid, "description");
  EXPECT_FAILS(host().create({.name = "app/../x"}, {}), ErrorKind::Invalid, "is no name");
}

TEST_P(HostConformance, SetsTheDefaultBranch) {
  order("commit", R"("name": "app/web", "branch": "trunk")");
  must(host().set_default_branch("app/web", "trunk", {}));
  EXPECT_EQ(must(host().find("app/web", {})).default_branch, "trunk");
  EXPECT_FAILS(host().set_default_branch("app/web", "nothing", {}), ErrorKind::Invalid,
               "make 'nothing' the default branch of 'app/web'");
  EXPECT_FAILS(host().set_default_branch("app/none", "main", {}), ErrorKind::NotFound, "'app/none'");
}

TEST_P(HostConformance, ARefusedTokenIsDeniedWithWhatItNeeds) {
  const auto not_shown = ::testing::Not(HasSubstr("wr0ng"));
  const auto list = host_with("wr0ng-token").list("app", {});
  EXPECT_FAILS(list, ErrorKind::Denied, "HTTP 401");
  EXPECT_THAT(list.error().message(), AllOf(HasSubstr("it needs "), not_shown));
  EXPECT_FAILS(host_with("wr0ng-token").find("app/web", {}), ErrorKind::Denied, "look for 'app/web'");

  const auto create = host_with("reader").create({.name = "app/new"}, {});
  EXPECT_FAILS(create, ErrorKind::Denied, "HTTP 403");
  EXPECT_THAT(create.error().message(), AllOf(HasSubstr("the token may not: it needs "), HasSubstr("make 'app/new'")));
}

TEST_P(HostConformance, ATokenThatExpiresInMidListIsRenewed) {
  fault("expire", R"("page": 2, "times": 1)");
  EXPECT_THAT(names_of(must(host().list("app", {}))), ElementsAreArray(world("app/")));
}

TEST_P(HostConformance, ATokenThatExpiresForGoodEndsTheList) {
  fault("expire", R"("page": 2)");
  EXPECT_FAILS(host().list("app", {}), ErrorKind::Denied, "HTTP 401");
}

TEST_P(HostConformance, APageThatFailsOnceIsAskedForAgain) {
  fault("status", R"("status": 500, "page": 2, "times": 1)");
  EXPECT_EQ(wrong_with_list("app"), "");
  EXPECT_GE(waited(), Milliseconds(500));
}

TEST_P(HostConformance, APageThatFailsIsNoList) {
  fault("status", R"("status": 500, "page": 2)");
  EXPECT_FAILS(host().list("app", {}), ErrorKind::Unavailable, "HTTP 500");
}

TEST_P(HostConformance, WaitsWhenItIsToldTo) {
  fault("throttle", R"("page": 2, "times": 1)");
  EXPECT_EQ(wrong_with_list("app"), "");
  EXPECT_GE(waited(), Milliseconds(7'000));
  fault("secondary", R"("page": 2, "times": 1)");
  EXPECT_EQ(wrong_with_list("app"), "");
  EXPECT_GE(waited(), Milliseconds(67'000));
}

TEST_P(HostConformance, DoesNotWaitForEver) {
  fault("throttle", R"("page": 2)");
  const auto list = host().list("app", {});
  EXPECT_FAILS(list, ErrorKind::Throttled, "HTTP 429");
  EXPECT_EQ(list.error().retry_after(), Milliseconds(7'000));
}

TEST_P(HostConformance, WhatIsNoJsonIsNoList) {
  fault("malformed", R"("page": 2)");
  EXPECT_FAILS(host().list("app", {}), ErrorKind::Corrupt, "no JSON");
}

TEST_P(HostConformance, ATotalThatIsNotReachedIsNoList) {
  fault("lie", R"("page": 1)");
  if (GetParam().counts_one_owners_list) {
    EXPECT_FAILS(host().list("app", {}), ErrorKind::Unavailable, "by the host's own count");
  } else {
    EXPECT_EQ(wrong_with_list("app"), "");
  }
}

TEST_P(HostConformance, APageTwiceIsNoList) {
  fault("repeat", R"("page": 2)");
  EXPECT_FAILS(host().list("app", {}), ErrorKind::Corrupt, "a page twice");
}

TEST_P(HostConformance, AListThatLeadsBackEnds) {
  fault("loop", R"("page": 2)");
  EXPECT_FAILS(host().list("app", {}), ErrorKind::Corrupt, "");
}

TEST_P(HostConformance, TheTokenDoesNotTravel) {
  if (!GetParam().names_next_page) return;
  fault("elsewhere", R"("page": 2)");
  const auto list = host().list("app", {});
  EXPECT_FAILS(list, ErrorKind::Corrupt, "at http://localhost:");
  const std::size_t asked = requests();
  EXPECT_FAILS(host().list("app", {}), ErrorKind::Corrupt, "no token of http://127.0.0.1:");
  EXPECT_LE(requests() - asked, asked);
}

TEST_P(HostConformance, StopsWhenAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FAILS(host().list("app", stop.get_token()), ErrorKind::Cancelled, "");
}

// Planted: the suite itself has to notice a list that lacks one.
TEST_P(HostConformance, AListThatLacksOneIsNoticed) {
  EXPECT_EQ(wrong_with_list("app"), "");
  fault("omit", R"("page": 2)");
  EXPECT_NE(wrong_with_list("app"), "");
  if (GetParam().counts_one_owners_list) {
    EXPECT_FAILS(host().list("app", {}), ErrorKind::Unavailable, "by the host's own count");
  }
}

INSTANTIATE_TEST_SUITE_P(Forges, HostConformance, ::testing::ValuesIn(kForges),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace packferry
