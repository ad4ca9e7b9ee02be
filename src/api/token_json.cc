#include "api/token_json.h"

#include <nlohmann/json.hpp>

#include "api/access.h"

namespace packferry {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t milliseconds(Clock::WallTime at) {
  return std::chrono::duration_cast<Milliseconds>(at.time_since_epoch()).count();
}

Json json(const TokenRecord& token) {
  Json scopes = Json::array();
  for (const Scope scope : to_grant(token).scopes) scopes.push_back(to_string(scope));
  return {{"id", token.id},
          {"bearer", token.bearer},
          {"scopes", std::move(scopes)},
          {"replicas", token.replicas},
          {"creationDate", milliseconds(token.created_at)},
          {"expiresDateUTC", token.expires_at ? Json(milliseconds(*token.expires_at)) : Json()}};
}

std::string text(const Json& document, int indent) {
  return document.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string tokens_json(const std::vector<TokenRecord>& tokens, int indent) {
  Json all = Json::array();
  for (const TokenRecord& token : tokens) all.push_back(json(token));
  return text({{"__type", "packferry.ListTokens/1"}, {"tokens", std::move(all)}}, indent);
}

std::string new_token_json(const Secret& secret, const TokenRecord& token, int indent) {
  return text({{"__type", "packferry.CreateToken/1"}, {"secret", secret.reveal()}, {"token", json(token)}}, indent);
}

}  // namespace packferry
