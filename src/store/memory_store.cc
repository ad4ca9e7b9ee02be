#include "store/memory_store.h"

#include <algorithm>

namespace packferry {
namespace {

ObjectInfo info(const std::string& key, std::size_t bytes, Clock::WallTime modified_at) {
  return {.key = key, .bytes = bytes, .modified_at = modified_at};
}

}  // namespace

class MemoryStore::ObjectReader final : public Reader {
 public:
  ObjectReader(std::shared_ptr<const std::vector<std::byte>> bytes, std::size_t offset)
      : bytes_(std::move(bytes)), left_(std::span(*bytes_).subspan(offset)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    CHECK(!into.empty());
    const auto next = left_.first(std::min(into.size(), left_.size()));
    std::copy(next.begin(), next.end(), into.begin());
    left_ = left_.subspan(next.size());
    return next.size();
  }

 private:
  const std::shared_ptr<const std::vector<std::byte>> bytes_;
  std::span<const std::byte> left_;
};

class MemoryStore::ObjectWriter final : public Writer {
 public:
  ObjectWriter(MemoryStore& store, std::string_view key) : store_(store), key_(key) {}

  Result<> write(std::span<const std::byte> bytes) override {
    CHECK(!finished_);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return {};
  }

  Result<> finish() override {
    CHECK(!finished_);
    finished_ = true;
    return store_.put(key_, std::move(bytes_));
  }

 private:
  MemoryStore& store_;
  const std::string key_;
  std::vector<std::byte> bytes_;
  bool finished_ = false;
};

Result<std::unique_ptr<Writer>> MemoryStore::create(std::string_view key, std::stop_token) {
  TRY(check_key(key));
  return std::make_unique<ObjectWriter>(*this, key);
}

Result<> MemoryStore::put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token) {
  TRY(check_key(key));
  return put(std::string(key), {bytes.begin(), bytes.end()});
}

Result<> MemoryStore::put(const std::string& key, std::vector<std::byte> bytes) {
  const std::lock_guard lock(mutex_);
  if (objects_.contains(key)) return Error(ErrorKind::Conflict, "put '{}' into {}: it exists", key, name());

  for (std::size_t slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1)) {
    if (objects_.contains(key.substr(0, slash)))
      return Error(ErrorKind::Conflict, "put '{}' into {}: '{}' is an object, and nothing lies below an object", key,
                   name(), key.substr(0, slash));
  }
  const auto below = objects_.lower_bound(key + "/");
  if (below != objects_.end() && below->first.starts_with(key + "/"))
    return Error(ErrorKind::Conflict, "put '{}' into {}: there are objects below it", key, name());

  auto kept = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  objects_.emplace(key, Object{std::move(kept), clock_.now()});
  return {};
}

Result<std::unique_ptr<Reader>> MemoryStore::open(std::string_view key, std::uint64_t offset, std::stop_token) {
  TRY(check_key(key));
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return Error(ErrorKind::NotFound, "open '{}' of {}: no such object", key, name());
  const auto& bytes = found->second.bytes;
  if (offset > bytes->size())
    return Error(ErrorKind::Invalid, "open '{}' of {} at byte {}: it has {}", key, name(), offset, bytes->size());
  return std::make_unique<ObjectReader>(bytes, static_cast<std::size_t>(offset));
}

Result<std::optional<ObjectInfo>> MemoryStore::find(std::string_view key, std::stop_token) {
  TRY(check_key(key));
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return std::optional<ObjectInfo>();
  return std::optional(info(found->first, found->second.bytes->size(), found->second.modified_at));
}

Result<std::vector<ObjectInfo>> MemoryStore::list(std::string_view prefix, std::stop_token) {
  const std::lock_guard lock(mutex_);
  std::vector<ObjectInfo> listed;
  for (auto at = objects_.lower_bound(prefix); at != objects_.end() && at->first.starts_with(prefix); ++at)
    listed.push_back(info(at->first, at->second.bytes->size(), at->second.modified_at));
  return listed;
}

Result<> MemoryStore::remove(std::string_view key, std::stop_token) {
  TRY(check_key(key));
  const std::lock_guard lock(mutex_);
  if (const auto found = objects_.find(key); found != objects_.end()) objects_.erase(found);
  return {};
}

Result<std::size_t> MemoryStore::sweep(Milliseconds, std::stop_token) { return 0U; }

bool MemoryStore::mutate(std::string_view key, const Change& change) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return false;
  std::vector<std::byte> bytes = *found->second.bytes;
  change(bytes);
  found->second.bytes = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  return true;
}

}  // namespace packferry
