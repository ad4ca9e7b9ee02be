#!/usr/bin/env python3
"""A fleet in one run, to the last number: from one real Git host to another and into a real S3 server.

    tests/integration/fleet_test.py [--repositories N] [--binary FILE]

One in fifty is broken, in ten ways, here or there. What each run says is held against what was planted, the requests that
it says against the logs of the servers, the copies against the sources by git itself, and all the rest against what it was
before. A line for each run says what it cost.
"""

import argparse
import collections
import json
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path

import fleet
import sandbox
from fleet import BROKEN, HELD
from sandbox import DONE, PARTIAL

ORDERS = ("copies", "nightly")
FOREIGN = "somebody/elses"
HEAD = "run", "wall s", "CPU s", "peak RSS MB", "requests here", "requests there", "packs", "pack MB", "objects written"


class AFleet(fleet.Fleet):
    maxDiff = 4000

    def test_every_run_says_what_was_so(self):
        self.plant_strangers()
        self.plant_broken()
        print("\n| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD), flush=True)

        self.run_and_check("first", done=both(self.names), status=PARTIAL)
        self.check_restores()

        outages = [name for name, (wrong, _) in self.wrong.items() if wrong.attempts > 1]
        for name in outages:
            self.mend(name)
        self.run_and_check("outages are over", done=both(outages), status=PARTIAL)
        self.run_and_check("no change", done=[], status=PARTIAL)

        changed = self.plant_changes()
        self.run_and_check("1 % changed, and what is held", done=both(changed), status=PARTIAL)
        self.check_restores()
        self.check_that_a_fault_is_found()

        broken = {name: wrong for name, (wrong, _) in self.wrong.items()}
        for name in broken:
            self.mend(name)
        left = [(order, name) for order in ORDERS for name, wrong in broken.items() if wrong.leaves_undone(order)]
        self.run_and_check("all is mended", done=left, looked_at=broken)
        self.assertEqual(self.refused_requests, 0)
        self.check_restores()
        self.run_and_check("no change", done=[])

    # What is planted.

    def plant_strangers(self):
        """Whom nobody told us to look after."""
        self.bystander = self.copy("bystander")
        self.init(self.bystander)
        self.commit(self.bystander, "main")
        for key in (FOREIGN, "fleet/manifests/" + FOREIGN, "fleet-of-another/manifests/x"):
            self.bucket.put(self.bucket.bucket, key, b"not ours")

    def plant_broken(self):
        times = max(1, self.count // 50 // len(BROKEN))
        for name, wrong in zip(self.spread(times * len(BROKEN)), times * BROKEN):
            self.break_one(name, wrong)

    def plant_changes(self):
        """One in a hundred, and one more of each kind that a person has to look at."""
        count = max(3, self.count // 100)
        names = self.spread(count + len(HELD))
        for name in names[:count]:
            self.commit_to(name)
        for name, wrong in zip(names[count:], HELD):
            self.break_one(name, wrong)
        return names

    def spread(self, count):
        """So many that are small and whole, from all over the fleet."""
        whole = [name for name in self.tiny if name not in self.wrong]
        return whole[:: len(whole) // count][:count]

    # One run.

    def run_and_check(self, what, done, looked_at=(), status=DONE):
        """`done`: the copies that there is something to do for, as far as it can be done. `looked_at`: repositories that are
        asked about more than that."""
        before, objects = self.state_there(), dict(self.objects())
        report, cost = self.sweep(status)
        after, objects_after = self.state_there(), dict(self.objects())

        expected = {(order, name): self.expected_state(order, name, done) for order in ORDERS for name in self.names}
        self.check_report(report, expected)
        self.check_requests(report, expected, looked_at)
        self.check_copies(expected)
        self.check_nothing_else(expected, before, after)
        self.check_objects(report, expected, objects, objects_after)
        print(f"| {what} | " + " | ".join([*cost, str(len(objects_after) - len(objects))]) + " |", flush=True)

    def expected_state(self, order, name, done):
        wrong = self.wrong[name][0] if name in self.wrong else None
        if wrong and wrong.state(order) != "done":
            return wrong.state(order)
        return "done" if (order, name) in done else "up-to-date"

    def sweep(self, status):
        # A child that we start ourselves would be charged with our own memory.
        usage = self.directory / "usage"
        words = ["time", "--quiet", "-f", "%U %S %M", "-o", usage, sandbox.PACKFERRY, "sweep", str(self.config), "--json", "--stall-timeout", str(self.patience_s),
                 "--attempts", str(fleet.ATTEMPTS)]  # fmt: skip
        begin = time.monotonic()
        with open(self.directory / "report.json", "w+b") as out, open(self.directory / "said", "w+b") as said:
            run_status = subprocess.call(words, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=said)
            seconds = time.monotonic() - begin
            out.seek(0), said.seek(0)
            report, said = json.load(out), said.read().decode()
        self.assertEqual((run_status, report["exit_status"]), (status, status), said[-3000:])
        self.assertNotIn(self.bucket.keys.secret, said + json.dumps(report))
        self.asked_here, self.asked_there = self.here.asked(), self.there.asked()
        self.refused_requests = sum(each.refusals for each in [*self.asked_here.values(), *self.asked_there.values()])
        totals = [sum(each.total for each in asked.values()) for asked in (self.asked_here, self.asked_there)]
        pack_bytes = sum(each["pack_bytes"] for each in report["copies"])
        user, system, kilobytes = map(float, usage.read_text().split())
        return report, [f"{seconds:.2f}", f"{user + system:.2f}", f"{kilobytes / 1024:.0f}",
                        *map(str, totals), str(report["fetches"]), f"{pack_bytes / 1e6:.2f}"]  # fmt: skip

    # What is held against what.

    def check_report(self, report, expected):
        said = {(each["order"], self.name_of(each["source"])): each for each in report["copies"]}
        self.assertEqual(set(said), set(expected))
        self.assertEqual(len(said), len(report["copies"]))
        wrong = [each for copy, each in said.items() if each["state"] != expected[copy]]
        self.assertEqual(wrong, [])
        self.assertEqual(report["repositories"], self.count)
        counts = collections.Counter(expected.values())
        self.assertEqual([report[state] for state in ("up_to_date", "done", "held", "missing", "failed")],
                         [counts["up-to-date"], counts["done"], counts["held"], 0, counts["failed"]])  # fmt: skip
        for (order, name), each in said.items():
            is_good = expected[order, name] in ("done", "up-to-date")
            self.assertEqual(each["error"] is None, is_good, each)
            planted = None if is_good else self.wrong[name][0]
            self.assertEqual(each["attempts"], planted.attempts if planted else 1, each)
            if planted:
                self.assertIn(planted.said, each["error"]["message"])

    def name_of(self, source):
        return source.removeprefix(f"here/{self.named('')}")

    def check_requests(self, report, expected, looked_at):
        """What the sources say that they were asked, and that destinations are left alone that have what there is."""
        rest = [name for name in self.names if name not in looked_at]
        self.assertEqual(set(self.asked_here), set(self.names))
        # Who is not greeted gets no further, and has been asked all the same. What seems to be empty is greeted and asked once
        # more before it is believed: one question, and two requests.
        listings = [each.listings or each.greetings for each in self.asked_here.values()]
        empty = [name for name, (wrong, _) in self.wrong.items() if wrong.way == "emptied"]
        repeated = sum(self.asked_here[name].listings - 1 for name in empty)
        self.assertEqual(report["source_listings"], sum(listings) - repeated)
        self.assertEqual(report["fetches"], sum(each.packs for each in self.asked_here.values()))
        for name in rest:
            if all(expected[order, name] == "up-to-date" for order in ORDERS):
                # A greeting is for the host; its other repositories may be asked without one.
                greetings = min(self.asked_here[name].greetings, 1)
                self.assertEqual(self.asked_here[name], fleet.Requests(greetings=greetings, listings=1), name)
            if expected["copies", name] == "up-to-date":
                self.assertNotIn(name, self.asked_there)
        self.assertLessEqual(set(self.asked_there), set(self.names))

    def check_copies(self, expected):
        for name in self.names:
            if expected["copies", name] in ("done", "up-to-date"):
                self.assertEqual(self.refs(self.copy(name)), self.refs(name), name)

    def state_there(self):
        """What each destination holds, to the last ref."""
        return {name: self.all_refs(self.copy(name)) for name in self.names} | {None: self.files(self.bystander)}

    def check_nothing_else(self, expected, before, after):
        for name in after:
            if name is None or expected["copies", name] not in ("done", "held"):
                self.assertEqual(after[name], before[name], name)
        for name, (wrong, _) in self.wrong.items():
            if expected["copies", name] == "held":
                self.assertLessEqual(before[name].items(), after[name].items(), wrong.way)

    def objects(self):
        return self.bucket.objects_below(self.bucket.bucket, "")

    def check_objects(self, report, expected, before, after):
        """Nothing is changed or removed, and what is new belongs to a backup that was made."""
        self.assertLessEqual(before.items(), after.items())
        new = set(after) - set(before)
        for each in report["copies"]:
            if each["order"] == "nightly" and each["snapshot"] is not None:
                name = self.named(self.name_of(each["source"]))
                self.assertIn(f"fleet/manifests/{name}/{each['snapshot']:010}.manifest", new)
                new = {key for key in new if f"/{name}/" not in key}
        self.assertEqual(new, set())
        made = {self.name_of(each["source"]) for each in report["copies"] if each["snapshot"] is not None}
        in_part = {name for name, (wrong, _) in self.wrong.items() if wrong.in_part}
        done = {name for (order, name), state in expected.items() if order == "nightly" and state == "done"}
        self.assertEqual(made, done | in_part)

    def check_restores(self):
        """Some of every kind: all that is special, and a few of the rest."""
        special = [name for number, name in enumerate(self.names) if self.is_special(number)]
        for name in [*special[:6], *self.spread(4)]:
            shutil.rmtree(self.path("restored"), ignore_errors=True)
            run = self.packferry("restore", f"s3://{self.bucket.bucket}/fleet", self.named(name), self.path("restored"),
                                 AWS_ENDPOINT_URL=self.bucket.endpoint, AWS_REGION="us-east-1")  # fmt: skip
            self.assertEqual(run.status, DONE, run.said)
            self.assertEqual(self.refs("restored"), self.refs(name), name)

    def check_that_a_fault_is_found(self):
        """Who checks is checked: a copy that is altered behind everybody's back does not pass."""
        name = self.spread(1)[0]
        expected = {("copies", each): "up-to-date" if each == name else "failed" for each in self.names}
        self.check_copies(expected)
        undo = self.set_refs(self.copy(name), {"refs/heads/main": None})
        with self.assertRaises(AssertionError):
            self.check_copies(expected)
        undo()


def both(names):
    return {(order, name) for order in ORDERS for name in names}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", type=int, default=fleet.Fleet.count)
    parser.add_argument("--binary", type=Path)
    arguments, words = parser.parse_known_args()
    fleet.Fleet.count = arguments.repositories
    if fleet.Fleet.count >= 1000:
        fleet.Fleet.many_refs, fleet.Fleet.patience_s = 3000, 60
    if arguments.binary:
        sandbox.PACKFERRY = str(arguments.binary)
    unittest.main(argv=[sys.argv[0], *words], verbosity=2)


if __name__ == "__main__":
    main()
