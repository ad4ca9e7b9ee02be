// Where a repository is, as git users write it. One strict parser; what is checked is what is connected to, because both
// use the same parsed parts. Printing shows no secrets. git-clone(1), "GIT URLS".
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
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) = default;

  // The one way to the text; search for it to see where secrets go.
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

enum class Scheme { Https, Http, Ssh, Git, File };

class Url {
 public:
  // https://, http://, ssh://, git://, file://, user@host:path, and plain paths (anything with no "://" and no ':' before
  // the first '/'; a directory "a:b" is written "./a:b").
  //
  // Invalid: other schemes (ext::, fd::, …, whatever their case), control characters and line ends (also %-encoded), a
  // host, user or path that begins with '-', characters that no host name has, backslashes in hosts, ports out of range,
  // fragments. A message never repeats userinfo.
  static Result<Url> parse(std::string_view text);

  Scheme scheme() const { return scheme_; }
  // Lower case, without brackets; empty for File.
  const std::string& host() const { return host_; }
  // As given, or the scheme's own (443, 80, 22, 9418); 0 for File.
  std::uint16_t port() const { return port_; }
  bool has_explicit_port() const { return explicit_port_; }
  const std::string& user() const { return user_; }
  // A password in a URL is taken, because people do that, and never printed; callers warn.
  const Secret& password() const { return password_; }
  // What the server is asked for. http(s): percent-encoded as given, with a leading '/'. ssh and git: decoded; scp-style
  // paths may be relative ("app/web.git", "~me/x"). File: an absolute or relative path, decoded.
  const std::string& path() const { return path_; }
  // http(s) only, without the '?': part of the repository's address with some hosts.
  const std::string& query() const { return query_; }

  bool is_local() const { return scheme_ == Scheme::File; }
  bool is_http() const { return scheme_ == Scheme::Https || scheme_ == Scheme::Http; }
  // "https://host:8443", what credentials and redirects are bound to.
  std::string origin() const;
  bool same_origin(const Url& other) const;

  // The same place with `suffix` after the path: "/info/refs". http(s) only.
  Url with_path_suffix(std::string_view suffix) const;
  Url with_query(std::string_view query) const;
  // Another address as a server gave it (a Location header), against this one. Same rules as parse().
  Result<Url> resolve(std::string_view reference) const;

  // For people, logs and reports: without userinfo's password, control characters cannot occur.
  std::string text() const;
  // For connecting: without any userinfo.
  std::string request_text() const;

 private:
  Url() = default;
  Scheme scheme_ = Scheme::File;
  std::string user_;
  Secret password_;
  std::string host_;
  std::uint16_t port_ = 0;
  bool explicit_port_ = false;
  bool scp_style_ = false;
  std::string path_;
  std::string query_;
};

}  // namespace packferry
