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
  GreetedHosts* hosts = nullptr;
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
    if (state.hosts != nullptr) state.hosts->greeted(state.transport->origin(), state.upload->advertisement);
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

Result<Sent> ask_ls_refs(Session& session, const std::vector<std::string>& prefixes) {
  if (!session.capabilities().has("ls-refs"))
    return Error(ErrorKind::Unsupported, "the server speaks protocol 2 but offers no ls-refs");
  const PktBuffer request = ls_refs_request(session.listing(), prefixes);
  return send_request(session, request.bytes());
}

Result<Listing> read_listing(Session& session, Sent sent) {
  Listing listing = session.listing();
  PktReader packets(*sent.exchange);
  Result<> read = read_ls_refs(packets, listing);
  if (!read) return explain(session, std::move(read).error(), sent.broken);
  sent.exchange->end_response();
  return listing;
}

// Did the host say nothing, or who are you, or slow down? A greeting would hear the same.
bool is_final(const Error& error) {
  return error.kind() == ErrorKind::Unavailable || error.kind() == ErrorKind::Denied ||
         error.kind() == ErrorKind::Throttled || error.kind() == ErrorKind::Cancelled;
}

// An answer without any object does not show the object format.
bool shows_format(const Listing& listing) { return listing.head.oid || !listing.refs.empty(); }

// In one request. Nothing: the host has to be greeted for this repository too.
Result<std::optional<Listing>> list_ungreeted(Transport& transport, const Advertisement& said,
                                              const std::vector<std::string>& prefixes, std::stop_token stop) {
  Session session{.connection = transport.connect_ungreeted(stop), .advertisement = said, .stop = stop};
  if (session.connection == nullptr) return std::optional<Listing>();
  Result<Sent> sent = ask_ls_refs(session, prefixes);
  if (sent && sent->broken) return *sent->broken;
  if (!sent && is_final(sent.error())) return std::move(sent).error();
  if (!sent) return std::optional<Listing>();
  Result<Listing> listing = read_listing(session, std::move(sent).value());
  if (!listing && listing.error().kind() == ErrorKind::Cancelled) return std::move(listing).error();
  return listing && shows_format(*listing) ? std::optional(std::move(listing).value()) : std::nullopt;
}

// After its greeting.
Result<Listing> list_greeted(Remote::State& state, const std::vector<std::string>& prefixes, std::stop_token stop) {
  // Every list is a new look: an old server lists when it is connected to, a git on a pipe reads its refs once.
  const std::shared_ptr<Session>& old = state.upload;
  if (old && !(old->speaks_version_2() && old->connection->is_stateless())) state.upload.reset();
  const std::shared_ptr<Session> session = TRY(upload_session(state, stop));
  if (!session->speaks_version_2()) return session->listing();
  Result<Sent> sent = ask_ls_refs(*session, prefixes);
  Result<Listing> listing = sent ? read_listing(*session, std::move(sent).value()) : std::move(sent).error();
  // A host may have become another one since it greeted us: next time we ask from the start.
  if (!listing) state.upload.reset();
  return listing;
}

Result<Listing> list_refs(Remote::State& state, const std::vector<std::string>& prefixes, std::stop_token stop) {
  const bool may_guess = state.hosts != nullptr && state.protocol == 2 && !is_usable(state.upload, stop);
  const std::string origin = state.transport->origin();
  const std::shared_ptr<const Advertisement> said = may_guess ? state.hosts->recall(origin) : nullptr;
  if (said == nullptr) return list_greeted(state, prefixes, stop);

  if (std::optional<Listing> listing = TRY(list_ungreeted(*state.transport, *said, prefixes, stop))) {
    state.hosts->answered(origin);
    return *std::move(listing);
  }
  Listing listing = TRY(list_greeted(state, prefixes, stop));
  state.hosts->balked(origin);
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

Remote::Remote(std::unique_ptr<Transport> transport, int protocol, GreetedHosts* hosts)
    : state_(std::make_unique<State>(State{std::move(transport), protocol, hosts, nullptr, nullptr})) {}

Remote::~Remote() = default;

std::string Remote::name() const { return state_->transport->name(); }

Result<Listing> Remote::list(std::vector<std::string> prefixes, std::stop_token stop) {
  return list_refs(*state_, prefixes, std::move(stop)).context("list {}", name());
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
