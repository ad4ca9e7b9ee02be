#include "app/service_ends.h"

#include <random>

#include "app/aws_ends.h"
#include "app/secret_reference.h"

namespace packferry {
namespace {

class RealServiceEnds final : public ServiceEnds {
 public:
  RealServiceEnds(const Environment& environment, const std::string& version, Clock& clock, EndOptions options)
      : environment_(environment),
        options_(std::move(options)),
        user_agent_("packferry/" + version),
        clock_(clock),
        http_(RealServiceEnds::http()) {}

  Result<Secret> secret(const SecretReference& reference) override { return look_up(reference, environment_); }

  HttpOptions http() const override {
    return {.user_agent = user_agent_,
            .ca_file = options_.ca_file.empty() ? environment_.ca_file : options_.ca_file,
            .patience = options_.patience};
  }

  Result<std::unique_ptr<MessageQueue>> queue(const EventQueueSettings& settings) override {
    auto place = std::make_unique<Place>(Place{.options = options_});
    place->options.source_identity = settings.identity;
    place->aws =
        std::make_unique<AwsEnds>(environment_, place->options, user_agent_, http_, clock_, std::random_device()());
    // Half of our patience, so that silence is the queue's and not the network's.
    const auto wait = std::chrono::duration_cast<std::chrono::seconds>(options_.patience.stall_ms) / 2;
    std::unique_ptr<MessageQueue> queue = TRY(place->aws->queue(settings.url, settings.region, wait));
    const std::lock_guard lock(mutex_);
    places_.push_back(std::move(place));
    return queue;
  }

  const std::vector<std::string>& child_environment() const override { return environment_.for_children; }

 private:
  struct Place {
    EndOptions options;
    std::unique_ptr<AwsEnds> aws = {};
  };

  const Environment& environment_;
  const EndOptions options_;
  const std::string user_agent_;
  Clock& clock_;
  HttpClient http_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Place>> places_;
};

}  // namespace

MakeServiceEnds make_real_service_ends(const Environment& environment, std::string version, Clock& clock) {
  return [&environment, &clock, version = std::move(version)](const EndOptions& options) {
    return std::make_unique<RealServiceEnds>(environment, version, clock, options);
  };
}

}  // namespace packferry
