#include "aws/sigv4.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"
#include "base/digest.h"

namespace packferry {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// What belongs to one hop, or may be rewritten by a proxy.
bool is_signed(std::string_view name) {
  static constexpr std::string_view kLeftOut[] = {"connection",     "expect",  "keep-alive",        "te",
                                                  "trailer",        "upgrade", "transfer-encoding", "user-agent",
                                                  "x-amzn-trace-id"};
  return !name.starts_with("proxy-") && std::find(std::begin(kLeftOut), std::end(kLeftOut), name) == std::end(kLeftOut);
}

// Without spaces around it, and with one for several inside.
std::string collapsed(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool is_space = c == ' ' || c == '\t';
    if (!is_space) out += c;
    if (is_space && !out.empty() && out.back() != ' ') out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

// RFC 3986, 5.2.4, and empty segments go too.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  const bool ends_with_slash = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), segment.size() + 1));
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!segment.empty() && segment != "." && segment != "..") kept.push_back(segment);
  }
  std::string out;
  for (const std::string_view segment : kept) out.append("/").append(segment);
  if (out.empty() || ends_with_slash) out += '/';
  return out;
}

std::string canonical_path(std::string_view path, bool is_s3) {
  if (is_s3) return percent_encode(percent_decode(path).value_or(std::string(path)), true);
  return percent_encode(without_dot_segments(path), true);
}

std::string canonical_query(std::string_view query) {
  const auto encoded_once = [](std::string_view text) {
    return percent_encode(percent_decode(text).value_or(std::string(text)));
  };
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), parameter.size() + 1));
    const std::string_view name = parameter.substr(0, parameter.find('='));
    const std::string_view value = parameter.substr(std::min(parameter.size(), name.size() + 1));
    if (!parameter.empty()) parameters.emplace_back(encoded_once(name), encoded_once(value));
  }
  std::sort(parameters.begin(), parameters.end());
  std::string out;
  for (const auto& [name, value] : parameters) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

std::string scope_text(const SigningScope& scope, std::string_view timestamp) {
  return fmt::format("{}/{}/{}/aws4_request", timestamp.substr(0, 8), scope.region, scope.service);
}

std::span<const std::byte> bytes_of(std::string_view text) { return as_bytes(text); }

}  // namespace

CanonicalRequest canonical_request(std::string_view method, std::string_view path, std::string_view query,
                                   const std::vector<HttpHeader>& headers, std::string_view payload_hash, bool is_s3) {
  std::map<std::string, std::string> by_name;
  for (const HttpHeader& header : headers) {
    const std::string name = to_lower(header.name);
    if (!is_signed(name)) continue;
    const auto [at, is_new] = by_name.try_emplace(name, collapsed(header.value));
    if (!is_new) at->second += "," + collapsed(header.value);
  }
  CanonicalRequest out;
  std::string lines;
  for (const auto& [name, value] : by_name) {
    out.signed_headers += (out.signed_headers.empty() ? "" : ";") + name;
    lines += name + ":" + value + "\n";
  }
  out.text = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", method, canonical_path(path, is_s3), canonical_query(query), lines,
                         out.signed_headers, payload_hash);
  return out;
}

std::array<std::byte, 32> sigv4_signing_key(const Secret& secret_access_key, const SigningScope& scope,
                                            std::string_view date) {
  CHECK(date.size() == 8);
  const Secret start("AWS4" + secret_access_key.reveal());
  auto key = hmac_sha256(bytes_of(start.reveal()), bytes_of(date));
  key = hmac_sha256(key, bytes_of(scope.region));
  key = hmac_sha256(key, bytes_of(scope.service));
  return hmac_sha256(key, bytes_of("aws4_request"));
}

std::string sigv4_signature(const CanonicalRequest& request, const Secret& secret_access_key, const SigningScope& scope,
                            std::string_view timestamp) {
  const auto key = sigv4_signing_key(secret_access_key, scope, timestamp.substr(0, 8));
  const std::string to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, timestamp, scope_text(scope, timestamp),
                                          to_hex(digest_of(DigestAlgorithm::Sha256, bytes_of(request.text))));
  return to_hex(hmac_sha256(key, bytes_of(to_sign)));
}

void sign(HttpRequest& request, const AwsCredentials& credentials, const SigningScope& scope,
          std::string_view payload_hash, Clock::WallTime now) {
  const std::string timestamp = to_compact_iso8601(now);
  const bool is_s3 = scope.service == "s3";
  request.headers.push_back({"X-Amz-Date", timestamp});
  if (is_s3) request.headers.push_back({"X-Amz-Content-Sha256", std::string(payload_hash)});
  if (!credentials.session_token.empty())
    request.headers.push_back({"X-Amz-Security-Token", credentials.session_token.reveal(), true});

  std::vector<HttpHeader> headers = request.headers;
  const std::string origin = request.url.origin();
  headers.push_back({"Host", origin.substr(origin.find("://") + 3)});
  const CanonicalRequest canonical =
      canonical_request(request.method, request.url.path(), request.url.query(), headers, payload_hash, is_s3);
  request.headers.push_back(
      {"Authorization",
       fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, credentials.access_key_id,
                   scope_text(scope, timestamp), canonical.signed_headers,
                   sigv4_signature(canonical, credentials.secret_access_key, scope, timestamp)),
       true});
}

}  // namespace packferry
