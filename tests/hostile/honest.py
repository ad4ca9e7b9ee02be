"""A small real repository, what an honest server would say of it, and the parts that hostile ones change."""

import hashlib
import os
import pathlib
import subprocess

from wire import DELIMITER, FLUSH, bands, pkt

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def git(repository, *words, stdin=b"", text=True):
    run = subprocess.run(
        ["git", "-C", repository, *words], env=ENVIRONMENT, input=stdin, capture_output=True, check=False
    )
    if run.returncode != 0:
        raise AssertionError(f"git {' '.join(words)}: {run.stderr.decode()}")
    return run.stdout.decode().strip() if text else run.stdout


def refs_of(repository):
    """{name: object} of everything."""
    if not pathlib.Path(repository).exists():
        return {}
    lines = git(repository, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split(" ") for line in lines)


class Honest:
    """main with two commits, and an annotated tag on it."""

    def __init__(self, directory):
        self.path = f"{directory}/honest.git"
        os.mkdir(self.path)
        git(self.path, "init", "-q", "--bare", "--initial-branch=main")
        tree = git(self.path, "mktree")
        self.first = git(self.path, "commit-tree", tree, "-m", "one")
        self.main = git(self.path, "commit-tree", tree, "-p", self.first, "-m", "two")
        self.other = git(self.path, "commit-tree", tree, "-m", "of another line")
        git(self.path, "update-ref", "refs/heads/main", self.main)
        git(self.path, "tag", "-a", "-m", "first", "v1", self.main)
        self.tag = git(self.path, "rev-parse", "v1")
        self.refs = refs_of(self.path)
        self.pack = git(self.path, "pack-objects", "--all", "--stdout", "-q", text=False)

    def objects(self, count):
        """The same pack, with a header that says another number of objects and a trailer that fits."""
        return sealed(self.pack[:8] + count.to_bytes(4, "big") + self.pack[12:-20])

    # Protocol 2.

    capabilities = pkt("version 2\n", "agent=git/hostile\n", "ls-refs=unborn\n", "fetch=shallow filter\n") + FLUSH

    def head_line(self, more=" symref-target:refs/heads/main"):
        return pkt(f"{self.main} HEAD{more}\n")

    def ref_lines(self):
        return pkt(f"{self.main} refs/heads/main\n", f"{self.tag} refs/tags/v1 peeled:{self.main}\n")

    def ls_refs(self, *more):
        return self.head_line() + self.ref_lines() + pkt(*more) + FLUSH

    def packfile(self, pack=None):
        return pkt("packfile\n") + bands(self.pack if pack is None else pack) + FLUSH

    # The old protocol.

    old_capabilities = "multi_ack_detailed side-band-64k thin-pack ofs-delta no-progress symref=HEAD:refs/heads/main"

    def old_lines(self, capabilities=old_capabilities):
        return pkt(
            f"{self.main} HEAD\0 {capabilities}\n",
            f"{self.main} refs/heads/main\n",
            f"{self.tag} refs/tags/v1\n",
            f"{self.main} refs/tags/v1^{{}}\n",
        )

    def old_listing(self, *more):
        return self.old_lines() + pkt(*more) + FLUSH

    def old_packfile(self, pack=None):
        return pkt("NAK\n") + bands(self.pack if pack is None else pack) + FLUSH

    # A destination.

    push_capabilities = "report-status delete-refs side-band-64k quiet atomic ofs-delta"

    def push_listing(self, refs=None, capabilities=push_capabilities):
        """What receive-pack says that holds `refs`."""
        if not refs:
            return pkt(f"{'0' * 40} capabilities^{{}}\0{capabilities}\n") + FLUSH
        lines = [f"{oid} {name}" for name, oid in sorted(refs.items())]
        return pkt(f"{lines[0]}\0{capabilities}\n", *(f"{line}\n" for line in lines[1:])) + FLUSH

    def report(self, *lines):
        """On its side-band."""
        return bands(pkt(*lines) + FLUSH) + FLUSH

    def good_report(self):
        return self.report("unpack ok\n", *(f"ok {name}\n" for name in self.refs))


def sealed(pack):
    return pack + hashlib.sha1(pack).digest()
