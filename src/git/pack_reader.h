// A small pack, read whole into memory and taken apart: for what we ask about history and answer ourselves. What is
// relayed is never opened.
//
// Everything here is foreign bytes: the bounds hold whatever the pack claims.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "git/oid.h"
#include "git/pack_stream.h"

namespace packferry {

enum class ObjectType : std::uint8_t { Commit = 1, Tree = 2, Blob = 3, Tag = 4 };  // the numbers of gitformat-pack(5)

struct PackedObject {
  ObjectType type = ObjectType::Commit;
  Oid oid;  // computed from what it holds, not claimed
  std::vector<std::byte> content;
};

// Beyond any of them a pack is not small: Exhausted.
struct SmallPack {
  std::uint32_t objects_max = 5'000;
  std::size_t pack_bytes_max = 4 * 1024 * 1024;
  std::size_t content_bytes_max = 16 * 1024 * 1024;  // of all objects together, deltas included
};

// All objects of the pack, each once, in no particular order. A pack with too many objects is refused on its header,
// before more of it is read. Corrupt: not what gitformat-pack(5) says; Unsupported: a delta whose base is not in the
// pack (a thin pack).
Result<std::vector<PackedObject>> read_pack(PackStream& pack, ObjectFormat format, const SmallPack& bounds = {});

}  // namespace packferry
