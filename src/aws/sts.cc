#include "aws/sts.h"

#include <algorithm>

#include "aws/codecommit_address.h"
#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::string_view kVersion = "2011-06-15";
constexpr std::string_view kSessionName = "packferry";

// "Common errors" of AssumeRole and AssumeRoleWithWebIdentity, AWS STS API Reference.
constexpr KnownAwsCode kStsCodes[] = {
    {"AccessDenied", ErrorKind::Denied, "the role's trust policy has to name us, and our policy the role"},
    {"InvalidIdentityToken", ErrorKind::Denied,
     "is the provider known to this account, and the audience the one it expects?"},
    {"IDPRejectedClaim", ErrorKind::Denied, "the identity provider refuses the token: renew it"},
    {"IDPCommunicationError", ErrorKind::Unavailable},
    {"RegionDisabledException", ErrorKind::Invalid, "activate STS in this region, or set AWS_REGION to another"},
    {"ValidationError", ErrorKind::Invalid},
    {"MalformedPolicyDocument", ErrorKind::Invalid},
    {"PackedPolicyTooLarge", ErrorKind::Invalid},
};

bool has_only(std::string_view text, std::string_view besides) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           besides.find(c) != std::string_view::npos;
  });
}

class Form {
 public:
  explicit Form(std::string_view action) : text_(fmt::format("Action={}&Version={}", action, kVersion)) {}
  void add(std::string_view name, std::string_view value) {
    if (!value.empty()) text_.append("&").append(name).append("=").append(percent_encode(value));
  }
  Secret take() { return Secret(std::move(text_)); }

 private:
  std::string text_;
};

void add_role(Form& form, const RoleRequest& role) {
  form.add("RoleArn", role.role_arn);
  form.add("RoleSessionName", role.session_name.empty() ? kSessionName : std::string_view(role.session_name));
  if (role.duration) form.add("DurationSeconds", std::to_string(role.duration->count()));
}

}  // namespace

Result<> RoleRequest::check() const {
  const bool is_arn = role_arn.starts_with("arn:") && role_arn.find(":iam::") != std::string::npos &&
                      role_arn.find(":role/") != std::string::npos && role_arn.size() <= 2048 &&
                      has_only(role_arn, "+=,.@-_:/");
  if (!is_arn)
    return Error(ErrorKind::Invalid, "'{}' is no role; write arn:aws:iam::ACCOUNT:role/NAME", printable(role_arn, 200));
  if (!session_name.empty() &&
      (session_name.size() < 2 || session_name.size() > 64 || !has_only(session_name, "_+=,.@-")))
    return Error(ErrorKind::Invalid, "the session name '{}' is not 2 to 64 letters, digits and _+=,.@-",
                 printable(session_name, 100));
  if (!external_id.empty() &&
      (external_id.size() < 2 || external_id.size() > 1224 || !has_only(external_id, "_+=,.@:/-")))
    return Error(ErrorKind::Invalid, "the external id is not 2 to 1,224 letters, digits and _+=,.@:/-");
  if (duration && (*duration < std::chrono::seconds(900) || *duration > std::chrono::seconds(43'200)))
    return Error(ErrorKind::Invalid, "a session of a role lasts from 900 to 43200 seconds, not {}", duration->count());
  return {};
}

Result<Sts> Sts::at(const std::string& region, const std::string& endpoint, AwsCaller& caller) {
  Url url = TRY(aws_endpoint("sts", region, endpoint));
  return Sts(std::move(url), region.empty() ? "us-east-1" : region, caller);
}

Result<AwsCredentials> Sts::assume_role(const RoleRequest& role, AwsCredentialSource& as, std::stop_token stop) const {
  Form form("AssumeRole");
  add_role(form, role);
  form.add("ExternalId", role.external_id);
  const std::string doing = fmt::format("assume {}", printable(role.role_arn));
  const std::string body = TRY(ask(doing, form.take(), &as, std::move(stop)));
  return parse_sts_credentials(body).context("{}: STS", doing);
}

Result<AwsCredentials> Sts::assume_role_with_web_identity(const RoleRequest& role, const Secret& token,
                                                          std::stop_token stop) const {
  Form form("AssumeRoleWithWebIdentity");
  add_role(form, role);
  form.add("WebIdentityToken", token.reveal());
  const std::string doing = fmt::format("assume {} with a web identity", printable(role.role_arn));
  const std::string body = TRY(ask(doing, form.take(), nullptr, std::move(stop)));
  return parse_sts_credentials(body).context("{}: STS", doing);
}

Result<CallerIdentity> Sts::caller_identity(AwsCredentialSource& as, std::stop_token stop) const {
  const std::string doing = "ask STS who we are";
  const std::string body = TRY(ask(doing, Form("GetCallerIdentity").take(), &as, std::move(stop)));
  return parse_caller_identity(body).context("{}: STS", doing);
}

Result<std::string> Sts::ask(std::string doing, Secret form, AwsCredentialSource* as, std::stop_token stop) const {
  const AwsCall call{.doing = std::move(doing),
                     .url = url_,
                     .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                     .body = std::move(form),
                     .scope = {region_, "sts"},
                     .credentials = as,
                     .read_failure = [](const HttpResponse&, std::string_view body) { return parse_sts_failure(body); },
                     .known = kStsCodes};
  return caller_->call(call, std::move(stop));
}

}  // namespace packferry
