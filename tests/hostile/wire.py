"""What hostile peers say, byte for byte, and the sockets that they say it on.

A peer is a function from what was asked to what is answered. Bytes are said as they are; a generator is said piece by
piece until it ends or the client has gone, and so may be endless.
"""

import socket
import socketserver
import threading
import time

FLUSH, DELIMITER, RESPONSE_END = b"0000", b"0001", b"0002"


def pkt(*payloads):
    """Each as one pkt-line."""
    lines = [p.encode() if isinstance(p, str) else p for p in payloads]
    return b"".join(b"%04x%s" % (len(line) + 4, line) for line in lines)


def band(number, payload):
    return pkt(bytes([number]) + (payload.encode() if isinstance(payload, str) else payload))


def bands(data, piece=60_000):
    """All of it on band 1."""
    return b"".join(band(1, data[at : at + piece]) for at in range(0, len(data), piece))


def forever(beginning, again):
    """`beginning`, and then `again` without end, in pieces of some size."""
    yield beginning
    piece = again * max(1, 65_536 // len(again))
    while True:
        yield piece


def slowly(said, pause=0.2, piece=4):
    """A few bytes at a time."""
    for at in range(0, len(said), piece):
        yield said[at : at + piece]
        time.sleep(pause)


def silence(beginning=b"", seconds=60):
    """Nothing, with the connection held open."""
    yield beginning
    time.sleep(seconds)


class Gone(Exception):
    """The client has hung up, and that is in order."""


class Conversation:
    """One connection, from the server's end."""

    def __init__(self, connection):
        self.connection = connection
        self.stream = connection.makefile("rb")

    def say(self, said):
        for piece in [said] if isinstance(said, bytes) else said:
            try:
                self.connection.sendall(piece)
            except OSError as gone:
                raise Gone from gone

    def bytes(self, count):
        data = self.stream.read(count)
        if len(data) < count:
            raise Gone
        return data

    def line(self):
        line = self.stream.readline(65_536)
        if not line.endswith(b"\n"):
            raise Gone
        return line.rstrip(b"\r\n")

    def packet(self):
        """The payload of one pkt-line, or FLUSH, DELIMITER, RESPONSE_END as they stand."""
        digits = self.bytes(4)
        length = int(digits, 16)
        return digits if length < 4 else self.bytes(length - 4)

    def packets_to_flush(self):
        packets = []
        while (packet := self.packet()) != FLUSH:
            packets.append(packet)
        return packets

    def hang_up(self):
        try:
            self.connection.shutdown(socket.SHUT_WR)
            # Closed with something unread, TCP would make a reset of it, which may overtake what was said.
            self.connection.settimeout(5)
            while self.connection.recv(65_536):
                pass
        except OSError:
            pass


class Peer:
    """A server on loopback; `serve(conversation)` on a thread for each connection. TLS when `tls` can wrap a socket."""

    def __init__(self, serve, tls=None):
        self.heard = []  # whatever `serve` wants to remember
        self.connections = 0
        peer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                peer.connections += 1
                try:
                    connection = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                    conversation = Conversation(connection)
                    serve(conversation)
                    conversation.hang_up()
                    connection.close()
                except (Gone, OSError, ValueError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


# HTTP


class Request:
    def __init__(self, method, target, headers, body):
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = body


def read_request(conversation):
    method, target, _ = conversation.line().decode("latin-1").split(" ")
    headers = {}
    while line := conversation.line().decode("latin-1"):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(conversation.line(), 16):
            body += conversation.bytes(size)
            conversation.line()
        conversation.line()
    else:
        body = conversation.bytes(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


def http(body=b"", content_type=None, status="200 OK", headers=()):
    """An answer. A body of bytes is counted; a generator's is chunked, as servers send what they do not know the end of."""
    lines = [f"HTTP/1.1 {status}", *headers]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines.append(f"Content-Length: {len(body)}" if isinstance(body, bytes) else "Transfer-Encoding: chunked")
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head + body if isinstance(body, bytes) else in_chunks(head, body)


def in_chunks(head, pieces):
    yield head
    for piece in pieces:
        if piece:
            yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def http_peer(answer, tls=None):
    """`answer(request, number)`: the bytes of a whole HTTP answer, to the request with that number."""

    def serve(conversation):
        while True:
            request = read_request(conversation)
            peer.heard.append(request)
            said = answer(request, len(peer.heard) - 1)
            conversation.say(said)
            if not isinstance(said, bytes):
                return
            if b"\r\nConnection: close\r\n" in said:
                return

    peer = Peer(serve, tls)
    return peer
