#include "git/refspec.h"

#include <algorithm>
#include <utility>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::size_t kShownBytesMax = 300;

// What `*` stands for when `text` matches; without a `*` nothing, as long as it is the same text.
std::optional<std::string_view> match(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return text == pattern ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view before = pattern.substr(0, star);
  const std::string_view after = pattern.substr(star + 1);
  if (text.size() < before.size() + after.size() || !text.starts_with(before) || !text.ends_with(after))
    return std::nullopt;
  return text.substr(before.size(), text.size() - before.size() - after.size());
}

std::string fill_in(std::string_view pattern, std::string_view starred) {
  std::string filled(pattern);
  if (const std::size_t star = filled.find('*'); star != std::string::npos) filled.replace(star, 1, starred);
  return filled;
}

// `text`, which matches `from`, in the form of `to`.
std::optional<std::string> translate(std::string_view from, std::string_view to, std::string_view text) {
  const auto starred = match(from, text);
  return starred ? std::optional(fill_in(to, *starred)) : std::nullopt;
}

std::optional<RefName> translate_name(std::string_view from, std::string_view to, const RefName& name) {
  if (from == to) return match(from, name.text()) ? std::optional(name) : std::nullopt;
  const auto translated = translate(from, to, name.text());
  if (!translated) return std::nullopt;
  Result<RefName> checked = RefName::parse(*translated);
  return checked ? std::optional(std::move(checked).value()) : std::nullopt;
}

bool is_pattern(std::string_view side) { return side.find('*') != std::string_view::npos; }

// One side, which has to be a full ref name or one in which `*` stands for a part. Git asks the same of a pattern: what
// it would ask of a name with an ordinary character there.
Result<> check_side(std::string_view side) {
  if (side.empty()) return Error(ErrorKind::Invalid, "one side is empty");
  if (side == "HEAD" || side == "@") return Error(ErrorKind::Invalid, "HEAD only points to a branch: name the branch");
  if (std::count(side.begin(), side.end(), '*') > 1) return Error(ErrorKind::Invalid, "more than one '*' on a side");
  TRY(RefName::parse(fill_in(side, "x")));
  return {};
}

// "heads/…" and "tags/…" are completed; what is neither that nor full stays as it is.
std::string completed(std::string_view side) {
  const bool lacks_refs = side.starts_with("heads/") || side.starts_with("tags/");
  return (lacks_refs ? "refs/" : "") + std::string(side);
}

bool is_bare(std::string_view side) {
  return !side.empty() && side != "HEAD" && side != "@" && !completed(side).starts_with("refs/");
}

std::string full_source(std::string_view side) {
  if (side.starts_with("tag ")) return "refs/tags/" + std::string(side.substr(4));
  return is_bare(side) ? "refs/heads/" + std::string(side) : completed(side);
}

// As git-push(1) completes a destination: a branch becomes a branch, a tag a tag.
std::string full_destination(std::string_view side, std::string_view source) {
  for (const std::string_view prefix : {"refs/heads/", "refs/tags/"})
    if (is_bare(side) && source.starts_with(prefix)) return std::string(prefix) + std::string(side);
  return completed(side);
}

}  // namespace

Result<Refspec> Refspec::parse(std::string_view text) {
  Refspec spec;
  spec.forced_ = text.starts_with('+');
  spec.negative_ = text.starts_with('^');
  const std::string_view sides = text.substr(spec.forced_ || spec.negative_ ? 1 : 0);
  const std::size_t colon = sides.find(':');
  const bool has_destination = colon != std::string_view::npos;
  spec.source_ = sides.substr(0, colon);
  spec.destination_ = has_destination ? sides.substr(colon + 1) : spec.source_;

  const std::string shown = printable(text, kShownBytesMax);
  if (spec.negative_ && has_destination)
    return Error(ErrorKind::Invalid, "refspec '{}' excludes refs and so cannot rename them", shown);
  TRY(check_side(spec.source_).context("refspec '{}'", shown));
  TRY(check_side(spec.destination_).context("refspec '{}'", shown));
  if (is_pattern(spec.source_) != is_pattern(spec.destination_))
    return Error(ErrorKind::Invalid, "refspec '{}' has a '*' on one side only", shown);
  return spec;
}

Result<Refspec> Refspec::parse_short(std::string_view text) {
  const bool has_sign = text.starts_with('+') || text.starts_with('^');
  const std::string_view sides = text.substr(has_sign ? 1 : 0);
  const std::size_t colon = sides.find(':');
  std::string full = std::string(text.substr(0, has_sign ? 1 : 0)) + full_source(sides.substr(0, colon));
  if (colon != std::string_view::npos)
    full += ":" + full_destination(sides.substr(colon + 1), full_source(sides.substr(0, colon)));
  return parse(full);
}

bool Refspec::matches(const RefName& name) const { return match(source_, name.text()).has_value(); }

std::optional<RefName> Refspec::map(const RefName& name) const {
  return negative_ ? std::nullopt : translate_name(source_, destination_, name);
}

std::optional<RefName> Refspec::map_back(const RefName& destination) const {
  return negative_ ? std::nullopt : translate_name(destination_, source_, destination);
}

std::string_view Refspec::source_prefix() const { return std::string_view(source_).substr(0, source_.find('*')); }

// A pattern taken as a name matches another pattern exactly when all its names do.
bool Refspec::hides(const Refspec& later) const {
  const auto renamed = translate(source_, destination_, later.source_);
  return renamed && *renamed != later.destination_;
}

std::string Refspec::text() const {
  std::string text = negative_ ? "^" : forced_ ? "+" : "";
  text += source_;
  if (destination_ != source_) text += ":" + destination_;
  return text;
}

Result<RefspecSet> RefspecSet::from(std::vector<Refspec> specs) {
  RefspecSet set;
  for (Refspec& spec : specs) {
    for (const Refspec& earlier : set.positive_)
      if (!spec.is_negative() && earlier.hides(spec))
        return Error(ErrorKind::Invalid,
                     "refspec '{}' never applies: '{}' comes first and names the same refs otherwise",
                     printable(spec.text(), kShownBytesMax), printable(earlier.text(), kShownBytesMax));
    (spec.is_negative() ? set.negative_ : set.positive_).push_back(std::move(spec));
  }
  if (set.positive_.empty()) set.positive_.push_back(Refspec::parse("refs/*").value());
  return set;
}

RefspecSet RefspecSet::branches_and_tags() {
  return from({Refspec::parse("refs/heads/*").value(), Refspec::parse("refs/tags/*").value()}).value();
}

const Refspec* RefspecSet::decider(const RefName& source_name) const {
  const auto matches = [&](const Refspec& spec) { return spec.matches(source_name); };
  if (std::any_of(negative_.begin(), negative_.end(), matches)) return nullptr;
  const auto first = std::find_if(positive_.begin(), positive_.end(), matches);
  return first != positive_.end() ? &*first : nullptr;
}

bool RefspecSet::selects(const RefName& source_name) const { return decider(source_name) != nullptr; }

std::optional<RefName> RefspecSet::map(const RefName& source_name) const {
  const Refspec* spec = decider(source_name);
  return spec != nullptr ? spec->map(source_name) : std::nullopt;
}

bool RefspecSet::covers(const RefName& destination_name) const {
  return std::any_of(positive_.begin(), positive_.end(), [&](const Refspec& spec) {
    const std::optional<RefName> source_name = spec.map_back(destination_name);
    return source_name && map(*source_name) == destination_name;
  });
}

Result<RefMap> RefspecSet::map(const RefMap& source) const {
  struct Landing {
    RefName name;
    const Ref* ref;
  };
  std::vector<Landing> landings;
  for (const Ref& ref : source) {
    const Refspec* spec = decider(ref.name);
    if (spec == nullptr) continue;
    std::optional<RefName> name = spec->map(ref.name);
    if (!name)
      return Error(ErrorKind::Invalid, "refspec '{}' makes no ref name of '{}'",
                   printable(spec->text(), kShownBytesMax), printable(ref.name.text(), kShownBytesMax));
    landings.push_back({*std::move(name), &ref});
  }

  std::stable_sort(landings.begin(), landings.end(),
                   [](const Landing& a, const Landing& b) { return a.name < b.name; });
  const auto clash = std::adjacent_find(landings.begin(), landings.end(),
                                        [](const Landing& a, const Landing& b) { return a.name == b.name; });
  if (clash != landings.end())
    return Error(ErrorKind::Invalid, "'{}' and '{}' would both become '{}'",
                 printable(clash[0].ref->name.text(), kShownBytesMax),
                 printable(clash[1].ref->name.text(), kShownBytesMax), printable(clash->name.text(), kShownBytesMax));

  std::vector<Ref> mapped;
  mapped.reserve(landings.size());
  for (Landing& landing : landings) mapped.push_back({std::move(landing.name), landing.ref->oid, landing.ref->peeled});
  return RefMap::from(std::move(mapped));
}

std::vector<std::string> RefspecSet::prefixes() const {
  std::vector<std::string> all;
  for (const Refspec& spec : positive_) all.emplace_back(spec.source_prefix());
  std::sort(all.begin(), all.end());
  std::vector<std::string> shortest;
  for (std::string& prefix : all)
    if (shortest.empty() || !prefix.starts_with(shortest.back())) shortest.push_back(std::move(prefix));
  return shortest;
}

}  // namespace packferry
