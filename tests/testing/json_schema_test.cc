#include "testing/json_schema.h"

#include <gtest/gtest.h>

namespace packferry {
namespace {

using Json = nlohmann::json;

bool fits(const char* value, const char* schema) {
  const Json whole = Json::parse(schema);
  return testing::misfit(Json::parse(value), whole, whole).empty();
}

TEST(JsonSchema, SaysWhatFits) {
  const struct {
    const char* schema;
    const char* good;
    const char* bad;
  } cases[] = {
      {R"({"type": "integer"})", "1", "1.5"},
      {R"({"type": ["integer", "null"]})", "null", "\"1\""},
      {R"({"type": "object"})", "{}", "[]"},
      {R"({"const": 1})", "1", "2"},
      {R"({"enum": ["a", "b"]})", "\"b\"", "\"c\""},
      {R"({"minimum": 1, "maximum": 2})", "2", "3"},
      {R"({"minimum": 1})", "1", "0"},
      {R"({"maxLength": 2})", "\"üü\"", "\"üüü\""},
      {R"({"pattern": "^a+$"})", "\"aa\"", "\"ab\""},
      {R"({"items": {"type": "string"}, "maxItems": 2})", R"(["a"])", "[1]"},
      {R"({"items": {}, "maxItems": 1})", "[1]", "[1, 2]"},
      {R"({"required": ["a"]})", R"({"a": 1})", "{}"},
      {R"({"properties": {"a": {"type": "null"}}})", R"({"a": null, "b": 1})", R"({"a": 1})"},
      {R"({"properties": {"a": {}}, "additionalProperties": false})", R"({"a": 1})", R"({"b": 1})"},
      {R"({"anyOf": [{"type": "null"}, {"type": "integer"}]})", "1", "true"},
  };
  for (const auto& [schema, good, bad] : cases) {
    EXPECT_TRUE(fits(good, schema)) << schema;
    EXPECT_FALSE(fits(bad, schema)) << schema;
  }
}

TEST(JsonSchema, FollowsReferences) {
  const Json document = Json::parse(R"({"kept": {"a": {"type": "null"}}})");
  const Json schema = Json::parse(R"({"items": {"$ref": "#/kept/a"}})");
  EXPECT_EQ(testing::misfit(Json::parse("[null]"), schema, document), "");
  EXPECT_NE(testing::misfit(Json::parse("[1]"), schema, document), "");
}

TEST(JsonSchema, PassesNothingOver) {
  const Json schema = Json::parse(R"({"typ": "string"})");
  EXPECT_NE(testing::misfit(Json(1), schema, schema).find("'typ' is not known"), std::string::npos);
}

TEST(JsonSchema, SaysWhere) {
  const Json schema = Json::parse(R"({"properties": {"a": {"items": {"type": "string"}}}})");
  EXPECT_EQ(testing::misfit(Json::parse(R"({"a": ["x", 1]})"), schema, schema), R"(/a/1: 1 against type "string")");
}

}  // namespace
}  // namespace packferry
