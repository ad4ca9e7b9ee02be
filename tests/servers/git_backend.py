"""git http-backend, run for one request: what a double's Git is made of."""

import os
import pathlib
import subprocess

CONFIGURATION = {
    "http.receivePack": "true",
    "uploadpack.allowTipSHA1InWant": "true",
    "uploadpack.allowReachableSHA1InWant": "true",
    "safe.directory": "*",
    "gc.auto": "0",
    "receive.autoGC": "false",
    "core.fsync": "none",  # else thousands of refs take half a minute
}


class Backend:
    """Protocol 0, unless the header that asks for another is passed on."""

    def __init__(self, repository, operation, method, query, content_type, body, user, protocol="", more=None):
        configuration = {**CONFIGURATION, **(more or {})}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": str(len(configuration)),
            "GIT_PROJECT_ROOT": str(pathlib.Path(repository).parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": protocol,
            "PATH_INFO": f"/{pathlib.Path(repository).name}/{operation}",
            "QUERY_STRING": query,
            "REQUEST_METHOD": method,
            "CONTENT_TYPE": content_type,
            "REMOTE_USER": user,
            "REMOTE_ADDR": "127.0.0.1",
        }
        for number, (name, value) in enumerate(configuration.items()):
            environment[f"GIT_CONFIG_KEY_{number}"] = name
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        if body is not None:
            body.seek(0, os.SEEK_END)
            environment["CONTENT_LENGTH"] = str(body.tell())
            body.seek(0)
        self.process = subprocess.Popen(
            ["git", "http-backend"],
            env=environment,
            stdin=body or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.status, self.headers = 200, []
        while line := self.process.stdout.readline().strip():
            name, _, value = line.decode().partition(": ")
            if name == "Status":
                self.status = int(value.split()[0])
            else:
                self.headers.append((name, value))

    def blocks(self):
        # read1: what git has said is passed on, and not held until there is more of it.
        while block := self.process.stdout.read1(65536):
            yield block

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdout.close()  # who still writes dies of it
        self.process.wait()
