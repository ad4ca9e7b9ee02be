// A peer that says what a test wants it to say, byte for byte, and remembers what it was told.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remote/transport.h"

namespace packferry::testing {

// One pkt-line.
inline std::string pkt(std::string_view payload) { return fmt::format("{:04x}{}", payload.size() + 4, payload); }
// One pkt-line of a side-band.
inline std::string band(int number, std::string_view payload) {
  return pkt(static_cast<char>(number) + std::string(payload));
}
inline constexpr std::string_view kFlush = "0000";
inline constexpr std::string_view kDelimiter = "0001";

// What a scripted peer does with one request.
struct ScriptedAnswer {
  std::string text;                                       // what it says, before its end
  std::optional<std::size_t> takes_bytes = std::nullopt;  // stops reading after so many: Unavailable
  std::optional<ErrorKind> breaks_with = std::nullopt;    // instead of the end of its answer
};

struct ScriptedPeer {
  std::string greeting;
  std::deque<ScriptedAnswer> answers;
  bool is_reusable = true;
  bool is_stateless = false;
  // What happened.
  int connections = 0;
  std::vector<std::string> requests;
  std::vector<bool> ended;  // was the request ended by its writer?
};

class ScriptedExchange final : public Exchange {
 public:
  ScriptedExchange(std::shared_ptr<ScriptedPeer> script, ScriptedAnswer answer)
      : script_(std::move(script)), answer_(std::move(answer)), text_(answer_.text), at_(script_->requests.size()) {
    script_->requests.emplace_back();
    script_->ended.push_back(false);
  }

  Result<> write(std::span<const std::byte> bytes) override {
    std::string& taken = script_->requests[at_];
    const std::size_t room = answer_.takes_bytes.value_or(std::string::npos) - taken.size();
    taken += as_text(bytes.first(std::min(room, bytes.size())));
    if (bytes.size() > room) return Error(ErrorKind::Unavailable, "write: Broken pipe");
    return {};
  }
  Result<> end_request() override {
    script_->ended[at_] = true;
    return {};
  }
  Result<std::size_t> read(std::span<std::byte> into) override {
    const std::size_t count = TRY(text_.read(into));
    if (count == 0 && answer_.breaks_with) return Error(*answer_.breaks_with, "the script broke");
    return count;
  }

 private:
  const std::shared_ptr<ScriptedPeer> script_;
  const ScriptedAnswer answer_;
  MemoryReader text_;
  const std::size_t at_;
};

class ScriptedConnection final : public Connection {
 public:
  explicit ScriptedConnection(std::shared_ptr<ScriptedPeer> script)
      : script_(std::move(script)), greeting_(std::string_view(script_->greeting)) {}
  Reader& greeting() override { return greeting_; }
  Result<std::unique_ptr<Exchange>> exchange() override {
    CHECK(!script_->answers.empty());
    auto exchange = std::make_unique<ScriptedExchange>(script_, script_->answers.front());
    script_->answers.pop_front();
    return exchange;
  }
  bool is_reusable() const override { return script_->is_reusable; }
  bool is_stateless() const override { return script_->is_stateless; }
  Error explain(Error early) override { return early; }

 private:
  const std::shared_ptr<ScriptedPeer> script_;
  MemoryReader greeting_;
};

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(std::shared_ptr<ScriptedPeer> script) : script_(std::move(script)) {}
  Result<std::unique_ptr<Connection>> connect(Service, int, std::stop_token) override {
    ++script_->connections;
    return std::make_unique<ScriptedConnection>(script_);
  }
  std::string name() const override { return "script"; }

 private:
  const std::shared_ptr<ScriptedPeer> script_;
};

}  // namespace packferry::testing
