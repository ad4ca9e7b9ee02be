#include "store/retrying_store.h"

#include <algorithm>

namespace packferry {
template <typename Request>
auto RetryingStore::repeat(std::string_view subject, std::stop_token stop, const Request& request) const
    -> decltype(request()) {
  const Clock::SteadyTime start = clock_.steady();
  const std::uint64_t seed = options_.seed ^ std::hash<std::string_view>()(subject);
  for (unsigned attempt = 1;; ++attempt) {
    auto result = request();
    if (result || !may_pass(result.error())) return result;

    const Milliseconds delay = options_.backoff.delay(attempt, result.error().retry_after(), seed);
    if (attempt >= options_.attempts_max || clock_.steady() - start + delay > options_.patience)
      return attempt == 1 ? std::move(result) : std::move(result).context("tried {} times", attempt);
    if (!clock_.sleep(delay, stop))
      return Error(ErrorKind::Cancelled, "stopped before another attempt: {}", result.error().message());
  }
}

class RetryingStore::ResumingReader final : public Reader {
 public:
  ResumingReader(const RetryingStore& store, std::string_view key, std::uint64_t offset, std::unique_ptr<Reader> from,
                 std::stop_token stop)
      : store_(store), key_(key), offset_(offset), from_(std::move(from)), stop_(std::move(stop)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    const std::size_t count = TRY(store_.repeat(key_, stop_, [&] { return read_once(into); }));
    offset_ += count;
    return count;
  }

 private:
  Result<std::size_t> read_once(std::span<std::byte> into) {
    if (from_ == nullptr) from_ = TRY(store_.store_.open(key_, offset_, stop_));
    Result<std::size_t> count = from_->read(into);
    if (!count) from_.reset();
    return count;
  }

  const RetryingStore& store_;
  const std::string key_;
  std::uint64_t offset_;
  std::unique_ptr<Reader> from_;  // none: it broke off
  const std::stop_token stop_;
};

Result<std::unique_ptr<Writer>> RetryingStore::create(std::string_view key, std::stop_token stop) {
  return store_.create(key, stop);
}

Result<> RetryingStore::put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) {
  bool in_doubt = false;
  Result<> put = repeat(key, stop, [&] {
    Result<> attempt = store_.put_if_absent(key, bytes, stop);
    if (!attempt && attempt.error().kind() == ErrorKind::Unavailable) in_doubt = true;
    return attempt;
  });
  if (put || put.error().kind() != ErrorKind::Conflict || !in_doubt) return put;

  const Result<std::vector<std::byte>> there = read_object(*this, key, bytes.size(), stop);
  if (there) return std::equal(there->begin(), there->end(), bytes.begin(), bytes.end()) ? Result<>() : std::move(put);
  // That the key is taken is all we know where it holds more, is free again, or may not be read by us.
  const bool cannot_tell = may_pass(there.error()) || there.error().kind() == ErrorKind::Cancelled;
  if (!cannot_tell) return put;
  return Error(there.error()).context("an attempt was not answered, and then the key was taken");
}

Result<std::unique_ptr<Reader>> RetryingStore::open(std::string_view key, std::uint64_t offset, std::stop_token stop) {
  auto from = TRY(repeat(key, stop, [&] { return store_.open(key, offset, stop); }));
  return std::make_unique<ResumingReader>(*this, key, offset, std::move(from), stop);
}

Result<std::optional<ObjectInfo>> RetryingStore::find(std::string_view key, std::stop_token stop) {
  return repeat(key, stop, [&] { return store_.find(key, stop); });
}

Result<std::vector<ObjectInfo>> RetryingStore::list(std::string_view prefix, std::stop_token stop) {
  return repeat(prefix, stop, [&] { return store_.list(prefix, stop); });
}

Result<> RetryingStore::remove(std::string_view key, std::stop_token stop) {
  return repeat(key, stop, [&] { return store_.remove(key, stop); });
}

Result<std::size_t> RetryingStore::sweep(Milliseconds age, std::stop_token stop) {
  return repeat("sweep", stop, [&] { return store_.sweep(age, stop); });
}

Result<StoreFacts> RetryingStore::facts(std::stop_token stop) {
  return repeat("facts", stop, [&] { return store_.facts(stop); });
}

}  // namespace packferry
