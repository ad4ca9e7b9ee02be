"""A repository is backed up through its whole life, and every moment of it comes back; git is the judge."""

import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time
import unittest

from sandbox import DONE, FAILED, HELD, PACKFERRY, USAGE
from vault import Backups

DAMAGED = 6
IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
FORMAT_PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "formats" / "backup.md"


class Life:
    """What must hold whatever carries the bytes. Subclasses say how the source is reached."""

    def live(self):
        """A snapshot after every kind of change that a repository can go through."""
        self.make_source()
        self.backup()
        self.commit("source", "main", count=3)
        self.backup()
        self.commit("source", "feature/one", parent="refs/heads/feature/one~2")  # rewound
        self.backup()
        self.git("source", "branch", "-q", "-D", "feature/one")
        self.backup()
        self.commit("source", "feature/one", parent="refs/heads/main~3")  # made again, as another one
        self.backup()
        self.git("source", "branch", "old", "main~4")
        self.backup()
        self.git("source", *IDENTITY, "tag", "-a", "-m", "second", "v2", "main")
        self.make_signed_tag("v2-signed", "v2")
        self.git("source", *IDENTITY, "notes", "add", "-m", "a note", "main")
        self.backup()
        for twin in ("Case", "case"):
            self.commit("source", twin, parent="refs/heads/main")
        self.backup()
        self.git("source", "symbolic-ref", "HEAD", "refs/heads/large")
        self.backup()

    def make_signed_tag(self, name, target):
        oid = self.git("source", "rev-parse", target).strip()
        tag = (
            f"object {oid}\ntype tag\ntag {name}\ntagger Ada <ada@example.org> 1700000000 +0000\n\nsigned\n"
            "-----BEGIN PGP SIGNATURE-----\n\niQEzBAABCAAdFiEE\n-----END PGP SIGNATURE-----\n"
        )
        made = self.git("source", "hash-object", "-t", "tag", "-w", "--stdin", stdin=tag.encode()).strip()
        self.git("source", "update-ref", f"refs/tags/{name}", made)

    def test_every_moment_comes_back(self):
        self.live()
        self.assertEqual(len(self.moments), 9)
        snapshots = self.snapshots()
        self.assertEqual([each["number"] for each in snapshots], sorted(self.moments))
        self.assertTrue(snapshots[0]["chain"][-1]["full"])
        self.assertGreater(len(snapshots[-1]["chain"]), 3)
        self.assert_all_restore()

        # By time: the newest that is not later. Several may be of one second.
        for each in snapshots:
            newest = max(other["number"] for other in snapshots if other["created_at"] <= each["created_at"])
            self.restore(self.path(f"at-{each['number']}"), "--at", each["created_at"])
            self.assert_restored(f"at-{each['number']}", self.moments[newest])

        self.verify("--level", "drill")

    def test_nothing_new_writes_nothing_unless_it_is_to_be_recorded(self):
        self.make_source()
        self.backup()
        before = self.objects()
        self.assertIsNone(self.backup()["snapshot"])
        self.assertEqual(self.objects(), before)
        recorded = self.backup("--record-unchanged")["snapshot"]
        self.assertEqual([link["snapshot"] for link in recorded["chain"]], [1])
        self.assert_all_restore()


class OverPaths(Life, Backups):
    pass


class OverHttp(Life, Backups):
    def source(self):
        return self.url("FERRY_HTTP_OPEN", "source")


class OverSsh(Life, Backups):
    def source(self):
        return self.url("FERRY_SSH", "source")


class AllKindsOfRepositories(Backups):
    def test_an_empty_one(self):
        self.init("source")
        self.backup()
        self.assert_restores(1)
        self.commit("source", "main")
        self.backup()
        self.assert_restores(2)

    def test_one_commit(self):
        self.init("source")
        self.commit("source", "main")
        self.backup()
        self.assert_restores(1)

    def test_sha256(self):
        self.make_source(object_format="sha256")
        self.backup()
        self.commit("source", "main", count=2)
        self.backup()
        self.assert_all_restore()
        self.verify("--level", "drill")

    def test_five_thousand_branches(self):
        self.init("source")
        self.commit("source", "main", count=5)
        oids = self.git("source", "rev-list", "main").split()
        creations = "".join(f"create refs/heads/topic/{n:04} {oids[n % 5]}\n" for n in range(5_000))
        self.git("source", "update-ref", "--stdin", stdin=creations.encode())
        self.git("source", "pack-refs", "--all")
        self.backup()
        self.commit("source", "topic/0007")
        self.backup()
        self.assert_all_restore()

    def test_an_unborn_head(self):
        self.make_source()
        self.git("source", "symbolic-ref", "HEAD", "refs/heads/not-yet")
        self.backup()
        self.assert_restores(1)

    def test_a_detached_head(self):
        self.make_source()
        self.git("source", "update-ref", "--no-deref", "HEAD", "refs/heads/feature/one")
        (pathlib.Path(self.path("source")) / "HEAD").write_text(self.refs("source")["refs/heads/feature/one"] + "\n")
        self.backup()
        self.assert_restores(1)


class Restoring(Backups):
    def setUp(self):
        super().setUp()
        self.make_source()
        self.backup()
        self.commit("source", "main", count=2)
        self.backup()

    def test_to_a_host(self):
        self.init("host")
        self.restore(self.url("FERRY_HTTP_OPEN", "host"), "--at", "1")
        # Pull requests are the host's own to make.
        branches_and_tags = {ref: oid for ref, oid in self.moments[1].refs.items() if "/pull/" not in ref}
        self.assertEqual(self.all_refs("host"), branches_and_tags)
        self.git("host", "fsck", "--full", "--strict")
        self.restore(self.url("FERRY_HTTP_OPEN", "host"))
        self.assertEqual(self.refs("host"), self.refs("source"))

    def test_a_host_with_another_repository_is_held_unless_told(self):
        self.init("host")
        self.commit("host", "somebody-elses-work")
        before = self.all_refs("host")
        url = self.url("FERRY_HTTP_OPEN", "host")
        self.assertIn("--ignore-non-empty-destination", self.restore(url, status=HELD).said)
        self.assertEqual(self.all_refs("host"), before)
        self.restore(url, "--overwrite")
        self.assertEqual(self.refs("host"), self.refs("source"))
        self.assertEqual(self.kept("host"), {"heads/somebody-elses-work": set(before.values())})

    def test_only_some_refs_under_another_name(self):
        self.init("host")
        self.restore(self.url("FERRY_HTTP_OPEN", "host"), "--ref", "main:refs/heads/rescued")
        main = self.refs("source")["refs/heads/main"]
        self.assertEqual(self.all_refs("host"), {"refs/heads/rescued": main})
        self.restore(self.path("directory"), "--ref", "main:refs/heads/rescued")
        self.assertEqual(self.all_refs("directory"), {"refs/heads/rescued": main})

    def test_what_is_there_is_never_written_over(self):
        self.init("target")
        self.commit("target", "precious")
        before = self.files("target")
        self.assertIn("--overwrite", self.restore(self.path("target"), status=FAILED).said)
        self.assertEqual(self.files("target"), before)
        refs = self.all_refs("target")
        self.restore(self.path("target"), "--overwrite")
        self.assert_restored("target", self.moments[2])
        [aside] = self.repos.glob("target.git.before-restore-*")
        aside.rename(self.path("aside"))
        self.assertEqual(self.all_refs("aside"), refs)

    def test_an_empty_directory_is_free(self):
        os.mkdir(self.path("target"))
        self.restore(self.path("target"))
        self.assert_restored("target", self.moments[2])

    def test_what_is_not_there(self):
        for words in (["--at", "9"], ["--at", "2001-01-01"]):
            self.restore(self.path("target"), *words, status=FAILED)
        self.restore(self.path("target"), "--at", "yesterday", status=USAGE)
        self.assertFalse(os.path.exists(self.path("target")))

    def test_by_hand_as_the_page_says(self):
        text = FORMAT_PAGE.read_text().split("## By hand", 1)[1]
        recipe = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
        for number, moment in self.moments.items():
            settings = {"manifest": f"manifests/app/web/{number:010}.manifest", "target": self.path(f"by-hand-{number}")}
            commands = recipe
            for name, value in settings.items():
                commands, count = re.subn(f"^{name}=.*$", f"{name}={value}", commands, flags=re.MULTILINE)
                self.assertEqual(count, 1)
            run = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", commands],
                cwd=self.store, env=self.environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertNotIn("damaged", run.stdout)
            self.assert_restored(f"by-hand-{number}", moment)


class OtherForms(Backups):
    def test_a_zip_unzips_to_a_repository_that_works(self):
        self.make_source()
        self.backup("--format", "zip")
        self.commit("source", "main")
        self.backup("--format", "zip")
        self.assertEqual([len(each["chain"]) for each in self.snapshots()], [1, 1])
        self.assert_all_restore()
        self.verify("--level", "drill")
        for number, archive in enumerate(self.data(), 1):
            place = self.repos / f"unzipped-{number}"
            subprocess.run(["unzip", "-q", str(archive), "-d", str(place)], check=True)
            shutil.move(str(place / "web.git"), self.path(f"unzipped-{number}"))
            self.assert_restored(f"unzipped-{number}", self.moments[number])
            self.git("source", "clone", "-q", self.path(f"unzipped-{number}"), self.path(f"clone-{number}"))

    def test_the_age_tool_alone_opens_what_is_encrypted(self):
        key = self.repos / "key.txt"
        made = subprocess.run(["age-keygen", "-o", str(key)], capture_output=True, text=True, check=True)
        recipient = re.search(r"age1\w+", made.stdout + made.stderr)[0]
        self.make_source()
        self.backup("--recipient", recipient)
        self.commit("source", "main")
        self.backup("--recipient", recipient)

        self.init("by-age")
        for link, bundle in enumerate(self.data()):
            self.assertTrue(bundle.name.endswith(".bundle.age"))
            plain = self.repos / f"{link}.bundle"
            subprocess.run(["age", "--decrypt", "-i", str(key), "-o", str(plain), str(bundle)], check=True)
            self.git("by-age", "fetch", "-q", str(plain), f"+refs/*:refs/chain/{link}/*")
        main = self.git("by-age", "rev-parse", "refs/chain/1/heads/main").strip()
        self.assertEqual(main, self.refs("source")["refs/heads/main"])

        self.restore(self.path("locked"), status=FAILED)
        self.assertFalse(os.path.exists(self.path("locked")))
        for number in self.moments:
            self.assert_restores(number, "--identity", str(key))
        self.verify()
        self.verify("--level", "drill", "--identity", str(key))

    def test_a_writer_that_only_puts_remembers_by_itself(self):
        record = str(self.repos / "record")
        self.make_source()
        self.backup("--put-only", record)
        self.commit("source", "main")
        second = self.backup("--put-only", record)["snapshot"]
        self.assertFalse(second["read_back"])
        self.assertEqual(len(second["chain"]), 2)
        os.unlink(record)
        later = "later/${repo_name}-${datetime}"  # this is the same second, and nobody remembers what it wrote
        third = self.backup("--put-only", record, "--key", later)["snapshot"]
        self.assertEqual((third["number"], len(third["chain"])), (3, 1))
        self.assert_all_restore()

    def test_a_dry_run_writes_nothing(self):
        self.make_source()
        self.assertIsNone(self.backup("--dry-run")["snapshot"])
        self.assertFalse(self.store.exists())
        self.backup()
        before = self.objects()
        self.commit("source", "main")
        self.backup("--dry-run")
        self.assertEqual(self.objects(), before)


class Damage(Backups):
    """One thing wrong with the store: verify names it, restore refuses, what does not need it still restores."""

    def setUp(self):
        super().setUp()
        self.make_source()
        self.backup()
        self.commit("source", "main")
        self.backup()

    def assert_found(self, broken, restorable):
        run = self.verify(status=DAMAGED)
        self.assertIn(str(broken.relative_to(self.store)), run.said)
        for number in self.moments:
            with self.subTest(snapshot=number):
                if number in restorable:
                    self.assert_restores(number)
                else:
                    self.restore(self.path("refused"), "--at", str(number), status=FAILED)
                    self.assertFalse(os.path.exists(self.path("refused")))

    def flip(self, file, position):
        content = bytearray(file.read_bytes())
        content[position] ^= 0x01
        file.write_bytes(content)

    def test_all_is_well_at_every_level(self):
        for level in ("stored", "parsed", "connected", "drill"):
            self.verify("--level", level)
        self.assertEqual(set(self.snapshots()[1]["verified"]), {"stored", "parsed", "connected", "drilled"})

    def test_a_changed_byte(self):
        first, second = self.data()
        self.flip(second, second.stat().st_size // 2)
        self.assert_found(second, restorable=[1])

    def test_a_shortened_object(self):
        first, second = self.data()
        os.truncate(second, second.stat().st_size - 1)
        self.assert_found(second, restorable=[1])

    def test_a_missing_object_takes_down_what_is_built_on_it(self):
        first, second = self.data()
        first.unlink()
        self.assert_found(first, restorable=[])
        # The next backup begins a new chain.
        third = self.backup("--record-unchanged")["snapshot"]
        self.assertTrue(third["chain"][0]["full"])
        self.assertEqual(len(third["chain"]), 1)
        self.assert_restores(3)

    def test_two_objects_exchanged(self):
        first, second = self.data()
        content = first.read_bytes(), second.read_bytes()
        second.write_bytes(content[0])
        first.write_bytes(content[1])
        self.assert_found(first, restorable=[])

    def test_a_changed_manifest(self):
        manifest = self.store / "manifests" / "app" / "web" / "0000000002.manifest"
        self.flip(manifest, 100)
        self.assert_found(manifest, restorable=[1])

    def test_one_part_after_another_reads_everything(self):
        first, second = self.data()
        self.flip(second, 500)
        statuses = [
            self.packferry("verify", str(self.store), "--part", f"{part}/3").status for part in (1, 2, 3)
        ]  # fmt: skip
        self.assertEqual(sorted(statuses), [DONE, DONE, DAMAGED])


class Going(Backups):
    def prune(self, *words, status=DONE):
        run = self.packferry("prune", str(self.store), self.repository, "--json", *words)
        self.assertEqual(run.status, status, run.said)
        return json.loads(run.stdout)["repositories"][0]["pruning"]

    def test_pruned_snapshots_go_and_the_others_stay(self):
        self.make_source()
        for words in ([], [], ["--full"], []):
            self.commit("source", "main")
            self.backup(*words)
        before = self.objects()
        self.assertEqual(self.prune("--keep-last", "1", "--grace", "0h", "--dry-run")["retired"], [1, 2, 3])
        self.assertEqual(self.objects(), before)
        self.assertEqual(self.prune("--keep-last", "1", "--grace", "0h")["retired"], [1, 2, 3])
        deadline = time.monotonic() + 20
        while not self.prune("--keep-last", "1", "--grace", "0h")["removed"] and time.monotonic() < deadline:
            pass  # a retirement is over when the second of its record is
        # 4 is built on 3: both bundles stay, the manifest of 3 goes.
        self.assertEqual(len(self.objects(".bundle")), 2)
        self.assertEqual([path.name for path in self.objects(".manifest")], ["0000000004.manifest"])
        self.assert_restores(4)
        self.verify("--level", "drill")
        self.commit("source", "main")
        self.backup()
        self.assert_restores(5)

    def test_nothing_to_keep_is_a_usage_error(self):
        self.assertEqual(self.packferry("prune", str(self.store)).status, USAGE)


class TheGuard(Backups):
    def test_a_mass_deletion_is_held_and_the_snapshot_keeps_the_refs(self):
        self.init("source")
        self.commit("source", "main", count=2)
        names = [f"topic/{number}" for number in range(20)]
        for name in names:
            self.git("source", "branch", name, "main")
        self.backup()
        whole = self.moment()
        self.git("source", "branch", "-q", "-D", *names)
        self.commit("source", "main")
        report = self.backup(status=HELD)
        self.assertEqual(report["snapshot"]["withheld"], 20)
        main = self.refs("source")["refs/heads/main"]
        self.restore(self.path("held"))
        self.assert_restored("held", whole._replace(refs={**whole.refs, "refs/heads/main": main}))
        self.backup("--allow-deletions", "20")
        self.assert_restores(3)
        self.assert_restores(1)

    def test_a_source_that_lists_nothing_is_held(self):
        self.make_source()
        self.backup()
        shutil.rmtree(self.path("source"))
        self.init("source")
        self.backup(status=HELD)
        self.assert_restores_as_it_was()

    def test_a_source_that_is_gone_is_a_failure(self):
        self.make_source()
        self.backup()
        shutil.rmtree(self.path("source"))
        self.backup(status=FAILED)
        self.assert_restores_as_it_was()

    def assert_restores_as_it_was(self):
        self.assertEqual([each["number"] for each in self.snapshots()], [1])
        self.assert_restores(1)


class KilledAtAnyMoment(Backups):
    """kill -9 needs no cleaning up: the next run goes on, and what was there before is there."""

    def killed(self, after, *words):
        """Starts the program, and kills it if it is not done `after` so many seconds."""
        program = subprocess.Popen(
            [PACKFERRY, *words],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            program.wait(timeout=after)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()

    def seconds_of(self, work):
        begin = time.monotonic()
        work()
        return time.monotonic() - begin

    def test_while_backing_up(self):
        self.make_source()
        usual = self.seconds_of(self.backup)
        moments = random.Random(3)
        for _ in range(8):
            self.commit("source", "main", count=2)
            self.commit("source", "large", content_bytes=2_000_000)
            self.killed(
                moments.uniform(0, usual), "backup", self.source(), "--to", str(self.store), "--name", self.repository
            )
            self.assert_restores_newest()
            self.backup("--record-unchanged")
        self.assert_all_restore()
        self.verify("--level", "connected")

    def assert_restores_newest(self):
        """Either the one that was being made, or the one before."""
        newest = self.snapshots()[-1]["number"]
        target = f"newest-{len(self.moments)}"
        self.restore(self.path(target))
        self.moments.setdefault(newest, self.moment())
        self.assert_restored(target, self.moments[newest])

    def test_while_restoring(self):
        self.make_source()
        self.backup()
        usual = self.seconds_of(lambda: self.restore(self.path("usual")))
        moments = random.Random(4)
        for number in range(8):
            target = f"target-{number}"
            self.killed(moments.uniform(0, usual), "restore", str(self.store), self.repository, self.path(target))
            # There as a whole, or not at all.
            if not os.path.exists(self.path(target)):
                self.restore(self.path(target))
            self.assert_restored(target, self.moments[1])


class KilledAtEveryChange(Backups):
    """The same, at every change that a restore makes to the world: before it, after it, and in the middle of a write."""

    def setUp(self):
        super().setUp()
        self.init("source")
        self.commit("source", "main", count=3, content_bytes=2_000)
        self.commit("source", "topic", content_bytes=2_000, parent="refs/heads/main")
        self.backup()
        self.commit("source", "main", count=1, content_bytes=2_000)
        self.backup()
        self.count = self.repos / "changes"

    def dying(self, *words, **variables):
        library = {"LD_PRELOAD": os.environ["DIE_AT_LIBRARY"], "ASAN_OPTIONS": "verify_asan_link_order=0"}
        return self.packferry("restore", str(self.store), self.repository, *words, **library, **variables)

    def at_each(self, prepare, words, judge, faults=("before", "after", "torn"), **variables):
        """On a fresh target each time, until a run is not hit any more: how many writes there are depends a little on
        the network. One fault a change here, in turns; FAULTS=full for all of them."""
        prepare()
        run = self.dying(*words, DIE_COUNT=str(self.count), **variables)
        self.assertEqual(run.status, DONE, run.said)
        changes = int(self.count.read_text())
        self.assertGreater(changes, 10)
        for number in itertools.count(1):
            for fault in faults if os.environ.get("FAULTS") == "full" else [faults[number % len(faults)]]:
                with self.subTest(f"{fault} change {number} of about {changes}"):
                    prepare()
                    run = self.dying(*words, DIE_AT=str(number), DIE_HOW=fault, **variables)
                    if run.status == DONE:
                        return self.assertGreater(number, 0.9 * changes)
                    self.assertEqual(run.status, -signal.SIGKILL, run.said)
                    judge()

    def test_of_a_restore_into_a_new_directory(self):
        target = self.path("target")

        def judge():
            if not os.path.exists(target):
                self.restore(target)
            self.assert_restored("target", self.moments[2])

        self.at_each(lambda: shutil.rmtree(target, ignore_errors=True), [target], judge)

    def another_repository(self):
        """What puts it where the snapshot is to go."""
        self.init("before")
        self.commit("before", "old", count=2)

        def prepare():
            for each in self.repos.glob("target*"):
                shutil.rmtree(each)
            shutil.copytree(self.path("before"), self.path("target"))

        return prepare

    def test_of_a_restore_over_another_repository(self):
        target = self.path("target")
        prepare = self.another_repository()
        before = self.all_refs("before")

        def judge():
            if self.all_refs("target") == before:
                self.restore(target, "--overwrite")
            self.assert_restored("target", self.moments[2])
            moved_aside = list(self.repos.glob("target.git.before-restore-*"))
            for each in moved_aside:
                each.rename(each.with_name(each.name + ".git"))
            self.assertIn(before, [self.all_refs(each.name) for each in moved_aside])

        self.at_each(prepare, [target, "--overwrite"], judge)

    def test_a_moment_without_either_is_found(self):
        """The planted fault: where two directories cannot change places at once, there is such a moment."""
        target = self.path("target")
        prepare = self.another_repository()
        missing = []
        # It lasts for one change, and which number that one has differs a little from run to run.
        for _ in range(5):
            self.at_each(prepare, [target, "--overwrite"], lambda: missing.append(not os.path.exists(target)),
                         faults=("after",), DIE_WITHOUT_EXCHANGE="1")
            if any(missing):
                return
        self.fail(f"none of {len(missing)} deaths left neither of them")

    def test_of_a_restore_to_a_host(self):
        url = self.url("FERRY_HTTP_OPEN", "target")

        def prepare():
            shutil.rmtree(self.path("target"), ignore_errors=True)
            self.init("target")

        def judge():
            for name, oid in self.all_refs("target").items():
                self.assertEqual(oid, self.moments[2].refs.get(name), f"{name} is what no snapshot holds")
            self.restore(url)
            self.assertEqual(self.all_refs("target"), self.moments[2].refs)
            self.git("target", "fsck", "--full", "--strict")

        self.at_each(prepare, [url], judge)


if __name__ == "__main__":
    unittest.main(verbosity=2)
