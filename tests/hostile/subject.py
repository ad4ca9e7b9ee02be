"""The program under attack, and everything that is watched while it runs.

PACKFERRY names the program; ctest sets it. Whatever a peer says, of every single run must hold:

- it ends by itself, and in bounded memory;
- no byte of its output could be taken for a command by a terminal;
- no secret that it was given is in its output, in the arguments or the environment of a program that it starts, or in
  a file that it leaves behind.
"""

import base64
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

PROGRAM = os.environ.get("PACKFERRY", "packferry")
MEASURED = pathlib.Path(__file__).resolve().parent / "measured.py"
# Sanitizers need room of their own: then there is no bound.
MEMORY_IS_BOUNDED = os.environ.get("HOSTILE_MEMORY_IS_BOUNDED", "1") == "1"
# Nothing here takes a tenth of it on a quiet machine.
DEADLINE_SECONDS = int(os.environ.get("HOSTILE_DEADLINE", "60"))
CANARY = "canary-5fbc1e0a77"
# As they stand in an Authorization header.
DISGUISES = [base64.b64encode(f"{user}:{CANARY}".encode()).rstrip(b"=") for user in ("oauth2", "ann")]

# What the program itself says to a terminal: colours, line ends, and how lines are drawn again in place.
OWN_SEQUENCES = re.compile(r"\x1b\[(?:0|1|2|31|32|33|1;31)m|\x1b\[\?7[lh]|\r\x1b\[\d+A\x1b\[J|\r\n")
NOT_FOR_TERMINALS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\udc80-\udcff]")


class Run:
    """What came of it."""

    def __init__(self, status, out, err, memory, ended):
        self.status, self.out, self.err, self.memory, self.ended = status, out, err, memory, ended

    @property
    def said(self):
        return self.out + self.err

    @property
    def text(self):
        return self.said.decode("utf-8", "replace")

    def report(self):
        return json.loads(self.out)


class Subject:
    """The program in a world of its own below `directory`: a home, a PATH of watched programs, a place for results."""

    def __init__(self, directory, program=PROGRAM, deadline=DEADLINE_SECONDS):
        self.directory = pathlib.Path(directory)
        self.program = program
        self.deadline = deadline
        self.home = self.directory / "home"
        self.children = self.directory / "children"
        self.home.mkdir(parents=True)
        watched = self.directory / "bin"
        watched.mkdir()
        for name in ("git", "ssh", "sh"):
            real = shutil.which(name)
            if real is None:
                continue
            shim = watched / name
            shim.write_text(
                "#!/bin/sh\n"
                f"{{ printf '%s\\n' {name} \"$@\"; export -p; }} >>'{self.children}'\n"
                f'exec {real} "$@"\n'
            )
            shim.chmod(0o755)
        self.environment = {
            "PATH": f"{watched}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "ASAN_OPTIONS": "exitcode=99",
            "TSAN_OPTIONS": "exitcode=99",
        }

    def run(self, *words, terminal=False, **environment):
        """Runs it to its end, on pipes or with all three standard descriptors on one terminal."""
        self.children.unlink(missing_ok=True)
        environment = {**self.environment, **environment}
        measure = self.directory / "memory"
        words = [sys.executable, "-IS", MEASURED, measure, self.program, *words]
        if terminal:
            ours, theirs = pty.openpty()
            process = subprocess.Popen(
                words, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
            )
            os.close(theirs)
            outputs = {ours: bytearray()}
        else:
            process = subprocess.Popen(
                words,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            outputs = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
        ended = self.listen(outputs)
        if not ended:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        memory = int(measure.read_text()) * 1024 if measure.exists() else 0
        if terminal:
            os.close(ours)
        else:
            process.stdout.close()
            process.stderr.close()
        said = [bytes(output) for output in outputs.values()]
        return Run(process.returncode, said[0], said[1] if len(said) > 1 else b"", memory, ended)

    def listen(self, outputs):
        """Up to the end of all of them; False when that does not come in time."""
        until = time.monotonic() + self.deadline
        waiting = set(outputs)
        while waiting:
            ready, _, _ = select.select(waiting, [], [], max(0, until - time.monotonic()))
            if not ready:
                return False
            for fd in ready:
                try:
                    data = os.read(fd, 65_536)
                except OSError:  # how a terminal says that nobody has it open any more
                    data = b""
                outputs[fd] += data
                if not data:
                    waiting.discard(fd)
        return True

    def objections(self, run, left_behind=(), memory_mib=64):
        """What must hold of every run, and does not."""
        found = []
        if not run.ended:
            found.append(f"did not end within {self.deadline} s")
        if run.status not in (0, 1, 2, 3, 4, 5):
            found.append(f"ended with status {run.status}")
        if MEMORY_IS_BOUNDED and run.memory > memory_mib * 2**20:
            found.append(f"took {run.memory // 2**20} MiB")
        raw = NOT_FOR_TERMINALS.search(OWN_SEQUENCES.sub("", run.said.decode("utf-8", "surrogateescape")))
        if raw:
            found.append(f"said {raw.group()!r} as it is")
        places = {"output": run.said, "children": self.children.read_bytes() if self.children.exists() else b""}
        for directory in left_behind:
            for path in pathlib.Path(directory).rglob("*"):
                if path.is_file():
                    places[str(path)] = path.read_bytes()
        for place, data in places.items():
            for disguise in (CANARY.encode(), *DISGUISES):
                if disguise in data:
                    found.append(f"the secret is in {place}")
        return found
