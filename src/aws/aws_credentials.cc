#include "aws/aws_credentials.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "io/file.h"

namespace packferry {
namespace {

constexpr Milliseconds kRefreshBefore = std::chrono::minutes(15);
constexpr Milliseconds kUsableUntil = std::chrono::minutes(1);
constexpr Milliseconds kRefreshPause = std::chrono::minutes(1);
constexpr unsigned kMetadataAttempts = 3;
constexpr Milliseconds kMetadataPause = std::chrono::seconds(1);
constexpr std::size_t kMetadataBytesMax = 64 * 1024;

using Json = nlohmann::json;

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// What containers and instances are told: {"AccessKeyId": …, "SecretAccessKey": …, "Token": …, "Expiration": …}.
Result<AwsCredentials> parse_metadata_credentials(std::string_view body) {
  const Json answer = Json::parse(body, nullptr, false);
  if (!answer.is_object()) return Error(ErrorKind::Corrupt, "answers with something else than credentials");
  AwsCredentials out{.access_key_id = text_of(answer, "AccessKeyId"),
                     .secret_access_key = Secret(text_of(answer, "SecretAccessKey")),
                     .session_token = Secret(text_of(answer, "Token")),
                     .expires_at = from_iso8601(text_of(answer, "Expiration"))};
  if (out.access_key_id.empty() || out.secret_access_key.empty())
    return Error(ErrorKind::Denied, "has no credentials for us: {}: {}", printable(text_of(answer, "Code"), 100),
                 printable(text_of(answer, "Message"), 300));
  return out;
}

// One small question to a metadata service, asked a few times.
class MetadataService {
 public:
  MetadataService(HttpClient& client, Clock& clock) : client_(client), clock_(clock) {}

  Result<std::string> ask(const HttpRequest& request, std::stop_token stop) {
    for (unsigned attempt = 1;; ++attempt) {
      Result<std::string> answer = ask_once(request, stop);
      if (answer || attempt == kMetadataAttempts || answer.error().kind() != ErrorKind::Unavailable) return answer;
      if (!clock_.sleep(kMetadataPause, stop)) return Error(ErrorKind::Cancelled, "stopped");
    }
  }

 private:
  Result<std::string> ask_once(const HttpRequest& request, std::stop_token stop) {
    const std::unique_ptr<HttpExchange> exchange = TRY(client_.start(request, stop));
    const HttpResponse response = TRY(exchange->response());
    if (response.status >= 500 || response.status == 429)
      return Error(ErrorKind::Unavailable, "{}: HTTP {}", request.url.text(), response.status);
    if (response.status != 200) return Error(ErrorKind::Denied, "{}: HTTP {}", request.url.text(), response.status);
    const std::vector<std::byte> body = TRY(read_all(*exchange, kMetadataBytesMax));
    return std::string(as_text(body));
  }

  HttpClient& client_;
  Clock& clock_;
};

class ContainerCredentials final : public AwsCredentialSource {
 public:
  ContainerCredentials(Url url, Secret token, std::string token_file, HttpClient& client, Clock& clock)
      : url_(std::move(url)), token_(std::move(token)), token_file_(std::move(token_file)), service_(client, clock) {}

  Result<AwsCredentials> get(std::stop_token stop) override {
    HttpRequest request{.method = "GET", .url = url_, .headers = {{"Accept", "application/json"}}};
    const Secret token = TRY(authorization());
    if (!token.empty()) request.headers.push_back({"Authorization", token.reveal(), true});
    const std::string body = TRY(service_.ask(request, stop).context("AWS credentials of this container"));
    return parse_metadata_credentials(body).context("AWS credentials of this container: {}", url_.text());
  }

 private:
  // The file is read each time: its content changes.
  Result<Secret> authorization() const {
    if (token_file_.empty()) return token_;
    const std::unique_ptr<Reader> file = TRY(open_file(token_file_));
    std::string text(as_text(TRY(read_all(*file, kMetadataBytesMax).context("read '{}'", token_file_))));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    return Secret(std::move(text));
  }

  const Url url_;
  const Secret token_;
  const std::string token_file_;
  MetadataService service_;
};

// IMDS, version 2: a token first, for which a PUT is needed that no naive proxy or redirect can be talked into.
class InstanceCredentials final : public AwsCredentialSource {
 public:
  InstanceCredentials(Url base, HttpClient& client, Clock& clock) : base_(std::move(base)), service_(client, clock) {}

  Result<AwsCredentials> get(std::stop_token stop) override {
    return ask(stop).context(
        "AWS credentials: none in the environment, in profile or container, and from the instance");
  }

 private:
  Result<AwsCredentials> ask(std::stop_token stop) {
    const HttpRequest for_token{.method = "PUT",
                                .url = base_.with_path_suffix("/latest/api/token"),
                                .headers = {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}}};
    const Secret token(TRY(service_.ask(for_token, stop)));
    const std::vector<HttpHeader> headers = {{"x-aws-ec2-metadata-token", token.reveal(), true}};
    const Url roles = base_.with_path_suffix("/latest/meta-data/iam/security-credentials/");
    const std::string role = TRY(service_.ask({.method = "GET", .url = roles, .headers = headers}, stop));
    const bool is_name = !role.empty() && role.size() <= 64 && std::all_of(role.begin(), role.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view("+=,.@_-").find(c) != std::string_view::npos;
    });
    if (!is_name || role == "." || role == "..") return Error(ErrorKind::Corrupt, "its role has no sound name");
    const std::string body =
        TRY(service_.ask({.method = "GET", .url = roles.with_path_suffix("/" + role), .headers = headers}, stop));
    return parse_metadata_credentials(body);
  }

  const Url base_;
  MetadataService service_;
};

bool is_true(const std::optional<std::string>& value) { return value == "true" || value == "True" || value == "TRUE"; }

Result<std::optional<AwsCredentials>> from_pair(std::optional<std::string> id, std::optional<std::string> secret,
                                                std::optional<std::string> token, std::string_view where) {
  const bool has_id = id && !id->empty();
  const bool has_secret = secret && !secret->empty();
  if (!has_id && !has_secret) return std::optional<AwsCredentials>();
  if (has_id != has_secret)
    return Error(ErrorKind::Invalid, "{} has only one of access key id and secret access key; set both or neither",
                 where);
  return std::optional(AwsCredentials{.access_key_id = *std::move(id),
                                      .secret_access_key = Secret(*std::move(secret)),
                                      .session_token = Secret(std::move(token).value_or("")),
                                      .expires_at = {}});
}

Result<std::optional<AwsCredentials>> from_environment(const EnvironmentLookup& environment) {
  std::optional<std::string> token = environment("AWS_SESSION_TOKEN");
  if (!token) token = environment("AWS_SECURITY_TOKEN");  // its name of long ago
  return from_pair(environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"), std::move(token),
                   "the environment");
}

// AssumeRole, with or without a web identity, goes between the profile and its static keys.
Result<std::optional<AwsCredentials>> from_profile(const AwsProfile& profile, const EnvironmentLookup& environment) {
  const auto unsupported = [](std::string_view what) {
    return Error(ErrorKind::Unsupported,
                 "AWS credentials: {}, which is not done here; put the credentials into the environment, as "
                 "`aws configure export-credentials --format env` prints them",
                 what);
  };
  if (profile.find("role_arn")) return unsupported("profile '" + printable(profile.name()) + "' assumes a role");
  if (environment("AWS_WEB_IDENTITY_TOKEN_FILE"))
    return unsupported("AWS_WEB_IDENTITY_TOKEN_FILE wants a role assumed");
  if (profile.find("sso_session") || profile.find("sso_start_url"))
    return unsupported("profile '" + printable(profile.name()) + "' uses single sign-on");
  std::optional<AwsCredentials> keys =
      TRY(from_pair(profile.find("aws_access_key_id"), profile.find("aws_secret_access_key"),
                    profile.find("aws_session_token"), fmt::format("AWS profile '{}'", printable(profile.name()))));
  if (!keys && profile.find("credential_process"))
    return unsupported("profile '" + printable(profile.name()) + "' runs a credential_process");
  return keys;
}

// A token goes there: https, this machine, or one of the addresses that containers are given.
bool may_hold_credentials(const Url& url) {
  static constexpr std::string_view kHosts[] = {"localhost",     "127.0.0.1",      "::1",
                                                "169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
  return url.scheme() == Scheme::Https ||
         std::find(std::begin(kHosts), std::end(kHosts), url.host()) != std::end(kHosts);
}

Result<std::unique_ptr<AwsCredentialSource>> from_container(const std::string& address,
                                                            const EnvironmentLookup& environment, HttpClient& client,
                                                            Clock& clock) {
  const Url url = TRY(Url::parse(address).context("address of the container's credentials"));
  if (!url.is_http() || !may_hold_credentials(url))
    return Error(ErrorKind::Invalid,
                 "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine nor one of AWS's addresses");
  return std::make_unique<ContainerCredentials>(
      url, Secret(environment("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("")),
      environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").value_or(""), client, clock);
}

}  // namespace

Result<AwsCredentials> RefreshedAwsCredentials::get(std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  const Clock::WallTime now = clock_.now();
  if (held_ && (!held_->expires_at || now + kRefreshBefore < *held_->expires_at)) return *held_;
  const bool is_usable = held_ && now + kUsableUntil < *held_->expires_at;
  if (is_usable && now < ask_again_at_) return *held_;

  Result<AwsCredentials> fresh = from_->get(stop);
  ask_again_at_ = now + kRefreshPause;
  if (!fresh && is_usable) return *held_;
  if (fresh) held_ = *fresh;
  return fresh;
}

void RefreshedAwsCredentials::expired(const AwsCredentials& credentials) {
  const std::lock_guard lock(mutex_);
  const bool are_ours = held_ && held_->access_key_id == credentials.access_key_id &&
                        held_->session_token.reveal() == credentials.session_token.reveal();
  if (are_ours) held_.reset();
  from_->expired(credentials);
}

HttpOptions metadata_http_options(HttpOptions options) {
  options.patience = {.connect_ms = Milliseconds(1'000), .stall_ms = Milliseconds(2'000)};
  options.direct = true;
  return options;
}

Result<std::unique_ptr<AwsCredentialSource>> find_aws_credentials(const AwsProfile& profile,
                                                                  const EnvironmentLookup& environment,
                                                                  HttpClient& metadata_client, Clock& clock) {
  std::optional<AwsCredentials> keys;
  if (!profile.is_named_explicitly()) keys = TRY(from_environment(environment));
  if (!keys) keys = TRY(from_profile(profile, environment));
  if (keys) return std::make_unique<FixedAwsCredentials>(*std::move(keys));

  std::unique_ptr<AwsCredentialSource> asked;
  const std::string relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").value_or("");
  const std::string full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI").value_or("");
  if (!relative.empty() || !full.empty()) {
    const std::string address = relative.empty() ? full : "http://169.254.170.2" + relative;
    asked = TRY(from_container(address, environment, metadata_client, clock));
  } else if (is_true(environment("AWS_EC2_METADATA_DISABLED"))) {
    return Error(ErrorKind::Denied,
                 "AWS credentials: none in the environment, and none in profile '{}'; set AWS_ACCESS_KEY_ID and "
                 "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
                 printable(profile.name()));
  } else {
    const std::string endpoint = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or("http://169.254.169.254");
    const Url base = TRY(Url::parse(endpoint).context("AWS_EC2_METADATA_SERVICE_ENDPOINT"));
    if (!base.is_http()) return Error(ErrorKind::Invalid, "AWS_EC2_METADATA_SERVICE_ENDPOINT is no http address");
    asked = std::make_unique<InstanceCredentials>(base, metadata_client, clock);
  }
  return std::make_unique<RefreshedAwsCredentials>(std::move(asked), clock);
}

}  // namespace packferry
