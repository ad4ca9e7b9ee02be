#include <fmt/format.h>

#include <algorithm>

#include "cli/doctor_report.h"
#include "cli/run_command.h"

namespace packferry {

// What cannot even be opened is an observation like any other: the others are looked at all the same.
Result<std::vector<Examination>> Run::examine(const DoctorCommand& command) const {
  const std::unique_ptr<Ends> ends = TRY(make_ends());
  std::vector<Examination> examinations;
  const auto add = [&](const char* side, const std::string& where, const auto& end, const auto& look) {
    if (end) {
      examinations.push_back(look(**end));
    } else {
      examinations.push_back(
          {.side = side, .name = where, .observations = {{Verdict::Cannot, "reach it", end.error().message()}}});
    }
  };
  if (command.vault)
    add("store", command.vault->store.text(), ends->store(command.vault->store, command.vault->store_options, true),
        [&](ObjectStore& store) { return examine_store(store, command.expected, around_.clock, stop_); });
  if (command.source)
    add("source", command.source->text(), ends->source(*command.source, Side::Source),
        [&](Source& source) { return examine_source(source, stop_); });
  if (command.destination)
    add("destination", command.destination->text(), ends->destination(*command.destination),
        [&](Destination& destination) { return examine_destination(destination, stop_); });
  return examinations;
}

ExitStatus Run::operator()(const DoctorCommand& command) {
  for (const std::optional<Url>* url : {&command.source, &command.destination})
    if (*url) warn_of_password(**url);
  const Result<std::vector<Examination>> examined = examine(command);
  if (!examined) return give_up("doctor", ExitStatus::Usage, examined.error());
  const bool all_well = std::ranges::all_of(*examined, &Examination::is_healthy);
  const ExitStatus status = all_well ? ExitStatus::Done : failure();
  if (common_.json) {
    print_doctor_json(around_.out, facts(status), *examined);
  } else {
    print_doctor(around_.out, *examined, style());
  }
  return status;
}

}  // namespace packferry
