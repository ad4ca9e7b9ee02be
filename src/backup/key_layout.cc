#include "backup/key_layout.h"

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "store/object_store.h"

namespace packferry {
namespace {

constexpr std::string_view kManifests = "manifests/";
constexpr std::string_view kRepository = "repo_name";
constexpr std::string_view kBasename = "repo_basename";
constexpr std::string_view kTime = "datetime";
constexpr std::array<std::string_view, 5> kVariables = {"account_id", "region", kRepository, kBasename, kTime};

Error invalid(std::string_view text, std::string_view rule) {
  return Error(ErrorKind::Invalid, "key template '{}': {}", printable(text), rule);
}

Result<> check_data_key(std::string_view key) {
  TRY(check_key(key));
  if (key.starts_with(kManifests)) return Error(ErrorKind::Invalid, "'{}': there only manifests lie", printable(key));
  return {};
}

// What a template ends with that says what the object is.
struct Extension {
  std::optional<BackupFormat> format;
  bool encrypted = false;
};

Extension take_extension(std::string_view& text) {
  const auto take = [](std::string_view& from, std::string_view end) {
    const bool has = from.ends_with(end);
    if (has) from.remove_suffix(end.size());
    return has;
  };
  Extension extension;
  std::string_view rest = text;
  extension.encrypted = take(rest, ".age");
  for (const BackupFormat format : {BackupFormat::Bundle, BackupFormat::Zip})
    if (!extension.format && take(rest, fmt::format(".{}", to_string(format)))) extension.format = format;
  if (!extension.format) return {};
  text = rest;
  return extension;
}

}  // namespace

Result<std::string> expand_variables(std::string_view text, const ValueOfVariable& value_of) {
  std::string expanded;
  while (true) {
    const std::size_t begin = text.find("${");
    expanded += text.substr(0, begin);
    if (begin == std::string_view::npos) return expanded;
    const std::size_t end = text.find('}', begin);
    if (end == std::string_view::npos)
      return Error(ErrorKind::Invalid, "'{}': a variable without '}}'", printable(text.substr(begin)));
    expanded += TRY(value_of(text.substr(begin + 2, end - begin - 2)));
    text.remove_prefix(end + 1);
  }
}

Result<KeyTemplate> KeyTemplate::parse(std::string_view text) {
  bool has_repository = false;
  bool has_time = false;
  const ValueOfVariable sample = [&](std::string_view variable) -> Result<std::string> {
    if (std::find(kVariables.begin(), kVariables.end(), variable) == kVariables.end())
      return invalid(text, fmt::format("there is no variable '{}'", printable(variable, 100)));
    has_repository |= variable == kRepository;
    has_time |= variable == kTime;
    return std::string("x");
  };
  const std::string key = TRY(expand_variables(text, sample).context("key template"));
  if (!has_repository) return invalid(text, "without ${repo_name} two repositories would meet");
  if (!has_time) return invalid(text, "without ${datetime} two backups would meet");
  TRY(check_data_key(key).context("key template '{}'", printable(text)));
  return KeyTemplate(std::string(text));
}

KeyTemplate KeyTemplate::of_accounts() {
  return KeyTemplate("projects/codecommit-backup/${repo_name}/${repo_basename}-${datetime}");
}

KeyTemplate KeyTemplate::standard(bool knows_account_and_region) {
  return KeyTemplate(knows_account_and_region
                         ? "projects/codecommit-backup/${account_id}/${region}/${repo_name}/${repo_name}-${datetime}"
                         : "repositories/${repo_name}/${repo_name}-${datetime}");
}

Result<std::string> KeyTemplate::key(const RepositoryName& repository, Clock::WallTime at, BackupFormat format,
                                     bool encrypted, const std::map<std::string, std::string>& variables,
                                     unsigned attempt) const {
  std::string_view stem = text_;
  const Extension said = take_extension(stem);
  if (said.format.value_or(format) != format || said.encrypted > encrypted)
    return invalid(
        text_, fmt::format("its extension is not that of {}{}", encrypted ? "an encrypted " : "a ", to_string(format)));

  const ValueOfVariable value_of = [&](std::string_view variable) -> Result<std::string> {
    if (variable == kRepository) return repository.key();
    if (variable == kBasename) return encode_key_part(repository.last_part());
    if (variable == kTime) return to_compact_iso8601(at);
    const auto found = variables.find(std::string(variable));
    if (found == variables.end() || found->second.empty())
      return invalid(text_,
                     fmt::format("the {} is not known here; write it in the place of ${{{}}}", variable, variable));
    return encode_key_part(found->second);
  };
  std::string key = TRY(expand_variables(stem, value_of));
  if (attempt > 1) key += fmt::format("-{}", attempt);
  key += fmt::format(".{}{}", to_string(format), encrypted ? ".age" : "");
  TRY(check_data_key(key));
  return key;
}

}  // namespace packferry
