// Which refs, and under what names. The syntax of git-fetch(1) refspecs, and a shorter one for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "git/ref.h"

namespace packferry {

// `[+]SOURCE[:DESTINATION]` or `^SOURCE`. Either both sides have one `*` or neither has; `*` matches any text, '/' and
// nothing at all included, as in git. Without a destination names stay as they are, as in git-push(1).
//
// Refs are picked, never made or unmade: what git also takes as a refspec but names no ref of the source (an empty
// side, an object name, HEAD) is Invalid.
class Refspec {
 public:
  // Git's own syntax: full names only ("refs/heads/*:refs/heads/mirror/*"). Invalid otherwise.
  static Result<Refspec> parse(std::string_view text);

  // What people type: a bare pattern means branches ("main", "release/*"); "heads/…", "tags/…" and "tag v1" as in git;
  // full names and refspecs as above. A bare DESTINATION is in the namespace of its source ("tags/v1:v2",
  // "main:trunk"). A leading '^' excludes.
  static Result<Refspec> parse_short(std::string_view text);

  bool is_negative() const { return negative_; }
  bool is_forced() const { return forced_; }
  bool matches(const RefName& name) const;
  // The name on the other side; none when it does not match, when this excludes, or when what comes out is no ref name.
  std::optional<RefName> map(const RefName& name) const;
  // The other way round: the source that map() makes this destination of.
  std::optional<RefName> map_back(const RefName& destination) const;
  // What every name that matches begins with: all of it when there is no `*`.
  std::string_view source_prefix() const;
  std::string text() const;

  // Picks all that `later` picks, and gives it other names.
  bool hides(const Refspec& later) const;

  friend bool operator==(const Refspec&, const Refspec&) = default;

 private:
  std::string source_;
  std::string destination_;  // same as source_ when not given
  bool negative_ = false;
  bool forced_ = false;
};

// What is selected: matched by at least one positive refspec and by no negative one. Where several match, the first
// decides the name: the special before the general. (Git would give such a ref both names.)
class RefspecSet {
 public:
  RefspecSet() = default;
  // No positive one given: everything (refs/*) is meant, minus the negative ones. Invalid when a refspec could never
  // decide because one before it hides it.
  static Result<RefspecSet> from(std::vector<Refspec> specs);
  // refs/heads/* and refs/tags/*
  static RefspecSet branches_and_tags();

  // Made by none of these: it selects nothing, and callers may take it for "not said".
  bool is_empty() const { return positive_.empty(); }
  bool selects(const RefName& source_name) const;
  std::optional<RefName> map(const RefName& source_name) const;
  // Is this destination name one that the selection could produce? What it could not is never touched over there.
  bool covers(const RefName& destination_name) const;
  // All selected refs under their destination names. Invalid when two sources would land on one name (it says which),
  // or one on what is no ref name: nothing selected is left out in silence.
  Result<RefMap> map(const RefMap& source) const;
  // ls-refs prefixes that make a server list no less than what is selected (gitprotocol-v2, ref-prefix); empty: all.
  std::vector<std::string> prefixes() const;

  friend bool operator==(const RefspecSet&, const RefspecSet&) = default;

 private:
  // The refspec that decides the name; null when not selected.
  const Refspec* decider(const RefName& source_name) const;

  std::vector<Refspec> positive_;
  std::vector<Refspec> negative_;
};

}  // namespace packferry
