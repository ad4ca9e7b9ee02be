#include <fmt/format.h>

#include <chrono>

#include "cli/report.h"
#include "cli/report_json.h"
#include "cli/run_command.h"

namespace packferry {
namespace {

std::string answer_of(const GitPassword& password) {
  std::string text =
      fmt::format("username={}\npassword={}\n", password.credentials.username, password.credentials.password.reveal());
  if (password.expires_at)
    text += fmt::format("password_expiry_utc={}\n", std::chrono::system_clock::to_time_t(*password.expires_at));
  return text;
}

}  // namespace

ExitStatus Run::operator()(const CreateRepositoryCommand& command) {
  constexpr std::string_view kName = "create-repository";
  const Result<std::unique_ptr<Ends>> ends = make_ends();
  if (!ends) return give_up(kName, ExitStatus::Usage, ends.error());
  Result<HostedPlace> place = (*ends)->hosted(command.url, Side::Destination);
  if (!place) return give_up(kName, ExitStatus::Usage, place.error());

  const Result<HostedRepository> made =
      place->host->create({.name = place->repository, .description = command.description, .tags = command.tags}, stop_);
  if (!made) {
    const bool is_usage = made.error().kind() == ErrorKind::Invalid;
    return give_up(kName, is_usage ? ExitStatus::Usage : failure(), made.error());
  }
  if (common_.json) {
    print_created_json(around_.out, facts(ExitStatus::Done), place->host->name(), *made);
  } else {
    print_created(around_.out, *made, style());
  }
  return ExitStatus::Done;
}

// gitcredentials(7), CUSTOM HELPERS: what a helper does not know it passes over, so that git asks the next one.
ExitStatus Run::operator()(const CredentialCommand& command) {
  const Result<std::string> question = around_.read_input();
  if (!question) return give_up("credential", ExitStatus::Failed, question.error());
  if (command.action != "get") return ExitStatus::Done;
  const std::optional<Url> url = parse_credential_question(*question);
  if (!url) return ExitStatus::Done;

  const Result<std::unique_ptr<Ends>> ends = make_ends();
  if (!ends) return give_up("credential", ExitStatus::Usage, ends.error());
  const Result<std::optional<GitPassword>> password = (*ends)->git_password(*url, Side::Source, stop_);
  if (!password) return give_up("credential", failure(), password.error());
  const bool is_for_another = *password && !url->user().empty() && url->user() != (*password)->credentials.username;
  if (!*password || is_for_another) return ExitStatus::Done;
  around_.out.write(answer_of(**password));
  return ExitStatus::Done;
}

}  // namespace packferry
