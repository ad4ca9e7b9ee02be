#include "setup/value.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "base/printable.h"
#include "base/quantity.h"
#include "setup/template.h"

namespace packferry {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }

// Letters, digits and these.
bool consists_of(std::string_view text, std::string_view others) {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
  });
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

bool is_number(std::string_view text, unsigned lowest, unsigned highest) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= lowest && value <= highest;
}

bool is_account(std::string_view text) { return text.size() == 12 && std::ranges::all_of(text, is_digit); }

bool is_region(std::string_view text) {
  const std::size_t dashes = static_cast<std::size_t>(std::ranges::count(text, '-'));
  return text.size() >= 8 && text.size() <= 32 && is_lower(text[0]) && is_lower(text[1]) && text[2] == '-' &&
         dashes >= 2 && is_digit(text.back()) && text[text.size() - 2] == '-' &&
         std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool is_bucket(std::string_view text) {
  const auto may_end = [](char c) { return is_lower(c) || is_digit(c); };
  return text.size() >= 3 && text.size() <= 63 && may_end(text.front()) && may_end(text.back()) &&
         text.find("..") == std::string_view::npos &&
         std::ranges::all_of(text, [&](char c) { return may_end(c) || c == '.' || c == '-'; });
}

// '*' and '?' are wildcards in a policy, and '$' begins its variables.
bool is_key_prefix(std::string_view text) {
  return !text.empty() && text.size() <= 512 && is_inert(text) && text.find_first_of("*?") == std::string_view::npos &&
         text.front() != '/' && text.back() != '/' && text.find("//") == std::string_view::npos;
}

// arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
std::optional<std::string_view> resource_of_arn(std::string_view text) {
  if (!text.starts_with("arn:") || text.size() > 2048 || !is_inert(text)) return std::nullopt;
  for (int colons = 0; colons < 5; ++colons) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || text.substr(0, colon).find_first_of("*? ") != std::string_view::npos)
      return std::nullopt;
    text.remove_prefix(colon + 1);
  }
  if (text.empty() || text.find(' ') != std::string_view::npos) return std::nullopt;
  return text;
}

bool is_principal(std::string_view text) {
  const std::optional<std::string_view> resource = resource_of_arn(text);
  return resource && resource->find_first_of("*?") == std::string_view::npos;
}

bool is_repository(std::string_view text) {
  return text.size() <= 100 && consists_of(text, "._-*") && !text.ends_with(".git");
}

bool is_name(std::string_view text) {
  return text.size() <= 50 && consists_of(text, "-_") && is_alphanumeric(text.front());
}

bool is_ref_pattern(std::string_view text) {
  return text.starts_with("refs/") && text.size() <= 256 && is_inert(text) &&
         text.find_first_of(" ?[~^:") == std::string_view::npos;
}

bool is_branch(std::string_view text) {
  return !text.empty() && text.size() <= 256 && is_inert(text) &&
         text.find_first_of(" ?[~^:") == std::string_view::npos;
}

bool is_project_path(std::string_view text) {
  return consists_of(text, "._-/*") && text.find('/') != std::string_view::npos && text.front() != '/' &&
         text.back() != '/' && text.find("//") == std::string_view::npos;
}

bool is_address(std::string_view text, std::string_view scheme) {
  return text.starts_with(scheme) && consists_of(text.substr(scheme.size()), "._-/~:+%");
}

bool is_package(std::string_view text) {
  return is_address(text, "https://") || is_address(text, "http://") || is_address(text, "s3://") ||
         is_address(text, "file:///");
}

bool is_lock(std::string_view text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  return is_one_of(text.substr(0, equals), {"GOVERNANCE", "COMPLIANCE"}) && equals < text.size() &&
         is_number(text.substr(equals + 1), 1, 36500);
}

bool is_schedule(std::string_view text) {
  const bool known = text.starts_with("rate(") || text.starts_with("cron(");
  return known && text.ends_with(')') && consists_of(text.substr(5, text.size() - 6), " *?,/-#");
}

bool is_email(std::string_view text) {
  const std::size_t at = text.find('@');
  return at != std::string_view::npos && consists_of(text.substr(0, at), "._%+-") &&
         consists_of(text.substr(at + 1), ".-");
}

// "PutRetentionPolicy", CloudWatch Logs API Reference
bool is_log_days(std::string_view text) {
  return is_one_of(text, {"1",   "3",   "5",   "7",   "14",   "30",   "60",   "90",   "120",  "150",  "180",
                          "365", "400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"});
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_duration(std::string_view text) {
  const Result<Milliseconds> length = parse_duration(text);
  return length && *length >= Milliseconds(60'000) && *length <= Milliseconds(365 * 24 * 3'600'000LL);
}

struct Form {
  ValueKind kind;
  bool (*fits)(std::string_view text);
  std::string_view looks;
};

constexpr Form kForms[] = {
    {ValueKind::Flag, [](std::string_view text) { return text.empty(); }, "nothing"},
    {ValueKind::Account, is_account, "an account number of 12 digits"},
    {ValueKind::Partition,
     [](std::string_view text) {
       return is_one_of(text, {"aws", "aws-cn", "aws-us-gov"});
     },
     "aws, aws-cn or aws-us-gov"},
    {ValueKind::Region, is_region, "a region like eu-central-1"},
    {ValueKind::Bucket, is_bucket, "the name of a bucket: 3 to 63 lower-case letters, digits, '.' and '-'"},
    {ValueKind::KeyPrefix, is_key_prefix,
     "a prefix like projects/backup: no '/' at its ends, no wildcards, quotes, '$' or '\\'"},
    {ValueKind::Arn, [](std::string_view text) { return resource_of_arn(text).has_value(); },
     "an ARN: arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, with '*' in RESOURCE only"},
    {ValueKind::Principal, is_principal,
     "the ARN of one thing, like arn:aws:iam::111122223333:role/backup, without wildcards"},
    {ValueKind::Repository, is_repository,
     "the name of a CodeCommit repository: letters, digits, '.', '_', '-', and '*' for any of them"},
    {ValueKind::Name, is_name, "a name of letters, digits, '-' and '_', at most 50"},
    {ValueKind::RefPattern, is_ref_pattern, "a full ref name like refs/heads/main or refs/heads/*"},
    {ValueKind::ProjectPath, is_project_path, "GROUP/PROJECT"},
    {ValueKind::Branch, is_branch, "a branch like main or release/*"},
    {ValueKind::Address, [](std::string_view text) { return is_address(text, "https://") && !text.ends_with('/'); },
     "an https:// address without '/' at its end"},
    {ValueKind::Package, is_package,
     "the address of a .deb: https://…, s3://BUCKET/KEY, or http:// and file:/// with --package-digest"},
    {ValueKind::Sha256, is_sha256, "a SHA-256: 64 hexadecimal digits, lower-case"},
    {ValueKind::Glob, [](std::string_view text) { return consists_of(text, "._-*?[]!"); },
     "a pattern of repository names, like app-*"},
    {ValueKind::Recipient, [](std::string_view text) { return text.starts_with("age1") && consists_of(text, ""); },
     "an age recipient: age1…"},
    {ValueKind::Image, [](std::string_view text) { return consists_of(text, "._-/:@"); },
     "a container image, like public.ecr.aws/debian/debian:12"},
    {ValueKind::Schedule, is_schedule, "rate(1 day) or cron(0 3 * * ? *)"},
    {ValueKind::Email, is_email, "an e-mail address"},
    {ValueKind::Shards, [](std::string_view text) { return is_number(text, 2, 100); }, "a number from 2 to 100"},
    {ValueKind::Count, [](std::string_view text) { return is_number(text, 1, 10'000); }, "a number from 1 to 10000"},
    {ValueKind::Duration, is_duration, "a length of time like 15m or 26h, from 1m to 365d"},
    {ValueKind::Lock, is_lock, "GOVERNANCE=DAYS or COMPLIANCE=DAYS"},
    {ValueKind::LogDays, is_log_days,
     "a number of days that CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 180, 365, …"},
    {ValueKind::AlarmHours, [](std::string_view text) { return is_number(text, 2, 168); }, "a number from 2 to 168"},
    {ValueKind::Word, [](std::string_view text) { return !text.empty(); }, "a word"},
};

}  // namespace

Result<> check_value(ValueKind kind, std::string_view text) {
  const auto* form = std::ranges::find(kForms, kind, &Form::kind);
  CHECK(form != std::end(kForms));
  if (form->fits(text)) return {};
  return Error(ErrorKind::Invalid, "'{}' is not {}", printable(text, 200), form->looks);
}

}  // namespace packferry
