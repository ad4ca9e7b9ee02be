#include "remote/process_transport.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/printable.h"
#include "git/pktline.h"
#include "io/channel.h"
#include "io/fd.h"
#include "io/process.h"
#include "remote/greeting.h"

namespace packferry {
namespace {

// What a peer may still say after we have said goodbye.
constexpr std::size_t kGoodbyeBytesMax = 1024 * 1024;
// Of a child's last words, in a message.
constexpr std::size_t kWordsBytesMax = 600;

// ---- One stream of two directions as a Connection -----------------------------------------------------------------

class PipeConnection;

class PipeExchange final : public Exchange {
 public:
  explicit PipeExchange(PipeConnection& connection) : connection_(connection) {}
  ~PipeExchange() override;
  Result<> write(std::span<const std::byte> bytes) override;
  Result<> end_request() override;
  Result<std::size_t> read(std::span<std::byte> into) override;
  void end_response() override;

 private:
  PipeConnection& connection_;
  bool request_ended_ = false;
};

class PipeConnection : public Connection {
 public:
  PipeConnection(Service service, Patience patience, std::unique_ptr<Channel> channel)
      : PipeConnection(service, patience, std::move(channel), nullptr) {}
  PipeConnection(Service service, Patience patience, std::unique_ptr<Process> process)
      : PipeConnection(service, patience, nullptr, std::move(process)) {}

  // A server that waits for a request leaves without complaint when it gets a flush instead.
  ~PipeConnection() override {
    if (state_ != State::Idle) return;
    channel().hurry(patience_.goodbye_ms);
    (void)channel().write(as_bytes("0000")).has_value();
  }

  Reader& greeting() override { return greeting_; }

  Result<std::unique_ptr<Exchange>> exchange() override {
    CHECK(is_reusable());
    state_ = State::Busy;
    return std::make_unique<PipeExchange>(*this);
  }

  bool is_reusable() const override { return state_ == State::Idle; }

  Error explain(Error early) override {
    if (!process_ || early.kind() != ErrorKind::Unavailable) return early;
    return explain_exit(std::move(early));
  }

 private:
  friend class PipeExchange;
  enum class State {
    Idle,  // at the start of a request
    Busy,
    Spent  // hung up, or nothing more is taken
  };

  PipeConnection(Service service, Patience patience, std::unique_ptr<Channel> channel, std::unique_ptr<Process> process)
      : service_(service),
        patience_(patience),
        channel_(std::move(channel)),
        process_(std::move(process)),
        greeting_(this->channel()) {}

  Channel& channel() { return process_ ? process_->channel() : *channel_; }
  Error explain_exit(Error early);

  const Service service_;
  const Patience patience_;
  const std::unique_ptr<Channel> channel_;
  const std::unique_ptr<Process> process_;
  Greeting greeting_;
  State state_ = State::Idle;
};

PipeExchange::~PipeExchange() {
  if (connection_.state_ != PipeConnection::State::Busy) return;
  connection_.state_ = PipeConnection::State::Spent;
  if (request_ended_) return;
  // A request that is too short is seen, judged and tidied up by the other side; we wait a moment for that.
  Channel& channel = connection_.channel();
  channel.hurry(connection_.patience_.goodbye_ms);
  channel.close_write();
  std::array<std::byte, 4096> ignored;
  for (std::size_t total = 0; total < kGoodbyeBytesMax;) {
    const Result<std::size_t> count = channel.read(ignored);
    if (!count || *count == 0) return;
    total += *count;
  }
}

Result<> PipeExchange::write(std::span<const std::byte> bytes) { return connection_.channel().write(bytes); }

Result<> PipeExchange::end_request() {
  request_ended_ = true;
  // A pack has its own end; that nothing follows it is said all the same. Fetches may go on.
  if (connection_.service_ == Service::ReceivePack) connection_.channel().close_write();
  return {};
}

Result<std::size_t> PipeExchange::read(std::span<std::byte> into) { return connection_.channel().read(into); }

void PipeExchange::end_response() {
  const bool takes_more = connection_.greeting_.speaks_version_2();
  connection_.state_ = takes_more ? PipeConnection::State::Idle : PipeConnection::State::Spent;
}

// ---- What the last words of a child mean --------------------------------------------------------------------------

struct KnownWords {
  std::string_view words;
  ErrorKind kind;
  std::string_view remedy;
};

constexpr KnownWords kKnownWords[] = {
    {"Host key verification failed", ErrorKind::Denied,
     "connect once with ssh and compare its key, or add the key to known_hosts"},
    {"REMOTE HOST IDENTIFICATION HAS CHANGED", ErrorKind::Denied,
     "make sure that it is the right host before you replace its key in known_hosts"},
    {"Permission denied (", ErrorKind::Denied, "give ssh a key that the host knows (ssh-agent, ~/.ssh/config)"},
    {"Too many authentication failures", ErrorKind::Denied, "name the one key to use in ~/.ssh/config"},
    {"does not appear to be a git repository", ErrorKind::NotFound, "check the path"},
    {"epository not found", ErrorKind::NotFound, "check the path, and that you may read there"},
    {"could not be found", ErrorKind::NotFound, "check the path, and that you may read there"},
    {"no such repository", ErrorKind::NotFound, "check the path, and that you may read there"},
    {"detected dubious ownership", ErrorKind::Denied,
     "the repository belongs to someone else: see git's safe.directory"},
    {"ccess denied", ErrorKind::Denied, "ask for access to the repository"},
    {"read-only", ErrorKind::Denied, "this key may read; pushing needs one that may write"},
    {"Permission to ", ErrorKind::Denied, "ask for access to the repository"},
    {"Permission denied", ErrorKind::Denied, "ask for access to the repository"},
    {"command not found", ErrorKind::Invalid, "git has to be installed there, in the PATH of that user"},
};

// The lines of a program's standard error in one: ssh says the important one last, after a warning in capitals.
std::string in_one_line(std::string_view text) {
  std::string joined;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    if (end > 0) joined += (joined.empty() ? "" : "; ") + std::string(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return printable(joined, kWordsBytesMax);
}

Error PipeConnection::explain_exit(Error early) {
  // It has closed its end and is about to go, or has stalled and waits for us: either way this is a goodbye.
  const Result<ProcessExit> exit = process_->wait(patience_.goodbye_ms);
  state_ = State::Spent;
  const std::string last_words = process_->stderr_text();
  const std::string status = exit && exit->code != 0 ? fmt::format(" (exit status {})", exit->code) : "";
  for (const KnownWords& known : kKnownWords) {
    if (last_words.find(known.words) != std::string::npos)
      return Error(known.kind, "'{}'; {}", in_one_line(last_words), known.remedy);
  }
  const std::string said = last_words.empty() ? "" : fmt::format(": '{}'", in_one_line(last_words));
  return Error(ErrorKind::Unavailable, "{}{}{}", early.message(), said, status);
}

// ---- ssh and local ------------------------------------------------------------------------------------------------

// The child's environment with the protocol we ask for, and no other.
std::vector<std::string> with_protocol(std::vector<std::string> environment, Service service, int protocol) {
  std::erase_if(environment, [](const std::string& entry) { return entry.starts_with("GIT_PROTOCOL="); });
  if (service == Service::UploadPack && protocol == 2) environment.push_back("GIT_PROTOCOL=version=2");
  return environment;
}

// As git quotes for a remote shell (quote.c): in single quotes, those and '!' outside of them behind a backslash.
std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '!') {
      quoted += "'\\";
      quoted += c;
      quoted += '\'';
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

// "/~ada/x" in a URL means "~ada/x", as in git.
std::string_view remote_path(const Url& url) {
  const std::string_view path = url.path();
  return path.starts_with("/~") ? path.substr(1) : path;
}

class SshTransport final : public Transport {
 public:
  SshTransport(Url url, SshOptions ssh, std::vector<std::string> environment, Patience patience)
      : url_(std::move(url)), ssh_(std::move(ssh)), environment_(std::move(environment)), patience_(patience) {}

  Result<std::unique_ptr<Connection>> connect(Service service, int protocol, std::stop_token stop) override {
    ProcessOptions options;
    options.argv = arguments(service);
    options.environment = with_protocol(environment_, service, protocol);
    options.show_stderr = ssh_.may_prompt;
    auto process = TRY(Process::start(std::move(options), patience_, stop));
    return std::make_unique<PipeConnection>(service, patience_, std::move(process));
  }

  std::string name() const override { return url_.text(); }

 private:
  std::vector<std::string> arguments(Service service) const {
    std::vector<std::string> words;
    // A command is a shell snippet, as git takes it; what we add reaches it as arguments.
    if (!ssh_.command.empty()) words = {"/bin/sh", "-c", ssh_.command + " \"$@\""};
    words.push_back(ssh_.command.empty() ? ssh_.program : ssh_.command);
    if (!ssh_.may_prompt) words.insert(words.end(), {"-o", "BatchMode=yes"});
    words.insert(words.end(), {"-o", "SendEnv=GIT_PROTOCOL"});
    if (url_.has_explicit_port()) words.insert(words.end(), {"-p", std::to_string(url_.port())});
    words.push_back("--");
    words.push_back(url_.user().empty() ? url_.host() : url_.user() + "@" + url_.host());
    words.push_back(fmt::format("{} {}", to_string(service), shell_quoted(remote_path(url_))));
    return words;
  }

  const Url url_;
  const SshOptions ssh_;
  const std::vector<std::string> environment_;
  const Patience patience_;
};

class LocalTransport final : public Transport {
 public:
  LocalTransport(Url url, std::vector<std::string> environment, Patience patience)
      : url_(std::move(url)), environment_(std::move(environment)), patience_(patience) {}

  Result<std::unique_ptr<Connection>> connect(Service service, int protocol, std::stop_token stop) override {
    std::error_code failure;
    // Absolute, so that no path can be taken for an option.
    const std::filesystem::path path = std::filesystem::absolute(url_.path(), failure);
    if (failure) return Error(ErrorKind::Invalid, "path '{}': {}", printable(url_.path()), failure.message());
    if (!std::filesystem::exists(path, failure))
      return Error(ErrorKind::NotFound, "there is no '{}'", printable(path.string()));

    ProcessOptions options;
    if (service == Service::UploadPack) {
      // A repository of our own machine answers questions about its history exactly.
      options.argv = {
          "git",         "-c",         "uploadpack.allowFilter=true", "-c", "uploadpack.allowAnySHA1InWant=true",
          "upload-pack", path.string()};
    } else {
      options.argv = {"git", "receive-pack", path.string()};
    }
    options.environment = with_protocol(environment_, service, protocol);
    auto process = TRY(Process::start(std::move(options), patience_, stop));
    return std::make_unique<PipeConnection>(service, patience_, std::move(process));
  }

  std::string name() const override { return url_.text(); }

 private:
  const Url url_;
  const std::vector<std::string> environment_;
  const Patience patience_;
};

// ---- git:// -------------------------------------------------------------------------------------------------------

Result<Fd> connect_to(const addrinfo& address, Milliseconds patience, std::stop_token stop) {
  const auto failed = [](int number) { return Error(ErrorKind::Unavailable, "{}", std::strerror(number)); };
  Fd socket(::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
  if (!socket) return failed(errno);
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return socket;
  if (errno != EINPROGRESS) return failed(errno);
  TRY(wait_ready(-1, socket.get(), patience, stop));
  int code = 0;
  socklen_t size = sizeof code;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
  if (code != 0) return failed(code);
  return socket;
}

Result<Fd> connect_to(const Url& url, Milliseconds patience, std::stop_token stop) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(url.host().c_str(), std::to_string(url.port()).c_str(), &hints, &found);
  if (code != 0) return Error(ErrorKind::Unavailable, "look up '{}': {}", url.host(), ::gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  std::optional<Error> last;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    Result<Fd> socket = connect_to(*address, patience, stop);
    if (socket || socket.error().kind() == ErrorKind::Cancelled) return socket;
    last = std::move(socket).error();
  }
  if (!last) return Error(ErrorKind::Unavailable, "'{}' has no address", url.host());
  return std::move(*last).context("connect to '{}' port {}", url.host(), url.port());
}

class TcpTransport final : public Transport {
 public:
  TcpTransport(Url url, Patience patience) : url_(std::move(url)), patience_(patience) {}

  Result<std::unique_ptr<Connection>> connect(Service service, int protocol, std::stop_token stop) override {
    if (service == Service::ReceivePack)
      return Error(ErrorKind::Unsupported, "git:// is for reading: push over ssh or https instead");
    Fd socket = TRY(connect_to(url_, patience_.connect_ms, stop));
    const int fd = socket.release();
    auto channel = std::make_unique<Channel>(fd, fd, name(), patience_, stop);
    TRY(channel->write(opening(protocol).bytes()));
    return std::make_unique<PipeConnection>(service, patience_, std::move(channel));
  }

  std::string name() const override { return url_.text(); }

 private:
  // gitprotocol-pack(5), Git Transport: "git-upload-pack PATH\0host=HOST\0", extra parameters behind one more '\0'.
  PktBuffer opening(int protocol) const {
    const bool is_ipv6 = url_.host().find(':') != std::string::npos;
    std::string host = is_ipv6 ? "[" + url_.host() + "]" : url_.host();
    if (url_.has_explicit_port()) host += fmt::format(":{}", url_.port());
    std::string line = fmt::format("git-upload-pack {}", remote_path(url_));
    line += '\0';
    line += "host=" + host;
    line += '\0';
    if (protocol == 2) line += std::string_view("\0version=2\0", 11);
    PktBuffer out;
    out.line(line);
    return out;
  }

  const Url url_;
  const Patience patience_;
};

}  // namespace

std::unique_ptr<Transport> make_ssh_transport(Url url, SshOptions ssh, std::vector<std::string> environment,
                                              Patience patience) {
  CHECK(url.scheme() == Scheme::Ssh);
  return std::make_unique<SshTransport>(std::move(url), std::move(ssh), std::move(environment), patience);
}

std::unique_ptr<Transport> make_local_transport(Url url, std::vector<std::string> environment, Patience patience) {
  CHECK(url.scheme() == Scheme::File);
  return std::make_unique<LocalTransport>(std::move(url), std::move(environment), patience);
}

std::unique_ptr<Transport> make_tcp_transport(Url url, Patience patience) {
  CHECK(url.scheme() == Scheme::Git);
  return std::make_unique<TcpTransport>(std::move(url), patience);
}

}  // namespace packferry
