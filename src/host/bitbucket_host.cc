#include "host/bitbucket_host.h"

#include <algorithm>

#include "base/printable.h"
#include "host/forge_answer.h"

namespace packferry {
namespace {

constexpr std::size_t kParts = 2;
constexpr std::size_t kDescriptionMax = 2'000;
constexpr std::string_view kReads = "the scope read:repository:bitbucket (of an access token: repository)";
constexpr std::string_view kWrites = "the scope admin:repository:bitbucket (of an access token: repository:admin)";

std::string repository_path(std::string_view repository) { return "/repositories/" + percent_encode(repository, true); }

Result<HostedRepository> parse_repository(const Json& repository, const Url& web) {
  const std::string name = TRY(name_of(repository, "full_name", kParts, kParts));
  HostedRepository out{.name = name, .url = web.with_path_suffix("/" + name + ".git")};
  out.id = TRY(id_of(repository, "uuid"));
  out.default_branch = TRY(branch_of(member(repository, "mainbranch"), "name"));
  if (member(repository, "is_private").is_boolean())
    out.visibility = flag_of(repository, "is_private") ? Visibility::Private : Visibility::Public;
  out.fork = member(repository, "parent").is_object();
  out.last_push = TRY(moment_of(repository, "updated_on"));
  if (flag_of(repository, "has_wiki")) out.wiki = web.with_path_suffix("/" + name + ".git/wiki");
  return out;
}

}  // namespace

Result<ListedPage> parse_bitbucket_repositories(std::string_view body, const Url& web) {
  const Json answer = TRY(parse_answer(body));
  const Json list = TRY(parse_list(answer, "values"));
  ListedPage page{.repositories = {}, .total = count_of(answer, "size"), .next = text_of(answer, "next")};
  for (const Json& repository : list) page.repositories.push_back(TRY(parse_repository(repository, web)));
  return page;
}

BitbucketHost::BitbucketHost(Url web, const Url& api, TokenSource& tokens, HttpClient& http, Clock& clock)
    : web_(std::move(web)), api_({.name = "bitbucket " + web_.host(), .base = api}, tokens, http, clock) {}

Url BitbucketHost::api_of(const Url& web) {
  if (web.origin() == "https://bitbucket.org") return *Url::parse("https://api.bitbucket.org/2.0");
  return web.with_path_suffix("/2.0");
}

Result<std::vector<HostedRepository>> BitbucketHost::list(const std::string& owner, std::stop_token stop) {
  ForgeQuestion question{.doing = "list the repositories of this user",
                         .path = "/repositories",
                         .query = "role=member&sort=created_on&pagelen=100",
                         .needs = std::string(kReads)};
  if (!owner.empty()) {
    TRY(check_hosted_name(owner, 1, 2).context("{}", name()));
    const std::size_t slash = std::min(owner.find('/'), owner.size());
    question.doing = fmt::format("list the repositories of '{}'", owner);
    question.path = repository_path(owner.substr(0, slash));
    question.query = "sort=created_on&pagelen=100";
    if (slash < owner.size())
      question.query += "&q=" + percent_encode(fmt::format("project.key=\"{}\"", owner.substr(slash + 1)));
  }
  const auto read = [this](const HttpAnswer& page) { return parse_bitbucket_repositories(page.body, web_); };
  return api_.list(question, read, std::move(stop));
}

Result<HostedRepository> BitbucketHost::find(std::string_view repository, std::stop_token stop) {
  TRY(url_of(repository));
  const ForgeQuestion question{.doing = fmt::format("look for '{}'", repository),
                               .path = repository_path(repository),
                               .needs = std::string(kReads)};
  return ask_for_repository(api_, question, repository, parse_repository, web_, std::move(stop));
}

Result<Url> BitbucketHost::url_of(std::string_view repository) const {
  TRY(check_hosted_name(repository, kParts, kParts).context("{}", name()));
  return web_.with_path_suffix(fmt::format("/{}.git", repository));
}

Result<HostedRepository> BitbucketHost::create(const NewRepository& wanted, std::stop_token stop) {
  TRY(url_of(wanted.name));
  TRY(check_new_repository(wanted, false, kDescriptionMax).context("{}: '{}'", name(), wanted.name));
  if (wanted.visibility == Visibility::Internal)
    return Error(ErrorKind::Unsupported, "{}: '{}': there is private and public, and nothing between", name(),
                 wanted.name);
  if (std::any_of(wanted.name.begin(), wanted.name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
    return Error(ErrorKind::Invalid, "{}: '{}': names have no capital letters there", name(), wanted.name);
  Json request = {{"scm", "git"}, {"is_private", wanted.visibility == Visibility::Private}};
  if (!wanted.description.empty()) request["description"] = wanted.description;
  const ForgeQuestion question{.doing = fmt::format("make '{}'", wanted.name),
                               .method = "POST",
                               .path = repository_path(wanted.name),
                               .body = to_text(request),
                               .needs = std::string(kWrites)};
  return ask_for_repository(api_, question, wanted.name, parse_repository, web_, std::move(stop));
}

Result<> BitbucketHost::set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) {
  TRY(url_of(repository));
  const Json request = {{"mainbranch", {{"type", "branch"}, {"name", branch}}}};
  TRY(api_.ask({.doing = fmt::format("make '{}' the default branch of '{}'", printable(branch), repository),
                .method = "PUT",
                .path = repository_path(repository),
                .body = to_text(request),
                .needs = std::string(kWrites)},
               std::move(stop)));
  return {};
}

}  // namespace packferry
