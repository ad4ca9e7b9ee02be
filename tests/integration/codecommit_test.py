"""CodeCommit, end to end: the program, and git beside it, with the double of CodeCommit in tests/servers."""

import collections
import json
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
from codecommit_double import Double  # pylint: disable=wrong-import-position

from sandbox import DONE, FAILED, PACKFERRY, PARTIAL, Replication

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
                    "roles": {
                        "reader": self.role("codecommit:GitPull", "codecommit:Get*", "codecommit:List*"),
                        "writer": self.role("codecommit:*"),
                    },
                }
                for account in (ACCOUNT, OTHER)
            },
        }
        self.double = self.enterContext(Double(self.configuration))
        self.environment = {**self.environment, **self.double.environment(), **self.keys(ACCOUNT)}

    @staticmethod
    def role(*actions):
        """One that users of the other account may take, when they know the word."""
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}, "Action": "sts:AssumeRole",
                 "Condition": {"StringEquals": {"sts:ExternalId": "shared"}}}  # fmt: skip
        may = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        return {"trust": {"Statement": [trust]}, "policies": [{"Statement": [may]}]}

    @staticmethod
    def as_role(side, name, account=ACCOUNT, word="shared"):
        return (f"--{side}-role", f"arn:aws:iam::{account}:role/{name}", f"--{side}-external-id", word)

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
        self.assertEqual(self.git("destination", "symbolic-ref", "HEAD"), self.git(self.source, "symbolic-ref", "HEAD"))
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

    def test_a_run_without_news_is_two_listings_and_a_question_about_head(self):
        copy = self.place("copy", REGIONS[1])
        self.init(copy)
        words = (self.url, f"codecommit::{REGIONS[1]}://copy")
        self.replicate(*words)
        self.double.log.clear()
        self.replicate(*words)
        self.assertEqual(sorted(self.told()), [("GetRepository", 200), (f"{RECEIVE} refs", 200), (f"{UPLOAD} refs", 200)])

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
    """A source account with repositories in three regions, and another account that has some of the same names."""

    per_region = 20

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

    def back_all_up(self, *words, status=DONE, **environment):
        run = self.packferry("backup", "--all", "codecommit", "--region", ",".join(REGIONS), "--to", self.store, "--json",
                             *words, **environment)  # fmt: skip
        self.assertEqual(run.status, status, run.said)
        return json.loads(run.stdout)

    def listings(self):
        """How often each repository was listed, and how often anything else was asked of it."""
        asked = collections.Counter()
        for each in self.double.requests(kind="git"):
            asked[each["region"], each["repository"], each["operation"]] += 1
        return asked


class Sixty(Fleet):
    """Five of them broken in different ways."""

    broken = {  # what is wrong, and what is said of it
        "cut": ({"cut": True}, "the answer was cut"),
        "corrupt": ({"corrupt": True}, "the digest of its"),
        "denied": ({"denied": True}, "403"),
        "failing": ({"failing": True}, "500"),
        "rotten": ({}, "possible repository corruption on the remote side"),  # an object is missing
    }

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

    def test_five_broken_ones_of_sixty_do_not_stop_the_others(self):
        broken = self.break_five()
        self.double.throttle(ACCOUNT, REGIONS[1], 2)
        # The build runs in the other account, and has a role in this one.
        report = self.back_all_up(*self.as_role("source", "reader"), status=PARTIAL, **self.keys(OTHER))
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
        # All that a region's own words cost: its list, and the default branches of 25 at a time.
        asked = [("BatchGetRepositories", 200)] + [("ListRepositories", 200)] * pages
        self.assertEqual(sorted(self.told(kind="api")), sorted(asked * len(REGIONS)))
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


class Eighteen(Fleet):
    per_region = 6

    def test_throttling_slows_the_host_down_and_not_the_run(self):
        for region in REGIONS:
            self.double.limit(ACCOUNT, region, 6)
        report = self.back_all_up()
        self.assertEqual((report["backed_up"], report["failed"]), (18, 0))
        self.assertGreater(len(self.double.requests(status=429)) + len(self.double.requests(status=400)), 0)

    def test_shards_and_globs_divide_what_there_is(self):
        shards = [self.back_all_up("--shard", f"{n}/3", "--exclude", "*-01") for n in (1, 2, 3)]
        done = [each["repository"] for report in shards for each in report["repositories"]]
        right = [f"{ACCOUNT}/{region}/{name}" for region, name in self.names if name != "repo-01"]
        self.assertEqual(sorted(done), sorted(right))
        self.assertTrue(all(report["repositories"] for report in shards))


class Roles(CodeCommit):
    """From one account to another, as nobody who could do both."""

    def setUp(self):
        super().setUp()
        self.source, self.copy = self.place("web"), self.place("copy", REGIONS[1])
        self.make_source(self.source)
        self.init(self.copy)
        self.urls = (f"codecommit::{REGIONS[0]}://web", f"codecommit::{REGIONS[1]}://copy")
        self.environment = {**self.environment, **self.keys(OTHER)}

    def test_each_side_has_a_role_of_its_own(self):
        self.replicate(*self.urls, *self.as_role("source", "reader"), *self.as_role("destination", "writer"))
        self.assert_equal_to_source(self.copy, self.source)
        self.assertEqual(self.told(kind="sts"), [("AssumeRole", 200)] * 2)
        users = {each["repository"]: each["key"] for each in self.double.requests(kind="git")}
        self.assertEqual(len(set(users.values())), 2)

    def test_a_reader_does_not_write(self):
        sides = (*self.as_role("source", "reader"), *self.as_role("destination", "reader"))
        self.replicate(*self.urls, *sides, status=FAILED)
        self.assertEqual(self.refs(self.copy), {})

    def test_who_does_not_know_the_word_does_not_get_the_role(self):
        run = self.packferry("refs", self.urls[0], *self.as_role("source", "reader", word="guessed"))
        self.assertEqual(run.status, FAILED)
        self.assertIn("sts:AssumeRole", run.said)
        self.assertEqual(self.told(), [("AssumeRole", 403)])

    def test_keys_that_run_out_between_two_requests_are_asked_for_again(self):
        expired = []

        def before(record):
            if record["operation"] == UPLOAD and not expired:
                expired.extend(each["key"] for each in self.double.requests(operation=f"{UPLOAD} refs"))
                self.double.identities.expire(expired[0])

        self.double.before = before
        self.replicate(self.urls[0], self.path("copy"), *self.as_role("source", "reader"))
        self.assert_equal_to_source("copy", self.source)
        self.assertEqual(self.told(), [("AssumeRole", 200), (f"{UPLOAD} refs", 200), ("GetRepository", 200), (UPLOAD, 403),
                                       ("AssumeRole", 200), (UPLOAD, 200)])  # fmt: skip


class New(CodeCommit):
    """Repositories that are not there yet."""

    def test_a_repository_is_made_once(self):
        url = f"codecommit::{REGIONS[1]}://new"
        words = ("create-repository", url, "--description", "ours", "--tag", "team=web", "--tag", "x=")
        self.assertEqual(self.packferry(*words).status, DONE)
        self.assertEqual(self.packferry(*words).status, FAILED)
        arn = f"arn:aws:codecommit:{REGIONS[1]}:{ACCOUNT}:new"
        self.assertEqual(self.double.api.tags, {arn: {"team": "web", "x": ""}})
        self.assertEqual((pathlib.Path(self.path(self.place("new", REGIONS[1]))) / "description").read_text(), "ours")

    def test_only_where_it_is_allowed(self):
        run = self.packferry("create-repository", f"codecommit::{REGIONS[1]}://new", "--allowed-regions", REGIONS[0])
        self.assertNotEqual(run.status, DONE)
        self.assertEqual(self.told(), [])

    def test_where_one_may_be_made_says_nothing_about_the_source(self):
        source = self.place("web", REGIONS[1])
        self.make_source(source)
        self.git(source, "symbolic-ref", "HEAD", "refs/heads/large")
        self.replicate(f"codecommit::{REGIONS[1]}://web", f"codecommit::{REGIONS[0]}://new", "--create",
                       "--allowed-regions", REGIONS[0])  # fmt: skip
        self.assert_equal_to_source(self.place("new"), source)
        self.assertEqual(self.git(self.place("new"), "symbolic-ref", "HEAD").strip(), "refs/heads/large")

    def test_a_large_first_push_goes_in_parts(self):
        self.make_source("source")
        for number in range(6):
            self.commit("source", f"more/{number}", content_bytes=1_000_000)
        self.replicate(self.path("source"), f"codecommit::{REGIONS[0]}://new", "--create", "--max-push", "3M")
        self.assert_equal_to_source(self.place("new"), "source")
        self.assertGreater(len(self.double.requests(repository="new", operation=RECEIVE)), 2)

    def test_replicate_makes_what_is_missing_and_sets_the_default_branch(self):
        self.make_source("source")
        self.replicate(self.path("source"), f"codecommit::{REGIONS[0]}://new", "--create")
        new = self.place("new")
        self.assert_equal_to_source(new, "source")
        self.assertEqual(self.git(new, "symbolic-ref", "HEAD").strip(), "refs/heads/main")
        self.replicate(self.path("source"), f"codecommit::{REGIONS[0]}://new", "--create")
        self.assertEqual(len(self.double.requests(operation="CreateRepository", status=200)), 1)
        self.replicate(self.path("source"), f"codecommit::{REGIONS[0]}://newer", status=FAILED)


class Git(CodeCommit):
    """Anybody's git, with packferry as its credential helper."""

    def clone(self, name, *settings, **environment):
        self.make_source(self.place("web"))
        helper = ("-c", f"credential.helper=!'{PACKFERRY}' credential", *settings)
        url = f"{self.double.url}/v1/repos/{name}"
        return subprocess.run(["git", *helper, "clone", "-q", "--mirror", url, self.path("clone")], capture_output=True,
                              env={**self.environment, "AWS_REGION": REGIONS[0], **environment}, text=True,
                              check=False)  # fmt: skip

    def test_clones_and_pushes(self):
        run = self.clone("web", "-c", "credential.useHttpPath=true")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.all_refs("clone"), self.all_refs(self.place("web")))
        self.commit("clone", "main", count=2)
        helper = ("-c", f"credential.helper=!'{PACKFERRY}' credential", "-c", "credential.useHttpPath=true")
        self.environment = {**self.environment, "AWS_REGION": REGIONS[0]}
        self.git("clone", *helper, "push", "-q", self.double.url + "/v1/repos/web", "main")
        self.assertEqual(self.refs(self.place("web")), self.refs("clone"))

    def test_a_session_token_goes_along(self):
        key = self.double.identities.session(f"arn:aws:iam::{ACCOUNT}:role/reader", "git")
        keys = {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret, "AWS_SESSION_TOKEN": key.token}
        run = self.clone("web", "-c", "credential.useHttpPath=true", **keys)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_without_the_path_there_is_no_password(self):
        run = self.clone("web")
        self.assertNotEqual(run.returncode, 0)
        self.assertEqual([each["status"] for each in self.double.log if each["status"] == 200], [])


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
        self.git(self.place("web"), "tag", "v2", "main")
        for reference, full in (
            ("main", "refs/heads/main"),
            ("feature/one", "refs/heads/feature/one"),
            ("v2", "refs/tags/v2"),
            ("refs/heads/large", "refs/heads/large"),
        ):
            for branch in ("main", "feature/one", "large"):
                self.commit(self.place("web"), branch)
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
