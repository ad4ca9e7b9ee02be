// A fuzz target says what must be so for any bytes whatever:
//
//   FUZZ(input) {
//     const std::string_view text = input.rest();
//     if (const auto oid = Oid::parse(text)) CHECK(oid->hex() == text);
//   }
//
// A CHECK that fails is a finding, and so are a sanitizer's report and an input that takes too long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"

namespace packferry::fuzz {

// A target that is built with a planted fault is wrong on purpose, here and never in src/, to show that it would
// notice.
#ifdef PACKFERRY_PLANT_FAULT
inline constexpr bool kFaultIsPlanted = true;
#else
inline constexpr bool kFaultIsPlanted = false;
#endif

// The bytes that the fuzzer came up with, taken from the front. Where they end, zeros and empty texts follow.
class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    const std::string_view one = take(1);
    return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
  }
  // 1 to 256: how much is read or written at once.
  std::size_t block_bytes() { return std::size_t{1} + byte(); }
  std::string_view take(std::size_t bytes_max) {
    const std::string_view taken = bytes_.substr(0, bytes_max);
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  // Up to the next line feed, which is passed over.
  std::string_view line() {
    const std::string_view taken = take(bytes_.find('\n'));
    take(1);
    return taken;
  }
  std::string_view rest() { return take(bytes_.size()); }

 private:
  std::string_view bytes_;
};

#define FUZZ(input)                                                                   \
  static void fuzz_one(packferry::fuzz::Input input);                                 \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    fuzz_one(packferry::fuzz::Input({reinterpret_cast<const char*>(data), size}));    \
    return 0;                                                                         \
  }                                                                                   \
  static void fuzz_one(packferry::fuzz::Input input)

}  // namespace packferry::fuzz
