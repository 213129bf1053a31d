#!/usr/bin/python3
"""What Prometheus reads from a real daemon: under load, over IPv4 and IPv6, beside clients that are slow, greedy or mad;
when the port is taken, at reloads and at the end. Prometheus's own promtool reads the answers, the alerts and the example.
"""
import argparse
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lab import process  # noqa: E402
from lab.milter_client import MilterClient  # noqa: E402

TOP = os.path.join(HERE, "../..")
REQUEST_TIME = 5        # http_request_time
THREADS, EACH = 4, 50   # of the load
ZONE = """
a.example.          TXT "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.   TXT "v=DMARC1; p=reject"
_dmarc.b.example.   TXT "v=DMARC1; p=none"
2.0.0.127.canary-bl.example.    A 127.0.0.2
97.2.0.192.canary-bl.example.   A 127.0.0.2
2.0.0.127.canary-drop.example.  A 127.0.0.2
98.2.0.192.canary-drop.example. A 127.0.0.2
"""
KEY = "canary"          # part of each list's zone, as an access key is
# The last one fails its self-test.
LISTS = """
[[dnsbl]]
name = "bl"
list = "canary-bl.example=127.0.0.2"
action = "quarantine"
[[dnsbl]]
name = "drop"
list = "canary-drop.example=127.0.0.2"
action = "reject"
[[dnsbl]]
name = "dead"
list = "canary-dead.example=127.0.0.2"
"""


class Failure(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failure(what)


def free_port(family):
    with socket.socket(family) as probe:
        probe.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    def __init__(self, programs, home, host):
        self.host, self.home, self._programs = host, home, programs
        self.port = free_port(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.milter = os.path.join(home, "m.sock")
        os.makedirs(home)
        with open(os.path.join(home, "zone"), "w") as out:
            out.write(ZONE)
        self.configure()

    @property
    def listen(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def configure(self, listen=None, more=""):
        with open(os.path.join(self.home, "conf"), "w") as out:
            out.write(f"""
[[milter]]
socket = "unix:{self.milter}"
[control]
socket = "{self.home}/c.sock"
[dns]
zone_file = "zone"
[trust]
networks = []
[log]
target = "file:{self.home}/log"
[process]
user = "{_user()}"
[metrics]
listen = "{listen or self.listen}"
[quarantine]
where = "store"
dir = "{self.home}/quarantine"
[history]
dir = "{self.home}/history"
{LISTS}{more}""")

    def start(self):
        self.process = process.start([self._programs.sekishod, "-f", "-c", os.path.join(self.home, "conf")],
                                     os.path.join(self.home, "output"))
        process.wait_for_socket(self.milter, self.process)
        process.wait_for_port(self.host, self.port, self.process)

    def command(self, *words):
        return subprocess.run([self._programs.sekisho, *words, "--socket", f"{self.home}/c.sock"],
                              capture_output=True, text=True, timeout=60)

    def get(self, path, seconds=REQUEST_TIME - 0.5):
        """(status, body), and sooner than a slow client has to go: nobody else may hold this up."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def scrape(self):
        """{"name{labels}": value}."""
        status, text = self.get("/metrics")
        expect(status == 200, f"/metrics: {status}")
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
                for line in text.splitlines() if not line.startswith("#")}

    def wait_for(self, want, seconds):
        """Until these samples are as they should be."""
        end = time.monotonic() + seconds
        while True:
            samples = self.scrape()
            wrong = {name: (samples.get(name), value) for name, value in want.items() if samples.get(name) != value}
            if not wrong:
                return samples
            expect(time.monotonic() < end, f"(is, should be): {wrong}")
            time.sleep(0.2)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        with open(os.path.join(self.home, "output")) as out:
            output = out.read()
        expect(status == 0, f"sekishod ended with {status}\n{output}")
        expect("Sanitizer" not in output and "runtime error" not in output, output)


def _user():
    return subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()


def promtool(programs, *words, text=""):
    done = subprocess.run([programs.promtool, *words], input=text, capture_output=True, text=True)
    # A warning about names and types has status 0 in some versions, and words in any.
    expect(done.returncode == 0 and not done.stderr.strip(), f"promtool {' '.join(words)}: {done.stdout}{done.stderr}")


def total(samples, name):
    return sum(value for key, value in samples.items() if key == name or key.startswith(name + "{"))


def load_and_scrapes(programs, daemon):
    """Counters only rise, add up, and say at the end what `sekisho status` says."""
    seen = threading.Event()   # some of it, by a scrape

    def say():
        client = MilterClient(daemon.milter)
        for n in range(EACH):
            if n == EACH // 2:
                seen.wait(60)
            client.message("bob@a.example" if n % 5 else "eve@b.example")
        client.close()

    threads = [threading.Thread(target=say) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    before = daemon.scrape()
    scrapes = 1
    while any(thread.is_alive() for thread in threads):
        now = daemon.scrape()
        scrapes += 1
        seen.set()
        for key, value in before.items():
            if re.match(r"[a-z_]+(_total|_bucket|_count)\b", key):
                expect(now[key] >= value, f"{key} fell from {value} to {now[key]}")
        before = now
    for thread in threads:
        thread.join()
    expect(scrapes > 1, "no scrape fell into the load")
    promtool(programs, "check", "metrics", text=daemon.get("/metrics")[1])
    samples = daemon.scrape()
    sent = THREADS * EACH
    for name, want in {"sekisho_messages_total": sent, "sekisho_verdicts_total": sent,
                       'sekisho_dmarc_results_total{result="pass"}': sent * 4 / 5,
                       'sekisho_spf_results_total{scope="mfrom",result="pass"}': sent,
                       "sekisho_dkim_results_total": sent, "sekisho_decision_seconds_count": sent,
                       'sekisho_decision_seconds_bucket{le="+Inf"}': sent,
                       "sekisho_internal_errors_total": 0}.items():
        got = total(samples, name)
        expect(got == want, f"{name} is {got}, not {want}")
    status = json.loads(daemon.command("status", "--json").stdout)
    expect(status["sessions"]["messages"] == sent, status)
    expect(status["results"]["dmarc"] == {"pass": sent * 4 // 5, "fail": sent // 5}, status["results"])
    for line in daemon.command("status").stdout.splitlines():
        expect(len(line) < 80, f"wider than a terminal: {line}")


def lists_store_and_history(programs, daemon):
    """A held message, a refused recipient, a disabled list: all are counted, and no list is shown by its zone."""
    states = {f'sekisho_list_set_aside{{name="{name}"}}': float(name == "dead") for name in ("bl", "drop", "dead")}
    before = daemon.wait_for(states | {"sekisho_history_queued": 0, "sekisho_quarantine_messages": 0}, 60)
    held = MilterClient(daemon.milter, "192.0.2.97")
    expect(held.message() == "d", "a listed client's message is not held")
    held.close()
    refused = MilterClient(daemon.milter, "192.0.2.98")
    refused.begin()
    refused.close()
    want = {name: before[name] + more for name, more in {
        "sekisho_refused_recipients_total": 1, "sekisho_messages_total": 1, "sekisho_messages_aborted_total": 0,
        'sekisho_verdicts_total{action="quarantine"}': 1, 'sekisho_verdicts_total{action="reject"}': 1,
        'sekisho_dkim_results_total{result="none"}': 1, "sekisho_decision_seconds_count": 1,
        'sekisho_list_listed_total{name="bl"}': 1, 'sekisho_list_listed_total{name="drop"}': 1,
        'sekisho_list_listed_total{name="dead"}': 0, 'sekisho_list_lookups_total{name="bl"}': 2,
        'sekisho_quarantine_messages': 1, "sekisho_history_records": 2, "sekisho_history_dropped_total": 0}.items()}
    # The store is counted every 15 s.
    samples = daemon.wait_for(want | {"sekisho_history_queued": 0, "sekisho_quarantine_healthy": 1,
                                      "sekisho_history_recording": 1, "sekisho_messages_not_held_total": 0}, 60)
    expect(0 < samples["sekisho_quarantine_bytes"] < samples["sekisho_quarantine_max_bytes"], samples)
    expect(samples["sekisho_history_bytes"] > 0, samples)
    text = daemon.get("/metrics")[1]
    promtool(programs, "check", "metrics", text=text)
    status, object_ = daemon.command("status").stdout, daemon.command("status", "--json").stdout
    for output in (text, status, object_):
        expect(KEY not in output, f"the zone of a list is told: {output}")
    for line in status.splitlines():
        expect(len(line) < 80, f"wider than a terminal: {line}")
    for line in (r"bl +dnsbl  healthy  lookups \d+  listed 1$", r"dead +dnsbl  disabled: ", "held +1$", "recording +true$"):
        expect(re.search("^  " + line, status, re.MULTILINE), f"{line} is not in {status}")


def slow_clients(daemon):
    """A hundred clients that send an octet now and then: scrapes and mail go on, and each is gone in its time."""
    family = socket.AF_INET6 if ":" in daemon.host else socket.AF_INET
    slow = [socket.create_connection((daemon.host, daemon.port)) for _ in range(100)]
    expect(slow[0].family == family, "the wrong family")
    begun = time.monotonic()
    while time.monotonic() - begun < REQUEST_TIME + 2:
        for one in slow:
            with contextlib.suppress(OSError):
                one.send(b"G")
        expect(daemon.get("/healthz") == (200, "ok\n"), "no answer beside slow clients")
        client = MilterClient(daemon.milter)
        expect(client.message() in "ac", "no verdict beside slow clients")
        client.close()
        time.sleep(0.3)
    for one in slow:
        one.settimeout(20)
        with contextlib.suppress(ConnectionError):
            while one.recv(65536):
                pass
        one.close()


def greedy_and_mad_clients(daemon):
    for octets in (b"GET /" + b"x" * 1024 * 1024 + b" HTTP/1.1\r\n\r\n",
                   b"GET /metrics HTTP/1.1\r\nCookie: " + b"x" * 1024 * 1024 + b"\r\n\r\n",
                   b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n" + b"x" * 1024 * 1024,
                   os.urandom(1024 * 1024), b"\0" * 65536, b"\r\n" * 30000):
        with socket.create_connection((daemon.host, daemon.port), timeout=REQUEST_TIME + 30) as one:
            answer = b""
            with contextlib.suppress(ConnectionError):
                one.sendall(octets)
            with contextlib.suppress(ConnectionError):
                while more := one.recv(65536):
                    answer += more
        expect(not answer or re.match(rb"HTTP/1\.[01] [45]", answer), f"{octets[:40]} got {answer[:80]}")
        expect(daemon.get("/healthz")[0] == 200, f"no answer after {octets[:40]}")


def taken_port(programs, daemon, home):
    """A second daemon does not start, and says why."""
    other = Daemon(programs, home, daemon.host)
    other.configure(listen=daemon.listen)
    done = subprocess.run([programs.sekishod, "-f", "-c", os.path.join(home, "conf")], capture_output=True, text=True,
                          timeout=30)
    expect(done.returncode == 71 and f"metrics.listen {daemon.listen}: Address already in use; choose another port"
           in done.stderr, f"{done.returncode}: {done.stderr}")
    expect(daemon.get("/healthz")[0] == 200, "the first daemon suffered")


def reloads(daemon):
    """Another address waits for a restart, and says so; a refused reload shows in the metrics until one succeeds."""
    daemon.configure(listen=f"127.0.0.1:{free_port(socket.AF_INET)}")
    done = daemon.command("reload")
    expect(done.returncode == 0 and "metrics.listen has changed, which a restart puts into force" in done.stderr, done.stderr)
    expect(daemon.scrape()["sekisho_config_reload_refused"] == 0, "a good reload counts as refused")
    daemon.configure(more="nonsense = 1\n")
    expect(daemon.command("reload").returncode == 78, "nonsense was taken")
    expect(daemon.scrape()["sekisho_config_reload_refused"] == 1, "a refused reload does not show")
    expect("the last reload was refused" in daemon.command("status").stdout, "nor in the status")
    daemon.configure()
    expect(daemon.command("reload").returncode == 0, "a good configuration is refused")
    expect(daemon.scrape()["sekisho_config_reload_refused"] == 0, "it shows after a good one")


def ending(daemon):
    """While a message in flight is waited for, the daemon says that it takes no more."""
    client = MilterClient(daemon.milter)
    client.begin()
    time.sleep(0.2)
    daemon.process.send_signal(signal.SIGTERM)
    end = time.monotonic() + 25
    while daemon.get("/healthz") != (503, "stopping\n"):
        expect(time.monotonic() < end, "/healthz says ok while the daemon stops")
        time.sleep(0.05)
    client.close()
    daemon.process.wait(20)


def standalone(programs, home):
    """A daemon with everything of the SMTP core that is counted."""
    daemon = Daemon(programs, home, "127.0.0.1")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=mx.example",
                    "-keyout", f"{home}/key.pem", "-out", f"{home}/cert.pem"], check=True, capture_output=True)
    daemon.configure(more=f"""
[tls]
certificate = "{home}/cert.pem"
key = "{home}/key.pem"
[[listener]]
profile = "mx"
address = ["127.0.0.1:{free_port(socket.AF_INET)}"]
[[route]]
domain = ["example.org"]
via = "discard"
recipients = "any"
[queue]
dir = "{home}/queue"
drop = "{home}/drop"
""")
    return daemon


def deliver(programs, daemon):
    """One message, that there is something to count."""
    sendmail = os.path.join(daemon.home, "sendmail")
    os.symlink(os.path.abspath(programs.sekisho), sendmail)
    environment = dict(os.environ, SEKISHO_SUBMIT_SOCKET=os.path.join(daemon.home, "submit.sock"))
    subprocess.run([sendmail, "-i", "b@example.org"], input=b"Subject: x\n\nx\n", env=environment, check=True)
    daemon.wait_for({'sekisho_deliveries_total{route="example.org",result="sent"}': 1}, 120)


def documents(programs, daemon, alone, home):
    """The example and the alerts are right, and name metrics that there are."""
    shutil.copytree(os.path.join(TOP, "docs/prometheus"), home)
    shutil.copy(os.path.join(TOP, "tests/data/monitoring/alerts_test.yml"), home)
    for words in (("check", "rules", f"{home}/sekisho-alerts.yml"), ("check", "config", f"{home}/prometheus.yml"),
                  ("test", "rules", f"{home}/alerts_test.yml")):
        promtool(programs, *words)
    served = {key.partition("{")[0] for each in (daemon, alone) for key in each.scrape()}
    promtool(programs, "check", "metrics", text=alone.get("/metrics")[1])
    samples = alone.scrape()
    expect(samples["sekisho_alarms"] == 1, "a certificate that ends in nine days is no alarm")
    expect(0 < total(samples, "sekisho_certificate_expiry_seconds") - time.time() < 9 * 86400, samples)
    used = set()
    for path in (f"{home}/sekisho-alerts.yml", os.path.join(TOP, "docs/monitoring.md")):
        with open(path) as text:
            used |= set(re.findall(r"\bsekisho_[a-z_]+[a-z]\b", text.read()))
    families = {re.sub("_(bucket|sum|count)$", "", name) for name in served}
    expect(used and used <= served | families, f"not served: {sorted(used - served - families)}")


def find_promtool():
    unpacked = "/var/cache/sekisho-lab/root/usr/bin/promtool"
    return unpacked if os.access(unpacked, os.X_OK) else shutil.which("promtool")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sekishod", required=True)
    parser.add_argument("--sekisho", required=True)
    parser.add_argument("--promtool", default=find_promtool())
    programs = parser.parse_args()
    if not programs.promtool:
        print("FAIL promtool is missing: tests/deps/install test")
        return 1
    with tempfile.TemporaryDirectory(prefix="sekisho-", dir="/tmp") as home:
        daemons = [Daemon(programs, os.path.join(home, name), host) for name, host in (("4", "127.0.0.1"), ("6", "::1"))]
        try:
            for daemon in daemons:
                daemon.start()
            for step in (lambda d: load_and_scrapes(programs, d), lambda d: lists_store_and_history(programs, d), slow_clients, greedy_and_mad_clients,
                         lambda d: taken_port(programs, d, os.path.join(d.home, "other")), reloads):
                for daemon in daemons:
                    step(daemon)
            daemons.append(standalone(programs, os.path.join(home, "alone")))
            daemons[2].start()
            deliver(programs, daemons[2])
            documents(programs, daemons[0], daemons[2], os.path.join(home, "documents"))
            daemons[2].end()
            ending(daemons[0])
            daemons[1].end()
        except (Failure, OSError, process.NotReady) as failure:
            print(f"FAIL {type(failure).__name__}: {failure}")
            return 1
        finally:
            for daemon in daemons:
                if getattr(daemon, "process", None) and daemon.process.poll() is None:
                    daemon.process.kill()
                    daemon.process.wait()
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
