#include "cli/help.h"

namespace packferry {
namespace {

constexpr std::string_view kOverview =
    R"(packferry carries a Git repository from one host to others, as the packfiles the hosts
themselves speak, and backs its full history up. Nothing is cloned, unpacked or written to
disk on the way, and "done" means that the other side has been asked again and holds it.

  packferry replicate SOURCE DESTINATION...   make the destinations equal to the source
  packferry refs URL                          what a host shows us: refs, HEAD, abilities
  packferry compare URL URL...                do they hold the same?
  packferry create-repository URL             an empty one, at AWS CodeCommit
  packferry credential get|store|erase        CodeCommit's passwords, for anybody's git

  packferry backup SOURCE --to STORE          a snapshot into a directory or s3://BUCKET/PREFIX
  packferry snapshots STORE [REPO]            which snapshots there are
  packferry restore STORE REPO TARGET         one of them, to a directory or to a Git host
  packferry verify STORE [REPO]               are they all there, and whole?
  packferry prune STORE [REPO]                let old ones go

  packferry doctor                            what this role can and cannot do, by trying
  packferry setup DOCUMENT                    policies and stacks for AWS, jobs for GitLab, alarms
  packferry sweep CONFIG                      everything that a file says of many repositories
  packferry config check|example|schema       such a file
  packferry catalogue rebuild|forget CONFIG   what is remembered of it
  packferry replica VERB                      standing orders: one source, one destination
  packferry serve CONFIG                      stays, and keeps them true by itself
  packferry token create|list|revoke          who may ask it

Try it without touching anything:

  packferry replicate --dry-run https://github.com/you/project git@gitlab.com:you/project.git
  packferry backup --dry-run https://github.com/you/project --to /srv/backup

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
  --create               make a destination that is not there, where its host has a way to be asked
                         (CodeCommit); its default branch becomes the source's. Local ones are
                         made anyway
  --allowed-regions REGION[,REGION...]
                         with --create: in no other region
  --atomic auto|always|never
                         all refs of a push or none, where the host can (default: auto)
  --max-push SIZE        500M, 2G: a push with more is split into parts along the history, each a
                         push of its own; a run that is cut is gone on with. Default: what the
                         host takes, where that is known
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

AWS CodeCommit: codecommit://[PROFILE@]REPO, codecommit::REGION://[PROFILE@]REPO, or its https
address. Credentials are found as AWS's own tools find them, roles and all, and the Git password
is made from them for each request; docs/aws.md has all of it.
  --source-profile NAME, --destination-profile NAME
                         a profile of ~/.aws/config, where the address names none
  --source-role ARN, --destination-role ARN
                         assume this role with what was found, or with the web identity token
                         that is set up (AWS_WEB_IDENTITY_TOKEN_FILE)
  --source-external-id ID, --destination-external-id ID
                         what that role asks for
  --role-session-name NAME
                         as the sessions stand in CloudTrail (default: packferry)

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
  --ca-file FILE, --source-profile NAME, --source-role ARN, --source-external-id ID,
  --role-session-name NAME
                         see 'packferry replicate --help'. The URL counts as a source
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
  --source-profile NAME, --source-role ARN, --source-external-id ID, --destination-profile NAME,
  --destination-role ARN, --destination-external-id ID, --role-session-name NAME
  --ca-file FILE         the first URL counts as the source, the others as destinations
  --quiet                only errors and the last line
  --verbose              a log of events on standard error
  --color auto|always|never

Exit status: 0 the same, 5 they differ, 1 one could not be listed, 2 the command line or the
configuration is wrong, 130 interrupted.
)";

constexpr std::string_view kBackup =
    R"(usage: packferry backup [options] SOURCE --to STORE
       packferry backup [options] --all codecommit --region REGION[,REGION...] --to STORE
       packferry backup [options] --from-environment --to STORE

Makes a snapshot of every ref of SOURCE in STORE: s3://BUCKET/PREFIX, or a directory. The
first one is full, later ones hold only what is new. What is written, stock git reads, without
packferry: docs/formats/backup.md has the recipe.

What and where
  --to STORE             s3://BUCKET/PREFIX, file:///DIRECTORY or a directory, which is made
  --name REPO            its name in the store; default: the path of SOURCE, as in app/web
  --ref PATTERN, --exclude PATTERN
                         only these refs, not these; see 'packferry replicate --help'.
                         Default: all that the host shows, pull requests and notes too
  --format bundle|zip    bundle: incremental, streamed (default). zip: always full, unzips to
                         a bare repository; needs scratch space for the pack, to index it
  --key TEMPLATE         where data objects lie, with ${account_id}, ${region}, ${repo_name} and
                         ${datetime}. Default: repositories/${repo_name}/${repo_name}-${datetime},
                         below projects/codecommit-backup/${account_id}/${region}/ where account
                         and region are given
  --key-set NAME=VALUE   a value for the template: account_id, region

Whole accounts
  --all codecommit       every repository that the host lists, many at a time; one that fails does
                         not stop the others, one that the host throttles is tried again. The
                         report is in STORE too, below reports/
  --region REGION,...    of which regions
  --include GLOB, --exclude GLOB
                         only repositories of such names, not these; repeatable
  --shard N/T            the N-th of T parts, for T jobs; a repository never changes its part
  --jobs N               how many at a time (default 8)
  --name TEMPLATE        default: ${account_id}/${region}/${repo_name}
  --key TEMPLATE         may have ${repo_basename}, the last part of the name, too. Default:
                         projects/codecommit-backup/${repo_name}/${repo_basename}-${datetime}
  --from-environment     the one repository of CodeCommit that REPOSITORY_NAME names, in the region
                         REPO_REGION, as an event gives them to a build. REFERENCE_NAME, a branch,
                         a tag or a full name, limits it to that ref; the others stay in the
                         snapshot as they were
  --metrics emf|emf-run  on standard output, in CloudWatch's embedded metric format: a line for
                         each repository and one for the run, or the latter only

When a chain of incremental snapshots ends and a full one is made
  --full                 now
  --chain-links N        after this many incremental ones (default 30)
  --chain-percent N      when they are larger than N% of the full one (default 50)
  --chain-days N         when the full one is older (default 30)
  --record-unchanged     a snapshot also when nothing is new: today it was so

The guard, as in replicate: too many deletions or rewinds at once, an empty source, a lost
default branch or another repository's history are held (exit status 3). The rest is backed up,
and the snapshot keeps the held refs as they were. Older snapshots never change.
  --allow-deletions N|N%, --allow-rewinds N|N%, --ignore-non-empty-destination

How sure
  --verify stored|parsed|connected|drill
                         the new snapshot, at once; see 'packferry verify --help'
  --dry-run              what would be backed up; nothing is written

Encryption before it leaves this machine, in the format of age (age-encryption.org). Data objects
only: manifests, and so names of refs, stay readable.
  --recipient age1...    who may open it, repeatable. Keep the identity elsewhere, and try it:
                         what nobody can open is no backup
  --identity FILE        for --verify parsed and above

S3. Credentials, region and endpoint as for AWS's own tools: environment, profiles, roles of
containers and machines, AWS_ENDPOINT_URL. What does not answer, or is throttled, is asked again
until --stall-timeout is over; for a part of an upload that takes about five minutes.
  --endpoint-url URL, --region NAME, --addressing auto|path|virtual
  --store-region NAME    the same as --region, which means something else with --all
  --sse AES256|aws:kms|aws:kms:dsse, --sse-kms-key-id ID
  --storage-class NAME
  --expected-bucket-owner ACCOUNT
                         refuse a bucket of anybody else
  --bucket-owner-full-control
                         for buckets of another account that still use ACLs
  --object-lock GOVERNANCE=DAYS|COMPLIANCE=DAYS
                         nobody deletes or replaces it before that
  --put-only FILE        for a role that may put and nothing else: the last snapshot's refs are
                         remembered in FILE, nothing is read back

As whom we go to AWS, for the source (CodeCommit) and for the store; see 'packferry replicate
--help' and docs/aws.md
  --source-profile NAME, --source-role ARN, --source-external-id ID
  --store-profile NAME, --store-role ARN, --store-external-id ID, --role-session-name NAME

  --scratch DIRECTORY    for zip, and for --verify parsed and above; default: TMPDIR, /var/tmp
  --protocol, --stall-timeout, --credentials, --source-credentials, --destination-credentials,
  --ca-file, --json, --quiet, --verbose, --color
                         see 'packferry replicate --help'

Exit status
  0  stored and read back; or nothing was new
  1  failed; no snapshot was made
  2  the command line or the configuration is wrong
  3  held by the guard; the message names what allows it. The rest is in a snapshot
  4  partial: the snapshot is stored but could not be verified. --all: some repositories are
     backed up, others failed
  6  damaged: the new snapshot is not what it should be
  130  interrupted; no snapshot was made

Examples
  packferry backup https://github.com/you/web --to s3://backups/git
  packferry backup git@host:app/web.git --to /srv/backup --verify drill
)";

constexpr std::string_view kSnapshots =
    R"(usage: packferry snapshots [options] STORE [REPO]

Which snapshots of which repositories are in STORE: number, time, refs, size, full or
incremental, and how far each was verified and when. Reads manifests only.

  --endpoint-url URL, --region NAME, --addressing auto|path|virtual,
  --expected-bucket-owner ACCOUNT, --store-profile NAME, --store-role ARN,
  --store-external-id ID, --role-session-name NAME
                         for s3://; see 'packferry backup --help'
  --json                 one report on standard output (docs/formats/report.md)
  --protocol, --stall-timeout, --credentials, --source-credentials, --destination-credentials,
  --ca-file, --quiet, --verbose, --color
                         see 'packferry replicate --help'

Exit status: 0 shown, 1 failed, 2 the command line is wrong, 4 some could not be read.
)";

constexpr std::string_view kRestore =
    R"(usage: packferry restore [options] STORE REPO TARGET

Brings a snapshot back: to a directory, which becomes a bare repository, or to any address
that git can push to. Every object is read and checked, and every ref's history found complete,
before TARGET is touched.

  --at TIME|NUMBER       the newest snapshot not later than TIME (2026-11-22, or
                         2026-11-22T13:45:00Z; UTC), or the one with that number. Default: newest
  --ref PATTERN, --exclude PATTERN
                         only these refs, not these
  --overwrite            a directory that is there is moved to TARGET.before-restore-TIME first;
                         a Git host's refs are made equal, old tips are kept
  --identity FILE        opens what was encrypted for it; repeatable
  --scratch DIRECTORY    where it is rebuilt before it is pushed; default: TMPDIR, /var/tmp
  --endpoint-url URL, --region NAME, --addressing auto|path|virtual,
  --expected-bucket-owner ACCOUNT, --store-profile NAME, --store-role ARN,
  --store-external-id ID, --role-session-name NAME
                         for s3://; see 'packferry backup --help'
  --destination-profile NAME, --destination-role ARN, --destination-external-id ID
                         for TARGET
  --protocol, --stall-timeout, --credentials, --source-credentials, --destination-credentials,
  --ca-file, --json, --quiet, --verbose, --color
                         see 'packferry replicate --help'

Exit status: 0 restored, 1 failed and TARGET is as it was, 2 the command line is wrong, 3 held by
the guard, 4 partial: some refs were refused by the host, 130 interrupted.
)";

constexpr std::string_view kVerify =
    R"(usage: packferry verify [options] STORE [REPO]

Proves snapshots from their own bytes, and names what is missing or changed and which snapshots
need it. What was proved is recorded beside them.

  --level stored         every byte of every object is there and is what was written (default)
          parsed         and every pack indexes with stock git
          connected      and from every ref all history is there
          drill          and stock git alone restores it to scratch; refs equal; git fsck is run
  --snapshot NUMBER      only this one
  --part N/T             the N-th of T parts of the data: T runs read everything
  --identity FILE        opens what was encrypted for it; repeatable
  --scratch DIRECTORY    default: TMPDIR, /var/tmp
  --endpoint-url URL, --region NAME, --addressing auto|path|virtual,
  --expected-bucket-owner ACCOUNT, --store-profile NAME, --store-role ARN,
  --store-external-id ID, --role-session-name NAME
                         for s3://; see 'packferry backup --help'
  --protocol, --stall-timeout, --credentials, --source-credentials, --destination-credentials,
  --ca-file, --json, --quiet, --verbose, --color
                         see 'packferry replicate --help'

Exit status: 0 all good, 6 something is missing or damaged, 4 some could not be read, 1 failed,
2 the command line is wrong, 130 interrupted.
)";

constexpr std::string_view kPrune =
    R"(usage: packferry prune [options] STORE [REPO]

Lets snapshots go that no rule keeps. What a kept snapshot needs is never deleted, and the last
good one never goes. In two steps: a snapshot is retired first, and removed by a later run, when
its grace time is over.

  --keep-last N          the N newest
  --keep-daily N, --keep-weekly N, --keep-monthly N
                         the newest of each of the N newest days, weeks, months (UTC)
  --keep-within 30d      all that are younger: hours (h), days (d), weeks (w)
  --grace 24h            from retired to removed; what died in the middle of an upload stays as
                         long. Longer than any backup takes
  --dry-run              what would go; nothing is written
  --endpoint-url URL, --region NAME, --addressing auto|path|virtual,
  --expected-bucket-owner ACCOUNT, --store-profile NAME, --store-role ARN,
  --store-external-id ID, --role-session-name NAME
                         for s3://; see 'packferry backup --help'
  --protocol, --stall-timeout, --credentials, --source-credentials, --destination-credentials,
  --ca-file, --json, --quiet, --verbose, --color
                         see 'packferry replicate --help'

Exit status: 0 done, 4 partial: the store keeps some objects (Object Lock), 1 failed, 2 the command
line is wrong, 130 interrupted.
)";

constexpr std::string_view kCreateRepository =
    R"(usage: packferry create-repository [options] URL

Makes an empty repository at AWS CodeCommit: codecommit://[PROFILE@]NAME,
codecommit::REGION://[PROFILE@]NAME or its https address. One that is there already is an error.

  --description TEXT     up to 1,000 characters
  --tag KEY=VALUE        repeatable
  --allowed-regions REGION[,REGION...]
                         in no other region, whatever the address or the profile says
  --destination-profile NAME, --destination-role ARN, --destination-external-id ID,
  --role-session-name NAME
                         as whom we go to AWS; see 'packferry replicate --help' and docs/aws.md
  --json                 one report on standard output (docs/formats/report.md)
  --protocol, --stall-timeout, --credentials, --source-credentials, --destination-credentials,
  --ca-file, --quiet, --verbose, --color
                         see 'packferry replicate --help'

Exit status: 0 made, 1 failed, 2 the command line or the configuration is wrong, or the region
is not allowed, 130 interrupted.

Example
  packferry create-repository codecommit::eu-central-1://web --tag team=web
)";

constexpr std::string_view kCredential =
    R"(usage: packferry credential [options] get|store|erase

A credential helper for git (gitcredentials(7)): answers for repositories of AWS CodeCommit with a
password made from AWS credentials, good for some minutes, and for nothing else. 'store' and 'erase'
do nothing: such a password is not worth keeping.

In ~/.gitconfig:
  [credential "https://git-codecommit.eu-central-1.amazonaws.com"]
      helper = !packferry credential
      useHttpPath = true

The last line is needed, since the name of the repository is part of the password.

  --source-profile NAME, --source-role ARN, --source-external-id ID, --role-session-name NAME
                         as whom we go to AWS; see 'packferry replicate --help' and docs/aws.md
  --stall-timeout SECONDS, --ca-file FILE
                         see there, too

Exit status: 0 answered, or nothing to say; 1 failed; 2 the command line or the configuration is
wrong.
)";

constexpr std::string_view kSetup =
    R"(usage: packferry setup DOCUMENT [options]

Prints what AWS, GitLab or a monitoring has to be told so that backups and replicas run there, and
somebody notices when they do not: nothing is asked and nothing is changed. The same words give the
same text. docs/setup.md says in which order the pieces go, and what each line is for.

  bucket-policy       for the bucket: --bucket --prefix --writer [--reader] [--put-only]
  codebuild-policy    what the job may do: --account --region --bucket --prefix [--repository]
                      [--project] [--job-region] [--package]; or, with --role batch or events, what
                      its batch or its rule may do
  codebuild-trust     who may take that role: --account --region [--project] [--role]
  buildspec           what the job runs: --mode single|event|batch --bucket --prefix --region
                      [--shards] [--include] [--exclude] [--jobs] [--recipient] [--package]
  event-rule          --document rule|targets|schedule|schedule-targets [--name] [--schedule]
                      [--project-arn] [--role-arn]: the input of 'aws events put-rule' and
                      'put-targets', as a file
  cloudformation      --part backup: the bucket and its policy, with [--noncurrent-days] besides
                      --part source: role, job, log, schedule and alarms, with [--events] [--image]
                      [--log-days] [--alarm-hours] [--alarm-email] besides
  replication-policy  for a role that pushes to CodeCommit: --destination [--source] [--ref]
                      [--create]
  gitlab-ci-role      --document trust: --account --gitlab-project --branch [--issuer]
                      --document policy: --account --region --repository [--ref] [--create]
  gitlab-ci           a job to include: --role-arn --region --repository --branch [--issuer]
                      [--ref] [--create] [--image] [--package]
  monitors            alarms and pictures of the service, docs/monitoring.md
                      --format prometheus: alerting rules, [--name] [--lag] [--failing]
                      [--backup-age] [--queue]
                      --format alertmanager: where they go, --webhook [--heartbeat]
                      --format cloudwatch: a stack of alarms, [--name] [--lag] [--backup-age]
                      [--queue] [--alarm-email]
                      --format grafana: a dashboard, [--name]

Options; those marked + may be repeated, or hold several values between commas
  --output FILE             write it there
  --partition aws           aws, aws-cn or aws-us-gov
  --account NUMBER          the account that has the repositories
  --region NAME +           where there are repositories
  --repository NAME +       only these, '*' for any characters (default: all)
  --bucket NAME, --prefix PREFIX
                            where backups lie
  --writer ARN +            the roles that make backups: they add, and never delete or replace
  --reader ARN +            the roles that restore and verify
  --put-only                writers may not read either, see 'packferry backup --help'
  --sse-kms-key-id ARN      this key, and no other
  --object-lock MODE=DAYS   GOVERNANCE or COMPLIANCE: how long nobody deletes an object
  --expected-bucket-owner NUMBER
                            whose bucket it must be
  --project NAME +          of CodeBuild (default: packferry-backup)
  --job-region NAME         where the job runs (default: the first region)
  --include GLOB +, --exclude GLOB +, --jobs N, --recipient age1... +
                            as 'packferry backup' takes them
  --package ADDRESS         where the job gets packferry from: https:// or s3://, or, with a
                            digest, http:// or file:///; without it the image has it
  --package-digest SHA256   of that file
  --ref NAME +              only these refs may be pushed, or are: refs/heads/main, refs/tags/*
  --issuer URL              the address of the GitLab server (default: https://gitlab.com)
  --branch NAME +           the jobs of these branches; protect them
  --schedule 'rate(1 day)'  when everything is backed up; also 'cron(0 3 * * ? *)'
  --lag 15m, --failing 15m, --backup-age 26h, --queue 10m
                            what may be so old before somebody is told: the oldest change that is
                            not at its destination, a failure, a backup, a look that nobody begins
  --webhook URL             who is told; --heartbeat URL hears that somebody would be

Exit status: 0 made, 1 could not be written, 2 the command line is wrong.

Examples
  packferry setup bucket-policy --bucket backups --prefix git/111122223333 \
    --writer arn:aws:iam::111122223333:role/packferry-backup-build
  packferry setup cloudformation --part source --account 111122223333 --region eu-central-1 \
    --bucket backups --prefix git/111122223333 --output source.yml
)";

constexpr std::string_view kDoctor =
    R"(usage: packferry doctor [--store STORE] [--source URL] [--destination URL] [options]

Finds out what the role that this runs under can and cannot do, by doing it, and shows what the
other side is: endpoint, region, clock, versions and Object Lock of a store; protocol, refs, HEAD
and capabilities of a repository. Each line is ok, cannot, or a finding: something that works and
should not. What is to be done about it stands below.

  --store STORE          s3://BUCKET/PREFIX or a directory. One small object is added, doctor/TIME,
                         read back, listed, and tried to replace and to delete. A writer should be
                         able to do neither, and so it stays there
  --source URL           its refs are listed
  --destination URL      a push is begun, as far as the host's list of refs; nothing is pushed
  --put-only             of the store: this role should not be able to read either
  --may-delete           of the store: this is the role that prunes; it has to be able to delete
  --endpoint-url URL, --region NAME, --addressing auto|path|virtual,
  --expected-bucket-owner ACCOUNT, --sse, --sse-kms-key-id ID, --storage-class NAME,
  --bucket-owner-full-control, --object-lock
                         for s3://; see 'packferry backup --help'
  --protocol, --stall-timeout, --credentials, --source-credentials, --destination-credentials,
  --ca-file, --json, --quiet, --verbose, --color
                         see 'packferry replicate --help'

Exit status: 0 all is as it should be, 1 something is not, 2 the command line is wrong,
130 interrupted.
)";

constexpr std::string_view kConfig =
    R"(usage: packferry config check FILE [--secrets] [--json]
       packferry config example [KIND] [--output FILE]
       packferry config schema [--output FILE]

A configuration says in one TOML file which hosts and stores there are, and which repositories are
backed up and replicated, and where to. docs/configuration.md explains every key. Nobody is asked
anything here.

  check FILE      every mistake at once, as FILE:LINE:COLUMN: what is wrong; what to write instead.
                  Without one: what would run, in words
  example [KIND]  a commented file to start from, for a source of that kind: gitlab (default),
                  github, gitea, forgejo, bitbucket, bitbucket-server, codecommit, directory, list
  schema          the JSON Schema of the file, for editors

  --secrets       check: also read every secret that it names, here and as you, and say which are
                  missing; none is shown. Without it none is opened
  --json          check: one report on standard output (docs/formats/report.md)
  --output FILE   example, schema: write it there

Exit status: 0 fine, 1 a secret is missing, or a file could not be written, 2 the configuration, or
the command line, is wrong.

Examples
  packferry config example github --output packferry.toml
  packferry config check packferry.toml
)";

constexpr std::string_view kSweep =
    R"(usage: packferry sweep CONFIG [options]

Brings everything up to date that a configuration says: every backup, every replica, of every
repository that its hosts list. A repository that does not differ from what was delivered last
costs one small question, or none where the host's own listing proves that nothing was pushed.
One that fails never stops the others. Nothing is ever deleted because a repository, a page or a
listing is missing: that is reported.

Which
  --only PATTERN       HOST/NAME, with * and ?: these repositories; may be repeated
  --shard I/N          the I-th of N parts; the same repositories each time
  --confirm-all        list every destination, whatever is remembered of it

How
  --jobs N             repositories at a time; default: what the configuration says
  --attempts N         of one repository, where another may help; default 4
  --dry-run            say what would be done; nothing is moved or remembered
  --report FILE        a page of HTML as well, who is behind, since when and why; or the JSON of
                       --json, into FILE.json
  --report s3://BUCKET/KEY
                       into a bucket instead, never in the place of another report: the next one
                       is KEY-2. A store of that bucket in the configuration says how to go there

For everybody
  --json               one report on standard output (docs/formats/report.md)
  --quiet              no progress, and of the report what is not good, and the last line
  --verbose            a log instead of progress
  --color WHEN         auto, always, never
  --protocol 0|2       insist on Git's old protocol, or take the new one (default)
  --stall-timeout SEC  give up when nothing has moved for so long; default 300
  --ca-file FILE       trust these authorities instead of the system's

Exit status: 0 everything is confirmed, 1 nothing is, 2 the configuration or the command line is
wrong, 3 something is held or missing for a person to look at, 4 some repositories failed, 130
interrupted.
)";

constexpr std::string_view kCatalogue =
    R"(usage: packferry catalogue rebuild CONFIG [options]
       packferry catalogue forget CONFIG PATTERN... [options]

A sweep remembers in one file what it delivered where. It may be deleted at any time; then the
next sweep looks at every destination again, and so does this:

  rebuild CONFIG           lists every source and destination, moves nothing, and remembers what
                           is equal
  forget CONFIG PATTERN    HOST/NAME of sources, with * and ?: they are strangers from now on. For
                           what is held because another repository stands under a known name, and
                           for what is gone for good

For everybody
  --json, --quiet, --verbose, --color WHEN, --protocol 0|2, --stall-timeout SEC, --ca-file FILE
                           as packferry sweep has them

Exit status: as packferry sweep.
)";

constexpr std::string_view kReplica =
    R"(usage: packferry replica create SOURCE DESTINATION [options]
       packferry replica get|pause|resume|sync|delete|history NAME [options]
       packferry replica audit [NAME] [--last N] [options]
       packferry replica approve NAME PLAN [options]
       packferry replica parity NAME... [options]
       packferry replica list [options]
       packferry replica VERB ... --server URL [--token-file FILE] [--no-wait]

A replica is a standing order: one source, one destination, and what may cross. It is remembered
in a file, with what its looks have shown; 'sync' looks now, from cron or a job.

  create        remembers the order, and makes both sides equal at once. A destination that has
                refs already is refused unless told, and so is a circle, however long
  get           its status, lag, last error, and the plan that is held
  list          all of them, a line each
  sync          looks now, carries what is missing, and proves it
  pause, resume nobody looks in between
  history       its last looks
  audit         who did what, the newest first: what people and tokens said, and each ref that was
                moved. Without NAME of all replicas, and of tokens
  approve       a person has read the plan that is held, and wants just that: its digest, or the
                first twelve digits. Another plan is held again. Old tips are kept
  parity        every system of its chain side by side, ref by ref, as packferry compare
  delete        forgets the order; what it has delivered stays

For create
  --name NAME            how it is called; default: the last part of SOURCE
  --ref PATTERN, --exclude PATTERN, --policy mirror|fast-forward|additive,
  --allow-deletions N|N%, --allow-rewinds N|N%, --no-keep-old-tips, --keep-old-tips
                         what crosses, at every look; see 'packferry replicate --help'
  --create               a destination that is not there is made, at AWS CodeCommit
  --replace-branch NAME  a branch that may be there already and becomes the source's; repeatable
  --ignore-non-empty-destination
                         all that is there may become the source's. Both are for this once
  --allowed-regions REGION[,REGION...]
                         of a destination at AWS CodeCommit
  --role ARN             taken at each look, for the destination
  --freshness 1h         for so long after a look it is said to be UpToDate
  --schedule WHEN        when a service looks though nobody asks: "every 5m", "30 2 * * 1-5
                         Europe/Berlin"; remembered, and of no effect on 'sync'

For everybody
  --catalogue FILE       default: $PACKFERRY_CATALOGUE, $XDG_STATE_HOME/packferry/replicas.db,
                         ~/.local/state/packferry/replicas.db
  --server URL           ask a running service instead, at its address: every verb but parity;
                         default: $PACKFERRY_SERVER. https, or this machine
  --token-file FILE      what the service is shown; default: $PACKFERRY_SERVER_TOKEN
  --no-wait              do not wait until the service has looked
  --status STATUS        for list: UpToDate, Behind, Held, Diverged, Failing, Paused, ...
  --last N               for audit: so many entries; default: 20
  --json                 one document on standard output (docs/replicas.md)
  --source-profile NAME, --source-role ARN, --source-external-id ID,
  --destination-profile NAME, --destination-role ARN, --destination-external-id ID,
  --role-session-name NAME
  --protocol, --stall-timeout, --credentials, --source-credentials, --destination-credentials,
  --ca-file, --quiet, --verbose, --color
                         see 'packferry replicate --help'

Exit status: 0 done, 3 a plan is held, 4 diverged: the policy leaves it, 5 parity: not the same,
1 failed, 2 the command line is wrong, 130 interrupted.
)";

constexpr std::string_view kToken =
    R"(usage: packferry token create --bearer NAME --scope SCOPE[,SCOPE...] [options]
       packferry token list [options]
       packferry token revoke ID [options]

Who may ask a service over HTTP (docs/api.md). Tokens are kept in the catalogue of the service,
which looks there with each request: a new one is good at once, and a revoked one is not any more.
The token itself is shown once, on standard output; what is kept does not tell it.

  --bearer NAME        who gets it, for people: the audit log names them
  --scope SCOPE        read: what is so; operate: create, sync, pause, resume, approve what adds;
                       destroy: delete, approve what rewinds or deletes; admin: tokens. None has
                       another in it
  --replica GLOB       only for replicas with such a name; repeatable. Without it: for all, and for
                       metrics and tokens
  --expires 90d        not good any more after that. Without it: for good
  --catalogue FILE     that of the service's configuration; default: as for 'packferry replica'
  --json               one document on standard output
  --color auto|always|never

Exit status: 0 done, 1 failed, 2 the command line is wrong.
)";

constexpr std::string_view kServe =
    R"(usage: packferry serve CONFIG [options]

Stays, and keeps replicas true: looks when a schedule, a webhook, an event or a person says so,
and often enough that 'UpToDate' can be believed; says what state they are in, and raises the
alarm when it is not well. The configuration says where it listens, whom it hears and whom it
tells, in its table [serve]; its backups and replicas are swept when 'sweep' is set there.
Standing orders are made with 'packferry replica', on the catalogue that CONFIG names, or through
the service (docs/api.md).

SIGHUP reads CONFIG again, and what is at work goes on; with mistakes in it, the old one counts.
SIGTERM lets what is at work come to its end, for a while. Nothing has to be repaired after
kill -9: whatever was at work is begun again when its lease has run out.

  --no-workers         leave the looks, and the sweeps, to another program on the same catalogue
  --no-lookout         leave the alarms to another one: two would both ring. Started twice, once
                       with each of these, alarms are raised even when the workers are dead
  --try-alarms         tell everybody in 'alarms' once that this is a trial, beat the heartbeat,
                       say who heard it, and end. A service may run beside it
  --protocol 0|2, --stall-timeout SEC, --ca-file FILE
                       see 'packferry replicate --help'

What happens stands on standard error, a line an event. Exit status: 0 stopped, 1 it could not
begin, 2 the configuration or the command line is wrong. With --try-alarms: 0 all have heard it,
1 nobody, 2 there is nobody to tell, 4 some have not.
)";

}  // namespace

std::string_view help_text(std::string_view command) {
  if (command == "replicate") return kReplicate;
  if (command == "refs") return kRefs;
  if (command == "compare") return kCompare;
  if (command == "backup") return kBackup;
  if (command == "snapshots") return kSnapshots;
  if (command == "restore") return kRestore;
  if (command == "verify") return kVerify;
  if (command == "prune") return kPrune;
  if (command == "create-repository") return kCreateRepository;
  if (command == "credential") return kCredential;
  if (command == "setup") return kSetup;
  if (command == "doctor") return kDoctor;
  if (command == "config") return kConfig;
  if (command == "sweep") return kSweep;
  if (command == "catalogue") return kCatalogue;
  if (command == "serve") return kServe;
  if (command == "replica") return kReplica;
  if (command == "token") return kToken;
  return kOverview;
}

}  // namespace packferry
