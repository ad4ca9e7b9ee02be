"""GitHub's dialect, as an Enterprise Server has it, and Apps: numbered pages by Link, no totals but for installations."""

import base64
import json
import subprocess
import tempfile
import time

from forge import ME, SOMEBODY, Answer, Forge, Refused, link_headers, numbered_window

APP, INSTALLATION = "4711", 99


def described(forge, repository):
    return {
        "id": repository.id,
        "full_name": repository.name,
        "default_branch": repository.head,  # even when there is none
        "clone_url": f"{forge.url}/{repository.name}.git",
        "private": repository.visibility != "public",
        "visibility": repository.visibility,
        "archived": repository.archived,
        "fork": repository.fork,
        "has_wiki": repository.wiki,
        "pushed_at": repository.pushed_at,
    }


def mine(forge, request):
    found = list(forge.repositories.values())
    return forge.listing(request, forge.of(ME) if request.query.get("affiliation") == "owner" else found)


def of_organisation(forge, request, owner):
    if owner not in forge.groups:
        raise Refused(404, "Not Found")
    return forge.listing(request, forge.of(owner))


def of_user(forge, request, owner):
    return forge.listing(request, [each for each in forge.of(owner) if each.visibility == "public"])


def of_installation(forge, request):
    return forge.listing(request, list(forge.repositories.values()))


def account(forge, _, owner):
    if owner in forge.groups:
        return Answer({"login": owner, "type": "Organization"})
    if owner in (ME, SOMEBODY):
        return Answer({"login": owner, "type": "User"})
    raise Refused(404, "Not Found")


def me(_forge, request):
    if request.token().startswith("ghs_"):
        raise Refused(403, "Resource not accessible by integration")
    return Answer({"login": ME, "type": "User"})


def repository(forge, _, owner, name):
    return Answer(described(forge, forge.existing(f"{owner}/{name}")))


def create(forge, request, owner=ME):
    if owner != ME and owner not in forge.groups:
        raise Refused(404, "Not Found")
    visibility = request.body.get("visibility") or ("private" if request.body.get("private") else "public")
    taken = Refused(422, "Repository creation failed.: name already exists on this account")
    return Answer(described(forge, forge.make(f"{owner}/{request.body['name']}", visibility, taken)), 201)


def change(forge, request, owner, name):
    found = forge.existing(f"{owner}/{name}")
    forge.set_default_branch(found, request.body["default_branch"])
    return Answer(described(forge, found))


def installations(forge, request):
    forge.check_signed(request)
    return Answer([{"id": INSTALLATION, "app_id": int(APP)}])


def access_token(forge, request, number):
    forge.check_signed(request)
    if number != str(INSTALLATION):
        raise Refused(404, "Not Found")
    forge.minted += 1
    token = f"ghs_{forge.minted}"
    forge.tokens[token] = {"read", "write"}
    return Answer({"token": token, "expires_at": "2100-01-01T00:00:00Z"}, 201)


class GitHub(Forge):
    api = "/api/v3"
    routes = (
        ("GET /user/repos", mine),
        ("GET /orgs/{owner}/repos", of_organisation),
        ("GET /users/{owner}/repos", of_user),
        ("GET /installation/repositories", of_installation),
        ("GET /users/{owner}", account),
        ("GET /user", me),
        ("GET /repos/{owner}/{name}", repository),
        ("POST /user/repos", create),
        ("POST /orgs/{owner}/repos", create),
        ("PATCH /repos/{owner}/{name}", change),
        ("GET /app/installations", installations),
        ("POST /app/installations/{number}/access_tokens", access_token),
    )

    def calm_down(self):
        super().calm_down()
        self.minted, self.now = 0, time.time
        self.public_key = None  # PEM, of the App

    def check_token(self, request):
        if not request.path.startswith(f"{self.api}/app/"):
            super().check_token(request)

    def check_signed(self, request):
        """Looks at the JSON Web Token as GitHub does: algorithm, issuer, times, signature."""
        head, claims, signature = (decoded(part) for part in request.token().split("."))
        head, claims = json.loads(head), json.loads(claims)
        now = self.now()
        fine = head == {"alg": "RS256", "typ": "JWT"} and claims["iss"] == APP
        if not fine or not claims["iat"] <= now < claims["exp"] <= now + 600:
            raise Refused(401, "'Expiration time' claim ('exp') is too far in the future, or something like it")
        with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as signed:
            key.write(self.public_key.encode())
            signed.write(signature)
            key.flush()
            signed.flush()
            verified = subprocess.run(
                ["openssl", "dgst", "-sha256", "-verify", key.name, "-signature", signed.name],
                input=request.token().rpartition(".")[0].encode(),
                capture_output=True,
                check=False,
            )
        if verified.returncode != 0:
            raise Refused(401, "A JSON web token could not be decoded")

    def window(self, request, items):
        return numbered_window(self, request, "per_page")

    def page(self, request, items, following, total, origin):
        content = [described(self, each) for each in items]
        if request.path.endswith("/installation/repositories"):
            content = {"total_count": total, "repositories": content}
        return Answer(content, headers=link_headers(self, request, following, "per_page", origin))

    def refusal(self, status, words):
        return {"message": words, "documentation_url": "https://docs.github.com/rest"}


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
