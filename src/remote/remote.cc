#include "remote/remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "remote/fetch.h"
#include "remote/push.h"
#include "remote/session.h"

namespace packferry {

struct Remote::State {
  std::unique_ptr<Transport> transport;
  int protocol = 2;
  // Used again for as long as it takes requests.
  std::shared_ptr<Session> upload;
  // As listed, good for one push.
  std::shared_ptr<Session> receive;
};

namespace {

// Does this connection still take a request? It waits with the stop token that it was opened with, so one from
// elsewhere needs another connection.
bool is_usable(const std::shared_ptr<Session>& session, const std::stop_token& stop) {
  return session && session->stop == stop && session->connection->is_reusable();
}

// One that takes a request. What is listed there may be old: see list().
Result<std::shared_ptr<Session>> upload_session(Remote::State& state, std::stop_token stop) {
  if (!is_usable(state.upload, stop)) {
    state.upload.reset();
    state.upload = TRY(open_session(*state.transport, Service::UploadPack, state.protocol, stop));
  }
  return state.upload;
}

PktBuffer ls_refs_request(const Listing& server, const std::vector<std::string>& prefixes) {
  PktBuffer out;
  out.line("command=ls-refs\n");
  if (server.capabilities.has("agent")) out.line(fmt::format("agent={}\n", agent()));
  if (server.capabilities.has("object-format")) out.line(fmt::format("object-format={}\n", to_string(server.format)));
  out.delimiter();
  out.line("peel\n");
  out.line("symrefs\n");
  if (server.capabilities.value_has("ls-refs", "unborn")) out.line("unborn\n");
  if (!prefixes.empty()) out.line("ref-prefix HEAD\n");
  for (const std::string& prefix : prefixes) out.line(fmt::format("ref-prefix {}\n", prefix));
  out.flush();
  return out;
}

Result<Listing> ask_ls_refs(Session& session, const std::vector<std::string>& prefixes) {
  Listing listing = session.listing();
  if (!listing.capabilities.has("ls-refs"))
    return Error(ErrorKind::Unsupported, "the server speaks protocol 2 but offers no ls-refs");
  const PktBuffer request = ls_refs_request(listing, prefixes);
  Sent sent = TRY(send_request(session, request.bytes()));
  PktReader packets(*sent.exchange);
  Result<> read = read_ls_refs(packets, listing);
  if (!read) return explain(session, std::move(read).error(), sent.broken);
  sent.exchange->end_response();
  return listing;
}

// The old protocol gives what it has listed; more only where it says so. Asked for anything else the server would hang
// up, so we do not ask.
Result<> check_wants_are_listed(const Listing& listing, const std::vector<Oid>& wants) {
  if (listing.capabilities.has("allow-reachable-sha1-in-want") || listing.capabilities.has("allow-any-sha1-in-want"))
    return {};
  std::unordered_set<Oid> listed;
  for (const Ref& ref : listing.refs) listed.insert(ref.oid);
  if (listing.head.oid) listed.insert(*listing.head.oid);
  for (const Oid& want : wants) {
    if (!listed.contains(want))
      return Error(ErrorKind::Conflict, "the source does not list {}, and gives nothing else", want.hex());
  }
  return {};
}

Result<std::unique_ptr<PackStream>> fetch_on(std::shared_ptr<Session> session, const FetchRequest& request,
                                             RemoteMessages messages) {
  const Listing& listing = session->listing();
  if (listing.shallow)
    return Error(ErrorKind::Corrupt, "the source is a shallow repository and cannot give its full history");
  if (!session->speaks_version_2()) TRY(check_wants_are_listed(listing, request.wants));
  const ObjectFormat format = listing.format;
  return PackStream::open(TRY(start_fetch(std::move(session), request, std::move(messages))), format);
}

}  // namespace

Remote::Remote(std::unique_ptr<Transport> transport, int protocol)
    : state_(std::make_unique<State>(State{std::move(transport), protocol, nullptr, nullptr})) {}

Remote::~Remote() = default;

std::string Remote::name() const { return state_->transport->name(); }

Result<Listing> Remote::list(std::vector<std::string> prefixes, std::stop_token stop) {
  // Every list is a new look: an old server lists when it is connected to, a git on a pipe reads its refs once.
  const std::shared_ptr<Session>& old = state_->upload;
  if (old && !(old->speaks_version_2() && old->connection->is_stateless())) state_->upload.reset();
  const std::shared_ptr<Session> session = TRY(upload_session(*state_, stop).context("list {}", name()));
  if (!session->speaks_version_2()) return session->listing();
  Result<Listing> listing = ask_ls_refs(*session, prefixes);
  // A host may have become another one since it greeted us: next time we ask from the start.
  if (!listing) state_->upload.reset();
  return std::move(listing).context("list {}", name());
}

Result<Listing> Remote::list_for_push(std::stop_token stop) {
  state_->receive.reset();
  state_->receive =
      TRY(open_session(*state_->transport, Service::ReceivePack, 0, stop).context("list {} for a push", name()));
  return state_->receive->listing();
}

Result<std::unique_ptr<PackStream>> Remote::fetch(FetchRequest request, RemoteMessages messages, std::stop_token stop) {
  std::shared_ptr<Session> session = TRY(upload_session(*state_, stop).context("fetch from {}", name()));
  return fetch_on(std::move(session), request, std::move(messages)).context("fetch from {}", name());
}

Result<std::unique_ptr<PushWriter>> Remote::push(PushRequest request, RemoteMessages messages, std::stop_token stop) {
  if (!is_usable(state_->receive, stop)) TRY(list_for_push(stop));
  return start_push(std::exchange(state_->receive, nullptr), std::move(request), std::move(messages))
      .context("push to {}", name());
}

Result<std::vector<Oid>> Remote::known(const std::vector<Oid>& wants, const std::vector<Oid>& candidates,
                                       std::stop_token stop) {
  std::vector<Oid> all;
  // As a rule one request; the cap is the servers'.
  const std::size_t haves_max = kRequestLinesMax - std::min(wants.size(), kRequestLinesMax / 2);
  for (std::size_t at = 0; at < candidates.size(); at += haves_max) {
    const auto begin = candidates.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(haves_max, candidates.size() - at));
    std::shared_ptr<Session> session = TRY(upload_session(*state_, stop).context("ask {}", name()));
    if (!session->speaks_version_2())
      return Error(ErrorKind::Unsupported, "{} does not say what it has: it speaks the old protocol", name());
    const FetchRequest request{.wants = wants, .haves = {begin, end}};
    const std::vector<Oid> common =
        TRY(ask_acknowledgments(std::move(session), request).context("ask {} what it has", name()));
    all.insert(all.end(), common.begin(), common.end());
  }
  return all;
}

}  // namespace packferry
