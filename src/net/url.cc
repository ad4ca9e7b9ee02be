#include "net/url.h"

#include <arpa/inet.h>
#include <string.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/ascii.h"
#include "base/check.h"
#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::size_t kUrlBytesMax = 8192;

struct KnownScheme {
  std::string_view name;
  Scheme scheme;
  std::uint16_t port;
};
constexpr KnownScheme kSchemes[] = {{"https", Scheme::Https, 443}, {"http", Scheme::Http, 80},
                                    {"ssh", Scheme::Ssh, 22},      {"git", Scheme::Git, 9418},
                                    {"file", Scheme::File, 0},     {"codecommit", Scheme::CodeCommit, 0}};
constexpr std::string_view kSchemesWords = "https://, http://, ssh://, git://, file://, codecommit://";

// "Quotas", AWS CodeCommit User Guide.
constexpr std::size_t kCodeCommitNameMax = 100;
constexpr std::string_view kCodeCommitPath = "/v1/repos/";

const KnownScheme& known(Scheme scheme) {
  return *std::find_if(std::begin(kSchemes), std::end(kSchemes), [&](const auto& k) { return k.scheme == scheme; });
}

template <typename... Args>
Error invalid(fmt::format_string<Args...> format, Args&&... args) {
  return Error(ErrorKind::Invalid, format, std::forward<Args>(args)...);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
bool has_control(std::string_view text) { return std::any_of(text.begin(), text.end(), is_control); }
bool is_harmless(std::string_view text) { return printable(text, text.size() + 1) == text; }

// RFC 3986: pchar without '%'.
bool is_path_character(char c) {
  return is_alphanumeric(c) || std::string_view("-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

// As git's is_urlschemechar().
bool is_scheme(std::string_view name) {
  return !name.empty() && is_alphanumeric(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
    return is_alphanumeric(c) || c == '+' || c == '-' || c == '.';
  });
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Would some resolver take it for an IPv4 address? "127.1", "0x7f000001" and "2130706433" are all 127.0.0.1 to some.
bool looks_numeric(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (std::all_of(last.begin(), last.end(), is_digit)) return true;
  return last.starts_with("0x") && std::all_of(last.begin() + 2, last.end(), [](char c) { return hex_value(c) >= 0; });
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;  // four decimal numbers without leading zeros, nothing else
}

std::string encode_these(std::string_view text, std::string_view characters) {
  std::string out;
  for (const char c : text)
    out += characters.find(c) == std::string_view::npos ? std::string(1, c) : fmt::format("%{:02X}", c);
  return out;
}

// RFC 3986 sets of characters, %XX that decode to no control character. `also` are taken besides those of a path
// segment.
Result<> check_encoded(std::string_view text, std::string_view part, std::string_view also) {
  for (const char c : text) {
    if (c == '%' || is_path_character(c) || also.find(c) != std::string_view::npos) continue;
    return invalid("the {} of the URL has a character that must be percent-encoded there, such as a space", part);
  }
  const std::optional<std::string> decoded = percent_decode(text);
  if (!decoded) return invalid("the {} of the URL has a '%' without two hexadecimal digits; write it %25", part);
  if (has_control(*decoded)) return invalid("the {} of the URL has a percent-encoded control character", part);
  return {};
}

}  // namespace

Secret::~Secret() {
  text_.resize(text_.capacity());  // a short text that was moved away has left its bytes here
  explicit_bzero(text_.data(), text_.size());
}

bool has_shape_of_aws_region(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, '-');
  if (text.size() > 40 || parts.size() < 3 || parts.front().size() < 2) return false;
  const auto is_word = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  };
  const std::string_view number = parts.back();
  return std::all_of(parts.begin(), parts.end() - 1, is_word) && !number.empty() &&
         std::all_of(number.begin(), number.end(), is_digit);
}

std::string percent_encode(std::string_view text, bool keeps_slash) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool stays = is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keeps_slash);
    const auto value = static_cast<unsigned char>(c);
    if (stays) {
      out += c;
    } else {
      out += {'%', kDigits[value >> 4], kDigits[value & 15]};
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

Result<Url> Url::parse(std::string_view text) {
  if (text.empty()) return invalid("the URL is empty");
  if (text.size() > kUrlBytesMax) return invalid("the URL is longer than {} bytes", kUrlBytesMax);
  if (!is_harmless(text)) return invalid("the URL has control characters, or bytes that are not UTF-8");

  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find('/') < colon) return parse_local(text);
  const std::string_view name = text.substr(0, colon);
  const std::string_view rest = text.substr(colon + 1);
  if (is_scheme(name) && rest.starts_with("//")) return parse_with_scheme(name, rest.substr(2));
  if (is_scheme(name) && rest.starts_with(':')) return parse_helper(name, rest.substr(1));
  return parse_scp_style(text);
}

Result<Url> Url::parse_helper(std::string_view name, std::string_view rest) {
  if (to_lower(name) != "codecommit")
    return invalid("scheme '{}::' is not known; remote helpers are never run (known: {})", printable(name, 40),
                   kSchemesWords);
  const std::size_t end = rest.find("://");
  if (end == std::string_view::npos || !has_shape_of_aws_region(rest.substr(0, end)))
    return invalid("codecommit:: wants a region after it, as in codecommit::eu-central-1://web");
  return parse_codecommit(rest.substr(0, end), rest.substr(end + 3));
}

// [PROFILE@]REPOSITORY
Result<Url> Url::parse_codecommit(std::string_view region, std::string_view rest) {
  Url url;
  url.scheme_ = Scheme::CodeCommit;
  url.region_ = region;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    url.user_ = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    const bool is_name = std::all_of(url.user_.begin(), url.user_.end(), [](char c) {
      return is_alphanumeric(c) || std::string_view("._+=,~-").find(c) != std::string_view::npos;
    });
    if (url.user_.empty() || url.user_.starts_with('-') || !is_name)
      return invalid("before the '@' of a codecommit URL stands a profile: letters, digits and ._+=,~-");
  }
  const std::string_view name = rest.substr(0, rest.find('/'));
  const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
  });
  if (!is_name || name == "." || name == "..")
    return invalid("a repository of CodeCommit has a name of letters, digits, '.', '_' and '-'");
  if (name.size() > kCodeCommitNameMax)
    return invalid("a repository of CodeCommit has a name of {} characters at most", kCodeCommitNameMax);
  if (name.size() != rest.size())
    return invalid("a codecommit URL ends with the name of the repository; there is a path after it");
  if (name.ends_with(".git"))
    return invalid("no repository of CodeCommit has a name that ends in '.git'; leave it out");
  url.path_ = fmt::format("{}{}", kCodeCommitPath, name);
  return url;
}

Result<Url> Url::parse_with_scheme(std::string_view name, std::string_view rest) {
  if (has_shape_of_aws_region(name)) return parse_codecommit(name, rest);
  const std::string wanted = to_lower(name);
  const auto* found =
      std::find_if(std::begin(kSchemes), std::end(kSchemes), [&](const auto& k) { return k.name == wanted; });
  if (found == std::end(kSchemes))
    return invalid("scheme '{}://' is not known (known: {})", printable(name, 40), kSchemesWords);
  if (found->scheme == Scheme::CodeCommit) return parse_codecommit("", rest);

  Url url;
  url.scheme_ = found->scheme;
  url.port_ = found->port;
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, end);
  const std::string_view target = rest.substr(end);

  if (url.is_local()) {
    if (!authority.empty()) return invalid("a file:// URL names no host; write file:///path");
  } else {
    TRY(url.take_authority(authority));
  }
  if (url.is_http()) {
    TRY(url.take_http_target(target));
  } else {
    TRY(url.take_decoded_path(target));
  }
  return url;
}

// [user@]host:path, [user@][address]:path, and git's [user@host:port]:path.
Result<Url> Url::parse_scp_style(std::string_view text) {
  Url url;
  url.scheme_ = Scheme::Ssh;
  url.port_ = known(Scheme::Ssh).port;
  url.scp_style_ = true;

  const std::size_t bracket = text.find('[');
  const bool bracketed = bracket < text.find(':') && (bracket == 0 || text[bracket - 1] == '@');
  const std::size_t close = bracketed ? text.find("]:", bracket) : 0;
  if (close == std::string_view::npos) return invalid("the URL has a '[' without ']:'");
  const std::size_t colon = text.find(':', close);
  const std::string_view place = text.substr(0, colon);
  const std::string_view path = text.substr(colon + 1);

  if (path.starts_with("//") || path.starts_with(':'))
    return invalid("a path of the form host:path cannot begin with '//' or ':'");
  if (path.empty()) return invalid("the URL has no path after the host");
  if (path[0] == '-') return invalid("the path begins with '-'");

  if (bracketed) {
    if (bracket > 0) TRY(url.take_userinfo(place.substr(0, bracket - 1)));
    TRY(url.take_bracketed(place.substr(bracket + 1, place.size() - bracket - 2)));
  } else {
    TRY(url.take_authority(place));
  }
  const bool looks_like_scheme = url.host_ == "http" || url.host_ == "https" || url.host_ == "file";
  if (looks_like_scheme && url.user_.empty()) return invalid("'{}:' wants '//' after it", url.host_);
  url.path_ = path.starts_with("/~") ? path.substr(1) : path;
  // user:password@host/path, with the scheme forgotten: the path would show a password.
  if (url.user_.empty() && url.path_.substr(0, url.path_.find('/')).find('@') != std::string::npos)
    return invalid("host:path with '@' after the ':'; write the URL with its scheme, as in https://…");
  return url;
}

Result<Url> Url::parse_local(std::string_view text) {
  if (text[0] == '-') return invalid("the path begins with '-'; write it with './' before it");
  Url url;
  url.path_ = text;
  return url;
}

Result<> Url::take_authority(std::string_view authority) {
  // "https://host#@other/" and "https://host\@other/" are one host to some readers and the other to others.
  if (authority.find_first_of("?#\\") != std::string_view::npos)
    return invalid("the URL has '?', '#' or a backslash before its path");
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    TRY(take_userinfo(authority.substr(0, at)));
    authority.remove_prefix(at + 1);
  }
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return invalid("the URL has a '[' without ']'");
    TRY(take_ipv6(authority.substr(1, close - 1)));
    authority.remove_prefix(close + 1);
    if (authority.empty()) return {};
    if (authority[0] != ':') return invalid("the URL has something other than a port after ']'");
    return take_port(authority.substr(1));
  }
  const std::size_t colon = authority.find(':');
  TRY(take_host(authority.substr(0, colon)));
  if (colon == std::string_view::npos) return {};
  return take_port(authority.substr(colon + 1));
}

Result<> Url::take_userinfo(std::string_view userinfo) {
  if (scheme_ == Scheme::Git) return invalid("git:// takes no user name");
  if (userinfo.find('@') != std::string_view::npos)
    return invalid("the URL has more than one '@' before its path; write %40 in a user name or password");
  if (scp_style_ && userinfo.find('%') != std::string_view::npos) return invalid("the user name has a '%'");
  TRY(check_encoded(userinfo, "user name or password", ""));
  const std::size_t colon = userinfo.find(':');
  user_ = *percent_decode(userinfo.substr(0, colon));
  if (colon != std::string_view::npos) password_ = Secret(*percent_decode(userinfo.substr(colon + 1)));

  if (!is_harmless(user_) || !is_harmless(password_.reveal()))
    return invalid("the user name or password in the URL has control characters, or bytes that are not UTF-8");
  if (user_.starts_with('-')) return invalid("the user name begins with '-'");
  if (is_http()) {
    if (user_.find(':') != std::string::npos)
      return invalid("the user name has a ':', which Basic authentication cannot send");
    return {};
  }
  if (colon != std::string_view::npos) return invalid("ssh takes no password from a URL; use a key or an agent");
  if (user_.empty()) return invalid("the user name is empty");
  for (const char c : user_) {
    if (!is_alphanumeric(c) && std::string_view("._+@=~-").find(c) == std::string_view::npos)
      return invalid("the user name has a character other than letters, digits and ._+@=~-");
  }
  return {};
}

Result<> Url::take_bracketed(std::string_view inside) {
  if (const std::size_t at = inside.rfind('@'); at != std::string_view::npos) {
    if (!user_.empty()) return invalid("the URL has two user names");
    TRY(take_userinfo(inside.substr(0, at)));
    inside.remove_prefix(at + 1);
  }
  const std::size_t colon = inside.find(':');
  if (colon == std::string_view::npos) return take_host(inside);
  if (inside.find(':', colon + 1) != std::string_view::npos) return take_ipv6(inside);
  TRY(take_host(inside.substr(0, colon)));
  return take_port(inside.substr(colon + 1));
}

Result<> Url::take_host(std::string_view host) {
  if (host.empty()) return invalid("the URL has no host");
  if (host.size() > 253) return invalid("the host name is longer than 253 characters");
  for (const std::string_view label : split(host, '.')) {
    if (label.empty()) return invalid("the host name begins or ends with '.', or has '..'");
    if (label.size() > 63) return invalid("a part of the host name is longer than 63 characters");
    if (label[0] == '-') return invalid("the host name, or a part of it, begins with '-'");
    for (const char c : label) {
      if (!is_alphanumeric(c) && c != '-' && c != '_')
        return invalid(
            "the host name has a character other than letters, digits, '-', '_' and '.'; names in other scripts "
            "are written in their xn-- form");
    }
  }
  host_ = to_lower(host);
  if (looks_numeric(host_) && !is_ipv4(host_))
    return invalid("the host is a number but no IPv4 address of four decimal numbers");
  return {};
}

Result<> Url::take_ipv6(std::string_view address) {
  if (address.find('%') != std::string_view::npos)
    return invalid("an IPv6 address with a zone names no host elsewhere");
  in6_addr bytes{};
  if (inet_pton(AF_INET6, std::string(address).c_str(), &bytes) != 1) return invalid("'[…]' holds no IPv6 address");
  char canonical[INET6_ADDRSTRLEN];
  CHECK(inet_ntop(AF_INET6, &bytes, canonical, sizeof canonical) != nullptr);
  host_ = canonical;
  return {};
}

Result<> Url::take_port(std::string_view digits) {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port_);
  if (error != std::errc() || end != digits.data() + digits.size() || digits[0] == '0')
    return invalid("the port is no number from 1 to 65535 (an IPv6 address needs brackets)");
  explicit_port_ = true;
  return {};
}

Result<> Url::take_http_target(std::string_view target) {
  if (target.find('#') != std::string_view::npos) return invalid("the URL has a fragment ('#'); write %23 in a path");
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  TRY(check_encoded(path, "path", "/"));
  for (const std::string_view segment : split(path, '/')) {
    const std::optional<std::string> name = percent_decode(segment);
    if (name == "." || name == "..") return invalid("the path has '{}' in it", *name);
  }
  path_ = path.empty() ? "/" : path;
  if (mark == std::string_view::npos) return {};
  TRY(check_encoded(target.substr(mark + 1), "query", "/?"));
  query_ = target.substr(mark + 1);
  return {};
}

Result<> Url::take_decoded_path(std::string_view path) {
  if (path.empty()) return invalid("the URL has no path after the host");
  if (path.find_first_of("?#") != std::string_view::npos) return invalid("the path has '?' or '#'; write %3F or %23");
  const std::optional<std::string> decoded = percent_decode(path);
  if (!decoded) return invalid("the path has a '%' without two hexadecimal digits; write it %25");
  if (!is_harmless(*decoded))
    return invalid("the path has percent-encoded control characters, or bytes that are not UTF-8");
  // As git does: ssh://host/~me/x is what the server calls ~me/x.
  path_ = !is_local() && decoded->starts_with("/~") ? decoded->substr(1) : *decoded;
  return {};
}

std::string Url::host_and_port() const {
  const std::string host = host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]";
  return port_ == known(scheme_).port ? host : fmt::format("{}:{}", host, port_);
}

std::string Url::origin() const {
  CHECK(scheme_ != Scheme::CodeCommit);
  return fmt::format("{}://{}", known(scheme_).name, host_and_port());
}

bool Url::same_origin(const Url& other) const {
  return scheme_ == other.scheme_ && host_ == other.host_ && port_ == other.port_ && region_ == other.region_;
}

Url Url::with_path_suffix(std::string_view suffix) const {
  CHECK(is_http() && suffix.starts_with('/') && check_encoded(suffix, "path", "/"));
  Url out = *this;
  if (out.path_.ends_with('/')) out.path_.pop_back();
  out.path_ += suffix;
  return out;
}

Url Url::with_query(std::string_view query) const {
  CHECK(is_http() && check_encoded(query, "query", "/?"));
  Url out = *this;
  out.query_ = query;
  return out;
}

Result<Url> Url::resolve(std::string_view reference) const {
  CHECK(is_http());
  const std::string_view first_segment = reference.substr(0, reference.find_first_of("/?#"));
  if (first_segment.find(':') == std::string_view::npos && !reference.starts_with("//")) {
    if (reference.empty() || !is_harmless(reference)) return invalid("the address is empty or has control characters");
    Url out = *this;
    out.query_.clear();
    const std::string directory = path_.substr(0, path_.rfind('/') + 1);
    const std::string before = reference[0] == '/' ? "" : reference[0] == '?' ? path_ : directory;
    TRY(out.take_http_target(before + std::string(reference)));
    return out;
  }
  const bool has_scheme = !reference.starts_with("//");
  Url out =
      TRY(parse(has_scheme ? std::string(reference) : std::string(known(scheme_).name) + ":" + std::string(reference)));
  if (!out.is_http()) return invalid("the address leads away from http(s)");
  if (!out.user_.empty() || !out.password_.empty()) return invalid("the address has a user name or password in it");
  if (same_origin(out)) {
    out.user_ = user_;
    out.password_ = password_;
  }
  return out;
}

std::string Url::text() const {
  if (is_local()) return path_;
  if (is_http()) return request_text();
  const std::string user = user_.empty() ? "" : user_ + "@";
  if (scheme_ == Scheme::CodeCommit)
    return fmt::format("codecommit{}{}://{}{}", region_.empty() ? "" : "::", region_, user,
                       std::string_view(path_).substr(kCodeCommitPath.size()));
  if (scp_style_) {
    if (host_.find(':') != std::string::npos) return fmt::format("{}[{}]:{}", user, host_, path_);
    if (port_ != known(scheme_).port) return fmt::format("[{}{}:{}]:{}", user, host_, port_, path_);
    return fmt::format("{}{}:{}", user, host_, path_);
  }
  const std::string slash = path_.starts_with('/') ? "" : "/";
  return fmt::format("{}://{}{}{}{}", known(scheme_).name, user_.empty() ? "" : encode_these(user_, "@") + "@",
                     host_and_port(), slash, encode_these(path_, "%?#"));
}

std::string Url::request_text() const {
  if (!is_http()) return text();
  return origin() + path_ + (query_.empty() ? "" : "?" + query_);
}

}  // namespace packferry
