#!/usr/bin/python3
"""The daemon without memory: one allocation in so many fails, by a sequence that a seed makes, while mail comes, releases
nothing, metrics are read, the configuration is reloaded. It must not end; every message gets an answer, or its connection is
closed, which an MTA takes for a temporary failure; nothing that must not be accepted is; and when the failing ends, all is as
it was: verdicts, quarantine, history, metrics, control socket.

Each round is a start of its own. --rounds 66 --messages 400 is the long form: make no-memory.
"""
import argparse
import grp
import mmap
import os
import pwd
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../integration"))
sys.dont_write_bytecode = True

from lab import process  # noqa: E402
from lab.milter_client import MilterClient  # noqa: E402

ANSWER_WAIT = 120   # seconds until a missing answer is a hang: the store's own limit is 60
ONE_IN = (4000, 1500, 500, 150)
CONNECTIONS = 6
REJECT = '"v=DMARC1; p=reject"'
TXT = {
    "a.example": '"v=spf1 ip4:192.0.2.10 -all"',
    "_dmarc.a.example": REJECT,
    "b.example": '"v=spf1 -all"',
    "_dmarc.b.example": '"v=DMARC1; p=quarantine"',
    "c.example": '"v=spf1 include:a.example ~all"',
    "_dmarc.c.example": REJECT,
}
LISTED = {"2.0.0.127.bl.example", "66.2.0.192.bl.example"}


class Failure(Exception):
    pass


class Names(threading.Thread):
    """Answers over UDP on loopback what TXT and LISTED say; everything else does not exist."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            self.socket.sendto(self.answer(query), peer)

    @staticmethod
    def answer(query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
            at += 1 + query[at]
        name, kind = ".".join(labels), struct.unpack("!H", query[at + 1:at + 3])[0]
        data = None
        if kind == 16 and name in TXT:
            text = TXT[name].strip('"').encode()
            data = bytes([len(text)]) + text
        if kind == 1 and name in LISTED:
            data = bytes([127, 0, 0, 2])
        known = name in TXT or name in LISTED
        flags = 0x8180 | (0 if known else 3)
        head = query[:2] + struct.pack("!HHHHH", flags, 1, 1 if data else 0, 0, 0)
        out = head + query[12:at + 5]
        if data:
            out += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(data)) + data
        return out


class Mail(MilterClient):
    """Messages of several kinds, and what may become of them with memory and without."""

    KINDS = {
        # Client, sender, author, and what answers it: c continue, d discard (it is held), 5 a reply of that class.
        "good": ("192.0.2.10", "bob@a.example", "bob@a.example", "c"),
        "forged": ("192.0.2.99", "x@b.example", "ceo@a.example", "5"),
        "held": ("192.0.2.99", "x@b.example", "x@b.example", "d"),
        "listed": ("192.0.2.66", "y@c.example", "y@c.example", "5"),
    }

    def __init__(self, path, kind):
        self.kind = kind
        client = self.KINDS[kind][0]
        super().__init__(path, client)
        self._socket.settimeout(ANSWER_WAIT)

    def say(self, draw):
        """One message: the letter of its answer; of a reply the class of its code, t for none."""
        _, sender, author, _ = self.KINDS[self.kind]
        for command, data in (("M", f"<{sender}>\0"), ("R", "<user@example.jp>\0"), ("R", "<two@example.jp>\0")):
            self._send(command, data.encode())
            if not self._steps & {"M": 0x4000, "R": 0x8000}[command]:
                letter, data = self._reply()
                if letter in "try" and command == "M":
                    return self.said(letter, data)
        fields = [("From", author), ("Subject", f"number {draw.random()}"), ("Message-ID", f"<{draw.random()}@x>")]
        fields += [(f"X-{i}", "y" * draw.randrange(200)) for i in range(draw.randrange(20))]
        fields.append(("DKIM-Signature", f"v=1; a=rsa-sha256; d=a.example; s=s; h=from; bh=AAAA; b=AAAA{draw.randrange(9)}"))
        for name, value in fields:
            self._event("L", f"{name}\0 {value}\0".encode())
        self._event("N", b"")
        for _ in range(draw.choice((1, 1, 1, 12))):
            self._event("B", b"Hello\r\n" * draw.choice((1, 100, 5000)))
        self._send("E", b"")
        while True:
            letter, data = self._reply()
            if letter in "acdrty":
                return self.said(letter, data)

    @staticmethod
    def said(letter, data):
        return data[:1].decode("latin-1") if letter == "y" else letter


class Page:
    """Which allocations fail: tests/crash/failing_memory.cc."""

    def __init__(self, path):
        with open(path, "wb") as out:
            out.write(bytes(32))
        self.path = path
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 32)

    def fail(self, one_in, seed=0):
        self._map[8:16] = struct.pack("Q", seed)
        self._map[0:8] = struct.pack("Q", one_in)

    def counts(self):
        return struct.unpack("QQ", self._map[16:32])


class Daemon:
    def __init__(self, options, home, names):
        self.home, self.options = home, options
        self.milter = os.path.join(home, "m.sock")
        self.control = os.path.join(home, "c.sock")
        self.log = os.path.join(home, "log")
        self.page = Page(os.path.join(home, "page"))
        self.config = os.path.join(home, "milter.conf")
        with open(os.path.join(home, "allow"), "w") as out:
            out.write("from:friend.example proof=dmarc skip=dnsbl\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.metrics_port = probe.getsockname()[1]
        self.configure(names)
        environment = dict(os.environ, LD_PRELOAD=options.failing_memory, SEKISHO_MEMORY_PAGE=self.page.path,
                           SEKISHO_MEMORY_KINDS=options.kinds)
        self.process = process.start([options.sekishod, "-f", "-c", self.config], os.path.join(home, "stderr"),
                                     env=environment, preexec_fn=self.limit)
        process.wait_for_socket(self.milter, self.process)
        process.wait_for_socket(self.control, self.process)

    def configure(self, names):
        with open(self.config, "w") as out:
            out.write(f"""
[identity]
authserv_id = "mx.example.jp"
hostname = "mx.example.jp"
[[milter]]
socket = "unix:{self.milter}"
[control]
socket = "{self.control}"
[log]
target = "file:{self.log}"
[dns]
servers = ["{names}"]
[dmarc]
reject = "always"
[quarantine]
where = "store"
dir = "{self.home}/quarantine"
[history]
dir = "{self.home}/history"
[metrics]
listen = "127.0.0.1:{self.metrics_port}"
[process]
user = "{pwd.getpwuid(os.geteuid()).pw_name}"
group = "{grp.getgrgid(os.getegid()).gr_name}"
[allowlist]
files = ["{self.home}/allow"]
[[dnsbl]]
name = "bl"
list = "bl.example=127.0.0.2"
action = "reject"
""")

    def limit(self):
        if self.options.address_space:
            import resource
            octets = self.options.address_space * 1024 * 1024
            resource.setrlimit(resource.RLIMIT_AS, (octets, octets))

    def alive(self):
        if self.process.poll() is None:
            return
        with open(os.path.join(self.home, "stderr"), errors="replace") as said:
            text = said.read()[-6000:]
        raise Failure(f"the daemon ended with {self.process.returncode}:\n{text}")

    def ask(self, verb):
        """What the control socket says; None when it says nothing."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_WAIT)
            line.connect(self.control)
            line.sendall(b'{"verb":"%s"}' % verb.encode())
            line.shutdown(socket.SHUT_WR)
            answer = b""
            while more := line.recv(65536):
                answer += more
        return answer.decode() or None

    def metrics(self):
        with socket.create_connection(("127.0.0.1", self.metrics_port), timeout=ANSWER_WAIT) as line:
            line.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while more := line.recv(65536):
                answer += more
        return answer.decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=ANSWER_WAIT)
        if code != 0:
            raise Failure(f"the daemon ended with {code} when it was told to")


class Round:
    def __init__(self, options, number, names):
        self.options, self.seed = options, options.seed * 1000 + number
        self.home = tempfile.mkdtemp(prefix="no-memory-")
        self.daemon = Daemon(options, self.home, names)
        self.counts = {}
        self.lock = threading.Lock()
        self.problems = []
        self.stopping = threading.Event()

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def client(self, number, messages):
        draw = random.Random(self.seed * 100 + number)
        mail = None
        for _ in range(messages):
            try:
                if mail is None or draw.random() < 0.1:
                    mail = Mail(self.daemon.milter, draw.choice(sorted(Mail.KINDS)))
                letter = mail.say(draw)
            except TimeoutError:
                self.problems.append(f"no answer within {ANSWER_WAIT} s")
                return
            except OSError:
                # The MTA has its own answer then, a temporary failure.
                self.count("closed")
                mail = None
                continue
            good = letter in Mail.KINDS[mail.kind][3] or letter in "t4"
            if not good:
                self.problems.append(f"a message of the kind {mail.kind} was answered {letter!r}")
            self.count(letter)

    def others(self):
        """Commands and scrapes beside the mail; they may fail, and must not take the daemon with them."""
        draw = random.Random(self.seed)
        while not self.stopping.wait(0.05):
            try:
                what = draw.choice(("status", "metrics", "reload", "hangup", "look"))
                if what == "metrics":
                    self.daemon.metrics()
                elif what == "hangup":
                    self.daemon.process.send_signal(signal.SIGHUP)
                elif what == "look":
                    with open(os.path.join(self.home, "allow"), "a") as out:
                        out.write(f"from:f{draw.randrange(10**6)}.example proof=dmarc skip=dnsbl\n")
                else:
                    self.daemon.ask(what)
            except OSError:
                pass

    def load(self):
        threads = [threading.Thread(target=self.client, args=(n, self.options.messages // CONNECTIONS))
                   for n in range(CONNECTIONS)]
        others = threading.Thread(target=self.others)
        for thread in threads + [others]:
            thread.start()
        for thread in threads:
            thread.join()
        self.stopping.set()
        others.join()

    def well_again(self):
        """With memory: all verdicts are right, and all services work."""
        draw = random.Random(1)
        end = time.monotonic() + ANSWER_WAIT
        for kind, (_, _, _, letters) in Mail.KINDS.items():
            while True:
                letter = Mail(self.daemon.milter, kind).say(draw)
                if letter in letters:
                    break
                # A list is tested again some seconds after a test that broke; a store tries once a second.
                if time.monotonic() > end:
                    raise Failure(f"with memory again, {kind} mail is answered {letter!r}")
                time.sleep(0.1)
        while True:
            status = self.daemon.ask("status")
            if status and '"recording":true' in status and '"healthy":true' in status:
                break
            if time.monotonic() > end:
                raise Failure(f"with memory again, the status is {status}")
            time.sleep(0.1)
        if "sekisho_messages" not in self.daemon.metrics():
            raise Failure("with memory again, there are no metrics")
        if '"ok":true' not in (self.daemon.ask("reload") or ""):
            raise Failure("with memory again, there is no reload")

    def run(self):
        self.daemon.ask("status")  # it has started
        one_in = ONE_IN[self.seed % len(ONE_IN)] if not self.options.one_in else self.options.one_in
        self.daemon.page.fail(one_in, self.seed)
        self.load()
        self.daemon.alive()
        self.daemon.page.fail(0)
        if self.problems:
            raise Failure("; ".join(sorted(set(self.problems))))
        self.well_again()
        self.daemon.stop()
        allocations, failed = self.daemon.page.counts()
        if failed == 0 and not self.options.address_space:
            raise Failure("no allocation has failed: this round has shown nothing")
        verified = subprocess.run([self.options.sekisho, "quarantine", "verify", "--contents", "--config",
                                   self.daemon.config], capture_output=True, text=True)
        if verified.returncode != 0:
            raise Failure("the quarantine: " + verified.stdout + verified.stderr)
        return one_in, allocations, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sekishod", required=True)
    parser.add_argument("--sekisho", required=True)
    parser.add_argument("--failing-memory", required=True)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--messages", type=int, default=240)
    parser.add_argument("--one-in", type=int, default=0, help="instead of several")
    parser.add_argument("--kinds", choices=("new", "all"), default="new")
    parser.add_argument("--address-space", type=int, default=0, help="megabytes: a hard limit besides")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    names = Names()
    names.start()
    ended = 0
    for number in range(options.rounds):
        this = Round(options, number, names.address)
        try:
            one_in, allocations, failed = this.run()
            print(f"round {number}: one in {one_in}: {failed} of {allocations} failed; answers "
                  + " ".join(f"{k}={v}" for k, v in sorted(this.counts.items())), flush=True)
            subprocess.run(["rm", "-rf", this.home])
        except (Failure, OSError, subprocess.TimeoutExpired) as error:
            ended += 1
            code = this.daemon.process.poll()
            this.daemon.process.kill()
            print(f"round {number} (seed {options.seed}, exit {code}, files in {this.home}): {error!r}"
                  if not isinstance(error, Failure) else
                  f"round {number} (seed {options.seed}, files in {this.home}): {error}", flush=True)
    print(f"{options.rounds} rounds, {ended} failed")
    return 1 if ended else 0


if __name__ == "__main__":
    sys.exit(main())
