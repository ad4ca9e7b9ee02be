#include "backup/age.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <random>

#include "io/process.h"
#include "testing/chunk_reader.h"
#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::ChunkReader;
using testing::drain;
using testing::must;
using testing::TempDir;

constexpr std::size_t kHeaderBytes = 22 + 54 + 44 + 48;  // for one recipient
constexpr std::size_t kNonceBytes = 16;
constexpr std::size_t kSealedChunkBytes = 64 * 1024 + 16;

// The program of that name, the judge.
std::string run(std::vector<std::string> argv, std::string_view input, int expected_code = 0) {
  const ProcessOutput output =
      must(run_process({.argv = std::move(argv), .environment = {"PATH=/usr/bin:/bin"}, .directory = {}}, input,
                       64 * 1024 * 1024, Patience{}, {}));
  EXPECT_EQ(output.exit.code, expected_code) << output.exit.stderr_text;
  return output.output;
}

std::string some_bytes(std::size_t count) {
  std::mt19937 random(static_cast<unsigned>(count));
  std::string bytes(count, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

class KeepingWriter final : public Writer {
 public:
  explicit KeepingWriter(std::string& kept) : kept_(kept) {}
  Result<> write(std::span<const std::byte> bytes) override { return kept_ += as_text(bytes), Result<>(); }
  Result<> finish() override { return {}; }

 private:
  std::string& kept_;
};

std::string encrypt(const std::vector<AgeRecipient>& recipients, std::string_view plain,
                    std::size_t block_bytes = 100'000) {
  std::string sealed;
  const std::unique_ptr<Writer> writer = must(open_age_writer(recipients, std::make_unique<KeepingWriter>(sealed)));
  for (std::string_view rest = plain; !rest.empty(); rest.remove_prefix(std::min(block_bytes, rest.size())))
    must(writer->write(as_bytes(rest.substr(0, block_bytes))));
  must(writer->finish());
  return sealed;
}

Result<std::string> decrypt(const std::vector<AgeIdentity>& identities, std::string_view sealed,
                            std::size_t chunk_bytes = 50'000, std::string* before_error = nullptr) {
  const std::unique_ptr<Reader> reader =
      TRY(open_age_reader(identities, std::make_unique<ChunkReader>(sealed, chunk_bytes)));
  return drain(*reader, 10'000, before_error);
}

class AgeTest : public ::testing::Test {
 protected:
  // As a person makes one.
  std::string keygen(std::string_view name) const {
    std::string path = directory / name;
    run({"age-keygen", "-o", path}, "");
    return path;
  }

  TempDir directory;
  const std::string key_file = keygen("key");
  const std::string other_key_file = keygen("other-key");
  const std::vector<AgeIdentity> identities = must(AgeIdentity::read_file(key_file));
  const std::vector<AgeIdentity> other_identities = must(AgeIdentity::read_file(other_key_file));
  const AgeRecipient recipient = identities.at(0).recipient();
  const AgeRecipient other_recipient = other_identities.at(0).recipient();
};

TEST_F(AgeTest, KnowsItsRecipientAsAgeDoes) {
  EXPECT_EQ(recipient.text() + "\n", run({"age-keygen", "-y", key_file}, ""));
  EXPECT_EQ(must(AgeRecipient::parse(recipient.text())).text(), recipient.text());
}

TEST_F(AgeTest, WritesWhatAgeOpensAndOpensWhatAgeWrites) {
  for (const std::size_t bytes : {0u, 1u, 65'535u, 65'536u, 65'537u, 131'072u, 5'000'000u}) {
    const std::string plain = some_bytes(bytes);
    const std::string ours = encrypt({recipient}, plain);
    EXPECT_TRUE(run({"age", "--decrypt", "-i", key_file}, ours) == plain) << bytes;
    EXPECT_TRUE(must(decrypt(identities, ours)) == plain) << bytes;
    const std::string of_age = run({"age", "--encrypt", "-r", recipient.text()}, plain);
    EXPECT_EQ(of_age.size(), ours.size());
    EXPECT_TRUE(must(decrypt(identities, of_age)) == plain) << bytes;
  }
}

TEST_F(AgeTest, IsTheSameHoweverTheBytesCome) {
  const std::string plain = some_bytes(200'000);
  for (const std::size_t at_once : {1u, 1000u, 65'535u, 65'536u, 65'537u, 1'000'000u})
    EXPECT_TRUE(must(decrypt(identities, encrypt({recipient}, plain, at_once), at_once)) == plain) << at_once;
}

TEST_F(AgeTest, LetsEachOfItsRecipientsIn) {
  const std::string ours = encrypt({recipient, other_recipient}, "for two");
  const std::string of_age = run({"age", "-r", recipient.text(), "-r", other_recipient.text()}, "for two");
  for (const std::string& sealed : {ours, of_age}) {
    EXPECT_EQ(must(decrypt(identities, sealed)), "for two");
    EXPECT_EQ(must(decrypt(other_identities, sealed)), "for two");
    EXPECT_EQ(run({"age", "-d", "-i", other_key_file}, sealed), "for two");
  }
}

TEST_F(AgeTest, FindsTheIdentityAmongSeveral) {
  const std::string sealed = encrypt({recipient}, "plain");
  EXPECT_EQ(must(decrypt({other_identities.at(0), identities.at(0)}, sealed)), "plain");
}

TEST_F(AgeTest, LetsNobodyElseIn) {
  const std::string sealed = encrypt({recipient}, "plain");
  EXPECT_FAILS(decrypt(other_identities, sealed), ErrorKind::Denied, "none of them one of the 1 identities");
  EXPECT_FAILS(decrypt({}, sealed), ErrorKind::Denied, "none of them one of the 0 identities");
  EXPECT_EQ(sealed.find("plain"), std::string::npos);
}

TEST_F(AgeTest, PassesOverRecipientsOfOtherKinds) {
  const std::string ssh_key = directory / "ssh";
  run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ssh_key}, "");
  const std::string sealed = run({"age", "-R", ssh_key + ".pub", "-r", recipient.text()}, "plain");
  EXPECT_EQ(must(decrypt(identities, sealed)), "plain");
  EXPECT_FAILS(decrypt(identities, run({"age", "-R", ssh_key + ".pub"}, "plain")), ErrorKind::Denied,
               "encrypted for 0 X25519 recipients");
}

TEST_F(AgeTest, RefusesAnyChangedByte) {
  const std::string sealed = encrypt({recipient}, "a small file");
  ASSERT_EQ(sealed.size(), kHeaderBytes + kNonceBytes + 12 + 16);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (const int mask : {0x01, 0x20, 0x80}) {
      std::string damaged = sealed;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      const Result<std::string> opened = decrypt(identities, damaged);
      ASSERT_FALSE(opened) << i;
      const ErrorKind kind = opened.error().kind();
      EXPECT_TRUE(kind == ErrorKind::Corrupt || (kind == ErrorKind::Denied && i < kHeaderBytes)) << i;
    }
  }
}

TEST_F(AgeTest, KnowsOneSlashOnly) {
  constexpr std::size_t kMacAt = kHeaderBytes - 44;
  std::string sealed;
  std::size_t slash = 0;
  do {
    sealed = encrypt({recipient}, "a small file");
    slash = sealed.find('/', kMacAt);
  } while (slash >= kHeaderBytes);
  EXPECT_TRUE(decrypt(identities, sealed));
  sealed[slash] = '\xAF';  // what libsodium 1.0.18 takes for one
  EXPECT_FAILS(decrypt(identities, sealed), ErrorKind::Corrupt, "a MAC that is none");
}

TEST_F(AgeTest, RefusesAnyCut) {
  const std::string small = encrypt({recipient}, "a small file");
  for (std::size_t bytes = 0; bytes < small.size(); ++bytes)
    EXPECT_FAILS(decrypt(identities, small.substr(0, bytes)), ErrorKind::Corrupt, "end");

  const std::string large = encrypt({recipient}, some_bytes(4 * 65'536));
  for (std::size_t chunks = 0; chunks < 4; ++chunks) {
    const std::size_t border = kHeaderBytes + kNonceBytes + chunks * kSealedChunkBytes;
    for (const std::size_t bytes : {border - 1, border, border + 1, border + 16, border + 17})
      EXPECT_FAILS(decrypt(identities, large.substr(0, bytes)), ErrorKind::Corrupt, "ends early");
  }
}

TEST_F(AgeTest, RefusesWhatIsAddedExchangedOrRepeated) {
  const std::string large = encrypt({recipient}, some_bytes(3 * 65'536));
  const auto chunk = [&](std::size_t i) {
    return large.substr(kHeaderBytes + kNonceBytes + i * kSealedChunkBytes, kSealedChunkBytes);
  };
  const std::string head = large.substr(0, kHeaderBytes + kNonceBytes);
  ASSERT_TRUE(head + chunk(0) + chunk(1) + chunk(2) == large);
  for (const std::string& damaged : {large + "x", large + chunk(2), head + chunk(1) + chunk(0) + chunk(2),
                                     head + chunk(0) + chunk(0) + chunk(1) + chunk(2), head + chunk(0) + chunk(2),
                                     head + chunk(0) + chunk(1) + chunk(2) + std::string(16, '\0')})
    EXPECT_FAILS(decrypt(identities, damaged), ErrorKind::Corrupt, "changed");
}

TEST_F(AgeTest, HandsOutNothingThatIsNotAuthentic) {
  const std::string plain = some_bytes(2 * 65'536);
  std::string sealed = encrypt({recipient}, plain);
  sealed.back() ^= 1;
  std::string before_error;
  EXPECT_FAILS(decrypt(identities, sealed, 50'000, &before_error), ErrorKind::Corrupt, "changed");
  EXPECT_TRUE(before_error == plain.substr(0, 65'536));
}

TEST_F(AgeTest, PassesOnWhatBreaksBelow) {
  const std::string sealed = encrypt({recipient}, "plain");
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{100}, sealed.size() - 1}) {
    auto broken = std::make_unique<ChunkReader>(sealed.substr(0, bytes), 1000);
    broken->fail_with(Error(ErrorKind::Unavailable, "connection reset"));
    const auto read = [&]() -> Result<std::string> {
      const std::unique_ptr<Reader> reader = TRY(open_age_reader(identities, std::move(broken)));
      return drain(*reader, 1000);
    };
    EXPECT_FAILS(read(), ErrorKind::Unavailable, "connection reset");
  }
}

TEST_F(AgeTest, RefusesAHeaderThatIsNone) {
  const std::string title = "age-encryption.org/v1\n";
  const std::string share(43, 'A');
  const struct {
    std::string text;
    const char* complaint;
  } cases[] = {
      {"", "ends early"},
      {"age-encryption.org/v2\n", "does not begin as age does"},
      {"-----BEGIN AGE ENCRYPTED FILE-----\n", "does not begin as age does"},
      {title + "what\n", "a line of unknown kind"},
      {title + "--- \n", "a MAC that is none"},
      {title + "---" + share + "\n", "a line of unknown kind"},
      {title + "--- " + share + "=\n", "a MAC that is none"},
      {title + "--- " + std::string(42, 'A') + "B\n", "a MAC that is none"},  // bits that mean nothing
      {title + "-> X25519 " + share + " more\n" + share + "\n--- ", "an X25519 recipient that is none"},
      {title + "-> X25519 short\n" + share + "\n--- ", "an X25519 recipient that is none"},
      {title + "-> X25519 " + share + "\nshort\n--- ", "an X25519 recipient that is none"},
      {title + "-> other\n" + std::string(65, 'A') + "\n", "a line that is too long"},
      {title + "-> other\n" + std::string(64, 'A') + "\n", "ends early"},
      {title + "-> " + std::string(1'100'000, 'x'), "does not end"},
  };
  for (const auto& c : cases) EXPECT_FAILS(decrypt(identities, c.text), ErrorKind::Corrupt, c.complaint);
}

TEST(AgeRecipient, RefusesWhatAgeRefuses) {
  const std::string good = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
  EXPECT_EQ(must(AgeRecipient::parse(good)).text(), good);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'q' ? 'p' : 'q';
    EXPECT_FAILS(AgeRecipient::parse(changed), ErrorKind::Invalid, "is no recipient of age");
  }
  for (const std::string& text :
       {std::string(), good.substr(1), good + "q", good + "\n", " " + good, std::string("age1"),
        std::string("AGE1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ")})
    EXPECT_FAILS(AgeRecipient::parse(text), ErrorKind::Invalid, "is no recipient of age");
}

TEST(AgeIdentity, IsNotRepeatedInErrors) {
  const std::string text = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
  EXPECT_TRUE(AgeIdentity::parse(text));
  const Result<AgeIdentity> bad = AgeIdentity::parse(text.substr(0, text.size() - 1) + "Q");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(bad.error().message().find("GFPYY"), std::string::npos);
}

TEST_F(AgeTest, ReadsIdentityFilesOfTheirOwnerOnly) {
  std::ofstream(key_file, std::ios::app) << "\r\n\n# another\n" << std::ifstream(other_key_file).rdbuf();
  EXPECT_EQ(must(AgeIdentity::read_file(key_file)).size(), 2u);
  ::chmod(key_file.c_str(), 0640);
  EXPECT_FAILS(AgeIdentity::read_file(key_file), ErrorKind::Invalid, "chmod 600");
  ::chmod(key_file.c_str(), 0600);
  std::ofstream(key_file, std::ios::app) << "not a key\n";
  EXPECT_FAILS(AgeIdentity::read_file(key_file), ErrorKind::Invalid, "line ");
  std::ofstream(key_file) << "# nothing\n";
  EXPECT_FAILS(AgeIdentity::read_file(key_file), ErrorKind::Invalid, "holds no identity");
  std::ofstream(key_file) << std::string(70'000, '#');
  EXPECT_FAILS(AgeIdentity::read_file(key_file), ErrorKind::Invalid, "too long");
  EXPECT_FAILS(AgeIdentity::read_file(directory / "none"), ErrorKind::NotFound, "the identity file: open");
}

}  // namespace
}  // namespace packferry
