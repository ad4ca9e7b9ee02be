#include "setup/event_rule.h"

#include <nlohmann/json.hpp>

namespace packferry {
namespace {

using Json = nlohmann::ordered_json;

std::string text(const Json& json) { return json.dump(2) + "\n"; }

Json pattern() {
  return {{"source", {"aws.codecommit"}},
          {"detail-type", {"CodeCommit Repository State Change"}},
          {"detail", {{"event", {"referenceCreated", "referenceUpdated", "referenceDeleted"}}}}};
}

// The output has the form of StartBuild's input. EventBridge puts the quotes around what it fills in, and escapes
// nothing inside of them; a ref name holds neither ':' nor '\', without which no member can be added to JSON.
Json transformer() {
  return {{"InputPathsMap",
           {{"repository", "$.detail.repositoryName"},
            {"region", "$.region"},
            {"reference", "$.detail.referenceFullName"}}},
          {"InputTemplate", R"({"environmentVariablesOverride":[)"
                            R"({"name":"REPOSITORY_NAME","type":"PLAINTEXT","value":<repository>},)"
                            R"({"name":"REPO_REGION","type":"PLAINTEXT","value":<region>},)"
                            R"({"name":"REFERENCE_NAME","type":"PLAINTEXT","value":<reference>}]})"}};
}

Json target(const EventRuleOptions& options, const char* id) {
  return {{"Id", id}, {"Arn", options.project}, {"RoleArn", options.role}};
}

}  // namespace

std::string event_pattern() { return text(pattern()); }
std::string event_transformer() { return text(transformer()); }

std::string event_rule(const EventRuleOptions& options) {
  return text({{"Name", options.name},
               {"Description", "A ref changed: back its repository up."},
               {"State", "ENABLED"},
               {"EventPattern", pattern().dump()}});
}

std::string event_targets(const EventRuleOptions& options) {
  Json build = target(options, "backup-one");
  build["InputTransformer"] = transformer();
  // An event that is two hours late is one that the reconciling rule has overtaken.
  build["RetryPolicy"] = {{"MaximumRetryAttempts", 20}, {"MaximumEventAgeInSeconds", 7200}};
  return text({{"Rule", options.name}, {"Targets", Json::array({std::move(build)})}});
}

std::string reconcile_rule(const EventRuleOptions& options) {
  return text({{"Name", options.name + "-reconcile"},
               {"Description", "Events can be lost: back all repositories up."},
               {"State", "ENABLED"},
               {"ScheduleExpression", options.schedule}});
}

std::string reconcile_targets(const EventRuleOptions& options) {
  return text({{"Rule", options.name + "-reconcile"}, {"Targets", Json::array({target(options, "backup-all")})}});
}

}  // namespace packferry
