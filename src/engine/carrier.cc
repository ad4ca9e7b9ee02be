#include "engine/carrier.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/split.h"
#include "io/fan_out.h"

namespace packferry {
namespace {

bool has_all(const RefMap& held, const std::vector<Oid>& extra, const std::vector<PlannedUpdate>& updates) {
  std::unordered_set<Oid> there(extra.begin(), extra.end());
  for (const Ref& ref : held) there.insert(ref.oid);
  return std::all_of(updates.begin(), updates.end(),
                     [&](const PlannedUpdate& planned) { return there.contains(planned.update.new_oid); });
}

std::vector<Oid> tips(const RefMap& refs) {
  std::vector<Oid> oids;
  for (const Ref& ref : refs) oids.push_back(ref.oid);
  std::sort(oids.begin(), oids.end());
  oids.erase(std::unique(oids.begin(), oids.end()), oids.end());
  return oids;
}

// A lane of the fan-out, which leaves what the host said of each ref behind when it goes.
class PushLane final : public Writer {
 public:
  // What its crossing wants to know of it afterwards.
  struct Outcome {
    PushReport report;
    bool was_too_large = false;
  };

  PushLane(std::unique_ptr<PushWriter> push, std::uint64_t bytes_max, Outcome& outcome)
      : push_(std::move(push)), bytes_max_(bytes_max), outcome_(outcome) {}

  Result<> write(std::span<const std::byte> bytes) override {
    bytes_ += bytes.size();
    // Said here, since hosts say it by hanging up.
    if (bytes_max_ == 0 || bytes_ <= bytes_max_) return push_->write(bytes);
    outcome_.was_too_large = true;
    return Error(ErrorKind::Rejected, "more than {} bytes for one push", bytes_max_);
  }

  Result<> finish() override {
    Result<> finished = push_->finish();
    outcome_.report = push_->report();
    return finished;
  }

 private:
  const std::unique_ptr<PushWriter> push_;
  const std::uint64_t bytes_max_;
  Outcome& outcome_;
  std::uint64_t bytes_ = 0;
};

// AWS's advice for the first part of a large push ("Migrate incrementally"), and what the commits of a history may take
// of our memory when it has to be known.
constexpr std::size_t kFirstPart = 1'000;
constexpr SmallPack kWholeHistory{
    .objects_max = 500'000, .pack_bytes_max = 128 * 1024 * 1024, .content_bytes_max = 256 * 1024 * 1024};

std::vector<Oid> marked(Leg& leg) {
  std::vector<Oid> oids;
  for (const Ref& mark : leg.marks()) oids.push_back(mark.oid);
  return oids;
}

RefName mark_name(std::size_t number) {
  Result<RefName> name = RefName::parse(fmt::format("{}{}", kSplitMarks, number));
  return std::move(name).value();
}

bool is_marked(Leg& leg, const RefName& name) {
  return std::any_of(leg.marks().begin(), leg.marks().end(), [&](const Ref& mark) { return mark.name == name; });
}

// Names that are free over there.
std::vector<PlannedUpdate> new_marks(Leg& leg, const std::vector<Oid>& commits) {
  std::vector<PlannedUpdate> marks;
  std::size_t number = 0;
  for (const Oid& oid : commits) {
    RefName name = mark_name(++number);
    while (is_marked(leg, name)) name = mark_name(++number);
    marks.push_back({.update = {.name = name, .old_oid = Oid(), .new_oid = oid}, .change = Change::Create});
  }
  return marks;
}

// Legs that have the same to carry share one fetch; a laggard gets its own until it has caught up.
std::vector<std::vector<Leg*>> groups(const std::vector<Leg*>& legs) {
  std::vector<std::vector<Leg*>> groups;
  for (Leg* leg : legs) {
    if (leg->plan().carry.empty() && !leg->needs_everything()) continue;
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const std::vector<Leg*>& group) {
      return group.front()->plan().carry == leg->plan().carry &&
             group.front()->needs_everything() == leg->needs_everything();
    });
    if (same == groups.end()) {
      groups.push_back({leg});
    } else {
      same->push_back(leg);
    }
  }
  return groups;
}

}  // namespace

// An empty repository that is to hold all that the source offers: what it lacks is everything.
bool Carrier::takes_everything(const Leg& leg) const {
  const std::size_t updates_max = leg.destination().profile().updates_per_push_max;
  return leg.listing() && leg.held().empty() && leg.listing()->extra_haves.empty() &&
         (updates_max == 0 || leg.plan().carry.size() <= updates_max) && new_oids(leg.plan().carry) == tips(offered_);
}

void Carrier::ask_what_it_needs(Leg& leg) const {
  const Result<bool> needs = leg.destination().needs_everything(listing_, offered_, leg.plan(), stop_);
  if (!needs) return leg.fail(Error(needs.error()));
  leg.note_needs_everything(!offered_.empty() && (*needs || takes_everything(leg)));
}

void Carrier::carry(const std::vector<Leg*>& legs) {
  together(legs, [this](Leg& leg) { ask_what_it_needs(leg); });
  for (const std::vector<Leg*>& group : groups(live(legs))) carry_group(group);
  for (Leg* leg : live(legs)) carry_in_parts(*leg);
}

bool Carrier::is_atomic(const Leg& leg) const {
  switch (options_.policy.atomic) {
    case AtomicMode::Always:
      return true;
    case AtomicMode::Never:
      return false;
    // A first seed is long, and one refused ref would throw all of it away.
    case AtomicMode::Auto:
      return !leg.held().empty() && leg.takes("atomic");
  }
  return false;
}

Result<std::unique_ptr<PushWriter>> Carrier::open(Leg& leg, const std::vector<PlannedUpdate>& batch, bool atomic,
                                                  std::vector<Oid> haves) {
  if (atomic && !leg.takes("atomic"))
    return Error(ErrorKind::Unsupported, "the host offers no atomic pushes; use --atomic auto or never");
  return leg.destination().open({.updates = bare_updates(batch), .atomic = atomic, .haves = std::move(haves)},
                                announcer_.messages_of(leg.index()), stop_);
}

Result<> Carrier::push_without_source(Leg& leg, const std::vector<PlannedUpdate>& batch) {
  bool atomic = is_atomic(leg);
  while (true) {
    const std::unique_ptr<PushWriter> writer = TRY(open(leg, batch, atomic));
    const bool has_pack = std::any_of(batch.begin(), batch.end(),
                                      [](const PlannedUpdate& planned) { return !planned.update.is_delete(); });
    if (has_pack) TRY(writer->write(empty_pack(listing_.format)));
    TRY(writer->finish());
    if (leg.note_report(writer->report()) || !atomic || options_.policy.atomic == AtomicMode::Always) return {};
    atomic = false;  // one refused ref must not stop the others
  }
}

void Carrier::carry_group(const std::vector<Leg*>& group) {
  std::size_t batch_max = 0;
  for (const Leg* leg : group) {
    const std::size_t limit = leg->destination().profile().updates_per_push_max;
    if (limit != 0 && (batch_max == 0 || limit < batch_max)) batch_max = limit;
  }
  for (const Leg* leg : group) announcer_.tell_step(*leg, "carrying", leg->plan().carry.size());

  if (group.front()->needs_everything()) return carry_batch(live(group), group.front()->plan().carry, {});
  std::vector<Oid> delivered;  // by earlier batches
  for (const std::vector<PlannedUpdate>& batch : in_batches(group.front()->plan().carry, batch_max)) {
    std::vector<Leg*> legs = live(group);
    std::erase_if(legs, [](const Leg* leg) { return leg->is_to_be_split(); });
    carry_batch(std::move(legs), batch, delivered);
    const std::vector<Oid> carried = new_oids(batch);
    delivered.insert(delivered.end(), carried.begin(), carried.end());
  }
}

void Carrier::carry_batch(std::vector<Leg*> legs, const std::vector<PlannedUpdate>& batch,
                          const std::vector<Oid>& delivered) {
  // Refused by an atomic push as a whole: those legs go once more, ref by ref.
  for (bool again = false; !legs.empty(); again = true) {
    const bool needs_pack = std::any_of(legs.begin(), legs.end(), [&](const Leg* leg) {
      return leg->needs_everything() || !has_all(leg->held(), leg->listing()->extra_haves, batch);
    });
    if (!needs_pack) {
      together(legs, [&](Leg& leg) {
        if (Result<> pushed = push_without_source(leg, batch); !pushed)
          leg.fail(std::move(pushed).error().context("push"));
      });
      return;
    }
    std::unique_ptr<PackStream> pack;
    FetchRequest request;
    {
      Result<std::unique_ptr<PackStream>> fetched = fetch(legs, batch, delivered, request);
      if (!fetched) {
        for (Leg* leg : legs) leg->fail(fetched.error());
        return;
      }
      pack = std::move(fetched).value();
    }
    legs = pour(*pack, request.haves, legs, batch, again);
    if (again) return;
  }
}

Result<std::unique_ptr<PackStream>> Carrier::fetch(const std::vector<Leg*>& legs,
                                                   const std::vector<PlannedUpdate>& batch,
                                                   const std::vector<Oid>& delivered, FetchRequest& request) {
  if (legs.front()->needs_everything()) {
    request.wants = tips(offered_);
  } else {
    request.wants = new_oids(batch);
    request.haves = TRY(inquiry_.haves_for(legs, batch, delivered));
  }
  return ask_for(request, legs);
}

Result<std::unique_ptr<PackStream>> Carrier::ask_for(FetchRequest& request, const std::vector<Leg*>& legs) {
  for (const Leg* leg : legs) {
    request.thin = request.thin && leg->destination().profile().takes_thin && !leg->takes("no-thin");
    request.ofs_delta = request.ofs_delta && leg->destination().profile().takes_ofs_delta && leg->takes("ofs-delta");
  }
  ++fetches_;
  return source_.pack(request, announcer_.messages_of(CrossingEvent::kSource), stop_);
}

// One pack into every leg. Returns the legs that have to be tried again, ref by ref.
std::vector<Leg*> Carrier::pour(PackStream& pack, const std::vector<Oid>& haves, const std::vector<Leg*>& legs,
                                const std::vector<PlannedUpdate>& batch, bool again,
                                std::optional<std::uint64_t> bytes_max) {
  std::vector<Leg*> open_legs;
  std::vector<PushLane::Outcome> outcomes(legs.size());
  std::vector<std::unique_ptr<Writer>> lanes;
  for (Leg* leg : legs) {
    Result<std::unique_ptr<PushWriter>> writer = open(*leg, batch, is_atomic(*leg) && !again, haves);
    if (!writer) {
      leg->fail(std::move(writer).error().context("push"));
      continue;
    }
    lanes.push_back(std::make_unique<PushLane>(std::move(writer).value(), bytes_max.value_or(push_bytes_max(*leg)),
                                               outcomes[open_legs.size()]));
    open_legs.push_back(leg);
    announcer_.tell({.kind = CrossingEvent::Kind::PackStarted, .leg = leg->index(), .objects = pack.object_count()});
  }
  if (open_legs.empty()) return {};

  FanOut fan_out(std::move(lanes), options_.patience, stop_);
  Result<std::uint64_t> moved = pump(pack, fan_out, [&](std::uint64_t bytes) {
    for (const Leg* leg : open_legs)
      announcer_.tell({.kind = CrossingEvent::Kind::PackMoved,
                       .leg = leg->index(),
                       .bytes = bytes,
                       .objects = pack.object_count()});
  });
  // Only a whole, checked pack is finished. After a failed pump the Writers are abandoned: no trailer, no moved ref.
  const Result<> finished = moved ? fan_out.finish() : Result<>(Error(moved.error()));

  std::vector<Leg*> retry;
  for (std::size_t i = 0; i < open_legs.size(); ++i) {
    Leg& leg = *open_legs[i];
    leg.note_pack(pack.bytes(), moved ? pack.object_count() : 0);
    if (outcomes[i].was_too_large) {
      leg.note_to_be_split(true);
    } else if (const Result<>& lane = fan_out.outcome(i);
               !lane && (lane.error().kind() != ErrorKind::Cancelled || moved)) {
      leg.fail(Error(lane.error()).context("push"));
    } else if (!moved) {
      leg.fail(Error(moved.error()).context("fetch from {}", source_.name()));
    } else {
      const bool was_atomic = is_atomic(leg) && !again;
      if (!leg.note_report(outcomes[i].report) && was_atomic && options_.policy.atomic == AtomicMode::Auto)
        retry.push_back(&leg);
    }
  }
  return retry;
}

// How much one push may bring. Each part of what is split is within it, and so the limit is that of the host.
std::uint64_t Carrier::push_bytes_max(const Leg& leg) const {
  const HostProfile& profile = leg.destination().profile();
  if (options_.push_bytes_max != 0) return options_.push_bytes_max;
  return profile.pack_bytes_advised != 0 ? profile.pack_bytes_advised : profile.pack_bytes_max;
}

// 5b. A pack that is too large for one push goes in parts: first commits that the new refs rest on, each part under
// marks of ours, then what is left. A part that is there stays there, so a run that is cut is gone on with by the
// next.
void Carrier::carry_in_parts(Leg& leg) {
  if (!leg.is_to_be_split()) return;
  leg.note_to_be_split(false);
  leg.note_needs_everything(false);  // each part that is there is something less
  const std::vector<Oid> wants = new_oids(leg.left_to_carry());
  std::vector<Oid> haves = tips(leg.held());
  for (const Ref& mark : leg.marks()) haves.push_back(mark.oid);
  Result<History> history = source_.history(wants, std::move(haves), kWholeHistory, stop_);
  if (!history)
    return leg.fail(
        std::move(history).error().context("push: it is more than {} bytes and has to be split, for which {} has to "
                                           "show its history; or bring its refs over in parts, with --ref",
                                           push_bytes_max(leg), source_.name()));
  if (Result<> pushed = push_parts(leg, *history); !pushed) {
    if (leg.is_live()) leg.fail(std::move(pushed).error());
    return;
  }
  // What is left: the last commits, tags, and the names.
  std::vector<Oid> delivered = marked(leg);
  for (const std::vector<PlannedUpdate>& batch : leg.in_pushes(leg.left_to_carry())) {
    carry_batch({&leg}, batch, delivered);
    if (leg.is_to_be_split()) return leg.fail(too_large(leg));
    if (!leg.is_live()) return;
    const std::vector<Oid> carried = new_oids(batch);
    delivered.insert(delivered.end(), carried.begin(), carried.end());
  }
}

Error Carrier::too_large(const Leg& leg) const {
  return Error(ErrorKind::Rejected, "push: {} takes at most {} bytes in one push, and a single commit brings more",
               leg.destination().profile().name, push_bytes_max(leg));
}

Result<> Carrier::push_parts(Leg& leg, const History& history) {
  SplitWalk walk(history, new_oids(leg.left_to_carry()));
  std::size_t count = std::min(kFirstPart, std::max<std::size_t>(1, walk.remaining() / 2));
  while (walk.remaining() > 0) {
    const std::size_t part = std::min(count, walk.remaining());
    const std::vector<PlannedUpdate> marks = new_marks(leg, walk.next(history, part));
    announcer_.tell({.kind = CrossingEvent::Kind::StepStarted,
                     .leg = leg.index(),
                     .text = "carrying in parts, commits left",
                     .count = walk.remaining()});
    // One commit is the smallest part there is: then only what the host refuses counts.
    const std::uint64_t bytes_max = part == 1 ? leg.destination().profile().pack_bytes_max : push_bytes_max(leg);
    const std::uint64_t bytes = TRY(push_part(leg, history, marks, bytes_max));
    if (leg.is_to_be_split()) {
      leg.note_to_be_split(false);
      if (part == 1) return too_large(leg);
      count = std::max<std::size_t>(1, part / 4);
      continue;
    }
    for (const PlannedUpdate& mark : marks) leg.marks().push_back({mark.update.name, mark.update.new_oid});
    walk.settle(part);
    count = next_part(part, bytes, push_bytes_max(leg));
  }
  return {};
}

// The bytes of its pack.
Result<std::uint64_t> Carrier::push_part(Leg& leg, const History& history, const std::vector<PlannedUpdate>& marks,
                                         std::uint64_t bytes_max) {
  FetchRequest request{.wants = new_oids(marks)};
  std::unordered_set<Oid> held;
  for (const Oid& oid : tips(leg.held())) held.insert(oid);
  for (const Ref& mark : leg.marks()) held.insert(mark.oid);
  request.haves = history.boundary(request.wants, held).oids;
  const std::unique_ptr<PackStream> pack =
      TRY(ask_for(request, {&leg}).context("fetch a part from {}", source_.name()));
  pour(*pack, request.haves, {&leg}, marks, true, bytes_max);
  if (!leg.is_live()) return Error(ErrorKind::Cancelled, "the leg has failed");
  return pack->bytes();
}

}  // namespace packferry
