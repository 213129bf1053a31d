#!/usr/bin/python3
"""Kills sekishod, standing alone, while it accepts and delivers mail; a third of the starts have a changed configuration.

What was taken (250, or sendmail(1) ended with 0) must in the end be delivered, or bounced by the rules, to each of its
recipients: once, unless a kill came between the answer of the next hop and the commit of it, which docs/durability.md
names. Some of it is held and released meanwhile, has aliases that lead outside, goes by LMTP or into the drop folder; the
next hops break off as well. Without root it ends with 77, which ctest counts as skipped.
"""
import argparse
import email
import json
import os
import random
import re
import shutil
import signal
import ssl
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
from queue_hops import NextHop, Tally  # noqa: E402

SKIPPED = 77
CLIENTS = 6
CLIENT, PORT = "203.0.113.50", 25
SETTLE = 240           # seconds until nothing waits any more, on a slow machine
ID = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4,}\b")
# local.example is local in some configurations, and goes to the next hop in the others.
LOCAL = """
[[route]]
domain = ["local.example"]
via = "maildir:{home}/mail/{domain}/{user}"
recipients = "file:{home}/recipients"
"""
# routed.example has a route of its own in some configurations.
ROUTED = """
[[route]]
domain = ["routed.example"]
via = "smtp:[127.0.0.1]:2525"
tls = "required"
concurrency = 2
"""
ZONE = """client.example. MX 10 mail.client.example.
mail.client.example. A 203.0.113.50
sender.example. MX 10 mail.client.example.
sender.example. TXT "v=spf1 ip4:192.0.2.1 -all"
outside.example. MX 10 mail.client.example.
outside.example. TXT "v=spf1 ip4:192.0.2.1 -all"
"""
SENDERS = ["sender.example", "outside.example"]   # ours; and one whose address must be rewritten when it is forwarded
# Who gets the mail in the end, if it is not the recipient alone.
ALIASES = {"fan@alias.example": ["fan@plain.example", "refused.fan@plain.example", "fan@sender.example"]}
RECIPIENTS = ["user@plain.example", "held@plain.example", "user@local.example", "user@routed.example", "refused@plain.example",
              "greylisted@plain.example", "fan@alias.example", "user@lmtp.example", "refused@lmtp.example", "greylisted@lmtp.example"]
SENDMAIL = ["user@plain.example", "user@sender.example", "refused@plain.example", "greylisted@lmtp.example"]


class Sent:
    """What was taken of a message."""

    def __init__(self, recipients, began, reply="", notify=None):
        self.recipients, self.began, self.reply, self.notify = recipients, began, reply, notify or {}

    def finals(self):
        """{address in the end: what NOTIFY said}"""
        return {final: self.notify.get(to) for to in self.recipients for final in ALIASES.get(to, [to])}


class Load:
    """Clients that send one message after the other, and write down what was taken."""

    def __init__(self, seed, sendmail, commands):
        self.taken = {}   # name -> Sent
        self.others = 0
        self._sendmail, self._commands = sendmail, commands
        self._stop = threading.Event()
        work = [self._client] * CLIENTS + [self._programs, self._person]
        self._threads = [threading.Thread(target=each, args=(random.Random(f"{seed} {n}"), f"{seed}.{n}"), daemon=True)
                         for n, each in enumerate(work)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, more):
        """Until so many more messages have been taken."""
        wanted, end = len(self.taken) + more, time.monotonic() + SETTLE
        while len(self.taken) < wanted:
            if time.monotonic() > end:
                raise AssertionError(f"{len(self.taken)} messages taken, not {wanted}, after {SETTLE} s")
            time.sleep(0.01)

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _client(self, chance, prefix):
        number = 0
        while not self._stop.is_set():
            try:
                client = SmtpClient(CLIENT, PORT, timeout=60)
                client.command("EHLO mail.client.example")
                if chance.random() < 0.5 and client.starttls().code == 220:
                    client.command("EHLO mail.client.example")
                while not self._stop.is_set():
                    number += 1
                    self._one(client, f"{prefix}.{number}", chance)
            except (OSError, Closed, ValueError, IndexError):
                time.sleep(0.02)

    def _one(self, client, name, chance):
        began, notify, taken = time.time(), {}, []
        client.command(f"MAIL FROM:<b{name}@{chance.choice(SENDERS)}> ENVID={name}")
        for to in chance.sample(RECIPIENTS, chance.randint(1, 4)):
            notify[to] = chance.choice([None, None, "NEVER", "SUCCESS,FAILURE"])
            if client.command(f"RCPT TO:<{to}>" + (f" NOTIFY={notify[to]}" if notify[to] else "")).code == 250:
                taken.append(to)
        reply = client.data(letter(name, chance)) if taken else client.command("RSET")
        if taken and reply.code == 250:
            self.taken[name] = Sent(taken, began, reply.text, notify)
        else:
            self.others += 1

    def _programs(self, chance, prefix):
        """sendmail(1), whether the daemon runs or not."""
        number = 0
        while not self._stop.wait(0.1):
            number += 1
            name, began = f"{prefix}.{number}", time.time()
            recipients = chance.sample(SENDMAIL, chance.randint(1, 2))
            text = letter(name, chance).replace(b"\r\n", b"\n")
            done = subprocess.run([*self._sendmail, "-i", "-f", f"b{name}@{chance.choice(SENDERS)}", "--", *recipients], input=text,
                                  capture_output=True, check=False)
            if done.returncode == 0:
                self.taken[name] = Sent(recipients, began)
            else:
                self.others += 1

    def _person(self, chance, _prefix):
        """Releases what is in the quarantine, and holds and releases what waits."""
        while not self._stop.wait(0.3):
            self._commands.release_some(chance)


def letter(name, chance):
    body = ("x" * 70 + "\r\n") * chance.choice([1, 50, 5000])
    return f"From: boss@sender.example\r\nDate: Mon, 30 Nov 2026 12:00:00 +0900\r\nMessage-ID: <{name}>\r\nSubject: kill\r\n\r\n{body}".encode()


class Commands:
    """sekisho(1), which may come while the daemon is away."""

    def __init__(self, program, configuration):
        self._program, self._configuration = program, configuration

    def run(self, *words):
        return subprocess.run([self._program, *words, "-c", self._configuration], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)

    def queue(self):
        done = self.run("queue", "list", "--json")
        return [json.loads(line) for line in done.stdout.splitlines()] if done.returncode == 0 else None

    def quarantine(self):
        done = self.run("quarantine", "list", "--json")
        return [held["id"] for held in json.loads(done.stdout or "[]")] if done.returncode in (0, 66) else None

    def release_some(self, chance):
        for held in (self.quarantine() or [])[:5]:
            self.run("quarantine", "release", "--notify", held)
        for waiting in chance.sample(queue := self.queue() or [], min(len(queue), 2)):
            self.run("queue", "hold", waiting["id"])
            self.run("queue", "release", waiting["id"])


class Experiment:
    def __init__(self, options):
        self.home = os.path.join(namespace.HOME, "sekisho")
        self._options, self._chance = options, random.Random(options.seed)
        self._tally, self._kills, self._daemon = Tally(), [], None
        os.makedirs(self.home)
        self._write("zone", ZONE)
        self._write("recipients", "@sender.example\n@local.example\n")
        self._write("aliases", "".join(f"{name.partition('@')[0]}: {', '.join(to)}\n" for name, to in ALIASES.items()))
        os.symlink(options.sekisho, f"{self.home}/sendmail")
        process.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", "/CN=mx.example.jp", "-keyout", f"{self.home}/key", "-out", f"{self.home}/certificate"])
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(f"{self.home}/certificate", f"{self.home}/key")
        NextHop(2525, self._tally, random.Random(options.seed + 1), tls=tls)
        NextHop(2424, self._tally, random.Random(options.seed + 2), lmtp=True)
        self._commands = Commands(options.sekisho, f"{self.home}/conf")

    def _write(self, name, text):
        with open(f"{self.home}/{name}", "w") as out:
            out.write(text)

    def start(self, changed):
        with open(os.path.join(HERE, "queue_kill.conf")) as out:
            text = out.read().replace("{give_up}", self._chance.choice(["1h", "2h"]) if changed else "1d")
        text += LOCAL if not changed or self._chance.random() < 0.5 else ""
        text += ROUTED if not changed or self._chance.random() < 0.5 else ""
        self._write("conf", text.replace("{home}", self.home))
        self._daemon = process.start([namespace.DAEMON, "-f", "-c", f"{self.home}/conf"], f"{self.home}/out")

    def kill(self):
        if self._daemon.poll() is not None:
            raise AssertionError(f"sekishod ended by itself with {self._daemon.returncode}: " + self._read("out")[-2000:])
        self._daemon.kill()
        self._daemon.wait()
        self._kills.append(time.time())

    def _read(self, name):
        with open(f"{self.home}/{name}", errors="replace") as text:
            return text.read()

    def run(self):
        self.start(False)
        self._wait_until_up()
        sendmail = ["env", f"SEKISHO_SUBMIT_SOCKET={self.home}/submit.sock", f"SEKISHO_DROP={self.home}/drop", f"{self.home}/sendmail"]
        load = Load(self._options.seed, sendmail, self._commands)
        for number in range(1, self._options.rounds + 1):
            if number % 5:  # else it is killed while it starts
                load.wait_for(5)
            time.sleep(self._chance.random() * 0.7)
            self.kill()
            # sendmail(1) has nobody to ask.
            time.sleep(0.2 if number % 4 == 0 else 0)
            self.start(number % 3 == 0)
        self._wait_until_up()
        load.end()
        self.settle()
        return self.judge(load)

    def _wait_until_up(self):
        process.wait_for_port("127.0.0.1", PORT, self._daemon, SETTLE)
        process.wait_for_socket(f"{self.home}/control.sock", self._daemon, SETTLE)

    def settle(self):
        """Until nothing waits any more."""
        end = time.monotonic() + SETTLE
        while left := self._left():
            if time.monotonic() > end:
                raise AssertionError(f"still here after {SETTLE} s: {left[:5]}")
            time.sleep(0.3)
        self._daemon.send_signal(signal.SIGTERM)
        if self._daemon.wait(SETTLE) != 0:
            raise AssertionError(f"sekishod ended with {self._daemon.returncode}")

    def _left(self):
        dropped = [os.path.join(folder, name) for folder, _, names in os.walk(f"{self.home}/drop") for name in names]
        held, queue = self._commands.quarantine(), self._commands.queue()
        for each in held or []:
            self._commands.run("quarantine", "release", "--notify", each)
        for each in queue or []:
            self._commands.run("queue", "release", each["id"])
        self._commands.run("queue", "flush")
        return dropped + (["the quarantine"] if held is None else held) + (["the queue"] if queue is None else queue)

    def _maildirs(self):
        """Adds what is in the Maildirs to the tally; returns {(name, recipient): {action: [Message-ID of the report]}}."""
        reports = defaultdict(lambda: defaultdict(list))
        for octets in self._tally.reports:
            note_report(email.message_from_bytes(octets), reports)
        for folder, _, files in os.walk(f"{self.home}/mail"):
            # In tmp is what a kill left half written: nobody reads it, and the message was not answered for.
            for file in files if os.path.basename(folder) == "new" else []:
                with open(os.path.join(folder, file), "rb") as text:
                    message = email.message_from_bytes(text.read())
                if message.get_content_type() == "multipart/report":
                    note_report(message, reports)
                else:
                    self._tally.copies[message["Message-ID"].strip(), message["Delivered-To"].strip()].append(
                        os.path.getmtime(os.path.join(folder, file)))
        return reports

    def judge(self, load):
        reports, log = self._maildirs(), Log(self._read("log"))
        out, twice = [], 0
        for name, sent in load.taken.items():
            ids = {sent.reply and ID.search(sent.reply)[0]} - {""} or log.ids_of(name)
            complaints = []
            for to, notify in sent.finals().items():
                times = sorted(self._tally.copies.get((f"<{name}>", to), []))
                complaints += [f"to {to}: {what}" for what in self._wrong_with(times, to, notify, reports[f"<{name}>", to], len(ids))]
                complaints += [f"to {to}: twice, and the first was recorded" for each in ids if log.sent(each, to) > 1]
                for first, second in zip(times, times[1:]):
                    twice += 1
                    # What sendmail(1) has left is taken again if the kill came before its file was removed.
                    if not any((first if sent.reply else sent.began) <= kill <= second for kill in self._kills):
                        complaints.append(f"to {to}: twice, and no kill between")
            if complaints:
                out.append("\n  ".join([f"<{name}>: " + "; ".join(complaints), f"{sent.notify} taken after {sent.began}",
                                        f"kills: {[k for k in self._kills if k > sent.began][:5]}", *log.trail(ids)]))
        if not any(sent.reply for sent in load.taken.values()) or all(sent.reply for sent in load.taken.values()):
            out.append("nothing was taken from the clients, or from sendmail(1): this proves nothing")
        print(f"{len(load.taken)} messages taken, {load.others} not, {len(self._kills)} kills, {twice} copies in the window")
        return out

    @staticmethod
    def _wrong_with(times, to, notify, reports, messages):
        failed = reports.get("failed", [])
        if not to.startswith("refused"):
            if not times:
                yield "lost"
            if failed:
                yield f"bounced, and was not refused: {failed}"
            # Into a Maildir, by LMTP, or to a host without DSN: nobody else would report.
            if notify == "SUCCESS,FAILURE" and not reports.get("relayed", []) + reports.get("delivered", []):
                yield "no report of success"
            return
        if times:
            yield "delivered, although it was refused"
        if notify == "NEVER" and reports:
            yield f"reported, although the sender wants no report: {dict(reports)}"
        if notify != "NEVER" and not failed:
            yield "neither delivered nor bounced"
        # What sendmail(1) has left may have become several messages.
        if len(set(failed)) > messages:
            yield f"bounced twice: {failed}"


def note_report(message, reports):
    original = message.get_payload()[2].get_payload()
    name = email.message_from_string(original if isinstance(original, str) else original[0].as_string())["Message-ID"]
    for part in message.get_payload()[1].get_payload():
        if part["Final-Recipient"]:
            to = part["Final-Recipient"].partition(";")[2].strip()
            reports[name.strip(), to][part["Action"].strip()].append(message["Message-ID"].strip())


class Log:
    def __init__(self, text):
        self._lines = text.splitlines()
        self._sent = defaultdict(int)
        self._of = defaultdict(list)
        for line in self._lines:
            for each in set(ID.findall(line)):
                self._of[each].append(line)
            if found := re.search(r"(\S+): to=<(.*?)>.* status=sent ", line):
                self._sent[found[1], found[2]] += 1

    def ids_of(self, name):
        return {each for line in self._lines if f"b{name}@" in line for each in ID.findall(line)}

    def sent(self, message, to):
        return self._sent[message, to]

    def trail(self, ids):
        return [line for each in ids for line in self._of[each]][:60]


def inside(options):
    namespace.enter(options.inside, options.sekishod)
    complaints = Experiment(options).run()
    for complaint in complaints[:20]:
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
