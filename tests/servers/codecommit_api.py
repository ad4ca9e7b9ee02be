"""CodeCommit's API (JSON 1.1) and that of STS (query): the operations that Packferry calls, and what they refuse."""

import base64
import datetime
import json
import pathlib
import re
import subprocess
import urllib.parse
import uuid
import xml.sax.saxutils

from aws_identities import Refused

TARGET = "CodeCommit_20150413."
NAMES_MAX = 25  # in one BatchGetRepositories


class CodeCommitApi:
    """`place(account, region)` is the directory that holds the region's repositories."""

    def __init__(self, place, page):
        self.place = place
        self.page = page
        self.tags = {}  # arn: {name: value}

    def answer(self, operation, key, region, request):
        operations = {
            "ListRepositories": self.list_repositories,
            "BatchGetRepositories": self.batch_get_repositories,
            "GetRepository": self.get_repository,
            "CreateRepository": self.create_repository,
            "UpdateDefaultBranch": self.update_default_branch,
            "ListBranches": self.list_branches,
            "GetBranch": self.get_branch,
            "TagResource": self.tag_resource,
            "ListTagsForResource": self.list_tags_for_resource,
        }
        if operation not in operations:
            raise Refused(400, "UnknownOperationException", operation)
        return operations[operation](Caller(key.principal, region, operation), request)

    def list_repositories(self, caller, request):
        caller.must_be_allowed("*")
        sort_by, order = request.get("sortBy", "repositoryName"), request.get("order", "ascending")
        if sort_by not in ("repositoryName", "lastModifiedDate"):
            raise Refused(400, "InvalidSortByException", sort_by)
        if order not in ("ascending", "descending"):
            raise Refused(400, "InvalidOrderException", order)
        place = self.place(caller.account, caller.region)
        names = [path.name.removesuffix(".git") for path in place.glob("*.git")] if place.is_dir() else []
        by = (lambda name: (modified(self.path(caller, name)), name)) if sort_by == "lastModifiedDate" else None
        names.sort(key=by, reverse=order == "descending")
        names, token = self.one_page(names, request, f"{caller.account} {caller.region} {sort_by} {order}")
        return {"repositories": [{"repositoryName": n, "repositoryId": identity(caller, n)} for n in names], **token}

    def batch_get_repositories(self, caller, request):
        names = request.get("repositoryNames") or []
        if not names:
            raise Refused(400, "RepositoryNamesRequiredException", "repository names are required")
        if len(names) > NAMES_MAX:
            raise Refused(400, "MaximumRepositoryNamesExceededException", f"at most {NAMES_MAX}")
        for name in names:
            caller.must_be_allowed(caller.arn(name))
        found = [name for name in names if self.path(caller, name).is_dir()]
        return {
            "repositories": [self.metadata(caller, name) for name in found],
            "repositoriesNotFound": [name for name in names if name not in found],
            "errors": [],
        }

    def get_repository(self, caller, request):
        return {"repositoryMetadata": self.metadata(caller, self.existing(caller, request))}

    def create_repository(self, caller, request):
        name, tags = checked_name(request), request.get("tags") or {}
        description = request.get("repositoryDescription", "")
        caller.must_be_allowed(caller.arn(name))
        if tags:
            caller.must_be_allowed(caller.arn(name), "TagResource")
        if len(description) > 1000:
            raise Refused(400, "InvalidRepositoryDescriptionException", "at most 1000 characters")
        check_tags(tags)
        path = self.path(caller, name)
        if path.exists():
            raise Refused(400, "RepositoryNameExistsException", f"Repository named {name} already exists")
        subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", str(path)], check=True)
        (path / "description").write_text(description)
        self.tags[caller.arn(name)] = dict(tags)
        return {"repositoryMetadata": self.metadata(caller, name)}

    def update_default_branch(self, caller, request):
        path = self.path(caller, self.existing(caller, request))
        branch = request.get("defaultBranchName", "")
        if branch not in branches(path):
            raise Refused(400, "BranchDoesNotExistException", f"Branch {branch} does not exist")
        (path / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        return None

    def list_branches(self, caller, request):
        name = self.existing(caller, request)
        names, token = self.one_page(sorted(branches(self.path(caller, name))), request, f"branches {caller.arn(name)}")
        return {"branches": names, **token}

    def get_branch(self, caller, request):
        found = branches(self.path(caller, self.existing(caller, request)))
        branch = request.get("branchName", "")
        if branch not in found:
            raise Refused(400, "BranchDoesNotExistException", f"Branch {branch} does not exist")
        return {"branch": {"branchName": branch, "commitId": found[branch]}}

    def tag_resource(self, caller, request):
        arn = self.existing_arn(caller, request)
        check_tags(request.get("tags") or {})
        self.tags.setdefault(arn, {}).update(request["tags"])
        return None

    def list_tags_for_resource(self, caller, request):
        return {"tags": self.tags.get(self.existing_arn(caller, request), {})}

    # What they are made of.

    def path(self, caller, name):
        return self.place(caller.account, caller.region) / f"{name}.git"

    def existing(self, caller, request):
        name = checked_name(request)
        caller.must_be_allowed(caller.arn(name))
        if not self.path(caller, name).is_dir():
            raise Refused(400, "RepositoryDoesNotExistException", f"{name} does not exist")
        return name

    def existing_arn(self, caller, request):
        arn = request.get("resourceArn", "")
        prefix = caller.arn("")
        if not arn.startswith(prefix):
            raise Refused(400, "InvalidResourceArnException", arn)
        self.existing(caller, {"repositoryName": arn.removeprefix(prefix)})
        return arn

    def one_page(self, items, request, what):
        """The page that the request's token names, and the token of the next as part of an answer."""
        start = 0
        if token := request.get("nextToken"):
            try:
                text, _, number = base64.b64decode(token, validate=True).decode().rpartition(" ")
                start = int(number)
            except ValueError:
                text = None
            if text != what:
                raise Refused(400, "InvalidContinuationTokenException", "The continuation token is not valid")
        end = start + self.page
        more = {"nextToken": base64.b64encode(f"{what} {end}".encode()).decode()} if end < len(items) else {}
        return items[start:end], more

    def metadata(self, caller, name):
        path = self.path(caller, name)
        default = (path / "HEAD").read_text().strip().removeprefix("ref: refs/heads/")
        description = (path / "description").read_text() if (path / "description").exists() else ""
        is_empty = not branches(path)
        found = {
            "accountId": caller.account,
            "repositoryId": identity(caller, name),
            "repositoryName": name,
            "lastModifiedDate": modified(path),
            "creationDate": path.stat().st_ctime,
            "cloneUrlHttp": f"https://git-codecommit.{caller.region}.amazonaws.com/v1/repos/{name}",
            "cloneUrlSsh": f"ssh://git-codecommit.{caller.region}.amazonaws.com/v1/repos/{name}",
            "Arn": caller.arn(name),
        }
        if description and not description.startswith("Unnamed repository"):
            found["repositoryDescription"] = description
        if not is_empty:
            found["defaultBranch"] = default
        return found


class Caller:
    """Who asks, where, and what for."""

    def __init__(self, principal, region, operation):
        self.principal, self.region, self.operation = principal, region, operation
        self.account = principal.account

    def arn(self, name):
        return f"arn:aws:codecommit:{self.region}:{self.account}:{name}"

    def must_be_allowed(self, resource, operation=None):
        action = f"codecommit:{operation or self.operation}"
        if not self.principal.may(action, resource, {"aws:RequestedRegion": self.region}):
            raise Refused(
                400,
                "AccessDeniedException",
                f"User: {self.principal.arn} is not authorized to perform: {action} on resource: {resource}",
            )


def checked_name(request):
    name = request.get("repositoryName")
    if name is None:
        raise Refused(400, "RepositoryNameRequiredException", "A repository name is required")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name) or name.endswith(".git"):
        raise Refused(400, "InvalidRepositoryNameException", f"{name} is not a valid repository name")
    return name


def check_tags(tags):
    if len(tags) > 50:
        raise Refused(400, "TooManyTagsException", "at most 50")
    if any(name.lower().startswith("aws:") for name in tags):
        raise Refused(400, "InvalidSystemTagUsageException", "aws: is reserved")


def identity(caller, name):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, caller.arn(name)))


def modified(path):
    return max(
        each.stat().st_mtime for each in [path / "HEAD", path / "refs" / "heads", path / "packed-refs"] if each.exists()
    )


def branches(path):
    """{short name: commit}."""
    words = [
        "git",
        "-c",
        "safe.directory=*",
        "-C",
        str(path),
        "for-each-ref",
        "--format=%(refname:strip=2) %(objectname)",
    ]
    run = subprocess.run([*words, "refs/heads"], capture_output=True, text=True, check=True)
    return dict(line.split(" ") for line in run.stdout.splitlines())


class Sts:
    def __init__(self, identities):
        self.identities = identities

    def answer(self, signed_by, form):
        """`signed_by` gives the key of whoever signed, when it is asked."""
        operations = {
            "GetCallerIdentity": self.get_caller_identity,
            "AssumeRole": self.assume_role,
            "AssumeRoleWithWebIdentity": self.assume_role_with_web_identity,
        }
        action = form.get("Action", "")
        if action not in operations or form.get("Version") != "2011-06-15":
            raise Refused(400, "InvalidAction", f"Could not find operation {action} for version {form.get('Version')}")
        return element(f"{action}Response", element(f"{action}Result", operations[action](signed_by, form)),
                       ' xmlns="https://sts.amazonaws.com/doc/2011-06-15/"')  # fmt: skip

    def get_caller_identity(self, signed_by, _):
        principal = signed_by().principal
        names = {"UserId": principal.arn.rpartition("/")[2], "Account": principal.account, "Arn": principal.arn}
        return elements(names)

    def assume_role(self, signed_by, form):
        principal, arn = signed_by().principal, form.get("RoleArn", "")
        if not principal.may("sts:AssumeRole", arn):
            raise Refused(403, "AccessDenied", f"{principal.arn} is not authorized to perform: sts:AssumeRole on {arn}")
        context = {"aws:PrincipalArn": principal.arn}
        if "ExternalId" in form:
            context["sts:ExternalId"] = form["ExternalId"]
        return self.take(form, principal.names(), "sts:AssumeRole", context)

    def assume_role_with_web_identity(self, _, form):
        provider, claims = self.identities.claims(form.get("WebIdentityToken", ""))
        account = form.get("RoleArn", "::::").split(":")[4]
        context = {f"{provider}:{name}": claims[name] for name in ("aud", "sub")}
        principals = [("Federated", f"arn:aws:iam::{account}:oidc-provider/{provider}")]
        more = {"SubjectFromWebIdentityToken": claims["sub"], "Audience": claims["aud"], "Provider": provider}
        return self.take(form, principals, "sts:AssumeRoleWithWebIdentity", context) + elements(more)

    def take(self, form, principals, action, context):
        session = form.get("RoleSessionName", "")
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", session):
            raise Refused(400, "ValidationError", "RoleSessionName")
        seconds = int(form.get("DurationSeconds", "3600"))
        key = self.identities.take_role(form.get("RoleArn", ""), session, principals, action, context, seconds)
        expires = datetime.datetime.fromtimestamp(key.expires, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        credentials = {
            "AccessKeyId": key.id,
            "SecretAccessKey": key.secret,
            "SessionToken": key.token,
            "Expiration": expires,
        }
        user = {"AssumedRoleId": f"AROADOUBLE:{session}", "Arn": key.principal.arn}
        return element("Credentials", elements(credentials)) + element("AssumedRoleUser", elements(user))


# The query protocol has names of its own for what went wrong, and its own status.
STS_CODES = {
    "UnrecognizedClientException": (403, "InvalidClientTokenId"),
    "InvalidSignatureException": (403, "SignatureDoesNotMatch"),
    "MissingAuthenticationTokenException": (403, "MissingAuthenticationToken"),
    "IncompleteSignatureException": (400, "IncompleteSignature"),
    "ThrottlingException": (400, "Throttling"),
    "ExpiredKey": (403, "ExpiredToken"),
}
JSON_CODES = {"ExpiredKey": "ExpiredTokenException"}


def json_error(refused):
    code = JSON_CODES.get(refused.code, refused.code)
    return refused.status, json.dumps({"__type": code, "message": refused.message}).encode()


def sts_error(refused):
    status, code = STS_CODES.get(refused.code, (refused.status, refused.code))
    error = elements({"Type": "Sender", "Code": code, "Message": refused.message})
    answer = element("ErrorResponse", element("Error", error) + elements({"RequestId": str(uuid.uuid4())}))
    return status, answer.encode()


def element(name, content, attributes=""):
    return f"<{name}{attributes}>{content}</{name}>"


def elements(values):
    return "".join(element(name, xml.sax.saxutils.escape(value)) for name, value in values.items())


def form_of(body):
    return dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))


def json_answer(content):
    return b"" if content is None else json.dumps(content).encode()


def directory_of(configuration):
    """place(account, region) of a configuration."""
    places = {
        (account, region): pathlib.Path(directory)
        for account, each in configuration["accounts"].items()
        for region, directory in each["regions"].items()
    }

    def place(account, region):
        if (account, region) not in places:
            raise Refused(400, "AccessDeniedException", f"region {region} is not enabled for account {account}")
        return places[account, region]

    return place
