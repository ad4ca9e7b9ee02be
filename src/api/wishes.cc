#include "api/wishes.h"

#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/quantity.h"

namespace packferry {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kTextBytesMax = 2'000;
constexpr std::size_t kTextsMax = 1'000;
constexpr std::size_t kShownBytesMax = 100;

// One object, member by member; each is asked for once.
class Members {
 public:
  static Result<Members> parse(std::string_view body) {
    std::vector<std::set<std::string>> open;
    bool has_twins = false;
    const auto watch = [&](int, Json::parse_event_t event, const Json& parsed) {
      if (event == Json::parse_event_t::object_start) open.emplace_back();
      if (event == Json::parse_event_t::object_end) open.pop_back();
      if (event == Json::parse_event_t::key)
        has_twins = !open.back().insert(parsed.get<std::string>()).second || has_twins;
      return true;
    };
    Json object = Json::parse(body, watch, false);
    if (!object.is_object()) return Error(ErrorKind::Invalid, "the body is no JSON object");
    if (has_twins) return Error(ErrorKind::Invalid, "a member of the body is there twice");
    return Members(std::move(object));
  }

  Result<std::string> text(const char* name) {
    const std::optional<Json> value = take(name);
    if (!value) return std::string();
    return text_of(name, *value);
  }

  Result<std::string> needed_text(const char* name) {
    std::string text = TRY(this->text(name));
    if (text.empty()) return Error(ErrorKind::Invalid, "'{}' is missing", name);
    return text;
  }

  Result<std::vector<std::string>> texts(const char* name) {
    std::vector<std::string> all;
    const std::optional<Json> value = take(name);
    if (!value) return all;
    if (!value->is_array() || value->size() > kTextsMax)
      return Error(ErrorKind::Invalid, "'{}' is a list of up to {} texts", name, kTextsMax);
    for (const Json& each : *value) all.push_back(TRY(text_of(name, each)));
    return all;
  }

  Result<bool> flag(const char* name, bool otherwise) {
    const std::optional<Json> value = take(name);
    if (!value) return otherwise;
    if (!value->is_boolean()) return Error(ErrorKind::Invalid, "'{}' is true or false", name);
    return value->get<bool>();
  }

  // All that is left is too much.
  Result<> end() const {
    if (object_.empty()) return {};
    return Error(ErrorKind::Invalid, "there is no '{}' here", printable(object_.begin().key(), kShownBytesMax));
  }

 private:
  explicit Members(Json object) : object_(std::move(object)) {}

  std::optional<Json> take(const char* name) {
    const auto found = object_.find(name);
    if (found == object_.end()) return std::nullopt;
    Json value = std::move(*found);
    object_.erase(found);
    return value;
  }

  static Result<std::string> text_of(const char* name, const Json& value) {
    const auto* text = value.get_ptr<const std::string*>();
    if (text == nullptr || printable(*text, kTextBytesMax) != *text)
      return Error(ErrorKind::Invalid, "'{}' is plain text of up to {} bytes", name, kTextBytesMax);
    return *text;
  }

  Json object_;
};

Result<ReplicaPolicy> policy_in(Members& members) {
  ReplicaPolicy policy;
  for (const std::string& ref : TRY(members.texts("refs")))
    policy.refs.push_back(TRY(Refspec::parse_short(ref).context("refs")));
  const std::string follow = TRY(members.text("follow"));
  if (!follow.empty()) policy.follow = TRY(parse_follow_mode(follow).context("follow"));
  const std::string deletions = TRY(members.text("allowDeletions"));
  if (!deletions.empty()) policy.allow_deletions = TRY(Allowance::parse(deletions).context("allowDeletions"));
  const std::string rewinds = TRY(members.text("allowRewinds"));
  if (!rewinds.empty()) policy.allow_rewinds = TRY(Allowance::parse(rewinds).context("allowRewinds"));
  policy.keep_old_tips = TRY(members.flag("keepOldTips", true));
  TRY(policy.policy().context("refs"));
  return policy;
}

// What is remembered has no secrets in it.
Result<Url> url_in(Members& members, const char* name) {
  const std::string text = TRY(members.needed_text(name));
  Url url = TRY(Url::parse(text).context("{}", name));
  if (!url.password().empty())
    return Error(ErrorKind::Invalid, "'{}' has a password in it; an order is remembered, and passwords are not", name);
  return url;
}

Json texts(const std::vector<Refspec>& refs) {
  Json all = Json::array();
  for (const Refspec& ref : refs) all.push_back(ref.text());
  return all;
}

std::string text(const std::optional<Allowance>& allowance) {
  if (!allowance) return {};
  return allowance->percent > 0 ? fmt::format("{}%", allowance->percent) : fmt::format("{}", allowance->count);
}

}  // namespace

Result<ReplicaWish> read_replica_wish(std::string_view body) {
  Members members = TRY(Members::parse(body));
  Url source = TRY(url_in(members, "source"));
  Url destination = TRY(url_in(members, "destination"));
  ReplicaWish wish{.source = std::move(source), .destination = std::move(destination)};
  wish.name = TRY(members.text("name"));
  wish.policy = TRY(policy_in(members));
  wish.ignore_non_empty_destination = TRY(members.flag("ignoreNonEmptyDestination", false));
  wish.replace_branches = TRY(members.texts("replaceBranches"));
  wish.allowed_regions = TRY(members.texts("allowedRegions"));
  wish.schedule = TRY(members.text("schedule"));
  wish.role = TRY(members.text("role"));
  const std::string freshness = TRY(members.text("freshness"));
  if (!freshness.empty()) wish.freshness = TRY(parse_duration(freshness).context("freshness"));
  TRY(members.end());
  return wish;
}

std::string replica_wish_json(const ReplicaWish& wish) {
  const ReplicaPolicy& policy = wish.policy;
  const Json body = {{"name", wish.name},
                     {"source", wish.source.text()},
                     {"destination", wish.destination.text()},
                     {"refs", texts(policy.refs)},
                     {"follow", to_string(policy.follow)},
                     {"allowDeletions", text(policy.allow_deletions)},
                     {"allowRewinds", text(policy.allow_rewinds)},
                     {"keepOldTips", policy.keep_old_tips},
                     {"ignoreNonEmptyDestination", wish.ignore_non_empty_destination},
                     {"replaceBranches", wish.replace_branches},
                     {"allowedRegions", wish.allowed_regions},
                     {"schedule", wish.schedule},
                     {"role", wish.role},
                     {"freshness", fmt::format("{}s", wish.freshness.count() / 1000)}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<TokenWish> read_token_wish(std::string_view body) {
  Members members = TRY(Members::parse(body));
  TokenWish wish;
  wish.bearer = TRY(members.needed_text("bearer"));
  for (const std::string& word : TRY(members.texts("scopes"))) {
    const std::optional<Scope> scope = parse_scope(word);
    if (!scope) return Error(ErrorKind::Invalid, "'{}' is no scope: read, operate, destroy, admin", printable(word));
    wish.scopes.insert(*scope);
  }
  wish.replicas = TRY(members.texts("replicas"));
  const std::string expires = TRY(members.text("expires"));
  if (!expires.empty()) wish.lasts = TRY(parse_duration(expires).context("expires"));
  TRY(members.end());
  return wish;
}

}  // namespace packferry
