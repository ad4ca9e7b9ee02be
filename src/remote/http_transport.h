// Smart HTTP: gitprotocol-http(5). Authenticates up front where credentials are known, follows redirects of the first
// GET within the same origin (three at most), insists on the content types. A request of up to 1 MiB has a
// Content-Length; a longer one is chunked, or, once the host has refused a chunked body (411, 501, …), spooled and
// counted: that first refusal is a Conflict, so that the caller plans again and the next attempt is sent the other way.
#pragma once

#include "net/credentials.h"
#include "net/http.h"
#include "remote/transport.h"

namespace packferry {

inline constexpr std::size_t kCountedRequestBytesMax = 1024 * 1024;

// `client` outlives the transport, and in the second form `credentials` too, with all that the transport has handed
// out. `name` is the repository's in messages and reports; empty: its URL.
std::unique_ptr<Transport> make_http_transport(Url url, HttpClient& client,
                                               std::shared_ptr<CredentialSource> credentials, std::string name = {});
std::unique_ptr<Transport> make_http_transport(Url url, HttpClient& client, CredentialSource& credentials,
                                               std::string name = {});

}  // namespace packferry
