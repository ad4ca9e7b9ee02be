#include "service/alarm_trial.h"

#include <fmt/format.h>

#include "base/printable.h"

namespace packferry {
namespace {

Result<std::string> tell(const AlarmSettings& settings, const AlarmWorld& world, const Notice& notice,
                         std::stop_token stop) {
  const std::unique_ptr<AlarmChannel> channel = TRY(open_alarm_channel(settings, world));
  TRY(channel->say(notice, std::move(stop)));
  return channel->name();
}

Result<std::string> beat_once(const ServeSettings& settings, const AlarmWorld& world, std::stop_token stop) {
  const std::optional<Url> address = TRY(heartbeat_address(settings, world.ends));
  TRY(beat(world.http, *address, std::move(stop)));
  return "heartbeat " + address->origin();
}

AlarmTrial trial_of(std::string_view kind, const Result<std::string>& told) {
  if (told) return {.listener = *told, .heard = {}};
  return {.listener = std::string(kind), .heard = told.error()};
}

}  // namespace

Notice trial_notice(std::string_view who, Clock::WallTime now) {
  std::string remedy = "nothing is to be done";
  if (!who.empty()) remedy += fmt::format("; it was tried by {}", printable(who, 200));
  return {.kind = Notice::Kind::Raised,
          .alarm = {.trouble = {.subject = "service",
                                .kind = "trial",
                                .severity = Severity::Warning,
                                .summary = "this is a trial of the alarms; nothing is wrong",
                                .remedy = std::move(remedy)},
                    .since = now,
                    .raised_at = now,
                    .said_at = now}};
}

std::vector<AlarmTrial> try_alarms(const ServeSettings& settings, const AlarmWorld& world, std::string_view who,
                                   std::stop_token stop) {
  const Notice notice = trial_notice(who, world.clock.now());
  std::vector<AlarmTrial> trials;
  for (const AlarmSettings& alarm : settings.alarms)
    trials.push_back(trial_of(to_string(alarm.kind), tell(alarm, world, notice, stop)));
  if (settings.heartbeat) trials.push_back(trial_of("heartbeat", beat_once(settings, world, stop)));
  return trials;
}

}  // namespace packferry
