#include "config/table_reader.h"

#include <gtest/gtest.h>

#include <array>

namespace packferry {
namespace {

constexpr std::array<std::string_view, 4> kKnown = {"token", "url", "kind", "ca_file"};

TEST(DidYouMean, ALetterTooManyMissingWrongOrSwappedIsForgiven) {
  for (const char* word : {"tokn", "tokenn", "tokan", "tkoen", "Token"})
    EXPECT_EQ(did_you_mean(word, kKnown), "did you mean 'token'?") << word;
  EXPECT_EQ(did_you_mean("ulr", kKnown), "did you mean 'url'?");
  EXPECT_EQ(did_you_mean("ca-file", kKnown), "did you mean 'ca_file'?");
}

TEST(DidYouMean, WhatIsFarFromAllIsNotGuessed) {
  for (const std::string& word : {std::string("password"), std::string("xyz"), std::string(), std::string(5000, 't')})
    EXPECT_EQ(did_you_mean(word, kKnown), "");
  EXPECT_EQ(did_you_mean("token", {}), "");
}

TEST(ConfigMistakes, ComeInTheirOrderAndOnce) {
  ConfigMistakes mistakes;
  mistakes.add({2, 1}, "later");
  mistakes.add({1, 9}, "b", Error(ErrorKind::Invalid, "it is wrong; write it so; or so"));
  mistakes.add({2, 1}, "later");
  EXPECT_EQ(std::move(mistakes).take(),
            (std::vector<ConfigMistake>{{1, 9, "b: it is wrong", "write it so; or so"}, {2, 1, "later", ""}}));
}

}  // namespace
}  // namespace packferry
