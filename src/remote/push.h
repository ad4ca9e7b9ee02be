// What is said to receive-pack and how its report is read: gitprotocol-pack(5), Pushing Data To a Server. An inner room
// of remote.cc.
#pragma once

#include <memory>

#include "git/pktline.h"
#include "git/sideband.h"
#include "remote/remote.h"
#include "remote/session.h"

namespace packferry {

// The commands, the capabilities we use of those the server offers, and a flush.
PktBuffer push_commands(const Listing& server, const std::vector<RefUpdate>& updates, bool atomic, bool wants_progress);

// Sends the commands; a request of deletions only is kept until finish(). Deletions that the server does not offer
// (delete-refs) are not sent: they are reported as refused. Unsupported: no report-status, no atomic where it is asked
// for, or another object format.
Result<std::unique_ptr<PushWriter>> start_push(std::shared_ptr<Session> session, PushRequest request,
                                               RemoteMessages messages);

// "unpack ok", "ok REF", "ng REF reason", a flush. Fills in `report`, whose refs are those of the request. What is said
// of other refs is passed over; a ref that is said to have failed has failed, whatever else is said of it.
Result<> read_report(PktReader& packets, PushReport& report);

}  // namespace packferry
