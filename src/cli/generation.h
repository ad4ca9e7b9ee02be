// One reading of a service's configuration, at work. After a SIGHUP the next one begins, and this one brings to an end
// what it has begun: leases keep the two from looking at the same replica.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "api/replica_api.h"
#include "catalogue/catalogue.h"
#include "cli/run.h"
#include "cli/served_ends.h"
#include "config/config_file.h"
#include "service/dispatcher.h"
#include "service/event_listener.h"
#include "service/lookout.h"
#include "service/metrics.h"

namespace packferry {

// What all generations of one service share. All of it outlives them.
struct ServiceState {
  const Surroundings& around;
  const EndOptions& ends;
  std::string configuration;  // the file
  Replicas& replicas;
  Catalogue& catalogue;
  Tokens& tokens;
  AlarmRecords& alarms;
  ServiceMetrics& metrics;
  bool has_workers = true;
  bool has_lookout = true;
  std::atomic<bool> is_stopping = false;
};

class Generation {
 public:
  // Nothing runs yet. Invalid: a secret that is not there, or that is none.
  static Result<std::shared_ptr<Generation>> make(const ServiceState& state, Fleet fleet, ServeSettings settings);
  // Waits for what is at work.
  ~Generation();

  const ServeSettings& settings() const { return settings_; }
  HttpHandler& api() { return *api_; }

  // Once.
  void begin();
  // Nothing begins any more. When it returns, nobody is told of alarms any more either: the next one's lookout may
  // begin.
  void retire();
  // And what is at work goes back to the queue.
  void stop() { stopped_.request_stop(); }
  bool is_over() const { return at_work_ == 0; }

 private:
  class Watcher;
  Generation(const ServiceState& state, Fleet fleet, ServeSettings settings);

  Result<> equip();
  Result<ReplicaApiOptions> api_options();
  Result<LookoutOptions> lookout_options();

  Result<std::size_t> trigger(const CodeCommitEvent& event);
  Result<MetricsInput> metrics_input();
  ServiceReadiness readiness();

  void work(const std::function<void()>& task);
  void sweep_by_schedule(std::stop_token stop);
  void sweep(std::stop_token stop);
  void print_metrics(std::stop_token stop);

  const ServiceState& state_;
  Clock& clock_;
  Log& log_;
  const Fleet fleet_;
  const ServeSettings settings_;
  const std::unique_ptr<FleetEnds> fleet_ends_;
  const std::unique_ptr<ServiceEnds> service_ends_;
  HttpClient http_;
  OrderedEnds other_ends_;
  ServedEnds ends_;
  ReplicaWorker worker_;
  ReplicaOperations operations_;
  const std::unique_ptr<Watcher> watcher_;
  Dispatcher dispatcher_;
  SourcePlaces places_;
  std::vector<std::unique_ptr<JsonWebKeySource>> keys_;
  std::unique_ptr<ReplicaApi> api_;
  std::unique_ptr<Lookout> lookout_;
  std::vector<std::unique_ptr<MessageQueue>> queues_;
  std::vector<std::unique_ptr<EventListener>> listeners_;

  std::stop_source retired_;
  std::stop_source stopped_;
  std::atomic<int> at_work_ = 0;  // threads that may have something to bring to an end
  std::jthread looking_out_;
  std::vector<std::jthread> threads_;
};

}  // namespace packferry
