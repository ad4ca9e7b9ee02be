// The first line is a ref name, each other one a refspec. Refspecs read as they are written, lead there and back, and a
// set asks for, selects and covers the same refs.
#include <algorithm>

#include "fuzz.h"
#include "git/refspec.h"

namespace {

using namespace packferry;

void check_spec(const Refspec& spec, const RefName& name) {
  const Result<Refspec> again = Refspec::parse(spec.text());
  CHECK(again.has_value() && *again == spec);
  CHECK(!spec.matches(name) || name.starts_with(spec.source_prefix()));
  if (const auto mapped = spec.map(name)) {
    CHECK(spec.matches(name) && !spec.is_negative());
    CHECK(RefName::parse(mapped->text()).has_value());
    CHECK(spec.map_back(*mapped) == name);
  }
}

void check_set(const RefspecSet& set, const RefName& name) {
  const std::optional<RefName> mapped = set.map(name);
  const std::vector<std::string> prefixes = set.prefixes();
  const auto begins_name = [&](const std::string& prefix) { return name.starts_with(prefix); };
  CHECK(!set.selects(name) || std::any_of(prefixes.begin(), prefixes.end(), begins_name));
  CHECK(!mapped || (set.selects(name) && set.covers(*mapped)));

  const Result<RefMap> all = set.map(RefMap::from({Ref{name, Oid()}}).value());
  CHECK(all.has_value() == (mapped || !set.selects(name)));
  if (all) CHECK(all->size() == (mapped ? 1u : 0u) && (!mapped || all->contains(*mapped)));
}

}  // namespace

FUZZ(input) {
  const Result<RefName> name = RefName::parse(input.line());
  std::vector<Refspec> specs;
  while (!input.empty()) {
    const std::string_view text = input.line();
    Result<Refspec> full = Refspec::parse(text);
    Result<Refspec> typed = Refspec::parse_short(text);
    // What git understands means the same to people.
    CHECK(!full || (typed && *typed == *full));
    if (typed) specs.push_back(std::move(typed).value());
  }
  if (!name) return;
  for (const Refspec& spec : specs) check_spec(spec, *name);
  const Result<RefspecSet> set = RefspecSet::from(std::move(specs));
  if (set) check_set(*set, *name);
}
