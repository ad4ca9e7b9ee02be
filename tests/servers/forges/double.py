#!/usr/bin/env python3
"""A double of a forge, on loopback, for programs that start one:

    double.py gitlab|github|gitea|bitbucket|bitbucket-server|codecommit|plain DIRECTORY

prints its address, serves the bare repositories that it makes in DIRECTORY, and takes orders on standard input, a JSON
object a line, each answered with a line; it ends when its input does.

    {"do": "reset", "page": 3, "public_key": PEM, "repositories": [{"name": "app/web", "archived": true, …}, …]}
    {"do": "fault", "what": "status", "status": 500, "page": 2, "times": 1}      see forge.py
    {"do": "commit", "name": "app/web", "branch": "trunk"}                       makes the branch, from main
    {"do": "log"}                                                                the requests since the last reset
"""

import json
import pathlib
import subprocess
import sys

import bitbucket
import bitbucket_server
import codecommit
import gitea
import github
import gitlab
import plain

KINDS = {
    "gitlab": gitlab.GitLab,
    "github": github.GitHub,
    "gitea": gitea.Gitea,
    "bitbucket": bitbucket.Bitbucket,
    "bitbucket-server": bitbucket_server.BitbucketServer,
    "codecommit": codecommit.CodeCommit,
    "plain": plain.Plain,
}


def reset(forge, wanted):
    """Repositories that nobody has touched stay: making them takes longer than most tests."""
    forge.calm_down()
    if forge.is_touched or forge.wanted != wanted:
        forge.forget()
        for repository in wanted:
            forge.add(**repository)
        forge.wanted = wanted


def obey(forge, order):
    what = order.pop("do")
    if what == "reset":
        reset(forge, order.get("repositories", []))
        forge.page_size = order.get("page", 100)
        forge.public_key = order.get("public_key")
    elif what == "fault":
        forge.faults.append(order)
    elif what == "commit":
        forge.is_touched = True
        path = forge.repositories[order["name"]].path
        subprocess.run(["git", "-C", path, "branch", "--force", order["branch"], "main"], check=True)
    elif what == "log":
        return forge.log
    else:
        raise ValueError(what)
    return {}


def main():
    kind, directory = sys.argv[1:]
    with KINDS[kind](pathlib.Path(directory)) as forge:
        print(forge.url, flush=True)
        for line in sys.stdin:
            with forge.lock:
                done = obey(forge, json.loads(line))
            print(json.dumps(done), flush=True)


if __name__ == "__main__":
    main()
