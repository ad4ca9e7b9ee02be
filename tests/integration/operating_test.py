"""docs/operating.md, followed from its first line to its last against a real service.

A block behind `<!-- run -->` is typed in; `<!-- run after NAME -->` has something happen before that an operator does not
do (a method of World below), and `<!-- run, ends with 3 -->` is a block whose last command ends with that. `<!-- file PATH
-->` is a file that the page has somebody write. What stands in a block without a `$` is what was seen, and is not compared.
Names of the page are names in a sandbox: directories, hosts, and sudo, systemctl and journalctl, which act on it.
"""

import os
import pathlib
import re
import shutil
import subprocess
import typing
import unittest

from sandbox import PACKFERRY, Replication
from service import Receiver, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operating.md"
BLOCK = re.compile(
    r"^<!-- (?P<kind>run|file)(?: (?P<path>/\S+))?(?: after (?P<after>\w+))?(?:, ends with (?P<status>\d+))? -->\n"
    r"```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# What a service logs, and at what level somebody sees it.
LOGGING = ("src/cli/run_serve.cc", "src/cli/generation.cc", "src/service/*.cc", "src/api/*.cc", "src/net/http_server.cc")
LOGGED = re.compile(r'log(?:_|\(\))?\.(?:debug|info|warning|error|write)\(\s*(?:[^";]*,\s*)?"([a-z_.-]+)"')
MARK = re.compile(r"^<!-- (run|file)\b", re.MULTILINE)

SUDO = """#!/bin/bash
# As whoever runs the test; owners and groups are left out, and so is the caller's environment.
unset PACKFERRY_SERVER PACKFERRY_SERVER_TOKEN
words=()
while [ $# -gt 0 ]; do
  case $1 in
    -u | -g | -o) shift ;;
    *) words+=("$1") ;;
  esac
  shift
done
exec "${words[@]}"
"""

SYSTEMCTL = """#!/bin/bash
# What systemd does with packferry.service. A run is ready, and a reload done, when the log says so.
set -euo pipefail
ready() { grep -c "$1" "@ROOT@/log" || true; }
more_than() {
  for _ in $(seq 600); do
    [ "$(ready "$1")" -gt "$2" ] && return
    kill -0 "$(cat "@ROOT@/pid")" 2>/dev/null || { tail -n 5 "@ROOT@/log" >&2; exit 1; }
    sleep 0.05
  done
  exit 1
}
start() {
  before=$(ready service.ready)
  ( set -a
    [ ! -f "@ROOT@/etc/environment" ] || . "@ROOT@/etc/environment"
    cd "@ROOT@/lib" && exec setsid packferry serve "@ROOT@/etc/packferry.toml" >>"@ROOT@/log" 2>&1 </dev/null
  ) &
  echo $! >"@ROOT@/pid"
  more_than service.ready "$before"
}
send() { kill "-$1" "$(cat "@ROOT@/pid")"; }
gone() { while kill -0 "$(cat "@ROOT@/pid")" 2>/dev/null; do sleep 0.05; done; }
case $1 in
  enable | start) start ;;
  stop) send TERM && gone ;;
  restart) send TERM && gone && start ;;
  reload) before=$(ready " configuration\\\\."); send HUP; more_than " configuration\\\\." "$before" ;;
  kill) send KILL && gone && start ;;
  is-active) send 0 && echo active ;;
esac
"""

JOURNALCTL = """#!/bin/bash
cat "@ROOT@/log"
"""


class Step(typing.NamedTuple):
    line: int
    kind: str
    path: str
    after: str
    status: int
    text: str

    @property
    def commands(self):
        """What is behind a `$`, with the lines that a backslash joins to it."""
        commands, goes_on = [], False
        for line in self.text.splitlines():
            if goes_on:
                commands[-1] += "\n" + line
            elif line.startswith("$ "):
                commands.append(line[2:])
            else:
                continue
            goes_on = line.endswith("\\")
        return commands


def steps_of(page):
    for match in BLOCK.finditer(page):
        line = page.count("\n", 0, match.start()) + 1
        yield Step(line, match["kind"], match["path"], match["after"], int(match["status"] or 0), match["text"])


class World(Replication):
    def setUp(self):
        super().setUp()
        self.root = self.directory / "machine"
        for name in ("etc", "lib", "bin", "backups", "prometheus"):
            (self.root / name).mkdir(parents=True)
        (self.root / "log").touch()
        for name, text in (("sudo", SUDO), ("systemctl", SYSTEMCTL), ("journalctl", JOURNALCTL)):
            shim = self.root / "bin" / name
            shim.write_text(text.replace("@ROOT@", str(self.root)))
            shim.chmod(0o755)
        (self.root / "bin" / "packferry").symlink_to(shutil.which(PACKFERRY))
        path = f"{self.root}/bin:{self.environment['PATH']}"
        tokens = {"GITLAB_TOKEN": "glpat-of-a-test", "MIRROR_TOKEN": "of-a-test"}
        self.environment = {**self.environment, **tokens, "PATH": path}
        self.receiver = self.enterContext(Receiver())
        self.names = {
            "/etc/packferry": str(self.root / "etc"),
            "/var/lib/packferry": str(self.root / "lib"),
            "/etc/prometheus": str(self.root / "prometheus"),
            "/var/backups/packferry": str(self.root / "backups"),
            "127.0.0.1:8420": f"127.0.0.1:{free_port()}",
            "https://chat.example.com": self.receiver.url,
        }
        for host in ("gitlab", "mirror", "vault"):
            (self.repos / host / "app").mkdir(parents=True)
            self.names[f"https://{host}.example.com"] = f"{self.servers['FERRY_HTTP_OPEN']}/{self.corner}/{host}"
            self.init(f"{host}/app/web")
        self.commit("gitlab/app/web", "main", count=3)
        self.commit("gitlab/app/web", "topic", count=2)
        self.addCleanup(self.stop)

    def stop(self):
        pid = self.root / "pid"
        if pid.exists():
            subprocess.run(["kill", "-KILL", pid.read_text().strip()], check=False, capture_output=True)

    def here(self, text):
        for name, here in self.names.items():
            text = text.replace(name, here)
        return text

    def follow(self, step):
        if step.after:
            getattr(self, step.after)()
        if step.kind == "file":
            path = pathlib.Path(self.here(step.path))
            path.write_text(self.here(step.text))
            return
        self.assertTrue(step.commands, f"{PAGE.name}:{step.line}: nothing is run")
        state = self.root / "state"  # what one block exports, the next one has
        script = [f"[ ! -f {state} ] || . {state}", f"trap 'export -p >{state}' EXIT", "set -eo pipefail"]
        run = subprocess.run(
            ["bash", "-c", "\n".join([*script, *map(self.here, step.commands)])],
            env=self.environment, cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=self.seconds_max, check=False,
        )  # fmt: skip
        if os.environ.get("VERBOSE"):
            print("\n".join(f"$ {command}" for command in step.commands), run.stdout + run.stderr, sep="\n", flush=True)
        said = f"{run.stdout}{run.stderr}\n--- the log ends with\n" + (self.root / "log").read_text()[-2000:]
        self.assertEqual(run.returncode, step.status, f"{PAGE.name}:{step.line}:\n{step.text}\n--- said\n{said}")

    # What happens without the operator.

    def a_push(self):
        self.commit("gitlab/app/web", "main")

    def a_force_push(self):
        self.commit("gitlab/app/web", "main", parent="refs/heads/main~2")

    def an_outage(self):
        os.rename(self.repos / "vault", self.repos / "vault.away")
        self.a_push()

    def its_end(self):
        os.rename(self.repos / "vault.away", self.repos / "vault")

    def a_loss_of_the_machine(self):
        pid = (self.root / "pid").read_text().strip()
        subprocess.run(["kill", "-KILL", pid], check=True)
        shutil.rmtree(self.root / "lib")
        (self.root / "lib").mkdir()


class Operating(World):
    def test_the_page_is_true(self):
        page = PAGE.read_text()
        steps = list(steps_of(page))
        self.assertEqual(len(steps), len(MARK.findall(page)), "every mark is understood")
        for step in steps:
            self.follow(step)


class LogTable(unittest.TestCase):
    def test_the_page_has_every_event_that_is_logged(self):
        files = [path for pattern in LOGGING for path in ROOT.glob(pattern) if not path.name.endswith("_test.cc")]
        logged = {event for path in files for event in LOGGED.findall(path.read_text())}
        rows = re.findall(
            r"^\| (`[a-z_.`, -]+`) \| [a-z, ]+ \|", PAGE.read_text().split("## The log\n")[1], re.MULTILINE
        )
        told = {event for row in rows for event in re.findall(r"`([^`]+)`", row)}
        self.assertIn("service.ready", logged)
        self.assertEqual(told, logged)


if __name__ == "__main__":
    unittest.main(verbosity=2)
