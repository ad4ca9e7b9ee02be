// Tokens as JSON, as the API and `packferry token` answer with them; docs/formats/openapi.json.
#pragma once

#include <string>
#include <vector>

#include "catalogue/tokens.h"
#include "net/url.h"

namespace packferry {

// {"__type": "packferry.ListTokens/1", "tokens": [{…}, …]}; `indent` as in nlohmann's dump(): -1 for one line.
std::string tokens_json(const std::vector<TokenRecord>& tokens, int indent);
// {"__type": "packferry.CreateToken/1", "secret": "pkf_…", "token": {…}}: the one place where its text is said.
std::string new_token_json(const Secret& secret, const TokenRecord& token, int indent);

}  // namespace packferry
