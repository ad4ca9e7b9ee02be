#include "host/github_host.h"

#include "base/printable.h"
#include "host/forge_answer.h"

namespace packferry {
namespace {

constexpr std::size_t kParts = 2;
constexpr std::size_t kDescriptionMax = 350;
constexpr std::string_view kReads =
    "the scope repo, or the permission \"metadata: read\" (for an App, and fine-grained)";
constexpr std::string_view kWrites = "the scope repo, or the permission \"administration: write\"";

std::vector<HttpHeader> headers() {
  return {{"Accept", "application/vnd.github+json"}, {"X-GitHub-Api-Version", "2022-11-28"}};
}

std::string repository_path(std::string_view repository) { return "/repos/" + percent_encode(repository, true); }

Result<HostedRepository> parse_repository(const Json& repository, const Url& web) {
  const std::string name = TRY(name_of(repository, "full_name", kParts, kParts));
  HostedRepository out{.name = name, .url = web.with_path_suffix("/" + name + ".git")};
  out.id = TRY(id_of(repository, "id"));
  out.default_branch = TRY(branch_of(repository, "default_branch"));
  out.visibility = visibility_of(text_of(repository, "visibility"));
  // Enterprise Servers before 3.0 know no other word for it.
  if (!out.visibility && member(repository, "private").is_boolean())
    out.visibility = flag_of(repository, "private") ? Visibility::Private : Visibility::Public;
  out.archived = flag_of(repository, "archived");
  out.fork = flag_of(repository, "fork");
  out.last_push = TRY(moment_of(repository, "pushed_at"));
  if (flag_of(repository, "has_wiki")) out.wiki = web.with_path_suffix("/" + name + ".wiki.git");
  return out;
}

}  // namespace

Result<ListedPage> parse_github_repositories(std::string_view body, const Url& web) {
  const Json answer = TRY(parse_answer(body));
  const Json list = answer.is_array() ? answer : TRY(parse_list(answer, "repositories"));
  ListedPage page{.repositories = {}, .total = count_of(answer, "total_count")};
  for (const Json& repository : list) page.repositories.push_back(TRY(parse_repository(repository, web)));
  return page;
}

GitHubHost::GitHubHost(Url web, const Url& api, GitHubIdentity identity, TokenSource& tokens, HttpClient& http,
                       Clock& clock)
    : web_(std::move(web)),
      identity_(identity),
      api_({.name = "github " + web_.host(), .base = api, .headers = headers()}, tokens, http, clock) {}

Url GitHubHost::api_of(const Url& web) {
  if (web.origin() == "https://github.com") return *Url::parse("https://api.github.com");
  return web.with_path_suffix("/api/v3");
}

Result<std::vector<HostedRepository>> GitHubHost::list(const std::string& owner, std::stop_token stop) {
  if (!owner.empty()) TRY(check_hosted_name(owner, 1, 1).context("{}", name()));
  if (identity_ == GitHubIdentity::Installation) return list_of_installation(owner, std::move(stop));
  // In the order in which they were made: a new one comes last, and moves none of the others to another page.
  const std::string in_order = "sort=created&direction=asc&per_page=100";
  if (owner.empty()) return list_at("list the repositories of this user", "/user/repos", in_order, std::move(stop));
  const std::string doing = fmt::format("list the repositories of '{}'", owner);
  if (TRY(is_organisation(owner, stop)))
    return list_at(doing, fmt::format("/orgs/{}/repos", percent_encode(owner)), "type=all&" + in_order,
                   std::move(stop));
  if (TRY(is_this_user(owner, stop)))
    return list_at(doing, "/user/repos", "affiliation=owner&" + in_order, std::move(stop));
  return list_at(doing, fmt::format("/users/{}/repos", percent_encode(owner)), "type=owner&" + in_order,
                 std::move(stop));
}

Result<std::vector<HostedRepository>> GitHubHost::list_of_installation(const std::string& owner, std::stop_token stop) {
  std::vector<HostedRepository> all = TRY(list_at("list the repositories of this installation",
                                                  "/installation/repositories", "per_page=100", std::move(stop)));
  if (!owner.empty())
    std::erase_if(all, [&](const HostedRepository& each) { return !same_name(owner_of(each.name), owner); });
  return all;
}

Result<std::vector<HostedRepository>> GitHubHost::list_at(std::string doing, std::string path, std::string query,
                                                          std::stop_token stop) {
  const auto read = [this](const HttpAnswer& page) -> Result<ListedPage> {
    ListedPage out = TRY(parse_github_repositories(page.body, web_));
    out.next = next_link(page.response);
    return out;
  };
  return api_.list(
      {.doing = std::move(doing), .path = std::move(path), .query = std::move(query), .needs = std::string(kReads)},
      read, std::move(stop));
}

Result<bool> GitHubHost::is_organisation(std::string_view owner, std::stop_token stop) {
  const ForgeQuestion question{.doing = fmt::format("look for the organisation or user '{}'", owner),
                               .path = "/users/" + percent_encode(owner),
                               .needs = std::string(kReads)};
  const HttpAnswer answer = TRY(api_.ask(question, std::move(stop)));
  const Json account = TRY(parse_answer(answer.body).context("{}: {}", name(), question.doing));
  return text_of(account, "type") == "Organization";
}

Result<bool> GitHubHost::is_this_user(std::string_view owner, std::stop_token stop) {
  const ForgeQuestion question{.doing = "ask who we are", .path = "/user", .needs = "to be a person's"};
  const HttpAnswer answer = TRY(api_.ask(question, std::move(stop)));
  const Json user = TRY(parse_answer(answer.body).context("{}: {}", name(), question.doing));
  return same_name(text_of(user, "login"), owner);
}

Result<HostedRepository> GitHubHost::find(std::string_view repository, std::stop_token stop) {
  TRY(url_of(repository));
  const ForgeQuestion question{.doing = fmt::format("look for '{}'", repository),
                               .path = repository_path(repository),
                               .needs = std::string(kReads)};
  return ask_for_repository(api_, question, repository, parse_repository, web_, std::move(stop));
}

Result<Url> GitHubHost::url_of(std::string_view repository) const {
  TRY(check_hosted_name(repository, kParts, kParts).context("{}", name()));
  return web_.with_path_suffix(fmt::format("/{}.git", repository));
}

Result<HostedRepository> GitHubHost::create(const NewRepository& wanted, std::stop_token stop) {
  TRY(url_of(wanted.name));
  TRY(check_new_repository(wanted, false, kDescriptionMax).context("{}: '{}'", name(), wanted.name));
  const std::string_view owner = owner_of(wanted.name);
  Json request = {
      {"name", last_part_of(wanted.name)}, {"private", wanted.visibility != Visibility::Public}, {"auto_init", false}};
  if (wanted.visibility == Visibility::Internal) request["visibility"] = to_string(wanted.visibility);
  if (!wanted.description.empty()) request["description"] = wanted.description;
  // No installation is asked who it is: it makes repositories for organisations only.
  const bool is_ours = identity_ == GitHubIdentity::Person && TRY(is_this_user(owner, stop));
  const ForgeQuestion question{.doing = fmt::format("make '{}'", wanted.name),
                               .method = "POST",
                               .path = is_ours ? "/user/repos" : fmt::format("/orgs/{}/repos", percent_encode(owner)),
                               .body = to_text(request),
                               .needs = std::string(kWrites)};
  return ask_for_repository(api_, question, wanted.name, parse_repository, web_, std::move(stop));
}

Result<> GitHubHost::set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) {
  TRY(url_of(repository));
  TRY(api_.ask({.doing = fmt::format("make '{}' the default branch of '{}'", printable(branch), repository),
                .method = "PATCH",
                .path = repository_path(repository),
                .body = to_text({{"default_branch", branch}}),
                .needs = std::string(kWrites)},
               std::move(stop)));
  return {};
}

}  // namespace packferry
