// Can the harness fail? Each of these breaks one rule, as a program with that bug would; the harness has to say so. If
// one is not found, this test fails, and whatever the other tests say is worth nothing.
#include <fmt/format.h>

#include <fstream>

#include "faults/campaign.h"
#include "faults/scene.h"
#include "faults/watched_destination.h"

namespace packferry::testing {
namespace {

enum class Plant {
  Nothing,      // the control: nothing must be found
  WrongValue,   // a ref goes to a commit that is there, but is not the source's
  NoPush,       // "ok" without doing it, and a listing to match
  NoKeptNames,  // old tips are said to be kept, and are not
  ShortPack,    // a pack that was cut is completed with a trailer of our own, for a host that does not look
  StaleLock,    // dies and leaves a lock
  Poison,       // leaves the destination so that nobody can push to it any more
  PushedTwice,  // in doubt, it pushes again
};

// Takes a pack, and what it makes of it is that of a bug.
class PlantedPush final : public PushWriter {
 public:
  PlantedPush(PushRequest request, std::function<void(std::string)> finish) : finish_(std::move(finish)) {
    for (const RefUpdate& update : request.updates) report_.refs.push_back({update.name, true});
  }
  Result<> write(std::span<const std::byte> bytes) override {
    pack_ += as_text(bytes);
    return {};
  }
  Result<> finish() override {
    finish_(pack_);
    return {};
  }
  const PushReport& report() const override { return report_; }
  bool is_in_doubt() const override { return false; }

 private:
  const std::function<void(std::string)> finish_;
  PushReport report_;
  std::string pack_;
};

class PlantedDestination final : public DestinationAround {
 public:
  PlantedDestination(std::unique_ptr<Destination> real, Plant plant, Scene& scene)
      : DestinationAround(std::move(real)), plant_(plant), scene_(scene) {}

  // What was pretended is shown too.
  Result<std::optional<Listing>> refs(std::stop_token stop) override {
    std::optional<Listing> listing = TRY(DestinationAround::refs(stop));
    std::map<RefName, Oid> shown;
    for (const Ref& ref : listing->refs) shown.insert_or_assign(ref.name, ref.oid);
    for (const RefUpdate& update : pretended_) shown.insert_or_assign(update.name, update.new_oid);
    std::vector<Ref> refs;
    for (const auto& [name, oid] : shown)
      if (!oid.is_zero()) refs.push_back({name, oid});
    listing->refs = TRY(RefMap::from(std::move(refs)));
    return listing;
  }

  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages messages,
                                           std::stop_token stop) override {
    const bool keeps = request.updates.front().name.starts_with(kKeptPrefix);
    const bool carries = !keeps && !request.updates.front().is_delete();
    switch (plant_) {
      case Plant::WrongValue:
        for (RefUpdate& update : request.updates)
          if (update.name.text() == "refs/heads/new") update.new_oid = request.updates.front().old_oid;
        break;
      case Plant::NoPush:
        return pretend(request);
      case Plant::NoKeptNames:
        if (keeps) return pretend(request);
        break;
      case Plant::ShortPack:
        if (carries)
          return std::make_unique<PlantedPush>(request,
                                               [this, request](const std::string& pack) { force_in(request, pack); });
        break;
      case Plant::StaleLock:
        return std::make_unique<PlantedPush>(request, [this](const std::string&) {
          std::ofstream(scene_.path("destination") + "/refs/heads/main.lock") << "";
        });
      case Plant::Poison:
        return std::make_unique<PlantedPush>(request, [this](const std::string&) {
          scene_.git().git("destination", {"config", "receive.maxInputSize", "1"});
        });
      case Plant::PushedTwice: {
        auto first = TRY(DestinationAround::open(request, messages, stop));
        break;
      }
      case Plant::Nothing:
        break;
    }
    return DestinationAround::open(std::move(request), std::move(messages), stop);
  }

 private:
  Result<std::unique_ptr<PushWriter>> pretend(const PushRequest& request) {
    pretended_.insert(pretended_.end(), request.updates.begin(), request.updates.end());
    return std::make_unique<PlantedPush>(request, [](const std::string&) {});
  }

  // A host without any checks: takes the objects that it finds, and writes the refs.
  void force_in(const PushRequest& request, std::string pack) {
    constexpr std::size_t kHeaderBytes = 12;
    pack.resize(kHeaderBytes + (pack.size() - kHeaderBytes) / 2);
    pack += as_text(digest_of(DigestAlgorithm::Sha1, as_bytes(pack)));
    const std::string file = scene_.path("short.pack");
    std::ofstream(file, std::ios::binary) << pack;
    // -r: as many as can be had
    static_cast<void>(scene_.git().try_git(
        "destination", {"-c", fmt::format("alias.force=!git unpack-objects -r -q <{}", file), "force"}));
    for (const RefUpdate& update : request.updates)
      std::ofstream(fmt::format("{}/{}", scene_.path("destination"), update.name.text()))
          << update.new_oid.hex() << "\n";
  }

  const Plant plant_;
  Scene& scene_;
  std::vector<RefUpdate> pretended_;
};

std::vector<std::string> found_with(Plant plant) {
  const Trip trip{Route::Memory, Route::Http};
  Scene scene(State::Changes);
  scene.disarm();
  scene.server().forget_requests();
  std::size_t pushes = 0;
  const CrossingReport report = scene.cross(trip, false, [&](std::unique_ptr<Destination> real) {
    auto counting = std::make_unique<CountingDestination>(std::move(real), pushes);
    return std::make_unique<PlantedDestination>(std::move(counting), plant, scene);
  });
  std::vector<std::string> found = scene.judge(trip, claim_of(report), {ErrorKind::Conflict});
  constexpr std::size_t kSteps = 3;  // keep, carry, remove
  Evidence evidence = scene.evidence(claim_of(report));
  evidence.pushes = pushes > kSteps ? pushes - kSteps + 1 : 1;
  for (std::string& violation : violations(evidence, {ErrorKind::Conflict})) found.push_back(std::move(violation));
  return found;
}

TEST(PlantedFault, IsFound) {
  const struct {
    Plant plant;
    std::string_view found;
  } cases[] = {
      {Plant::WrongValue, "refs/heads/new went from nothing to"},
      {Plant::NoPush, "success is claimed, and the refs are not equal"},
      {Plant::NoKeptNames, "the old tip"},
      {Plant::ShortPack, "objects are missing"},
      {Plant::StaleLock, "left behind"},
      {Plant::Poison, "the second run: it did not succeed"},
      {Plant::PushedTwice, "pushed"},
  };
  for (const auto& [plant, expected] : cases) {
    const std::vector<std::string> found = found_with(plant);
    bool is_found = false;
    std::string all;
    for (const std::string& violation : found) {
      is_found = is_found || violation.find(expected) != std::string::npos;
      all += "  " + violation + "\n";
    }
    EXPECT_TRUE(is_found) << "planted: '" << expected << "'; found:\n" << all;
    if (is_found) fmt::print("planted and found: {}\n", expected);
  }
}

TEST(PlantedFault, IsNotFoundWhereThereIsNone) { EXPECT_EQ(found_with(Plant::Nothing), std::vector<std::string>()); }

}  // namespace
}  // namespace packferry::testing
