"""Gitea's and Forgejo's dialect: numbered pages of at most 50, with Link and X-Total-Count."""

from forge import ME, SOMEBODY, Answer, Forge, Refused, link_headers, numbered_window


def described(forge, repository):
    return {
        "id": repository.id,
        "full_name": repository.name,
        "empty": repository.default_branch is None,
        "default_branch": repository.head,
        "clone_url": f"{forge.url}/{repository.name}.git",
        "private": repository.visibility == "private",
        "internal": repository.visibility == "internal",
        "archived": repository.archived,
        "fork": repository.fork,
        "has_wiki": repository.wiki,
        "updated_at": repository.pushed_at,
    }


def mine(forge, request):
    return forge.listing(request, list(forge.repositories.values()))


def of_organisation(forge, request, owner):
    if owner not in forge.groups:
        raise Refused(404, "GetOrgByName")
    return forge.listing(request, forge.of(owner))


def of_user(forge, request, owner):
    if owner not in (ME, SOMEBODY):
        raise Refused(404, "user redirect does not exist")
    return forge.listing(request, forge.of(owner))


def repository(forge, _, owner, name):
    return Answer(described(forge, forge.existing(f"{owner}/{name}")))


def me(_forge, _):
    return Answer({"login": ME})


def create(forge, request, owner=ME):
    if owner != ME and owner not in forge.groups:
        raise Refused(404, "GetOrgByName")
    visibility = "private" if request.body.get("private") else "public"
    taken = Refused(409, "The repository with the same name already exists.")
    object_format = request.body.get("object_format_name", "sha1")
    return Answer(described(forge, forge.make(f"{owner}/{request.body['name']}", visibility, taken, object_format)), 201)


def change(forge, request, owner, name):
    found = forge.existing(f"{owner}/{name}")
    forge.set_default_branch(found, request.body["default_branch"])
    return Answer(described(forge, found))


class Gitea(Forge):
    api = "/api/v1"
    routes = (
        ("GET /user/repos", mine),
        ("GET /orgs/{owner}/repos", of_organisation),
        ("GET /users/{owner}/repos", of_user),
        ("GET /repos/{owner}/{name}", repository),
        ("GET /user", me),
        ("POST /user/repos", create),
        ("POST /orgs/{owner}/repos", create),
        ("PATCH /repos/{owner}/{name}", change),
    )

    def window(self, request, items):
        return numbered_window(self, request, "limit")

    def page(self, request, items, following, total, origin):
        headers = [*link_headers(self, request, following, "limit", origin), ("X-Total-Count", str(total))]
        return Answer([described(self, each) for each in items], headers=headers)

    def refusal(self, status, words):
        return {"message": words, "url": f"{self.url}/api/swagger"}
