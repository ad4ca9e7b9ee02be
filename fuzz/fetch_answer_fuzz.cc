// Before a pack comes: acknowledgments of both protocols and the sections of protocol 2. However the bytes come, the
// same is understood; in the old protocol not a byte of the pack behind it is taken.
#include "fuzz.h"
#include "remote/fetch.h"
#include "streams.h"

namespace {

using namespace packferry;

struct Understood {
  std::optional<ErrorKind> failure;
  std::vector<Oid> common;
  bool end_of_answer = false;
  std::string rest;

  friend bool operator==(const Understood&, const Understood&) = default;
};

Understood old_acknowledgments(std::string_view bytes, std::size_t piece_bytes) {
  fuzz::PieceReader reader(bytes, piece_bytes);
  const Result<> read = read_old_acknowledgments(reader, ObjectFormat::Sha1);
  if (!read) return {.failure = read.error().kind(), .common = {}, .rest = {}};
  const std::string rest = fuzz::drain(reader, 4096).bytes;
  CHECK(bytes.ends_with(rest));
  const std::string_view taken = bytes.substr(0, bytes.size() - rest.size());
  CHECK(taken.find("NAK") != std::string_view::npos || taken.find("ACK ") != std::string_view::npos);
  return {.failure = {}, .common = {}, .rest = rest};
}

Understood acknowledgments(std::string_view bytes, std::size_t piece_bytes) {
  fuzz::PieceReader reader(bytes, piece_bytes);
  PktReader packets(reader);
  const Result<Acknowledgments> said = read_acknowledgments(packets, ObjectFormat::Sha1);
  if (!said) return {.failure = said.error().kind(), .common = {}, .rest = {}};
  CHECK(said->common.size() * 44 <= bytes.size());
  return {.failure = {}, .common = said->common, .end_of_answer = said->end_of_answer, .rest = {}};
}

Understood sections(std::string_view bytes, std::size_t piece_bytes) {
  fuzz::PieceReader reader(bytes, piece_bytes);
  PktReader packets(reader);
  const Result<> read = skip_to_pack(packets);
  if (!read) return {.failure = read.error().kind(), .common = {}, .rest = {}};
  return {};
}

}  // namespace

FUZZ(input) {
  const std::size_t piece_bytes = input.block_bytes();
  const std::uint8_t which = input.byte();
  const auto understand = which % 3 == 0 ? old_acknowledgments : which % 3 == 1 ? acknowledgments : sections;
  const std::string_view bytes = input.rest();
  CHECK(understand(bytes, piece_bytes) == understand(bytes, bytes.size() + 1));
}
