// must(): the value of a Result, or the end of the test with its error.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "base/result.h"

namespace packferry::testing {

template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "must(): %s: %s\n", std::string(to_string(result.error().kind())).c_str(),
                 result.error().message().c_str());
    std::abort();
  }
  return std::move(result).value();
}

// EXPECT that a Result failed, and how: EXPECT_FAILS(Url::parse("ext::sh"), ErrorKind::Invalid, "scheme");
#define EXPECT_FAILS(expression, expected_kind, part_of_message)                                \
  do {                                                                                          \
    auto expect_fails_result = (expression);                                                    \
    if (expect_fails_result.has_value()) {                                                      \
      ADD_FAILURE() << #expression " succeeded";                                                \
    } else {                                                                                    \
      EXPECT_EQ(to_string(expect_fails_result.error().kind()), to_string(expected_kind))        \
          << expect_fails_result.error().message();                                             \
      EXPECT_NE(expect_fails_result.error().message().find(part_of_message), std::string::npos) \
          << expect_fails_result.error().message();                                             \
    }                                                                                           \
  } while (false)

}  // namespace packferry::testing
