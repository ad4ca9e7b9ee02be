// CHECK: a broken invariant stops the program where it broke, in release builds too. What the world does to us is an
// Error (base/result.h); what only a bug of ours can cause is a CHECK.
#pragma once

namespace packferry {

[[noreturn]] void check_failed(const char* sentence, const char* file, int line);

// An expression, so that it can stand before a comma: `return CHECK(ok), value;`.
#define CHECK(sentence) ((sentence) ? static_cast<void>(0) : ::packferry::check_failed(#sentence, __FILE__, __LINE__))

}  // namespace packferry
