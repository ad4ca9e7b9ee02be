#include "setup/cloudformation.h"

#include <fmt/format.h>

#include "setup/event_rule.h"
#include "setup/template.h"

namespace packferry {
namespace {

// "GOVERNANCE=30"
std::string object_lock_block(std::string_view lock) {
  if (lock.empty()) return "";
  const std::size_t equals = lock.find('=');
  return fmt::format(
      "# An object stays so long, whoever wants it gone; GOVERNANCE lets those through who may bypass it. A bucket "
      "that\n"
      "# has Object Lock keeps it.\n"
      "ObjectLockEnabled: true\n"
      "ObjectLockConfiguration:\n"
      "  ObjectLockEnabled: Enabled\n"
      "  Rule:\n"
      "    DefaultRetention:\n"
      "      Mode: {}\n"
      "      Days: {}\n",
      lock.substr(0, equals), lock.substr(equals + 1));
}

std::string encryption_block(const std::string& kms_key) {
  if (kms_key.empty()) return "- ServerSideEncryptionByDefault:\n    SSEAlgorithm: AES256\n";
  return fmt::format(
      "- ServerSideEncryptionByDefault:\n"
      "    SSEAlgorithm: aws:kms\n"
      "    KMSMasterKeyID: '{}'\n"
      "  # One request to KMS for many objects.\n"
      "  BucketKeyEnabled: true\n",
      kms_key);
}

std::string noncurrent_block(const std::string& days) {
  if (days.empty()) return "";
  return fmt::format(
      "# What prune has removed, and what somebody has hidden, can be brought back for so long.\n"
      "- Id: RemoveWhatIsHidden\n"
      "  Status: Enabled\n"
      "  NoncurrentVersionExpiration:\n"
      "    NoncurrentDays: {}\n"
      "  ExpiredObjectDeleteMarker: true\n",
      days);
}

BuildspecOptions spec_of(const SourceStackOptions& options, BuildspecMode mode) {
  BuildspecOptions spec = options.spec;
  spec.mode = mode;
  spec.bucket = options.place.bucket;
  spec.prefix = options.place.prefix;
  spec.kms_key = options.place.kms_key;
  spec.regions = options.job.regions;
  return spec;
}

Result<std::string> events_block(const SourceStackOptions& options, const std::string& project) {
  if (!options.events) return std::string();
  std::string spec = TRY(buildspec(spec_of(options, BuildspecMode::Event)));
  return fill_template(
      template_text("stack_source_events"),
      {.words = {{"project", project}, {"image", options.image}, {"log_days", options.log_days}},
       .blocks = {{"buildspec", std::move(spec)}, {"pattern", event_pattern()}, {"transformer", event_transformer()}}});
}

Result<std::string> topic_block(const SourceStackOptions& options, const std::string& project) {
  if (options.alarm_email.empty()) return std::string();
  return fill_template(template_text("stack_source_topic"),
                       {.words = {{"project", project}, {"email", options.alarm_email}}});
}

}  // namespace

Result<std::string> backup_stack(const BackupStackOptions& options) {
  const BackupPlace& place = options.policy.place;
  return fill_template(template_text("stack_backup"),
                       {.words = {{"bucket", place.bucket}, {"store", store_of(place.bucket, place.prefix)}},
                        .blocks = {{"object_lock", object_lock_block(options.object_lock)},
                                   {"encryption", encryption_block(place.kms_key)},
                                   {"noncurrent", noncurrent_block(options.noncurrent_days)},
                                   {"policy", bucket_policy(options.policy)}}});
}

Result<std::string> source_stack(const SourceStackOptions& options) {
  CHECK(options.job.projects.size() == 1);
  const std::string project = options.job.projects.front();
  BackupJob job = options.job;
  if (options.events) job.projects.push_back(project + "-one");

  std::string spec = TRY(buildspec(spec_of(options, BuildspecMode::Single)));
  std::string events = TRY(events_block(options, project));
  std::string topic = TRY(topic_block(options, project));
  const std::string actions = topic.empty() ? "" : "AlarmActions: [!Ref AlarmTopic]\nOKActions: [!Ref AlarmTopic]\n";
  return fill_template(template_text("stack_source"),
                       {.words = {{"project", project},
                                  {"image", options.image},
                                  {"store", store_of(options.place.bucket, options.place.prefix)},
                                  {"schedule", options.schedule},
                                  {"log_days", options.log_days},
                                  {"alarm_hours", options.alarm_hours}},
                        .blocks = {{"build_trust", build_trust(job)},
                                   {"build_policy", build_policy(job, options.place)},
                                   {"buildspec", std::move(spec)},
                                   {"events_trust", events_trust(options.job)},
                                   {"events_policy", events_policy(job)},
                                   {"events", std::move(events)},
                                   {"topic", std::move(topic)},
                                   {"alarm_actions", actions}}});
}

}  // namespace packferry
