"""A fleet in one run: a double of GitLab, to a double of Gitea and into a store; what costs what, and what is reported."""

import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

SERVERS = pathlib.Path(__file__).resolve().parents[1] / "servers"
sys.path[:0] = [str(SERVERS), str(SERVERS / "forges")]
import gitea  # pylint: disable=wrong-import-position
import gitlab  # pylint: disable=wrong-import-position

from sandbox import DONE, FAILED, HELD, PACKFERRY, PARTIAL, USAGE, Replication

CONFIG = """
catalogue = "packferry.db"

[hosts.lab]
kind = "gitlab"
url = "{lab}"
token = {{ env = "LAB_TOKEN" }}

[hosts.copy]
kind = "gitea"
url = "{copy}"
token = {{ env = "COPY_TOKEN" }}

[stores.vault]
address = "vault"

[[backups]]
name = "nightly"
source = {{ host = "lab" }}
store = "vault"

[[replicas]]
name = "copies"
source = {{ host = "lab" }}
destinations = [{{ host = "copy", repository = "app/${{name}}", create = true }}]
"""


class Sweeps(Replication):
    """Twelve repositories at one forge, none at the other."""

    def setUp(self):
        super().setUp()
        self.lab = self.enterContext(gitlab.GitLab(self.repos / "lab"))
        self.copy = self.enterContext(gitea.Gitea(self.repos / "copy"))
        self.names = [f"app/web-{number}" for number in range(12)]
        for name in self.names:
            self.lab.add(name)
        (self.repos / "vault").mkdir()
        self.config = self.repos / "packferry.toml"
        self.config.write_text(CONFIG.format(lab=self.lab.url, copy=self.copy.url))
        self.environment = {**self.environment, "LAB_TOKEN": "token-1", "COPY_TOKEN": "token-2"}

    def sweep(self, *words, status=DONE):
        run = self.packferry("sweep", str(self.config), "--json", *words)
        self.assertEqual(run.status, status, run.said)
        for secret in ("token-1", "token-2"):
            self.assertNotIn(secret, run.said)
        return json.loads(run.stdout)

    def commit_to(self, name, message="y"):
        git = ["git", "-C", str(self.lab.repositories[name].path)]
        tree = subprocess.run([*git, "rev-parse", "main^{tree}"], capture_output=True, check=True).stdout.strip().decode()
        commit = subprocess.run(
            [*git, "-c", "user.name=Ada", "-c", "user.email=a@example.org", "commit-tree", "-p", "main", "-m", message, tree],
            capture_output=True, check=True).stdout.strip().decode()  # fmt: skip
        subprocess.run([*git, "update-ref", "refs/heads/main", commit], check=True)

    @staticmethod
    def tip(path):
        return subprocess.run(["git", "-C", str(path), "rev-parse", "main"], capture_output=True, check=True).stdout

    def assert_true_copies(self, but=()):
        for name in self.names:
            if name in but:
                continue
            there = self.copy.repositories[name].path
            self.assertEqual(self.tip(there), self.tip(self.lab.repositories[name].path), name)
            restored = self.repos / "restored.git"
            shutil.rmtree(restored, ignore_errors=True)
            run = self.packferry("restore", str(self.repos / "vault"), f"lab/{name}", str(restored))
            self.assertEqual(run.status, DONE, run.said)
            self.assertEqual(self.tip(restored), self.tip(there), name)

    @staticmethod
    def git_requests(forge):
        return [line for line in forge.log if ".git/" in json.dumps(line)]

    def test_from_one_forge_to_another_and_into_a_store(self):
        first = self.sweep()
        self.assertEqual((first["repositories"], first["done"], first["failed"]), (12, 24, 0))
        self.assertEqual({each.visibility for each in self.copy.repositories.values()}, {"private"})
        self.assert_true_copies()

        self.lab.log.clear()
        self.copy.log.clear()
        second = self.sweep()
        self.assertEqual((second["up_to_date"], second["source_listings"], second["fetches"]), (24, 12, 0))
        self.assertEqual(self.copy.log, [], "nobody is asked who has said all")

        self.commit_to("app/web-3")
        third = self.sweep()
        changed = [each["source"] for each in third["copies"] if each["state"] == "done"]
        self.assertEqual(changed, ["lab/app/web-3"] * 2)
        self.assert_true_copies()

    def test_a_repository_of_sha256_is_made_as_one(self):
        self.lab.add("app/newer", object_format="sha256")
        self.names.append("app/newer")
        self.assertEqual(self.sweep()["done"], 26)
        self.assertEqual(len(self.tip(self.copy.repositories["app/newer"].path).strip()), 64)
        self.assert_true_copies()

    def test_broken_ones_are_named_and_the_others_are_done(self):
        self.sweep()
        shutil.rmtree(self.lab.repositories["app/web-1"].path / "objects")
        (self.lab.repositories["app/web-2"].path / "HEAD").write_text("nonsense")
        shutil.rmtree(self.copy.repositories["app/web-4"].path / "objects")
        for name in self.names[3:]:
            self.commit_to(name)
        report = self.sweep(status=PARTIAL)
        failed = {each["source"] for each in report["copies"] if each["state"] == "failed"}
        self.assertEqual(failed, {"lab/app/web-1", "lab/app/web-2", "lab/app/web-4"})
        for each in report["copies"]:
            if each["state"] == "failed":
                self.assertIn(each["source"].removeprefix("lab/"), each["error"]["message"])
        self.assert_true_copies(but=("app/web-1", "app/web-2", "app/web-4"))

    def test_what_is_not_listed_is_never_deleted(self):
        self.sweep()
        gone = self.lab.repositories.pop("app/web-5")
        report = self.sweep(status=HELD)
        self.assertEqual({each["source"] for each in report["copies"] if each["state"] == "missing"}, {"lab/app/web-5"})
        self.assertIn("lists 11 repositories; last time there were 12", report["alarms"][0])
        self.assertEqual(self.tip(self.copy.repositories["app/web-5"].path), self.tip(gone.path))
        self.lab.faults.append({"what": "status", "status": 403})
        report = self.sweep(status=FAILED)
        self.assertEqual([each["host"] for each in report["unlisted"]], ["lab"])
        self.assertEqual(report["copies"], [])

    def test_another_repository_under_the_same_name_is_held(self):
        self.sweep()
        old = self.tip(self.copy.repositories["app/web-6"].path)
        shutil.rmtree(self.lab.repositories["app/web-6"].path)
        self.lab.add("app/web-6").id = 4711
        self.commit_to("app/web-6", "of somebody else")
        report = self.sweep(status=HELD)
        held = [each for each in report["copies"] if each["state"] == "held"]
        self.assertEqual({each["source"] for each in held}, {"lab/app/web-6"})
        self.assertEqual(self.tip(self.copy.repositories["app/web-6"].path), old)

    def test_two_at_once_a_kill_and_a_lost_catalogue_end_in_the_same(self):
        self.sweep()
        for name in self.names:
            self.commit_to(name)
        both = [self.start(), self.start()]
        self.assertTrue({each.wait() for each in both} <= {DONE, PARTIAL})
        self.sweep()
        self.assert_true_copies()
        for delay in (0.02, 0.05, 0.1, 0.2):
            for name in self.names:
                self.commit_to(name, str(delay))
            program = self.start()
            time.sleep(delay)  # at any moment
            program.send_signal(signal.SIGKILL)
            program.wait()
        self.sweep()
        self.assert_true_copies()
        for each in self.repos.glob("packferry.db*"):
            each.unlink()
        again = self.sweep()
        self.assertEqual((again["fetches"], again["up_to_date"]), (0, 24))

    def start(self):
        return subprocess.Popen([PACKFERRY, "sweep", str(self.config)], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip

    def test_a_host_that_says_slow_down_is_asked_again(self):
        self.lab.faults.append({"what": "throttle", "times": 1})
        begin = time.monotonic()
        self.assertEqual(self.sweep()["failed"], 0)
        self.assertGreater(time.monotonic() - begin, 6, "it said how long to wait")

    def test_two_sources_of_one_name_move_nothing(self):
        self.lab.add("tools/web-1")
        run = self.packferry("sweep", str(self.config))
        self.assertEqual(run.status, USAGE)
        self.assertIn("would both be copy/app/web-1", run.said)
        self.assertEqual(self.copy.repositories, {})

    def test_a_page_says_who_is_behind(self):
        page = self.repos / "report.html"
        shutil.rmtree(self.lab.repositories["app/web-1"].path / "objects")
        self.sweep("--report", str(page), status=PARTIAL)
        self.assertIn("lab/app/web-1", page.read_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
