"""Backups into a real S3 server: what directories cannot show. tests/integration/backup_test.py has the rest."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

from s3 import Server, Wire, free_endpoint
from sandbox import DONE, FAILED, PACKFERRY, PARTIAL
from vault import Backups

DAMAGED = 6
PART_BYTES = 8 * 1024 * 1024


SERVER = None


def setUpModule():
    global SERVER  # it takes seconds to start
    SERVER = Server()
    unittest.addModuleCleanup(SERVER.stop)


class S3Backups(Backups):
    """Each test has a prefix of its own in the bucket."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = SERVER
        cls.environment.update(
            {
                "AWS_ENDPOINT_URL": cls.server.endpoint,
                "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
                **cls.named(cls.server.keys),
            }
        )

    @staticmethod
    def named(keys):
        return {"AWS_ACCESS_KEY_ID": keys.access, "AWS_SECRET_ACCESS_KEY": keys.secret}

    def setUp(self):
        super().setUp()
        self.use_bucket(self.server.bucket)

    def use_bucket(self, bucket):
        self.bucket = bucket
        self.prefix = f"{self._testMethodName}/"
        self.store = f"s3://{bucket}/{self._testMethodName}"

    def packferry(self, *words, **environment):
        run = super().packferry(*words, **environment)
        self.assertNotIn(environment.get("AWS_SECRET_ACCESS_KEY", self.server.keys.secret), run.said)
        return run

    def objects(self, part=""):
        keys = self.server.keys_below(self.bucket, self.prefix)
        return [key.removeprefix(self.prefix) for key in keys if part in key]

    def data(self):
        return [each["chain"][-1]["key"] for each in self.snapshots()]

    def content(self, key):
        return self.server.get(self.bucket, self.prefix + key)

    def fetched(self, key, name):
        """The object as a local file."""
        place = self.repos / name
        place.write_bytes(self.content(key))
        return str(place)

    def prune(self, *words, status=DONE):
        run = self.packferry("prune", self.store, self.repository, "--json", "--keep-last", "1", *words)
        self.assertEqual(run.status, status, run.said)
        return json.loads(run.stdout)["repositories"][0]["pruning"]

    def prune_until_removed(self, *words, status=DONE):
        """A retirement is over when the second of its record is."""
        for _ in range(1000):
            pruning = self.prune("--grace", "0h", *words, status=status)
            if pruning["removed"] or pruning["still_there"]:
                return pruning
        return self.fail("what was retired is never removed")


class Life(S3Backups):
    def test_every_moment_comes_back(self):
        self.make_source()
        self.backup()
        before = self.objects()
        self.assertIsNone(self.backup()["snapshot"])
        self.assertEqual(self.objects(), before)
        self.commit("source", "main", count=3)
        self.backup()
        self.commit("source", "feature/one", parent="refs/heads/feature/one~2")  # rewound
        self.git("source", "branch", "-q", "-D", "large")
        self.backup()
        snapshots = self.snapshots()
        self.assertEqual([len(each["chain"]) for each in snapshots], [1, 2, 3])

        self.assert_all_restore()
        for each in snapshots:
            newest = max(other["number"] for other in snapshots if other["created_at"] <= each["created_at"])
            self.restore(self.path(f"at-{each['number']}"), "--at", each["created_at"])
            self.assert_restored(f"at-{each['number']}", self.moments[newest])
        self.init("host")
        self.restore(self.url("FERRY_HTTP_OPEN", "host"))
        self.assertEqual(self.refs("host"), self.refs("source"))
        self.git("host", "fsck", "--full", "--strict")
        for level in ("stored", "parsed", "connected", "drill"):
            self.verify("--level", level)
        self.assertEqual(set(self.snapshots()[0]["verified"]), {"stored", "parsed", "connected", "drilled"})

    def test_an_object_of_several_parts_is_what_was_sent(self):
        self.init("source")
        self.commit("source", "main", content_bytes=2 * PART_BYTES + 1_000_000)
        [link] = self.backup()["snapshot"]["chain"]
        self.assertGreater(link["bytes"], 2 * PART_BYTES)
        head = self.server.ask("HEAD", self.bucket, self.prefix + link["key"])
        self.assertTrue(head.headers["etag"].strip('"').endswith("-3"), head.headers["etag"])
        bundle = self.fetched(link["key"], "whole.bundle")
        content = pathlib.Path(bundle).read_bytes()
        self.assertEqual((len(content), hashlib.sha256(content).hexdigest()), (link["bytes"], link["sha256"]))
        self.git("source", "bundle", "verify", "-q", bundle)
        self.assertEqual(self.server.uploads(self.bucket), [])
        self.assert_all_restore()

    def test_pruned_snapshots_go_and_the_others_stay(self):
        self.make_source()
        for words in ([], [], ["--full"], []):
            self.commit("source", "main")
            self.backup(*words)
        self.assertEqual(self.prune("--grace", "0h")["retired"], [1, 2, 3])
        self.assertEqual(self.prune_until_removed()["removed"], [1, 2, 3])
        self.assertEqual(len(self.objects(".bundle")), 2)
        self.assertEqual(len(self.objects(".manifest")), 1)
        self.assert_restores(4)
        self.verify("--level", "drill")

    def test_encrypted_objects_are_opened_by_the_age_tool(self):
        key = self.repos / "key.txt"
        made = subprocess.run(["age-keygen", "-o", str(key)], capture_output=True, text=True, check=True)
        recipient = re.search(r"age1\w+", made.stdout + made.stderr)[0]
        self.make_source()
        [link] = self.backup("--recipient", recipient)["snapshot"]["chain"]
        sealed, plain = self.fetched(link["key"], "sealed"), str(self.repos / "plain.bundle")
        subprocess.run(["age", "--decrypt", "-i", str(key), "-o", plain, sealed], check=True)
        self.init("by-age")
        self.git("by-age", "fetch", "-q", "--no-tags", plain, "+refs/*:refs/*")
        self.assert_restored("by-age", self.moments[1])
        self.assert_restores(1, "--identity", str(key))

    def test_a_zip_unzips_to_a_repository_that_works(self):
        self.make_source()
        [link] = self.backup("--format", "zip")["snapshot"]["chain"]
        place = self.repos / "unzipped"
        subprocess.run(["unzip", "-q", self.fetched(link["key"], "web.zip"), "-d", str(place)], check=True)
        shutil.move(str(place / "web.git"), self.path("unzipped"))
        self.assert_restored("unzipped", self.moments[1])
        self.assert_restores(1)


class Damage(S3Backups):
    """Somebody else writes to the bucket."""

    def setUp(self):
        super().setUp()
        self.make_source()
        self.backup()
        self.commit("source", "main")
        self.backup()

    def assert_found_and_healed(self, broken, restorable):
        self.assertIn(broken, self.verify(status=DAMAGED).said)
        for number in (1, 2):
            if number in restorable:
                self.assert_restores(number)
            else:
                self.restore(self.path("refused"), "--at", str(number), status=FAILED)
                self.assertFalse(os.path.exists(self.path("refused")))
        self.commit("source", "main")
        chain = self.backup()["snapshot"]["chain"]
        self.assertEqual([link["full"] for link in chain], [True])
        self.assert_restores(3)

    def test_a_missing_object(self):
        first, _ = self.data()
        self.server.ask("DELETE", self.bucket, self.prefix + first)
        self.assert_found_and_healed(first, restorable=[])

    def test_an_overwritten_object(self):
        _, second = self.data()
        self.server.put(self.bucket, self.prefix + second, b"somebody else's")
        self.assert_found_and_healed(second, restorable=[1])

    def test_a_changed_byte_is_found_though_the_length_is_right(self):
        first, second = self.data()
        content = bytearray(self.content(second))
        content[len(content) // 2] ^= 0x01
        self.server.put(self.bucket, self.prefix + second, bytes(content))
        self.assertIn(second, self.verify(status=DAMAGED).said)
        self.restore(self.path("refused"), status=FAILED)
        self.assert_restores(1)
        self.backup("--full", "--record-unchanged")
        self.assert_restores(3)


class Access(S3Backups):
    def back_up_in_vain(self, *words, store=None, **environment):
        self.init("source")
        self.commit("source", "main")
        run = self.packferry(
            "backup", self.source(), "--to", store or self.store, "--name", "web", "--verbose", *words, **environment
        )
        self.assertEqual(run.status, FAILED, run.said)
        return run.said

    def test_a_wrong_secret_is_denied_and_never_shown(self):
        canary = "c4n4ry/s3cr3t+" + "0" * 26
        said = self.back_up_in_vain(AWS_SECRET_ACCESS_KEY=canary)
        self.assertIn("check the secret access key", said)
        self.assertNotIn("c4n4ry", said)

    def test_an_unknown_access_key(self):
        said = self.back_up_in_vain(AWS_ACCESS_KEY_ID="NOBODY00000000000001")
        self.assertIn("check AWS_ACCESS_KEY_ID, or the profile", said)

    def test_a_bucket_that_is_not_there(self):
        self.assertIn("create the bucket", self.back_up_in_vain(store="s3://no-such-bucket/x"))

    def test_a_server_that_is_gone_is_given_up(self):
        said = self.back_up_in_vain("--stall-timeout", "2", AWS_ENDPOINT_URL=free_endpoint())
        self.assertIn("refused", said)

    def test_a_profile_says_who_and_where(self):
        wire = Wire(self.server.endpoint)
        self.addCleanup(wire.close)
        keys = self.server.keys
        credentials, config = self.repos / "credentials", self.repos / "config"
        credentials.write_text(
            f"[ferry]\naws_access_key_id = {keys.access}\naws_secret_access_key = {keys.secret}\n"
            "[default]\naws_access_key_id = WRONG\naws_secret_access_key = wrong\n"
        )
        config.write_text(
            f"[profile ferry]\nregion = eu-west-1\nendpoint_url = {wire.endpoint}\ns3 =\n  addressing_style = path\n"
        )
        ours = dict(self.environment)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"):
            del ours[name]
        files = {"AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_CONFIG_FILE": str(config)}
        self.environment = {**ours, **files, "AWS_PROFILE": "ferry"}
        self.make_source()
        self.backup()
        self.assert_all_restore()
        self.assertIn(b"/eu-west-1/s3/aws4_request", wire.asked)
        self.assertNotIn(b"/us-east-1/s3/aws4_request", wire.asked)

    def test_wishes_go_along_with_what_is_written(self):
        wire = Wire(self.server.endpoint)
        self.addCleanup(wire.close)
        wishes = ("--expected-bucket-owner", "111122223333", "--storage-class", "STANDARD")
        self.make_source()
        self.backup(*wishes, AWS_ENDPOINT_URL=wire.endpoint)
        asked = wire.asked.lower()
        self.assertIn(b"x-amz-expected-bucket-owner: 111122223333\r\n", asked)
        self.assertIn(b"x-amz-storage-class: standard\r\n", asked)
        self.assert_all_restore()

    def test_a_storage_class_that_the_server_does_not_have(self):
        self.assertIn("HTTP 400 Invalid", self.back_up_in_vain("--storage-class", "GLACIER"))


class PutOnly(S3Backups):
    """Another account may put into our bucket, and nothing else."""

    def setUp(self):
        super().setUp()
        self.use_bucket("put-only")
        self.server.ask("PUT", self.bucket)
        self.writer = self.named(self.server.add_user("carol"))
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": ["arn:aws:iam:::user/carol"]},
                    "Action": ["s3:PutObject", "s3:PutObjectAcl"],
                    "Resource": [f"arn:aws:s3:::{self.bucket}/*"],
                }
            ],
        }
        self.server.ask("PUT", self.bucket, query={"policy": ""}, body=json.dumps(policy).encode())

    def test_its_backups_are_the_owners_to_restore(self):
        record = str(self.repos / "record")

        def put():
            return self.backup("--put-only", record, "--bucket-owner-full-control", **self.writer)["snapshot"]

        self.make_source()
        self.commit("source", "large", content_bytes=PART_BYTES + 1_000_000)
        self.assertEqual(len(put()["chain"]), 1)
        before = self.objects()
        self.assertIsNone(put())
        self.assertEqual(self.objects(), before)
        self.commit("source", "main")
        second = put()
        self.assertEqual(([link["full"] for link in second["chain"]], second["read_back"]), ([True, False], False))

        self.assertIn("s3:ListBucket", self.packferry("snapshots", self.store, **self.writer).said)
        self.restore_as_writer_fails()
        self.assert_all_restore()
        self.verify("--level", "drill")

    def restore_as_writer_fails(self):
        run = self.packferry("restore", self.store, self.repository, self.path("stolen"), **self.writer)
        self.assertEqual(run.status, FAILED)
        self.assertFalse(os.path.exists(self.path("stolen")))


class Kept(S3Backups):
    """Buckets that do not let go."""

    def make_three_and_retire(self, *words):
        self.make_source()
        for _ in range(3):
            self.commit("source", "main")
            self.backup("--full", *words)
        self.assertEqual(self.prune("--grace", "0h")["retired"], [1, 2])

    def test_object_lock_keeps_every_version(self):
        self.use_bucket("locked")
        self.server.ask("PUT", self.bucket, headers={"x-amz-bucket-object-lock-enabled": "true"})
        self.make_three_and_retire("--object-lock", "GOVERNANCE=1")
        first = self.prefix + self.data()[0]
        lock = self.server.ask("HEAD", self.bucket, first).headers
        self.assertEqual(lock["x-amz-object-lock-mode"], "GOVERNANCE")
        version = lock["x-amz-version-id"]
        content = self.server.get(self.bucket, first)

        # What goes is hidden, and nobody can take the version away.
        self.assertEqual(self.prune_until_removed()["removed"], [1, 2])
        self.assertNotIn(first, self.server.keys_below(self.bucket, self.prefix))
        self.server.ask("DELETE", self.bucket, first, query={"versionId": version}, expect=(403,))
        self.assertEqual(self.server.ask("GET", self.bucket, first, query={"versionId": version}).body, content)
        self.assert_restores(3)
        self.verify()

    def test_what_a_policy_keeps_is_told_and_the_rest_goes(self):
        self.use_bucket("kept")
        self.server.ask("PUT", self.bucket)
        self.make_three_and_retire()
        first, second, _ = self.data()
        deny = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:DeleteObject",
                    "Resource": f"arn:aws:s3:::{self.bucket}/{self.prefix}{first}",
                }
            ],
        }
        self.server.ask("PUT", self.bucket, query={"policy": ""}, body=json.dumps(deny).encode())
        pruning = self.prune_until_removed(status=PARTIAL)
        self.assertEqual([each["key"] for each in pruning["still_there"]], [first])
        self.assertEqual((pruning["removed"], pruning["removed_objects"]), ([2], [second]))
        self.assertIn("s3:DeleteObject", pruning["still_there"][0]["why"])
        self.assert_restores(3)
        self.server.ask("DELETE", self.bucket, query={"policy": ""})
        self.assertEqual(self.prune("--grace", "0h")["removed"], [1])


class Killed(S3Backups):
    def test_in_the_middle_of_an_upload(self):
        self.init("source")
        self.commit("source", "main")
        self.backup()
        self.commit("source", "large", content_bytes=3 * PART_BYTES)
        wire = Wire(self.server.endpoint, cut_at=b"partNumber=2&")
        self.addCleanup(wire.close)
        program = subprocess.Popen(
            [PACKFERRY, "backup", self.source(), "--to", self.store, "--name", self.repository],
            env={**self.environment, "AWS_ENDPOINT_URL": wire.endpoint},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            self.assertTrue(wire.is_cut.wait(timeout=60))
        finally:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
        self.assertEqual(len(self.server.uploads(self.bucket)), 1)

        self.assert_restores(1)
        self.assertEqual(self.backup()["snapshot"]["number"], 2)
        self.verify()
        # In its grace time it could be somebody's who is still at work.
        self.assertEqual(self.prune()["swept_uploads"], 0)
        self.assertEqual(self.prune("--grace", "0h")["swept_uploads"], 1)
        self.assertEqual(self.server.uploads(self.bucket), [])
        self.assert_restores(2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
