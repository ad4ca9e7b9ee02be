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
  Questions(Remote& source, std::vector<RefUpdate> updates, std::stop_token stop)
      : source_(source), updates_(std::move(updates)), answers_(updates_.size(), Ancestry::Unknown), stop_(stop) {
    for (const RefUpdate& update : updates_) now_.push_back(update.new_oid);
  }

  Result<> ask_all() { return updates_.empty() ? Result<>() : ask_range(0, updates_.size()); }

  // What no new value holds is not in the own one either; the rest is asked singly.
  Result<> ask_each() {
    TRY(ask_all());
    if (updates_.size() == 1) return {};
    for (std::size_t i = 0; i < updates_.size(); ++i) {
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
  Result<> ask_range(std::size_t begin, std::size_t end) {
    std::vector<Oid> old;
    for (std::size_t i = begin; i < end; ++i) old.push_back(updates_[i].old_oid);
    const Ancestry answer = TRY(ask(source_, std::move(old), now_, stop_));
    if (answer == Ancestry::FastForward || end - begin == 1) {
      for (std::size_t i = begin; i < end; ++i) answers_[i] = answer;
      return {};
    }
    const std::size_t middle = begin + (end - begin) / 2;
    TRY(ask_range(begin, middle));
    return ask_range(middle, end);
  }

  Remote& source_;
  const std::vector<RefUpdate> updates_;
  std::vector<Ancestry> answers_;
  std::vector<Oid> now_;
  const std::stop_token stop_;
};

}  // namespace

Result<std::vector<AncestryAnswer>> ask_ancestry(Remote& source, const std::vector<RefUpdate>& updates,
                                                 AncestryDetail detail, std::stop_token stop) {
  std::vector<RefUpdate> moves;
  for (const RefUpdate& update : updates) {
    if (!update.is_create() && !update.is_delete()) moves.push_back(update);
  }
  Questions questions(source, std::move(moves), stop);
  TRY(detail == AncestryDetail::EachRef ? questions.ask_each() : questions.ask_all());
  return questions.answers();
}

}  // namespace packferry
