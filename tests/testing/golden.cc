#include "testing/golden.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "io/file.h"
#include "testing/must.h"

namespace packferry::testing {

void expect_golden(std::string_view text, const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(PACKFERRY_GOLDEN_DIR) / name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    const std::unique_ptr<Writer> writer = must(create_file(path, {.mode = 0644}));
    must(writer->write(as_bytes(text)));
    must(writer->finish());
    return;
  }
  Result<std::unique_ptr<Reader>> reader = open_file(path);
  if (!reader) {
    ADD_FAILURE() << path << " does not exist; UPDATE_GOLDEN=1 writes it:\n" << text;
    return;
  }
  const std::vector<std::byte> bytes = must(read_all(**reader, 10'000'000));
  EXPECT_EQ(text, as_text(bytes)) << name << "; UPDATE_GOLDEN=1 rewrites it";
}

}  // namespace packferry::testing
