// A store around a store: a request that was throttled or not answered is made again, after a while, as long as that
// makes sense. Bodies that are read go on where they broke off.
//
// create() is passed on as it is: a stream that has moved cannot be replayed from here. The store below repeats the
// parts of an upload while it still has their bytes.
#pragma once

#include "base/backoff.h"
#include "store/object_store.h"

namespace packferry {

struct RetryOptions {
  Backoff backoff{.first = Milliseconds(500), .longest = Milliseconds(30'000)};
  unsigned attempts_max = 16;          // of one request, the first one counted
  Milliseconds patience{10 * 60'000};  // no attempt begins later than this after the first one
  std::uint64_t seed = 0;              // of the jitter; another one for each process
};

class RetryingStore final : public ObjectStore {
 public:
  // The store and the clock outlive it.
  RetryingStore(ObjectStore& store, RetryOptions options, Clock& clock)
      : store_(store), options_(options), clock_(clock) {}

  std::string name() const override { return store_.name(); }
  Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override;

  // An attempt that was not answered may have been carried out, and the next one then finds the key taken: by us, when
  // the object holds the same bytes. So of two writers of equal bytes both may be told that they succeeded.
  Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override;

  // A Reader that made headway has all its attempts and all its patience before it again.
  Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override;
  Result<std::optional<ObjectInfo>> find(std::string_view key, std::stop_token stop) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::stop_token stop) override;
  Result<> remove(std::string_view key, std::stop_token stop) override;
  Result<std::size_t> sweep(Milliseconds age, std::stop_token stop) override;
  Result<StoreFacts> facts(std::stop_token stop) override;

 private:
  class ResumingReader;

  // What `request` answers in the end. `subject` only spreads the waiting.
  template <typename Request>
  auto repeat(std::string_view subject, std::stop_token stop, const Request& request) const -> decltype(request());

  ObjectStore& store_;
  const RetryOptions options_;
  Clock& clock_;
};

}  // namespace packferry
