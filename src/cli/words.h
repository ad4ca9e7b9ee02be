// What was typed, and what is meant by it. An inner room of commands.cc, which alone knows how words are parsed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "setup/documents.h"

namespace packferry {

// The words as they were given; what they mean is decided after all of them have been seen.
struct Words {
  std::vector<std::string> words;  // without a flag before them: addresses, stores, repositories

  std::vector<std::string> refs;
  std::vector<std::string> excludes;
  std::string policy = "mirror";
  std::string allow_deletions;
  std::string allow_rewinds;
  std::string atomic = "auto";
  std::string max_push;
  bool keep_old_tips = true;
  bool ignore_non_empty_destination = false;
  bool dry_run = false;

  bool create = false;
  bool from_environment = false;
  bool full = false;
  bool record_unchanged = false;
  bool overwrite = false;
  std::vector<std::string> allowed_regions;
  std::string description;
  std::vector<std::string> tags;

  std::string all;
  std::vector<std::string> includes;
  std::string shard;
  std::vector<std::string> only;
  bool confirm_all = false;
  bool no_workers = false;
  bool no_lookout = false;
  bool try_alarms = false;
  bool secrets = false;
  unsigned sweep_jobs = 0;
  unsigned attempts = 4;
  std::string report;
  std::string metrics;
  unsigned jobs = 8;

  unsigned chain_links = 30;
  unsigned chain_percent = 50;
  unsigned chain_days = 30;
  std::string store_address;
  std::string store_region;
  StoreOptions store;
  std::string object_lock;
  std::string name;
  std::string format = "bundle";
  std::string key_template;
  std::vector<std::string> key_variables;
  std::vector<std::string> recipients;
  std::string put_only;
  std::string level;
  std::vector<std::string> identities;
  std::string scratch;
  std::string at;
  std::string part;
  RetentionPolicy keep;
  std::string keep_within;
  std::string grace = "24h";

  SetupWords setup;  // every option of documents, given or not
  std::string output;

  std::string source;
  std::string destination;
  bool may_delete = false;
  bool may_only_put = false;

  std::string catalogue;
  std::vector<std::string> replace_branches;
  std::string freshness;
  std::string schedule;
  std::string role;
  std::string status;
  unsigned last = 20;
  std::string server;
  std::string token_file;
  bool no_wait = false;
  std::string bearer;
  std::vector<std::string> scopes;
  std::vector<std::string> replicas;
  std::string expires;

  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool version = false;
  std::string color = "auto";
  int protocol = 2;
  int stall_seconds = 300;
  std::string credentials;
  std::string source_credentials;
  std::string destination_credentials;
  AwsIdentity source_identity;
  AwsIdentity destination_identity;
  AwsIdentity store_identity;
  std::string role_session_name;
  std::string ca_file;
};

// Invalid: what is missing, too much or not to be understood.
Result<CommandLine> command_of(std::string_view command, const Words& words);

// What --ref and --exclude say; nothing where they say nothing.
Result<std::vector<Refspec>> refspecs_of(const Words& words);

// How far to follow, into a Policy or a ReplicaPolicy.
template <typename AnyPolicy>
Result<> take_following(const Words& words, AnyPolicy& policy) {
  policy.follow = TRY(parse_follow_mode(words.policy).context("--policy"));
  if (!words.allow_deletions.empty())
    policy.allow_deletions = TRY(Allowance::parse(words.allow_deletions).context("--allow-deletions"));
  if (!words.allow_rewinds.empty())
    policy.allow_rewinds = TRY(Allowance::parse(words.allow_rewinds).context("--allow-rewinds"));
  policy.keep_old_tips = words.keep_old_tips;
  return {};
}

// The name that a repository gets in a store when none is given: "app/web" for https://host/app/web.git, "web" for a
// path that ends so and for CodeCommit's /v1/repos/web.
Result<RepositoryName> repository_name_of(const Url& url);

}  // namespace packferry
