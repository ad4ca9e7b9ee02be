// The command line, understood: words to one of three commands, or to the text that answers them at once (--help,
// --version, a usage error). Pure: nothing is opened, looked up or asked here.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cli/ends.h"
#include "cli/exit_status.h"
#include "engine/policy.h"
#include "net/url.h"

namespace packferry {

enum class ColorMode { Auto, Always, Never };

// What every command takes.
struct CommonOptions {
  EndOptions ends;
  ColorMode color = ColorMode::Auto;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
};

struct ReplicateCommand {
  Url source;
  std::vector<Url> destinations;
  Policy policy;
  bool dry_run = false;
};

struct RefsCommand {
  Url url;
};

struct CompareCommand {
  std::vector<Url> urls;  // two or more; the first is what the others are compared with
  RefspecSet selection;
};

struct CommandLine {
  CommonOptions common;
  std::variant<ReplicateCommand, RefsCommand, CompareCommand> command;
};

struct Answer {
  ExitStatus status = ExitStatus::Done;
  std::string out = {};
  std::string err = {};
};

// `words` without the program's own name.
std::variant<CommandLine, Answer> parse_command_line(const std::vector<std::string>& words, std::string_view version);

// The long option names of a command ("replicate", "refs", "compare"), so that help, manual page and completion can be
// held against what is really understood.
std::vector<std::string> option_names(std::string_view command);

}  // namespace packferry
