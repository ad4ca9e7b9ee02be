// A repository of a few megabytes: cut at random bytes, one bit wrong in its pack, and its source killed in the middle.
#include <fmt/format.h>
#include <signal.h>

#include "faults/campaign.h"
#include "faults/scene.h"
#include "testing/processes.h"

namespace packferry::testing {
namespace {

constexpr std::size_t kContentBytes = 4 * 1024 * 1024;
// So near to its ends a byte may belong to something else than the pack.
constexpr std::uint64_t kMarginBytes = 64 * 1024;

struct Case {
  const char* name;
  Trip trip;
};

constexpr Trip kFetchHttp{Route::Http, Route::Local};
constexpr Trip kFetchPipe{Route::Pipe, Route::Local};
constexpr Trip kPushHttp{Route::Memory, Route::Http};
constexpr Trip kPushPipe{Route::Memory, Route::Pipe};

class RandomBytes : public ::testing::TestWithParam<Case> {
 protected:
  // How many bytes an undisturbed crossing passes, each way.
  void measure() {
    scene.reset();
    scene.disarm();
    const CrossingReport whole = scene.cross(GetParam().trip);
    up = scene.passed(Towards::Server);
    down = scene.passed(Towards::Client);
    ASSERT_EQ(violations_of_second_run(scene.evidence(claim_of(whole))), std::vector<std::string>());
  }

  // A byte of the pack, which is nearly all that passes.
  static std::uint64_t in_pack(const Place& place, std::uint64_t total) {
    return total - kContentBytes + kMarginBytes + place.of(kContentBytes - 2 * kMarginBytes);
  }

  // A byte of all, in whichever direction it goes.
  Fault fault_at(const Place& place, Fault::Kind kind, bool stays_down) const {
    const std::uint64_t number = place.of(up + down);
    const bool to_server = number < up;
    return {.towards = to_server ? Towards::Server : Towards::Client,
            .at_byte = to_server ? number : number - up,
            .kind = kind,
            .stays_down = stays_down};
  }

  Scene scene{State::Changes, kContentBytes};
  std::mt19937_64 random = random_for_this_test();
  std::uint64_t up = 0;
  std::uint64_t down = 0;
};

using CutAtRandom = RandomBytes;

TEST_P(CutAtRandom, HarmsNothingAndTheNextRunConverges) {
  measure();
  Runs runs(GetParam().name, 250, 0.05);
  while (runs.go_on()) {
    const Place place = draw_place(random);
    const bool stays_down = draw(random, 2) == 1;
    const std::string words = fmt::format("cut at {} millionths, {}", place.millionths, stays_down ? "down" : "back");
    if (!runs.is_wanted(words)) continue;
    scene.reset();
    scene.arm(fault_at(place, Fault::Kind::Close, stays_down));
    const CrossingReport report = scene.cross(GetParam().trip);
    const bool happened = scene.happened();
    runs.note(words, happened, scene.judge(GetParam().trip, claim_of(report), {ErrorKind::Unavailable}));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, CutAtRandom,
                         ::testing::Values(Case{"FetchHttp", kFetchHttp}, Case{"FetchPipe", kFetchPipe},
                                           Case{"PushHttp", kPushHttp}, Case{"PushPipe", kPushPipe}),
                         [](const ::testing::TestParamInfo<Case>& it) { return std::string(it.param.name); });

using OneWrongBit = RandomBytes;

TEST_P(OneWrongBit, InThePackIsNeverAccepted) {
  measure();
  const bool is_push = GetParam().trip.destination == Route::Http;
  Runs runs(fmt::format("{} one wrong bit", GetParam().name), 250, 0.05);
  std::size_t refused = 0;
  std::size_t tried = 0;
  while (runs.go_on()) {
    const Place place = draw_place(random);
    const std::string words = fmt::format("flip at {} millionths", place.millionths);
    if (!runs.is_wanted(words)) continue;
    const Fault flip{.towards = is_push ? Towards::Server : Towards::Client,
                     .at_byte = in_pack(place, is_push ? up : down),
                     .kind = Fault::Kind::Flip};
    scene.reset();
    scene.arm(flip);
    const CrossingReport report = scene.cross(GetParam().trip);
    const bool happened = scene.happened();
    const Claim claim = claim_of(report);
    ++tried;
    refused += claim.success ? 0 : 1;
    // A pack that is wrong is Corrupt to us, Rejected by a host; git http-backend may say 500 instead; a length that is
    // wrong looks like an early end.
    runs.note(words, happened,
              scene.judge(GetParam().trip, claim, {ErrorKind::Corrupt, ErrorKind::Rejected, ErrorKind::Unavailable}));
  }
  // Between the bytes of the pack there are a few of its framing that mean nothing.
  EXPECT_GE(refused + 1 + tried / 100, tried);
}

INSTANTIATE_TEST_SUITE_P(Of, OneWrongBit, ::testing::Values(Case{"FetchHttp", kFetchHttp}, Case{"PushHttp", kPushHttp}),
                         [](const ::testing::TestParamInfo<Case>& it) { return std::string(it.param.name); });

using KilledSource = RandomBytes;

TEST_P(KilledSource, MovesNothing) {
  measure();
  const bool is_pipe = GetParam().trip.source == Route::Pipe;
  scene.server().remember_answers("nothing");
  Runs runs(fmt::format("{} source killed", GetParam().name), 200, 0.05);
  while (runs.go_on()) {
    const bool whole_command = draw(random, 2) == 1;
    const Place place = draw_place(random);
    const char* victim = whole_command ? "upload-pack" : "pack-objects";
    const std::string words = fmt::format("kill {} at {} millionths", victim, place.millionths);
    if (!runs.is_wanted(words)) continue;
    scene.reset();
    std::atomic<bool> killed = false;
    // Sockets hold much of what was said; in a while nobody is left there to kill.
    const std::uint64_t at =
        is_pipe ? in_pack(place, down) - kMarginBytes : down - kContentBytes + place.of(kMarginBytes);
    if (is_pipe) {
      scene.arm(whole_command ? Wire::Fault::KillCommand : Wire::Fault::KillPackObjects, at);
    } else {
      scene.arm({.at_byte = at, .kind = Fault::Kind::Call, .then = [&] {
                   for (const RunningProcess& process : running_in(scene.git()))
                     if (process.command_line.find(victim) != std::string::npos)
                       killed = ::kill(process.pid, SIGKILL) == 0 || killed;
                 }});
    }
    const CrossingReport report = scene.cross(GetParam().trip);
    const Claim claim = claim_of(report);
    // What was made before the pack began is a kept name; everything else stands or falls with it.
    std::vector<std::string> found;
    if (!claim.success)
      for (const auto& [name, value] : claim.confirmed)
        if (!name.starts_with(kKeptPrefix)) found.push_back(name + " moved");
    const bool happened = is_pipe ? scene.happened() : killed.load();
    // upload-pack says in band 3 that its child died, and then it is an answer; else it is just an end.
    std::vector<std::string> judged =
        scene.judge(GetParam().trip, claim, {ErrorKind::Unavailable, ErrorKind::Rejected});
    found.insert(found.end(), judged.begin(), judged.end());
    runs.note(words, happened, found);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, KilledSource,
                         ::testing::Values(Case{"FetchPipe", kFetchPipe}, Case{"FetchHttp", kFetchHttp}),
                         [](const ::testing::TestParamInfo<Case>& it) { return std::string(it.param.name); });

}  // namespace
}  // namespace packferry::testing
