// A repository on a Git server, as the engine sees it. Speaks protocol 2 where the server does, else 0 or 1.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "git/pack_stream.h"
#include "git/ref_update.h"
#include "git/sideband.h"
#include "remote/advertisement.h"
#include "remote/greeted_hosts.h"
#include "remote/transport.h"

namespace packferry {

struct FetchRequest {
  std::vector<Oid> wants;       // not empty
  std::vector<Oid> haves = {};  // what the receivers have; those that the source does not know are passed over by it
  bool thin = true;             // deltas against `haves` may come: only when every receiver completes them
  bool ofs_delta = true;        // only when every receiver understands them
  // A partial fetch ("tree:0": commits and tags only) for questions about history; never relayed.
  std::string filter = {};
};

struct PushRequest {
  std::vector<RefUpdate> updates;  // not empty; at most what the host takes at once
  bool atomic = false;             // only where advertised: see Listing::capabilities
  // What the pack that follows leaves out: FetchRequest::haves. A Git server finds that out by itself.
  std::vector<Oid> haves = {};
};

// What the other side said of one ref. A claim: the listing afterwards is the proof.
struct RefReport {
  RefName name;
  bool ok = false;
  std::string reason = {};  // "non-fast-forward", "pre-receive hook declined", …; printable
};

struct PushReport {
  std::string unpack_error;     // empty: "unpack ok"
  std::vector<RefReport> refs;  // one for each update, in the order of the request; not reported counts as not ok
};

// Ref commands, then a pack. The pack's trailer completes it; a PushWriter destroyed before finish() has moved no ref.
class PushWriter : public Writer {
 public:
  // Ends the request and reads the report. Errors: Rejected (unpack failed: nothing moved), Unavailable with
  // is_in_doubt() set when the connection went after all was sent and before the report: list again, never push again
  // blindly. Refs refused one by one are no error: see report().
  Result<> finish() override = 0;
  virtual const PushReport& report() const = 0;
  virtual bool is_in_doubt() const = 0;
};

class Remote {
 public:
  // `protocol`: 2, or 0 to insist on the old one. Takes ownership of the transport. `hosts` outlives it, and is shared
  // by those whose refs are to be listed in one request each; none: a host is greeted for each of its repositories.
  Remote(std::unique_ptr<Transport> transport, int protocol = 2, GreetedHosts* hosts = nullptr);
  ~Remote();
  Remote(const Remote&) = delete;
  Remote& operator=(const Remote&) = delete;

  std::string name() const;

  // What upload-pack shows: for sources, comparisons and proofs. `prefixes` (full names up to a point, as ls-refs takes
  // them) may spare the rest; more than asked for may come. Empty: all. From a host that was not greeted for it the
  // capabilities are those of another of its repositories.
  Result<Listing> list(std::vector<std::string> prefixes, std::stop_token stop);
  // What receive-pack shows: for destinations. The connection is kept for the push that follows.
  Result<Listing> list_for_push(std::stop_token stop);

  // A pack with everything reachable from `wants` and not from `haves`. Corrupt: shallow or otherwise unfit; Conflict:
  // a want is not there any more ("not our ref"): list again. `messages` gets remote progress.
  Result<std::unique_ptr<PackStream>> fetch(FetchRequest request, RemoteMessages messages, std::stop_token stop);

  // Sends the commands. With deletions only there is no pack to write: call finish() at once. Lists first when
  // list_for_push() has not left a connection; the expected old values are the request's own all the same.
  Result<std::unique_ptr<PushWriter>> push(PushRequest request, RemoteMessages messages, std::stop_token stop);

  // Which of these does the repository (as a source) have? Asked by negotiation, in one request, without a pack:
  // `wants` are tips it advertises. Protocol 0 servers that cannot say: Unsupported.
  Result<std::vector<Oid>> known(const std::vector<Oid>& wants, const std::vector<Oid>& candidates,
                                 std::stop_token stop);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace packferry
