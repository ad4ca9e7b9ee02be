"""In the place of ssh: plug.py PORT LOG … talks to the peer on that port, and notes what it was started with."""

import os
import socket
import sys
import threading

with open(sys.argv[2], "a", encoding="utf-8", errors="surrogateescape") as log:
    print(*sys.argv, *(f"{name}={value}" for name, value in os.environ.items()), sep="\n", file=log)

# PORT/TEXT: TEXT is said on standard error first.
port, _, words = sys.argv[1].partition("/")
os.write(2, words.encode("latin-1").decode("unicode_escape").encode("latin-1"))
peer = socket.create_connection(("127.0.0.1", int(port)))


def to_peer():
    try:
        while data := os.read(0, 65_536):
            peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
    except OSError:
        pass


threading.Thread(target=to_peer, daemon=True).start()
try:
    while data := peer.recv(65_536):
        os.write(1, data)
except OSError:
    pass
os._exit(0)
