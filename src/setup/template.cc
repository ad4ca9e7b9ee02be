#include "setup/template.h"

#include <algorithm>
#include <set>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::string_view kGap = "@{";

std::string indented(std::string_view block, std::string_view margin) {
  std::string out;
  while (!block.empty()) {
    const std::size_t end = std::min(block.find('\n'), block.size());
    if (end > 0) out.append(margin).append(block.substr(0, end));
    out += '\n';
    block.remove_prefix(std::min(end + 1, block.size()));
  }
  return out;
}

class Filler {
 public:
  explicit Filler(const TemplateValues& values) : values_(values) {}

  Result<> take(std::string_view line) {
    const std::size_t margin = line.find_first_not_of(' ');
    if (margin != std::string_view::npos && line.substr(margin).starts_with(kGap) && line.ends_with('}')) {
      const auto block = values_.blocks.find(line.substr(margin + 2, line.size() - margin - 3));
      if (block != values_.blocks.end()) {
        used_.insert(block->first);
        out_ += indented(block->second, line.substr(0, margin));
        return {};
      }
    }
    while (!line.empty()) {
      const std::size_t gap = std::min(line.find(kGap), line.size());
      out_ += line.substr(0, gap);
      line.remove_prefix(gap);
      if (line.empty()) break;
      const std::size_t end = line.find('}');
      if (end == std::string_view::npos) return Error(ErrorKind::Invalid, "a gap is not closed: {}", line);
      TRY(put_word(line.substr(2, end - 2)));
      line.remove_prefix(end + 1);
    }
    out_ += '\n';
    return {};
  }

  Result<std::string> result() && {
    for (const auto* values : {&values_.words, &values_.blocks})
      for (const auto& [name, value] : *values)
        if (!used_.contains(name)) return Error(ErrorKind::Invalid, "the template has no gap '{}'", name);
    return std::move(out_);
  }

 private:
  Result<> put_word(std::string_view name) {
    const auto word = values_.words.find(name);
    if (word == values_.words.end()) return Error(ErrorKind::Invalid, "nothing to fill the gap '{}' with", name);
    if (!is_inert(word->second))
      return Error(ErrorKind::Invalid, "'{}' for '{}' holds quotes, '$', '`', '\\' or control characters",
                   printable(word->second), name);
    used_.insert(word->first);
    out_ += word->second;
    return {};
  }

  const TemplateValues& values_;
  std::set<std::string, std::less<>> used_;
  std::string out_;
};

}  // namespace

bool is_inert(std::string_view text) {
  return printable(text, text.size()) == text && text.find_first_of("'\"$`\\") == std::string_view::npos;
}

Result<std::string> fill_template(std::string_view text, const TemplateValues& values) {
  Filler filler(values);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    TRY(filler.take(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(filler).result();
}

}  // namespace packferry
