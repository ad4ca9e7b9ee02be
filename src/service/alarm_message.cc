#include "service/alarm_message.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/printable.h"

namespace packferry {
namespace {

std::string_view word_of(const Notice& notice) {
  return notice.kind == Notice::Kind::Over ? to_string(notice.kind) : to_string(notice.alarm.trouble.severity);
}

// Slack's own signs: https://api.slack.com/reference/surfaces/formatting#escaping
std::string for_slack(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string alarm_headline(const Notice& notice) {
  const Trouble& trouble = notice.alarm.trouble;
  return fmt::format("{} {}: {} ({})", to_upper(word_of(notice)), trouble.subject, trouble.summary, trouble.kind);
}

std::string alarm_text(const Notice& notice) {
  std::string text = fmt::format("{}\nsince {}\n", alarm_headline(notice), to_iso8601(notice.alarm.since));
  if (notice.kind != Notice::Kind::Over && !notice.alarm.trouble.remedy.empty())
    text += notice.alarm.trouble.remedy + "\n";
  return text;
}

std::string alarm_json(const Notice& notice) {
  const Trouble& trouble = notice.alarm.trouble;
  nlohmann::ordered_json message{
      {"__type", "packferry.alarm/1"}, {"state", to_string(notice.kind)},         {"subject", trouble.subject},
      {"kind", trouble.kind},          {"severity", to_string(trouble.severity)}, {"summary", trouble.summary},
      {"remedy", trouble.remedy},      {"since", to_iso8601(notice.alarm.since)}};
  if (notice.alarm.raised_at) message["raised_at"] = to_iso8601(*notice.alarm.raised_at);
  return message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string alarm_slack(const Notice& notice) {
  return nlohmann::json{{"text", for_slack(alarm_text(notice))}}.dump(-1, ' ', false,
                                                                      nlohmann::json::error_handler_t::replace);
}

std::vector<std::string> alarm_environment(const Notice& notice) {
  const Trouble& trouble = notice.alarm.trouble;
  const std::pair<const char*, std::string> words[] = {{"STATE", std::string(to_string(notice.kind))},
                                                       {"SUBJECT", trouble.subject},
                                                       {"KIND", trouble.kind},
                                                       {"SEVERITY", std::string(to_string(trouble.severity))},
                                                       {"SUMMARY", trouble.summary},
                                                       {"REMEDY", trouble.remedy},
                                                       {"SINCE", to_iso8601(notice.alarm.since)}};
  std::vector<std::string> environment;
  for (const auto& [name, value] : words)
    environment.push_back(fmt::format("PACKFERRY_ALARM_{}={}", name, printable(value, 4000)));
  return environment;
}

}  // namespace packferry
