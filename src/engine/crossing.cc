#include "engine/crossing.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "engine/leg.h"
#include "io/fan_out.h"

namespace packferry {
namespace {

// A server reads each object that is named to it: up to the first figure nobody notices, above the second some refuse
// the request (docs/notes/haves.md).
constexpr std::size_t kCheapHaves = 300;
constexpr std::size_t kHavesMax = 50'000;

// What the destinations of one fetch can all take.
struct PackForm {
  bool thin = true;
  bool ofs_delta = true;
};

bool has_all(const RefMap& held, const std::vector<Oid>& extra, const std::vector<PlannedUpdate>& updates) {
  std::unordered_set<Oid> there(extra.begin(), extra.end());
  for (const Ref& ref : held) there.insert(ref.oid);
  return std::all_of(updates.begin(), updates.end(),
                     [&](const PlannedUpdate& planned) { return there.contains(planned.update.new_oid); });
}

std::vector<Oid> sorted_once(std::vector<Oid> oids) {
  std::sort(oids.begin(), oids.end());
  oids.erase(std::unique(oids.begin(), oids.end()), oids.end());
  return oids;
}

std::vector<Oid> tips(const RefMap& refs) {
  std::vector<Oid> oids;
  for (const Ref& ref : refs) oids.push_back(ref.oid);
  return sorted_once(std::move(oids));
}

std::vector<RefUpdate> bare_updates(const std::vector<PlannedUpdate>& updates) {
  std::vector<RefUpdate> bare;
  for (const PlannedUpdate& planned : updates) bare.push_back(planned.update);
  return bare;
}

std::vector<Oid> new_oids(const std::vector<RefUpdate>& updates) {
  std::vector<Oid> oids;
  for (const RefUpdate& update : updates) oids.push_back(update.new_oid);
  return sorted_once(std::move(oids));
}

void add_missing(std::vector<Oid>& oids, const std::vector<Oid>& more) {
  for (const Oid& oid : more)
    if (std::find(oids.begin(), oids.end(), oid) == oids.end()) oids.push_back(oid);
}

std::vector<Oid> new_oids(const std::vector<PlannedUpdate>& updates) { return new_oids(bare_updates(updates)); }

// A lane of the fan-out, which leaves what the host said of each ref behind when it goes.
class PushLane final : public Writer {
 public:
  PushLane(std::unique_ptr<PushWriter> push, const HostProfile& host, PushReport& report)
      : push_(std::move(push)), host_(host), report_(report) {}

  Result<> write(std::span<const std::byte> bytes) override {
    bytes_ += bytes.size();
    // Said here, since hosts say it by hanging up.
    if (host_.pack_bytes_max != 0 && bytes_ > host_.pack_bytes_max)
      return Error(ErrorKind::Rejected,
                   "{} takes at most {} bytes in one push; bring the branches and tags over in parts, with --ref",
                   host_.name, host_.pack_bytes_max);
    return push_->write(bytes);
  }

  Result<> finish() override {
    Result<> finished = push_->finish();
    report_ = push_->report();
    return finished;
  }

 private:
  const std::unique_ptr<PushWriter> push_;
  const HostProfile& host_;
  PushReport& report_;
  std::uint64_t bytes_ = 0;
};

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
      : source_(source), options_(options), clock_(clock), observer_(observer), stop_(std::move(stop)) {}

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
    Result<Answers> answers = ask(leg.held());
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

  struct Answers {
    std::vector<AncestryAnswer> ancestry;
    std::optional<std::unordered_set<Oid>> known;
  };

  // Legs that stand at the same refs ask the same questions: the source is asked once.
  Result<Answers> ask(const RefMap& held) {
    const std::vector<RefUpdate> questions = questions_for(offered_, held, options_.policy);
    Answers answers;
    if (!questions.empty()) {
      if (questions != asked_updates_ || !asked_ancestry_) {
        const AncestryDetail detail =
            options_.policy.follow == FollowMode::Mirror ? AncestryDetail::NothingLost : AncestryDetail::EachRef;
        const std::vector<RefUpdate> updates = arrivals(offered_, held, options_.policy);
        TRY(ask_history(new_oids(updates), choose_haves(updates, offered_, held, {}, kHavesMax).few));
        asked_ancestry_ = TRY(source_.ancestry(questions, detail, asked_history_->history.value_or(History()), stop_));
        asked_updates_ = questions;
      }
      answers.ancestry = *asked_ancestry_;
    }
    std::vector<Oid> overwritten = overwritten_by(offered_, held, options_.policy, answers.ancestry);
    if (overwritten.empty() || offered_.empty()) return answers;
    if (overwritten != asked_values_ || !asked_known_) {
      Result<std::vector<Oid>> known = source_.known({offered_.begin()->oid}, overwritten, stop_);
      if (!known && known.error().kind() == ErrorKind::Unsupported) return answers;
      const std::vector<Oid> values = TRY(std::move(known));
      asked_known_ = std::unordered_set<Oid>(values.begin(), values.end());
      asked_values_ = std::move(overwritten);
    }
    answers.known = asked_known_;
    return answers;
  }

  // What lies between what the source offers and what somebody holds. Good to have: where the source refuses it, or it
  // is too much to look at, there are other ways.
  struct AskedHistory {
    std::vector<Oid> wants;  // sorted
    std::vector<Oid> haves;
    std::optional<History> history;

    bool is_about(const std::vector<Oid>& some, const std::unordered_set<Oid>& held) const {
      return std::includes(wants.begin(), wants.end(), some.begin(), some.end()) &&
             std::all_of(haves.begin(), haves.end(), [&](const Oid& oid) { return held.contains(oid); });
    }
  };

  Result<> ask_history(std::vector<Oid> wants, std::vector<Oid> haves) {
    asked_history_ = AskedHistory{wants, haves, std::nullopt};
    Result<History> history = source_.history(std::move(wants), std::move(haves), stop_);
    if (history) {
      asked_history_->history = std::move(history).value();
      return {};
    }
    switch (history.error().kind()) {
      case ErrorKind::Cancelled:
      case ErrorKind::Conflict:
      case ErrorKind::Throttled:
      case ErrorKind::Unavailable:
        return std::move(history).error();
      default:
        return {};
    }
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
      carry_batch(live(group), batch, delivered);
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
      request.haves = TRY(haves_for(legs, batch, delivered));
    }
    for (const Leg* leg : legs) {
      request.thin = request.thin && leg->destination().profile().takes_thin && !leg->takes("no-thin");
      request.ofs_delta = request.ofs_delta && leg->destination().profile().takes_ofs_delta && leg->takes("ofs-delta");
    }
    ++fetches_;
    return source_.pack(request, messages_of(CrossingEvent::kSource), stop_);
  }

  // What all of `legs` have. Where the history in between is known its exact boundary is enough. Else many tips cost
  // the source a look-up each, and few make it send what is there already.
  Result<std::vector<Oid>> haves_for(const std::vector<Leg*>& legs, const std::vector<PlannedUpdate>& batch,
                                     const std::vector<Oid>& delivered) {
    std::optional<Haves> haves;
    for (const Leg* leg : legs) {
      Haves theirs = choose_haves(bare_updates(batch), offered_, leg->held(), leg->listing()->extra_haves, kHavesMax);
      if (haves) {
        haves->keep_common(theirs);
      } else {
        haves = std::move(theirs);
      }
    }
    for (std::vector<Oid>* oids : {&haves->few, &haves->all})
      oids->insert(oids->end(), delivered.begin(), delivered.end());

    const std::vector<Oid> wants = new_oids(batch);
    const std::unordered_set<Oid> held(haves->all.begin(), haves->all.end());
    if (!asked_history_ || !asked_history_->is_about(wants, held)) {
      if (haves->all.size() <= kCheapHaves || haves->few.empty()) return std::move(haves->all);
      TRY(ask_history(wants, haves->few));
    }
    if (!asked_history_->history) return std::move(haves->all);
    History::Boundary boundary = asked_history_->history->boundary(wants, held);
    if (!is_near(boundary.count_above, batch.size())) return std::move(haves->all);
    // A want that the answer left out is something that the haves reach, or no commit: for the first they are needed.
    if (!boundary.has_all_tips) add_missing(boundary.oids, asked_history_->haves);
    return std::move(boundary.oids);
  }

  // One pack into every leg. Returns the legs that have to be tried again, ref by ref.
  std::vector<Leg*> pour(PackStream& pack, const std::vector<Oid>& haves, const std::vector<Leg*>& legs,
                         const std::vector<PlannedUpdate>& batch, bool again) {
    std::vector<Leg*> open_legs;
    std::vector<PushReport> reports(legs.size());
    std::vector<std::unique_ptr<Writer>> lanes;
    for (Leg* leg : legs) {
      Result<std::unique_ptr<PushWriter>> writer = open(*leg, batch, is_atomic(*leg) && !again, haves);
      if (!writer) {
        leg->fail(std::move(writer).error().context("push"));
        continue;
      }
      lanes.push_back(std::make_unique<PushLane>(std::move(writer).value(), leg->destination().profile(),
                                                 reports[open_legs.size()]));
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
      if (const Result<>& lane = fan_out.outcome(i); !lane && (lane.error().kind() != ErrorKind::Cancelled || moved)) {
        leg.fail(Error(lane.error()).context("push"));
      } else if (!moved) {
        leg.fail(Error(moved.error()).context("fetch from {}", source_.name()));
      } else {
        const bool was_atomic = is_atomic(leg) && !again;
        if (!leg.note_report(reports[i]) && was_atomic && options_.policy.atomic == AtomicMode::Auto)
          retry.push_back(&leg);
      }
    }
    return retry;
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

  std::vector<RefUpdate> asked_updates_;
  std::optional<std::vector<AncestryAnswer>> asked_ancestry_;
  std::optional<AskedHistory> asked_history_;
  std::vector<Oid> asked_values_;
  std::optional<std::unordered_set<Oid>> asked_known_;
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
