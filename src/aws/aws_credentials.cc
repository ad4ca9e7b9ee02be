#include "aws/aws_credentials.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr Milliseconds kRefreshBefore = std::chrono::minutes(15);
constexpr Milliseconds kUsableUntil = std::chrono::minutes(1);
constexpr Milliseconds kRefreshPause = std::chrono::minutes(1);

using Json = nlohmann::json;

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// "2026-01-02T03:04:05Z", with fractions of a second or not; "+00:00" is what Python makes of the Z.
Result<std::optional<Clock::WallTime>> expiration_of(const Json& object) {
  const std::string text = text_of(object, "Expiration");
  if (text.empty()) return std::optional<Clock::WallTime>();
  std::string_view whole = text;
  if (whole.ends_with("+00:00")) whole.remove_suffix(6);
  if (whole.ends_with('Z')) whole.remove_suffix(1);
  whole = whole.substr(0, whole.find('.'));
  const std::optional<Clock::WallTime> time = from_iso8601(std::string(whole) + "Z");
  if (!time)
    return Error(ErrorKind::Corrupt, "has credentials that expire at '{}', which is no time", printable(text, 40));
  return time;
}

// They become headers: a line end in one would be a header of its own.
Result<AwsCredentials> credentials_of(const Json& answer, const char* token) {
  const std::optional<Clock::WallTime> expires_at = TRY(expiration_of(answer));
  AwsCredentials out{.access_key_id = text_of(answer, "AccessKeyId"),
                     .secret_access_key = Secret(text_of(answer, "SecretAccessKey")),
                     .session_token = Secret(text_of(answer, token)),
                     .expires_at = expires_at};
  if (has_control(out.access_key_id) || has_control(out.session_token.reveal()))
    return Error(ErrorKind::Corrupt, "has credentials with control characters");
  return out;
}

}  // namespace

Result<AwsCredentials> parse_metadata_credentials(std::string_view text) {
  const Json answer = Json::parse(text, nullptr, false);
  if (!answer.is_object()) return Error(ErrorKind::Corrupt, "answers with something else than credentials");
  AwsCredentials out = TRY(credentials_of(answer, "Token"));
  if (out.access_key_id.empty() || out.secret_access_key.empty())
    return Error(ErrorKind::Denied, "has no credentials for us: {}: {}", printable(text_of(answer, "Code"), 100),
                 printable(text_of(answer, "Message"), 300));
  return out;
}

Result<AwsCredentials> parse_process_credentials(std::string_view text) {
  const Json answer = Json::parse(text, nullptr, false);
  if (!answer.is_object()) return Error(ErrorKind::Corrupt, "prints something else than credentials in JSON");
  const auto version = answer.find("Version");
  if (version == answer.end() || *version != 1)
    return Error(ErrorKind::Unsupported, "prints no credentials of \"Version\": 1");
  AwsCredentials out = TRY(credentials_of(answer, "SessionToken"));
  if (out.access_key_id.empty() || out.secret_access_key.empty())
    return Error(ErrorKind::Corrupt, "prints no AccessKeyId or no SecretAccessKey");
  return out;
}

Result<AwsCredentials> RefreshedAwsCredentials::get(std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  const Clock::WallTime now = clock_.now();
  const auto is_good_for = [&](Milliseconds time) {
    return held_ && (!held_->expires_at || now + time < *held_->expires_at);
  };
  const bool is_usable = is_good_for(kUsableUntil);
  const bool is_time_to_ask = !is_good_for(kRefreshBefore) && now >= ask_again_at_;
  if (is_usable && !is_time_to_ask && !is_doubted_) return *held_;

  Result<AwsCredentials> fresh = from_->get(stop);
  ask_again_at_ = now + kRefreshPause;
  is_doubted_ = false;
  if (!fresh && is_usable) return *held_;
  if (fresh) held_ = *fresh;
  return fresh;
}

void RefreshedAwsCredentials::expired(const AwsCredentials& credentials) {
  const std::lock_guard lock(mutex_);
  const bool are_ours = held_ && held_->access_key_id == credentials.access_key_id &&
                        held_->session_token.reveal() == credentials.session_token.reveal();
  if (are_ours) is_doubted_ = true;
  from_->expired(credentials);
}

}  // namespace packferry
