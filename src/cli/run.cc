#include "cli/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "cli/commands.h"
#include "cli/comparison.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/report_json.h"
#include "cli/run_command.h"
#include "io/file.h"

namespace packferry {
Error Run::naming(const std::string& repository, const Error& error) {
  if (error.message().find(repository) != std::string::npos) return error;
  return Error(error).context("{}", repository);
}

std::unique_ptr<Progress> Run::make_progress(const Labels& labels) const {
  if (common_.verbose) return make_log_progress(around_.log, around_.clock, labels);
  if (common_.quiet) return make_no_progress();
  if (around_.err.window() && !around_.plain_terminal)
    return make_terminal_progress(around_.err, Paint(is_colored(around_.err)), around_.clock, labels);
  return make_plain_progress(around_.err, around_.clock, labels);
}

ProgressForm Run::progress_form() const {
  if (common_.quiet) return ProgressForm::None;
  const bool redraws = around_.err.window() && !around_.plain_terminal && !common_.verbose;
  return redraws ? ProgressForm::Redrawn : ProgressForm::Lines;
}

void Run::warn_of_password(const Url& url) const {
  if (url.password().empty()) return;
  around_.err.write(fmt::format(
      "packferry: warning: the password in {} is seen by everybody who lists this machine's processes; give "
      "it to a git credential helper, or in PACKFERRY_PASSWORD\n",
      url.text()));
}

ExitStatus Run::give_up(std::string_view command, ExitStatus status, const Error& error) const {
  say_error(error);
  if (common_.json) print_error_json(around_.out, facts(status), command, error);
  return status;
}

Result<Listing> Run::list(Source& source, const RefspecSet& selection) const {
  Result<Listing> listing = source.refs(selection, stop_);
  if (!listing) return naming(source.name(), listing.error());
  return listing;
}

// The first repository as the others should be, and each of the others as it is. One that cannot be listed is noted.
Result<Comparison> Run::compare(const CompareCommand& command) const {
  const std::unique_ptr<Ends> ends = TRY(make_ends());
  std::vector<std::unique_ptr<Source>> sources;
  for (const Url& url : command.urls)
    sources.push_back(TRY(ends->source(url, sources.empty() ? Side::Source : Side::Destination)));

  Comparison comparison;
  RefMap wanted;
  comparison.first.repository = sources.front()->name();
  if (Result<Listing> listing = list(*sources.front(), command.selection); listing) {
    wanted = TRY(command.selection.map(listing->refs).context("{}", sources.front()->name()));
    comparison.first.head = listing->head;
    comparison.first.refs = wanted.size();
  } else {
    comparison.first.error = std::move(listing).error();
    return comparison;
  }
  for (std::size_t i = 1; i < sources.size(); ++i) {
    ComparedRepository& other = comparison.others.emplace_back();
    other.repository = sources[i]->name();
    // Under the names of the other side, and so not narrowed by a selection that is written in those of the first.
    Result<Listing> listing = list(*sources[i], RefspecSet());
    if (!listing) {
      other.error = std::move(listing).error();
      continue;
    }
    const RefMap covered = listing->refs.filtered([&](const Ref& ref) { return command.selection.covers(ref.name); });
    other.head = listing->head;
    other.refs = covered.size();
    other.differences = differences(wanted, covered);
  }
  return comparison;
}

// An Error before the first byte is one of configuration; what happens on the way is in the report.
Result<CrossingReport> Run::cross(const ReplicateCommand& command) const {
  const std::unique_ptr<Ends> ends = TRY(make_ends());
  const std::unique_ptr<Source> source = TRY(ends->source(command.source, Side::Source));
  std::vector<std::unique_ptr<Destination>> destinations;
  std::vector<Destination*> legs;
  for (const Url& url : command.destinations) {
    destinations.push_back(TRY(ends->destination(url)));
    legs.push_back(destinations.back().get());
  }
  const std::unique_ptr<Progress> progress = make_progress(labels_of(command.source, command.destinations));
  Crossing crossing(*source, legs,
                    {.policy = command.policy,
                     .dry_run = command.dry_run,
                     .patience = common_.ends.patience,
                     .push_bytes_max = command.push_bytes_max},
                    around_.clock, progress.get());
  return cross(crossing, *progress);
}

CrossingReport Run::cross(Crossing& crossing, Progress& progress) const {
  CrossingReport report;
  {
    const std::stop_callback tell(stop_, [&] { progress.note("stopping; once more to stop at once"); });
    report = crossing.run(stop_);
  }
  progress.end();
  return report;
}

ExitStatus Run::operator()(const ReplicateCommand& command) {
  warn_of_password(command.source);
  for (const Url& url : command.destinations) warn_of_password(url);

  const Result<CrossingReport> crossed = cross(command);
  if (!crossed) return give_up("replicate", ExitStatus::Usage, crossed.error());
  const CrossingReport& report = *crossed;

  // Without the source no leg has a story of its own.
  if (report.error) say_error(*report.error);
  for (const LegReport& leg : report.legs)
    if (leg.error && !report.error) say_error(naming(leg.destination, *leg.error));

  const ExitStatus status = exit_status_of(report, stop_.stop_requested());
  if (common_.json) {
    print_crossing_json(around_.out, facts(status), report, command.policy.follow, command.dry_run);
  } else {
    print_crossing(around_.out, report, status, style());
  }
  return status;
}

ExitStatus Run::operator()(const RefsCommand& command) {
  warn_of_password(command.url);
  const Result<std::unique_ptr<Ends>> ends = make_ends();
  if (!ends) return give_up("refs", ExitStatus::Usage, ends.error());
  const Result<std::unique_ptr<Source>> source = (*ends)->source(command.url, Side::Source);
  if (!source) return give_up("refs", ExitStatus::Usage, source.error());

  const Result<Listing> listing = list(**source, RefspecSet());
  if (!listing) return give_up("refs", failure(), listing.error());
  if (common_.json) {
    print_refs_json(around_.out, facts(ExitStatus::Done), (*source)->name(), *listing);
  } else {
    print_refs(around_.out, (*source)->name(), *listing, style());
  }
  return ExitStatus::Done;
}

ExitStatus Run::operator()(const CompareCommand& command) {
  for (const Url& url : command.urls) warn_of_password(url);
  const Result<Comparison> compared = compare(command);
  if (!compared) return give_up("compare", ExitStatus::Usage, compared.error());

  ExitStatus status = ExitStatus::Done;
  for (const ComparedRepository& other : compared->others)
    if (!other.error && !other.differences.empty()) status = ExitStatus::Differs;
  for (const ComparedRepository& other : compared->others)
    if (other.error) status = failure();
  if (compared->first.error) status = failure();

  if (compared->first.error) say_error(*compared->first.error);
  for (const ComparedRepository& other : compared->others)
    if (other.error) say_error(*other.error);
  if (common_.json) {
    print_comparison_json(around_.out, facts(status), *compared);
  } else {
    print_comparison(around_.out, *compared, status, style());
  }
  return status;
}

ExitStatus Run::deliver(std::string_view command, std::string_view text, const std::string& file) const {
  if (file.empty()) {
    around_.out.write(text);
    return ExitStatus::Done;
  }
  const Result<> written = [&]() -> Result<> {
    const std::unique_ptr<Writer> writer = TRY(create_file(file, {.mode = 0644}));
    TRY(writer->write(as_bytes(text)));
    return writer->finish();
  }();
  return written ? ExitStatus::Done : give_up(command, ExitStatus::Failed, written.error());
}

Result<std::string> Run::store_report(ObjectStore& store, std::string_view key, const TextOfReport& text_of) {
  constexpr unsigned kAttemptsMax = 100;
  const std::size_t ending = std::min(key.rfind('.'), key.size());
  for (unsigned attempt = 1;; ++attempt) {
    const std::string again = attempt > 1 ? fmt::format("-{}", attempt) : std::string();
    std::string free_key = fmt::format("{}{}{}", key.substr(0, ending), again, key.substr(ending));
    const std::string text = text_of(free_key);
    // Asked to stop, it is still worth a moment to say how far it came.
    const Result<> put = store.put_if_absent(free_key, as_bytes(text), std::stop_token());
    if (put) return free_key;
    if (put.error().kind() != ErrorKind::Conflict || attempt == kAttemptsMax) return put.error();
  }
}

ExitStatus Run::operator()(const SetupCommand& command) { return deliver("setup", command.text, command.output); }

ExitStatus run_packferry(const std::vector<std::string>& words, const Surroundings& around, std::stop_token stop) {
  const std::variant<CommandLine, Answer> understood = parse_command_line(words, around.version);
  if (const Answer* answer = std::get_if<Answer>(&understood)) {
    around.out.write(answer->out);
    around.err.write(answer->err);
    return answer->status;
  }
  const CommandLine& line = std::get<CommandLine>(understood);
  const ExitStatus status = std::visit(Run(line.common, around, std::move(stop)), line.command);
  const Result<> written = around.out.status();
  if (written) return status;
  around.err.write(error_text(Error(written.error()).context("write the report"), Paint(false)));
  return status == ExitStatus::Done ? ExitStatus::Failed : status;
}

}  // namespace packferry
