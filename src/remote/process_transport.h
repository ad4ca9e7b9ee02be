// Carriers with two ends and no more: a child on a pipe (ssh, or the local git for paths) and a TCP socket (git://).
#pragma once

#include <string>
#include <vector>

#include "io/pace.h"
#include "net/url.h"
#include "remote/transport.h"

namespace packferry {

struct SshOptions {
  // GIT_SSH_COMMAND as git takes it: a shell snippet. Empty: `program`, without any shell.
  std::string command;
  std::string program = "ssh";  // GIT_SSH
  bool may_prompt = false;      // false: BatchMode
};

// `environment` is what the child gets, complete. The remote command is quoted for the remote shell in one place.
std::unique_ptr<Transport> make_ssh_transport(Url url, SshOptions ssh, std::vector<std::string> environment,
                                              Patience patience);
// A local repository, through `git upload-pack` and `git receive-pack`.
std::unique_ptr<Transport> make_local_transport(Url url, std::vector<std::string> environment, Patience patience);
// git://, reading only: ReceivePack is Unsupported.
std::unique_ptr<Transport> make_tcp_transport(Url url, Patience patience);

}  // namespace packferry
