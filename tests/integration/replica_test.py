"""Standing orders from the command line: a chain of two over HTTP, as a person makes it, breaks it and mends it."""

import json
import pathlib
import subprocess
import unittest

from sandbox import DIFFERENT, DONE, FAILED, HELD, PACKFERRY, USAGE, Replication


class Replicas(Replication):
    """a -> b -> c."""

    def setUp(self):
        super().setUp()
        for name in "abc":
            self.init(name)
        self.commit("a", "main", 3)
        self.commit("a", "topic", 2)
        self.environment = {**self.environment, "PACKFERRY_CATALOGUE": str(self.repos / "state" / "replicas.db")}

    def at(self, name):
        return self.url("FERRY_HTTP_OPEN", name)

    def replica(self, *words, status=DONE):
        run = self.packferry("replica", *words)
        self.assertEqual(run.status, status, f"packferry replica {' '.join(words)}\n{run.said}")
        return run

    def get(self, name):
        document = json.loads(self.replica("get", name, "--json").stdout)
        self.assertEqual(document["__type"], "packferry.GetReplica/1")
        return document["replica"]

    def chain(self):
        self.replica("create", self.at("a"), self.at("b"), "--name", "first")
        self.replica("create", self.at("b"), self.at("c"), "--name", "second")

    def test_a_chain_is_made_and_proved(self):
        self.chain()
        self.assertEqual(self.refs("c"), self.refs("a"))
        self.replica("parity", "first", "second")
        replica = self.get("second")
        self.assertEqual(replica["status"], "UpToDate")
        self.assertEqual(replica["sourceId"], self.at("b"))
        self.assertIn("deleteReplica", replica["permittedActions"])
        self.assertIsNotNone(replica["lastReplicatedSourceChangeDateUTC"])
        self.assertEqual([each["name"] for each in json.loads(self.replica("list", "--json").stdout)["replicas"]],
                         ["first", "second"])

    def test_a_change_goes_down_the_chain(self):
        self.chain()
        self.commit("a", "main")
        self.replica("parity", "second", status=DIFFERENT)
        self.replica("sync", "first")
        self.assertEqual(self.get("second")["status"], "Behind", "its source has changed, and nobody has looked")
        self.replica("sync", "second")
        self.replica("parity", "second")
        self.assertEqual(self.get("second")["status"], "UpToDate")
        self.assertEqual(json.loads(self.replica("history", "first", "--json").stdout)["looks"][0]["refsChanged"], 1)
        moved = json.loads(self.replica("audit", "first", "--last", "1", "--json").stdout)["entries"]
        self.assertEqual([(each["what"], each["replica"], each["ref"]) for each in moved],
                         [("carry", "first", "refs/heads/main")])
        table = self.replica("audit").stdout.splitlines()
        self.assertIn(f"refs/heads/main {moved[0]['oldObject'][:12]} -> {moved[0]['newObject'][:12]}", "\n".join(table))
        self.assertRegex(table[-1], r"^\d{4}-\d\d-\d\dT[0-9:]+Z  .*  create +first$")

    def test_what_is_held_is_shown_approved_and_kept(self):
        for number in range(12):
            self.commit("a", f"branch-{number}")
        self.chain()
        old = self.refs("b")
        for number in range(12):
            self.git("a", "update-ref", "-d", f"refs/heads/branch-{number}")
        self.replica("sync", "first", status=HELD)
        replica = self.get("first")
        self.assertEqual(replica["status"], "Held")
        self.assertIn("approvePlan", replica["permittedActions"])
        self.assertEqual(replica["heldPlan"]["plan"].count("delete refs/heads/branch-"), 12)
        self.assertEqual(self.refs("b"), old)

        self.replica("approve", "first", "0" * 12, status=FAILED)
        self.git("a", "update-ref", "-d", "refs/heads/topic")
        self.replica("approve", "first", replica["heldPlan"]["digest"], status=HELD)
        self.assertEqual(self.refs("b"), old, "another plan than the one that was read")
        self.replica("approve", "first", self.get("first")["heldPlan"]["digest"][:12])
        self.assertEqual(self.refs("b"), self.refs("a"))
        self.assertEqual(len(self.kept("b")), 13, "no tip is lost")
        self.assertEqual(self.get("first")["status"], "UpToDate")

    def test_a_destination_that_has_refs_is_refused_unless_told(self):
        self.commit("b", "main", 2, content_bytes=100)
        old = self.refs("b")["refs/heads/main"]
        run = self.replica("create", self.at("a"), self.at("b"), "--name", "first", status=FAILED)
        self.assertIn("refs/heads/main", run.stderr)
        self.assertIn("--replace-branch", run.stderr)
        self.replica("get", "first", status=FAILED)

        self.replica("create", self.at("a"), self.at("b"), "--name", "first", "--replace-branch", "main",
                     "--replace-branch", "topic")
        self.assertEqual(self.refs("b"), self.refs("a"))
        self.assertEqual(self.kept("b")["heads/main"], {old})

    def test_circles_and_second_sources_are_refused_by_name(self):
        self.chain()
        run = self.replica("create", self.at("c"), self.at("a"), "--name", "back", status=USAGE)
        self.assertIn(f"{self.at('a')[:-4]} -> {self.at('b')[:-4]} -> {self.at('c')[:-4]}", run.stderr)
        self.assertEqual(len(json.loads(self.replica("list", "--json").stdout)["replicas"]), 2)

    def test_a_source_that_is_gone_fails_and_comes_back(self):
        self.chain()
        source = pathlib.Path(self.path("a"))
        source.rename(self.repos / "away.git")
        self.replica("sync", "first", status=FAILED)
        replica = self.get("first")
        self.assertEqual(replica["status"], "Failing")
        self.assertTrue(replica["lastError"]["remedy"])
        self.assertIn(replica["lastError"]["remedy"], self.replica("get", "first").stdout)
        (self.repos / "away.git").rename(source)
        self.replica("sync", "first")
        self.assertEqual(self.get("first")["status"], "UpToDate")

    def test_paused_is_not_looked_at_and_gone_is_gone(self):
        self.chain()
        self.replica("pause", "first")
        self.commit("a", "main")
        self.replica("sync", "first")
        self.assertEqual(self.get("first")["status"], "Paused")
        self.assertNotEqual(self.refs("b"), self.refs("a"))
        self.replica("resume", "first")
        self.replica("sync", "first")
        self.assertEqual(self.refs("b"), self.refs("a"))
        self.replica("delete", "first")
        self.replica("get", "first", status=FAILED)
        self.assertEqual(self.refs("b"), self.refs("a"), "what it has delivered stays")

    def test_two_at_once_look_once_and_agree(self):
        self.chain()
        self.commit("a", "main", 5)
        runs = [subprocess.Popen([PACKFERRY, "replica", "sync", "first"], env=self.environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(4)]
        for run in runs:
            self.assertEqual(run.wait(self.seconds_max), DONE, run.stderr.read())
            run.stderr.close()
        self.assertEqual(self.refs("b"), self.refs("a"))
        self.replica("sync", "first")
        self.assertEqual(self.get("first")["status"], "UpToDate")


if __name__ == "__main__":
    unittest.main(verbosity=2)
