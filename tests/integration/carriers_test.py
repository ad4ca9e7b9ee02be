"""The same life of a repository over every carrier: first run, no change, more, rewind, deletion; judged by git."""

import unittest

from sandbox import DIFFERENT, DONE, Replication


class Life:
    """What must hold whatever carries the bytes. Subclasses say how the two ends are reached."""

    def source(self):
        return self.path("source")

    def destination(self):
        return self.path("destination")

    def setting(self):
        """More environment."""
        return {}

    def sync(self, *words, **more):
        return self.replicate(self.source(), self.destination(), *words, **self.setting(), **more)

    def both_at_the_same_refs(self, object_format="sha1"):
        self.make_source(object_format=object_format)
        self.init("destination", object_format)
        self.sync()

    def test_the_first_run_carries_branches_and_tags_and_nothing_else(self):
        self.both_at_the_same_refs()
        self.assert_equal_to_source("destination")
        self.assertEqual(set(self.all_refs("destination")), set(self.refs("source")))

    def test_a_run_without_news_touches_nothing(self):
        self.both_at_the_same_refs()
        before = self.files("destination")
        self.sync()
        self.assertEqual(self.files("destination"), before)

    def test_news_arrive(self):
        self.both_at_the_same_refs()
        self.commit("source", "main", count=3)
        self.commit("source", "feature/two", parent="refs/heads/main")
        self.git("source", "tag", "v2", "main")
        self.sync()
        self.assert_equal_to_source("destination")
        self.assertEqual(self.kept("destination"), {})

    def test_a_new_name_for_what_is_there_needs_no_objects(self):
        self.both_at_the_same_refs()
        self.git("source", "branch", "again", "main~2")
        self.sync()
        self.assert_equal_to_source("destination")

    def test_a_rewound_branch_follows_and_its_old_tip_is_kept(self):
        self.both_at_the_same_refs()
        old = self.refs("source")["refs/heads/feature/one"]
        self.commit("source", "feature/one", parent="refs/heads/feature/one~2")
        self.sync()
        self.assert_equal_to_source("destination")
        self.assertEqual(self.kept("destination"), {"heads/feature/one": {old}})

    def test_a_deleted_branch_goes_and_its_old_tip_is_kept(self):
        self.both_at_the_same_refs()
        old = self.refs("source")["refs/heads/feature/one"]
        self.git("source", "branch", "-D", "feature/one")
        self.sync()
        self.assert_equal_to_source("destination")
        self.assertEqual(self.kept("destination"), {"heads/feature/one": {old}})

    def test_sha256(self):
        self.both_at_the_same_refs("sha256")
        self.commit("source", "main", count=2)
        self.sync()
        self.assert_equal_to_source("destination")

    def test_an_empty_repository_is_no_error(self):
        self.init("source")
        self.init("destination")
        self.sync()
        self.assertEqual(self.all_refs("destination"), {})

    def test_compare_tells_equal_from_different(self):
        self.both_at_the_same_refs()
        urls = (self.source(), self.reading())
        self.assertEqual(self.packferry("compare", *urls, **self.setting()).status, DONE)
        self.commit("source", "main")
        self.assertEqual(self.packferry("compare", *urls, **self.setting()).status, DIFFERENT)

    def reading(self):
        return self.destination()


class OverPaths(Life, Replication):
    def test_a_destination_that_does_not_exist_is_made(self):
        self.make_source()
        self.sync()
        self.assert_equal_to_source("destination")
        self.assertEqual(self.git("destination", "symbolic-ref", "HEAD").strip(), "refs/heads/main")


class OverFileUrls(Life, Replication):
    def source(self):
        return "file://" + self.path("source")

    def destination(self):
        return "file://" + self.path("destination")


class OverHttp(Life, Replication):
    def source(self):
        return self.url("FERRY_HTTP_OPEN", "source")

    def destination(self):
        return self.url("FERRY_HTTP_OPEN", "destination")


class OverHttpWithProtocol0(Life, Replication):
    def source(self):
        return self.url("FERRY_HTTP_V0", "source")

    def destination(self):
        return self.url("FERRY_HTTP_V0", "destination")


class OverHttpThatWantsCountedBodies(Life, Replication):
    def source(self):
        return self.url("FERRY_HTTP_OPEN", "source")

    def destination(self):
        return self.url("FERRY_HTTP_COUNTED", "destination")


class OverHttps(Life, Replication):
    def source(self):
        return self.url("FERRY_HTTPS_OPEN", "source")

    def destination(self):
        return self.url("FERRY_HTTPS_OPEN", "destination")


class OverSsh(Life, Replication):
    def source(self):
        return self.url("FERRY_SSH", "source")

    def destination(self):
        return self.url("FERRY_SSH", "destination")


class OverSshWithProtocol0(OverSsh):
    def setting(self):
        return {"GIT_SSH_COMMAND": self.servers["FERRY_SSH_COMMAND_V0"]}


class FromGitDaemon(Life, Replication):
    def source(self):
        return self.url("FERRY_GIT", "source")


if __name__ == "__main__":
    unittest.main(verbosity=2)
