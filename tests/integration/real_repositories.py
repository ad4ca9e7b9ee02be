#!/usr/bin/env python3
"""Real repositories through their whole life, over every carrier, to one and to three destinations.

    tests/integration/real_repositories.py [--carriers http,http-v0,ssh,path] [--binary FILE] NAME=REPOSITORY…

For each: the first run from the state before the newest 100 commits, a run without news, the newest 100 commits, a
branch rewound, a branch deleted. After each step the refs of every destination are compared with the source's; after
the last one `git fsck --full` has to pass, and the two old tips have to have their kept names. One line a step; the exit
status is 0 only if all was so.
"""
import argparse
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import sandbox  # noqa: E402
from repositories import prepare, rewind  # noqa: E402

CARRIERS = {"http": "FERRY_HTTP_OPEN", "http-v0": "FERRY_HTTP_V0", "ssh": "FERRY_SSH", "path": None}


class Real(sandbox.Replication):
    def place(self, carrier, name):
        server = CARRIERS[carrier]
        return self.url(server, name) if server else self.path(name)

    def step(self, what, carrier, names):
        begin = time.monotonic()
        # An old server without allow-reachable-sha1-in-want cannot say what an update loses: it counts as a rewind.
        allowed = ["--allow-rewinds", "100%"] if carrier == "http-v0" else []
        self.replicate("--quiet", *allowed, self.place(carrier, "source"), *(self.place(carrier, name) for name in names))
        seconds = time.monotonic() - begin
        wanted = self.refs("source")
        for name in names:
            self.assertEqual(self.refs(name), wanted, f"{what}: {name}")
        print(f"{self.repository:22} {carrier:8} {len(names)}  {what:26} {len(wanted):6} refs equal  {seconds:7.2f} s",
              flush=True)

    def life(self, repository, whole, carrier, count):
        self.repository = repository
        shutil.rmtree(self.repos, ignore_errors=True)
        self.repos.mkdir(parents=True)
        names = [f"destination{number}" for number in range(count)]
        for name in names:
            self.init(name)
        shutil.copytree(whole, self.path("source"))
        rewind(self.directory, self.path("source"), 100)
        self.step("first", carrier, names)
        self.step("no change", carrier, names)
        shutil.rmtree(self.path("source"))
        shutil.copytree(whole, self.path("source"))
        self.step("100 commits", carrier, names)

        head = self.git("source", "symbolic-ref", "HEAD").strip()
        branches = [ref for ref in self.refs("source") if ref.startswith("refs/heads/") and ref != head]
        if branches:
            gone = branches[-1]
            lost = {head: self.refs("source")[head], gone: self.refs("source")[gone]}
            self.git("source", "update-ref", head, f"{head}~3")
            self.step("rewind", carrier, names)
            self.git("source", "update-ref", "-d", gone)
            self.step("deletion", carrier, names)
            for name in names:
                for ref, oid in lost.items():
                    self.assertIn(oid, self.kept(name)[ref.removeprefix("refs/")])
        for name in names:
            self.git(name, "fsck", "--full")
            self.assert_no_leftovers(name)
        print(f"{repository:22} {carrier:8} {count}  git fsck --full passes, old tips are kept", flush=True)


def main():
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--carriers", default=",".join(CARRIERS))
    parser.add_argument("--destinations", default="1,3")
    parser.add_argument("--binary", default=root / "build/release/packferry")
    parser.add_argument("repositories", nargs="+", metavar="NAME=REPOSITORY")
    arguments = parser.parse_args()
    sandbox.PACKFERRY = str(arguments.binary)
    Real.setUpClass()
    try:
        real = Real("life")
        real.corner = "real"
        for repository in arguments.repositories:
            name, path = repository.split("=", 1)
            whole = Real.directory / "whole.git"
            shutil.rmtree(whole, ignore_errors=True)
            prepare(Real.directory, Path(path).resolve(), whole)
            for carrier in arguments.carriers.split(","):
                for count in map(int, arguments.destinations.split(",")):
                    real.life(name, whole, carrier, count)
    finally:
        Real.doClassCleanups()


if __name__ == "__main__":
    main()
