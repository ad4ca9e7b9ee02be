// Which verb a request is for, and what else stands in its head. Pure: a table, and a look into it. The table is the
// outline of the API; who may use a row is for api/access, and what comes of it for the verbs.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "api/access.h"
#include "net/http_message.h"

namespace packferry {

struct Route {
  std::string_view method;
  std::string_view path;       // "/v1/replicas/{name}/history": a part in braces is a parameter
  std::string_view operation;  // "getHistory"
  // What a token must allow; none: no token is asked for, because the request proves itself, or nothing is given away.
  std::optional<Action> action = {};
  std::string_view filter = {};  // what else may be asked of a page
  bool is_paged = false;         // see page_of()
  bool takes_json = false;       // else it has no body, webhooks aside
};
std::span<const Route> routes();

struct RoutedRequest {
  const Route* route = nullptr;
  std::map<std::string, std::string, std::less<>> parameters = {};  // decoded: "app/web" for "app%2Fweb"
};

// Where a request goes: HEAD goes where GET does. Otherwise the problem that answers it: 404; 405 with Allow when the
// path is known and the method is not; 400 when a parameter is empty, is not percent-encoded as it should be, or could
// not be shown as it is.
std::variant<RoutedRequest, HttpReply> route_of(const ReceivedRequest& request);

// "?limit=50&after=app/web": how many, and behind which one, as the page before said it.
struct PageWanted {
  unsigned limit = 100;  // at most 1,000
  std::string after = {};
  std::optional<std::string> filter = {};  // what is said for the route's own one
};
// Invalid: other names or two of one, a limit that is none, a text that could not be shown as it is.
Result<PageWanted> page_of(const ReceivedRequest& request, std::string_view filter = {});

// Idempotency-Key: a request that is made again with the same one is the same request. Up to 100 visible ASCII
// characters; Invalid otherwise, and when there are two.
Result<std::optional<std::string>> idempotency_key_of(const ReceivedRequest& request);

}  // namespace packferry
