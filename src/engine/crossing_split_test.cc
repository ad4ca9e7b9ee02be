// Pushes that are too large for one, between real repositories.
#include <gmock/gmock.h>

#include <random>

#include "engine/crossing.h"
#include "engine/split.h"
#include "io/file.h"
#include "remote/process_transport.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::HasSubstr;
using testing::must;

constexpr std::uint64_t kLimit = 100'000;

// A destination that counts, and that goes away when its pushes are used up.
class CountingDestination final : public Destination {
 public:
  CountingDestination(std::unique_ptr<Remote> remote, HostProfile profile) : there_(std::move(remote), profile) {}
  std::string name() const override { return there_.name(); }
  const HostProfile& profile() const override { return there_.profile(); }
  Result<std::optional<Listing>> refs(std::stop_token stop) override { return there_.refs(stop); }
  Result<> create(ObjectFormat format, const Head& head, std::stop_token stop) override {
    return there_.create(format, head, stop);
  }
  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages messages,
                                           std::stop_token stop) override {
    if (++pushes > pushes_max) return Error(ErrorKind::Unavailable, "gone");
    return there_.open(std::move(request), std::move(messages), stop);
  }
  Result<bool> set_head(const RefName& branch, std::stop_token stop) override { return there_.set_head(branch, stop); }

  unsigned pushes = 0;
  unsigned pushes_max = 1'000;

 private:
  RemoteDestination there_;
};

class CrossingSplitTest : public ::testing::Test {
 protected:
  CrossingSplitTest() {
    git.init("source");
    git.init("destination");
    for (int i = 0; i < 40; ++i) {
      git.commit("source", "main", noise(10'000));
      if (i == 15) git.git("source", {"branch", "aside", "main"});
      if (i == 30) git.git("source", {"tag", "v1", "main"});
    }
    for (int i = 0; i < 10; ++i) git.commit("source", "aside", noise(10'000));
    git.git("source", {"-c", "user.name=A", "-c", "user.email=a@b", "tag", "-a", "-m", "x", "v2", "aside"});
  }

  // Text that no compression makes much smaller.
  std::string noise(std::size_t bytes) {
    std::string text(bytes, '\0');
    for (char& c : text) c = static_cast<char>('0' + random_() % 64);
    return text;
  }
  std::unique_ptr<Remote> remote(std::string_view name) const {
    return std::make_unique<Remote>(
        make_local_transport(must(Url::parse(git.path(name).string())), git.environment(), Patience{}));
  }
  LegReport cross() {
    RemoteSource source(remote("source"));
    CountingDestination destination(remote("destination"), profile);
    destination.pushes_max = pushes_max;
    CrossingReport report =
        Crossing(source, {&destination}, {.policy = {}, .push_bytes_max = push_bytes_max}, clock).run({});
    pushes = destination.pushes;
    return std::move(report.legs.at(0));
  }
  std::string refs(std::string_view name) const { return git.git(name, {"for-each-ref"}); }
  void expect_same() const {
    EXPECT_EQ(refs("destination"), refs("source"));
    EXPECT_EQ(git.try_git("destination", {"fsck", "--full", "--strict"}).code, 0);
  }

  testing::GitSandbox git;
  FakeClock clock;
  HostProfile profile = profile_of(must(Url::parse("https://git.example.org/web")));
  std::uint64_t push_bytes_max = kLimit;
  unsigned pushes = 0;
  unsigned pushes_max = 1'000;

 private:
  std::mt19937 random_{20261122};
};

TEST_F(CrossingSplitTest, GoesInPartsThatAreSmallEnoughAndLeavesNoMark) {
  git.git("destination", {"config", "receive.maxInputSize", std::to_string(kLimit + 4'096)});
  const LegReport leg = cross();
  EXPECT_EQ(to_string(leg.status), "done") << (leg.error ? leg.error->message() : "");
  EXPECT_TRUE(leg.equal_to_source);
  EXPECT_GE(pushes, 10u) << "a megabyte in parts of a tenth";
  expect_same();
}

TEST_F(CrossingSplitTest, WhatFitsIsNotSplit) {
  push_bytes_max = 10'000'000;
  EXPECT_EQ(to_string(cross().status), "done");
  EXPECT_EQ(pushes, 1u);
  expect_same();
}

TEST_F(CrossingSplitTest, ARunThatIsCutIsGoneOnWith) {
  pushes_max = 6;
  const LegReport first = cross();
  EXPECT_EQ(to_string(first.status), "failed");
  EXPECT_THAT(refs("destination"), HasSubstr(kSplitMarks));

  pushes_max = 1'000;
  const LegReport second = cross();
  EXPECT_EQ(to_string(second.status), "done") << (second.error ? second.error->message() : "");
  EXPECT_LT(second.pack_bytes, first.pack_bytes * 4) << "what the first run brought is not brought again";
  expect_same();
}

TEST_F(CrossingSplitTest, MarksThatWereLeftAtTheVeryEndGoWithTheNextRun) {
  EXPECT_EQ(to_string(cross().status), "done");
  git.git("destination", {"update-ref", std::string(kSplitMarks) + "1", "refs/heads/main"});
  const LegReport leg = cross();
  EXPECT_TRUE(leg.equal_to_source);
  expect_same();
}

TEST_F(CrossingSplitTest, AnUpdateIsSplitLikeAFirstPush) {
  push_bytes_max = 10'000'000;
  ASSERT_EQ(to_string(cross().status), "done");
  for (int i = 0; i < 20; ++i) git.commit("source", "main", noise(10'000));
  push_bytes_max = kLimit;
  EXPECT_EQ(to_string(cross().status), "done");
  EXPECT_GE(pushes, 4u);
  expect_same();
}

TEST_F(CrossingSplitTest, ACommitThatIsTooLargeGoesWhereItIsOnlyAgainstAdvice) {
  git.commit("source", "main", noise(200'000));
  EXPECT_EQ(to_string(cross().status), "done");
  expect_same();
}

TEST_F(CrossingSplitTest, AndIsNamedWhereTheHostWouldRefuseIt) {
  push_bytes_max = 0;
  profile.pack_bytes_max = kLimit;
  git.commit("source", "main", noise(200'000));
  const LegReport leg = cross();
  EXPECT_EQ(to_string(leg.status), "failed");
  ASSERT_TRUE(leg.error);
  EXPECT_THAT(leg.error->message(), HasSubstr("a single commit brings more"));
}

TEST_F(CrossingSplitTest, AHostThatRefusesTheMarksSaysSo) {
  const std::filesystem::path hook = git.path("destination") / "hooks" / "update";
  {
    const std::unique_ptr<Writer> script = must(create_file(hook));
    must(script->write(as_bytes("#!/bin/sh\ncase $1 in refs/tags/*) echo no tags >&2; exit 1;; esac\n")));
    must(script->finish());
  }
  std::filesystem::permissions(hook, std::filesystem::perms::owner_all);
  const LegReport leg = cross();
  EXPECT_EQ(to_string(leg.status), "failed");
  ASSERT_TRUE(leg.error);
  EXPECT_THAT(leg.error->message(), HasSubstr("packferry-part"));
}

}  // namespace
}  // namespace packferry
