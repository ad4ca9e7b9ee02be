#include "engine/backup_destination.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "backup/bundle_writer.h"
#include "backup/zip_writer.h"
#include "io/file.h"

namespace packferry {
namespace {

HostProfile vault_profile(BackupFormat format) {
  HostProfile profile;
  profile.name = "backup";
  profile.keeps_old_tips = true;  // in older snapshots
  profile.takes_thin = format == BackupFormat::Bundle;
  return profile;
}

bool same_head(const Head& a, const Head& b) {
  return a.target == b.target && (a.target.has_value() || a.oid == b.oid);
}

// gitformat-pack(5): "PACK", version, number of objects.
constexpr std::size_t kPackHeaderBytes = 12;
bool is_empty_pack(std::span<const std::byte, kPackHeaderBytes> header) {
  return std::all_of(header.begin() + 8, header.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

std::string_view common_prefix(const std::vector<DataObject>& chain) {
  std::string_view prefix = chain.front().key;
  for (const DataObject& link : chain) {
    const auto differs = std::mismatch(prefix.begin(), prefix.end(), link.key.begin(), link.key.end());
    prefix = prefix.substr(0, static_cast<std::size_t>(differs.first - prefix.begin()));
  }
  return prefix;
}

// What an incremental bundle builds on: of what the source was told we have, all that is sure to be a commit, since git
// takes nothing else there. What only a tag names may be anything. Never none, where there is a branch: a bundle
// without prerequisites passes for a full one.
std::vector<Oid> prerequisites_of(const std::vector<Oid>& haves, const RefMap& held) {
  std::vector<Oid> branch_tips;
  std::unordered_set<Oid> unsure;
  for (const Ref& ref : held) {
    if (ref.name.is_branch()) {
      branch_tips.push_back(ref.oid);
    } else {
      unsure.insert(ref.oid);
      if (ref.peeled) unsure.insert(*ref.peeled);
    }
  }
  for (const Oid& tip : branch_tips) unsure.erase(tip);

  std::vector<Oid> commits;
  std::unordered_set<Oid> named;
  const auto name = [&](const std::vector<Oid>& candidates) {
    for (const Oid& oid : candidates)
      if (!unsure.contains(oid) && named.insert(oid).second) commits.push_back(oid);
  };
  name(haves);
  if (commits.empty()) name(branch_tips);
  return commits;
}

}  // namespace

std::optional<std::string> full_is_due(const std::vector<DataObject>& chain, Clock::WallTime full_made_at,
                                       const ChainLimits& limits, Clock::WallTime now) {
  if (chain.empty()) return "there is nothing to build on";
  const std::size_t links = chain.size() - 1;
  if (links >= limits.links_max) return fmt::format("{} incremental snapshots", links);
  std::uint64_t bytes = 0;
  for (std::size_t i = 1; i < chain.size(); ++i) bytes += chain[i].bytes;
  if (bytes * 100 > chain.front().bytes * limits.percent_max)
    return fmt::format("the incremental snapshots are {} % of the full one", bytes * 100 / chain.front().bytes);
  if (now - full_made_at > limits.age_max)
    return fmt::format("the full snapshot is {} days old",
                       std::chrono::duration_cast<std::chrono::hours>(now - full_made_at).count() / 24);
  return std::nullopt;
}

struct BackupDestination::State {
  ObjectStore& store;
  const SnapshotLog log;
  const BackupOptions options;
  const Patience patience;
  const Clock& clock;
  const HostProfile profile;

  // What the store showed, the last time it was asked.
  std::uint64_t next_number = 1;
  std::optional<ReadManifest> last = {};  // the newest that can be read
  std::string unreadable = {};            // why a newer one could not
  std::optional<ObjectFormat> created = {};

  // What was pushed since then, and is not published yet.
  std::map<RefName, Ref> refs = {};
  std::vector<DataObject> data = {};
  std::unordered_set<std::string> removed = {};  // refs that go once all is pushed
  Head head = {};
  std::unordered_map<Oid, Oid> peeled = {};
  std::string full_because = {};

  std::optional<PublishedSnapshot> published = {};

  bool is_put_only() const { return !options.put_only_record.empty(); }
  ObjectFormat format() const { return last ? last->manifest.format : created.value_or(ObjectFormat::Sha1); }

  Result<> look(std::stop_token stop);
  Result<> look_into_record();
  Result<std::string> fault_of_chain(std::stop_token stop) const;
  Result<Clock::WallTime> full_made_at(std::stop_token stop) const;
  Result<bool> is_taken(const std::string& key, std::stop_token stop) const;
  Result<std::string> free_key(std::stop_token stop) const;
  Result<std::unique_ptr<Writer>> open_object(const std::vector<Oid>& haves, MeasuredWriter*& measured,
                                              DataObject& object, std::stop_token stop) const;
  std::size_t refs_behind(const RefMap& offered, const Plan& plan) const;
  void apply(const RefUpdate& update);
  Result<RefMap> final_refs() const;
  Result<> check_data(std::stop_token stop) const;
  Result<std::string> append(Manifest& manifest, std::stop_token stop) const;
};

// What the store holds now. What was pushed and not published is forgotten: its objects are nobody's, and prune removes
// them.
Result<> BackupDestination::State::look(std::stop_token stop) {
  last.reset();
  unreadable.clear();
  refs.clear();
  data.clear();
  removed.clear();
  full_because.clear();
  next_number = 1;
  if (is_put_only()) {
    TRY(look_into_record());
  } else {
    const std::vector<SnapshotEntry> entries = TRY(log.list(stop));
    if (!entries.empty()) next_number = entries.back().number + 1;
    for (auto entry = entries.rbegin(); entry != entries.rend() && !last; ++entry) {
      if (!entry->is_live()) continue;
      Result<ReadManifest> read = log.read(entry->number, stop);
      if (read) {
        last = std::move(read).value();
      } else if (read.error().kind() == ErrorKind::Corrupt || read.error().kind() == ErrorKind::NotFound) {
        if (unreadable.empty()) unreadable = fmt::format("snapshot {} cannot be read", entry->number);
      } else {
        return std::move(read).error();
      }
    }
  }
  if (last)
    for (const Ref& ref : last->manifest.refs) refs.emplace(ref.name, ref);
  return {};
}

Result<> BackupDestination::State::look_into_record() {
  Result<std::unique_ptr<Reader>> file = open_file(options.put_only_record);
  if (!file && file.error().kind() == ErrorKind::NotFound) return {};
  const std::unique_ptr<Reader> reader = TRY(std::move(file));
  const std::vector<std::byte> bytes = TRY(read_all(*reader, kManifestBytesMax));
  Manifest manifest = TRY(parse_manifest(as_text(bytes)).context("{}", options.put_only_record.string()));
  if (manifest.repository != log.repository())
    return Error(ErrorKind::Invalid, "{} is the record of {}, not of {}; give each repository its own",
                 options.put_only_record.string(), manifest.repository.text(), log.repository().text());
  next_number = manifest.number + 1;
  last = ReadManifest{std::move(manifest), manifest_digest(as_text(bytes))};
  return {};
}

// Empty: all links are there and have their length. One listing, where the keys have enough in common for that.
Result<std::string> BackupDestination::State::fault_of_chain(std::stop_token stop) const {
  if (!unreadable.empty()) return unreadable;
  const std::vector<DataObject>& chain = last->manifest.chain;
  if (is_put_only() || chain.empty()) return std::string();
  std::vector<ObjectInfo> listed;
  const std::string_view prefix = common_prefix(chain);
  const bool one_listing = prefix.find(log.repository().key()) != std::string_view::npos;
  if (one_listing) listed = TRY(store.list(prefix, stop));
  for (const DataObject& link : chain) {
    std::optional<ObjectInfo> found;
    if (one_listing) {
      const auto at = std::lower_bound(listed.begin(), listed.end(), link.key,
                                       [](const ObjectInfo& info, const std::string& key) { return info.key < key; });
      if (at != listed.end() && at->key == link.key) found = *at;
    } else {
      found = TRY(store.find(link.key, stop));
    }
    if (!found) return fmt::format("{} is missing", link.key);
    if (found->bytes != link.bytes)
      return fmt::format("{} has {} bytes instead of {}", link.key, found->bytes, link.bytes);
  }
  return std::string();
}

// When the chain was begun. A manifest that prune has removed since was older than any limit.
Result<Clock::WallTime> BackupDestination::State::full_made_at(std::stop_token stop) const {
  if (last->manifest.chain.empty()) return last->manifest.created_at;
  const std::uint64_t number = last->manifest.chain.front().snapshot;
  if (number == last->manifest.number || is_put_only()) return last->manifest.created_at;
  Result<ReadManifest> first = log.read(number, stop);
  if (first) return first->manifest.created_at;
  if (first.error().kind() == ErrorKind::NotFound) return Clock::WallTime();
  return std::move(first).error();
}

// A writer that may not look still knows its own: two backups in one second must not meet.
Result<bool> BackupDestination::State::is_taken(const std::string& key, std::stop_token stop) const {
  if (!is_put_only()) return TRY(store.find(key, stop))
  .has_value();
  return last && std::ranges::count(last->manifest.chain, key, &DataObject::key) != 0;
}

Result<std::string> BackupDestination::State::free_key(std::stop_token stop) const {
  constexpr unsigned kAttemptsMax = 100;
  for (unsigned attempt = 1; attempt <= kAttemptsMax; ++attempt) {
    std::string key = TRY(options.keys.key(log.repository(), clock.now(), options.format, !options.recipients.empty(),
                                           options.key_variables, attempt));
    if (!TRY(is_taken(key, stop))) return key;
  }
  return Error(ErrorKind::Conflict, "no free key for a backup of {} made now", log.repository().text());
}

Result<std::unique_ptr<Writer>> BackupDestination::State::open_object(const std::vector<Oid>& haves,
                                                                      MeasuredWriter*& measured, DataObject& object,
                                                                      std::stop_token stop) const {
  object.snapshot = next_number;
  object.full = !full_because.empty();
  object.format = options.format;
  object.encrypted = !options.recipients.empty();
  object.key = TRY(free_key(stop));
  auto measuring = std::make_unique<MeasuredWriter>(TRY(store.create(object.key, stop)));
  measured = measuring.get();
  std::unique_ptr<Writer> to = std::move(measuring);
  if (object.encrypted) to = TRY(open_age_writer(options.recipients, std::move(to)));

  RefMap all = TRY(final_refs());
  if (options.format == BackupFormat::Zip)
    return open_zip({.repository = log.repository(), .format = format(), .head = head, .refs = std::move(all)},
                    {.scratch = options.scratch, .environment = options.environment, .patience = patience},
                    std::move(to), stop);

  BundleHeader header{.format = format(), .refs = std::move(all)};
  if (const Ref* branch = head.target ? header.refs.find(*head.target) : nullptr) header.head = branch->oid;
  if (last && !object.full) header.prerequisites = prerequisites_of(haves, last->manifest.refs);
  return open_bundle(header, std::move(to));
}

void BackupDestination::State::apply(const RefUpdate& update) {
  if (update.is_delete()) {
    refs.erase(update.name);
    return;
  }
  Ref ref{update.name, update.new_oid};
  if (const auto end = peeled.find(update.new_oid); end != peeled.end()) ref.peeled = end->second;
  refs.insert_or_assign(update.name, std::move(ref));
}

Result<RefMap> BackupDestination::State::final_refs() const {
  std::vector<Ref> all;
  for (const auto& [name, ref] : refs)
    if (!removed.contains(name.text())) all.push_back(ref);
  return RefMap::from(std::move(all));
}

// What was acknowledged is there, before a manifest says so.
Result<> BackupDestination::State::check_data(std::stop_token stop) const {
  if (is_put_only()) return {};
  for (const DataObject& object : data) {
    const std::optional<ObjectInfo> found = TRY(store.find(object.key, stop));
    if (!found || found->bytes != object.bytes)
      return Error(ErrorKind::Corrupt, "{}: {} was written and acknowledged, and is not there as it was written",
                   store.name(), object.key);
  }
  return {};
}

Result<std::string> BackupDestination::State::append(Manifest& manifest, std::stop_token stop) const {
  if (!is_put_only()) return log.append(manifest, true, stop);
  while (true) {
    Result<std::string> appended = log.append(manifest, false, stop);
    // Without a record nobody knows the number: one that is taken leads to the next.
    if (appended || appended.error().kind() != ErrorKind::Conflict || last) return appended;
    ++manifest.number;
    for (DataObject& object : manifest.chain) object.snapshot = manifest.number;
  }
}

namespace {

// One push into a vault. An object is made when a pack with objects comes, and not before.
class VaultPush final : public PushWriter {
 public:
  using Open = std::function<Result<std::unique_ptr<Writer>>(MeasuredWriter*& measured, DataObject& object)>;
  using Done = std::function<void(std::optional<DataObject> object)>;

  VaultPush(const std::vector<RefUpdate>& updates, Open open, Done done)
      : open_(std::move(open)), done_(std::move(done)) {
    for (const RefUpdate& update : updates) report_.refs.push_back({.name = update.name});
  }

  Result<> write(std::span<const std::byte> bytes) override {
    if (to_ != nullptr) return to_->write(bytes);
    const std::size_t take = std::min(bytes.size(), kPackHeaderBytes - header_bytes_);
    std::copy_n(bytes.begin(), take, header_.begin() + static_cast<std::ptrdiff_t>(header_bytes_));
    header_bytes_ += take;
    bytes = bytes.subspan(take);
    if (header_bytes_ < kPackHeaderBytes || is_empty_pack(header_)) return {};
    to_ = TRY(open_(measured_, object_));
    TRY(to_->write(header_));
    return bytes.empty() ? Result<>() : to_->write(bytes);
  }

  Result<> finish() override {
    if (to_ != nullptr) {
      TRY(to_->finish());
      object_.bytes = measured_->bytes();
      object_.sha256 = measured_->sha256();
    }
    for (RefReport& ref : report_.refs) ref.ok = true;
    done_(to_ != nullptr ? std::optional(object_) : std::nullopt);
    return {};
  }

  const PushReport& report() const override { return report_; }
  bool is_in_doubt() const override { return false; }

 private:
  const Open open_;
  const Done done_;
  PushReport report_;
  std::array<std::byte, kPackHeaderBytes> header_{};
  std::size_t header_bytes_ = 0;
  DataObject object_;
  MeasuredWriter* measured_ = nullptr;
  std::unique_ptr<Writer> to_;
};

}  // namespace

BackupDestination::BackupDestination(ObjectStore& store, RepositoryName repository, BackupOptions options,
                                     Patience patience, const Clock& clock)
    : state_(new State{.store = store,
                       .log = SnapshotLog(store, std::move(repository)),
                       .options = options,
                       .patience = patience,
                       .clock = clock,
                       .profile = vault_profile(options.format)}) {}

BackupDestination::~BackupDestination() = default;

std::string BackupDestination::name() const {
  return fmt::format("{} ({})", state_->store.name(), state_->log.repository().text());
}

const HostProfile& BackupDestination::profile() const { return state_->profile; }

const std::optional<PublishedSnapshot>& BackupDestination::published() const { return state_->published; }

Result<std::optional<Listing>> BackupDestination::refs(std::stop_token stop) {
  TRY(state_->look(stop));
  if (!state_->last && !state_->created) return std::optional<Listing>();
  Listing listing;
  listing.format = state_->format();
  listing.capabilities.add("ofs-delta");
  if (state_->last) {
    listing.refs = state_->last->manifest.refs;
    listing.head = state_->last->manifest.head;
  }
  return std::optional(std::move(listing));
}

Result<> BackupDestination::create(ObjectFormat format, const Head&, std::stop_token) {
  state_->created = format;
  return {};
}

// Refs of the next snapshot that a full pack may lack, since it holds what `offered` reaches: withheld ones, and those
// that the selection of this run leaves as they were.
std::size_t BackupDestination::State::refs_behind(const RefMap& offered, const Plan& plan) const {
  std::unordered_set<Oid> reached;
  for (const Ref& ref : offered) reached.insert(ref.oid);
  std::unordered_set<std::string> moved = removed;
  for (const std::vector<PlannedUpdate>* updates : {&plan.clear, &plan.carry})
    for (const PlannedUpdate& planned : *updates) moved.insert(planned.update.name.text());
  return static_cast<std::size_t>(std::count_if(refs.begin(), refs.end(), [&](const auto& held) {
    return !moved.contains(held.first.text()) && !reached.contains(held.second.oid);
  }));
}

Result<bool> BackupDestination::needs_everything(const Listing& source, const RefMap& offered, const Plan& plan,
                                                 std::stop_token stop) {
  State& state = *state_;
  state.created = source.format;
  state.head = source.head;
  for (const Ref& ref : source.refs)
    if (ref.peeled) state.peeled.emplace(ref.oid, *ref.peeled);
  for (const PlannedUpdate& planned : plan.remove) state.removed.insert(planned.update.name.text());

  if (!state.last) {
    state.full_because = state.unreadable.empty() ? "first snapshot" : state.unreadable;
    return true;
  }
  const std::size_t behind = state.refs_behind(offered, plan);

  const std::string fault = TRY(state.fault_of_chain(stop));
  if (!fault.empty()) {
    state.full_because = fault;
  } else if (state.options.full) {
    state.full_because = "asked for";
  } else if (state.options.format == BackupFormat::Zip ||
             (!state.last->manifest.chain.empty() && state.last->manifest.chain.front().format == BackupFormat::Zip)) {
    if (!plan.is_empty()) state.full_because = "a zip holds everything";
  }
  if (!state.full_because.empty()) {
    if (behind == 0) return true;
    return Error(
        ErrorKind::Rejected,
        "{}, so a full snapshot is needed, and {} refs of the last one stand where this run does not find them at "
        "the source: withheld, or not selected. Back up every ref, or look at what happened there and allow it",
        state.full_because, behind);
  }
  if (plan.carry.empty() || behind != 0) return false;
  state.full_because =
      full_is_due(state.last->manifest.chain, TRY(state.full_made_at(stop)), state.options.limits, state.clock.now())
          .value_or("");
  return !state.full_because.empty();
}

Result<std::unique_ptr<PushWriter>> BackupDestination::open(PushRequest request, RemoteMessages, std::stop_token stop) {
  State& state = *state_;
  for (const RefUpdate& update : request.updates) {
    const auto held = state.refs.find(update.name);
    const bool as_expected = held == state.refs.end() ? update.is_create() : held->second.oid == update.old_oid;
    CHECK(as_expected);
  }
  // The header of a bundle names the refs as they will be.
  for (const RefUpdate& update : request.updates) state.apply(update);
  return std::make_unique<VaultPush>(
      request.updates,
      [&state, haves = std::move(request.haves), stop](MeasuredWriter*& measured, DataObject& object) {
        return state.open_object(haves, measured, object, stop);
      },
      [&state](std::optional<DataObject> object) {
        if (object) state.data.push_back(*std::move(object));
      });
}

Result<bool> BackupDestination::set_head(const RefName&, std::stop_token) { return true; }

Result<bool> BackupDestination::publish(const Listing& source, const Plan& plan, std::stop_token stop) {
  State& state = *state_;
  RefMap refs = TRY(state.final_refs());
  Head head = source.head;
  if (!head.target && !head.oid && state.last) head = state.last->manifest.head;  // an old server does not say
  if (head.target) head.oid.reset();
  const bool is_news = !state.last || !(refs == state.last->manifest.refs) ||
                       !same_head(head, state.last->manifest.head) || !state.data.empty();
  if (!is_news && !state.options.record_unchanged) return false;

  TRY(state.check_data(stop));
  Manifest manifest{.repository = state.log.repository(),
                    .number = state.next_number,
                    .created_at = std::chrono::floor<std::chrono::seconds>(state.clock.now()),
                    .source = state.options.source,
                    .format = source.format,
                    .head = std::move(head),
                    .withheld = plan.withheld.size(),
                    .refs = std::move(refs)};
  const bool is_full = !state.data.empty() && state.data.front().full;
  if (state.last) {
    manifest.previous = PreviousManifest{state.last->manifest.number, state.last->sha256};
    if (!is_full) manifest.chain = state.last->manifest.chain;
  }
  manifest.chain.insert(manifest.chain.end(), state.data.begin(), state.data.end());

  const std::string sha256 = TRY(state.append(manifest, stop));
  // It exists now, whatever happens to us.
  if (state.is_put_only()) {
    const std::unique_ptr<Writer> record = TRY(create_file(state.options.put_only_record));
    TRY(record->write(as_bytes(to_text(manifest))));
    TRY(record->finish());
  } else {
    TRY(state.log.note_verified(manifest.number, sha256, Verification::Stored, manifest.created_at, stop));
  }
  state.published = PublishedSnapshot{.manifest = std::move(manifest),
                                      .sha256 = sha256,
                                      .full = is_full,
                                      .full_because = is_full ? state.full_because : "",
                                      .confirmed = !state.is_put_only()};
  return true;
}

}  // namespace packferry
