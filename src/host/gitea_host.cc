#include "host/gitea_host.h"

#include "base/printable.h"
#include "host/forge_answer.h"

namespace packferry {
namespace {

constexpr std::size_t kParts = 2;
// modules/structs, CreateRepoOption.
constexpr std::size_t kDescriptionMax = 2'048;
constexpr std::string_view kReads = "the scope read:repository (with read:organization and read:user for lists)";
constexpr std::string_view kWrites = "the scope write:repository (with write:organization or write:user for new ones)";

std::string repository_path(std::string_view repository) { return "/repos/" + percent_encode(repository, true); }

Result<HostedRepository> parse_repository(const Json& repository, const Url& web) {
  const std::string name = TRY(name_of(repository, "full_name", kParts, kParts));
  HostedRepository out{.name = name, .url = web.with_path_suffix("/" + name + ".git")};
  out.id = TRY(id_of(repository, "id"));
  // An empty one has the name of the branch that it would have.
  if (!flag_of(repository, "empty")) out.default_branch = TRY(branch_of(repository, "default_branch"));
  out.visibility = flag_of(repository, "private")    ? Visibility::Private
                   : flag_of(repository, "internal") ? Visibility::Internal
                                                     : Visibility::Public;
  out.archived = flag_of(repository, "archived");
  out.fork = flag_of(repository, "fork");
  out.last_push = TRY(moment_of(repository, "updated_at"));
  if (flag_of(repository, "has_wiki") && !member(repository, "external_wiki").is_object())
    out.wiki = web.with_path_suffix("/" + name + ".wiki.git");
  return out;
}

}  // namespace

Result<std::vector<HostedRepository>> parse_gitea_repositories(std::string_view body, const Url& web) {
  const Json list = TRY(parse_list(body));
  std::vector<HostedRepository> out;
  for (const Json& repository : list) out.push_back(TRY(parse_repository(repository, web)));
  return out;
}

GiteaHost::GiteaHost(Url web, const Url& api, TokenSource& tokens, HttpClient& http, Clock& clock)
    : web_(std::move(web)), api_({.name = "gitea " + web_.host(), .base = api}, tokens, http, clock) {}

Url GiteaHost::api_of(const Url& web) { return web.with_path_suffix("/api/v1"); }

Result<std::vector<HostedRepository>> GiteaHost::list(const std::string& owner, std::stop_token stop) {
  if (owner.empty()) return list_at("list the repositories of this user", "/user/repos", std::move(stop));
  TRY(check_hosted_name(owner, 1, 1).context("{}", name()));
  Result<std::vector<HostedRepository>> of_organisation = list_at(
      fmt::format("list the repositories of '{}'", owner), fmt::format("/orgs/{}/repos", percent_encode(owner)), stop);
  if (of_organisation || of_organisation.error().kind() != ErrorKind::NotFound) return of_organisation;
  return list_at(fmt::format("list the repositories of the user '{}', there is no such organisation", owner),
                 fmt::format("/users/{}/repos", percent_encode(owner)), std::move(stop));
}

Result<std::vector<HostedRepository>> GiteaHost::list_at(std::string doing, std::string path, std::stop_token stop) {
  const auto read = [this](const HttpAnswer& page) -> Result<ListedPage> {
    std::vector<HostedRepository> found = TRY(parse_gitea_repositories(page.body, web_));
    return ListedPage{.repositories = std::move(found),
                      .total = count_header(page.response, "x-total-count"),
                      .next = next_link(page.response)};
  };
  // A server's largest page is 50, unless its administrator wants another one.
  return api_.list(
      {.doing = std::move(doing), .path = std::move(path), .query = "limit=50&page=1", .needs = std::string(kReads)},
      read, std::move(stop));
}

Result<HostedRepository> GiteaHost::find(std::string_view repository, std::stop_token stop) {
  TRY(url_of(repository));
  const ForgeQuestion question{.doing = fmt::format("look for '{}'", repository),
                               .path = repository_path(repository),
                               .needs = std::string(kReads)};
  return ask_for_repository(api_, question, repository, parse_repository, web_, std::move(stop));
}

Result<Url> GiteaHost::url_of(std::string_view repository) const {
  TRY(check_hosted_name(repository, kParts, kParts).context("{}", name()));
  return web_.with_path_suffix(fmt::format("/{}.git", repository));
}

Result<std::string> GiteaHost::user(std::stop_token stop) {
  const ForgeQuestion question{.doing = "ask who we are", .path = "/user", .needs = "the scope read:user"};
  const HttpAnswer answer = TRY(api_.ask(question, std::move(stop)));
  const Json user = TRY(parse_answer(answer.body).context("{}: {}", name(), question.doing));
  return text_of(user, "login");
}

Result<HostedRepository> GiteaHost::create(const NewRepository& wanted, std::stop_token stop) {
  TRY(url_of(wanted.name));
  TRY(check_new_repository(wanted, true, kDescriptionMax).context("{}: '{}'", name(), wanted.name));
  if (wanted.visibility == Visibility::Internal)
    return Error(ErrorKind::Unsupported, "{}: '{}': internal is what an organisation is there, not a repository",
                 name(), wanted.name);
  const std::string_view owner = owner_of(wanted.name);
  Json request = {{"name", last_part_of(wanted.name)},
                  {"private", wanted.visibility == Visibility::Private},
                  {"auto_init", false},
                  {"object_format_name", to_string(wanted.format)}};
  if (!wanted.description.empty()) request["description"] = wanted.description;
  const bool is_ours = same_name(owner, TRY(user(stop)));
  const ForgeQuestion question{.doing = fmt::format("make '{}'", wanted.name),
                               .method = "POST",
                               .path = is_ours ? "/user/repos" : fmt::format("/orgs/{}/repos", percent_encode(owner)),
                               .body = to_text(request),
                               .needs = std::string(kWrites)};
  return ask_for_repository(api_, question, wanted.name, parse_repository, web_, std::move(stop));
}

Result<> GiteaHost::set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) {
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
