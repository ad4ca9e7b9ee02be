#include "testing/git_http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/ascii.h"
#include "base/check.h"
#include "io/process.h"

namespace packferry::testing {
namespace {

constexpr std::size_t kHeadBytesMax = 64 * 1024;

std::string base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (at + i < text.size() ? std::uint8_t(text[at + i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) out += at + i > text.size() ? '=' : kDigits[bits >> (18 - 6 * i) & 63];
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with('\r') || text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(line);
}

std::map<std::string, std::string, std::less<>> parse_headers(std::string_view head) {
  std::map<std::string, std::string, std::less<>> headers;
  while (!head.empty()) {
    const std::string_view line = take_line(head);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) headers[to_lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
  }
  return headers;
}

}  // namespace

std::string_view GitHttpRequest::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : found->second;
}

std::string refusal(int status, std::vector<std::string> headers, std::string_view body) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " refused\r\n";
  for (const std::string& header : headers) text += header + "\r\n";
  return text + "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + std::string(body);
}

// The server's end of a connection.
class GitHttpServer::Client {
 public:
  explicit Client(int socket) : socket_(socket) {}

  std::optional<GitHttpRequest> next_request() {
    std::size_t end = 0;
    while ((end = heard_.find("\r\n\r\n")) == std::string::npos) {
      if (heard_.size() > kHeadBytesMax || !hear_more()) return std::nullopt;
    }
    std::string_view head = std::string_view(heard_).substr(0, end + 2);
    std::string_view first = take_line(head);
    GitHttpRequest request;
    request.method = first.substr(0, first.find(' '));
    first.remove_prefix(std::min(first.size(), request.method.size() + 1));
    const std::string_view target = first.substr(0, first.find(' '));
    request.path = target.substr(0, target.find('?'));
    request.query = target.substr(std::min(target.size(), request.path.size() + 1));
    request.headers = parse_headers(head);
    request.is_chunked = to_lower(request.header("transfer-encoding")) == "chunked";
    heard_.erase(0, end + 4);
    return request;
  }

  // Passes the body on as it comes; false when the client goes away in the middle of it. A taker that wants no more
  // does not end it.
  template <typename Take>
  bool take_body(const GitHttpRequest& request, Take take) {
    if (!request.is_chunked) {
      std::size_t length = 0;
      const std::string_view text = request.header("content-length");
      std::from_chars(text.data(), text.data() + text.size(), length);
      return take_bytes(length, take);
    }
    while (true) {
      std::size_t end = 0;
      while ((end = heard_.find("\r\n")) == std::string::npos) {
        if (!hear_more()) return false;
      }
      std::size_t length = 0;
      std::from_chars(heard_.data(), heard_.data() + end, length, 16);
      heard_.erase(0, end + 2);
      if (!take_bytes(length, take) || !take_bytes(2, [](std::string_view) {})) return false;
      if (length == 0) return true;
    }
  }

  bool say(std::string_view text) {
    if (record_ != nullptr) *record_ += text;
    while (!text.empty()) {
      const ssize_t count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  // What is said from here on is appended there; null: no more.
  void record(std::string* into) { record_ = into; }

  // Ends our side and lets the other finish, so that what we said is not lost in a reset.
  void linger() {
    ::shutdown(socket_, SHUT_WR);
    while (hear_more()) heard_.clear();
  }

 private:
  bool hear_more() {
    char block[64 * 1024];
    const ssize_t count = ::recv(socket_, block, sizeof block, 0);
    if (count <= 0) return false;
    heard_.append(block, static_cast<std::size_t>(count));
    return true;
  }

  template <typename Take>
  bool take_bytes(std::size_t length, Take take) {
    while (length > 0) {
      if (heard_.empty() && !hear_more()) return false;
      const std::size_t count = std::min(length, heard_.size());
      take(std::string_view(heard_).substr(0, count));
      heard_.erase(0, count);
      length -= count;
    }
    return true;
  }

  const int socket_;
  std::string heard_;
  std::string* record_ = nullptr;
};

GitHttpServer::GitHttpServer(const GitSandbox& git) : git_(git) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(listener_ >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(::listen(listener_, 64) == 0);
  CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

GitHttpServer::~GitHttpServer() {
  std::map<int, std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (auto& [number, thread] : threads) thread.join();
  ::close(listener_);
}

std::string GitHttpServer::origin() const { return "http://127.0.0.1:" + std::to_string(port_); }

void GitHttpServer::interfere(Interference interference) {
  const std::lock_guard lock(mutex_);
  interference_ = std::move(interference);
}

void GitHttpServer::drop_git_protocol() {
  const std::lock_guard lock(mutex_);
  drops_git_protocol_ = true;
}

void GitHttpServer::ask_for_credentials(std::string user, std::string password) {
  const std::lock_guard lock(mutex_);
  authorization_ = "Basic " + base64(user + ":" + password);
}

void GitHttpServer::remember_answers(std::string repository) {
  const std::lock_guard lock(mutex_);
  remembered_repository_ = "/" + std::move(repository) + "/";
}

void GitHttpServer::wait_until_quiet() const {
  std::unique_lock lock(mutex_);
  hung_up_.wait(lock, [this] { return sockets_.empty(); });
}

void GitHttpServer::forget_requests() {
  const std::lock_guard lock(mutex_);
  requests_.clear();
}

std::vector<GitHttpRequest> GitHttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t GitHttpServer::count(std::string_view method, std::string_view path_end) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), [&](const GitHttpRequest& request) {
    return request.method == method && request.path.ends_with(path_end);
  }));
}

void GitHttpServer::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    join_finished();
    const std::lock_guard lock(mutex_);
    if (closing_ || socket < 0) {
      if (socket >= 0) ::close(socket);
      return;
    }
    sockets_.push_back(socket);
    const int number = ++connections_;
    threads_[number] = std::thread([this, socket, number] {
      serve(socket);
      const std::lock_guard done(mutex_);
      finished_.push_back(number);
    });
  }
}

void GitHttpServer::join_finished() {
  std::vector<std::thread> over;
  {
    const std::lock_guard lock(mutex_);
    for (const int number : finished_) over.push_back(std::move(threads_.extract(number).mapped()));
    finished_.clear();
  }
  for (std::thread& thread : over) thread.join();
}

void GitHttpServer::serve(int socket) {
  Client client(socket);
  while (const std::optional<GitHttpRequest> request = client.next_request()) {
    if (!answer(client, *request)) break;
  }
  const std::lock_guard lock(mutex_);
  std::erase(sockets_, socket);
  ::close(socket);
  hung_up_.notify_all();
}

// What stands in the way of git's own answer.
std::optional<std::string> GitHttpServer::refuse(const GitHttpRequest& request) const {
  Interference interference;
  {
    const std::lock_guard lock(mutex_);
    if (!authorization_.empty() && request.header("authorization") != authorization_)
      return refusal(401, {"WWW-Authenticate: Basic realm=\"git\""});
    interference = interference_;
  }
  return interference ? interference(request) : std::nullopt;
}

std::vector<std::string> GitHttpServer::cgi_environment(const GitHttpRequest& request) const {
  std::vector<std::string> environment = git_.environment();
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) environment.push_back(std::string(name) + "=" + std::string(value));
  };
  add("GIT_PROJECT_ROOT", git_.path("").string());
  add("GIT_HTTP_EXPORT_ALL", "1");
  add("REMOTE_USER", "ada");
  add("REMOTE_ADDR", "127.0.0.1");
  add("REQUEST_METHOD", request.method);
  add("PATH_INFO", request.path);
  add("QUERY_STRING", request.query);
  add("CONTENT_TYPE", request.header("content-type"));
  add("CONTENT_LENGTH", request.header("content-length"));
  const std::lock_guard lock(mutex_);
  if (!drops_git_protocol_) add("GIT_PROTOCOL", request.header("git-protocol"));
  return environment;
}

// False: the connection is of no more use.
bool GitHttpServer::answer(Client& client, const GitHttpRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  if (const std::optional<std::string> instead = refuse(request)) {
    client.say(*instead);
    client.linger();
    return false;
  }
  if (!remembered_repository_.empty() && request.path.starts_with(remembered_repository_))
    return answer_from_memory(client, request);
  return answer_by_git(client, request, nullptr);
}

bool GitHttpServer::answer_from_memory(Client& client, const GitHttpRequest& request) {
  std::string body;
  if (!client.take_body(request, [&](std::string_view bytes) { body += bytes; })) return false;
  const std::string key = request.method + ' ' + request.path + '?' + request.query + '\n' +
                          std::string(request.header("git-protocol")) + '\n' + body;
  std::unique_lock lock(mutex_);
  if (const auto known = answers_.find(key); known != answers_.end()) {
    const std::string& answer = known->second;  // never changes once it is there
    lock.unlock();
    return client.say(answer);
  }
  lock.unlock();
  std::string said;
  client.record(&said);
  const bool complete = answer_by_git(client, request, &body);
  client.record(nullptr);
  lock.lock();
  if (complete) answers_.try_emplace(key, std::move(said));
  return complete;
}

// `body`: what has been read of it already, whole; null: it is still to come.
bool GitHttpServer::answer_by_git(Client& client, const GitHttpRequest& request, const std::string* body) {
  ProcessOptions options{.argv = {"git", "http-backend"}, .environment = cgi_environment(request), .directory = {}};
  Result<std::unique_ptr<Process>> process = Process::start(std::move(options), Patience{}, {});
  CHECK(process.has_value());
  Channel& cgi = (*process)->channel();
  bool takes_more = true;
  const auto take = [&](std::string_view bytes) {
    if (takes_more) takes_more = cgi.write(as_bytes(bytes)).has_value();
  };
  if (body != nullptr) take(*body);
  const bool complete = body != nullptr || client.take_body(request, take);
  cgi.close_write();
  if (!complete) return false;

  // CGI: headers, an empty line, the body.
  std::string text;
  std::vector<std::byte> block(kBlockBytes);
  std::size_t head_end = std::string::npos;
  while (head_end == std::string::npos) {
    const Result<std::size_t> count = cgi.read(block);
    if (!count || *count == 0) break;
    text += as_text(std::span(block).first(*count));
    head_end = text.find("\r\n\r\n");
  }
  if (head_end == std::string::npos) {
    client.say(refusal(500));
    return false;
  }
  const std::string head = text.substr(0, head_end + 2);
  const auto headers = parse_headers(head);
  const auto status = headers.find("status");
  client.say("HTTP/1.1 " + (status == headers.end() ? std::string("200 OK") : status->second) + "\r\n" + head +
             "Transfer-Encoding: chunked\r\n\r\n");

  std::string_view part = std::string_view(text).substr(head_end + 4);
  while (true) {
    if (!part.empty()) {
      char length[32];
      const auto end = std::to_chars(length, length + sizeof length, part.size(), 16).ptr;
      if (!client.say(std::string(length, end) + "\r\n") || !client.say(part) || !client.say("\r\n")) return false;
    }
    const Result<std::size_t> count = cgi.read(block);
    if (!count) return false;
    if (*count == 0) return client.say("0\r\n\r\n");
    part = as_text(std::span(block).first(*count));
  }
}

}  // namespace packferry::testing
