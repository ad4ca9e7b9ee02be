// A store in memory: the reference implementation, what tests use, and what stands in for a store that is not there yet
// when nothing will be written to it. It refuses what any other store may refuse.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "store/object_store.h"

namespace packferry {

class MemoryStore final : public ObjectStore {
 public:
  // The clock outlives it.
  explicit MemoryStore(const Clock& clock, std::string name = "memory") : name_(std::move(name)), clock_(clock) {}

  std::string name() const override { return name_; }
  Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override;
  Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override;
  Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override;
  Result<std::optional<ObjectInfo>> find(std::string_view key, std::stop_token stop) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::stop_token stop) override;
  Result<> remove(std::string_view key, std::stop_token stop) override;
  Result<std::size_t> sweep(Milliseconds age,
                            std::stop_token stop) override;  // what is unfinished died with its writer

  // What no caller of a store can do to an object, but a disk or another hand may: for tests of damage. `change` does
  // not call the store. False: there is no such object.
  using Change = std::function<void(std::vector<std::byte>& bytes)>;
  bool mutate(std::string_view key, const Change& change);

 private:
  // Never changed, only exchanged: Readers hold on to what they opened.
  struct Object {
    std::shared_ptr<const std::vector<std::byte>> bytes;
    Clock::WallTime modified_at;
  };
  class ObjectReader;
  class ObjectWriter;

  Result<> put(const std::string& key, std::vector<std::byte> bytes);

  const std::string name_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Object, std::less<>> objects_;
};

}  // namespace packferry
