// What we remember about a fleet: for each order what was delivered where, and when it was last seen to be so. It
// remembers and does not own: lost, it is made again by looking at hosts and stores. docs/formats/catalogue.md.
//
// One SQLite file. Safe for several threads, for several programs at once, and against kill -9. Times are kept to the
// millisecond.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace packferry {

// One source repository and one place that it goes to, under one order of the configuration.
struct DeliveryKey {
  std::string order;        // the name of the backup or replica
  std::string source;       // "HOST/NAME", hosts as the configuration calls them
  std::string destination;  // "HOST/NAME" or "STORE/NAME"

  friend auto operator<=>(const DeliveryKey&, const DeliveryKey&) = default;
  friend bool operator==(const DeliveryKey&, const DeliveryKey&) = default;
};

struct Delivery {
  DeliveryKey key;
  // The hosts' own ids of what stands under the two names; empty: not known.
  std::string source_id = {};
  std::string destination_id = {};
  // A digest of what the source offered (selected refs, HEAD, policy) when the destination was last listed and was
  // found to hold just that. Empty: that has never been seen.
  std::string confirmed_state = {};
  std::optional<Clock::WallTime> confirmed_at = {};  // when that was
  // What the source's host said of the last push, before that. See HostedRepository::last_push.
  std::string last_push = {};
  std::optional<Clock::WallTime> source_seen_at = {};  // its refs were last listed
  // Since when the source is known to have something that the destination is not known to have.
  std::optional<Clock::WallTime> behind_since = {};
  std::optional<Clock::WallTime> missing_since = {};  // the source is in no listing any more
  unsigned failures = 0;                              // in a row
  std::string outcome = {};  // of the last try: "done", "up-to-date", "held", "partial", "failed"
  std::string error = {};    // of the last try, made printable

  friend bool operator==(const Delivery&, const Delivery&) = default;
};

struct SweepRecord {
  std::int64_t id = 0;
  Clock::WallTime began_at{};
  std::optional<Clock::WallTime> ended_at = {};  // none: it runs, or was killed
  std::string configuration = {};                // the file
  std::string report = {};                       // JSON; empty until it ended
};

// How many repositories a listing had.
struct ListingRecord {
  std::string host;        // as the configuration calls it
  std::string owner = {};  // see Host::list()
  std::uint64_t repositories = 0;
  Clock::WallTime listed_at{};
};

class Catalogue {
 public:
  // Made when it is not there, in a directory that is, for its owner alone. Invalid: not a catalogue, or made by a
  // newer program; Denied, Exhausted: as the system says; Unavailable: another program has held it for half a minute;
  // Corrupt, here or later: SQLite finds the file damaged, and the message says how to make it again.
  static Result<std::unique_ptr<Catalogue>> open(const std::string& path);
  // Nothing is kept: for simulations.
  static Result<std::unique_ptr<Catalogue>> open_in_memory();
  virtual ~Catalogue() = default;

  virtual Result<std::vector<Delivery>> deliveries() = 0;  // by key
  virtual Result<std::vector<DeliveryKey>> keys() = 0;     // theirs alone, in order
  virtual Result<std::optional<Delivery>> find(const DeliveryKey& key) = 0;
  // All of them or none. Where two programs speak of one key the later `source_seen_at` stays, none being the
  // earliest; of the same one, what was said last.
  virtual Result<> record(const std::vector<Delivery>& deliveries) = 0;
  virtual Result<> forget(const std::vector<DeliveryKey>& keys) = 0;

  virtual Result<std::vector<ListingRecord>> listings() = 0;
  // The later `listed_at` stays.
  virtual Result<> record(const ListingRecord& listing) = 0;

  // Its number; only `began_at` and `configuration` are looked at.
  virtual Result<std::int64_t> begin_sweep(const SweepRecord& record) = 0;
  // NotFound: it was trimmed in the meantime.
  virtual Result<> end_sweep(std::int64_t id, Clock::WallTime at, const std::string& report) = 0;
  virtual Result<std::vector<SweepRecord>> sweeps(std::size_t last) = 0;  // the newest first
  // Keeps the newest `keep` sweeps.
  virtual Result<> trim_sweeps(std::size_t keep) = 0;
};

}  // namespace packferry
