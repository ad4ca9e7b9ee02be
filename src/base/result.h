// How failure is said.
//
// What the world can do to us is an ordinary value: a function that can fail returns Result<T>, which holds a T or an
// Error. The kind of an Error says what the caller should do next; code branches on kind(), never on the text. A bug is
// not an Error: see base/check.h.
//
//   Result<Refspec> parse(std::string_view text);
//   const Refspec spec = TRY(parse(text).context("option --ref"));
//
// The names follow std::expected, so that it can take over when the compilers we support have it.
#pragma once

#include <fmt/core.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"

namespace packferry {

enum class ErrorKind {
  NotFound,     // not there; the caller decides. An empty repository is not NotFound.
  Unsupported,  // the other side cannot do it; the caller decides
  Denied,       // credentials missing or refused: a person has to act
  Invalid,      // configuration or input is wrong: a person has to act
  Rejected,     // understood and refused
  Conflict,     // what was observed no longer holds: observe and plan again
  Throttled,    // slow down and retry
  Unavailable,  // connection, 5xx, stall: retry with backoff
  Corrupt,      // bytes contradict a checksum or the protocol: never retried blindly
  Exhausted,    // our own disk, memory or quota, or a limit that protects them
  Cancelled,    // we were asked to stop
};

// One lower-case word: "not-found", "denied", … These words are part of the JSON reports.
std::string_view to_string(ErrorKind kind);

class [[nodiscard]] Error {
 public:
  // Facts in lower case, values in quotes. Text that came from a peer goes through printable() first.
  template <typename... Args>
  Error(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args)
      : kind_(kind), message_(fmt::format(format, std::forward<Args>(args)...)) {}

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }

  // How long the other side asked us to wait; only with Throttled and Unavailable.
  std::optional<std::chrono::milliseconds> retry_after() const { return retry_after_; }
  Error&& retry_after(std::chrono::milliseconds delay) && {
    retry_after_ = delay;
    return std::move(*this);
  }

  // Context is added from the inside out and reads from the outside in: "push to x: report: unpack failed".
  template <typename... Args>
  Error&& context(fmt::format_string<Args...> format, Args&&... args) && {
    message_ = fmt::format(format, std::forward<Args>(args)...) + ": " + message_;
    return std::move(*this);
  }

 private:
  ErrorKind kind_;
  std::string message_;
  std::optional<std::chrono::milliseconds> retry_after_;
};

struct Nothing {
  friend bool operator==(Nothing, Nothing) = default;
};

template <typename T = Nothing>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  // What converts to T converts to Result<T>: a unique_ptr to a derived class, a literal to a string.
  template <typename U = T>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  Result() requires std::is_same_v<T, Nothing> : state_(std::in_place_index<0>) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return CHECK(has_value()), std::get<0>(state_); }
  const T& value() const& { return CHECK(has_value()), std::get<0>(state_); }
  T&& value() && { return CHECK(has_value()), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & { return CHECK(!has_value()), std::get<1>(state_); }
  const Error& error() const& { return CHECK(!has_value()), std::get<1>(state_); }
  Error&& error() && { return CHECK(!has_value()), std::get<1>(std::move(state_)); }

  template <typename... Args>
  Result&& context(fmt::format_string<Args...> format, Args&&... args) && {
    // Changed where it is: emplace() would destroy the Error that it is made from.
    if (!has_value()) static_cast<void>(std::move(error()).context(format, std::forward<Args>(args)...));
    return std::move(*this);
  }

 private:
  std::variant<T, Error> state_;
};

// The value of a Result, or an early return with its Error. A statement expression, which g++ and clang both have.
// Not inside the braces of an aggregate: g++ 12 forgets to destroy the members that are built already.
#define TRY(expression)                                            \
  __extension__({                                                  \
    auto packferry_try_ = (expression);                            \
    if (!packferry_try_) return std::move(packferry_try_).error(); \
    std::move(packferry_try_).value();                             \
  })

}  // namespace packferry
