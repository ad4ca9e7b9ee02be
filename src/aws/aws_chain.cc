#include "aws/aws_chain.h"

#include <algorithm>
#include <charconv>

#include "aws/aws_metadata.h"
#include "aws/credential_process.h"
#include "aws/sts.h"
#include "base/printable.h"
#include "io/file.h"

namespace packferry {
namespace {

// "WebIdentityToken", AssumeRoleWithWebIdentity: 20,000 characters.
constexpr std::size_t kTokenBytesMax = 20'000;

using Source = std::unique_ptr<AwsCredentialSource>;

class RoleCredentials final : public AwsCredentialSource {
 public:
  RoleCredentials(RoleRequest role, Source as, Sts sts)
      : role_(std::move(role)), as_(std::move(as)), sts_(std::move(sts)) {}
  Result<AwsCredentials> get(std::stop_token stop) override { return sts_.assume_role(role_, *as_, std::move(stop)); }

 private:
  const RoleRequest role_;
  const Source as_;
  const Sts sts_;
};

class WebIdentityCredentials final : public AwsCredentialSource {
 public:
  WebIdentityCredentials(RoleRequest role, std::string token_file, Sts sts)
      : role_(std::move(role)), token_file_(std::move(token_file)), sts_(std::move(sts)) {}

  // The file is read each time: what is in it is good for minutes, and replaced.
  Result<AwsCredentials> get(std::stop_token stop) override {
    const std::unique_ptr<Reader> file = TRY(open_file(token_file_).context("web identity token"));
    std::string text(as_text(TRY(read_all(*file, kTokenBytesMax).context("read '{}'", printable(token_file_)))));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (text.empty())
      return Error(ErrorKind::Denied, "the web identity token in '{}' is empty", printable(token_file_));
    return sts_.assume_role_with_web_identity(role_, Secret(std::move(text)), std::move(stop));
  }

 private:
  const RoleRequest role_;
  const std::string token_file_;
  const Sts sts_;
};

std::string value_of(const EnvironmentLookup& environment, std::string_view name) {
  return environment(name).value_or("");
}

std::string named(const AwsProfile& profile) { return fmt::format("AWS profile '{}'", printable(profile.name())); }

Result<Source> from_pair(std::optional<std::string> id, std::optional<std::string> secret,
                         std::optional<std::string> token, std::string_view where) {
  const bool has_id = id && !id->empty();
  const bool has_secret = secret && !secret->empty();
  if (!has_id && !has_secret) return Source();
  if (has_id != has_secret)
    return Error(ErrorKind::Invalid, "{} has only one of access key id and secret access key; set both or neither",
                 where);
  return std::make_unique<FixedAwsCredentials>(AwsCredentials{.access_key_id = *std::move(id),
                                                              .secret_access_key = Secret(*std::move(secret)),
                                                              .session_token = Secret(std::move(token).value_or("")),
                                                              .expires_at = {}});
}

Result<Source> from_environment(const EnvironmentLookup& environment) {
  std::optional<std::string> token = environment("AWS_SESSION_TOKEN");
  if (!token) token = environment("AWS_SECURITY_TOKEN");  // its name of long ago
  return from_pair(environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"), std::move(token),
                   "the environment");
}

bool has_keys(const AwsProfile& profile) {
  return profile.find("aws_access_key_id") || profile.find("aws_secret_access_key");
}

bool has_keys_in_credentials_file(const AwsProfile& profile) {
  return profile.is_in_credentials_file("aws_access_key_id") || profile.is_in_credentials_file("aws_secret_access_key");
}

// With a token file it is a web identity's role.
bool has_role(const AwsProfile& profile) {
  return profile.find("role_arn") && !profile.find("web_identity_token_file");
}

bool uses_single_sign_on(const AwsProfile& profile) {
  return profile.find("sso_session") || profile.find("sso_start_url") || profile.find("sso_account_id");
}

Result<RoleRequest> role_of(const AwsProfile& profile) {
  RoleRequest role{.role_arn = profile.find("role_arn").value_or(""),
                   .session_name = profile.find("role_session_name").value_or(""),
                   .external_id = profile.find("external_id").value_or("")};
  if (const std::optional<std::string> text = profile.find("duration_seconds")) {
    unsigned seconds = 0;
    const char* const last = text->data() + text->size();
    const auto [end, error] = std::from_chars(text->data(), last, seconds);
    if (error != std::errc() || end != last)
      return Error(ErrorKind::Invalid, "{}: duration_seconds is no number", named(profile));
    role.duration = std::chrono::seconds(seconds);
  }
  TRY(role.check().context("{}", named(profile)));
  return role;
}

class Chain {
 public:
  Chain(const AwsProfile& profile, const AwsIdentity& identity, const std::string& region,
        const AwsSurroundings& around)
      : profile_(profile),
        identity_(identity),
        region_(profile.region().value_or(region)),
        sts_endpoint_(profile.endpoint_url("sts").value_or("")),
        around_(around) {}

  Result<Source> find() const {
    if (identity_.role_arn.empty()) return find_own();
    const RoleRequest role{
        .role_arn = identity_.role_arn, .session_name = identity_.session_name, .external_id = identity_.external_id};
    TRY(role.check());
    const std::string bare_token = token_file_without_role();
    if (!bare_token.empty()) return with_web_identity(role, bare_token);
    return assume(role, TRY(find_own()));
  }

 private:
  Result<Source> find_own() const {
    Source source;
    if (!profile_.is_named_explicitly()) source = TRY(from_environment(around_.environment));
    if (!source && has_role(profile_)) source = TRY(from_role(profile_, {profile_.name()}));
    if (!source && !profile_.is_named_explicitly()) source = TRY(from_web_identity_variables());
    if (!source) source = TRY(from_settings(profile_));
    if (!source && has_container_credentials(around_.environment))
      source = TRY(container_credentials(around_.environment, around_.metadata_client, around_.clock));
    if (!source) source = TRY(instance_credentials(around_.environment, around_.metadata_client, around_.clock));
    if (source) return source;
    return Error(ErrorKind::Denied,
                 "AWS credentials: none in the environment, and none in profile '{}'; set AWS_ACCESS_KEY_ID and "
                 "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
                 printable(profile_.name()));
  }

  // The token that is set up with no role to go with it; empty when something that goes before it is set up.
  std::string token_file_without_role() const {
    const EnvironmentLookup& environment = around_.environment;
    const bool has_variables = !value_of(environment, "AWS_ACCESS_KEY_ID").empty();
    if (!profile_.is_named_explicitly() && has_variables) return {};
    if (const auto file = profile_.find("web_identity_token_file"); file && !profile_.find("role_arn")) return *file;
    if (profile_.is_named_explicitly() || has_role(profile_)) return {};
    return value_of(environment, "AWS_ROLE_ARN").empty() ? value_of(environment, "AWS_WEB_IDENTITY_TOKEN_FILE")
                                                         : std::string();
  }

  Result<Source> from_web_identity_variables() const {
    const std::string file = value_of(around_.environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
    if (file.empty()) return Source();
    const RoleRequest role{.role_arn = value_of(around_.environment, "AWS_ROLE_ARN"),
                           .session_name = value_of(around_.environment, "AWS_ROLE_SESSION_NAME")};
    if (role.role_arn.empty())
      return Error(ErrorKind::Invalid,
                   "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not; a token goes with a "
                   "role");
    TRY(role.check().context("AWS_ROLE_ARN"));
    return with_web_identity(role, file);
  }

  // What stands in a profile besides a role with a source: 3 to 5.
  Result<Source> from_settings(const AwsProfile& profile) const {
    if (const std::optional<std::string> file = profile.find("web_identity_token_file")) {
      if (!profile.find("role_arn"))
        return Error(ErrorKind::Invalid, "{} has a web_identity_token_file and no role_arn", named(profile));
      return with_web_identity(TRY(role_of(profile)), *file);
    }
    if (uses_single_sign_on(profile))
      return Error(ErrorKind::Unsupported,
                   "{} uses single sign-on, which is not done here; give it the setting credential_process = aws "
                   "configure export-credentials --profile NAME, in a profile of its own",
                   named(profile));
    const bool keys_go_first = has_keys_in_credentials_file(profile);
    if (const std::optional<std::string> command = profile.find("credential_process"); command && !keys_go_first) {
      std::vector<std::string> argv = TRY(split_command(*command).context("{}: credential_process", named(profile)));
      return refreshed(std::make_unique<ProcessCredentials>(std::move(argv), around_.child_environment));
    }
    return from_pair(profile.find("aws_access_key_id"), profile.find("aws_secret_access_key"),
                     profile.find("aws_session_token"), named(profile));
  }

  // `visited` are the profiles that led here, this one included.
  Result<Source> from_role(const AwsProfile& profile, std::vector<std::string> visited) const {
    RoleRequest role = TRY(role_of(profile));
    if (profile.find("mfa_serial"))
      return Error(ErrorKind::Unsupported,
                   "{} wants a code of a second factor, which is not asked for here; use credential_process",
                   named(profile));
    const std::optional<std::string> source = profile.find("source_profile");
    const std::optional<std::string> kind = profile.find("credential_source");
    if (source.has_value() == kind.has_value())
      return Error(
          ErrorKind::Invalid, "{} has a role_arn and {}", named(profile),
          source ? "both source_profile and credential_source" : "neither source_profile nor credential_source");
    Source as = kind ? TRY(from_credential_source(profile, *kind))
                     : TRY(from_source_profile(profile, *source, std::move(visited)));
                     return assume(role, std::move(as));
  }

  Result<Source> from_credential_source(const AwsProfile& profile, const std::string& kind) const {
    Source source;
    if (kind == "Environment") {
      source = TRY(from_environment(around_.environment));
    } else if (kind == "EcsContainer") {
      source = TRY(container_credentials(around_.environment, around_.metadata_client, around_.clock));
    } else if (kind == "Ec2InstanceMetadata") {
      source = TRY(instance_credentials(around_.environment, around_.metadata_client, around_.clock));
    } else {
      return Error(ErrorKind::Invalid, "{}: credential_source is Environment, EcsContainer or Ec2InstanceMetadata",
                   named(profile));
    }
    if (!source) return Error(ErrorKind::Denied, "{}: there are no credentials at its source {}", named(profile), kind);
    return source;
  }

  Result<Source> from_source_profile(const AwsProfile& profile, const std::string& name,
                                     std::vector<std::string> visited) const {
    const AwsProfile from =
        TRY(AwsProfile::load(name, around_.environment).context("source_profile of {}", named(profile)));
    const bool is_itself = name == profile.name();
    const bool was_there = std::find(visited.begin(), visited.end(), name) != visited.end();
    if (was_there && !(is_itself && has_keys(from)))
      return Error(ErrorKind::Invalid, "{}: its source_profile leads back to '{}'", named(profile), printable(name));
    // Keys go before a role there: it is them that are meant.
    if (has_role(from) && !has_keys(from)) {
      visited.push_back(name);
      return from_role(from, std::move(visited));
    }
    Source source = TRY(from_settings(from));
    if (!source)
      return Error(ErrorKind::Invalid, "{}: its source_profile '{}' has no credentials", named(profile),
                   printable(name));
    return source;
  }

  Result<Source> assume(const RoleRequest& role, Source as) const {
    return refreshed(std::make_unique<RoleCredentials>(role, std::move(as), TRY(sts())));
  }
  Result<Source> with_web_identity(const RoleRequest& role, const std::string& token_file) const {
    return refreshed(std::make_unique<WebIdentityCredentials>(role, token_file, TRY(sts())));
  }
  Source refreshed(Source source) const {
    return std::make_unique<RefreshedAwsCredentials>(std::move(source), around_.clock);
  }
  Result<Sts> sts() const { return Sts::at(region_, sts_endpoint_, around_.caller); }

  const AwsProfile& profile_;
  const AwsIdentity& identity_;
  const std::string region_;
  const std::string sts_endpoint_;
  const AwsSurroundings& around_;
};

}  // namespace

Result<std::unique_ptr<AwsCredentialSource>> find_aws_credentials(const AwsProfile& profile,
                                                                  const AwsIdentity& identity,
                                                                  const std::string& region,
                                                                  const AwsSurroundings& around) {
  return Chain(profile, identity, region, around).find();
}

bool has_aws_credentials(const AwsProfile& profile, const EnvironmentLookup& environment) {
  const auto is_set = [&](std::string_view name) { return !value_of(environment, name).empty(); };
  return is_set("AWS_ACCESS_KEY_ID") || is_set("AWS_SECRET_ACCESS_KEY") || is_set("AWS_WEB_IDENTITY_TOKEN_FILE") ||
         has_container_credentials(environment) || has_keys(profile) || profile.find("role_arn") ||
         profile.find("web_identity_token_file") || profile.find("credential_process") || uses_single_sign_on(profile);
}

}  // namespace packferry
