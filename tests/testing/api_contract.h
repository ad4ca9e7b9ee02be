// The OpenAPI document as a judge: is a reply one that it promises?
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "net/http_message.h"

namespace packferry::testing {

// The document that the program serves.
const nlohmann::json& openapi();

// What the document says of an operation, and what it does not say: its method and path.
struct ApiOperation {
  std::string method;  // "POST"
  std::string path;    // "/v1/replicas/{name}"
  nlohmann::json said;
};
std::vector<ApiOperation> api_operations();

// Why this reply to a request for `operation` is not one that the document promises; empty: it is.
std::string broken_promise(const ApiOperation& operation, const HttpReply& reply);

// As above, of a request with whatever path. A path or a method that there is not has its own problem.
std::string broken_promise(const std::string& method, const std::string& path, const HttpReply& reply);

}  // namespace packferry::testing
