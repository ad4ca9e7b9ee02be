#include "setup/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace packferry {
namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

std::string document(Json statements) {
  const Json policy = {{"Version", "2012-10-17"}, {"Statement", std::move(statements)}};
  return policy.dump(2) + "\n";
}

Json allow(std::string_view sid, const Words& actions) {
  return {{"Sid", sid}, {"Effect", "Allow"}, {"Action", actions}};
}

Json deny(std::string_view sid, const Words& actions) {
  return {{"Sid", sid}, {"Effect", "Deny"}, {"Action", actions}};
}

// The elements of a statement, in the order in which a person reads them: who, what, where, when.
Json with(Json statement, std::string_view element, Json value) {
  statement[std::string(element)] = std::move(value);
  return statement;
}

// In a bucket policy every statement says whose it is.
Json of(const Words& principals, const Json& statement) {
  Json out = {{"Sid", statement.at("Sid")}, {"Effect", statement.at("Effect")}, {"Principal", {{"AWS", principals}}}};
  out.update(statement);
  return out;
}

std::string bucket_arn(const BackupPlace& place) {
  return fmt::format("arn:{}:s3:::{}", place.partition, place.bucket);
}
std::string objects_arn(const BackupPlace& place) { return fmt::format("{}/{}/*", bucket_arn(place), place.prefix); }

// A listing names its prefix, and asks for nothing outside of ours.
Json list_prefix(std::string_view sid, const BackupPlace& place) {
  return with(with(allow(sid, {"s3:ListBucket"}), "Resource", bucket_arn(place)), "Condition",
              {{"StringLike", {{"s3:prefix", place.prefix + "/*"}}}});
}

Json put_objects(std::string_view sid, const BackupPlace& place) {
  Words actions = {"s3:PutObject", "s3:AbortMultipartUpload"};
  if (!place.put_only) actions.insert(actions.begin(), "s3:GetObject");
  if (place.object_lock) actions.emplace_back("s3:PutObjectRetention");
  return with(allow(sid, actions), "Resource", objects_arn(place));
}

// Only what makes an object is looked at: parts of an upload carry no condition. Servers that know neither key let it
// pass.
Json never_overwrite(const BackupPlace& place) {
  return with(with(deny("WritersNeverOverwrite", {"s3:PutObject"}), "Resource", objects_arn(place)), "Condition",
              {{"Null", {{"s3:if-none-match", "true"}}}, {"Bool", {{"s3:ObjectCreationOperation", "true"}}}});
}

Json never_delete(const BackupPlace& place) {
  return with(deny("WritersNeverDelete", {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"}),
              "Resource", bucket_arn(place) + "/*");
}

// A request that says nothing gets the bucket's default; one that says something has to say this. Both conditions,
// since a negated one holds for a header that is not there.
Json encrypt_with(std::string_view sid, const BackupPlace& place, const std::string& header, const std::string& value) {
  return with(with(deny(sid, {"s3:PutObject"}), "Resource", objects_arn(place)), "Condition",
              {{"StringNotEquals", {{header, value}}}, {"Null", {{header, "false"}}}});
}

Json only_over_tls(const BackupPlace& place) {
  Json statement = {{"Sid", "OnlyOverTls"}, {"Effect", "Deny"}, {"Principal", "*"}, {"Action", "s3:*"}};
  statement["Resource"] = {bucket_arn(place), bucket_arn(place) + "/*"};
  statement["Condition"] = {{"Bool", {{"aws:SecureTransport", "false"}}}};
  return statement;
}

std::string arn(const BackupJob& job, std::string_view service, std::string_view region, std::string_view resource) {
  return fmt::format("arn:{}:{}:{}:{}:{}", job.partition, service, region, job.account, resource);
}

Words project_arns(const BackupJob& job) {
  Words arns;
  for (const std::string& project : job.projects)
    arns.push_back(arn(job, "codebuild", job.job_region, "project/" + project));
  return arns;
}

Words repository_arns(const BackupJob& job) {
  Words arns;
  for (const std::string& region : job.regions)
    for (const std::string& repository : job.repositories) arns.push_back(arn(job, "codecommit", region, repository));
  return arns;
}

// CreateLogGroup is about the group, the others are about what lies in it.
Words log_arns(const BackupJob& job) {
  Words arns;
  for (const std::string& project : job.projects)
    for (const std::string_view ending : {"", ":*"})
      arns.push_back(arn(job, "logs", job.job_region, fmt::format("log-group:/aws/codebuild/{}{}", project, ending)));
  return arns;
}

Json trust(std::string_view sid, std::string_view service, Json condition) {
  return {{"Sid", sid},
          {"Effect", "Allow"},
          {"Principal", {{"Service", service}}},
          {"Action", "sts:AssumeRole"},
          {"Condition", std::move(condition)}};
}

bool has_wildcard(std::string_view text) { return text.find_first_of("*?") != std::string_view::npos; }

}  // namespace

std::string bucket_policy(const BucketPolicyOptions& options) {
  const BackupPlace& place = options.place;
  Json statements = Json::array({only_over_tls(place)});
  if (!place.put_only) statements.push_back(of(options.writers, list_prefix("WritersListTheirPrefix", place)));
  statements.push_back(
      of(options.writers, put_objects(place.put_only ? "WritersPut" : "WritersPutAndReadBack", place)));
  statements.push_back(of(options.writers, never_overwrite(place)));
  statements.push_back(of(options.writers, never_delete(place)));
  if (!place.kms_key.empty()) {
    const std::string header = "s3:x-amz-server-side-encryption";
    statements.push_back(of(options.writers, encrypt_with("WritersEncryptWithKms", place, header, "aws:kms")));
    statements.push_back(of(
        options.writers, encrypt_with("WritersEncryptWithThisKey", place, header + "-aws-kms-key-id", place.kms_key)));
  }
  if (!options.readers.empty()) {
    statements.push_back(of(options.readers, list_prefix("ReadersListThePrefix", place)));
    statements.push_back(
        of(options.readers, with(allow("ReadersRead", {"s3:GetObject"}), "Resource", objects_arn(place))));
  }
  return document(std::move(statements));
}

std::string build_policy(const BackupJob& job, const BackupPlace& place) {
  Json statements = Json::array();
  // The only action here that is about no repository in particular.
  statements.push_back(with(with(allow("FindRepositories", {"codecommit:ListRepositories"}), "Resource", "*"),
                            "Condition", {{"StringEquals", {{"aws:RequestedRegion", job.regions}}}}));
  statements.push_back(with(
      allow("PullRepositories", {"codecommit:GitPull", "codecommit:GetRepository", "codecommit:BatchGetRepositories"}),
      "Resource", repository_arns(job)));
  if (!place.put_only) statements.push_back(list_prefix("ListThePrefix", place));
  statements.push_back(put_objects(place.put_only ? "PutBackups" : "PutBackupsAndReadBack", place));
  if (!place.kms_key.empty())
    statements.push_back(
        with(allow("EncryptWithThisKey", {"kms:GenerateDataKey", "kms:Decrypt"}), "Resource", place.kms_key));
  if (job.package.starts_with("s3://"))
    statements.push_back(with(allow("FetchThePackage", {"s3:GetObject"}), "Resource",
                              fmt::format("arn:{}:s3:::{}", job.partition, job.package.substr(5))));
  statements.push_back(
      with(allow("WriteTheBuildLog", {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}), "Resource",
           log_arns(job)));
  return document(std::move(statements));
}

std::string batch_policy(const BackupJob& job) {
  return document(
      Json::array({with(allow("RunTheShards", {"codebuild:StartBuild", "codebuild:StopBuild", "codebuild:RetryBuild"}),
                        "Resource", project_arns(job))}));
}

std::string events_policy(const BackupJob& job) {
  return document(Json::array({with(allow("StartTheBuild", {"codebuild:StartBuild"}), "Resource", project_arns(job))}));
}

std::string build_trust(const BackupJob& job) {
  return document(Json::array({trust("CodeBuildForTheseProjects", "codebuild.amazonaws.com",
                                     {{"StringEquals", {{"aws:SourceAccount", job.account}}},
                                      {"ArnEquals", {{"aws:SourceArn", project_arns(job)}}}})}));
}

std::string events_trust(const BackupJob& job) {
  Words rules;
  for (const std::string& project : job.projects)
    rules.push_back(arn(job, "events", job.job_region, fmt::format("rule/{}*", project)));
  return document(Json::array({trust(
      "EventBridgeForTheseRules", "events.amazonaws.com",
      {{"StringEquals", {{"aws:SourceAccount", job.account}}}, {"ArnLike", {{"aws:SourceArn", std::move(rules)}}}})}));
}

std::string replication_policy(const ReplicationPolicyOptions& options) {
  Json statements = Json::array();
  const Words look = {"codecommit:GitPull", "codecommit:GetRepository", "codecommit:BatchGetRepositories"};
  if (!options.sources.empty()) statements.push_back(with(allow("PullFromSources", look), "Resource", options.sources));
  statements.push_back(with(allow("PushToDestinations", {"codecommit:GitPull", "codecommit:GitPush",
                                                         "codecommit:GetRepository", "codecommit:UpdateDefaultBranch"}),
                            "Resource", options.destinations));
  if (options.create)
    statements.push_back(with(allow("CreateDestinations", {"codecommit:CreateRepository", "codecommit:TagResource"}),
                              "Resource", options.destinations));
  // The first request of a push names no ref, and must pass.
  if (!options.refs.empty())
    statements.push_back(with(with(deny("PushOnlyTheseRefs", {"codecommit:GitPush"}), "Resource", options.destinations),
                              "Condition",
                              {{"StringNotLike", {{"codecommit:References", options.refs}}},
                               {"Null", {{"codecommit:References", "false"}}}}));
  return document(std::move(statements));
}

std::string gitlab_trust(const GitLabTrustOptions& options) {
  const std::string host = options.issuer.substr(options.issuer.find("://") + 3);
  Words subjects;
  for (const std::string& branch : options.branches)
    subjects.push_back(fmt::format("project_path:{}:ref_type:branch:ref:{}", options.project, branch));
  const bool is_pattern = has_wildcard(options.project) || std::ranges::any_of(options.branches, has_wildcard);
  // StringEquals takes '*' for a star: the usual reason why such a role lets nobody in.
  Json condition = {{"StringEquals", {{host + ":aud", options.issuer}}}};
  condition[is_pattern ? "StringLike" : "StringEquals"][host + ":sub"] = subjects;
  const std::string provider = fmt::format("arn:{}:iam::{}:oidc-provider/{}", options.partition, options.account, host);
  return document(Json::array({Json{{"Sid", "GitLabJobsOfTheseBranches"},
                                    {"Effect", "Allow"},
                                    {"Principal", {{"Federated", provider}}},
                                    {"Action", "sts:AssumeRoleWithWebIdentity"},
                                    {"Condition", std::move(condition)}}}));
}

}  // namespace packferry
