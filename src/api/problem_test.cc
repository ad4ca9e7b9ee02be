#include "api/problem.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace packferry {
namespace {

std::string header(const HttpReply& reply, std::string_view name) {
  for (const HttpHeader& each : reply.headers)
    if (each.name == name) return each.value;
  return {};
}

TEST(Problem, IsAsRfc9457HasIt) {
  const HttpReply reply = problem(404, "not-found", "there is no replica 'web'");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(header(reply, "Content-Type"), "application/problem+json");
  EXPECT_EQ(reply.body,
            "{\"type\":\"about:blank\",\"title\":\"not-found\",\"status\":404,\"detail\":\"there is no replica "
            "'web'\"}\n");
  // A detail may have a host's words in it, and those any bytes.
  EXPECT_TRUE(nlohmann::json::accept(problem(400, "invalid", "a\xFF\"\n\x01").body));
}

TEST(Problem, OfAnErrorHasTheStatusOfItsKind) {
  const struct {
    ErrorKind kind;
    int status;
  } cases[] = {{ErrorKind::NotFound, 404},  {ErrorKind::Unsupported, 422}, {ErrorKind::Denied, 403},
               {ErrorKind::Invalid, 400},   {ErrorKind::Rejected, 422},    {ErrorKind::Conflict, 409},
               {ErrorKind::Throttled, 429}, {ErrorKind::Unavailable, 503}, {ErrorKind::Corrupt, 500},
               {ErrorKind::Exhausted, 503}, {ErrorKind::Cancelled, 503}};
  for (const auto& [kind, status] : cases) {
    const HttpReply reply = problem(Error(kind, "why"));
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(nlohmann::json::parse(reply.body)["title"], to_string(kind));
    EXPECT_EQ(header(reply, "Retry-After").empty(), status != 429 && status != 503);
  }
  EXPECT_EQ(header(problem(Error(ErrorKind::Throttled, "slow").retry_after(Milliseconds(1'500))), "Retry-After"), "2");
}

}  // namespace
}  // namespace packferry
