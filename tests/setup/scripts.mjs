// What shells run, out of buildspecs and CI jobs.
import { spawnSync } from "node:child_process";

// "Build specification reference for CodeBuild", and its page on batch builds.
const known = {
  spec: ["version", "batch", "phases"],
  phase: ["on-failure", "commands"],
  batch: ["fast-fail", "build-list"],
  build: ["identifier", "env"],
  env: ["variables"],
};

function* unknown(value, level, place) {
  for (const key of Object.keys(value)) if (!known[level].includes(key)) yield `${place}: there is no ${key}`;
}

export function commandsOf(spec) {
  return Object.values(spec.phases).flatMap((phase) => phase.commands);
}

export function specFindings(spec) {
  const found = [...unknown(spec, "spec", "buildspec")];
  if (spec.version !== 0.2) found.push("version: 0.2 is the newest");
  for (const [name, phase] of Object.entries(spec.phases)) {
    if (!["install", "pre_build", "build", "post_build"].includes(name)) found.push(`there is no phase ${name}`);
    found.push(...unknown(phase, "phase", name));
  }
  if (spec.batch) found.push(...unknown(spec.batch, "batch", "batch"));
  for (const build of spec.batch?.["build-list"] ?? []) {
    found.push(...unknown(build, "build", "build-list"), ...unknown(build.env, "env", build.identifier));
    // "Must be … alphanumeric and underscore, 128 characters"
    if (!/^[A-Za-z0-9_]{1,128}$/.test(build.identifier)) found.push(`${build.identifier} is no identifier`);
    for (const value of Object.values(build.env.variables))
      if (typeof value !== "string") found.push(`${build.identifier}: ${value} is no string`);
  }
  return [...found, ...commandsOf(spec).flatMap(shellFindings)];
}

// By the shell itself, and by shellcheck; ${region} in single quotes (SC2016) is packferry's to replace.
export function shellFindings(command) {
  const run = (program, args) => spawnSync(program, args, { input: command, encoding: "utf8" });
  return [run("sh", ["-n"]), run("shellcheck", ["--shell=sh", "--format=gcc", "--exclude=SC2016", "-"])]
    .filter((result) => result.status !== 0)
    .map((result) => result.stdout + result.stderr);
}
