"""Bitbucket Data Center's dialect: pages that say where the next one starts, projects with keys, default branches apart."""

from forge import ME, Answer, Forge, Refused


def described(_forge, repository):
    shown = {
        "id": repository.id,
        "slug": repository.last_part,
        "name": repository.last_part,
        "project": {"key": repository.owner},
        "state": "AVAILABLE",
        "public": repository.visibility == "public",
        "archived": repository.archived,
    }
    return {**shown, "origin": {"slug": "it"}} if repository.fork else shown


def everything(forge, request):
    return forge.listing(request, list(forge.repositories.values()))


def of_project(forge, request, key):
    if key not in forge.groups | {ME}:
        raise Refused(404, f"Project {key} does not exist.")
    return forge.listing(request, forge.of(key))


def repository(forge, _, key, name):
    return Answer(described(forge, forge.existing(f"{key}/{name}")))


def default_branch(forge, _, key, name):
    branch = forge.existing(f"{key}/{name}").default_branch
    if branch is None:
        raise Refused(404, "the repository is empty")
    return Answer({"id": f"refs/heads/{branch}", "displayId": branch, "type": "BRANCH"})


def create(forge, request, key):
    if key not in forge.groups | {ME}:
        raise Refused(404, f"Project {key} does not exist.")
    visibility = "public" if request.body.get("public") else "private"
    taken = Refused(409, "This repository URL is already taken.")
    return Answer(described(forge, forge.make(f"{key}/{request.body['name']}", visibility, taken)), 201)


def change(forge, request, key, name):
    forge.set_default_branch(forge.existing(f"{key}/{name}"), request.body["id"].removeprefix("refs/heads/"))
    return Answer(b"", 204)


class BitbucketServer(Forge):
    """An older one: it knows /branches/default only."""

    api = "/rest/api/1.0"
    routes = (
        ("GET /repos", everything),
        ("GET /projects/{key}/repos", of_project),
        ("GET /projects/{key}/repos/{name}", repository),
        ("GET /projects/{key}/repos/{name}/branches/default", default_branch),
        ("POST /projects/{key}/repos", create),
        ("PUT /projects/{key}/repos/{name}/branches/default", change),
    )

    def window(self, request, items):
        return int(request.query.get("start", 0)), min(self.page_size, int(request.query.get("limit", 25)))

    def page(self, request, items, following, total, origin):
        start, size = self.window(request, items)
        content = {"size": len(items), "limit": size, "start": start, "isLastPage": following is None}
        content["values"] = [described(self, each) for each in items]
        content["nextPageStart"] = following
        return Answer(content)

    def refusal(self, status, words):
        return {"errors": [{"context": None, "message": words, "exceptionName": None}]}

    def name_in_git_path(self, name):
        return name.removeprefix("scm/")
