#include "host/codecommit_host.h"

#include <gmock/gmock.h>

#include "testing/must.h"
#include "testing/scripted_server.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::must;
using testing::ok;
using testing::request;
using testing::say;
using testing::ScriptedServer;

std::string refusal_with(std::string_view code) {
  const std::string body = fmt::format(R"({{"__type": "{}", "message": "its words"}})", code);
  return fmt::format("HTTP/1.1 400 no\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
}

const std::string kIdentity =
    ok("<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult>"
       "</GetCallerIdentityResponse>");

class CodeCommitHostTest : public ::testing::Test {
 protected:
  // What API and STS answer, in this order, on one connection.
  CodeCommitHost& host(const std::vector<std::string>& answers, const std::string& profile = "") {
    testing::Script script;
    for (const std::string& answer : answers) script.insert(script.end(), {request(), say(answer)});
    server_ = std::make_unique<ScriptedServer>(std::vector<testing::Script>{script});
    const Url endpoint = must(Url::parse(server_->url("/")));
    host_ = std::make_unique<CodeCommitHost>("eu-central-1", endpoint, profile,
                                             must(Sts::at("eu-central-1", server_->url("/"), caller_)), keys_, caller_);
    return *host_;
  }
  std::string received() const { return server_->received(0); }

  FakeClock clock_;
  HttpClient http_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}}};
  AwsCaller caller_{http_, clock_};
  FixedAwsCredentials keys_{
      {.access_key_id = "AKIA", .secret_access_key = Secret("s"), .session_token = {}, .expires_at = {}}};
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<CodeCommitHost> host_;
};

TEST_F(CodeCommitHostTest, ListsAllPagesSortedByName) {
  CodeCommitHost& codecommit = host(
      {ok(R"({"repositories": [{"repositoryName": "web", "repositoryId": "4f1c"}], "nextToken": "n/1=="})"),
       ok(R"({"repositories": [{"repositoryName": "App"}, {"repositoryName": "-x.y_z"}]})"), kIdentity,
       ok(R"({"repositories": [{"repositoryName": "web", "defaultBranch": "trunk"}, {"repositoryName": "other"}]})")},
      "west");
  EXPECT_EQ(codecommit.name(), "codecommit eu-central-1");
  const std::vector<HostedRepository> all = must(codecommit.list("", {}));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].name, "-x.y_z");
  EXPECT_EQ(all[1].name, "App");
  EXPECT_EQ(all[2].name, "web");
  EXPECT_EQ(all[2].id, "4f1c");
  EXPECT_EQ(all[2].account, "111122223333");
  EXPECT_EQ(all[2].region, "eu-central-1");
  EXPECT_EQ(all[2].default_branch, "trunk");
  EXPECT_EQ(all[1].default_branch, "");
  EXPECT_EQ(all[2].url.text(), "codecommit::eu-central-1://west@web");
  EXPECT_THAT(received(), AllOf(HasSubstr("X-Amz-Target: CodeCommit_20150413.ListRepositories\r\n"),
                                HasSubstr("\r\n\r\n{}"), HasSubstr(R"({"nextToken":"n/1=="})")));
}

TEST_F(CodeCommitHostTest, AsksForTheAccountOnce) {
  const std::string page = ok(R"({"repositories": [{"repositoryName": "web"}]})");
  const std::string nothing = ok(R"({"repositories": []})");
  CodeCommitHost& codecommit = host({nothing, page, kIdentity, nothing, page, nothing});
  EXPECT_TRUE(must(codecommit.list("", {})).empty());
  EXPECT_EQ(must(codecommit.list("", {})).front().account, "111122223333");
  EXPECT_EQ(must(codecommit.list("", {})).front().url.text(), "codecommit::eu-central-1://web");
}

TEST_F(CodeCommitHostTest, AListWithoutTheRightToDescribeIsAListAllTheSame) {
  const std::string page = ok(R"({"repositories": [{"repositoryName": "web"}]})");
  const std::vector<HostedRepository> all =
      must(host({page, kIdentity, refusal_with("AccessDeniedException")}).list("", {}));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].default_branch, "");
  EXPECT_FAILS(host({page, kIdentity, ok("[]")}).list("", {}), ErrorKind::Corrupt, "something else than descriptions");
}

TEST_F(CodeCommitHostTest, HalfAListIsAnError) {
  const std::string first = ok(R"({"repositories": [{"repositoryName": "web"}], "nextToken": "n"})");
  EXPECT_FAILS(host({first, refusal_with("AccessDeniedException")}).list("", {}), ErrorKind::Denied,
               "ListRepositories of codecommit eu-central-1: AccessDeniedException: its words");
  EXPECT_FAILS(host({first, first}).list("", {}), ErrorKind::Corrupt, "a page twice");
  const std::string empty = ok(R"({"repositories": [], "nextToken": "n"})");
  EXPECT_FAILS(host({empty, empty}).list("", {}), ErrorKind::Corrupt, "leads back to itself");
  EXPECT_FAILS(host({ok("[]")}).list("", {}), ErrorKind::Corrupt, "something else than a list");
  EXPECT_FAILS(host({ok("{")}).list("", {}), ErrorKind::Corrupt, "something else than a list");
  EXPECT_FAILS(host({ok(R"({"repositories": [{"repositoryName": "../x"}]})")}).list("", {}), ErrorKind::Corrupt,
               "a repository named '../x'");
  EXPECT_FAILS(host({ok(R"({"repositories": ["web"]})")}).list("", {}), ErrorKind::Corrupt, "a repository named ''");
}

TEST_F(CodeCommitHostTest, CreatesWithDescriptionAndTags) {
  CodeCommitHost& codecommit =
      host({ok(R"({"repositoryMetadata": {"accountId": "111122223333", "repositoryName": "web"}})")});
  const HostedRepository made =
      must(codecommit.create({.name = "web", .description = "größe \"x\"", .tags = {{"team", "a b"}}}, {}));
  EXPECT_EQ(made.account, "111122223333");
  EXPECT_EQ(made.url.text(), "codecommit::eu-central-1://web");
  EXPECT_THAT(received(), AllOf(HasSubstr("CodeCommit_20150413.CreateRepository\r\n"),
                                HasSubstr(R"("repositoryDescription":"größe \"x\"")"),
                                HasSubstr(R"("tags":{"team":"a b"})"), HasSubstr(R"("repositoryName":"web")")));
  host({ok(R"({"repositoryMetadata": {"repositoryName": "web"}})")});
  must(host_->create({.name = "web"}, {}));
  EXPECT_THAT(received(), HasSubstr("\r\n\r\n{\"repositoryName\":\"web\"}"));
}

TEST_F(CodeCommitHostTest, RefusalsToCreateSayWhatToDo) {
  const auto refused = [this](std::string_view code) { return host({refusal_with(code)}).create({.name = "web"}, {}); };
  EXPECT_FAILS(refused("RepositoryNameExistsException"), ErrorKind::Conflict, "codecommit::eu-central-1://web: ");
  EXPECT_FAILS(refused("OperationNotAllowedException"), ErrorKind::Denied, "ask AWS Support");
  EXPECT_FAILS(refused("RepositoryLimitExceededException"), ErrorKind::Exhausted, "raise the quota");
  EXPECT_FAILS(refused("EncryptionKeyAccessDeniedException"), ErrorKind::Denied, "the key's policy");
  EXPECT_FAILS(host({ok("{}")}).create({.name = "web"}, {}), ErrorKind::Corrupt, "another repository");
}

TEST_F(CodeCommitHostTest, WhatTheHostWouldRefuseIsRefusedHere) {
  const auto refused = [this](const NewRepository& wanted) { return host({}).create(wanted, {}); };
  EXPECT_FAILS(refused({.name = "web.git"}), ErrorKind::Invalid, "ends in '.git'");
  EXPECT_FAILS(refused({.name = std::string(101, 'x')}), ErrorKind::Invalid, "100 characters");
  EXPECT_FAILS(refused({.name = "web", .description = std::string(1'001, 'x')}), ErrorKind::Invalid, "1000 characters");
  EXPECT_FAILS(refused({.name = "web", .description = "a\nb"}), ErrorKind::Invalid, "control characters");
  EXPECT_FAILS(refused({.name = "web", .tags = {{"aws:x", "y"}}}), ErrorKind::Invalid, "'aws:x' is no key");
  EXPECT_FAILS(refused({.name = "web", .tags = {{"", "y"}}}), ErrorKind::Invalid, "'' is no key");
  EXPECT_FAILS(refused({.name = "web", .tags = {{"x", std::string(257, 'y')}}}), ErrorKind::Invalid, "256 characters");
  EXPECT_FAILS(refused({.name = "web", .visibility = Visibility::Public}), ErrorKind::Unsupported, "policies of IAM");
  EXPECT_FAILS(refused({.name = "web", .format = ObjectFormat::Sha256}), ErrorKind::Unsupported, "of sha256");
  NewRepository many{.name = "web"};
  for (int i = 0; i < 51; ++i) many.tags.emplace(std::to_string(i), "");
  EXPECT_FAILS(refused(many), ErrorKind::Invalid, "50 tags at most");
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(CodeCommitHostTest, FindsOne) {
  const HostedRepository found = must(
      host({ok(R"({"repositoryMetadata": {"accountId": "111122223333", "repositoryName": "web"}})")}).find("web", {}));
  EXPECT_EQ(found.account, "111122223333");
  EXPECT_EQ(found.url.text(), "codecommit::eu-central-1://web");
  EXPECT_THAT(received(), HasSubstr("CodeCommit_20150413.GetRepository\r\n"));
  EXPECT_FAILS(host({refusal_with("RepositoryDoesNotExistException")}).find("web", {}), ErrorKind::NotFound,
               "codecommit::eu-central-1://web: GetRepository");
  EXPECT_FAILS(host({ok(R"({"repositoryMetadata": {"repositoryName": "Web"}})")}).find("web", {}), ErrorKind::Corrupt,
               "another repository");
}

TEST_F(CodeCommitHostTest, SetsTheDefaultBranch) {
  must(host({ok("")}).set_default_branch("web", "main", {}));
  EXPECT_THAT(received(), AllOf(HasSubstr("CodeCommit_20150413.UpdateDefaultBranch\r\n"),
                                HasSubstr(R"({"defaultBranchName":"main","repositoryName":"web"})")));
  EXPECT_FAILS(host({refusal_with("BranchDoesNotExistException")}).set_default_branch("web", "main", {}),
               ErrorKind::Invalid, "codecommit::eu-central-1://web: UpdateDefaultBranch");
}

}  // namespace
}  // namespace packferry
