"""Peers that say what no decent server says: a table of them, and what the program makes of each.

A row is one thing that is wrong; the rest of the conversation is honest (and the first rows are honest throughout, to
show that it is). It is carried over HTTP, git:// and a pipe in the place of ssh, on pipes and on a terminal; and every
single run is watched as subject.py says. What is expected is argued from docs/guarantees.md.
"""

import concurrent.futures
import dataclasses
import itertools
import os
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import unittest

from conversations import HttpSource, Source, peer_for
from honest import Honest, refs_of
from subject import CANARY, Subject
from wire import Peer
import http_rows
import rows

HERE = pathlib.Path(__file__).resolve().parent
DONE, FAILED, USAGE, HELD, PARTIAL = 0, 1, 2, 3, 4
STALL_SECONDS = "2"


class World:
    """What the runs share. Each of them has a place of its own in it."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="packferry-hostile-"))
        self.honest = Honest(self.directory)
        self.rows = rows.table(self.honest) + http_rows.table(self.honest)
        self.numbers = itertools.count()
        self.lock = threading.Lock()

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def place(self):
        with self.lock:
            return self.directory / str(next(self.numbers))


def runs_of(row):
    """Every carrier once, on pipes and on a terminal in turn; which begins is left to the name."""
    first = sum(row.name.encode()) % 2 if len(row.carriers) > 1 else 0
    runs = [(carrier, (first + number) % 2 == 1) for number, carrier in enumerate(row.carriers)]
    if len(runs) == 1 and "escapes" in row.name:
        runs.append((runs[0][0], True))
    return runs


def objections(world, row, carrier, terminal, program=None):
    """What is wrong with the run of a row, in sentences."""
    place = world.place()
    subject = Subject(place, program) if program else Subject(place)
    is_source = isinstance(row.says, (Source, HttpSource))
    # Nobody may be sent here, with or without credentials.
    elsewhere = Peer(lambda conversation: None)
    peer = peer_for(row, carrier, world.honest, elsewhere)
    plug = f"{sys.executable} -IS {HERE}/plug.py {peer.port} {subject.children}"
    url = {
        "http": f"http://127.0.0.1:{peer.port}/r.git",
        "git": f"git://127.0.0.1:{peer.port}/r.git",
        "ssh": "ssh://ann@host.example/r.git",
    }[carrier]
    local = str(place / "destination.git") if is_source else world.honest.path
    words = [url, local] if is_source else [local, url]
    if is_source:
        words += ["--protocol", str(row.says.protocol)]
    if not terminal:
        words += ["--json", "--verbose"]
    try:
        run = subject.run(
            "replicate", *row.options, "--stall-timeout", STALL_SECONDS, *words,
            terminal=terminal,
            PACKFERRY_TOKEN=CANARY,
            GIT_SSH_COMMAND=plug,
        )  # fmt: skip
    finally:
        peer.close()
        elsewhere.close()

    found = subject.objections(run, [place / "destination.git", subject.home], row.memory_mib)
    if run.status != row.status:
        found.append(f"status {run.status} instead of {row.status}")
    found += objections_to_text(row, run) if terminal else objections_to_report(row, run)
    if is_source:
        expected = row.leaves or (world.honest.refs if row.status == DONE else {})
        if refs_of(local) != expected:
            found.append(f"the destination holds {refs_of(local)}")
        if row.status != DONE and (leftovers := [*pathlib.Path(local).rglob("tmp_*")]):
            found.append(f"left behind: {leftovers}")
    if elsewhere.connections:
        found.append("asked a host that nobody named")
    if carrier == "http" and not any(peer.heard):
        found.append("the peer was not asked")
    shutil.rmtree(place, ignore_errors=True)
    return [f"{row.name} ({carrier}, {'terminal' if terminal else 'pipes'}): {text}\n{run.text}" for text in found]


def objections_to_text(row, run):
    if not row.kind:
        return []
    return [] if row.message.replace("\\\\", "\\") in run.text else [f"no '{row.message}' in what it says"]


def objections_to_report(row, run):
    try:
        report = run.report()
    except ValueError:
        return ["no report"]
    errors = [report["error"], *(leg["error"] for leg in report.get("destinations", []))]
    kinds = {error["kind"] for error in errors if error}
    found = []
    if kinds != ({row.kind} if row.kind else set()):
        found.append(f"kinds of error {sorted(kinds)} instead of {row.kind}")
    if row.message not in run.out.decode():
        found.append(f"no '{row.message}' in its report")
    if row.status != DONE and report["status"] in ("done", "up-to-date"):
        found.append("claims success")
    return found


class HostilePeers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)

    def all_objections(self, wanted, program=None):
        # Most of the time of a run is spent waiting, on one side or the other.
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return [*pool.map(lambda w: objections(self.world, *w, program), wanted)]

    def test_every_peer_of_the_table_is_met(self):
        wanted = [(row, *run) for row in self.world.rows for run in runs_of(row)]
        only = os.environ.get("HOSTILE_ONLY", "")
        wanted = [w for w in wanted if re.search(only, w[0].name)]
        found = [text for texts in self.all_objections(wanted) for text in texts]
        print(f"{len(self.world.rows)} peers, {len(wanted)} runs", file=sys.stderr)
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_there_are_enough_of_them_and_each_has_a_name_of_its_own(self):
        names = [row.name for row in self.world.rows]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 80)

    def test_a_gullible_program_fails_every_row(self):
        """The planted fault: a program that believes whatever it is told, and says so."""
        gullible = self.world.directory / "gullible"
        gullible.write_text('#!/bin/sh\necho \'{"status": "done", "error": null}\'\n')
        gullible.chmod(0o755)
        wanted = [(row, row.carriers[0], False) for row in self.world.rows]
        passed = [w[0].name for w, texts in zip(wanted, self.all_objections(wanted, str(gullible))) if not texts]
        self.assertEqual(passed, [])


if __name__ == "__main__":
    unittest.main()
