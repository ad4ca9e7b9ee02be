// EventBridge between CodeCommit and CodeBuild: a rule that starts a build for the repository that changed, and another
// that starts one for all of them every so often, because events are delivered as well as possible and no better. Each
// is the input of `aws events put-rule` or `put-targets`, with --cli-input-json.
#pragma once

#include <string>

namespace packferry {

struct EventRuleOptions {
  std::string name = {};                 // of the rule; the reconciling one is called NAME-reconcile
  std::string project = {};              // ARN of the CodeBuild project that is started
  std::string role = {};                 // ARN of the role that may start it
  std::string schedule = "rate(1 day)";  // of the reconciling rule
};

// A ref was created, moved or deleted, in any repository of the region that the rule is in.
std::string event_pattern();
// What a build gets to know of it: see docs/setup.md for what a repository's owner could write into it.
std::string event_transformer();

std::string event_rule(const EventRuleOptions& options);
std::string event_targets(const EventRuleOptions& options);
std::string reconcile_rule(const EventRuleOptions& options);
std::string reconcile_targets(const EventRuleOptions& options);

}  // namespace packferry
