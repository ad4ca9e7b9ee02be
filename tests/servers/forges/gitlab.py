"""GitLab's dialect: keyset pages by Link for /projects, numbered ones with totals elsewhere, ids or encoded paths in paths."""

from forge import ME, SOMEBODY, Answer, Forge, Refused, link_headers, numbered_window


def described(forge, repository):
    shown = {
        "id": repository.id,
        "path_with_namespace": repository.name,
        "default_branch": repository.default_branch,
        "http_url_to_repo": f"{forge.url}/{repository.name}.git",
        "visibility": repository.visibility,
        "archived": repository.archived,
        "last_activity_at": repository.pushed_at,
        "wiki_access_level": "enabled" if repository.wiki else "disabled",
    }
    return {**shown, "forked_from_project": {"id": 1}} if repository.fork else shown


def projects(forge, request):
    if request.query.get("pagination") != "keyset":
        raise Refused(400, "ask for keyset pages, a list like this one ends at 50,000")
    return forge.listing(request, list(forge.repositories.values()))


def group_projects(forge, request, group):
    if "pagination" in request.query:
        raise Refused(405, "Keyset pagination is not yet available for this type of request")
    if group not in forge.groups:
        raise Refused(404, "404 Group Not Found")
    found = forge.of(group)
    if request.query.get("include_subgroups") != "true":
        found = [each for each in found if each.owner == group]
    return forge.listing(request, found)


def user_projects(forge, request, user):
    if user not in (ME, SOMEBODY):
        raise Refused(404, "404 User Not Found")
    return forge.listing(request, forge.of(user))


def project(forge, _, name):
    return Answer(described(forge, forge.existing(name)))


def namespace(forge, _, name):
    if name not in forge.groups | {ME}:
        raise Refused(404, "404 Namespace Not Found")
    return Answer({"id": sorted(forge.groups | {ME}).index(name) + 1, "full_path": name})


def create(forge, request):
    owner = sorted(forge.groups | {ME})[request.body["namespace_id"] - 1]
    taken = Refused(400, {"project_namespace.name": ["has already been taken"], "path": ["has already been taken"]})
    name = f"{owner}/{request.body['path']}"
    return Answer(described(forge, forge.make(name, request.body.get("visibility", "private"), taken)), 201)


def change(forge, request, name):
    repository = forge.existing(name)
    forge.set_default_branch(repository, request.body["default_branch"])
    return Answer(described(forge, repository))


class GitLab(Forge):
    api = "/api/v4"
    routes = (
        ("GET /projects", projects),
        ("GET /groups/{group}/projects", group_projects),
        ("GET /users/{user}/projects", user_projects),
        ("GET /projects/{name}", project),
        ("GET /namespaces/{name}", namespace),
        ("POST /projects", create),
        ("PUT /projects/{name}", change),
    )

    def window(self, request, items):
        if request.query.get("pagination") != "keyset":
            return numbered_window(self, request, "per_page")
        after = int(request.query.get("id_after", 0))
        size = min(self.page_size, int(request.query.get("per_page", 20)))
        return sum(each.id <= after for each in items), size

    def page(self, request, items, following, total, origin):
        content = [described(self, each) for each in items]
        if request.query.get("pagination") != "keyset":
            headers = [*link_headers(self, request, following, "per_page", origin), ("X-Total", str(total))]
            return Answer(content, headers=headers)
        if following is None:
            return Answer(content)
        after = list(self.repositories.values())[following - 1].id if following else 0
        return Answer(content, headers=[("Link", f'<{request.with_query(id_after=after, origin=origin)}>; rel="next"')])

    def refusal(self, status, words):
        return {"error": words} if status in (401, 403) else {"message": words}
