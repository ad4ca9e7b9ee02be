"""What doubles of web services share: an HTTP/1.1 server on loopback with a thread a connection, and requests whose bodies
are spooled before they are looked at."""

import gzip
import http.server
import ssl
import threading


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address, double, handler, certificate=None):
        self.double = double
        super().__init__(address, handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        pass  # clients come and go


class Double:
    """What has a `server`, and serves it while it is entered."""

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def read_body(self, into):
        """The body, spooled; the connection stands behind it then."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while length := int(self.rfile.readline().split(b";")[0], 16):
                self.copy(length, into)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            self.copy(int(self.headers.get("Content-Length", 0)), into)
        into.seek(0)
        if self.headers.get("Content-Encoding") == "gzip":
            plain = gzip.decompress(into.read())
            into.seek(0)
            into.truncate()
            into.write(plain)
            into.seek(0)

    def copy(self, length, into):
        while length > 0:
            block = self.rfile.read(min(length, 65536))
            if not block:
                raise ConnectionError("the body is shorter than it said")
            into.write(block)
            length -= len(block)

    def say(self, status, content, content_type, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
