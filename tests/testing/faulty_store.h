// A store around a store that dies at an effect, or misbehaves by seed.
//
//   FaultyStore store(memory);
//   run(store);                                              // how many effects are there?
//   for (std::size_t k = 0, n = store.effects(); k < n; ++k)
//     for (const auto fault : FaultyStore::kFaults) {
//       … empty `memory` again …
//       store.revive();
//       store.die_at(k, fault);
//       run(store);
//       store.revive();
//       … what must be true now, and after another run(store) …
//     }
//
// An effect is a change that others could see: a Writer's finish(), put_if_absent(), remove(); with Counts::Everything
// also open(), find(), list() and sweep(). From the fault on everything fails as if the process had died, and what it
// had unfinished is left as it was: its Writers are not destroyed before this store is. revive() is the next process.
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "store/object_store.h"

namespace packferry::testing {

class FaultyStore final : public ObjectStore {
 public:
  enum class Counts { Changes, Everything };
  // The store outlives this one.
  explicit FaultyStore(ObjectStore& store, Counts counts = Counts::Changes) : store_(store), counts_(counts) {}

  enum class Fault {
    Before,  // nothing was done
    After,   // it was done, and nobody was told
    Torn,  // half of the object is there under its key, as no store of ours would leave it; what has no halves: Before
  };
  static constexpr std::array kFaults = {Fault::Before, Fault::After, Fault::Torn};
  void die_at(std::size_t effect, Fault fault);
  // Counts from 0 again, with no fault to come.
  void revive();
  bool is_dead() const;
  std::size_t effects() const;
  // "put manifests/app/0000000001.manifest", an effect each.
  std::vector<std::string> trace() const;

  // Any request fails so often, by chance: Unavailable, half of these after it was done, or Throttled, half of these
  // with a retry_after(). Reads break off in the middle as often as `errors_percent` says.
  struct Chaos {
    unsigned errors_percent = 25;
    unsigned throttles_percent = 30;
    bool uploads = false;  // a Writer's finish() too, which nobody can repeat for a caller
  };
  void begin_chaos(unsigned seed, Chaos chaos);
  void begin_chaos(unsigned seed) { begin_chaos(seed, Chaos{}); }
  void end_chaos();

  std::string name() const override { return store_.name(); }
  Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override;
  Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override;
  Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override;
  Result<std::optional<ObjectInfo>> find(std::string_view key, std::stop_token stop) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::stop_token stop) override;
  Result<> remove(std::string_view key, std::stop_token stop) override;
  Result<std::size_t> sweep(Milliseconds age, std::stop_token stop) override;

 private:
  class FaultyReader;
  class FaultyWriter;
  enum class Effect { Change, Upload, Read, None };  // Upload: a change that begin_chaos() may leave alone
  enum class Verdict { Pass, Before, After, Torn, Throttled, ThrottledFor, Dead };

  Verdict judge(const std::string& what, Effect effect);
  template <typename Do, typename Tear>
  auto perform(const std::string& what, Effect effect, const Do& act, const Tear& tear) -> decltype(act());
  void leave_half(std::string_view key, std::span<const std::byte> bytes);
  unsigned life() const;
  bool is_over(unsigned life) const;
  void bury(std::unique_ptr<Writer> writer);

  ObjectStore& store_;
  const Counts counts_;
  mutable std::mutex mutex_;
  unsigned life_ = 0;
  bool dead_ = false;
  std::optional<std::size_t> fault_at_;
  Fault fault_ = Fault::Before;
  std::vector<std::string> trace_;
  std::optional<Chaos> chaos_;
  std::mt19937 random_;
  std::vector<std::unique_ptr<Writer>> graveyard_;
};

std::string_view to_string(FaultyStore::Fault fault);

}  // namespace packferry::testing
