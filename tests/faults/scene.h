// A source, a destination, what stands between them, and git as the witness: the place where crossings are disturbed.
//
//   Scene scene(State::Changes);
//   scene.arm(Fault{.towards = Towards::Client, .at_byte = 1234});
//   const CrossingReport report = scene.cross({.source = Route::Http, .destination = Route::Local});
//   … violations(scene.evidence(claim_of(report)), {ErrorKind::Unavailable}) …
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/crossing.h"
#include "faults/invariants.h"
#include "faults/wire.h"
#include "net/http.h"
#include "testing/fault_proxy.h"
#include "testing/git_http_server.h"
#include "testing/git_sandbox.h"

namespace packferry::testing {

// Where the destination stands before.
enum class State {
  First,    // it is empty: two commits, another branch and a tag are to come
  Changes,  // it has some of that; a branch is behind, one was rewound since, and one deleted
};
std::string_view to_string(State state);

enum class Route {
  Memory,  // reading only: HTTP, with answers that are remembered; costs no git
  Local,   // a path
  Http,    // smart HTTP, through the proxy
  Pipe,    // the stand-in for ssh
};
std::string_view to_string(Route route);

struct Trip {
  Route source = Route::Memory;
  Route destination = Route::Local;
};

// What a test may put around the real ends.
using WrapDestination = std::function<std::unique_ptr<Destination>(std::unique_ptr<Destination>)>;

class Scene {
 public:
  // `content_bytes` of what cannot be compressed go into the source's last commit.
  explicit Scene(State state, std::size_t content_bytes = 0);
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  GitSandbox& git() { return git_; }
  GitHttpServer& server() { return server_; }
  // "source" or "destination"
  std::string path(std::string_view repository) const { return git_.path(repository).string(); }
  std::string url(Route route, std::string_view repository) const;
  // What ends need that are another program's: GIT_SSH_COMMAND and the wire among it.
  std::vector<std::string> environment() const;

  // Where faults happen on Route::Http and Route::Pipe: bytes are counted from here on.
  void arm(const Fault& fault);
  void arm(Wire::Fault fault, std::uint64_t at_byte);  // towards us, on the pipe
  void disarm();
  bool happened() const;
  std::uint64_t passed(Towards towards) const;

  // The destination as it stood before, to the byte.
  void reset();
  CrossingReport cross(const Trip& trip, bool dry_run = false, const WrapDestination& wrap = {});
  // Until everything that a crossing started over there has come to its end. What does not is told.
  std::string settle();
  // What became of the destination since reset().
  Evidence evidence(Claim claim);
  const Refs& offered() const { return offered_; }

  // Violations after a crossing (all errors of the `expected` kinds), and after a second one, undisturbed, on top of
  // it. That one depends on nothing but the destination: how it stands there is looked at, and a state that has been
  // seen to converge is not tried again.
  std::vector<std::string> judge(const Trip& trip, Claim claim, const std::set<ErrorKind>& expected);

 private:
  void make_source(std::size_t content_bytes);
  void make_destination(State state);
  std::unique_ptr<Remote> remote(Route route, std::string_view repository, HttpClient& http);
  std::string fingerprint(std::string_view repository) const;
  const Sight& look();

  GitSandbox git_;
  GitHttpServer server_;
  FaultProxy proxy_;
  Wire* wire_ = nullptr;
  FakeClock clock_;

  Refs offered_;
  std::string before_;                      // fingerprint
  std::map<std::string, Sight> sights_;     // by fingerprint
  std::set<std::string> seen_to_converge_;  // fingerprints
};

}  // namespace packferry::testing
