"""From GitLab to CodeCommit and on to a second Git host, with the commands of the CI jobs that packferry prints.

GitLab is a repository over http that a job's token opens, a runner that hands a job its variables and an identity token,
and a token that the double of AWS checks against the printed trust policy.
"""

import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
sys.path.append("/usr/lib/python3/dist-packages")
import yaml
from aws_identities import id_token
from codecommit_double import Double

from sandbox import DONE, PACKFERRY, Replication

ACCOUNT, REGION, ROLE = "111122223333", "eu-central-1", "packferry-gitlab"
ISSUER, PROJECT, JOB_TOKEN = "https://gitlab.example.org", "app/web", "glcbt-64_x"


class GitLab(Replication):
    """A project `web`, its job that pushes to CodeCommit, and one that carries on from there to another host."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(cls.directory / "htpasswd", "a", encoding="utf-8") as passwords:
            print(f"gitlab-ci-token:{{PLAIN}}{JOB_TOKEN}", file=passwords)

    def setUp(self):
        super().setUp()
        (self.repos / ACCOUNT / REGION).mkdir(parents=True)
        self.copy = f"{ACCOUNT}/{REGION}/web"
        self.make_source("web")
        self.init("second")
        self.trust = self.printed("gitlab-ci-role", "--document", "trust", "--account", ACCOUNT, "--issuer", ISSUER,
                                  "--gitlab-project", PROJECT, "--branch", "main")  # fmt: skip
        self.policy = self.printed("gitlab-ci-role", "--document", "policy", "--account", ACCOUNT, "--region", REGION,
                                   "--repository", "web")  # fmt: skip
        role = {"trust": json.loads(self.trust), "policies": [json.loads(self.policy)]}
        host = ISSUER.removeprefix("https://")
        regions = {REGION: str(self.repos / ACCOUNT / REGION)}
        self.double = self.enterContext(
            Double(
                {
                    "accounts": {ACCOUNT: {"regions": regions, "roles": {ROLE: role}}},
                    "identity_providers": {host: {"secret": "of the provider", "audiences": [ISSUER]}},
                }
            )
        )

    def printed(self, *words):
        run = self.packferry("setup", *words)
        self.assertEqual(run.status, DONE, run.said)
        return run.stdout

    def job(self, *words):
        text = self.printed("gitlab-ci", "--role-arn", f"arn:aws:iam::{ACCOUNT}:role/{ROLE}", "--region", REGION,
                            "--repository", "web", "--branch", "main", "--issuer", ISSUER, *words)  # fmt: skip
        [(_, job)] = yaml.safe_load(text).items()
        return job

    def claims(self, audience, **other):
        """As GitLab writes them for a job of main."""
        return {
            "iss": ISSUER,
            "sub": f"project_path:{PROJECT}:ref_type:branch:ref:main",
            "aud": audience,
            "exp": time.time() + 300,
            "project_path": PROJECT,
            "ref": "main",
            **other,
        }

    def run_job(self, job, status=DONE, **claims):
        """As GitLab's runner does: its variables, those of the job, and then the lines in one shell that stops at the
        first that fails."""
        environment = {
            **self.environment,
            **self.double.environment(),
            "PATH": f"{pathlib.Path(PACKFERRY).resolve().parent}:{self.environment['PATH']}",
            "CI": "true",
            "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_REF_NAME": "main",
            "CI_JOB_ID": "4711",
            "CI_PROJECT_ID": "42",
            "CI_PROJECT_PATH": PROJECT,
            "CI_JOB_TOKEN": JOB_TOKEN,
            "CI_PROJECT_URL": self.url("FERRY_HTTP_PRIVATE", "web").removesuffix(".git"),
            "TMPDIR": str(self.repos),
        }
        for name, value in job.get("variables", {}).items():
            environment[name] = re.sub(r"\$(\w+)", lambda found: environment[found[1]], str(value))
        for name, token in job.get("id_tokens", {}).items():
            environment[name] = id_token("of the provider", self.claims(token["aud"], **claims))
        lines = [*job.get("before_script", []), *job["script"]]
        run = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join(lines)],
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=self.repos,
            capture_output=True,
            text=True,
            timeout=self.seconds_max,
            check=False,
        )
        said = run.stdout + run.stderr
        self.assertEqual(run.returncode, status, said)
        for name in job.get("id_tokens", {}):
            self.assertNotIn(environment[name], said)
        return said

    def carry_on(self):
        """What a job beside the repository in CodeCommit does, with the rights that the printed policy gives."""
        policy = self.printed("replication-policy", "--source", f"arn:aws:codecommit:{REGION}:{ACCOUNT}:web",
                              "--destination", f"arn:aws:codecommit:us-east-1:{ACCOUNT}:elsewhere")  # fmt: skip
        arn = f"arn:aws:iam::{ACCOUNT}:role/carrier"
        self.double.identities.roles[arn] = {"policies": [json.loads(policy)]}
        key = self.double.identities.session(arn, "job")
        keys = {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret, "AWS_SESSION_TOKEN": key.token}
        self.replicate(f"codecommit::{REGION}://web", self.url("FERRY_HTTP_OPEN", "second"), "--no-keep-old-tips",
                       **self.double.environment(), **keys)  # fmt: skip

    def assert_all_three_equal(self):
        self.assertEqual(self.refs(self.copy), self.refs("web"))
        self.assertEqual(self.refs("second"), self.refs("web"))
        for name in (self.copy, "second"):
            self.git(name, "fsck", "--full", "--strict")

    def test_all_three_are_equal_after_every_push(self):
        self.init(self.copy)
        job = self.job()
        self.run_job(job)
        self.carry_on()
        self.assert_all_three_equal()

        self.commit("web", "main", count=3)
        self.commit("web", "feature/one", parent="refs/heads/feature/one~1")  # rewound
        self.git("web", "tag", "v2", "main")
        self.git("web", "branch", "-q", "-D", "large")
        self.run_job(job)
        self.carry_on()
        self.assert_all_three_equal()
        self.assertEqual(len(self.double.requests(operation="AssumeRoleWithWebIdentity", status=200)), 2)

    def test_no_other_job_gets_the_role(self):
        self.init(self.copy)
        job = self.job()
        other = f"project_path:{PROJECT}:ref_type:branch:ref:feature/one"
        for claims in (
            {"sub": other},
            {"sub": "project_path:app/other:ref_type:branch:ref:main"},
            {"sub": f"project_path:{PROJECT}:ref_type:tag:ref:main"},
            {"aud": "https://other.example.org"},
            {"exp": time.time() - 1},
            {"iss": "https://gitlab.com"},
        ):
            with self.subTest(**claims):
                self.run_job(job, status=1, **claims)
        self.assertEqual(self.refs(self.copy), {})
        self.assertEqual(self.double.requests(kind="git"), [])

    def test_the_role_pushes_to_its_repository_only(self):
        self.init(f"{ACCOUNT}/{REGION}/other")
        job = self.job()
        job["script"] = [line.replace("://web", "://other") for line in job["script"]]
        self.run_job(job, status=1)
        self.assertEqual(self.refs(f"{ACCOUNT}/{REGION}/other"), {})

    def test_the_token_is_in_a_file_that_nobody_else_can_read(self):
        self.init(self.copy)
        self.run_job(self.job())
        [file] = self.repos.glob("tmp.*")
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        self.assertEqual(file.read_text().count("."), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
