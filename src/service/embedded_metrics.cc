#include "service/embedded_metrics.h"

#include <nlohmann/json.hpp>

#include "base/printable.h"

namespace packferry {
namespace {

using Json = nlohmann::ordered_json;

// CloudWatch drops a dimension that is empty, longer than 1,024 characters or no ASCII, and the metric with it.
std::string dimension(std::string_view text) {
  std::string out;
  for (const char byte : text.substr(0, 1024)) out += byte >= ' ' && byte <= '~' ? byte : '?';
  return out.empty() ? "-" : out;
}

}  // namespace

std::string embedded_metrics_line(const std::vector<EmbeddedWord>& dimensions,
                                  const std::vector<EmbeddedMetric>& metrics, Clock::WallTime now,
                                  const std::vector<EmbeddedWord>& properties) {
  Json names = Json::array();
  Json definitions = Json::array();
  for (const EmbeddedWord& each : dimensions) names.push_back(each.name);
  for (const EmbeddedMetric& metric : metrics) definitions.push_back({{"Name", metric.name}, {"Unit", metric.unit}});
  Json line;
  line["_aws"] = {{"Timestamp", std::chrono::duration_cast<Milliseconds>(now.time_since_epoch()).count()},
                  {"CloudWatchMetrics", Json::array({{{"Namespace", "Packferry"},
                                                      {"Dimensions", Json::array({std::move(names)})},
                                                      {"Metrics", std::move(definitions)}}})}};
  for (const EmbeddedWord& each : dimensions) line[each.name] = dimension(each.value);
  for (const EmbeddedWord& each : properties) line[each.name] = printable(each.value);
  for (const EmbeddedMetric& metric : metrics) line[std::string(metric.name)] = metric.value;
  return line.dump() + "\n";
}

}  // namespace packferry
