// One reading of a service's configuration, at work. After a SIGHUP the next one begins, and this one brings to an end
// what it has begun: leases keep the two from looking at the same replica.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "catalogue/catalogue.h"
#include "cli/run.h"
#include "cli/served_ends.h"
#include "service/cron.h"
#include "service/dispatcher.h"
#include "service/serve_settings.h"

namespace packferry {

// What all generations of one service share. All of it outlives them.
struct ServiceState {
  const Surroundings& around;
  const EndOptions& ends;
  std::string configuration;  // the file
  Replicas& replicas;
  Catalogue& catalogue;
  bool has_workers = true;
};

class Generation {
 public:
  Generation(const ServiceState& state, Fleet fleet, ServeSettings settings);
  // Waits for what is at work.
  ~Generation();

  const ServeSettings& settings() const { return settings_; }

  // Nothing begins any more.
  void retire();
  // And what is at work goes back to the queue.
  void stop();
  bool is_over() const { return is_over_; }

 private:
  class Watcher;

  void dispatch();
  void sweep_by_schedule(std::stop_token stop);
  void sweep(std::stop_token stop);

  const ServiceState& state_;
  const Fleet fleet_;
  const ServeSettings settings_;
  const std::unique_ptr<FleetEnds> fleet_ends_;
  OrderedEnds other_ends_;
  ServedEnds ends_;
  ReplicaWorker worker_;
  const std::unique_ptr<Watcher> watcher_;
  Dispatcher dispatcher_;
  std::stop_source retired_;
  std::stop_source stopped_;
  std::atomic<bool> is_over_ = false;
  std::jthread dispatching_;
  std::jthread sweeping_;
};

}  // namespace packferry
