#include "api/problem.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace packferry {
namespace {

// Where nobody knows better.
constexpr Milliseconds kComeAgain{5'000};

int status_for(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::NotFound:
      return 404;
    case ErrorKind::Denied:
      return 403;
    case ErrorKind::Invalid:
      return 400;
    case ErrorKind::Unsupported:
    case ErrorKind::Rejected:
      return 422;
    case ErrorKind::Conflict:
      return 409;
    case ErrorKind::Throttled:
      return 429;
    case ErrorKind::Unavailable:
    case ErrorKind::Exhausted:
    case ErrorKind::Cancelled:
      return 503;
    case ErrorKind::Corrupt:
      return 500;
  }
  return 500;
}

}  // namespace

HttpReply problem(int status, std::string_view title, std::string_view detail) {
  const nlohmann::ordered_json body = {
      {"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}};
  return {.status = status,
          .headers = {{"Content-Type", "application/problem+json"}},
          .body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"};
}

HttpReply problem(const Error& error) {
  const int status = status_for(error.kind());
  HttpReply reply = problem(status, to_string(error.kind()), error.message());
  if (status == 429 || status == 503) {
    const Milliseconds wait = error.retry_after().value_or(kComeAgain);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    reply.headers.push_back({"Retry-After", fmt::format("{}", seconds)});
  }
  return reply;
}

}  // namespace packferry
