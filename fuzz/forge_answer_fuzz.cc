// The first byte chooses a forge, the rest is a page of its list, and the words of a refusal. Whatever is taken from it
// is below the forge's own address, has a name that leads nowhere else, and can be shown.
#include <functional>

#include "base/printable.h"
#include "fuzz.h"
#include "git/ref.h"
#include "host/bitbucket_host.h"
#include "host/bitbucket_server_host.h"
#include "host/gitea_host.h"
#include "host/github_host.h"
#include "host/gitlab_host.h"

using namespace packferry;

namespace {

Result<ListedPage> as_page(Result<std::vector<HostedRepository>> list) {
  if (!list) return list.error();
  ListedPage page;
  page.repositories = std::move(list).value();
  return page;
}

Result<ListedPage> parse(unsigned forge, std::string_view body, const Url& web) {
  switch (forge % 5) {
    case 0:
      return as_page(parse_gitlab_projects(body, web));
    case 1:
      return as_page(parse_gitea_repositories(body, web));
    case 2:
      return parse_github_repositories(body, web);
    case 3:
      return parse_bitbucket_repositories(body, web);
    default:
      return parse_bitbucket_server_repositories(body, web);
  }
}

bool is_shown_as_it_is(const std::string& text) { return printable(text, text.size() + 1) == text; }

void check(const HostedRepository& repository, const Url& web) {
  CHECK(check_hosted_name(repository.name, 1, 100));
  CHECK(repository.url.same_origin(web) && repository.url.path().starts_with(web.path()));
  CHECK(!repository.wiki || (repository.wiki->same_origin(web) && repository.wiki->path().starts_with(web.path())));
  CHECK(repository.url.user().empty() && repository.url.password().empty());
  CHECK(repository.default_branch.empty() || RefName::parse("refs/heads/" + repository.default_branch));
  CHECK(!repository.id.empty() && is_shown_as_it_is(repository.id));
  CHECK(is_shown_as_it_is(repository.last_push));
}

}  // namespace

FUZZ(input) {
  static const Url kWeb = *Url::parse("https://forge.example.org/below");
  const unsigned forge = input.byte();
  const std::string_view body = input.rest();
  const std::string words = refusal_words(body);
  CHECK(is_shown_as_it_is(words));
  static_cast<void>(next_link({.status = 200, .headers = {{"link", std::string(body)}}}));

  Result<ListedPage> page = parse(forge, body, kWeb);
  if (!page) {
    CHECK(is_shown_as_it_is(page.error().message()));
    return;
  }
  for (const HostedRepository& repository : page->repositories) check(repository, kWeb);
  const std::size_t listed = page->repositories.size();
  RepositoryList list;
  if (!list.add(std::move(page).value())) return;
  const Result<std::vector<HostedRepository>> all = std::move(list).finish();
  CHECK(!all || all->size() == listed);
}
