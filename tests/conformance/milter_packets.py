#!/usr/bin/python3
"""Sends the milter packets of the conformance suite to a running sekishod, malformed ones included.

After each of them the daemon must still be there and serve a good session from negotiation to the final reply; a connection
on which nonsense was sent must end soon after we stop writing. Well-formed packets must get replies that an MTA
understands: of the protocol's letters, with whole strings, none where the filter negotiated silence.

Besides the suite's packets and sequences: every one of them cut short at each octet, the filter's own replies
sent back to it, and sequences with random octets changed (a fixed seed; --mutations says how many).
"""

import argparse
import json
import pathlib
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

REPLY_WAIT = 60.0   # seconds until a missing reply is a hang
CLOSE_WAIT = 30.0    # seconds until the filter has closed a connection on which we have closed
MEMORY_GROWTH_KB = 200 * 1024

# Command: the flag that leaves the event out, and the flag that leaves its reply out (mfdef.h, protocol 6).
EVENTS = {
    "C": (0x1, 0x1000), "H": (0x2, 0x2000), "M": (0x4, 0x4000), "R": (0x8, 0x8000), "T": (0x200, 0x10000),
    "L": (0x20, 0x80), "N": (0x40, 0x40000), "B": (0x10, 0x80000), "U": (0x100, 0x20000), "E": (0, 0),
}
FINAL = "cartdys4"          # replies that end an event
EDITS = "hime+-2bqp"        # allowed before the final reply at end of message ("p" at any time)
BEFORE = {                  # what an MTA has sent before this command
    "O": "", "C": "O", "H": "OC", "M": "OCH", "R": "OCHM", "T": "OCHMR", "L": "OCHMRT", "N": "OCHMRTL",
    "B": "OCHMRTLN", "E": "OCHMRTLN", "A": "OCHMR", "Q": "OC", "K": "OC", "U": "OCH", "D": "O",
}
MALFORMED_AFTER = ("", "O", "OCH", "OCHMR", "OCHMRTL", "OCHMRTLNB")


class Failure(Exception):
    pass


class Suite:
    def __init__(self, path):
        data = json.loads(pathlib.Path(path).read_text())
        self.packets = {p["id"]: p for p in data["packets"]}
        self.sequences = data["sequences"]
        self.plain = {}  # one ordinary packet of each command
        for packet in data["packets"]:
            if packet["direction"] == "mta>filter" and not packet.get("malformed"):
                self.plain.setdefault(packet["command"], bytes.fromhex(packet["hex"]))
        self.plain["O"] = bytes.fromhex(self.packets["milter-optneg-v6"]["hex"])

    def octets(self, packet_id):
        return bytes.fromhex(self.packets[packet_id]["hex"])

    def ids(self, direction, malformed):
        return [i for i, p in self.packets.items()
                if p["direction"] == direction and bool(p.get("malformed")) == malformed]


class Client:
    """An MTA's side of one connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(REPLY_WAIT)
        self.socket.connect(str(path))
        self.protocol = 0
        self.ended = False  # the filter has refused or accepted: Postfix sends it no more events

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise Failure("the filter closed the connection instead of replying")
            data += more
        return data

    def reply(self):
        (length,) = struct.unpack("!I", self.exactly(4))
        if not 0 < length < 1 << 20:
            raise Failure(f"reply of {length} octets")
        packet = self.exactly(length)
        return chr(packet[0]), packet[1:]

    def negotiate(self, octets):
        """False when the filter refuses the offer by closing, as it may for an old version."""
        self.socket.sendall(octets)
        offered = struct.unpack("!III", octets[5:17])
        try:
            letter, data = self.reply()
        except Failure:
            if offered[0] < 6:
                return False
            raise
        if letter != "O" or len(data) < 12:
            raise Failure(f"answer {letter!r} to the negotiation")
        version, actions, self.protocol = struct.unpack("!III", data[:12])
        if not 2 <= version <= offered[0] or actions & ~offered[1] or self.protocol & ~offered[2]:
            raise Failure(f"negotiated {version}, {actions:#x}, {self.protocol:#x} out of {offered}")
        return True

    def send(self, octets):
        """One packet as an MTA sends it. Returns the letter of the final reply, or None when there is none to come."""
        command = chr(octets[4])
        if command == "O":
            return "O" if self.negotiate(octets) else "closed"
        if command in "AQK":
            self.ended = False
        if command not in EVENTS:
            self.socket.sendall(octets)
            return None
        unwanted, silent = EVENTS[command]
        if self.ended or self.protocol & unwanted:
            return None
        self.socket.sendall(octets)
        if self.protocol & silent:
            return None
        return self.final_reply(command)

    def final_reply(self, command):
        while True:
            letter, data = self.reply()
            if letter in FINAL:
                self.check_final(letter, data)
                self.ended = letter in "artdy4" and command not in "RE"
                return letter
            if letter not in EDITS or (command != "E" and letter != "p"):
                raise Failure(f"reply {letter!r} to {command}")
            if letter in "him" and data.count(b"\0") < 2:
                raise Failure(f"{letter!r} without two whole strings: {data!r}")

    @staticmethod
    def check_final(letter, data):
        if letter != "y":
            return
        for line in data.rstrip(b"\0").split(b"\r\n"):
            if line[:1] not in (b"4", b"5") or not line[:3].isdigit() or line[3:4] not in (b" ", b"-"):
                raise Failure(f"malformed SMTP reply {data!r}")

    def finish(self):
        """We stop writing; what the filter still says is read until it closes."""
        deadline = time.monotonic() + CLOSE_WAIT
        try:
            self.socket.shutdown(socket.SHUT_WR)
            self.socket.settimeout(CLOSE_WAIT)
            while self.socket.recv(65536):
                if time.monotonic() > deadline:
                    raise Failure("the filter talks on after we have closed")
        except socket.timeout as error:
            raise Failure("the filter holds a connection that we have closed") from error
        except OSError:
            return  # it was quicker to close than we were


class Trial:
    def __init__(self, suite, path, daemon):
        self.suite = suite
        self.path = path
        self.daemon = daemon
        self.count = 0
        self.failures = []

    def check(self, what, action):
        """Runs one case; whatever it did, the daemon must then serve a good session."""
        self.count += 1
        try:
            action()
        except (Failure, OSError) as error:
            self.failures.append(f"{what}: {error}")
        if self.daemon is not None and self.daemon.poll() is not None:
            raise SystemExit(f"FAIL: the daemon ended with {self.daemon.returncode} after {what}")
        try:
            self.good_session()
        except ConnectionRefusedError:
            raise SystemExit(f"FAIL: nobody listens any more after {what}") from None
        except (Failure, OSError) as error:
            self.failures.append(f"after {what}: no good session: {error}")

    def good_session(self):
        self.sequence(self.suite.sequences[0])

    def sequence(self, sequence):
        with Client(self.path) as client:
            for packet_id in sequence["packets"]:
                command = self.suite.packets[packet_id]["command"]
                letter = client.send(self.suite.octets(packet_id))
                if command == "E" and not client.ended and letter is None:
                    raise Failure("no reply at end of message")
            client.finish()

    def in_place(self, packet_id):
        octets = self.suite.octets(packet_id)
        with Client(self.path) as client:
            for command in BEFORE[chr(octets[4])]:
                client.send(self.suite.plain[command])
            client.send(octets)
            client.finish()

    def raw(self, before, octets):
        """Octets that no MTA would send, after a regular beginning."""
        with Client(self.path) as client:
            for command in before:
                client.send(self.suite.plain[command])
            try:
                client.socket.sendall(octets)
            except OSError:
                return  # closed while we wrote, which is a good answer
            client.finish()

    def run(self, mutations):
        self.check("good session", self.good_session)
        for sequence in self.suite.sequences:
            self.check(sequence["id"], lambda s=sequence: self.sequence(s))
        for packet_id in self.suite.ids("mta>filter", malformed=False):
            self.check(packet_id, lambda i=packet_id: self.in_place(i))
        for packet_id in self.suite.ids("mta>filter", malformed=True):
            self.check_malformed(packet_id)
        for packet_id in self.suite.ids("filter>mta", malformed=False):
            self.check(f"{packet_id} sent to the filter",
                       lambda i=packet_id: self.raw("OCHMRTLNB", self.suite.octets(i)))
        self.cut_short()
        self.mutate(mutations)

    def check_malformed(self, packet_id):
        for before in MALFORMED_AFTER:
            self.check(f"{packet_id} after {before!r}",
                       lambda b=before: self.raw(b, self.suite.octets(packet_id)))

    def cut_short(self):
        for command, octets in self.suite.plain.items():
            for size in range(1, min(len(octets), 64)):
                self.check(f"{command} cut at {size}",
                           lambda c=command, n=size: self.raw(BEFORE[c], self.suite.plain[c][:n]))

    def mutate(self, count):
        rng = random.Random(7)
        sequences = [b"".join(self.suite.octets(i) for i in s["packets"]) for s in self.suite.sequences]
        for number in range(count):
            octets = bytearray(rng.choice(sequences))
            for _ in range(rng.randint(1, 6)):
                octets[rng.randrange(len(octets))] = rng.choice((0, 1, 0xFF, rng.randrange(256)))
            self.check(f"mutation {number}", lambda o=bytes(octets): self.raw("", o))


def peak_memory_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def start(program, folder):
    (folder / "zone").write_text(
        'example.com. 300 IN TXT "v=spf1 ip4:192.0.2.1 -all"\n'
        '_dmarc.example.com. 300 IN TXT "v=DMARC1; p=none"\n')
    config = folder / "milter.conf"
    config.write_text(f"""[process]
user = "root"
[identity]
authserv_id = "mx.example.org"
hostname = "mx.example.org"
[[milter]]
socket = "unix:{folder}/milter.sock"
[control]
socket = "{folder}/control.sock"
group = ""
[dns]
zone_file = "{folder}/zone"
[trust]
networks = []
[history]
dir = "{folder}/history"
[log]
target = "file:{folder}/log"
""")
    with open(folder / "out", "wb") as out:
        daemon = subprocess.Popen([program, "-f", "-c", str(config)], stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=out)
    path = folder / "milter.sock"
    for _ in range(200):
        if daemon.poll() is not None:
            raise SystemExit(f"sekishod ended with {daemon.returncode}:\n{(folder / 'out').read_text()}")
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                return daemon, path
        time.sleep(0.05)
    daemon.kill()
    raise SystemExit("sekishod does not listen")


def stop(daemon, folder):
    daemon.send_signal(signal.SIGTERM)
    try:
        status = daemon.wait(20)
    except subprocess.TimeoutExpired:
        daemon.kill()
        raise SystemExit("FAIL: sekishod does not end on SIGTERM") from None
    if status != 0:
        raise SystemExit(f"FAIL: sekishod ended with {status}:\n{(folder / 'out').read_text()[-4000:]}")


def report(trial):
    for failure in trial.failures[:20]:
        print("FAIL:", failure)
    print(f"{trial.count} cases, {len(trial.failures)} failures")
    return 1 if trial.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", required=True, help="packets.json of the conformance suite")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--sekishod", help="the program, started here with a configuration of its own")
    target.add_argument("--socket", help="a filter that already listens on this Unix socket")
    parser.add_argument("--mutations", type=int, default=300)
    args = parser.parse_args()
    suite = Suite(args.packets)
    if args.socket:
        trial = Trial(suite, args.socket, None)
        trial.run(args.mutations)
        return report(trial)
    with tempfile.TemporaryDirectory(prefix="sekisho-packets-") as scratch:
        folder = pathlib.Path(scratch)
        daemon, path = start(args.sekishod, folder)
        try:
            trial = Trial(suite, path, daemon)
            trial.good_session()
            before = peak_memory_kb(daemon.pid)
            trial.run(args.mutations)
            grown = peak_memory_kb(daemon.pid) - before
            if grown > MEMORY_GROWTH_KB:
                trial.failures.append(f"memory grew by {grown} KB")
            status = report(trial)
            stop(daemon, folder)
            return status
        finally:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()


if __name__ == "__main__":
    sys.exit(main())
