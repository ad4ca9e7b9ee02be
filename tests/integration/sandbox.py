"""What the integration tests share: real servers, real git, and the packferry that was built.

PACKFERRY names the program; ctest sets it. Everything lives below one temporary directory, and nothing of the user's
git configuration, credentials or proxies is seen by anything here.
"""

import os
import pathlib
import random
import shlex
import shutil
import subprocess
import tempfile
import typing
import unittest

SERVERS = pathlib.Path(__file__).resolve().parents[1] / "servers" / "servers.sh"
PACKFERRY = os.environ.get("PACKFERRY", "packferry")
KEPT = "refs/packferry/kept/"

# Exit statuses, as packferry(1) has them.
DONE, FAILED, USAGE, HELD, PARTIAL, DIFFERENT = 0, 1, 2, 3, 4, 5


class Run(typing.NamedTuple):
    status: int
    stdout: str
    stderr: str

    @property
    def said(self):
        return self.stdout + self.stderr


def start_servers(directory, **environment):
    """Git servers that live below the directory, until stop_servers() or as long as this process; what they tell."""
    subprocess.run([SERVERS, "start", directory, str(os.getpid())], env={**os.environ, **environment}, check=True)
    lines = (directory / "env").read_text().splitlines()
    return {name: shlex.split(value)[0] for name, value in (line.split("=", 1) for line in lines)}


def stop_servers(directory):
    subprocess.run([SERVERS, "stop", directory], check=True)


class Replication(unittest.TestCase):
    """A test class with servers of its own, and an empty place for repositories in each test."""

    seconds_max = 120  # of one run of the program
    servers_environment = {}  # what servers.sh is told besides

    @classmethod
    def setUpClass(cls):
        if not shutil.which(PACKFERRY):
            raise RuntimeError(f"no program {PACKFERRY}: set PACKFERRY, or run this through ctest")
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="packferry-it-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.servers = start_servers(cls.directory, **cls.servers_environment)
        cls.addClassCleanup(stop_servers, cls.directory)
        cls.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(cls.directory / "home"),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_COMMAND": cls.servers["FERRY_SSH_COMMAND"],
            "GIT_SSL_CAINFO": cls.servers["FERRY_CA_FILE"],
            # Reports of the sanitizers must not be taken for an exit status of ours.
            "ASAN_OPTIONS": "exitcode=99",
            "TSAN_OPTIONS": "exitcode=99",
        }

    def setUp(self):
        # Each test has its own corner of the served directory: NAME in URLs is "test_name/NAME.git".
        self.corner = self._testMethodName
        shutil.rmtree(self.repos, ignore_errors=True)
        self.repos.mkdir(parents=True)

    @property
    def repos(self):
        return pathlib.Path(self.servers["FERRY_REPOS"]) / self.corner

    def path(self, name):
        return str(self.repos / f"{name}.git")

    def url(self, server, name):
        return f"{self.servers[server]}/{self.corner}/{name}.git"

    # The program.

    def packferry(self, *words, **environment):
        run = subprocess.run(
            [PACKFERRY, *words],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.seconds_max,
            check=False,
        )
        return Run(run.returncode, run.stdout, run.stderr)

    def replicate(self, *words, status=DONE, **environment):
        run = self.packferry("replicate", *words, **environment)
        self.assertEqual(run.status, status, f"packferry replicate {' '.join(words)}\n{run.said}")
        return run

    # Git, which makes the repositories and judges them.

    def git(self, name, *words, stdin=b""):
        run = subprocess.run(
            ["git", "-C", self.path(name), *words], env=self.environment, input=stdin, capture_output=True, check=False
        )
        self.assertEqual(run.returncode, 0, f"git {' '.join(words)}\n{run.stderr.decode()}")
        return run.stdout.decode()

    def init(self, name, object_format="sha1"):
        os.mkdir(self.path(name))
        self.git(name, "init", "-q", "--bare", "--initial-branch=main", f"--object-format={object_format}")

    def commit(self, name, branch, count=1, content_bytes=20_000, parent=None):
        """Adds commits to a branch, each changing a few bytes of one large file: deltas, and thin packs. A `parent`
        restarts the branch there."""
        seed = random.Random(f"{branch} {count} {parent}")
        content = bytearray(random.Random(branch).randbytes(content_bytes))
        start = parent or (f"refs/heads/{branch}" if f"refs/heads/{branch}" in self.refs(name) else None)
        stream = []
        for number in range(count):
            content[seed.randrange(content_bytes)] ^= 0xFF
            stream.append(f"commit refs/heads/{branch}\ncommitter Ada <ada@example.org> {1_700_000_000 + number} +0000\n")
            stream.append(f"data <<EOT\n{branch} {number} after {parent}\nEOT\n")
            if number == 0 and start:
                stream.append(f"from {start}^0\n")
            stream.append(f"M 100644 inline content\ndata {content_bytes}\n{content.decode('latin-1')}\n")
        self.git(name, "fast-import", "--quiet", "--force", stdin="".join(stream).encode("latin-1"))

    def make_source(self, name="source", object_format="sha1"):
        """Branches, an annotated tag, a tag of a tag and a lightweight one; refs of a kind that hosts keep for
        themselves; and enough bytes that a push of all of it does not fit into one counted request."""
        self.init(name, object_format)
        self.commit(name, "main", count=5)
        self.commit(name, "feature/one", count=3, parent="refs/heads/main")
        self.commit(name, "large", content_bytes=2_000_000)
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        self.git(name, *identity, "tag", "-a", "-m", "first", "v1", "main")
        self.git(name, *identity, "tag", "-a", "-m", "of a tag", "v1-signed-off", "v1")
        self.git(name, "tag", "light", "feature/one")
        self.git(name, "update-ref", "refs/pull/1/head", "main")

    def all_refs(self, name):
        lines = self.git(name, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    def refs(self, name):
        """Branches and tags."""
        return {ref: oid for ref, oid in self.all_refs(name).items() if ref.startswith(("refs/heads/", "refs/tags/"))}

    def kept(self, name):
        """{"heads/main": {oid, …}} of what stands below refs/packferry/kept/DATE/."""
        kept = {}
        for ref, oid in self.all_refs(name).items():
            if ref.startswith(KEPT):
                kept.setdefault(ref[len(KEPT) :].split("/", 1)[1], set()).add(oid)
        return kept

    def files(self, name):
        """Every file of a repository with its size and time of change: equal when nothing was touched."""
        root = pathlib.Path(self.path(name))
        return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in root.rglob("*") if p.is_file()}

    def assert_equal_to_source(self, destination, source="source"):
        self.assertEqual(self.refs(destination), self.refs(source))
        self.git(destination, "fsck", "--full", "--strict")
        self.assert_no_leftovers(destination)

    def assert_no_leftovers(self, name):
        """No quarantine directory and no temporary pack is left behind."""
        objects = pathlib.Path(self.path(name)) / "objects"
        self.assertEqual([str(p) for p in [*objects.glob("tmp_objdir*"), *objects.rglob("tmp_*pack*")]], [])
