// What is expected of a service, and what is wrong when measured by it: pure. Nothing here asks the workers how they
// are; all of it follows from what is remembered and from the time, so it holds when they are dead, too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/catalogue.h"
#include "catalogue/replicas.h"
#include "service/alarms.h"

namespace packferry {

// How old each trouble may become before a person hears of it. At kCriticalFactor times that age it is critical. What
// is held or has diverged waits for a person from the beginning; freshness is part of each replica's order.
struct LookoutObjectives {
  Milliseconds lag{15 * 60'000};            // see lag_of()
  Milliseconds failing{15 * 60'000};        // since the first of the failures in a row
  Milliseconds backup_age{26 * 3'600'000};  // of what the newest snapshot that was confirmed holds
  Milliseconds queue{10 * 60'000};          // a look is due, and nobody looks; for all replicas together
};
inline constexpr int kCriticalFactor = 3;

// For some of them something else is expected.
struct ObjectiveFor {
  std::vector<std::string> replicas;  // globs of replicas' names, and of backups' sources ("HOST/NAME")
  LookoutObjectives objectives;
};

// Finds what is wrong, of one after the other; of those that are well nothing is kept. By subject: of replicas (which
// are not paused or going) lag, freshness, failing, held, diverged; of backups backup-age; of the service queue.
// docs/monitoring.md has what each means, and what there is to do.
class Inspection {
 public:
  // Both outlive it.
  Inspection(Clock::WallTime now, const LookoutObjectives& objectives, const std::vector<ObjectiveFor>& overrides)
      : now_(now), objectives_(objectives), overrides_(overrides) {}

  // `failing_since`: of one whose last look failed, when the first began of those that failed in a row.
  void see(const ReplicaRecord& replica, std::optional<Clock::WallTime> failing_since = {});
  void see(const Delivery& backup);
  // Of all that was seen, each once.
  std::vector<Trouble> troubles() const;

 private:
  const LookoutObjectives& objectives_for(const std::string& name) const;
  std::optional<Trouble> queue_trouble() const;

  const Clock::WallTime now_;
  const LookoutObjectives& objectives_;
  const std::vector<ObjectiveFor>& overrides_;  // the first that fits counts
  std::vector<Trouble> troubles_;
  std::size_t at_work_ = 0;
  std::size_t overdue_ = 0;  // for longer than is allowed
  Milliseconds longest_overdue_{0};
};

// Those that go to one of these stores, as the configuration calls them, and whose source still exists.
std::vector<Delivery> backups_among(std::vector<Delivery> deliveries, const std::vector<std::string>& stores);
// Since when nothing has shown that the newest state of the source can be restored; none: it was never tried.
std::optional<Clock::WallTime> backup_since(const Delivery& backup);
// "backup nightly: gitlab/app/web to vault/app/web"
std::string backup_subject(const DeliveryKey& key);

// Since when somebody should have looked at it; none: not yet, it is paused, or somebody does.
std::optional<Clock::WallTime> overdue_since(const ReplicaRecord& replica, Clock::WallTime now);

// "90 seconds", "40 minutes", "26 hours", "3 days"
std::string in_words(Milliseconds duration);

}  // namespace packferry
