// The commits and tags of a change, and what each rests on: a question to a source, whose answer is a small pack. It
// shows which updates are fast-forwards, and where exactly the change begins. docs/notes/haves.md.
#pragma once

#include <cstddef>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "git/pack_reader.h"

namespace packferry {

class History {
 public:
  // A commit to its parents, a tag to the commit or tag that it names.
  using Links = std::unordered_map<Oid, std::vector<Oid>>;

  History() = default;
  explicit History(Links links) : links_(std::move(links)) {}
  // The commits and tags among `objects`; the rest is passed over.
  static Result<History> of(const std::vector<PackedObject>& objects, ObjectFormat format);

  // What `oid` rests on; nothing for what is not in this history.
  std::span<const Oid> links(const Oid& oid) const;
  // All that `tips` reach in this history, each once, after all that it rests on itself.
  std::vector<Oid> parents_first(std::span<const Oid> tips) const;

  bool contains(const Oid& oid) const { return links_.contains(oid); }
  std::size_t size() const { return links_.size(); }

  // Is `old` what `tip` is or descends from? Yes is certain: each link is part of what the oid before it is the digest
  // of. No means: not as far as this history goes.
  bool leads_to(const Oid& tip, const Oid& old) const;

  // From `tips` down to the first object that is in `held` or not in this history.
  struct Boundary {
    std::vector<Oid> oids;        // these first ones, each once
    std::size_t count_above = 0;  // commits and tags that are not held
    bool has_all_tips = true;     // false: a tip is not in this history, and nothing is said about it
  };
  Boundary boundary(std::span<const Oid> tips, const std::unordered_set<Oid>& held) const;

 private:
  Links links_;
};

}  // namespace packferry
