#include "engine/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "base/printable.h"
#include "engine/bare_repository.h"
#include "engine/chain_link.h"
#include "io/file.h"
#include "io/process.h"
#include "io/scratch.h"

namespace packferry {
namespace {

// What is remembered of a manifest: not its refs, of which there may be a million in each.
struct Snapshot {
  SnapshotEntry entry;
  bool readable = false;
  std::string sha256 = {};  // of the manifest, or what the records say of one that was pruned; empty: not known
  std::optional<PreviousManifest> previous = {};
  ObjectFormat format = ObjectFormat::Sha1;
  std::vector<DataObject> chain = {};
  bool good = true;
  bool proven = true;  // nothing was left out that another part reads
};

Finding::Kind kind_of(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::NotFound:
      return Finding::Kind::Missing;
    case ErrorKind::Corrupt:
    case ErrorKind::Unsupported:
    case ErrorKind::Invalid:
      return Finding::Kind::Damaged;
    default:
      return Finding::Kind::Unreadable;
  }
}

bool is_same(const DataObject& a, const DataObject& b) { return a == b; }

bool begins_with(const std::vector<DataObject>& chain, const std::vector<DataObject>& prefix) {
  return prefix.size() <= chain.size() && std::equal(prefix.begin(), prefix.end(), chain.begin(), is_same);
}

unsigned part_of(const std::string& key, unsigned parts) {
  const std::vector<std::byte> digest = digest_of(DigestAlgorithm::Sha256, as_bytes(key));
  return (std::to_integer<unsigned>(digest[0]) << 8 | std::to_integer<unsigned>(digest[1])) % parts;
}

// One chain, put together link by link, and the snapshots that stand on it. What is made of a link stays for the next:
// a chain is read and indexed once, however many snapshots it has.
class Workbench {
 public:
  virtual ~Workbench() = default;
  virtual Result<> add(const DataObject& link, const RefMap* refs) = 0;
  // What git finds worth telling.
  virtual Result<std::vector<std::string>> prove(const Manifest& manifest) = 0;
};

class PackWorkbench final : public Workbench {
 public:
  PackWorkbench(ObjectStore& store, BareRepository repository, ObjectFormat format, const VerifyOptions& options,
                std::stop_token stop)
      : store_(store), repository_(std::move(repository)), format_(format), options_(options), stop_(std::move(stop)) {}

  Result<> add(const DataObject& link, const RefMap* refs) override {
    return add_link(store_, link, {.repository = repository_, .format = format_, .refs = refs},
                    options_.restore.identities, {}, stop_);
  }

  // What an earlier snapshot of the chain reaches is there: only what came since then has to be walked.
  Result<std::vector<std::string>> prove(const Manifest& manifest) override {
    if (options_.level == Verification::Parsed) return std::vector<std::string>();
    TRY(repository_.check_connected(manifest.refs, {known_.begin(), known_.end()}, stop_));
    for (const Ref& ref : manifest.refs) known_.insert(ref.oid);
    return std::vector<std::string>();
  }

 private:
  ObjectStore& store_;
  const BareRepository repository_;
  const ObjectFormat format_;
  const VerifyOptions& options_;
  const std::stop_token stop_;
  std::set<Oid> known_;
};

// As docs/formats/backup.md tells somebody who has nothing but git: from files, which were copied out of the store.
class DrillWorkbench final : public Workbench {
 public:
  DrillWorkbench(ObjectStore& store, BareRepository repository, const VerifyOptions& options, std::stop_token stop)
      : store_(store), repository_(std::move(repository)), options_(options), stop_(std::move(stop)) {}

  Result<> add(const DataObject& link, const RefMap*) override {
    const std::filesystem::path file =
        repository_.directory().parent_path() / fmt::format("{}.{}", ++links_, to_string(link.format));
    const std::unique_ptr<Writer> copy = TRY(create_file(file));
    TRY(copy_link(store_, link, options_.restore.identities, *copy, stop_));
    Result<> added = link.format == BackupFormat::Zip ? repository_.unzip(file, stop_)
                                                      : repository_.fetch_bundle(file, links_, stop_);
    std::error_code ignored;  // it goes with the scratch directory at the latest
    std::filesystem::remove(file, ignored);
    return std::move(added).context("{}", link.key);
  }

  Result<std::vector<std::string>> prove(const Manifest& manifest) override {
    TRY(repository_.set_refs(manifest.refs, manifest.head, stop_));
    return repository_.fsck(stop_);
  }

 private:
  ObjectStore& store_;
  const BareRepository repository_;
  const VerifyOptions& options_;
  const std::stop_token stop_;
  std::size_t links_ = 0;
};

class Verifying {
 public:
  Verifying(const SnapshotLog& log, const VerifyOptions& options, Clock::WallTime now, std::stop_token stop)
      : log_(log), options_(options), now_(now), stop_(std::move(stop)) {
    CHECK(options.parts >= 1 && options.part >= 1 && options.part <= options.parts);
    report_.repository = log.repository().text();
  }

  Result<VerifyReport> run() {
    SnapshotLog::Survey survey = TRY(log_.survey(stop_));
    for (std::string& key : survey.foreign)
      find(Finding::Kind::Foreign, std::move(key), {}, "nobody of us wrote it; move it away");
    for (SnapshotEntry& entry : survey.entries) TRY(read(std::move(entry)));
    check_sequence();
    if (options_.only) TRY(narrow_down());

    TRY(options_.level == Verification::Stored ? check_objects() : check_chains());
    TRY(record());
    return finish();
  }

 private:
  void find(Finding::Kind kind, std::string key, std::vector<std::uint64_t> snapshots, std::string what) {
    report_.findings.push_back({kind, printable(key), std::move(snapshots), std::move(what)});
  }
  void blame(Snapshot& snapshot, Finding::Kind kind, std::string what) {
    snapshot.good = false;
    find(kind, log_.manifest_key(snapshot.entry.number), {snapshot.entry.number}, std::move(what));
  }
  Result<> unless_stopped(const Error& error) const {
    return error.kind() == ErrorKind::Cancelled ? Result<>(Error(error)) : Result<>();
  }

  // 1. Manifests and records, one by one.
  Result<> read(SnapshotEntry entry) {
    Snapshot snapshot{.entry = std::move(entry)};
    TRY(read_manifest(snapshot));
    TRY(read_records(snapshot));
    snapshots_.push_back(std::move(snapshot));
    return {};
  }

  Result<> read_manifest(Snapshot& snapshot) {
    const SnapshotEntry& entry = snapshot.entry;
    if (entry.pruned_at) return {};
    if (!entry.has_manifest) {
      blame(snapshot, Finding::Kind::Missing, "the manifest is missing, and was not pruned");
      return {};
    }
    Result<ReadManifest> read = log_.read(entry.number, stop_);
    if (!read) {
      TRY(unless_stopped(read.error()));
      blame(snapshot, kind_of(read.error()), read.error().message());
      return {};
    }
    report_.bytes_read += entry.manifest_bytes;
    ++report_.objects_read;
    snapshot.readable = true;
    snapshot.sha256 = std::move(read->sha256);
    snapshot.previous = read->manifest.previous;
    snapshot.format = read->manifest.format;
    snapshot.chain = std::move(read->manifest.chain);
    return {};
  }

  Result<> read_records(Snapshot& snapshot) {
    const SnapshotEntry& entry = snapshot.entry;
    Result<std::optional<std::string>> recorded = log_.recorded_digest(entry.number, stop_);
    if (!recorded) {
      TRY(unless_stopped(recorded.error()));
      blame(snapshot, kind_of(recorded.error()), recorded.error().message());
      return {};
    }
    if (*recorded && snapshot.sha256.empty()) snapshot.sha256 = **recorded;
    if (!snapshot.readable) return {};
    if (!*recorded) {
      // Its bytes may be proven all the same, and then it gets one.
      find(Finding::Kind::Unrecorded, log_.manifest_key(entry.number), {entry.number},
           "no record speaks of it: its backup was interrupted after the manifest, or may only put, or the record is "
           "gone");
    } else if (**recorded != snapshot.sha256) {
      blame(snapshot, Finding::Kind::Damaged, "its records speak of another manifest");
    }
    return {};
  }

  // 2. The manifests as a chain: no number is missing, and each is linked to the one before.
  void check_sequence() {
    std::uint64_t expected = 1;
    for (std::size_t i = 0; i < snapshots_.size(); ++i) {
      Snapshot& snapshot = snapshots_[i];
      for (; expected < snapshot.entry.number; ++expected)
        find(Finding::Kind::Missing, log_.manifest_key(expected), {expected},
             "neither a manifest nor a record is there, and later ones are");
      ++expected;
      if (!snapshot.readable) continue;
      if (const std::string fault = fault_of_link(i); !fault.empty())
        find(Finding::Kind::Broken, log_.manifest_key(snapshot.entry.number), {snapshot.entry.number}, fault);
    }
  }

  std::string fault_of_link(std::size_t at) const {
    const std::optional<PreviousManifest>& previous = snapshots_[at].previous;
    for (std::size_t i = at; i-- > 0;) {
      const Snapshot& before = snapshots_[i];
      if (previous && before.entry.number == previous->number) {
        // What it was is not known any more; that is said of it already.
        if (before.sha256.empty() || before.sha256 == previous->sha256) return {};
        return fmt::format("it was made after another manifest than the one that is snapshot {} now", previous->number);
      }
      // Passed over for a reason: it could not be read, or was out of the list already.
      if (before.readable && !before.entry.retired_at)
        return fmt::format("it says nothing of snapshot {}, which is the one before", before.entry.number);
    }
    return previous ? fmt::format("snapshot {}, which it was made after, is not there", previous->number) : "";
  }

  // One snapshot: what is wrong with others is their own affair.
  Result<> narrow_down() {
    const auto is_other = [&](std::uint64_t number) { return number != *options_.only; };
    std::erase_if(report_.findings, [&](const Finding& finding) {
      return std::all_of(finding.snapshots.begin(), finding.snapshots.end(), is_other);
    });
    const auto meant = std::find_if(snapshots_.begin(), snapshots_.end(),
                                    [&](const Snapshot& snapshot) { return !is_other(snapshot.entry.number); });
    if (meant == snapshots_.end() || meant->entry.pruned_at)
      return Error(ErrorKind::NotFound, "{} has no snapshot {} of {}", log_.store().name(), *options_.only,
                   log_.repository().text());
    return {};
  }

  // Those whose data is looked at.
  bool is_meant(const Snapshot& snapshot) const {
    return options_.only ? snapshot.entry.number == *options_.only
                         : snapshot.entry.is_live() || (!snapshot.entry.has_manifest && !snapshot.entry.pruned_at);
  }
  bool has_data_to_prove(const Snapshot& snapshot) const { return is_meant(snapshot) && snapshot.readable; }
  bool is_in_part(const std::string& key) const { return part_of(key, options_.parts) == options_.part - 1; }

  // 3a. Every object once, however many snapshots share it.
  Result<> check_objects() {
    struct Need {
      DataObject object;
      std::vector<Snapshot*> snapshots;
    };
    std::map<std::string, std::vector<Need>> needs;  // by key; two manifests may not agree about it
    for (Snapshot& snapshot : snapshots_) {
      if (!has_data_to_prove(snapshot)) continue;
      for (const DataObject& link : snapshot.chain) {
        std::vector<Need>& of_key = needs[link.key];
        auto same = std::find_if(of_key.begin(), of_key.end(), [&](const Need& need) {
          return need.object.bytes == link.bytes && need.object.sha256 == link.sha256;
        });
        if (same == of_key.end()) same = of_key.insert(same, {link, {}});
        same->snapshots.push_back(&snapshot);
      }
    }
    for (const auto& [key, of_key] : needs)
      for (const Need& need : of_key)
        TRY(settle(is_in_part(key) ? read_object_of(need.object) : look_at_object_of(need.object, need.snapshots),
                   need.object.key, need.snapshots));
    return {};
  }

  Result<> read_object_of(const DataObject& object) {
    Result<std::uint64_t> read = check_link(log_.store(), object, stop_);
    if (!read) return std::move(read).error();
    count_read(object);
    return {};
  }

  // Another part reads it; that it is there can be seen without.
  Result<> look_at_object_of(const DataObject& object, const std::vector<Snapshot*>& snapshots) {
    for (Snapshot* snapshot : snapshots) snapshot->proven = false;
    const std::optional<ObjectInfo> found = TRY(log_.store().find(object.key, stop_));
    if (!found) return Error(ErrorKind::NotFound, "it is not there");
    if (found->bytes != object.bytes)
      return Error(ErrorKind::Corrupt, "it has {} bytes instead of {}", found->bytes, object.bytes);
    return {};
  }

  void count_read(const DataObject& object) {
    report_.bytes_read += object.bytes;
    ++report_.objects_read;
  }

  // An Error becomes a finding, unless nobody wants to know any more.
  Result<> settle(const Result<>& result, const std::string& key, const std::vector<Snapshot*>& snapshots) {
    if (result) return {};
    TRY(unless_stopped(result.error()));
    std::vector<std::uint64_t> numbers;
    for (Snapshot* snapshot : snapshots) {
      snapshot->good = false;
      numbers.push_back(snapshot->entry.number);
    }
    find(kind_of(result.error()), key, std::move(numbers), result.error().message());
    return {};
  }

  // 3b. Every chain once: snapshots in an order in which each chain goes on where the one before ended, if it can.
  Result<> check_chains() {
    std::vector<Snapshot*> meant;
    for (Snapshot& snapshot : snapshots_) {
      if (!has_data_to_prove(snapshot)) continue;
      if (!snapshot.chain.empty() && !is_in_part(snapshot.chain.front().key)) {
        snapshot.proven = false;
        continue;
      }
      meant.push_back(&snapshot);
    }
    const auto by_chain = [](const Snapshot* a, const Snapshot* b) {
      return std::lexicographical_compare(a->chain.begin(), a->chain.end(), b->chain.begin(), b->chain.end(),
                                          [](const DataObject& x, const DataObject& y) {
                                            return std::tie(x.snapshot, x.key, x.sha256) <
                                                   std::tie(y.snapshot, y.key, y.sha256);
                                          });
    };
    std::stable_sort(meant.begin(), meant.end(), by_chain);
    for (auto at = meant.begin(); at != meant.end();) {
      const auto end =
          std::find_if(at, meant.end(), [&](const Snapshot* snapshot) { return snapshot->chain != (*at)->chain; });
      TRY(check_chain({at, end}, {end, meant.end()}));
      at = end;
    }
    return {};
  }

  // `snapshots` have the same chain; `later` may go on from it, and fall with it.
  Result<> check_chain(const std::vector<Snapshot*>& snapshots, const std::vector<Snapshot*>& later) {
    const std::vector<DataObject>& chain = snapshots.front()->chain;
    if (!broken_.empty() && begins_with(chain, broken_)) return {};
    if (done_.empty() || !begins_with(chain, done_)) {
      workbench_.reset();
      done_.clear();
      Result<> made = set_up(snapshots.front()->format);
      if (!made) return settle(made, log_.manifest_key(snapshots.front()->entry.number), snapshots);
    }
    while (done_.size() < chain.size()) {
      const DataObject& link = chain[done_.size()];
      const Result<> added = add(link, snapshots);
      done_.push_back(link);
      if (added) {
        count_read(link);
        continue;
      }
      broken_ = done_;
      std::vector<Snapshot*> fallen = snapshots;
      std::copy_if(later.begin(), later.end(), std::back_inserter(fallen),
                   [&](const Snapshot* snapshot) { return begins_with(snapshot->chain, broken_); });
      return settle(added, link.key, fallen);
    }
    for (Snapshot* snapshot : snapshots) TRY(prove(*snapshot));
    return {};
  }

  Result<> set_up(ObjectFormat format) {
    scratch_.reset();
    scratch_ = TRY(ScratchDirectory::make(options_.restore.scratch));
    BareRepository repository =
        TRY(BareRepository::make(scratch_->path() / "repository.git", format, options_.restore.environment, stop_));
    if (options_.level == Verification::Drilled) {
      workbench_ = std::make_unique<DrillWorkbench>(log_.store(), std::move(repository), options_, stop_);
    } else {
      workbench_ = std::make_unique<PackWorkbench>(log_.store(), std::move(repository), format, options_, stop_);
    }
    return {};
  }

  // The header of a bundle names the refs of the snapshot that it was made for.
  Result<> add(const DataObject& link, const std::vector<Snapshot*>& snapshots) {
    const bool is_own = std::any_of(snapshots.begin(), snapshots.end(),
                                    [&](const Snapshot* snapshot) { return snapshot->entry.number == link.snapshot; });
    if (!is_own) return workbench_->add(link, nullptr);
    const ReadManifest read = TRY(log_.read(link.snapshot, stop_));
    return workbench_->add(link, &read.manifest.refs);
  }

  Result<> prove(Snapshot& snapshot) {
    Result<ReadManifest> read = log_.read(snapshot.entry.number, stop_);
    Result<std::vector<std::string>> told =
        read ? workbench_->prove(read->manifest) : Result<std::vector<std::string>>(Error(read.error()));
    const std::string key = log_.manifest_key(snapshot.entry.number);
    if (!told) {
      TRY(unless_stopped(told.error()));
      const bool is_incomplete = read && told.error().kind() == ErrorKind::Corrupt;
      blame(snapshot, is_incomplete ? Finding::Kind::Incomplete : kind_of(told.error()), told.error().message());
      return {};
    }
    constexpr std::size_t kToldMax = 20;
    for (std::size_t i = 0; i < told->size() && i < kToldMax; ++i)
      find(Finding::Kind::Fsck, key, {snapshot.entry.number}, (*told)[i]);
    if (told->size() > kToldMax)
      find(Finding::Kind::Fsck, key, {snapshot.entry.number}, fmt::format("and {} more", told->size() - kToldMax));
    return {};
  }

  // 4. What is proven is written beside the manifests.
  Result<> record() {
    if (!options_.record) return {};
    for (const Snapshot& snapshot : snapshots_)
      if (has_data_to_prove(snapshot) && snapshot.good && snapshot.proven)
        TRY(log_.note_verified(snapshot.entry.number, snapshot.sha256, options_.level, now_, stop_));
    return {};
  }

  VerifyReport finish() {
    for (const Snapshot& snapshot : snapshots_)
      if (is_meant(snapshot)) report_.snapshots.push_back({snapshot.entry.number, snapshot.good});
    return std::move(report_);
  }

  const SnapshotLog& log_;
  const VerifyOptions& options_;
  const Clock::WallTime now_;
  const std::stop_token stop_;

  std::vector<Snapshot> snapshots_;  // by number
  VerifyReport report_;

  std::unique_ptr<ScratchDirectory> scratch_;
  std::unique_ptr<Workbench> workbench_;
  std::vector<DataObject> done_;    // the links on the workbench
  std::vector<DataObject> broken_;  // the last link of these could not be added
};

}  // namespace

std::string_view to_string(Finding::Kind kind) {
  switch (kind) {
    case Finding::Kind::Missing:
      return "missing";
    case Finding::Kind::Damaged:
      return "damaged";
    case Finding::Kind::Foreign:
      return "foreign";
    case Finding::Kind::Broken:
      return "broken";
    case Finding::Kind::Incomplete:
      return "incomplete";
    case Finding::Kind::Unrecorded:
      return "unrecorded";
    case Finding::Kind::Fsck:
      return "fsck";
    case Finding::Kind::Unreadable:
      return "unreadable";
  }
  CHECK(!"a kind of finding");
  return {};
}

bool is_harmless(Finding::Kind kind) { return kind == Finding::Kind::Fsck || kind == Finding::Kind::Unrecorded; }

bool VerifyReport::is_good() const {
  return std::all_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return is_harmless(finding.kind); });
}

Result<VerifyReport> verify(const SnapshotLog& log, const VerifyOptions& options, const Clock& clock,
                            std::stop_token stop) {
  return Verifying(log, options, clock.now(), std::move(stop)).run();
}

}  // namespace packferry
