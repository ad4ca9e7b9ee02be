// How the API says no: application/problem+json, RFC 9457.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_message.h"

namespace packferry {

// `title` is the same for all problems of a kind and is what programs may look at; `detail` is for people, and says
// what they can do. Text that is no UTF-8 is replaced.
HttpReply problem(int status, std::string_view title, std::string_view detail);

// An Error of a verb. Its kind is the title, as in the JSON reports: 404 not-found, 403 denied, 409 conflict, 400
// invalid, 422 rejected and unsupported, 429 throttled, 503 for what may pass. Those that may pass say when to come
// again.
HttpReply problem(const Error& error);

}  // namespace packferry
