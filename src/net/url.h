// Where a repository is, as git users write it. One strict parser; what is checked is what is connected to, because
// both use the same parsed parts. Printing shows no secrets. git-clone(1), "GIT URLS".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace packferry {

// Text that must not be shown: prints and formats as "***".
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  ~Secret();  // overwrites its memory
  Secret(const Secret&) = default;
  Secret(Secret&&) = default;
  // What was held before is overwritten too.
  Secret& operator=(Secret other) noexcept {
    text_.swap(other.text_);
    return *this;
  }

  // The one way to the text; search for it to see where secrets go.
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

// "eu-central-1", "us-gov-west-1": does this look like a region of AWS? New ones come, so there is no list.
bool has_shape_of_aws_region(std::string_view text);

// %XX to bytes; nothing when a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);
// Every byte but letters, digits and "-._~" as %XX; '/' stays when `keeps_slash`. RFC 3986's unreserved characters, and
// so the only spelling that AWS signs.
std::string percent_encode(std::string_view text, bool keeps_slash = false);

enum class Scheme { Https, Http, Ssh, Git, File, CodeCommit };

class Url {
 public:
  // https://, http://, ssh://, git://, file://, user@host:path, and plain paths (anything with no "://" and no ':'
  // before the first '/'; a directory "a:b" is written "./a:b").
  //
  // AWS CodeCommit besides, as git-remote-codecommit has it: codecommit://[PROFILE@]REPOSITORY with the region of that
  // profile, codecommit::REGION://[PROFILE@]REPOSITORY, and REGION://[PROFILE@]REPOSITORY as git hands it to a helper.
  // There a path, a port, and a name that ends in ".git" are Invalid: the host knows no such repository.
  //
  // Invalid: other schemes (ext::, fd::, …, whatever their case), control characters and line ends (also %-encoded), a
  // host, user or path that begins with '-', characters that no host name has, backslashes in hosts, ports out of
  // range, fragments, and whatever two parsers could read in two ways: a second '@', IPv4 addresses that are not four
  // decimal numbers, "." and ".." in http(s) paths, characters there that want percent-encoding, a host in file://. A
  // message names what is wrong and never repeats the text: anything in it may be somebody's password.
  static Result<Url> parse(std::string_view text);

  Scheme scheme() const { return scheme_; }
  // Lower case, without brackets, IPv6 in its canonical form; empty for File, and for CodeCommit, whose host follows
  // from the region (aws/codecommit_address.h).
  const std::string& host() const { return host_; }
  // As given, or the scheme's own (443, 80, 22, 9418); 0 for File and CodeCommit.
  std::uint16_t port() const { return port_; }
  bool has_explicit_port() const { return explicit_port_; }
  const std::string& user() const { return user_; }  // for CodeCommit: the profile
  // CodeCommit only; empty: the profile's.
  const std::string& region() const { return region_; }
  // A password in a URL is taken, because people do that, and never printed; callers warn.
  const Secret& password() const { return password_; }
  // What the server is asked for. http(s): percent-encoded as given, with a leading '/'. ssh and git: decoded;
  // scp-style paths may be relative ("app/web.git", "~me/x"). File: an absolute or relative path, decoded. CodeCommit:
  // "/v1/repos/REPOSITORY".
  const std::string& path() const { return path_; }
  // http(s) only, without the '?': part of the repository's address with some hosts.
  const std::string& query() const { return query_; }

  bool is_local() const { return scheme_ == Scheme::File; }
  bool is_http() const { return scheme_ == Scheme::Https || scheme_ == Scheme::Http; }
  // "https://host:8443", what credentials and redirects are bound to. The scheme's own port is left out. Not
  // CodeCommit.
  std::string origin() const;
  bool same_origin(const Url& other) const;

  // The same place with `suffix` after the path: "/info/refs". A '/' that ends the path is not doubled. http(s) only.
  Url with_path_suffix(std::string_view suffix) const;
  Url with_query(std::string_view query) const;
  // Another address as a server gave it (a Location header), against this one. Same rules as parse(); userinfo and
  // other schemes than http(s) are Invalid. What stays on this origin keeps our userinfo.
  Result<Url> resolve(std::string_view reference) const;

  // For people, logs and reports: http(s) without userinfo (a user name may be a token), ssh with its user; control
  // characters cannot occur. parse() takes it again.
  std::string text() const;
  // For connecting: without any userinfo.
  std::string request_text() const;

 private:
  Url() = default;
  static Result<Url> parse_helper(std::string_view name, std::string_view rest);
  static Result<Url> parse_with_scheme(std::string_view name, std::string_view rest);
  static Result<Url> parse_scp_style(std::string_view text);
  static Result<Url> parse_local(std::string_view text);
  static Result<Url> parse_codecommit(std::string_view region, std::string_view rest);
  Result<> take_authority(std::string_view authority);
  Result<> take_userinfo(std::string_view userinfo);
  Result<> take_bracketed(std::string_view inside);
  Result<> take_host(std::string_view host);
  Result<> take_ipv6(std::string_view address);
  Result<> take_port(std::string_view digits);
  Result<> take_http_target(std::string_view target);
  Result<> take_decoded_path(std::string_view path);
  // Host and port as in an authority, the port only when it is not the scheme's own.
  std::string host_and_port() const;

  Scheme scheme_ = Scheme::File;
  std::string user_;
  Secret password_;
  std::string host_;
  std::string region_;
  std::uint16_t port_ = 0;
  bool explicit_port_ = false;
  bool scp_style_ = false;
  std::string path_;
  std::string query_;
};

}  // namespace packferry

template <>
struct fmt::formatter<packferry::Secret> : fmt::formatter<std::string_view> {
  auto format(const packferry::Secret&, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format("***", context);
  }
};
