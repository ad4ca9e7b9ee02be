// The OpenAPI document, the table of routes and what is really answered say the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <set>

#include "testing/api_contract.h"
#include "testing/api_scene.h"
#include "testing/json_schema.h"

namespace packferry {
namespace {

using Json = nlohmann::json;
using testing::api_operations;
using testing::ApiExtra;
using testing::ApiOperation;
using testing::ApiScene;
using testing::broken_promise;
using testing::must;
using testing::openapi;
using testing::resolved;

// --- The document and the table.

const Route* route_of_operation(const ApiOperation& operation) {
  for (const Route& route : routes())
    if (route.operation == operation.said.at("operationId")) return &route;
  return nullptr;
}

std::vector<Json> parameters_of(const ApiOperation& operation, const std::string& in) {
  std::vector<Json> found;
  const Json all = operation.said.value("parameters", Json::array());
  for (const Json& each : all) {
    const Json& parameter = resolved(each, openapi());
    if (parameter.at("in") == in) found.push_back(parameter);
  }
  return found;
}

std::set<std::string> names_of(const std::vector<Json>& parameters) {
  std::set<std::string> names;
  for (const Json& each : parameters) names.insert(each.at("name"));
  return names;
}

bool takes_json(const ApiOperation& operation) {
  return operation.said.contains("requestBody") && !operation.said.at("security").empty();
}

TEST(OpenApi, HasEveryRouteAndNoOther) {
  EXPECT_EQ(api_operations().size(), routes().size());
  for (const ApiOperation& operation : api_operations()) {
    const Route* route = route_of_operation(operation);
    ASSERT_NE(route, nullptr) << operation.said.at("operationId");
    EXPECT_EQ(route->method, operation.method);
    EXPECT_EQ(route->path, operation.path);
    EXPECT_EQ(route->takes_json, takes_json(operation)) << operation.path;
  }
}

TEST(OpenApi, NamesTheParametersThatAreRead) {
  for (const ApiOperation& operation : api_operations()) {
    const Route& route = *route_of_operation(operation);
    std::set<std::string> in_path;
    const std::regex braces("\\{([^}]*)\\}");
    for (std::sregex_iterator at(operation.path.begin(), operation.path.end(), braces), end; at != end; ++at)
      in_path.insert((*at)[1]);
    EXPECT_EQ(names_of(parameters_of(operation, "path")), in_path) << operation.path;
    std::set<std::string> in_query;
    if (route.is_paged) in_query = {"limit", "after"};
    if (!route.filter.empty()) in_query.emplace(route.filter);
    EXPECT_EQ(names_of(parameters_of(operation, "query")), in_query) << operation.path;
    const bool is_named = route.action && route.method != "GET";
    EXPECT_EQ(names_of(parameters_of(operation, "header")),
              is_named ? std::set<std::string>{"Idempotency-Key"} : std::set<std::string>{})
        << operation.path;
  }
}

TEST(OpenApi, SaysWhichScopeIsTaken) {
  for (const ApiOperation& operation : api_operations()) {
    const Route& route = *route_of_operation(operation);
    EXPECT_EQ(operation.said.at("security").empty(), !route.action) << operation.path;
    const std::string scope = route.action ? std::string(to_string(scope_for(*route.action))) : "";
    EXPECT_EQ(operation.said.value("x-scope", ""), scope) << operation.path;
  }
}

TEST(OpenApi, KnowsTheWordsThatTheProgramKnows) {
  const Json& schemas = openapi().at("components").at("schemas");
  Json statuses = Json::array();
  for (const ReplicaStatus status : kReplicaStatuses) statuses.push_back(to_string(status));
  EXPECT_EQ(schemas.at("Status").at("enum"), statuses);
  for (const std::string scope : schemas.at("Scope").at("enum")) EXPECT_TRUE(parse_scope(scope)) << scope;
}

TEST(OpenApi, JudgesReplies) {
  const auto verdict = [](const HttpReply& reply) { return broken_promise("GET", "/v1/replicas/web", reply); };
  const std::string body = R"({"__type": "packferry.GetReplica/1", "replica": null})";
  EXPECT_EQ(verdict({.headers = {{"Content-Type", "application/json"}}, .body = body}), "");
  EXPECT_NE(verdict({.status = 201, .headers = {{"Content-Type", "application/json"}}, .body = body}), "");
  EXPECT_NE(verdict({.headers = {{"Content-Type", "text/plain"}}, .body = body}), "");
  EXPECT_NE(verdict({.headers = {{"Content-Type", "application/json"}}, .body = "{}"}), "");
  EXPECT_NE(verdict({.headers = {{"Content-Type", "application/json"}}, .body = "{"}), "");
  EXPECT_NE(verdict({.status = 503}), "") << "without Retry-After";
}

// --- Requests that are made of the document, right ones and wrong ones.

class OpenApiTest : public ::testing::Test, protected ApiScene {
 protected:
  struct Made {
    const ApiOperation& operation;
    std::string path;
    ApiExtra extra;
  };

  // One that is right, of something that is there.
  Made made_of(const ApiOperation& operation, bool with_all_members = false) {
    const std::string name = fmt::format("r{}", ++number_);
    Made made{.operation = operation, .path = operation.path, .extra = {}};
    const std::string id = operation.said.at("operationId");
    std::string digest = "0123456789ab";
    if (id == "approvePlan" || id == "getHeldPlan") {
      digest = hold(name, true);
    } else if (id != "createReplica") {
      order_replica(name);
    }
    put(made.path, "{name}", name);
    put(made.path, "{digest}", digest);
    put(made.path, "{id}", token({Scope::Read}).substr(std::string_view("pkf_").size(), 8));
    put(made.path, "{source}", "git");
    if (takes_json(operation)) made.extra.body = body_of(operation, with_all_members).dump();
    return made;
  }

  static void put(std::string& text, const std::string& what, const std::string& with) {
    if (const auto at = text.find(what); at != std::string::npos) text.replace(at, what.size(), with);
  }

  Json body_of(const ApiOperation& operation, bool with_all_members) {
    Json body = Json::object();
    const Json& schema = schema_of(operation);
    for (const auto& [member, rule] : schema.at("properties").items()) {
      const bool is_required = std::ranges::count(schema.at("required"), Json(member)) > 0;
      if (is_required || with_all_members) body[member] = rule.at("examples").at(0);
    }
    // No two of the same name, and no two that write to one place.
    if (body.contains("destination")) body["destination"] = fmt::format("https://git.example/n{}.git", ++number_);
    if (body.contains("source") && !body.contains("name")) body["name"] = fmt::format("n{}", number_);
    return body;
  }

  static const Json& schema_of(const ApiOperation& operation) {
    return resolved(operation.said.at("requestBody").at("content").at("application/json").at("schema"), openapi());
  }

  // Its status, after the document has judged it.
  int status(const std::string& token, const Made& made, const std::string& why) {
    const HttpReply reply = api.handle(request(token, made.operation.method, made.path, made.extra), {});
    const std::string broken = broken_promise(made.operation, reply);
    EXPECT_EQ(broken, "") << why;
    EXPECT_TRUE(reply.status < 500 || made.operation.path == "/readyz") << why << ": " << reply.body;
    return reply.status;
  }
  void expect_refused(const std::string& token, const Made& made, const std::string& why) {
    const int said = status(token, made, why);
    EXPECT_TRUE(said >= 400 && said < 500) << made.operation.method << " " << made.path << ": " << why << ": " << said;
  }

  int number_ = 0;
};

TEST_F(OpenApiTest, WhatIsRightSucceeds) {
  for (const ApiOperation& operation : api_operations()) {
    for (const bool with_all_members : {false, true}) {
      const bool is_webhook = operation.said.at("operationId") == "receiveWebhook";
      Made made = made_of(operation, with_all_members);
      if (is_webhook) made.extra.body = R"({"repository": "team/web"})";
      const int said = status(is_webhook ? kHookSecret : everything(), made, "right");
      EXPECT_TRUE(said >= 200 && said < 300) << operation.method << " " << made.path << ": " << said;
    }
  }
}

TEST_F(OpenApiTest, WithoutATokenOrItsScopeNothingIsToBeHad) {
  for (const ApiOperation& operation : api_operations()) {
    if (operation.said.at("security").empty()) continue;
    const Made made = made_of(operation);
    EXPECT_EQ(status("", made, "no token"), 401);
    EXPECT_EQ(status("pkf_00000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", made, "no such token"), 401);
    EXPECT_EQ(status("eyJhbGciOiJub25lIn0.e30.", made, "nobody's token"), 401);
    for (const Scope scope : {Scope::Read, Scope::Operate, Scope::Destroy, Scope::Admin}) {
      const bool is_taken = to_string(scope) == operation.said.at("x-scope") ||
                            to_string(scope) == operation.said.value("x-scope-of-losses", "");
      if (is_taken) continue;
      EXPECT_EQ(status(token({scope}), made, "another scope"), 403) << operation.path << to_string(scope);
    }
  }
}

TEST_F(OpenApiTest, QueriesThatAreNotInTheDocumentAreRefused) {
  const std::string all = everything();
  for (const ApiOperation& operation : api_operations()) {
    if (operation.said.at("operationId") == "receiveWebhook") continue;
    Made made = made_of(operation);
    for (const char* query : {"x=1", "limit=0", "limit=1001", "limit=-1", "limit=1.5", "limit=", "limit=1&limit=1",
                              "after=%00", "after=%zz", "status=Fine", "status=%00", "&", "="}) {
      made.extra.query = query;
      expect_refused(all, made, query);
    }
    for (const Json& parameter : parameters_of(operation, "query")) {
      const Json& schema = resolved(parameter.at("schema"), openapi());
      if (!schema.contains("maxLength")) continue;
      const std::string longest(schema.at("maxLength").get<std::size_t>() + 1, 'x');
      made.extra.query = fmt::format("{}={}", parameter.at("name").get<std::string>(), longest);
      expect_refused(all, made, "too long");
    }
  }
}

TEST_F(OpenApiTest, PathsThatAreNotInTheDocumentAreRefused) {
  const std::string all = everything();
  for (const ApiOperation& operation : api_operations()) {
    for (const Json& parameter : parameters_of(operation, "path")) {
      for (const std::string& value :
           {std::string("%00"), std::string("%zz"), std::string(), std::string("nobody"), std::string(1001, 'x')}) {
        Made made{.operation = operation, .path = operation.path, .extra = {}};
        put(made.path, "{" + parameter.at("name").get<std::string>() + "}", value);
        put(made.path, "{name}", "web");
        put(made.path, "{digest}", "0123456789ab");
        expect_refused(all, made, value.substr(0, 20));
      }
    }
  }
}

TEST_F(OpenApiTest, KeysThatAreNotInTheDocumentAreRefused) {
  for (const ApiOperation& operation : api_operations()) {
    if (parameters_of(operation, "header").empty()) continue;
    Made made = made_of(operation);
    for (const std::string& key : {std::string(), std::string("a b"), std::string(101, 'x'), std::string("\xC3\xA4")}) {
      made.extra.headers = {{"idempotency-key", key}};
      expect_refused(everything(), made, "key");
    }
  }
}

TEST_F(OpenApiTest, BodiesThatDoNotFitTheirSchemaAreRefused) {
  const std::string all = everything();
  for (const ApiOperation& operation : api_operations()) {
    Made made = made_of(operation);
    if (operation.said.at("operationId") == "receiveWebhook") continue;
    if (!takes_json(operation)) {
      made.extra.body = "{}";
      expect_refused(all, made, "a body");
      continue;
    }
    const Json& schema = schema_of(operation);
    const auto refuse = [&](const Json& body, const std::string& why) {
      EXPECT_NE(testing::misfit(body, schema, openapi()), "") << why;
      made.extra.body = body.dump();
      expect_refused(all, made, why);
    };
    for (const auto& [member, rule] : schema.at("properties").items()) {
      for (const Json& wrong :
           {Json(), Json(1), Json(1.5), Json("x\x01"), Json::array({1}), Json::object(), Json(true)}) {
        Json body = body_of(operation, true);
        body[member] = wrong;
        if (!testing::misfit(body, schema, openapi()).empty()) refuse(body, member + wrong.dump());
      }
      Json body = body_of(operation, true);
      if (rule.contains("maxLength")) {
        body[member] = std::string(rule.at("maxLength").get<std::size_t>() + 1, 'x');
        refuse(body, member + " too long");
      }
      if (rule.contains("maxItems")) {
        body[member] = Json(rule.at("maxItems").get<std::size_t>() + 1,
                            rule.at("examples").at(0).empty() ? Json("x") : rule.at("examples").at(0).at(0));
        refuse(body, member + " too many");
      }
    }
    for (const std::string member : schema.at("required")) {
      Json body = body_of(operation, true);
      body.erase(member);
      refuse(body, member + " is missing");
    }
    Json body = body_of(operation, false);
    body["unknown"] = "x";
    refuse(body, "a member that there is not");
  }
}

// Bytes of right bodies changed, left out and put in: whatever comes of it, the answer is documented.
TEST_F(OpenApiTest, BodiesThatAreDamagedAreAnsweredAsTheDocumentSays) {
  std::mt19937_64 random(20'261'122);
  const std::string all = everything();
  for (const ApiOperation& operation : api_operations()) {
    if (!takes_json(operation)) continue;
    for (int i = 0; i < 300; ++i) {
      Made made{.operation = operation, .path = operation.path, .extra = {}};
      std::string body = body_of(operation, true).dump();
      for (int changes = 0; changes < 1 + i % 4; ++changes) {
        const std::size_t at = random() % body.size();
        const char byte = "\"{}[]:,\\0x\xC3\xFF\n-"[random() % 14];
        if (random() % 3 == 0) {
          body.erase(at, 1);
        } else if (random() % 2 == 0) {
          body.insert(at, 1, byte);
        } else {
          body[at] = byte;
        }
      }
      made.extra.body = body;
      status(all, made, body);
    }
  }
}

TEST_F(OpenApiTest, DeepAndLargeBodiesAreRefused) {
  const std::string all = everything();
  for (const ApiOperation& operation : api_operations()) {
    if (!takes_json(operation)) continue;
    Made made{.operation = operation, .path = operation.path, .extra = {}};
    for (const std::string& body :
         {std::string(500'000, '['), R"({"a":)" + std::string(500'000, '[') + std::string(500'000, ']') + "}",
          R"({"name": ")" + std::string(1'000'000, 'x') + R"("})", std::string(1'000'000, '\0')}) {
      made.extra.body = body;
      expect_refused(all, made, "deep or large");
    }
  }
}

}  // namespace
}  // namespace packferry
