// A kernel that does not know a call, or fails it: for one process, and for as long as it lives. Call it in a child
// that a death test makes.
#pragma once

namespace packferry::testing {

// From here on, the system call `call` (SYS_renameat2) fails with the error `number` (EINVAL).
void refuse_call(long call, int number);

}  // namespace packferry::testing
