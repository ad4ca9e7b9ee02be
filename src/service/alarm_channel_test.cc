#include "service/alarm_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "io/file.h"
#include "testing/must.h"
#include "testing/scripted_server.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::must;
using ::testing::Not;
using testing::ok;
using testing::ScriptedServer;

Notice raised() {
  return {.kind = Notice::Kind::Raised,
          .alarm = {.trouble = {.subject = "replica web", .kind = "lag", .summary = "behind", .remedy = "look"}}};
}

class AlarmChannels : public ::testing::Test {
 protected:
  static Url url(const ScriptedServer& server, std::string_view path) { return must(Url::parse(server.url(path))); }
  HttpClient http{HttpOptions{.user_agent = "test", .ca_file = {}, .patience = {}}};
};

TEST_F(AlarmChannels, AWebhookGetsJsonThatIsSigned) {
  const ScriptedServer server({{testing::request(), testing::say(ok("fine"))}});
  WebhookChannel channel(http, url(server, "/hook/T0KEN"), WebhookShape::Generic, Secret("key"));
  must(channel.say(raised(), {}));
  const std::string said = server.received(0);
  const std::string body = said.substr(said.find("\r\n\r\n") + 4);
  EXPECT_THAT(body, HasSubstr(R"("state":"raised")"));
  EXPECT_THAT(said, HasSubstr("X-Packferry-Signature: sha256=" + to_hex(hmac_sha256(as_bytes("key"), as_bytes(body)))));
  EXPECT_THAT(channel.name(), Not(HasSubstr("T0KEN")));
}

TEST_F(AlarmChannels, ARefusalDoesNotShowTheAddress) {
  const ScriptedServer server({{testing::request(), testing::say("HTTP/1.1 404 Gone\r\nContent-Length: 2\r\n\r\nno")}});
  WebhookChannel channel(http, url(server, "/hook/T0KEN"), WebhookShape::Slack);
  const Result<> gone = channel.say(raised(), {});
  EXPECT_EQ(gone.error().kind(), ErrorKind::Rejected);
  EXPECT_THAT(gone.error().message(), Not(HasSubstr("T0KEN")));
}

TEST_F(AlarmChannels, ABusyWebhookMayPass) {
  const ScriptedServer server({{testing::request(), testing::say("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")}});
  WebhookChannel channel(http, url(server, "/hook"), WebhookShape::Slack);
  EXPECT_EQ(channel.say(raised(), {}).error().kind(), ErrorKind::Unavailable);
}

TEST_F(AlarmChannels, ACommandHearsItOnItsInputAndInItsEnvironment) {
  const testing::TempDir dir;
  const std::string heard = dir / "heard";
  CommandChannel channel({"/bin/sh", "-c", "{ cat; echo $PACKFERRY_ALARM_KIND; } > \"$HEARD\""},
                         {"PATH=/usr/bin:/bin", "HEARD=" + heard}, {});
  must(channel.say(raised(), {}));
  EXPECT_EQ(as_text(must(read_all(*must(open_file(heard)), 1000))),
            "WARNING replica web: behind (lag)\nsince 1970-01-01T00:00:00Z\nlook\nlag\n");
}

TEST_F(AlarmChannels, ACommandThatFailsWasNotHeard) {
  CommandChannel channel({"/bin/sh", "-c", "echo no network >&2; exit 3"}, {"PATH=/usr/bin:/bin"}, {});
  const Result<> said = channel.say(raised(), {});
  EXPECT_THAT(said.error().message(), EndsWith("exit status 3: no network"));
}

TEST_F(AlarmChannels, AHeartbeatIsOneQuestion) {
  const ScriptedServer server({{testing::request(), testing::say(ok("OK"))}});
  must(beat(http, url(server, "/beat/1"), {}));
  EXPECT_THAT(server.received(0), HasSubstr("GET /beat/1 HTTP/1.1"));
}

}  // namespace
}  // namespace packferry
