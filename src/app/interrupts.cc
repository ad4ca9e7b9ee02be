#include "app/interrupts.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/check.h"

namespace packferry {
namespace {

constexpr int kInterrupted = 130;

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_IGN) sigaddset(&signals, signal);
  }
  // How ~Interrupts() wakes the watcher even when all the others are ignored.
  sigaddset(&signals, SIGUSR2);
  return signals;
}

}  // namespace

Interrupts::Interrupts() {
  const sigset_t signals = watched_signals();
  CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
  watcher_ = std::thread([this] { watch(); });
}

Interrupts::~Interrupts() {
  over_ = true;
  pthread_kill(watcher_.native_handle(), SIGUSR2);
  watcher_.join();
}

void Interrupts::on_hangup(std::function<void()> action) {
  const std::lock_guard lock(mutex_);
  hangup_ = std::move(action);
}

bool Interrupts::hang_up() {
  const std::lock_guard lock(mutex_);
  if (!hangup_) return false;
  hangup_();
  return true;
}

void Interrupts::watch() {
  const sigset_t signals = watched_signals();
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (over_) return;
    if (signal == SIGHUP && hang_up()) continue;
    if (source_.stop_requested()) ::_exit(kInterrupted);
    source_.request_stop();
  }
}

}  // namespace packferry
