// What a person, or a program, reads of what doctor has found: docs/formats/report.md.
#pragma once

#include <vector>

#include "cli/report.h"
#include "cli/report_json.h"
#include "engine/doctor.h"

namespace packferry {

void print_doctor(Output& output, const std::vector<Examination>& examinations, TextStyle style);
void print_doctor_json(Output& output, const RunFacts& facts, const std::vector<Examination>& examinations);

}  // namespace packferry
