// What becomes of objects when disks, networks and people have their way, for MemoryStore::mutate():
//
//   store.mutate("manifests/app/0000000001.manifest", flip_bit(17, 3));
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "store/memory_store.h"

namespace packferry::testing {

inline MemoryStore::Change flip_bit(std::size_t byte, unsigned bit) {
  return [=](std::vector<std::byte>& bytes) { bytes.at(byte) ^= std::byte{1} << bit; };
}

inline MemoryStore::Change cut_to(std::size_t length) {
  return [=](std::vector<std::byte>& bytes) { bytes.resize(std::min(length, bytes.size())); };
}

inline MemoryStore::Change grow_by(std::size_t count) {
  return [=](std::vector<std::byte>& bytes) { bytes.resize(bytes.size() + count); };
}

inline MemoryStore::Change become(std::vector<std::byte> other) {
  return [other = std::move(other)](std::vector<std::byte>& bytes) { bytes = other; };
}

inline std::vector<std::byte> bytes_of(MemoryStore& store, std::string_view key) {
  std::vector<std::byte> found;
  EXPECT_TRUE(store.mutate(key, [&](std::vector<std::byte>& bytes) { found = bytes; })) << key;
  return found;
}

inline void swap_objects(MemoryStore& store, std::string_view one, std::string_view other) {
  const std::vector<std::byte> before = bytes_of(store, one);
  EXPECT_TRUE(store.mutate(one, become(bytes_of(store, other))));
  EXPECT_TRUE(store.mutate(other, become(before)));
}

}  // namespace packferry::testing
