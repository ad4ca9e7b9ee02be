"""A running service, for tests: `packferry serve`, its API, somebody who hears its alarms, and a host that can go away."""

import contextlib
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

from sandbox import PACKFERRY

SECONDS_MAX = 60  # nothing that a test waits for takes so long


def eventually(is_so, what):
    """What `is_so` says once that is something; whoever waits for less than that waits for ever."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        said = is_so()
        if said:
            return said
        time.sleep(0.02)
    raise AssertionError(f"not within {SECONDS_MAX} s: {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """Started with the context, and stopped with it as systemd would."""

    def __init__(self, directory, configuration, environment, *words):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.file = directory / "packferry.toml"
        self.log = directory / "serve.log"
        self.catalogue = directory / "packferry.db"
        self.environment = environment
        self.words = words
        self.configure(configuration)
        self.process = None

    def configure(self, configuration):
        self.file.write_text(configuration.replace("[serve]\n", f'[serve]\nlisten = "127.0.0.1:{self.port}"\n'))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [PACKFERRY, "serve", self.file, *self.words], env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)  # fmt: skip
        eventually(self.is_ready, "the service is ready")

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the service ended with {self.process.returncode}:\n{self.said()}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return self.ask("GET", "/readyz")[0] == 200
        return False

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(timeout=SECONDS_MAX)

    def kill(self):
        self.stop(signal.SIGKILL)

    def reload(self):
        count = self.said().count("configuration.")
        os.kill(self.process.pid, signal.SIGHUP)
        eventually(lambda: self.said().count("configuration.") > count, "the configuration is read")

    def said(self):
        return self.log.read_text()

    def ask(self, method, path, body=None, token=None, **headers):
        """(status, document): what the API answers."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.setdefault("Content-Type", "application/json")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as reply:
                return reply.status, self._document(reply)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, self._document(error)

    @staticmethod
    def _document(reply):
        text = reply.read().decode()
        return json.loads(text) if "json" in reply.headers.get("Content-Type", "") else text


class Receiver:
    """Hears what is posted to it."""

    def __enter__(self):
        self.heard = []
        heard = self.heard

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                heard.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self):  # pylint: disable=invalid-name
                heard.append((self.path, dict(self.headers), None))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Queue:
    """One queue of SQS, as far as it is asked: messages are shown until they are removed."""

    def __enter__(self):
        self.messages = {}
        self.refused = []
        queue = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                said = queue.answer(self.headers["X-Amz-Target"], self.headers.get("Authorization", ""), body)
                data = json.dumps(said).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, target, authorization, body):
        if "/sqs/aws4_request" not in authorization:
            self.refused.append(authorization)
        if target == "AmazonSQS.DeleteMessageBatch":
            for entry in body["Entries"]:
                self.messages.pop(entry["ReceiptHandle"], None)
            return {"Successful": [{"Id": entry["Id"]} for entry in body["Entries"]]}
        if not self.messages:
            time.sleep(0.1)
            return {}
        return {"Messages": [{"ReceiptHandle": receipt, "Body": text} for receipt, text in self.messages.items()]}


class Door:
    """An address of our own before a server's; shut, the host is not there."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.listener = None
        self.port = free_port()
        self.connections = []

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        self.shut()

    def open(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def shut(self):
        if self.listener:
            # A thread that waits in accept() is woken by this, and by nothing else.
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        for each in self.connections:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.connections.clear()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(self.target)
            except OSError:
                return
            self.connections += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    @staticmethod
    def _pump(source, target):
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                target.sendall(block)
            target.shutdown(socket.SHUT_WR)
