#include "faults/campaign.h"

#include <fmt/format.h>

#include <numeric>

#include "base/check.h"

namespace packferry::testing {
namespace {

constexpr std::uint64_t kRunsMin = 5;
constexpr std::uint64_t kViolationsMax = 20;

std::string test_name() {
  const ::testing::TestInfo* info = ::testing::UnitTest::GetInstance()->current_test_info();
  return fmt::format("{}.{}", info->test_suite_name(), info->name());
}

}  // namespace

Campaign& campaign() {
  static Campaign options;
  return options;
}

Runs::Runs(std::string name, std::uint64_t of, double share)
    : name_(std::move(name)),
      of_(of),
      end_(std::chrono::steady_clock::now() +
           std::chrono::milliseconds(static_cast<long>(1000 * share * campaign().seconds))) {}

Runs::~Runs() {
  fmt::print("{}: {} of {} runs, {} without the fault, {} violations\n", name_, done_, of_, missed_, broken_);
  std::fflush(stdout);
  if (missed_ > 1 && missed_ > done_ / 10) ADD_FAILURE() << name_ << ": the faults did not happen";
}

bool Runs::go_on() const {
  if (!campaign().only.empty()) return done_ == 0 && passed_over_ < of_;
  if (done_ == of_ || broken_ >= kViolationsMax) return false;
  return campaign().full || done_ < kRunsMin || std::chrono::steady_clock::now() < end_;
}

bool Runs::is_wanted(const std::string& words) {
  const bool wanted = campaign().only.empty() || campaign().only == words;
  if (!wanted) ++passed_over_;
  return wanted;
}

void Runs::note(const std::string& words, bool happened, const std::vector<std::string>& violations) {
  ++done_;
  if (!happened) ++missed_;
  if (violations.empty()) return;
  ++broken_;
  std::string all;
  for (const std::string& violation : violations) all += "  " + violation + "\n";
  ADD_FAILURE() << name_ << ", " << words << ":\n"
                << all << "reproduce: scripts/faults --gtest_filter='" << test_name() << "' --seed " << campaign().seed
                << " --only '" << words << "'";
}

Spread::Spread(std::uint64_t total, std::uint64_t seed) : total_(total), first_(seed % total) {
  CHECK(total > 0);
  step_ = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(0.6180339887498949 * static_cast<double>(total)));
  while (std::gcd(step_, total_) != 1) ++step_;
}

std::uint64_t Spread::at(std::uint64_t index) const { return (first_ + index * step_) % total_; }

std::mt19937_64 random_for_this_test() {
  return std::mt19937_64(campaign().seed ^ std::hash<std::string>()(test_name()));
}

std::uint64_t draw(std::mt19937_64& random, std::uint64_t below) { return random() % below; }

Place draw_place(std::mt19937_64& random) { return {draw(random, 1'000'000)}; }

}  // namespace packferry::testing
