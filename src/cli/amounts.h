// Amounts as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace packferry {

std::string grouped(std::uint64_t number);                         // "12,345"
std::string counted(std::uint64_t number, std::string_view noun);  // "1 ref", "12 refs"
std::string in_bytes(std::uint64_t bytes);                         // "812 B", "2.1 MiB"
std::string in_seconds(Milliseconds duration);                     // "0.42 s", "12.3 s", "3 min 07 s", "2 h 05 min"
std::string bytes_a_second(std::uint64_t bytes, Milliseconds duration);  // "4.1 MiB/s"; empty when there is no telling

}  // namespace packferry
