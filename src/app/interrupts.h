// Ctrl-C and its like. The first one asks the work to stop, and everything that waits is told; the second one ends the
// program at once.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace packferry {

class Interrupts {
 public:
  // SIGINT, SIGTERM and SIGHUP are blocked from here on, in this thread and those it starts, and taken by a thread of
  // ours: make this before any other thread. One that is ignored (nohup) stays so.
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  void watch();

  std::stop_source source_;
  std::atomic<bool> over_ = false;
  std::thread watcher_;
};

}  // namespace packferry
