// Everything that `packferry setup` can make, by name, out of options as a person gives them. Pure: what an option
// means in a document, which ones it needs and which have no business there is decided here; how words become options,
// and where the text goes, is the command line's.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "setup/value.h"

namespace packferry {

struct SetupOption {
  std::string_view name;  // "bucket"
  ValueKind kind;
  bool repeatable = false;  // and then it may also be one word with commas
};
const std::vector<SetupOption>& setup_options();

// "bucket-policy", "buildspec", …
const std::vector<std::string_view>& setup_documents();

// What was given for each option, by name; a flag has an empty word.
using SetupWords = std::map<std::string, std::vector<std::string>, std::less<>>;

// Invalid: an unknown document, a value that is not what it should be, an option that is missing or of no use there.
Result<std::string> make_setup(std::string_view document, const SetupWords& words);

}  // namespace packferry
