// What can be said of a configuration without asking anybody.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/printable.h"
#include "cli/amounts.h"
#include "cli/config_report.h"
#include "cli/run_command.h"
#include "io/file.h"

namespace packferry {
namespace {

// Larger than any that read_config() takes.
constexpr std::size_t kFileBytesMax = 16u * 1024 * 1024;

}  // namespace

Result<ConfigReading> Run::read_config_file(const std::string& file) const {
  const std::unique_ptr<Reader> reader = TRY(open_file(file));
  const std::vector<std::byte> bytes = TRY(read_all(*reader, kFileBytesMax).context("{}", printable(file)));
  return read_config(as_text(bytes), std::filesystem::absolute(file).parent_path().native());
}

void Run::say_mistakes(const std::string& file, const ConfigReading& reading) const {
  around_.err.write(mistakes_text(file, reading.mistakes));
  around_.err.write(fmt::format("packferry: {} in {}; nothing of it would run\n",
                                counted(reading.mistakes.size(), "mistake"), printable(file)));
}

std::vector<CheckedSecret> Run::check_secrets(const ConfigReading& reading) const {
  const std::unique_ptr<ServiceEnds> ends = around_.make_service_ends(end_options());
  std::vector<CheckedSecret> checked;
  for (SecretUse& use : secrets_of(*reading.fleet, reading.serve ? &*reading.serve : nullptr)) {
    const Result<> found = check_secret(use, *ends);
    checked.push_back({std::move(use), found ? std::nullopt : std::optional(found.error())});
  }
  return checked;
}

ExitStatus Run::operator()(const ConfigCommand& command) {
  if (command.action == ConfigCommand::Action::Example)
    return deliver("config", config_example(command.kind), command.output);
  if (command.action == ConfigCommand::Action::Schema) return deliver("config", config_schema(), command.output);

  const Result<ConfigReading> reading = read_config_file(command.file);
  if (!reading) return give_up("config", ExitStatus::Usage, reading.error());
  std::vector<CheckedSecret> secrets;
  if (command.secrets && reading->fleet) secrets = check_secrets(*reading);
  const auto missing = std::ranges::count_if(secrets, [](const CheckedSecret& each) { return each.error.has_value(); });
  const ExitStatus status = !reading->fleet ? ExitStatus::Usage : missing > 0 ? ExitStatus::Failed : ExitStatus::Done;
  if (common_.json) {
    print_config_json(around_.out, facts(status), command.file, *reading, command.secrets ? &secrets : nullptr);
  } else if (reading->fleet) {
    print_fleet(around_.out, command.file, *reading->fleet, reading->serve, style().paint);
    if (command.secrets)
      around_.out.write(fmt::format("{} of {} can be used\n", secrets.size() - static_cast<std::size_t>(missing),
                                    counted(secrets.size(), "secret")));
  }
  if (!reading->fleet) say_mistakes(command.file, *reading);
  for (const CheckedSecret& secret : secrets)
    if (secret.error) say_error(Error(*secret.error).context("{}", secret.use.wanted_by));
  return status;
}

}  // namespace packferry
