// Bytes that no compression makes smaller, the same ones for the same seed.
#pragma once

#include <random>
#include <string>

namespace packferry::testing {

inline std::string random_text(std::size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

}  // namespace packferry::testing
