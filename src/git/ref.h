// Refs: a checked name, the object it points at, and all that one side holds.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "git/oid.h"

namespace packferry {

// A full ref name ("refs/heads/main", or "HEAD") that git-check-ref-format(1) accepts, at most kBytesMax long. What a
// peer sends becomes a RefName at the wire edge or is refused there. Bytes above 0x7F pass as they are, as in git.
class RefName {
 public:
  static constexpr std::size_t kBytesMax = 4096;

  // Invalid when it breaks a rule, and says which. From a peer that means Corrupt: the caller knows where it came from.
  static Result<RefName> parse(std::string_view text);

  const std::string& text() const { return text_; }
  bool starts_with(std::string_view prefix) const { return text_.starts_with(prefix); }
  bool is_branch() const { return starts_with("refs/heads/"); }
  bool is_tag() const { return starts_with("refs/tags/"); }
  // "main" of refs/heads/main, "v1" of refs/tags/v1, else the whole name.
  std::string_view short_name() const;

  // Byte by byte, as git sorts refs.
  friend std::strong_ordering operator<=>(const RefName& a, const RefName& b) { return a.text_ <=> b.text_; }
  friend bool operator==(const RefName&, const RefName&) = default;

 private:
  explicit RefName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct Ref {
  RefName name;
  Oid oid;
  // What an annotated tag points at in the end, when the server said so.
  std::optional<Oid> peeled = std::nullopt;

  friend bool operator==(const Ref&, const Ref&) = default;
};

// What a side holds: refs sorted by name, each name once. A value; cheap to move, compared name by name and oid by oid.
class RefMap {
 public:
  RefMap() = default;
  // Corrupt when a name stands twice.
  static Result<RefMap> from(std::vector<Ref> refs);

  const Ref* find(const RefName& name) const;
  bool contains(const RefName& name) const { return find(name) != nullptr; }
  std::size_t size() const { return refs_.size(); }
  bool empty() const { return refs_.empty(); }
  auto begin() const { return refs_.begin(); }
  auto end() const { return refs_.end(); }
  RefMap filtered(const std::function<bool(const Ref&)>& keep) const;

  // Same names at the same oids; what was peeled does not count.
  friend bool operator==(const RefMap& a, const RefMap& b);

 private:
  std::vector<Ref> refs_;
};

// Where a repository's HEAD stands.
struct Head {
  std::optional<RefName> target = std::nullopt;  // the branch; none when detached, or when an old server does not say
  std::optional<Oid> oid = std::nullopt;         // none when unborn: the branch does not exist (yet)

  friend bool operator==(const Head&, const Head&) = default;
};

}  // namespace packferry
