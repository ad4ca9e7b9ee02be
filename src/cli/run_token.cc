// Who may ask a service: written into its catalogue, where it looks with each request.
#include <fmt/format.h>

#include "api/token_json.h"
#include "base/check.h"
#include "base/printable.h"
#include "cli/run_command.h"

namespace packferry {
namespace {

constexpr std::string_view kName = "token";
constexpr int kIndent = 2;

std::string line_of(const TokenRecord& token, Clock::WallTime now) {
  const std::string replicas =
      token.replicas.empty() ? "all replicas" : fmt::format("{}", fmt::join(token.replicas, " "));
  const std::string end = !token.expires_at          ? "for good"
                          : *token.expires_at <= now ? "expired " + to_iso8601(*token.expires_at)
                                                     : "until " + to_iso8601(*token.expires_at);
  return fmt::format("{}  {}: {}; {}; {}\n", token.id, printable(token.bearer), token.scopes, printable(replicas), end);
}

}  // namespace

ExitStatus Run::operator()(const TokenCommand& command) {
  const std::string file = command.catalogue.empty() ? around_.catalogue : command.catalogue;
  const Result<std::unique_ptr<Tokens>> tokens = Tokens::open(file).context("the catalogue");
  if (!tokens) return give_up(kName, ExitStatus::Failed, tokens.error());
  const auto done = [&](const Result<>& result) {
    return result ? ExitStatus::Done : give_up(kName, status_of(result.error()), result.error());
  };
  switch (command.action) {
    case TokenCommand::Action::Create:
      return done(create_token(command, **tokens));
    case TokenCommand::Action::List:
      return done(list_tokens(**tokens));
    case TokenCommand::Action::Revoke:
      return done((*tokens)->revoke(command.id, around_.who, around_.clock.now()));
  }
  CHECK(!"an Action is one of these");
  return ExitStatus::Failed;
}

// The token stands alone on standard output, so that it can go into a file or a vault.
Result<> Run::create_token(const TokenCommand& command, Tokens& tokens) {
  const Clock::WallTime now = around_.clock.now();
  const std::optional<Clock::WallTime> expires_at = command.lasts ? std::optional(now + *command.lasts) : std::nullopt;
  const NewToken made = TRY(make_token(command.bearer, command.scopes, command.replicas, expires_at));
  const TokenRecord record = to_record(made.grant, now);
  TRY(tokens.create(record, around_.who));
  if (common_.json) {
    around_.out.write(new_token_json(made.token, record, kIndent));
  } else {
    around_.err.write(line_of(record, now) + "It is shown only now; what is kept does not tell it again.\n");
    around_.out.write(made.token.reveal() + "\n");
  }
  return {};
}

Result<> Run::list_tokens(Tokens& tokens) {
  const std::vector<TokenRecord> all = TRY(tokens.list("", Tokens::kTokensMax));
  if (common_.json) {
    around_.out.write(tokens_json(all, kIndent));
    return {};
  }
  std::string text;
  for (const TokenRecord& token : all) text += line_of(token, around_.clock.now());
  around_.out.write(text);
  return {};
}

}  // namespace packferry
