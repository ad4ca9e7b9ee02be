// The one request that a pass without changes makes of a repository, and nothing else: what a host can answer at most.
// Each thread has one connection and keeps it.
//
//   ask PORT THREADS BODY < PATHS     POSTs the file BODY to each path; exit 0 when all were answered with 200
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

class Asker {
 public:
  Asker(int port, std::string body) : port_(port), body_(std::move(body)) {}
  ~Asker() { hang_up(); }

  bool ask(const std::string& path) {
    const bool is_kept = socket_ >= 0;
    if (answered(path)) return true;
    hang_up();
    const bool again = is_kept && answered(path);  // a host may end a kept connection at any time
    if (!again) hang_up();
    return again;
  }

 private:
  bool answered(const std::string& path) {
    if (socket_ < 0 && !connect()) return false;
    const std::string request = "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
                                "\r\nGit-Protocol: version=2\r\nContent-Type: application/x-git-upload-pack-request\r\n"
                                "Content-Length: " +
                                std::to_string(body_.size()) + "\r\n\r\n" + body_;
    if (send(socket_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      return false;
    std::string answer;
    std::array<char, 16 * 1024> block;
    while (!is_complete(answer)) {
      const ssize_t bytes = recv(socket_, block.data(), block.size(), 0);
      if (bytes <= 0) return false;
      answer.append(block.data(), static_cast<std::size_t>(bytes));
    }
    return answer.starts_with("HTTP/1.1 200 ");
  }

  static bool is_complete(std::string_view answer) {
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const std::size_t head = answer.find("\r\n\r\n");
    if (head == std::string_view::npos) return false;
    const std::size_t at = answer.substr(0, head + 2).find(kLength);
    if (at == std::string_view::npos) return answer.ends_with("\r\n0\r\n\r\n");
    return answer.size() >= head + 4 + std::strtoul(answer.data() + at + kLength.size(), nullptr, 10);
  }

  bool connect() {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  void hang_up() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }

  const int port_;
  const std::string body_;
  int socket_ = -1;
};

}  // namespace

int main(int count, char** words) {
  if (count != 4) return std::fputs("usage: ask PORT THREADS BODY < PATHS\n", stderr), 2;
  std::ifstream file(words[3], std::ios::binary);
  const std::string body{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> paths;
  for (std::string line; std::getline(std::cin, line);) paths.push_back(line);

  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> failures = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < std::atoi(words[2]); ++i)
    threads.emplace_back([&] {
      Asker asker(std::atoi(words[1]), body);
      for (std::size_t at; (at = next++) < paths.size();)
        if (!asker.ask(paths[at])) ++failures;
    });
  threads.clear();
  if (failures > 0) std::fprintf(stderr, "ask: %zu of %zu were not answered\n", failures.load(), paths.size());
  return failures > 0 ? 1 : 0;
}
