// A line of CloudWatch's embedded metric format: metrics that CloudWatch takes out of a log.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace packferry {

struct EmbeddedMetric {
  std::string_view name;
  std::string_view unit;  // "Count", "Bytes", "Seconds"
  double value;
};

struct EmbeddedWord {
  std::string name;
  std::string value;
};

// In the namespace "Packferry". Dimensions are made what CloudWatch takes; `properties` are for whoever searches the
// log.
std::string embedded_metrics_line(const std::vector<EmbeddedWord>& dimensions,
                                  const std::vector<EmbeddedMetric>& metrics, Clock::WallTime now,
                                  const std::vector<EmbeddedWord>& properties = {});

}  // namespace packferry
