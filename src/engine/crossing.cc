#include "engine/crossing.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "engine/inquiry.h"
#include "engine/leg.h"
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

}  // namespace

std::string_view to_string(LegStatus status) {
  switch (status) {
    case LegStatus::UpToDate:
      return "up-to-date";
    case LegStatus::Done:
      return "done";
    case LegStatus::Planned:
      return "planned";
    case LegStatus::Held:
      return "held";
    case LegStatus::Partial:
      return "partial";
    case LegStatus::Failed:
      return "failed";
  }
  CHECK(!"a LegStatus has a name");
  return {};
}

std::string_view to_string(RefOutcome outcome) {
  switch (outcome) {
    case RefOutcome::Planned:
      return "planned";
    case RefOutcome::Confirmed:
      return "confirmed";
    case RefOutcome::Withheld:
      return "withheld";
    case RefOutcome::Rejected:
      return "rejected";
    case RefOutcome::NotDone:
      return "not-done";
  }
  CHECK(!"a RefOutcome has a name");
  return {};
}

namespace {

// One run of Crossing::run(), step by step.
class Run {
 public:
  Run(Source& source, const CrossingOptions& options, const Clock& clock, CrossingObserver* observer,
      std::stop_token stop)
      : source_(source),
        options_(options),
        clock_(clock),
        observer_(observer),
        stop_(std::move(stop)),
        inquiry_(source, offered_, options.policy, stop_) {}

  // All legs, on the source as it is now. Legs that end in a Conflict may be run again.
  Result<> cross(const std::vector<Leg*>& legs) {
    TRY(observe(legs));
    for (Leg* leg : legs) plan(*leg);
    if (options_.dry_run) return {};

    // From here on no leg changes its mind: what was planned is what is carried, or withheld.

    together(live(legs), [this](Leg& leg) { make_ready(leg); });
    together(live(legs), [this](Leg& leg) { keep_old_tips(leg); });
    together(live(legs), [this](Leg& leg) { push_deletions(leg, leg.plan().clear, "clearing the way"); });
    together(live(legs), [this](Leg& leg) { ask_what_it_needs(leg); });
    for (const std::vector<Leg*>& group : groups(live(legs))) carry(group);
    for (Leg* leg : live(legs)) carry_in_parts(*leg);
    together(live(legs), [this](Leg& leg) { remove_marks(leg); });
    together(live(legs), [this](Leg& leg) { set_head(leg); });
    together(live(legs), [this](Leg& leg) { push_deletions(leg, leg.plan().remove, "removing"); });
    together(live(legs), [this](Leg& leg) { publish(leg); });

    // A report is a claim; the destination's own refs are the proof.
    together(legs, [this](Leg& leg) { confirm(leg); });
    return {};
  }

  // What the source showed.
  void describe(CrossingReport& report) const {
    report.head = listing_.head;
    report.offered_refs = listing_.refs.size();
    report.selected_refs = offered_.size();
    report.format = listing_.format;
    report.protocol = listing_.protocol;
    report.fetches += fetches_;
  }

 private:
  void tell(const CrossingEvent& event) {
    if (observer_ != nullptr) observer_->on_event(event);
  }

  RemoteMessages messages_of(std::size_t leg) {
    return [this, leg](std::string_view line) {
      tell({.kind = CrossingEvent::Kind::RemoteMessage, .leg = leg, .text = line});
    };
  }

  static std::vector<Leg*> live(const std::vector<Leg*>& legs) {
    std::vector<Leg*> alive;
    std::copy_if(legs.begin(), legs.end(), std::back_inserter(alive), [](const Leg* leg) { return leg->is_live(); });
    return alive;
  }

  template <typename Work>
  static void together(const std::vector<Leg*>& legs, const Work& work) {
    if (legs.empty()) return;
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < legs.size(); ++i) others.emplace_back([&work, leg = legs[i]] { work(*leg); });
    work(*legs.front());
  }

  // 1. Observe: the source's refs once, each destination's refs, all at the same time.
  Result<> observe(const std::vector<Leg*>& legs) {
    std::vector<std::jthread> others;
    for (Leg* leg : legs)
      others.emplace_back([this, leg] {
        observe_leg(*leg);
        if (leg->is_live())
          tell({.kind = CrossingEvent::Kind::LegListed, .leg = leg->index(), .count = leg->held().size()});
      });
    Result<Listing> listed = source_.refs(options_.policy.selection, stop_).context("source {}", source_.name());
    others.clear();  // joins

    listing_ = TRY(std::move(listed));
    if (listing_.shallow)
      return Error(ErrorKind::Unsupported,
                   "source {}: it is a shallow repository and cannot give its full history; deepen it first "
                   "(git fetch --unshallow)",
                   source_.name());
    offered_ = TRY(options_.policy.selection.map(listing_.refs).context("source {}", source_.name()));
    head_ = listing_.head;
    if (head_.target) head_.target = options_.policy.selection.map(*head_.target);
    tell({.kind = CrossingEvent::Kind::SourceListed, .count = offered_.size()});
    return {};
  }

  void observe_leg(Leg& leg) {
    Result<std::optional<Listing>> listed = leg.destination().refs(stop_);
    if (!listed) return leg.fail(std::move(listed).error().context("list refs"));
    leg.note_listing(std::move(listed).value());
  }

  // 2. Plan: what the source has to be asked, then the pure decision.
  void plan(Leg& leg) {
    if (!leg.is_live()) return;
    if (leg.listing() && leg.listing()->format != listing_.format && (!leg.held().empty() || !offered_.empty()))
      return leg.fail(Error(ErrorKind::Unsupported,
                            "the source is a {} repository and the destination a {} one; create the destination with "
                            "git init --object-format={}",
                            to_string(listing_.format), to_string(leg.listing()->format), to_string(listing_.format)));
    Result<Inquiry::Answers> answers = inquiry_.ask(leg.held());
    if (!answers) return leg.fail(std::move(answers).error().context("source {}", source_.name()));

    leg.note_plan(plan_leg({.format = listing_.format,
                            .offered = offered_,
                            .head = head_,
                            .held = leg.held(),
                            .policy = options_.policy,
                            .profile = leg.destination().profile(),
                            .ancestry = answers->ancestry,
                            .known_to_source = answers->known,
                            .kept_stamp = to_compact_iso8601(clock_.now())}),
                  options_.dry_run ? RefOutcome::Planned : RefOutcome::NotDone);
    tell({.kind = CrossingEvent::Kind::LegPlanned, .leg = leg.index(), .plan = &leg.plan()});
  }

  // 3. A repository that does not exist yet is made.
  void make_ready(Leg& leg) {
    if (leg.listing() || leg.plan().carry.empty()) return;
    if (Result<> made = leg.destination().create(listing_.format, head_, stop_); !made)
      return leg.fail(std::move(made).error().context("create the repository"));
    observe_leg(leg);
    if (leg.is_live() && !leg.listing())
      leg.fail(Error(ErrorKind::Rejected, "the repository was created but cannot be listed"));
  }

  // 4. Old tips get their kept names, and are seen there, before anything can lose them.
  void keep_old_tips(Leg& leg) {
    if (leg.plan().keep.empty()) return;
    tell_step(leg, "keeping old tips", leg.plan().keep.size());
    for (const std::vector<PlannedUpdate>& batch : batches(leg, leg.plan().keep)) {
      if (Result<> pushed = push_without_source(leg, batch); !pushed && leg.is_live())
        return leg.fail(std::move(pushed).error().context("keep old tips"));
    }
    Result<std::optional<Listing>> listed = leg.destination().refs(stop_);
    if (!listed) return leg.fail(std::move(listed).error().context("list refs to see that old tips are kept"));
    leg.note_kept(*listed ? (*listed)->refs : RefMap());
  }

  static std::vector<std::vector<PlannedUpdate>> batches(const Leg& leg, const std::vector<PlannedUpdate>& updates) {
    return in_batches(updates, leg.destination().profile().updates_per_push_max);
  }

  void push_deletions(Leg& leg, const std::vector<PlannedUpdate>& updates, std::string_view step) {
    if (updates.empty()) return;
    tell_step(leg, step, updates.size());
    for (const std::vector<PlannedUpdate>& batch : batches(leg, updates))
      if (Result<> pushed = push_without_source(leg, batch); !pushed)
        return leg.fail(std::move(pushed).error().context("{}", step));
  }

  void tell_step(const Leg& leg, std::string_view step, std::size_t updates) {
    tell({.kind = CrossingEvent::Kind::StepStarted, .leg = leg.index(), .text = step, .count = updates});
  }

  bool is_atomic(const Leg& leg) const {
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

  Result<std::unique_ptr<PushWriter>> open(Leg& leg, const std::vector<PlannedUpdate>& batch, bool atomic,
                                           std::vector<Oid> haves = {}) {
    if (atomic && !leg.takes("atomic"))
      return Error(ErrorKind::Unsupported, "the host offers no atomic pushes; use --atomic auto or never");
    return leg.destination().open({.updates = bare_updates(batch), .atomic = atomic, .haves = std::move(haves)},
                                  messages_of(leg.index()), stop_);
  }

  // Commands only, or with the pack of nothing: everything needed is over there.
  Result<> push_without_source(Leg& leg, const std::vector<PlannedUpdate>& batch) {
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

  void ask_what_it_needs(Leg& leg) {
    const Result<bool> needs = leg.destination().needs_everything(listing_, offered_, leg.plan(), stop_);
    if (!needs) return leg.fail(Error(needs.error()));
    leg.note_needs_everything(*needs && !offered_.empty());
  }

  // 5. Legs that have the same to carry share one fetch; a laggard gets its own until it has caught up.
  static std::vector<std::vector<Leg*>> groups(const std::vector<Leg*>& legs) {
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

  void carry(const std::vector<Leg*>& group) {
    std::size_t batch_max = 0;
    for (const Leg* leg : group) {
      const std::size_t limit = leg->destination().profile().updates_per_push_max;
      if (limit != 0 && (batch_max == 0 || limit < batch_max)) batch_max = limit;
    }
    for (const Leg* leg : group) tell_step(*leg, "carrying", leg->plan().carry.size());

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

  void carry_batch(std::vector<Leg*> legs, const std::vector<PlannedUpdate>& batch, const std::vector<Oid>& delivered) {
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
          const Error& why = fetched.error();
          for (Leg* leg : legs) leg->fail(Error(why).context("fetch from {}", source_.name()));
          return;
        }
        pack = std::move(fetched).value();
      }
      legs = pour(*pack, request.haves, legs, batch, again);
      if (again) return;
    }
  }

  Result<std::unique_ptr<PackStream>> fetch(const std::vector<Leg*>& legs, const std::vector<PlannedUpdate>& batch,
                                            const std::vector<Oid>& delivered, FetchRequest& request) {
    if (legs.front()->needs_everything()) {
      request.wants = tips(offered_);
    } else {
      request.wants = new_oids(batch);
      request.haves = TRY(inquiry_.haves_for(legs, batch, delivered));
    }
    return ask_for(request, legs);
  }

  Result<std::unique_ptr<PackStream>> ask_for(FetchRequest& request, const std::vector<Leg*>& legs) {
    for (const Leg* leg : legs) {
      request.thin = request.thin && leg->destination().profile().takes_thin && !leg->takes("no-thin");
      request.ofs_delta = request.ofs_delta && leg->destination().profile().takes_ofs_delta && leg->takes("ofs-delta");
    }
    ++fetches_;
    return source_.pack(request, messages_of(CrossingEvent::kSource), stop_);
  }

  // One pack into every leg. Returns the legs that have to be tried again, ref by ref.
  std::vector<Leg*> pour(PackStream& pack, const std::vector<Oid>& haves, const std::vector<Leg*>& legs,
                         const std::vector<PlannedUpdate>& batch, bool again,
                         std::optional<std::uint64_t> bytes_max = std::nullopt) {
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
      tell({.kind = CrossingEvent::Kind::PackStarted, .leg = leg->index(), .objects = pack.object_count()});
    }
    if (open_legs.empty()) return {};

    FanOut fan_out(std::move(lanes), options_.patience, stop_);
    Result<std::uint64_t> moved = pump(pack, fan_out, [&](std::uint64_t bytes) {
      for (const Leg* leg : open_legs)
        tell({.kind = CrossingEvent::Kind::PackMoved,
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
  std::uint64_t push_bytes_max(const Leg& leg) const {
    const HostProfile& profile = leg.destination().profile();
    if (options_.push_bytes_max != 0) return options_.push_bytes_max;
    return profile.pack_bytes_advised != 0 ? profile.pack_bytes_advised : profile.pack_bytes_max;
  }

  // 5b. A pack that is too large for one push goes in parts: first commits that the new refs rest on, each part under
  // marks of ours, then what is left. A part that is there stays there, so a run that is cut is gone on with by the
  // next.
  void carry_in_parts(Leg& leg) {
    if (!leg.is_to_be_split()) return;
    leg.note_to_be_split(false);
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
    for (const std::vector<PlannedUpdate>& batch : batches(leg, leg.left_to_carry())) {
      carry_batch({&leg}, batch, delivered);
      if (leg.is_to_be_split()) return leg.fail(too_large(leg));
      if (!leg.is_live()) return;
      const std::vector<Oid> carried = new_oids(batch);
      delivered.insert(delivered.end(), carried.begin(), carried.end());
    }
  }

  static std::vector<Oid> marked(Leg& leg) {
    std::vector<Oid> oids;
    for (const Ref& mark : leg.marks()) oids.push_back(mark.oid);
    return oids;
  }

  Error too_large(const Leg& leg) const {
    return Error(ErrorKind::Rejected, "push: {} takes at most {} bytes in one push, and a single commit brings more",
                 leg.destination().profile().name, push_bytes_max(leg));
  }

  Result<> push_parts(Leg& leg, const History& history) {
    SplitWalk walk(history, new_oids(leg.left_to_carry()));
    std::size_t count = std::min(kFirstPart, std::max<std::size_t>(1, walk.remaining() / 2));
    while (walk.remaining() > 0) {
      const std::size_t part = std::min(count, walk.remaining());
      const std::vector<PlannedUpdate> marks = new_marks(leg, walk.next(history, part));
      tell({.kind = CrossingEvent::Kind::StepStarted,
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

  // Names that are free over there.
  static std::vector<PlannedUpdate> new_marks(Leg& leg, const std::vector<Oid>& commits) {
    std::vector<PlannedUpdate> marks;
    std::size_t number = 0;
    for (const Oid& oid : commits) {
      RefName name = mark_name(++number);
      while (is_marked(leg, name)) name = mark_name(++number);
      marks.push_back({.update = {.name = name, .old_oid = Oid(), .new_oid = oid}, .change = Change::Create});
    }
    return marks;
  }
  static RefName mark_name(std::size_t number) {
    Result<RefName> name = RefName::parse(fmt::format("{}{}", kSplitMarks, number));
    return std::move(name).value();
  }
  static bool is_marked(Leg& leg, const RefName& name) {
    return std::any_of(leg.marks().begin(), leg.marks().end(), [&](const Ref& mark) { return mark.name == name; });
  }

  // The bytes of its pack.
  Result<std::uint64_t> push_part(Leg& leg, const History& history, const std::vector<PlannedUpdate>& marks,
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

  // Marks of this run, and those that one which was cut has left.
  void remove_marks(Leg& leg) {
    if (leg.marks().empty()) return;
    std::vector<PlannedUpdate> deletions;
    for (const Ref& mark : leg.marks())
      deletions.push_back(
          {.update = {.name = mark.name, .old_oid = mark.oid, .new_oid = Oid()}, .change = Change::Delete});
    push_deletions(leg, deletions, "removing the marks of the parts");
  }

  // HEAD follows only to a branch that is, or has just been made, the source's: never where the branch was withheld.
  void set_head(Leg& leg) {
    const Ref* branch = head_.target ? offered_.find(*head_.target) : nullptr;
    if (branch == nullptr || !leg.listing()) return;
    const Ref* there = leg.held().find(branch->name);
    const bool carried = std::any_of(leg.plan().carry.begin(), leg.plan().carry.end(),
                                     [&](const PlannedUpdate& planned) { return planned.update.name == branch->name; });
    if (!carried && (there == nullptr || there->oid != branch->oid)) return;
    Result<bool> set = leg.destination().set_head(branch->name, stop_);
    if (!set) return leg.fail(std::move(set).error().context("set HEAD to {}", branch->name.text()));
    leg.note_head_set(*set);
  }

  void publish(Leg& leg) {
    Result<bool> published = leg.destination().publish(listing_, leg.plan(), stop_);
    if (!published) return leg.fail(std::move(published).error());
    leg.note_published(*published);
  }

  // 6. Confirm. Also after a failure: then it tells what happened all the same.
  void confirm(Leg& leg) {
    const bool has_news = !leg.plan().is_empty() || leg.published();
    if (leg.is_live() && !has_news) return prove(leg, leg.held());  // the listing we have is the proof
    if (!has_news || stop_.stop_requested()) return;
    Result<std::optional<Listing>> listed = leg.destination().refs(stop_);
    if (!listed) return leg.fail(std::move(listed).error().context("list refs to confirm"));
    prove(leg, *listed ? (*listed)->refs : RefMap());
  }

  void prove(Leg& leg, const RefMap& there) {
    const auto counts = [&](const Ref& ref) {
      return options_.policy.selection.covers(ref.name) && !leg.destination().profile().is_hidden(ref.name);
    };
    leg.note_proof(there, there.filtered(counts) == offered_.filtered(counts), clock_.now());
  }

  Source& source_;
  const CrossingOptions& options_;
  const Clock& clock_;
  CrossingObserver* const observer_;
  const std::stop_token stop_;

  Listing listing_;  // the source's one complete listing
  RefMap offered_;   // what of it is selected, under the names of the destination
  Head head_;
  std::uint64_t fetches_ = 0;
  Inquiry inquiry_;
};

}  // namespace

Crossing::Crossing(Source& source, std::vector<Destination*> destinations, CrossingOptions options, const Clock& clock,
                   CrossingObserver* observer)
    : source_(source),
      destinations_(std::move(destinations)),
      options_(std::move(options)),
      clock_(clock),
      observer_(observer) {
  CHECK(!destinations_.empty());
}

CrossingReport Crossing::run(std::stop_token stop) {
  const Clock::SteadyTime begin = clock_.steady();
  const auto elapsed = [&] { return std::chrono::duration_cast<Milliseconds>(clock_.steady() - begin); };

  std::vector<std::unique_ptr<Leg>> legs;
  for (Destination* destination : destinations_) legs.push_back(std::make_unique<Leg>(legs.size(), *destination));
  std::vector<Leg*> waiting;
  for (const std::unique_ptr<Leg>& leg : legs) waiting.push_back(leg.get());

  CrossingReport report;
  report.source = source_.name();
  for (unsigned attempt = 1; !waiting.empty(); ++attempt) {
    Run run(source_, options_, clock_, observer_, stop);
    if (Result<> crossed = run.cross(waiting); !crossed) {
      report.error = std::move(crossed).error();
      for (Leg* leg : waiting) leg->fail(*report.error);
    }
    run.describe(report);
    const bool may_try_again = !report.error && attempt < options_.attempts_max && !stop.stop_requested();
    std::erase_if(waiting, [&](Leg* leg) { return !may_try_again || !leg->take_conflict(); });
  }

  for (const std::unique_ptr<Leg>& leg : legs) {
    report.legs.push_back(std::move(*leg).finish(options_.dry_run, elapsed()));
    if (observer_ != nullptr)
      observer_->on_event(
          {.kind = CrossingEvent::Kind::LegFinished, .leg = leg->index(), .report = &report.legs.back()});
  }
  report.duration = elapsed();
  return report;
}

}  // namespace packferry
