// What packferry setup prints, looked at by the tools of others. Each checker is shown a fault first.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";

import * as documents from "./documents.mjs";
import { findings as policyFindings, may } from "./policies.mjs";
import { commandsOf, shellFindings, specFindings } from "./scripts.mjs";
import { findings as stackFindings, policiesOf, targetFindings } from "./stacks.mjs";

const kindOf = (name) => (name.startsWith("bucket-policy") ? "resource" : name.includes("trust") ? "trust" : "identity");
const policies = documents.names.filter((name) => /^(bucket|codebuild|replication|gitlab-ci-role)-?.*[.]json$/.test(name));
const stacks = documents.names.filter((name) => name.startsWith("stack-"));
const specs = documents.names.filter((name) => name.startsWith("buildspec-"));
const jobs = documents.names.filter((name) => name.startsWith("gitlab-ci") && name.endsWith(".yml"));

const changed = (value, change) => {
  const copy = structuredClone(value);
  change(copy);
  return copy;
};
const mentions = (found, words) => assert.ok(found.some((finding) => finding.includes(words)), `"${words}" in ${JSON.stringify(found)}`);

test("every document is looked at by somebody", () => {
  const others = documents.names.filter((name) => /^(event|monitors)-/.test(name)); // monitors: tests/monitors
  const seen = [...policies, ...stacks, ...specs, ...jobs, ...others];
  assert.deepEqual([...seen].sort(), documents.names);
});

test("policies: a planted fault is found", async () => {
  const policy = documents.read("bucket-policy.json");
  const planted = [
    [(p) => (p.Statement[1].Action = ["s3:ListBuckets"]), "no action s3:ListBuckets"],
    [(p) => (p.Statement[1].Effect = "allow"), "Effect"],
    [(p) => delete p.Statement[1].Principal, "Principal"],
    [(p) => (p.Statement[1].Condition = { StringLike: { "s3:prefixes": "x" } }), "no condition key s3:prefixes"],
    [(p) => (p.Statement[1].Condition = { StringIsh: { "s3:prefix": "x" } }), "no operator StringIsh"],
    [(p) => (p.Statement[1].Condition = { StringLike: { "s3:prefix": { a: 1 } } }), "object"],
    [(p) => (p.Statement[1].Sid = p.Statement[0].Sid), "Sid of its own"],
    [(p) => (p.Version = "2012-10-18"), "Version"],
  ];
  for (const [change, words] of planted) mentions(await policyFindings("resource", changed(policy, change)), words);
});

for (const name of policies)
  test(`policies: ${name} is one`, async () => {
    assert.deepEqual(await policyFindings(kindOf(name), documents.read(name)), []);
  });

test("stacks: a planted fault is found", () => {
  const backup = documents.read("stack-backup.yml");
  const source = documents.read("stack-source-all.yml");
  const planted = [
    [backup, (s) => (s.Resources.BackupBucket.Type = "AWS::S3::Buckets"), "there is no AWS::S3::Buckets"],
    [backup, (s) => (s.Resources.BackupBucket.Properties.VersioningConfiguration.State = "x"), "there is no State"],
    [backup, (s) => delete s.Resources.BackupBucketPolicy.Properties.Bucket, "Bucket is missing"],
    [source, (s) => (s.Resources.BuildAll.Properties.TimeoutInMinutes = "long"), "is no integer"],
    [source, (s) => (s.Resources.BuildAll.Properties.ServiceRole = { "Fn::GetAtt": ["BuildRole", "Name"] }), "no BuildRole.Name"],
    [source, (s) => (s.Resources.RepositoriesFailed.Properties.AlarmActions = [{ Ref: "Nobody" }]), "there is no Nobody"],
    [source, (s) => (s.Resources.Schedule.Properties.Targets[0].Role = "x"), "there is no Role"],
    [source, (s) => (s.Parameter = {}), "there is no Parameter"],
  ];
  for (const [stack, change, words] of planted) mentions(stackFindings(changed(stack, change)), words);
});

for (const name of stacks)
  test(`stacks: ${name} is one, and so are the policies in it`, async () => {
    const stack = documents.read(name);
    assert.deepEqual(stackFindings(stack), []);
    for (const [kind, policy] of policiesOf(stack)) assert.deepEqual(await policyFindings(kind, policy), []);
  });

test("stacks: what is in them is what the other commands print", () => {
  const backup = documents.read("stack-backup.yml").Resources;
  assert.deepEqual(backup.BackupBucketPolicy.Properties.PolicyDocument, documents.read("bucket-policy.json"));
  const source = documents.read("stack-source.yml").Resources;
  assert.deepEqual(source.BuildRole.Properties.Policies[0].PolicyDocument, documents.read("codebuild-policy.json"));
  assert.deepEqual(source.BuildRole.Properties.AssumeRolePolicyDocument, documents.read("codebuild-trust.json"));
  assert.equal(source.BuildAll.Properties.Source.BuildSpec, documents.text("buildspec-single.yml"));
});

test("stacks: the alarms are about the store that the build writes to", () => {
  const { BuildAll, RepositoriesFailed, BackupTooOld } = documents.read("stack-source.yml").Resources;
  for (const alarm of [RepositoriesFailed, BackupTooOld]) {
    const [{ Name, Value }] = alarm.Properties.Dimensions;
    assert.equal(Name, "Store");
    assert.ok(BuildAll.Properties.Source.BuildSpec.includes(`--to '${Value}'`));
  }
  // "PutMetricAlarm": seven days at most.
  assert.ok(BackupTooOld.Properties.Period * BackupTooOld.Properties.EvaluationPeriods <= 604800);
});

test("buildspecs: a planted fault is found", () => {
  const spec = documents.read("buildspec-batch.yml");
  const planted = [
    [(s) => (s.version = 0.3), "0.2"],
    [(s) => (s.phases.test = { commands: [] }), "no phase test"],
    [(s) => (s.phases.build.command = []), "there is no command"],
    [(s) => (s.batch["build-list"][0].identifier = "shard-1"), "no identifier"],
    [(s) => (s.batch["build-list"][0].env.variables.PACKFERRY_SHARD = 1), "is no string"],
    [(s) => (s.phases.build.commands = ["if true"]), "end"],
    [(s) => (s.phases.build.commands = ["packferry backup $PACKFERRY_SHARD"]), "SC2086"],
  ];
  for (const [change, words] of planted) mentions(specFindings(changed(spec, change)), words);
});

for (const name of specs)
  test(`buildspecs: ${name} is one, and shells have nothing to say`, () => {
    assert.deepEqual(specFindings(documents.read(name)), []);
  });

test("buildspecs: those in the stacks too", () => {
  for (const name of stacks)
    for (const { Type, Properties } of Object.values(documents.read(name).Resources))
      if (Type === "AWS::CodeBuild::Project") assert.deepEqual(specFindings(documents.parse(Properties.Source.BuildSpec)), []);
});

test("buildspecs: what an event says never stands in a command", () => {
  for (const command of commandsOf(documents.read("buildspec-event.yml")))
    assert.doesNotMatch(command, /REPOSITORY_NAME|REPO_REGION|REFERENCE_NAME/);
});

// What GitLab would do with a job on this branch, as gitlab-ci-local sees it.
function gitlab(job, branch) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "packferry-gitlab-"));
  const run = (program, args) => {
    const environment = { ...process.env, HOME: folder, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
    return spawnSync(program, args, { cwd: folder, encoding: "utf8", env: environment });
  };
  try {
    run("git", ["init", "--quiet", `--initial-branch=${branch}`]);
    run("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--allow-empty", "--message=a"]);
    run("git", ["remote", "add", "origin", "https://git.example.org/app/web.git"]);
    fs.writeFileSync(path.join(folder, ".gitlab-ci.yml"), job);
    const program = path.resolve("node_modules/.bin/gitlab-ci-local");
    const result = run(program, ["--list-csv", "--no-color"]);
    return { good: result.status === 0, runs: result.stdout.includes("packferry-replicate"), said: result.stdout + result.stderr };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

test("GitLab jobs: a planted fault is found", () => {
  const job = documents.text("gitlab-ci.yml");
  for (const [from, to] of [["  rules:\n", "  rulez:\n"], ["  needs: []", "  needs: [nothing]"], ["GIT_STRATEGY: none", "GIT_STRATEGY: [none]"]]) {
    assert.ok(job.includes(from));
    const answer = gitlab(job.replace(from, to), "main");
    assert.ok(!answer.good, `${to}: ${answer.said}`);
  }
});

for (const name of jobs)
  test(`GitLab jobs: ${name} is one, runs for its branches, and shells have nothing to say`, () => {
    const text = documents.text(name);
    const main = gitlab(text, "main");
    assert.ok(main.good && main.runs, main.said);
    const other = gitlab(text, "topic");
    assert.ok(other.good && !other.runs, other.said);
    assert.equal(gitlab(text, "release/1").runs, text.includes("release"));
    const job = documents.parse(text)["packferry-replicate"];
    assert.deepEqual(shellFindings([...job.before_script, ...job.script].join("\n")), []);
  });

const event = {
  source: "aws.codecommit",
  "detail-type": "CodeCommit Repository State Change",
  region: "eu-central-1",
  detail: { event: "referenceUpdated", repositoryName: "billing", referenceFullName: "refs/heads/feat/x" },
};
// As EventBridge does it: every list of the pattern names the value that is there.
const matches = (pattern, value) =>
  Object.entries(pattern).every(([key, want]) => (Array.isArray(want) ? want.includes(value[key]) : matches(want, value[key])));
const at = (value, jsonPath) => jsonPath.split(".").slice(1).reduce((inner, key) => inner[key], value);

test("events: a change of a ref starts a build of its repository", () => {
  const pattern = JSON.parse(documents.read("event-rule.json").EventPattern);
  assert.ok(matches(pattern, event));
  assert.ok(!matches(pattern, { ...event, source: "aws.codebuild" }));
  assert.ok(!matches(pattern, { ...event, detail: { ...event.detail, event: "unreferencedMergeCommitCreated" } }));

  const [target] = documents.read("event-targets.json").Targets;
  const { InputPathsMap, InputTemplate } = target.InputTransformer;
  const input = JSON.parse(InputTemplate.replace(/<(\w+)>/g, (_, name) => JSON.stringify(at(event, InputPathsMap[name]))));
  assert.deepEqual(Object.keys(input), ["environmentVariablesOverride"]);
  assert.deepEqual(
    input.environmentVariablesOverride.map(({ name, value }) => `${name}=${value}`),
    ["REPOSITORY_NAME=billing", "REPO_REGION=eu-central-1", "REFERENCE_NAME=refs/heads/feat/x"],
  );
});

test("events: targets are what EventBridge takes", () => {
  for (const name of ["event-targets.json", "event-schedule-targets.json"])
    for (const target of documents.read(name).Targets) assert.deepEqual(targetFindings(target), []);
  mentions(targetFindings({ Id: "x", ARN: "y" }), "there is no ARN");
});

// Who may do what, as IAM decides it. The bucket is in one account, the writer in another.
const source = "111122223333";
const keeper = "444455556666";
const bucketArn = "arn:aws:s3:::example-backups";
const prefix = `projects/codecommit-backup/${source}`;
const writer = `arn:aws:iam::${source}:role/packferry-backup-build`;
const reader = `arn:aws:iam::${keeper}:role/restore`;
const anything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
const made = { "s3:ObjectCreationOperation": "true" };
const new_object = { ...made, "s3:if-none-match": "*" };

const requests = [
  // [what, action, on, context, may the writer?, may the reader?]
  ["add an object", "s3:PutObject", `/${prefix}/x`, new_object, true, false],
  ["send a part of one", "s3:PutObject", `/${prefix}/x`, { "s3:ObjectCreationOperation": "false" }, true, false],
  ["replace one", "s3:PutObject", `/${prefix}/x`, made, false, false],
  ["add one over plain http", "s3:PutObject", `/${prefix}/x`, { ...new_object, "aws:SecureTransport": "false" }, false, false],
  ["add one elsewhere", "s3:PutObject", "/other/x", new_object, false, false],
  ["read one", "s3:GetObject", `/${prefix}/x`, {}, true, true],
  ["read one over plain http", "s3:GetObject", `/${prefix}/x`, { "aws:SecureTransport": "false" }, false, false],
  ["read one elsewhere", "s3:GetObject", "/projects/codecommit-backup/999999999999/x", {}, false, false],
  ["read one whose prefix only begins so", "s3:GetObject", `/${prefix}4/x`, {}, false, false],
  ["list the prefix", "s3:ListBucket", "", { "s3:prefix": `${prefix}/` }, true, true],
  ["list a part of it", "s3:ListBucket", "", { "s3:prefix": `${prefix}/manifests/` }, true, true],
  ["list everything", "s3:ListBucket", "", {}, false, false],
  ["list another prefix", "s3:ListBucket", "", { "s3:prefix": "projects/" }, false, false],
  ["give an upload up", "s3:AbortMultipartUpload", `/${prefix}/x`, {}, true, false],
  ["delete", "s3:DeleteObject", `/${prefix}/x`, {}, false, false],
  ["delete a version", "s3:DeleteObjectVersion", `/${prefix}/x`, {}, false, false],
  ["go past Object Lock", "s3:BypassGovernanceRetention", `/${prefix}/x`, {}, false, false],
  ["change the policy", "s3:PutBucketPolicy", "", {}, false, false],
  ["change the lifecycle", "s3:PutLifecycleConfiguration", "", {}, false, false],
];

for (const [what, action, place, context, writers, readers] of requests)
  test(`bucket: ${what}: the writer ${writers ? "may" : "may not"}, the reader ${readers ? "may" : "may not"}`, async () => {
    const asked = { account: keeper, bucket: documents.read("bucket-policy-all.json"), context };
    // The writer's own policy is the generated one; and then, as if somebody had been generous, one that allows all.
    const own = documents.read("codebuild-policy-all.json");
    assert.equal(await may(writer, action, bucketArn + place, { ...asked, identity: own }), writers);
    assert.equal(await may(writer, action, bucketArn + place, { ...asked, identity: anything }), writers);
    const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: ["s3:GetObject", "s3:ListBucket"], Resource: "*" }] };
    if (readers) assert.equal(await may(reader, action, bucketArn + place, { ...asked, identity: undefined }), true);
    else if (!action.startsWith("s3:Get") && !action.startsWith("s3:List"))
      assert.equal(await may(reader, action, bucketArn + place, { ...asked, identity: policy }), false);
    assert.equal(await may(`arn:aws:iam::${source}:role/third`, action, bucketArn + place, { ...asked, identity: anything }), false);
  });

test("bucket: a writer that may only put can neither read nor list", async () => {
  const asked = { account: keeper, bucket: documents.read("bucket-policy-put-only.json"), identity: anything };
  assert.equal(await may(writer, "s3:PutObject", `${bucketArn}/${prefix}/x`, { ...asked, context: new_object }), true);
  assert.equal(await may(writer, "s3:GetObject", `${bucketArn}/${prefix}/x`, asked), false);
  assert.equal(await may(writer, "s3:ListBucket", bucketArn, { ...asked, context: { "s3:prefix": `${prefix}/` } }), false);
});

test("bucket: with a key of one's own, objects are encrypted with it or by the bucket's default", async () => {
  const asked = { account: keeper, bucket: documents.read("bucket-policy-all.json"), identity: anything };
  const key = documents.read("codebuild-policy-all.json").Statement.find(({ Sid }) => Sid === "EncryptWithThisKey").Resource;
  const put = (context) => may(writer, "s3:PutObject", `${bucketArn}/${prefix}/x`, { ...asked, context: { ...new_object, ...context } });
  const kms = { "s3:x-amz-server-side-encryption": "aws:kms" };
  assert.equal(await put({}), true);
  assert.equal(await put({ ...kms, "s3:x-amz-server-side-encryption-aws-kms-key-id": key }), true);
  assert.equal(await put({ ...kms, "s3:x-amz-server-side-encryption-aws-kms-key-id": `${key.slice(0, -1)}2` }), false);
  assert.equal(await put({ "s3:x-amz-server-side-encryption": "AES256" }), false);
});

test("roles: the build pulls from its repositories, and does nothing else to any", async () => {
  const asked = { account: source, identity: documents.read("codebuild-policy-all.json") };
  const repository = (region, account, name) => `arn:aws:codecommit:${region}:${account}:${name}`;
  const pull = (arn) => may(writer, "codecommit:GitPull", arn, asked);
  assert.equal(await pull(repository("eu-central-1", source, "app-1")), true);
  assert.equal(await pull(repository("us-east-1", source, "web")), true);
  assert.equal(await pull(repository("us-east-1", source, "other")), false);
  assert.equal(await pull(repository("eu-west-1", source, "web")), false);
  for (const action of ["GitPush", "DeleteRepository", "CreateRepository", "PutFile", "UpdateDefaultBranch"])
    assert.equal(await may(writer, `codecommit:${action}`, repository("us-east-1", source, "web"), asked), false, action);
  const list = (region) => may(writer, "codecommit:ListRepositories", "*", { ...asked, context: { "aws:RequestedRegion": region } });
  assert.equal(await list("us-east-1"), true);
  assert.equal(await list("ap-south-1"), false);
});

test("roles: replication pushes what it may, and deletes no repository", async () => {
  const role = `arn:aws:iam::${source}:role/replicate`;
  const mirror = `arn:aws:codecommit:us-east-1:${source}:mirror-web`;
  const asked = { account: source, identity: documents.read("replication-policy-all.json") };
  const push = (context) => may(role, "codecommit:GitPush", mirror, { ...asked, context });
  assert.equal(await push({}), true);
  assert.equal(await push({ "codecommit:References": "refs/heads/main" }), true);
  assert.equal(await push({ "codecommit:References": "refs/tags/v1" }), true);
  assert.equal(await push({ "codecommit:References": "refs/heads/other" }), false);
  assert.equal(await may(role, "codecommit:CreateRepository", mirror, asked), true);
  assert.equal(await may(role, "codecommit:DeleteRepository", mirror, asked), false);
  assert.equal(await may(role, "codecommit:GitPush", mirror.replace("mirror-web", "web"), asked), false);
});
