"""From a metric to a person: Prometheus with the rules, and Alertmanager with the routes, that `packferry setup monitors`
prints. Both are real, and on loopback."""

import http.server
import json
import os
import pathlib
import queue
import re
import subprocess
import tempfile
import threading
import time
import unittest

PACKFERRY = os.environ["PACKFERRY"]
# The rule waits for a minute and the route for half of one; the rest is for a busy machine.
PATIENCE = 300


class World(http.server.BaseHTTPRequestHandler):
    """The service that is watched, and those who are told."""

    def do_GET(self):
        text = (
            "process_start_time_seconds 1\n"
            f"packferry_lookout_seen_timestamp_seconds {time.time()}\n"
            "packferry_queue_overdue_seconds 0\n"
            'packferry_replica_status{replica="web",status="UpToDate"} 1\n'
            'packferry_replica_status{replica="api",status="Held"} 1\n'
        )
        self.answer(text.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.put((self.path, json.loads(body)))
        self.answer(b"")

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class FromAMetricToAPerson(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)
        self.world = http.server.ThreadingHTTPServer(("127.0.0.1", 0), World)
        self.world.told = queue.Queue()
        threading.Thread(target=self.world.serve_forever, daemon=True).start()
        self.addCleanup(self.world.server_close)
        self.addCleanup(self.world.shutdown)
        self.here = f"127.0.0.1:{self.world.server_port}"

    def printed(self, *words):
        return subprocess.run([PACKFERRY, "setup", "monitors", *words], check=True, capture_output=True, text=True).stdout

    def write(self, name, text):
        (self.directory / name).write_text(text)
        return str(self.directory / name)

    def start(self, program, *words):
        """The address on which it listens, as its log says."""
        log = self.directory / f"{program}.log"
        with log.open("wb") as out:
            child = subprocess.Popen([program, *words], cwd=self.directory, stdout=out, stderr=out)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and child.poll() is None:
            listens = re.search(r"[Ll]istening on.*address=(127\.0\.0\.1:\d+)", log.read_text())
            if listens:
                return listens[1]
            time.sleep(0.1)
        self.fail(f"{program} does not listen:\n{log.read_text()}")

    def start_both(self):
        routes = self.printed(
            "--format", "alertmanager", "--webhook", "https://people.example", "--heartbeat", "https://heart.example"
        )
        # Here nobody has a certificate.
        routes = routes.replace("https://people.example", f"http://{self.here}/people")
        routes = routes.replace("https://heart.example", f"http://{self.here}/heart")
        alertmanager = self.start(
            "prometheus-alertmanager",
            f"--config.file={self.write('routes.yml', routes)}",
            f"--storage.path={self.directory / 'alertmanager'}",
            "--web.listen-address=127.0.0.1:0",
            "--cluster.listen-address=",
        )
        self.write("rules.yml", self.printed("--format", "prometheus"))
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "packferry", "static_configs": [{"targets": [self.here]}]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        }
        self.start(
            "prometheus",
            f"--config.file={self.write('prometheus.yml', json.dumps(settings))}",
            f"--storage.tsdb.path={self.directory / 'prometheus'}",
            "--web.listen-address=127.0.0.1:0",
        )

    def test_what_is_held_reaches_a_person_and_the_heartbeat_its_listener(self):
        self.start_both()
        deadline = time.monotonic() + PATIENCE
        heard = {}
        while not {"/people", "/heart"} <= heard.keys():
            path, message = self.world.told.get(timeout=max(deadline - time.monotonic(), 0.001))
            heard[path] = message
        (held,) = heard["/people"]["alerts"]
        self.assertEqual(held["status"], "firing")
        self.assertEqual(held["labels"]["alertname"], "PackferryReplicaHeld")
        self.assertEqual(held["labels"]["replica"], "api")
        self.assertEqual(held["annotations"]["summary"], "Replica api is held: a person has to look")
        (beat,) = heard["/heart"]["alerts"]
        self.assertEqual(beat["labels"]["alertname"], "PackferryWatches")


if __name__ == "__main__":
    unittest.main(verbosity=2)
