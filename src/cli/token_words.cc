#include "cli/token_words.h"

#include "base/printable.h"
#include "base/quantity.h"

namespace packferry {
namespace {

using Wanted = TokenCommand::Action;

Result<> take_grant(const Words& words, TokenCommand& command) {
  command.bearer = words.bearer;
  if (words.bearer.empty()) return Error(ErrorKind::Invalid, "say with --bearer who gets the token");
  for (const std::string& word : words.scopes) {
    const std::optional<Scope> scope = parse_scope(word);
    if (!scope)
      return Error(ErrorKind::Invalid, "--scope: '{}' is none of read, operate, destroy, admin", printable(word));
    command.scopes.insert(*scope);
  }
  if (command.scopes.empty()) return Error(ErrorKind::Invalid, "say with --scope what the token is for");
  command.replicas = words.replicas;
  if (!words.expires.empty()) command.lasts = TRY(parse_duration(words.expires).context("--expires"));
  return {};
}

}  // namespace

Result<TokenCommand> token_command_of(const Words& words) {
  const std::string_view verb = words.words.empty() ? std::string_view() : words.words.front();
  const std::size_t count = words.words.size();
  TokenCommand command{.catalogue = words.catalogue};
  if (verb == "create" && count == 1) {
    command.action = Wanted::Create;
    TRY(take_grant(words, command));
    return command;
  }
  if (verb == "list" && count == 1) return command;
  if (verb == "revoke" && count == 2) {
    command.action = Wanted::Revoke;
    command.id = words.words.back();
    return command;
  }
  return Error(ErrorKind::Invalid, "say what to do: create, list, or revoke ID");
}

}  // namespace packferry
