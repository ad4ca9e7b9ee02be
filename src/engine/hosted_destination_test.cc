#include "engine/hosted_destination.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

// A host and the repository on it, as seen through its API and through Git.
struct World {
  bool is_there = false;
  bool git_finds_it = true;
  ErrorKind git_says = ErrorKind::NotFound;
  std::optional<Error> refuses;
  std::string default_branch;
  std::optional<ObjectFormat> made_of;
};

class Api final : public Host {
 public:
  explicit Api(World& world) : world_(world) {}
  std::string name() const override { return "codecommit nowhere"; }
  Result<std::vector<HostedRepository>> list(const std::string&, std::stop_token) override {
    return std::vector<HostedRepository>();
  }
  Result<Url> url_of(std::string_view) const override { return Error(ErrorKind::Unsupported, "not asked"); }
  Result<HostedRepository> find(std::string_view repository, std::stop_token) override {
    if (world_.refuses) return *world_.refuses;
    if (!world_.is_there) return Error(ErrorKind::NotFound, "no {}", repository);
    return HostedRepository{.name = "web", .url = must(Url::parse("codecommit://web"))};
  }
  Result<HostedRepository> create(const NewRepository& wanted, std::stop_token) override {
    if (world_.refuses) return *world_.refuses;
    if (world_.is_there) return Error(ErrorKind::Conflict, "{} is there", wanted.name);
    world_.is_there = true;
    world_.made_of = wanted.format;
    return HostedRepository{.name = "web", .url = must(Url::parse("codecommit://web"))};
  }
  Result<> set_default_branch(std::string_view, std::string_view branch, std::stop_token) override {
    world_.default_branch = branch;
    return {};
  }

 private:
  World& world_;
};

class ByGit final : public Destination {
 public:
  explicit ByGit(World& world) : world_(world) {}
  std::string name() const override { return "codecommit://web"; }
  const HostProfile& profile() const override { return profile_; }
  Result<std::optional<Listing>> refs(std::stop_token) override {
    if (!world_.is_there || !world_.git_finds_it) return Error(world_.git_says, "404");
    return std::optional(Listing());
  }
  Result<> create(ObjectFormat, const Head&, std::stop_token) override { return Error(ErrorKind::Unsupported, "no"); }
  Result<std::unique_ptr<PushWriter>> open(PushRequest, RemoteMessages, std::stop_token) override {
    return Error(ErrorKind::Rejected, "opened");
  }
  Result<bool> set_head(const RefName&, std::stop_token) override { return false; }

 private:
  World& world_;
  const HostProfile profile_;
};

class HostedDestinationTest : public ::testing::Test {
 protected:
  World world;
  HostedDestination destination{std::make_unique<ByGit>(world), std::make_unique<Api>(world), {.name = "web"}};
  const RefName main = must(RefName::parse("refs/heads/release/1"));
};

TEST_F(HostedDestinationTest, WhatIsThereIsLeftAsItIs) {
  world.is_there = true;
  EXPECT_TRUE(must(destination.refs({})));
  EXPECT_FALSE(must(destination.set_head(main, {})));
  EXPECT_EQ(world.default_branch, "");
  EXPECT_EQ(destination.name(), "codecommit://web");
  EXPECT_FAILS(destination.open({}, {}, {}), ErrorKind::Rejected, "opened");
}

TEST_F(HostedDestinationTest, WhatIsNotThereIsMadeAndGetsItsDefaultBranch) {
  EXPECT_FALSE(must(destination.refs({})));
  must(destination.create(ObjectFormat::Sha1, {}, {}));
  EXPECT_TRUE(must(destination.refs({})));
  EXPECT_TRUE(must(destination.set_head(main, {})));
  EXPECT_EQ(world.default_branch, "release/1");
  EXPECT_FALSE(must(destination.set_head(must(RefName::parse("refs/odd")), {})));
}

TEST_F(HostedDestinationTest, SomebodyElseMayHaveMadeItMeanwhile) {
  EXPECT_FALSE(must(destination.refs({})));
  world.is_there = true;
  must(destination.create(ObjectFormat::Sha1, {}, {}));
  EXPECT_FALSE(must(destination.set_head(main, {})));
}

TEST_F(HostedDestinationTest, OnlyTheHostKnowsThatThereIsNone) {
  world.is_there = true;
  world.git_finds_it = false;
  EXPECT_FAILS(destination.refs({}), ErrorKind::NotFound, "404");
  world.refuses = Error(ErrorKind::Denied, "may not look");
  EXPECT_FAILS(destination.refs({}), ErrorKind::Denied, "may not look");
  EXPECT_FAILS(destination.create(ObjectFormat::Sha1, {}, {}), ErrorKind::Denied, "may not look");
}

TEST_F(HostedDestinationTest, GitMayCallDeniedWhatIsNotThere) {
  world.git_says = ErrorKind::Denied;
  EXPECT_FALSE(must(destination.refs({})));
  world.refuses = Error(ErrorKind::Unavailable, "no answer");
  EXPECT_FAILS(destination.refs({}), ErrorKind::Denied, "404");
  world.git_says = ErrorKind::Unavailable;
  EXPECT_FAILS(destination.refs({}), ErrorKind::Unavailable, "404");
}

TEST_F(HostedDestinationTest, MakesOneOfTheSourcesKindWhereTheHostCan) {
  must(destination.create(ObjectFormat::Sha256, {}, {}));
  EXPECT_EQ(world.made_of, ObjectFormat::Sha256);
}

}  // namespace
}  // namespace packferry
