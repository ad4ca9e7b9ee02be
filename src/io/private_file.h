// Files that hold secrets.
#pragma once

#include <string>

#include "base/result.h"
#include "io/fd.h"

namespace packferry {

// To read, if nobody can who is not meant to: as with ssh a file of ours may be read by us alone, and one of another
// user (root:packferry 0640; systemd's LoadCredential) by a group, too, but never by everyone. A link into a tmpfs is
// exempt: so containers mount secrets, for all inside to read. Invalid: others can read it; else as the system says.
// Whether it is a file shows when it is read.
Result<Fd> open_private_file(const std::string& path);

}  // namespace packferry
