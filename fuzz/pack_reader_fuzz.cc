// Whatever a pack claims, it is read within bounds; what comes out has the oids that it is known by, and is all of it.
#include <fmt/format.h>

#include "fuzz.h"
#include "git/history.h"
#include "git/pack_reader.h"
#include "streams.h"

namespace {

using namespace packferry;

constexpr SmallPack kBounds{.objects_max = 200, .pack_bytes_max = 1 << 16, .content_bytes_max = 1 << 20};

Oid oid_of(const PackedObject& object, ObjectFormat format) {
  constexpr const char* kNames[] = {"", "commit", "tree", "blob", "tag"};
  std::string text = fmt::format("{} {}", kNames[static_cast<int>(object.type)], object.content.size());
  text += '\0';
  text += as_text(object.content);
  return Oid::from_bytes(format, digest_of(digest_algorithm(format), as_bytes(text)));
}

}  // namespace

// The trailer is ours, since a fuzzer seldom finds a digest.
FUZZ(input) {
  const ObjectFormat format = input.byte() % 2 == 0 ? ObjectFormat::Sha1 : ObjectFormat::Sha256;
  std::string bytes("PACK\0\0\0\2\0\0\0", 11);
  const std::uint8_t count = input.byte();
  bytes += static_cast<char>(count);
  bytes += input.rest();
  bytes += as_text(digest_of(digest_algorithm(format), as_bytes(bytes)));

  auto stream = PackStream::open(std::make_unique<fuzz::PieceReader>(bytes, 1 << 16), format);
  CHECK(stream.has_value());
  const auto objects = read_pack(**stream, format, kBounds);
  if (!objects) return;
  CHECK(objects->size() == count);
  std::size_t content_bytes = 0;
  for (const PackedObject& object : *objects) {
    content_bytes += object.content.size();
    CHECK(object.oid == oid_of(object, format));
  }
  CHECK(content_bytes <= kBounds.content_bytes_max);

  const Result<History> history = History::of(*objects, format);
  if (!history) return;
  for (const PackedObject& object : *objects) {
    const History::Boundary boundary = history->boundary(std::vector<Oid>{object.oid}, {});
    for (const Oid& end : boundary.oids) CHECK(history->leads_to(object.oid, end) && !history->contains(end));
  }
}
