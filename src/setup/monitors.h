// Alarms and pictures for those who watch packferry from outside: rules for Prometheus, routes for Alertmanager, alarms
// for CloudWatch, a dashboard for Grafana. They speak of the metrics that service/metrics exports, which tests/monitors
// holds them to; the lookout tells the same troubles by itself, and docs/monitoring.md has both.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace packferry {

struct MonitorOptions {
  std::string name = "packferry";  // the job in Prometheus, the dimension Service in CloudWatch
  Milliseconds lag{15 * 60'000};
  Milliseconds failing{15 * 60'000};
  Milliseconds backup_age{26 * 3'600'000};
  Milliseconds queue{10 * 60'000};
};

Result<std::string> prometheus_rules(const MonitorOptions& options);
// `webhook` is told of everything; `heartbeat`, if there is one, that there is somebody to tell.
Result<std::string> alertmanager_routes(const std::string& webhook, const std::string& heartbeat);
// A stack of its own; `email`, if there is one, is told.
Result<std::string> cloudwatch_alarms(const MonitorOptions& options, const std::string& email);
std::string grafana_dashboard(const MonitorOptions& options);

}  // namespace packferry
