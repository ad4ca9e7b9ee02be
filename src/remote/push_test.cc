#include "remote/push.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/must.h"
#include "testing/scripted_transport.h"

namespace packferry {
namespace {

using testing::band;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kFlush;
using testing::must;
using testing::pkt;
using testing::ScriptedAnswer;
using testing::ScriptedPeer;
using testing::ScriptedTransport;

const std::string kA(40, 'a');
const std::string kZero(40, '0');
constexpr std::string_view kUsual = "report-status report-status-v2 side-band-64k quiet atomic delete-refs ofs-delta";

Oid oid(std::string_view hex) { return must(Oid::parse(hex)); }
RefName name(std::string_view text) { return must(RefName::parse(text)); }
RefUpdate creation(std::string_view ref) { return {name(ref), Oid(), oid(kA)}; }
RefUpdate deletion(std::string_view ref) { return {name(ref), oid(kA), Oid()}; }

std::string greeting(std::string_view words) {
  return pkt(kA + " refs/heads/main" + '\0' + std::string(words) + "\n") + std::string(kFlush);
}

// A report as it comes through the side-band.
std::string banded(const std::string& report) { return band(1, report) + std::string(kFlush); }
std::string report_of(std::initializer_list<std::string_view> lines) {
  std::string text;
  for (const std::string_view line : lines) text += pkt(std::string(line) + "\n");
  return text + std::string(kFlush);
}

// A host that follows a script.
class PushTest : public ::testing::Test {
 protected:
  std::shared_ptr<ScriptedPeer> script = std::make_shared<ScriptedPeer>();
  Remote remote{std::make_unique<ScriptedTransport>(script)};
  std::vector<std::byte> pack = empty_pack(ObjectFormat::Sha1);

  void answers(ScriptedAnswer answer, std::string_view words = kUsual) {
    script->greeting = greeting(words);
    script->answers.push_back(std::move(answer));
  }
  std::unique_ptr<PushWriter> push(std::vector<RefUpdate> updates = {creation("refs/heads/x")}, bool atomic = false) {
    return must(remote.push({.updates = std::move(updates), .atomic = atomic}, nullptr, {}));
  }
  Result<> send_pack(PushWriter& writer) {
    TRY(writer.write(pack));
    return writer.finish();
  }
};

TEST_F(PushTest, SendsCommandsThenThePack) {
  answers({banded(report_of({"unpack ok", "ok refs/heads/x", "ok refs/heads/y"}))});
  auto writer = push({creation("refs/heads/x"), deletion("refs/heads/y")}, true);
  must(send_pack(*writer));
  EXPECT_EQ(script->requests.at(0),
            pkt(kZero + " " + kA + " refs/heads/x" + '\0' + " report-status-v2 side-band-64k quiet atomic") +
                pkt(kA + " " + kZero + " refs/heads/y") + std::string(kFlush) + std::string(as_text(pack)));
  EXPECT_TRUE(writer->report().refs.at(0).ok);
  EXPECT_TRUE(writer->report().refs.at(1).ok);
  EXPECT_EQ(script->connections, 1);
}

TEST_F(PushTest, AHostThatCanLittleIsAskedForLittle) {
  answers({report_of({"unpack ok", "ok refs/heads/x"})}, "report-status");
  auto writer = push();
  must(send_pack(*writer));
  EXPECT_THAT(script->requests.at(0), HasSubstr(std::string("x\0 report-status", 16)));
  EXPECT_TRUE(writer->report().refs.at(0).ok);
}

TEST_F(PushTest, DeletionsAreSentWithoutAPackAndOnlyByFinish) {
  answers({banded(report_of({"unpack ok", "ok refs/heads/y"}))});
  auto writer = push({deletion("refs/heads/y")});
  EXPECT_EQ(script->requests.at(0), "");
  must(writer->finish());
  EXPECT_TRUE(script->requests.at(0).ends_with(kFlush));
  EXPECT_TRUE(writer->report().refs.at(0).ok);
}

TEST_F(PushTest, TheTrailerWaitsForFinish) {
  answers({banded(report_of({"unpack ok", "ok refs/heads/x"}))});
  auto writer = push();
  const std::size_t commands = script->requests.at(0).size();
  for (const std::byte one : pack) must(writer->write({&one, 1}));
  EXPECT_EQ(script->requests.at(0).size(), commands + pack.size() - 20);
  must(writer->finish());
  EXPECT_EQ(script->requests.at(0).substr(commands), as_text(pack));
}

TEST_F(PushTest, ADestroyedPushIsNotEnded) {
  answers({""});
  must(push()->write(pack));
  EXPECT_FALSE(script->ended.at(0));
}

TEST_F(PushTest, RefsAreReportedOneByOne) {
  answers({banded(report_of({"unpack ok", "ng refs/heads/b non-fast-forward", "ok refs/heads/a", "ok refs/heads/zzz",
                             "option refname refs/heads/q", "ng refs/heads/d", "ok refs/heads/e",
                             "ng refs/heads/e later\x1b", "ng refs/heads/f first", "ok refs/heads/f"}))});
  auto writer = push({creation("refs/heads/a"), creation("refs/heads/b"), creation("refs/heads/c"),
                      creation("refs/heads/d"), creation("refs/heads/e"), creation("refs/heads/f")});
  must(send_pack(*writer));
  const std::vector<RefReport>& refs = writer->report().refs;
  EXPECT_TRUE(refs.at(0).ok);
  EXPECT_EQ(refs.at(1).reason, "non-fast-forward");
  EXPECT_FALSE(refs.at(2).ok) << "not reported is not ok";
  EXPECT_THAT(refs.at(2).reason, HasSubstr("did not report"));
  EXPECT_FALSE(refs.at(3).ok);
  EXPECT_EQ(refs.at(4).reason, "later\\x1b") << "once failed, failed";
  EXPECT_FALSE(refs.at(5).ok) << "once failed, failed";
}

// Names longer than a string's own room, each asked for again after it was reported on.
TEST_F(PushTest, ReportsOnLongNamesAreReadInAnyOrder) {
  const std::string stem = "refs/heads/" + std::string(64, 'n') + "/";
  answers({banded(report_of({"unpack ok", "ok " + stem + "b", "ng " + stem + "a first", "ok " + stem + "b",
                             "ok " + stem + "a", "ng " + stem + "b later"}))});
  auto writer = push({creation(stem + "a"), creation(stem + "b")});
  must(send_pack(*writer));
  const std::vector<RefReport>& refs = writer->report().refs;
  EXPECT_EQ(refs.at(0).name.text(), stem + "a");
  EXPECT_EQ(refs.at(0).reason, "first");
  EXPECT_EQ(refs.at(1).name.text(), stem + "b");
  EXPECT_EQ(refs.at(1).reason, "later");
}

TEST_F(PushTest, DeletionsThatAHostDoesNotTakeAreReportedAndTheRestGoes) {
  answers({banded(report_of({"unpack ok", "ok refs/heads/x"}))}, "report-status side-band-64k atomic");
  auto writer = push({deletion("refs/heads/y"), creation("refs/heads/x")});
  must(send_pack(*writer));
  EXPECT_THAT(script->requests.at(0), Not(HasSubstr("refs/heads/y")));
  EXPECT_FALSE(writer->report().refs.at(0).ok);
  EXPECT_THAT(writer->report().refs.at(0).reason, HasSubstr("deletions"));
  EXPECT_TRUE(writer->report().refs.at(1).ok);
}

TEST_F(PushTest, NothingIsSentWhenNothingCanBe) {
  script->greeting = greeting("report-status side-band-64k atomic");
  auto only = push({deletion("refs/heads/y")});
  must(only->finish());
  auto atomic = push({deletion("refs/heads/y"), creation("refs/heads/x")}, true);
  must(send_pack(*atomic));
  EXPECT_FALSE(atomic->report().refs.at(1).ok);
  EXPECT_TRUE(script->requests.empty());
}

TEST_F(PushTest, WhatTheHostCannotDoIsUnsupported) {
  script->greeting = greeting("side-band-64k delete-refs");
  EXPECT_FAILS(remote.push({.updates = {creation("refs/heads/x")}}, nullptr, {}), ErrorKind::Unsupported,
               "report-status");
  script->greeting = greeting("report-status");
  EXPECT_FAILS(remote.push({.updates = {creation("refs/heads/x")}, .atomic = true}, nullptr, {}),
               ErrorKind::Unsupported, "atomic");
  script->greeting = greeting("report-status object-format=sha1");
  EXPECT_FAILS(remote.push({.updates = {{name("refs/heads/x"), Oid(), oid(kA + kA.substr(16))}}}, nullptr, {}),
               ErrorKind::Unsupported, "sha1");
}

TEST_F(PushTest, APackThatDoesNotUnpackIsRejected) {
  answers({banded(report_of({"unpack index-pack abnormal exit", "ng refs/heads/x unpacker error"}))});
  auto writer = push();
  EXPECT_FAILS(send_pack(*writer), ErrorKind::Rejected, "index-pack abnormal exit");
  EXPECT_FALSE(writer->is_in_doubt());
  EXPECT_EQ(writer->report().unpack_error, "index-pack abnormal exit");
  EXPECT_EQ(writer->report().refs.at(0).reason, "unpacker error");
}

TEST_F(PushTest, NoReportLeavesADoubt) {
  const std::string whole = banded(report_of({"unpack ok", "ok refs/heads/x"}));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    SCOPED_TRACE(cut);
    answers({whole.substr(0, cut)});
    auto writer = push();
    EXPECT_FAILS(send_pack(*writer), ErrorKind::Unavailable, "");
    EXPECT_TRUE(writer->is_in_doubt());
  }
}

TEST_F(PushTest, ANonsenseReportLeavesADoubt) {
  std::string endless = pkt("unpack ok\n");
  for (int i = 0; i < 1000; ++i) endless += pkt("ok refs/heads/x\n");
  for (const std::string& bad : {report_of({"unpacked"}), report_of({"unpack ok", "well"}), endless,
                                 pkt("unpack ok\n") + "0001", report_of({"ok refs/heads/x"}), std::string("<html>")}) {
    SCOPED_TRACE(bad.substr(0, 60));
    answers({banded(bad)});
    auto writer = push();
    EXPECT_FAILS(send_pack(*writer), ErrorKind::Corrupt, "");
    EXPECT_TRUE(writer->is_in_doubt());
  }
}

TEST_F(PushTest, ARefusalInWordsLeavesNoDoubt) {
  for (const std::string& refusal : {pkt("ERR access denied by policy"), band(3, "access denied by policy")}) {
    answers({refusal});
    auto writer = push();
    EXPECT_FAILS(send_pack(*writer), ErrorKind::Denied, "by policy");
    EXPECT_FALSE(writer->is_in_doubt());
  }
}

TEST_F(PushTest, AHostThatRefusesEarlyIsHeard) {
  const struct {
    std::string text;
    ErrorKind kind;
    const char* words;
  } cases[] = {
      {banded(report_of({"unpack too large", "ng refs/heads/x too large"})), ErrorKind::Rejected, "too large"},
      {banded(report_of({"unpack ok", "ng refs/heads/x frozen"})), ErrorKind::Rejected, "frozen"},
      {banded(report_of({"unpack ok", "ok refs/heads/x"})), ErrorKind::Rejected, "before it had the whole pack"},
      {band(3, "over quota"), ErrorKind::Rejected, "over quota"},
      {"", ErrorKind::Unavailable, "Broken pipe"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.words);
    answers({.text = c.text, .takes_bytes = 200});
    auto writer = push();
    EXPECT_FAILS(writer->write(std::vector<std::byte>(1000)), c.kind, c.words);
    EXPECT_FALSE(writer->is_in_doubt());
  }
}

TEST_F(PushTest, AStopLeavesADoubtToo) {
  answers({.text = "", .breaks_with = ErrorKind::Cancelled});
  auto writer = push();
  EXPECT_FAILS(send_pack(*writer), ErrorKind::Cancelled, "");
  EXPECT_TRUE(writer->is_in_doubt());
}

TEST_F(PushTest, EachPushListsAnew) {
  answers({banded(report_of({"unpack ok", "ok refs/heads/x"}))});
  answers({banded(report_of({"unpack ok", "ok refs/heads/x"}))});
  must(remote.list_for_push({}));
  must(send_pack(*push()));
  EXPECT_EQ(script->connections, 1);
  must(send_pack(*push()));
  EXPECT_EQ(script->connections, 2);
}

}  // namespace
}  // namespace packferry
