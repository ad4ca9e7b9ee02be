// How much is tried, and what came of it: the options of the program, and the count that it ends with.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace packferry::testing {

struct Campaign {
  bool full = false;       // every byte, every run; else a sample
  double seconds = 40;     // of the short form, over all tests; what does not go by time is small
  std::uint64_t seed = 1;  // of all that is random
  std::string only;        // one run, in the words that a failure gave to reproduce it
};
Campaign& campaign();

// The runs of one test: counts them, tells their violations, ends the test when there are too many or time is up.
class Runs {
 public:
  // `of`: how many there are in all. `share` of the short form's time goes to this test.
  Runs(std::string name, std::uint64_t of, double share);
  ~Runs();
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;

  // Is there another one to do? A few are, however short the time.
  bool go_on() const;
  // With --only: is it this one? Others are passed over.
  bool is_wanted(const std::string& words);
  // One is done. `words` are for --only; did the fault happen? What a git says of its progress is not always as long,
  // so that some bytes near the end may not come; more than a tenth of them means that nothing was tested.
  void note(const std::string& words, bool happened, const std::vector<std::string>& violations);

 private:
  const std::string name_;
  const std::uint64_t of_;
  const std::chrono::steady_clock::time_point end_;
  std::uint64_t done_ = 0;
  std::uint64_t missed_ = 0;
  std::uint64_t passed_over_ = 0;
  std::uint64_t broken_ = 0;
};

// Every number below `total` once, in an order of which any beginning is spread evenly over all of them.
class Spread {
 public:
  Spread(std::uint64_t total, std::uint64_t seed);
  std::uint64_t at(std::uint64_t index) const;

 private:
  std::uint64_t total_;
  std::uint64_t first_;
  std::uint64_t step_;
};

// The seed, and the name of the test: a test alone draws what it draws among the others.
std::mt19937_64 random_for_this_test();
std::uint64_t draw(std::mt19937_64& random, std::uint64_t below);

// A place in something whose length is not always quite the same: so many millionths of it.
struct Place {
  std::uint64_t millionths;
  std::uint64_t of(std::uint64_t total) const { return total * millionths / 1'000'000; }
};
Place draw_place(std::mt19937_64& random);

}  // namespace packferry::testing
