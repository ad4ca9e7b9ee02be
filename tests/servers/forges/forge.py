"""What the doubles of forges have in common: repositories, who may see them, lists in pages, and faults.

Behind each is a directory of bare repositories, NAME.git, which are served over smart HTTP too. A forge's own module says
how it words things: paths, fields, pages and refusals.

    with gitlab.GitLab(directory) as forge:
        forge.add("app/web", visibility="public"), forge.faults.append({"what": "status", "status": 500, "page": 2}), …
        forge.url, forge.log

A fault happens to the page of a list with its number, or to each when it has none; always, or "times" times:

    status       it is refused with "status"                 throttle     429, with Retry-After: 7
    secondary    403 that is about a rate limit              expire       its token is none from now on: 401
    malformed    its JSON is cut in the middle               omit         one repository is not on it
    lie          the total is one too many                   repeat       it shows what the first page shows
    loop         the next page is itself                     elsewhere    the next page is on another host
"""

import base64
import datetime
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import http_double  # noqa: E402
from git_backend import Backend  # noqa: E402

GIT_PATH = re.compile(r"/(?P<name>.+?)\.git/(?P<operation>info/refs|git-upload-pack|git-receive-pack)")
ME, SOMEBODY = "ada", "bob"  # users; every other owner is a group


class Refused(Exception):
    """What is said instead of an answer."""

    def __init__(self, status, words="", headers=()):
        self.status, self.words, self.headers = status, words, headers


class Answer:
    def __init__(self, content, status=200, headers=()):
        self.content, self.status, self.headers = content, status, list(headers)


class Request:
    def __init__(self, method, target, headers, body, origin):
        self.method, self.headers, self.origin = method, headers, origin
        self.path, _, query = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query))
        self.body = json.loads(body) if body else {}

    def with_query(self, origin=None, **changes):
        """Its own address, with other parameters."""
        query = {**self.query, **{name: str(value) for name, value in changes.items()}}
        return f"{origin or self.origin}{self.path}?{urllib.parse.urlencode(query)}"

    def token(self):
        """What stands in the Authorization header, in any of the forges' ways."""
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic":
            return base64.b64decode(value).decode().partition(":")[2]
        return value if kind.lower() in ("bearer", "token") else ""


class Repository:
    def __init__(self, number, name, path, visibility="private", archived=False, fork=False, wiki=False):
        self.id, self.name, self.path = number, name, path
        self.visibility, self.archived, self.fork, self.wiki = visibility, archived, fork, wiki

    @property
    def owner(self):
        return self.name.rpartition("/")[0]

    @property
    def last_part(self):
        return self.name.rpartition("/")[2]

    @property
    def head(self):
        return (self.path / "HEAD").read_text().strip().removeprefix("ref: refs/heads/")

    def has_branch(self, branch):
        packed = self.path / "packed-refs"
        return (self.path / "refs" / "heads" / branch).is_file() or (
            packed.exists() and f" refs/heads/{branch}\n" in packed.read_text()
        )

    @property
    def default_branch(self):
        return self.head if self.has_branch(self.head) else None

    @property
    def pushed_at(self):
        times = [each.stat().st_mtime for each in [self.path / "packed-refs", *self.path.glob("refs/heads/**")] if each.exists()]
        return datetime.datetime.fromtimestamp(max(times), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Forge(http_double.Double):
    """A forge's module has `routes`, pairs of "METHOD /path" with {names} and a function, and the methods that raise here."""

    routes = ()
    api = ""  # what API paths begin with

    def __init__(self, directory, port=0):
        self.directory = pathlib.Path(directory)
        self.templates = pathlib.Path(tempfile.mkdtemp(prefix="packferry-forge-"))
        self.lock = threading.RLock()
        self.forget()
        self.server = http_double.Server(("127.0.0.1", port), self, Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.elsewhere = f"http://localhost:{self.server.server_port}"
        self.compiled = [(route.partition(" ")[0], pattern(self.api, route), answer) for route, answer in self.routes]

    def forget(self):
        """An empty forge without faults."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.repositories = {}
        self.is_touched, self.wanted = False, None  # by who uses it; how it was asked for
        self.groups = {"app", "app/backend", "tools"}
        self.calm_down()

    def calm_down(self):
        """The same repositories, without faults and memories."""
        self.tokens = {f"token-{number}": {"read", "write"} for number in range(1, 10)} | {"reader": {"read"}}
        self.faults, self.log, self.page_size = [], [], 100

    def close(self):
        super().close()
        shutil.rmtree(self.templates, ignore_errors=True)

    # Repositories.

    def add(self, name, empty=False, object_format="sha1", **flags):
        """One that is there, with a commit on main unless it is to be empty."""
        path = self.directory / f"{name}.git"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.template(empty, object_format), path)
        self.repositories[name] = Repository(100 + len(self.repositories), name, path, **flags)
        return self.repositories[name]

    def template(self, empty, object_format):
        path = self.templates / f"{'empty' if empty else 'one'}-{object_format}"
        if not path.exists():
            git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
            format_word = f"--object-format={object_format}"
            subprocess.run(
                [*git, "init", "-q", "--bare", "--template=", "--initial-branch=main", format_word, str(path)], check=True
            )
            if not empty:
                stream = b"commit refs/heads/main\ncommitter Ada <ada@example.org> 1700000000 +0000\ndata 2\nx\n\n"
                subprocess.run([*git, "-C", str(path), "fast-import", "--quiet"], input=stream, check=True)
        return path

    def existing(self, name):
        found = [each for key, each in self.repositories.items() if key.lower() == name.lower()]
        if not found:
            raise Refused(404)
        return found[0]

    def of(self, owner):
        """Those of a user or group, with the groups in it, in the order in which they were made."""
        return [each for each in self.repositories.values() if f"{each.owner}/".startswith(f"{owner}/")]

    def make(self, name, visibility, taken, object_format="sha1"):
        """A new one; `taken` says so when the name is."""
        if name in self.repositories:
            raise taken
        self.is_touched = True
        return self.add(name, empty=True, object_format=object_format, visibility=visibility)

    def set_default_branch(self, repository, branch):
        if not repository.has_branch(branch):
            raise Refused(422, f"branch {branch} does not exist")
        self.is_touched = True
        (repository.path / "HEAD").write_text(f"ref: refs/heads/{branch}\n")

    # Requests.

    def answer(self, request):
        for method, path, answer in self.compiled:
            match = path.fullmatch(request.path)
            if match and method == request.method:
                self.check_token(request)
                names = {name: urllib.parse.unquote(value) for name, value in match.groupdict().items()}
                return answer(self, request, **names)
        raise Refused(404)

    def check_token(self, request):
        scopes = self.tokens.get(request.token())
        if scopes is None:
            raise Refused(401, "no such token")
        if request.method != "GET" and "write" not in scopes:
            raise Refused(403, "insufficient scope")

    def listing(self, request, items):
        """One page of a list in the forge's own way, and what is wrong with it."""
        start, size = self.window(request, items)
        wrong = {fault["what"]: fault for fault in self.take_faults(start // size + 1)}
        self.refuse_page(wrong, request)
        shown = items[:size] if "repeat" in wrong else items[start : start + size]
        if "omit" in wrong:
            shown = shown[1:]
        more = start + size < len(items)
        following = start if "loop" in wrong else start + size
        origin = self.elsewhere if "elsewhere" in wrong else request.origin
        answer = self.page(request, shown, following if more else None, len(items) + ("lie" in wrong), origin)
        if "malformed" in wrong:
            text = json.dumps(answer.content)
            answer.content = text[: len(text) // 2].encode()
        return answer

    def refuse_page(self, wrong, request):
        if "status" in wrong:
            raise Refused(wrong["status"]["status"], "cannot just now")
        if "throttle" in wrong:
            raise Refused(429, "too many", [("Retry-After", "7")])
        if "secondary" in wrong:
            raise Refused(403, "You have exceeded a secondary rate limit")
        if "expire" in wrong:
            del self.tokens[request.token()]
            raise Refused(401, "the token has expired")

    def take_faults(self, page):
        with self.lock:
            taken = [each for each in self.faults if each.get("page", page) == page and each.get("times", 1) > 0]
            for fault in taken:
                if "times" in fault:
                    fault["times"] -= 1
            return taken

    # What each forge has its own way for.

    def window(self, request, items):
        """Where the page begins among all items, and how many are on one."""
        raise NotImplementedError

    def page(self, request, items, following, total, origin):
        """The answer with these items. `following`: where the next page begins; None: this is the last."""
        raise NotImplementedError

    def refusal(self, status, words):
        return {"message": words}

    def name_in_git_path(self, name):
        return name


def numbered_window(forge, request, size_name):
    size = min(forge.page_size, int(request.query.get(size_name, 30)))
    return (int(request.query.get("page", 1)) - 1) * size, size


def link_headers(forge, request, following, size_name, origin):
    if following is None:
        return []
    size = numbered_window(forge, request, size_name)[1]
    first, after = (request.with_query(page=number, origin=origin) for number in (1, following // size + 1))
    return [("Link", f'<{first}>; rel="first", <{after}>; rel="next"')]


def pattern(api, route):
    path = route.partition(" ")[2]
    return re.compile(re.escape(api) + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path))


class Handler(http_double.Handler):
    def serve(self):
        forge = self.server.double
        with tempfile.TemporaryFile() as body:
            self.read_body(body)
            path = self.path.partition("?")[0]
            git = GIT_PATH.fullmatch(urllib.parse.unquote(path))
            if git and not path.startswith(f"{forge.api}/"):
                self.serve_git(forge, git, body)
            else:
                self.serve_api(forge, body)

    do_GET = do_POST = do_PUT = do_PATCH = serve

    def serve_api(self, forge, body):
        request = Request(self.command, self.path, self.headers, body.read(), forge.url)
        with forge.lock:
            try:
                answer = forge.answer(request)
            except Refused as refused:
                answer = Answer(forge.refusal(refused.status, refused.words), refused.status, refused.headers)
            forge.log.append({"method": self.command, "target": self.path, "status": answer.status})
        content = answer.content if isinstance(answer.content, bytes) else json.dumps(answer.content).encode()
        self.say(answer.status, content, "application/json", answer.headers)

    def serve_git(self, forge, git, body):
        request = Request("GET", self.path, self.headers, b"", forge.url)
        operation, query = git["operation"], self.path.partition("?")[2]
        pushes = operation == "git-receive-pack" or "git-receive-pack" in query
        scopes = forge.tokens.get(request.token(), set())
        try:
            repository = forge.existing(forge.name_in_git_path(git["name"]))
        except Refused:
            self.say(404, b"no such repository\n", "text/plain")
            return
        if not (repository.visibility == "public" and not pushes) and ("write" if pushes else "read") not in scopes:
            self.say(401, b"who are you?\n", "text/plain", [("WWW-Authenticate", 'Basic realm="forge"')])
            return
        content_type, protocol = self.headers.get("Content-Type", ""), self.headers.get("Git-Protocol", "")
        given = body if self.command == "POST" else None
        forge.is_touched |= pushes
        with Backend(repository.path, operation, self.command, query, content_type, given, ME, protocol) as backend:
            content = b"".join(backend.blocks())
        self.say(backend.status, content, dict(backend.headers).get("Content-Type", "text/plain"))
