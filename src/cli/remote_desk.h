// Replicas that a running service remembers, asked over its HTTP API; docs/api.md.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "cli/replica_desk.h"
#include "net/http_question.h"

namespace packferry {

// How a service is asked: ask_http(), or a service in memory.
using AskService = std::function<Result<HttpAnswer>(HttpRequest request, std::string_view body)>;

struct RemoteService {
  Url url;       // its origin, and perhaps a path before "/v1"
  Secret token;  // empty: none is shown
};
// Invalid: no http(s); one over which a token would go in the clear, to another machine than this.
Result<RemoteService> remote_service(std::string_view url, Secret token);

class RemoteDesk final : public ReplicaDesk {
 public:
  // Whoever waits for looks asks again after a while, by `clock`, and for so long at most.
  static constexpr Milliseconds kWaitMax{10 * 60'000};

  RemoteDesk(RemoteService service, AskService ask, bool waits_for_looks, Clock& clock, std::stop_token stop)
      : service_(std::move(service)),
        ask_(std::move(ask)),
        waits_for_looks_(waits_for_looks),
        clock_(clock),
        stop_(std::move(stop)) {}

  // Errors are those that the service tells; Unavailable, too: no look has ended within kWaitMax.
  Result<Outcome> create(const ReplicaWish& wish) override;
  Result<Outcome> get(const std::string& name) override;
  Result<Outcome> pause(const std::string& name) override;
  Result<Outcome> resume(const std::string& name) override;
  Result<Outcome> sync(const std::string& name) override;
  Result<Outcome> approve(const std::string& name, const std::string& plan) override;
  Result<> remove(const std::string& name) override;
  Result<std::vector<ReplicaView>> list(std::optional<ReplicaStatus> status) override;
  Result<std::vector<LookRecord>> history(const std::string& name) override;
  Result<std::vector<AuditEntry>> audit(const std::string& name, std::size_t count_max) override;

 private:
  Result<HttpAnswer> ask(const std::string& method, const std::string& path, const std::string& query,
                         const std::string& body);
  Result<Outcome> told(const std::string& method, const std::string& path);
  Result<Outcome> trigger(const std::string& name, const std::string& path);
  // Until a look has ended that began at `since` or later.
  Result<Outcome> wait(const std::string& name, Clock::WallTime since);

  const RemoteService service_;
  const AskService ask_;
  const bool waits_for_looks_;
  Clock& clock_;
  const std::stop_token stop_;
};

}  // namespace packferry
