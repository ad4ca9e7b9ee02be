#include "testing/json_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <regex>
#include <set>

namespace packferry::testing {
namespace {

using Json = nlohmann::json;

bool has_type(const Json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

// Characters, as JSON Schema counts them.
std::size_t length_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & '\xC0') != '\x80'; }));
}

class Check {
 public:
  explicit Check(const Json& document) : document_(document) {}

  std::string of(const Json& value, const Json& schema) const {
    for (const auto& [keyword, rule] : schema.items()) {
      const auto known = keywords().find(keyword);
      if (known == keywords().end()) return fmt::format(": the schema's keyword '{}' is not known here", keyword);
      std::string wrong = known->second(*this, value, rule, schema);
      if (!wrong.empty()) return wrong;
    }
    return {};
  }

 private:
  using Keyword = std::function<std::string(const Check&, const Json& value, const Json& rule, const Json& schema)>;

  static std::string said(bool fits, const std::string& keyword, const Json& value, const Json& rule) {
    return fits ? std::string() : fmt::format(": {} against {} {}", value.dump().substr(0, 200), keyword, rule.dump());
  }

  static Keyword nothing() {
    return [](const Check&, const Json&, const Json&, const Json&) { return std::string(); };
  }

  // A keyword that only looks at the value.
  static Keyword plain(const std::string& keyword, bool (*fits)(const Json& value, const Json& rule)) {
    return [=](const Check&, const Json& value, const Json& rule, const Json&) {
      return said(fits(value, rule), keyword, value, rule);
    };
  }

  static std::string properties(const Check& check, const Json& value, const Json& rule, const Json&) {
    if (!value.is_object()) return {};
    for (const auto& [name, schema] : rule.items()) {
      if (!value.contains(name)) continue;
      std::string wrong = check.of(value.at(name), schema);
      if (!wrong.empty()) return "/" + name + wrong;
    }
    return {};
  }

  static std::string additional(const Check&, const Json& value, const Json& rule, const Json& schema) {
    if (!value.is_object() || rule == true) return {};
    for (const auto& [name, member] : value.items())
      if (!schema.at("properties").contains(name)) return "/" + name + ": is there, and not in the schema";
    return {};
  }

  static std::string items(const Check& check, const Json& value, const Json& rule, const Json&) {
    if (!value.is_array()) return {};
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::string wrong = check.of(value[i], rule);
      if (!wrong.empty()) return fmt::format("/{}{}", i, wrong);
    }
    return {};
  }

  static std::string any_of(const Check& check, const Json& value, const Json& rule, const Json&) {
    std::string all;
    for (const Json& each : rule) {
      const std::string wrong = check.of(value, each);
      if (wrong.empty()) return {};
      all += " [" + wrong + "]";
    }
    return ": none of" + all;
  }

  static const std::map<std::string, Keyword>& keywords() {
    static const std::map<std::string, Keyword> all = {
        {"description", nothing()},
        {"default", nothing()},
        {"examples", nothing()},
        {"$ref", [](const Check& check, const Json& value, const Json&,
                    const Json& schema) { return check.of(value, resolved(schema, check.document_)); }},
        {"properties", properties},
        {"additionalProperties", additional},
        {"items", items},
        {"anyOf", any_of},
        {"type", plain("type",
                       [](const Json& value, const Json& rule) {
                         const Json types = rule.is_array() ? rule : Json::array({rule});
                         return std::any_of(types.begin(), types.end(),
                                            [&](const Json& type) { return has_type(value, type); });
                       })},
        {"const", plain("const", [](const Json& value, const Json& rule) { return value == rule; })},
        {"enum",
         plain("enum", [](const Json& value, const Json& rule) { return std::ranges::count(rule, value) > 0; })},
        {"required", plain("required",
                           [](const Json& value, const Json& rule) {
                             return !value.is_object() || std::all_of(rule.begin(), rule.end(), [&](const Json& name) {
                               return value.contains(name.get<std::string>());
                             });
                           })},
        {"minimum",
         plain("minimum", [](const Json& value, const Json& rule) { return !value.is_number() || value >= rule; })},
        {"maximum",
         plain("maximum", [](const Json& value, const Json& rule) { return !value.is_number() || value <= rule; })},
        {"maxLength", plain("maxLength",
                            [](const Json& value, const Json& rule) {
                              return !value.is_string() ||
                                     length_of(value.get<std::string>()) <= rule.get<std::size_t>();
                            })},
        {"maxItems", plain("maxItems",
                           [](const Json& value, const Json& rule) {
                             return !value.is_array() || value.size() <= rule.get<std::size_t>();
                           })},
        {"pattern", plain("pattern",
                          [](const Json& value, const Json& rule) {
                            return !value.is_string() ||
                                   std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()));
                          })},
    };
    return all;
  }

  const Json& document_;
};

}  // namespace

const Json& resolved(const Json& schema, const Json& document) {
  if (!schema.contains("$ref")) return schema;
  return document.at(Json::json_pointer(schema.at("$ref").get<std::string>().substr(1)));
}

std::string misfit(const Json& value, const Json& schema, const Json& document) {
  return Check(document).of(value, schema);
}

}  // namespace packferry::testing
