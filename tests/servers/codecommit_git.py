"""CodeCommit's Git: real git behind a door that is as narrow. What CodeCommit does not offer is not offered, what it refuses
is refused, and a client that asks for what was not offered is told so."""

import zlib

# As captured from the service in 2018; see docs/hosts.md.
UPLOAD_OFFERS = ("multi_ack_detailed", "thin-pack", "side-band-64k", "shallow", "allow-tip-sha1-in-want",
                 "allow-reachable-sha1-in-want")  # fmt: skip
RECEIVE_OFFERS = ("report-status", "delete-refs", "side-band-64k")
COMMANDS_MAX = 4000
REF_DELTA, OFS_DELTA = 7, 6


def advertisement(answer, service):
    """The backend's list of refs, with no more capabilities than CodeCommit shows."""
    lines = list(packets(answer))
    offers = UPLOAD_OFFERS if service == "git-upload-pack" else RECEIVE_OFFERS
    # "# service=…", a flush, and the first ref.
    ref, nul, capabilities = (lines[2] or b"").rstrip(b"\n").partition(b"\0")
    if nul:
        kept = [each for each in capabilities.decode().split() if each in offers]
        lines[2] = ref + b"\0" + " ".join(kept).encode() + b"\n"
    return b"".join(packet(line) for line in lines)


def fault_of_fetch(body):
    """What is wrong with a fetch request, in words for the client; None when it is right."""
    content = body.read()
    body.seek(0)
    first = next((line for line in packets(content) if line), b"")
    if not first.startswith(b"want "):
        return None
    asked = first.decode().split()[2:]
    unknown = [each for each in asked if each.partition("=")[0] not in UPLOAD_OFFERS]
    if unknown:
        return f"capabilities that were not offered: {' '.join(unknown)}"
    return None if "multi_ack_detailed" in asked else "multi_ack_detailed is required"


class Push:
    """What a push asks for, read before git sees it."""

    def __init__(self, body):
        content = body.read()
        body.seek(0)
        self.commands, self.capabilities, pack_at = [], [], 0
        for line, end in _packets_and_ends(content):
            if line is None:
                pack_at = end
                break
            command, nul, capabilities = line.rstrip(b"\n").partition(b"\0")
            if nul:
                self.capabilities = capabilities.decode().split()
            old, new, ref = command.decode().split(" ", 2)
            self.commands.append((old, new, ref))
        self.pack = content[pack_at:]

    def fault(self):
        unknown = [each for each in self.capabilities if each.partition("=")[0] not in RECEIVE_OFFERS]
        if unknown:
            return f"capabilities that were not offered: {' '.join(unknown)}"
        if len(self.commands) > COMMANDS_MAX:
            return "Too many reference update commands"
        if OFS_DELTA in types_in(self.pack):
            return "protocol error (offset deltas are not supported)"
        return None

    def refused(self, why):
        """The report of a push that moved nothing."""
        report = packet(f"unpack {why}\n".encode())
        report += b"".join(packet(f"ng {ref} unpacker error\n".encode()) for _, _, ref in self.commands) + packet(None)
        if "side-band-64k" not in self.capabilities:
            return report
        pieces = [report[at : at + 65000] for at in range(0, len(report), 65000)]
        return b"".join(packet(b"\1" + piece) for piece in pieces) + packet(None)

    def first_branch(self):
        """The first branch that this push makes."""
        made = (ref for _, new, ref in self.commands if ref.startswith("refs/heads/") and set(new) != {"0"})
        return next(made, None)


def types_in(pack):
    """The types of the entries of a pack, without resolving any."""
    types = set()
    if pack[:4] != b"PACK":
        return types
    at = 12
    for _ in range(int.from_bytes(pack[8:12], "big")):
        kind, size, shift = (pack[at] >> 4) & 7, pack[at] & 15, 4
        while pack[at] & 0x80:
            at += 1
            size |= (pack[at] & 0x7F) << shift
            shift += 7
        at += 1
        types.add(kind)
        if kind == REF_DELTA:
            at += 20
        elif kind == OFS_DELTA:
            return types  # one is enough
        at += _deflated_length(pack, at, size)
    return types


def _deflated_length(pack, start, size):
    inflate, at = zlib.decompressobj(), start
    while not inflate.eof:
        piece = pack[at : at + max(64, min(size, 65536))]
        if not piece:
            raise ValueError("the pack ends in the middle of an entry")
        inflate.decompress(piece)
        at += len(piece)
    return at - start - len(inflate.unused_data)


def packet(line):
    return b"0000" if line is None else b"%04x" % (len(line) + 4) + line


def packets(content):
    """Lines, and None for a flush."""
    for line, _ in _packets_and_ends(content):
        yield line


def _packets_and_ends(content):
    at = 0
    while at + 4 <= len(content):
        length = int(content[at : at + 4], 16)
        end = at + max(length, 4)
        yield (content[at + 4 : end] if length >= 4 else None), end
        at = end


def pack_packets(content):
    """Where the bytes of the pack lie in what upload-pack answered: (start, end), one for each packet of band 1."""
    ends = [(line, end) for line, end in _packets_and_ends(content) if line and line[0] == 1]
    return [(end - len(line) + 1, end) for line, end in ends]
