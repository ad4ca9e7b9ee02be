#include "service/webhook.h"

#include <gmock/gmock.h>

#include "base/digest.h"
#include "base/printable.h"
#include "io/stream.h"
#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::ElementsAre;
using testing::must;

constexpr Clock::WallTime kNow{std::chrono::seconds(1'767'323'045)};
const std::string kSecret = "It's a Secret to Everybody";
const std::string kSigningKey = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

std::string hmac_hex(std::string_view body, std::string_view secret = kSecret) {
  return to_hex(hmac_sha256(as_bytes(secret), as_bytes(body)));
}

ReceivedRequest post(std::string body, std::vector<HttpHeader> headers) {
  ReceivedRequest request;
  request.method = "POST";
  request.headers = std::move(headers);
  request.body = std::move(body);
  return request;
}

std::vector<Secret> secrets(std::initializer_list<std::string> texts) {
  std::vector<Secret> all;
  for (const std::string& text : texts) all.emplace_back(text);
  return all;
}

Result<Webhook> read(WebhookKind kind, const ReceivedRequest& request, const std::string& secret = kSecret) {
  return read_webhook(kind, request, secrets({secret}), kNow);
}

// What each kind of host posts for a push to app/web, authenticated with kSecret.
const std::string kGitLabBody = R"({"object_kind": "push", "event_name": "push", "ref": "refs/heads/main",
  "project_id": 15, "project": {"id": 15, "path_with_namespace": "App/web", "default_branch": "main",
  "git_http_url": "https://gitlab.example.com/App/web.git", "git_ssh_url": "git@gitlab.example.com:App/web.git"}})";
const std::string kGitHubBody = R"({"ref": "refs/heads/main", "repository": {"id": 35129377, "name": "web",
  "full_name": "app/web", "pushed_at": 1430869228, "clone_url": "https://github.com/app/web.git",
  "ssh_url": "git@github.com:app/web.git"}})";
const std::string kBitbucketBody = R"({"push": {"changes": []}, "repository": {"full_name": "app/web",
  "uuid": "{b2c3}"}, "actor": {}})";
const std::string kBitbucketServerBody = R"({"eventKey": "repo:refs_changed", "date": "2026-01-02T03:04:05+0000",
  "repository": {"slug": "web", "id": 84, "project": {"key": "APP"}}, "changes": []})";
const std::string kGenericBody = R"({"repository": "app/web"})";

ReceivedRequest pushed(WebhookKind kind) {
  switch (kind) {
    case WebhookKind::GitLab:
      return post(kGitLabBody,
                  {{"x-gitlab-event", "Push Hook"}, {"x-gitlab-token", kSecret}, {"x-gitlab-event-uuid", "u1"}});
    case WebhookKind::GitHub:
      return post(kGitHubBody, {{"x-github-event", "push"},
                                {"x-github-delivery", "d1"},
                                {"x-hub-signature-256", "sha256=" + hmac_hex(kGitHubBody)}});
    case WebhookKind::Gitea:
      return post(kGitHubBody, {{"x-gitea-event", "push"},
                                {"x-gitea-delivery", "d1"},
                                {"x-gitea-signature", hmac_hex(kGitHubBody)},
                                {"x-github-event", "push"}});
    case WebhookKind::Bitbucket:
      return post(kBitbucketBody, {{"x-event-key", "repo:push"},
                                   {"x-request-uuid", "r1"},
                                   {"x-hub-signature", "sha256=" + hmac_hex(kBitbucketBody)}});
    case WebhookKind::BitbucketServer:
      return post(kBitbucketServerBody, {{"x-event-key", "repo:refs_changed"},
                                         {"x-request-id", "r1"},
                                         {"x-hub-signature", "sha256=" + hmac_hex(kBitbucketServerBody)}});
    case WebhookKind::Generic:
      return post(kGenericBody, {{"authorization", "Bearer " + kSecret}});
  }
  return {};
}

constexpr WebhookKind kKinds[] = {WebhookKind::GitLab,    WebhookKind::GitHub,          WebhookKind::Gitea,
                                  WebhookKind::Bitbucket, WebhookKind::BitbucketServer, WebhookKind::Generic};

class EveryWebhookTest : public ::testing::TestWithParam<WebhookKind> {
 protected:
  Result<Webhook> read(const ReceivedRequest& request) const { return packferry::read(GetParam(), request); }
};

INSTANTIATE_TEST_SUITE_P(Webhook, EveryWebhookTest, ::testing::ValuesIn(kKinds), [](const auto& tested) {
  std::string name(to_string(tested.param));
  std::erase(name, '-');
  return name;
});

TEST_P(EveryWebhookTest, SaysWhichRepositoryToLookAt) {
  const Webhook webhook = must(read(pushed(GetParam())));
  EXPECT_TRUE(webhook.wants_a_look);
  EXPECT_TRUE(speaks_of(webhook, must(Url::parse("ssh://git@any.example.com/app/web.git"))));
  EXPECT_TRUE(speaks_of(webhook, must(Url::parse("git@any.example.com:App/web"))));
  EXPECT_FALSE(speaks_of(webhook, must(Url::parse("https://any.example.com/app/web2.git"))));
  EXPECT_EQ(webhook.message_id.empty(), GetParam() == WebhookKind::Generic);
}

TEST_P(EveryWebhookTest, IsDeniedWithoutAProofOrWithAnother) {
  const ReceivedRequest good = pushed(GetParam());
  const auto denied = [this](const ReceivedRequest& request) {
    EXPECT_FAILS(read(request), ErrorKind::Denied, "not authenticated");
  };
  for (std::size_t i = 0; i < good.headers.size(); ++i) {
    const std::string& name = good.headers[i].name;
    if (name.find("token") == std::string::npos && name.find("signature") == std::string::npos &&
        name != "authorization")
      continue;
    ReceivedRequest request = good;
    request.headers.erase(request.headers.begin() + static_cast<std::ptrdiff_t>(i));
    denied(request);
    request = good;
    request.headers.push_back(good.headers[i]);  // twice: which one?
    denied(request);
    for (const std::string& value :
         {std::string(), std::string("sha256="), good.headers[i].value + "0", good.headers[i].value.substr(1),
          "sha256=" + hmac_hex(good.body, "another secret"), hmac_hex(good.body, ""), "sha1=" + hmac_hex(good.body)}) {
      request = good;
      request.headers[i].value = value;
      denied(request);
    }
  }
  EXPECT_FAILS(read_webhook(GetParam(), good, {}, kNow), ErrorKind::Denied, "no secret is configured");
  EXPECT_FAILS(read_webhook(GetParam(), good, secrets({""}), kNow), ErrorKind::Denied, "not authenticated");
  EXPECT_FAILS(read_webhook(GetParam(), good, secrets({"another"}), kNow), ErrorKind::Denied, "not authenticated");
  must(read_webhook(GetParam(), good, secrets({"another", kSecret}), kNow));  // while it is changed
}

TEST_P(EveryWebhookTest, CannotBeChangedWhereTheBodyIsSigned) {
  const bool only_a_token = GetParam() == WebhookKind::GitLab || GetParam() == WebhookKind::Generic;
  const ReceivedRequest good = pushed(GetParam());
  const std::string fingerprint = must(read(good)).fingerprint;
  ReceivedRequest request = good;
  for (std::size_t i = 0; i < good.body.size(); ++i) {
    request.body[i] ^= 1;
    const Result<Webhook> read_again = read(request);
    EXPECT_TRUE(only_a_token || !read_again) << i;
    if (read_again) {
      EXPECT_NE(read_again->fingerprint, fingerprint);
    }
    request.body[i] ^= 1;
  }
  // What is not signed may be changed, and does not make it another message.
  for (HttpHeader& header : request.headers)
    if (header.name.find("delivery") != std::string::npos || header.name.starts_with("x-request")) header.value = "new";
  EXPECT_EQ(must(read(request)).fingerprint, fingerprint);
}

TEST_P(EveryWebhookTest, IsInvalidWhenItIsAuthenticAndMakesNoSense) {
  for (const char* body : {"", "{", "[]", "null", "\"push\"", "\xFF", "{}"}) {
    ReceivedRequest request = pushed(GetParam());
    request.body = body;
    for (HttpHeader& header : request.headers) {
      if (header.name == "x-gitea-signature") header.value = hmac_hex(body);
      if (header.name.starts_with("x-hub-signature")) header.value = "sha256=" + hmac_hex(body);
    }
    EXPECT_FAILS(read(request), ErrorKind::Invalid, "the webhook ");
  }
}

TEST(Webhook, HasTheVectorsOfTheHosts) {
  // GitHub, "Validating webhook deliveries".
  EXPECT_FAILS(
      read(WebhookKind::GitHub,
           post("Hello, World!",
                {{"x-github-event", "push"},
                 {"x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}})),
      ErrorKind::Invalid, "no JSON object");
  // Gitea signs with HMAC and writes it without a prefix; this was computed with `openssl dgst -hmac`.
  EXPECT_FAILS(read(WebhookKind::Gitea,
                    post(R"({"ref":"refs/heads/main"})",
                         {{"x-gitea-event", "push"},
                          {"x-gitea-signature", "232a5e067b6a5aa567ed5a1d21a0dffaf6ef0eeecb6bd9bcf43b3d5ef3fc4f43"}}),
                    "s3cret"),
               ErrorKind::Invalid, "names no repository");
  // A signing token of GitLab.
  EXPECT_FAILS(read(WebhookKind::GitLab,
                    post(R"({"object_kind":"push"})",
                         {{"webhook-id", "msg-1"},
                          {"webhook-timestamp", "1767323045"},
                          {"webhook-signature", "v1,03ybj+HPnK85HoUeIOoijggvA/fUp+jR6fTAx1BlHcI="}}),
                    kSigningKey),
               ErrorKind::Invalid, "names no repository");
}

class SignedWebhookTest : public ::testing::Test {
 protected:
  static ReceivedRequest signed_at(const std::string& timestamp, const std::string& body = kGitLabBody,
                                   const std::string& id = "msg-1") {
    const std::string text = id + "." + timestamp + "." + body;
    const std::string signature = to_base64(hmac_sha256(as_bytes("0123456789abcdef0123456789abcdef"), as_bytes(text)));
    return post(body, {{"webhook-id", id}, {"webhook-timestamp", timestamp}, {"webhook-signature", "v1," + signature}});
  }
  static Result<Webhook> read(const ReceivedRequest& request) {
    return packferry::read(WebhookKind::GitLab, request, kSigningKey);
  }
};

TEST_F(SignedWebhookTest, SaysWhenItWasSent) {
  const Webhook webhook = must(read(signed_at("1767323000")));
  EXPECT_EQ(webhook.sent_at, Clock::WallTime(std::chrono::seconds(1'767'323'000)));
  EXPECT_EQ(webhook.message_id, "msg-1");
  EXPECT_TRUE(webhook.wants_a_look);
  const ReceivedRequest generic = signed_at("1767323000", kGenericBody);
  EXPECT_THAT(must(packferry::read(WebhookKind::Generic, generic, kSigningKey)).places, ElementsAre("app/web"));
}

TEST_F(SignedWebhookTest, IsOfTheLastFiveMinutes) {
  must(read(signed_at("1767322745")));
  must(read(signed_at("1767323345")));
  for (const char* when :
       {"1767322744", "1767323346", "0", "", "-1", "1767323045.5", "99999999999", "17673230451767323045"})
    EXPECT_FAILS(read(signed_at(when)), ErrorKind::Denied, "not authenticated");
}

TEST_F(SignedWebhookTest, HasOneSignatureAtLeastThatFits) {
  ReceivedRequest request = signed_at("1767323045");
  std::string& signatures = request.headers[2].value;
  const std::string good = signatures;
  signatures = "v1a,xx v1,AAAA " + good + " v2,nonsense";
  must(read(request));
  for (const std::string& bad : {std::string(), std::string("v1,"), std::string("v1,AAAA"), good.substr(3),
                                 "v2" + good.substr(2), "v1," + good, std::string("     "), std::string(", , ,")}) {
    signatures = bad;
    EXPECT_FAILS(read(request), ErrorKind::Denied, "not authenticated");
  }
  signatures = good;
  for (HttpHeader& header : request.headers) {
    const std::string value = std::exchange(header.value, header.value + "0");
    EXPECT_FAILS(read(request), ErrorKind::Denied, "not authenticated");
    header.value = value;
  }
}

TEST_F(SignedWebhookTest, TheSecretDecidesWhatIsAskedForAndNotTheRequest) {
  ReceivedRequest request = signed_at("1767323045");
  request.headers[2].value = "v1,AAAA";
  request.headers.push_back({"x-gitlab-token", kSigningKey});
  EXPECT_FAILS(read(request), ErrorKind::Denied, "not authenticated");
}

TEST(Webhook, IsFromHostsThatHaveSeveralNamesForAPlace) {
  EXPECT_THAT(must(read(WebhookKind::GitLab, pushed(WebhookKind::GitLab))).places, ElementsAre("app/web"));
  EXPECT_THAT(must(read(WebhookKind::BitbucketServer, pushed(WebhookKind::BitbucketServer))).places,
              ElementsAre("app/web", "scm/app/web"));
  const auto gitlab = [](const char* body) {
    return must(
        read(WebhookKind::GitLab, post(body, {{"x-gitlab-event", "System Hook"}, {"x-gitlab-token", kSecret}})));
  };
  const Webhook renamed = gitlab(R"({"event_name": "project_rename", "path_with_namespace": "app/site",
    "old_path_with_namespace": "app/web"})");
  EXPECT_TRUE(renamed.wants_a_look);
  EXPECT_THAT(renamed.places, ElementsAre("app/site", "app/web"));
  const Webhook updated = gitlab(R"({"event_name": "repository_update", "refs": ["refs/heads/main"],
    "project": {"path_with_namespace": "app/web", "git_http_url": "https://h/gitlab/app/web.git"}})");
  EXPECT_THAT(updated.places, ElementsAre("app/web", "gitlab/app/web"));
  const Webhook wiki = gitlab(R"({"object_kind": "wiki_page", "project": {"path_with_namespace": "app/web"}})");
  EXPECT_THAT(wiki.places, ElementsAre("app/web.wiki"));
  EXPECT_EQ(wiki.places[0], place_of(must(Url::parse("https://h/app/web.wiki.git"))));
}

TEST(Webhook, IsThankedForAndNothingElseWhenNothingWasPushed) {
  const struct {
    WebhookKind kind;
    const char* header;
    const char* event;
  } cases[] = {
      {WebhookKind::GitHub, "x-github-event", "ping"},
      {WebhookKind::GitHub, "x-github-event", "issue_comment"},
      {WebhookKind::GitHub, "x-github-event", "pull_request"},
      {WebhookKind::Gitea, "x-gitea-event", "issues"},
      {WebhookKind::Bitbucket, "x-event-key", "pullrequest:created"},
      {WebhookKind::BitbucketServer, "x-event-key", "diagnostics:ping"},
      {WebhookKind::BitbucketServer, "x-event-key", "repo:push"},  // the Cloud's
  };
  for (const auto& [kind, name, event] : cases) {
    ReceivedRequest request = pushed(kind);
    for (HttpHeader& header : request.headers)
      if (header.name == name) header.value = event;
    const Webhook webhook = must(read(kind, request));
    EXPECT_FALSE(webhook.wants_a_look) << event;
    EXPECT_EQ(webhook.event, event);
    EXPECT_THAT(webhook.places, ElementsAre());
  }
  const Webhook note =
      must(read(WebhookKind::GitLab, post(R"({"object_kind": "note", "project": {"path_with_namespace": "app/web"}})",
                                          {{"x-gitlab-token", kSecret}})));
  EXPECT_FALSE(note.wants_a_look);
}

TEST(Webhook, MayComeInAForm) {
  const std::string json = R"({"repository":{"full_name":"app/a b+c&d"}})";
  const std::string form = "x=1&payload=%7B%22repository%22%3A%7B%22full_name%22%3A%22app%2Fa+b%2Bc%26d%22%7D%7D&y=2";
  const HttpHeader type{"content-type", "application/x-www-form-urlencoded; charset=utf-8"};
  // GitHub signs the form, Gitea what is in it.
  EXPECT_THAT(
      must(read(WebhookKind::GitHub,
                post(form, {type, {"x-github-event", "push"}, {"x-hub-signature-256", "sha256=" + hmac_hex(form)}})))
          .places,
      ElementsAre("app/a b+c&d"));
  EXPECT_THAT(must(read(WebhookKind::Gitea,
                        post(form, {type, {"x-forgejo-event", "push"}, {"x-forgejo-signature", hmac_hex(json)}})))
                  .places,
              ElementsAre("app/a b+c&d"));
  for (const char* broken : {"", "payload", "payload=", "&&&", "payload=%7", "xpayload=%7B%7D", "payload=%7B%7D%ZZ"})
    EXPECT_FAILS(
        read(WebhookKind::GitHub,
             post(broken, {type, {"x-github-event", "push"}, {"x-hub-signature-256", "sha256=" + hmac_hex(broken)}})),
        ErrorKind::Invalid, "no JSON object");
}

TEST(Webhook, NamesNothingThatCouldNotBeShown) {
  for (const char* name : {"", "/", "app/\\u001b[31mred", "app/\\u202eweb", ".git", "/.git/"}) {
    const std::string body = fmt::format(R"({{"repository": "{}"}})", name);
    EXPECT_FAILS(read(WebhookKind::Generic, post(body, {{"authorization", "Bearer " + kSecret}})), ErrorKind::Invalid,
                 "names no repository");
  }
  const std::string url = R"({"repository": "https://user:password@host.example.com/App/My%20Web.git/"})";
  EXPECT_THAT(must(read(WebhookKind::Generic, post(url, {{"authorization", "Bearer " + kSecret}}))).places,
              ElementsAre("app/my web"));
  for (const char* strange : {"ext::sh -c date", "https://host/../../etc", "javascript:alert(1)//"}) {
    const std::string body = fmt::format(R"({{"repository": "{}"}})", strange);
    const Result<Webhook> webhook = read(WebhookKind::Generic, post(body, {{"authorization", "Bearer " + kSecret}}));
    EXPECT_FALSE(webhook && speaks_of(*webhook, must(Url::parse("https://h/etc"))));
  }
}

TEST(Webhook, WantsASecretThatIsOne) {
  must(check_webhook_secret(Secret(kSecret)));
  must(check_webhook_secret(Secret(kSigningKey)));
  EXPECT_FAILS(check_webhook_secret(Secret("")), ErrorKind::Invalid, "16 characters");
  EXPECT_FAILS(check_webhook_secret(Secret("fifteen letters")), ErrorKind::Invalid, "16 characters");
  EXPECT_FAILS(check_webhook_secret(Secret("whsec_not base64 at all")), ErrorKind::Invalid, "base64");
  EXPECT_FAILS(check_webhook_secret(Secret("whsec_MDEyMw==")), ErrorKind::Invalid, "base64");
}

TEST(Webhook, KindsHaveWords) {
  for (const WebhookKind kind : kKinds) EXPECT_EQ(parse_webhook_kind(to_string(kind)), kind);
  EXPECT_EQ(parse_webhook_kind("forgejo"), WebhookKind::Gitea);
  EXPECT_EQ(parse_webhook_kind("GitLab"), std::nullopt);
}

TEST(ReplayGuard, TakesAMessageOnce) {
  FakeClock clock;
  ReplayGuard guard(std::chrono::minutes(10), 100, clock);
  EXPECT_TRUE(guard.take("a"));
  EXPECT_FALSE(guard.take("a"));
  EXPECT_TRUE(guard.take("b"));
  guard.give_back("a");
  EXPECT_TRUE(guard.take("a"));
  clock.advance(std::chrono::minutes(10) - Milliseconds(1));
  EXPECT_FALSE(guard.take("a"));
  clock.advance(Milliseconds(1));
  EXPECT_TRUE(guard.take("a"));
}

TEST(ReplayGuard, RemembersAsManyAsThereIsRoomFor) {
  FakeClock clock;
  ReplayGuard guard(std::chrono::minutes(10), 3, clock);
  for (const char* message : {"1", "2", "3", "4"}) EXPECT_TRUE(guard.take(message));
  EXPECT_FALSE(guard.take("4"));
  EXPECT_TRUE(guard.take("1"));  // the oldest one was forgotten
}

const std::string kEvent = R"({"version":"0","id":"5f0c2c1e-0000-4000-8000-000000000001",
 "detail-type":"CodeCommit Repository State Change","source":"aws.codecommit",
 "account":"111122223333","time":"2026-01-02T03:04:05Z","region":"eu-central-1",
 "resources":["arn:aws:codecommit:eu-central-1:111122223333:billing"],
 "detail":{"event":"referenceUpdated","repositoryName":"billing","repositoryId":"0f1e2d3c-0000-4000-8000-00000000abcd",
 "referenceType":"branch","referenceName":"feat/x","referenceFullName":"refs/heads/feat/x",
 "commitId":"1111111111111111111111111111111111111111","oldCommitId":"2222222222222222222222222222222222222222"}})";

std::string event_with(std::string_view old_text, std::string_view new_text) {
  std::string event = kEvent;
  event.replace(event.find(old_text), old_text.size(), new_text);
  return event;
}

TEST(CodeCommitEvent, SaysWhichRepositoryOfWhichAccountChanged) {
  const CodeCommitEvent event = must(read_codecommit_event(kEvent));
  EXPECT_TRUE(event.wants_a_look);
  EXPECT_EQ(event.event, "referenceUpdated");
  EXPECT_EQ(event.message_id, "5f0c2c1e-0000-4000-8000-000000000001");
  EXPECT_EQ(event.sent_at, from_iso8601("2026-01-02T03:04:05Z"));
  EXPECT_EQ(event.account, "111122223333");
  EXPECT_EQ(event.region, "eu-central-1");
  EXPECT_EQ(event.repository, "billing");
  // As a rule for notifications spells it.
  EXPECT_TRUE(must(read_codecommit_event(event_with("detail-type", "detailType"))).wants_a_look);
}

TEST(CodeCommitEvent, OtherChangesAreNothingToDo) {
  EXPECT_FALSE(
      must(read_codecommit_event(event_with("referenceUpdated", "unreferencedMergeCommitCreated"))).wants_a_look);
  EXPECT_FALSE(must(read_codecommit_event(event_with("Repository State", "Comment on Commit"))).wants_a_look);
}

TEST(CodeCommitEvent, IsWholeAndDoesNotContradictItself) {
  const struct {
    const char *old_text, *new_text;
  } cases[] = {
      {"aws.codecommit", "aws.s3"},
      {"\"111122223333\"", "\"1111\""},
      {"\"111122223333\"", "111122223333"},
      {"\"eu-central-1\"", "\"mars\""},
      {"\"billing\"", "\"../etc\""},
      {"\"billing\"", "\"other\""},
      {":billing", ":other"},
      {"aws:codecommit", "aws:s3"},
      {"\"resources\":[", "\"resources\":[1,"},
      {"\"resources\"", "\"resourced\""},
      {"5f0c2c1e-0000-4000-8000-000000000001", ""},
  };
  for (const auto& [old_text, new_text] : cases) {
    if (std::string_view(new_text).ends_with("[1,")) {
      must(read_codecommit_event(event_with(old_text, new_text)));
    } else {
      EXPECT_FAILS(read_codecommit_event(event_with(old_text, new_text)), ErrorKind::Invalid, "the ");
    }
  }
  for (const char* text : {"", "{", "[]", "null", "{}", "\"aws.codecommit\""})
    EXPECT_FAILS(read_codecommit_event(text), ErrorKind::Invalid, "no event of CodeCommit");
}

}  // namespace
}  // namespace packferry
