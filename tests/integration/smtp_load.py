#!/usr/bin/python3
"""Many, slow, greedy and mad clients of sekishod alone, and meanwhile another one whose message is accepted.

Without options it is small, and its limits in time are wide: a slow machine must not fail it. --strict wants what is
promised, on a quiet machine: 10,000 idle connections within 160 MB, 300 MB with TLS, and every message of the other client
within a second. Needs root (namespaces of its own); without, it ends with 77.
"""
import argparse
import concurrent.futures
import contextlib
import os
import resource
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lab import namespace, process  # noqa: E402
from lab.smtp_client import MX_ADDRESS, Closed, SmtpClient  # noqa: E402

SKIPPED = 77
PORT = 25
SERVER = (MX_ADDRESS[socket.AF_INET], PORT)
GOOD = "203.0.113.250"
MB = 1024 * 1024
CONFIG = """
[identity]
hostname = "mx.example.jp"
seal_file = "{home}/seal"
[process]
user = "root"
[dns]
zone_file = "{home}/zone"
[control]
socket = "{home}/control.sock"
[log]
target = "file:{home}/log"
[history]
dir = "{home}/history"
[tls]
certificate = "{home}/cert.pem"
key = "{home}/key.pem"
[[listener]]
profile = "mx"
[limits]
connections = 0
connections_per_minute = 0
messages_per_minute = 0
recipients_per_minute = 0
[aliases]
files = []
srs_secret_file = "{home}/srs"
[queue]
dir = "{home}/queue"
drop = "{home}/drop"
[[route]]
domain = ["example.jp"]
via = "discard"
recipients = "any"
"""
ZONE = """
client.example.       MX 10 mail.client.example.
mail.client.example.  A 203.0.113.250
"""
MESSAGE = b"From: a@client.example\r\nTo: b@example.jp\r\nSubject: x\r\nMessage-ID: <%d@client.example>\r\n\r\nx\r\n"


class Failed(Exception):
    """Something is not as it should be."""


def expect(condition, what):
    if not condition:
        raise Failed(what)


class Daemon:
    def __init__(self, home, sekishod):
        self.home, self._sekishod = home, sekishod
        with open(sekishod, "rb") as program:
            content = program.read()
        # What it costs then says nothing.
        self.sanitized = b"__asan_init" in content or b"__tsan_init" in content
        os.makedirs(home)
        process.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", "/CN=mx.example.jp",
                     "-keyout", f"{home}/key.pem", "-out", f"{home}/cert.pem"])
        for name, text in (("zone", ZONE), ("conf", CONFIG.format(home=home))):
            with open(os.path.join(home, name), "w") as out:
                out.write(text)

    def start(self, descriptors):
        self.process = process.start([self._sekishod, "-f", "-c", f"{self.home}/conf"], f"{self.home}/out",
                                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors,) * 2))
        process.wait_for_port(*SERVER, self.process)

    def end(self):
        """In order, whoever is connected."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(120)
        expect(status == 0, f"sekishod ended with {status}")

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))

    def cpu(self):
        """Seconds of all threads."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Served:
    """The other client: each of its messages over a connection of its own."""

    def __init__(self, strict):
        self._number = 0
        self._send()    # the first one also pays for what is made once
        self.baseline = max(self._send() for _ in range(5))
        self.limit = 1 if strict else 20 + 20 * self.baseline

    def _send(self):
        begun = time.monotonic()
        self._number += 1
        client = SmtpClient(GOOD, PORT, timeout=110)
        for command in ("EHLO mail.client.example", "MAIL FROM:<a@client.example>", "RCPT TO:<b@example.jp>"):
            reply = client.command(command)
            expect(reply.code == 250, f"{command}: {reply}")
        reply = client.data(MESSAGE % self._number)
        expect(reply.code == 250, f"the message: {reply}")
        client.close()
        return time.monotonic() - begun

    def messages(self, beside, count=3):
        """`count` of them, beside something. The longest time."""
        longest = max(self._send() for _ in range(count))
        print(f"     {beside}: a message is accepted after {longest:.3f} s at most, and {self.baseline:.3f} s alone", flush=True)
        expect(longest <= self.limit, f"{beside}: a message took {longest:.1f} s, more than {self.limit:.1f}")


def source(number):
    return f"203.0.113.{number % 200 + 1}"


def connect(number, tls=None):
    """A client that has said EHLO."""
    client = SmtpClient(source(number), PORT, timeout=110)
    expect(client.greeting.code == 220, f"greeting: {client.greeting}")
    client.command("EHLO mail.client.example")
    if tls:
        expect(client.starttls().code == 220, "STARTTLS is refused")
        client.command("EHLO mail.client.example")
    return client


def raw(number):
    one = socket.socket()
    one.settimeout(110)
    one.bind((source(number), 0))
    one.connect(SERVER)
    return one


def idle(daemon, served, options, tls):
    """Connections that say nothing: what each costs, that none costs time, and that none is closed."""
    count = options.idle_tls if tls else options.idle
    what = f"{count} idle connections" + (" with TLS" if tls else "")
    before = daemon.resident()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        clients = list(pool.map(lambda number: connect(number, tls), range(count)))
    served.messages(f"beside {what}")
    after = daemon.resident()
    print(f"     {what}: RSS {before / MB:.1f} MB before, {after / MB:.1f} MB with them, "
          f"{(after - before) / count / 1024:.1f} KB each", flush=True)
    if options.strict:
        wait_for_rest(daemon, served, what, (300 if tls else 160) * MB)
    elif not daemon.sanitized:  # the same for each, and something for what is there once
        each = (48 if tls else 24) * 1024
        expect(after - before <= each * count + 6 * MB, f"{what}: {(after - before) / count / 1024:.1f} KB each")
    stays_quiet(daemon, options, what, [client._socket for client in clients])
    for client in clients:
        client.close()


def stays_quiet(daemon, options, what, sockets):
    """For some seconds none of these hears anything, or is closed, and the daemon has nothing to do."""
    waiting = select.poll()
    for one in sockets:
        waiting.register(one, select.POLLIN | select.POLLHUP)
    spent, begun = daemon.cpu(), time.monotonic()
    heard = waiting.poll(options.quiet * 1000)
    share = (daemon.cpu() - spent) / (time.monotonic() - begun)
    print(f"     {what}: {100 * share:.2f} % of a core", flush=True)
    expect(not heard, f"{what}: {len(heard)} clients were told something, or closed")
    expect(share < (0.03 if options.strict else 0.25), f"{what}: the daemon uses {100 * share:.1f} % of a core")


def wait_for_rest(daemon, served, what, limit):
    """What is known of a client is let go after a while in which it has said nothing."""
    begun = time.monotonic()
    while (resident := daemon.resident()) > limit:
        expect(time.monotonic() - begun < 90, f"{what}: RSS {resident / MB:.0f} MB")
        served.messages(f"beside {what}, RSS {resident / MB:.0f} MB", 10)
        time.sleep(0.5)
    print(f"     {what}: RSS {resident / MB:.1f} MB after {time.monotonic() - begun:.0f} s more", flush=True)


def slowloris(daemon, served, options):
    """An octet now and then: of a command, of a message, of a handshake."""
    clients = [connect(number) for number in range(options.slow)]
    for client in clients[1::3]:
        for command in ("MAIL FROM:<a@client.example>", "RCPT TO:<b@example.jp>", "DATA"):
            expect(client.command(command).code in (250, 354), command)
    for client in clients[2::3]:
        client.send(b"STARTTLS\r\n")
        client.read_reply()
        client.send(b"\x16\x03\x01\x02\x00\x01")
    for _ in range(options.rounds):
        for client in clients:
            client.send(b"\x01" if client in clients[2::3] else b"x")
        served.messages(f"beside {len(clients)} slow clients", 1)
    for client in clients:
        client.close()


def long_commands(daemon, served, options):
    """A command of 1 MB without an end, from many at a time: refused, and not kept."""
    before = daemon.resident()
    clients = [connect(number) for number in range(options.greedy)]

    def shout(client):
        with contextlib.suppress(ConnectionError, Closed):
            client.send(b"MAIL FROM:<" + b"x" * MB)
            client.send(b"\r\n")
            reply = client.read_reply()
            expect(400 <= reply.code < 600, f"1 MB of a command: {reply}")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        shouting = [pool.submit(shout, client) for client in clients]
        served.messages(f"beside {len(clients)} commands of 1 MB")
        for one in shouting:
            one.result()
    grown = daemon.resident() - before
    print(f"     RSS has grown by {grown / MB:.1f} MB", flush=True)
    expect(daemon.sanitized or grown < 32 * MB, f"{len(clients)} commands of 1 MB have cost {grown / MB:.0f} MB")
    for client in clients:
        client.close()


def client_hello():
    """What a client says first; it costs us nothing to say it again."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    out = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    return out.read()


def handshake_flood(daemon, served, options):
    """Handshakes that are begun, which costs the server a signature, and never ended."""
    hello, over, begun = client_hello(), threading.Event(), []

    def flood(number):
        while not over.is_set():
            with contextlib.suppress(OSError, Closed):
                client = connect(number)
                client.send(b"STARTTLS\r\n")
                client.read_reply()
                client.send(hello)
                if client._socket.recv(1) == b"\x16":   # its certificate, and the signature, are on their way
                    begun.append(number)
                client.close()

    with concurrent.futures.ThreadPoolExecutor(options.flood) as pool:
        floods = [pool.submit(flood, number) for number in range(options.flood)]
        try:
            since = time.monotonic()
            while len(begun) < options.flood:
                expect(time.monotonic() - since < 100 and not any(f.done() for f in floods), "no handshake is answered")
                over.wait(0.02)
            served.messages(f"beside {options.flood} clients that begin handshakes", options.rounds)
            print(f"     {len(begun) / (time.monotonic() - since):.0f} handshakes a second", flush=True)
        finally:
            over.set()
        for one in floods:
            one.result()


def no_descriptors(daemon, served, options):
    """The daemon may open nothing more: it says so or closes, does not spin, and serves again when there is room."""
    daemon.start(256)
    seated = connect(0)
    room = daemon.descriptors() + options.seats
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (room, 256))
    clients = [raw(number) for number in range(options.seats * 3)]
    greeted = [one for one in clients if starts_with(one, b"220")]
    expect(0 < len(greeted) <= options.seats, f"{len(greeted)} of {len(clients)} were greeted, and {options.seats} have room")
    stays_quiet(daemon, options, "without descriptors", greeted)
    # Who is there already is answered; a message may need a descriptor more.
    for command in ("MAIL FROM:<a@client.example>", "RCPT TO:<b@example.jp>"):
        reply = seated.command(command)
        expect(reply.code in (250, 421, 451, 452), f"{command} without descriptors: {reply}")
    for one in clients:
        one.close()
    seated.close()
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (256, 256))
    wait_until_greeted()
    served.messages("with descriptors again")
    # The daemon's own limit, below that of the system: told with 421.
    clients = [raw(number) for number in range(256)]
    told = [one for one in clients if starts_with(one, b"421")]
    expect(told, "nobody beyond the daemon's own limit was told 421")
    for one in clients:
        one.close()
    wait_until_greeted()
    served.messages("after 256 connections of 256 descriptors")


def starts_with(one, octets):
    """Whether the server's first words are these. A connection that it closes has said none."""
    with contextlib.suppress(ConnectionError):
        return one.recv(1000).startswith(octets)
    return False


def wait_until_greeted():
    """Those who have gone are noticed one after the other."""
    end = time.monotonic() + 60
    while True:
        with contextlib.closing(raw(0)) as one:
            if starts_with(one, b"220"):
                return
        expect(time.monotonic() < end, "no connection is taken a minute after all others have gone")


def inside(options):
    namespace.enter(options.inside, options.sekishod)
    daemon = Daemon(os.path.join(namespace.HOME, "server"), namespace.DAEMON)
    daemon.start(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    served = Served(options.strict)
    steps = [("idle", lambda: idle(daemon, served, options, None)), ("idle-tls", lambda: idle(daemon, served, options, True)),
             ("slowloris", lambda: slowloris(daemon, served, options)), ("long-commands", lambda: long_commands(daemon, served, options)),
             ("handshakes", lambda: handshake_flood(daemon, served, options))]
    failed = 0
    for name, step in steps:
        if name in (options.only or name).split(","):
            failed += not passes(name, step, daemon)
    last = [connect(number) for number in range(options.greedy)]
    failed += not passes("end", daemon.end, daemon)
    for client in last:
        client.close()
    failed += not passes("no-descriptors", lambda: no_descriptors(daemon, served, options), daemon)
    failed += not passes("end again", daemon.end, daemon)
    return 1 if failed else 0


def passes(name, step, daemon):
    begun = time.monotonic()
    wrong = None
    try:
        step()
        ended = daemon.process.poll()
        wrong = f"the daemon has ended with {ended}" if ended else None
    except (Failed, Closed, OSError, process.NotReady, subprocess.TimeoutExpired) as error:
        wrong = f"{type(error).__name__}: {error}"
    print(f"{'FAIL' if wrong else 'ok  '} {name} ({time.monotonic() - begun:.1f} s){': ' + wrong if wrong else ''}", flush=True)
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sekishod", help="the daemon")
    parser.add_argument("--build", default=os.path.join(HERE, "../../build/release"), metavar="DIR")
    parser.add_argument("--strict", action="store_true", help="the limits that are promised; for a quiet machine")
    parser.add_argument("--only", metavar="STEPS", help="idle, idle-tls, slowloris, long-commands or handshakes; not all of them")
    for name, small, what in (("idle", 400, "idle connections"), ("idle-tls", 100, "those with TLS"),
                              ("slow", 60, "slow clients"), ("greedy", 16, "commands of 1 MB"), ("flood", 4, "handshakes"),
                              ("seats", 12, "descriptors that are left"), ("rounds", 2, "messages beside a flood"),
                              ("quiet", 1, "seconds in which nothing may happen")):
        parser.add_argument("--" + name, type=int, default=small, help=f"{what} (default {small})")
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options)
    if reason := namespace.why_impossible():
        print("skipped: " + reason)
        return SKIPPED
    if missing := namespace.missing_programs([]):
        print(f"not there: {', '.join(missing)}; tests/deps/install brings them")
        return 1
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if descriptors < max(options.idle, options.idle_tls) + 1000:
        print(f"the limit of descriptors is {descriptors}: raise it (ulimit -Hn), or ask for fewer connections")
        return 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    parent = os.path.abspath(os.path.join(options.build, "integration"))
    os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="smtp_load.", dir=parent)
    program = os.path.abspath(options.sekishod or os.path.join(options.build, "sekishod"))
    done = subprocess.run(namespace.UNSHARE + [sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--sekishod", program,
                                               "--inside", folder], stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"the server's files are in {folder}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
