"""The buildspecs that packferry prints, run from an empty Debian to backups in the bucket, under the policies that it
prints. Slow: a Debian is made once, and each build installs packages. `make integration-slow`.

PACKFERRY_DEB is the package, PACKFERRY_CLEAN_ROOT a directory for what is kept from one run to the next.
"""

import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
from aws_identities import Key, Principal
from codecommit_double import Double

import buildspec_runner
from s3 import Server
from sandbox import DONE, Replication

ACCOUNT, PROJECT = "111122223333", "packferry-backup"
REGIONS = ("eu-central-1", "us-east-1")
PREFIX = f"projects/codecommit-backup/{ACCOUNT}"
ROLE = "packferry-backup-build"


class Files(http.server.BaseHTTPRequestHandler):
    """Serves what `contents` of its server holds, by path."""

    def do_GET(self):
        content = self.server.contents.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    server.contents = {}
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class Builds(Replication):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = buildspec_runner.CleanRoot(os.environ["PACKFERRY_CLEAN_ROOT"])
        cls.s3 = Server(has_roles=True)
        cls.addClassCleanup(cls.s3.stop)
        cls.codebuild, cls.owner = (cls.s3.add_user(name, ACCOUNT) for name in ("codebuild", "owner"))
        cls.deb = pathlib.Path(os.environ["PACKFERRY_DEB"]).read_bytes()

    def setUp(self):
        super().setUp()
        self.files = self.enterContext(served())
        self.files.contents["/packferry.deb"] = self.deb
        self.bucket = self._testMethodName.replace("_", "-")[:60].rstrip("-")
        self.environment = {
            **self.environment,
            "AWS_ENDPOINT_URL": self.s3.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.owner.environment(),
        }
        for region in REGIONS:
            (self.repos / ACCOUNT / region).mkdir(parents=True)
            for number in range(4):
                place = f"{ACCOUNT}/{region}/repo-{number}"
                self.init(place)
                self.commit(place, "main", count=number + 1)
        regions = {region: str(self.repos / ACCOUNT / region) for region in REGIONS}
        self.double = self.enterContext(Double({"accounts": {ACCOUNT: {"regions": regions}}}))
        self.prepare_accounts()

    def printed(self, document, *words):
        run = self.packferry("setup", document, *words)
        self.assertEqual(run.status, DONE, run.said)
        return run.stdout

    def prepare_accounts(self):
        """The bucket with its policy, and keys for the role of the build, as CodeBuild gets them."""
        role = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
        place = ("--bucket", self.bucket, "--prefix", PREFIX)
        regions = ("--account", ACCOUNT, "--region", ",".join(REGIONS))
        self.s3.ask("PUT", self.bucket, keys=self.owner)
        policy = self.printed("bucket-policy", *place, "--writer", role)
        self.s3.ask("PUT", self.bucket, query={"policy": ""}, body=policy.encode(), keys=self.owner)
        may = json.loads(self.printed("codebuild-policy", *regions, *place))
        trust = {"Effect": "Allow", "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:user/codebuild"]},
                 "Action": ["sts:AssumeRole"]}  # fmt: skip
        self.s3.add_role(ACCOUNT, ROLE, {"Version": "2012-10-17", "Statement": [trust]}, may)
        self.addCleanup(self.s3.remove_role, ACCOUNT, ROLE)
        given = self.s3.take_role(role, self.codebuild)
        principal = Principal(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/AWSCodeBuild", [may], role)
        key = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], time.time() + 3600, principal)
        self.double.identities.keys[key.id] = key
        told = {"AccessKeyId": key.id, "SecretAccessKey": key.secret, "Token": key.token,
                "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(key.expires))}  # fmt: skip
        self.secrets = (key.secret, key.token)
        self.files.contents["/v2/credentials/build"] = json.dumps(told).encode()

    def build(self, mode, *words, **variables):
        text = self.printed(
            "buildspec", "--mode", mode, "--bucket", self.bucket, "--prefix", PREFIX, *words,
            "--package", f"{self.files.url}/packferry.deb", "--package-digest", hashlib.sha256(self.deb).hexdigest(),
        )  # fmt: skip
        environment = {
            **buildspec_runner.environment_of_a_build(PROJECT, REGIONS[0], ACCOUNT),
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.files.url}/v2/credentials/build",
            "AWS_ENDPOINT_URL_S3": self.s3.endpoint,
            **self.double.environment(),
            **variables,
        }
        builds = buildspec_runner.run_buildspec(self.root, text, environment)
        for build in builds:
            for secret in self.secrets:
                self.assertNotIn(secret, build.said)
        return builds

    def assert_backed_up(self, places):
        run = self.packferry("snapshots", f"s3://{self.bucket}/{PREFIX}", "--json", **self.reader())
        self.assertEqual(run.status, DONE, run.said)
        names = [each["repository"] for each in json.loads(run.stdout)["repositories"]]
        self.assertEqual(sorted(names), sorted(places))
        for place in places:
            target = self.path("back")
            shutil.rmtree(target, ignore_errors=True)
            run = self.packferry("restore", f"s3://{self.bucket}/{PREFIX}", place, target, **self.reader())
            self.assertEqual(run.status, DONE, run.said)
            self.assertEqual(self.refs("back"), self.refs(f"{ACCOUNT}/{place}"))

    def reader(self):
        """On radosgw what was written is the writer's, and only the writer's."""
        given = json.loads(self.files.contents["/v2/credentials/build"])
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["Token"],
        }

    def everything(self):
        return [f"{region}/repo-{number}" for region in REGIONS for number in range(4)]

    def test_one_build_for_all(self):
        [build] = self.build("single", "--region", ",".join(REGIONS))
        self.assertTrue(build.succeeded, build.said)
        self.assert_backed_up(self.everything())
        [metrics] = [json.loads(line) for line in build.said.splitlines() if line.startswith('{"_aws"')]
        self.assertEqual((metrics["RepositoriesBackedUp"], metrics["RepositoriesFailed"]), (8, 0))

    def test_one_build_for_an_event(self):
        [build] = self.build("event", REPOSITORY_NAME="repo-2", REPO_REGION=REGIONS[1], REFERENCE_NAME="main")
        self.assertTrue(build.succeeded, build.said)
        self.assert_backed_up([f"{REGIONS[1]}/repo-2"])

    def test_a_batch_of_two(self):
        builds = self.build("batch", "--shards", "2", "--region", ",".join(REGIONS))
        self.assertEqual([build.identifier for build in builds], ["shard_1", "shard_2"])
        for build in builds:
            self.assertTrue(build.succeeded, build.said)
        self.assert_backed_up(self.everything())

    def test_a_broken_repository_fails_the_build_and_no_other_repository(self):
        self.double.faults[ACCOUNT, REGIONS[0], "repo-1"] = {"denied": True}
        [build] = self.build("single", "--region", ",".join(REGIONS))
        self.assertEqual([phase.succeeded for phase in build.phases], [True, False], build.said)
        self.assertIn(f"{REGIONS[0]}/repo-1", build.said)
        self.assert_backed_up([name for name in self.everything() if name != f"{REGIONS[0]}/repo-1"])

    def test_another_package_than_the_one_that_was_meant_is_not_installed(self):
        self.files.contents["/packferry.deb"] = self.deb + b"x"
        [build] = self.build("single", "--region", ",".join(REGIONS))
        self.assertEqual([(phase.name, phase.succeeded) for phase in build.phases], [("install", False)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
