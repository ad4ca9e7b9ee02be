// What is asked of upload-pack, and how its answer is read: gitprotocol-v2(5), fetch; gitprotocol-pack(5), Packfile
// Negotiation. One request with all that the receivers have, then `done`: there is no negotiation in rounds, since the
// tips of the receivers are known beforehand. An inner room of remote.cc.
#pragma once

#include <memory>
#include <vector>

#include "git/pktline.h"
#include "git/sideband.h"
#include "remote/remote.h"
#include "remote/session.h"

namespace packferry {

// `git http-backend` refuses requests above 10 MiB (http.maxRequestBuffer). What goes beyond is haves left out: the
// pack gets larger, not wrong.
inline constexpr std::size_t kRequestLinesMax = 150'000;

enum class Negotiation {
  Done,        // send the pack
  Acknowledge  // protocol 2 only: say first which of the haves you know
};

// The words of a request to this server, in its protocol. Unsupported: it has no filters, or not the object format.
Result<PktBuffer> fetch_request(const Listing& server, const FetchRequest& request, Negotiation negotiation,
                                bool wants_progress);

// Sends it and reads up to the pack; the Reader gives the pack's bytes. Without `side_band` in the old protocol they
// come bare, else unpacked from it.
Result<std::unique_ptr<Reader>> start_fetch(std::shared_ptr<Session> session, const FetchRequest& request,
                                            RemoteMessages messages);

// Protocol 2: which of request.haves the server knows. Whether it would go on with a pack does not matter here.
Result<std::vector<Oid>> ask_acknowledgments(std::shared_ptr<Session> session, const FetchRequest& request);

// The pieces of the answer, for tests and fuzzing. skip_to_pack() reads protocol 2 sections up to `packfile`; the
// second reads the ACK and NAK lines of the old protocol, not a byte more.
Result<> skip_to_pack(PktReader& packets);
Result<> read_old_acknowledgments(Reader& from, ObjectFormat format);
// The `acknowledgments` section; `end_of_answer` when no pack follows it.
struct Acknowledgments {
  std::vector<Oid> common;
  bool end_of_answer = false;
};
Result<Acknowledgments> read_acknowledgments(PktReader& packets, ObjectFormat format);

}  // namespace packferry
