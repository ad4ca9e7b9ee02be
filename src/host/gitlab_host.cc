#include "host/gitlab_host.h"

#include "base/printable.h"
#include "host/forge_answer.h"

namespace packferry {
namespace {

// A group, up to 20 more in it, and the project.
constexpr std::size_t kPartsMin = 2;
constexpr std::size_t kPartsMax = 22;
constexpr std::size_t kDescriptionMax = 2'000;
constexpr std::string_view kReads = "the scope read_api (or api)";
constexpr std::string_view kWrites = "the scope api and, there, the role of a maintainer";

std::string project_path(std::string_view repository) { return "/projects/" + percent_encode(repository); }

Result<HostedRepository> parse_project(const Json& project, const Url& web) {
  const std::string name = TRY(name_of(project, "path_with_namespace", kPartsMin, kPartsMax));
  HostedRepository out{.name = name, .url = web.with_path_suffix("/" + name + ".git")};
  out.id = TRY(id_of(project, "id"));
  out.default_branch = TRY(branch_of(project, "default_branch"));
  out.visibility = visibility_of(text_of(project, "visibility"));
  out.archived = flag_of(project, "archived");
  out.fork = member(project, "forked_from_project").is_object();
  // last_activity_at is no last push: it moves once an hour at most, and with what is no push.
  const std::string access = text_of(project, "wiki_access_level");
  if (access.empty() ? flag_of(project, "wiki_enabled") : access != "disabled")
    out.wiki = web.with_path_suffix("/" + name + ".wiki.git");
  return out;
}

}  // namespace

Result<std::vector<HostedRepository>> parse_gitlab_projects(std::string_view body, const Url& web) {
  const Json list = TRY(parse_list(body));
  std::vector<HostedRepository> out;
  for (const Json& project : list) out.push_back(TRY(parse_project(project, web)));
  return out;
}

GitLabHost::GitLabHost(Url web, const Url& api, TokenSource& tokens, HttpClient& http, Clock& clock)
    : web_(std::move(web)), api_({.name = "gitlab " + web_.host(), .base = api}, tokens, http, clock) {}

Url GitLabHost::api_of(const Url& web) { return web.with_path_suffix("/api/v4"); }

Result<std::vector<HostedRepository>> GitLabHost::list(const std::string& owner, std::stop_token stop) {
  // Pages by the id of the last project: the only ones without an end at 50,000, and only for this list.
  if (owner.empty())
    return list_at("list the projects of this user", "/projects",
                   "membership=true&pagination=keyset&order_by=id&sort=asc&per_page=100", std::move(stop));
  TRY(check_hosted_name(owner, 1, kPartsMax - 1).context("{}", name()));
  const std::string encoded = percent_encode(owner);
  Result<std::vector<HostedRepository>> of_group =
      list_at(fmt::format("list the projects of '{}'", owner), fmt::format("/groups/{}/projects", encoded),
              "include_subgroups=true&with_shared=false&order_by=id&sort=asc&per_page=100", stop);
  if (of_group || of_group.error().kind() != ErrorKind::NotFound || owner.find('/') != std::string::npos)
    return of_group;
  return list_at(fmt::format("list the projects of the user '{}', there is no such group", owner),
                 fmt::format("/users/{}/projects", encoded), "order_by=id&sort=asc&per_page=100", std::move(stop));
}

Result<std::vector<HostedRepository>> GitLabHost::list_at(std::string doing, std::string path, std::string query,
                                                          std::stop_token stop) {
  const auto read = [this](const HttpAnswer& page) -> Result<ListedPage> {
    std::vector<HostedRepository> found = TRY(parse_gitlab_projects(page.body, web_));
    return ListedPage{.repositories = std::move(found),
                      .total = count_header(page.response, "x-total"),
                      .next = next_link(page.response)};
  };
  return api_.list(
      {.doing = std::move(doing), .path = std::move(path), .query = std::move(query), .needs = std::string(kReads)},
      read, std::move(stop));
}

Result<HostedRepository> GitLabHost::find(std::string_view repository, std::stop_token stop) {
  TRY(url_of(repository));
  const ForgeQuestion question{.doing = fmt::format("look for '{}'", repository),
                               .path = project_path(repository),
                               .needs = std::string(kReads)};
  return ask_for_repository(api_, question, repository, parse_project, web_, std::move(stop));
}

Result<Url> GitLabHost::url_of(std::string_view repository) const {
  TRY(check_hosted_name(repository, kPartsMin, kPartsMax).context("{}", name()));
  return web_.with_path_suffix(fmt::format("/{}.git", repository));
}

Result<HostedRepository> GitLabHost::create(const NewRepository& wanted, std::stop_token stop) {
  TRY(url_of(wanted.name));
  TRY(check_new_repository(wanted, false, kDescriptionMax).context("{}: '{}'", name(), wanted.name));
  const std::string_view owner = owner_of(wanted.name);
  const ForgeQuestion for_group{.doing = fmt::format("look for the group or user '{}'", owner),
                                .path = "/namespaces/" + percent_encode(owner),
                                .needs = std::string(kReads)};
  const HttpAnswer group = TRY(api_.ask(for_group, stop));
  const Json described = TRY(parse_answer(group.body).context("{}: {}", name(), for_group.doing));
  const std::optional<std::uint64_t> id = count_of(described, "id");
  if (!id) return Error(ErrorKind::Corrupt, "{}: {}: it has no id", name(), for_group.doing);

  const std::string_view path = last_part_of(wanted.name);
  Json request = {{"name", path},
                  {"path", path},
                  {"namespace_id", *id},
                  {"visibility", to_string(wanted.visibility)},
                  {"initialize_with_readme", false}};
  if (!wanted.description.empty()) request["description"] = wanted.description;
  const ForgeQuestion question{.doing = fmt::format("make '{}'", wanted.name),
                               .method = "POST",
                               .path = "/projects",
                               .body = to_text(request),
                               .needs = std::string(kWrites)};
  return ask_for_repository(api_, question, wanted.name, parse_project, web_, std::move(stop));
}

Result<> GitLabHost::set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) {
  TRY(url_of(repository));
  TRY(api_.ask({.doing = fmt::format("make '{}' the default branch of '{}'", printable(branch), repository),
                .method = "PUT",
                .path = project_path(repository),
                .body = to_text({{"default_branch", branch}}),
                .needs = std::string(kWrites)},
               std::move(stop)));
  return {};
}

}  // namespace packferry
