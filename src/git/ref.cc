#include "git/ref.h"

#include <algorithm>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::size_t kShownBytesMax = 200;

// Control characters, and what has a meaning in revisions, refspecs and globs.
bool is_forbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F || std::string_view(" ~^:?*[\\").find(c) != std::string_view::npos;
}

// The rules for one component, in the words of git-check-ref-format(1); none when it keeps them all.
std::optional<std::string_view> objection_to_component(std::string_view component) {
  if (component.empty()) return "has an empty component";
  if (component.starts_with('.')) return "has a component that begins with '.'";
  if (component.ends_with(".lock")) return "has a component that ends with '.lock'";
  if (component.find("..") != std::string_view::npos) return "contains '..'";
  if (component.find("@{") != std::string_view::npos) return "contains '@{'";
  if (std::any_of(component.begin(), component.end(), is_forbidden)) return "contains a forbidden character";
  return std::nullopt;
}

std::optional<std::string_view> objection_to(std::string_view name) {
  if (name == "HEAD") return std::nullopt;
  if (!name.starts_with("refs/")) return "does not begin with 'refs/'";
  if (name.size() > RefName::kBytesMax) return "is too long";
  if (name.ends_with('.')) return "ends with '.'";
  for (std::size_t begin = 0, end = 0; end != std::string_view::npos; begin = end + 1) {
    end = name.find('/', begin);
    if (const auto objection = objection_to_component(name.substr(begin, end - begin))) return objection;
  }
  return std::nullopt;
}

}  // namespace

Result<RefName> RefName::parse(std::string_view text) {
  if (const auto objection = objection_to(text))
    return Error(ErrorKind::Invalid, "ref name '{}' {}", printable(text, kShownBytesMax), *objection);
  return RefName(std::string(text));
}

std::string_view RefName::short_name() const {
  for (const std::string_view prefix : {"refs/heads/", "refs/tags/"})
    if (starts_with(prefix)) return std::string_view(text_).substr(prefix.size());
  return text_;
}

Result<RefMap> RefMap::from(std::vector<Ref> refs) {
  const auto by_name = [](const Ref& a, const Ref& b) { return a.name < b.name; };
  // Servers list in order; then nothing has to move.
  if (!std::is_sorted(refs.begin(), refs.end(), by_name)) std::sort(refs.begin(), refs.end(), by_name);

  const auto twice =
      std::adjacent_find(refs.begin(), refs.end(), [](const Ref& a, const Ref& b) { return a.name == b.name; });
  if (twice != refs.end())
    return Error(ErrorKind::Corrupt, "ref '{}' is listed twice", printable(twice->name.text(), kShownBytesMax));

  RefMap map;
  map.refs_ = std::move(refs);
  return map;
}

const Ref* RefMap::find(const RefName& name) const {
  const auto found = std::lower_bound(refs_.begin(), refs_.end(), name,
                                      [](const Ref& ref, const RefName& wanted) { return ref.name < wanted; });
  return found != refs_.end() && found->name == name ? &*found : nullptr;
}

RefMap RefMap::filtered(const std::function<bool(const Ref&)>& keep) const {
  RefMap kept;
  std::copy_if(refs_.begin(), refs_.end(), std::back_inserter(kept.refs_), keep);
  return kept;
}

bool operator==(const RefMap& a, const RefMap& b) {
  return std::equal(a.refs_.begin(), a.refs_.end(), b.refs_.begin(), b.refs_.end(),
                    [](const Ref& x, const Ref& y) { return x.name == y.name && x.oid == y.oid; });
}

}  // namespace packferry
