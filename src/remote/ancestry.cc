#include "remote/ancestry.h"

#include <span>

namespace packferry {
namespace {

// A question to the source: is everything in `old` also in `now`?
Result<Ancestry> ask(Remote& source, std::vector<Oid> old, std::vector<Oid> now, std::stop_token stop) {
  const FetchRequest question{.wants = std::move(old), .haves = std::move(now), .thin = false};
  Result<std::unique_ptr<PackStream>> answer = source.fetch(question, nullptr, stop);
  if (answer) return (*answer)->is_empty() ? Ancestry::FastForward : Ancestry::Rewind;
  // It has no such object (any more), or gives only what it lists.
  if (answer.error().kind() == ErrorKind::Conflict) return Ancestry::Unknown;
  return std::move(answer).error();
}

// Asks about many updates at once and halves the set where the answer is not "nothing lost".
class Questions {
 public:
  Questions(Remote& source, std::vector<RefUpdate> updates, const History& known, std::stop_token stop)
      : source_(source), updates_(std::move(updates)), answers_(updates_.size(), Ancestry::Unknown), stop_(stop) {
    for (std::size_t i = 0; i < updates_.size(); ++i) {
      now_.push_back(updates_[i].new_oid);
      if (known.leads_to(updates_[i].new_oid, updates_[i].old_oid))
        answers_[i] = Ancestry::FastForward;
      else
        open_.push_back(i);
    }
  }

  Result<> ask_all() { return open_.empty() ? Result<>() : ask_about(open_); }

  // What no new value holds is not in the own one either; the rest is asked singly.
  Result<> ask_each() {
    TRY(ask_all());
    if (updates_.size() == 1) return {};
    for (const std::size_t i : open_) {
      if (answers_[i] != Ancestry::FastForward) continue;
      answers_[i] = TRY(ask(source_, {updates_[i].old_oid}, {updates_[i].new_oid}, stop_));
    }
    return {};
  }

  std::vector<AncestryAnswer> answers() const {
    std::vector<AncestryAnswer> all;
    for (std::size_t i = 0; i < updates_.size(); ++i) all.push_back({updates_[i].name, answers_[i]});
    return all;
  }

 private:
  Result<> ask_about(std::span<const std::size_t> some) {
    std::vector<Oid> old;
    for (const std::size_t i : some) old.push_back(updates_[i].old_oid);
    const Ancestry answer = TRY(ask(source_, std::move(old), now_, stop_));
    if (answer == Ancestry::FastForward || some.size() == 1) {
      for (const std::size_t i : some) answers_[i] = answer;
      return {};
    }
    TRY(ask_about(some.first(some.size() / 2)));
    return ask_about(some.subspan(some.size() / 2));
  }

  Remote& source_;
  const std::vector<RefUpdate> updates_;
  std::vector<Ancestry> answers_;
  std::vector<std::size_t> open_;  // the updates that have to be asked about
  std::vector<Oid> now_;           // all new values
  const std::stop_token stop_;
};

}  // namespace

Result<std::vector<AncestryAnswer>> ask_ancestry(Remote& source, const std::vector<RefUpdate>& updates,
                                                 AncestryDetail detail, const History& known, std::stop_token stop) {
  std::vector<RefUpdate> moves;
  for (const RefUpdate& update : updates) {
    if (!update.is_create() && !update.is_delete()) moves.push_back(update);
  }
  Questions questions(source, std::move(moves), known, stop);
  TRY(detail == AncestryDetail::EachRef ? questions.ask_each() : questions.ask_all());
  return questions.answers();
}

}  // namespace packferry
