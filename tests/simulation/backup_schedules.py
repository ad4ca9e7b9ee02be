#!/usr/bin/env python3
"""Random histories under random schedules of backup, prune, damage, death and restore, held against a plain model.

    tests/simulation/backup_schedules.py [--seconds N | --histories N] [--seed S] [--only SEED] [--planted] [--jobs N]

A history is a repository that lives: commits, branches, tags and notes come, move back, go and come again, and HEAD moves.
Between its steps it is backed up into a directory, snapshots are pruned, objects are damaged, and backups are killed. The
model is a dictionary: which snapshots there are, and the refs and HEAD of each. After every step the listing has to be the
model's and a restored snapshot has to be what the model says, with the objects that git fsck wants; a damaged one has to be
found by verify, refused by restore, and answered by the next backup with a full one. At the end of a history every snapshot
is restored and drilled.

Each history has a seed, printed when it fails; --only runs that one again. --planted changes one stored byte behind the
model's back: the run has to fail.
"""
import argparse
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKFERRY = os.environ.get("PACKFERRY", str(ROOT / "build/dev/packferry"))
DONE, FAILED, DAMAGED = 0, 1, 6
NOW = 1_700_000_000


class Failed(Exception):
    pass


class History:
    def __init__(self, seed, planted):
        self.seed = seed
        self.planted = planted
        self.random = random.Random(seed)
        self.directory = Path(tempfile.mkdtemp(prefix="packferry-sim-"))
        self.source = self.directory / "source.git"
        self.store = self.directory / "store"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "LC_ALL": "C.UTF-8",
                            "GIT_CONFIG_NOSYSTEM": "1", "TMPDIR": str(self.directory), "ASAN_OPTIONS": "exitcode=99"}
        self.zip = self.random.random() < 0.1
        self.links = self.random.choice([0, 1, 2, 3, 30])
        self.format = "sha256" if self.random.random() < 0.1 else "sha1"
        self.snapshots = {}  # number: (refs, head)
        self.broken = set()  # numbers that cannot be restored any more
        self.tips = []       # every commit that ever was a tip
        self.counter = 0
        self.log = []

    # What it is made with.

    def run(self, *words, stdin=b"", check=True):
        done = subprocess.run([str(word) for word in words], env=self.environment, input=stdin, capture_output=True)
        if check and done.returncode != 0:
            raise Failed(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
        return done

    def git(self, *words, stdin=b"", repository=None):
        return self.run("git", "-C", repository or self.source, *words, stdin=stdin).stdout.decode()

    def packferry(self, *words, status=DONE):
        done = self.run(PACKFERRY, *words, check=False)
        if done.returncode != status:
            raise Failed(f"packferry {' '.join(map(str, words))}: exit {done.returncode}, not {status}\n"
                         f"{done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout.decode()

    def refs(self, repository):
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", repository=repository).splitlines()
        return dict(line.split(" ") for line in lines)

    def head(self, repository):
        return Path(repository, "HEAD").read_text().strip()

    def branches(self):
        return sorted(name for name in self.refs(self.source) if name.startswith("refs/heads/"))

    # How it lives.

    def commit(self):
        branch = self.random.choice([*self.branches(), f"refs/heads/b{self.random.randrange(6)}"])
        stream = []
        known = branch in self.branches()
        for number in range(self.random.randrange(1, 4)):
            self.counter += 1
            stream.append(f"commit {branch}\ncommitter Ada <ada@example.org> {NOW + self.counter} +0000\n"
                          f"data <<EOT\n{self.counter}\nEOT\n")
            if number == 0 and known:
                stream.append(f"from {branch}^0\n")
            text = "".join(f"{line} of {self.counter if line == self.counter % 40 else 0}\n" for line in range(40))
            stream.append(f"M 100644 inline f{self.random.randrange(3)}\ndata {len(text)}\n{text}\n")
        self.git("fast-import", "--quiet", "--force", stdin="".join(stream).encode())
        self.tips.append(self.git("rev-parse", branch).strip())

    def new_branch(self):
        if self.tips:
            self.git("update-ref", f"refs/heads/b{self.random.randrange(6)}", self.random.choice(self.tips))

    def rewind(self):
        branch = self.random.choice(self.branches() or [None])
        if branch and self.run("git", "-C", self.source, "rev-parse", "-q", "--verify", f"{branch}~1", check=False).stdout:
            self.git("update-ref", branch, f"{branch}~1")

    def delete(self):
        refs = sorted(self.refs(self.source))
        if len(refs) > 1:
            self.git("update-ref", "-d", self.random.choice(refs))

    def tag(self):
        if not self.tips:
            return
        name = f"v{self.random.randrange(8)}"
        target = self.random.choice([*self.branches(), self.random.choice(self.tips)])
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        words = self.random.choice([["tag", "-f", name, target], ["tag", "-f", "-a", "-m", "tag", name, target]])
        self.git(*identity, *words)

    def note(self):
        if self.tips:
            self.git("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "notes", "add", "-f", "-m", str(self.counter),
                     self.random.choice(self.tips))

    def move_head(self):
        self.git("symbolic-ref", "HEAD", f"refs/heads/b{self.random.randrange(6)}")

    # How it is kept.

    def backup_words(self):
        words = ["backup", self.source, "--to", self.store, "--name", "app/web", "--quiet", "--allow-deletions", "100%",
                 "--allow-rewinds", "100%", "--ignore-non-empty-destination", "--chain-links", self.links]
        if self.zip:
            words += ["--format", "zip"]
        if self.random.random() < 0.1:
            words.append("--full")
        if self.random.random() < 0.1:
            words.append("--record-unchanged")
        return words

    def take_new_snapshots(self, refs=None):
        """What a backup left: at most one more, and that one is the source as it stands, or has these refs."""
        new = [number for number in self.listed() if number not in self.snapshots]
        if len(new) > 1:
            raise Failed(f"one backup made the snapshots {new}")
        for number in new:
            if self.snapshots and number <= max(self.snapshots):
                raise Failed(f"snapshot {number} is not newer than {max(self.snapshots)}")
            self.snapshots[number] = (refs or self.refs(self.source), self.head(self.source))
        return new

    def backup_of_one_ref(self):
        """The others stay as the newest snapshot has them; a full one cannot always be made so, and says it."""
        refs = self.refs(self.source)
        if not refs:
            return
        name = self.random.choice(sorted(refs))
        before = self.snapshots[max(self.snapshots)][0] if self.snapshots else {}
        done = self.run(PACKFERRY, *self.backup_words(), "--ref", name, check=False)
        new = self.take_new_snapshots({**before, name: refs[name]})
        said = done.stderr.decode()
        refused = done.returncode == FAILED and not new and "Back up every ref" in said
        if done.returncode != DONE and not refused:
            raise Failed(f"a backup of {name}: exit {done.returncode}\n{said}")
        if new and new[0] not in self.broken:
            self.expect_restored(new[0])

    def backup(self):
        if not self.refs(self.source):
            return  # empty now: held, and told in the safety tests
        self.packferry(*self.backup_words())
        self.take_new_snapshots()
        newest = max(self.snapshots)
        if newest in self.broken:
            raise Failed(f"the backup left damaged snapshot {newest} as the newest one")
        self.expect_restored(newest)

    def killed_backup(self):
        if not self.refs(self.source):
            return
        child = subprocess.Popen([str(word) for word in (PACKFERRY, *self.backup_words())], env=self.environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.random.random() * 0.06)
        child.kill()
        child.wait()
        self.take_new_snapshots()

    def prune(self):
        if not self.snapshots or self.broken:
            return  # prune stops where a manifest cannot be read; told elsewhere
        last = self.random.randrange(1, 4)
        self.packferry("prune", self.store, "app/web", "--keep-last", last, "--grace", "0h")
        if self.random.random() < 0.5:
            self.packferry("prune", self.store, "app/web", "--keep-last", last, "--grace", "0h")
        kept = sorted(self.snapshots)[-last:]
        self.snapshots = {number: self.snapshots[number] for number in kept}

    def data_objects(self):
        return sorted(path for path in self.store.rglob("*") if path.suffix in (".bundle", ".zip"))

    def damage(self):
        objects = self.data_objects()
        if not objects or self.broken or not self.snapshots:
            return
        victim = self.random.choice(objects)
        views = json.loads(self.packferry("snapshots", self.store, "app/web", "--json"))["repositories"][0]["snapshots"]
        key = str(victim.relative_to(self.store))
        hit = {view["number"] for view in views if view["number"] in self.snapshots
               and any(link["key"] == key for link in view.get("chain", []))}
        if not hit:
            return  # a leftover of a killed backup: nobody's
        if self.random.random() < 0.5:
            victim.unlink()
        else:
            self.flip(victim, cut=self.random.random() < 0.5)
        self.packferry("verify", self.store, "app/web", status=DAMAGED)
        self.broken |= hit
        newest = max(self.snapshots)
        if newest in hit:
            self.packferry("restore", self.store, "app/web", self.directory / "refused", status=FAILED)
            if (self.directory / "refused").exists():
                raise Failed("a damaged snapshot was restored")
        # A byte that is changed in place is found by verify; the backup that follows looks only at lengths.
        if not victim.exists() or self.random.random() < 0.5:
            victim.unlink(missing_ok=True)
            if self.refs(self.source):
                self.backup()
                self.broken &= set(self.snapshots)
        else:
            victim.unlink()

    def flip(self, path, cut=False):
        content = bytearray(path.read_bytes())
        if cut:
            del content[self.random.randrange(len(content)):]
        else:
            content[self.random.randrange(len(content))] ^= 1 << self.random.randrange(8)
        path.chmod(0o600)
        path.write_bytes(content)

    # What has to be so.

    def listed(self):
        if not self.store.exists():
            return []
        answer = self.run(PACKFERRY, "snapshots", self.store, "--json", check=False)
        repositories = json.loads(answer.stdout)["repositories"]
        return [view["number"] for repository in repositories for view in repository["snapshots"] or []
                if not view["retired_at"] and not view["pruned_at"]]

    def expect_restored(self, number):
        target = self.directory / f"restored-{number}.git"
        if number in self.broken:
            done = self.run(PACKFERRY, "restore", self.store, "app/web", target, "--at", number, check=False)
            if done.returncode == FAILED and not target.exists():
                return
            # A later backup of the same second may have put the same bytes under the same key again.
        else:
            self.packferry("restore", self.store, "app/web", target, "--at", number, "--quiet")
        refs, head = self.snapshots[number]
        if self.refs(target) != refs or self.head(target) != head:
            raise Failed(f"snapshot {number} came back with {self.refs(target)} {self.head(target)}, not {refs} {head}")
        self.git("fsck", "--full", "--connectivity-only", repository=target)
        shutil.rmtree(target)

    def expect(self):
        if self.listed() != sorted(self.snapshots):
            raise Failed(f"listed are {self.listed()}, not {sorted(self.snapshots)}")
        if self.snapshots:
            self.expect_restored(self.random.choice(sorted(self.snapshots)))

    def live(self):
        self.run("git", "init", "-q", "--bare", f"--object-format={self.format}", "--initial-branch=b0", self.source)
        life = [self.commit] * 6 + [self.new_branch, self.rewind, self.delete, self.tag, self.note, self.move_head]
        keeping = [self.backup] * 4 + [self.backup_of_one_ref, self.killed_backup, self.prune, self.damage]
        for _ in range(self.random.randrange(4, 10)):
            for _ in range(self.random.randrange(0, 4)):
                self.do(self.random.choice(life))
            self.do(self.random.choice(keeping))
            self.expect()
        if self.planted and self.snapshots and self.data_objects():
            self.flip(self.data_objects()[-1])
        for number in sorted(self.snapshots):
            self.expect_restored(number)
        if self.snapshots and not self.broken:
            self.packferry("verify", self.store, "app/web", "--level", "drill")

    def do(self, step):
        self.log.append(step.__name__)
        step()


def run_one(work):
    seed, planted = work
    history = History(seed, planted)
    try:
        history.live()
        return seed, len(history.snapshots), None
    except (Failed, OSError, ValueError, KeyError) as error:
        return seed, 0, f"{', '.join(history.log)}\n{error if isinstance(error, Failed) else traceback.format_exc()}"
    finally:
        shutil.rmtree(history.directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    seeds = [arguments.only] if arguments.only is not None else \
        range(arguments.seed * 1_000_000, arguments.seed * 1_000_000 + (10**6 if arguments.seconds else arguments.histories))
    begin = time.monotonic()
    histories = snapshots = failures = 0
    with multiprocessing.Pool(arguments.jobs) as pool:
        for seed, count, failure in pool.imap_unordered(run_one, ((seed, arguments.planted) for seed in seeds)):
            histories += 1
            snapshots += count
            if failure:
                failures += 1
                print(f"history {seed}: FAILED after {failure}", flush=True)
            if failures >= 5 or (arguments.planted and failures):
                break
            if arguments.seconds and time.monotonic() - begin > arguments.seconds:
                break
        pool.terminate()
    if arguments.planted:
        print("simulation: the planted fault was found" if failures else "simulation: the planted fault was NOT found")
        sys.exit(0 if failures else 1)
    print(f"simulation: {histories} histories, {snapshots} snapshots alive at their ends, {failures} failed, "
          f"{time.monotonic() - begin:.0f} s")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
