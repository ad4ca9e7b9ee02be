#include "testing/temp_dir.h"

#include <cstdlib>
#include <string>

#include "base/check.h"

namespace packferry::testing {

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "packferry-test-XXXXXX").string();
  CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace packferry::testing
