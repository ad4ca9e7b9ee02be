"""What the backup tests share: a store in a directory, and what every snapshot in it has to be."""

import json
import pathlib
import typing

from sandbox import DONE, Replication


class Moment(typing.NamedTuple):
    """A repository as it was when a snapshot was made of it."""

    refs: dict
    head: str


class Backups(Replication):
    """Each test has a store, and remembers for every snapshot what the source held then."""

    repository = "app/web"

    def setUp(self):
        super().setUp()
        self.store = self.repos / "store"
        self.moments = {}

    def source(self):
        return self.path("source")

    def moment(self, name="source"):
        head = (pathlib.Path(self.path(name)) / "HEAD").read_text().strip()
        return Moment(self.all_refs(name), head)

    def backup(self, *words, status=DONE, **environment):
        """Backs the source up, and returns the report."""
        run = self.packferry(
            "backup", self.source(), "--to", str(self.store), "--name", self.repository, "--json", *words, **environment
        )
        self.assertEqual(run.status, status, f"packferry backup {' '.join(words)}\n{run.said}")
        report = json.loads(run.stdout)
        if report.get("snapshot") and status == DONE:
            self.moments[report["snapshot"]["number"]] = self.moment()
        return report

    def snapshots(self):
        run = self.packferry("snapshots", str(self.store), self.repository, "--json")
        self.assertEqual(run.status, DONE, run.said)
        return json.loads(run.stdout)["repositories"][0]["snapshots"]

    def restore(self, target, *words, status=DONE):
        run = self.packferry("restore", str(self.store), self.repository, target, *words)
        self.assertEqual(run.status, status, f"packferry restore {' '.join(words)}\n{run.said}")
        return run

    def verify(self, *words, status=DONE):
        run = self.packferry("verify", str(self.store), self.repository, *words)
        self.assertEqual(run.status, status, f"packferry verify {' '.join(words)}\n{run.said}")
        return run

    def objects(self, part=""):
        """The files of the store whose keys contain this."""
        files = (path for path in self.store.rglob("*") if path.is_file())
        return sorted(path for path in files if part in str(path.relative_to(self.store)))

    def data(self):
        """The data object that each snapshot brought, in their order."""
        return [self.store / each["chain"][-1]["key"] for each in self.snapshots()]

    def assert_restored(self, name, moment):
        self.assertEqual(self.moment(name), moment)
        self.git(name, "fsck", "--full", "--strict")

    def assert_restores(self, number, *words):
        name = f"restored-{number}"
        self.restore(self.path(name), "--at", str(number), *words)
        self.assert_restored(name, self.moments[number])

    def assert_all_restore(self):
        for number in self.moments:
            with self.subTest(snapshot=number):
                self.assert_restores(number)
