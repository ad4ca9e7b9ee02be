#include "service/known_hosts.h"

#include <gtest/gtest.h>

#include "service/replica_side.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

Fleet fleet() {
  const auto at = [](const char* text) { return std::optional(must(Url::parse(text))); };
  return {.hosts = {
              {.name = "lab", .kind = HostKind::GitLab, .url = at("https://git.example.com/lab"), .jobs = 2},
              {.name = "hub", .kind = HostKind::GitHub},
              {.name = "aws", .kind = HostKind::CodeCommit, .region = "eu-central-1", .jobs = 20},
              {.name = "disk", .kind = HostKind::Directory, .path = "/srv/git", .jobs = 3},
              {.name = "few",
               .kind = HostKind::List,
               .repositories = {*at("https://x.example:8443/a.git"), *at("/var/one.git")},
               .jobs = 4},
          }};
}

std::string host_at(const std::string& url) {
  const Fleet known = fleet();
  const FleetHost* const host = host_of(known, must(Url::parse(url)));
  return host == nullptr ? "" : host->name;
}

TEST(KnownHosts, AnAddressIsAtTheHostThatServesIt) {
  EXPECT_EQ(host_at("https://git.example.com/lab/app/web.git"), "lab");
  EXPECT_EQ(host_at("ssh://git@git.example.com/app/web.git"), "lab");
  EXPECT_EQ(host_at("git@git.example.com:app/web.git"), "lab");
  EXPECT_EQ(host_at("https://github.com/app/web"), "hub");
  EXPECT_EQ(host_at("codecommit::eu-central-1://web"), "aws");
  EXPECT_EQ(host_at("codecommit://web"), "aws");
  EXPECT_EQ(host_at("https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/web"), "aws");
  EXPECT_EQ(host_at("/srv/git/app/web.git"), "disk");
  EXPECT_EQ(host_at("https://x.example:8443/other.git"), "few");
  EXPECT_EQ(host_at("/var/one.git"), "few");
}

TEST(KnownHosts, WhatOnlyLooksLikeItIsNot) {
  EXPECT_EQ(host_at("https://git.example.com/laboratory/app/web.git"), "");
  EXPECT_EQ(host_at("https://git.example.com/lab"), "");
  EXPECT_EQ(host_at("http://git.example.com/lab/app/web.git"), "");
  EXPECT_EQ(host_at("https://git.example.com.evil.example/lab/app/web.git"), "");
  EXPECT_EQ(host_at("https://github.com@evil.example/app/web"), "");
  EXPECT_EQ(host_at("codecommit::us-west-2://web"), "");
  EXPECT_EQ(host_at("https://x.example/a.git"), "");
  EXPECT_EQ(host_at("/srv/git/../../etc/one.git"), "");
  EXPECT_EQ(host_at("/srv/gitter/one.git"), "");
  EXPECT_EQ(host_at("srv/git/one.git"), "");
  EXPECT_EQ(host_at("http://169.254.169.254/latest/meta-data"), "");
}

// As a replica's side calls its host.
TEST(KnownHosts, AHostHasItsOwnWidth) {
  const auto width_at = [](const char* url, const SideFacts& facts = {}) {
    return width_of(fleet(), must(replica_side(must(Url::parse(url)), facts)).host);
  };
  EXPECT_EQ(width_at("https://git.example.com/lab/app/web.git"), 2u);
  EXPECT_EQ(width_at("git@git.example.com:app/web.git"), 2u);
  EXPECT_EQ(width_at("https://github.com/app/web"), 8u);
  EXPECT_EQ(width_at("codecommit::eu-central-1://web", {.region = "eu-central-1", .account = "111122223333"}), 20u);
  EXPECT_EQ(width_at("codecommit::eu-central-1://web"), 20u);
  EXPECT_EQ(width_at("codecommit::eu-west-1://web"), 8u) << "it is not in the configuration";
  EXPECT_EQ(width_at("/srv/git/app/web.git"), 4u) << "two hosts of the configuration are on this machine";
  EXPECT_EQ(width_at("https://x.example:8443/other.git"), 4u);
}

}  // namespace
}  // namespace packferry
