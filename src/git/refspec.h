// Which refs, and under what names. The syntax of git-fetch(1) refspecs, and a shorter one for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "git/ref.h"

namespace packferry {

// `[+]SOURCE[:DESTINATION]` or `^SOURCE`. Either both sides have one `*` or neither has; `*` also matches '/', as in git.
class Refspec {
 public:
  // Git's own syntax: full names only ("refs/heads/*:refs/heads/mirror/*"). Invalid otherwise.
  static Result<Refspec> parse(std::string_view text);

  // What people type: a bare pattern means branches ("main", "release/*"), "heads/…" and "tags/…" and "tag v1" as in git,
  // full names and refspecs as above, with `:DESTINATION` in the same short forms; a leading '^' excludes.
  static Result<Refspec> parse_short(std::string_view text);

  bool is_negative() const { return negative_; }
  bool is_forced() const { return forced_; }
  bool matches(const RefName& name) const;
  // The name on the other side; none when it does not match or excludes. Invalid names cannot come out.
  std::optional<RefName> map(const RefName& name) const;
  std::string text() const;

  friend bool operator==(const Refspec&, const Refspec&) = default;

 private:
  std::string source_;
  std::string destination_;  // same as source_ when not given
  bool negative_ = false;
  bool forced_ = false;
};

// What is selected: matched by at least one positive refspec and by no negative one.
class RefspecSet {
 public:
  RefspecSet() = default;
  // No positive one given: everything (refs/*) is meant, minus the negative ones. Invalid when two positive refspecs
  // obviously disagree (the same source pattern with two destinations).
  static Result<RefspecSet> from(std::vector<Refspec> specs);
  // refs/heads/* and refs/tags/*
  static RefspecSet branches_and_tags();

  bool selects(const RefName& source_name) const;
  std::optional<RefName> map(const RefName& source_name) const;
  // Is this destination name one that the selection could produce? What it could not is never touched over there.
  bool covers(const RefName& destination_name) const;
  // All selected refs under their destination names. Invalid when two sources would land on one name; it names both.
  Result<RefMap> map(const RefMap& source) const;
  // ls-refs prefixes that make a server list no less than what is selected (gitprotocol-v2, ref-prefix); empty: all.
  std::vector<std::string> prefixes() const;

 private:
  std::vector<Refspec> positive_;
  std::vector<Refspec> negative_;
};

}  // namespace packferry
