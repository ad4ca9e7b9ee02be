#include "aws/aws_profile.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/printable.h"
#include "io/file.h"

namespace packferry {
namespace {

constexpr std::size_t kFileBytesMax = 1024 * 1024;

bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i)
    if ((text[i] == '#' || text[i] == ';') && is_space(text[i - 1])) return text.substr(0, i);
  return text;
}

// "[profile west]", "[ profile  west ]": one space inside.
std::string section_name(std::string_view inside) {
  std::string out;
  for (const char c : trimmed(inside))
    if (!is_space(c) || !is_space(out.back())) out += is_space(c) ? ' ' : c;
  return out;
}

std::optional<std::string> non_empty(const EnvironmentLookup& environment, std::string_view name) {
  std::optional<std::string> value = environment(name);
  if (value && value->empty()) value.reset();
  return value;
}

Result<AwsSections> read_sections(const std::string& path) {
  Result<std::unique_ptr<Reader>> file = open_file(path);
  if (!file && file.error().kind() == ErrorKind::NotFound) return AwsSections();
  if (!file) return std::move(file).error();
  const std::vector<std::byte> all = TRY(read_all(**file, kFileBytesMax).context("read '{}'", path));
  return parse_aws_file(as_text(all)).context("'{}'", printable(path));
}

}  // namespace

Result<AwsSections> parse_aws_file(std::string_view text) {
  AwsSections sections;
  std::map<std::string, std::string, std::less<>>* section = nullptr;
  std::string parent;  // of indented lines
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool is_indented = !line.empty() && is_space(line[0]);
    line = trimmed(line);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;

    if (line[0] == '[') {
      const std::size_t end = line.find(']');
      if (end == std::string_view::npos) return Error(ErrorKind::Invalid, "line {} has no ']'", number);
      section = &sections[section_name(line.substr(1, end - 1))];
      parent.clear();
      continue;
    }
    const std::size_t equals = line.find('=');
    // A line may hold a secret: only its number is repeated.
    if (section == nullptr || equals == std::string_view::npos)
      return Error(ErrorKind::Invalid, "line {} is no section and no setting of one (name = value)", number);
    const std::string name = to_lower(trimmed(line.substr(0, equals)));
    const std::string value(trimmed(without_comment(line.substr(equals + 1))));
    if (is_indented && !parent.empty()) {
      (*section)[parent + "." + name] = value;
    } else {
      (*section)[name] = value;
      parent = value.empty() ? name : "";
    }
  }
  return sections;
}

Result<AwsProfile> AwsProfile::load(std::string_view named, const EnvironmentLookup& environment) {
  AwsProfile out;
  out.is_named_explicitly_ = !named.empty();
  const std::optional<std::string> from_environment = non_empty(environment, "AWS_PROFILE");
  out.name_ = out.is_named_explicitly_ ? std::string(named) : from_environment.value_or("default");

  const std::string home = environment("HOME").value_or("");
  const auto path = [&](std::string_view variable, std::string_view below_home) {
    return non_empty(environment, variable).value_or(home + "/.aws/" + std::string(below_home));
  };
  const AwsSections config = TRY(read_sections(path("AWS_CONFIG_FILE", "config")));
  const AwsSections credentials = TRY(read_sections(path("AWS_SHARED_CREDENTIALS_FILE", "credentials")));

  auto in_config = config.find("profile " + out.name_);
  if (in_config == config.end() && out.name_ == "default") in_config = config.find("default");
  const auto in_credentials = credentials.find(out.name_);
  if (in_credentials != credentials.end()) out.in_credentials_file_ = out.settings_ = in_credentials->second;
  if (in_config != config.end()) out.settings_.insert(in_config->second.begin(), in_config->second.end());
  const bool must_exist = out.is_named_explicitly_ || from_environment;
  if (must_exist && in_config == config.end() && in_credentials == credentials.end())
    return Error(ErrorKind::Invalid, "AWS profile '{}' is neither in the config file nor in the credentials file",
                 printable(out.name_));

  if (const auto services = config.find("services " + out.find("services").value_or("")); services != config.end())
    out.services_ = services->second;
  out.environment_ = environment;
  if (out.is_named_explicitly_) out.region_ = out.find("region");
  if (!out.region_) out.region_ = non_empty(environment, "AWS_REGION");
  if (!out.region_) out.region_ = non_empty(environment, "AWS_DEFAULT_REGION");
  if (!out.region_) out.region_ = out.find("region");
  return out;
}

std::optional<std::string> AwsProfile::find(std::string_view setting) const {
  const auto found = settings_.find(setting);
  if (found == settings_.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

bool AwsProfile::is_in_credentials_file(std::string_view setting) const {
  const auto found = in_credentials_file_.find(setting);
  return found != in_credentials_file_.end() && !found->second.empty();
}

std::optional<std::string> AwsProfile::endpoint_url(std::string_view service) const {
  const std::string ignored = environment_("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
                                  .value_or(find("ignore_configured_endpoint_urls").value_or(""));
  if (to_lower(ignored) == "true") return std::nullopt;
  std::optional<std::string> url = non_empty(environment_, "AWS_ENDPOINT_URL_" + to_upper(service));
  if (!url) url = non_empty(environment_, "AWS_ENDPOINT_URL");
  if (const auto found = services_.find(std::string(service) + ".endpoint_url"); !url && found != services_.end())
    url = found->second;
  return url ? url : find("endpoint_url");
}

}  // namespace packferry
