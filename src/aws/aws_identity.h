// As whom we go to AWS, as far as a person says so; what is left empty is found where AWS's own tools find it.
#pragma once

#include <string>

namespace packferry {

struct AwsIdentity {
  std::string profile = {};
  // Assumed with whatever credentials are found, or with the web identity token that is set up.
  std::string role_arn = {};
  std::string external_id = {};
  std::string session_name = {};

  bool is_named() const { return !profile.empty() || !role_arn.empty(); }
  friend bool operator==(const AwsIdentity&, const AwsIdentity&) = default;
};

}  // namespace packferry
