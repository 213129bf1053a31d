#!/usr/bin/python3
"""Kills sekishod, standing alone, while it accepts and delivers mail; a third of the starts have a changed configuration.

What was answered 250 must in the end be delivered, or bounced by the rules, to each of its recipients; twice only if a kill
came between the next hop's answer and the commit of it, which docs/durability.md names. The next hops break off as well.
Without root it ends with 77, which ctest counts as skipped.
"""
import argparse
import email
import json
import os
import random
import re
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../integration")]
sys.dont_write_bytecode = True

from lab import namespace, process  # noqa: E402
from lab.smtp_client import Closed, SmtpClient  # noqa: E402

SKIPPED = 77
CLIENTS = 6
CLIENT, PORT, NEXT_HOP = "203.0.113.50", 25, 2525
SETTLE = 180           # seconds until nothing waits any more, on a slow machine
# Between the answer of a next hop and the commit of it: what a slow machine needs for both.
WINDOW = 5
CONFIGURATION = """
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
[[listener]]
profile = "mx"
address = ["0.0.0.0:25"]
tls = "off"
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
retry = ["1s"]
give_up = "{give_up}"
[[permit]]
from = ["203.0.113.50"]
to = ["*"]
[[route]]
domain = ["sender.example"]
via = "maildir:{home}/mail/{{domain}}/{{user}}"
recipients = "any_of_file"
[[route]]
domain = ["*"]
via = "smtp:[127.0.0.1]:2525"
tls = "none"
"""
# local.example is local in some configurations, and goes to the next hop in the others.
LOCAL = """
[[route]]
domain = ["local.example"]
via = "maildir:{home}/mail/{{domain}}/{{user}}"
recipients = "any_of_file"
"""
# routed.example has a route of its own in some configurations.
ROUTED = """
[[route]]
domain = ["routed.example"]
via = "smtp:[127.0.0.1]:2525"
tls = "none"
concurrency = 2
"""
RECIPIENTS = ["user@plain.example", "user@local.example", "user@routed.example", "refused@plain.example", "greylisted@plain.example"]


class Tally:
    """What has arrived, and when. Thread: any, internally locked."""

    def __init__(self):
        self._lock = threading.Lock()
        self.copies = defaultdict(list)   # (name, recipient) -> times
        self.grey = set()

    def add(self, name, recipients):
        with self._lock:
            for to in recipients:
                self.copies[name, to].append(time.monotonic())

    def first_time(self, what):
        with self._lock:
            seen = what in self.grey
            self.grey.add(what)
            return not seen


class _NextHop(socketserver.StreamRequestHandler):
    """Refuses some, defers others once, and sometimes breaks off."""

    def handle(self):
        try:
            self._serve()
        except (ConnectionError, BrokenPipeError):
            pass

    def _serve(self):
        tally, chance = self.server.tally, self.server.chance
        self.wfile.write(b"220 next.hop\r\n")
        sender, recipients = "", []
        while line := self.rfile.readline():
            text = line.decode("latin-1").strip()
            if chance.random() < 0.01:
                return
            if text.startswith("MAIL"):
                sender, recipients = text, []
                self.wfile.write(b"250 ok\r\n")
            elif text.startswith("RCPT"):
                to = re.search("<(.*?)>", text)[1]
                if to.startswith("refused"):
                    self.wfile.write(b"550 5.1.1 nobody here\r\n")
                elif to.startswith("greylisted") and tally.first_time((sender, to)):
                    self.wfile.write(b"450 4.2.0 greylisted\r\n")
                else:
                    recipients.append(to)
                    self.wfile.write(b"250 ok\r\n")
            elif text == "DATA":
                if not recipients:
                    self.wfile.write(b"503 no recipients\r\n")
                    continue
                self.wfile.write(b"354 go on\r\n")
                name = ""
                while (line := self.rfile.readline()) != b".\r\n":
                    if not line:
                        return
                    if line.startswith(b"Message-ID: "):
                        name = line.split()[1].decode()
                if chance.random() < 0.01:
                    return
                tally.add(name, recipients)
                self.wfile.write(b"250 taken\r\n")
            elif text.startswith("EHLO"):
                self.wfile.write(b"250-next.hop\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
            elif text == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


class NextHop(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 200


class Load:
    """Clients that send one message after the other, and write down what was answered 250."""

    def __init__(self, seed):
        self.accepted = {}   # name -> recipients
        self.others = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(random.Random(f"{seed} {n}"), f"{seed}.{n}")) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, more):
        """Until so many more messages have been accepted."""
        wanted, end = len(self.accepted) + more, time.monotonic() + SETTLE
        while len(self.accepted) < wanted:
            if time.monotonic() > end:
                raise AssertionError(f"{len(self.accepted)} messages accepted, not {wanted}, after {SETTLE} s")
            time.sleep(0.01)

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, chance, prefix):
        number = 0
        while not self._stop.is_set():
            try:
                client = SmtpClient(CLIENT, PORT, timeout=30)
                client.command("EHLO mail.client.example")
                while not self._stop.is_set():
                    number += 1
                    self._one(client, f"<{prefix}.{number}@sender.example>", chance)
            except (OSError, Closed, ValueError, IndexError):
                time.sleep(0.02)

    def _one(self, client, name, chance):
        recipients = chance.sample(RECIPIENTS, chance.randint(1, 3))
        if client.command("MAIL FROM:<boss@sender.example>").code != 250:
            client.command("RSET")
            return
        taken = [to for to in recipients if client.command(f"RCPT TO:<{to}>").code == 250]
        if not taken:
            client.command("RSET")
            return
        body = "x" * chance.choice([10, 3000, 300000])
        reply = client.data(f"From: boss@sender.example\r\nMessage-ID: {name}\r\nSubject: kill\r\n\r\n{body}\r\n".encode())
        if reply.code == 250:
            self.accepted[name] = taken
        else:
            self.others += 1


class Experiment:
    def __init__(self, options):
        self.home = os.path.join(namespace.HOME, "sekisho")
        self._options, self._chance = options, random.Random(options.seed)
        self._tally, self._kills, self._daemon = Tally(), [], None
        os.makedirs(self.home)
        with open(f"{self.home}/zone", "w") as out:
            out.write("client.example. MX 10 mail.client.example.\nmail.client.example. A 203.0.113.50\nsender.example. MX 10 mail.client.example.\n")
        with open(f"{self.home}/recipients", "w") as out:
            out.write("@sender.example\n@local.example\n")
        hop = NextHop(("127.0.0.1", NEXT_HOP), _NextHop, bind_and_activate=True)
        hop.tally, hop.chance = self._tally, random.Random(options.seed + 1)
        threading.Thread(target=hop.serve_forever, daemon=True).start()

    def start(self, changed):
        text = CONFIGURATION.replace("{give_up}", self._chance.choice(["1h", "2h"]) if changed else "1d")
        text += LOCAL if not changed or self._chance.random() < 0.5 else ""
        text += ROUTED if not changed or self._chance.random() < 0.5 else ""
        with open(f"{self.home}/conf", "w") as out:
            out.write(text.format(home=self.home).replace("any_of_file", f"file:{self.home}/recipients"))
        self._daemon = process.start([namespace.DAEMON, "-f", "-c", f"{self.home}/conf"], f"{self.home}/out")

    def kill(self):
        if self._daemon.poll() is not None:
            raise AssertionError(f"sekishod ended by itself with {self._daemon.returncode}: " + open(f"{self.home}/out").read()[-2000:])
        self._daemon.kill()
        self._daemon.wait()
        self._kills.append(time.monotonic())

    def run(self):
        self.start(False)
        process.wait_for_port("127.0.0.1", PORT, self._daemon)
        load = Load(self._options.seed)
        for number in range(1, self._options.rounds + 1):
            if number % 5:  # else it is killed while it starts
                load.wait_for(5)
            time.sleep(self._chance.random() * 0.7)
            self.kill()
            self.start(number % 3 == 0)
        process.wait_for_port("127.0.0.1", PORT, self._daemon)
        load.end()
        self.settle()
        return self.judge(load)

    def settle(self):
        end = time.monotonic() + SETTLE
        while left := self._queue():
            if time.monotonic() > end:
                raise AssertionError(f"still in the queue after {SETTLE} s: {left[:5]}")
            self._command("queue", "flush")
            time.sleep(0.3)
        self._daemon.send_signal(signal.SIGTERM)
        if self._daemon.wait(60) != 0:
            raise AssertionError(f"sekishod ended with {self._daemon.returncode}")

    def _command(self, *words):
        return process.run([self._options.sekisho, *words, "-c", f"{self.home}/conf"])

    def _queue(self):
        return [json.loads(line) for line in self._command("queue", "list", "--json").splitlines()]

    def _maildirs(self):
        """Adds what is in the Maildirs to the tally; returns the recipients that bounces name, by Message-ID."""
        bounced = defaultdict(set)
        for folder, _, files in os.walk(f"{self.home}/mail"):
            # In tmp is what a kill left half written: nobody reads it, and the message was not answered for.
            for file in files if os.path.basename(folder) == "new" else []:
                with open(os.path.join(folder, file), "rb") as text:
                    message = email.message_from_bytes(text.read())
                if message.get_content_type() == "multipart/report":
                    status, original = message.get_payload()[1], message.get_payload()[2]
                    name = email.message_from_string(original.get_payload() if isinstance(original.get_payload(), str)
                                                     else original.get_payload()[0].as_string())["Message-ID"]
                    for part in status.get_payload():
                        if part["Final-Recipient"] and part["Action"] == "failed":
                            bounced[name].add(part["Final-Recipient"].partition(";")[2].strip())
                else:
                    moment = time.monotonic() - (time.time() - os.path.getmtime(os.path.join(folder, file)))
                    self._tally.copies[message["Message-ID"].strip(), message["Delivered-To"].strip()].append(moment)
        return bounced

    def judge(self, load):
        bounced = self._maildirs()
        out, twice = [], 0
        for name, recipients in load.accepted.items():
            for to in recipients:
                times = sorted(self._tally.copies.get((name, to), []))
                if to.startswith("refused"):
                    out += [] if to in bounced[name] else [f"{name} to {to}: neither delivered nor bounced"]
                    out += [f"{name} to {to}: delivered, although it was refused"] if times else []
                    continue
                out += [] if times else [f"{name} to {to}: lost"]
                for first in times[:-1]:
                    twice += 1
                    if not any(0 <= kill - first < WINDOW for kill in self._kills):
                        out.append(f"{name} to {to}: twice, and no kill between")
        if not load.accepted:
            out.append("nothing was accepted: this proves nothing")
        print(f"{len(load.accepted)} messages accepted, {load.others} not, {len(self._kills)} kills, {twice} copies in the window")
        return out


def inside(options):
    namespace.enter(options.inside, options.sekishod)
    complaints = Experiment(options).run()
    for complaint in complaints[:50]:
        print("FAIL " + complaint)
    return 1 if complaints else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(HERE, "../../build/release"), metavar="DIR")
    parser.add_argument("--sekishod")
    parser.add_argument("--sekisho")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options)
    print(f"seed {options.seed}", flush=True)
    if reason := namespace.why_impossible():
        print("skipped: " + reason)
        return SKIPPED
    programs = [os.path.abspath(given or os.path.join(options.build, name))
                for name, given in (("sekishod", options.sekishod), ("sekisho", options.sekisho))]
    parent = os.path.abspath(os.path.join(options.build, "crash"))
    os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="queue_kill.", dir=parent)
    status = subprocess.run(namespace.UNSHARE + [sys.executable, os.path.abspath(sys.argv[0]), "--inside", folder, "--sekishod", programs[0],
                                                 "--sekisho", programs[1], "--rounds", str(options.rounds), "--seed", str(options.seed)],
                            stdin=subprocess.DEVNULL, check=False).returncode
    if status == 0:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"the files are in {folder}")
    return status


if __name__ == "__main__":
    sys.exit(main())
