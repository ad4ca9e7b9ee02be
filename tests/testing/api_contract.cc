#include "testing/api_contract.h"

#include <fmt/format.h>

#include <regex>

#include "api/replica_api.h"
#include "base/ascii.h"
#include "testing/json_schema.h"

namespace packferry::testing {
namespace {

using Json = nlohmann::json;

std::string header_of(const HttpReply& reply, std::string_view name) {
  for (const HttpHeader& header : reply.headers)
    if (header.name == name) return header.value;
  return {};
}

std::string misfit_of_headers(const Json& promised, const HttpReply& reply) {
  const Json headers = promised.value("headers", Json::object());
  for (const auto& [name, header] : headers.items()) {
    const std::string value = header_of(reply, name);
    if (value.empty() && header.value("required", false)) return "there is no " + name;
    if (value.empty()) continue;
    const std::string wrong = misfit(value, header.at("schema"), openapi());
    if (!wrong.empty()) return name + wrong;
  }
  return {};
}

std::string misfit_of_reply(const Json& promised, const HttpReply& reply) {
  const std::string headers = misfit_of_headers(promised, reply);
  if (!headers.empty()) return headers;
  if (!promised.contains("content")) return reply.body.empty() ? "" : "there is a body";
  const std::string type = header_of(reply, "Content-Type");
  const std::string plain_type = type.substr(0, type.find(';'));
  const Json& content = promised.at("content");
  if (!content.contains(plain_type)) return fmt::format("its type is '{}'", type);
  const bool is_json = plain_type.ends_with("json");
  const Json body = is_json ? Json::parse(reply.body, nullptr, false) : Json(reply.body);
  if (body.is_discarded()) return "the body is no JSON";
  if (plain_type == "application/problem+json" && body.value("status", 0) != reply.status)
    return "the problem has another status";
  return misfit(body, content.at(plain_type).at("schema"), openapi());
}

}  // namespace

const Json& openapi() {
  static const Json document = Json::parse(openapi_document());
  return document;
}

std::vector<ApiOperation> api_operations() {
  std::vector<ApiOperation> all;
  for (const auto& [path, methods] : openapi().at("paths").items())
    for (const auto& [method, said] : methods.items())
      all.push_back({.method = to_upper(method), .path = path, .said = said});
  return all;
}

std::string broken_promise(const ApiOperation& operation, const HttpReply& reply) {
  const std::string what = fmt::format("{} {}: {}", operation.method, operation.path, reply.status);
  const Json& responses = operation.said.at("responses");
  const std::string status = std::to_string(reply.status);
  if (!responses.contains(status)) return fmt::format("{} is not documented: {}", what, reply.body);
  const std::string wrong = misfit_of_reply(resolved(responses.at(status), openapi()), reply);
  return wrong.empty() ? "" : fmt::format("{}: {}\n{}", what, wrong, reply.body);
}

std::string broken_promise(const std::string& method, const std::string& path, const HttpReply& reply) {
  for (const ApiOperation& operation : api_operations()) {
    const std::string pattern = std::regex_replace(operation.path, std::regex("\\{[^}]*\\}"), "[^/]*");
    if (operation.method == method && std::regex_match(path, std::regex(pattern)))
      return broken_promise(operation, reply);
  }
  const std::string wrong = misfit(Json::parse(reply.body, nullptr, false),
                                   openapi().at("components").at("schemas").at("Problem"), openapi());
  if (!wrong.empty() || (reply.status != 404 && reply.status != 405))
    return fmt::format("{} {}: {} of no operation: {}", method, path, reply.status, wrong);
  return {};
}

}  // namespace packferry::testing
