"""Backups into the bucket of another account, under the policies that packferry prints, applied as they are.

Accounts are radosgw's tenants, and the two share one, because a bucket of another tenant needs an address that AWS does not
have. A user there has no rights but those that a policy gives, so what is shown of the policy is what it does on AWS.
"""

import json
import os
import unittest

from s3 import Server
from sandbox import DONE, FAILED, PARTIAL
from vault import Backups

ACCOUNT = "111122223333"
PREFIX = f"projects/codecommit-backup/{ACCOUNT}"
OTHER = "projects/codecommit-backup/999988887777"
USER = f"arn:aws:iam::{ACCOUNT}:user/"

SERVER, KEYS = None, {}


def setUpModule():
    global SERVER  # it takes seconds to start
    SERVER = Server(has_roles=True)
    unittest.addModuleCleanup(SERVER.stop)
    for name in ("owner", "source", "third"):
        KEYS[name] = SERVER.add_user(name, ACCOUNT)


class CrossAccount(Backups):
    """Each test has a bucket of the owner's, with the printed policy: the source's user may write there."""

    writer = USER + "source"
    policy_words = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.environment.update({"AWS_ENDPOINT_URL": SERVER.endpoint, "AWS_REGION": "us-east-1"})
        cls.environment.update({"AWS_EC2_METADATA_DISABLED": "true", **KEYS["source"].environment()})

    def setUp(self):
        super().setUp()
        self.bucket = self._testMethodName.replace("_", "-")[:60].rstrip("-")
        self.store = f"s3://{self.bucket}/{PREFIX}"
        self.as_owner("PUT")
        self.policy = self.printed("bucket-policy", "--writer", self.writer, *self.policy_words)
        self.apply(self.policy)
        self.make_source()

    def printed(self, document, *words):
        run = self.packferry("setup", document, "--bucket", self.bucket, "--prefix", PREFIX, *words)
        self.assertEqual(run.status, DONE, run.said)
        return json.loads(run.stdout)

    def apply(self, policy):
        self.as_owner("PUT", query={"policy": ""}, body=json.dumps(policy).encode())

    def as_owner(self, method, key="", **words):
        return SERVER.ask(method, self.bucket, key, keys=KEYS["owner"], **words)

    def refused(self, who, method, key="", **words):
        SERVER.ask(method, self.bucket, key, keys=KEYS[who], expect=(403,), **words)

    def keys(self):
        return self.as_owner("GET", query={"list-type": "2"}).texts("Key")


class Writer(CrossAccount):
    def test_backs_up_and_reads_back_what_it_wrote(self):
        self.backup()
        self.commit("source", "main")
        self.backup()
        self.assertTrue(all(key.startswith(PREFIX + "/") for key in self.keys()))
        self.verify("--level", "drill")
        self.assert_all_restore()

    def test_gives_the_owner_what_the_owner_may_read(self):
        self.backup("--bucket-owner-full-control")
        self.environment = {**self.environment, **KEYS["owner"].environment()}
        self.assert_all_restore()

    def test_writes_nowhere_else(self):
        self.refused("source", "PUT", f"{OTHER}/x", body=b"x")
        self.refused("source", "PUT", "x", body=b"x")
        self.refused("source", "PUT", PREFIX, body=b"x")
        self.store = f"s3://{self.bucket}/{OTHER}"
        run = self.packferry("backup", self.source(), "--to", self.store, "--name", "web")
        self.assertEqual(run.status, FAILED)
        self.assertIn("s3:ListBucket", run.said)
        self.assertEqual(self.keys(), [])

    def test_neither_lists_nor_reads_what_is_anothers(self):
        self.as_owner("PUT", f"{OTHER}/secret", body=b"x")
        self.refused("source", "GET", f"{OTHER}/secret")
        self.refused("source", "HEAD", f"{OTHER}/secret")
        for query in ({"prefix": f"{OTHER}/"}, {"prefix": ""}, {}, {"prefix": PREFIX.rpartition("/")[0]}):
            self.refused("source", "GET", query={"list-type": "2", **query})
        for query in ("policy", "uploads", "acl", "versioning", "lifecycle"):
            self.refused("source", "GET", query={query: ""})

    def test_cannot_delete_and_cannot_help_itself(self):
        for _ in range(2):
            self.commit("source", "main")
            self.backup("--full")
        before = self.keys()
        for key in before:
            self.refused("source", "DELETE", key)
        everything = "".join(f"<Object><Key>{key}</Key></Object>" for key in before)
        # What would delete several answers for the whole, or for each.
        several = f"<Delete>{everything}</Delete>".encode()
        SERVER.ask("POST", self.bucket, query={"delete": ""}, body=several, keys=KEYS["source"], expect=(200, 403))
        self.refused("source", "PUT", query={"policy": ""}, body=b"{}")
        self.refused("source", "DELETE", query={"policy": ""})
        self.refused("source", "DELETE")
        self.assertEqual(self.keys(), before)

        words = ("prune", self.store, self.repository, "--keep-last", "1", "--grace", "0h")
        self.assertEqual(self.packferry(*words).status, PARTIAL)  # it may not look for dead uploads
        run = self.packferry(*words)
        self.assertEqual(run.status, PARTIAL)
        self.assertIn("s3:DeleteObject", run.said)
        self.assertLessEqual(set(before), set(self.keys()))
        self.assert_all_restore()

    def test_does_not_replace_what_is_there(self):
        self.backup()
        [data] = self.data()
        content = self.content(data)
        SERVER.ask("PUT", self.bucket, f"{PREFIX}/{data}", headers={"if-none-match": "*"}, body=b"x",
                   keys=KEYS["source"], expect=(412,))  # fmt: skip
        self.assertEqual(self.content(data), content)

    def content(self, key):
        return SERVER.ask("GET", self.bucket, f"{PREFIX}/{key}", keys=KEYS["source"]).body

    def data(self):
        return [each["chain"][-1]["key"] for each in self.snapshots()]


class Role(CrossAccount):
    """The writer is a role, and its rights are those of the bucket's policy and of its own."""

    writer = f"arn:aws:iam::{ACCOUNT}:role/packferry-backup-build"

    def setUp(self):
        super().setUp()
        trust = {"Effect": "Allow", "Principal": {"AWS": [USER + "source"]}, "Action": ["sts:AssumeRole"]}
        may = self.printed("codebuild-policy", "--account", ACCOUNT, "--region", "eu-central-1")
        SERVER.add_role(ACCOUNT, "packferry-backup-build", {"Version": "2012-10-17", "Statement": [trust]}, may)
        self.addCleanup(SERVER.remove_role, ACCOUNT, "packferry-backup-build")

    def test_a_role_is_taken_for_the_store(self):
        self.packferry("backup", self.source(), "--to", self.store, "--name", self.repository)
        self.assertEqual(self.keys(), [])
        self.backup("--store-role", self.writer)
        self.commit("source", "main")
        self.backup("--store-role", self.writer)
        run = self.packferry("verify", self.store, "--level", "drill", "--store-role", self.writer)
        self.assertEqual(run.status, DONE, run.said)

    def test_a_third_user_does_not_get_the_role(self):
        run = self.packferry("backup", self.source(), "--to", self.store, "--name", "web", "--store-role", self.writer,
                             **KEYS["third"].environment())  # fmt: skip
        self.assertEqual(run.status, FAILED)
        self.assertIn(f"assume {self.writer}: HTTP 403", run.said)


class Doctor(CrossAccount):
    def examined(self, status, **environment):
        """[(verdict, what)], each as packferry doctor has found out by doing it."""
        run = self.packferry("doctor", "--store", self.store, "--json", **environment)
        self.assertEqual(run.status, status, run.said)
        [examination] = json.loads(run.stdout)["examinations"]
        return [(each["verdict"], each["what"]) for each in examination["observations"]]

    def test_it_tells_who_can_do_what(self):
        writer = self.examined(DONE)
        self.assertIn(("ok", "adds an object"), writer)
        self.assertIn(("ok", "cannot delete it"), writer)
        owner = self.examined(FAILED, **KEYS["owner"].environment())
        self.assertIn(("finding", "can delete"), owner)
        self.assertEqual(self.examined(FAILED, **KEYS["third"].environment()), [("cannot", "add an object")])


class Third(CrossAccount):
    def test_a_third_user_can_do_nothing(self):
        self.backup()
        key = self.keys()[0]
        for method in ("GET", "HEAD", "DELETE", "PUT"):
            self.refused("third", method, key)
        self.refused("third", "GET", query={"list-type": "2", "prefix": f"{PREFIX}/"})
        self.refused("third", "PUT", f"{PREFIX}/x", body=b"x")
        third = KEYS["third"].environment()
        for words in (["snapshots", self.store], ["restore", self.store, self.repository, self.path("stolen")]):
            self.assertEqual(self.packferry(*words, **third).status, FAILED)
        self.assertFalse(os.path.exists(self.path("stolen")))


class PutOnly(CrossAccount):
    policy_words = ("--put-only",)

    def test_a_writer_that_may_neither_list_nor_read(self):
        record = str(self.repos / "record")
        self.backup("--put-only", record)
        # It may still read what it wrote: on radosgw that is its own. In a bucket of AWS it is the owner's.
        self.refused("source", "GET", query={"list-type": "2", "prefix": f"{PREFIX}/"})
        self.refused("source", "DELETE", self.keys()[0])
        self.commit("source", "main")
        second = self.backup("--put-only", record)["snapshot"]
        self.assertEqual([link["full"] for link in second["chain"]], [True, False])


class Tls(CrossAccount):
    """radosgw knows aws:SecureTransport only when it is true: what comes over http is not refused there, and so the
    statement is shown to bite the other way round."""

    def test_over_tls_it_is_as_without(self):
        self.environment = {**self.environment, "AWS_ENDPOINT_URL": SERVER.tls_endpoint}
        self.backup("--ca-file", SERVER.ca_file)
        self.packferry("verify", self.store, "--ca-file", SERVER.ca_file)

    def test_the_statement_about_tls_is_one_that_the_server_acts_on(self):
        [tls] = [each for each in self.policy["Statement"] if "aws:SecureTransport" in str(each)]
        self.assertEqual((tls["Effect"], tls["Principal"], tls["Action"]), ("Deny", "*", "s3:*"))
        tls["Condition"]["Bool"]["aws:SecureTransport"] = "true"
        self.apply(self.policy)
        words = ("backup", self.source(), "--to", self.store, "--name", "web", "--ca-file", SERVER.ca_file)
        self.assertEqual(self.packferry(*words).status, DONE)
        run = self.packferry(*words, AWS_ENDPOINT_URL=SERVER.tls_endpoint)
        self.assertEqual(run.status, FAILED)
        self.assertIn("403", run.said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
