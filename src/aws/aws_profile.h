// AWS's shared configuration: ~/.aws/config and ~/.aws/credentials, one profile of them, and what the environment says
// over it. "Configuration and credential file settings", AWS CLI User Guide.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace packferry {

// The value of an environment variable; nothing when it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(std::string_view name)>;

class AwsProfile {
 public:
  // `named`: the profile that a person named, on the command line or in a URL; empty: AWS_PROFILE, else "default". The
  // files are those of AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, else below HOME/.aws. Files that are missing
  // are empty. Invalid: a named profile that is in neither file, a line that is no setting.
  static Result<AwsProfile> load(std::string_view named, const EnvironmentLookup& environment);

  const std::string& name() const { return name_; }
  bool is_named_explicitly() const { return is_named_explicitly_; }
  // What stands in the credentials file wins over the config file.
  std::optional<std::string> find(std::string_view setting) const;

  bool is_in_credentials_file(std::string_view setting) const;

  // AWS_REGION, AWS_DEFAULT_REGION, `region`; that of a profile that is named explicitly goes first, as its keys do.
  const std::optional<std::string>& region() const { return region_; }
  // Where a service is that is not at AWS's own address, "s3", "sts", "codecommit": AWS_ENDPOINT_URL_S3,
  // AWS_ENDPOINT_URL, `endpoint_url` in the profile's `services` section below `s3 =`, `endpoint_url` of the profile;
  // none when AWS_IGNORE_CONFIGURED_ENDPOINT_URLS or the profile's ignore_configured_endpoint_urls is true.
  std::optional<std::string> endpoint_url(std::string_view service) const;

 private:
  using Settings = std::map<std::string, std::string, std::less<>>;
  std::string name_;
  bool is_named_explicitly_ = false;
  Settings settings_;
  Settings in_credentials_file_;
  Settings services_;  // "s3.endpoint_url"
  EnvironmentLookup environment_;
  std::optional<std::string> region_;
};

// The sections of such a file, by name as it is written ("default", "profile west"). Nested settings (indented lines
// below `s3 =`) are "s3.addressing_style". For load() and for fuzzing.
using AwsSections = std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>>;
Result<AwsSections> parse_aws_file(std::string_view text);

}  // namespace packferry
