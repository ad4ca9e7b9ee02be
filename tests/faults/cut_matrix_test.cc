// The conversation is cut before every byte, in both directions, in each way, with a host that comes back at once and
// with one that does not.
#include <fmt/format.h>

#include <array>
#include <optional>
#include <sstream>

#include "faults/campaign.h"
#include "faults/scene.h"

namespace packferry::testing {
namespace {

struct Case {
  const char* name;
  Trip trip;
  State state;
};

std::string words(const Fault& cut) {
  return fmt::format("{} {} {} {}", cut.kind == Fault::Kind::Close ? "close" : "reset",
                     cut.towards == Towards::Server ? "server" : "client", cut.at_byte,
                     cut.stays_down ? "down" : "back");
}

Fault parse_words(const std::string& text) {
  std::istringstream in(text);
  std::string kind;
  std::string towards;
  std::string after;
  Fault cut;
  in >> kind >> towards >> cut.at_byte >> after;
  cut.kind = kind == "close" ? Fault::Kind::Close : Fault::Kind::Reset;
  cut.towards = towards == "server" ? Towards::Server : Towards::Client;
  cut.stays_down = after == "down";
  return cut;
}

// All cuts of one conversation, as numbers.
class Cuts {
 public:
  Cuts(std::uint64_t bytes_up, std::uint64_t bytes_down, bool can_reset) {
    for (const bool down : {false, true})
      for (const Fault::Kind kind : {Fault::Kind::Close, Fault::Kind::Reset}) {
        if (kind == Fault::Kind::Reset && !can_reset) continue;
        lists_.push_back({{.towards = Towards::Server, .kind = kind, .stays_down = down}, bytes_up});
        lists_.push_back({{.towards = Towards::Client, .kind = kind, .stays_down = down}, bytes_down});
      }
  }

  std::uint64_t size() const {
    std::uint64_t total = 0;
    for (const List& list : lists_) total += list.bytes;
    return total;
  }

  Fault at(std::uint64_t number) const {
    std::size_t i = 0;
    for (; number >= lists_[i].bytes; ++i) number -= lists_[i].bytes;
    Fault cut = lists_[i].cut;
    cut.at_byte = number;
    return cut;
  }

 private:
  struct List {
    Fault cut;
    std::uint64_t bytes;
  };
  std::vector<List> lists_;
};

class CutMatrix : public ::testing::TestWithParam<Case> {};

TEST_P(CutMatrix, HarmsNothingAndTheNextRunConverges) {
  const Case& it = GetParam();
  Scene scene(it.state);

  scene.disarm();
  const CrossingReport whole = scene.cross(it.trip);
  const Cuts cuts(scene.passed(Towards::Server), scene.passed(Towards::Client),
                  it.trip.source != Route::Pipe && it.trip.destination != Route::Pipe);
  ASSERT_EQ(violations_of_second_run(scene.evidence(claim_of(whole))), std::vector<std::string>());

  const Spread order(cuts.size(), campaign().seed);
  Runs runs(it.name, cuts.size(), 0.06);
  for (std::uint64_t i = 0; runs.go_on(); ++i) {
    const Fault cut = campaign().only.empty() ? cuts.at(order.at(i)) : parse_words(campaign().only);
    scene.reset();
    scene.arm(cut);
    const CrossingReport report = scene.cross(it.trip);
    const bool happened = scene.happened();
    runs.note(words(cut), happened, scene.judge(it.trip, claim_of(report), {ErrorKind::Unavailable}));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, CutMatrix,
                         ::testing::Values(Case{"FetchHttpFirst", {Route::Http, Route::Local}, State::First},
                                           Case{"FetchHttpChanges", {Route::Http, Route::Local}, State::Changes},
                                           Case{"FetchPipeFirst", {Route::Pipe, Route::Local}, State::First},
                                           Case{"FetchPipeChanges", {Route::Pipe, Route::Local}, State::Changes},
                                           Case{"PushHttpFirst", {Route::Memory, Route::Http}, State::First},
                                           Case{"PushHttpChanges", {Route::Memory, Route::Http}, State::Changes},
                                           Case{"PushPipeFirst", {Route::Memory, Route::Pipe}, State::First},
                                           Case{"PushPipeChanges", {Route::Memory, Route::Pipe}, State::Changes}),
                         [](const ::testing::TestParamInfo<Case>& it) { return it.param.name; });

}  // namespace
}  // namespace packferry::testing
