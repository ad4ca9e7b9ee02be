"""What packferry refuses, holds back and keeps to itself, between real servers."""

import json
import unittest

from sandbox import DIFFERENT, DONE, FAILED, HELD, PARTIAL, USAGE, Replication

SECRET = "a-secret-that-nobody-may-see"


class TheGuard(Replication):
    def replica_with_branches(self, count):
        self.init("source")
        self.commit("source", "main", count=2)
        for number in range(count):
            self.git("source", "branch", f"topic/{number}", "main")
        self.replicate(self.path("source"), self.path("destination"))

    def delete_branches(self, count):
        self.git("source", "branch", "-q", "-D", *(f"topic/{number}" for number in range(count)))

    def test_a_mass_deletion_is_held_and_the_rest_goes_on(self):
        self.replica_with_branches(20)
        before = self.refs("destination")
        self.delete_branches(15)
        self.commit("source", "main")
        run = self.replicate(self.path("source"), self.path("destination"), status=HELD)
        self.assertIn("--allow-deletions", run.said)
        self.assertIn("topic/3", run.said)
        self.assertEqual(self.refs("destination"), {**before, "refs/heads/main": self.refs("source")["refs/heads/main"]})

    def test_a_person_may_allow_it(self):
        self.replica_with_branches(20)
        self.delete_branches(15)
        self.replicate(self.path("source"), self.path("destination"), "--allow-deletions", "15")
        self.assert_equal_to_source("destination")
        self.assertEqual(len(self.kept("destination")), 15)

    def test_one_more_than_allowed_is_held(self):
        self.replica_with_branches(20)
        self.delete_branches(15)
        self.replicate(self.path("source"), self.path("destination"), "--allow-deletions", "14", status=HELD)

    def test_a_few_deletions_pass(self):
        self.replica_with_branches(20)
        self.delete_branches(5)
        self.replicate(self.path("source"), self.path("destination"))
        self.assert_equal_to_source("destination")

    def test_a_source_that_lists_nothing_is_held(self):
        self.replica_with_branches(3)
        before = self.all_refs("destination")
        self.init("emptied")
        self.replicate(self.path("emptied"), self.path("destination"), status=HELD)
        self.assertEqual(self.all_refs("destination"), before)

    def test_a_source_without_its_default_branch_is_held(self):
        self.replica_with_branches(3)
        before = self.all_refs("destination")
        self.git("source", "update-ref", "-d", "refs/heads/main")
        self.replicate(self.path("source"), self.path("destination"), status=HELD)
        self.assertEqual(self.all_refs("destination"), before)

    def test_a_mass_rewind_is_held(self):
        self.init("source")
        self.commit("source", "main", count=3)
        for number in range(12):
            self.commit("source", f"topic/{number}", parent="refs/heads/main")
        self.replicate(self.path("source"), self.path("destination"))
        before = self.all_refs("destination")
        for number in range(12):
            self.git("source", "update-ref", f"refs/heads/topic/{number}", "main~1")
        run = self.replicate(self.path("source"), self.path("destination"), status=HELD)
        self.assertIn("--allow-rewinds", run.said)
        self.assertEqual(self.all_refs("destination"), before)
        self.replicate(self.path("source"), self.path("destination"), "--allow-rewinds", "100%")
        self.assert_equal_to_source("destination")

    def test_the_first_contact_with_another_repository_is_held(self):
        self.make_source()
        self.init("destination")
        self.commit("destination", "somebody-elses-work")
        before = self.all_refs("destination")
        run = self.replicate(self.path("source"), self.path("destination"), status=HELD)
        self.assertIn("--ignore-non-empty-destination", run.said)
        self.assertEqual(self.all_refs("destination"), before)

    def test_a_host_that_takes_no_kept_names_holds_the_ref(self):
        self.make_source()
        self.init("destination")
        self.git("destination", "config", "receive.hideRefs", "refs/packferry")
        self.replicate(self.path("source"), self.path("destination"))
        before = self.refs("destination")
        self.git("source", "branch", "-q", "-D", "feature/one")
        self.replicate(self.path("source"), self.path("destination"), status=HELD)
        self.assertEqual(self.refs("destination"), before)
        self.replicate(self.path("source"), self.path("destination"), "--no-keep-old-tips")
        self.assert_equal_to_source("destination")


class Policies(Replication):
    def setUp(self):
        super().setUp()
        self.make_source()
        self.replicate(self.path("source"), self.path("destination"))
        self.before = self.refs("destination")
        self.commit("source", "feature/one", parent="refs/heads/feature/one~2")
        self.git("source", "branch", "-q", "-D", "large")
        self.commit("source", "main")
        self.wanted = self.refs("source")

    def test_fast_forward_leaves_what_diverged(self):
        self.replicate(self.path("source"), self.path("destination"), "--policy", "fast-forward")
        diverged = "refs/heads/feature/one"
        self.assertEqual(self.refs("destination"), {**self.wanted, diverged: self.before[diverged]})

    def test_additive_deletes_nothing(self):
        self.replicate(self.path("source"), self.path("destination"), "--policy", "additive")
        left = {ref: self.before[ref] for ref in ("refs/heads/feature/one", "refs/heads/large")}
        self.assertEqual(self.refs("destination"), {**self.wanted, **left})

    def test_refs_outside_the_selection_are_never_touched(self):
        self.replicate(self.path("source"), self.path("destination"), "--ref", "main", "--exclude", "feature/*")
        main = "refs/heads/main"
        self.assertEqual(self.refs("destination"), {**self.before, main: self.wanted[main]})

    def test_a_dry_run_moves_nothing_and_says_what_would_move(self):
        before = self.files("destination")
        run = self.replicate(self.path("source"), self.path("destination"), "--dry-run")
        self.assertEqual(self.files("destination"), before)
        for name in ("feature/one", "large", "main"):
            self.assertIn(name, run.said)

    def test_a_dry_run_does_not_make_a_destination(self):
        self.replicate(self.path("source"), self.path("nowhere"), "--dry-run")
        self.assertFalse((self.repos / "nowhere.git").exists())


class SeveralDestinations(Replication):
    def setUp(self):
        super().setUp()
        self.make_source()
        for name in ("one", "two", "three"):
            self.init(name)
        self.urls = [self.url("FERRY_HTTP_OPEN", "one"), self.url("FERRY_SSH", "two"), self.path("three")]

    def bytes_fetched(self):
        """What the HTTP server has sent for fetches of this test's repositories."""
        with open(self.servers["FERRY_ACCESS_LOG"], encoding="utf-8") as log:
            lines = [line.split() for line in log if f"/{self.corner}/" in line and "git-upload-pack " in line]
        return sum(int(line[-1]) for line in lines)

    def test_all_get_everything_from_one_fetch(self):
        source = self.url("FERRY_HTTP_OPEN", "source")
        self.replicate(source, *self.urls)
        for name in ("one", "two", "three"):
            self.assert_equal_to_source(name)
        self.assertGreater(self.bytes_fetched(), 2_000_000)
        self.assertLess(self.bytes_fetched(), 3_000_000)

    def test_news_and_removals_reach_all(self):
        self.replicate(self.path("source"), *self.urls)
        self.commit("source", "main", count=2)
        self.git("source", "branch", "-q", "-D", "large")
        self.replicate(self.path("source"), *self.urls)
        for name in ("one", "two", "three"):
            self.assert_equal_to_source(name)

    def test_a_laggard_catches_up(self):
        self.replicate(self.path("source"), *self.urls[:2])
        self.commit("source", "main", count=2)
        self.replicate(self.path("source"), *self.urls)
        for name in ("one", "two", "three"):
            self.assert_equal_to_source(name)

    def test_one_that_fails_does_not_fail_the_others(self):
        run = self.replicate(self.path("source"), self.url("FERRY_HTTP_OPEN", "missing"), *self.urls, status=PARTIAL)
        self.assertIn("missing", run.said)
        for name in ("one", "two", "three"):
            self.assert_equal_to_source(name)

    def test_one_that_refuses_a_ref_gets_the_others(self):
        hook = self.repos / "one.git" / "hooks" / "update"
        hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/large ] || { echo no such branch here; exit 1; }\n')
        hook.chmod(0o755)
        run = self.replicate(self.path("source"), *self.urls, status=PARTIAL)
        self.assertIn("large", run.said)
        wanted = self.refs("source")
        self.assertEqual(self.refs("two"), wanted)
        del wanted["refs/heads/large"]
        self.assertEqual(self.refs("one"), wanted)

    def test_when_all_fail_so_does_the_run(self):
        missing = [self.url("FERRY_HTTP_OPEN", "missing"), self.url("FERRY_SSH", "missing")]
        self.replicate(self.path("source"), *missing, status=FAILED)


class WhoMayAndWhoMayNot(Replication):
    def setUp(self):
        super().setUp()
        self.make_source()
        self.init("destination")

    def assert_nothing_moved(self):
        self.assertEqual(self.all_refs("destination"), {})

    def test_a_password_from_the_environment(self):
        self.replicate(
            self.url("FERRY_HTTP_PRIVATE", "source"),
            self.url("FERRY_HTTPS_PRIVATE", "destination"),
            PACKFERRY_USERNAME_SOURCE="alice",
            PACKFERRY_PASSWORD_SOURCE="s3cret",
            PACKFERRY_USERNAME_DESTINATION="alice",
            PACKFERRY_PASSWORD_DESTINATION="s3cret",
        )
        self.assert_equal_to_source("destination")

    def test_one_password_is_not_shown_to_two_hosts(self):
        run = self.replicate(
            self.url("FERRY_HTTP_PRIVATE", "source"),
            self.url("FERRY_HTTPS_PRIVATE", "destination"),
            status=USAGE,
            PACKFERRY_USERNAME="alice",
            PACKFERRY_PASSWORD="s3cret",
        )
        self.assertNotIn("s3cret", run.said)
        self.assert_nothing_moved()

    def test_each_end_may_have_its_own(self):
        self.replicate(
            self.path("source"),
            self.url("FERRY_HTTP_PUSHAUTH", "destination"),
            PACKFERRY_USERNAME_SOURCE="mallory",
            PACKFERRY_PASSWORD_SOURCE=SECRET,
            PACKFERRY_USERNAME_DESTINATION="alice",
            PACKFERRY_PASSWORD_DESTINATION="s3cret",
        )
        self.assert_equal_to_source("destination")

    def test_a_wrong_password_is_refused_and_never_shown(self):
        for end in ("source", "destination"):
            with self.subTest(end=end):
                private = self.url("FERRY_HTTP_PRIVATE", end)
                urls = (private, self.path("destination")) if end == "source" else (self.path("source"), private)
                run = self.replicate(
                    *urls, "--verbose", status=FAILED, PACKFERRY_USERNAME="alice", PACKFERRY_PASSWORD=SECRET
                )
                self.assertNotIn(SECRET, run.said)
                self.assertIn("127.0.0.1", run.said)
                self.assert_nothing_moved()

    def test_no_password_is_refused_without_asking(self):
        self.replicate(self.url("FERRY_HTTP_PRIVATE", "source"), self.path("destination"), status=FAILED)
        self.assert_nothing_moved()

    def test_a_certificate_that_nobody_vouches_for(self):
        run = self.replicate(
            self.url("FERRY_HTTPS_OPEN", "source"), self.path("destination"), status=FAILED, GIT_SSL_CAINFO=""
        )
        self.assertIn("certificate", run.said)
        self.assert_nothing_moved()

    def test_a_host_key_that_changed(self):
        ssh = self.servers["FERRY_SSH_COMMAND_STRANGER"]
        run = self.replicate(
            self.url("FERRY_SSH", "source"), self.path("destination"), status=FAILED, GIT_SSH_COMMAND=ssh
        )
        self.assertIn("ost key", run.said)
        self.assert_nothing_moved()

    def test_a_key_that_may_only_read(self):
        ssh = self.servers["FERRY_SSH_COMMAND_READONLY"]
        run = self.replicate(
            self.path("source"), self.url("FERRY_SSH", "destination"), status=FAILED, GIT_SSH_COMMAND=ssh
        )
        self.assertIn("read-only key", run.said)
        self.assert_nothing_moved()


class OddPeers(Replication):
    def setUp(self):
        super().setUp()
        self.init("destination")

    def test_what_is_no_repository(self):
        for server in ("FERRY_HTTP_BUSY", "FERRY_HTTP_LOGIN", "FERRY_HTTP_OPEN", "FERRY_SSH", "FERRY_GIT"):
            with self.subTest(server=server):
                run = self.replicate(self.url(server, "missing"), self.path("destination"), status=FAILED)
                self.assertIn("missing", run.said)
        self.assertEqual(self.all_refs("destination"), {})

    def test_nobody_listens(self):
        self.replicate("http://127.0.0.1:1/x.git", self.path("destination"), status=FAILED)

    def test_a_damaged_source_moves_nothing(self):
        self.make_source()
        self.git("source", "repack", "-q", "-a", "-d")
        [pack] = (self.repos / "source.git" / "objects" / "pack").glob("*.pack")
        pack.chmod(0o644)
        damaged = bytearray(pack.read_bytes())
        for position in range(200, len(damaged), 5_000):
            damaged[position] ^= 0xFF
        pack.write_bytes(damaged)
        self.replicate(self.path("source"), self.path("destination"), status=FAILED)
        self.assertEqual(self.all_refs("destination"), {})

    def test_a_shallow_source_is_refused(self):
        self.make_source()
        tip = self.git("source", "rev-parse", "main~1").strip()
        (self.repos / "source.git" / "shallow").write_text(tip + "\n")
        self.replicate(self.path("source"), self.path("destination"), status=FAILED)
        self.assertEqual(self.all_refs("destination"), {})

    def test_two_object_formats_do_not_mix(self):
        self.make_source(object_format="sha256")
        self.replicate(self.path("source"), self.path("destination"), status=FAILED)
        self.assertEqual(self.all_refs("destination"), {})


class WhatIsPrinted(Replication):
    def setUp(self):
        super().setUp()
        self.make_source()

    def test_json_is_json_and_nothing_else(self):
        run = self.replicate(self.path("source"), self.path("destination"), "--json")
        json.loads(run.stdout)
        run = self.packferry("refs", self.path("source"), "--json")
        self.assertEqual(run.status, DONE, run.said)
        self.assertIn(self.refs("source")["refs/heads/main"], run.stdout)
        json.loads(run.stdout)
        self.init("other")
        run = self.packferry("compare", self.path("source"), self.path("other"), "--json")
        self.assertEqual(run.status, DIFFERENT, run.said)
        json.loads(run.stdout)

    def test_quiet_is_quiet(self):
        said = self.replicate(self.path("source"), self.path("destination"), "--quiet").said
        self.assertLessEqual(len(said.splitlines()), 1, said)

    def test_off_a_terminal_nothing_is_drawn(self):
        run = self.replicate(self.path("source"), self.path("destination"))
        self.assertNotIn("\r", run.said)
        self.assertNotIn("\x1b", run.said)

    def test_what_cannot_be_understood_is_a_usage_error(self):
        for words in (
            ["replicate"],
            ["replicate", self.path("source")],
            ["replicate", "ext::sh -c id", self.path("destination")],
            ["replicate", "ssh://-oProxyCommand=id/x", self.path("destination")],
            ["replicate", self.path("source"), self.path("destination"), "--policy", "wild"],
            ["replicate", self.path("source"), self.path("destination"), "--allow-deletions", "some"],
            ["ferry"],
        ):
            with self.subTest(words=words):
                run = self.packferry(*words)
                self.assertEqual(run.status, USAGE, run.said)

    def test_help_tells_the_exit_statuses(self):
        run = self.packferry("--help")
        self.assertEqual(run.status, DONE)
        for word in ("replicate", "refs", "compare"):
            self.assertIn(word, run.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
