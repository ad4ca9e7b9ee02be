// A GitHub App as a TokenSource: its key signs for a token of one of its installations, which lasts an hour.
// "Generating an installation access token for a GitHub App", GitHub Docs.
#pragma once

#include <mutex>
#include <string>

#include "base/rsa_key.h"
#include "host/forge_api.h"

namespace packferry {

struct GitHubApp {
  std::string id;            // the App's
  std::string installation;  // its number; empty: the only one
  RsaKey key;
};

class GitHubAppToken final : public TokenSource {
 public:
  // `api`: as GitHubHost::api_of() has it. The referenced objects outlive it.
  GitHubAppToken(GitHubApp app, const Url& api, HttpClient& http, Clock& clock);

  // For the API as a bearer token; for Git over HTTP as the password of "x-access-token". Kept until ten minutes before
  // it expires. Denied: GitHub does not know the App, or its key. Invalid: several installations, and none was named.
  Result<std::optional<Credentials>> get(std::stop_token stop) override;
  bool refused(const Credentials& credentials) override;

 private:
  // What the App itself says who it is with: a JSON Web Token of ten minutes.
  class Signed final : public TokenSource {
   public:
    Signed(std::string id, RsaKey key, Clock& clock) : id_(std::move(id)), key_(std::move(key)), clock_(clock) {}
    Result<std::optional<Credentials>> get(std::stop_token stop) override;

   private:
    const std::string id_;
    const RsaKey key_;
    Clock& clock_;
  };

  Result<> renew(std::stop_token stop);
  Result<std::string> only_installation(std::stop_token stop);

  Signed signed_;
  ForgeApi api_;
  Clock& clock_;
  std::mutex mutex_;  // held while asking too: one asks, the others want the same answer
  std::string installation_;
  std::optional<Credentials> held_;
  Clock::WallTime renew_at_{};
};

}  // namespace packferry
