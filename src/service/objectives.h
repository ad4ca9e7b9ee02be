// What is expected of a service, and what is wrong when measured by it: pure. Nothing here asks the workers how they
// are; all of it follows from what is remembered and from the time, so it holds when they are dead, too.
#pragma once

#include <map>
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

struct LookoutInput {
  Clock::WallTime now{};
  std::vector<ReplicaRecord> replicas = {};
  std::map<std::string, Clock::WallTime> failing_since = {};  // those whose last look failed
  std::vector<Delivery> backups = {};
  LookoutObjectives objectives = {};
  std::vector<ObjectiveFor> overrides = {};  // the first that fits counts
};

// By subject: of replicas (which are not paused or going) lag, freshness, failing, held, diverged; of backups
// backup-age; of the service queue. docs/monitoring.md has what each means, and what there is to do.
std::vector<Trouble> troubles_of(const LookoutInput& input);

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
