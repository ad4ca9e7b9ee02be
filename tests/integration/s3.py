"""A real S3 server for the integration tests, a client of it that shares nothing with the program, and a wire that a
test can listen to and cut."""

import datetime
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import typing
import urllib.parse
import xml.etree.ElementTree

RADOSGW = pathlib.Path(__file__).resolve().parents[1] / "servers" / "radosgw.sh"


class Keys(typing.NamedTuple):
    access: str
    secret: str

    def environment(self):
        return {"AWS_ACCESS_KEY_ID": self.access, "AWS_SECRET_ACCESS_KEY": self.secret}


class Answer(typing.NamedTuple):
    status: int
    headers: dict
    body: bytes

    def texts(self, tag):
        """What the elements of this name hold, whatever their namespace."""
        root = xml.etree.ElementTree.fromstring(self.body)
        return [each.text for each in root.iter() if each.tag.rpartition("}")[2] == tag]


class Server:
    """radosgw, for as long as this process or until stop(). With roles it says less about keys that are wrong."""

    def __init__(self, has_roles=False):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="packferry-s3-"))
        try:
            environment = {**os.environ, "FERRY_S3_STS": "1" if has_roles else ""}
            subprocess.run([RADOSGW, "start", self.directory, str(os.getpid())], env=environment, check=True)
        except subprocess.CalledProcessError:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise
        lines = (self.directory / "env").read_text().splitlines()
        env = {name: shlex.split(value)[0] for name, value in (line.split("=", 1) for line in lines)}
        self.endpoint = env["FERRY_S3_ENDPOINT"]
        self.tls_endpoint, self.ca_file = env["FERRY_S3_TLS_ENDPOINT"], env["FERRY_S3_CA_FILE"]
        self.bucket = env["FERRY_S3_BUCKET"]
        self.keys = Keys(env["FERRY_S3_ACCESS_KEY"], env["FERRY_S3_SECRET_KEY"])

    def stop(self):
        subprocess.run([RADOSGW, "stop", self.directory], check=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def admin(self, *words):
        run = ["radosgw-admin", "-n", "client.rgw", "-c", self.directory / "ceph.conf", *words]
        subprocess.run(run, check=True, capture_output=True)

    def add_user(self, name, account=None):
        """Another user, in an account of AWS's twelve digits or in none; what it may do is for the policies of buckets
        to say. Accounts are radosgw's tenants."""
        keys = Keys(f"{name.upper()}KEY".ljust(20, "0"), f"{name}-secret/plus+slash".ljust(40, "0"))
        tenant = ["--tenant", account] if account else []
        self.admin("user", "create", *tenant, f"--uid={name}", f"--display-name={name}", f"--access-key={keys.access}",
                   f"--secret={keys.secret}")  # fmt: skip
        return keys

    def add_role(self, account, name, trust, policy):
        """Whom it trusts and what it may do are IAM policies. Of the latter, what is about other services than S3 is left
        out: radosgw takes no action that it does not know."""
        ours = [each for each in policy["Statement"] if all(action.startswith("s3:") for action in each["Action"])]
        policy = {**policy, "Statement": ours}
        role = ["--tenant", account, f"--role-name={name}"]
        self.admin("role", "create", *role, f"--assume-role-policy-doc={json.dumps(trust)}")
        self.admin("role-policy", "put", *role, "--policy-name=all", f"--policy-doc={json.dumps(policy)}")
        return f"arn:aws:iam::{account}:role/{name}"

    def remove_role(self, account, name):
        role = ["--tenant", account, f"--role-name={name}"]
        self.admin("role-policy", "delete", *role, "--policy-name=all")
        self.admin("role", "delete", *role)

    def take_role(self, role, keys):
        """What these keys get for the role: {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}."""
        wanted = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role, "RoleSessionName": "build"}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = urllib.parse.urlencode(wanted).encode()
        answer = self.ask("POST", "", headers=headers, body=body, keys=keys, service="sts")
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
        return {name: answer.texts(name)[0] for name in names}

    def ask(
        self, method, bucket, key="", query=None, headers=None, body=b"", expect=(200, 204), keys=None, service="s3"
    ):
        """A request signed by hand (version 4), as the owner or with other keys."""
        keys = keys or self.keys
        host = urllib.parse.urlsplit(self.endpoint).netloc
        path = urllib.parse.quote(f"/{bucket}/{key}" if key else f"/{bucket}", safe="/-_.~")
        # In the order of their names, as they are signed.
        query_text = urllib.parse.urlencode(sorted((query or {}).items()), quote_via=urllib.parse.quote, safe="-_.~")
        time = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        signed = {**(headers or {}), "host": host, "x-amz-content-sha256": digest, "x-amz-date": time}
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        canonical = f"{method}\n{path}\n{query_text}\n{lines}\n{names}\n{digest}"
        scope = f"{time[:8]}/us-east-1/{service}/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key_bytes = b"AWS4" + keys.secret.encode()
        for word in scope.split("/"):
            key_bytes = hmac.digest(key_bytes, word.encode(), "sha256")
        signature = hmac.digest(key_bytes, to_sign.encode(), "sha256").hex()
        signed[
            "authorization"
        ] = f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            connection.request(method, f"{path}?{query_text}" if query_text else path, body or None, signed)
            response = connection.getresponse()
            answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()
        if answer.status not in expect:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body.decode(errors='replace')}")
        return answer

    def put(self, bucket, key, body):
        self.ask("PUT", bucket, key, body=body)

    def get(self, bucket, key):
        return self.ask("GET", bucket, key).body

    def keys_below(self, bucket, prefix):
        return [key for key, _ in self.objects_below(bucket, prefix)]

    def objects_below(self, bucket, prefix):
        """All pages of it: pairs of key and ETag."""
        query, objects = {"list-type": "2", "prefix": prefix}, []
        while True:
            page = self.ask("GET", bucket, query=query)
            objects += zip(page.texts("Key"), page.texts("ETag"))
            token = page.texts("NextContinuationToken")
            if not token:
                return objects
            query["continuation-token"] = token[0]

    def uploads(self, bucket):
        """The ids of the multipart uploads that are neither finished nor aborted."""
        return self.ask("GET", bucket, query={"uploads": ""}).texts("UploadId")


def free_endpoint():
    """Where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


class Wire:
    """Passes connections on to a server, and remembers the heads of what is asked. It goes dead, in both directions
    and for good, when `cut_at` is first asked for."""

    def __init__(self, endpoint, cut_at=None):
        self.server = urllib.parse.urlsplit(endpoint)
        self.cut_at = cut_at
        self.is_cut = threading.Event()
        self.asked = bytearray()
        self.sockets = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection((self.server.hostname, self.server.port))
            with self.lock:
                self.sockets += [client, server]
            threading.Thread(target=self.carry, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(server, client, False), daemon=True).start()

    def carry(self, from_, to, is_asking):
        try:
            while block := from_.recv(65536):
                if is_asking:
                    self.hear(block)
                if self.is_cut.is_set():
                    return
                to.sendall(block)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def hear(self, block):
        # A head is at the beginning of what is sent at once; parts of bodies that are taken for one do no harm.
        with self.lock:
            self.asked += block[:4096]
        if self.cut_at and self.cut_at in block[:4096]:
            self.is_cut.set()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # else accept() would hold it
        self.listener.close()
        with self.lock:
            for each in self.sockets:
                each.close()
