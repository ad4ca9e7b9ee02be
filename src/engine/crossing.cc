#include "engine/crossing.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "engine/announcer.h"
#include "engine/carrier.h"
#include "engine/inquiry.h"
#include "engine/leg.h"

namespace packferry {
namespace {}  // namespace

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
        stop_(std::move(stop)),
        announcer_(observer),
        inquiry_(source, offered_, options.policy, stop_),
        carrier_(source, listing_, offered_, inquiry_, options, announcer_, stop_) {}

  // All legs, on the source as it is now. Legs that end in a Conflict may be run again.
  Result<> cross(const std::vector<Leg*>& legs) {
    TRY(observe(legs));
    for (Leg* leg : legs) plan(*leg);
    if (options_.dry_run) return {};

    // From here on no leg changes its mind: what was planned is what is carried, or withheld.

    together(live(legs), [this](Leg& leg) { make_ready(leg); });
    together(live(legs), [this](Leg& leg) { keep_old_tips(leg); });
    together(live(legs), [this](Leg& leg) { push_deletions(leg, leg.plan().clear, "clearing the way"); });
    carrier_.carry(live(legs));
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
    report.fetches += carrier_.fetches();
  }

 private:
  // 1. Observe: the source's refs once, each destination's refs, all at the same time.
  Result<> observe(const std::vector<Leg*>& legs) {
    std::vector<std::jthread> others;
    for (Leg* leg : legs)
      others.emplace_back([this, leg] {
        observe_leg(*leg);
        if (leg->is_live())
          announcer_.tell({.kind = CrossingEvent::Kind::LegListed, .leg = leg->index(), .count = leg->held().size()});
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
    announcer_.tell({.kind = CrossingEvent::Kind::SourceListed, .count = offered_.size()});
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
                            .kept_stamp = to_compact_iso8601(clock_.now()),
                            .approved = options_.approved}),
                  options_.dry_run ? RefOutcome::Planned : RefOutcome::NotDone);
    announcer_.tell({.kind = CrossingEvent::Kind::LegPlanned, .leg = leg.index(), .plan = &leg.plan()});
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
    announcer_.tell_step(leg, "keeping old tips", leg.plan().keep.size());
    for (const std::vector<PlannedUpdate>& batch : leg.in_pushes(leg.plan().keep)) {
      if (Result<> pushed = carrier_.push_without_source(leg, batch); !pushed && leg.is_live())
        return leg.fail(std::move(pushed).error().context("keep old tips"));
    }
    Result<std::optional<Listing>> listed = leg.destination().refs(stop_);
    if (!listed) return leg.fail(std::move(listed).error().context("list refs to see that old tips are kept"));
    leg.note_kept(*listed ? (*listed)->refs : RefMap());
  }

  void push_deletions(Leg& leg, const std::vector<PlannedUpdate>& updates, std::string_view step) {
    if (updates.empty()) return;
    announcer_.tell_step(leg, step, updates.size());
    for (const std::vector<PlannedUpdate>& batch : leg.in_pushes(updates))
      if (Result<> pushed = carrier_.push_without_source(leg, batch); !pushed)
        return leg.fail(std::move(pushed).error().context("{}", step));
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
  const std::stop_token stop_;

  Listing listing_;  // the source's one complete listing
  RefMap offered_;   // what of it is selected, under the names of the destination
  Head head_;
  const Announcer announcer_;
  Inquiry inquiry_;
  Carrier carrier_;
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
