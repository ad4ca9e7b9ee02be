// An object name has one spelling.
#include "fuzz.h"
#include "git/oid.h"

FUZZ(input) {
  using namespace packferry;
  const std::string_view text = input.rest();
  const Result<Oid> oid = Oid::parse(text);
  if (!oid) {
    CHECK(oid.error().kind() == ErrorKind::Corrupt);
    return;
  }
  CHECK(oid->hex() == text);
  CHECK(Oid::from_bytes(oid->format(), oid->bytes()) == *oid);
  CHECK(oid->is_zero() == (text.find_first_not_of('0') == std::string_view::npos));
}
