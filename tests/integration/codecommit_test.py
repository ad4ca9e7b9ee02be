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


if __name__ == "__main__":
    unittest.main(verbosity=2)
