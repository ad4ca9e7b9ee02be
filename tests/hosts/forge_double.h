// A double of a forge (tests/servers/forges/double.py) as a child process, which takes orders.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "io/process.h"
#include "net/url.h"
#include "testing/temp_dir.h"

namespace packferry::testing {

class ForgeDouble {
 public:
  explicit ForgeDouble(const std::string& kind);

  Url web() const;
  // Where the bare repositories are that it serves: app/web.git, …
  std::filesystem::path repositories() const { return directory_ / "repositories"; }
  // JSON, as double.py has it; what it answers.
  std::string order(std::string json);

 private:
  std::string line();

  TempDir directory_;
  std::unique_ptr<Process> process_;
  std::string heard_;
  std::string url_;
};

// Started when it is first asked for, and kept for the tests that follow; all end with the program.
ForgeDouble& forge_double(const std::string& kind);

}  // namespace packferry::testing
