#include "host/github_app.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "testing/must.h"
#include "testing/scripted_server.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::must;
using testing::ok;
using testing::request;
using testing::say;
using testing::ScriptedServer;

// That GitHub would take what is signed is shown against a double that verifies it: tests/hosts/.
class GitHubAppTest : public ::testing::Test {
 protected:
  GitHubAppToken& app(const std::vector<std::string>& answers, const std::string& installation = "7") {
    testing::Script script;
    for (const std::string& answer : answers) script.insert(script.end(), {request(), say(answer)});
    server_ = std::make_unique<ScriptedServer>(std::vector<testing::Script>{script});
    app_ = std::make_unique<GitHubAppToken>(
        GitHubApp{.id = "4711", .installation = installation, .key = must(RsaKey::parse(key()))},
        must(Url::parse(server_->url("/api/v3"))), http_, clock_);
    return *app_;
  }
  static std::string key() {
    static const std::string pem = [] {
      const testing::TempDir directory;
      const std::string at = (directory / "key.pem").string();
      EXPECT_EQ(std::system(("openssl genrsa -out '" + at + "' 2048 2>/dev/null").c_str()), 0);
      std::ifstream file(at);
      return std::string(std::istreambuf_iterator<char>(file), {});
    }();
    return pem;
  }
  std::string token() { return must(app_->get({}))->password.reveal(); }
  static std::string minted(std::string_view token, std::string_view expires = "2023-11-14T23:13:20Z") {
    return ok(fmt::format(R"({{"token": "{}", "expires_at": "{}"}})", token, expires));
  }

  FakeClock clock_;  // 2023-11-14T22:13:20Z
  HttpClient http_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}}};
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<GitHubAppToken> app_;
};

TEST_F(GitHubAppTest, AsksForATokenAndKeepsItForFiftyMinutes) {
  app({minted("ghs_1"), minted("ghs_2")});
  EXPECT_EQ(token(), "ghs_1");
  EXPECT_THAT(server_->received(0), AllOf(HasSubstr("POST /api/v3/app/installations/7/access_tokens HTTP/1.1\r\n"),
                                          HasSubstr("Authorization: Bearer eyJ")));
  clock_.advance(std::chrono::minutes(49));
  EXPECT_EQ(token(), "ghs_1");
  clock_.advance(std::chrono::minutes(1));
  EXPECT_EQ(token(), "ghs_2");
}

TEST_F(GitHubAppTest, IsForGitAsWell) {
  const Credentials credentials = must(app({minted("ghs_1")}).get({})).value();
  EXPECT_EQ(credentials.username, "x-access-token");
  EXPECT_TRUE(credentials.bearer);
}

TEST_F(GitHubAppTest, ARefusedTokenIsNotGivenAgain) {
  app({minted("ghs_1"), minted("ghs_2")});
  const Credentials first = must(app_->get({})).value();
  EXPECT_TRUE(app_->refused(first));
  EXPECT_EQ(token(), "ghs_2");
  EXPECT_TRUE(app_->refused(first));  // somebody else, who is late
  EXPECT_EQ(token(), "ghs_2");
}

TEST_F(GitHubAppTest, FindsItsOnlyInstallation) {
  app({ok(R"([{"id": 99}])"), minted("ghs_1")}, "");
  EXPECT_EQ(token(), "ghs_1");
  EXPECT_THAT(server_->received(0), HasSubstr("/app/installations/99/access_tokens"));
  EXPECT_FAILS(app({ok(R"([{"id": 99}, {"id": 100}])")}, "").get({}), ErrorKind::Invalid, "say which");
  EXPECT_FAILS(app({ok("[]")}, "").get({}), ErrorKind::Denied, "installed nowhere");
  EXPECT_FAILS(app({ok("{}")}, "").get({}), ErrorKind::Corrupt, "something else than a list");
}

TEST_F(GitHubAppTest, FailsWithoutASecretInItsWords) {
  const std::string refusal = "HTTP/1.1 401 no\r\nContent-Length: 29\r\n\r\n{\"message\": \"Bad credentials\"}";
  const auto failed = app({refusal}).get({});
  EXPECT_FAILS(failed, ErrorKind::Denied, "github app 4711: ask for a token of installation 7: HTTP 401");
  EXPECT_THAT(failed.error().message(), AllOf(HasSubstr("to be signed with a key of this App"), Not(HasSubstr("eyJ"))));
  EXPECT_FAILS(app({ok("{}")}).get({}), ErrorKind::Corrupt, "there is none in the answer");
  EXPECT_FAILS(app({ok(R"({"token": "a\nb"})")}).get({}), ErrorKind::Corrupt, "there is none in the answer");
  EXPECT_FAILS(app({}, "../x").get({}), ErrorKind::Invalid, "an installation is a number");
}

}  // namespace
}  // namespace packferry
