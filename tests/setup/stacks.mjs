// Stacks, held against AWS's specification of what each resource has: names, types, what is required, and what a
// reference may be made to.
import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";

const spec = loadAwsServiceSpecSync();
const resourceType = (name) => spec.lookup("resource", "cloudFormationType", "equals", name)[0];

function* valueFindings(value, type, place) {
  if (value !== null && typeof value === "object" && ("Ref" in value || "Fn::GetAtt" in value)) return;
  const actual = Array.isArray(value) ? "array" : typeof value;
  const wrong = `${place}: ${JSON.stringify(value)?.slice(0, 60)} is no ${type.type}`;
  switch (type.type) {
    case "string":
    case "date-time":
      if (actual !== "string") yield wrong;
      return;
    case "integer":
      if (!Number.isInteger(value)) yield wrong;
      return;
    case "number":
    case "boolean":
      if (actual !== type.type) yield wrong;
      return;
    case "array":
      if (actual !== "array") yield wrong;
      else for (const [i, each] of value.entries()) yield* valueFindings(each, type.element, `${place}[${i}]`);
      return;
    case "map":
      if (actual !== "object") yield wrong;
      else for (const [key, each] of Object.entries(value)) yield* valueFindings(each, type.element, `${place}.${key}`);
      return;
    case "ref":
      if (actual !== "object") yield wrong;
      else yield* propertyFindings(value, spec.get("typeDefinition", type.reference.$ref).properties, place);
      return;
    case "union": {
      const attempts = type.types.map((each) => [...valueFindings(value, each, place)]);
      if (attempts.every((found) => found.length > 0)) yield* attempts[0];
      return;
    }
    case "json":
      if (actual !== "object") yield wrong;
      return;
    default:
      throw new Error(`${place}: unknown type ${type.type}`);
  }
}

export function* propertyFindings(values, properties, place) {
  for (const [name, value] of Object.entries(values)) {
    if (properties[name]) yield* valueFindings(value, properties[name].type, `${place}.${name}`);
    else yield `${place}: there is no ${name}`;
  }
  for (const [name, property] of Object.entries(properties))
    if (property.required && !(name in values)) yield `${place}: ${name} is missing`;
}

function* referenceFindings(value, resources, place) {
  if (value === null || typeof value !== "object") return;
  if ("Ref" in value && !resources[value.Ref]) yield `${place}: there is no ${value.Ref}`;
  if ("Fn::GetAtt" in value) {
    const [name, attribute] = value["Fn::GetAtt"];
    const target = resources[name] && resourceType(resources[name].Type);
    if (!target?.attributes[attribute]) yield `${place}: there is no ${name}.${attribute}`;
  }
  for (const [key, each] of Object.entries(value)) yield* referenceFindings(each, resources, `${place}.${key}`);
}

const topLevel = ["AWSTemplateFormatVersion", "Description", "Resources", "Outputs"];
const ofResource = ["Type", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Properties"];

// Empty: nothing to say against it.
export function findings(stack) {
  const found = Object.keys(stack).filter((key) => !topLevel.includes(key)).map((key) => `there is no ${key}`);
  for (const [name, resource] of Object.entries(stack.Resources)) {
    for (const key of Object.keys(resource)) if (!ofResource.includes(key)) found.push(`${name}: there is no ${key}`);
    const type = resourceType(resource.Type);
    if (type) found.push(...propertyFindings(resource.Properties, type.properties, name));
    else found.push(`${name}: there is no ${resource.Type}`);
  }
  found.push(...referenceFindings(stack.Resources, stack.Resources, "Resources"));
  found.push(...referenceFindings(stack.Outputs, stack.Resources, "Outputs"));
  return found;
}

// A target of EventBridge's own API looks as it does in a stack.
export function targetFindings(target) {
  const rule = resourceType("AWS::Events::Rule");
  const type = [...spec.follow("usesType", rule)].find((link) => link.entity.name === "Target").entity;
  return [...propertyFindings(target, type.properties, "Target")];
}

// [kind, policy] of every policy in a stack.
export function policiesOf(stack) {
  const policies = [];
  for (const { Type, Properties } of Object.values(stack.Resources)) {
    if (Type === "AWS::S3::BucketPolicy") policies.push(["resource", Properties.PolicyDocument]);
    if (Type !== "AWS::IAM::Role") continue;
    policies.push(["trust", Properties.AssumeRolePolicyDocument]);
    for (const { PolicyDocument } of Properties.Policies) policies.push(["identity", PolicyDocument]);
  }
  return policies;
}
