#!/usr/bin/env python3
"""A double of AWS CodeCommit and STS, on loopback: real git behind the door of CodeCommit, and the API beside it. It checks
everything that it can check, and takes nothing that CodeCommit is known to refuse.

    codecommit_double.py CONFIGURATION [--port PORT] [--certificate PEM] [--log FILE]

prints its address and serves until it is interrupted. In tests it lives in their process:

    with Double(configuration) as double:
        double.url, double.log, double.clock.offset_seconds = 900, double.throttle("111122223333", "eu-west-1", 5), …

The configuration is JSON:

    {"page": 10,
     "accounts": {"111122223333": {
        "regions": {"eu-central-1": "/directory/of/bare/repositories"},
        "keys": [{"id": "AKIA…", "secret": "…", "token": …, "expires": …, "arn": …, "policies": [{IAM policy}, …]}],
        "roles": {"backup": {"trust": {IAM policy}, "policies": [{IAM policy}, …], "seconds_max": 3600}}}},
     "identity_providers": {"gitlab.example.com": {"secret": "…", "audiences": ["https://gitlab.example.com"]}},
     "faults": {"111122223333/eu-central-1/web": {"failing": true}}}

Without "policies", a key may do everything in its account. Faults: {"denied": true} 403, {"failing": true} 500,
{"throttled": N} 429 for the first N requests, and of the packs that are fetched: {"cut": true} the connection ends in
the middle, {"corrupt": true} a byte is another, {"stalled": true} nothing more comes.

It is for tools too that think they speak to AWS: CODE_COMMIT_ENDPOINT for Git, AWS_ENDPOINT_URL_CODECOMMIT and
AWS_ENDPOINT_URL_STS for the API, all three with the printed address. The Git password is signed for the host without its
port.
"""

import argparse
import collections
import json
import pathlib
import re
import socket
import tempfile
import threading
import time
import uuid

import codecommit_api
import codecommit_git
import http_double
from aws_identities import Clock, Identities, Refused
from git_backend import Backend

GIT_PATH = re.compile(r"(?P<path>/v1/repos/(?P<name>.*?))/(?P<operation>info/refs|git-upload-pack|git-receive-pack)")


class Double(http_double.Double):
    def __init__(self, configuration, port=0, certificate=None, log=None):
        self.clock = Clock(configuration.get("clock_offset_seconds", 0))
        self.identities = Identities(configuration, self.clock)
        self.place = codecommit_api.directory_of(configuration)
        self.api = codecommit_api.CodeCommitApi(self.place, configuration.get("page", 100))
        self.sts = codecommit_api.Sts(self.identities)
        self.faults = {tuple(name.split("/")): fault for name, fault in configuration.get("faults", {}).items()}
        self.log = []
        self.log_file = log
        # Called with what a request says of itself, before anything about it is checked.
        self.before = lambda record: None
        self.lock = threading.Lock()
        self.to_throttle = collections.Counter()
        self.per_second = {}
        self.recent = collections.defaultdict(collections.deque)
        self.is_closing = threading.Event()
        self.server = http_double.Server(("127.0.0.1", port), self, Handler, certificate)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.is_closing.set()
        super().close()

    def environment(self):
        """What a program needs to find us instead of AWS."""
        return {
            "CODE_COMMIT_ENDPOINT": self.url,
            "AWS_ENDPOINT_URL_CODECOMMIT": self.url,
            "AWS_ENDPOINT_URL_STS": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def throttle(self, account, region, count):
        """The next `count` requests there, Git's or the API's, are too many."""
        with self.lock:
            self.to_throttle[account, region] += count

    def limit(self, account, region, per_second):
        """More requests than this in any second are too many."""
        with self.lock:
            self.per_second[account, region] = per_second

    def is_throttled(self, account, region, repository):
        with self.lock:
            fault = self.faults.get((account, region, repository), {})
            if fault.get("throttled", 0) > 0:
                fault["throttled"] -= 1
                return True
            if self.to_throttle[account, region] > 0:
                self.to_throttle[account, region] -= 1
                return True
            if (account, region) not in self.per_second:
                return False
            recent, now = self.recent[account, region], time.monotonic()
            while recent and recent[0] <= now - 1:
                recent.popleft()
            if len(recent) >= self.per_second[account, region]:
                return True
            recent.append(now)
            return False

    def note(self, record):
        with self.lock:
            self.log.append(record)
            if self.log_file:
                print(json.dumps(record), file=self.log_file, flush=True)

    def requests(self, **wanted):
        """Those in the log of which all this is true."""
        with self.lock:
            return [each for each in self.log if all(each.get(name) == value for name, value in wanted.items())]


class Handler(http_double.Handler):
    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def serve(self):
        self.double = self.server.double
        self.record = {"kind": "", "account": "", "region": "", "repository": "", "operation": "", "status": 0}
        with tempfile.TemporaryFile() as self.body:
            self.read_body(self.body)
            self.serve_body()

    def serve_body(self):
        path, _, self.query = self.path.partition("?")
        try:
            if git := GIT_PATH.fullmatch(path):
                self.serve_git(git)
            elif self.command == "POST" and path == "/":
                self.serve_api() if "X-Amz-Target" in self.headers else self.serve_sts()
            else:
                self.record["kind"] = "unknown"
                self.answer(404, b"", "text/plain")
        except Refused as refused:
            self.refuse_git(refused)

    def answer(self, status, content, content_type, headers=()):
        self.record["status"] = status
        self.double.note(self.record)
        self.say(status, content, content_type, headers)

    # Git.

    def serve_git(self, git):
        name, operation = git["name"], git["operation"]
        service = dict(each.partition("=")[::2] for each in self.query.split("&")).get("service", "")
        self.record.update(
            kind="git", repository=name, operation=f"{service} refs" if operation == "info/refs" else operation
        )
        service = service if operation == "info/refs" else operation
        if "Authorization" not in self.headers:
            raise Refused(401, "Unauthorized", "credentials, please")
        self.double.before(self.record)
        host = self.headers["Host"].partition(":")[0]
        key, region = self.double.identities.check_git(self.headers["Authorization"], host, git["path"])
        self.record.update(account=key.principal.account, region=region, key=key.id)
        if self.double.is_throttled(key.principal.account, region, name):
            raise Refused(429, "Throttled", "Rate Exceeded")
        if service not in ("git-upload-pack", "git-receive-pack"):
            raise Refused(403, "AccessDenied", f"service {service}")
        # With a slash at the end, or .git, it is another name; and there is no repository of such a name.
        repository = self.double.place(key.principal.account, region) / f"{name}.git"
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name) or name.endswith(".git") or not repository.is_dir():
            raise Refused(404, "NotFound", "repository not found")
        fault = self.double.faults.get((key.principal.account, region, name), {})
        if fault.get("denied"):
            raise Refused(403, "AccessDenied", "denied")
        if fault.get("failing"):
            raise Refused(500, "InternalError", "Internal Server Error")
        may = Permission(key.principal, region, name, "GitPull" if service == "git-upload-pack" else "GitPush")
        may.check()
        if operation == "info/refs":
            self.serve_refs(repository, service)
        elif service == "git-upload-pack":
            self.serve_fetch(repository, fault)
        else:
            self.serve_push(repository, may)

    def refuse_git(self, refused):
        headers = [("WWW-Authenticate", 'Basic realm="AWS CodeCommit"')] if refused.status == 401 else []
        self.answer(refused.status, f"{refused.message}\n".encode(), "text/plain", headers)

    def backend(self, repository, operation, body=None):
        content_type = self.headers.get("Content-Type", "")
        return Backend(repository, operation, self.command, self.query, content_type, body, user="codecommit")

    def serve_refs(self, repository, service):
        with self.backend(repository, "info/refs") as backend:
            content = b"".join(backend.blocks())
        if backend.status == 200:
            content = codecommit_git.advertisement(content, service)
        content_type = dict(backend.headers).get("Content-Type", "text/plain")
        self.answer(backend.status, content, content_type, [("Cache-Control", "no-cache")])

    def serve_fetch(self, repository, fault):
        wrong = codecommit_git.fault_of_fetch(self.body)
        if wrong:
            self.answer(200, codecommit_git.packet(f"ERR {wrong}".encode()), "application/x-git-upload-pack-result")
            return
        with self.backend(repository, "git-upload-pack", self.body) as backend:
            self.record["status"] = backend.status
            self.double.note(self.record)
            self.begin_chunked(backend)
            if {"cut", "corrupt", "stalled"} & set(fault):
                self.serve_broken(bytearray(b"".join(backend.blocks())), fault)
                return
            for block in backend.blocks():
                self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
            self.wfile.write(b"0\r\n\r\n")

    def begin_chunked(self, backend):
        self.send_response(backend.status)
        self.send_header("Content-Type", dict(backend.headers)["Content-Type"])
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def serve_broken(self, content, fault):
        """The answer with a pack that is not all there, or not right. What comes before a pack stays whole."""
        places = codecommit_git.pack_packets(content)
        start, end = places[len(places) // 2] if places else (len(content), len(content))
        middle = (start + end) // 2
        if places and "corrupt" in fault:
            content[middle] ^= 0x20
        shown = content if "corrupt" in fault or not places else content[:middle]
        self.wfile.write(b"%x\r\n%b\r\n" % (len(shown), shown))
        if len(shown) == len(content):
            self.wfile.write(b"0\r\n\r\n")
            return
        self.wfile.flush()
        if "stalled" in fault:
            self.double.is_closing.wait(timeout=600)
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def serve_push(self, repository, may):
        push = codecommit_git.Push(self.body)
        for _, _, ref in push.commands:
            may.check(ref)
        self.record["commands"] = len(push.commands)
        if wrong := push.fault():
            self.answer(200, push.refused(wrong), "application/x-git-receive-pack-result")
            return
        had_branches = bool(codecommit_api.branches(repository))
        with self.backend(repository, "git-receive-pack", self.body) as backend:
            content = b"".join(backend.blocks())
        if not had_branches and (first := push.first_branch()) and codecommit_api.branches(repository):
            (repository / "HEAD").write_text(f"ref: {first}\n")
        self.answer(backend.status, content, dict(backend.headers).get("Content-Type", "text/plain"))

    # The API.

    def signed_by(self, service, body):
        """The key and region of whoever signed this request, who may be asking too often."""
        self.double.before(self.record)
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        key, region = self.double.identities.check_request(
            service, self.command, self.path, headers, body
        )  # fmt: skip
        self.record.update(account=key.principal.account, region=region, key=key.id)
        return key, region

    def serve_api(self):
        operation = self.headers["X-Amz-Target"].removeprefix(codecommit_api.TARGET)
        self.record.update(kind="api", operation=operation)
        body = self.body.read()
        status = 200
        try:
            request = json.loads(body)
            self.record["repository"] = request.get("repositoryName", "")
            key, region = self.signed_by("codecommit", body)
            if self.double.is_throttled(key.principal.account, region, None):
                raise Refused(400, "ThrottlingException", "Rate exceeded")
            content = codecommit_api.json_answer(self.double.api.answer(operation, key, region, request))
        except ValueError:
            status, content = codecommit_api.json_error(Refused(400, "SerializationException", "not JSON"))
        except Refused as refused:
            status, content = codecommit_api.json_error(refused)
        self.answer(status, content, "application/x-amz-json-1.1", [("x-amzn-requestid", str(uuid.uuid4()))])

    def serve_sts(self):
        body = self.body.read()
        form = codecommit_api.form_of(body)
        self.record.update(kind="sts", operation=form.get("Action", ""))
        status = 200
        try:
            content = self.double.sts.answer(lambda: self.signed_by("sts", body)[0], form).encode()
        except Refused as refused:
            status, content = codecommit_api.sts_error(refused)
        self.answer(status, content, "text/xml")


class Permission:
    """What a principal may do with a repository; for pushes, ref by ref. The first request of a push names no ref."""

    def __init__(self, principal, region, name, operation):
        self.principal, self.region, self.action = principal, region, f"codecommit:{operation}"
        self.resource = f"arn:aws:codecommit:{region}:{principal.account}:{name}"

    def check(self, ref=None):
        context = {"aws:RequestedRegion": self.region}
        if ref:
            context["codecommit:References"] = ref
        if not self.principal.may(self.action, self.resource, context):
            raise Refused(403, "AccessDenied", f"{self.principal.arn} may not {self.action} on {self.resource}")


def main():
    options = argparse.ArgumentParser(description="A double of AWS CodeCommit and STS.")
    options.add_argument("configuration", type=pathlib.Path)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--certificate", help="key and certificate, PEM: serve https")
    options.add_argument("--log", type=argparse.FileType("a"), help="one JSON object for each request")
    given = options.parse_args()
    double = Double(json.loads(given.configuration.read_text()), given.port, given.certificate, given.log)
    print(double.url, flush=True)
    try:
        double.server.serve_forever()
    except KeyboardInterrupt:
        double.close()


if __name__ == "__main__":
    main()
