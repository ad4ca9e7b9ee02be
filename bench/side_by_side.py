"""What the benches share: several ways to the same end, measured in turn on servers of their own."""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from repositories import environment, git, prepare, rewind

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Sample:
    wall: float
    cpu: float
    server_cpu: float | None
    rss_mb: float
    disk_mb: float


@dataclass
class Figures:
    samples: list = field(default_factory=list)

    def median(self, name):
        values = [getattr(sample, name) for sample in self.samples]
        return None if any(value is None for value in values) else statistics.median(values)


class Servers:
    """nginx and git http-backend on loopback, and what CPU they have used."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir(parents=True)
        # fcgiwrap does not account for its children, so each request says itself what it has used.
        self.spent = directory / "spent"
        self.spent.touch()
        backend = directory / "backend"
        backend.write_text(f'#!/bin/sh\ngit http-backend\ntimes >>{self.spent}\n')
        backend.chmod(0o755)
        subprocess.run([ROOT / "tests/servers/servers.sh", "start", directory, str(os.getpid())], check=True,
                       env={**os.environ, "FERRY_HTTP_BACKEND": str(backend)})
        self.env = {}
        for line in (directory / "env").read_text().splitlines():
            if "=" in line:
                name, value = line.removeprefix("export ").split("=", 1)
                self.env[name] = value.strip("'\"")
        self.repositories = Path(self.env["FERRY_REPOS"])
        self.sessions = {int((directory / "pids" / name).read_text().split()[0])
                         for name in os.listdir(directory / "pids") if name != "follower"}

    def url(self, name):
        return f"{self.env['FERRY_HTTP_OPEN']}/{name}.git"

    def cpu(self):
        ticks = 0
        for process in os.listdir("/proc"):
            if not process.isdigit():
                continue
            try:
                values = Path("/proc", process, "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(values[3]) in self.sessions:  # session id
                ticks += sum(int(value) for value in values[11:15])  # own and reaped children's, user and system
        requests = re.findall(r"(\d+)m([\d.]+)s", self.spent.read_text())
        return ticks / os.sysconf("SC_CLK_TCK") + sum(60 * int(minutes) + float(seconds) for minutes, seconds in requests)

    def stop(self):
        subprocess.run([ROOT / "tests/servers/servers.sh", "stop", self.directory], check=True)


def measure(work, commands, client_disk, servers=None):
    """Runs the commands one after the other as one client and waits for its servers to be idle again."""
    before = servers.cpu() if servers else None
    begin = time.monotonic()
    cpu = rss = 0.0
    for command in commands:
        # time(1) stands between, because a child of ours would be charged with our own memory.
        with open(work / "log", "ab") as log:
            code = subprocess.call(["time", "--quiet", "-f", "%U %S %M", "-o", work / "usage", *command],
                                   env=environment(work), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        if code != 0:
            sys.exit(f"bench: {' '.join(map(str, command))}: exit {code}, see {work / 'log'}")
        user, system, kilobytes = map(float, (work / "usage").read_text().split())
        cpu += user + system
        rss = max(rss, kilobytes / 1024)
    wall = time.monotonic() - begin
    disk = sum(file.stat().st_size for path in client_disk for file in path.rglob("*") if file.is_file()) / 1e6
    return Sample(wall, cpu, servers.cpu() - before if servers else None, rss, disk)


class Bench:
    """A subclass has a method for each case: (name, source, carrier) -> rows of the table, by run()."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.work = Path(arguments.work).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.servers = Servers(self.work / "servers")
        self.hosts = self.servers.repositories

    def stop(self):
        self.servers.stop()

    def place(self, carrier, name):
        return self.servers.url(name) if carrier == "http" else str(self.hosts / f"{name}.git")

    def fresh(self, name, template=None):
        path = self.hosts / f"{name}.git"
        shutil.rmtree(path, ignore_errors=True)
        if template:
            shutil.copytree(template, path, symlinks=True)
        else:
            git(self.work, "init", "--quiet", "--bare", path)
        git(self.work, "config", "http.receivepack", "true", cwd=path)
        return path

    def client(self, template=None):
        path = self.work / "client"
        shutil.rmtree(path, ignore_errors=True)
        if template:
            shutil.copytree(template, path, symlinks=True)
        return path

    def run(self, name, case, carrier, ways):
        """`ways`: name -> function that prepares and returns (commands, client disk, check)."""
        figures = {way: Figures() for way in ways}
        for _ in range(self.arguments.runs):
            for way, make in ways.items():
                commands, disk, check = make()
                figures[way].samples.append(
                    measure(self.work, commands, disk, self.servers if carrier == "http" else None))
                if not check():
                    sys.exit(f"bench: {name} {case} {way}: the refs differ afterwards")
        for way, figure in figures.items():
            self.print_row(name, case, carrier, way, figure, figures["packferry"])

    @staticmethod
    def print_row(name, case, carrier, way, figure, ours):
        def cell(column, digits=2):
            value = figure.median(column)
            return "-" if value is None else f"{value:.{digits}f}"

        def ratio(column):
            mine, theirs = ours.median(column), figure.median(column)
            return "-" if not mine or theirs is None else f"{theirs / mine:.2f}"

        print(f"| {name} | {case} | {carrier} | {way} | {cell('wall')} | {ratio('wall')} | {cell('cpu', 3)} | "
              f"{ratio('cpu')} | {cell('server_cpu')} | {ratio('server_cpu')} | {cell('rss_mb', 0)} | "
              f"{cell('disk_mb', 1)} |", flush=True)

    def repository(self, name, path):
        source = self.hosts / "source.git"
        shutil.rmtree(source, ignore_errors=True)
        prepare(self.work, path, source)
        for carrier in ["http", "pipe"] if self.arguments.carrier == "both" else [self.arguments.carrier]:
            for case in self.arguments.cases.split(","):
                getattr(self, case)(name, source, carrier)

    def as_it_was(self, source):
        """The source before its newest commits, and how many refs they have changed."""
        old = self.work / "old.git"
        shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(source, old)
        changed = rewind(self.work, old, self.arguments.commits)
        git(self.work, "repack", "-adq", cwd=old)
        git(self.work, "prune", "--expire=now", cwd=old)
        return old, changed

    @staticmethod
    def no_local(carrier):
        return [] if carrier == "http" else ["--no-local"]


def main(bench_class, description, cases, add_options=lambda parser: None):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--carrier", choices=["http", "pipe", "both"], default="both")
    parser.add_argument("--cases", default=cases)
    parser.add_argument("--commits", type=int, default=100, help="how many commits an incremental run brings")
    parser.add_argument("--work", default=os.path.join(os.environ.get("TMPDIR", "/tmp"), "packferry-bench"))
    parser.add_argument("--binary", default=ROOT / "build/release/packferry")
    add_options(parser)
    parser.add_argument("repositories", nargs="+", metavar="NAME=REPOSITORY")
    arguments = parser.parse_args()
    print(f"{subprocess.check_output([str(arguments.binary), '--version'], text=True).strip()}; "
          f"{subprocess.check_output(['git', '--version'], text=True).strip()}; {os.cpu_count()} processors; "
          f"medians of {arguments.runs}; a ratio is the other way's figure over packferry's\n")
    print("| repository | case | carrier | way | wall s | ratio | client CPU s | ratio | servers' CPU s | ratio | "
          "peak RSS MB | disk MB |\n|---|---|---|---|---|---|---|---|---|---|---|---|")
    bench = bench_class(arguments)
    try:
        for repository in arguments.repositories:
            name, path = repository.split("=", 1)
            bench.repository(name, Path(path).resolve())
    finally:
        bench.stop()
