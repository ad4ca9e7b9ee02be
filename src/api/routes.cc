#include "api/routes.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include "api/problem.h"
#include "base/printable.h"

namespace packferry {
namespace {

constexpr unsigned kLimitMax = 1'000;
constexpr std::size_t kAfterBytesMax = 1'000;
constexpr std::size_t kKeyBytesMax = 100;
constexpr std::size_t kShownBytesMax = 100;

constexpr Route kRoutes[] = {
    {"GET", "/v1/replicas", "listReplicas", Action::SeeReplica, "status", true},
    {"POST", "/v1/replicas", "createReplica", Action::CreateReplica, "", false, true},
    {"GET", "/v1/replicas/{name}", "getReplica", Action::SeeReplica},
    {"DELETE", "/v1/replicas/{name}", "deleteReplica", Action::DeleteReplica},
    {"POST", "/v1/replicas/{name}/pause", "pauseReplica", Action::Pause},
    {"POST", "/v1/replicas/{name}/resume", "resumeReplica", Action::Resume},
    {"POST", "/v1/replicas/{name}/sync", "syncReplica", Action::LookNow},
    {"GET", "/v1/replicas/{name}/history", "getHistory", Action::SeeReplica, "", true},
    {"GET", "/v1/replicas/{name}/audit", "getReplicaAudit", Action::SeeReplica, "", true},
    {"GET", "/v1/replicas/{name}/plan", "getHeldPlan", Action::SeePlan},
    // The least that it takes; whether the plan loses something, and takes more, is known when it is looked at.
    {"POST", "/v1/replicas/{name}/plans/{digest}/approve", "approvePlan", Action::ApproveAdditions},
    {"POST", "/v1/webhooks/{source}", "receiveWebhook"},
    {"GET", "/v1/audit", "getAudit", Action::SeeAudit, "", true},
    {"GET", "/v1/tokens", "listTokens", Action::SeeTokens, "", true},
    {"POST", "/v1/tokens", "createToken", Action::CreateToken, "", false, true},
    {"DELETE", "/v1/tokens/{id}", "revokeToken", Action::RevokeToken},
    {"GET", "/v1/openapi.json", "getOpenApi"},
    {"GET", "/metrics", "getMetrics", Action::SeeMetrics},
    {"GET", "/healthz", "getHealth"},
    {"GET", "/readyz", "getReadiness"},
};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = std::min(text.find(at), text.size());
    parts.push_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_parameter(std::string_view part) { return part.starts_with('{'); }

bool has_shape_of(const std::vector<std::string_view>& parts, const Route& route) {
  const std::vector<std::string_view> wanted = split(route.path, '/');
  return std::equal(parts.begin(), parts.end(), wanted.begin(), wanted.end(),
                    [](std::string_view part, std::string_view want) { return is_parameter(want) || part == want; });
}

// As it was before it was encoded; nothing where that could not be shown as it is.
std::optional<std::string> decoded(std::string_view text, std::size_t bytes_max) {
  std::optional<std::string> plain = percent_decode(text);
  if (!plain || printable(*plain, bytes_max) != *plain) return std::nullopt;
  return plain;
}

HttpReply bad_method(const std::set<std::string_view>& allowed) {
  std::string allow;
  for (const std::string_view method : allowed) allow += fmt::format("{}{}", allow.empty() ? "" : ", ", method);
  HttpReply reply = problem(405, "method-not-allowed", fmt::format("there are: {}", allow));
  reply.headers.push_back({"Allow", allow});
  return reply;
}

std::variant<RoutedRequest, HttpReply> with_parameters(const Route& route, const std::vector<std::string_view>& parts) {
  RoutedRequest routed{.route = &route};
  const std::vector<std::string_view> wanted = split(route.path, '/');
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!is_parameter(wanted[i])) continue;
    const std::string_view name = wanted[i].substr(1, wanted[i].size() - 2);
    std::optional<std::string> value = decoded(parts[i], kAfterBytesMax);
    if (!value || value->empty()) return problem(400, "invalid", fmt::format("the path has no sound {}", name));
    routed.parameters.emplace(name, std::move(*value));
  }
  return routed;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

std::variant<RoutedRequest, HttpReply> route_of(const ReceivedRequest& request) {
  const std::vector<std::string_view> parts = split(request.path, '/');
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::set<std::string_view> allowed;
  for (const Route& route : kRoutes) {
    if (!has_shape_of(parts, route)) continue;
    if (route.method == method) return with_parameters(route, parts);
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
  }
  if (allowed.empty()) return problem(404, "not-found", "there is nothing at this path");
  return bad_method(allowed);
}

Result<PageWanted> page_of(const ReceivedRequest& request, std::string_view filter) {
  PageWanted page;
  if (request.query.empty()) return page;
  std::set<std::string_view> seen;
  for (const std::string_view pair : split(request.query, '&')) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    if (!seen.insert(name).second)
      return Error(ErrorKind::Invalid, "'{}' is there twice", printable(name, kShownBytesMax));
    if (name == "limit") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), page.limit);
      if (error != std::errc() || end != value.data() + value.size() || page.limit < 1 || page.limit > kLimitMax)
        return Error(ErrorKind::Invalid, "a limit is a number from 1 to {}", kLimitMax);
    } else if (name == "after") {
      std::optional<std::string> after = decoded(value, kAfterBytesMax);
      if (!after) return Error(ErrorKind::Invalid, "'after' is not what the page before has said");
      page.after = std::move(*after);
    } else if (!filter.empty() && name == filter) {
      page.filter = decoded(value, kAfterBytesMax);
      if (!page.filter) return Error(ErrorKind::Invalid, "'{}' is not plain text", filter);
    } else {
      return Error(ErrorKind::Invalid, "there is no '{}' here; there are limit{} after",
                   printable(name, kShownBytesMax), filter.empty() ? " and" : fmt::format(", {} and", filter));
    }
  }
  return page;
}

Result<std::optional<std::string>> idempotency_key_of(const ReceivedRequest& request) {
  const auto is_key = [](const HttpHeader& header) { return header.name == "idempotency-key"; };
  const auto found = std::find_if(request.headers.begin(), request.headers.end(), is_key);
  if (found == request.headers.end()) return std::optional<std::string>();
  const bool is_visible =
      std::all_of(found->value.begin(), found->value.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!is_visible || found->value.empty() || found->value.size() > kKeyBytesMax ||
      std::any_of(found + 1, request.headers.end(), is_key))
    return Error(ErrorKind::Invalid, "an Idempotency-Key is one text of 1 to {} visible characters", kKeyBytesMax);
  return std::optional(found->value);
}

}  // namespace packferry
