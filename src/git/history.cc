#include "git/history.h"

#include <optional>
#include <string_view>

namespace packferry {
namespace {

// The lines before the first empty one.
class HeaderLines {
 public:
  explicit HeaderLines(std::string_view text) : rest_(text) {}

  // What stands behind "WORD " on the next line, when it begins so.
  std::optional<std::string_view> take(std::string_view word) {
    const std::string_view line = rest_.substr(0, rest_.find('\n'));
    if (!line.starts_with(word) || line.size() <= word.size() || line[word.size()] != ' ') return std::nullopt;
    rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
    return line.substr(word.size() + 1);
  }

 private:
  std::string_view rest_;
};

Result<Oid> parse_link(std::string_view hex, ObjectFormat format) {
  Oid oid = TRY(Oid::parse(hex));
  if (oid.format() != format) return Error(ErrorKind::Corrupt, "it names an object of the other format");
  return oid;
}

Result<std::vector<Oid>> parents(std::string_view commit, ObjectFormat format) {
  HeaderLines lines(commit);
  if (!lines.take("tree")) return Error(ErrorKind::Corrupt, "a commit without a tree");
  std::vector<Oid> all;
  while (const auto hex = lines.take("parent")) all.push_back(TRY(parse_link(*hex, format)));
  return all;
}

// A tag on a tree or a file rests on no history.
Result<std::vector<Oid>> tagged(std::string_view tag, ObjectFormat format) {
  HeaderLines lines(tag);
  const auto hex = lines.take("object");
  const auto type = lines.take("type");
  if (!hex || !type) return Error(ErrorKind::Corrupt, "a tag without an object");
  std::vector<Oid> all;
  if (*type == "commit" || *type == "tag") all.push_back(TRY(parse_link(*hex, format)));
  return all;
}

}  // namespace

Result<History> History::of(const std::vector<PackedObject>& objects, ObjectFormat format) {
  Links links;
  for (const PackedObject& object : objects) {
    const std::string_view text = as_text(object.content);
    if (object.type == ObjectType::Commit)
      links[object.oid] = TRY(parents(text, format).context("commit {}", object.oid.hex()));
    else if (object.type == ObjectType::Tag)
      links[object.oid] = TRY(tagged(text, format).context("tag {}", object.oid.hex()));
  }
  return History(std::move(links));
}

std::span<const Oid> History::links(const Oid& oid) const {
  const auto found = links_.find(oid);
  return found == links_.end() ? std::span<const Oid>() : std::span<const Oid>(found->second);
}

std::vector<Oid> History::parents_first(std::span<const Oid> tips) const {
  struct Visit {
    Oid oid;
    std::size_t next = 0;  // of its links
  };
  std::vector<Oid> order;
  std::unordered_set<Oid> seen;
  std::vector<Visit> path;
  for (const Oid& tip : tips) {
    if (contains(tip) && seen.insert(tip).second) path.push_back({tip});
    while (!path.empty()) {
      const std::span<const Oid> below = links(path.back().oid);
      if (path.back().next == below.size()) {
        order.push_back(path.back().oid);
        path.pop_back();
        continue;
      }
      const Oid& oid = below[path.back().next++];
      if (contains(oid) && seen.insert(oid).second) path.push_back({oid});
    }
  }
  return order;
}

bool History::leads_to(const Oid& tip, const Oid& old) const {
  std::vector<Oid> open = {tip};
  std::unordered_set<Oid> seen = {tip};
  // In the order of their distance, since the old value is near as a rule.
  for (std::size_t at = 0; at < open.size(); ++at) {
    if (open[at] == old) return true;
    const auto links = links_.find(open[at]);
    if (links == links_.end()) continue;
    for (const Oid& next : links->second)
      if (seen.insert(next).second) open.push_back(next);
  }
  return false;
}

History::Boundary History::boundary(std::span<const Oid> tips, const std::unordered_set<Oid>& held) const {
  Boundary found;
  std::vector<Oid> open;
  std::unordered_set<Oid> seen;
  for (const Oid& tip : tips) {
    if (!contains(tip))
      found.has_all_tips = false;
    else if (seen.insert(tip).second)
      open.push_back(tip);
  }
  while (!open.empty()) {
    const Oid oid = open.back();
    open.pop_back();
    const auto links = links_.find(oid);
    if (links == links_.end() || held.contains(oid)) {
      found.oids.push_back(oid);
      continue;
    }
    ++found.count_above;
    for (const Oid& next : links->second)
      if (seen.insert(next).second) open.push_back(next);
  }
  return found;
}

}  // namespace packferry
