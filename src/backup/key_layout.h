// Where things lie in a store: docs/formats/backup.md, "Keys".
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "backup/manifest.h"

namespace packferry {

// `text` with every ${variable} replaced by its value. Invalid: one without its '}', or what `value_of` says.
using ValueOfVariable = std::function<Result<std::string>(std::string_view)>;
Result<std::string> expand_variables(std::string_view text, const ValueOfVariable& value_of);

// Data keys from a template with ${account_id}, ${region}, ${repo_name}, ${repo_basename} (its last part), ${datetime}.
class KeyTemplate {
 public:
  // Invalid: an unknown or unfinished variable, no ${repo_name} (two repositories would meet) or no ${datetime} (two
  // backups would), or text that check_key() refuses, or one that begins with "manifests/".
  static Result<KeyTemplate> parse(std::string_view text);
  // projects/codecommit-backup/… where both are known, else repositories/…; the extension is added by key().
  static KeyTemplate standard(bool knows_account_and_region);
  // For whole accounts, where a repository's name is ACCOUNT/REGION/NAME: the same keys.
  static KeyTemplate of_accounts();

  // `variables` are account_id and region where known: one that the template needs and that is missing or empty is
  // Invalid, naming how to give it. Values are encoded as parts of repository names are, so none leaves its place; a
  // name that would lead below manifests/, or make the key too long, is Invalid.
  // An extension that the template has already (".zip", ".bundle", ".age" behind them) is not added twice; one that the
  // object does not have is Invalid. `attempt` 2, 3, … adds "-2", "-3" before the extension.
  Result<std::string> key(const RepositoryName& repository, Clock::WallTime at, BackupFormat format, bool encrypted,
                          const std::map<std::string, std::string>& variables, unsigned attempt = 1) const;

 private:
  explicit KeyTemplate(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace packferry
