"""CodeCommit, end to end: the program, and git beside it, with the double of CodeCommit in tests/servers."""

import collections
import json
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
from codecommit_double import Double  # pylint: disable=wrong-import-position

from sandbox import DONE, FAILED, PARTIAL, Replication

ACCOUNT, OTHER = "111122223333", "444455556666"
REGIONS = ("eu-central-1", "us-east-1", "ap-southeast-2")
SECRETS = {ACCOUNT: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", OTHER: "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"}
UPLOAD, RECEIVE = "git-upload-pack", "git-receive-pack"


class CodeCommit(Replication):
    """Each test has two accounts with three regions, and a double of its own. "ACCOUNT/REGION/NAME" is a repository."""

    def setUp(self):
        super().setUp()
        for account in (ACCOUNT, OTHER):
            for region in REGIONS:
                (self.repos / account / region).mkdir(parents=True)
        self.configuration = {
            "page": 7,
            "accounts": {
                account: {
                    "regions": {region: str(self.repos / account / region) for region in REGIONS},
                    "keys": [{"id": f"AKIA{account}", "secret": SECRETS[account]}],
                }
                for account in (ACCOUNT, OTHER)
            },
        }
        self.double = self.enterContext(Double(self.configuration))
        self.environment = {**self.environment, **self.double.environment(), **self.keys(ACCOUNT)}

    @staticmethod
    def keys(account):
        return {"AWS_ACCESS_KEY_ID": f"AKIA{account}", "AWS_SECRET_ACCESS_KEY": SECRETS[account]}

    @staticmethod
    def place(name, region=REGIONS[0], account=ACCOUNT):
        return f"{account}/{region}/{name}"

    def packferry(self, *words, **environment):
        run = super().packferry(*words, **environment)
        for secret in SECRETS.values():
            self.assertNotIn(secret, run.said)
        return run

    def told(self, **wanted):
        """[(operation, status)] of what the double was asked."""
        return [(each["operation"], each["status"]) for each in self.double.requests(**wanted)]


class Life(CodeCommit):
    """A repository there as a source, and as a destination."""

    def setUp(self):
        super().setUp()
        self.source = self.place("web")
        self.make_source(self.source)
        self.url = f"codecommit::{REGIONS[0]}://web"

    def test_from_there_to_a_directory(self):
        self.replicate(self.url, self.path("destination"))
        self.assert_equal_to_source("destination", self.source)
        self.commit(self.source, "main", count=3)
        self.replicate(self.url, self.path("destination"))
        self.assert_equal_to_source("destination", self.source)

    def test_from_one_region_to_another_and_back_in_history(self):
        copy = self.place("copy", REGIONS[1])
        self.init(copy)

        def sync():
            self.replicate(self.url, f"codecommit::{REGIONS[1]}://copy", "--no-keep-old-tips")
            self.assert_equal_to_source(copy, self.source)

        sync()
        self.commit(self.source, "main", count=5)
        self.commit(self.source, "feature/one", parent="refs/heads/feature/one~2")  # rewound
        self.git(self.source, "branch", "-q", "-D", "large")
        sync()
        self.assertEqual(set(self.told(repository="copy")), {(f"{RECEIVE} refs", 200), (RECEIVE, 200)})

    def test_a_run_without_news_is_two_listings(self):
        copy = self.place("copy", REGIONS[1])
        self.init(copy)
        words = (self.url, f"codecommit::{REGIONS[1]}://copy")
        self.replicate(*words)
        self.double.log.clear()
        self.replicate(*words)
        self.assertEqual(sorted(self.told()), [(f"{RECEIVE} refs", 200), (f"{UPLOAD} refs", 200)])

    def test_more_refs_than_one_push_may_have(self):
        tip = self.refs(self.source)["refs/heads/main"]
        lines = sorted(f"{tip} refs/tags/many/{number}\n" for number in range(4100))
        (pathlib.Path(self.path(self.source)) / "packed-refs").write_text("# pack-refs with: sorted\n" + "".join(lines))
        self.init(self.place("copy", REGIONS[1]))
        self.replicate(self.url, f"codecommit::{REGIONS[1]}://copy")
        self.assertEqual(self.refs(self.place("copy", REGIONS[1])), self.refs(self.source))
        pushes = self.double.requests(repository="copy", operation=RECEIVE)
        self.assertGreater(len(pushes), 1)
        self.assertLessEqual(max(each["commands"] for each in pushes), 4000)
        self.assertEqual(sum(each["commands"] for each in pushes), len(self.refs(self.source)))

    def test_another_account_is_another_world(self):
        run = self.packferry("refs", self.url, **self.keys(OTHER))
        self.assertEqual(run.status, FAILED)
        self.assertEqual(self.told(), [(f"{UPLOAD} refs", 404)])

    def test_a_name_that_git_servers_like_is_none_here(self):
        self.assertNotEqual(self.packferry("refs", self.url + ".git").status, DONE)

    def refuse(self, operation, times):
        """The passwords of the next requests of this kind are too old when they arrive."""
        left = [times]

        def before(record):
            is_late = record["operation"] == operation and left[0] > 0
            left[0] -= is_late
            self.double.clock.offset_seconds = 901 if is_late else 0

        self.double.before = before

    def test_a_password_that_expired_on_the_way_is_made_anew_once(self):
        for operation in (f"{UPLOAD} refs", UPLOAD):
            with self.subTest(operation=operation):
                self.double.log.clear()
                self.refuse(operation, times=1)
                self.replicate(self.url, self.path(f"to-{operation.replace(' ', '-')}"))
                self.assertEqual([status for each, status in self.told() if each == operation], [403, 200])
        self.refuse(f"{UPLOAD} refs", times=2)
        self.double.log.clear()
        run = self.packferry("refs", self.url)
        self.assertEqual((run.status, self.told()), (FAILED, [(f"{UPLOAD} refs", 403)] * 2))

    def test_a_push_too(self):
        self.init(self.place("copy", REGIONS[1]))
        for operation in (f"{RECEIVE} refs", RECEIVE):
            with self.subTest(operation=operation):
                self.commit(self.source, "main")
                self.double.log.clear()
                self.refuse(operation, times=1)
                self.replicate(self.url, f"codecommit::{REGIONS[1]}://copy")
                self.assertEqual(self.told().count((operation, 403)), 1)
                self.assert_equal_to_source(self.place("copy", REGIONS[1]), self.source)


class Fleet(CodeCommit):
    """A source account with 60 repositories in three regions, five of them broken in different ways, and another account
    that has repositories of the same names."""

    per_region = 20
    broken = {  # what is wrong, and what is said of it
        "cut": ({"cut": True}, "the answer was cut"),
        "corrupt": ({"corrupt": True}, "the digest of its"),
        "denied": ({"denied": True}, "403"),
        "failing": ({"failing": True}, "500"),
        "rotten": ({}, "possible repository corruption on the remote side"),  # an object is missing
    }

    def setUp(self):
        super().setUp()
        self.names = [
            (region, f"repo-{number:02}") for region in REGIONS for number in range(self.per_region)
        ]  # fmt: skip
        for index, (region, name) in enumerate(self.names):
            place = self.place(name, region)
            if index % 20 == 0:
                self.make_source(place)
            else:
                self.init(place)
                self.commit(place, "main", count=2 + index % 3)
                self.git(place, "tag", f"v{index}", "main")
        for region in REGIONS:
            self.init(self.place("repo-00", region, OTHER))
            self.commit(self.place("repo-00", region, OTHER), "others")
        self.store = str(self.repos / "store")

    def break_five(self):
        """They are in different regions, and none comes first or last."""
        places = [self.names[7 + 11 * index] for index in range(len(self.broken))]
        for (region, name), (kind, (fault, _)) in zip(places, self.broken.items()):
            self.double.faults[ACCOUNT, region, name] = dict(fault)
            if kind == "rotten":
                place = self.place(name, region)
                tree = self.git(place, "rev-parse", "main^{tree}").strip()
                (pathlib.Path(self.path(place)) / "objects" / tree[:2] / tree[2:]).unlink()
        return {f"{ACCOUNT}/{region}/{name}": kind for (region, name), kind in zip(places, self.broken)}

    def back_all_up(self, *words, status=DONE):
        run = self.packferry("backup", "--all", "codecommit", "--region", ",".join(REGIONS), "--to", self.store, "--json",
                             *words)  # fmt: skip
        self.assertEqual(run.status, status, run.said)
        return json.loads(run.stdout)

    def listings(self):
        """How often each repository was listed, and how often anything else was asked of it."""
        asked = collections.Counter()
        for each in self.double.requests(kind="git"):
            asked[each["region"], each["repository"], each["operation"]] += 1
        return asked

    def test_five_broken_ones_of_sixty_do_not_stop_the_others(self):
        broken = self.break_five()
        self.double.throttle(ACCOUNT, REGIONS[1], 2)
        report = self.back_all_up(status=PARTIAL)
        self.assertEqual((report["backed_up"], report["failed"], report["exit_status"]), (55, 5, PARTIAL))
        failed = {each["repository"]: each for each in report["repositories"] if each["error"]}
        self.assertEqual(set(failed), set(broken))
        for name, each in failed.items():
            self.assertEqual((each["status"], each["snapshot"]), ("failed", None), name)
            self.assertIn(self.broken[broken[name]][1], each["error"]["message"])
        self.assertEqual({each["account"] for each in report["repositories"]}, {ACCOUNT})
        stored = (pathlib.Path(self.store) / report["report_key"]).read_text()
        self.assertEqual(json.loads(stored)["repositories"], report["repositories"])
        self.assertEqual(len(list((pathlib.Path(self.store) / "reports").iterdir())), 1)

        run = self.packferry("verify", self.store, "--level", "connected")
        self.assertEqual(run.status, DONE, run.said)
        listed = json.loads(self.packferry("snapshots", self.store, "--json").stdout)["repositories"]
        self.assertEqual(len(listed), 55)
        for region, name in self.names:
            if (whole := f"{ACCOUNT}/{region}/{name}") in broken:
                continue
            self.assertEqual(
                self.packferry("restore", self.store, whole, self.path(f"back-{region}-{name}")).status, DONE
            )
            self.assertEqual(self.refs(f"back-{region}-{name}"), self.refs(whole))

    def test_an_unchanged_repository_costs_one_listing(self):
        self.back_all_up()
        self.double.log.clear()
        self.back_all_up()
        self.assertEqual(self.listings(), {(*each, f"{UPLOAD} refs"): 1 for each in self.names})
        # The pages of the three regions, and whose account it is.
        pages = -(-self.per_region // self.configuration["page"])
        self.assertEqual(self.told(kind="api"), [("ListRepositories", 200)] * pages * len(REGIONS))
        self.assertLessEqual(len(self.told(kind="sts")), len(REGIONS))

        region, name = self.names[30]
        self.commit(self.place(name, region), "main")
        self.double.log.clear()
        report = self.back_all_up()
        asked = self.listings()
        self.assertLessEqual(asked.pop((region, name, UPLOAD)), 2)  # what we have, and then the pack
        self.assertEqual(set(asked.values()), {1})
        [made] = [each for each in report["repositories"] if each["snapshot"]]
        self.assertEqual(made["repository"], f"{ACCOUNT}/{region}/{name}")

    def test_throttling_slows_the_host_down_and_not_the_run(self):
        for region in REGIONS:
            self.double.limit(ACCOUNT, region, 12)
        report = self.back_all_up()
        self.assertEqual((report["backed_up"], report["failed"]), (60, 0))
        self.assertGreater(len(self.double.requests(status=429)) + len(self.double.requests(status=400)), 0)

    def test_shards_and_globs_divide_what_there_is(self):
        shards = [self.back_all_up("--shard", f"{n}/3", "--exclude", "*-1?") for n in (1, 2, 3)]
        done = [each["repository"] for report in shards for each in report["repositories"]]
        right = [f"{ACCOUNT}/{region}/{name}" for region, name in self.names if "-1" not in name]
        self.assertEqual(sorted(done), sorted(right))
        self.assertTrue(all(report["repositories"] for report in shards))


class Event(CodeCommit):
    """A build that an event has started gets names in its environment."""

    def setUp(self):
        super().setUp()
        self.make_source(self.place("web"))
        self.store = str(self.repos / "store")

    def build(self, status=DONE, **environment):
        run = self.packferry("backup", "--from-environment", "--to", self.store, "--json", REPOSITORY_NAME="web",
                             REPO_REGION=REGIONS[0], **environment)  # fmt: skip
        self.assertEqual(run.status, status, run.said)
        return json.loads(run.stdout)

    def assert_restores(self, refs):
        target = self.path("back")
        shutil.rmtree(target, ignore_errors=True)
        name = json.loads(self.packferry("snapshots", self.store, "--json").stdout)["repositories"][0]["repository"]
        self.assertEqual(self.packferry("restore", self.store, name, target).status, DONE)
        self.assertEqual(self.refs("back"), refs)

    def test_without_a_reference_it_is_everything(self):
        self.build()
        self.assert_restores(self.refs(self.place("web")))

    def test_a_reference_is_a_branch_a_tag_or_a_full_name(self):
        self.build()
        then = self.refs(self.place("web"))
        for reference, full in (
            ("main", "refs/heads/main"),
            ("feature/one", "refs/heads/feature/one"),
            ("light", "refs/tags/light"),
            ("refs/heads/large", "refs/heads/large"),
        ):
            for branch in ("main", "feature/one", "large"):
                self.commit(self.place("web"), branch)
            self.git(self.place("web"), "tag", "-f", "light", "main")
            self.build(REFERENCE_NAME=reference)
            then[full] = self.refs(self.place("web"))[full]
            with self.subTest(reference=reference):
                self.assert_restores(then)

    def test_names_from_outside_are_names_only(self):
        for name in ("*", "refs/heads/*", "../x", "a..b", "x\ny"):
            with self.subTest(name=name):
                self.assertNotEqual(self.packferry("backup", "--from-environment", "--to", self.store,
                                                   REPOSITORY_NAME="web", REPO_REGION=REGIONS[0],
                                                   REFERENCE_NAME=name).status, DONE)  # fmt: skip


if __name__ == "__main__":
    unittest.main(verbosity=2)
