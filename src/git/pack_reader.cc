#include "git/pack_reader.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

namespace packferry {
namespace {

constexpr unsigned kOfsDelta = 6;
constexpr unsigned kRefDelta = 7;

Error corrupt(std::string_view what) { return Error(ErrorKind::Corrupt, "the pack is not well formed: {}", what); }

std::string_view type_name(ObjectType type) {
  switch (type) {
    case ObjectType::Commit:
      return "commit";
    case ObjectType::Tree:
      return "tree";
    case ObjectType::Blob:
      return "blob";
    case ObjectType::Tag:
      return "tag";
  }
  CHECK(!"an ObjectType has a name");
  return {};
}

Oid oid_of(ObjectFormat format, ObjectType type, std::span<const std::byte> content) {
  Digest digest(digest_algorithm(format));
  const std::string head = fmt::format("{} {}", type_name(type), content.size());
  digest.update(std::as_bytes(std::span(head.c_str(), head.size() + 1)));  // with its NUL
  digest.update(content);
  return Oid::from_bytes(format, digest.finish());
}

// Bytes taken from the front.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> all) : rest_(all), size_(all.size()) {}

  std::size_t position() const { return size_ - rest_.size(); }
  bool empty() const { return rest_.empty(); }
  std::span<const std::byte> rest() const { return rest_; }

  Result<std::span<const std::byte>> take(std::size_t count) {
    if (count > rest_.size()) return corrupt("it ends in the middle of an object");
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  Result<unsigned> byte() { return std::to_integer<unsigned>(TRY(take(1)).front()); }

  // Seven bits a byte, the low ones first, behind `bits` that are there already.
  Result<std::uint64_t> size_number(std::uint64_t value = 0, unsigned bits = 0) {
    while (true) {
      const unsigned next = TRY(byte());
      if (bits > 56) return corrupt("a size is out of range");
      value |= std::uint64_t{next & 0x7F} << bits;
      if ((next & 0x80) == 0) return value;
      bits += 7;
    }
  }

  // How far back the base of an ofs-delta begins: the high bits first, and no two ways to write a number.
  Result<std::uint64_t> back_number() {
    unsigned next = TRY(byte());
    std::uint64_t value = next & 0x7F;
    while ((next & 0x80) != 0) {
      if (value >= std::uint64_t{1} << 48) return corrupt("the offset of a delta is out of range");
      next = TRY(byte());
      value = (value + 1) << 7 | (next & 0x7F);
    }
    return value;
  }

 private:
  std::span<const std::byte> rest_;
  const std::size_t size_;
};

// Exactly `size` bytes out of one zlib stream, which is taken from the front of `from`.
Result<std::vector<std::byte>> inflate_from(Bytes& from, std::size_t size) {
  std::vector<std::byte> out(size + 1);  // room for one too many, so that it shows
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return Error(ErrorKind::Exhausted, "zlib: no memory");
  // zlib does not write through next_in.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(from.rest().data()));
  stream.avail_in = static_cast<uInt>(from.rest().size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = inflate(&stream, Z_FINISH);
  const std::size_t taken = stream.total_in;
  const std::size_t made = stream.total_out;
  inflateEnd(&stream);
  if (ended != Z_STREAM_END || made != size) return corrupt("an object does not inflate to its size");
  TRY(from.take(taken));
  out.pop_back();
  return out;
}

// The object that a delta makes of its base: gitformat-pack(5), Deltified representation.
Result<std::vector<std::byte>> apply_delta(std::span<const std::byte> base, std::span<const std::byte> delta,
                                           std::size_t bytes_max) {
  Bytes words(delta);
  if (TRY(words.size_number()) != base.size()) return corrupt("a delta is for a base of another size");
  const std::uint64_t size = TRY(words.size_number());
  if (size > bytes_max) return Error(ErrorKind::Exhausted, "the objects of the pack are too large");
  std::vector<std::byte> made;
  made.reserve(size);
  while (!words.empty()) {
    const unsigned word = TRY(words.byte());
    std::span<const std::byte> piece;
    if ((word & 0x80) == 0) {
      if (word == 0) return corrupt("a delta has a word of no meaning");
      piece = TRY(words.take(word));
    } else {
      std::size_t offset = 0;
      std::size_t count = 0;
      for (unsigned i = 0; i < 4; ++i)
        if ((word >> i & 1) != 0) offset |= std::size_t {
            TRY(words.byte())
          }
      << 8 * i;
      for (unsigned i = 0; i < 3; ++i)
        if ((word >> (4 + i) & 1) != 0) count |= std::size_t {
            TRY(words.byte())
          }
      << 8 * i;
      if (count == 0) count = 0x10000;
      if (offset > base.size() || count > base.size() - offset) return corrupt("a delta copies what its base has not");
      piece = base.subspan(offset, count);
    }
    if (piece.size() > size - made.size()) return corrupt("a delta makes more than it says");
    made.insert(made.end(), piece.begin(), piece.end());
  }
  if (made.size() != size) return corrupt("a delta makes less than it says");
  return made;
}

// Takes the pack apart entry by entry, then resolves deltas from their bases outwards: no recursion, and what hangs on
// itself or on nothing is never reached.
class PackParser {
 public:
  PackParser(ObjectFormat format, std::uint32_t object_count, std::size_t content_bytes_max)
      : format_(format), object_count_(object_count), content_bytes_left_(content_bytes_max) {}

  // `entries`: the pack between its header and its trailer.
  Result<> parse(std::span<const std::byte> entries) {
    Bytes from(entries);
    for (std::uint32_t i = 0; i < object_count_; ++i) TRY(parse_entry(from));
    if (!from.empty()) return corrupt("something follows its last object");
    return {};
  }

  Result<std::vector<PackedObject>> resolve() {
    std::vector<std::size_t> reached;
    for (std::size_t i = 0; i < entries_.size(); ++i)
      if (entries_[i].object) reached.push_back(i);
    std::size_t resolved = 0;
    while (!reached.empty()) {
      const std::size_t at = reached.back();
      reached.pop_back();
      ++resolved;
      TRY(resolve_deltas_on(at, reached));
    }
    if (resolved != entries_.size())
      return Error(ErrorKind::Unsupported, "{} deltas of the pack have their base elsewhere",
                   entries_.size() - resolved);
    std::vector<PackedObject> objects;
    for (Entry& entry : entries_) objects.push_back(std::move(*entry.object));
    return objects;
  }

 private:
  struct Entry {
    std::vector<std::byte> delta;
    std::optional<PackedObject> object;  // once it is known
  };

  Result<> parse_entry(Bytes& from) {
    const std::size_t begin = from.position();
    const unsigned head = TRY(from.byte());
    const unsigned type = head >> 4 & 7;
    const std::uint64_t size = (head & 0x80) == 0 ? head & 0xF : TRY(from.size_number(head & 0xF, 4));
    TRY(charge(size));

    const std::size_t index = entries_.size();
    if (type == kOfsDelta) {
      const std::uint64_t back = TRY(from.back_number());
      const auto base = back <= begin ? at_offset_.find(begin - back) : at_offset_.end();
      if (base == at_offset_.end()) return corrupt("a delta is on something that is no object");
      on_entry_[base->second].push_back(index);
    } else if (type == kRefDelta) {
      on_oid_[Oid::from_bytes(format_, TRY(from.take(oid_bytes(format_))))].push_back(index);
    } else if (type < 1 || type > 4) {
      return corrupt("an object has an unknown type");
    }
    std::vector<std::byte> content = TRY(inflate_from(from, size));
    Entry& entry = entries_.emplace_back();
    at_offset_.emplace(begin, index);
    if (type == kOfsDelta || type == kRefDelta)
      entry.delta = std::move(content);
    else
      note_object(entry, static_cast<ObjectType>(type), std::move(content));
    return {};
  }

  Result<> resolve_deltas_on(std::size_t base, std::vector<std::size_t>& reached) {
    std::vector<std::size_t> deltas;
    if (const auto found = on_entry_.find(base); found != on_entry_.end()) deltas = std::move(found->second);
    // Moved out: a pack may hold an object twice, and what is on it is resolved once.
    if (const auto found = on_oid_.find(entries_[base].object->oid); found != on_oid_.end()) {
      deltas.insert(deltas.end(), found->second.begin(), found->second.end());
      found->second.clear();
    }
    for (const std::size_t index : deltas) {
      Entry& entry = entries_[index];
      const PackedObject& object = *entries_[base].object;
      std::vector<std::byte> content = TRY(apply_delta(object.content, entry.delta, content_bytes_left_));
      TRY(charge(content.size()));
      note_object(entry, object.type, std::move(content));
      entry.delta = {};
      reached.push_back(index);
    }
    return {};
  }

  void note_object(Entry& entry, ObjectType type, std::vector<std::byte> content) const {
    const Oid oid = oid_of(format_, type, content);
    entry.object = PackedObject{type, oid, std::move(content)};
  }

  Result<> charge(std::uint64_t bytes) {
    if (bytes > content_bytes_left_) return Error(ErrorKind::Exhausted, "the objects of the pack are too large");
    content_bytes_left_ -= bytes;
    return {};
  }

  const ObjectFormat format_;
  const std::uint32_t object_count_;
  std::size_t content_bytes_left_;
  std::vector<Entry> entries_;
  std::unordered_map<std::size_t, std::size_t> at_offset_;              // where an entry begins -> its index
  std::unordered_map<std::size_t, std::vector<std::size_t>> on_entry_;  // deltas on an entry, on an object
  std::unordered_map<Oid, std::vector<std::size_t>> on_oid_;
};

}  // namespace

Result<std::vector<PackedObject>> read_pack(PackStream& pack, ObjectFormat format, const SmallPack& bounds) {
  if (pack.object_count() > bounds.objects_max)
    return Error(ErrorKind::Exhausted, "a pack of {} objects is not small", pack.object_count());
  const std::vector<std::byte> bytes = TRY(read_all(pack, bounds.pack_bytes_max));
  constexpr std::size_t kHeaderBytes = 12;
  PackParser parser(format, pack.object_count(), bounds.content_bytes_max);
  TRY(parser.parse(std::span(bytes).subspan(kHeaderBytes, bytes.size() - kHeaderBytes - oid_bytes(format))));
  return parser.resolve();
}

}  // namespace packferry
