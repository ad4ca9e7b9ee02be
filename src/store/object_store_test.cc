#include "store/object_store.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "store/memory_store.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

TEST(Key, MayHoldWhatPeopleCanRead) {
  for (const std::string& key : {std::string("a"), std::string("a/b/c.d"), std::string("..."), std::string(".a/a."),
                                 std::string("a b/%2F/\"+\""), std::string("\xC3\xA4"), std::string(255, 'x'),
                                 std::string(255, 'x') + "/" + std::string(".packferry-tmp-x"),
                                 std::string(255, 'x') + "/" + std::string(255, 'x') + "/" + std::string(255, 'x') +
                                     "/" + std::string(132, 'x')}) {
    EXPECT_TRUE(check_key(key)) << key;
  }
}

TEST(Key, IsRefusedWithTheRuleThatItBreaks) {
  const struct {
    std::string key;
    const char* rule;
  } cases[] = {
      {"", "an empty part"},
      {"/a", "an empty part"},
      {"a/", "an empty part"},
      {"a//b", "an empty part"},
      {".", "a part '.'"},
      {"a/..", "a part '..'"},
      {"../a", "a part '..'"},
      {"a\nb", "'a\\x0ab' cannot be the key of an object: it holds control characters"},
      {std::string("a\0b", 3), "control characters"},
      {"a\x7f", "control characters"},
      {"a\xC2\x85", "control characters"},
      {"a\xE2\x80\xAE", "invisible marks"},
      {"a\xff", "no UTF-8"},
      {"\xC0\xAE\xC0\xAE/a", "no UTF-8"},
      {std::string(256, 'x'), "a part longer than 255 bytes"},
      {std::string(255, 'x') + "/" + std::string(255, 'x') + "/" + std::string(255, 'x') + "/" + std::string(133, 'x'),
       "longer than 900 bytes"},
      {".packferry-tmp-0123", "'.packferry-tmp-' is kept for unfinished uploads"},
  };
  for (const auto& [key, rule] : cases) EXPECT_FAILS(check_key(key), ErrorKind::Invalid, rule);
}

TEST(ReadObject, SaysWhatItReadWhenThereIsTooMuch) {
  const FakeClock clock;
  MemoryStore store(clock);
  must(store.put_if_absent("a", as_bytes("0123456789"), {}));
  EXPECT_EQ(as_text(must(read_object(store, "a", 10, {}))), "0123456789");
  EXPECT_FAILS(read_object(store, "a", 9, {}), ErrorKind::Exhausted, "read 'a' of memory: ");
  EXPECT_FAILS(read_object(store, "b", 9, {}), ErrorKind::NotFound, "'b'");
}

}  // namespace
}  // namespace packferry
