// What STS says: credentials that are complete and can stand in a header, an account that is a number, or a refusal
// that can be shown; never anything else.
#include "aws/sts_answer.h"
#include "base/printable.h"
#include "fuzz.h"

using namespace packferry;

namespace {

bool has_control(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  return false;
}

}  // namespace

FUZZ(input) {
  const std::string_view body = input.rest();
  if (const Result<AwsCredentials> credentials = parse_sts_credentials(body)) {
    CHECK(!credentials->access_key_id.empty() && !has_control(credentials->access_key_id));
    CHECK(!credentials->session_token.empty() && !has_control(credentials->session_token.reveal()));
    CHECK(credentials->expires_at);
  } else {
    CHECK(credentials.error().kind() == ErrorKind::Corrupt);
  }
  if (const Result<CallerIdentity> us = parse_caller_identity(body)) {
    CHECK(us->account.size() == 12 && us->account.find_first_not_of("0123456789") == std::string::npos);
    CHECK(printable(us->arn, us->arn.size() + 1) == us->arn);
  }
  if (const std::optional<AwsFailure> failure = parse_sts_failure(body)) {
    CHECK(!failure->code.empty());
    CHECK(printable(failure->code) == failure->code && printable(failure->message) == failure->message);
  }
}
