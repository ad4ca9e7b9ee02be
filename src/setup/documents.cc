#include "setup/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>

#include "base/printable.h"
#include "base/quantity.h"
#include "setup/buildspec.h"
#include "setup/cloudformation.h"
#include "setup/event_rule.h"
#include "setup/gitlab_ci.h"
#include "setup/monitors.h"
#include "setup/policy.h"

namespace packferry {
namespace {

using Values = std::vector<std::string>;

// The options of one call. What is asked for counts as used; what nobody asked for was given in vain.
class Given {
 public:
  explicit Given(const SetupWords& words) : words_(words) {}

  bool has(std::string_view name) {
    used_.insert(std::string(name));
    return words_.contains(name);
  }
  Values all(std::string_view name) {
    if (!has(name)) return {};
    return words_.find(name)->second;
  }
  std::string get(std::string_view name, std::string_view otherwise = {}) {
    if (!has(name)) return std::string(otherwise);
    return words_.find(name)->second.back();
  }
  Result<Values> need_all(std::string_view name) {
    if (!has(name)) return Error(ErrorKind::Invalid, "--{} is missing", name);
    return all(name);
  }
  Result<std::string> need(std::string_view name) {
    return TRY(need_all(name))
    .back();
  }

  // One of a few words.
  Result<std::string> choose(std::string_view name, std::initializer_list<std::string_view> choices) {
    std::string word = get(name);
    if (std::ranges::find(choices, word) != choices.end()) return word;
    return Error(ErrorKind::Invalid, "--{} is one of {}{}", name, fmt::join(choices, ", "),
                 word.empty() ? "" : fmt::format(", not '{}'", printable(word, 100)));
  }

  Result<> check_all_used() const {
    for (const auto& [name, values] : words_)
      if (!used_.contains(name)) return Error(ErrorKind::Invalid, "--{} has no use here", name);
    return {};
  }

 private:
  const SetupWords& words_;
  std::set<std::string, std::less<>> used_;
};

Result<BackupPlace> place_of(Given& given) {
  BackupPlace place{.partition = given.get("partition", "aws"),
                    .kms_key = given.get("sse-kms-key-id"),
                    .object_lock = given.has("object-lock")};
  place.bucket = TRY(given.need("bucket"));
  place.prefix = TRY(given.need("prefix"));
  return place;
}

constexpr std::string_view kProject = "packferry-backup";

Result<BackupJob> job_of(Given& given) {
  BackupJob job{.partition = given.get("partition", "aws")};
  job.account = TRY(given.need("account"));
  job.regions = TRY(given.need_all("region"));
  job.job_region = given.get("job-region", job.regions.front());
  job.projects = given.all("project");
  if (job.projects.empty()) job.projects.emplace_back(kProject);
  return job;
}

PackageSource package_of(Given& given) {
  return {.address = given.get("package"), .sha256 = given.get("package-digest")};
}

// What the command in a build is told beyond where to find and where to put.
BuildspecOptions extras_of(Given& given) {
  return {.include = given.all("include"),
          .exclude = given.all("exclude"),
          .recipients = given.all("recipient"),
          .bucket_owner = given.get("expected-bucket-owner"),
          .object_lock = given.get("object-lock"),
          .jobs = given.get("jobs"),
          .package = package_of(given)};
}

Values repositories_of(Given& given) {
  Values repositories = given.all("repository");
  if (repositories.empty()) repositories.emplace_back("*");
  return repositories;
}

Result<BucketPolicyOptions> bucket_policy_of(Given& given) {
  BucketPolicyOptions options{.readers = given.all("reader")};
  options.place = TRY(place_of(given));
  options.place.put_only = given.has("put-only");
  options.writers = TRY(given.need_all("writer"));
  return options;
}

Result<std::string> make_bucket_policy(Given& given) { return bucket_policy(TRY(bucket_policy_of(given))); }

Result<std::string> make_codebuild_policy(Given& given) {
  const std::string role = given.has("role") ? TRY(given.choose("role", {"build", "batch", "events"})) : "build";
  BackupJob job = TRY(job_of(given));
  if (role == "batch") return batch_policy(job);
  if (role == "events") return events_policy(job);
  BackupPlace place = TRY(place_of(given));
  place.put_only = given.has("put-only");
  job.package = given.get("package");
  job.repositories = repositories_of(given);
  return build_policy(job, place);
}

Result<std::string> make_codebuild_trust(Given& given) {
  const std::string role = given.has("role") ? TRY(given.choose("role", {"build", "batch", "events"})) : "build";
  const BackupJob job = TRY(job_of(given));
  return role == "events" ? events_trust(job) : build_trust(job);
}

Result<std::string> make_replication_policy(Given& given) {
  ReplicationPolicyOptions options{
      .sources = given.all("source"), .refs = given.all("ref"), .create = given.has("create")};
  options.destinations = TRY(given.need_all("destination"));
  return replication_policy(options);
}

Result<std::string> make_gitlab_ci_role(Given& given) {
  const std::string document = TRY(given.choose("document", {"trust", "policy"}));
  const std::string partition = given.get("partition", "aws");
  const std::string account = TRY(given.need("account"));
  if (document == "trust") {
    GitLabTrustOptions options{.partition = partition, .account = account};
    options.issuer = given.get("issuer", options.issuer);
    options.project = TRY(given.need("gitlab-project"));
    options.branches = TRY(given.need_all("branch"));
    return gitlab_trust(options);
  }
  ReplicationPolicyOptions options{.refs = given.all("ref"), .create = given.has("create")};
  const std::string region = TRY(given.need("region"));
  for (const std::string& repository : TRY(given.need_all("repository")))
    options.destinations.push_back(fmt::format("arn:{}:codecommit:{}:{}:{}", partition, region, account, repository));
  return replication_policy(options);
}

unsigned number_of(const std::string& text) {
  unsigned value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Result<std::string> make_buildspec(Given& given) {
  BuildspecOptions options = extras_of(given);
  const std::string mode = TRY(given.choose("mode", {"single", "event", "batch"}));
  options.bucket = TRY(given.need("bucket"));
  options.prefix = TRY(given.need("prefix"));
  options.kms_key = given.get("sse-kms-key-id");
  if (mode == "event") {
    options.mode = BuildspecMode::Event;
    for (const auto* name : {"include", "exclude", "jobs"})
      if (given.has(name))
        return Error(ErrorKind::Invalid, "--{} has no use here: an event names its repository", name);
    return buildspec(options);
  }
  options.regions = TRY(given.need_all("region"));
  if (mode == "batch") {
    options.mode = BuildspecMode::Batch;
    options.shards = number_of(TRY(given.need("shards")));
  }
  return buildspec(options);
}

Result<std::string> make_event_rule(Given& given) {
  const std::string document = TRY(given.choose("document", {"rule", "targets", "schedule", "schedule-targets"}));
  EventRuleOptions options{.name = given.get("name", kProject)};
  if (document == "rule") return event_rule(options);
  if (document == "schedule") {
    options.schedule = given.get("schedule", options.schedule);
    return reconcile_rule(options);
  }
  options.project = TRY(given.need("project-arn"));
  options.role = TRY(given.need("role-arn"));
  return document == "targets" ? event_targets(options) : reconcile_targets(options);
}

Result<std::string> make_cloudformation(Given& given) {
  if (TRY(given.choose("part", {"backup", "source"})) == "backup") {
    BackupStackOptions options{.object_lock = given.get("object-lock"),
                               .noncurrent_days = given.get("noncurrent-days")};
    options.policy = TRY(bucket_policy_of(given));
    // The bucket keeps every object by itself then, and no writer has to ask for it.
    options.policy.place.object_lock = false;
    return backup_stack(options);
  }
  SourceStackOptions options;
  options.spec = extras_of(given);
  options.place = TRY(place_of(given));
  options.job = TRY(job_of(given));
  options.job.repositories = repositories_of(given);
  options.job.package = options.spec.package.address;
  if (options.job.projects.size() > 1) return Error(ErrorKind::Invalid, "one --project makes one stack");
  options.image = given.get("image", options.image);
  options.schedule = given.get("schedule", options.schedule);
  options.events = given.has("events");
  options.log_days = given.get("log-days", options.log_days);
  options.alarm_hours = given.get("alarm-hours", options.alarm_hours);
  options.alarm_email = given.get("alarm-email");
  return source_stack(options);
}

Result<std::string> make_gitlab_ci(Given& given) {
  GitLabCiOptions options{.refs = given.all("ref"), .create = given.has("create"), .package = package_of(given)};
  options.issuer = given.get("issuer", options.issuer);
  options.image = given.get("image", options.image);
  options.role = TRY(given.need("role-arn"));
  options.region = TRY(given.need("region"));
  options.repository = TRY(given.need("repository"));
  options.branches = TRY(given.need_all("branch"));
  return gitlab_ci(options);
}

Result<MonitorOptions> monitors_of(Given& given) {
  MonitorOptions options;
  options.name = given.get("name", options.name);
  const std::pair<std::string_view, Milliseconds*> lengths[] = {{"lag", &options.lag},
                                                                {"failing", &options.failing},
                                                                {"backup-age", &options.backup_age},
                                                                {"queue", &options.queue}};
  for (const auto& [name, length] : lengths)
    if (given.has(name)) *length = TRY(parse_duration(given.get(name)));
  return options;
}

Result<std::string> make_monitors(Given& given) {
  const std::string format = TRY(given.choose("format", {"prometheus", "alertmanager", "cloudwatch", "grafana"}));
  if (format == "alertmanager") return alertmanager_routes(TRY(given.need("webhook")), given.get("heartbeat"));
  if (format == "grafana") return grafana_dashboard({.name = given.get("name", MonitorOptions().name)});
  MonitorOptions options = TRY(monitors_of(given));
  if (format == "prometheus") return prometheus_rules(options);
  if (given.has("failing")) return Error(ErrorKind::Invalid, "--failing has no use here: CloudWatch counts periods");
  return cloudwatch_alarms(options, given.get("alarm-email"));
}

struct Document {
  std::string_view name;
  Result<std::string> (*make)(Given& given);
};

constexpr Document kDocuments[] = {
    {"bucket-policy", make_bucket_policy},
    {"codebuild-policy", make_codebuild_policy},
    {"codebuild-trust", make_codebuild_trust},
    {"replication-policy", make_replication_policy},
    {"gitlab-ci-role", make_gitlab_ci_role},
    {"buildspec", make_buildspec},
    {"event-rule", make_event_rule},
    {"cloudformation", make_cloudformation},
    {"gitlab-ci", make_gitlab_ci},
    {"monitors", make_monitors},
};

// Each value by itself, and as often as it may come.
Result<SetupWords> checked(const SetupWords& words) {
  SetupWords out;
  for (const auto& [name, values] : words) {
    const auto option = std::ranges::find(setup_options(), name, &SetupOption::name);
    CHECK(option != setup_options().end());
    Values& kept = out[name];
    for (std::string_view value : values) {
      while (true) {
        const std::size_t comma = option->repeatable ? value.find(',') : std::string_view::npos;
        const std::string_view one = value.substr(0, comma);
        TRY(check_value(option->kind, one).context("--{}", name));
        kept.emplace_back(one);
        if (comma == std::string_view::npos) break;
        value.remove_prefix(comma + 1);
      }
    }
    if (kept.size() > 1 && !option->repeatable) return Error(ErrorKind::Invalid, "--{} is given twice", name);
  }
  return out;
}

}  // namespace

const std::vector<SetupOption>& setup_options() {
  static const std::vector<SetupOption> kOptions = {
      {"partition", ValueKind::Partition},
      {"account", ValueKind::Account},
      {"region", ValueKind::Region, true},
      {"bucket", ValueKind::Bucket},
      {"prefix", ValueKind::KeyPrefix},
      {"writer", ValueKind::Principal, true},
      {"reader", ValueKind::Principal, true},
      {"put-only", ValueKind::Flag},
      {"sse-kms-key-id", ValueKind::Principal},
      {"object-lock", ValueKind::Lock},
      {"noncurrent-days", ValueKind::Count},
      {"expected-bucket-owner", ValueKind::Account},
      {"repository", ValueKind::Repository, true},
      {"include", ValueKind::Glob, true},
      {"exclude", ValueKind::Glob, true},
      {"recipient", ValueKind::Recipient, true},
      {"jobs", ValueKind::Count},
      {"project", ValueKind::Name, true},
      {"job-region", ValueKind::Region},
      {"role", ValueKind::Word},
      {"mode", ValueKind::Word},
      {"shards", ValueKind::Shards},
      {"package", ValueKind::Package},
      {"package-digest", ValueKind::Sha256},
      {"image", ValueKind::Image},
      {"document", ValueKind::Word},
      {"name", ValueKind::Name},
      {"project-arn", ValueKind::Principal},
      {"role-arn", ValueKind::Principal},
      {"schedule", ValueKind::Schedule},
      {"part", ValueKind::Word},
      {"events", ValueKind::Flag},
      {"log-days", ValueKind::LogDays},
      {"alarm-hours", ValueKind::AlarmHours},
      {"alarm-email", ValueKind::Email},
      {"source", ValueKind::Arn, true},
      {"destination", ValueKind::Arn, true},
      {"ref", ValueKind::RefPattern, true},
      {"create", ValueKind::Flag},
      {"issuer", ValueKind::Address},
      {"gitlab-project", ValueKind::ProjectPath},
      {"branch", ValueKind::Branch, true},
      {"format", ValueKind::Word},
      {"lag", ValueKind::Duration},
      {"failing", ValueKind::Duration},
      {"backup-age", ValueKind::Duration},
      {"queue", ValueKind::Duration},
      {"webhook", ValueKind::Address},
      {"heartbeat", ValueKind::Address},
  };
  return kOptions;
}

const std::vector<std::string_view>& setup_documents() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const Document& document : kDocuments) names.push_back(document.name);
    return names;
  }();
  return kNames;
}

Result<std::string> make_setup(std::string_view document, const SetupWords& words) {
  const auto* found = std::ranges::find(kDocuments, document, &Document::name);
  if (found == std::end(kDocuments))
    return Error(ErrorKind::Invalid, "there is no document '{}'; there are {}", printable(document, 100),
                 fmt::join(setup_documents(), ", "));
  const SetupWords values = TRY(checked(words));
  Given given(values);
  std::string text = TRY(found->make(given).context("{}", document));
  TRY(given.check_all_used().context("{}", document));
  return text;
}

}  // namespace packferry
