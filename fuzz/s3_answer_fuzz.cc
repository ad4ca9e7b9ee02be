// What an S3 server says in XML: what is taken from it can be sent back to it, in a URL, and shown to a person.
#include <algorithm>

#include "base/printable.h"
#include "fuzz.h"
#include "store/s3_answer.h"

namespace {

using namespace packferry;

bool can_be_sent(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

template <typename T>
void check_error(const Result<T>& result) {
  if (result) return;
  CHECK(result.error().kind() == ErrorKind::Corrupt || result.error().kind() == ErrorKind::Unavailable);
  CHECK(result.error().message().size() < 90);  // the same few sentences for all there is
}

}  // namespace

FUZZ(input) {
  const std::string_view text = input.rest();
  if (const auto failure = parse_s3_failure(text)) {
    for (const std::string* shown : {&failure->code, &failure->message, &failure->request_id})
      CHECK(printable(*shown) == *shown);
  }
  const auto objects = parse_s3_objects(text);
  check_error(objects);
  if (objects) CHECK(can_be_sent(objects->next_token));
  const auto uploads = parse_s3_uploads(text);
  check_error(uploads);
  if (uploads) {
    CHECK(can_be_sent(uploads->next_key_marker) && can_be_sent(uploads->next_id_marker));
    for (const auto& upload : uploads->uploads) CHECK(!upload.id.empty() && can_be_sent(upload.id));
  }
  const auto id = parse_s3_upload_id(text);
  check_error(id);
  if (id) CHECK(!id->empty() && can_be_sent(*id));
  check_error(parse_s3_completion(text));
  for (const auto& said : {parse_s3_versioning(text), parse_s3_object_lock(text)}) {
    check_error(said);
    if (said) CHECK(printable(*said) == *said);
  }
}
