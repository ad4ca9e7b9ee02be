// Smart HTTP as real servers speak it: `git http-backend` behind an HTTP/1.1 server on loopback, with kept connections,
// counted and chunked requests, and a thread a connection. It can be told to misbehave.
//
//   GitHttpServer server(git);                       // serves the sandbox's repositories
//   server.interfere([](const GitHttpRequest& request) { return request.is_chunked ? refusal(411) : std::nullopt; });
//   … client talks to server.url("repository") …
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "testing/git_sandbox.h"

namespace packferry::testing {

struct GitHttpRequest {
  std::string method;
  std::string path;                                         // without the query
  std::string query;                                        // without the '?'
  std::map<std::string, std::string, std::less<>> headers;  // names in lower case
  bool is_chunked = false;

  std::string_view header(std::string_view name) const;  // "" when there is none
};

// Asked before a request's body is read. What it returns is sent instead of git's answer, and ends the connection.
using Interference = std::function<std::optional<std::string>(const GitHttpRequest&)>;

// "HTTP/1.1 503 refused" with these header lines and body.
std::string refusal(int status, std::vector<std::string> headers = {}, std::string_view body = {});

class GitHttpServer {
 public:
  explicit GitHttpServer(const GitSandbox& git);
  ~GitHttpServer();
  GitHttpServer(const GitHttpServer&) = delete;
  GitHttpServer& operator=(const GitHttpServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string origin() const;  // "http://127.0.0.1:PORT"
  std::string url(std::string_view repository) const { return origin() + "/" + std::string(repository); }

  // From the next request on.
  void interfere(Interference interference);
  void drop_git_protocol();                                          // an old server: it knows no protocol 2
  void ask_for_credentials(std::string user, std::string password);  // 401 without them
  // What was once answered about reading this repository is answered again, byte for byte and without git: for a
  // repository that does not change, in tests that ask it a thousand times.
  void remember_answers(std::string repository);

  // Until nobody is connected: what was asked before has been done, or given up.
  void wait_until_quiet() const;

  // Every request whose headers came in, in order, since forget_requests().
  std::vector<GitHttpRequest> requests() const;
  void forget_requests();
  // The last of them to this service and method, "POST" to "git-upload-pack".
  std::size_t count(std::string_view method, std::string_view path_end) const;

 private:
  class Client;
  void accept_all();
  void join_finished();
  void serve(int socket);
  bool answer(Client& client, const GitHttpRequest& request);
  bool answer_by_git(Client& client, const GitHttpRequest& request, const std::string* body);
  bool answer_from_memory(Client& client, const GitHttpRequest& request);
  std::optional<std::string> refuse(const GitHttpRequest& request) const;
  std::vector<std::string> cgi_environment(const GitHttpRequest& request) const;

  const GitSandbox& git_;
  int listener_ = -1;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;
  mutable std::condition_variable hung_up_;
  bool closing_ = false;
  std::vector<int> sockets_;
  std::map<int, std::thread> threads_;  // by number of the connection
  std::vector<int> finished_;           // those of them that are over
  int connections_ = 0;
  Interference interference_;
  bool drops_git_protocol_ = false;
  std::string authorization_;
  std::vector<GitHttpRequest> requests_;
  std::string remembered_repository_;
  std::map<std::string, std::string> answers_;  // by request

  std::thread acceptor_;
};

}  // namespace packferry::testing
