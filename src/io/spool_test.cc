#include "io/spool.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <array>
#include <cstdlib>
#include <optional>

#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;
using testing::TempDir;

std::string rest_of(Spool& spool) {
  std::string text;
  std::array<std::byte, 1000> block{};
  while (const std::size_t count = must(spool.read(block))) text += as_text(std::span(block).first(count));
  return text;
}

TEST(Spool, GivesBackWhatItTook) {
  const TempDir directory;
  const auto spool = must(Spool::open(directory.path()));
  must(spool->write(as_bytes("one ")));
  must(spool->write(as_bytes("two")));
  EXPECT_EQ(spool->bytes(), 7u);
  must(spool->rewind());
  EXPECT_EQ(rest_of(*spool), "one two");
  EXPECT_EQ(spool->bytes(), 7u);
}

TEST(Spool, MayBeReadAgain) {
  const TempDir directory;
  const auto spool = must(Spool::open(directory.path()));
  must(spool->write(as_bytes("text")));
  must(spool->rewind());
  EXPECT_EQ(rest_of(*spool), "text");
  must(spool->rewind());
  EXPECT_EQ(rest_of(*spool), "text");
}

TEST(Spool, HasNoName) {
  const TempDir directory;
  const auto spool = must(Spool::open(directory.path()));
  must(spool->write(as_bytes("text")));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(Spool, LiesWhereTheUserWantsTemporaryFiles) {
  const char* now = std::getenv("TMPDIR");
  const std::optional<std::string> before = now ? std::optional<std::string>(now) : std::nullopt;
  const TempDir directory;
  ::setenv("TMPDIR", (directory / "none").c_str(), 1);
  EXPECT_FAILS(Spool::open(), ErrorKind::NotFound, "none': No such file");
  ::unsetenv("TMPDIR");
  EXPECT_TRUE(Spool::open());
  if (before) ::setenv("TMPDIR", before->c_str(), 1);
}

TEST(Spool, IsExhaustedWhenNoMoreFits) {
  const TempDir directory;
  const auto spool = must(Spool::open(directory.path()));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto signal_before = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Result<> written = spool->write(as_bytes(std::string(2000, 'x')));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, signal_before);
  EXPECT_FAILS(written, ErrorKind::Exhausted, "write the spool file in '" + directory.path().string() + "'");
}

TEST(Spool, IsWrittenFirstAndReadThen) {
  const TempDir directory;
  const auto spool = must(Spool::open(directory.path()));
  std::array<std::byte, 4> into{};
  EXPECT_DEATH(static_cast<void>(spool->read(into)), "broken invariant");
  must(spool->rewind());
  EXPECT_DEATH(static_cast<void>(spool->write(as_bytes("x"))), "broken invariant");
}

}  // namespace
}  // namespace packferry
