// Backups into an S3 whose every second request goes wrong: errors, throttling, delays, lost parts, answers that are
// lost, cut or say 200 and mean an error. A backup completes, or fails and the next one completes; nothing is lost.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/digest.h"
#include "engine/verify.h"
#include "store/retrying_store.h"
#include "store/s3_store.h"
#include "testing/backup_scene.h"
#include "testing/random_text.h"
#include "testing/s3_server.h"

namespace packferry {
namespace {

using testing::BackupScene;
using testing::must;
using testing::random_text;
using testing::S3Call;
using testing::S3Fault;
using testing::S3Server;

constexpr std::size_t kPart = 16 * 1024;

// Three parts of it are left when it is compressed.
std::string large_text(unsigned seed) { return to_hex(as_bytes(random_text(3 * kPart, seed))); }

// By seed. Of 100 requests 30 are throttled, 25 meet an error, 10 wait, and of
// 100 parts one is lost.
class Storm {
 public:
  Storm(unsigned seed, FakeClock& clock) : random_(seed), clock_(clock) {}

  S3Fault operator()(const S3Call& call) {
    const auto dice = random_() % 100;
    if (dice == 99 && call.operation == "UploadPart") return S3Fault::LosePart;
    if (dice >= 65) return S3Fault::None;
    if (dice >= 55) clock_.advance(Milliseconds(random_() % 20'000));
    if (dice >= 55) return S3Fault::None;
    if (dice >= 25) return S3Fault::SlowDown;
    const std::vector<S3Fault> errors = errors_of(call.operation);
    return errors.at(random_() % errors.size());
  }

 private:
  static std::vector<S3Fault> errors_of(std::string_view operation) {
    std::vector<S3Fault> errors = {S3Fault::InternalError, S3Fault::Hangup, S3Fault::LoseAnswer};
    if (operation == "CompleteMultipartUpload") errors.push_back(S3Fault::ErrorInside);
    if (operation == "GetObject" || operation == "ListObjectsV2") errors.push_back(S3Fault::CutAnswer);
    return errors;
  }

  std::mt19937 random_;
  FakeClock& clock_;
};

class S3Backup : public ::testing::Test, protected BackupScene {
 protected:
  std::unique_ptr<S3Store> open() {
    S3Options s3;
    s3.endpoint = must(Url::parse(server.endpoint()));
    s3.part_bytes = kPart;
    return must(S3Store::open(must(S3Location::parse("s3://backups/git")), s3, http, credentials, clock));
  }
  void begin_storm(unsigned seed) { server.interfere(Storm(seed, clock)); }
  void end_storm() { server.interfere({}); }

  // Something of several parts each time, and refs that come, go and turn back.
  void change_source(unsigned step) {
    const std::string content = large_text(step);
    switch (step % 3) {
      case 0:
        git.commit("source", "main", content);
        return;
      case 1:
        git.commit("source", fmt::format("topic-{}", step), content);
        return;
      default:
        git.git("source", {"branch", "-D", fmt::format("topic-{}", step - 1)});
        git.git("source", {"update-ref", "refs/heads/main", "main~1"});
        git.commit("source", "main", content);
    }
  }

  // Until one completes. What may go wrong before says that the store did.
  void back_up_at_last() {
    for (unsigned attempt = 0; attempt < 5; ++attempt) {
      const LegReport leg = back_up_into(store);
      if (!leg.error) return;
      ++failures;
      const bool is_lost_part = leg.error->message().find("lost a part") != std::string::npos;
      EXPECT_TRUE(is_lost_part || may_pass(*leg.error)) << leg.error->message();
    }
    ADD_FAILURE() << "no backup completes";
  }

  std::string restored(std::uint64_t number) {
    for (unsigned attempt = 0; attempt < 5; ++attempt) {
      const Result<std::string> all_refs = restore(number);
      if (all_refs) return *all_refs;
      EXPECT_TRUE(may_pass(all_refs.error())) << all_refs.error().message();
    }
    return "no restore completes";
  }
  Result<std::string> restore(std::uint64_t number) {
    const ReadManifest read = TRY(log.read(number, {}));
    const std::string name = fmt::format("restored-{}", ++restored_);
    TRY(rebuild(log, read.manifest, git.path(name), {}, RebuildCheck::Connected, restoring(), {}));
    return refs(name);
  }

  static bool may_pass(const Error& error) {
    return error.kind() == ErrorKind::Unavailable || error.kind() == ErrorKind::Throttled;
  }

  S3Server server{clock};
  HttpClient http{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}, .direct = true}};
  FixedAwsCredentials credentials{S3Server::credentials()};
  const std::unique_ptr<S3Store> bare = open();
  RetryingStore store{*bare, {}, clock};
  SnapshotLog log{store, repository};
  unsigned failures = 0;

 private:
  int restored_ = 0;
};

class S3Chaos : public S3Backup, public ::testing::WithParamInterface<unsigned> {};

TEST_P(S3Chaos, NothingIsLost) {
  git.commit("source", "main", "the beginning");
  std::map<std::uint64_t, std::string> expected;
  for (unsigned step = 0; step < 6; ++step) {
    SCOPED_TRACE(fmt::format("step {}", step));
    change_source(step);
    begin_storm(GetParam() * 100 + step);
    back_up_at_last();
    end_storm();
    const std::vector<SnapshotEntry> entries = must(log.list({}));
    ASSERT_FALSE(entries.empty());
    expected[entries.back().number] = refs("source");
  }
  begin_storm(GetParam());
  for (const auto& [number, all_refs] : expected) EXPECT_EQ(restored(number), all_refs);
  end_storm();
  EXPECT_LE(failures, 3u) << "it is patient";
  must(store.sweep(Milliseconds(0), {}));
  EXPECT_TRUE(server.uploads().empty());
  EXPECT_EQ(must(log.list({})).size(), expected.size());
  const VerifyReport report = must(verify(log, {.level = Verification::Drilled, .restore = restoring()}, clock, {}));
  EXPECT_TRUE(report.is_good());
  EXPECT_GT(server.count("CompleteMultipartUpload"), 6u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, S3Chaos, ::testing::Range(1u, 6u));

class S3Planted : public S3Backup {};

TEST_F(S3Planted, APartThatIsAcknowledgedAndDroppedFailsTheBackup) {
  git.commit("source", "main", "the beginning");
  back_up_at_last();
  const std::string before = refs("source");
  change_source(0);
  server.interfere([](const S3Call& call) {
    return call.operation == "CompleteMultipartUpload" ? S3Fault::DropPart : S3Fault::None;
  });
  const LegReport leg = back_up_into(store);
  ASSERT_TRUE(leg.error.has_value());
  EXPECT_EQ(leg.error->kind(), ErrorKind::Corrupt);
  EXPECT_EQ(must(log.list({})).size(), 1u);

  end_storm();
  back_up_at_last();
  EXPECT_EQ(restored(1), before);
  EXPECT_EQ(restored(2), refs("source"));
}

TEST_F(S3Planted, AByteThatChangesBehindOurBackIsFound) {
  git.commit("source", "main", large_text(1));
  back_up_at_last();
  const std::string key = published->manifest.chain.front().key;
  std::string bytes = server.objects().at("git/" + key).bytes;
  bytes.at(kPart + 1) ^= 1;
  server.put("git/" + key, bytes);
  const VerifyReport report = must(verify(log, {}, clock, {}));
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings.front().key, key);
  EXPECT_FALSE(rebuild(log, published->manifest, git.path("refused"), {}, RebuildCheck::Connected, restoring(), {}));
}

}  // namespace
}  // namespace packferry
