#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace packferry {

void check_failed(const char* sentence, const char* file, int line) {
  std::fprintf(stderr, "packferry: broken invariant, please report it: %s (%s:%d)\n", sentence, file, line);
  std::abort();
}

}  // namespace packferry
