#include "hosts/forge_double.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/check.h"
#include "testing/must.h"

namespace packferry::testing {
namespace {

class Doubles final : public ::testing::Environment {
 public:
  void TearDown() override { started.clear(); }
  std::map<std::string, std::unique_ptr<ForgeDouble>> started;
};

Doubles* const g_doubles = dynamic_cast<Doubles*>(::testing::AddGlobalTestEnvironment(new Doubles));

}  // namespace

ForgeDouble::ForgeDouble(const std::string& kind) {
  const char* path = std::getenv("PATH");
  ProcessOptions options{.argv = {PACKFERRY_PYTHON, PACKFERRY_FORGE_DOUBLE, kind, repositories()},
                         .environment = {std::string("PATH=") + (path == nullptr ? "/usr/bin:/bin" : path),
                                         "HOME=" + directory_.path().string(), "PYTHONDONTWRITEBYTECODE=1"},
                         .directory = {},
                         .inherit_stderr = true};
  process_ = must(Process::start(std::move(options), Patience{}, {}));
  url_ = line();
}

Url ForgeDouble::web() const { return must(Url::parse(url_)); }

std::string ForgeDouble::order(std::string json) {
  std::replace(json.begin(), json.end(), '\n', ' ');
  must(process_->channel().write(as_bytes(json + "\n")));
  return line();
}

std::string ForgeDouble::line() {
  std::size_t end = 0;
  while ((end = heard_.find('\n')) == std::string::npos) {
    std::vector<std::byte> block(kBlockBytes);
    const std::size_t count = must(process_->channel().read(block));
    CHECK(count > 0 && "the double has gone");
    heard_ += as_text(std::span(block).first(count));
  }
  const std::string line = heard_.substr(0, end);
  heard_.erase(0, end + 1);
  return line;
}

ForgeDouble& forge_double(const std::string& kind) {
  std::unique_ptr<ForgeDouble>& found = g_doubles->started[kind];
  if (found == nullptr) found = std::make_unique<ForgeDouble>(kind);
  return *found;
}

}  // namespace packferry::testing
