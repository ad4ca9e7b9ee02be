#include "remote/remote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "remote/ancestry.h"
#include "remote/process_transport.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::GitSandbox;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::must;

constexpr Patience kTestPatience{
    .connect_ms = Milliseconds(30'000), .stall_ms = Milliseconds(30'000), .goodbye_ms = Milliseconds(5'000)};

RefName name(std::string_view text) { return must(RefName::parse(text)); }
Oid oid(std::string_view hex) { return must(Oid::parse(hex)); }

// Real repositories, spoken to through the git of this machine.
class RemoteTest : public ::testing::Test {
 protected:
  GitSandbox git;

  std::unique_ptr<Remote> remote(std::string_view repository, int protocol = 2) {
    Url url = must(Url::parse(git.path(repository).string()));
    return std::make_unique<Remote>(make_local_transport(std::move(url), git.environment(), kTestPatience), protocol);
  }

  std::string refs_of(std::string_view repository) { return git.git(repository, {"for-each-ref"}); }

  std::vector<Oid> tips(const Listing& listing) {
    std::vector<Oid> all;
    for (const Ref& ref : listing.refs) all.push_back(ref.oid);
    return all;
  }

  // The crossing in its plainest form: list, fetch, push, list.
  void carry(Remote& from, Remote& to) {
    const Listing offered = must(from.list({}, {}));
    const Listing held = must(to.list_for_push({}));
    const std::vector<RefUpdate> updates = diff(held.refs, offered.refs, offered.format);
    auto pack = must(from.fetch({.wants = tips(offered), .haves = tips(held)}, nullptr, {}));
    auto push = must(to.push({.updates = updates}, nullptr, {}));
    must(pump(*pack, *push));
    must(push->finish());
    for (const RefReport& ref : push->report().refs) EXPECT_TRUE(ref.ok) << ref.name.text() << ": " << ref.reason;
    EXPECT_FALSE(push->is_in_doubt());
    EXPECT_EQ(must(to.list({}, {})).refs, offered.refs);
  }

  PushReport push_updates(Remote& to, std::vector<RefUpdate> updates, bool with_empty_pack, bool atomic = false) {
    const ObjectFormat format = updates.front().new_oid.format();
    auto push = must(to.push({.updates = std::move(updates), .atomic = atomic}, nullptr, {}));
    if (with_empty_pack) must(push->write(empty_pack(format)));
    must(push->finish());
    return push->report();
  }
};

TEST_F(RemoteTest, CarriesARepositoryInBothProtocolsAndFormats) {
  for (const std::string format : {"sha1", "sha256"}) {
    for (const int protocol : {2, 0}) {
      SCOPED_TRACE(format + ", protocol " + std::to_string(protocol));
      const std::string from = "from-" + format + std::to_string(protocol);
      const std::string to = "to-" + format + std::to_string(protocol);
      git.init(from, format);
      git.init(to, format);
      git.commit(from, "main", "one");
      git.commit(from, "topic/x", "two");
      git.git(from, {"tag", "-a", "-m", "a tag", "v1", "main"});

      const auto source = remote(from, protocol);
      const auto destination = remote(to, protocol);
      carry(*source, *destination);
      git.commit(from, "main", "three");
      carry(*source, *destination);

      EXPECT_EQ(refs_of(from), refs_of(to));
      git.git(to, {"fsck", "--strict"});
    }
  }
}

TEST_F(RemoteTest, ListsTagsPeeledAndHeadByItsBranch) {
  const std::string commit = git.commit("r", "main", "one");
  git.git("r", {"tag", "-a", "-m", "a tag", "v1", "main"});
  for (const int protocol : {2, 0}) {
    const Listing listing = must(remote("r", protocol)->list({}, {}));
    EXPECT_EQ(listing.protocol, protocol);
    EXPECT_EQ(listing.refs.size(), 2u);
    EXPECT_EQ(listing.head, (Head{name("refs/heads/main"), oid(commit)}));
    const Ref* tag = listing.refs.find(name("refs/tags/v1"));
    ASSERT_NE(tag, nullptr);
    EXPECT_EQ(tag->peeled, oid(commit));
    EXPECT_FALSE(listing.refs.find(name("refs/heads/main"))->peeled.has_value());
  }
}

TEST_F(RemoteTest, ListsADetachedHeadWithoutABranch) {
  const std::string commit = git.commit("r", "main", "one");
  git.git("r", {"update-ref", "--no-deref", "HEAD", commit});
  std::ofstream(git.path("r") / "HEAD") << commit << "\n";
  for (const int protocol : {2, 0}) {
    const Listing listing = must(remote("r", protocol)->list({}, {}));
    EXPECT_EQ(listing.head, (Head{std::nullopt, oid(commit)}));
  }
}

TEST_F(RemoteTest, AnEmptyRepositoryIsAListingLikeAnyOther) {
  git.init("empty", "sha1", "trunk");
  const Listing listing = must(remote("empty")->list({}, {}));
  EXPECT_TRUE(listing.refs.empty());
  EXPECT_EQ(listing.head, (Head{name("refs/heads/trunk"), std::nullopt}));

  EXPECT_TRUE(must(remote("empty", 0)->list({}, {})).refs.empty());
  EXPECT_TRUE(must(remote("empty")->list_for_push({})).refs.empty());

  git.init("empty-256", "sha256");
  // In the old protocol an empty repository says nothing at all of itself.
  EXPECT_EQ(must(remote("empty-256")->list({}, {})).format, ObjectFormat::Sha256);
  EXPECT_EQ(must(remote("empty-256")->list_for_push({})).format, ObjectFormat::Sha256);
}

TEST_F(RemoteTest, ListsOnlyWhatThePrefixesSelectAndHead) {
  git.commit("r", "main", "one");
  git.commit("r", "release/1", "two");
  git.git("r", {"update-ref", "refs/notes/x", "main"});
  const Listing listing = must(remote("r")->list({"refs/heads/release/"}, {}));
  EXPECT_EQ(listing.refs.size(), 1u);
  EXPECT_TRUE(listing.refs.contains(name("refs/heads/release/1")));
  EXPECT_EQ(listing.head.target, name("refs/heads/main"));
}

TEST_F(RemoteTest, EveryListIsANewLook) {
  git.commit("r", "main", "one");
  for (const int protocol : {2, 0}) {
    const auto r = remote("r", protocol);
    EXPECT_EQ(must(r->list({}, {})).refs.size(), 1u);
    git.git("r", {"branch", "new", "main"});
    EXPECT_EQ(must(r->list({}, {})).refs.size(), 2u);
    git.git("r", {"branch", "-D", "new"});
  }
}

TEST_F(RemoteTest, AWantThatIsGoneIsAConflict) {
  git.commit("r", "main", "one");
  const Oid gone = oid("1111111111111111111111111111111111111111");
  for (const int protocol : {2, 0}) {
    const auto r = remote("r", protocol);
    EXPECT_FAILS(r->fetch({.wants = {gone}}, nullptr, {}), ErrorKind::Conflict, gone.hex());
    EXPECT_EQ(must(r->list({}, {})).refs.size(), 1u) << "the next request has a connection of its own";
  }
}

TEST_F(RemoteTest, HavesSpareWhatTheReceiverHas) {
  const Oid old = oid(git.commit("r", "main", "one"));
  const Oid tip = oid(git.commit("r", "main", "two"));
  for (const int protocol : {2, 0}) {
    const auto r = remote("r", protocol);
    EXPECT_EQ(must(r->fetch({.wants = {tip}}, nullptr, {}))->object_count(), 6u);
    EXPECT_EQ(must(r->fetch({.wants = {tip, tip}, .haves = {old, old}}, nullptr, {}))->object_count(), 3u);
    EXPECT_TRUE(must(r->fetch({.wants = {tip}, .haves = {tip}}, nullptr, {}))->is_empty());
  }
}

TEST_F(RemoteTest, ACommitsOnlyFetchBringsCommits) {
  git.commit("r", "main", "one");
  const Oid tip = oid(git.commit("r", "main", "two"));
  for (const int protocol : {2, 0}) {
    const auto r = remote("r", protocol);
    EXPECT_EQ(must(r->fetch({.wants = {tip}, .filter = "tree:0"}, nullptr, {}))->object_count(), 2u);
  }
}

TEST_F(RemoteTest, AShallowSourceIsRefused) {
  git.commit("full", "main", "one");
  const Oid tip = oid(git.commit("full", "main", "two"));
  git.git("full",
          {"clone", "-q", "--bare", "--depth=1", "file://" + git.path("full").string(), git.path("shallow").string()});
  for (const int protocol : {2, 0})
    EXPECT_FAILS(remote("shallow", protocol)->fetch({.wants = {tip}}, nullptr, {}), ErrorKind::Corrupt, "shallow");
}

TEST_F(RemoteTest, ProgressIsHeardByWhoeverListens) {
  const Oid tip = oid(git.commit("r", "main", "one"));
  std::vector<std::string> lines;
  auto pack = must(remote("r")->fetch({.wants = {tip}}, [&](std::string_view line) { lines.emplace_back(line); }, {}));
  must(read_all(*pack, 1024 * 1024));
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("Enumerating objects")));
}

TEST_F(RemoteTest, APackOutlivesItsRemote) {
  const Oid tip = oid(git.commit("r", "main", "one"));
  auto r = remote("r");
  auto pack = must(r->fetch({.wants = {tip}}, nullptr, {}));
  r.reset();
  EXPECT_GT(must(read_all(*pack, 1024 * 1024)).size(), 32u);
}

TEST_F(RemoteTest, DeletesWithoutAPack) {
  const Oid tip = oid(git.commit("r", "main", "one"));
  git.git("r", {"branch", "old", "main"});
  const auto r = remote("r");
  const PushReport report = push_updates(*r, {{name("refs/heads/old"), tip, Oid()}}, false);
  EXPECT_TRUE(report.refs.at(0).ok) << report.refs.at(0).reason;
  EXPECT_FALSE(must(r->list({}, {})).refs.contains(name("refs/heads/old")));
}

TEST_F(RemoteTest, CreatesARefToAnObjectThatIsThere) {
  const Oid tip = oid(git.commit("r", "main", "one"));
  const auto r = remote("r");
  const PushReport report = push_updates(*r, {{name("refs/heads/copy"), Oid(), tip}}, true);
  EXPECT_TRUE(report.refs.at(0).ok) << report.refs.at(0).reason;
  EXPECT_TRUE(must(r->list({}, {})).refs.contains(name("refs/heads/copy")));
}

TEST_F(RemoteTest, ARefThatMovedMeanwhileIsRefusedAndTheOthersLand) {
  const Oid old = oid(git.commit("r", "main", "one"));
  const Oid tip = oid(git.commit("r", "main", "two"));
  const auto r = remote("r");
  const PushReport report =
      push_updates(*r, {{name("refs/heads/main"), Oid(), old}, {name("refs/heads/other"), Oid(), tip}}, true);
  EXPECT_FALSE(report.refs.at(0).ok);
  EXPECT_THAT(report.refs.at(0).reason, Not(IsEmpty()));
  EXPECT_TRUE(report.refs.at(1).ok);
}

TEST_F(RemoteTest, AnAtomicPushLandsTogetherOrNotAtAll) {
  const Oid old = oid(git.commit("r", "main", "one"));
  const Oid tip = oid(git.commit("r", "main", "two"));
  const auto r = remote("r");
  const PushReport report =
      push_updates(*r, {{name("refs/heads/main"), old, old}, {name("refs/heads/other"), Oid(), tip}}, true, true);
  EXPECT_FALSE(report.refs.at(0).ok);
  EXPECT_FALSE(report.refs.at(1).ok);
  EXPECT_FALSE(must(r->list({}, {})).refs.contains(name("refs/heads/other")));
}

TEST_F(RemoteTest, APushThatIsAbandonedMovesNothing) {
  const Oid tip = oid(git.commit("from", "main", "one"));
  git.init("to");
  git.commit("to", "kept", "kept");
  const std::string before = refs_of("to");
  const Oid kept = must(remote("to")->list({}, {})).refs.find(name("refs/heads/kept"))->oid;

  const auto pack = must(read_all(*must(remote("from")->fetch({.wants = {tip}}, nullptr, {})), 1024 * 1024));
  const RefUpdate create{name("refs/heads/main"), Oid(), tip};
  for (const std::size_t written : {std::size_t{0}, std::size_t{5}, pack.size() / 2, pack.size()}) {
    SCOPED_TRACE(written);
    {
      auto push = must(remote("to")->push({.updates = {create}}, nullptr, {}));
      if (written > 0) must(push->write(std::span(pack).first(written)));
    }
    EXPECT_EQ(refs_of("to"), before);
  }
  // Nor does a deletion that was never finished.
  must(remote("to")->push({.updates = {{name("refs/heads/kept"), kept, Oid()}}}, nullptr, {}));
  EXPECT_EQ(refs_of("to"), before);
  EXPECT_THAT(git.try_git("to", {"count-objects", "-v"}).output, HasSubstr("garbage: 0"));
}

TEST_F(RemoteTest, ADamagedPackIsRejectedAndMovesNothing) {
  const Oid tip = oid(git.commit("from", "main", "one"));
  git.init("to");
  auto pack = must(read_all(*must(remote("from")->fetch({.wants = {tip}}, nullptr, {})), 1024 * 1024));
  pack[pack.size() / 2] ^= std::byte{1};
  auto push = must(remote("to")->push({.updates = {{name("refs/heads/main"), Oid(), tip}}}, nullptr, {}));
  must(push->write(pack));
  EXPECT_FAILS(push->finish(), ErrorKind::Rejected, "did not take the pack");
  EXPECT_FALSE(push->is_in_doubt());
  EXPECT_THAT(push->report().unpack_error, Not(IsEmpty()));
  EXPECT_TRUE(must(remote("to")->list({}, {})).refs.empty());
}

TEST_F(RemoteTest, AHookDeclinesInItsOwnWords) {
  const Oid tip = oid(git.commit("r", "main", "one"));
  const auto hook = git.path("r") / "hooks" / "pre-receive";
  std::filesystem::create_directories(hook.parent_path());
  std::ofstream(hook) << "#!/bin/sh\necho not on a Sunday >&2\nexit 1\n";
  std::filesystem::permissions(hook, std::filesystem::perms::owner_all);

  std::vector<std::string> lines;
  auto push = must(remote("r")->push({.updates = {{name("refs/heads/copy"), Oid(), tip}}},
                                     [&](std::string_view line) { lines.emplace_back(line); }, {}));
  must(push->write(empty_pack(ObjectFormat::Sha1)));
  must(push->finish());
  EXPECT_EQ(push->report().refs.at(0).reason, "pre-receive hook declined");
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("not on a Sunday")));
}

TEST_F(RemoteTest, ListsForAPushWhatOnlyItsObjectStoreHas) {
  const Oid tip = oid(git.commit("base", "main", "one"));
  git.init("fork");
  std::ofstream(git.path("fork") / "objects" / "info" / "alternates") << (git.path("base") / "objects").string();
  const Listing listing = must(remote("fork")->list_for_push({}));
  EXPECT_TRUE(listing.refs.empty());
  EXPECT_THAT(listing.extra_haves, ElementsAre(tip));
}

TEST_F(RemoteTest, AnotherObjectFormatIsNotPushed) {
  git.init("r", "sha256");
  const Oid tip = oid("1111111111111111111111111111111111111111");
  EXPECT_FAILS(remote("r")->push({.updates = {{name("refs/heads/main"), Oid(), tip}}}, nullptr, {}),
               ErrorKind::Unsupported, "sha256");
}

TEST_F(RemoteTest, SaysWhichObjectsItKnows) {
  const Oid old = oid(git.commit("r", "main", "one"));
  const Oid tip = oid(git.commit("r", "main", "two"));
  const Oid side = oid(git.commit("r", "side", "three"));
  const Oid foreign = oid("1111111111111111111111111111111111111111");
  const auto r = remote("r");
  // The second question has an answer that goes on with a pack, which nobody wants.
  EXPECT_THAT(must(r->known({tip}, {foreign, side}, {})), ElementsAre(side));
  EXPECT_THAT(must(r->known({tip}, {old, foreign}, {})), ElementsAre(old));
  EXPECT_THAT(must(r->known({tip}, {foreign}, {})), IsEmpty());
  EXPECT_FAILS(remote("r", 0)->known({tip}, {old}, {}), ErrorKind::Unsupported, "old protocol");
}

TEST_F(RemoteTest, WhatIsNoRepositoryIsNotFound) {
  EXPECT_FAILS(remote("nowhere")->list({}, {}), ErrorKind::NotFound, "nowhere");
  std::filesystem::create_directories(git.path("plain"));
  EXPECT_FAILS(remote("plain")->list({}, {}), ErrorKind::NotFound, "does not appear to be a git repository");
  EXPECT_FAILS(remote("plain")->list_for_push({}), ErrorKind::NotFound, "plain");
}

TEST_F(RemoteTest, StopsWhenAskedTo) {
  git.commit("r", "main", "one");
  std::stop_source stop;
  const auto r = remote("r");
  must(r->list({}, stop.get_token()));
  stop.request_stop();
  EXPECT_FAILS(r->list({}, stop.get_token()), ErrorKind::Cancelled, "stop");
  must(r->list({}, {}));
}

}  // namespace
}  // namespace packferry
