"""Runs a buildspec as AWS CodeBuild runs it, in a Debian with nothing in it.

CleanRoot is a Debian made by debootstrap once and kept; each build gets a layer of its own above it, in namespaces of its
own for mounts and processes, and the machine's network. So it needs root, and a kernel with overlayfs.

As in CodeBuild: a build has the phases install, pre_build, build and post_build; the entries of a phase are run by one
shell, the first that fails ends the phase; a failed install ends the build, a failed build still has its post_build; a
batch runs the same phases once for each item of its list, with the item's variables (here: one after the other).
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import typing

sys.path.append("/usr/lib/python3/dist-packages")
import yaml  # pylint: disable=wrong-import-position

PHASES = ("install", "pre_build", "build", "post_build")
MIRROR = os.environ.get("PACKFERRY_DEBIAN_MIRROR", "http://deb.debian.org/debian")
# How this machine reaches the mirror, and whom it trusts.
APT_SETTINGS = ("etc/apt/sources.list", "etc/apt/sources.list.d", "etc/apt/apt.conf.d", "usr/local/share/ca-certificates",
                "etc/ssl/certs", "etc/resolv.conf")  # fmt: skip

# In namespaces of its own: the layer, what programs expect, and then the shell of CodeBuild.
ENTER = """
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$BASE,upperdir=$LAYER/changes,workdir=$LAYER/work" "$LAYER/root"
mount -t proc proc "$LAYER/root/proc"
for device in null zero urandom random; do : >>"$LAYER/root/dev/$device"; mount --bind "/dev/$device" "$LAYER/root/dev/$device"; done
mount --bind "$CACHE" "$LAYER/root/var/cache/apt/archives"
mount --bind "$LAYER/build" "$LAYER/root/codebuild"
exec env -i /usr/sbin/chroot "$LAYER/root" /bin/sh /codebuild/environment.sh /codebuild/phase.sh
"""


class Phase(typing.NamedTuple):
    name: str
    succeeded: bool
    said: str


class Build(typing.NamedTuple):
    identifier: str  # of a batch's item; else ""
    phases: list

    @property
    def succeeded(self):
        return all(phase.succeeded for phase in self.phases)

    @property
    def said(self):
        return "".join(phase.said for phase in self.phases)


class CleanRoot:
    """The Debian below all builds; `directory` keeps it from one run to the next."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.base, self.cache = self.directory / "bookworm", self.directory / "packages"
        self.cache.mkdir(parents=True, exist_ok=True)
        if not self.base.exists():
            self.make()

    def make(self):
        unfinished = self.directory / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        run = ["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(unfinished), MIRROR]
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
        for name in APT_SETTINGS:
            if os.path.exists(f"/{name}"):
                subprocess.run(["cp", "-aT", os.path.realpath(f"/{name}"), unfinished / name], check=True)
            elif (unfinished / name).is_file():
                (unfinished / name).unlink()  # else the same packages would be listed twice
        # Debian's images for containers throw packages away; here they are kept, for the next build.
        (unfinished / "etc/apt/apt.conf.d/docker-clean").unlink(missing_ok=True)
        (unfinished / "etc/apt/apt.conf.d/99keep").write_text(
            'Binary::apt-get::APT::Keep-Downloaded-Packages "true";\n'
        )
        (unfinished / "codebuild").mkdir()
        unfinished.rename(self.base)


def run_buildspec(root, text, environment):
    """The builds that a buildspec makes: one, or those of its batch. `environment` is the project's and CodeBuild's."""
    spec = yaml.safe_load(text)
    if spec["version"] != 0.2:
        raise ValueError(f"buildspec version {spec['version']}")
    unknown = set(spec) - {"version", "env", "phases", "batch"}
    if unknown:
        raise ValueError(f"a buildspec with {unknown}")
    if "batch" not in spec:
        return [_build(root, spec, "", environment)]
    items = spec["batch"]["build-list"]
    return [_build(root, spec, item["identifier"], {**environment, **_variables(item)}) for item in items]


def _variables(has_env):
    return {name: str(value) for name, value in has_env.get("env", {}).get("variables", {}).items()}


def _build(root, spec, identifier, environment):
    environment = {**_variables(spec), **environment}
    if identifier:
        environment["CODEBUILD_BATCH_BUILD_IDENTIFIER"] = identifier
    phases = []
    with tempfile.TemporaryDirectory(prefix="packferry-build-", dir=root.directory) as directory:
        layer = pathlib.Path(directory)
        for name in ("changes", "work", "root", "build", "build/src"):
            (layer / name).mkdir()
        lines = [f"export {name}={_quoted(value)}\n" for name, value in environment.items()]
        (layer / "build/environment.sh").write_text("".join(lines) + '. "$1"\n')
        for name in PHASES:
            if name not in spec["phases"]:
                continue
            phases.append(_phase(root, layer, name, spec["phases"][name]))
            aborts = spec["phases"][name].get("on-failure", "ABORT" if name == "install" else "CONTINUE") == "ABORT"
            if not phases[-1].succeeded and (aborts or name in ("install", "pre_build")):
                break
        # The work directory of an overlay has a part that nobody may enter.
        subprocess.run(["chmod", "-R", "u+rwx", str(layer / "work")], check=False)
    return Build(identifier, phases)


def _phase(root, layer, name, phase):
    unknown = set(phase) - {"commands", "finally", "on-failure"}
    if unknown:
        raise ValueError(f"phase {name} with {unknown}")
    script = ["cd /codebuild/src\n"]
    for number, command in enumerate(phase["commands"]):
        (layer / f"build/{name}-{number}.sh").write_text(command)
        script.append(f". /codebuild/{name}-{number}.sh || exit\n")
    (layer / "build/phase.sh").write_text("".join(script))
    run = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", ENTER],
        env={"PATH": os.environ["PATH"], "BASE": str(root.base), "CACHE": str(root.cache), "LAYER": str(layer)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return Phase(name, run.returncode == 0, run.stdout)


def _quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def environment_of_a_build(project, region, account):
    """What CodeBuild tells every build."""
    arn = f"arn:aws:codebuild:{region}:{account}:build/{project}:0b4c3a52-0000-4000-8000-000000000001"
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "CODEBUILD_BUILD_ARN": arn,
        "CODEBUILD_BUILD_ID": arn.rpartition("/")[2],
        "CODEBUILD_BUILD_IMAGE": "debian:12",
        "CODEBUILD_BUILD_NUMBER": "1",
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": "packferry-schedule",
        "CODEBUILD_SRC_DIR": "/codebuild/src",
        "CI": "true",
    }
