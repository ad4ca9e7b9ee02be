// What is said of an alarm, for each kind of ear: pure.
#pragma once

#include <string>
#include <vector>

#include "service/alarms.h"

namespace packferry {

// One line: "WARNING replica web: 40 minutes behind (lag)"; "OVER replica web: …".
std::string alarm_headline(const Notice& notice);
// The headline, since when, and what to do; a line each.
std::string alarm_text(const Notice& notice);

// For a webhook of one's own; docs/operating.md has an example. One object: __type "packferry.alarm/1", state (as
// to_string(Notice::Kind)), subject, kind, severity, summary, remedy, since, raised_at (ISO 8601).
std::string alarm_json(const Notice& notice);
// As Slack's incoming webhooks take it, and what is made in their shape (Mattermost, Rocket.Chat, Discord's /slack).
std::string alarm_slack(const Notice& notice);
// For a command: PACKFERRY_ALARM_STATE, _SUBJECT, _KIND, _SEVERITY, _SUMMARY, _REMEDY, _SINCE.
std::vector<std::string> alarm_environment(const Notice& notice);

}  // namespace packferry
