#include "host/codecommit_host.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "host/repository_list.h"

namespace packferry {
namespace {

using Json = nlohmann::json;

// "Quotas", AWS CodeCommit User Guide; "Tag", its API Reference.
constexpr std::size_t kDescriptionMax = 1'000;
constexpr std::size_t kTagsMax = 50;
constexpr std::size_t kTagKeyMax = 128;
constexpr std::size_t kTagValueMax = 256;
// Documented as 25 for years, and as 100 in the service's own model.
constexpr std::size_t kNamesInABatch = 25;
// Some hundred repositories stand on a page, and accounts have thousands at most.
constexpr unsigned kPagesMax = 10'000;

constexpr KnownAwsCode kCodes[] = {
    {"RepositoryNameExistsException", ErrorKind::Conflict},
    {"RepositoryDoesNotExistException", ErrorKind::NotFound},
    {"BranchDoesNotExistException", ErrorKind::Invalid},
    {"RepositoryLimitExceededException", ErrorKind::Exhausted, "ask AWS to raise the quota of repositories"},
    {"OperationNotAllowedException", ErrorKind::Denied,
     "accounts that had no repository were kept from making one in 2024 and 2025, and some may still be: ask AWS "
     "Support"},
    {"InvalidRepositoryNameException", ErrorKind::Invalid},
    {"InvalidRepositoryDescriptionException", ErrorKind::Invalid},
    {"InvalidBranchNameException", ErrorKind::Invalid},
    {"TooManyTagsException", ErrorKind::Invalid},
    {"InvalidSystemTagUsageException", ErrorKind::Invalid},
    {"TagPolicyException", ErrorKind::Invalid},
    {"EncryptionKeyAccessDeniedException", ErrorKind::Denied, "the key's policy has to allow us"},
    {"EncryptionKeyDisabledException", ErrorKind::Denied, "enable the key"},
    {"EncryptionKeyNotFoundException", ErrorKind::Invalid},
    {"EncryptionKeyUnavailableException", ErrorKind::Unavailable},
    {"EncryptionIntegrityChecksFailedException", ErrorKind::Unavailable},
    {"InvalidContinuationTokenException", ErrorKind::Conflict},
};

Error corrupt(std::string_view name, std::string_view what) {
  return Error(ErrorKind::Corrupt, "{}: answers with {}", name, what);
}

std::string text_of(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string id_of(const Json& repository) { return printable(text_of(repository, "repositoryId"), 40); }

// In UTF-8, as AWS counts.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

Result<> check_text(std::string_view what, std::string_view text, std::size_t characters_max) {
  if (printable(text, text.size() + 1) != text)
    return Error(ErrorKind::Invalid, "the {} has control characters, or bytes that are not UTF-8", what);
  if (characters(text) > characters_max)
    return Error(ErrorKind::Invalid, "the {} is longer than {} characters", what, characters_max);
  return {};
}

Result<> check(const NewRepository& wanted) {
  if (wanted.format != ObjectFormat::Sha1)
    return Error(ErrorKind::Unsupported, "CodeCommit makes no repositories of {}", to_string(wanted.format));
  if (wanted.visibility != Visibility::Private)
    return Error(ErrorKind::Unsupported, "who may read what is on CodeCommit is said by policies of IAM");
  TRY(check_text("description", wanted.description, kDescriptionMax));
  if (wanted.tags.size() > kTagsMax)
    return Error(ErrorKind::Invalid, "a repository has {} tags at most, not {}", kTagsMax, wanted.tags.size());
  for (const auto& [key, value] : wanted.tags) {
    TRY(check_text("key of a tag", key, kTagKeyMax));
    TRY(check_text("value of a tag", value, kTagValueMax));
    if (key.empty() || key.starts_with("aws:"))
      return Error(ErrorKind::Invalid, "'{}' is no key for a tag of ours", printable(key));
  }
  return {};
}

}  // namespace

CodeCommitHost::CodeCommitHost(std::string region, Url endpoint, std::string profile, Sts sts,
                               AwsCredentialSource& credentials, AwsCaller& caller)
    : region_(std::move(region)),
      profile_(std::move(profile)),
      sts_(std::move(sts)),
      credentials_(credentials),
      client_({.name = "codecommit",
               .target = "CodeCommit_20150413",
               .region = region_,
               .endpoint = std::move(endpoint),
               .known = kCodes},
              caller, credentials) {}

std::string CodeCommitHost::name() const { return "codecommit " + region_; }

Result<std::vector<HostedRepository>> CodeCommitHost::list(const std::string& owner, std::stop_token stop) {
  if (!owner.empty()) return Error(ErrorKind::Unsupported, "{} has no owners within an account", name());
  RepositoryList list;
  Json request = Json::object();
  for (unsigned pages = 0; pages < kPagesMax; ++pages) {
    const std::string body = TRY(client_.call("ListRepositories", request.dump(), stop));
    const Json answer = Json::parse(body, nullptr, false);
    const Json listed = answer.is_object() ? answer.value("repositories", Json()) : Json();
    if (!listed.is_array()) return corrupt(name(), "something else than a list of repositories");
    ListedPage page;
    for (const Json& repository : listed) {
      const std::string called = text_of(repository, "repositoryName");
      Result<Url> url = url_of(called);
      if (!url) return corrupt(name(), fmt::format("a repository named '{}'", printable(called, 200)));
      page.repositories.push_back(
          {.name = called, .url = std::move(url).value(), .region = region_, .id = id_of(repository)});
    }
    TRY(list.add(std::move(page)).context("{}", name()));
    const std::string next = text_of(answer, "nextToken");
    if (next.empty()) {
      std::vector<HostedRepository> all = TRY(std::move(list).finish().context("{}", name()));
      const std::string whose = all.empty() ? std::string() : TRY(account(stop));
      for (HostedRepository& repository : all) repository.account = whose;
      TRY(add_default_branches(all, stop));
      return all;
    }
    if (next == text_of(request, "nextToken")) return corrupt(name(), "a list that leads back to itself");
    request["nextToken"] = next;
  }
  return corrupt(name(), "a list without end");
}

// Good to have, and a right of its own: without it a list is a list all the same.
Result<> CodeCommitHost::add_default_branches(std::vector<HostedRepository>& all, std::stop_token stop) const {
  for (std::size_t at = 0; at < all.size(); at += kNamesInABatch) {
    Json names = Json::array();
    for (std::size_t i = at; i < std::min(all.size(), at + kNamesInABatch); ++i) names.push_back(all[i].name);
    const Json request = {{"repositoryNames", std::move(names)}};
    const Result<std::string> body = client_.call("BatchGetRepositories", request.dump(), stop);
    if (!body && body.error().kind() == ErrorKind::Denied) return {};
    if (!body) return body.error();
    const Json answer = Json::parse(*body, nullptr, false);
    const Json described = answer.is_object() ? answer.value("repositories", Json()) : Json();
    if (!described.is_array()) return corrupt(name(), "something else than descriptions of repositories");
    for (const Json& repository : described) {
      const std::string called = text_of(repository, "repositoryName");
      const auto found = std::lower_bound(all.begin(), all.end(), called,
                                          [](const HostedRepository& a, const std::string& b) { return a.name < b; });
      if (found != all.end() && found->name == called) found->default_branch = text_of(repository, "defaultBranch");
    }
  }
  return {};
}

Result<HostedRepository> CodeCommitHost::find(std::string_view repository, std::stop_token stop) {
  Url url = TRY(url_of(repository));
  const Json request = {{"repositoryName", repository}};
  const std::string body =
      TRY(client_.call("GetRepository", request.dump(), std::move(stop)).context("{}", url.text()));
  return described(body, repository, std::move(url));
}

Result<HostedRepository> CodeCommitHost::create(const NewRepository& wanted, std::stop_token stop) {
  Url url = TRY(url_of(wanted.name));
  TRY(check(wanted).context("{}", url.text()));
  Json request = {{"repositoryName", wanted.name}};
  if (!wanted.description.empty()) request["repositoryDescription"] = wanted.description;
  if (!wanted.tags.empty()) request["tags"] = wanted.tags;
  const std::string body =
      TRY(client_.call("CreateRepository", request.dump(), std::move(stop)).context("{}", url.text()));
  return described(body, wanted.name, std::move(url));
}

// GetRepository and CreateRepository answer alike.
Result<HostedRepository> CodeCommitHost::described(std::string_view body, std::string_view repository, Url url) const {
  const Json answer = Json::parse(body, nullptr, false);
  const Json there = answer.is_object() ? answer.value("repositoryMetadata", Json()) : Json();
  if (text_of(there, "repositoryName") != repository) return corrupt(name(), "another repository than was meant");
  return HostedRepository{.name = std::string(repository),
                          .url = std::move(url),
                          .account = printable(text_of(there, "accountId"), 40),
                          .region = region_,
                          .default_branch = text_of(there, "defaultBranch"),
                          .id = id_of(there)};
}

Result<> CodeCommitHost::set_default_branch(std::string_view repository, std::string_view branch,
                                            std::stop_token stop) {
  const Url url = TRY(url_of(repository));
  const Json request = {{"repositoryName", repository}, {"defaultBranchName", branch}};
  const std::string text = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  TRY(client_.call("UpdateDefaultBranch", text, std::move(stop)).context("{}", url.text()));
  return {};
}

// The same for all repositories of a list, and the list does not tell. Asked once.
Result<std::string> CodeCommitHost::account(std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  if (account_.empty()) account_ = TRY(sts_.caller_identity(credentials_, std::move(stop)))
  .account;
  return account_;
}

Result<Url> CodeCommitHost::url_of(std::string_view repository) const {
  return Url::parse(fmt::format("codecommit::{}://{}{}{}", region_, profile_, profile_.empty() ? "" : "@", repository));
}

}  // namespace packferry
