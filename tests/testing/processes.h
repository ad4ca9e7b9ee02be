// Which programs are running on behalf of a sandbox: all whose HOME it is, however deep below us they were started.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "testing/git_sandbox.h"

namespace packferry::testing {

struct RunningProcess {
  pid_t pid;
  std::string command_line;
};

std::vector<RunningProcess> running_in(const GitSandbox& git);
// Until none is left, or ten seconds are over; those that are then still there.
std::vector<RunningProcess> wait_for_all_to_end(const GitSandbox& git);

}  // namespace packferry::testing
