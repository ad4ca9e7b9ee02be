#include "api/routes.h"

#include <gmock/gmock.h>

#include <set>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

ReceivedRequest ask(std::string method, std::string path, std::string query = {}) {
  ReceivedRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = std::move(query);
  return request;
}

std::string operation(const std::string& method, const std::string& path) {
  const auto routed = route_of(ask(method, path));
  if (const auto* request = std::get_if<RoutedRequest>(&routed)) return std::string(request->route->operation);
  return std::to_string(std::get<HttpReply>(routed).status);
}

TEST(Routes, EveryRowIsReachedAndHasItsOwnName) {
  std::set<std::string_view> operations;
  for (const Route& route : routes()) {
    EXPECT_TRUE(operations.insert(route.operation).second) << route.operation;
    std::string path(route.path);
    for (std::size_t at = 0; (at = path.find('{')) != std::string::npos;)
      path.replace(at, path.find('}') - at + 1, "x");
    EXPECT_EQ(operation(std::string(route.method), path), route.operation);
    if (route.method == "GET") {
      EXPECT_EQ(operation("HEAD", path), route.operation);
    }
    EXPECT_TRUE(!route.is_paged || route.method == "GET");
  }
}

TEST(Routes, OnlyWhatProvesItselfOrGivesNothingAwayIsOpen) {
  std::set<std::string_view> open;
  for (const Route& route : routes())
    if (!route.action) open.insert(route.operation);
  EXPECT_THAT(open, UnorderedElementsAre("receiveWebhook", "getOpenApi", "getHealth", "getReadiness"));
}

TEST(Routes, HaveParametersThatAreDecoded) {
  const auto routed = route_of(ask("POST", "/v1/replicas/app%2Fweb%20site/plans/00ff/approve"));
  const auto& request = std::get<RoutedRequest>(routed);
  EXPECT_EQ(request.route->operation, "approvePlan");
  EXPECT_THAT(request.parameters, UnorderedElementsAre(Pair("name", "app/web site"), Pair("digest", "00ff")));
  for (const char* path : {"/v1/replicas/", "/v1/replicas/%", "/v1/replicas/%zz", "/v1/replicas/%00",
                           "/v1/replicas/%0A", "/v1/replicas/%FF", "/v1/replicas//pause", "/v1/replicas/%E2%80%AEx"}) {
    const std::string method = std::string_view(path).ends_with("pause") ? "POST" : "GET";
    EXPECT_EQ(operation(method, path), "400") << path;
  }
  EXPECT_EQ(operation("GET", "/v1/replicas/" + std::string(2'000, 'x')), "400");
}

TEST(Routes, SayWhatIsWrongOfAPathOrItsMethod) {
  for (const char* path : {"/", "//", "/v1", "/v1/", "/v2/replicas", "/v1/replicas/a/b", "/v1/Replicas", "/metrics/",
                           "/v1/../metrics", "/v1/replicas/a/pause/"})
    EXPECT_EQ(operation("GET", path), "404") << path;
  const HttpReply reply = std::get<HttpReply>(route_of(ask("PUT", "/v1/replicas/a")));
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.headers.back().name, "Allow");
  EXPECT_EQ(reply.headers.back().value, "DELETE, GET, HEAD");
  for (const char* method : {"get", "TRACE", "OPTIONS", "PATCH", ""})
    EXPECT_EQ(operation(method, "/v1/replicas"), "405");
}

TEST(Routes, ArePaged) {
  const auto page = [](const std::string& query) { return page_of(ask("GET", "/v1/replicas", query)); };
  EXPECT_EQ(must(page("")).limit, 100U);
  EXPECT_EQ(must(page("limit=1000&after=app%2Fweb")).limit, 1000U);
  EXPECT_EQ(must(page("limit=1000&after=app%2Fweb")).after, "app/web");
  EXPECT_EQ(must(page("after=")).after, "");
  for (const char* bad : {"limit=", "limit=0", "limit=1001", "limit=-1", "limit=1x", "limit=99999999999", "limit"})
    EXPECT_FAILS(page(bad), ErrorKind::Invalid, "from 1 to 1000");
  EXPECT_FAILS(page("limit=1&limit=2"), ErrorKind::Invalid, "'limit' is there twice");
  EXPECT_FAILS(page("offset=1"), ErrorKind::Invalid, "there is no 'offset'");
  EXPECT_FAILS(page("&"), ErrorKind::Invalid, "there is no ''");
  EXPECT_FAILS(page("status=Held"), ErrorKind::Invalid, "there is no 'status'");
  EXPECT_EQ(must(page_of(ask("GET", "/v1/replicas", "status=Held&limit=2"), "status")).filter, "Held");
  EXPECT_FAILS(page_of(ask("GET", "/v1/replicas", "status=%00"), "status"), ErrorKind::Invalid, "not plain text");
  EXPECT_FAILS(page_of(ask("GET", "/v1/replicas", "x"), "status"), ErrorKind::Invalid, "limit, status and after");
  for (const char* bad : {"after=%0A", "after=%", "after=%FF"})
    EXPECT_FAILS(page(bad), ErrorKind::Invalid, "page before");
}

TEST(Routes, TakeAnIdempotencyKey) {
  ReceivedRequest request = ask("POST", "/v1/replicas");
  EXPECT_EQ(must(idempotency_key_of(request)), std::nullopt);
  request.headers = {{"idempotency-key", "3c8f-1"}};
  EXPECT_EQ(must(idempotency_key_of(request)), "3c8f-1");
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("\xC3\xA4"), std::string(101, 'x')}) {
    request.headers = {{"idempotency-key", bad}};
    EXPECT_FAILS(idempotency_key_of(request), ErrorKind::Invalid, "Idempotency-Key");
  }
  request.headers = {{"idempotency-key", "a"}, {"host", "h"}, {"idempotency-key", "a"}};
  EXPECT_FAILS(idempotency_key_of(request), ErrorKind::Invalid, "Idempotency-Key");
}

}  // namespace
}  // namespace packferry
