#include "service/secret_uses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_service_ends.h"
#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::must;
using ::testing::Not;

SecretReference named(std::string name) {
  return {.kind = SecretReference::Kind::Environment, .name = std::move(name)};
}

std::vector<std::string> words_for(const std::vector<SecretUse>& uses) {
  std::vector<std::string> words;
  for (const SecretUse& use : uses) words.push_back(use.wanted_by + " = " + use.reference.name);
  return words;
}

TEST(SecretUses, NamesEverySecretAndWhoWantsIt) {
  const Fleet fleet{.hosts = {{.name = "lab", .token = named("LAB")},
                              {.name = "hub", .app = AppIdentity{.id = "1", .installation = "", .key = named("APP")}},
                              {.name = "list"}}};
  const ServeSettings serve{
      .webhooks = {{.name = "lab", .kind = WebhookKind::GitLab, .secrets = {named("OLD"), named("NEW")}}},
      .alarms = {{.kind = AlarmSettings::Kind::Command, .command = {"/bin/true"}},
                 {.kind = AlarmSettings::Kind::Slack, .secret_url = named("SLACK")},
                 {.kind = AlarmSettings::Kind::Webhook, .secret_url = named("HOOK"), .key = named("KEY")},
                 {.kind = AlarmSettings::Kind::Mail, .server = MailServer{}, .password = named("MAIL")}},
      .heartbeat = named("BEAT")};
  EXPECT_THAT(words_for(secrets_of(fleet, &serve)),
              ElementsAre("hosts.lab: token = LAB", "hosts.hub: the key of its app = APP", "serve.webhooks 'lab' = OLD",
                          "serve.webhooks 'lab' = NEW", "serve.alarms 2 (slack): url = SLACK",
                          "serve.alarms 3 (webhook): url = HOOK", "serve.alarms 3 (webhook): key = KEY",
                          "serve.alarms 4 (mail): password = MAIL", "serve: heartbeat = BEAT"));
  EXPECT_THAT(words_for(secrets_of(fleet, nullptr)),
              ElementsAre("hosts.lab: token = LAB", "hosts.hub: the key of its app = APP"));
  EXPECT_THAT(secrets_of({}, nullptr), IsEmpty());
}

TEST(SecretUses, AreCheckedForWhatTheServiceWantsThemToBe) {
  testing::FakeServiceEnds ends;
  ends.secrets = {{"SHORT", "T0KEN"}, {"LONG", "T0KEN and a good deal more"}, {"URL", "https://example.com/T0KEN"}};
  const struct {
    const char* name;
    SecretUse::Form form;
    const char* wrong;  // null: nothing is
  } cases[] = {
      {"SHORT", SecretUse::Form::Any, nullptr},
      {"SHORT", SecretUse::Form::Webhook, "SHORT: the secret of a webhook has"},
      {"SHORT", SecretUse::Form::Address, "SHORT: the secret is no address"},
      {"LONG", SecretUse::Form::Webhook, nullptr},
      {"URL", SecretUse::Form::Address, nullptr},
      {"MISSING", SecretUse::Form::Any, "the environment has no MISSING"},
  };
  for (const auto& [name, form, wrong] : cases) {
    const Result<> checked = check_secret({.wanted_by = "a test", .reference = named(name), .form = form}, ends);
    ASSERT_EQ(checked.has_value(), wrong == nullptr) << name;
    if (wrong == nullptr) continue;
    EXPECT_THAT(checked.error().message(), HasSubstr(wrong));
    EXPECT_THAT(checked.error().message(), Not(HasSubstr("T0KEN")));
  }
}

}  // namespace
}  // namespace packferry
