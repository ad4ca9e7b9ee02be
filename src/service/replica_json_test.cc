#include "service/replica_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace packferry {
namespace {

Clock::WallTime at(std::int64_t milliseconds) { return Clock::WallTime(Milliseconds(milliseconds)); }

ReplicaView view() {
  ReplicaView view;
  view.source_type = "GitLab";
  view.source_id = "https://gitlab.example/web";
  view.destination_type = "CodeCommit";
  view.destination_id = "arn:aws:codecommit:us-west-2:123456789012:web";
  view.aws_account_name = "mirror";
  view.last_replicated_source_change = at(1'700'000'000'123);
  view.status = ReplicaStatus::UpToDate;
  view.permitted_actions = {ReplicaAction::DeleteReplica, ReplicaAction::ViewInDestinationSystem};
  view.creation_date = at(1'600'000'000'000);
  view.name = "web";
  view.lag = Milliseconds(12'000);
  return view;
}

TEST(ReplicaJson, HasTheFieldsOfTheContractInTheirOrder) {
  const nlohmann::ordered_json document = nlohmann::ordered_json::parse(replica_json(view(), -1));
  EXPECT_EQ(document["__type"], "packferry.GetReplica/1");
  const nlohmann::ordered_json& replica = document["replica"];
  std::vector<std::string> names;
  for (const auto& [name, value] : replica.items()) names.push_back(name);
  names.resize(10);
  EXPECT_EQ(names, (std::vector<std::string>{"sourceType", "sourceId", "destinationType", "destinationId",
                                             "awsAccountName", "lastReplicatedSourceChangeDateUTC",
                                             "viewDestinationLink", "status", "permittedActions", "creationDate"}));
  EXPECT_EQ(replica["sourceId"], "https://gitlab.example/web");
  EXPECT_EQ(replica["lastReplicatedSourceChangeDateUTC"], 1'700'000'000'123);
  EXPECT_EQ(replica["status"], "UpToDate");
  EXPECT_EQ(replica["permittedActions"], (nlohmann::ordered_json{"deleteReplica", "viewInDestinationSystem"}));
  EXPECT_EQ(replica["creationDate"], 1'600'000'000'000);
  EXPECT_EQ(replica["lagSeconds"], 12);
}

TEST(ReplicaJson, WhatThereIsNotIsNull) {
  ReplicaView empty;
  const nlohmann::json replica = nlohmann::json::parse(replica_json(empty, -1))["replica"];
  for (const char* name : {"lastReplicatedSourceChangeDateUTC", "confirmedDateUTC", "lastCrossing", "lastError",
                           "nextRunDateUTC", "heldPlan"})
    EXPECT_TRUE(replica[name].is_null()) << name;
}

TEST(ReplicaJson, ShowsWhatIsHeldAndWhatFailed) {
  ReplicaView held = view();
  held.status = ReplicaStatus::Held;
  held.held_plan = HeldPlan{.digest = "abc", .text = "delete refs/heads/x\n", .expires_at = at(5)};
  held.last_error = LookFailure{ErrorKind::Denied, "401", "see that …"};
  held.last_crossing = ReplicaView::LastCrossing{.began_at = at(4), .outcome = LookOutcome::Held};
  const nlohmann::json replica = nlohmann::json::parse(replica_json(held, 2))["replica"];
  EXPECT_EQ(replica["heldPlan"]["digest"], "abc");
  EXPECT_EQ(replica["heldPlan"]["expiresDateUTC"], 5);
  EXPECT_EQ(replica["heldPlan"]["approved"], false);
  EXPECT_EQ(replica["lastError"]["remedy"], "see that …");
  EXPECT_EQ(replica["lastCrossing"]["outcome"], "held");
}

TEST(ReplicaJson, ListsAndHistoriesAreLists) {
  EXPECT_EQ(nlohmann::json::parse(replicas_json({}, -1))["replicas"], nlohmann::json::array());
  EXPECT_EQ(nlohmann::json::parse(replicas_json({view(), view()}, -1))["replicas"].size(), 2u);
  LookRecord look;
  look.reason = LookReason::Webhook;
  look.refs_changed = 3;
  const nlohmann::json history = nlohmann::json::parse(history_json("web", {look}, -1));
  EXPECT_EQ(history["looks"][0]["reason"], "webhook");
  EXPECT_EQ(history["looks"][0]["refsChanged"], 3);
  EXPECT_TRUE(history["looks"][0]["error"].is_null());
}

TEST(ReplicaJson, StraySignsFromAPeerMakeNoBrokenJson) {
  ReplicaView odd = view();
  odd.last_error = LookFailure{ErrorKind::Denied, "\xff\xfe", ""};
  EXPECT_TRUE(nlohmann::json::accept(replica_json(odd, -1)));
}

TEST(ReplicaJson, IsReadAgainAsItWasSaid) {
  ReplicaView full = view();
  full.status = ReplicaStatus::Held;
  full.policy = "ref refs/heads/*\n";
  full.confirmed_at = at(3);
  full.next_run = at(9);
  full.failures = 2;
  full.held_plan = HeldPlan{.digest = "abc", .text = "delete refs/heads/x\n", .expires_at = at(5)};
  full.held_plan_is_approved = true;
  full.last_error = LookFailure{ErrorKind::Denied, "401", "see that …"};
  full.last_crossing = ReplicaView::LastCrossing{.began_at = at(4), .outcome = LookOutcome::Held};
  for (const ReplicaView& each : {view(), full}) {
    const auto read = read_replica_json(replica_json(each, -1));
    EXPECT_EQ(replica_json(read.value().value(), 2), replica_json(each, 2));
  }
  const auto all = read_replicas_json(replicas_json({view(), full}, 2));
  EXPECT_EQ(replicas_json(all.value(), 2), replicas_json({view(), full}, 2));
  const LookRecord look{.looks = 3, .reason = LookReason::Chain, .began_at = at(1), .failure = full.last_error};
  const auto looks = read_history_json(history_json("web", {look, {}}, 2));
  EXPECT_EQ(history_json("web", looks.value(), 2), history_json("web", {look, {}}, 2));
}

TEST(ReplicaJson, SaysWhoDidWhat) {
  const AuditEntry moved{.id = 7,
                         .at = at(5),
                         .who = "worker",
                         .what = "carry",
                         .replica = "web",
                         .ref = "refs/heads/main",
                         .old_oid = "1",
                         .new_oid = "2",
                         .plan_digest = "abc"};
  const AuditEntry token{.id = 6, .at = at(4), .who = "ada", .what = "revoke-token 1 of ci", .replica = ""};
  const std::string said = audit_json({moved, token}, 2);
  const nlohmann::json document = nlohmann::json::parse(said);
  EXPECT_EQ(document["__type"], "packferry.GetAudit/1");
  EXPECT_EQ(document["entries"][0],
            nlohmann::json::parse(R"({"number": 7, "dateUTC": 5, "who": "worker", "what": "carry", "replica": "web",
                "ref": "refs/heads/main", "oldObject": "1", "newObject": "2", "planDigest": "abc"})"));
  EXPECT_EQ(audit_json(read_audit_json(said).value(), 2), said);
  EXPECT_EQ(read_audit_json(R"({"entries": [{"number": 7}]})").error().kind(), ErrorKind::Corrupt);
}

TEST(ReplicaJson, WhatIsNoneIsNotRead) {
  EXPECT_EQ(read_replica_json(R"({"replica": null})").value().has_value(), false);
  nlohmann::json one = nlohmann::json::parse(replica_json(view(), -1));
  for (const char* text : {"", "[]", "{}", R"({"replica": {}})", R"({"replica": []})", "{\"replica\": "})
    EXPECT_EQ(read_replica_json(text).error().kind(), ErrorKind::Corrupt) << text;
  for (const auto& [member, value] : one.at("replica").items()) {
    nlohmann::json wrong = one;
    wrong["replica"][member] = nlohmann::json::object();
    EXPECT_EQ(read_replica_json(wrong.dump()).error().kind(), ErrorKind::Corrupt) << member;
  }
}

}  // namespace
}  // namespace packferry
