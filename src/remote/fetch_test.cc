#include "remote/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/must.h"
#include "testing/scripted_transport.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using testing::band;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kDelimiter;
using testing::kFlush;
using testing::must;
using ::testing::Not;
using testing::pkt;
using testing::ScriptedAnswer;
using testing::ScriptedPeer;
using testing::ScriptedTransport;

const std::string kA(40, 'a');
const std::string kB(40, 'b');

Oid oid(std::string_view hex) { return must(Oid::parse(hex)); }

std::string pack_text() { return std::string(as_text(empty_pack(ObjectFormat::Sha1))); }

std::string version_2_greeting(std::string_view fetch = "fetch=shallow filter") {
  return pkt("version 2\n") + pkt("agent=git/x\n") + pkt("ls-refs=unborn\n") + pkt(fetch) +
         pkt("object-format=sha1\n") + std::string(kFlush);
}

std::string old_greeting(std::string_view words) {
  return pkt(kA + " HEAD" + '\0' + std::string(words) + "\n") + pkt(kA + " refs/heads/main\n") + std::string(kFlush);
}

// A source that follows a script.
class FetchTest : public ::testing::Test {
 protected:
  std::shared_ptr<ScriptedPeer> script = std::make_shared<ScriptedPeer>();
  Remote remote{std::make_unique<ScriptedTransport>(script)};

  void serves(std::string greeting, ScriptedAnswer answer) {
    script->greeting = std::move(greeting);
    script->answers.push_back(std::move(answer));
  }
  Result<std::vector<std::byte>> fetch(FetchRequest request = {.wants = {oid(kA)}}) {
    auto pack = TRY(remote.fetch(std::move(request), nullptr, {}));
    return read_all(*pack, 1 << 20);
  }
};

TEST_F(FetchTest, AsksInProtocolTwo) {
  serves(version_2_greeting(), {pkt("packfile\n") + band(1, pack_text()) + std::string(kFlush)});
  EXPECT_EQ(as_text(must(fetch({.wants = {oid(kA), oid(kA)}, .haves = {oid(kB), oid(kB)}, .filter = "tree:0"}))),
            pack_text());
  EXPECT_EQ(script->requests.at(0), pkt("command=fetch\n") + pkt("agent=" + std::string(agent()) + "\n") +
                                        pkt("object-format=sha1\n") + std::string(kDelimiter) + pkt("thin-pack\n") +
                                        pkt("no-progress\n") + pkt("ofs-delta\n") + pkt("filter tree:0\n") +
                                        pkt("want " + kA + "\n") + pkt("have " + kB + "\n") + pkt("done\n") +
                                        std::string(kFlush));
}

TEST_F(FetchTest, AsksForNoMoreThanTheReceiversCanTake) {
  serves(version_2_greeting(), {pkt("packfile\n") + band(1, pack_text()) + std::string(kFlush)});
  must(fetch({.wants = {oid(kA)}, .thin = false, .ofs_delta = false}));
  EXPECT_THAT(script->requests.at(0), AllOf(Not(HasSubstr("thin-pack")), Not(HasSubstr("ofs-delta"))));
}

TEST_F(FetchTest, AsksAnOldServerForWhatItOffers) {
  serves(old_greeting("multi_ack multi_ack_detailed side-band side-band-64k thin-pack ofs-delta no-progress agent=x"),
         {pkt("ACK " + kB + " common\n") + pkt("ACK " + kB + " ready\n") + pkt("ACK " + kB + "\n") +
          band(1, pack_text()) + std::string(kFlush)});
  EXPECT_EQ(as_text(must(fetch({.wants = {oid(kA)}, .haves = {oid(kB)}}))), pack_text());
  EXPECT_EQ(script->requests.at(0),
            pkt("want " + kA + " multi_ack_detailed side-band-64k thin-pack no-progress ofs-delta agent=" +
                std::string(agent()) + "\n") +
                std::string(kFlush) + pkt("have " + kB + "\n") + pkt("done\n"));
}

TEST_F(FetchTest, AServerWithoutSideBandSendsThePackBare) {
  serves(old_greeting("multi_ack"), {pkt("NAK\n") + pack_text()});
  EXPECT_EQ(as_text(must(fetch())), pack_text());
  EXPECT_EQ(script->requests.at(0), pkt("want " + kA + " multi_ack\n") + std::string(kFlush) + pkt("done\n"));
}

TEST_F(FetchTest, AServerWithoutAnyCapabilitiesIsAskedPlainly) {
  serves(pkt(kA + " refs/heads/main\n") + std::string(kFlush), {pkt("ACK " + kB + "\n") + pack_text()});
  EXPECT_EQ(as_text(must(fetch({.wants = {oid(kA)}, .haves = {oid(kB)}}))), pack_text());
  EXPECT_EQ(script->requests.at(0),
            pkt("want " + kA + "\n") + std::string(kFlush) + pkt("have " + kB + "\n") + pkt("done\n"));
}

TEST_F(FetchTest, AnOldServerIsNotAskedForWhatItDoesNotList) {
  script->greeting = old_greeting("side-band-64k");
  EXPECT_FAILS(fetch({.wants = {oid(kB)}}), ErrorKind::Conflict, kB);
  EXPECT_TRUE(script->requests.empty());

  serves(old_greeting("side-band-64k allow-reachable-sha1-in-want"),
         {pkt("NAK\n") + band(1, pack_text()) + std::string(kFlush)});
  Remote again{std::make_unique<ScriptedTransport>(script)};
  must(again.fetch({.wants = {oid(kB)}}, nullptr, {}));
}

TEST_F(FetchTest, ARequestStaysWithinWhatServersTake) {
  std::vector<Oid> haves;
  for (std::size_t i = 0; i < kRequestLinesMax + 10; ++i) haves.push_back(oid(fmt::format("{:040x}", i + 1)));
  serves(version_2_greeting(), {pkt("packfile\n") + band(1, pack_text()) + std::string(kFlush)});
  must(fetch({.wants = {oid(kA)}, .haves = haves}));
  EXPECT_THAT(script->requests.at(0), HasSubstr(pkt("have " + haves[kRequestLinesMax - 2].hex() + "\n")));
  EXPECT_THAT(script->requests.at(0), Not(HasSubstr(haves[kRequestLinesMax - 1].hex())));
  EXPECT_LT(script->requests.at(0).size(), 10u * 1024 * 1024);
}

TEST_F(FetchTest, WhatTheServerCannotDoIsUnsupported) {
  script->greeting = version_2_greeting("fetch=shallow");
  EXPECT_FAILS(fetch({.wants = {oid(kA)}, .filter = "tree:0"}), ErrorKind::Unsupported, "partial fetch");
  EXPECT_FAILS(fetch({.wants = {oid(kA + kA.substr(16))}}), ErrorKind::Unsupported, "sha1");
  script->greeting = version_2_greeting("bundle-uri");
  Remote other{std::make_unique<ScriptedTransport>(script)};
  EXPECT_FAILS(other.fetch({.wants = {oid(kA)}}, nullptr, {}), ErrorKind::Unsupported, "no fetch");
}

TEST_F(FetchTest, RefusesWhatNoServerMaySay) {
  const struct {
    const char* what;
    std::string text;
    ErrorKind kind;
    const char* words;
  } cases[] = {
      {"nothing", "", ErrorKind::Unavailable, "hung up"},
      {"another section", pkt("wanted-refs\n"), ErrorKind::Corrupt, "wanted-refs"},
      {"packfile-uris", pkt("packfile-uris\n"), ErrorKind::Corrupt, "packfile-uris"},
      {"a shallow source", pkt("shallow-info\n") + pkt("shallow " + kA), ErrorKind::Corrupt, "shallow repository"},
      {"a want that is gone", pkt("ERR upload-pack: not our ref " + kA), ErrorKind::Conflict, "not our ref"},
      {"an error", pkt("ERR go away\x1b]0;x"), ErrorKind::Rejected, "go away\\x1b"},
      {"a flush", "0000", ErrorKind::Corrupt, "the pack"},
      {"band 3", pkt("packfile\n") + band(3, "out of memory"), ErrorKind::Rejected, "out of memory"},
      {"an end before the pack", pkt("packfile\n"), ErrorKind::Unavailable, "ended"},
      {"a cut pack", pkt("packfile\n") + band(1, pack_text().substr(0, 20)), ErrorKind::Unavailable, ""},
      {"a pack cut by a flush", pkt("packfile\n") + band(1, pack_text().substr(0, 31)) + "0000", ErrorKind::Unavailable,
       ""},
      {"no pack", pkt("packfile\n") + band(1, "<html></html>") + "0000", ErrorKind::Corrupt, "pack"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    serves(version_2_greeting(), {c.text});
    EXPECT_FAILS(fetch(), c.kind, c.words);
  }
}

TEST_F(FetchTest, RefusesWhatNoOldServerMaySay) {
  const struct {
    std::string text;
    ErrorKind kind;
    const char* words;
  } cases[] = {
      {"", ErrorKind::Unavailable, "hung up"},
      {"00", ErrorKind::Unavailable, "hung up"},
      {"0000", ErrorKind::Corrupt, "0000"},
      {"PACKxxxx", ErrorKind::Corrupt, "PACK"},
      {pkt("ACK x\n"), ErrorKind::Corrupt, "ACK x"},
      {pkt("shallow " + kA), ErrorKind::Corrupt, "shallow"},
      {pkt("ERR upload-pack: not our ref " + kA), ErrorKind::Conflict, "not our ref"},
      {pkt("NAK\n"), ErrorKind::Unavailable, "ended"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    serves(old_greeting("side-band-64k"), {c.text});
    EXPECT_FAILS(fetch(), c.kind, c.words);
  }
}

TEST_F(FetchTest, OldAcknowledgmentsHaveAnEnd) {
  std::string old_ones;
  for (std::size_t i = 0; i < 2 * kRequestLinesMax; ++i) old_ones += pkt("ACK " + kA + " common\n");
  serves(old_greeting("side-band-64k"), {old_ones});
  EXPECT_FAILS(fetch(), ErrorKind::Corrupt, "without end");
}

TEST_F(FetchTest, AcknowledgmentsHaveAnEnd) {
  std::string new_ones = pkt("acknowledgments\n");
  for (std::size_t i = 0; i < 2 * kRequestLinesMax; ++i) new_ones += pkt("NAK\n");
  serves(version_2_greeting(), {new_ones});
  EXPECT_FAILS(remote.known({oid(kA)}, {oid(kB)}, {}), ErrorKind::Corrupt, "without end");
}

TEST_F(FetchTest, AcknowledgmentsOfAnOldServerHaveAnEnd) {
  std::string said;
  for (std::size_t i = 0; i < 2 * kRequestLinesMax; ++i) said += pkt("ACK " + kA + " common\n");
  serves(old_greeting("side-band-64k"), {said});
  EXPECT_FAILS(fetch(), ErrorKind::Corrupt, "without end");
}

TEST_F(FetchTest, AServerThatRefusesEarlyIsHeard) {
  serves(version_2_greeting(), {.text = pkt("ERR too busy"), .takes_bytes = 20});
  EXPECT_FAILS(fetch(), ErrorKind::Rejected, "too busy");
  serves(version_2_greeting(), {.text = "", .takes_bytes = 20});
  EXPECT_FAILS(fetch(), ErrorKind::Unavailable, "Broken pipe");
}

TEST_F(FetchTest, KnownReadsAcknowledgments) {
  const std::string head = pkt("acknowledgments\n");
  const struct {
    std::string text;
    std::vector<Oid> known;
  } cases[] = {
      {head + pkt("NAK\n") + "0000", {}},
      {head + pkt("ACK " + kB + "\n") + "0000", {oid(kB)}},
      {head + pkt("ACK " + kB + "\n") + pkt("ready\n") + "0001" + pkt("packfile\n"), {oid(kB)}},
  };
  for (const auto& c : cases) {
    serves(version_2_greeting(), {c.text});
    EXPECT_EQ(must(remote.known({oid(kA)}, {oid(kB)}, {})), c.known);
  }
  EXPECT_THAT(script->requests.at(0), AllOf(HasSubstr("have " + kB), Not(HasSubstr("done"))));

  for (const std::string& bad : {pkt("packfile\n"), head + pkt("ACK x\n"), head + pkt("what\n"), head + "0002"}) {
    serves(version_2_greeting(), {bad});
    EXPECT_FAILS(remote.known({oid(kA)}, {oid(kB)}, {}), ErrorKind::Corrupt, "acknowledgment");
  }
}

TEST_F(FetchTest, OneConnectionServesSeveralRequests) {
  script->is_stateless = true;
  serves(version_2_greeting(), {pkt(kA + " refs/heads/main\n") + std::string(kFlush)});
  script->answers.push_back({pkt(kA + " refs/heads/main\n") + std::string(kFlush)});
  script->answers.push_back({pkt("packfile\n") + band(1, pack_text()) + std::string(kFlush)});
  must(remote.list({}, {}));
  must(remote.list({"refs/heads/"}, {}));
  must(fetch());
  EXPECT_EQ(script->connections, 1);
  EXPECT_EQ(script->requests.at(0), pkt("command=ls-refs\n") + pkt("agent=" + std::string(agent()) + "\n") +
                                        pkt("object-format=sha1\n") + std::string(kDelimiter) + pkt("peel\n") +
                                        pkt("symrefs\n") + pkt("unborn\n") + std::string(kFlush));
  EXPECT_THAT(script->requests.at(1), HasSubstr(pkt("ref-prefix HEAD\n") + pkt("ref-prefix refs/heads/\n")));
}

TEST_F(FetchTest, AHostThatAnswersOtherwiseIsAskedFromTheStart) {
  script->is_stateless = true;
  serves(version_2_greeting(), {std::string(kFlush)});
  script->answers.push_back({pkt("ERR unknown object or request\n")});
  must(remote.list({}, {}));
  EXPECT_FAILS(remote.list({}, {}), ErrorKind::Rejected, "unknown");
  script->greeting = old_greeting("side-band-64k");
  EXPECT_EQ(must(remote.list({}, {})).protocol, 0);
}

TEST_F(FetchTest, AStopTokenFromElsewhereMeansAnotherConnection) {
  script->is_stateless = true;
  serves(version_2_greeting(), {std::string(kFlush)});
  script->answers.push_back({std::string(kFlush)});
  std::stop_source stop;
  must(remote.list({}, {}));
  must(remote.list({}, stop.get_token()));
  EXPECT_EQ(script->connections, 2);
}

}  // namespace
}  // namespace packferry
