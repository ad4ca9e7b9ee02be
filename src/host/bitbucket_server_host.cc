#include "host/bitbucket_server_host.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/printable.h"
#include "host/forge_answer.h"

namespace packferry {
namespace {

constexpr std::size_t kParts = 2;
constexpr std::size_t kDescriptionMax = 255;
constexpr unsigned kPageSize = 100;
constexpr std::string_view kReads = "the permission to read repositories";
constexpr std::string_view kWrites = "the permission to administer the project and its repositories";
constexpr std::string_view kBranches = "refs/heads/";

// Since 7.x, and what it was before.
constexpr std::string_view kDefaultBranchPaths[] = {"/default-branch", "/branches/default"};

std::string project_path(std::string_view project) {
  return fmt::format("/projects/{}/repos", percent_encode(project));
}

std::string repository_path(std::string_view repository) {
  return fmt::format("{}/{}", project_path(owner_of(repository)), percent_encode(last_part_of(repository)));
}

// /scm/KEY/NAME.git, in the spelling that the host itself gives out.
Url git_url(const Url& web, std::string_view repository) {
  return web.with_path_suffix(to_lower(fmt::format("/scm/{}.git", repository)));
}

std::string next_page(const Json& answer) {
  const std::optional<std::uint64_t> start = count_of(answer, "nextPageStart");
  if (flag_of(answer, "isLastPage") || !start) return {};
  return fmt::format("?limit={}&start={}", kPageSize, *start);
}

Result<HostedRepository> parse_repository(const Json& repository, const Url& web) {
  // Two parts that are names of their own: neither may have a '/'.
  const std::string project = TRY(name_of(member(repository, "project"), "key", 1, 1));
  const std::string name = fmt::format("{}/{}", project, TRY(name_of(repository, "slug", 1, 1)));
  HostedRepository out{.name = name, .url = git_url(web, name)};
  out.id = TRY(id_of(repository, "id"));
  if (member(repository, "public").is_boolean())
    out.visibility = flag_of(repository, "public") ? Visibility::Public : Visibility::Private;
  out.archived = flag_of(repository, "archived");
  out.fork = member(repository, "origin").is_object();
  return out;
}

}  // namespace

Result<ListedPage> parse_bitbucket_server_repositories(std::string_view body, const Url& web) {
  const Json answer = TRY(parse_answer(body));
  const Json list = TRY(parse_list(answer, "values"));
  if (!member(answer, "isLastPage").is_boolean())
    return Error(ErrorKind::Corrupt, "the answer does not say whether it is the last page");
  ListedPage page{.next = next_page(answer)};
  if (page.next.empty() && !flag_of(answer, "isLastPage"))
    return Error(ErrorKind::Corrupt, "the answer is not the last page, and does not say what comes next");
  for (const Json& repository : list) page.repositories.push_back(TRY(parse_repository(repository, web)));
  return page;
}

BitbucketServerHost::BitbucketServerHost(Url web, const Url& api, TokenSource& tokens, HttpClient& http, Clock& clock)
    : web_(std::move(web)), api_({.name = "bitbucket-server " + web_.host(), .base = api}, tokens, http, clock) {}

Url BitbucketServerHost::api_of(const Url& web) { return web.with_path_suffix("/rest/api/1.0"); }

Result<std::vector<HostedRepository>> BitbucketServerHost::list(const std::string& owner, std::stop_token stop) {
  ForgeQuestion question{.doing = "list the repositories",
                         .path = "/repos",
                         .query = fmt::format("limit={}", kPageSize),
                         .needs = std::string(kReads)};
  if (!owner.empty()) {
    TRY(check_hosted_name(owner, 1, 1).context("{}", name()));
    question.doing = fmt::format("list the repositories of '{}'", owner);
    question.path = project_path(owner);
  }
  const auto read = [this](const HttpAnswer& page) { return parse_bitbucket_server_repositories(page.body, web_); };
  return api_.list(question, read, std::move(stop));
}

Result<HostedRepository> BitbucketServerHost::find(std::string_view repository, std::stop_token stop) {
  TRY(url_of(repository));
  const ForgeQuestion question{.doing = fmt::format("look for '{}'", repository),
                               .path = repository_path(repository),
                               .needs = std::string(kReads)};
  HostedRepository found = TRY(ask_for_repository(api_, question, repository, parse_repository, web_, stop));
  found.default_branch = TRY(default_branch(repository, std::move(stop)));
  return found;
}

// 404 is what an older server says, and what any says of an empty repository.
Result<std::string> BitbucketServerHost::default_branch(std::string_view repository, std::stop_token stop) {
  for (const std::string_view path : kDefaultBranchPaths) {
    const ForgeQuestion question{.doing = fmt::format("look for the default branch of '{}'", repository),
                                 .path = fmt::format("{}{}", repository_path(repository), path),
                                 .needs = std::string(kReads)};
    const Result<HttpAnswer> answer = api_.ask(question, stop);
    if (!answer && answer.error().kind() == ErrorKind::NotFound) continue;
    if (!answer) return answer.error();
    if (answer->body.empty()) return std::string();
    const Json branch = TRY(parse_answer(answer->body).context("{}: {}", name(), question.doing));
    return branch_of(branch, "displayId").context("{}: {}", name(), question.doing);
  }
  return std::string();
}

Result<Url> BitbucketServerHost::url_of(std::string_view repository) const {
  TRY(check_hosted_name(repository, kParts, kParts).context("{}", name()));
  return git_url(web_, repository);
}

Result<HostedRepository> BitbucketServerHost::create(const NewRepository& wanted, std::stop_token stop) {
  TRY(url_of(wanted.name));
  TRY(check_new_repository(wanted, false, kDescriptionMax).context("{}: '{}'", name(), wanted.name));
  if (wanted.visibility == Visibility::Internal)
    return Error(ErrorKind::Unsupported, "{}: '{}': there is private and public, and nothing between", name(),
                 wanted.name);
  Json request = {{"name", last_part_of(wanted.name)}, {"scmId", "git"}, {"forkable", true}};
  if (wanted.visibility == Visibility::Public) request["public"] = true;
  if (!wanted.description.empty()) request["description"] = wanted.description;
  const ForgeQuestion question{.doing = fmt::format("make '{}'", wanted.name),
                               .method = "POST",
                               .path = project_path(owner_of(wanted.name)),
                               .body = to_text(request),
                               .needs = std::string(kWrites)};
  return ask_for_repository(api_, question, wanted.name, parse_repository, web_, std::move(stop));
}

Result<> BitbucketServerHost::set_default_branch(std::string_view repository, std::string_view branch,
                                                 std::stop_token stop) {
  TRY(url_of(repository));
  Result<HttpAnswer> done = Error(ErrorKind::NotFound, "not asked");
  for (const std::string_view path : kDefaultBranchPaths) {
    done = api_.ask({.doing = fmt::format("make '{}' the default branch of '{}'", printable(branch), repository),
                     .method = "PUT",
                     .path = fmt::format("{}{}", repository_path(repository), path),
                     .body = to_text({{"id", fmt::format("{}{}", kBranches, branch)}}),
                     .needs = std::string(kWrites)},
                    stop);
    if (done) return {};
    if (done.error().kind() != ErrorKind::NotFound) break;
  }
  return std::move(done).error();
}

}  // namespace packferry
