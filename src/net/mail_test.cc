#include "net/mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/must.h"
#include "testing/scripted_server.h"

namespace packferry {
namespace {

using ::testing::HasSubstr;
using testing::hear_until;
using testing::must;
using ::testing::Not;
using testing::say;
using testing::Script;
using testing::ScriptedServer;

Mail alarm() {
  return {.from = "packferry@example.com",
          .to = {"ops@example.com", "night@example.com"},
          .subject = "replica web is 40 minutes behind",
          .body = "Since 13:45.\n",
          .date = Clock::WallTime(std::chrono::seconds(1'700'000'000))};
}

Script takes_it(std::string answer = "250 queued\r\n") {
  return {say("220 mail ESMTP\r\n"), hear_until("\r\n"),    say("250-mail\r\n250 SIZE 1000000\r\n"),
          hear_until("\r\n"),        say("250 sender\r\n"), hear_until("\r\n"),
          say("250 one\r\n"),        hear_until("\r\n"),    say("250 two\r\n"),
          hear_until("\r\n"),        say("354 go on\r\n"),  hear_until("\r\n.\r\n"),
          say(std::move(answer)),    hear_until("\r\n"),    say("221 bye\r\n")};
}

MailServer plain(const ScriptedServer& server) {
  return {.security = MailServer::Security::Plain, .host = "127.0.0.1", .port = server.port()};
}

TEST(Mail, IsHandedToTheServer) {
  const ScriptedServer server({takes_it()});
  must(send_mail(plain(server), alarm(), {}));
  const std::string said = server.received(0);
  EXPECT_THAT(said, HasSubstr("MAIL FROM:<packferry@example.com>"));
  EXPECT_THAT(said, HasSubstr("RCPT TO:<ops@example.com>"));
  EXPECT_THAT(said, HasSubstr("RCPT TO:<night@example.com>"));
  EXPECT_THAT(said, HasSubstr("Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"));
  EXPECT_THAT(said, HasSubstr("U2luY2UgMTM6NDUuCg==")) << "the body";
}

TEST(Mail, IsTheSameWheneverItIsMade) {
  EXPECT_EQ(must(mail_text(alarm())), must(mail_text(alarm())));
  Mail another = alarm();
  another.body += "And still.\n";
  EXPECT_NE(must(mail_text(alarm())), must(mail_text(another)));
}

TEST(Mail, ASubjectCannotAddAHeaderNorLeaveItsCharset) {
  Mail mail = alarm();
  mail.subject = "web\r\nBcc: everybody@example.com";
  EXPECT_THAT(must(mail_text(mail)), Not(HasSubstr("\r\nBcc:")));
  mail.subject = "Größe " + std::string(100, 'x') + " Ende";
  const std::string text = must(mail_text(mail));
  EXPECT_THAT(text, HasSubstr("Subject: =?UTF-8?B?R3LDtsOfZSB4"));
  for (const char byte : text) EXPECT_LT(static_cast<unsigned char>(byte), 0x80u);
}

TEST(Mail, WhatIsNoAddressIsRefused) {
  for (const char* address :
       {"", "ops", "@example.com", "ops@", "a b@example.com", "a@b@c", "x@y>\r\nRCPT TO:<z@y", "größe@example.com"}) {
    Mail mail = alarm();
    mail.to = {address};
    EXPECT_EQ(mail_text(mail).error().kind(), ErrorKind::Invalid) << address;
  }
  Mail mail = alarm();
  mail.to.clear();
  EXPECT_EQ(mail_text(mail).error().kind(), ErrorKind::Invalid);
}

TEST(Mail, ARefusalForGoodAndForNowAreTold) {
  const ScriptedServer server({takes_it("554 not wanted\r\n"), takes_it("451 come back\r\n")});
  EXPECT_EQ(send_mail(plain(server), alarm(), {}).error().kind(), ErrorKind::Rejected);
  EXPECT_EQ(send_mail(plain(server), alarm(), {}).error().kind(), ErrorKind::Unavailable);
}

TEST(Mail, AServerWithoutTlsIsRefused) {
  const ScriptedServer server({takes_it()});
  MailServer wanted = plain(server);
  wanted.security = MailServer::Security::StartTls;
  const Result<> sent = send_mail(wanted, alarm(), {});
  EXPECT_EQ(sent.error().kind(), ErrorKind::Denied) << sent.error().message();
  EXPECT_THAT(server.received(0), Not(HasSubstr("MAIL FROM")));
}

TEST(Mail, APasswordDoesNotGoOverAPlainConnection) {
  const MailServer server{.security = MailServer::Security::Plain,
                          .host = "mail.example",
                          .username = "packferry",
                          .password = Secret("s3cret")};
  EXPECT_EQ(send_mail(server, alarm(), {}).error().kind(), ErrorKind::Denied);
}

TEST(Mail, NobodyThereAndASilentServerAreUnavailable) {
  MailServer nobody{.security = MailServer::Security::Plain, .host = "127.0.0.1", .port = 1};
  EXPECT_EQ(send_mail(nobody, alarm(), {}).error().kind(), ErrorKind::Unavailable);
  const ScriptedServer silent({{testing::hold()}});
  MailServer server = plain(silent);
  server.patience = {.connect_ms = Milliseconds(100), .stall_ms = Milliseconds(200)};
  EXPECT_EQ(send_mail(server, alarm(), {}).error().kind(), ErrorKind::Unavailable);
}

}  // namespace
}  // namespace packferry
