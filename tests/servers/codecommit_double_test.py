"""The double of CodeCommit takes what is right and nothing else, as stock git and AWS's own library see it."""

import base64
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

import aws_identities
import codecommit_git
import iam_policy
from codecommit_double import Double

# That of Debian's awscli, whichever Python this is.
sys.path.insert(0, "/usr/lib/python3/dist-packages")
import awscli.botocore  # it makes itself known as botocore
from botocore import config, exceptions, session

ACCOUNT, REGION, OTHER = "111122223333", "eu-central-1", "us-gov-west-1"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEXAMPLE/token+with=chars%/"
NEVER = "0" * 40


class Vectors(unittest.TestCase):
    """Made with the reference tools."""

    def test_passwords(self):
        standard = "git-codecommit.{}.amazonaws.com"
        cases = [
            ("secret", "20171224T115320", "us-west-2", standard, "test_repo",
             "b6df2d758a8023b2f000a546417007b65494f3ce8ad0300fd45fcfa173f1959a"),
            (SECRET, "20260102T030405", "us-east-1", standard, "MyDemoRepo",
             "a65e1c7316c46466c73a462eb9fd7d4d94742a4d4f77bb5d51ac08f2531191a5"),
            (SECRET, "20261231T235959", "cn-north-1", standard + ".cn", "team.tools_repo-1",
             "032ad8416eac55dd1c967294ae4c2c8e1bdde094effca0361eacf6d1ad1b2f11"),
            (SECRET, "20260102T030405", "us-gov-west-1", "git-codecommit-fips.{}.amazonaws.com", "MyDemoRepo",
             "cada06f46aa9dfde295437b6eee8aad394adfc83aadd9a96a0496fc86e786f90"),
        ]  # fmt: skip
        for secret, time_text, region, host, name, right in cases:
            made = aws_identities.git_password(secret, time_text, region, host.format(region), f"/v1/repos/{name}")
            self.assertEqual(made, f"{time_text}Z{right}")

    def test_signature_version_4(self):
        canonical = (
            "POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:codecommit.us-east-1.amazonaws.com\n"
            "x-amz-date:20260102T030405Z\nx-amz-target:CodeCommit_20150413.ListRepositories\n\n"
            "content-type;host;x-amz-date;x-amz-target\n"
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        )
        made = aws_identities.signature(SECRET, "20260102T030405Z", "us-east-1", "codecommit", canonical)
        self.assertEqual(made, "5761923b581a05dd9dd15daf5d80f9bdc1646789e31e05e70a214876a4deb603")


class Policies(unittest.TestCase):
    def test_one_allows_and_none_denies(self):
        pull = {"Effect": "Allow", "Action": ["codecommit:GitPull"], "Resource": "arn:aws:codecommit:*:1:web*"}
        arn = "arn:aws:codecommit:eu-central-1:1:web-1"
        deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"k": ["a", "b"]}}}
        cases = [
            ([pull], "codecommit:gitpull", arn, {}, True),
            ([pull], "codecommit:GitPush", arn, {}, False),
            ([pull], "codecommit:GitPull", arn.replace("web", "app"), {}, False),
            ([pull, deny], "codecommit:GitPull", arn, {"k": "a"}, False),
            ([pull, deny], "codecommit:GitPull", arn, {"k": "c"}, True),
            ([pull, deny], "codecommit:GitPull", arn, {}, True),
        ]
        for statements, action, resource, context, right in cases:
            with self.subTest(action=action, resource=resource, context=context):
                self.assertEqual(iam_policy.allows([{"Statement": statements}], action, resource, context), right)

    def test_what_is_not_understood_is_an_error(self):
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {"k": "1"}}}
        with self.assertRaises(ValueError):
            iam_policy.allows([{"Statement": statement}], "a:B", "r", {"k": "0"})


class WithDouble(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="packferry-double-"))
        self.addCleanup(shutil.rmtree, self.directory)
        (self.directory / "home").mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory / "home"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.fsync",
            "GIT_CONFIG_VALUE_0": "none",
            "LC_ALL": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole",
                 "Condition": {"StringEquals": {"sts:ExternalId": "shared"}}}  # fmt: skip
        web = {"Effect": "Allow", "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/ci.example"},
               "Action": "sts:AssumeRoleWithWebIdentity",
               "Condition": {"StringEquals": {"ci.example:aud": "https://ci.example", "ci.example:sub": "project:web"}}}  # fmt: skip
        pull = {"Effect": "Allow", "Action": "codecommit:GitPull", "Resource": "*"}
        self.configuration = {
            "page": 2,
            "accounts": {
                ACCOUNT: {
                    "regions": {REGION: str(self.directory / REGION), OTHER: str(self.directory / OTHER)},
                    "keys": [
                        {"id": "AKIAADA", "secret": SECRET},
                        {"id": "ASIAADA", "secret": SECRET, "token": TOKEN},
                        {"id": "AKIAPULL", "secret": SECRET, "policies": [{"Statement": [pull]}]},
                    ],
                    "roles": {
                        "reader": {"trust": {"Statement": trust}, "policies": [{"Statement": [pull]}]},
                        "ci": {"trust": {"Statement": [web]}, "policies": [{"Statement": [pull]}]},
                    },
                }
            },
            "identity_providers": {"ci.example": {"secret": "k", "audiences": ["https://ci.example"]}},
        }
        self.double = Double(self.configuration)
        self.enterContext(self.double)

    def git(self, *words, fails=False):
        run = subprocess.run(["git", *words], env=self.environment, capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode != 0, fails, f"git {words}\n{run.stderr}")
        return run.stderr if fails else run.stdout

    def make(self, name, region=REGION, commits=3):
        path = self.directory / region / f"{name}.git"
        self.git("init", "-q", "--bare", "--initial-branch=main", str(path))
        if not commits:
            return path
        stream = []
        for number in range(commits):
            content = "".join(f"line {n}\n" for n in range(2000)) + f"commit {number}\n"
            stream += ["commit refs/heads/main", "committer Ada <ada@example.org> 1700000000 +0000", "data 1", "x"]
            stream += [f"M 100644 inline content\ndata {len(content)}\n{content}"]
        run = ["git", "-C", str(path), "fast-import", "--quiet"]
        subprocess.run(run, env=self.environment, input="\n".join(stream) + "\n", text=True, check=True)
        return path

    def url(self, name, key="AKIAADA", age=0, region=REGION, secret=SECRET, token=None, host="127.0.0.1"):
        made = time.strftime("%Y%m%dT%H%M%S", time.gmtime(self.double.clock.now() - age))
        password = aws_identities.git_password(secret, made, region, host, f"/v1/repos/{name}")
        user = urllib.parse.quote(f"{key}%{token}" if token else key, safe="")
        return self.double.url.replace("://", f"://{user}:{password}@") + f"/v1/repos/{name}"

    def ask(self, name, method, operation, body=None):
        """A request with the right password, by hand."""
        url = urllib.parse.urlsplit(self.url(name))
        user = f"{urllib.parse.unquote(url.username)}:{url.password}"
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        self.addCleanup(connection.close)
        headers = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()}
        if body:
            headers["Content-Type"] = f"application/x{operation.replace('/', '-')}-request"
        connection.request(method, url.path + operation, body, headers)
        return connection.getresponse()


class Door(WithDouble):
    def setUp(self):
        super().setUp()
        self.make("web")

    def statuses(self):
        """Of all but git's first question, which it asks without a password."""
        return [each["status"] for each in self.double.log if each["status"] != 401]

    def test_the_right_password_opens(self):
        for words in ({}, {"key": "ASIAADA", "token": TOKEN}, {"age": 899}):
            self.assertIn("refs/heads/main", self.git("ls-remote", self.url("web", **words)))

    def test_the_region_that_was_signed_for_is_the_region_that_is_asked(self):
        self.make("gov", region=OTHER)
        self.assertIn("main", self.git("ls-remote", self.url("gov", region=OTHER)))
        self.git("ls-remote", self.url("gov"), fails=True)
        self.assertEqual(self.statuses()[-1], 404)

    def test_wrong_ones_are_403(self):
        wrong = [
            {"secret": "another"}, {"age": 900}, {"age": -2}, {"key": "AKIANOBODY"}, {"region": "eu-west-1"},
            {"host": "localhost"}, {"token": TOKEN}, {"key": "ASIAADA"}, {"key": "ASIAADA", "token": TOKEN + "x"},
        ]  # fmt: skip
        for words in wrong:
            with self.subTest(**words):
                self.git("ls-remote", self.url("web", **words), fails=True)
                self.assertEqual(self.statuses()[-1], 403)
        other_path = self.url("web").replace("/v1/repos/web", "/v1/repos/app")
        self.assertIn("403", self.git("ls-remote", other_path, fails=True))

    def test_none_is_401(self):
        self.git("ls-remote", f"{self.double.url}/v1/repos/web", fails=True)
        self.assertEqual([each["status"] for each in self.double.log], [401])

    def test_names_that_are_not_quite_its_name_are_404(self):
        for name in ("web.git", "nothing", "a/b"):
            self.git("ls-remote", self.url(name), fails=True)
            self.assertEqual(self.statuses()[-1], 404)
        # Git takes the slash away itself before it asks; the password was made with it.
        self.git("ls-remote", self.url("web/"), fails=True)
        self.assertEqual(self.statuses()[-1], 403)
        self.assertEqual(self.ask("web/", "GET", "/info/refs?service=git-upload-pack").status, 404)

    def test_time_passes_on_its_own_clock(self):
        url = self.url("web")
        self.double.clock.offset_seconds = 901
        self.assertIn("403", self.git("ls-remote", url, fails=True))

    def test_policies_hold(self):
        self.git("clone", "-q", self.url("web", key="AKIAPULL"), str(self.directory / "clone"))
        push = ("-C", str(self.directory / "clone"), "push", self.url("web", key="AKIAPULL"), "HEAD:refs/heads/x")
        self.assertIn("403", self.git(*push, fails=True))

    def test_too_much_is_429(self):
        self.double.throttle(ACCOUNT, REGION, 1)
        self.assertIn("429", self.git("ls-remote", self.url("web"), fails=True))
        self.git("ls-remote", self.url("web"))
        self.double.limit(ACCOUNT, REGION, 1)
        self.git("ls-remote", self.url("web"))
        self.git("ls-remote", self.url("web"), fails=True)
        self.assertEqual(self.statuses(), [429, 200, 200, 429])

    def test_over_tls(self):
        pem = self.directory / "pem"
        made = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ]
        made += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(pem)]
        subprocess.run([*made, "-out", str(self.directory / "crt")], check=True, capture_output=True)
        pem.write_text(pem.read_text() + (self.directory / "crt").read_text())
        plain, self.double = self.double, Double(self.configuration, certificate=str(pem))
        with self.double:
            trust = f"http.sslCAInfo={self.directory / 'crt'}"
            self.assertIn("main", self.git("-c", trust, "ls-remote", self.url("web")))
        self.double = plain


class Git(WithDouble):
    def test_it_offers_what_codecommit_offers(self):
        self.make("web")
        self.environment["GIT_TRACE_PACKET"] = "1"
        run = ["git", "-c", "protocol.version=2", "ls-remote", "--symref", self.url("web")]
        traced = subprocess.run(run, env=self.environment, capture_output=True, text=True, check=True)
        offers = [line.split("\\0", 1)[1].split() for line in traced.stderr.splitlines() if "\\0" in line]
        self.assertEqual([set(each) for each in offers], [set(codecommit_git.UPLOAD_OFFERS)])
        self.assertNotIn("ref: refs/heads/main", traced.stdout)
        self.assertNotIn("version 2", traced.stderr)

    def test_clones_pushes_and_fetches(self):
        self.make("web", commits=30)
        bare = self.make("copy", commits=0)
        clone = str(self.directory / "clone")
        self.git("clone", "-q", self.url("web"), clone)
        self.git(
            "-C", clone, "push", "-q", self.url("copy"), "origin/main:refs/heads/trunk", "origin/main:refs/heads/x"
        )
        self.git("-C", str(bare), "fsck", "--strict")
        self.assertEqual((bare / "HEAD").read_text(), "ref: refs/heads/trunk\n")
        self.git("-C", clone, "push", "-q", self.url("copy"), ":refs/heads/x")
        self.git("-C", clone, "push", self.url("copy"), ":refs/heads/trunk", fails=True)
        self.git("-C", clone, "fetch", "-q", self.url("copy"), "trunk")

    def test_an_atomic_push_is_not_to_be_had(self):
        bare = str(self.make("web"))
        said = self.git("-C", bare, "push", "--atomic", self.url("web"), "main:refs/heads/x", fails=True)
        self.assertIn("does not support --atomic", said)

    def push_by_hand(self, name, pack, updates, capabilities="report-status"):
        """What git push cannot be brought to say. It takes ten seconds for 4,000 refs, too."""
        commands = [f"{NEVER} {new} {ref}".encode() for ref, new in updates.items()]
        commands[0] += f"\0 {capabilities}".encode()
        body = b"".join(codecommit_git.packet(command) for command in [*commands, None]) + pack
        return self.ask(name, "POST", "/git-receive-pack", body).read().decode()

    def test_no_more_than_4000_updates_in_a_push(self):
        bare = str(self.make("web"))
        tip = self.git("-C", bare, "rev-parse", "main").strip()
        nothing = b"PACK" + bytes([0, 0, 0, 2, 0, 0, 0, 0])
        nothing += hashlib.sha1(nothing).digest()
        updates = {f"refs/tags/t{number}": tip for number in range(4001)}
        said = self.push_by_hand("web", nothing, updates)
        self.assertIn("unpack Too many reference update commands", said)
        self.assertEqual(self.git("-C", bare, "tag"), "")
        del updates["refs/tags/t0"]
        self.assertIn("unpack ok", self.push_by_hand("web", nothing, updates))
        self.assertEqual(len(self.git("-C", bare, "tag").split()), 4000)

    def test_offset_deltas_are_refused(self):
        bare, _ = str(self.make("web", commits=10)), self.make("copy", commits=0)
        tip = self.git("-C", bare, "rev-parse", "main").strip()

        def pack(*words):
            run = ["git", "-C", bare, "pack-objects", "--revs", "--stdout", "-q", *words]
            return subprocess.run(run, input=b"main\n", capture_output=True, check=True).stdout

        self.assertIn(codecommit_git.OFS_DELTA, codecommit_git.types_in(pack("--delta-base-offset")))
        self.assertIn(codecommit_git.REF_DELTA, codecommit_git.types_in(pack()))
        update = {"refs/heads/by-hand": tip}
        said = self.push_by_hand("copy", pack("--delta-base-offset"), update)
        self.assertIn("unpack protocol error (offset deltas are not supported)", said)
        self.assertIn("not offered: atomic", self.push_by_hand("copy", pack(), update, "report-status atomic"))
        self.assertIn("unpack ok", self.push_by_hand("copy", pack(), update))

    def test_faults(self):
        faults = [("denied", "403"), ("failing", "500"), ("cut", "early EOF"), ("corrupt", "")]
        for fault, words in faults:
            with self.subTest(fault=fault):
                self.make(fault, commits=30)
                self.double.faults[ACCOUNT, REGION, fault] = {fault: True}
                self.assertIn(words, self.git("clone", self.url(fault), str(self.directory / "c"), fails=True))
        self.make("busy")
        self.double.faults[ACCOUNT, REGION, "busy"] = {"throttled": 2}
        self.git("ls-remote", self.url("busy"), fails=True)
        self.git("ls-remote", self.url("busy"), fails=True)
        self.git("ls-remote", self.url("busy"))

    def test_it_says_what_it_was_asked(self):
        self.make("web")
        self.git("clone", "-q", self.url("web"), str(self.directory / "clone"))
        told = {name: value for name, value in self.double.log[-1].items() if name != "key"}
        right = {"kind": "git", "account": ACCOUNT, "region": REGION, "repository": "web"}
        self.assertEqual(told, {**right, "operation": "git-upload-pack", "status": 200})
        self.assertEqual(len(self.double.requests(operation="git-upload-pack refs", repository="web", status=200)), 1)


class Api(WithDouble):
    library = session.Session()

    def client(self, service="codecommit", key="AKIAADA", secret=SECRET, token=None, region=REGION):
        once = config.Config(retries={"max_attempts": 1})
        return self.library.create_client(
            service, region, endpoint_url=self.double.url, config=once,
            aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
        )  # fmt: skip

    def refused(self, code):
        return self.assertRaisesRegex(exceptions.ClientError, code)

    def test_lists_page_by_page(self):
        for name in ("e", "d", "c", "b", "a"):
            self.make(name, commits=0)
        pages = list(self.client().get_paginator("list_repositories").paginate())
        names = [each["repositoryName"] for page in pages for each in page["repositories"]]
        self.assertEqual((names, len(pages)), (list("abcde"), 3))
        self.assertEqual(self.client(region=OTHER).list_repositories()["repositories"], [])
        with self.refused("InvalidContinuationToken"):
            self.client(region=OTHER).list_repositories(nextToken=pages[0]["nextToken"])

    def test_makes_a_repository_once(self):
        client = self.client(key="ASIAADA", token=TOKEN)
        wanted = {"repositoryName": "web", "repositoryDescription": "ours", "tags": {"team": "ferry"}}
        made = client.create_repository(**wanted)["repositoryMetadata"]
        self.assertEqual((made["accountId"], made["repositoryDescription"]), (ACCOUNT, "ours"))
        self.assertNotIn("defaultBranch", made)
        with self.refused("RepositoryNameExistsException"):
            client.create_repository(**wanted)
        with self.refused("InvalidRepositoryNameException"):
            client.create_repository(repositoryName="web.git")
        with self.refused("AccessDeniedException"):
            self.client(key="AKIAPULL").create_repository(repositoryName="app")
        client.tag_resource(resourceArn=made["Arn"], tags={"more": "x"})
        tags = client.list_tags_for_resource(resourceArn=made["Arn"])["tags"]
        self.assertEqual(tags, {"team": "ferry", "more": "x"})

    def test_knows_branches(self):
        bare = self.make("web")
        self.git("-C", str(bare), "branch", "next", "main")
        client = self.client()
        client.update_default_branch(repositoryName="web", defaultBranchName="next")
        with self.refused("BranchDoesNotExistException"):
            client.update_default_branch(repositoryName="web", defaultBranchName="none")
        got = client.batch_get_repositories(repositoryNames=["web", "none"])
        self.assertEqual(got["repositories"][0]["defaultBranch"], "next")
        self.assertEqual(got["repositoriesNotFound"], ["none"])
        self.assertEqual(client.list_branches(repositoryName="web")["branches"], ["main", "next"])
        tip = self.git("-C", str(bare), "rev-parse", "main").strip()
        self.assertEqual(client.get_branch(repositoryName="web", branchName="main")["branch"]["commitId"], tip)

    def test_wrong_signatures_are_refused(self):
        for code, words in (
            ("InvalidSignatureException", {"secret": "wrong"}),
            ("UnrecognizedClientException", {"key": "AKIANOBODY"}),
            ("UnrecognizedClientException", {"token": TOKEN}),
        ):
            with self.subTest(code=code, **words), self.refused(code):
                self.client(**words).list_repositories()
        with self.refused("SignatureDoesNotMatch"):
            self.client("sts", secret="wrong").get_caller_identity()
        for offset, why in ((302, "Signature expired"), (-302, "not yet current")):
            self.double.clock.offset_seconds = offset
            with self.refused(why):
                self.client().list_repositories()
        for offset in (298, -298):
            self.double.clock.offset_seconds = offset
            self.client().list_repositories()

    def test_a_signature_is_good_for_nothing_else(self):
        planted = [
            ("X-Amz-Other", "1"),
            ("X-Amz-Target", "CodeCommit_20150413.ListRepositories"),
            ("Content-Type", "application/x-amz-json-1.0"),
            (None, b'{"repositoryName": "app"}'),  # instead of the body
        ]
        self.make("web")
        for name, value in planted:

            def plant(request, name=name, value=value, **_):
                if name is None:
                    request.body = value
                else:
                    request.headers[name] = value

            client = self.client()
            client.meta.events.register("before-send.codecommit.GetRepository", plant)
            with self.subTest(name=name), self.refused("InvalidSignatureException"):
                client.get_repository(repositoryName="web")

    def test_too_much_is_throttled(self):
        self.double.throttle(ACCOUNT, REGION, 1)
        with self.refused("ThrottlingException"):
            self.client().list_repositories()
        self.client().list_repositories()

    def test_roles_are_taken_by_those_they_trust(self):
        sts = self.client("sts")
        self.assertEqual(sts.get_caller_identity()["Account"], ACCOUNT)
        take = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/reader", "RoleSessionName": "test"}
        for code, words in (
            ("AccessDenied", {}),
            ("AccessDenied", {"ExternalId": "other"}),
            ("AccessDenied", {"ExternalId": "shared", "RoleArn": take["RoleArn"] + "s"}),
            ("ValidationError", {"ExternalId": "shared", "DurationSeconds": 3601}),
        ):
            with self.subTest(**words), self.refused(code):
                sts.assume_role(**{**take, **words})
        given = sts.assume_role(**take, ExternalId="shared")["Credentials"]
        key = {"key": given["AccessKeyId"], "secret": given["SecretAccessKey"], "token": given["SessionToken"]}
        who = self.client("sts", **key).get_caller_identity()
        self.assertEqual(who["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/test")
        self.make("web")
        self.git("ls-remote", self.url("web", **key))
        self.double.clock.offset_seconds = 3601
        self.assertIn("403", self.git("ls-remote", self.url("web", **key), fails=True))
        self.double.clock.offset_seconds = 0
        self.double.identities.expire(given["AccessKeyId"])
        with self.refused("ExpiredToken"):
            self.client("sts", **key).get_caller_identity()

    def test_identity_tokens_are_checked(self):
        right = {
            "iss": "https://ci.example",
            "aud": "https://ci.example",
            "sub": "project:web",
            "exp": time.time() + 60,
        }
        sts = self.client("sts")

        def take(secret="k", **claims):
            token = aws_identities.id_token(secret, {**right, **claims})
            arn = f"arn:aws:iam::{ACCOUNT}:role/ci"
            return sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="job-1", WebIdentityToken=token)

        self.assertEqual(take()["SubjectFromWebIdentityToken"], "project:web")
        for code, words in (
            ("AccessDenied", {"sub": "project:other"}),
            ("InvalidIdentityToken", {"aud": "https://other.example"}),
            ("InvalidIdentityToken", {"secret": "x"}),
            ("InvalidIdentityToken", {"iss": "https://other.example"}),
            ("ExpiredTokenException", {"exp": time.time() - 1}),
        ):
            with self.subTest(**words), self.refused(code):
                take(**words)


if __name__ == "__main__":
    unittest.main(verbosity=2)
