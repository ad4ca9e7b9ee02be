"""Who asks? AWS's signatures checked from the secrets, the way the service itself has to: the password that Git sends to
CodeCommit, and Signature Version 4 for API calls. And roles, which hand out keys for a while."""

import base64
import datetime
import hashlib
import hmac
import json
import secrets
import time
import typing
import urllib.parse

import iam_policy

PASSWORD_SECONDS = 15 * 60
SIGNATURE_SECONDS = 5 * 60
UNSIGNED = {"authorization", "connection", "expect", "user-agent", "transfer-encoding", "content-length", "accept",
            "accept-encoding"}  # fmt: skip


class Refused(Exception):
    """An answer that is not a success: `code` as the JSON services spell it."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Clock:
    """The double's time; tests move it."""

    def __init__(self, offset_seconds=0):
        self.offset_seconds = offset_seconds

    def now(self):
        return time.time() + self.offset_seconds


class Principal(typing.NamedTuple):
    account: str
    arn: str
    policies: list  # documents; None: everything in its account
    role_arn: str = None  # of a role's session

    def names(self):
        """The ways in which a trust policy may mean it."""
        names = [self.arn, self.account, f"arn:aws:iam::{self.account}:root", self.role_arn]
        return [("AWS", name) for name in names if name]

    def may(self, action, resource, context=None):
        return iam_policy.allows(self.policies, action, resource, {"aws:PrincipalArn": self.arn, **(context or {})})


class Key(typing.NamedTuple):
    id: str
    secret: str
    token: str
    expires: float  # None: never
    principal: Principal


def signing_key(secret, date, region, service):
    key = b"AWS4" + secret.encode()
    for word in (date, region, service, "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def signature(secret, time_text, region, service, canonical):
    """Signature Version 4 over a canonical request."""
    date = time_text[:8]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{time_text}\n{date}/{region}/{service}/aws4_request\n{digest}"
    return hmac.digest(signing_key(secret, date, region, service), to_sign.encode(), "sha256").hex()


def git_password(secret, time_text, region, host, path):
    """What CodeCommit takes as a password: `time_text` without its Z is signed, and then sent with it."""
    canonical = f"GIT\n{path}\n\nhost:{host}\n\nhost\n"
    return f"{time_text}Z{signature(secret, time_text, region, 'codecommit', canonical)}"


class Identities:
    """The keys and roles of all accounts."""

    def __init__(self, configuration, clock):
        self.clock = clock
        self.regions = {account: list(each["regions"]) for account, each in configuration["accounts"].items()}
        self.roles = {}
        self.keys = {}
        self.providers = configuration.get("identity_providers", {})
        for account, each in configuration["accounts"].items():
            for key in each.get("keys", []):
                arn = key.get("arn", f"arn:aws:iam::{account}:user/{key['id']}")
                principal = Principal(account, arn, key.get("policies"))
                self.keys[key["id"]] = Key(
                    key["id"], key["secret"], key.get("token"), key.get("expires"), principal
                )  # fmt: skip
            for name, role in each.get("roles", {}).items():
                self.roles[f"arn:aws:iam::{account}:role/{name}"] = role

    def find(self, key_id, token):
        """The key, if the token is the one that belongs to it and its time is not over."""
        key = self.keys.get(key_id)
        if key is None or (key.token or "") != (token or ""):
            raise Refused(400, "UnrecognizedClientException", "The security token included in the request is invalid.")
        if key.expires is not None and key.expires <= self.clock.now():
            raise Refused(400, "ExpiredKey", "The security token included in the request is expired")
        return key

    def expire(self, key_id):
        """As if its time were over."""
        self.keys[key_id] = self.keys[key_id]._replace(expires=0)

    # Git's door.

    def check_git(self, authorization, host, path):
        """(principal, region) of a Basic password: it is good for one path of one host in one region, and for 15 minutes."""
        try:
            scheme, encoded = authorization.split(" ", 1)
            user, _, password = base64.b64decode(encoded, validate=True).decode().rpartition(":")
            key_id, _, token = user.partition("%")
            time_text = password[:15]
            made = _seconds(time_text + "Z")
        except ValueError:
            raise Refused(403, "AccessDenied", "not a password of ours") from None
        if scheme.lower() != "basic":
            raise Refused(403, "AccessDenied", f"not Basic: {scheme}")
        now = int(self.clock.now())
        if made > now:
            raise Refused(403, "AccessDenied", f"made {made - now} s in the future")
        if made <= now - PASSWORD_SECONDS:
            raise Refused(403, "AccessDenied", f"{now - made} s old")
        try:
            key = self.find(key_id, token)
        except Refused as refused:
            raise Refused(403, "AccessDenied", refused.message) from None
        for region in self.regions[key.principal.account]:
            right = git_password(key.secret, time_text, region, host, path)
            if hmac.compare_digest(right, password):
                return key, region
        raise Refused(403, "AccessDenied", "the signature is wrong")

    # The API's door.

    def check_request(self, service, method, target, headers, body):
        """(key, region) of a signed request. `headers` are (lower-case name, value) in their order."""
        named = dict(headers)
        algorithm, _, rest = named.get("authorization", "").partition(" ")
        if algorithm != "AWS4-HMAC-SHA256":
            raise Refused(400, "MissingAuthenticationTokenException", "Missing Authentication Token")
        try:
            parts = dict(part.strip().split("=", 1) for part in rest.split(","))
            key_id, date, region, scope_service, end = parts["Credential"].split("/")
            signed, given = parts["SignedHeaders"].split(";"), parts["Signature"]
            time_text = named["x-amz-date"]
            made = _seconds(time_text)
        except (ValueError, KeyError):
            raise Refused(400, "IncompleteSignatureException", "the Authorization header is not whole") from None
        if (scope_service, end, date) != (service, "aws4_request", time_text[:8]):
            raise Refused(400, "InvalidSignatureException", f"Credential should be scoped to service {service}")
        age = self.clock.now() - made
        if age > SIGNATURE_SECONDS:
            raise Refused(400, "InvalidSignatureException", f"Signature expired: it is {age:.0f} s old")
        if age < -SIGNATURE_SECONDS:
            raise Refused(400, "InvalidSignatureException", f"Signature not yet current: {-age:.0f} s too early")
        # Clients may leave a header unsigned that says nothing about what is asked; and no other.
        unsigned = {name for name in named if name not in signed} - UNSIGNED
        if "host" not in signed or any(name.startswith("x-amz-") for name in unsigned):
            raise Refused(400, "InvalidSignatureException", f"not signed: {', '.join(sorted(unsigned)) or 'host'}")
        if signed != sorted(set(signed)) or not set(signed) <= set(named):
            raise Refused(400, "InvalidSignatureException", "the list of signed headers is wrong")
        key = self.find(key_id, named.get("x-amz-security-token"))
        digest = hashlib.sha256(body).hexdigest()
        if named.get("x-amz-content-sha256", digest) != digest:
            raise Refused(400, "InvalidSignatureException", "the digest of the body is wrong")
        canonical = _canonical(method, target, headers, signed, digest)
        if not hmac.compare_digest(signature(key.secret, time_text, region, service, canonical), given):
            raise Refused(
                400,
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided.",
            )
        return key, region

    # Roles.

    def take_role(self, arn, session, principals, action, context, seconds):
        """A key for a role, when its trust policy says so."""
        role = self.roles.get(arn)
        if role is None or not iam_policy.trusts(role["trust"], principals, action, context):
            raise Refused(403, "AccessDenied", f"not authorized to perform: {action} on resource: {arn}")
        if not 900 <= seconds <= role.get("seconds_max", 3600):
            raise Refused(400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration")
        return self.session(arn, session, seconds)

    def session(self, arn, session, seconds=3600):
        """A key for a role, as AWS's own services get one for it."""
        account, name = arn.split(":")[4], arn.rpartition("/")[2]
        principal = Principal(
            account, f"arn:aws:sts::{account}:assumed-role/{name}/{session}", self.roles[arn].get("policies"), arn
        )
        # Signs that need care in URLs and headers are in every token.
        token = "IQoJ//+=%" + secrets.token_urlsafe(300)
        key_id = "ASIA" + base64.b32encode(secrets.token_bytes(10)).decode()
        key = Key(key_id, secrets.token_urlsafe(30), token, self.clock.now() + seconds, principal)
        self.keys[key.id] = key
        return key

    def claims(self, token):
        """Of an OIDC token (JWT, HS256: the provider's secret is in the configuration)."""
        try:
            head, middle, last = token.split(".")
            header, claims = json.loads(_unbase64url(head)), json.loads(_unbase64url(middle))
            provider = claims["iss"].removeprefix("https://")
            secret = self.providers[provider]["secret"]
            right = hmac.digest(secret.encode(), f"{head}.{middle}".encode(), "sha256")
            is_right = header["alg"] == "HS256" and hmac.compare_digest(right, _unbase64url(last))
        except (ValueError, KeyError):
            is_right = False
        if not is_right:
            raise Refused(400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider")
        if claims["exp"] <= self.clock.now():
            raise Refused(400, "ExpiredTokenException", "Token expired")
        if claims["aud"] not in self.providers[provider]["audiences"]:
            raise Refused(400, "InvalidIdentityToken", "Incorrect token audience")
        return provider, claims


def id_token(secret, claims):
    """What an identity provider gives a CI job."""
    parts = [json.dumps({"alg": "HS256", "typ": "JWT"}).encode(), json.dumps(claims).encode()]
    signed = ".".join(_base64url(part) for part in parts)
    return f"{signed}.{_base64url(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


def _canonical(method, target, headers, signed, digest):
    path, _, query = target.partition("?")
    # On the wire it is encoded once; every service but S3 signs it encoded twice.
    path = urllib.parse.quote(path, safe="/-_.~")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    query = "&".join(sorted(f"{name}={value}" for name, _, value in pairs))
    values = {name: ",".join(" ".join(v.split()) for n, v in headers if n == name) for name in signed}
    lines = "".join(f"{name}:{values[name]}\n" for name in signed)
    return f"{method}\n{path}\n{query}\n{lines}\n{';'.join(signed)}\n{digest}"


def _seconds(time_text):
    parsed = datetime.datetime.strptime(time_text, "%Y%m%dT%H%M%SZ")
    return int(parsed.replace(tzinfo=datetime.timezone.utc).timestamp())


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
