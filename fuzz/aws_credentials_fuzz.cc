// What a metadata service says and what a credential_process prints, and the command of such a process. Credentials
// have both their parts and can stand in a header; an error repeats no secret.
#include "aws/aws_credentials.h"
#include "aws/credential_process.h"
#include "fuzz.h"

using namespace packferry;

namespace {

void check(const Result<AwsCredentials>& credentials) {
  if (!credentials) {
    CHECK(credentials.error().message().size() < 1000);
    return;
  }
  CHECK(!credentials->access_key_id.empty() && !credentials->secret_access_key.empty());
  for (const std::string& text : {credentials->access_key_id, credentials->session_token.reveal()})
    CHECK(text.find_first_of("\r\n") == std::string::npos);
}

}  // namespace

FUZZ(input) {
  const std::string_view text = input.rest();
  check(parse_metadata_credentials(text));
  check(parse_process_credentials(text));
  const Result<std::vector<std::string>> words = split_command(text);
  if (!words) return;
  CHECK(!words->empty() && !words->front().empty());
  std::size_t size = 0;
  for (const std::string& word : *words) size += word.size();
  CHECK(size <= text.size());
}
