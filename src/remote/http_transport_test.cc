#include "remote/http_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "remote/ancestry.h"
#include "remote/remote.h"
#include "testing/git_http_server.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"
#include "testing/scripted_transport.h"

namespace packferry {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::GitHttpRequest;
using testing::GitHttpServer;
using testing::GitSandbox;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::must;
using ::testing::Not;
using testing::pkt;
using testing::refusal;

RefName name(std::string_view text) { return must(RefName::parse(text)); }
Oid oid(std::string_view hex) { return must(Oid::parse(hex)); }

// Knows one password, found only by asking; remembers what became of it.
class AskedCredentials final : public CredentialSource {
 public:
  explicit AskedCredentials(std::string password) : password_(std::move(password)) {}
  std::optional<Credentials> up_front(const Url&) override { return std::nullopt; }
  Result<Credentials> ask(const Url&, std::stop_token) override {
    ++asked;
    return Credentials{.username = "ada", .password = Secret(password_)};
  }
  void approved(const Url&, const Credentials&) override { ++approvals; }
  void rejected(const Url&, const Credentials&) override { ++rejections; }

  int asked = 0;
  int approvals = 0;
  int rejections = 0;

 private:
  const std::string password_;
};

// Makes another password for each request, and another kind once it was told that they ran out.
class ShortLivedCredentials final : public CredentialSource {
 public:
  std::optional<Credentials> up_front(const Url&) override { return std::nullopt; }
  Result<std::optional<Credentials>> for_request(const Url&, std::optional<Credentials>, std::stop_token) override {
    return Credentials{.username = "key", .password = Secret(fmt::format("{}-{}", generation, ++made)), .bearer = true};
  }
  Result<Credentials> ask(const Url&, std::stop_token) override { return Error(ErrorKind::NotFound, "no more"); }
  bool may_have_run_out(const Url&, const Credentials&) override { return ++generation, true; }

  int generation = 0;
  int made = 0;
};

// Real git behind a server on loopback.
class HttpTransportTest : public ::testing::Test {
 protected:
  GitSandbox git;
  GitHttpServer server{git};
  HttpClient client{HttpOptions{.user_agent = "packferry-test", .ca_file = {}, .patience = {}}};
  NoCredentials nobody;

  std::unique_ptr<Remote> remote(std::string_view repository, int protocol = 2,
                                 CredentialSource* credentials = nullptr) {
    Url url = must(Url::parse(server.url(repository)));
    return std::make_unique<Remote>(
        make_http_transport(std::move(url), client, credentials != nullptr ? *credentials : nobody), protocol);
  }

  std::string refs_of(std::string_view repository) { return git.git(repository, {"for-each-ref"}); }

  // Everything of `from`, into the empty repository `to`.
  Result<> carry(Remote& from, Remote& to) {
    const Listing offered = TRY(from.list({}, {}));
    const Listing held = TRY(to.list_for_push({}));
    FetchRequest request;
    for (const Ref& ref : offered.refs) request.wants.push_back(ref.oid);
    for (const Ref& ref : held.refs) request.haves.push_back(ref.oid);
    auto pack = TRY(from.fetch(request, nullptr, {}));
    auto push = TRY(to.push({.updates = diff(held.refs, offered.refs, offered.format)}, nullptr, {}));
    TRY(pump(*pack, *push));
    TRY(push->finish());
    for (const RefReport& ref : push->report().refs) EXPECT_TRUE(ref.ok) << ref.reason;
    return {};
  }

  // A commit whose pack is longer than what is buffered.
  void commit_much(std::string_view repository) {
    std::string content(2 * kCountedRequestBytesMax, ' ');
    std::uint64_t state = 1;
    for (char& c : content) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      c = static_cast<char>('0' + (state >> 58));
    }
    git.commit(repository, "main", content);
  }
};

TEST_F(HttpTransportTest, CarriesARepositoryInBothProtocolsAndFormats) {
  for (const std::string& format : {std::string("sha1"), std::string("sha256")}) {
    for (const int protocol : {2, 0}) {
      SCOPED_TRACE(format + ", protocol " + std::to_string(protocol));
      const std::string from = "from-" + format + std::to_string(protocol);
      const std::string to = "to-" + format + std::to_string(protocol);
      git.init(from, format);
      git.init(to, format);
      git.commit(from, "main", "one");
      git.git(from, {"tag", "-a", "-m", "a tag", "v1", "main"});
      const auto source = remote(from, protocol);
      const auto destination = remote(to, protocol);
      must(carry(*source, *destination));
      git.commit(from, "main", "two");
      must(carry(*source, *destination));
      EXPECT_EQ(refs_of(from), refs_of(to));
      EXPECT_EQ(must(destination->list({}, {})).refs, must(source->list({}, {})).refs);
    }
  }
}

TEST_F(HttpTransportTest, AServerWithoutProtocolTwoIsSpokenToInTheOldOne) {
  server.drop_git_protocol();
  git.commit("from", "main", "one");
  git.init("to");
  must(carry(*remote("from"), *remote("to")));
  EXPECT_EQ(refs_of("from"), refs_of("to"));
  EXPECT_EQ(must(remote("from")->list({}, {})).protocol, 0);
}

TEST_F(HttpTransportTest, ARepeatedListIsOneRequest) {
  git.commit("r", "main", "one");
  const auto r = remote("r");
  must(r->list({}, {}));
  git.commit("r", "side", "two");
  EXPECT_EQ(must(r->list({}, {})).refs.size(), 2u);
  EXPECT_EQ(server.count("GET", "/info/refs"), 1u);
  EXPECT_EQ(server.count("POST", "/git-upload-pack"), 2u);
}

TEST_F(HttpTransportTest, RequestsSayWhatTheyAre) {
  git.commit("r", "main", "one");
  must(remote("r")->list({}, {}));
  const GitHttpRequest get = server.requests().at(0);
  EXPECT_EQ(get.query, "service=git-upload-pack");
  EXPECT_EQ(get.header("git-protocol"), "version=2");
  const GitHttpRequest post = server.requests().at(1);
  EXPECT_EQ(post.header("content-type"), "application/x-git-upload-pack-request");
  EXPECT_EQ(post.header("accept"), "application/x-git-upload-pack-result");
  EXPECT_EQ(post.header("git-protocol"), "version=2");
  EXPECT_NE(post.header("content-length"), "");
  EXPECT_EQ(post.header("expect"), "");
}

TEST_F(HttpTransportTest, AnEmptyRepositoryIsAListingLikeAnyOther) {
  git.init("empty", "sha1", "trunk");
  EXPECT_EQ(must(remote("empty")->list({}, {})).head, (Head{name("refs/heads/trunk"), std::nullopt}));
  EXPECT_TRUE(must(remote("empty", 0)->list({}, {})).refs.empty());
  EXPECT_TRUE(must(remote("empty")->list_for_push({})).refs.empty());
}

TEST_F(HttpTransportTest, AShortPushIsCountedAndALongOneChunked) {
  git.commit("from", "main", "one");
  git.init("to");
  must(carry(*remote("from"), *remote("to")));
  EXPECT_FALSE(server.requests().back().is_chunked);

  commit_much("from");
  must(carry(*remote("from"), *remote("to")));
  EXPECT_TRUE(server.requests().back().is_chunked);
  EXPECT_EQ(refs_of("from"), refs_of("to"));
}

TEST_F(HttpTransportTest, ALongFetchRequestIsChunkedToo) {
  const Oid old = oid(git.commit("r", "main", "one"));
  const Oid tip = oid(git.commit("r", "main", "two"));
  std::vector<Oid> haves;
  for (std::size_t i = 1; i <= 30'000; ++i) haves.push_back(oid(fmt::format("{:040x}", i)));
  haves.push_back(old);
  for (const int protocol : {2, 0}) {
    const auto r = remote("r", protocol);
    must(r->list({}, {}));
    auto pack = must(r->fetch({.wants = {tip}, .haves = haves}, nullptr, {}));
    EXPECT_EQ(pack->object_count(), 3u);
    must(read_all(*pack, 1 << 20));
    EXPECT_TRUE(server.requests().back().is_chunked);
  }
}

TEST_F(HttpTransportTest, AHostThatRefusesChunksGetsACountedPushTheNextTime) {
  for (const int status : {411, 501}) {
    const std::string to = "to-" + std::to_string(status);
    commit_much("from");
    git.init(to);
    server.interfere([=](const GitHttpRequest& request) -> std::optional<std::string> {
      if (!request.is_chunked) return std::nullopt;
      return refusal(status);
    });
    const auto destination = remote(to);
    EXPECT_FAILS(carry(*remote("from"), *destination), ErrorKind::Conflict, "length");
    EXPECT_EQ(refs_of(to), "");
    must(carry(*remote("from"), *destination));
    EXPECT_EQ(refs_of("from"), refs_of(to));
  }
}

TEST_F(HttpTransportTest, APushThatIsTooLargeIsRejectedInTheHostsWords) {
  commit_much("from");
  git.init("to");
  server.interfere([](const GitHttpRequest& request) -> std::optional<std::string> {
    if (!request.is_chunked) return std::nullopt;
    return refusal(413, {"Content-Type: text/plain"}, "at most 1 MB, please\n");
  });
  EXPECT_FAILS(carry(*remote("from"), *remote("to")), ErrorKind::Rejected, "'at most 1 MB, please'; the host limits");
}

TEST_F(HttpTransportTest, APushThatIsAbandonedMovesNothingAndLeavesNothing) {
  commit_much("from");
  git.init("to");
  const Oid tip = oid(git.git("from", {"rev-parse", "main"}));
  const auto pack = must(read_all(*must(remote("from")->fetch({.wants = {tip}}, nullptr, {})), 1 << 24));
  for (const std::size_t written : {std::size_t{0}, std::size_t{100}, pack.size() - 1000, pack.size()}) {
    {
      auto push = must(remote("to")->push({.updates = {{name("refs/heads/main"), Oid(), tip}}}, nullptr, {}));
      if (written > 0) must(push->write(std::span(pack).first(written)));
    }
    EXPECT_EQ(refs_of("to"), "");
    for (const auto& entry : std::filesystem::directory_iterator(git.path("to") / "objects"))
      EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("incoming"))) << written;
  }
}

TEST_F(HttpTransportTest, AsksForCredentialsOnceAndTellsThatTheyWorked) {
  git.commit("from", "main", "one");
  git.init("to");
  server.ask_for_credentials("ada", "s3cret:/@");
  AskedCredentials good("s3cret:/@");
  must(carry(*remote("from", 2, &good), *remote("to", 2, &good)));
  EXPECT_EQ(good.asked, 2) << "once for each repository";
  EXPECT_EQ(good.approvals, 2);
  EXPECT_EQ(good.rejections, 0);
}

TEST_F(HttpTransportTest, RefusedCredentialsAreDeniedAndForgotten) {
  git.commit("r", "main", "one");
  server.ask_for_credentials("ada", "right");
  AskedCredentials wrong("wrong-s3cret");
  const Result<Listing> denied = remote("r", 2, &wrong)->list({}, {});
  EXPECT_FAILS(denied, ErrorKind::Denied, "renew them");
  EXPECT_THAT(denied.error().message(), Not(HasSubstr("s3cret")));
  EXPECT_EQ(wrong.asked, 1);
  EXPECT_EQ(wrong.rejections, 1);
  EXPECT_EQ(wrong.approvals, 0);
  EXPECT_FAILS(remote("r")->list({}, {}), ErrorKind::Denied, "wants credentials");
}

TEST_F(HttpTransportTest, CredentialsKnownUpFrontAreSentUpFront) {
  git.commit("r", "main", "one");
  server.ask_for_credentials("ada", "right");
  const Url url = must(Url::parse(server.url("r")));
  FixedCredentials known(url, {.username = "ada", .password = Secret("right")});
  must(remote("r", 2, &known)->list({}, {}));
  EXPECT_EQ(server.requests().size(), 2u);
  FixedCredentials wrong(url, {.username = "ada", .password = Secret("wrong")});
  EXPECT_FAILS(remote("r", 2, &wrong)->list({}, {}), ErrorKind::Denied, "refuses these credentials");
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST_F(HttpTransportTest, WhatAHostRepeatsOfCredentialsIsNotRepeatedByUs) {
  git.commit("r", "main", "one");
  server.interfere([](const GitHttpRequest& request) {
    return refusal(403, {"Content-Type: text/plain"},
                   "no: " + std::string(request.header("authorization")) + " is not s3cret");
  });
  FixedCredentials known(must(Url::parse(server.url("r"))), {.username = "ada", .password = Secret("s3cret")});
  EXPECT_FAILS(remote("r", 2, &known)->list({}, {}), ErrorKind::Denied, "'no: Basic *** is not ***'");
}

TEST_F(HttpTransportTest, AUserNameThatMayBeATokenIsNotRepeatedEither) {
  const std::string user = "ASIAIOSFODNN7EXAMPLE%s3ss10n";
  server.interfere([&](const GitHttpRequest&) { return refusal(403, {"Content-Type: text/plain"}, "no " + user); });
  FixedCredentials known(must(Url::parse(server.url("r"))), {.username = user, .password = Secret("x")});
  EXPECT_FAILS(remote("r", 2, &known)->list({}, {}), ErrorKind::Denied, "'no ***'");
}

TEST_F(HttpTransportTest, CredentialsOfMinutesAreMadeForEachRequest) {
  commit_much("from");
  git.init("to");
  std::set<std::string, std::less<>> seen;
  server.interfere([&](const GitHttpRequest& request) -> std::optional<std::string> {
    const bool is_new = seen.emplace(request.header("authorization")).second;
    return is_new ? std::nullopt : std::optional(refusal(403));
  });
  ShortLivedCredentials minutes;
  must(carry(*remote("from", 2, &minutes), *remote("to", 2, &minutes)));
  EXPECT_EQ(refs_of("from"), refs_of("to"));
  EXPECT_EQ(minutes.generation, 0);
  EXPECT_THAT(seen, Not(Contains("")));
}

TEST_F(HttpTransportTest, CredentialsThatMayHaveRunOutAreRenewedOnce) {
  git.commit("r", "main", "one");
  server.interfere([&](const GitHttpRequest& request) -> std::optional<std::string> {
    return request.header("authorization").starts_with("Bearer 0-") ? std::optional(refusal(403)) : std::nullopt;
  });
  ShortLivedCredentials minutes;
  must(remote("r", 2, &minutes)->list({}, {}));
  EXPECT_EQ(minutes.generation, 1);

  server.interfere([](const GitHttpRequest&) { return refusal(403); });
  server.forget_requests();
  EXPECT_FAILS(remote("r", 2, &minutes)->list({}, {}), ErrorKind::Denied, "no right to do this");
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(HttpTransportTest, GoesByTheNameThatItIsGiven) {
  const Url url = must(Url::parse(server.url("none")));
  Remote named(make_http_transport(url, client, nobody, "codecommit://none"));
  EXPECT_EQ(named.name(), "codecommit://none");
  EXPECT_FAILS(named.list({}, {}), ErrorKind::NotFound, "list codecommit://none: ");
}

TEST_F(HttpTransportTest, AHostThatAsksOnlyForThePushIsAskedBeforeALongOne) {
  commit_much("from");
  git.init("to");
  server.interfere([](const GitHttpRequest& request) -> std::optional<std::string> {
    if (!request.path.ends_with("/git-receive-pack") || request.header("authorization") != "") return std::nullopt;
    return refusal(401, {"WWW-Authenticate: Basic realm=\"git\""});
  });
  AskedCredentials good("x");
  must(carry(*remote("from"), *remote("to", 2, &good)));
  EXPECT_EQ(refs_of("from"), refs_of("to"));
  EXPECT_EQ(good.asked, 1);
}

TEST_F(HttpTransportTest, AStatusSaysWhatToDoNext) {
  const struct {
    int status;
    std::vector<std::string> headers;
    ErrorKind kind;
    std::optional<Milliseconds> retry_after;
  } cases[] = {
      {403, {}, ErrorKind::Denied, std::nullopt},
      {404, {}, ErrorKind::NotFound, std::nullopt},
      {410, {}, ErrorKind::NotFound, std::nullopt},
      {400, {}, ErrorKind::Invalid, std::nullopt},
      {429, {"Retry-After: 7"}, ErrorKind::Throttled, Milliseconds(7000)},
      {503, {"Retry-After: 9"}, ErrorKind::Unavailable, Milliseconds(9000)},
      {500, {}, ErrorKind::Unavailable, std::nullopt},
      {502, {}, ErrorKind::Unavailable, std::nullopt},
  };
  git.commit("r", "main", "one");
  for (const auto& c : cases) {
    for (const std::string& method : {std::string("GET"), std::string("POST")}) {
      SCOPED_TRACE(method + " " + std::to_string(c.status));
      server.interfere([=](const GitHttpRequest& request) -> std::optional<std::string> {
        if (request.method != method) return std::nullopt;
        return refusal(c.status, c.headers);
      });
      const Result<Listing> listing = remote("r")->list({}, {});
      EXPECT_FAILS(listing, c.kind, std::to_string(c.status));
      EXPECT_EQ(listing.error().retry_after(), c.retry_after);
    }
  }
}

TEST_F(HttpTransportTest, AHostThatHangsUpInsteadOfAnsweringIsUnavailable) {
  git.commit("source", "main", "one");
  git.init("replica");
  const auto source = remote("source");
  const auto replica = remote("replica");
  const Listing offered = must(source->list({}, {}));
  const PushRequest request{.updates = diff(must(replica->list_for_push({})).refs, offered.refs, offered.format)};
  server.interfere([](const GitHttpRequest& asked) {
    return asked.method == "POST" ? std::optional<std::string>("") : std::nullopt;
  });
  EXPECT_FAILS(source->list({}, {}), ErrorKind::Unavailable, "127.0.0.1");
  EXPECT_FAILS(source->fetch({.wants = {offered.refs.begin()->oid}}, nullptr, {}), ErrorKind::Unavailable, "127.0.0.1");
  const auto push = must(replica->push(request, nullptr, {}));
  must(push->write(empty_pack(offered.format)));
  EXPECT_FAILS(push->finish(), ErrorKind::Unavailable, "127.0.0.1");
  EXPECT_TRUE(push->is_in_doubt());
}

TEST_F(HttpTransportTest, AFailingPushLeavesADoubtOnlyWhereThereIsOne) {
  git.commit("from", "main", "one");
  git.init("to");
  const Oid tip = oid(git.git("from", {"rev-parse", "main"}));
  const auto pack = must(read_all(*must(remote("from")->fetch({.wants = {tip}}, nullptr, {})), 1 << 20));
  for (const int status : {502, 403}) {
    server.interfere([=](const GitHttpRequest& request) -> std::optional<std::string> {
      if (request.method != "POST") return std::nullopt;
      return refusal(status);
    });
    auto push = must(remote("to")->push({.updates = {{name("refs/heads/main"), Oid(), tip}}}, nullptr, {}));
    must(push->write(pack));
    EXPECT_FALSE(push->finish());
    EXPECT_EQ(push->is_in_doubt(), status == 502);
  }
}

TEST_F(HttpTransportTest, FollowsARedirectOfTheFirstRequestAndStaysThere) {
  git.commit("r", "main", "one");
  server.interfere([](const GitHttpRequest& request) -> std::optional<std::string> {
    if (!request.path.starts_with("/old/")) return std::nullopt;
    return refusal(301, {"Location: /r/info/refs?" + request.query});
  });
  const auto r = remote("old/r.git");
  must(r->list({}, {}));
  EXPECT_EQ(must(r->list({}, {})).refs.size(), 1u);
  EXPECT_EQ(server.count("POST", "/r/git-upload-pack"), 2u);
  EXPECT_EQ(r->name(), server.url("old/r.git")) << "it is called what the user called it";
}

TEST_F(HttpTransportTest, RedirectsThatLeadAstrayAreNotFollowed) {
  git.commit("r", "main", "one");
  GitHttpServer elsewhere(git);
  const struct {
    std::string location;
    ErrorKind kind;
    const char* words;
  } cases[] = {
      {elsewhere.url("r/info/refs?service=git-upload-pack"), ErrorKind::Invalid, "elsewhere"},
      {"https://127.0.0.1/r/info/refs?service=git-upload-pack", ErrorKind::Invalid, "elsewhere"},
      {"file:///etc/passwd", ErrorKind::Invalid, ""},
      {"//evil.example/info/refs?service=git-upload-pack", ErrorKind::Invalid, "elsewhere"},
      {server.origin() + "//evil.example/x/info/refs?service=git-upload-pack", ErrorKind::Denied, "login"},
      {"/users/sign_in", ErrorKind::Denied, "login"},
      {"/r/info/refs", ErrorKind::Denied, "login"},
      {"/r/info/refs?service=git-receive-pack", ErrorKind::Denied, "login"},
      {"/info/refs?service=git-upload-pack", ErrorKind::Denied, "login"},
      {"/r2/info/refs?service=git-upload-pack", ErrorKind::Invalid, "more than 3 times"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.location);
    server.interfere([=](const GitHttpRequest&) { return refusal(302, {"Location: " + c.location}); });
    EXPECT_FAILS(remote("r")->list({}, {}), c.kind, c.words);
  }
  server.interfere([=](const GitHttpRequest&) { return refusal(302); });
  EXPECT_FAILS(remote("r")->list({}, {}), ErrorKind::Corrupt, "without a Location");
  server.interfere([&](const GitHttpRequest& request) -> std::optional<std::string> {
    if (request.method == "GET") return std::nullopt;
    return refusal(307, {"Location: " + elsewhere.url("r/git-upload-pack")});
  });
  EXPECT_FAILS(remote("r")->list({}, {}), ErrorKind::Invalid, "redirects a POST");
  EXPECT_THAT(elsewhere.requests(), IsEmpty());
}

TEST_F(HttpTransportTest, APageIsNoRepository) {
  git.commit("r", "main", "one");
  server.interfere([](const GitHttpRequest&) {
    return refusal(200, {"Content-Type: text/html; charset=utf-8"}, "<html>sign in</html>");
  });
  EXPECT_FAILS(remote("r")->list({}, {}), ErrorKind::Invalid, "a page for people");
  server.interfere([](const GitHttpRequest& request) -> std::optional<std::string> {
    if (request.method == "GET") return std::nullopt;
    return refusal(200, {"Content-Type: text/html"}, "<html>sign in</html>");
  });
  EXPECT_FAILS(remote("r")->list({}, {}), ErrorKind::Corrupt, "content type 'text/html'");
}

TEST_F(HttpTransportTest, AServiceLineBeforeProtocolTwoIsTaken) {
  server.interfere([](const GitHttpRequest& request) -> std::optional<std::string> {
    if (request.method == "GET")
      return refusal(
          200, {"Content-Type: application/x-git-upload-pack-advertisement"},
          pkt("# service=git-upload-pack\n") + "0000" + pkt("version 2\n") + pkt("ls-refs=unborn\n") + "0000");
    return refusal(200, {"Content-Type: application/x-git-upload-pack-result"},
                   pkt(std::string(40, 'a') + " refs/heads/main\n") + "0000");
  });
  const Listing listing = must(remote("r")->list({}, {}));
  EXPECT_EQ(listing.protocol, 2);
  EXPECT_EQ(listing.refs.size(), 1u);
}

TEST_F(HttpTransportTest, AQueryBelongsToTheAddress) {
  git.commit("r", "main", "one");
  const auto r = remote("r?tenant=7");
  must(r->list({}, {}));
  EXPECT_EQ(server.requests().at(0).query, "tenant=7&service=git-upload-pack");
  EXPECT_EQ(server.requests().at(1).query, "tenant=7");
}

TEST_F(HttpTransportTest, WhatIsNotThereIsNotFound) {
  EXPECT_FAILS(remote("nowhere")->list({}, {}), ErrorKind::NotFound, server.url("nowhere"));
}

TEST_F(HttpTransportTest, AnswersQuestionsAboutHistory) {
  const Oid one = oid(git.commit("r", "main", "one"));
  const Oid two = oid(git.commit("r", "main", "two"));
  const auto r = remote("r");
  const std::vector<RefUpdate> moves = {{name("refs/heads/a"), one, two}, {name("refs/heads/b"), two, one}};
  const auto answers = must(ask_ancestry(*r, moves, AncestryDetail::EachRef, {}, {}));
  EXPECT_EQ(answers.at(0).ancestry, Ancestry::FastForward);
  EXPECT_EQ(answers.at(1).ancestry, Ancestry::Rewind);
  EXPECT_THAT(must(r->known({two}, {one}, {})), ElementsAre(one));
  EXPECT_EQ(server.count("GET", "/info/refs"), 1u) << "an abandoned answer costs no new listing";
}

}  // namespace
}  // namespace packferry
