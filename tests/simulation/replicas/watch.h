// The lookout of a simulated service, the person who hears it, and what that person is promised: to hear of whatever
// has been wrong for long enough, once, and of its end; and of nothing that is not so.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "net/http.h"
#include "planted_bugs.h"
#include "service/lookout.h"

namespace packferry::simulation {

// What is wrong at one moment: "replica onward/held".
struct Wrongs {
  std::set<std::string> certain;   // whoever looks sees it
  std::set<std::string> possible;  // and these one may see; with what is certain
};

struct WatchWorld {
  Replicas& replicas;
  Catalogue& catalogue;
  Clock& clock;
};

class Watch {
 public:
  // How long something has to be there, or gone, before it is said.
  static constexpr Milliseconds kRaiseAfter{60'000};
  static constexpr Milliseconds kOverAfter{5 * 60'000};
  static constexpr Milliseconds kBackupAgeMax{6 * 3'600'000};

  Watch(WatchWorld world, Bug bug);
  ~Watch();

  bool is_alive() const { return lookout_ != nullptr; }
  void revive();
  // What the disk does, and the person's telephone.
  bool is_disk_broken = false;
  bool is_deaf = false;

  // Looks, once, at a world of this age in which this is wrong. Dies in the middle if told: when it has said so many
  // things more. The promise that it broke, if it did.
  std::optional<std::string> pass(const Wrongs& wrongs, Milliseconds age, std::optional<unsigned> dies_after);
  // What has been wrong for a while by the calendar may have been for less by the one that counts now.
  void calendar_was_set_back();

  // What the person believes to be wrong now.
  const std::set<std::string>& believed() const { return believed_; }
  // It cannot know any more what it has said of this.
  bool is_unsure(const std::string& what) const { return unsure_.contains(what); }
  std::uint64_t heard() const { return heard_; }

 private:
  class Telephone;
  class Records;
  class Eyes;

  bool hears(const Notice& notice);
  void hear(Notice::Kind kind, const std::string& what);
  void die();
  void see(const Wrongs& wrongs, Milliseconds age);
  void all_is_said();
  void check(Milliseconds age);
  void broken(std::string how) {
    if (!broken_) broken_ = std::move(how);
  }

  const WatchWorld world_;
  const std::unique_ptr<AlarmRecords> stored_;
  const std::unique_ptr<Replicas> seen_;
  const std::unique_ptr<AlarmRecords> remembered_;
  std::unique_ptr<Replicas> eyes_;
  std::unique_ptr<AlarmRecords> records_;
  HttpClient http_;  // for a heartbeat, which nobody listens for here
  NullLog log_;
  std::unique_ptr<Lookout> lookout_;

  bool is_dying_ = false;
  bool was_blind_ = false;  // the last pass
  bool has_seen_ = false;   // in this life
  std::optional<unsigned> words_left_;
  std::set<std::string> believed_;
  std::uint64_t heard_ = 0;
  std::set<std::string> unwritten_;   // heard, and not yet written down that it was
  std::set<std::string> may_repeat_;  // of those when it died
  // It died while its disk took nothing: it does not know any more what it said of these.
  std::set<std::string> unsure_;
  std::map<std::string, Milliseconds> certain_since_;
  std::map<std::string, Milliseconds> well_since_;  // of what is believed
  std::set<std::string> possible_;                  // in the last look that could see
  std::set<std::string> ever_possible_;             // since all was said that it could be about
  std::optional<std::string> broken_;
};

}  // namespace packferry::simulation
