#include "remote/greeting.h"

#include <gtest/gtest.h>

#include "testing/must.h"
#include "testing/scripted_transport.h"

namespace packferry {
namespace {

using testing::must;
using testing::pkt;

struct Passed {
  std::string text;
  bool version_2;
};

Passed pass(const std::string& text, std::optional<Service> prelude) {
  MemoryReader from{std::string_view(text)};
  Greeting greeting(from, prelude);
  const std::vector<std::byte> bytes = must(read_all(greeting, 1 << 20));
  return {std::string(as_text(bytes)), greeting.speaks_version_2()};
}

TEST(Greeting, PassesOnWhatComesAndSeesTheVersion) {
  for (const std::string& rest : {pkt("version 2\n") + pkt("agent=x\n") + "0000", pkt("version 2") + "0000"}) {
    const Passed passed = pass(rest, std::nullopt);
    EXPECT_EQ(passed.text, rest);
    EXPECT_TRUE(passed.version_2);
  }
  for (const std::string& rest : {std::string(), std::string("00"), std::string("0000"), std::string("<html>"),
                                  pkt("version 1\n") + "0000", std::string("ffffxx"), std::string("0010ab")}) {
    const Passed passed = pass(rest, Service::UploadPack);
    EXPECT_EQ(passed.text, rest);
    EXPECT_FALSE(passed.version_2);
  }
}

TEST(Greeting, TakesAwayTheWordsOfHttp) {
  const std::string prelude = pkt("# service=git-upload-pack\n");
  const std::string rest = pkt("version 2\n") + "0000";
  for (const std::string& text : {prelude + "0000" + rest, prelude + rest, rest}) {
    const Passed passed = pass(text, Service::UploadPack);
    EXPECT_EQ(passed.text, rest);
    EXPECT_TRUE(passed.version_2);
  }
}

TEST(Greeting, RefusesAnotherService) {
  const std::string text = pkt("# service=git-receive-pack\n") + "0000";
  MemoryReader from{std::string_view(text)};
  Greeting greeting(from, Service::UploadPack);
  std::byte one;
  EXPECT_FAILS(greeting.read({&one, 1}), ErrorKind::Corrupt, "git-receive-pack");
}

TEST(RawPacket, IsReadToItsEndAndNoFurther) {
  MemoryReader from{std::string_view("0008abc\n0000rest")};
  EXPECT_EQ(raw_packet_text(must(read_raw_packet(from))), "abc");
  EXPECT_EQ(as_text(must(read_raw_packet(from))), "0000");
  EXPECT_EQ(as_text(must(read_raw_packet(from))), "rest");
  EXPECT_TRUE(must(read_raw_packet(from)).empty());
}

}  // namespace
}  // namespace packferry
