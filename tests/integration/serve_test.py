"""The service, as its users meet it: a chain over three hosts that keeps itself true."""

import itertools
import json
import pathlib
import sys
import time
import unittest
import urllib.parse

from codecommit_test import ACCOUNT, CodeCommit
from sandbox import DONE, FAILED, HELD, PARTIAL
from service import Door, Queue, Receiver, Service, eventually

HOOK = "a secret of the hook, long enough"


class Chain(CodeCommit):
    """A host with webhooks -> CodeCommit -> an internal host, which can go away."""

    def setUp(self):
        super().setUp()
        self.init("web")
        self.commit("web", "main", 3)
        self.commit("web", "topic", 2)
        self.init("third")
        server = urllib.parse.urlsplit(self.servers["FERRY_HTTP_OPEN"])
        self.door = self.enterContext(Door(server.hostname, server.port))
        self.receiver = self.enterContext(Receiver())
        self.environment = {**self.environment, "HOOK": HOOK, "PACKFERRY_CATALOGUE": str(self.repos / "packferry.db")}
        self.numbers = itertools.count()
        self.first = self.url("FERRY_HTTP_OPEN", "web")
        self.second = "codecommit::eu-central-1://web"
        self.third = f"http://127.0.0.1:{self.door.port}{server.path}/{self.corner}/third.git"

    def toml(self, more=""):
        return f"""
catalogue = "packferry.db"

[hosts.lab]
kind = "list"
repositories = ["{self.first}"]

[hosts.aws]
kind = "codecommit"
region = "eu-central-1"

[hosts.inner]
kind = "list"
repositories = ["{self.third}"]

[serve]
look_out_every = "1s"
raise_after = "1s"
over_after = "1s"
drain = "20s"
lease = "3s"

[[serve.webhooks]]
name = "lab"
kind = "gitlab"
secrets = [{{ env = "HOOK" }}]

[[serve.alarms]]
kind = "webhook"
url = "{self.receiver.url}/alarms"

[[serve.objectives]]
lag = "1s"
failing = "1s"
{more}
"""

    def serve(self, *words, more=""):
        return self.enterContext(Service(self.repos, self.toml(more), self.environment, *words))

    def replica(self, *words, status=DONE):
        run = self.packferry("replica", *words)
        self.assertEqual(run.status, status, f"packferry replica {' '.join(words)}\n{run.said}")
        return run

    def create(self):
        self.replica("create", self.first, self.second, "--name", "first", "--create", "--allow-rewinds", "0")
        self.replica("create", self.second, self.third, "--name", "second", "--allow-rewinds", "0")

    def get(self, name):
        return json.loads(self.replica("get", name, "--json").stdout)["replica"]

    def wait_for(self, name, status):
        return eventually(lambda: (now := self.get(name))["status"] == status and now, f"{name} is {status}")

    def hook_body(self):
        number = next(self.numbers)  # no two pushes are the same
        project = {"path_with_namespace": f"{self.corner}/web", "git_http_url": self.first}
        return {"object_kind": "push", "after": f"{number:040x}", "project": project}

    def push_hook(self, service, hook="lab"):
        return service.ask("POST", f"/v1/webhooks/{hook}", self.hook_body(), X_Gitlab_Token=HOOK)

    def pushed(self, service, hook="lab"):
        status, said = self.push_hook(service, hook)
        self.assertEqual(status, 202, f"{said}\n{service.said()}")

    def token(self, scopes):
        run = self.packferry("token", "create", "--bearer", f"a test with {scopes}", "--scope", scopes, "--catalogue",
                             self.environment["PACKFERRY_CATALOGUE"])  # fmt: skip
        self.assertEqual(run.status, DONE, run.said)
        return run.stdout.split()[-1]

    def token_file(self, token):
        file = self.repos / "token"
        file.write_text(token)
        file.chmod(0o600)
        return str(file)

    def tip(self, name, branch="main"):
        return self.refs(name).get(f"refs/heads/{branch}")

    def aws(self):
        return self.place("web")

    def alarms(self, **wanted):
        return [body for path, _, body in self.receiver.heard
                if path == "/alarms" and all(body.get(key) == value for key, value in wanted.items())]  # fmt: skip


class Story(Chain):
    def test_a_chain_keeps_itself_true(self):
        self.commit("third", "main", 1)
        self.replica("create", self.first, self.second, "--name", "first", "--create", "--allow-rewinds", "0")
        self.replica("create", self.second, self.third, "--name", "second", status=FAILED)
        self.replica("create", self.second, self.third, "--name", "second", "--replace-branch", "main",
                     "--allow-rewinds", "0")  # fmt: skip
        service = self.serve()
        self.replica("parity", "first", "second")

        # A push and its webhook are at the third host.
        self.commit("web", "main")
        began = time.monotonic()
        self.pushed(service)
        eventually(lambda: self.tip("third") == self.tip("web"), "the push is at the third host")
        print(f"a push was at the third host {time.monotonic() - began:.2f} s after its webhook", file=sys.stderr)
        now = self.wait_for("second", "UpToDate")
        self.assertEqual(now["lagSeconds"], 0)
        self.assertGreaterEqual(now["lastReplicatedSourceChangeDateUTC"], now["creationDate"])
        self.assertEqual(now["sourceType"], "CodeCommit")
        self.assertTrue(now["sourceId"].startswith("arn:aws:codecommit:eu-central-1:"), now["sourceId"])
        self.assertEqual(self.get("first")["status"], "UpToDate")

        # A force-push is held, approved, carried; the old tip is kept.
        old = self.tip("web")
        self.commit("web", "main", parent=f"{old}~2")
        self.pushed(service)
        held = self.wait_for("first", "Held")
        self.assertEqual(self.tip(self.aws()), old)
        self.assertIn("approvePlan", held["permittedActions"])
        eventually(lambda: self.alarms(kind="held", state="raised"), "somebody is told")
        self.replica("approve", "first", held["heldPlan"]["digest"][:12])
        self.wait_for("second", "Held")
        self.replica("approve", "second", self.get("second")["heldPlan"]["digest"])
        self.assertEqual(self.tip("third"), self.tip("web"))
        self.assertIn(old, self.kept("third")["heads/main"])
        self.replica("parity", "first", "second")

        # The third host goes away, and comes back.
        self.door.shut()
        self.commit("web", "main")
        self.pushed(service)
        self.wait_for("second", "Failing")
        alarm = eventually(lambda: self.alarms(kind="failing", state="raised"), "somebody is told")[0]
        self.assertEqual(alarm["subject"], "replica second")
        self.door.open()
        self.wait_for("second", "UpToDate")
        self.assertEqual(self.tip("third"), self.tip("web"))
        eventually(lambda: self.alarms(kind="failing", state="over"), "it is said that it is over")

    def test_a_hook_that_does_not_prove_itself_is_not_heard(self):
        self.create()
        service = self.serve()
        for headers in ({}, {"X_Gitlab_Token": "wrong"}, {"X_Gitlab_Token": ""}):
            self.assertIn(service.ask("POST", "/v1/webhooks/lab", self.hook_body(), **headers)[0], (401, 403))
        self.assertEqual(self.push_hook(service, "other")[0] // 100, 4)

    def test_nothing_has_to_be_repaired_after_a_kill(self):
        self.create()
        service = self.serve()
        for _ in range(3):
            self.commit("web", "main")
            self.push_hook(service)
            service.kill()
            service.start()
        # What the last one had at work waits until its lease has run out, or is announced anew.
        self.push_hook(service)
        self.replica("get", "first")
        eventually(lambda: self.tip("third") == self.tip("web"), "the last push is at the third host")
        self.wait_for("second", "UpToDate")
        self.replica("parity", "first", "second")

    def test_a_new_configuration_counts_without_a_restart(self):
        self.create()
        service = self.serve()
        pid = service.process.pid
        service.configure(self.toml().replace('name = "lab"', 'name = "laboratory"'))
        service.reload()
        self.assertEqual(self.push_hook(service)[0] // 100, 4)
        service.configure("nonsense")
        service.reload()
        self.assertIn("configuration.kept", service.said())
        self.commit("web", "main")
        self.pushed(service, "laboratory")
        eventually(lambda: self.tip("third") == self.tip("web"), "the push is at the third host")
        self.assertEqual(service.process.pid, pid)
        self.assertEqual(service.stop(), 0, service.said())

    def test_orders_are_made_while_it_runs(self):
        service = self.serve()
        self.create()
        self.commit("web", "main")
        self.replica("sync", "first")
        self.wait_for("second", "UpToDate")
        self.assertEqual(self.tip("third"), self.tip("web"))
        self.replica("parity", "first", "second")
        self.assertEqual(service.stop(), 0, service.said())

    def test_orders_are_made_through_it_between_hosts_that_it_knows(self):
        service = self.serve()
        reader = self.token("read")
        operator = self.token("read,operate")
        order = {"name": "direct", "source": self.first, "destination": self.third}
        self.assertEqual(service.ask("POST", "/v1/replicas", order)[0], 401)
        self.assertEqual(service.ask("POST", "/v1/replicas", order, reader)[0], 403)
        for foreign in ("http://169.254.169.254/latest/meta-data", "/etc", "file:///etc", "ssh://127.0.0.1/x",
                        "codecommit::us-east-1://web"):  # fmt: skip
            status, said = service.ask("POST", "/v1/replicas", {**order, "source": foreign}, operator)
            self.assertEqual(status, 403, said)
        status, said = service.ask("POST", "/v1/replicas", order, operator)
        self.assertEqual(status, 201, said)
        self.wait_for("direct", "UpToDate")
        self.assertEqual(self.refs("third"), self.refs("web"))
        through = ("--server", service.url, "--token-file", self.token_file(operator))
        self.commit("web", "main")
        self.replica("sync", "direct", *through)
        self.assertEqual(self.tip("third"), self.tip("web"))
        self.assertEqual(json.loads(self.replica("get", "direct", *through, "--json").stdout)["replica"]["status"],
                         "UpToDate")  # fmt: skip
        metrics = service.ask("GET", "/metrics", token=reader)[1]
        self.assertIn('packferry_replica_status{', metrics)
        self.replica("delete", "direct", *through, status=FAILED)

    def test_the_backups_of_its_own_file_are_swept(self):
        vault = '[stores.vault]\naddress = "vault"\n[[backups]]\nname = "nightly"\nsource = { host = "lab" }\nstore = "vault"\n'
        configuration = self.toml(vault).replace("[serve]\n", '[serve]\nsweep = "every 1s"\n')
        service = self.enterContext(Service(self.repos, configuration, self.environment))
        eventually(lambda: self.packferry("snapshots", self.repos / "vault").status == DONE, "there is a snapshot")
        self.commit("web", "main")
        eventually(lambda: self.packferry("snapshots", self.repos / "vault").stdout.count("bundle") > 1, "and another")
        self.assertIn("sweep.ended", service.said())
        metrics = service.ask("GET", "/metrics", token=self.token("read"))[1]
        self.assertIn("packferry_backup", metrics)
        self.assertEqual(service.stop(), 0, service.said())

    def test_an_event_of_codecommit_is_a_reason_to_look(self):
        queue = self.enterContext(Queue())
        self.environment["AWS_ENDPOINT_URL_SQS"] = queue.url
        self.create()
        url = f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/packferry"
        service = self.serve(more=f'[[serve.queues]]\nurl = "{url}"\nregion = "eu-central-1"\n')
        self.commit(self.aws(), "main")
        event = {
            "id": "e-1",
            "source": "aws.codecommit",
            "detail-type": "CodeCommit Repository State Change",
            "account": ACCOUNT,
            "region": "eu-central-1",
            "time": "2026-11-22T10:00:00Z",
            "resources": [f"arn:aws:codecommit:eu-central-1:{ACCOUNT}:web"],
            "detail": {"event": "referenceUpdated", "repositoryName": "web"},
        }
        queue.messages["r1"] = json.dumps(event)
        queue.messages["r2"] = "nobody understands this"
        eventually(lambda: self.tip("third") == self.tip(self.aws()), "the push is at the third host")
        eventually(lambda: list(queue.messages) == ["r2"], "what is not understood is left")
        self.assertEqual(queue.refused, [])
        self.assertIn("event.unknown", service.said())

    def test_alarms_are_raised_though_the_workers_are_dead(self):
        self.create()
        watcher = self.serve("--no-workers")
        self.commit("web", "main")
        self.push_hook(watcher)
        eventually(lambda: self.alarms(kind="lag", state="raised"), "somebody is told")
        self.assertNotEqual(self.tip("third"), self.tip("web"), "nobody works")

    def test_alarms_are_tried_beside_a_running_service(self):
        service = self.serve()
        page = self.repos / "page"
        page.write_text("#!/bin/sh\necho no pager >&2\nexit 3\n")
        page.chmod(0o755)
        heartbeat = self.repos / "heartbeat"
        heartbeat.write_text(f"{self.receiver.url}/beat")
        heartbeat.chmod(0o600)
        with_more = self.repos / "trial.toml"
        with_more.write_text(
            self.toml(f'[[serve.alarms]]\nkind = "command"\ncommand = ["{page}"]\n')
            .replace("[serve]\n", '[serve]\nheartbeat = { file = "heartbeat" }\n'))  # fmt: skip
        run = self.packferry("serve", with_more, "--try-alarms")
        self.assertEqual(run.status, PARTIAL, run.said)
        self.assertEqual(run.stdout.splitlines(),
                         [f"heard      webhook {self.receiver.url}",
                          f"not heard  command: {page}: exit status 3: no pager",
                          f"heard      heartbeat {self.receiver.url}"])  # fmt: skip
        [trial] = self.alarms(kind="trial")
        self.assertEqual((trial["subject"], trial["state"], trial["severity"]), ("service", "raised", "warning"))
        self.assertIn("nothing is wrong", trial["summary"])
        self.assertEqual([path for path, _, _ in self.receiver.heard].count("/beat"), 1)
        self.assertEqual(self.packferry("serve", service.file, "--try-alarms").status, DONE)
        self.assertEqual(service.stop(), 0, service.said())


if __name__ == "__main__":
    unittest.main(verbosity=2)
