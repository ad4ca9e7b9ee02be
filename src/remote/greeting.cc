#include "remote/greeting.h"

#include <algorithm>
#include <charconv>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::size_t kLengthDigits = 4;
constexpr std::size_t kPacketBytesMax = 65520;
constexpr std::string_view kPrelude = "# service=";

// Fills `into` as far as the stream goes.
Result<std::size_t> read_up_to(Reader& from, std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const std::size_t count = TRY(from.read(into.subspan(filled)));
    if (count == 0) break;
    filled += count;
  }
  return filled;
}

// 0 when these are no length, or one of the special packets.
std::size_t packet_bytes(std::string_view digits) {
  std::size_t bytes = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), bytes, 16);
  const bool is_length = failure == std::errc() && end == digits.data() + digits.size();
  return is_length && bytes > kLengthDigits && bytes <= kPacketBytesMax ? bytes : 0;
}

}  // namespace

Result<std::vector<std::byte>> read_raw_packet(Reader& from) {
  std::vector<std::byte> packet(kLengthDigits);
  packet.resize(TRY(read_up_to(from, packet)));
  if (packet.size() < kLengthDigits) return packet;
  const std::size_t bytes = packet_bytes(as_text(packet));
  if (bytes == 0) return packet;
  packet.resize(bytes);
  packet.resize(kLengthDigits + TRY(read_up_to(from, std::span(packet).subspan(kLengthDigits))));
  return packet;
}

std::string_view raw_packet_text(const std::vector<std::byte>& packet) {
  std::string_view text = as_text(packet);
  text.remove_prefix(std::min(kLengthDigits, text.size()));
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

Result<std::size_t> Greeting::read(std::span<std::byte> into) {
  if (!opened_) TRY(open());
  if (first_at_ == first_.size()) return from_.read(into);
  const std::size_t count = std::min(into.size(), first_.size() - first_at_);
  std::copy_n(first_.begin() + static_cast<std::ptrdiff_t>(first_at_), count, into.begin());
  first_at_ += count;
  return count;
}

Result<> Greeting::open() {
  opened_ = true;
  first_ = TRY(read_raw_packet(from_));
  if (prelude_ && raw_packet_text(first_).starts_with(kPrelude)) {
    const std::string_view service = raw_packet_text(first_).substr(kPrelude.size());
    if (service != to_string(*prelude_))
      return Error(ErrorKind::Corrupt, "the server answers for the service '{}' instead of '{}'", printable(service),
                   to_string(*prelude_));
    first_ = TRY(read_raw_packet(from_));
    if (as_text(first_) == "0000") first_ = TRY(read_raw_packet(from_));
  }
  version_2_ = raw_packet_text(first_) == "version 2";
  return {};
}

}  // namespace packferry
