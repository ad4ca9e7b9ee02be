// The service's HTTP API: requests to verbs, for whoever may. docs/api.md for people, docs/formats/openapi.json for
// programs; api/routes has the outline.
//
// A request passes in this order: where does it go, who asks, not too often, may they, is it well-formed, was it made
// before; only then is anything done. What is not a token's is answered as what is not there.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/access.h"
#include "api/rate_limit.h"
#include "api/routes.h"
#include "api/source_places.h"
#include "base/log.h"
#include "catalogue/tokens.h"
#include "net/http_server.h"
#include "net/json_web_token.h"
#include "service/replica.h"
#include "service/replica_operations.h"
#include "service/webhook.h"

namespace packferry {

struct WebhookSource {
  WebhookKind kind = WebhookKind::Generic;
  std::vector<Secret> secrets;
};

// What jobs may do: say that a replica is to be looked at now, and nothing else.
struct JobRights {
  std::string project;                // a glob of project_path: "team/*"
  std::vector<std::string> replicas;  // globs; none: no replica
  bool protected_refs_only = true;
};

// A GitLab whose jobs show an id_token instead of one of our tokens.
struct JobIssuer {
  std::shared_ptr<TokenVerifier> verifier;
  std::vector<JobRights> rights;  // a job has all of those that fit it
};

struct ServiceReadiness {
  bool is_ready = false;
  std::string why;  // not; anybody may read it
};

// What can be changed while requests are answered.
struct ReplicaApiOptions {
  std::map<std::string, WebhookSource, std::less<>> webhooks = {};  // by the name in their path
  std::vector<JobIssuer> job_issuers = {};
  // May these ends and this role be used over the API? Whoever asks is not who runs the service: addresses of its own
  // network and its files are nothing for them. Without it nothing is created.
  std::function<Result<>(const ReplicaWish&)> admit = {};
  // What only the hosts know of the ends: account, region. Without it nothing is asked.
  std::function<Result<ReplicaWish>(ReplicaWish, std::stop_token)> complete = {};
};

// What the service around it has to say, and wants to hear. Called on several threads at once.
struct ReplicaApiSurroundings {
  std::function<void()> nudge;                   // a look waits that did not before
  std::function<Result<std::string>()> metrics;  // for Prometheus, as text
  std::function<ServiceReadiness()> readiness;
};

struct ReplicaApiLimits {
  RateLimits requests = {};                             // of each token, or project of jobs
  RateLimits failures{.per_second = 0.2, .burst = 20};  // of each address: tokens and signatures that are wrong
  Milliseconds replay_window{10 * 60'000};              // copies of a webhook within it are no work
  std::size_t replays_max = 50'000;
  // Creating asks a host, which may be slow; the threads that answer are few.
  unsigned creating_max = 2;
};

class ReplicaApi final : public HttpHandler {
 public:
  // All of it outlives this.
  ReplicaApi(Replicas& replicas, Tokens& tokens, ReplicaOperations& operations, ReplicaApiOptions options,
             ReplicaApiSurroundings around, const ReplicaApiLimits& limits, const Clock& clock, Log& log);

  HttpReply handle(const ReceivedRequest& request, std::stop_token stop) override;

  // From the next request on. What limits count and which webhooks were there already stays.
  void change(ReplicaApiOptions options);

 private:
  // Who asks: a token's grant, or what a job may do.
  struct Caller {
    Grant grant;
    std::string name;  // for the audit log
  };
  // All that a verb is told.
  struct Asked {
    const RoutedRequest& routed;
    const ReceivedRequest& request;
    const Caller& caller;
    const ReplicaApiOptions& options;
    PageWanted page;
    std::stop_token stop;

    const std::string& parameter(std::string_view name) const { return routed.parameters.find(name)->second; }
    bool may(Action action, std::string_view replica) const { return packferry::may(caller.grant, action, replica); }
  };
  using Verb = Result<HttpReply> (ReplicaApi::*)(const Asked&);
  static Verb verb_of(std::string_view operation);

  std::shared_ptr<const ReplicaApiOptions> options() const;

  // The way of a request.
  HttpReply answer(const RoutedRequest& routed, const ReceivedRequest& request, std::stop_token stop);
  HttpReply answer_open(const RoutedRequest& routed, const ReceivedRequest& request, const ReplicaApiOptions& options);
  Result<Caller> caller_of(const RoutedRequest& routed, const ReceivedRequest& request,
                           const ReplicaApiOptions& options, std::stop_token stop);
  Result<Caller> job_of(std::string_view token, const std::vector<JobIssuer>& issuers, std::stop_token stop);
  static Result<Caller> rights_of(const TokenClaims& claims, const std::vector<JobRights>& rights);
  HttpReply once(const Asked& asked);
  HttpReply act(const Asked& asked);
  HttpReply failed(const Error& error, const ReceivedRequest& request);
  // Somebody has shown what is not good here. Whoever does so too often is told to wait.
  HttpReply refuse(HttpReply reply, const Error& why, const ReceivedRequest& request);

  // Verbs, by the name of their operation.
  Result<HttpReply> list_replicas(const Asked& asked);
  Result<HttpReply> create_replica(const Asked& asked);
  Result<HttpReply> get_replica(const Asked& asked);
  Result<HttpReply> delete_replica(const Asked& asked);
  Result<HttpReply> pause_replica(const Asked& asked);
  Result<HttpReply> resume_replica(const Asked& asked);
  Result<HttpReply> sync_replica(const Asked& asked);
  Result<HttpReply> get_history(const Asked& asked);
  Result<HttpReply> get_audit(const Asked& asked);  // of a replica, or of everything
  Result<HttpReply> get_held_plan(const Asked& asked);
  Result<HttpReply> approve_plan(const Asked& asked);
  Result<HttpReply> list_tokens(const Asked& asked);
  Result<HttpReply> create_token(const Asked& asked);
  Result<HttpReply> revoke_token(const Asked& asked);
  Result<HttpReply> get_metrics(const Asked& asked);
  HttpReply receive_webhook(const RoutedRequest& routed, const ReceivedRequest& request,
                            const ReplicaApiOptions& options);
  HttpReply readiness() const;

  // What verbs share.
  Result<ReplicaRecord> find(const std::string& name);
  Result<std::vector<ReplicaRecord>> visible(const Asked& asked, std::optional<ReplicaStatus> status);
  ReplicaView view_for(const Asked& asked, const ReplicaRecord& replica) const;
  Result<HttpReply> reply_with(const Asked& asked, int status, const std::string& name);
  Result<HttpReply> reply_triggered(const Asked& asked, Clock::WallTime at);
  Result<std::size_t> trigger(const Webhook& webhook);

  Replicas& replicas_;
  Tokens& tokens_;
  ReplicaOperations& operations_;
  const ReplicaApiSurroundings around_;
  const Clock& clock_;
  Log& log_;
  RateLimit requests_;
  RateLimit failures_;
  ReplayGuard replays_;
  SourcePlaces places_;
  const int creating_max_;
  std::atomic<int> creating_ = 0;

  mutable std::mutex mutex_;
  std::shared_ptr<const ReplicaApiOptions> options_;
};

// The OpenAPI document, as it is served.
std::string_view openapi_document();

}  // namespace packferry
