// Does a JSON document fit a schema? The part of JSON Schema 2020-12 that our own documents use; a keyword that is not
// known is a mistake, so that nothing is passed over.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace packferry::testing {

// What does not fit first, with its place: "/replica/name: …"; empty: it fits. `document` is where "#/…" leads.
std::string misfit(const nlohmann::json& value, const nlohmann::json& schema, const nlohmann::json& document);

// The schema itself, or what its $ref leads to.
const nlohmann::json& resolved(const nlohmann::json& schema, const nlohmann::json& document);

}  // namespace packferry::testing
