// The first line is a header, the rest the body of a refusal. What is read from them has a code, and can be shown.
#include "aws/aws_client.h"
#include "base/printable.h"
#include "fuzz.h"

using namespace packferry;

FUZZ(input) {
  const std::string_view header = input.line();
  const std::optional<AwsFailure> failure = parse_json_failure(header, input.rest());
  if (!failure) return;
  CHECK(!failure->code.empty() && failure->code.size() <= 110);
  CHECK(printable(failure->code) == failure->code && printable(failure->message) == failure->message);
}
