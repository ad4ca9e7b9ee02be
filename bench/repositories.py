"""Public repositories, made fit to be replicated whole: shared by the bench and by the run on real repositories."""
import os
import subprocess


GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_CONFIG_COUNT": "3",
       "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*", "GIT_CONFIG_KEY_1": "gc.auto",
       "GIT_CONFIG_VALUE_1": "0", "GIT_CONFIG_KEY_2": "receive.autogc", "GIT_CONFIG_VALUE_2": "false"}


def environment(work):
    return {"PATH": os.environ["PATH"], "HOME": str(work), **GIT}


def git(work, *words, cwd=None, text=None):
    return subprocess.run(["git", *map(str, words)], cwd=cwd, env=environment(work), input=text, check=True,
                          capture_output=True, text=True).stdout


def prepare(work, source, target):
    """A copy of `source` whose refs are all branches or tags, in one pack, as a host would have it."""
    git(work, "clone", "--quiet", "--mirror", source, target)
    moves = []
    for line in git(work, "for-each-ref", "--format=%(objectname) %(objecttype) %(refname)", cwd=target).splitlines():
        oid, kind, name = line.split(" ", 2)
        if name.startswith(("refs/heads/", "refs/tags/")):
            continue
        moves.append(f"delete {name} {oid}\n")
        if kind == "commit":
            moves.append(f"create refs/heads/{name.removeprefix('refs/')} {oid}\n")
    git(work, "update-ref", "--stdin", cwd=target, text="".join(moves))
    drop_incomplete(work, target)
    git(work, "pack-refs", "--all", cwd=target)
    git(work, "remote", "remove", "origin", cwd=target)
    for promise in target.glob("objects/pack/*.promisor"):  # else nothing is ever dropped from this pack
        promise.unlink()
    git(work, "repack", "-adq", cwd=target)


def drop_incomplete(work, repository):
    """Public snapshots may lack their largest files: what reaches a missing object goes, since no git would push it."""
    listed = git(work, "rev-list", "--objects", "--all", "--missing=print", "--no-object-names", cwd=repository)
    for oid in [line[1:] for line in listed.splitlines() if line.startswith("?")]:
        # Without --no-renames it would look for renames among blobs, the missing ones too.
        commits = git(work, "log", "--all", "-m", "--no-renames", "--format=%H", f"--find-object={oid}",
                      cwd=repository).split()
        for commit in dict.fromkeys(commits):
            names = git(work, "for-each-ref", f"--contains={commit}", "--format=delete %(refname)", cwd=repository)
            git(work, "update-ref", "--stdin", cwd=repository, text=names)


def rewind(work, repository, commits):
    """Takes the newest `commits` commits away again: refs go back to their newest older ancestor, or go."""
    dates = git(work, "rev-list", "--all", "--date-order", f"--max-count={commits + 1}", "--format=%ct",
                cwd=repository).splitlines()[1::2]
    limit = sorted(map(int, dates))[0]
    moves = []
    for line in git(work, "for-each-ref", "--format=%(objectname) %(refname) %(committerdate:unix)%(*committerdate:unix)",
                    cwd=repository).splitlines():
        oid, name, date = (line.split(" ") + [""])[:3]
        if not date or int(date) <= limit:
            continue
        older = git(work, "rev-list", "-1", f"--before={limit}", oid, cwd=repository).strip() \
            if name.startswith("refs/heads/") else ""
        moves.append(f"update {name} {older} {oid}\n" if older else f"delete {name} {oid}\n")
    git(work, "update-ref", "--stdin", cwd=repository, text="".join(moves))
    git(work, "pack-refs", "--all", cwd=repository)
    return len(moves)


def same_refs(work, a, b):
    listing = "--format=%(objectname) %(refname)"
    return git(work, "for-each-ref", listing, "refs/heads", "refs/tags", cwd=a) == \
        git(work, "for-each-ref", listing, "refs/heads", "refs/tags", cwd=b)
