#include "engine/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr Milliseconds kSkewWorthAWord{60'000};
constexpr std::size_t kProbeBytesMax = 4096;

std::string amount(Milliseconds duration) { return fmt::format("{} s", std::abs(duration.count()) / 1000); }

// One visit to a store, step by step; what was learnt goes into the examination.
class StoreVisit {
 public:
  StoreVisit(ObjectStore& store, StoreExpectations expected, const Clock& clock, std::stop_token stop)
      : store_(store), expected_(expected), clock_(clock), stop_(std::move(stop)) {
    examination_.side = "store";
    examination_.name = store.name();
  }

  Examination run() && {
    tell_facts();
    if (!add()) return std::move(examination_);
    read();
    list();
    replace();
    remove();
    return std::move(examination_);
  }

 private:
  void note(Verdict verdict, std::string what, std::string advice = {}) {
    examination_.observations.push_back({verdict, std::move(what), std::move(advice)});
  }
  void tell(std::string name, std::string value) {
    if (!value.empty()) examination_.facts.emplace_back(std::move(name), std::move(value));
  }

  void tell_facts() {
    const Result<StoreFacts> facts = store_.facts(stop_);
    if (!facts) return note(Verdict::Cannot, "answer", facts.error().message());
    tell("endpoint", facts->endpoint);
    tell("region", facts->region);
    if (facts->clock_ahead) tell_clock(*facts->clock_ahead);
    if (facts->endpoint.empty()) return;
    tell("versions", facts->versions.value_or("may not be asked"));
    tell("object lock", facts->default_retention.value_or("may not be asked"));
  }

  // S3 refuses what is signed a quarter of an hour away from its own time.
  void tell_clock(Milliseconds ahead) {
    const std::string_view direction = ahead.count() < 0 ? "behind" : "ahead of";
    if (std::chrono::abs(ahead) < Milliseconds(2'000)) return tell("clock", "ours and the store's agree");
    tell("clock", fmt::format("ours is {} {} the store's", amount(ahead), direction));
    if (std::chrono::abs(ahead) >= kSkewWorthAWord)
      note(Verdict::Finding, fmt::format("our clock is {} {} the store's", amount(ahead), direction),
           "set the clock of this machine: from 15 minutes on every request is refused");
  }

  // Two visits in one second must not meet.
  bool add() {
    constexpr int kAttemptsMax = 9;
    const std::string key = fmt::format("doctor/{}", to_compact_iso8601(clock_.now()));
    for (int attempt = 1; attempt <= kAttemptsMax; ++attempt) {
      key_ = attempt == 1 ? key : fmt::format("{}-{}", key, attempt);
      text_ = fmt::format("packferry doctor was here: {} {}\n", to_iso8601(clock_.now()), key_);
      const Result<> added = store_.put_if_absent(key_, as_bytes(text_), stop_);
      if (added) {
        note(Verdict::Ok, "adds an object");
        return true;
      }
      if (added.error().kind() == ErrorKind::Conflict && attempt < kAttemptsMax) continue;
      note(Verdict::Cannot, "add an object", added.error().message());
      return false;
    }
    return false;
  }

  // `works`: it was done, and rightly. Denied is what a put-only writer should hear.
  void note_reading(const char* does, const char* bare, const std::optional<Error>& error, const std::string& wrong) {
    if (!expected_.may_read) {
      if (error && error->kind() == ErrorKind::Denied) return note(Verdict::Ok, fmt::format("cannot {}", bare));
      if (!error) return note(Verdict::Finding, fmt::format("can {}", bare), "a put-only writer needs no such right");
    }
    if (error) return note(Verdict::Cannot, bare, error->message());
    if (!wrong.empty()) return note(Verdict::Finding, wrong);
    note(Verdict::Ok, does);
  }

  void read() {
    const Result<std::vector<std::byte>> back = read_object(store_, key_, kProbeBytesMax, stop_);
    const bool differs = back && as_text(*back) != text_;
    note_reading("reads it back", "read it back", back ? std::optional<Error>() : back.error(),
                 differs ? "reads other bytes than were written" : "");
  }

  void list() {
    const Result<std::vector<ObjectInfo>> listed = store_.list("doctor/", stop_);
    const bool is_missing = listed && std::ranges::find(*listed, key_, &ObjectInfo::key) == listed->end();
    note_reading("lists it", "list it", listed ? std::optional<Error>() : listed.error(),
                 is_missing ? "lists the prefix without what was just written" : "");
  }

  void replace() {
    const std::string other = "this must never be read\n";
    const Result<> replaced = store_.put_if_absent(key_, as_bytes(other), stop_);
    if (replaced)
      return note(Verdict::Finding, "writes over what is there",
                  "conditional writes are not kept; give the bucket versions or Object Lock");
    const ErrorKind kind = replaced.error().kind();
    if (kind == ErrorKind::Conflict || kind == ErrorKind::Denied)
      return note(Verdict::Ok, "a second object of that name is refused, written as backups are");
    note(Verdict::Cannot, "find out whether it can write over it", replaced.error().message());
  }

  void remove() {
    const Result<> removed = store_.remove(key_, stop_);
    if (removed && expected_.may_delete) return note(Verdict::Ok, "deletes it");
    if (removed)
      return note(Verdict::Finding, "can delete",
                  "whoever takes this role over can delete backups: take the right to delete from it, and prune with "
                  "another one (--may-delete says that this is the other one)");
    tell("probe", key_ + " stays there");
    if (removed.error().kind() != ErrorKind::Denied)
      return note(Verdict::Cannot, "find out whether it can delete", removed.error().message());
    if (expected_.may_delete) return note(Verdict::Cannot, "delete it", removed.error().message());
    note(Verdict::Ok, "cannot delete it");
  }

  ObjectStore& store_;
  const StoreExpectations expected_;
  const Clock& clock_;
  const std::stop_token stop_;
  std::string key_;
  std::string text_;
  Examination examination_;
};

std::string head_of(const Listing& listing) {
  if (listing.head.target) return printable(listing.head.target->text());
  return listing.head.oid ? "detached" : "not told";
}

void tell(Examination& examination, const Listing& listing) {
  std::vector<std::string> words;
  for (const std::string& word : listing.capabilities.words()) words.push_back(printable(word));
  examination.facts.insert(examination.facts.end(), {{"protocol", std::to_string(listing.protocol)},
                                                     {"object format", std::string(to_string(listing.format))},
                                                     {"refs", std::to_string(listing.refs.size())},
                                                     {"HEAD", head_of(listing)},
                                                     {"capabilities", fmt::format("{}", fmt::join(words, " "))}});
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::Ok:
      return "ok";
    case Verdict::Cannot:
      return "cannot";
    case Verdict::Finding:
      return "finding";
  }
  CHECK(!"a verdict has a word");
  return "";
}

bool Examination::is_healthy() const {
  return std::ranges::all_of(observations, [](const Observation& each) { return each.verdict == Verdict::Ok; });
}

Examination examine_store(ObjectStore& store, StoreExpectations expected, const Clock& clock, std::stop_token stop) {
  return StoreVisit(store, expected, clock, std::move(stop)).run();
}

Examination examine_source(Source& source, std::stop_token stop) {
  Examination examination{.side = "source", .name = source.name()};
  const Result<Listing> listing = source.refs(RefspecSet(), std::move(stop));
  if (!listing) {
    examination.observations.push_back({Verdict::Cannot, "list refs", listing.error().message()});
    return examination;
  }
  tell(examination, *listing);
  examination.observations.push_back({Verdict::Ok, "lists its refs"});
  if (listing->shallow)
    examination.observations.push_back(
        {Verdict::Finding, "is a shallow repository", "it cannot give its full history: fetch --unshallow it"});
  return examination;
}

Examination examine_destination(Destination& destination, std::stop_token stop) {
  Examination examination{.side = "destination", .name = destination.name()};
  examination.facts.emplace_back("host", destination.profile().name);
  const Result<std::optional<Listing>> refs = destination.refs(std::move(stop));
  if (!refs) {
    examination.observations.push_back({Verdict::Cannot, "begin a push", refs.error().message()});
    return examination;
  }
  if (!*refs) {
    examination.observations.push_back({Verdict::Ok, "is not there yet, and can be made"});
    return examination;
  }
  tell(examination, **refs);
  examination.observations.push_back({Verdict::Ok, "lets a push begin"});
  const Capabilities& can = (*refs)->capabilities;
  if (!can.has("report-status"))
    examination.observations.push_back(
        {Verdict::Finding, "does not say what became of a push", "what counts is listed afterwards all the same"});
  if (!can.has("delete-refs"))
    examination.observations.push_back(
        {Verdict::Finding, "deletes no refs", "what the source deletes stays there: use '--policy additive'"});
  return examination;
}

}  // namespace packferry
