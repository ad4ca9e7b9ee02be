// Any text is a fleet, or has mistakes: in order, within the text, said in words that can be printed. A fleet's names
// lead somewhere.
#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "config/config_file.h"
#include "fuzz.h"

using namespace packferry;

FUZZ(input) {
  const std::string_view text = input.rest();
  const ConfigReading reading = read_config(text, "/etc/packferry");
  CHECK(reading.fleet.has_value() == reading.mistakes.empty());

  const auto lines = std::ranges::count(text, '\n') + 1;
  std::pair<unsigned, unsigned> last;
  for (const ConfigMistake& mistake : reading.mistakes) {
    CHECK(mistake.line <= lines);
    CHECK(mistake.column <= text.size() + 1);
    CHECK(last <= std::pair(mistake.line, mistake.column));
    last = {mistake.line, mistake.column};
    CHECK(!mistake.what.empty());
    CHECK(printable(mistake.what, mistake.what.size()) == mistake.what);
    CHECK(printable(mistake.remedy, mistake.remedy.size()) == mistake.remedy);
  }
  if (!reading.fleet) return;
  for (const FleetBackup& backup : reading.fleet->backups)
    CHECK(reading.fleet->host(backup.source.host) != nullptr && reading.fleet->store(backup.store) != nullptr);
  for (const FleetReplica& replica : reading.fleet->replicas) {
    CHECK(reading.fleet->host(replica.source.host) != nullptr && !replica.destinations.empty());
    for (const ReplicaEnd& end : replica.destinations) CHECK(reading.fleet->host(end.host) != nullptr);
  }
}
