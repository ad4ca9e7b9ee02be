#include "cli/commands.h"

#include <gmock/gmock.h>

#include "cli/help.h"
#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::HasSubstr;
using testing::must;

using Words = std::vector<std::string>;

template <typename Command>
Command understood(const Words& words) {
  std::variant<CommandLine, Answer> parsed = parse_command_line(words, "1.2.3");
  if (const Answer* answer = std::get_if<Answer>(&parsed)) ADD_FAILURE() << answer->err << answer->out;
  return std::get<Command>(std::get<CommandLine>(parsed).command);
}

CommonOptions common(const Words& words) { return std::get<CommandLine>(parse_command_line(words, "1.2.3")).common; }

Answer answer(const Words& words) {
  std::variant<CommandLine, Answer> parsed = parse_command_line(words, "1.2.3");
  if (!std::holds_alternative<Answer>(parsed)) ADD_FAILURE() << "understood";
  return std::get<Answer>(parsed);
}

Words replicate(Words options) {
  Words words = {"replicate", "https://a/web", "https://b/web"};
  words.insert(words.end(), options.begin(), options.end());
  return words;
}

bool selects(const RefspecSet& selection, std::string_view name) {
  return selection.selects(must(RefName::parse(name)));
}

TEST(Commands, AReplicaNeedsTwoAddressesAndNoMore) {
  const auto command = understood<ReplicateCommand>({"replicate", "https://a/web", "git@b:web", "/c/web.git"});
  EXPECT_EQ(command.source.text(), "https://a/web");
  ASSERT_EQ(command.destinations.size(), 2u);
  EXPECT_EQ(command.destinations[1].path(), "/c/web.git");
  EXPECT_EQ(command.policy.follow, FollowMode::Mirror);
  EXPECT_EQ(command.policy.atomic, AtomicMode::Auto);
  EXPECT_TRUE(command.policy.keep_old_tips);
  EXPECT_FALSE(command.policy.allow_deletions || command.policy.allow_rewinds);
  EXPECT_FALSE(command.dry_run);
  EXPECT_TRUE(selects(command.policy.selection, "refs/heads/main"));
  EXPECT_TRUE(selects(command.policy.selection, "refs/tags/v1"));
  EXPECT_FALSE(selects(command.policy.selection, "refs/pull/1/head"));
}

TEST(Commands, OptionsStandBeforeOrAfterAddresses) {
  for (const Words& words : {Words{"replicate", "--ref", "main", "--ref", "v*", "/a", "/b"},
                             Words{"replicate", "/a", "--ref=main", "/b", "--ref", "v*"}}) {
    const auto command = understood<ReplicateCommand>(words);
    EXPECT_EQ(command.source.path(), "/a");
    ASSERT_EQ(command.destinations.size(), 1u);
    EXPECT_TRUE(selects(command.policy.selection, "refs/heads/v1"));
    EXPECT_FALSE(selects(command.policy.selection, "refs/heads/other"));
    EXPECT_FALSE(selects(command.policy.selection, "refs/tags/v1"));
  }
}

TEST(Commands, ExcludingAloneNarrowsTheDefault) {
  const auto command = understood<ReplicateCommand>(replicate({"--exclude", "wip/*", "--exclude", "^tags/nightly"}));
  EXPECT_TRUE(selects(command.policy.selection, "refs/heads/main"));
  EXPECT_FALSE(selects(command.policy.selection, "refs/heads/wip/x"));
  EXPECT_FALSE(selects(command.policy.selection, "refs/tags/nightly"));
  EXPECT_FALSE(selects(command.policy.selection, "refs/notes/x"));
}

TEST(Commands, ThePolicyIsWhatWasSaid) {
  const Policy policy = understood<ReplicateCommand>(
                            replicate({"--policy", "additive", "--allow-deletions", "25", "--allow-rewinds", "10%",
                                       "--no-keep-old-tips", "--atomic", "never", "--ignore-non-empty-destination"}))
                            .policy;
  EXPECT_EQ(policy.follow, FollowMode::Additive);
  EXPECT_EQ(policy.allow_deletions->of(1000), 25u);
  EXPECT_EQ(policy.allow_rewinds->of(1000), 100u);
  EXPECT_FALSE(policy.keep_old_tips);
  EXPECT_EQ(policy.atomic, AtomicMode::Never);
  EXPECT_TRUE(policy.ignore_non_empty_destination);
}

TEST(Commands, CommonOptionsReachTheEnds) {
  const CommonOptions options =
      common(replicate({"--protocol", "0", "--stall-timeout", "7", "--credentials", "/c", "--source-credentials", "/s",
                        "--destination-credentials", "/d", "--ca-file", "/ca", "--color", "never", "--json", "-q"}));
  EXPECT_EQ(options.ends.protocol, 0);
  EXPECT_EQ(options.ends.patience.stall_ms, Milliseconds(7'000));
  EXPECT_EQ(options.ends.credentials_file, "/c");
  EXPECT_EQ(options.ends.source_credentials_file, "/s");
  EXPECT_EQ(options.ends.destination_credentials_file, "/d");
  EXPECT_EQ(options.ends.ca_file, "/ca");
  EXPECT_EQ(options.color, ColorMode::Never);
  EXPECT_TRUE(options.json && options.quiet && !options.verbose);
}

TEST(Commands, TheOtherTwoRead) {
  EXPECT_EQ(understood<RefsCommand>({"refs", "git://a/web"}).url.text(), "git://a/web");
  const auto command = understood<CompareCommand>({"compare", "/a", "/b", "/c", "--ref", "main"});
  EXPECT_EQ(command.urls.size(), 3u);
  EXPECT_TRUE(selects(command.selection, "refs/heads/main"));
  EXPECT_FALSE(selects(command.selection, "refs/heads/other"));
}

TEST(Commands, UsageErrorsNameWhatIsWrong) {
  const struct {
    Words words;
    const char* part;
  } cases[] = {
      {{"replicat", "/a", "/b"}, "there is no command 'replicat'"},
      {{"replicate"}, "SOURCE and DESTINATION are missing"},
      {{"replicate", "/a"}, "DESTINATION is missing"},
      {{"replicate", "/a", "/a/"}, "is the source"},
      {{"replicate", "/a", "/b", "/b"}, "given twice"},
      {{"replicate", "/a", "git://b/web"}, "can only be read"},
      {{"replicate", "/a", "ext::sh -c id"}, "ext"},
      {replicate({"--policy", "mirorr"}), "--policy"},
      {replicate({"--atomic", "perhaps"}), "--atomic"},
      {replicate({"--allow-deletions", "some"}), "--allow-deletions"},
      {replicate({"--allow-rewinds", "-1"}), "--allow-rewinds"},
      {replicate({"--ref", "a..b"}), "--ref"},
      {replicate({"--exclude", "a..b"}), "--exclude"},
      {replicate({"--ref"}), "--ref"},
      {replicate({"--protocol", "1"}), "--protocol"},
      {replicate({"--stall-timeout", "0"}), "--stall-timeout"},
      {replicate({"--color", "red"}), "--color"},
      {replicate({"--quiet", "--verbose"}), "--verbose"},
      {replicate({"--forse"}), "--forse"},
      {{"refs"}, "URL is missing"},
      {{"refs", "/a", "/b"}, "one URL at a time"},
      {{"compare", "/a"}, "two URLs or more"},
      {{"backup", "/a"}, "--to STORE is missing"},
      {{"backup", "--to", "/b"}, "SOURCE is missing"},
      {{"backup", "/a", "--to", "ftp://x/y"}, "s3://BUCKET/PREFIX"},
      {{"backup", "/a", "--to", "/b", "--sse", "AES256"}, "is a directory"},
      {{"backup", "/a", "--to", "/b", "--region", "eu-west-1"}, "is a directory"},
      {{"backup", "/a", "--to", "/b", "--object-lock", "GOVERNANCE=3"}, "is a directory"},
      {{"backup", "/a", "--to", "/b", "--name", "../x"}, "REPO"},
      {{"backup", "/a", "--to", "/b", "--recipient", "age1x"}, "--recipient"},
      {{"backup", "/a", "--to", "/b", "--put-only", "f", "--verify", "stored"}, "cannot --verify"},
      {{"backup", "/a", "--to", "s3://bucket", "--object-lock", "GOVERNANCE"}, "GOVERNANCE=DAYS"},
      {{"backup", "/a", "--to", "/b", "--key", "x/${datetime}"}, "--key"},
      {{"snapshots"}, "STORE is missing"},
      {{"restore", "/b", "web"}, "STORE, REPO and TARGET"},
      {{"restore", "/b", "web", "/t", "--at", "yesterday"}, "--at"},
      {{"restore", "/b", "web", "git://host/web"}, "can only be read"},
      {{"verify", "/b", "--part", "8/7"}, "N/T"},
      {{"verify", "/b", "--snapshot", "3"}, "one REPO"},
      {{"verify", "/b", "--level", "sure"}, "--level"},
      {{"verify", "/b", "--part", "1/2", "--level", "drill"}, "--part goes with"},
      {{"prune", "/b"}, "say what to keep"},
      {{"doctor"}, "say what to look at"},
      {{"doctor", "/a"}, "is '/a' a --store, a --source or a --destination?"},
      {{"doctor", "--store", "/b", "--sse", "AES256"}, "is a directory"},
      {{"doctor", "--source", "ext::id"}, "--source"},
      {{"doctor", "--destination", "ext::id"}, "--destination"},
      {{"setup"}, "DOCUMENT is missing: one of bucket-policy, "},
      {{"setup", "policy"}, "there is no document 'policy'"},
      {{"setup", "bucket-policy", "buildspec"}, "one DOCUMENT at a time"},
      {{"setup", "bucket-policy", "--bucket", "x"}, "--bucket: 'x' is not"},
      {{"setup", "event-rule", "--document", "rule", "--create"}, "--create has no use here"},
      {{"setup", "bucket-policy", "--bucket", "abc", "--bucket", "abd"}, "--bucket is given twice"},
  };
  for (const auto& c : cases) {
    const Answer said = answer(c.words);
    EXPECT_EQ(said.status, ExitStatus::Usage);
    EXPECT_EQ(said.out, "");
    EXPECT_THAT(said.err, HasSubstr(c.part));
    EXPECT_THAT(said.err, HasSubstr("--help'.\n"));
  }
}

TEST(Commands, AUsageErrorNeverRepeatsAPassword) {
  for (const Words& words : {Words{"replicate", "https://ann:canary@a/web"},
                             Words{"replicate", "https://ann:canary@a/web", "https://ben:canary@a/web"},
                             Words{"replicate", "https://ann:canary@a/web#x", "/b"}})
    EXPECT_EQ(answer(words).err.find("canary"), std::string::npos) << answer(words).err;
}

TEST(Commands, ASizeIsANumberWithAUnit) {
  const auto size = [](const char* text) {
    return understood<ReplicateCommand>({"replicate", "/a", "/b", "--max-push", text}).push_bytes_max;
  };
  EXPECT_EQ(size("17"), 17u);
  EXPECT_EQ(size("500M"), 500ull << 20);
  EXPECT_EQ(size("2G"), 2ull << 30);
  for (const char* wrong : {"0", "-1", "M", "5X", "5MB", "99999999999G", ""})
    EXPECT_EQ(answer({"replicate", "/a", "/b", "--max-push=" + std::string(wrong)}).status, ExitStatus::Usage) << wrong;
}

TEST(Commands, ABackupGoesToAStoreUnderAName) {
  const auto command = understood<BackupCommand>(
      {"backup", "https://a/group/web.git", "--to", "s3://bucket/x", "--full", "--chain-links", "3", "--verify",
       "drill", "--object-lock", "GOVERNANCE=30", "--key-set", "account_id=1", "--key-set", "region=eu-west-1"});
  EXPECT_EQ(command.vault.store.text(), "s3://bucket/x");
  EXPECT_EQ(command.vault.repository->text(), "group/web");
  EXPECT_TRUE(command.full);
  EXPECT_EQ(command.limits.links_max, 3u);
  EXPECT_EQ(command.verify, Verification::Drilled);
  EXPECT_EQ(command.vault.store_options.object_lock_days, 30u);
  EXPECT_TRUE(selects(command.policy.selection, "refs/pull/1/head"));
  EXPECT_EQ(command.key_variables.at("region"), "eu-west-1");
  EXPECT_EQ(understood<BackupCommand>({"backup", "/a/web", "--to", "/b", "--name", "x/y"}).vault.repository->text(),
            "x/y");
}

TEST(Commands, ABackupOfAWholeAccountTakesWhatItIsToldAboutRepositories) {
  const auto command = understood<BackupCommand>(
      {"backup", "--all", "codecommit", "--region", "eu-west-1,us-east-1,eu-west-1", "--to", "s3://bucket/x",
       "--include", "app-*", "--exclude", "*-old", "--shard", "2/3", "--jobs", "4", "--metrics", "emf"});
  const WholeAccount& account = std::get<WholeAccount>(command.source);
  EXPECT_THAT(account.regions, ::testing::ElementsAre("eu-west-1", "us-east-1"));
  EXPECT_THAT(account.includes, ::testing::ElementsAre("app-*"));
  EXPECT_THAT(account.excludes, ::testing::ElementsAre("*-old"));
  EXPECT_EQ(account.shard, 2u);
  EXPECT_EQ(account.shards, 3u);
  EXPECT_EQ(account.jobs, 4u);
  EXPECT_EQ(command.metrics, Metrics::Repository);
  EXPECT_EQ(command.vault.store_options.region, "") << "of the repositories, not of the bucket";
  EXPECT_TRUE(selects(command.policy.selection, "refs/heads/fix-old")) << "names of repositories, not of refs";
  EXPECT_TRUE(std::holds_alternative<NamedByEnvironment>(
      understood<BackupCommand>({"backup", "--from-environment", "--to", "/b"}).source));
  EXPECT_EQ(understood<BackupCommand>({"backup", "/a", "--to", "s3://bucket", "--region", "eu-west-1"})
                .vault.store_options.region,
            "eu-west-1");
}

TEST(Commands, WhatDoesNotGoTogetherWithAWholeAccountIsRefused) {
  const struct {
    Words words;
    const char* says;
  } cases[] = {{{"--all", "codecommit"}, "--region"},
               {{"--all", "codecommit", "--region", ",", "/source"}, "is named"},
               {{"--all", "codecommit", "--region", "r", "--from-environment"}, "exclude each other"},
               {{"--all", "codecommit", "--region", "r", "--put-only", "x"}, "--put-only"},
               {{"--all", "codecommit", "--region", "r", "--shard", "4/3"}, "--shard is N/T"},
               {{"--all", "codecommit", "--region", "r", "--metrics", "emf", "--json"}, "standard output"},
               {{"--all", "nonsense", "--region", "r"}, "nonsense"},
               {{"/source", "--shard", "1/2"}, "--all"},
               {{"--from-environment", "/source"}, "--from-environment"}};
  for (const auto& each : cases) {
    Words words = {"backup", "--to", "/b"};
    words.insert(words.end(), each.words.begin(), each.words.end());
    EXPECT_THAT(answer(words).err, HasSubstr(each.says));
    EXPECT_EQ(answer(words).status, ExitStatus::Usage);
  }
}

TEST(Commands, ANameComesFromTheAddress) {
  const struct {
    const char *url, *name;
  } cases[] = {{"https://host/app/web.git/", "app/web"},
               {"git@host:app/web.git", "app/web"},
               {"git@host:~me/web", "me/web"},
               {"/srv/git/web.git", "web"},
               {"https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/web", "web"},
               {"codecommit::eu-west-1://west@Team.web", "Team.web"}};
  for (const auto& each : cases)
    EXPECT_EQ(understood<BackupCommand>({"backup", each.url, "--to", "/b"}).vault.repository->text(), each.name);
}

TEST(Commands, WhatComesBackIsChosenByTimeOrNumber) {
  const auto restore = understood<RestoreCommand>({"restore", "/b", "app/web", "/target", "--at", "3", "--overwrite"});
  EXPECT_EQ(restore.choice.number, 3u);
  EXPECT_TRUE(restore.overwrite);
  EXPECT_EQ(restore.target.path(), "/target");
  EXPECT_TRUE(understood<RestoreCommand>({"restore", "/b", "web", "/t", "--at", "2026-11-22"}).choice.at.has_value());
  const auto verify = understood<VerifyCommand>({"verify", "/b", "--part", "2/7"});
  EXPECT_EQ(verify.part, 2u);
  EXPECT_EQ(verify.parts, 7u);
  EXPECT_FALSE(verify.vault.repository);
  const auto prune = understood<PruneCommand>({"prune", "/b", "web", "--keep-daily", "7", "--keep-within", "30d"});
  EXPECT_EQ(prune.policy.keep_daily, 7u);
  EXPECT_EQ(prune.policy.keep_within, std::chrono::hours(30 * 24));
  EXPECT_EQ(prune.grace, std::chrono::hours(24));
}

TEST(Commands, EachSideMayGoToAwsAsSomebodyElse) {
  const EndOptions ends =
      common({"backup", "codecommit://web", "--to", "s3://backups", "--source-profile", "west", "--source-role",
              "arn:aws:iam::111122223333:role/reader", "--source-external-id", "x-1", "--store-role",
              "arn:aws:iam::444455556666:role/writer", "--role-session-name", "nightly"})
          .ends;
  EXPECT_EQ(ends.source_identity, (AwsIdentity{.profile = "west",
                                               .role_arn = "arn:aws:iam::111122223333:role/reader",
                                               .external_id = "x-1",
                                               .session_name = "nightly"}));
  EXPECT_EQ(ends.store_identity,
            (AwsIdentity{.role_arn = "arn:aws:iam::444455556666:role/writer", .session_name = "nightly"}));
  EXPECT_FALSE(ends.destination_identity.is_named());
  EXPECT_THAT(answer({"refs", "codecommit://web", "--source-external-id", "x"}).err,
              HasSubstr("--source-external-id goes with --source-role"));
  EXPECT_THAT(answer({"refs", "codecommit://web", "--role-session-name", "x"}).err, HasSubstr("goes with a role"));
}

// An address of CodeCommit names no account.
TEST(Commands, OneAddressOfCodeCommitMayBeTwoRepositories) {
  const Words words = {"replicate", "codecommit::eu-west-1://web", "codecommit::eu-west-1://web"};
  EXPECT_THAT(answer(words).err, HasSubstr("is the source"));
  Words two = words;
  two.insert(two.end(), {"--destination-role", "arn:aws:iam::444455556666:role/writer"});
  understood<ReplicateCommand>(two);
}

TEST(Commands, ARepositoryIsMadeWithDescriptionAndTags) {
  const Words given = {"create-repository",
                       "codecommit::eu-west-1://web",
                       "--description",
                       "a b",
                       "--tag",
                       "team=x=y",
                       "--tag",
                       "empty=",
                       "--allowed-regions",
                       "eu-west-1,eu-west-2"};
  const auto create = understood<CreateRepositoryCommand>(given);
  EXPECT_EQ(create.url.text(), "codecommit::eu-west-1://web");
  EXPECT_EQ(create.description, "a b");
  EXPECT_EQ(create.tags, (std::map<std::string, std::string>{{"empty", ""}, {"team", "x=y"}}));
  EXPECT_EQ(common(given).ends.allowed_regions, (Words{"eu-west-1", "eu-west-2"}));
  EXPECT_THAT(answer({"create-repository"}).err, HasSubstr("one URL is wanted"));
  EXPECT_THAT(answer({"create-repository", "codecommit://a", "--tag", "=x"}).err, HasSubstr("KEY=VALUE"));
  EXPECT_THAT(answer({"create-repository", "codecommit://a", "--tag", "x=1", "--tag", "x=2"}).err,
              HasSubstr("given twice"));
  EXPECT_THAT(answer(replicate({"--allowed-regions", "eu-west-1"})).err, HasSubstr("goes with --create"));
  EXPECT_TRUE(common(replicate({"--create"})).ends.create_destinations);
}

TEST(Commands, ACredentialHelperIsToldWhatToDo) {
  EXPECT_EQ(understood<CredentialCommand>({"credential", "get"}).action, "get");
  EXPECT_THAT(answer({"credential"}).err, HasSubstr("get, store and erase"));
}

TEST(Commands, ADocumentIsMadeOfWhatWasSaid) {
  const auto command = understood<SetupCommand>({"setup", "buildspec", "--mode", "single", "--bucket", "backups",
                                                 "--prefix", "git", "--region", "eu-west-1,eu-west-2", "--region",
                                                 "us-east-1", "--output", "/tmp/buildspec.yml"});
  EXPECT_THAT(command.text, HasSubstr("--region 'eu-west-1,eu-west-2,us-east-1'"));
  EXPECT_EQ(command.output, "/tmp/buildspec.yml");
}

TEST(Commands, AReplicaIsOrdered) {
  const auto command = understood<ReplicaCommand>({"replica",
                                                   "create",
                                                   "https://a.example/web",
                                                   "https://b.example/web",
                                                   "--name",
                                                   "web",
                                                   "--ref",
                                                   "main",
                                                   "--exclude",
                                                   "tmp/*",
                                                   "--policy",
                                                   "fast-forward",
                                                   "--replace-branch",
                                                   "main",
                                                   "--allowed-regions",
                                                   "us-west-2,us-east-1",
                                                   "--role",
                                                   "arn:aws:iam::1:role/x",
                                                   "--freshness",
                                                   "10m",
                                                   "--schedule",
                                                   "every 5m",
                                                   "--catalogue",
                                                   "/c.db"});
  ASSERT_TRUE(command.wish);
  EXPECT_EQ(command.catalogue, "/c.db");
  EXPECT_EQ(command.wish->name, "web");
  EXPECT_EQ(command.wish->policy.text(), "ref refs/heads/main\nref ^refs/heads/tmp/*\nfollow fast-forward\n");
  EXPECT_TRUE(command.wish->may_replace("refs/heads/main"));
  EXPECT_FALSE(command.wish->may_replace("refs/heads/next"));
  EXPECT_EQ(command.wish->allowed_regions.size(), 2u);
  EXPECT_EQ(command.wish->freshness, std::chrono::minutes(10));
  EXPECT_EQ(command.wish->schedule, "every 5m");
}

TEST(Commands, AReplicaIsSpokenOfByName) {
  EXPECT_EQ(understood<ReplicaCommand>({"replica", "parity", "a", "b"}).names.size(), 2u);
  EXPECT_EQ(understood<ReplicaCommand>({"replica", "approve", "web", "0123456789ab"}).plan, "0123456789ab");
  EXPECT_EQ(understood<ReplicaCommand>({"replica", "list", "--status", "Held"}).status, ReplicaStatus::Held);
  EXPECT_EQ(understood<ReplicaCommand>({"replica", "audit"}).last, 20u);
  EXPECT_TRUE(understood<ReplicaCommand>({"replica", "audit"}).names.empty());
  EXPECT_EQ(understood<ReplicaCommand>({"replica", "audit", "web", "--last", "7"}).last, 7u);
  EXPECT_THAT(answer({"replica"}).err, HasSubstr("say what to do: create, get"));
  EXPECT_THAT(answer({"replica", "audit", "a", "b"}).err, HasSubstr("packferry replica audit [NAME]"));
  EXPECT_THAT(answer({"replica", "audit", "--last", "0"}).err, HasSubstr("--last"));
  EXPECT_THAT(answer({"replica", "get"}).err, HasSubstr("packferry replica get NAME"));
  EXPECT_THAT(answer({"replica", "sync", "a", "b"}).err, HasSubstr("packferry replica sync NAME"));
  EXPECT_THAT(answer({"replica", "list", "--status", "Fine"}).err, HasSubstr("'Fine' is none"));
  EXPECT_THAT(answer({"replica", "create", "https://u:secret@a.example/web", "https://b.example/web"}).err,
              ::testing::AllOf(HasSubstr("passwords are not"), ::testing::Not(HasSubstr("secret"))));
}

TEST(Commands, HelpIsGivenOnStandardOutput) {
  EXPECT_EQ(answer({}).out, help_text(""));
  EXPECT_EQ(answer({"--help"}).out, help_text(""));
  EXPECT_EQ(answer({"help"}).out, help_text(""));
  for (const std::string_view name : command_names()) {
    const std::string command(name);
    EXPECT_EQ(answer({command, "--help"}).out, help_text(command));
    EXPECT_EQ(answer({command, "-h"}).out, help_text(command));
    EXPECT_EQ(answer({"help", command}).out, help_text(command));
  }
  EXPECT_EQ(answer({"--version"}).out, "packferry 1.2.3\n");
  EXPECT_EQ(answer({"--version"}).status, ExitStatus::Done);
}

TEST(Commands, HelpNamesEveryOptionAndNoOther) {
  for (const std::string_view command : command_names()) {
    const std::string help(help_text(command));
    const Words names = option_names(command);
    for (const std::string& name : names)
      if (name != "--help") {
        EXPECT_THAT(help, HasSubstr(name)) << command;
      }
    for (std::size_t at = help.find(" --"); at != std::string::npos; at = help.find(" --", at + 1)) {
      const std::string named = help.substr(at + 1, help.find_first_of(" ,:'\n", at + 1) - at - 1);
      if (named != "--help" && named != "--version") {
        EXPECT_THAT(names, ::testing::Contains(named)) << command;
      }
    }
  }
}

TEST(Commands, HelpFitsIntoAHundredColumns) {
  std::vector<std::string_view> pages = command_names();
  pages.push_back("");
  for (const std::string_view command : pages) {
    std::string_view help = help_text(command);
    while (!help.empty()) {
      const std::string_view line = help.substr(0, help.find('\n'));
      EXPECT_LE(line.size(), 100u) << line;
      help.remove_prefix(line.size() + 1);
    }
  }
}

}  // namespace
}  // namespace packferry
