// A name is accepted exactly when it keeps the rules of git-check-ref-format(1), which stand here once more, said about
// the whole name instead of its components.
#include <algorithm>
#include <string>

#include "fuzz.h"
#include "git/ref.h"

namespace {

using packferry::RefName;

bool keeps_the_rules(std::string_view name) {
  const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  const auto is_forbidden = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7F ||
           (byte < 0x80 && std::string_view("~^:?*[\\").find(c) != std::string_view::npos);
  };
  if (name == "HEAD") return true;
  return name.size() <= RefName::kBytesMax && name.starts_with("refs/") && !name.ends_with('/') && !has("//") &&
         !has("/.") && !name.ends_with('.') && !has("..") && !has(".lock/") && !name.ends_with(".lock") && !has("@{") &&
         std::none_of(name.begin(), name.end(), is_forbidden);
}

bool is_accepted(std::string_view name) {
  std::string seen(name);
  // The planted fault: ".lock" is looked for at the end of the name only.
  if (packferry::fuzz::kFaultIsPlanted)
    for (std::size_t at; (at = seen.find(".lock/")) != std::string::npos;) seen[at] = '_';
  return RefName::parse(seen).has_value();
}

}  // namespace

FUZZ(input) {
  const std::string_view text = input.rest();
  CHECK(is_accepted(text) == keeps_the_rules(text));
  if (const auto name = RefName::parse(text)) {
    CHECK(name->text() == text);
    CHECK(text.ends_with(name->short_name()) && !name->short_name().empty());
  }
}
