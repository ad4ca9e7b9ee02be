// A Git host that answers at once: what it says of its refs is read from files, and said of every repository. What
// a client needs for itself shows against it.
//
//   instant_host GREETING REFS [PUSH]     prints its port; GET /count tells "CONNECTIONS REQUESTS" so far
//
// PUSH is what it says to who would push; nobody can.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

namespace {

std::string answer(const char* type, const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-" + std::string(type) +
         "\r\nCache-Control: no-cache\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string contents(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Host {
 public:
  Host(const std::string& greeting, const std::string& refs, const std::string& push)
      : greeting_(answer("upload-pack-advertisement", greeting)),
        refs_(answer("upload-pack-result", refs)),
        push_(answer("receive-pack-advertisement", push)) {}

  // What is to be said to `heard`, which loses the requests that are complete.
  std::string hear(std::string& heard) {
    std::string said;
    while (true) {
      const std::size_t head = heard.find("\r\n\r\n");
      if (head == std::string::npos) return said;
      const std::size_t end = head + 4 + body_bytes(std::string_view(heard).substr(0, head + 2));
      if (heard.size() < end) return said;
      ++requests_;
      said += answer_to(std::string_view(heard).substr(0, heard.find("\r\n")));
      heard.erase(0, end);
    }
  }
  void connected() { ++connections_; }

 private:
  std::string answer_to(std::string_view request) const {
    if (request.starts_with("GET /count "))
      return answer("count", std::to_string(connections_) + " " + std::to_string(requests_));
    if (!request.starts_with("GET ")) return refs_;
    return request.find("service=git-receive-pack") == std::string_view::npos ? greeting_ : push_;
  }
  static std::size_t body_bytes(std::string_view headers) {
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const std::size_t at = headers.find(kLength);
    return at == std::string_view::npos ? 0 : std::strtoul(headers.data() + at + kLength.size(), nullptr, 10);
  }

  const std::string greeting_;
  const std::string refs_;
  const std::string push_;
  unsigned long connections_ = 0;
  unsigned long requests_ = 0;
};

int listen_on_loopback() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener, 1024) != 0) return -1;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

void serve(Host& host, int listener) {
  const int events = epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [events](int socket) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    epoll_ctl(events, EPOLL_CTL_ADD, socket, &event);
  };
  watch(listener);
  std::map<int, std::string> heard;
  std::array<epoll_event, 256> ready;
  std::array<char, 64 * 1024> block;
  while (true) {
    const int count = epoll_wait(events, ready.data(), ready.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int socket = ready[static_cast<std::size_t>(i)].data.fd;
      if (socket == listener) {
        const int accepted = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        const int on = 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        host.connected();
        watch(accepted);
        continue;
      }
      const ssize_t bytes = recv(socket, block.data(), block.size(), 0);
      std::string& text = heard[socket];
      if (bytes > 0) {
        text.append(block.data(), static_cast<std::size_t>(bytes));
        const std::string said = host.hear(text);
        // Answers are short: the socket takes them whole.
        if (said.empty() || send(socket, said.data(), said.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(said.size()))
          continue;
      }
      heard.erase(socket);
      close(socket);
    }
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 3 && count != 4) return std::fputs("usage: instant_host GREETING REFS [PUSH]\n", stderr), 2;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  Host host(contents(words[1]), contents(words[2]), count == 4 ? contents(words[3]) : "");
  const int listener = listen_on_loopback();
  if (listener < 0) return std::perror("instant_host"), 1;
  serve(host, listener);
}
