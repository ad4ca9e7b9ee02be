#include "config/config_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "testing/golden.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::expect_golden;
using testing::must;

Fleet fleet_of(std::string_view text) {
  ConfigReading reading = read_config(text, "/etc/packferry");
  for (const ConfigMistake& mistake : reading.mistakes)
    ADD_FAILURE() << mistake.line << ":" << mistake.column << ": " << mistake.what << "; " << mistake.remedy;
  return reading.fleet.value_or(Fleet());
}

constexpr std::string_view kWhole = R"(
catalogue = "state/catalogue.db"
jobs = 32
confirm_every = "2d"
trust_listing = "0h"

[hosts.gitlab]
kind = "gitlab"
url = "https://gitlab.example.com/git"
token = { env = "GITLAB_TOKEN" }
user = "robot"
ca_file = "ca.pem"
jobs = 4

[hosts.hub]
kind = "github"
app = { id = 123, installation = "456", key = { file = "app.pem" } }

[hosts.aws]
kind = "codecommit"
region = "eu-central-1"
role = "arn:aws:iam::111122223333:role/x"
external_id = "e"
session_name = "s"

[hosts.disk]
kind = "directory"
path = "mirrors"

[hosts.few]
kind = "list"
repositories = ["https://git.example.com/app/web.git", "git@git.example.com:app/api.git", "./local"]
file = "more.txt"

[stores.vault]
address = "s3://bucket/prefix"
endpoint_url = "https://s3.example.org:9000"
region = "eu-west-1"
addressing = "path"
sse = "aws:kms"
sse_kms_key_id = "k"
storage_class = "STANDARD_IA"
expected_bucket_owner = "111122223333"
bucket_owner_full_control = true
object_lock = "GOVERNANCE=30"
profile = "backup"

[stores.near]
address = "../backup"

[defaults]
refs = ["refs/heads/*", "refs/tags/*"]
allow_rewinds = 7
policy = "additive"
max_push = "1G"

[[backups]]
name = "nightly"
source = { host = "gitlab", owner = "platform", include = ["platform/**"], exclude = ["*/tmp"], visibility = ["private", "internal"], archived = false, forks = false, wikis = true }
store = "vault"
repository = "gl/${path}"
format = "zip"
keys = "x/${repo_name}/${datetime}.zip"
chain = { links = 5, percent = 70, days = 7 }
exclude_refs = ["refs/heads/wip/*"]
allow_deletions = "20%"
ignore_non_empty_destination = true

[[backups]]
name = "account"
source = { host = "aws" }
store = "near"
repository = "${account_id}/${region}/${name}"
recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]
refs = ["refs/*"]

[[replicas]]
name = "to-aws"
source = { host = "gitlab", include = ["platform/*"] }
destinations = [ { host = "aws", repository = "${group}-${name}", create = true }, { host = "disk", visibility = "public" } ]
policy = "fast-forward"
keep_old_tips = false
atomic = "never"
max_push = 4096
)";

TEST(ConfigFile, SaysAWholeFleet) {
  const Fleet fleet = fleet_of(kWhole);
  EXPECT_EQ(fleet.catalogue, "/etc/packferry/state/catalogue.db");
  EXPECT_EQ(fleet.jobs, 32u);
  EXPECT_EQ(fleet.confirm_every, std::chrono::hours(48));
  EXPECT_EQ(fleet.trust_listing, Milliseconds(0));
  ASSERT_EQ(fleet.hosts.size(), 5u);
  ASSERT_EQ(fleet.stores.size(), 2u);
  ASSERT_EQ(fleet.backups.size(), 2u);
  ASSERT_EQ(fleet.replicas.size(), 1u);
}

TEST(ConfigFile, SaysWhereHostsAreAndWhoWeAreThere) {
  const Fleet fleet = fleet_of(kWhole);
  const FleetHost& gitlab = *fleet.host("gitlab");
  EXPECT_EQ(gitlab.kind, HostKind::GitLab);
  EXPECT_EQ(gitlab.url->text(), "https://gitlab.example.com/git");
  EXPECT_EQ(gitlab.token, (SecretReference{SecretReference::Kind::Environment, "GITLAB_TOKEN"}));
  EXPECT_EQ(gitlab.user, "robot");
  EXPECT_EQ(gitlab.ca_file, "/etc/packferry/ca.pem");
  EXPECT_EQ(gitlab.jobs, 4u);

  const FleetHost& hub = *fleet.host("hub");
  EXPECT_FALSE(hub.url) << "the public one";
  EXPECT_EQ(hub.app,
            (AppIdentity{
                .id = "123", .installation = "456", .key = {SecretReference::Kind::File, "/etc/packferry/app.pem"}}));
  EXPECT_EQ(hub.jobs, 8u);

  const FleetHost& aws = *fleet.host("aws");
  EXPECT_EQ(aws.region, "eu-central-1");
  EXPECT_EQ(aws.identity,
            (AwsIdentity{.role_arn = "arn:aws:iam::111122223333:role/x", .external_id = "e", .session_name = "s"}));
  EXPECT_EQ(fleet.host("disk")->path, "/etc/packferry/mirrors");

  const FleetHost& few = *fleet.host("few");
  ASSERT_EQ(few.repositories.size(), 3u);
  EXPECT_EQ(few.repositories[1].text(), "git@git.example.com:app/api.git");
  EXPECT_EQ(few.repositories[2].path(), "/etc/packferry/local");
  EXPECT_EQ(few.file, "/etc/packferry/more.txt");
}

TEST(ConfigFile, SaysWhatStoresAreLike) {
  const Fleet fleet = fleet_of(kWhole);
  const FleetStore& vault = *fleet.store("vault");
  EXPECT_EQ(vault.address.text(), "s3://bucket/prefix");
  EXPECT_EQ(vault.options.endpoint, "https://s3.example.org:9000/");
  EXPECT_EQ(vault.options.region, "eu-west-1");
  EXPECT_EQ(vault.options.addressing, "path");
  EXPECT_EQ(vault.options.server_side_encryption, "aws:kms");
  EXPECT_EQ(vault.options.kms_key_id, "k");
  EXPECT_EQ(vault.options.storage_class, "STANDARD_IA");
  EXPECT_EQ(vault.options.expected_bucket_owner, "111122223333");
  EXPECT_TRUE(vault.options.bucket_owner_full_control);
  EXPECT_EQ(vault.options.object_lock_mode, "GOVERNANCE");
  EXPECT_EQ(vault.options.object_lock_days, 30u);
  EXPECT_EQ(vault.identity.profile, "backup");
  EXPECT_EQ(fleet.store("near")->address.path, "/etc/backup");
}

TEST(ConfigFile, ABackupBeginsWithTheDefaultsThatItHasUseFor) {
  const FleetBackup backup = fleet_of(kWhole).backups.at(0);
  EXPECT_EQ(backup.name, "nightly");
  EXPECT_EQ(backup.source.host, "gitlab");
  EXPECT_EQ(backup.source.owner, "platform");
  EXPECT_EQ(backup.source.include, (std::vector<std::string>{"platform/**"}));
  EXPECT_EQ(backup.source.exclude, (std::vector<std::string>{"*/tmp"}));
  EXPECT_EQ(backup.source.visibility, (std::vector<Visibility>{Visibility::Private, Visibility::Internal}));
  EXPECT_FALSE(backup.source.archived);
  EXPECT_FALSE(backup.source.forks);
  EXPECT_TRUE(backup.source.wikis);
  EXPECT_EQ(backup.store, "vault");
  EXPECT_EQ(backup.repository, "gl/${path}");
  EXPECT_EQ(backup.format, BackupFormat::Zip);
  EXPECT_TRUE(backup.keys);
  EXPECT_EQ(backup.limits.links_max, 5u);
  EXPECT_EQ(backup.limits.percent_max, 70u);
  EXPECT_EQ(backup.limits.age_max, std::chrono::hours(7 * 24));
  EXPECT_TRUE(backup.policy.ignore_non_empty_destination);
  EXPECT_EQ(backup.policy.allow_deletions->percent, 20u);
  EXPECT_EQ(backup.policy.allow_rewinds->count, 7u);
  const auto selects = [&](std::string_view name) {
    return backup.policy.selection.selects(must(RefName::parse(name)));
  };
  EXPECT_TRUE(selects("refs/heads/main"));
  EXPECT_FALSE(selects("refs/heads/wip/x"));
  EXPECT_FALSE(selects("refs/notes/x"));
}

TEST(ConfigFile, WhatABackupSaysItselfReplacesTheDefault) {
  const FleetBackup backup = fleet_of(kWhole).backups.at(1);
  EXPECT_TRUE(backup.policy.selection.selects(must(RefName::parse("refs/notes/x"))));
  ASSERT_EQ(backup.recipients.size(), 1u);
  EXPECT_EQ(backup.format, BackupFormat::Bundle);
  EXPECT_TRUE(backup.source.archived && backup.source.forks && !backup.source.wikis);
}

TEST(ConfigFile, AReplicaGoesToItsDestinationsUnderItsPolicy) {
  const FleetReplica replica = fleet_of(kWhole).replicas.at(0);
  EXPECT_EQ(replica.name, "to-aws");
  ASSERT_EQ(replica.destinations.size(), 2u);
  EXPECT_EQ(replica.destinations[0].host, "aws");
  EXPECT_EQ(replica.destinations[0].repository, "${group}-${name}");
  EXPECT_TRUE(replica.destinations[0].create);
  EXPECT_EQ(replica.destinations[0].visibility, Visibility::Private);
  EXPECT_EQ(replica.destinations[1].repository, "${path}");
  EXPECT_FALSE(replica.destinations[1].create);
  EXPECT_EQ(replica.destinations[1].visibility, Visibility::Public);
  EXPECT_EQ(replica.policy.follow, FollowMode::FastForward);
  EXPECT_EQ(replica.policy.atomic, AtomicMode::Never);
  EXPECT_FALSE(replica.policy.keep_old_tips);
  EXPECT_EQ(replica.policy.allow_rewinds->count, 7u);
  EXPECT_EQ(replica.push_bytes_max, 4096u);
}

TEST(ConfigFile, WhatIsNotSaidIsAsUsual) {
  const Fleet fleet = fleet_of(R"(
    [hosts.disk]
    kind = "directory"
    path = "/srv/git"
    [stores.near]
    address = "/srv/backup"
    [[backups]]
    name = "all"
    source = { host = "disk" }
    store = "near"
    [[replicas]]
    name = "copies"
    source = { host = "disk" }
    destinations = [ { host = "other" } ]
    [hosts.other]
    kind = "directory"
    path = "/srv/copies"
  )");
  EXPECT_EQ(fleet.catalogue, "/etc/packferry/packferry.db");
  EXPECT_EQ(fleet.jobs, 16u);
  EXPECT_EQ(fleet.confirm_every, std::chrono::hours(24));
  EXPECT_EQ(fleet.trust_listing, std::chrono::hours(6));
  const RefName note = must(RefName::parse("refs/notes/x"));
  EXPECT_TRUE(fleet.backups.at(0).policy.selection.selects(note)) << "a backup holds whatever there is";
  EXPECT_FALSE(fleet.replicas.at(0).policy.selection.selects(note)) << "a replica holds branches and tags";
  EXPECT_EQ(fleet.replicas.at(0).policy.follow, FollowMode::Mirror);
  EXPECT_FALSE(fleet.backups.at(0).keys);
  EXPECT_EQ(fleet.backups.at(0).repository, "${host}/${path}");
}

// What most of the wrong files below are right in.
constexpr std::string_view kRest = R"(
[hosts.disk]
kind = "directory"
path = "/srv/git"
[hosts.gitlab]
kind = "gitlab"
url = "https://gitlab.example.com"
token = { env = "TOKEN" }
[hosts.aws]
kind = "codecommit"
region = "eu-central-1"
[stores.near]
address = "/srv/backup"
[[backups]]
name = "fine"
source = { host = "disk" }
store = "near"
)";

struct WrongFile {
  std::string_view title;
  std::string_view text;
  bool with_rest = true;  // kRest behind it
};

const WrongFile kWrongFiles[] = {
    {"nothing at all", "", false},
    {"no TOML", "jobs = \n", false},
    {"a text without an end", "catalogue = \"x\n", false},
    {"a key twice", "jobs = 1\njobs = 2\n", false},
    {"a table twice", "[hosts.a]\nkind = \"list\"\n[hosts.a]\nkind = \"list\"\n", false},
    {"control characters", "jobs = 1 # \x01\n", false},
    {"nobody to do anything", "jobs = 2\n", false},
    {"keys that are nearly right", "job = 2\ncatalog = \"x\"\n[[replica]]\nname = \"x\"\n"},
    {"a key that is nothing like another", "jobs = 2\nxyzzy = 1\n"},
    {"values of other types",
     "catalogue = 1\njobs = \"many\"\nconfirm_every = 24\ntrust_listing = 1979-05-27\nhosts = 1\nstores = []\n"
     "defaults = 3\nbackups = {}\nreplicas = [1]\n",
     false},
    {"numbers out of bounds", "jobs = 0\n[hosts.x]\nkind = \"directory\"\npath = \"/x\"\njobs = 257\n"},
    {"lengths of time", "confirm_every = \"daily\"\ntrust_listing = \"6\"\n"},
    {"a host without a kind, and one of no kind", "[hosts.a]\npath = \"/x\"\nurk = 1\n[hosts.b]\nkind = \"gitlub\"\n"},
    {"hosts that are no tables", "[hosts]\na = \"gitlab\"\n", false},
    {"a host's keys are those of its kind",
     "[hosts.a]\nkind = \"codecommit\"\nregion = \"eu-central-1\"\nurl = \"https://x.example\"\n"
     "[hosts.b]\nkind = \"directory\"\npath = \"/x\"\ntoken = { env = \"T\" }\n"},
    {"hosts that lack what they need",
     "[hosts.a]\nkind = \"gitlab\"\n[hosts.b]\nkind = \"github\"\n[hosts.c]\nkind = \"gitea\"\n"
     "[hosts.d]\nkind = \"bitbucket\"\n[hosts.e]\nkind = \"bitbucket-server\"\n[hosts.f]\nkind = \"codecommit\"\n"
     "[hosts.g]\nkind = \"directory\"\n[hosts.h]\nkind = \"list\"\n"},
    {"addresses of hosts",
     "[hosts.a]\nkind = \"gitlab\"\nurl = \"git@gitlab.example.com:x\"\ntoken = { env = \"T\" }\n"
     "[hosts.b]\nkind = \"gitea\"\nurl = \"ftp://x\"\ntoken = { env = \"T\" }\n"
     "[hosts.c]\nkind = \"codecommit\"\nregion = \"Frankfurt\"\n"},
    {"secrets in the open",
     "[hosts.a]\nkind = \"gitlab\"\nurl = \"https://me:hunter2@gitlab.example.com\"\ntoken = \"glpat-hunter2\"\n"
     "[hosts.b]\nkind = \"list\"\nrepositories = [\"https://oauth2:hunter2@x.example/y\", \"ssh://git@x.example/y\"]\n"
     "token = { env = \"glpat-hunter2\" }\n"
     "[hosts.c]\nkind = \"github\"\napp = { id = 1, key = \"-----BEGIN\" }\npassword = \"hunter2\"\n"},
    {"secrets in two places, or in none",
     "[hosts.a]\nkind = \"github\"\ntoken = { env = \"A\", file = \"b\" }\n[hosts.b]\nkind = \"github\"\ntoken = {}\n"
     "[hosts.c]\nkind = \"github\"\ntoken = { variable = \"A\" }\n"},
    {"an app and a token", "[hosts.a]\nkind = \"github\"\ntoken = { env = \"A\" }\napp = { id = 1 }\n"},
    {"addresses of a list",
     "[hosts.a]\nkind = \"list\"\nrepositories = [\"https://x.example/y\", \"https://x.example/y\", \"ext::sh\", 3, "
     "\"\"]\n"},
    {"roles",
     "[hosts.a]\nkind = \"codecommit\"\nregion = \"eu-central-1\"\nexternal_id = \"x\"\n"
     "[hosts.b]\nkind = \"codecommit\"\nregion = \"eu-central-1\"\nrole = \"backup\"\n"},
    {"names that are none", "[hosts.\"a/b\"]\nkind = \"directory\"\npath = \"/x\"\n[stores.\"\"]\naddress = \"/x\"\n"},
    {"stores",
     "[stores.a]\n[stores.b]\naddress = \"gopher://x\"\n[stores.c]\naddress = \"s3://UPPER\"\n"
     "[stores.d]\naddress = \"/srv\"\nregion = \"eu-central-1\"\n"
     "[stores.e]\naddress = \"s3://bucket\"\naddressing = \"cname\"\nsse = \"rot13\"\nobject_lock = \"FOREVER\"\n"
     "endpoint_url = \"minio\"\nbucket_owner_full_control = \"yes\"\n"},
    {"a backup that says nothing", "[[backups]]\n"},
    {"a replica that says nothing", "[[replicas]]\n"},
    {"a replica without destinations", "[[replicas]]\nname = \"x\"\nsource = { host = \"disk\" }\ndestinations = []\n"},
    {"names that lead nowhere",
     "[[backups]]\nname = \"a\"\nsource = { host = \"gitlba\" }\nstore = \"nearby\"\n"
     "[[replicas]]\nname = \"b\"\nsource = { host = \"github\" }\ndestinations = [ { host = \"xyz\" } ]\n"},
    {"two of one name",
     "[[backups]]\nname = \"a\"\nsource = { host = \"disk\" }\nstore = \"near\"\n"
     "[[replicas]]\nname = \"a\"\nsource = { host = \"gitlab\" }\ndestinations = [ { host = \"disk\" } ]\n"},
    {"selections",
     "[[backups]]\nname = \"a\"\nstore = \"near\"\n"
     "source = { host = \"aws\", owner = \"me\", visibility = [\"secret\"], archived = \"no\", include = \"x\", wiki = "
     "true }\n"},
    {"templates of backups",
     "[[backups]]\nname = \"a\"\nstore = \"near\"\nsource = { host = \"disk\" }\nrepository = \"${paht}\"\n"
     "[[backups]]\nname = \"b\"\nstore = \"near\"\nsource = { host = \"disk\" }\nrepository = \"${path\"\n"
     "[[backups]]\nname = \"c\"\nstore = \"near\"\nsource = { host = \"disk\" }\nrepository = \"all\"\n"
     "[[backups]]\nname = \"d\"\nstore = \"near\"\nsource = { host = \"disk\" }\nrepository = \"${region}/${path}\"\n"
     "[[backups]]\nname = \"e\"\nstore = \"near\"\nsource = { host = \"disk\" }\nrepository = \"/${path}\"\n"
     "[[backups]]\nname = \"f\"\nstore = \"near\"\nsource = { host = \"aws\" }\nrepository = \"${group}/${name}\"\n"},
    {"templates of replicas",
     "[[replicas]]\nname = \"a\"\nsource = { host = \"gitlab\" }\n"
     "destinations = [ { host = \"aws\" },\n { host = \"disk\", repository = \"one\" } ]\n"},
    {"formats and keys",
     "[[backups]]\nname = \"a\"\nstore = \"near\"\nsource = { host = \"disk\" }\nformat = \"tar\"\n"
     "[[backups]]\nname = \"b\"\nstore = \"near\"\nsource = { host = \"disk\" }\nkeys = \"x/${datetime}\"\n"
     "[[backups]]\nname = \"c\"\nstore = \"near\"\nsource = { host = \"disk\" }\nkeys = "
     "\"${repo_name}/${datetime}.zip\"\n"
     "[[backups]]\nname = \"d\"\nstore = \"near\"\nsource = { host = \"disk\" }\n"
     "keys = \"${account_id}/${repo_name}/${datetime}\"\n"},
    {"chains and recipients",
     "[[backups]]\nname = \"a\"\nstore = \"near\"\nsource = { host = \"disk\" }\nchain = { links = -1, days = 4000, "
     "length = 2 }\n"
     "recipients = [\"age1short\"]\n"},
    {"refs",
     "[[backups]]\nname = \"a\"\nstore = \"near\"\nsource = { host = \"disk\" }\n"
     "refs = [\"refs/heads/*:x\", \"refs/*\", \"refs/tags/*\"]\nexclude_refs = [\"a..b\"]\n"},
    {"refs that hide each other",
     "[[backups]]\nname = \"a\"\nstore = \"near\"\nsource = { host = \"disk\" }\n"
     "refs = [\"refs/*\", \"refs/tags/*:refs/tags/old/*\"]\n"},
    {"policies",
     "[[replicas]]\nname = \"a\"\nsource = { host = \"gitlab\" }\ndestinations = [ { host = \"disk\" } ]\npolicy = "
     "\"force\"\n"
     "atomic = \"maybe\"\nkeep_old_tips = \"no\"\nallow_deletions = \"110%\"\nallow_rewinds = -1\nmax_push = \"2T\"\n"},
    {"a backup has no policy of replicas",
     "[[backups]]\nname = \"a\"\nstore = \"near\"\nsource = { host = \"disk\" }\nkeep_old_tips = true\nmax_push = "
     "\"2G\"\n"},
    {"defaults are read once",
     "[defaults]\npolicy = \"force\"\nrefs = [1]\nmax_push = \"big\"\nname = \"x\"\n[[backups]]\nname = \"a\"\nstore = "
     "\"near\"\n"
     "source = { host = \"disk\" }\n[[replicas]]\nname = \"b\"\nsource = { host = \"gitlab\" }\n"
     "destinations = [ { host = \"disk\" } ]\n"},
    {"a replica onto itself",
     "[[replicas]]\nname = \"a\"\nsource = { host = \"disk\" }\ndestinations = [ { host = \"disk\" } ]\n"},
    {"a circle of two",
     "[hosts.far]\nkind = \"directory\"\npath = \"/far\"\n"
     "[[replicas]]\nname = \"there\"\nsource = { host = \"disk\" }\ndestinations = [ { host = \"far\" } ]\n"
     "[[replicas]]\nname = \"back\"\nsource = { host = \"far\" }\ndestinations = [ { host = \"disk\" } ]\n"},
    {"a destination that nothing can be made on",
     "[hosts.few]\nkind = \"list\"\nfile = \"x\"\n[[replicas]]\nname = \"a\"\nsource = { host = \"disk\" }\n"
     "destinations = [ { host = \"few\", create = true, visibility = \"hidden\" } ]\n"},
    {"a service that listens nowhere, and never",
     "[serve]\nlisten = \"8420\"\ncertificate = \"tls.pem\"\nlog = \"loud\"\nworkers = 0\nsweep = \"daily\"\nheartbeat "
     "= "
     "\"https://beat.example/x\"\n"
     "port = 8420\nlook_out_every = \"0s\"\n"},
    {"webhooks of a service",
     "[[serve.webhooks]]\nname = \"a/b\"\nkind = \"gitlub\"\nsecrets = []\n[[serve.webhooks]]\nname = \"x\"\nkind = "
     "\"github\"\nsecrets = [\"hunter2\"]\n[[serve.webhooks]]\nname = \"x\"\nkind = \"github\"\nsecrets = [{ env = "
     "\"A\" }]\n"},
    {"queues and tokens of a service",
     "[[serve.queues]]\nurl = \"sqs\"\n[[serve.id_tokens]]\nissuer = \"gitlab\"\nprojects = [{ project = \"x\" }]\n"},
    {"alarms of a service",
     "[[serve.alarms]]\nkind = \"pager\"\n[[serve.alarms]]\n[[serve.alarms]]\nkind = \"slack\"\nurl = "
     "\"https://hooks.slack.example/hunter2\"\n[[serve.alarms]]\nkind = \"command\"\ncommand = []\nkey = { env = \"K\" "
     "}\n"
     "[[serve.alarms]]\nkind = \"mail\"\nserver = \"mail.example\"\n[[serve.objectives]]\nlag = \"soon\"\n"},
    {"all mistakes of a file at once, in its order",
     "jobs = 0\n[[backups]]\nstore = \"naer\"\nname = \"a\"\nsource = { host = \"disk\", owners = \"x\" }\ncatalogue = "
     "\"y\"\n"},
};

std::string told(const WrongFile& wrong) {
  const std::string text = std::string(wrong.text) + std::string(wrong.with_rest ? kRest : "");
  const ConfigReading reading = read_config(text, "/etc/packferry");
  EXPECT_FALSE(reading.fleet) << wrong.title;
  EXPECT_FALSE(reading.mistakes.empty()) << wrong.title;
  std::string page = fmt::format("=== {}\n", wrong.title);
  std::string_view rest = wrong.text;
  for (int line = 1; !rest.empty(); ++line) {
    page += fmt::format("{:3} {}\n", line, rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(rest.find('\n') + 1, rest.size()));
  }
  for (const ConfigMistake& mistake : reading.mistakes)
    page += fmt::format("{}:{}: {}{}{}\n", mistake.line, mistake.column, mistake.what,
                        mistake.remedy.empty() ? "" : "; ", mistake.remedy);
  return page + "\n";
}

TEST(ConfigFile, TellsEveryMistakeWithItsPlaceAndItsRemedy) {
  std::string pages;
  for (const WrongFile& wrong : kWrongFiles) pages += told(wrong);
  expect_golden(pages, "config/mistakes.txt");
}

TEST(ConfigFile, ReadsWhatTheServiceDoes) {
  const ConfigReading reading = read_config(R"(
[serve]
listen = "[::1]:9000"
certificate = "tls.pem"
certificate_key = "tls.key"
log = "debug"
workers = 4
drain = "90s"
sweep = "30 2 * * * Europe/Berlin"
look_out_every = "5s"
raise_after = "2m"
lease = "1m"
over_after = "7m"
backup_age = "2d"
queue_age = "3m"
heartbeat = { env = "BEAT" }
embedded_metrics = "service"

[[serve.webhooks]]
name = "forge"
kind = "forgejo"
secrets = [{ env = "NEW" }, { file = "old" }]

[[serve.queues]]
url = "https://sqs.eu-central-1.amazonaws.com/111122223333/packferry"
region = "eu-central-1"
role = "arn:aws:iam::111122223333:role/listener"

[[serve.id_tokens]]
issuer = "https://gitlab.example.com/"
audience = "packferry"
projects = [{ project = "team/*", replicas = ["web", "api-*"], only_protected = false }]

[[serve.alarms]]
kind = "webhook"
url = "https://alarms.example.com/x"
key = { file = "alarm.key" }

[[serve.alarms]]
kind = "mail"
server = "smtps://mail.example.com"
user = "packferry"
password = { env = "MAIL" }
from = "packferry@example.com"
to = ["ops@example.com"]

[[serve.alarms]]
kind = "command"
command = ["/bin/page", "--loud"]

[[serve.objectives]]
replicas = ["web*"]
lag = "1m"
failing = "10m"
)",
                                            "/etc/packferry");
  for (const ConfigMistake& mistake : reading.mistakes) ADD_FAILURE() << mistake.line << ": " << mistake.what;
  ASSERT_TRUE(reading.serve) << "and that is enough of a configuration";
  const ServeSettings& serve = *reading.serve;
  EXPECT_EQ(serve.address, "::1");
  EXPECT_EQ(serve.port, 9000);
  EXPECT_EQ(serve.certificate, "/etc/packferry/tls.pem");
  EXPECT_EQ(serve.certificate_key, "/etc/packferry/tls.key");
  EXPECT_EQ(serve.log, LogLevel::Debug);
  EXPECT_EQ(serve.workers, 4u);
  EXPECT_EQ(serve.drain, Milliseconds(90'000));
  EXPECT_EQ(serve.sweep, "30 2 * * * Europe/Berlin");
  EXPECT_EQ(serve.look_out_every, Milliseconds(5'000));
  EXPECT_EQ(serve.raise_after, Milliseconds(120'000));
  EXPECT_EQ(serve.lease, Milliseconds(60'000));
  EXPECT_EQ(serve.over_after, Milliseconds(420'000));
  EXPECT_EQ(serve.backup_age, Milliseconds(2 * 86'400'000));
  EXPECT_EQ(serve.queue_age, Milliseconds(180'000));
  EXPECT_EQ(serve.heartbeat, (SecretReference{SecretReference::Kind::Environment, "BEAT"}));
  EXPECT_EQ(serve.embedded_metrics, ServeSettings::EmbeddedMetrics::Service);
  ASSERT_EQ(serve.webhooks.size(), 1u);
  EXPECT_EQ(serve.webhooks[0].kind, WebhookKind::Gitea);
  EXPECT_EQ(serve.webhooks[0].secrets[1], (SecretReference{SecretReference::Kind::File, "/etc/packferry/old"}));
  ASSERT_EQ(serve.queues.size(), 1u);
  EXPECT_EQ(serve.queues[0].identity.role_arn, "arn:aws:iam::111122223333:role/listener");
  ASSERT_EQ(serve.id_tokens.size(), 1u);
  EXPECT_EQ(serve.id_tokens[0].issuer, "https://gitlab.example.com");
  EXPECT_EQ(serve.id_tokens[0].keys.text(), "https://gitlab.example.com/oauth/discovery/keys");
  EXPECT_FALSE(serve.id_tokens[0].projects.at(0).only_protected);
  ASSERT_EQ(serve.alarms.size(), 3u);
  EXPECT_EQ(serve.alarms[0].url->text(), "https://alarms.example.com/x");
  EXPECT_EQ(serve.alarms[1].server->port, 465);
  EXPECT_EQ(serve.alarms[1].server->security, MailServer::Security::Tls);
  EXPECT_EQ(serve.alarms[2].command, (std::vector<std::string>{"/bin/page", "--loud"}));
  EXPECT_EQ(serve.objectives.at(0).failing, Milliseconds(600'000));
}

TEST(ConfigFile, AFileWithoutAServiceHasNone) { EXPECT_FALSE(read_config(kWhole, "/").serve); }

TEST(ConfigFile, NoMistakeRepeatsASecret) {
  for (const WrongFile& wrong : kWrongFiles)
    for (const ConfigMistake& mistake : read_config(wrong.text, "/").mistakes)
      EXPECT_EQ((mistake.what + mistake.remedy).find("hunter2"), std::string::npos) << mistake.what;
}

TEST(ConfigFile, MistakesAreInTheOrderOfTheFile) {
  for (const WrongFile& wrong : kWrongFiles) {
    const std::vector<ConfigMistake> mistakes = read_config(wrong.text, "/").mistakes;
    EXPECT_TRUE(std::ranges::is_sorted(mistakes, {}, [](const ConfigMistake& each) {
      return std::pair(each.line, each.column);
    })) << wrong.title;
  }
}

TEST(ConfigFile, ATextThatIsTooLongIsNotRead) {
  const ConfigReading reading = read_config(std::string(2'000'000, '#'), "/");
  ASSERT_EQ(reading.mistakes.size(), 1u);
  EXPECT_EQ(reading.mistakes[0].what, "2000000 bytes are more than a configuration has");
}

TEST(ConfigFile, TablesThatAreTooDeepAreNotRead) {
  std::string deep = "jobs = 3 # ....................................................... none\na";
  for (int i = 0; i < 100'000; ++i) deep += ".a";
  const ConfigReading reading = read_config(deep + " = 1\n", "/");
  ASSERT_EQ(reading.mistakes.size(), 1u);
  EXPECT_EQ(reading.mistakes[0].line, 2u);
  EXPECT_EQ(reading.mistakes[0].what, "tables within tables, deeper than any here");
}

TEST(ConfigFile, OneNameIsEnoughForOneRepository) {
  const std::string one = std::string(kRest) + R"(
    [[backups]]
    name = "web"
    source = { host = "gitlab", include = ["app/web"] }
    store = "near"
    repository = "web"
  )";
  EXPECT_EQ(fleet_of(one).backups.at(1).repository, "web");
}

}  // namespace
}  // namespace packferry
