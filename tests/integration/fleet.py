"""Repositories of mixed sizes at one Git host and their empty places at another, what can be wrong with them, and what has to
come of it."""

import collections
import dataclasses
import os
import pathlib
import re
import typing

from s3 import Server
from sandbox import SERVERS, Replication, start_servers, stop_servers

BACKEND = str(SERVERS.parent / "faulty_backend.sh")
ATTEMPTS = 2
REQUEST = re.compile(r"(GET|POST) /open/\w+/(\S+?)\.git/(\S+) (\d+) \d+ \d+")

CONFIG = """
catalogue = "packferry.db"

[hosts.here]
kind = "list"
file = "here.txt"
jobs = 16

[hosts.there]
kind = "list"
file = "there.txt"

[stores.vault]
address = "s3://{bucket}/fleet"
endpoint_url = "{endpoint}"
region = "us-east-1"

[defaults]
refs = ["refs/heads/*", "refs/tags/*"]
allow_rewinds = 0
allow_deletions = 0

[[backups]]
name = "nightly"
source = {{ host = "here" }}
store = "vault"
repository = "${{path}}"

[[replicas]]
name = "copies"
source = {{ host = "here" }}
destinations = [{{ host = "there" }}]
"""


class Wrong(typing.NamedTuple):
    """One way to be broken, and what a sweep has to say of the repository's two copies."""

    way: str
    said: str = ""
    copies: str = "failed"
    nightly: str = "failed"
    attempts: int = 1
    there: bool = False  # it is the destination that is broken
    in_part: bool = False  # what is held is not all there is

    def state(self, order):
        return getattr(self, order)

    def leaves_undone(self, order):
        """What was not done and is to be done once it is mended; a source that is held goes back to what it was."""
        return self.state(order) == "failed" or (self.state(order) == "held" and self.there)


# At the first run. What is worth another attempt gets all there are.
BROKEN = (
    Wrong("error", "the host answered 500", attempts=ATTEMPTS),
    Wrong("stall", "no byte in either direction", attempts=ATTEMPTS),
    Wrong("cut", "the pack ends in"),
    Wrong("malformed", "not a pkt-line"),
    Wrong("forbidden", "the host answered 403"),
    Wrong("gone", "the host answered 404"),
    Wrong("corrupt", "possible repository corruption"),
    Wrong("shallow", "shallow repository"),
    Wrong("refused", "pre-receive hook declined", nightly="done", there=True),
    Wrong("full", "unpack-objects abnormal exit", nightly="done", there=True),
)
# Of what was delivered before.
HELD = (
    Wrong("rewound", "allow-rewinds", copies="held", nightly="held", in_part=True),
    Wrong("emptied", "allow-deletions", copies="held", nightly="held"),
    Wrong("clash", "allow-deletions", copies="held", nightly="done", there=True),
)


@dataclasses.dataclass
class Requests:
    """What a host was asked about one repository, as it tells itself."""

    greetings: int = 0
    listings: int = 0
    packs: int = 0
    questions: int = 0  # about what is in its history
    pushes: int = 0
    refusals: int = 0

    @property
    def total(self):
        return self.greetings + self.listings + self.packs + self.questions + self.pushes


class Place:
    """A Git host: where its repositories are, and what it was asked since the last time."""

    def __init__(self, directory, servers, corner):
        self.repositories = pathlib.Path(servers["FERRY_REPOS"]) / corner
        self.url = f"{servers['FERRY_HTTP_OPEN']}/{corner}"
        self.access_log = open(servers["FERRY_ACCESS_LOG"], encoding="utf-8")
        self.said = directory / "home" / "said"
        self.said.mkdir()

    def close(self):
        self.access_log.close()

    def asked(self):
        """{repository: Requests}"""
        asked = collections.defaultdict(Requests)
        commands = collections.Counter()
        for line in self.access_log:
            method, name, what, status = REQUEST.fullmatch(line.strip()).groups()
            asked[name].greetings += method == "GET"
            asked[name].pushes += what == "git-receive-pack"
            asked[name].refusals += status != "200"
            commands[name] += what == "git-upload-pack"
        for file in self.said.iterdir():
            name = file.name.rpartition(".git.")[0].replace("+", "/")
            said = file.read_text(errors="replace")
            if "upload-pack< command=ls-refs" in said:
                asked[name].listings += 1
            elif "upload-pack< done" in said and "upload-pack< thin-pack" in said:
                asked[name].packs += 1  # what only wants to know something takes no thin ones
            else:
                asked[name].questions += 1
            file.unlink()
            commands[name] -= 1
        # Of what did not get as far as git nothing is said: who is refused was asked for refs all the same.
        for name, count in commands.items():
            if count < 0:
                raise AssertionError(f"{name}: more was said than asked")
            asked[name].listings += count
        return dict(asked)


class Fleet(Replication):
    """`count` repositories here, their places there, and a bucket."""

    servers_environment = {"FERRY_HTTP_BACKEND": BACKEND}
    seconds_max = 3600
    # Of a size that is a test. Receiving thousands of refs alone takes longer than its patience.
    count = 60
    many_refs = 300
    patience_s = 30  # more than a busy machine needs for a push of 8 MB

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls.directory / "second"
        cls.second_servers = start_servers(cls.second, **cls.servers_environment)
        cls.addClassCleanup(stop_servers, cls.second)
        for directory in (cls.directory, cls.second):
            with open(directory / "home" / ".gitconfig", "a", encoding="utf-8") as config:
                config.write(f'[uploadpack]\n\tpackObjectsHook = "{BACKEND}"\n[core]\n\tfsync = none\n')
        cls.bucket = Server()
        cls.addClassCleanup(cls.bucket.stop)
        cls.environment.update(cls.bucket.keys.environment(), AWS_EC2_METADATA_DISABLED="true")

    def setUp(self):
        super().setUp()
        self.here = Place(self.directory, self.servers, self.corner)
        self.there = Place(self.second, self.second_servers, self.corner)
        self.addCleanup(self.here.close)
        self.addCleanup(self.there.close)
        self.names = [f"group-{number % 10}/repository-{number}" for number in range(self.count)]
        for name in self.names:
            self.make(name)
        self.tiny = [name for number, name in enumerate(self.names) if not self.is_special(number)]
        self.wrong = {}  # {repository: (what is wrong with it now, how that is undone)}
        self.config = self.directory / "packferry.toml"
        self.config.write_text(CONFIG.format(bucket=self.bucket.bucket, endpoint=self.bucket.endpoint))
        for place in ("here", "there"):
            urls = [f"{getattr(self, place).url}/{name}.git\n" for name in self.names]
            (self.directory / f"{place}.txt").write_text("".join(urls))

    def named(self, name):
        """As the configuration and the report call it."""
        return f"open/{self.corner}/{name}"

    def copy(self, name):
        """What the sandbox calls the repository there."""
        return str(self.there.repositories / name)

    # Most have a few commits, one in twenty has hundreds, one in two hundred some megabytes, and another one many refs.

    @staticmethod
    def is_special(number):
        return number % 20 == 0 or number % 200 in (1, 2)

    def make(self, name):
        number = int(name.rpartition("-")[2])
        for each in (name, self.copy(name)):
            os.makedirs(pathlib.Path(self.path(each)).parent, exist_ok=True)
            self.init(each)
        if number % 20 == 0:
            self.commit_to(name, count=300)
        elif number % 200 == 1:
            self.commit_to(name, count=3, content_bytes=4_000_000)
        else:
            self.commit_to(name, count=1 + number % 3)
        if number % 200 == 2:
            orders = "".join(f"create refs/heads/topic/{each} main\n" for each in range(self.many_refs))
            self.git(name, "update-ref", "--stdin", stdin=orders.encode())
            self.git(name, "pack-refs", "--all")

    def commit_to(self, name, count=1, content_bytes=500):
        # The branch seeds the content, and no two repositories are to be alike.
        self.commit(name, f"of/{name}", count=count, content_bytes=content_bytes)
        self.git(name, "update-ref", "refs/heads/main", f"refs/heads/of/{name}")

    # What is wrong.

    def break_one(self, name, wrong):
        if wrong in BROKEN:
            self.commit_to(name, content_bytes=20_000)  # enough that a pack has a middle
        here, there = pathlib.Path(self.path(name)), pathlib.Path(self.path(self.copy(name)))
        if wrong.way == "gone":
            undo = swap(here, here.with_suffix(".away"))
        elif wrong.way == "corrupt":
            tree = self.git(name, "rev-parse", "main^{tree}").strip()
            undo = put(here / "objects" / tree[:2] / tree[2:], "not what it was")
        elif wrong.way == "shallow":
            undo = put(here / "shallow", self.git(name, "rev-parse", "main"))
        elif wrong.way == "rewound":
            self.commit(name, "elsewhere")
            undo = self.set_refs(name, {"refs/heads/main": self.refs(name)["refs/heads/elsewhere"]})
        elif wrong.way == "emptied":
            undo = self.set_refs(name, dict.fromkeys(self.refs(name)))
        elif wrong.way == "clash":
            both = {each: self.refs(each)["refs/heads/main"] for each in (name, self.copy(name))}
            self.set_refs(name, {"refs/heads/late/one": both[name]})
            undo = self.set_refs(self.copy(name), {"refs/heads/late": both[self.copy(name)]})
        elif wrong.way == "refused":
            undo = put(there / "hooks" / "pre-receive", "#!/bin/sh\necho 'not in this house' >&2\nexit 1\n")
        else:
            undo = put((there if wrong.there else here) / "fault", wrong.way)
        self.wrong[name] = (wrong, undo)

    def set_refs(self, name, wanted):
        """None: there is to be none; and how that is undone."""
        before = self.refs(name)
        for ref, value in wanted.items():
            self.git(name, "update-ref", *(["-d", ref] if value is None else [ref, value]))
        return lambda: self.set_refs(name, {ref: before.get(ref) for ref in wanted})

    def mend(self, name):
        _, undo = self.wrong.pop(name)
        undo()


def put(file, text):
    """A file with this text instead of what is there; and how that is undone."""
    before = file.read_bytes() if file.exists() else None
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    file.write_text(text)
    file.chmod(0o755)

    def undo():
        file.unlink()
        if before is not None:
            file.write_bytes(before)

    return undo


def swap(path, other):
    path.rename(other)
    return lambda: other.rename(path)
