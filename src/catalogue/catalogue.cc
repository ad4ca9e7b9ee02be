#include "catalogue/catalogue.h"

#include <mutex>

#include "catalogue/schema.h"
#include "catalogue/sqlite.h"

namespace packferry {
namespace {

constexpr std::string_view kDeliveries =
    "SELECT order_name, source, destination, source_id, destination_id, confirmed_state, confirmed_at, last_push,"
    " source_seen_at, behind_since, missing_since, failures, outcome, error"
    " FROM deliveries ORDER BY order_name, source, destination";

constexpr std::string_view kDelivery =
    "SELECT order_name, source, destination, source_id, destination_id, confirmed_state, confirmed_at, last_push,"
    " source_seen_at, behind_since, missing_since, failures, outcome, error"
    " FROM deliveries WHERE order_name = ? AND source = ? AND destination = ?";

constexpr std::string_view kKeys =
    "SELECT order_name, source, destination FROM deliveries ORDER BY order_name, source, destination";

// Who saw the source later knows better; who never saw it knows less than anybody who did.
constexpr std::string_view kRecordDelivery =
    "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (order_name, source, destination) DO UPDATE SET source_id = excluded.source_id, destination_id = "
    "excluded.destination_id,"
    " confirmed_state = excluded.confirmed_state, confirmed_at = excluded.confirmed_at,"
    " last_push = excluded.last_push, source_seen_at = excluded.source_seen_at, behind_since = excluded.behind_since,"
    " missing_since = excluded.missing_since, failures = excluded.failures, outcome = excluded.outcome,"
    " error = excluded.error"
    " WHERE deliveries.source_seen_at IS NULL OR excluded.source_seen_at >= deliveries.source_seen_at";

constexpr std::string_view kForget = "DELETE FROM deliveries WHERE order_name = ? AND source = ? AND destination = ?";

constexpr std::string_view kListings = "SELECT host, owner, repositories, listed_at FROM listings ORDER BY host, owner";

constexpr std::string_view kRecordListing =
    "INSERT INTO listings VALUES (?, ?, ?, ?)"
    " ON CONFLICT (host, owner) DO UPDATE SET repositories = excluded.repositories, listed_at = excluded.listed_at"
    " WHERE excluded.listed_at >= listings.listed_at";

constexpr std::string_view kBeginSweep = "INSERT INTO sweeps (began_at, configuration, report) VALUES (?, ?, '')";
constexpr std::string_view kEndSweep = "UPDATE sweeps SET ended_at = ?, report = ? WHERE id = ?";
constexpr std::string_view kSweeps =
    "SELECT id, began_at, ended_at, configuration, report FROM sweeps ORDER BY id DESC LIMIT ?";
constexpr std::string_view kTrimSweeps =
    "DELETE FROM sweeps WHERE id NOT IN (SELECT id FROM sweeps ORDER BY id DESC LIMIT ?)";

DeliveryKey key_of(const SqlRow& row) {
  return {.order = row.text(0), .source = row.text(1), .destination = row.text(2)};
}

Delivery delivery_of(const SqlRow& row) {
  return {.key = key_of(row),
          .source_id = row.text(3),
          .destination_id = row.text(4),
          .confirmed_state = row.text(5),
          .confirmed_at = row.maybe_time(6),
          .last_push = row.text(7),
          .source_seen_at = row.maybe_time(8),
          .behind_since = row.maybe_time(9),
          .missing_since = row.maybe_time(10),
          .failures = static_cast<unsigned>(row.number(11)),
          .outcome = row.text(12),
          .error = row.text(13)};
}

SweepRecord sweep_of(const SqlRow& row) {
  return {.id = row.number(0),
          .began_at = row.time(1),
          .ended_at = row.maybe_time(2),
          .configuration = row.text(3),
          .report = row.text(4)};
}

class SqliteCatalogue final : public Catalogue {
 public:
  explicit SqliteCatalogue(std::unique_ptr<Database> database)
      : database_(std::move(database)), statements_(*database_) {}

  Result<std::vector<Delivery>> deliveries() override {
    const std::lock_guard lock(mutex_);
    std::vector<Delivery> all;
    TRY(statements_.query(kDeliveries, {}, [&all](const SqlRow& row) { all.push_back(delivery_of(row)); }));
    return all;
  }

  Result<std::vector<DeliveryKey>> keys() override {
    const std::lock_guard lock(mutex_);
    std::vector<DeliveryKey> all;
    TRY(statements_.query(kKeys, {}, [&all](const SqlRow& row) { all.push_back(key_of(row)); }));
    return all;
  }

  Result<std::optional<Delivery>> find(const DeliveryKey& key) override {
    const std::lock_guard lock(mutex_);
    std::optional<Delivery> found;
    TRY(statements_.query(kDelivery, {key.order, key.source, key.destination},
                          [&found](const SqlRow& row) { found = delivery_of(row); }));
    return found;
  }

  Result<> record(const std::vector<Delivery>& deliveries) override {
    const std::lock_guard lock(mutex_);
    const std::unique_ptr<Transaction> transaction = TRY(Transaction::begin(*database_));
    for (const Delivery& delivery : deliveries) TRY(record_one(delivery));
    return transaction->commit();
  }

  Result<> forget(const std::vector<DeliveryKey>& keys) override {
    const std::lock_guard lock(mutex_);
    const std::unique_ptr<Transaction> transaction = TRY(Transaction::begin(*database_));
    for (const DeliveryKey& key : keys) TRY(statements_.run(kForget, {key.order, key.source, key.destination}));
    return transaction->commit();
  }

  Result<std::vector<ListingRecord>> listings() override {
    const std::lock_guard lock(mutex_);
    std::vector<ListingRecord> all;
    TRY(statements_.query(kListings, {}, [&all](const SqlRow& row) {
      all.push_back({.host = row.text(0),
                     .owner = row.text(1),
                     .repositories = static_cast<std::uint64_t>(row.number(2)),
                     .listed_at = row.time(3)});
    }));
    return all;
  }

  Result<> record(const ListingRecord& listing) override {
    const std::lock_guard lock(mutex_);
    return statements_.run(
        kRecordListing,
        {listing.host, listing.owner, static_cast<std::int64_t>(listing.repositories), to_value(listing.listed_at)});
  }

  Result<std::int64_t> begin_sweep(const SweepRecord& record) override {
    const std::lock_guard lock(mutex_);
    TRY(statements_.run(kBeginSweep, {to_value(record.began_at), record.configuration}));
    return database_->last_inserted_id();
  }

  Result<> end_sweep(std::int64_t id, Clock::WallTime at, const std::string& report) override {
    const std::lock_guard lock(mutex_);
    TRY(statements_.run(kEndSweep, {to_value(at), report, id}));
    if (database_->rows_changed() == 0)
      return Error(ErrorKind::NotFound, "'{}' has no sweep {} any more", database_->path(), id);
    return {};
  }

  Result<std::vector<SweepRecord>> sweeps(std::size_t last) override {
    const std::lock_guard lock(mutex_);
    std::vector<SweepRecord> all;
    TRY(statements_.query(kSweeps, {static_cast<std::int64_t>(last)},
                          [&all](const SqlRow& row) { all.push_back(sweep_of(row)); }));
    return all;
  }

  Result<> trim_sweeps(std::size_t keep) override {
    const std::lock_guard lock(mutex_);
    return statements_.run(kTrimSweeps, {static_cast<std::int64_t>(keep)});
  }

 private:
  Result<> record_one(const Delivery& delivery) {
    return statements_.run(
        kRecordDelivery,
        {delivery.key.order, delivery.key.source, delivery.key.destination, delivery.source_id, delivery.destination_id,
         delivery.confirmed_state, to_value(delivery.confirmed_at), delivery.last_push,
         to_value(delivery.source_seen_at), to_value(delivery.behind_since), to_value(delivery.missing_since),
         std::int64_t{delivery.failures}, delivery.outcome, delivery.error});
  }

  std::mutex mutex_;  // of both below: one connection, one caller at a time
  const std::unique_ptr<Database> database_;
  PreparedStatements statements_;
};

}  // namespace

Result<std::unique_ptr<Catalogue>> Catalogue::open(const std::string& path) {
  std::unique_ptr<Database> database = TRY(open_catalogue_file(path));
  return std::make_unique<SqliteCatalogue>(std::move(database));
}

Result<std::unique_ptr<Catalogue>> Catalogue::open_in_memory() {
  std::unique_ptr<Database> database = TRY(open_catalogue_in_memory());
  return std::make_unique<SqliteCatalogue>(std::move(database));
}

}  // namespace packferry
