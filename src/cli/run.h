// The whole program but for the real world: words in, text out, an exit status. app/ gives it real ends and real
// outputs, tests give it others.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "cli/ends.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "service/fleet_ends.h"
#include "service/service_ends.h"

namespace packferry {

// What an event tells a build job about the repository that it is for; empty where it is not set.
struct JobVariables {
  std::string repository;  // REPOSITORY_NAME
  std::string region;      // REPO_REGION
  std::string reference;   // REFERENCE_NAME: a branch, a tag, or a full name
};

// Secrets that cannot be read are errors of the one host that they are for.
using MakeFleetEnds = std::function<std::unique_ptr<FleetEnds>(const EndOptions& options)>;

using MakeServiceEnds = std::function<std::unique_ptr<ServiceEnds>(const EndOptions& options)>;

struct Surroundings {
  Output& out;
  Output& err;
  Log& log;  // where --verbose logs to
  Clock& clock;
  MakeEnds make_ends;
  MakeFleetEnds make_fleet_ends;
  std::string version;
  bool no_color = false;        // NO_COLOR is set: https://no-color.org
  bool plain_terminal = false;  // TERM=dumb: cannot redraw
  bool can_prompt = false;      // a person sits at the terminal
  JobVariables job = {};
  std::string who = {};        // "ada@host": whose deeds the audit log has
  std::string catalogue = {};  // where replicas are remembered when nothing else is said
  std::string server = {};     // a service that remembers them instead; empty: none
  Secret server_token = {};    // what it is shown
  // All of standard input, which is short; for the one command that reads it.
  std::function<Result<std::string>()> read_input = {};
  // Has SIGHUP do this from now on, or stop the program again when empty; for the one command that stays.
  std::function<void(std::function<void()>)> on_hangup = {};
  // Has the log leave out what is below this from now on; likewise.
  std::function<void(LogLevel)> log_from = {};
  MakeServiceEnds make_service_ends = {};
};

ExitStatus run_packferry(const std::vector<std::string>& words, const Surroundings& surroundings, std::stop_token stop);

}  // namespace packferry
