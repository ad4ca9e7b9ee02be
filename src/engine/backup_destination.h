// A destination that is an object store: its refs are its last snapshot's, a push to it is a new object, and publish()
// makes the next snapshot of what was pushed. docs/formats/backup.md.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backup/age.h"
#include "backup/key_layout.h"
#include "backup/snapshot_log.h"
#include "base/clock.h"
#include "engine/destination.h"
#include "io/pace.h"

namespace packferry {

// When a chain ends and the next snapshot is a full one.
struct ChainLimits {
  std::size_t links_max = 30;           // incremental ones
  unsigned percent_max = 50;            // of the full one's size, all incremental ones together
  std::chrono::hours age_max{30 * 24};  // of the full one
};

// Pure: does the next snapshot have to be a full one, and why? `chain` is the last snapshot's; nothing: an incremental
// one will do.
std::optional<std::string> full_is_due(const std::vector<DataObject>& chain, Clock::WallTime full_made_at,
                                       const ChainLimits& limits, Clock::WallTime now);

struct BackupOptions {
  BackupFormat format = BackupFormat::Bundle;
  KeyTemplate keys;
  std::map<std::string, std::string> key_variables = {};  // account_id, region, where known
  ChainLimits limits = {};
  bool full = false;                          // a full one now, whatever the limits say
  bool record_unchanged = false;              // a snapshot also when nothing has changed: it says so, with today's date
  std::vector<AgeRecipient> recipients = {};  // not empty: data objects are encrypted
  // A writer that may only put: the last manifest is remembered in this file instead of read from the store, and
  // nothing is read back. Empty: the store is asked.
  std::filesystem::path put_only_record = {};
  std::string source = {};                    // what the manifest says
  std::filesystem::path scratch = {};         // for zip
  std::vector<std::string> environment = {};  // for zip: what git runs with
};

// What publish() made.
struct PublishedSnapshot {
  Manifest manifest;
  std::string sha256;
  bool full = false;         // it brought a full object, because:
  std::string full_because;  // "first snapshot", "asked for", "30 incremental snapshots", …
  bool confirmed = false;    // read back; false for a put-only writer
};

class BackupDestination final : public Destination {
 public:
  // `store` and `clock` outlive it.
  BackupDestination(ObjectStore& store, RepositoryName repository, BackupOptions options, Patience patience,
                    const Clock& clock);
  ~BackupDestination() override;

  std::string name() const override;
  const HostProfile& profile() const override;
  Result<std::optional<Listing>> refs(std::stop_token stop) override;
  Result<> create(ObjectFormat format, const Head& head, std::stop_token stop) override;
  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages messages, std::stop_token stop) override;
  Result<bool> set_head(const RefName& branch, std::stop_token stop) override;
  Result<bool> needs_everything(const Listing& source, const RefMap& offered, const Plan& plan,
                                std::stop_token stop) override;
  Result<bool> publish(const Listing& source, const Plan& plan, std::stop_token stop) override;

  // Nothing when there was nothing new to publish.
  const std::optional<PublishedSnapshot>& published() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace packferry
