// An Output that is read back by a test.
#pragma once

#include <optional>
#include <string>

#include "cli/output.h"

namespace packferry::testing {

class MemoryOutput final : public Output {
 public:
  void write(std::string_view text) override { said += text; }
  Result<> status() const override { return error ? Result<>(Error(*error)) : Result<>(); }
  std::optional<Window> window() const override { return terminal; }

  std::string said;
  std::optional<Window> terminal;  // none: not a terminal
  std::optional<Error> error;
};

}  // namespace packferry::testing
