#!/usr/bin/env python3
"""Real repositories backed up through a part of their life, and every snapshot brought back.

    tests/integration/real_backups.py [--store directory,s3] [--binary FILE] NAME=REPOSITORY…

For each: a backup from the state before the newest 100 commits, one without news, the newest 100 commits, a branch
rewound and another one deleted. Every snapshot is then restored, by the program and by the recipe of
docs/formats/backup.md with stock git alone: refs, HEAD and `git fsck --full` as the source's. Last `verify --level drill`,
and a restore pushed to an http server. One line a step; the exit status is 0 only if all was so.
"""
import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import sandbox  # noqa: E402
import s3  # noqa: E402
import vault  # noqa: E402
from repositories import prepare, rewind  # noqa: E402


def recipe():
    """The indented lines of the section "By hand"."""
    text = (ROOT / "docs" / "formats" / "backup.md").read_text().split("## By hand", 1)[1]
    return "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))


class Real(vault.Backups):
    seconds_max = 3600
    server = None

    def use_s3(self):
        if Real.server is None:
            Real.server = s3.Server()
            self.addClassCleanup(Real.server.stop)
            keys = Real.server.keys
            self.environment.update(
                {
                    "AWS_ENDPOINT_URL": Real.server.endpoint,
                    "AWS_REGION": "us-east-1",
                    "AWS_ACCESS_KEY_ID": keys.access,
                    "AWS_SECRET_ACCESS_KEY": keys.secret,
                }
            )
        self.store = f"s3://{Real.server.bucket}/{self.label}"

    def step(self, what, work):
        begin = time.monotonic()
        said = work()
        seconds = time.monotonic() - begin
        print(f"{self.label:24} {self.kind:9} {what:30} {said:44} {seconds:7.2f} s", flush=True)

    def back_up(self):
        snapshot = self.backup("--allow-rewinds", "100%", "--allow-deletions", "100%")["snapshot"]
        if snapshot is None:
            return "nothing new"
        link = snapshot["chain"][-1]
        brought = f"{'full' if link['full'] else 'incremental'}, {link['bytes'] / 1e6:.2f} MB"
        if link["snapshot"] != snapshot["number"]:
            brought = "no objects"
        return f"snapshot {snapshot['number']}: {brought}, {snapshot['refs']} refs"

    def assert_same(self, name, number):
        self.assertEqual(self.moment(name), self.moments[number])
        self.git(name, "fsck", "--full")
        return f"{len(self.moments[number].refs)} refs equal, git fsck --full passes"

    def restore_number(self, number):
        name = f"restored-{number}"
        self.restore(self.path(name), "--at", str(number))
        return self.assert_same(name, number)

    def restore_by_hand(self, number, place):
        name = f"by-hand-{number}"
        settings = {"manifest": f"manifests/{self.repository}/{number:010}.manifest", "target": self.path(name)}
        commands = recipe()
        for setting, value in settings.items():
            commands, count = re.subn(f"^{setting}=.*$", f"{setting}={value}", commands, flags=re.MULTILINE)
            self.assertEqual(count, 1)
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=place, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertNotIn("damaged", run.stdout)
        return self.assert_same(name, number)

    def copy_of_store(self):
        if self.kind == "directory":
            return self.store
        place = self.repos / "copy"
        prefix = f"{self.label}/"
        for key in Real.server.keys_below(Real.server.bucket, prefix):
            file = place / key.removeprefix(prefix)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(Real.server.get(Real.server.bucket, key))
        return place

    def restore_to_host(self):
        self.init("host")
        self.restore(self.url("FERRY_HTTP_OPEN", "host"))
        self.assertEqual(self.refs("host"), self.refs("source"))
        self.git("host", "fsck", "--full")
        return f"{len(self.refs('host'))} refs equal, git fsck --full passes"

    def verify_all(self):
        self.verify("--level", "drill")
        return "all good"

    def turn_back(self):
        head = self.git("source", "symbolic-ref", "HEAD").strip()
        self.git("source", "update-ref", head, f"{head}~3")
        others = [ref for ref in self.refs("source") if ref.startswith("refs/heads/") and ref != head]
        if others:
            self.git("source", "update-ref", "-d", others[-1])

    def life(self, label, whole, kind):
        self.label, self.kind = label, kind
        self.setUp()
        if kind == "s3":
            self.use_s3()
        shutil.copytree(whole, self.path("source"))
        rewind(self.directory, self.path("source"), 100)
        self.step("backup", self.back_up)
        self.step("backup, unchanged", self.back_up)
        shutil.rmtree(self.path("source"))
        shutil.copytree(whole, self.path("source"))
        self.step("backup, 100 commits", self.back_up)
        self.turn_back()
        self.step("backup, rewound and deleted", self.back_up)
        place = self.copy_of_store()
        for number in self.moments:
            self.step(f"restore {number}", lambda: self.restore_number(number))
            self.step(f"restore {number} by hand", lambda: self.restore_by_hand(number, place))
        self.step("verify --level drill", self.verify_all)
        self.step("restore to http", self.restore_to_host)
        shutil.rmtree(self.repos)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="directory,s3")
    parser.add_argument("--binary", default=ROOT / "build/release/packferry")
    parser.add_argument("repositories", nargs="+", metavar="NAME=REPOSITORY")
    arguments = parser.parse_args()
    sandbox.PACKFERRY = str(arguments.binary)
    Real.setUpClass()
    try:
        real = Real("life")
        for repository in arguments.repositories:
            name, path = repository.split("=", 1)
            whole = Real.directory / "whole.git"
            shutil.rmtree(whole, ignore_errors=True)
            prepare(Real.directory, Path(path).resolve(), whole)
            for kind in arguments.store.split(","):
                real.life(name, whole, kind)
    finally:
        Real.doClassCleanups()


if __name__ == "__main__":
    main()
