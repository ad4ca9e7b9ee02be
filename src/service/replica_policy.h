// A replica's policy as text: one rule a line, the same text for the same policy, so that it can be stored, shown and
// compared. What is as by default is left out.
//
//   ref refs/heads/*
//   ref ^refs/heads/tmp/*
//   follow fast-forward
//   allow-deletions 10%
//   allow-rewinds 25
//   keep-old-tips no
//   ignore-non-empty-destination yes
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/policy.h"

namespace packferry {

struct ReplicaPolicy {
  std::vector<Refspec> refs = {};  // those with '^' exclude; none: branches and tags
  FollowMode follow = FollowMode::Mirror;
  std::optional<Allowance> allow_deletions = {};
  std::optional<Allowance> allow_rewinds = {};
  bool keep_old_tips = true;
  bool ignore_non_empty_destination = false;

  // Invalid: a line that is no rule, or a rule that is there twice.
  static Result<ReplicaPolicy> parse(std::string_view text);
  std::string text() const;

  // What a crossing needs. Invalid: a refspec that another one hides.
  Result<Policy> policy() const;

  friend bool operator==(const ReplicaPolicy&, const ReplicaPolicy&) = default;
};

}  // namespace packferry
