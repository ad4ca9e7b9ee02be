#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>

#include "base/printable.h"
#include "cli/help.h"
#include "cli/one_way.h"

namespace packferry {
namespace {

// The words as they were given; what they mean is decided after all of them have been seen.
struct Words {
  std::vector<std::string> urls;
  std::vector<std::string> refs;
  std::vector<std::string> excludes;
  std::string policy = "mirror";
  std::string allow_deletions;
  std::string allow_rewinds;
  bool keep_old_tips = true;
  std::string atomic = "auto";
  bool ignore_non_empty_destination = false;
  bool dry_run = false;

  int protocol = 2;
  int stall_seconds = 300;
  std::string credentials;
  std::string source_credentials;
  std::string destination_credentials;
  std::string ca_file;
  std::string color = "auto";
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool version = false;
};

constexpr std::string_view kCommands[] = {"replicate", "refs", "compare"};
constexpr int kStallSecondsMax = 24 * 60 * 60;

void add_common(CLI::App& app, Words& words) {
  app.add_option("--protocol", words.protocol)->check(CLI::IsMember({0, 2}));
  app.add_option("--stall-timeout", words.stall_seconds)->check(CLI::Range(1, kStallSecondsMax));
  app.add_option("--credentials", words.credentials);
  app.add_option("--source-credentials", words.source_credentials);
  app.add_option("--destination-credentials", words.destination_credentials);
  app.add_option("--ca-file", words.ca_file);
  app.add_option("--color", words.color)->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("--json", words.json);
  CLI::Option* quiet = app.add_flag("--quiet,-q", words.quiet);
  app.add_flag("--verbose,-v", words.verbose)->excludes(quiet);
}

void add_selection(CLI::App& app, Words& words) {
  // One pattern a flag: the next word is a repository, not one more pattern.
  app.add_option("--ref", words.refs)->allow_extra_args(false);
  app.add_option("--exclude", words.excludes)->allow_extra_args(false);
}

void add_replicate(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("replicate");
  add_selection(app, words);
  app.add_option("--policy", words.policy);
  app.add_option("--allow-deletions", words.allow_deletions);
  app.add_option("--allow-rewinds", words.allow_rewinds);
  app.add_flag("--keep-old-tips,!--no-keep-old-tips", words.keep_old_tips);
  app.add_option("--atomic", words.atomic);
  app.add_flag("--ignore-non-empty-destination", words.ignore_non_empty_destination);
  app.add_flag("--dry-run,-n", words.dry_run);
  add_common(app, words);
  app.add_option("URL", words.urls);
}

std::unique_ptr<CLI::App> make_parser(Words& words) {
  auto program = std::make_unique<CLI::App>();
  program->add_flag("--version", words.version);
  program->require_subcommand(0, 1);
  add_replicate(*program, words);

  CLI::App& refs = *program->add_subcommand("refs");
  add_common(refs, words);
  refs.add_option("URL", words.urls);

  CLI::App& compare = *program->add_subcommand("compare");
  add_selection(compare, words);
  add_common(compare, words);
  compare.add_option("URL", words.urls);
  return program;
}

std::string chosen_command(const CLI::App& program) {
  const std::vector<CLI::App*> chosen = program.get_subcommands();
  return chosen.empty() ? std::string() : chosen.front()->get_name();
}

Answer usage_error(std::string_view command, std::string_view message) {
  const std::string name = command.empty() ? "packferry" : fmt::format("packferry {}", command);
  return {.status = ExitStatus::Usage,
          .err = fmt::format("{}: {}\nTry '{} --help'.\n", name, printable(message), name)};
}

Result<RefspecSet> selection_of(const Words& words) {
  std::vector<Refspec> specs;
  for (const std::string& pattern : words.refs) specs.push_back(TRY(Refspec::parse_short(pattern).context("--ref")));
  if (specs.empty()) {
    specs.push_back(TRY(Refspec::parse("refs/heads/*")));
    specs.push_back(TRY(Refspec::parse("refs/tags/*")));
  }
  for (const std::string& pattern : words.excludes) {
    const std::string negative = pattern.starts_with('^') ? pattern : "^" + pattern;
    specs.push_back(TRY(Refspec::parse_short(negative).context("--exclude")));
  }
  return RefspecSet::from(std::move(specs)).context("--ref");
}

Result<Policy> policy_of(const Words& words) {
  Policy policy;
  policy.selection = TRY(selection_of(words));
  policy.follow = TRY(parse_follow_mode(words.policy).context("--policy"));
  policy.atomic = TRY(parse_atomic_mode(words.atomic).context("--atomic"));
  if (!words.allow_deletions.empty())
    policy.allow_deletions = TRY(Allowance::parse(words.allow_deletions).context("--allow-deletions"));
  if (!words.allow_rewinds.empty())
    policy.allow_rewinds = TRY(Allowance::parse(words.allow_rewinds).context("--allow-rewinds"));
  policy.keep_old_tips = words.keep_old_tips;
  policy.ignore_non_empty_destination = words.ignore_non_empty_destination;
  return policy;
}

Result<std::vector<Url>> urls_of(const Words& words) {
  std::vector<Url> urls;
  for (const std::string& text : words.urls) urls.push_back(TRY(Url::parse(text)));
  return urls;
}

CommonOptions common_of(const Words& words) {
  CommonOptions common;
  common.ends.protocol = words.protocol;
  common.ends.patience.stall_ms = std::chrono::seconds(words.stall_seconds);
  common.ends.credentials_file = words.credentials;
  common.ends.source_credentials_file = words.source_credentials;
  common.ends.destination_credentials_file = words.destination_credentials;
  common.ends.ca_file = words.ca_file;
  common.color = words.color == "always"  ? ColorMode::Always
                 : words.color == "never" ? ColorMode::Never
                                          : ColorMode::Auto;
  common.json = words.json;
  common.quiet = words.quiet;
  common.verbose = words.verbose;
  return common;
}

Result<CommandLine> replicate_of(const Words& words) {
  if (words.urls.empty()) return Error(ErrorKind::Invalid, "SOURCE and DESTINATION are missing");
  if (words.urls.size() == 1) return Error(ErrorKind::Invalid, "DESTINATION is missing: where should it go?");
  std::vector<Url> urls = TRY(urls_of(words));
  Url source = std::move(urls.front());
  urls.erase(urls.begin());
  TRY(check_one_way(source, urls));
  Policy policy = TRY(policy_of(words));
  return CommandLine{common_of(words), ReplicateCommand{.source = std::move(source),
                                                        .destinations = std::move(urls),
                                                        .policy = std::move(policy),
                                                        .dry_run = words.dry_run}};
}

Result<CommandLine> refs_of(const Words& words) {
  if (words.urls.empty()) return Error(ErrorKind::Invalid, "URL is missing");
  if (words.urls.size() > 1) return Error(ErrorKind::Invalid, "one URL at a time, not {}", words.urls.size());
  std::vector<Url> urls = TRY(urls_of(words));
  return CommandLine{common_of(words), RefsCommand{.url = std::move(urls.front())}};
}

Result<CommandLine> compare_of(const Words& words) {
  if (words.urls.size() < 2)
    return Error(ErrorKind::Invalid, "two URLs or more are compared, not {}", words.urls.size());
  std::vector<Url> urls = TRY(urls_of(words));
  RefspecSet selection = TRY(selection_of(words));
  return CommandLine{common_of(words), CompareCommand{.urls = std::move(urls), .selection = std::move(selection)}};
}

Result<CommandLine> command_of(std::string_view command, const Words& words) {
  if (command == "replicate") return replicate_of(words);
  return command == "refs" ? refs_of(words) : compare_of(words);
}

bool is_unknown_command(const std::vector<std::string>& words) {
  return !words.empty() && !words.front().starts_with('-') && !std::ranges::count(kCommands, words.front());
}

// "help replicate" is "replicate --help".
std::vector<std::string> with_help_first(std::vector<std::string> words) {
  if (words.empty() || words.front() != "help") return words;
  words.erase(words.begin());
  words.push_back("--help");
  return words;
}

}  // namespace

std::variant<CommandLine, Answer> parse_command_line(const std::vector<std::string>& given, std::string_view version) {
  Words words;
  const std::unique_ptr<CLI::App> program = make_parser(words);
  std::vector<std::string> reversed = with_help_first(given);
  if (is_unknown_command(reversed))
    return usage_error(
        "", fmt::format("there is no command '{}'; there are replicate, refs and compare", reversed.front()));
  try {
    std::reverse(reversed.begin(), reversed.end());  // as CLI11 takes them
    program->parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return Answer{.out = std::string(help_text(chosen_command(*program)))};
  } catch (const CLI::ParseError& error) {
    return usage_error(chosen_command(*program), error.what());
  }
  const std::string command = chosen_command(*program);
  if (words.version) return Answer{.out = fmt::format("packferry {}\n", version)};
  if (command.empty()) return Answer{.out = std::string(help_text(""))};

  Result<CommandLine> understood = command_of(command, words);
  if (!understood) return usage_error(command, understood.error().message());
  return std::move(understood).value();
}

std::vector<std::string> option_names(std::string_view command) {
  Words words;
  const std::unique_ptr<CLI::App> program = make_parser(words);
  std::vector<std::string> names;
  for (const CLI::Option* option : program->get_subcommand(std::string(command))->get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

}  // namespace packferry
