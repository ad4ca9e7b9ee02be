#include "cli/replica_words.h"

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "base/quantity.h"

namespace packferry {
namespace {

using Wanted = ReplicaCommand::Action;

struct Verb {
  std::string_view name;
  Wanted action;
  std::size_t words_min;  // after the verb
  std::size_t words_max;
  std::string_view usage;
};
constexpr std::size_t kAnyNumber = static_cast<std::size_t>(-1);
constexpr std::array<Verb, 11> kVerbs{{{"create", Wanted::Create, 2, 2, "SOURCE DESTINATION"},
                                       {"get", Wanted::Get, 1, 1, "NAME"},
                                       {"list", Wanted::List, 0, 0, ""},
                                       {"pause", Wanted::Pause, 1, 1, "NAME"},
                                       {"resume", Wanted::Resume, 1, 1, "NAME"},
                                       {"sync", Wanted::Sync, 1, 1, "NAME"},
                                       {"delete", Wanted::Delete, 1, 1, "NAME"},
                                       {"history", Wanted::History, 1, 1, "NAME"},
                                       {"audit", Wanted::Audit, 0, 1, "[NAME]"},
                                       {"approve", Wanted::Approve, 2, 2, "NAME PLAN"},
                                       {"parity", Wanted::Parity, 1, kAnyNumber, "NAME..."}}};

Result<ReplicaStatus> parse_status(std::string_view text) {
  if (const auto status = parse_replica_status(text)) return *status;
  return Error(ErrorKind::Invalid, "--status: '{}' is none; UpToDate, Behind, Held, Failing, …", printable(text));
}

Result<ReplicaPolicy> policy_of(const Words& words) {
  ReplicaPolicy policy;
  policy.refs = TRY(refspecs_of(words));
  TRY(take_following(words, policy));
  TRY(policy.policy().context("--ref"));
  return policy;
}

Result<ReplicaWish> wish_of(const Words& words) {
  Url source = TRY(Url::parse(words.words[1]));
  Url destination = TRY(Url::parse(words.words[2]));
  // What is remembered has no secrets in it, and would not get in without them later.
  for (const Url* url : {&source, &destination})
    if (!url->password().empty())
      return Error(ErrorKind::Invalid, "{}: an order is remembered, and passwords are not; use a credential helper",
                   url->text());
  ReplicaWish wish{.name = words.name, .source = std::move(source), .destination = std::move(destination)};
  wish.policy = TRY(policy_of(words));
  wish.ignore_non_empty_destination = words.ignore_non_empty_destination;
  wish.replace_branches = words.replace_branches;
  wish.allowed_regions = words.allowed_regions;
  wish.role = words.role;
  wish.schedule = words.schedule;
  if (!words.freshness.empty()) wish.freshness = TRY(parse_duration(words.freshness).context("--freshness"));
  return wish;
}

Result<> take_service(const Words& words, ReplicaCommand& command) {
  command.server = words.server;
  command.token_file = words.token_file;
  command.no_wait = words.no_wait;
  if (words.server.empty()) return {};
  if (!words.catalogue.empty()) return Error(ErrorKind::Invalid, "--server and --catalogue: say one of them");
  if (command.action == Wanted::Parity)
    return Error(ErrorKind::Invalid, "parity is seen from here; say --catalogue instead of --server");
  if (words.create) return Error(ErrorKind::Invalid, "--create: what is made at a host is for the service to say");
  return {};
}

}  // namespace

Result<ReplicaCommand> replica_command_of(const Words& words) {
  const std::string_view name = words.words.empty() ? std::string_view() : words.words.front();
  const auto verb = std::ranges::find(kVerbs, name, &Verb::name);
  if (verb == kVerbs.end())
    return Error(ErrorKind::Invalid,
                 "say what to do: create, get, list, pause, resume, sync, delete, history, audit, approve or parity");
  const std::size_t count = words.words.size() - 1;
  if (count < verb->words_min || count > verb->words_max)
    return Error(ErrorKind::Invalid, "it is: packferry replica {} {}", verb->name, verb->usage);

  ReplicaCommand command{.action = verb->action, .catalogue = words.catalogue};
  TRY(take_service(words, command));
  if (verb->action == Wanted::Create) {
    command.wish = TRY(wish_of(words));
    return command;
  }
  command.names.assign(words.words.begin() + 1, words.words.end());
  if (verb->action == Wanted::Approve) {
    command.plan = command.names.back();
    command.names.pop_back();
  }
  command.last = words.last;
  if (!words.status.empty()) command.status = TRY(parse_status(words.status));
  return command;
}

}  // namespace packferry
