#include "engine/policy.h"

#include <algorithm>
#include <charconv>

#include "base/printable.h"

namespace packferry {

Result<FollowMode> parse_follow_mode(std::string_view text) {
  for (const FollowMode mode : {FollowMode::Mirror, FollowMode::FastForward, FollowMode::Additive})
    if (text == to_string(mode)) return mode;
  return Error(ErrorKind::Invalid, "policy '{}' is not one of mirror, fast-forward, additive", printable(text));
}

std::string_view to_string(FollowMode mode) {
  switch (mode) {
    case FollowMode::Mirror:
      return "mirror";
    case FollowMode::FastForward:
      return "fast-forward";
    case FollowMode::Additive:
      return "additive";
  }
  CHECK(!"a FollowMode has a name");
  return {};
}

Result<Allowance> Allowance::parse(std::string_view text) {
  const bool is_share = text.ends_with('%');
  const std::string_view digits = is_share ? text.substr(0, text.size() - 1) : text;
  std::size_t number = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failed != std::errc{} || end != digits.data() + digits.size() || (is_share && number > 100))
    return Error(ErrorKind::Invalid, "'{}' is neither a count such as 25 nor a share such as 10%", printable(text));
  return is_share ? Allowance{.count = 0, .percent = static_cast<unsigned>(number)}
                  : Allowance{.count = number, .percent = 0};
}

std::size_t Allowance::of(std::size_t total) const { return std::max(count, total * percent / 100); }

Result<AtomicMode> parse_atomic_mode(std::string_view text) {
  if (text == "auto") return AtomicMode::Auto;
  if (text == "always") return AtomicMode::Always;
  if (text == "never") return AtomicMode::Never;
  return Error(ErrorKind::Invalid, "'{}' is not one of auto, always, never", printable(text));
}

}  // namespace packferry
