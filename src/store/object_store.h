// Where backups lie: named objects that are written once. A directory, S3, or memory in tests; what they all promise is
// here, and tests/testing/object_store_conformance.h holds every one of them to it.
//
// Keys are relative to the store's prefix, and every store takes the same ones, so that a backup can be copied from any
// of them to any other: see check_key(). A key with a wrong form is Invalid. No object lies below another ("a" and
// "a/b"): stores that can tell answer with Conflict. Errors name the store and the key. A store never answers with less
// than there is: a listing that broke off is an Error, and so is a body that ended early (Unavailable).
//
// A store may be used by several threads at once; one Reader or Writer belongs to one thread. Readers and Writers do
// not outlive their store.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "io/stream.h"

namespace packferry {

inline constexpr std::size_t kKeyBytesMax = 900;      // S3 takes 1,024, and the prefix counts
inline constexpr std::size_t kKeyPartBytesMax = 255;  // the longest name that Linux file systems take
// No key begins so: unfinished uploads into a directory have such names.
inline constexpr std::string_view kReservedKeyPrefix = ".packferry-tmp-";

// At most kKeyBytesMax of UTF-8 without control characters and invisible marks (what printable() leaves as it is);
// parts separated by '/', none of them empty, "." or "..", each at most kKeyPartBytesMax. Invalid, with the rule that
// is broken.
Result<> check_key(std::string_view key);

struct ObjectInfo {
  std::string key;
  std::uint64_t bytes = 0;
  std::optional<Clock::WallTime> modified_at = std::nullopt;  // by the store's clock

  friend bool operator==(const ObjectInfo&, const ObjectInfo&) = default;
};

// What a store knows of itself; what it may not be asked, or has none of, is missing.
struct StoreFacts {
  std::string endpoint = {};  // where requests go
  std::string region = {};
  std::optional<Milliseconds> clock_ahead = std::nullopt;  // our clock before the store's; a second or so is nothing
  std::optional<std::string> versions = std::nullopt;      // "enabled", "suspended", "off"
  std::optional<std::string> default_retention =
      std::nullopt;  // Object Lock: "GOVERNANCE for 30 days", "no default", "off"

  friend bool operator==(const StoreFacts&, const StoreFacts&) = default;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  // "s3://bucket/prefix", "file:///srv/backup": for people, without secrets.
  virtual std::string name() const = 0;

  // A stream into a new object. Nothing is there under `key` before finish() has succeeded, and nothing is left behind
  // when the Writer is abandoned (what a death leaves, sweep() removes). finish() fails with Conflict when the key is
  // taken by then, where the store can tell; callers use keys that nobody else uses.
  virtual Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) = 0;

  // A small object, whole, only if there is none under `key`: Conflict when there is one. Where a store cannot decide
  // that by itself, it looks first, and then a race is seen only by reading back.
  virtual Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) = 0;

  // NotFound when there is none. From `offset` on; more than its length is Invalid.
  virtual Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) = 0;
  virtual Result<std::optional<ObjectInfo>> find(std::string_view key, std::stop_token stop) = 0;

  // All objects whose keys begin with `prefix` (any text; empty: all), sorted by key, byte by byte.
  virtual Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::stop_token stop) = 0;

  // Gone, or was never there. Denied: the store keeps it (Object Lock, a role that may not delete).
  virtual Result<> remove(std::string_view key, std::stop_token stop) = 0;

  // Unfinished uploads (not objects) of writers that died, older than `age`: removed. How many there were.
  virtual Result<std::size_t> sweep(Milliseconds age, std::stop_token stop) = 0;

  // For people who look for what is wrong. Asks what there is to ask, and fails only when stopped or not answered.
  virtual Result<StoreFacts> facts(std::stop_token /*stop*/) { return StoreFacts(); }
};

// The whole of a small object, at most `bytes_max` (Exhausted).
Result<std::vector<std::byte>> read_object(ObjectStore& store, std::string_view key, std::size_t bytes_max,
                                           std::stop_token stop);

}  // namespace packferry
