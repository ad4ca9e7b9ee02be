"""The table: every row is a peer with one thing wrong."""

import dataclasses

from conversations import Destination, Source
from wire import DELIMITER, FLUSH, RESPONSE_END, band, bands, forever, pkt, silence, slowly

# What a terminal would obey: a new title, a cleared screen, a line drawn over, an 8-bit control, text turned around.
ESCAPES = b"\x1b]0;pwned\x07\x1b[2J\rok\x08\x9b31m\xc2\x9b31m\xe2\x80\xae"


@dataclasses.dataclass
class Row:
    name: str
    says: object
    kind: str = None  # of the error in the report; none: no error
    message: str = ""  # somewhere in the report
    status: int = 1
    carriers: tuple = ("http", "git")
    options: tuple = ()
    leaves: dict = None  # at a local destination; none: the honest refs when all is done, else nothing
    memory_mib: int = 64  # more only where a documented limit is met


def fine(name, says, **more):
    return Row(name, says, None, **{"status": 0, **more})


def table(honest):
    return [
        *honest_ones(),
        *packet_rows(honest),
        *capability_rows(honest),
        *listing_rows(honest),
        *old_listing_rows(honest),
        *name_rows(honest),
        *answer_rows(honest),
        *old_answer_rows(honest),
        *pack_rows(honest),
        *push_listing_rows(honest),
        *report_rows(honest),
    ]


def honest_ones():
    everywhere = ("http", "git", "ssh")
    return [
        fine("an honest source", Source(2), carriers=everywhere),
        fine("an honest old source", Source(0), carriers=everywhere),
        fine("an honest destination", Destination(), carriers=("http", "ssh")),
    ]


def refs(said, protocol=2):
    return Source(protocol, refs=said)


def packet_rows(honest):
    """gitprotocol-common(5): four digits, 0003 is no length, 65520 is the longest."""
    broken = {
        "0003": ("a packet of length three", b"0003", "no pkt-line has the length '0003'"),
        "ffff": ("a packet of length ffff", b"ffff" + b"x" * 65_531, "no pkt-line has the length 'ffff'"),
        "fff1": ("a packet one byte too long", b"fff1" + b"x" * 65_517, "no pkt-line has the length 'fff1'"),
        "text": ("a packet without a length", b"hello, world", "not a pkt-line"),
        "sign": ("a length with a sign", b"+010" + b"x" * 12, "not a pkt-line"),
        "space": ("a length with a space", b" 010" + b"x" * 12, "not a pkt-line"),
        "hex": ("a length with a prefix", b"0x10" + b"x" * 12, "not a pkt-line"),
        "nul": ("a length of NULs", b"\0\0\0\0", "not a pkt-line"),
    }
    rows = [Row(f"{name} in a listing", refs(honest.head_line() + said), "corrupt", text) for name, said, text in broken.values()]
    for key in ("0003", "ffff", "text"):
        name, said, text = broken[key]
        rows += [
            Row(f"{name} first of all", Source(2, greeting=said), "corrupt", "" if key == "ffff" else text),
            Row(f"{name} in the old greeting", Source(0, greeting=honest.old_lines() + said), "corrupt", text),
            Row(f"{name} among the bands", Source(2, fetch=pkt("packfile\n") + said), "corrupt", text),
        ]
    return rows


def capability_rows(honest):
    giant = pkt("word=" + "x" * 60_000 + "\n")
    return [
        Row("an unknown object format", Source(2, greeting=pkt("version 2\n", "ls-refs\n", "fetch\n", "object-format=sha512\n") + FLUSH), "unsupported", "sha512"),
        Row("capabilities without an end", Source(2, greeting=lambda: forever(pkt("version 2\n"), pkt("word\n"))), "corrupt", "capabilities without end"),
        Row("giant capabilities", Source(2, greeting=lambda: forever(pkt("version 2\n"), giant)), "corrupt", "capabilities without end"),
        Row("giant old capabilities", Source(0, greeting=honest.old_lines(honest.old_capabilities + " " + "x" * 65_000) + b"0003"), "corrupt", "0003"),
        Row("a greeting that ends early", Source(2, greeting=honest.capabilities[:-4]), "unavailable", "hung up before its list"),
        Row("no greeting at all", Source(2, greeting=b""), "unavailable", "hung up before its list"),
        Row("a version to come", Source(2, greeting=pkt("version 3\n", "ls-refs\n") + FLUSH), "corrupt", "version"),
        Row("protocol 2 without ls-refs", Source(2, greeting=pkt("version 2\n", "fetch\n") + FLUSH), "unsupported", "ls-refs"),
        Row("protocol 2 without fetch", Source(2, greeting=pkt("version 2\n", "ls-refs\n") + FLUSH), "unsupported", "fetch"),
        fine("capabilities that nobody knows", Source(2, greeting=honest.capabilities[:-4] + pkt("bundle-uri\n", "teleport=now\n", "server-option\n", "=\n", "\n") + FLUSH)),
        Row("an error with escapes for a greeting", Source(2, greeting=pkt(b"ERR go away " + ESCAPES)), "rejected", r"go away \\x1b]0;pwned\\x07"),
        Row("version 1 twice", Source(0, greeting=pkt("version 1\n", "version 1\n") + honest.old_listing()), "corrupt", "object name"),
        fine("version 1 unasked", Source(0, greeting=pkt("version 1\n") + honest.old_listing())),
    ]


def listing_rows(honest):
    main, tag = honest.main, honest.tag
    head = honest.head_line()
    return [
        Row("a listing without its flush", refs(head + honest.ref_lines()), "unavailable", "before its list of refs was complete"),
        Row("a listing cut inside a line", refs(head + honest.ref_lines()[:-9]), "unavailable", "ended inside a pkt-line"),
        Row("an empty answer for a listing", refs(b""), "unavailable", "before its list of refs was complete"),
        Row("a listing that never comes", refs(lambda: silence(head)), "unavailable", "for 2"),
        fine("a listing that drips", refs(lambda: slowly(honest.ls_refs(), 0.01)), carriers=("http", "git")),
        Row("a listing that ends in a delimiter", refs(head + honest.ref_lines() + DELIMITER), "corrupt", "divided where it must not be"),
        Row("a listing that ends in a response end", refs(head + honest.ref_lines() + RESPONSE_END), "corrupt", "divided where it must not be"),
        Row("a ref listed twice", refs(honest.ls_refs(f"{honest.first} refs/heads/main\n")), "corrupt", "listed twice"),
        Row("HEAD listed twice", refs(head + honest.ls_refs()), "corrupt", "HEAD is listed twice"),
        fine("a listing in disorder", refs(head + pkt(f"{tag} refs/tags/v1\n", f"{main} refs/heads/main\n") + FLUSH)),
        Row("a short object name", refs(honest.ls_refs(f"{main[:39]} refs/heads/x\n")), "corrupt", "object name"),
        Row("a long object name", refs(honest.ls_refs(f"{main}0 refs/heads/x\n")), "corrupt", "object name"),
        Row("a sha256 name in a sha1 listing", refs(honest.ls_refs(f"{main}{main[:24]} refs/heads/x\n")), "corrupt", "object name"),
        Row("an object name in capitals", refs(honest.ls_refs(f"{'ABCDEF' * 6}ABCD refs/heads/x\n")), "corrupt", ""),
        Row("the name of no object", refs(honest.ls_refs(f"{'0' * 40} refs/heads/x\n")), "corrupt", "points at no object"),
        Row("a peeled name that is none", refs(honest.ls_refs(f"{tag} refs/tags/x peeled:yes\n")), "corrupt", "object name"),
        Row("a line without a name", refs(honest.ls_refs(f"{main}\n")), "corrupt", "which git does not allow"),
        Row("an empty line", refs(honest.ls_refs("")), "corrupt", ""),
        Row("a symbolic HEAD to nowhere in refs", refs(honest.head_line(" symref-target:../../etc/passwd") + honest.ref_lines() + FLUSH), "corrupt", "which git does not allow"),
        fine("a symbolic HEAD that is its own target", refs(honest.head_line(" symref-target:HEAD") + honest.ref_lines() + FLUSH)),
        fine("a symbolic ref to itself", refs(head + pkt(f"{main} refs/heads/main symref-target:refs/heads/main\n", f"{tag} refs/tags/v1\n") + FLUSH)),
        fine("an unborn HEAD beside its branch", refs(pkt("unborn HEAD symref-target:refs/heads/main\n") + honest.ref_lines() + FLUSH)),
        Row("something else that is unborn", refs(honest.ls_refs("unborn refs/heads/later\n")), "corrupt", "unborn"),
        Row("an error with escapes in a listing", refs(head + pkt(b"ERR " + ESCAPES)), "rejected", r"\\x1b]0;pwned\\x07"),
        Row("refs without end", refs(lambda: forever(head, pkt(f"{main} refs/heads/x\n"))), "exhausted", "more than 2000000 refs", memory_mib=1024, carriers=("http",)),
    ]


def old_listing_rows(honest):
    main, tag = honest.main, honest.tag

    def old(said):
        return Source(0, greeting=said)

    return [
        Row("an old listing without its flush", old(honest.old_lines()), "unavailable", "before its list of refs was complete"),
        Row("an old listing cut inside a line", old(honest.old_lines()[:-5]), "unavailable", "ended inside a pkt-line"),
        Row("a peeled line without its tag", old(honest.old_listing(f"{main} refs/tags/v9^{{}}\n")), "corrupt", "does not follow its ref"),
        Row("a tag that is peeled twice", old(honest.old_listing(f"{main} refs/tags/v1^{{}}\n")), "corrupt", "does not follow its ref"),
        Row("a shallow source", old(honest.old_listing(f"shallow {main}\n")), "unsupported", "shallow"),
        Row("a shallow line with nonsense", old(honest.old_listing("shallow you\n")), "corrupt", "object name"),
        Row("a symref to a bad name", old(honest.old_lines("side-band-64k symref=HEAD:refs/heads/..") + FLUSH), "corrupt", "which git does not allow"),
        fine("a symref loop", old(honest.old_lines("side-band-64k symref=HEAD:refs/heads/main symref=refs/heads/main:refs/heads/main symref=:") + FLUSH)),
        Row("a symref to nothing", old(honest.old_lines("side-band-64k symref=HEAD") + FLUSH), "corrupt", "which git does not allow"),
        fine("haves in the listing of a source", old(honest.old_listing(f"{main} .have\n", f"{tag} .have\n"))),
        Row("a flood of haves", old(lambda: forever(honest.old_lines(), pkt(f"{main} .have\n"))), "exhausted", "more than 2000000 refs", memory_mib=512, carriers=("git",)),
        Row("capabilities of nothing, in the middle", old(honest.old_listing(f"{'0' * 40} capabilities^{{}}\n")), "corrupt", ""),
        Row("an old ref listed twice", old(honest.old_lines() + honest.old_listing()), "corrupt", ""),
    ]


def name_rows(honest):
    """C15: names that git does not allow, or that would lead elsewhere were they taken for paths."""
    names = {
        "a name with two dots": b"refs/heads/a..b",
        "a name that climbs": b"refs/heads/../../../hooks/post-update",
        "a name in brackets": b"refs/heads/a@{1}",
        "a name that locks": b"refs/heads/main.lock",
        "a name with a locked folder": b"refs/heads/a.lock/b",
        "a name with a hidden folder": b"refs/heads/.git/config",
        "a name with control bytes": b"refs/heads/" + ESCAPES,
        "a name with a NUL": b"refs/heads/a\0b",
        "a name with a space": b"refs/heads/a b:refs/heads/c",
        "a name with a colon": b"refs/heads/a:refs/heads/b",
        "a name with a star": b"refs/heads/*",
        "a name with a backslash": b"refs\\heads\\main",
        "a name outside of refs": b"config",
        "a name that is absolute": b"/etc/passwd",
        "a name like HEAD": b"FETCH_HEAD",
        "a name that is an option": b"--upload-pack=touch",
        "a name that ends in a slash": b"refs/heads/",
        "a name of five thousand bytes": b"refs/heads/" + b"x" * 5000,
    }
    rows = [Row(name, refs(honest.ls_refs(honest.main.encode() + b" " + text + b"\n")), "corrupt", "which git does not allow") for name, text in names.items()]
    # Only the first word is the name; what follows are attributes that nobody knows.
    by_name = {row.name: row for row in rows}
    space = by_name["a name with a space"]
    space.kind, space.message, space.status, space.leaves = None, "", 0, {**honest.refs, "refs/heads/a": honest.main}
    bidi = "refs/heads/\u202egnp.exe"
    rows += [
        fine("a name that turns text around", refs(honest.ls_refs(f"{honest.main} {bidi}\n")), leaves={**honest.refs, bidi: honest.main}, message=r"refs/heads/\\u{202e}gnp.exe"),
        fine("a branch called like an option", refs(honest.ls_refs(f"{honest.main} refs/heads/--exec=sh\n")), leaves={**honest.refs, "refs/heads/--exec=sh": honest.main}),
        Row("a branch and a folder of the same name", refs(honest.ls_refs(f"{honest.main} refs/heads/main/x\n")), None, "refs/heads/main/x", status=4, leaves=honest.refs),
    ]
    return rows


def answer_rows(honest):
    """Protocol 2, fetch: sections in their order."""

    def fetch(said):
        return Source(2, fetch=said)

    return [
        Row("no answer to a fetch", fetch(b""), "unavailable", "hung up where the pack was expected"),
        Row("an answer without a pack", fetch(FLUSH), "corrupt", "where the pack was expected"),
        Row("an unknown section", fetch(pkt("gossip\n", "hear, hear\n") + DELIMITER + honest.packfile()), "corrupt", "gossip"),
        Row("packfile-uris unasked", fetch(pkt("packfile-uris\n", f"{honest.main} https://elsewhere.example/x.pack\n") + DELIMITER + honest.packfile()), "corrupt", "packfile-uris"),
        Row("wanted-refs unasked", fetch(pkt("wanted-refs\n", f"{honest.main} refs/heads/main\n") + DELIMITER + honest.packfile()), "corrupt", "wanted-refs"),
        Row("acknowledgments unasked", fetch(pkt("acknowledgments\n", "NAK\n") + FLUSH), "corrupt", "acknowledgments"),
        Row("a shallow answer", fetch(pkt("shallow-info\n", f"shallow {honest.main}\n") + DELIMITER + honest.packfile()), "corrupt", "shallow"),
        Row("a band before the packfile section", fetch(band(1, honest.pack) + FLUSH), "corrupt", "where the pack was expected"),
        Row("an object that is not there", fetch(pkt("ERR upload-pack: not our ref " + honest.main)), "conflict", "not our ref"),
        Row("an error with escapes for a pack", fetch(pkt(b"ERR " + ESCAPES)), "rejected", r"\\x1b]0;pwned\\x07"),
        Row("a pack that never comes", fetch(lambda: silence(pkt("packfile\n"))), "unavailable", "for 2"),
    ]


def old_answer_rows(honest):
    def fetch(said):
        return Source(0, fetch=said)

    ack = f"ACK {honest.main} common\n"
    return [
        Row("no answer to an old fetch", fetch(b""), "unavailable", "hung up where an acknowledgment was expected"),
        Row("a nonsensical acknowledgment", fetch(pkt("ACK who\n") + honest.old_packfile()), "corrupt", "where an acknowledgment was expected"),
        Row("acknowledgments without end", fetch(lambda: forever(b"", pkt(ack))), "corrupt", "acknowledges without end"),
        Row("an unknown word for an acknowledgment", fetch(pkt("MAYBE\n") + honest.old_packfile()), "corrupt", "MAYBE"),
        Row("a shallow old answer", fetch(pkt(f"shallow {honest.main}\n") + FLUSH + honest.old_packfile()), "corrupt", "shallow"),
        Row("a flush for an acknowledgment", fetch(FLUSH + honest.old_packfile()), "corrupt", "where an acknowledgment was expected"),
        Row("an old pack without its band", fetch(pkt("NAK\n") + honest.pack), "corrupt", "not a pkt-line"),
        Row("an old error for a pack", fetch(pkt(b"ERR access denied " + ESCAPES)), "denied", r"\\x1b]0;pwned\\x07"),
    ]


def pack_rows(honest):
    """The same in both protocols: bands, and what they carry."""
    pack = honest.pack
    middle = len(pack) // 2
    wrong = {
        "band 0": (band(0, pack), "corrupt", "side-band 0"),
        "band 4": (band(4, pack), "corrupt", "side-band 4"),
        "band 3 with escapes": (bands(pack[:middle]) + band(3, b"fatal: " + ESCAPES), "rejected", r"fatal: \\x1b]0;pwned\\x07"),
        "a packet without a band": (bands(pack[:middle]) + pkt(b"") + bands(pack[middle:]), "corrupt", "without a band"),
        "a delimiter among the bands": (bands(pack[:middle]) + DELIMITER, "corrupt", "delimiter"),
        "a pack cut in its header": (bands(pack[:7]) + FLUSH, "unavailable", "pack header"),
        "a pack cut in the middle": (bands(pack[:middle]) + FLUSH, "corrupt", "digest"),
        "a pack cut without a flush": (bands(pack[:middle]), "unavailable", "ended inside the side-band"),
        "a pack without its trailer": (bands(pack[:-20]) + FLUSH, "corrupt", "digest"),
        "a pack with another trailer": (bands(pack[:-20] + b"\xee" * 20) + FLUSH, "corrupt", "digest"),
        "a pack with a flipped bit": (bands(flipped(pack, middle)) + FLUSH, "corrupt", "digest"),
        "a pack with something behind it": (bands(pack + b"PACK and more") + FLUSH, "corrupt", "digest"),
        "a pack of version 4": (bands(pack[:7] + b"\4" + pack[8:]) + FLUSH, "corrupt", "pack version 4"),
        "a pack that is a page": (bands(b"<html>please log in</html>") + FLUSH, "corrupt", "not a pack"),
        "more objects than there are": (bands(honest.objects(9)) + FLUSH, "rejected", "did not take the pack"),
        "fewer objects than there are": (bands(honest.objects(2)) + FLUSH, "rejected", "did not take the pack"),
        "four thousand million objects": (bands(honest.objects(2**32 - 1)) + FLUSH, "rejected", "did not take the pack"),
        "a pack of nothing": (bands(honest.objects(0)) + FLUSH, "corrupt", "a pack of no objects"),
        "an empty pack": (FLUSH, "unavailable", "pack header"),
        "progress without end": (lambda: forever(b"", band(2, b"x" * 900 + b"\n")), "exhausted", ""),
        "keepalives without end": (lambda: forever(b"", band(1, b"")), "exhausted", ""),
        "progress without a line end": (lambda: forever(b"", band(2, b"x" * 60_000)), "exhausted", ""),
    }
    right = {
        "progress with escapes": band(2, ESCAPES + b"\n" + ESCAPES) + bands(pack) + FLUSH,
        "keepalives and a byte at a time": b"".join(band(1, b"") + band(1, pack[n : n + 1]) + band(2, b"") for n in range(len(pack))) + FLUSH,
        # The receiving git stops at the end of the first, which is whole; what it lists then is the proof.
        "two packs": bands(pack + pack) + FLUSH,
        "something behind the last flush": bands(pack) + FLUSH + b"and then some",
    }
    rows = []
    for protocol, opening in ((2, pkt("packfile\n")), (0, pkt("NAK\n"))):
        suffix = "" if protocol == 2 else " in the old protocol"
        for name, (said, kind, message) in wrong.items():
            rows.append(Row(name + suffix, Source(protocol, fetch=opened(opening, said)), kind, message))
        for name, said in right.items():
            rows.append(fine(name + suffix, Source(protocol, fetch=opening + said)))
    return rows


def opened(opening, said):
    if isinstance(said, bytes):
        return opening + said

    def pieces():
        yield opening
        yield from said()

    return pieces


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def push_listing_rows(honest):
    both = ("http", "ssh")
    old = {"refs/heads/main": honest.first}

    def to(name, says, *expected, **more):
        return Row(name, says, *expected, carriers=both, **more)

    return [
        to("a destination that speaks protocol 2", Destination(greeting=honest.capabilities), "corrupt", "object name"),
        to("a destination without report-status", Destination(capabilities="delete-refs ofs-delta", then={}), "unsupported", "report-status"),
        to("a destination in sha256", Destination(refs={"refs/heads/main": "1" * 64}, capabilities="report-status object-format=sha256"), "unsupported", "sha256"),
        to("a destination with a truncated listing", Destination(greeting=honest.push_listing(honest.refs)[:-4]), "unavailable", "before its list of refs was complete"),
        to("a destination with a bad name", Destination(greeting=honest.push_listing({"refs/heads/../x": honest.main})), "corrupt", "which git does not allow"),
        to("a destination with a peeled line", Destination(greeting=honest.push_listing({"refs/heads/main": honest.main})[:-4] + pkt(f"{honest.main} refs/tags/x^{{}}\n") + FLUSH), "corrupt", "does not follow its ref"),
        to("a destination that refuses with escapes", Destination(greeting=pkt(b"ERR not allowed " + ESCAPES)), "denied", r"\\x1b]0;pwned\\x07"),
        to("a destination whose refs moved meanwhile", Destination(refs=old, report=honest.report("unpack ok\n", "ng refs/heads/main failed to update ref\n", "ok refs/tags/v1\n"), then={**honest.refs, "refs/heads/main": honest.other}), None, "kept-name-refused", status=3, options=("--atomic", "never")),
    ]


def report_rows(honest):
    both = ("http", "ssh")
    ok_main, ok_tag = "ok refs/heads/main\n", "ok refs/tags/v1\n"
    only_tag = {"refs/tags/v1": honest.tag}

    def says(name, report, kind, message, status=1, then=None, **more):
        return Row(name, Destination(report=report, then=then or {}, **more), kind, message, status, both)

    return [
        says("a report that did not come", b"", "unavailable", ""),
        says("a report cut before its end", bands(pkt("unpack ok\n", ok_main)), "unavailable", ""),
        says("a report of nothing", FLUSH, "unavailable", ""),
        says("a report without its unpack line", honest.report(ok_main, ok_tag), "corrupt", "report"),
        says("unpack ok and then nothing", honest.report("unpack ok\n"), None, "did not report on it"),
        says("ok for refs that nobody asked for", honest.report("unpack ok\n", "ok refs/heads/evil\n", "ok refs/heads/evil\n"), None, "did not report on it"),
        says("ok for one of two", honest.report("unpack ok\n", ok_tag), None, "did not report on it", 4, only_tag),
        says("ok and ng for the same ref", honest.report("unpack ok\n", ok_main, "ng refs/heads/main no\n", ok_main, ok_tag), None, "", 4, only_tag),
        says("ng without a reason", honest.report("unpack ok\n", "ng refs/heads/main\n", ok_tag), None, "refs/heads/main", 4, only_tag),
        says("ng with escapes", honest.report("unpack ok\n", b"ng refs/heads/main " + ESCAPES + b"\n", ok_tag), None, r"\\x1b]0;pwned\\x07", 4, only_tag),
        says("ng with a huge reason", honest.report("unpack ok\n", b"ng refs/heads/main " + b"no! " * 14_000 + b"\n", ok_tag), None, "no! no! ", 4, only_tag),
        says("a failed unpack with escapes", honest.report(b"unpack " + ESCAPES + b"\n", "ng refs/heads/main unpacker error\n", "ng refs/tags/v1 unpacker error\n"), "rejected", r"\\x1b]0;pwned\\x07"),
        says("a report without end", lambda: forever(bands(pkt("unpack ok\n")), bands(pkt(ok_main))), "corrupt", "has no end"),
        says("options without end", lambda: forever(bands(pkt("unpack ok\n")), bands(pkt("option refname refs/heads/evil\n"))), "corrupt", "has no end"),
        says("a report on band 3", band(3, b"disk full " + ESCAPES), "rejected", r"disk full \\x1b]0;pwned\\x07"),
        says("a report on no band", pkt("unpack ok\n", ok_main, ok_tag) + FLUSH, "corrupt", "side-band"),
        says("a report of nonsense", honest.report("unpack ok\n", "maybe refs/heads/main\n"), "corrupt", "maybe"),
        says("more behind the report than fits", lambda: forever(bands(pkt("unpack ok\n", ok_main, ok_tag) + FLUSH), band(1, b"x" * 60_000)), "exhausted", ""),
        says("ok but not applied", honest.good_report(), None, "", 1),
        says("ok but applied in part", honest.good_report(), None, "", 4, only_tag),
        says("ok but something else applied", honest.good_report(), None, "", 4, {"refs/heads/main": honest.first, **only_tag}),
        says("progress without end instead of a report", lambda: forever(b"", band(2, b"resolving deltas\r")), "exhausted", ""),
        Row("progress with escapes before the report", Destination(report=band(2, ESCAPES + b"\n") + honest.good_report()), None, "", 0, both),
        Row("a refused name in an atomic push", Destination(refs={"refs/heads/main": honest.first}, report=honest.report("unpack ok\n", "ng refs/heads/main deny updating a hidden ref\n", ok_tag), then={"refs/heads/main": honest.first, **only_tag}), None, "hidden ref", 4, both),
    ]
