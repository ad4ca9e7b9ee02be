// The kinds of hosts there are, how each is made before its double, and in what it differs from the others: by name, so
// that no test leaves one out in silence.
#pragma once

#include <deque>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "aws/aws_call.h"
#include "host/forge_api.h"
#include "host/host.h"
#include "hosts/forge_double.h"

namespace packferry::testing {

// An access key of AWS whose name is a token: refused and renewed as one.
class TokenAsKey final : public AwsCredentialSource {
 public:
  explicit TokenAsKey(TokenSource& tokens) : tokens_(tokens) {}
  Result<AwsCredentials> get(std::stop_token stop) override;
  void expired(const AwsCredentials&) override { tokens_.refused({}); }

 private:
  TokenSource& tokens_;
};

struct HostTools {
  HttpClient http{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}}};
  // The double looks at the times of what is signed.
  FakeClock clock{std::chrono::system_clock::now()};
  AwsCaller aws{http, clock};
  std::deque<TokenAsKey> keys{};
};

struct KindOfHost {
  std::string name;
  std::string speaks;  // the double's kind
  std::unique_ptr<Host> (*make)(const ForgeDouble& there, TokenSource& tokens, HostTools& tools);
  std::unique_ptr<TokenSource> (*make_tokens)(const Url& web, HostTools& tools) = nullptr;  // none: numbered ones

  // What it is.
  bool has_pages = true;  // it is asked over the network, page by page
  bool has_owners = true;
  bool has_groups_in_groups = false;
  bool has_flat_names = false;  // "app-web" instead of "app/web"
  bool ignores_case = true;     // of names
  std::vector<std::string> no_names = {"web", "app/../web", "app/web.git", "app/we b", "app/%2e", "/app/web"};
  // What it tells.
  bool tells_total_of_owner = true;  // how many there are in all
  bool names_next_page = true;       // by its address, not by a number or a word
  bool tells_when_to_come_back = true;
  bool tells_visibility = true;
  bool tells_archived = true;
  bool tells_forks = true;
  bool tells_ids = true;
  bool tells_last_push = true;
  bool tells_default_branches = true;
  bool lists_default_branches = true;  // otherwise find() knows
  bool knows_empty_ones = true;        // otherwise an empty repository has a default branch all the same
  bool has_wikis = true;
  bool git_is_at_web_address = true;  // otherwise at addresses of its own
  bool git_reads_addresses = true;    // stock git, without a helper
  // What it does.
  bool changes_repositories = true;  // makes them, and sets their default branches
  bool makes_public_ones = true;
  bool makes_owners = false;  // of a repository that it makes
  bool takes_tags = false;
};

void PrintTo(const KindOfHost& kind, std::ostream* out);

const std::vector<KindOfHost>& kinds_of_hosts();
std::vector<KindOfHost> kinds_that(bool KindOfHost::*trait);

// "token-1", and the next one whenever one is refused.
class NumberedTokens final : public TokenSource {
 public:
  Result<std::optional<Credentials>> get(std::stop_token) override;
  bool refused(const Credentials&) override { return ++number_, true; }

 private:
  int number_ = 1;
};

// What the double checks an App's signatures with, PEM.
std::string app_public_key();

}  // namespace packferry::testing
