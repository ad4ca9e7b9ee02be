// The schema of the configuration as an editor uses it: right by its own rules, content with every example that packferry
// prints, and not with planted faults. Node reads no TOML; Python does.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

import Ajv2020 from "ajv/dist/2020.js";

const schema = JSON.parse(fs.readFileSync(process.env.CONFIG_SCHEMA, "utf8"));
const folder = process.env.CONFIG_EXAMPLES;
const examples = fs.readdirSync(folder).filter((name) => name.endsWith(".toml"));

const read = (file) => {
  const program = "import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], 'rb'))))";
  const python = spawnSync("python3", ["-c", program, file], { encoding: "utf8" });
  assert.equal(python.status, 0, python.stderr);
  return JSON.parse(python.stdout);
};
const validate = new Ajv2020({ strict: true, strictRequired: false, allErrors: true, allowUnionTypes: true }).compile(schema);
const findings = (value) => (validate(value) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.message}`));

test("there is an example for each kind of host", () => {
  const kinds = schema.$defs.host.properties.kind.enum.filter((kind) => kind !== "forgejo");
  assert.deepEqual(examples, kinds.map((kind) => `example-${kind}.toml`).sort());
});

for (const name of examples)
  test(`${name} is right`, () => {
    assert.deepEqual(findings(read(path.join(folder, name))), []);
  });

test("a planted fault is found", () => {
  const planted = [
    [(c) => (c.catalog = "x"), "must NOT have additional properties"],
    [(c) => (c.hosts.source.token = "glpat-…"), "must be object"],
    [(c) => (c.hosts.source.token = { env: "A", file: "b" }), "must NOT have more than 1 properties"],
    [(c) => delete c.hosts.source.url, "must have required property 'url'"],
    [(c) => (c.hosts.source.region = "eu-central-1"), "must NOT have additional properties"],
    [(c) => (c.hosts["a/b"] = { kind: "directory", path: "/x" }), "property name must be valid"],
    [(c) => (c.confirm_every = "daily"), "must match pattern"],
    [(c) => (c.replicas[0].destinations = []), "must NOT have fewer than 1 items"],
    [(c) => (c.replicas[0].policy = "force"), "must be equal to one of the allowed values"],
    [(c) => (c.backups[0].source.visibility = ["secret"]), "must be equal to one of the allowed values"],
    [(c) => (delete c.backups, delete c.replicas), "must match a schema in anyOf"],
  ];
  for (const [change, words] of planted) {
    const config = read(path.join(folder, "example-gitlab.toml"));
    change(config);
    const found = findings(config);
    assert.ok(found.some((finding) => finding.includes(words)), `"${words}" in ${JSON.stringify(found)}`);
  }
});
