"""A peer of Git's protocols, phase by phase: what it says in each is up to the table, and how that is carried to HTTP, to
git:// or to a pipe is seen to here."""

import dataclasses
import re

from wire import FLUSH, Peer, http, http_peer, pkt


@dataclasses.dataclass
class Source:
    """upload-pack. Each phase is bytes, or a function that makes a generator. None is what an honest server says."""

    protocol: int
    greeting: object = None
    refs: object = None  # protocol 2 only
    fetch: object = None

    def phase(self, name, honest):
        said = getattr(self, name)
        if said is not None:
            return said() if callable(said) else said
        return {
            "greeting": honest.capabilities if self.protocol == 2 else honest.old_listing(),
            "refs": honest.ls_refs(),
            "fetch": honest.packfile() if self.protocol == 2 else honest.old_packfile(),
        }[name]

    def answer_of(self, request):
        """The name of the phase that answers this request."""
        return "refs" if b"command=ls-refs" in request else "fetch"


@dataclasses.dataclass
class Destination:
    """receive-pack. It holds `refs` before the push, `then` after it, and reports what it likes."""

    refs: dict = None
    report: object = None
    then: dict = None
    capabilities: str = None
    greeting: object = None  # instead of the first listing


@dataclasses.dataclass
class HttpSource:
    """upload-pack over HTTP, for what goes wrong in HTTP: `answer(request, number)` gives the whole answer, or None for
    what an honest server says. HERE and ELSEWHERE in it are host and port of this server and of one that nobody may be
    sent to."""

    answer: object
    protocol: int = 2


def peer_for(row, carrier, honest, elsewhere):
    if isinstance(row.says, HttpSource):
        return raw_http_source(row, honest, elsewhere)
    if isinstance(row.says, Source):
        return http_source(row, honest) if carrier == "http" else stream_source(row, honest, opens=carrier == "git")
    return http_destination(row, honest) if carrier == "http" else stream_destination(row, honest)


def raw_http_source(row, honest, elsewhere):
    def answer(request, number):
        said = row.says.answer(request, number)
        if said is None:
            return honest_answer(Source(2), request, honest)
        if not isinstance(said, bytes):
            return said
        for word, there in ((b"HERE", peer), (b"ELSEWHERE", elsewhere)):
            said = re.sub(rb"\b%s\b" % word, b"127.0.0.1:%d" % there.port, said)
        return said

    peer = http_peer(answer)
    return peer


def http_source(row, honest):
    return http_peer(lambda request, _: honest_answer(row.says, request, honest))


def honest_answer(source, request, honest):
    """As far as HTTP goes."""
    if request.method == "GET":
        # Optional with protocol 2, and left out there.
        prelude = b"" if source.protocol == 2 else pkt("# service=git-upload-pack\n") + FLUSH
        said = source.phase("greeting", honest)
        kind = "application/x-git-upload-pack-advertisement"
        return http(prelude + said if isinstance(said, bytes) else after(prelude, said), kind)
    return http(source.phase(source.answer_of(request.body), honest), "application/x-git-upload-pack-result")


def after(beginning, pieces):
    yield beginning
    yield from pieces


def stream_source(row, honest, opens):
    """On one stream. `opens`: the client says first which repository it wants (git://)."""
    source = row.says

    def serve(conversation):
        if opens:
            conversation.packet()
        conversation.say(source.phase("greeting", honest))
        if source.greeting is not None and row.kind == "unavailable":
            return
        if source.protocol == 0:
            # A flush and nothing before it is a goodbye.
            if conversation.packets_to_flush():
                while conversation.packet() != b"done\n":
                    pass
                conversation.say(source.phase("fetch", honest))
            return
        while packets := conversation.packets_to_flush():
            phase = source.answer_of(b"".join(packets))
            conversation.say(source.phase(phase, honest))
            if getattr(source, phase) is not None and row.kind == "unavailable":
                return

    return Peer(serve)


def http_destination(row, honest):
    listings = 0

    def answer(request, _):
        nonlocal listings
        if request.method == "GET":
            listings += 1
            prelude = pkt("# service=git-receive-pack\n") + FLUSH
            return http(prelude + listing(row.says, honest, listings), "application/x-git-receive-pack-advertisement")
        return http(report(row.says, honest), "application/x-git-receive-pack-result")

    return http_peer(answer)


def stream_destination(row, honest):
    listings = 0

    def serve(conversation):
        nonlocal listings
        listings += 1
        conversation.say(listing(row.says, honest, listings))
        if row.says.greeting is not None and row.kind == "unavailable":
            return
        if conversation.packets_to_flush():
            conversation.stream.read()
            conversation.say(report(row.says, honest))

    return Peer(serve)


def listing(destination, honest, number):
    if number == 1 and destination.greeting is not None:
        return destination.greeting
    refs = destination.refs if number == 1 else honest.refs if destination.then is None else destination.then
    return honest.push_listing(refs or {}, destination.capabilities or honest.push_capabilities)


def report(destination, honest):
    said = honest.good_report() if destination.report is None else destination.report
    return said() if callable(said) else said
