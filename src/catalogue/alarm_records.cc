#include "catalogue/alarm_records.h"

#include <mutex>

#include "catalogue/schema.h"
#include "catalogue/sqlite.h"

namespace packferry {
namespace {

constexpr std::string_view kAlarms =
    "SELECT subject, kind, severity, summary, remedy, since, raised_at, said_at, well_since FROM alarms"
    " ORDER BY subject, kind";
constexpr std::string_view kRecordAlarm = "INSERT OR REPLACE INTO alarms VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr std::string_view kForgetAlarm = "DELETE FROM alarms WHERE subject = ? AND kind = ?";

constexpr std::string_view kNotices =
    "SELECT subject, kind, severity, summary, remedy, since, raised_at, channel, number, state FROM alarm_notices"
    " ORDER BY channel, number";
constexpr std::string_view kRecordNotice =
    "INSERT OR REPLACE INTO alarm_notices (channel, number, state, subject, kind, severity, summary, remedy, since,"
    " raised_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr std::string_view kForgetNotice = "DELETE FROM alarm_notices WHERE channel = ? AND number = ?";

// Its first seven columns are those of both tables.
AlarmRecord alarm_of(const SqlRow& row) {
  return {.subject = row.text(0),
          .kind = row.text(1),
          .severity = row.text(2),
          .summary = row.text(3),
          .remedy = row.text(4),
          .since = row.time(5),
          .raised_at = row.maybe_time(6)};
}

class SqliteAlarmRecords final : public AlarmRecords {
 public:
  explicit SqliteAlarmRecords(std::unique_ptr<Database> database)
      : database_(std::move(database)), statements_(*database_) {}

  Result<std::vector<AlarmRecord>> alarms() override {
    const std::lock_guard lock(mutex_);
    std::vector<AlarmRecord> all;
    TRY(statements_.query(kAlarms, {}, [&all](const SqlRow& row) {
      AlarmRecord& alarm = all.emplace_back(alarm_of(row));
      alarm.said_at = row.maybe_time(7);
      alarm.well_since = row.maybe_time(8);
    }));
    return all;
  }

  Result<std::vector<NoticeRecord>> notices() override {
    const std::lock_guard lock(mutex_);
    std::vector<NoticeRecord> all;
    TRY(statements_.query(kNotices, {}, [&all](const SqlRow& row) {
      all.push_back({.channel = row.text(7), .number = row.number(8), .state = row.text(9), .alarm = alarm_of(row)});
    }));
    return all;
  }

  Result<> record(const AlarmChange& change) override {
    const std::lock_guard lock(mutex_);
    const std::unique_ptr<Transaction> transaction = TRY(Transaction::begin(*database_));
    for (const AlarmRecord& alarm : change.open) TRY(record_alarm(alarm));
    for (const AlarmKey& key : change.over) TRY(statements_.run(kForgetAlarm, {key.subject, key.kind}));
    for (const NoticeRecord& notice : change.to_say) TRY(record_notice(notice));
    for (const NoticeKey& key : change.said) TRY(statements_.run(kForgetNotice, {key.channel, key.number}));
    return transaction->commit();
  }

 private:
  Result<> record_alarm(const AlarmRecord& alarm) {
    return statements_.run(
        kRecordAlarm, {alarm.subject, alarm.kind, alarm.severity, alarm.summary, alarm.remedy, to_value(alarm.since),
                       to_value(alarm.raised_at), to_value(alarm.said_at), to_value(alarm.well_since)});
  }

  Result<> record_notice(const NoticeRecord& notice) {
    const AlarmRecord& alarm = notice.alarm;
    return statements_.run(kRecordNotice,
                           {notice.channel, notice.number, notice.state, alarm.subject, alarm.kind, alarm.severity,
                            alarm.summary, alarm.remedy, to_value(alarm.since), to_value(alarm.raised_at)});
  }

  std::mutex mutex_;  // of both below: one connection, one caller at a time
  const std::unique_ptr<Database> database_;
  PreparedStatements statements_;
};

}  // namespace

Result<std::unique_ptr<AlarmRecords>> AlarmRecords::open(const std::string& path) {
  std::unique_ptr<Database> database = TRY(open_catalogue_file(path));
  return std::make_unique<SqliteAlarmRecords>(std::move(database));
}

Result<std::unique_ptr<AlarmRecords>> AlarmRecords::open_in_memory() {
  std::unique_ptr<Database> database = TRY(open_catalogue_in_memory());
  return std::make_unique<SqliteAlarmRecords>(std::move(database));
}

}  // namespace packferry
