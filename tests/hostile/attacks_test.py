"""Attacks by other ways than Git's protocols: addresses and arguments, secrets, certificates, the terminal.

The letters are those of docs/guarantees.md. Every run is watched as in hostile_test.py.
"""

import os
import pathlib
import shutil
import socket
import ssl
import sys
import tempfile
import unittest
import warnings

import certificates
from conversations import HttpSource, Source, http_source, raw_http_source, stream_source
from honest import Honest, git, refs_of
from rows import ESCAPES, Row
from subject import CANARY, Subject
from wire import Peer, forever, http, http_peer

HERE = pathlib.Path(__file__).resolve().parent
DONE, FAILED, USAGE = 0, 1, 2
HONEST = Row("honest", Source(2))


class Attack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="packferry-attack-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.honest = Honest(cls.directory)

    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        self.subject = Subject(self.place / "subject")
        self.here = self.place / "here"
        self.here.mkdir()
        self.destination = str(self.place / "destination.git")

    def serve(self, peer):
        self.addCleanup(peer.close)
        return peer

    def honest_peer(self):
        return self.serve(http_source(HONEST, self.honest))

    def run_it(self, *words, terminal=False, **environment):
        run = self.subject.run(*words, terminal=terminal, **environment)
        found = self.subject.objections(run, left_behind=[self.destination, self.subject.home])
        self.assertEqual(found, [], run.text)
        return run

    def refuse(self, status, kind, message, *words, **environment):
        run = self.run_it(*words, "--json", "--stall-timeout", "2", **environment)
        self.assertEqual(run.status, status, run.text)
        if kind:
            report = run.report()
            errors = [report["error"], *(leg["error"] for leg in report.get("destinations", []))]
            self.assertEqual({error["kind"] for error in errors if error}, {kind}, run.text)
        self.assertIn(message, run.text)
        self.assertEqual(refs_of(self.destination), {})
        return run

    def children(self):
        return self.subject.children.read_text() if self.subject.children.exists() else ""


class Addresses(Attack):
    """C1–C4, C6, C9: what an address may not be. Nothing is started, and nobody asked."""

    PWNED = "touch pwned"
    REFUSED = [
        "-oProxyCommand=touch pwned",
        "--upload-pack=touch pwned",
        "-u touch pwned",
        "ssh://-oProxyCommand=touch pwned/x",
        "ssh://-oProxyCommand=touch%20pwned/x",
        "ssh://git@-oProxyCommand=x/x",
        "ssh://-oProxyCommand=x@host.example/x",
        "ssh://host.example:-22/x",
        "-oProxyCommand=x:repository",
        "git@-oProxyCommand=x:repository",
        "-l@host.example:repository",
        "ssh://host;touch pwned/x",
        "ssh://`touch pwned`/x",
        "ssh://$(touch pwned)/x",
        "ssh://host'$(touch pwned)'/x",
        "git@$(touch pwned):x",
        "git@host|touch pwned:x",
        "ext::sh -c touch% pwned",
        "ext::touch pwned",
        "EXT::touch pwned",
        "fd::7",
        "remote-helper::x",
        "ftp://host.example/x",
        "rsync://host.example/x",
        "https://host.example\n.evil.example/x",
        "https://host.example/x\r\nHost: evil.example",
        "https://host.example/%0ahost=evil.example",
        "https://host.example/%0d%0a",
        "https://host.example/%00",
        "https://ada%0ahost=evil@host.example/x",
        "https://host.example\\@evil.example/x",
        "https://host.example#@evil.example/x",
        "https://evil.example?@host.example/x",
        "https://a@b@host.example/x",
        "https://[::1]evil.example/x",
        "https://[::1/x",
        "https://0x7f000001/x",
        "https://2130706433/x",
        "https://127.1/x",
        "https://host.example:99999/x",
        "https:///x",
        "https://host.example/../../x",
        "https://host.example/%2e%2e/x",
        "https://host .example/x",
        "git://host.example/x\nfoo",
        "git://host.example/x%0a0000",
        "\x1b]0;pwned\x07",
        "",
    ]

    def test_they_are_refused_before_anybody_is_asked(self):
        shim = self.here / "ssh"
        shim.write_text(f"#!/bin/sh\ntouch '{self.here}/pwned'\n")
        shim.chmod(0o755)
        before = os.getcwd()
        os.chdir(self.here)
        self.addCleanup(os.chdir, before)
        for address in self.REFUSED:
            for words in ([address, self.destination], [self.honest.path, address]):
                with self.subTest(words=words):
                    run = self.run_it("replicate", *words, GIT_SSH=str(shim))
                    self.assertEqual(run.status, USAGE, run.text)
                    self.assertEqual(self.children(), "")
                    self.assertEqual([path.name for path in self.here.iterdir()], ["ssh"])
                    self.assertEqual(refs_of(self.destination), {})

    def test_a_path_that_begins_with_a_dash_is_a_path(self):
        """C1: behind `--`; git gets it whole."""
        before = os.getcwd()
        os.chdir(self.here)
        self.addCleanup(os.chdir, before)
        run = self.run_it("replicate", "--", self.honest.path, "./--upload-pack=touch pwned")
        self.assertEqual(run.status, DONE, run.text)
        self.assertEqual(refs_of(self.here / "--upload-pack=touch pwned"), self.honest.refs)
        self.assertFalse((self.here / "pwned").exists())

    def test_what_a_shell_would_obey_reaches_ssh_in_quotes(self):
        """C3: one word for the remote shell, whatever is in it."""
        path = "/it's; touch pwned #`touch pwned`$(touch pwned)!x\\"
        shim = self.here / "ssh"
        # As sshd does: the last word is given to a shell, and there git is a program that says what it was given.
        shim.write_text(
            "#!/bin/sh\n"
            f"cd '{self.here}'\n"
            "for last; do :; done\n"
            "PATH=$PWD:$PATH exec /bin/sh -c \"$last\"\n"
        )
        git_there = self.here / "git-upload-pack"
        git_there.write_text("#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" >said\n")
        for program in (shim, git_there):
            program.chmod(0o755)
        self.run_it("refs", f"host.example:{path}", GIT_SSH=str(shim))
        self.assertEqual((self.here / "said").read_text(), f"1\n{path}\n")
        self.assertFalse((self.here / "pwned").exists())

    def test_a_remote_path_that_begins_with_a_dash_is_no_option(self):
        """C1: git on the other side would take it for one."""
        for address in ("git@host.example:-x", "host.example:--upload-pack=touch", "host.example:-"):
            with self.subTest(address=address):
                self.assertEqual(self.run_it("refs", address, GIT_SSH="/bin/false").status, USAGE)

    def test_refspecs_and_options_are_judged_too(self):
        for words in (
            ["--ref", "refs/heads/../../x"],
            ["--ref", "a\nb"],
            ["--ref", "refs/heads/*:refs/heads/x"],
            ["--exclude", "a b"],
            ["--stall-timeout", "-1"],
            ["--allow-deletions", "200%"],
            ["--credentials", "/nonexistent\x1b]0;pwned\x07"],
        ):
            with self.subTest(words=words):
                run = self.run_it("replicate", *words, self.honest.path, self.destination)
                self.assertEqual(run.status, USAGE, run.text)


class Secrets(Attack):
    """C20, with every way to give one; C5: to no other host."""

    def asking_peer(self, status="401 Unauthorized"):
        """Answers only to the canary, and remembers who asked."""

        def answer(request, number):
            given = request.headers.get("authorization", "")
            if not given:
                return http(b"who are you?", "text/plain", status, ["WWW-Authenticate: Basic realm=x"])
            return None

        return self.serve(raw_http_source(Row("asks", HttpSource(answer)), self.honest, self.serve(Peer(lambda _: None))))

    def replicate(self, url, *words, **environment):
        run = self.run_it("replicate", url, self.destination, "--verbose", "--json", *words, **environment)
        self.assertEqual(run.status, DONE, run.text)
        self.assertEqual(refs_of(self.destination), self.honest.refs)
        return run

    def test_a_token_in_the_environment(self):
        peer = self.asking_peer()
        self.replicate(f"http://127.0.0.1:{peer.port}/r.git", PACKFERRY_TOKEN=CANARY)

    def test_a_password_in_the_environment(self):
        peer = self.asking_peer()
        self.replicate(f"http://127.0.0.1:{peer.port}/r.git", PACKFERRY_USERNAME="ann", PACKFERRY_PASSWORD=CANARY)

    def test_a_password_in_the_address(self):
        peer = self.asking_peer()
        run = self.replicate(f"http://ann:{CANARY}@127.0.0.1:{peer.port}/r.git")
        self.assertIn("is seen by everybody", run.text)

    def test_a_password_in_a_file(self):
        file = self.place / "credentials"
        file.write_text(f"username=ann\npassword={CANARY}\n")
        file.chmod(0o600)
        peer = self.asking_peer()
        self.replicate(f"http://127.0.0.1:{peer.port}/r.git", "--credentials", str(file))

    def helper(self, says):
        helper = self.place / "helper"
        helper.write_text(f"#!/bin/sh\n[ \"$1\" != get ] || printf '{says}'\n")
        helper.chmod(0o755)
        (self.subject.home / ".gitconfig").write_text(f"[credential]\n\thelper = {helper}\n")

    def test_a_password_of_a_helper(self):
        self.helper(f"username=ann\\npassword={CANARY}\\n")
        peer = self.asking_peer()
        self.replicate(f"http://127.0.0.1:{peer.port}/r.git")

    def test_a_helper_that_says_too_much(self):
        """What does not look like an answer is none, and is not repeated."""
        for says in (f"password={CANARY}", f"{CANARY}\\n", f"username=a\\npassword={CANARY}\\001\\nquit=1\\n", "x" * 200_000):
            with self.subTest(says=says[:40]):
                self.helper(says)
                peer = self.serve(http_peer(lambda request, number: http(b"", None, "401 Unauthorized")))
                self.refuse(FAILED, "denied", "", "replicate", f"http://127.0.0.1:{peer.port}/r.git", self.destination)

    def test_a_refusal_that_repeats_it(self):
        """A host that prints back what it was sent: its words are shown, and the secret is not in them."""

        def answer(request, number):
            return http(request.headers.get("authorization", "").encode(), "text/plain", "403 Forbidden")

        peer = self.serve(http_peer(answer))
        run = self.subject.run(
            "replicate", f"http://127.0.0.1:{peer.port}/r.git", self.destination, "--verbose", PACKFERRY_TOKEN=CANARY
        )
        self.assertEqual(self.subject.objections(run), [], run.text)

    def test_it_is_for_one_host_only(self):
        other = self.asking_peer()
        peer = self.serve(
            http_peer(
                lambda request, number: http(
                    status="307 Temporary Redirect",
                    headers=[f"Location: http://127.0.0.1:{other.port}/r.git/info/refs?service=git-upload-pack"],
                )
            )
        )
        self.refuse(
            FAILED, "invalid", "elsewhere",
            "replicate", f"http://127.0.0.1:{peer.port}/r.git", self.destination, PACKFERRY_TOKEN=CANARY,
        )  # fmt: skip
        self.assertEqual(other.connections, 0)

    def test_children_are_not_told(self):
        """Every program that is started for a local destination and for ssh is seen by the shims; objections() looks."""
        peer = self.serve(stream_source(HONEST, self.honest, opens=False))
        plug = f"{sys.executable} -IS {HERE}/plug.py {peer.port} {self.subject.children}"
        self.replicate("ssh://host.example/r.git", PACKFERRY_TOKEN=CANARY, GIT_SSH_COMMAND=plug)
        self.assertIn("receive-pack", self.children())
        self.assertIn("plug.py", self.children())


class Certificates(Attack):
    """C23: twelve that are no good, and a few ways to speak TLS that are none."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = cls.directory / "tls"
        directory.mkdir()
        cls.trusted = certificates.Authority(directory, "trusted")
        cls.unknown = certificates.Authority(directory, "unknown")
        cls.no_authority = certificates.Authority(directory, "leaf", cls.trusted, ca=False)
        cls.between = certificates.Authority(directory, "between", cls.trusted)

    def served(self, context):
        return self.serve(http_peer(raw_answer(self.honest), context))

    def refused(self, context, message, kind="denied", host="127.0.0.1"):
        peer = self.served(context)
        url = f"https://{host}:{peer.port}/r.git"
        run = self.refuse(
            FAILED, kind, message, "replicate", url, self.destination,
            PACKFERRY_TOKEN=CANARY, SSL_CERT_FILE=str(self.trusted.certificate),
        )  # fmt: skip
        self.assertEqual(peer.heard, [], run.text)

    def test_a_good_one_is_taken(self):
        peer = self.served(certificates.serving(self.trusted.issue("good")))
        run = self.run_it(
            "replicate", f"https://127.0.0.1:{peer.port}/r.git", self.destination, SSL_CERT_FILE=str(self.trusted.certificate)
        )
        self.assertEqual(run.status, DONE, run.text)

    def test_one_of_an_unknown_authority(self):
        self.refused(certificates.serving(self.unknown.issue("unknown-leaf")), "is not trusted")

    def test_one_with_its_unknown_authority_in_the_chain(self):
        identity = self.unknown.issue("unknown-chain")
        self.refused(certificates.serving(identity, chain=[self.unknown.certificate]), "is not trusted")

    def test_one_that_signed_itself(self):
        self.refused(certificates.serving(certificates.make(self.trusted.directory, "self", None)), "is not trusted")

    def test_one_that_has_expired(self):
        identity = self.trusted.issue("expired", begins=-30 * certificates.DAY, ends=-certificates.DAY)
        self.refused(certificates.serving(identity), "expired")

    def test_one_that_is_not_valid_yet(self):
        identity = self.trusted.issue("early", begins=certificates.DAY)
        self.refused(certificates.serving(identity), "not yet valid")

    def test_one_for_another_host(self):
        identity = self.trusted.issue("other", extensions=certificates.leaf_extensions("DNS:other.example"))
        self.refused(certificates.serving(identity), "for another host")

    def test_one_for_another_address(self):
        identity = self.trusted.issue("address", extensions=certificates.leaf_extensions("IP:127.0.0.2,DNS:127.0.0.1"))
        self.refused(certificates.serving(identity), "for another host")

    def test_one_for_every_name_under_the_top(self):
        identity = self.trusted.issue("star", extensions=certificates.leaf_extensions("DNS:*"))
        self.refused(certificates.serving(identity), "for another host", host="localhost")

    def test_one_with_a_name_that_has_a_nul(self):
        identity = self.trusted.issue("prefix", extensions=certificates.leaf_extensions("DNS:localhost.evil.example"))
        self.refused(certificates.serving(identity), "for another host", host="localhost")

    def test_one_for_clients(self):
        identity = self.trusted.issue("client", extensions=certificates.leaf_extensions("IP:127.0.0.1", "clientAuth"))
        self.refused(certificates.serving(identity), "is not trusted")

    def test_one_issued_by_a_certificate_that_may_not(self):
        identity = self.no_authority.issue("by-leaf")
        self.refused(certificates.serving(identity, chain=[self.no_authority.certificate]), "is not trusted")

    def test_one_whose_chain_has_a_gap(self):
        self.refused(certificates.serving(self.between.issue("gap")), "is not trusted")

    def test_one_with_a_weak_key(self):
        identity = self.trusted.issue("weak", key="rsa:1024")
        self.refused(certificates.serving(identity), "is not trusted")

    def test_old_versions_of_tls(self):
        identity = self.trusted.issue("old")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context = certificates.serving(identity, version=ssl.TLSVersion.TLSv1_1)
        self.refused(context, "", "unavailable")

    def test_a_server_that_speaks_no_tls(self):
        peer = self.honest_peer()
        self.refuse(
            FAILED, "unavailable", "", "replicate", f"https://127.0.0.1:{peer.port}/r.git", self.destination,
            PACKFERRY_TOKEN=CANARY,
        )  # fmt: skip
        self.assertEqual(peer.heard, [])

    def test_a_server_that_speaks_only_tls(self):
        context = certificates.serving(self.trusted.issue("only"))
        peer = self.serve(Peer(lambda conversation: conversation.bytes(1), context))
        self.refuse(FAILED, "unavailable", "", "replicate", f"http://127.0.0.1:{peer.port}/r.git", self.destination)

    def test_a_handshake_that_never_ends(self):
        """Within the time that a connection may take: a minute at most, so it is interrupted here."""
        peer = self.serve(Peer(lambda conversation: conversation.say(forever(b"", b"\x16\x03\x01\x00\x00"))))
        self.refuse(FAILED, "unavailable", "", "replicate", f"https://127.0.0.1:{peer.port}/r.git", self.destination)

    def test_nobody_there(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            for scheme in ("http", "https", "git"):
                url = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}/r.git"
                self.refuse(FAILED, "unavailable", "refused", "replicate", url, self.destination)


def raw_answer(honest):
    from conversations import honest_answer

    return lambda request, number: honest_answer(Source(2), request, honest)


class Terminals(Attack):
    """C21, where it is not the wire that brings it."""

    def plug(self, peer, words=""):
        return f"{sys.executable} -IS {HERE}/plug.py {peer.port}/{words} {self.subject.children}"

    def test_ssh_repeats_what_the_host_says(self):
        words = r"'\x1b]0;pwned\x07\x1b[2J\x9b31m\xe2\x80\xae\nwelcome\n'"
        for terminal in (True, False):
            with self.subTest(terminal=terminal):
                peer = self.serve(stream_source(HONEST, self.honest, opens=False))
                run = self.run_it(
                    "refs", "ssh://host.example/r.git", terminal=terminal, GIT_SSH_COMMAND=self.plug(peer, words)
                )
                self.assertEqual(run.status, DONE, run.text)
                self.assertEqual("welcome" in run.text, terminal)

    def test_a_host_whose_last_words_are_escapes(self):
        peer = self.serve(Peer(lambda conversation: None))
        words = r"'fatal: \x1b]0;pwned\x07\r\n'"
        run = self.run_it("refs", "ssh://host.example/r.git", terminal=True, GIT_SSH_COMMAND=self.plug(peer, words))
        self.assertEqual(run.status, FAILED)
        self.assertIn(r"fatal: \x1b]0;pwned\x07", run.text)

    def test_capabilities_and_names_are_listed_harmlessly(self):
        peer = self.serve(
            http_source(
                Row("escapes", Source(2, greeting=self.honest.capabilities[:-4] + b"%04x" % (len(ESCAPES) + 4) + ESCAPES + b"0000",
                    refs=self.honest.ls_refs(f"{self.honest.main} refs/heads/\u202efdp\n"))),
                self.honest,
            )  # fmt: skip
        )
        for words in ([], ["--json"], ["--quiet"]):
            for terminal in (True, False):
                with self.subTest(words=words, terminal=terminal):
                    run = self.run_it("refs", f"http://127.0.0.1:{peer.port}/r.git", *words, terminal=terminal)
                    self.assertEqual(run.status, DONE, run.text)
                    self.assertIn(r"\u{202e}fdp", run.text)

    def test_a_path_with_escapes(self):
        name = "\x1b]0;pwned\x07.git"
        for words in (["refs", name], ["replicate", name, "x.git"], ["replicate", self.honest.path, name]):
            with self.subTest(words=words):
                before = os.getcwd()
                os.chdir(self.here)
                try:
                    self.run_it(*words)
                finally:
                    os.chdir(before)


class LocalRepositories(Attack):
    """C19: links, alternates and a repository of somebody else's making."""

    def test_links_among_the_objects_are_not_copied_as_links(self):
        source = self.place / "source.git"
        shutil.copytree(self.honest.path, source)
        shutil.rmtree(source / "objects" / "info", ignore_errors=True)
        (source / "objects" / "secret").symlink_to("/etc")
        run = self.run_it("replicate", str(source), self.destination)
        self.assertEqual(run.status, DONE, run.text)
        self.assertEqual([path for path in pathlib.Path(self.destination).rglob("*") if path.is_symlink()], [])

    def test_a_repository_with_programs_in_its_configuration(self):
        """Nothing that upload-pack runs by itself; hooks and helpers of the source stay where they are."""
        source = self.place / "source.git"
        shutil.copytree(self.honest.path, source)
        for key, value in (
            ("uploadpack.packObjectsHook", f"touch {self.here}/pwned; false"),
            ("core.sshCommand", f"touch {self.here}/pwned"),
            ("core.fsmonitor", f"touch {self.here}/pwned"),
            ("core.pager", f"touch {self.here}/pwned"),
        ):
            git(str(source), "config", key, value)
        run = self.run_it("replicate", str(source), self.destination)
        self.assertEqual(run.status, DONE, run.text)
        self.assertFalse((self.here / "pwned").exists())
        self.assertNotIn("pwned", (pathlib.Path(self.destination) / "config").read_text())


class TheWatch(Attack):
    """What subject.py looks for, it finds: each planted once."""

    def planted(self, script, deadline=20):
        program = self.place / "planted"
        program.write_text("#!/bin/sh\n" + script)
        program.chmod(0o755)
        subject = Subject(tempfile.mkdtemp(dir=self.place), str(program), deadline)
        run = subject.run(PACKFERRY_TOKEN=CANARY)
        return "; ".join(subject.objections(run, left_behind=[subject.home]))

    def test_it_finds_a_program_without_end(self):
        self.assertIn("did not end within 1 s", self.planted("sleep 30\n", deadline=1))

    def test_it_finds_a_program_that_crashes(self):
        self.assertIn("ended with status", self.planted("exit 134\n"))

    def test_it_finds_a_program_that_takes_memory(self):
        self.assertIn("took", self.planted(f"exec {sys.executable} -IS -c \"bytearray(80 * 2**20)\"\n"))

    def test_it_finds_escapes(self):
        for said in (r"\033]0;x", r"\007", r"\233", r"\302\233", r"\342\200\256", r"\r", r"\033[2J"):
            with self.subTest(said=said):
                self.assertIn("as it is", self.planted(f"printf 'a{said}b' >&2\n"))

    def test_it_lets_colours_pass(self):
        self.assertEqual(self.planted(r"printf '\033[31mgr\303\274n\033[0m\n'" + "\n"), "")

    def test_it_finds_secrets(self):
        for leak, place in (
            ('echo "$PACKFERRY_TOKEN"', "output"),
            ('printf "oauth2:$PACKFERRY_TOKEN" | base64 >&2', "output"),
            ('git -c a.b="$PACKFERRY_TOKEN" version >/dev/null', "children"),
            ("git version >/dev/null", "children"),
            ('echo "$PACKFERRY_TOKEN" >"$HOME/cache"', "cache"),
        ):
            with self.subTest(leak=leak):
                self.assertRegex(self.planted(leak + "\n"), f"the secret is in .*{place}")


if __name__ == "__main__":
    unittest.main()
