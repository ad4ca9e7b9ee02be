#include "testing/processes.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace packferry::testing {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::vector<RunningProcess> running_in(const GitSandbox& git) {
  const std::string home = "HOME=" + git.path("").parent_path().string() + '\0';
  std::vector<RunningProcess> running;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    // A zombie has no environment any more: it is not running.
    if (content(entry.path() / "environ").find(home) == std::string::npos) continue;
    std::string line = content(entry.path() / "cmdline");
    std::replace(line.begin(), line.end(), '\0', ' ');
    running.push_back({std::stoi(name), line});
  }
  return running;
}

std::vector<RunningProcess> wait_for_all_to_end(const GitSandbox& git) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  // One look may miss a parent that ends and its child that begins; two do not.
  for (int empty_looks = 0; true;) {
    std::vector<RunningProcess> running = running_in(git);
    if (running.empty() && ++empty_looks == 2) return {};
    if (!running.empty()) {
      empty_looks = 0;
      if (std::chrono::steady_clock::now() > deadline) return running;
      ::poll(nullptr, 0, 2);
    }
  }
}

}  // namespace packferry::testing
