#include "testing/faulty_store.h"

#include "base/printable.h"

namespace packferry::testing {
namespace {

Error unanswered(std::string_view what) {
  return Error(ErrorKind::Unavailable, "{}: no answer (a planted fault)", printable(what));
}

}  // namespace

std::string_view to_string(FaultyStore::Fault fault) {
  switch (fault) {
    case FaultyStore::Fault::Before:
      return "before";
    case FaultyStore::Fault::After:
      return "after";
    case FaultyStore::Fault::Torn:
      return "torn";
  }
  return CHECK(!"a fault has a name"), "";
}

class FaultyStore::FaultyReader final : public Reader {
 public:
  FaultyReader(FaultyStore& store, std::string what, std::unique_ptr<Reader> from)
      : store_(store), what_(std::move(what)), from_(std::move(from)), life_(store.life()) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (store_.is_over(life_)) return unanswered(what_);
    return store_.perform(
        what_, Effect::None, [&] { return from_->read(into); }, [] {});
  }

 private:
  FaultyStore& store_;
  const std::string what_;
  const std::unique_ptr<Reader> from_;
  const unsigned life_;
};

class FaultyStore::FaultyWriter final : public Writer {
 public:
  FaultyWriter(FaultyStore& store, std::string_view key, std::unique_ptr<Writer> to)
      : store_(store), key_(key), to_(std::move(to)), life_(store.life()) {}

  ~FaultyWriter() override {
    if (to_ != nullptr && store_.is_over(life_)) store_.bury(std::move(to_));
  }

  Result<> write(std::span<const std::byte> bytes) override {
    if (store_.is_over(life_)) return unanswered("write " + key_);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return to_->write(bytes);
  }

  Result<> finish() override {
    if (store_.is_over(life_)) return unanswered("finish " + key_);
    return store_.perform(
        "finish " + key_, Effect::Upload, [&] { return to_->finish(); }, [&] { store_.leave_half(key_, bytes_); });
  }

 private:
  FaultyStore& store_;
  const std::string key_;
  std::unique_ptr<Writer> to_;
  const unsigned life_;
  std::vector<std::byte> bytes_;  // what a torn finish() leaves the half of
};

void FaultyStore::die_at(std::size_t effect, Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_at_ = effect;
  fault_ = fault;
}

void FaultyStore::revive() {
  const std::lock_guard lock(mutex_);
  ++life_;
  dead_ = false;
  fault_at_.reset();
  trace_.clear();
}

bool FaultyStore::is_dead() const {
  const std::lock_guard lock(mutex_);
  return dead_;
}

std::size_t FaultyStore::effects() const { return trace().size(); }

std::vector<std::string> FaultyStore::trace() const {
  const std::lock_guard lock(mutex_);
  return trace_;
}

void FaultyStore::begin_chaos(unsigned seed, Chaos chaos) {
  const std::lock_guard lock(mutex_);
  chaos_ = chaos;
  random_.seed(seed);
}

void FaultyStore::end_chaos() {
  const std::lock_guard lock(mutex_);
  chaos_.reset();
}

unsigned FaultyStore::life() const {
  const std::lock_guard lock(mutex_);
  return life_;
}

bool FaultyStore::is_over(unsigned life) const {
  const std::lock_guard lock(mutex_);
  return dead_ || life != life_;
}

void FaultyStore::bury(std::unique_ptr<Writer> writer) {
  const std::lock_guard lock(mutex_);
  graveyard_.push_back(std::move(writer));
}

FaultyStore::Verdict FaultyStore::judge(const std::string& what, Effect effect) {
  const std::lock_guard lock(mutex_);
  if (dead_) return Verdict::Dead;

  const bool changes = effect == Effect::Change || effect == Effect::Upload;
  if (changes || (effect == Effect::Read && counts_ == Counts::Everything)) {
    trace_.push_back(what);
    if (fault_at_ == trace_.size() - 1) {
      dead_ = true;
      return fault_ == Fault::Before ? Verdict::Before : fault_ == Fault::After ? Verdict::After : Verdict::Torn;
    }
  }

  if (!chaos_ || (effect == Effect::Upload && !chaos_->uploads)) return Verdict::Pass;
  const auto roll = static_cast<unsigned>(random_() % 100);
  const bool heads = random_() % 2 == 0;
  if (roll < chaos_->errors_percent) return heads ? Verdict::Before : Verdict::After;
  if (effect == Effect::None) return Verdict::Pass;
  if (roll < chaos_->errors_percent + chaos_->throttles_percent)
    return heads ? Verdict::Throttled : Verdict::ThrottledFor;
  return Verdict::Pass;
}

template <typename Do, typename Tear>
auto FaultyStore::perform(const std::string& what, Effect effect, const Do& act, const Tear& tear) -> decltype(act()) {
  switch (judge(what, effect)) {
    case Verdict::Pass:
      return act();
    case Verdict::Before:
    case Verdict::Dead:
      return unanswered(what);
    case Verdict::After:
      static_cast<void>(act());
      return unanswered(what);
    case Verdict::Torn:
      tear();
      return unanswered(what);
    case Verdict::Throttled:
      return Error(ErrorKind::Throttled, "{}: slow down (a planted fault)", printable(what));
    case Verdict::ThrottledFor:
      return Error(ErrorKind::Throttled, "{}: slow down (a planted fault)", printable(what))
          .retry_after(Milliseconds(2'000));
  }
  return CHECK(!"a verdict is carried out"), act();
}

void FaultyStore::leave_half(std::string_view key, std::span<const std::byte> bytes) {
  const Result<std::unique_ptr<Writer>> writer = store_.create(key, {});
  if (!writer) return;
  if (!(*writer)->write(bytes.first(bytes.size() / 2))) return;
  static_cast<void>((*writer)->finish());  // the key is taken: nothing to tear
}

Result<std::unique_ptr<Writer>> FaultyStore::create(std::string_view key, std::stop_token stop) {
  if (is_dead()) return unanswered("create " + std::string(key));
  // Nobody sees it before it is finished: no effect.
  auto writer = TRY(store_.create(key, stop));
  return std::make_unique<FaultyWriter>(*this, key, std::move(writer));
}

Result<> FaultyStore::put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) {
  return perform(
      "put " + std::string(key), Effect::Change, [&] { return store_.put_if_absent(key, bytes, stop); },
      [&] { leave_half(key, bytes); });
}

Result<std::unique_ptr<Reader>> FaultyStore::open(std::string_view key, std::uint64_t offset, std::stop_token stop) {
  const std::string what = "open " + std::string(key);
  auto reader = TRY(perform(
      what, Effect::Read, [&] { return store_.open(key, offset, stop); }, [] {}));
  return std::make_unique<FaultyReader>(*this, "read " + std::string(key), std::move(reader));
}

Result<std::optional<ObjectInfo>> FaultyStore::find(std::string_view key, std::stop_token stop) {
  return perform(
      "find " + std::string(key), Effect::Read, [&] { return store_.find(key, stop); }, [] {});
}

Result<std::vector<ObjectInfo>> FaultyStore::list(std::string_view prefix, std::stop_token stop) {
  return perform(
      "list " + std::string(prefix), Effect::Read, [&] { return store_.list(prefix, stop); }, [] {});
}

Result<> FaultyStore::remove(std::string_view key, std::stop_token stop) {
  return perform(
      "remove " + std::string(key), Effect::Change, [&] { return store_.remove(key, stop); }, [] {});
}

Result<std::size_t> FaultyStore::sweep(Milliseconds age, std::stop_token stop) {
  return perform(
      "sweep", Effect::Read, [&] { return store_.sweep(age, stop); }, [] {});
}

}  // namespace packferry::testing
