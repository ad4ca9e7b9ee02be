#include "cli/help.h"

namespace packferry {
namespace {

constexpr std::string_view kOverview =
    R"(packferry carries a Git repository from one host to others, as the packfiles the hosts
themselves speak. Nothing is cloned, unpacked or written to disk on the way, and "done"
means that every destination has been asked again and holds what the source holds.

  packferry replicate SOURCE DESTINATION...   make the destinations equal to the source
  packferry refs URL                          what a host shows us: refs, HEAD, abilities
  packferry compare URL URL...                do they hold the same?

Try it without touching anything:

  packferry replicate --dry-run https://github.com/you/project git@gitlab.com:you/project.git

'packferry COMMAND --help' tells the rest; 'packferry --version' says which one this is.
)";

constexpr std::string_view kReplicate =
    R"(usage: packferry replicate [options] SOURCE DESTINATION [DESTINATION...]

Makes every DESTINATION hold the branches and tags of SOURCE. Addresses are written as for
git: https://host/path, ssh://host/path, git@host:path, file:///path, a plain path; git://
for the source. A local destination that does not exist becomes a bare repository.

Which refs
  --ref PATTERN          only these, repeatable. 'main' and 'release/*' are branches, 'tag v1'
                         and 'tags/*' are tags, full names and refspecs work as in git:
                         'refs/notes/*', 'main:refs/heads/mirror/main'. Default: branches, tags
  --exclude PATTERN      not these, repeatable; the same patterns

How far to follow
  --policy mirror        equal to the source: rewinds and deletions are followed (default)
           fast-forward  a ref that diverged is left alone and reported, the rest goes on
           additive      as fast-forward, and nothing is deleted
                         What is not selected is never touched over there.

The guard. Without these, more than max(5, 10%) deletions or rewinds at once, the loss of the
default branch and the loss of every ref are held: nothing happens, exit status 3.
  --allow-deletions N|N% let that many refs be deleted, the default branch included
  --allow-rewinds N|N%   let that many refs lose commits
  --ignore-non-empty-destination
                         go on although the destination holds what the source never had
  --keep-old-tips, --no-keep-old-tips
                         before a tip is rewound or deleted, keep it at the destination under
                         refs/packferry/kept/DATE/... (default: keep)

How to do it
  --dry-run              print what would be done, ref by ref, and why; change nothing
  --atomic auto|always|never
                         all refs of a push or none, where the host can (default: auto)
  --protocol 2|0         0 speaks the old protocol, for hosts that stumble over the new one
  --stall-timeout SECONDS
                         give up after this long without a byte (default 300). A transfer
                         that moves may take for ever
  --ca-file FILE         trust these certificates instead of the system's

Who we are. What git uses works here too: credential helpers, ssh agent, keys and config,
known_hosts, GIT_SSH_COMMAND. Or, looked at in this order, the first that is there:
  PACKFERRY_TOKEN, PACKFERRY_USERNAME and PACKFERRY_PASSWORD
                         in the environment; with _SOURCE or _DESTINATION for one side only.
                         A token is sent as the password of 'oauth2', which GitHub, GitLab and
                         Gitea take, or of PACKFERRY_USERNAME
  --source-credentials FILE, --destination-credentials FILE, --credentials FILE
                         lines 'username=...', 'password=...' or 'token=...'
  One set is never shown to two hosts: give each side its own.

What is printed
  --json                 one report on standard output (docs/formats/report.md)
  --quiet                only errors and the last line
  --verbose              a log of events on standard error, instead of progress
  --color auto|always|never

Exit status
  0  all done, and confirmed by listing the destinations again
  1  failed
  2  the command line or the configuration is wrong
  3  held by the guard; the message names what allows it. The rest is done
  4  partial: some refs or destinations are done, others are not
  130  interrupted; no ref is half-way
With --dry-run: 0 when all of it would be done, 3 when the guard would hold some of it.

Examples
  packferry replicate https://github.com/you/web /srv/mirrors/web.git
  packferry replicate git@a.example:web.git git@b.example:web.git git@c.example:web.git
  packferry replicate --ref main --ref 'tags/v*' --policy fast-forward SOURCE DESTINATION
)";

constexpr std::string_view kRefs =
    R"(usage: packferry refs [options] URL

Shows what a host shows us: every ref, where HEAD points, the protocol version and the
capabilities. Reads only.

  --json                 one report on standard output (docs/formats/report.md)
  --protocol 2|0         0 speaks the old protocol
  --stall-timeout SECONDS
                         give up after this long without a byte (default 300)
  --credentials FILE, --source-credentials FILE, --destination-credentials FILE
  --ca-file FILE         see 'packferry replicate --help'. The URL counts as a source
  --quiet                only the refs, one a line: object, tab, name
  --verbose              a log of events on standard error
  --color auto|always|never

Exit status: 0 listed, 1 failed, 2 the command line or the configuration is wrong,
130 interrupted.
)";

constexpr std::string_view kCompare =
    R"(usage: packferry compare [options] URL URL [URL...]

Are these the same on every selected ref? Each is listed and held against the first; only
names and objects count, so this is as quick as two listings. Reads only.

  --ref PATTERN          only these, repeatable; see 'packferry replicate --help'.
                         Default: branches and tags
  --exclude PATTERN      not these, repeatable
  --json                 one report on standard output (docs/formats/report.md)
  --protocol 2|0         0 speaks the old protocol
  --stall-timeout SECONDS
                         give up after this long without a byte (default 300)
  --credentials FILE, --source-credentials FILE, --destination-credentials FILE
  --ca-file FILE         the first URL counts as the source, the others as destinations
  --quiet                only errors and the last line
  --verbose              a log of events on standard error
  --color auto|always|never

Exit status: 0 the same, 5 they differ, 1 one could not be listed, 2 the command line or the
configuration is wrong, 130 interrupted.
)";

}  // namespace

std::string_view help_text(std::string_view command) {
  if (command == "replicate") return kReplicate;
  if (command == "refs") return kRefs;
  if (command == "compare") return kCompare;
  return kOverview;
}

}  // namespace packferry
