#include "service/known_hosts.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

std::string host_at(const std::string& url) {
  const auto at = [](const char* text) { return std::optional(must(Url::parse(text))); };
  const Fleet fleet{.hosts = {
                        {.name = "lab", .kind = HostKind::GitLab, .url = at("https://git.example.com/lab")},
                        {.name = "hub", .kind = HostKind::GitHub},
                        {.name = "aws", .kind = HostKind::CodeCommit, .region = "eu-central-1"},
                        {.name = "disk", .kind = HostKind::Directory, .path = "/srv/git"},
                        {.name = "few",
                         .kind = HostKind::List,
                         .repositories = {*at("https://x.example:8443/a.git"), *at("/var/one.git")}},
                    }};
  const FleetHost* const host = host_of(fleet, must(Url::parse(url)));
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

}  // namespace
}  // namespace packferry
