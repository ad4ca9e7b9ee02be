#!/usr/bin/python3
"""What we sign, held against what the AWS CLI's own library signs: 1,000 random requests.

    sigv4_against_aws_cli.py SIGN_REQUESTS [SEED]

SIGN_REQUESTS is the program built from sign_requests.cc. The seed is printed; given again, it makes the same requests.
At the end the program is run with a fault planted in it, which the comparison has to find.
"""

import datetime
import hashlib
import os
import random
import subprocess
import sys
import types
import unittest.mock
import urllib.parse

os.environ["BOTO_DISABLE_CRT"] = "true"  # the library in Python signs as the one in C does, and needs no other import
import awscli  # noqa: E402,F401  makes the library that it brings along importable as botocore
import botocore.auth  # noqa: E402
import botocore.awsrequest  # noqa: E402
import botocore.credentials  # noqa: E402

REQUESTS = 1000
SERVICES = ["s3", "codecommit", "sts", "sqs", "monitoring", "iam"]
REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "ap-southeast-4"]
TEXT = "abcXYZ019-._~ /+=&%$@:,;!*'()\"<>[]{}|^`#?é€𝄞"


def text(rng, longest, alphabet=TEXT):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(1, longest)))


def encoded(value, safe=""):
    return urllib.parse.quote(value, safe=safe + "-._~")


class Frozen(datetime.datetime):
    """What the library asks for the time."""

    instant = None

    @classmethod
    def utcnow(cls):
        return cls.instant

    @classmethod
    def now(cls, tz=None):
        return cls.instant.replace(tzinfo=tz)


class Request:
    def __init__(self, rng):
        self.service = rng.choice(SERVICES)
        self.region = rng.choice(REGIONS)
        self.method = rng.choice(["GET", "PUT", "POST", "HEAD", "DELETE"])
        self.time = datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=rng.randrange(10**9))
        self.key = "AKIA" + text(rng, 16, "ABCDEFGHIJ234567")
        self.secret = text(rng, 40, "abcXYZ019/+")
        self.token = rng.choice(["", text(rng, 400, "abcXYZ019/+=")])
        self.body = rng.choice([b"", b"{}", rng.randbytes(rng.randint(1, 200))])
        unsigned = self.service == "s3" and rng.random() < 0.3
        self.payload = "UNSIGNED-PAYLOAD" if unsigned else hashlib.sha256(self.body).hexdigest()
        host = rng.choice([f"{self.service}.{self.region}.amazonaws.com", "127.0.0.1", "bucket.host.example"])
        port = rng.choice(["", "", ":8443"])
        self.url = f"https://{host}{port}{self.path(rng)}{self.query(rng)}"
        self.headers = self.some_headers(rng)

    @staticmethod
    def path(rng):
        # "." and ".." are no segments that our addresses take; the published suite's cases have them.
        segments = [text(rng, 12) for _ in range(rng.randint(0, 4))]
        segments = ["x" if s in (".", "..") else s for s in segments]
        path = "/" + "/".join(encoded(s, "/") for s in segments)
        while any(part in (".", "..") for part in path.split("/")):
            path = path.replace("/..", "/x").replace("/.", "/x")
        return path

    @staticmethod
    def query(rng):
        pairs = [(encoded(text(rng, 8)), encoded(text(rng, 12))) for _ in range(rng.choice([0, 0, 1, 2, 5]))]
        words = [f"{name}={value}" for name, value in pairs]
        if rng.random() < 0.1:
            words.append(rng.choice(["uploads=", "lifecycle="]))
        return "?" + "&".join(words) if words else ""

    @staticmethod
    def some_headers(rng):
        names = ["Content-Type", "X-Amz-Target", "x-amz-acl", "Range", "X-Custom-Header", "Content-MD5", "Cache-Control"]
        headers = {}
        for name in rng.sample(names, rng.randint(0, 5)):
            value = text(rng, 30, "abcXYZ019-._~ /+=;,").strip() or "x"
            headers[name] = value.replace("a", "  ") + "b" if rng.random() < 0.3 else value
        if rng.random() < 0.2:
            headers["User-Agent"] = "is not signed"
        return headers

    def lines(self):
        head = [self.method, self.url, self.service, self.region, self.time.strftime("%Y-%m-%dT%H:%M:%SZ"), self.key]
        head += [self.secret, self.token, self.payload, str(len(self.headers))]
        return "\n".join(head + [f"{name}: {value}" for name, value in self.headers.items()]) + "\n"

    def signed_by_aws(self):
        request = botocore.awsrequest.AWSRequest(
            method=self.method, url=self.url, headers=dict(self.headers), data=self.body
        )
        credentials = botocore.credentials.Credentials(self.key, self.secret, self.token or None)
        kind = botocore.auth.S3SigV4Auth if self.service == "s3" else botocore.auth.SigV4Auth
        signer = kind(credentials, self.service, self.region)
        signer.payload = lambda _: self.payload
        Frozen.instant = self.time
        frozen = types.SimpleNamespace(datetime=Frozen, timezone=datetime.timezone)
        with unittest.mock.patch.object(botocore.auth, "datetime", frozen):
            signer.add_auth(request)
        return request.headers["Authorization"]


def differences(program, requests, *arguments):
    asked = "".join(request.lines() for request in requests).encode()
    done = subprocess.run([program, *arguments], input=asked, stdout=subprocess.PIPE, check=True, timeout=300)
    ours = done.stdout.decode().splitlines()
    assert len(ours) == len(requests), f"{len(ours)} answers to {len(requests)} requests"
    return [(r, mine, theirs) for r, mine in zip(requests, ours) if mine != (theirs := r.signed_by_aws())]


def main():
    program = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    rng = random.Random(seed)
    requests = [Request(rng) for _ in range(REQUESTS)]
    found = differences(program, requests)
    for request, ours, theirs in found[:5]:
        print(f"{request.lines()}ours:   {ours}\ntheirs: {theirs}\n")
    if found:
        sys.exit(f"{len(found)} of {REQUESTS} requests are signed differently (seed {seed})")
    print(f"{REQUESTS} requests are signed as the AWS CLI {awscli.__version__} signs them")
    planted = differences(program, requests, "--fault")
    if len(planted) != REQUESTS // 100:
        sys.exit(f"a planted fault was found {len(planted)} times, not {REQUESTS // 100}")
    print(f"a planted fault was found {len(planted)} times")


main()
