// What a person reads when it is over. The last word of every command goes to standard output; its progress and its
// errors do not. All text from peers is made printable here once more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/comparison.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "engine/crossing.h"
#include "host/host.h"
#include "remote/advertisement.h"

namespace packferry {

struct TextStyle {
  Paint paint{false};
  bool quiet = false;  // only the last line
};

// `more` stands before the last line.
void print_crossing(Output& output, const CrossingReport& report, ExitStatus status, TextStyle style,
                    const std::vector<std::string>& more = {});
void print_refs(Output& output, const std::string& repository, const Listing& listing, TextStyle style);
void print_created(Output& output, const HostedRepository& made, TextStyle style);
void print_comparison(Output& output, const Comparison& comparison, ExitStatus status, TextStyle style);

// "packferry: error: …", and a line with what can be done about it where the kind alone tells.
std::string error_text(const Error& error, Paint paint);

// "done", "up to date", "held by the guard", …
std::string status_words(LegStatus status);
// "3 to create, 1 to rewind, 2 withheld"; "nothing to do"
std::string plan_summary(const Plan& plan);

}  // namespace packferry
