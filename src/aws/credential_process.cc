#include "aws/credential_process.h"

#include <string.h>

#include <optional>

#include "base/printable.h"
#include "io/process.h"

namespace packferry {
namespace {

constexpr std::size_t kOutputBytesMax = 64 * 1024;
// It may have to ask somebody far away, or a person for a second factor.
constexpr Milliseconds kStall = std::chrono::minutes(2);

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

// As Python's shlex.split(), which is what AWS's own tools split with.
Result<std::vector<std::string>> split_command(std::string_view command) {
  std::vector<std::string> words;
  std::optional<std::string> word;
  char quote = 0;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    const bool is_escape = c == '\\' && quote != '\'';
    if (is_escape) {
      if (++i == command.size()) return Error(ErrorKind::Invalid, "the command ends in a backslash");
      const bool stays = quote == '"' && command[i] != '"' && command[i] != '\\';
      if (!word) word.emplace();
      if (stays) *word += '\\';
      *word += command[i];
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      if (!word) word.emplace();
    } else if (quote == 0 && is_space(c)) {
      if (word) words.push_back(*std::exchange(word, std::nullopt));
    } else {
      if (!word) word.emplace();
      *word += c;
    }
  }
  if (quote != 0) return Error(ErrorKind::Invalid, "the command has a quote without its other");
  if (word) words.push_back(*std::move(word));
  if (words.empty() || words.front().empty()) return Error(ErrorKind::Invalid, "the command names no program");
  return words;
}

Result<AwsCredentials> ProcessCredentials::get(std::stop_token stop) {
  const std::string doing = fmt::format("credential_process '{}'", printable(argv_.front(), 200));
  ProcessOutput done = TRY(run_process({.argv = argv_, .environment = environment_, .directory = {}}, "",
                                       kOutputBytesMax, Patience{.stall_ms = kStall}, std::move(stop))
                               .context("{}", doing));
  const bool worked = done.exit.code == 0;
  Result<AwsCredentials> credentials =
      worked ? parse_process_credentials(done.output)
             : Error(ErrorKind::Denied, "exit status {}: {}", done.exit.code, printable(done.exit.stderr_text, 300));
  explicit_bzero(done.output.data(), done.output.size());
  return std::move(credentials).context("{}", doing);
}

}  // namespace packferry
