#include "aws/aws_metadata.h"

#include <algorithm>

#include "io/file.h"
#include "net/http_question.h"

namespace packferry {
namespace {

constexpr unsigned kMetadataAttempts = 3;
constexpr Milliseconds kMetadataPause = std::chrono::seconds(1);
constexpr std::size_t kMetadataBytesMax = 64 * 1024;

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
    HttpAnswer answer = TRY(ask_http(client_, request, "", kMetadataBytesMax, stop));
    const int status = answer.response.status;
    if (status >= 500 || status == 429) return Error(ErrorKind::Unavailable, "{}: HTTP {}", request.url.text(), status);
    if (status != 200) return Error(ErrorKind::Denied, "{}: HTTP {}", request.url.text(), status);
    return std::move(answer.body);
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

// A token goes there: https, this machine, or one of the addresses that containers are given.
bool may_hold_credentials(const Url& url) {
  static constexpr std::string_view kHosts[] = {"localhost",     "127.0.0.1",      "::1",
                                                "169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
  return url.scheme() == Scheme::Https ||
         std::find(std::begin(kHosts), std::end(kHosts), url.host()) != std::end(kHosts);
}

}  // namespace

HttpOptions metadata_http_options(HttpOptions options) {
  options.patience = {.connect_ms = Milliseconds(1'000), .stall_ms = Milliseconds(2'000)};
  options.direct = true;
  return options;
}

bool has_container_credentials(const EnvironmentLookup& environment) {
  return !environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").value_or("").empty() ||
         !environment("AWS_CONTAINER_CREDENTIALS_FULL_URI").value_or("").empty();
}

Result<std::unique_ptr<AwsCredentialSource>> container_credentials(const EnvironmentLookup& environment,
                                                                   HttpClient& client, Clock& clock) {
  const std::string relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").value_or("");
  const std::string full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI").value_or("");
  if (relative.empty() && full.empty())
    return Error(ErrorKind::Denied, "AWS credentials: no container gives any here (AWS_CONTAINER_CREDENTIALS_…_URI)");
  const Url url = TRY(Url::parse(relative.empty() ? full : "http://169.254.170.2" + relative)
                          .context("address of the container's credentials"));
  if (!url.is_http() || !may_hold_credentials(url))
    return Error(ErrorKind::Invalid,
                 "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine nor one of AWS's addresses");
  return std::make_unique<RefreshedAwsCredentials>(
      std::make_unique<ContainerCredentials>(url, Secret(environment("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("")),
                                             environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").value_or(""), client,
                                             clock),
      clock);
}

Result<std::unique_ptr<AwsCredentialSource>> instance_credentials(const EnvironmentLookup& environment,
                                                                  HttpClient& client, Clock& clock) {
  if (is_true(environment("AWS_EC2_METADATA_DISABLED"))) return std::unique_ptr<AwsCredentialSource>();
  std::string endpoint = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or("");
  const bool is_ipv6 = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE") == "IPv6";
  if (endpoint.empty()) endpoint = is_ipv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
  const Url base = TRY(Url::parse(endpoint).context("AWS_EC2_METADATA_SERVICE_ENDPOINT"));
  if (!base.is_http()) return Error(ErrorKind::Invalid, "AWS_EC2_METADATA_SERVICE_ENDPOINT is no http address");
  return std::make_unique<RefreshedAwsCredentials>(std::make_unique<InstanceCredentials>(base, client, clock), clock);
}

}  // namespace packferry
