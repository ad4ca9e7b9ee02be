#include "service/embedded_metrics.h"

#include <gtest/gtest.h>

namespace packferry {
namespace {

TEST(EmbeddedMetrics, AreOneLineThatCloudWatchUnderstands) {
  EXPECT_EQ(embedded_metrics_line({{"Service", "serve"}}, {{"LagSeconds", "Seconds", 1.5}}, Clock::WallTime{},
                                  {{"Status", "Behind\n"}}),
            R"({"_aws":{"Timestamp":0,"CloudWatchMetrics":[{"Namespace":"Packferry","Dimensions":[["Service"]],)"
            R"("Metrics":[{"Name":"LagSeconds","Unit":"Seconds"}]}]},"Service":"serve","Status":"Behind\\x0a",)"
            R"("LagSeconds":1.5})"
            "\n");
}

TEST(EmbeddedMetrics, ADimensionIsWhatCloudWatchTakes) {
  const auto line_of = [](std::string value) {
    return embedded_metrics_line({{"Replica", std::move(value)}}, {}, Clock::WallTime{});
  };
  EXPECT_NE(line_of("").find(R"("Replica":"-")"), std::string::npos);
  EXPECT_NE(line_of("caf\xc3\xa9").find(R"("Replica":"caf??")"), std::string::npos);
  EXPECT_EQ(line_of(std::string(2'000, 'a')), line_of(std::string(1'024, 'a')));
}

}  // namespace
}  // namespace packferry
