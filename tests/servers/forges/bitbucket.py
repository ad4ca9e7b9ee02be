"""Bitbucket Cloud's dialect: pages in an envelope with the address of the next one."""

import re

from forge import ME, Answer, Forge, Refused


def described(forge, repository):
    shown = {
        "uuid": f"{{{repository.id:08d}-0000-4000-8000-000000000000}}",
        "full_name": repository.name,
        "slug": repository.last_part,
        "is_private": repository.visibility == "private",
        "mainbranch": {"name": repository.default_branch, "type": "branch"} if repository.default_branch else None,
        "updated_on": repository.pushed_at,
        "has_wiki": repository.wiki,
        "links": {"clone": [{"name": "https", "href": f"https://ada@bitbucket.org/{repository.name}.git"}]},
    }
    return {**shown, "parent": {"full_name": "other/it"}} if repository.fork else shown


def all_of_mine(forge, request):
    if request.query.get("role") != "member":
        raise Refused(400, "that would be every repository there is")
    return forge.listing(request, list(forge.repositories.values()))


def of_workspace(forge, request, owner):
    if owner not in forge.groups | {ME}:
        raise Refused(404, f"No workspace with identifier '{owner}'.")
    found = forge.of(owner)
    if query := request.query.get("q"):
        key = re.fullmatch(r'project\.key="(\w+)"', query)[1]
        found = [each for each in found if forge.project_of(each) == key]
    return forge.listing(request, found)


def repository(forge, _, owner, name):
    return Answer(described(forge, forge.existing(f"{owner}/{name}")))


def create(forge, request, owner, name):
    if owner not in forge.groups | {ME}:
        raise Refused(404, f"No workspace with identifier '{owner}'.")
    visibility = "private" if request.body.get("is_private") else "public"
    taken = Refused(400, "Repository with this Slug and Owner already exists.")
    return Answer(described(forge, forge.make(f"{owner}/{name}", visibility, taken)))


def change(forge, request, owner, name):
    found = forge.existing(f"{owner}/{name}")
    forge.set_default_branch(found, request.body["mainbranch"]["name"])
    return Answer(described(forge, found))


class Bitbucket(Forge):
    api = "/2.0"
    routes = (
        ("GET /repositories", all_of_mine),
        ("GET /repositories/{owner}", of_workspace),
        ("GET /repositories/{owner}/{name}", repository),
        ("POST /repositories/{owner}/{name}", create),
        ("PUT /repositories/{owner}/{name}", change),
    )

    def project_of(self, each):
        """The first letter of a repository, in capitals: projects are not what is tested here."""
        return each.last_part[0].upper()

    def window(self, request, items):
        size = min(self.page_size, int(request.query.get("pagelen", 10)))
        return (int(request.query.get("page", 1)) - 1) * size, size

    def page(self, request, items, following, total, origin):
        start, size = self.window(request, items)
        content = {"pagelen": size, "page": start // size + 1, "size": total}
        content["values"] = [described(self, each) for each in items]
        if following is not None:
            content["next"] = request.with_query(page=following // size + 1, origin=origin)
        return Answer(content)

    def refusal(self, status, words):
        return {"type": "error", "error": {"message": words}}
