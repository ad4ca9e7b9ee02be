// The request is complete, the answer is lost: did the host do it? Settled by listing, never by pushing again.
#include <fmt/format.h>

#include "faults/campaign.h"
#include "faults/scene.h"
#include "faults/watched_destination.h"

namespace packferry::testing {
namespace {

class Doubt : public ::testing::TestWithParam<Route> {
 protected:
  CrossingReport cross(bool dry_run = false) {
    return scene.cross({Route::Memory, GetParam()}, dry_run, [this](std::unique_ptr<Destination> real) {
      return std::make_unique<CountingDestination>(std::move(real), pushes);
    });
  }

  std::vector<std::string> violations_after(const CrossingReport& report) {
    std::vector<std::string> found;
    if (std::string left = scene.settle(); !left.empty()) found.push_back(left);
    Evidence evidence = scene.evidence(claim_of(report));
    evidence.pushes = pushes;
    if (GetParam() == Route::Http) evidence.pushes = scene.server().count("POST", "/git-receive-pack");
    for (std::string& violation : violations(evidence, {ErrorKind::Unavailable})) found.push_back(std::move(violation));
    return found;
  }

  void begin(const Fault& fault) {
    scene.reset();
    scene.arm(fault);
    scene.server().forget_requests();
    pushes = 0;
  }

  Scene scene{State::First};
  std::size_t pushes = 0;
};

TEST_P(Doubt, IsSettledByListingAndNeverPushedTwice) {
  // Listing, push, listing: what the push alone says is what lies between the two listings.
  scene.disarm();
  static_cast<void>(cross(true));
  const std::uint64_t answer_begin = scene.passed(Towards::Client);
  scene.disarm();
  static_cast<void>(cross());
  const std::uint64_t up = scene.passed(Towards::Server);
  const std::uint64_t down = scene.passed(Towards::Client);
  scene.disarm();
  static_cast<void>(cross(true));
  const std::uint64_t request_end = up - scene.passed(Towards::Server);
  const std::uint64_t answer_end = down - scene.passed(Towards::Client);
  ASSERT_LT(answer_begin + 100, answer_end);

  // One byte is missing from the request: it was not done, and we know.
  begin({.towards = Towards::Server, .at_byte = request_end - 1});
  const CrossingReport short_of_one = cross();
  EXPECT_EQ(violations_after(short_of_one), std::vector<std::string>());
  EXPECT_EQ(to_string(short_of_one.legs[0].status), to_string(LegStatus::Failed));
  EXPECT_EQ(scene.evidence({}).after.refs, Refs());

  Runs runs(fmt::format("in doubt over {}", to_string(GetParam())), answer_end - answer_begin, 0.03);
  const Spread order(answer_end - answer_begin, campaign().seed);
  for (std::uint64_t i = 0; runs.go_on(); ++i) {
    const std::uint64_t at = answer_begin + order.at(i);
    const std::string words = fmt::format("close client {} back", at);
    if (!runs.is_wanted(words)) continue;
    begin({.towards = Towards::Client, .at_byte = at});
    const CrossingReport report = cross();
    const bool happened = scene.happened();
    std::vector<std::string> found = violations_after(report);
    // The end of the report is only said when all is done: then the listing shows it.
    if (at + 60 >= answer_end && report.legs[0].status != LegStatus::Done)
      found.push_back("the host has done it, and we say: " + std::string(to_string(report.legs[0].status)));
    runs.note(words, happened, found);
  }
}

INSTANTIATE_TEST_SUITE_P(Over, Doubt, ::testing::Values(Route::Http, Route::Pipe),
                         [](const ::testing::TestParamInfo<Route>& it) { return std::string(to_string(it.param)); });

}  // namespace
}  // namespace packferry::testing
