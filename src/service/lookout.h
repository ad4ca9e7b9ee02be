// Watches whether what was ordered is so, and tells people when it is not. It asks neither the workers nor the
// scheduler: it reads what they leave in the catalogue, so their silence is noticed as well as their complaints. What
// it cannot see is its own machine going down; for that there is the heartbeat, which somebody outside listens for.
//
// What is open and what is still to be said is in the catalogue before anybody hears of it: after a restart nothing is
// rung again and nothing is forgotten. A notice that was heard when the program was killed may be heard a second time.
//
// One for a catalogue: two would both ring.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "catalogue/alarm_records.h"
#include "catalogue/catalogue.h"
#include "catalogue/replicas.h"
#include "service/alarm_channel.h"
#include "service/alarms.h"
#include "service/objectives.h"

namespace packferry {

struct LookoutOptions {
  LookoutObjectives objectives = {};
  std::vector<ObjectiveFor> overrides = {};  // the first that fits counts
  std::vector<std::string> stores = {};      // as the configuration calls them: what goes there is a backup
  AlarmRules rules{.raise_after = Milliseconds(60'000)};
  Milliseconds interval{30'000};  // from the end of a pass to the next
  // A GET after each pass that could read everything, unless no channel can be reached.
  std::optional<Url> heartbeat = {};
};

// What it reads, and what it speaks through. All of it outlives the lookout.
struct LookoutWorld {
  Replicas& replicas;
  Catalogue& catalogue;
  AlarmRecords& records;
  HttpClient& http;  // for the heartbeat
  Clock& clock;
  Log& log;
};

// pass() and run() belong to one thread; the rest may be asked from any.
class Lookout {
 public:
  // So many notices wait for a channel that does not answer; then the oldest is given up.
  static constexpr std::size_t kBacklogMax = 200;
  // More that are alike and begin at once are said as one.
  static constexpr std::size_t kSaidOneByOne = 10;

  // Channels of one name are told apart by their order.
  Lookout(LookoutWorld world, std::vector<std::unique_ptr<AlarmChannel>> channels, LookoutOptions options);

  // One look at everything, and everything that follows from it is said. A channel that fails hears the rest, in its
  // order, at the next pass. What could not be read or written is an alarm of its own ("blind"), and until all can be
  // read again the troubles of the last pass count as there. The Error says what it was; all else was done.
  Result<> pass(std::stop_token stop);
  // A pass every `interval`, whatever fails, until `stop`.
  void run(std::stop_token stop);

  // Raised, or waiting to be; by subject and kind.
  std::vector<Alarm> open_alarms() const;
  // The end of the last pass that could read everything; none: there was none yet.
  std::optional<Clock::WallTime> seen_at() const;

 private:
  struct Waiting {
    Notice notice;
    std::int64_t number = 0;  // in the catalogue; 0: it is not there yet
  };
  struct Lane {
    std::unique_ptr<AlarmChannel> channel;
    std::string key;
    std::deque<Waiting> waiting = {};
  };

  Result<> remember();
  Result<std::vector<Trouble>> inspect(Clock::WallTime now);
  Result<std::optional<Clock::WallTime>> failing_since(const ReplicaRecord& replica);
  void note(const std::vector<Notice>& notices);
  void give_up_oldest(Lane& lane);
  Result<> write();
  void say(const std::stop_token& stop);
  bool say_next(Lane& lane, const std::stop_token& stop);
  bool is_unheard() const;
  void beat_outward(std::stop_token stop);
  void publish(bool has_seen);

  const LookoutWorld world_;
  const LookoutOptions options_;
  std::vector<Lane> lanes_;
  AlarmBook book_;
  std::vector<Trouble> last_seen_;
  bool remembers_ = false;  // what the catalogue knew at the start
  // What the catalogue has, as far as is known here.
  std::map<std::pair<std::string, std::string>, AlarmRecord> written_;
  std::vector<NoticeKey> said_;  // and is still there
  std::int64_t next_number_ = 1;
  std::optional<Error> unwritten_;  // why the last pass could not write

  mutable std::mutex mutex_;  // of both below
  std::vector<Alarm> open_;
  std::optional<Clock::WallTime> seen_at_;
};

}  // namespace packferry
