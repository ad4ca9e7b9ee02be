// Ctrl-C and its like. The first one asks the work to stop, and everything that waits is told; the second one ends the
// program at once.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
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

  // SIGHUP asks for `action` instead, on a thread of ours, until another is set; none: it stops like the others.
  // Returns when the last one is not running any more.
  void on_hangup(std::function<void()> action);

 private:
  void watch();
  bool hang_up();

  std::stop_source source_;
  std::atomic<bool> over_ = false;
  std::mutex mutex_;
  std::function<void()> hangup_;
  std::thread watcher_;
};

}  // namespace packferry
