#include "aws/aws_client.h"

#include <nlohmann/json.hpp>

#include "base/printable.h"

namespace packferry {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// "com.amazonaws.x#Code:http://…"
std::string code_of(std::string_view type) {
  type = type.substr(0, type.find(':'));
  if (const std::size_t hash = type.rfind('#'); hash != std::string_view::npos) type.remove_prefix(hash + 1);
  return printable(type, 100);
}

}  // namespace

Result<std::string> AwsClient::call(std::string_view operation, std::string_view body, std::stop_token stop) const {
  const AwsCall call{.doing = fmt::format("{} of {} {}", operation, service_.name, service_.region),
                     .url = service_.endpoint,
                     .headers = {{"Content-Type", fmt::format("application/x-amz-json-{}", service_.json_version)},
                                 {"X-Amz-Target", fmt::format("{}.{}", service_.target, operation)}},
                     .body = Secret(std::string(body)),
                     .scope = {service_.region, service_.name},
                     .credentials = &credentials_,
                     .read_failure =
                         [](const HttpResponse& response, std::string_view text) {
                           return parse_json_failure(response.header("x-amzn-errortype").value_or(""), text);
                         },
                     .known = service_.known};
  return caller_.call(call, std::move(stop));
}

std::optional<AwsFailure> parse_json_failure(std::string_view type, std::string_view body) {
  const Json document = Json::parse(body, nullptr, false);
  AwsFailure failure{.code = code_of(text_of(document, "__type")), .message = {}};
  if (failure.code.empty()) failure.code = code_of(type);
  if (failure.code.empty()) return std::nullopt;
  std::string message = text_of(document, "message");
  if (message.empty()) message = text_of(document, "Message");
  failure.message = printable(message, 500);
  return failure;
}

}  // namespace packferry
