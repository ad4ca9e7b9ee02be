// Text with gaps, and what goes into them. The gaps are written @{name}: YAML for CloudFormation and shell commands are
// full of ${name} that is theirs.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace packferry {

struct TemplateValues {
  // Inside of a line, where the template has put it between single quotes or knows that it is harmless. Text that could
  // end the quotes, or become more than one line, is refused: see is_inert().
  std::map<std::string, std::string, std::less<>> words = {};
  // Text of our own, of any number of lines: stands alone on its line in the template, and is indented like it. An
  // empty one takes its line away.
  std::map<std::string, std::string, std::less<>> blocks = {};
};

// Neither quotes, '$', '`' or '\' nor control characters, and UTF-8: it means itself between the single quotes of YAML
// and of a shell, and in JSON.
bool is_inert(std::string_view text);

// Invalid: a gap without a value, a value without a gap, a word that is not inert.
Result<std::string> fill_template(std::string_view text, const TemplateValues& values);

// One of src/setup/templates, by its file's name without the ending.
std::string_view template_text(std::string_view name);

}  // namespace packferry
