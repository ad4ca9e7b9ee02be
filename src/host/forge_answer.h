// What forges say of repositories in JSON, as values: looked up without exceptions, bounded and checked, because all of
// it is a peer's word.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "host/forge_api.h"

namespace packferry {

using Json = nlohmann::json;

// Corrupt when it is none.
Result<Json> parse_answer(std::string_view body);
// The same, of an answer that is a list, or that has one under `name`.
Result<Json> parse_list(std::string_view body);
Result<Json> parse_list(const Json& answer, const char* name);

// A member of an object: null when there is none, or `object` is none.
const Json& member(const Json& object, const char* name);
std::string text_of(const Json& object, const char* name);  // "" when it is no text
bool flag_of(const Json& object, const char* name);         // false when it is none
std::optional<std::uint64_t> count_of(const Json& object, const char* name);
std::string to_text(const Json& request);  // for a question; what is no UTF-8 is replaced

// A host's id for a repository: a number, or text without anything unprintable. Corrupt when it is missing.
Result<std::string> id_of(const Json& object, const char* name);
// A branch, by its short name; empty where there is none. Corrupt when no branch could be called so.
Result<std::string> branch_of(const Json& object, const char* name);
// A point in time as the host writes it; empty where there is none. Corrupt when it is too long to be one.
Result<std::string> moment_of(const Json& object, const char* name);
// Corrupt unless check_hosted_name() takes it.
Result<std::string> name_of(const Json& object, const char* name, std::size_t parts_min, std::size_t parts_max);
std::optional<Visibility> visibility_of(std::string_view text);
// `found` if it has the name that was asked for; forges make no difference between A and a there, and give theirs.
// Corrupt otherwise.
Result<HostedRepository> one_of_name(HostedRepository found, std::string_view name);
// Asks for the one repository `name`, or for making it, and reads the answer with `read`.
using ReadRepository = Result<HostedRepository> (*)(const Json& described, const Url& web);
Result<HostedRepository> ask_for_repository(ForgeApi& api, const ForgeQuestion& question, std::string_view name,
                                            ReadRepository read, const Url& web, std::stop_token stop);
bool same_name(std::string_view a, std::string_view b);  // but for A and a

// What a forge would refuse, or not understand, of a new repository: Invalid or Unsupported. Tags are AWS's.
Result<> check_new_repository(const NewRepository& wanted, bool has_sha256, std::size_t description_max);

}  // namespace packferry
