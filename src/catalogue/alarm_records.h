// Which alarms are open, and what is still to be said of them and to whom: so that a restart neither rings again nor
// forgets. In the file of the Catalogue, and with its promises to threads, programs and kill -9; after a power cut the
// last that was written may be missing. docs/formats/catalogue.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace packferry {

// As service/alarms.h has them, whose words `severity` and `state` are.
struct AlarmRecord {
  std::string subject;  // the key, together with kind
  std::string kind;
  std::string severity;
  std::string summary;
  std::string remedy = {};
  Clock::WallTime since{};
  std::optional<Clock::WallTime> raised_at = {};
  std::optional<Clock::WallTime> said_at = {};
  std::optional<Clock::WallTime> well_since = {};

  friend bool operator==(const AlarmRecord&, const AlarmRecord&) = default;
};

struct AlarmKey {
  std::string subject;
  std::string kind;
};

// One thing that one channel has not heard yet.
struct NoticeRecord {
  std::string channel;
  std::int64_t number = 0;  // with the channel it is the key; what is said first has the lower one
  std::string state;
  AlarmRecord alarm;  // without said_at and well_since

  friend bool operator==(const NoticeRecord&, const NoticeRecord&) = default;
};

struct NoticeKey {
  std::string channel;
  std::int64_t number = 0;
};

struct AlarmChange {
  std::vector<AlarmRecord> open = {};  // new, or not as before
  std::vector<AlarmKey> over = {};
  std::vector<NoticeRecord> to_say = {};
  std::vector<NoticeKey> said = {};  // or given up

  bool is_empty() const { return open.empty() && over.empty() && to_say.empty() && said.empty(); }
};

class AlarmRecords {
 public:
  // As Catalogue::open(), and of the same file.
  static Result<std::unique_ptr<AlarmRecords>> open(const std::string& path);
  // Nothing is kept: for simulations.
  static Result<std::unique_ptr<AlarmRecords>> open_in_memory();
  virtual ~AlarmRecords() = default;

  virtual Result<std::vector<AlarmRecord>> alarms() = 0;    // by subject and kind
  virtual Result<std::vector<NoticeRecord>> notices() = 0;  // by channel and number
  // All of it or nothing. What is over or said already, and does not exist any more, is no failure.
  virtual Result<> record(const AlarmChange& change) = 0;
};

}  // namespace packferry
