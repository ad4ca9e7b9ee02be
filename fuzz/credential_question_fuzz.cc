// What git tells a credential helper is an address that reads as it is shown, or nothing.
#include "fuzz.h"
#include "net/credentials.h"

using namespace packferry;

FUZZ(input) {
  const std::optional<Url> url = parse_credential_question(input.rest());
  if (!url) return;
  CHECK(url->is_http() && !url->host().empty() && url->password().empty() && url->query().empty());
  const Result<Url> again = Url::parse(url->text());
  CHECK(again && again->text() == url->text() && again->path() == url->path());
}
