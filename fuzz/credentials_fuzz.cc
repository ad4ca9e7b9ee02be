// What a credentials file and a credential helper say: whatever is understood of it comes from a line of its own, makes
// a header of one line, and an error repeats none of it.
#include <algorithm>

#include "fuzz.h"
#include "net/credentials.h"

namespace {

using namespace packferry;

bool has_line(std::string_view text, const std::string& line) {
  for (std::size_t at = 0; (at = text.find(line, at)) != std::string_view::npos; ++at) {
    const std::string_view after = text.substr(at + line.size());
    const bool begins = at == 0 || text[at - 1] == '\n';
    if (begins && (after.empty() || after.starts_with('\n') || after.starts_with("\r\n") || after == "\r")) return true;
  }
  return false;
}

void check(std::string_view text, const Credentials& credentials) {
  const std::string& password = credentials.password.reveal();
  CHECK(has_line(text, "password=" + password) || has_line(text, "token=" + password));
  const Secret header = credentials.authorization();
  CHECK(header.reveal().starts_with("Basic "));
  CHECK(std::all_of(header.reveal().begin(), header.reveal().end(), [](char c) { return c >= ' ' && c <= '~'; }));
}

}  // namespace

FUZZ(input) {
  const std::string_view text = input.rest();
  if (const auto answer = parse_helper_answer(text)) check(text, *answer);
  const Result<Credentials> file = parse_credentials(text);
  if (file) return check(text, *file);
  CHECK(file.error().kind() == ErrorKind::Invalid);
  // The same few sentences for all there is.
  CHECK(file.error().message().size() < 90);
}
