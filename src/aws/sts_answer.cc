#include "aws/sts_answer.h"

#include <algorithm>
#include <pugixml.hpp>

#include "base/printable.h"

namespace packferry {
namespace {

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

Error corrupt(std::string_view what) { return Error(ErrorKind::Corrupt, "answers with {}", what); }

// "2026-11-22T13:45:00Z"; some servers tell fractions of a second.
std::optional<Clock::WallTime> time_of(std::string_view text) {
  const std::size_t point = text.find('.');
  return point == std::string_view::npos ? from_iso8601(text) : from_iso8601(std::string(text.substr(0, point)) + "Z");
}

}  // namespace

Result<AwsCredentials> parse_sts_credentials(std::string_view body) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(body.data(), body.size());
  pugi::xml_node found;
  for (const char* action : {"AssumeRole", "AssumeRoleWithWebIdentity"}) {
    const std::string name(action);
    const pugi::xml_node result =
        document.child((name + "Response").c_str()).child((name + "Result").c_str()).child("Credentials");
    if (parsed && result) found = result;
  }
  if (!found) return corrupt("something else than credentials");
  AwsCredentials out{.access_key_id = found.child_value("AccessKeyId"),
                     .secret_access_key = Secret(found.child_value("SecretAccessKey")),
                     .session_token = Secret(found.child_value("SessionToken")),
                     .expires_at = time_of(found.child_value("Expiration"))};
  if (out.access_key_id.empty() || out.secret_access_key.empty() || out.session_token.empty() || !out.expires_at)
    return corrupt("credentials that are not complete");
  if (has_control(out.access_key_id) || has_control(out.session_token.reveal()))
    return corrupt("credentials with control characters");
  return out;
}

Result<CallerIdentity> parse_caller_identity(std::string_view body) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(body.data(), body.size());
  const pugi::xml_node result = document.child("GetCallerIdentityResponse").child("GetCallerIdentityResult");
  if (!parsed || !result) return corrupt("something else than an identity");
  CallerIdentity out{.account = result.child_value("Account"), .arn = result.child_value("Arn")};
  const bool is_account = out.account.size() == 12 && std::all_of(out.account.begin(), out.account.end(),
                                                                  [](char c) { return c >= '0' && c <= '9'; });
  if (!is_account) return corrupt("an account that has not twelve digits");
  if (out.arn != printable(out.arn, 2048)) return corrupt("an identity with control characters");
  return out;
}

std::optional<AwsFailure> parse_sts_failure(std::string_view body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size())) return std::nullopt;
  const pugi::xml_node error = document.child("ErrorResponse").child("Error");
  if (*error.child_value("Code") == '\0') return std::nullopt;
  return AwsFailure{.code = printable(error.child_value("Code"), 100),
                    .message = printable(error.child_value("Message"), 500)};
}

}  // namespace packferry
