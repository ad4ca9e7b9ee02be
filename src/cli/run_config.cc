// What can be said of a configuration without asking anybody.
#include <fmt/format.h>

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

ExitStatus Run::operator()(const ConfigCommand& command) {
  if (command.action == ConfigCommand::Action::Example)
    return deliver("config", config_example(command.kind), command.output);
  if (command.action == ConfigCommand::Action::Schema) return deliver("config", config_schema(), command.output);

  const Result<ConfigReading> reading = read_config_file(command.file);
  if (!reading) return give_up("config", ExitStatus::Usage, reading.error());
  const ExitStatus status = reading->fleet ? ExitStatus::Done : ExitStatus::Usage;
  if (common_.json) {
    print_config_json(around_.out, facts(status), command.file, *reading);
  } else if (reading->fleet) {
    print_fleet(around_.out, command.file, *reading->fleet, reading->serve, style().paint);
  }
  if (!reading->fleet) say_mistakes(command.file, *reading);
  return status;
}

}  // namespace packferry
