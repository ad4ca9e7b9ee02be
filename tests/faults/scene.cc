#include "faults/scene.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/digest.h"
#include "net/http.h"
#include "remote/http_transport.h"
#include "remote/process_transport.h"
#include "testing/must.h"
#include "testing/processes.h"

namespace packferry::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSource = "source";
constexpr std::string_view kTemplate = "before";
constexpr std::string_view kDestination = "destination";

// Nobody is slow here. What waits as long as this missed the end of the other side.
constexpr Patience kPatience{.stall_ms = Milliseconds(30'000)};

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string noise(std::size_t bytes) {
  std::mt19937_64 random(1);
  std::string text(bytes, '\0');
  std::generate(text.begin(), text.end(), [&] { return static_cast<char>(random()); });
  return "two, and much that cannot be compressed:\n" + text;
}

}  // namespace

std::string_view to_string(State state) { return state == State::First ? "first" : "changes"; }

std::string_view to_string(Route route) {
  switch (route) {
    case Route::Memory:
      return "memory";
    case Route::Local:
      return "local";
    case Route::Http:
      return "http";
    case Route::Pipe:
      return "pipe";
  }
  return {};
}

Scene::Scene(State state, std::size_t content_bytes) : server_(git_), proxy_(server_.port()) {
  const std::string wire_path = path("wire");
  const int fd = ::open(wire_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  CHECK(fd >= 0 && ::ftruncate(fd, sizeof(Wire)) == 0);
  void* memory = ::mmap(nullptr, sizeof(Wire), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(memory != MAP_FAILED);
  ::close(fd);
  wire_ = new (memory) Wire{};

  make_source(content_bytes);
  make_destination(state);
  server_.remember_answers(std::string(kSource));
  reset();
  look();
}

Scene::~Scene() { ::munmap(wire_, sizeof(Wire)); }

void Scene::make_source(std::size_t content_bytes) {
  git_.init(kSource);
  git_.commit(kSource, "main", "one");
  git_.git(kSource, {"tag", "-a", "-m", "the first", "v1", "main"});
  git_.git(kSource, {"branch", "gone", "main"});
  git_.commit(kSource, "gone", "given up later");
  git_.git(kSource, {"branch", "topic", "main"});
  git_.commit(kSource, "topic", "rewound later");
  git_.commit(kSource, "main", content_bytes == 0 ? "two" : noise(content_bytes));
}

void Scene::make_destination(State state) {
  git_.init(kTemplate);
  fs::remove_all(git_.path(kTemplate) / "hooks");
  git_.git(kTemplate, {"config", "http.receivepack", "true"});
  if (state == State::Changes)
    git_.git(kSource, {"push", "-q", path(kTemplate), "main~1:refs/heads/main", "gone", "topic", "v1"});
  // From here on the source has less than it once showed, and more.
  git_.git(kSource, {"update-ref", "-d", "refs/heads/gone"});
  git_.git(kSource, {"update-ref", "refs/heads/topic", "main~1"});
  git_.git(kSource, {"branch", "new", "main"});
  for (const std::string& line :
       lines_of(git_.git(kSource, {"for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/", "refs/tags/"})))
    offered_[line.substr(line.find(' ') + 1)] = line.substr(0, line.find(' '));
  before_ = fingerprint(kTemplate);
}

std::string Scene::url(Route route, std::string_view repository) const {
  switch (route) {
    case Route::Memory:
      return server_.url(repository);
    case Route::Local:
      return path(repository);
    case Route::Http:
      return fmt::format("http://127.0.0.1:{}/{}", proxy_.port(), repository);
    case Route::Pipe:
      return "ssh://host" + path(repository);
  }
  return {};
}

std::vector<std::string> Scene::environment() const {
  std::vector<std::string> variables = git_.environment();
  variables.push_back("GIT_SSH_COMMAND=" FAULTY_SSH);
  variables.push_back(fmt::format("{}={}", kWireVariable, path("wire")));
  return variables;
}

void Scene::arm(const Fault& fault) {
  disarm();
  proxy_.arm(fault);
  wire_->towards = fault.towards == Towards::Server ? 0 : 1;
  wire_->at_byte = fault.at_byte;
  wire_->stays_down = fault.stays_down;
  if (fault.kind == Fault::Kind::Close) wire_->fault = Wire::Fault::Cut;
}

void Scene::arm(Wire::Fault fault, std::uint64_t at_byte) {
  disarm();
  wire_->towards = 1;
  wire_->at_byte = at_byte;
  wire_->fault = fault;
}

void Scene::disarm() {
  proxy_.arm(std::nullopt);
  wire_->fault = Wire::Fault::None;
  wire_->stays_down = false;
  wire_->happened = false;
  for (std::atomic<std::uint64_t>& count : wire_->passed) count = 0;
}

bool Scene::happened() const { return proxy_.happened() || wire_->happened; }

std::uint64_t Scene::passed(Towards towards) const {
  return proxy_.bytes(towards) + wire_->passed[towards == Towards::Server ? 0 : 1];
}

void Scene::reset() {
  const fs::path destination = git_.path(kDestination);
  if (fs::exists(destination) && fingerprint(kDestination) == before_) return;
  fs::remove_all(destination);
  fs::copy(git_.path(kTemplate), destination, fs::copy_options::recursive);
}

std::unique_ptr<Remote> Scene::remote(Route route, std::string_view repository, HttpClient& http) {
  static NoCredentials nobody;
  const Url address = must(Url::parse(url(route, repository)));
  switch (route) {
    case Route::Memory:
    case Route::Http:
      return std::make_unique<Remote>(make_http_transport(address, http, nobody));
    case Route::Local:
      return std::make_unique<Remote>(make_local_transport(address, git_.environment(), kPatience));
    case Route::Pipe:
      return std::make_unique<Remote>(make_ssh_transport(address, {.command = FAULTY_SSH}, environment(), kPatience));
  }
  return nullptr;
}

CrossingReport Scene::cross(const Trip& trip, bool dry_run, const WrapDestination& wrap) {
  HttpClient http({.user_agent = "packferry/test", .ca_file = {}, .patience = kPatience});
  RemoteSource source(remote(trip.source, kSource, http));
  const HostProfile profile = profile_of(must(Url::parse(url(trip.destination, kDestination))));
  std::unique_ptr<Destination> destination =
      std::make_unique<RemoteDestination>(remote(trip.destination, kDestination, http), profile);
  if (wrap) destination = wrap(std::move(destination));
  return Crossing(source, {destination.get()}, {.policy = {}, .dry_run = dry_run, .patience = kPatience}, clock_)
      .run({});
}

std::string Scene::settle() {
  proxy_.arm(std::nullopt);
  server_.wait_until_quiet();
  std::string left;
  for (const RunningProcess& process : wait_for_all_to_end(git_))
    left += fmt::format("still running: {} {}; ", process.pid, process.command_line);
  return left;
}

// Everything in a repository. A push that was killed leaves its quarantine behind, which git passes over: only its name
// is random.
std::string Scene::fingerprint(std::string_view repository) const {
  constexpr std::string_view kQuarantine = "tmp_objdir-incoming-";
  std::map<std::string, std::string> files;
  const fs::path root = git_.path(repository);
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    std::string name = entry.path().lexically_relative(root);
    if (const std::size_t at = name.find(kQuarantine); at != std::string::npos) name.erase(at + kQuarantine.size(), 6);
    files[name] += entry.is_regular_file() ? content(entry.path()) : std::string();
  }
  Digest digest(DigestAlgorithm::Sha256);
  for (const auto& [name, bytes] : files) {
    digest.update(as_bytes(fmt::format("{} {}\n", name, bytes.size())));
    digest.update(as_bytes(bytes));
  }
  return to_hex(digest.finish());
}

const Sight& Scene::look() {
  const std::string now = fingerprint(kDestination);
  if (const auto known = sights_.find(now); known != sights_.end()) return known->second;
  Sight sight;
  for (const std::string& line :
       lines_of(git_.git(kDestination, {"for-each-ref", "--format=%(objectname) %(refname)"})))
    sight.refs[line.substr(line.find(' ') + 1)] = line.substr(0, line.find(' '));
  for (const auto& entry : fs::recursive_directory_iterator(git_.path(kDestination)))
    if (entry.path().extension() == ".lock") sight.broken += "left behind: " + entry.path().string() + "; ";
  const GitSandbox::Outcome listed = git_.try_git(kDestination, {"rev-list", "--objects", "--all"});
  if (listed.code != 0) sight.broken = listed.output;
  for (const std::string& line : lines_of(listed.output)) sight.reachable.insert(line.substr(0, line.find(' ')));
  const GitSandbox::Outcome checked = git_.try_git(kDestination, {"fsck", "--full", "--strict", "--no-dangling"});
  if (checked.code != 0) sight.broken += checked.output;
  return sights_.emplace(now, std::move(sight)).first->second;
}

Evidence Scene::evidence(Claim claim) {
  return {.offered = offered_, .before = sights_.at(before_), .after = look(), .claim = std::move(claim), .pushes = {}};
}

std::vector<std::string> Scene::judge(const Trip& trip, Claim claim, const std::set<ErrorKind>& expected) {
  std::vector<std::string> found;
  if (std::string left = settle(); !left.empty()) found.push_back(std::move(left));
  const Evidence first = evidence(std::move(claim));
  std::vector<std::string> broken = violations(first, expected);
  found.insert(found.end(), broken.begin(), broken.end());

  std::string state = fingerprint(kDestination);
  if (!found.empty() || seen_to_converge_.contains(state)) return found;
  disarm();
  const CrossingReport again = cross(trip);
  static_cast<void>(settle());
  const Evidence second{first.offered, first.after, look(), claim_of(again), {}};
  broken = violations_of_second_run(second);
  found.insert(found.end(), broken.begin(), broken.end());
  if (found.empty()) seen_to_converge_.insert(std::move(state));
  return found;
}

}  // namespace packferry::testing
