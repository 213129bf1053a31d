"""What was promised to the clients and by the releases, and what has arrived."""
import hashlib
import re
import threading
from collections import Counter
from dataclasses import dataclass

from lab.sink import Sink


def digest_of_body(message):
    body = message.partition(b"\r\n\r\n")[2]
    return hashlib.sha256(body if body.endswith(b"\r\n") else body + b"\r\n").hexdigest()


@dataclass
class Mail:
    """One message of the load. Thread: its client's until it is accepted; `row` and what follows under the ledger's lock."""
    name: str                # its Message-ID
    kind: object             # a scenario of daemon_kill.toml
    octets: bytes
    digest: str
    round: int
    accepted: bool = False   # the client got 250 to the end of DATA
    put_off: int = 0         # and so many times something else before
    row: str = ""            # its id in the store
    releases: int = 0        # commands that said that it is released
    torn: bool = False       # a command that released it was killed: nobody knows how far it came
    settled: bool = False    # nothing more will become of it

    @property
    def held_for(self):
        return self.kind.parameters["held"]

    @property
    def at_once(self):
        return [to for to in self.kind.rcpt if to not in self.held_for]


class Tally(Sink):
    """A sink that counts: how many copies of which message each recipient has."""

    def __init__(self, folder):
        super().__init__(folder)
        self.copies = Counter()    # (Message-ID, recipient) -> copies
        self.bodies = {}           # Message-ID -> digests of its bodies
        self.oddities = []
        self._count = threading.Lock()

    def add(self, delivery):
        header = delivery.header()
        name = next((x.partition(":")[2].strip() for x in header if x.lower().startswith("message-id:")), "")
        with self._count:
            self.bodies.setdefault(name, set()).add(digest_of_body(delivery.message))
            for to in delivery.recipients:
                self.copies[name, to] += 1
            if any(x.lower().startswith("x-sekisho-release") for x in header):
                self.oddities.append(f"{name}: the proof of a release was passed on")

    def unclaimed(self):
        return []

    def of(self, name, to):
        with self._count:
            return self.copies[name, to]


class Ledger:
    """All mail of the load. Thread: any, internally locked."""

    def __init__(self, tally):
        self._tally = tally
        self._lock = threading.Lock()
        self._mails = {}
        self.counts = Counter()

    def add(self, mail):
        with self._lock:
            self._mails[mail.name] = mail

    def accepted(self, mail):
        with self._lock:
            mail.accepted, mail.octets = True, b""
            self.counts["accepted"] += 1
            self.counts["accepted and held"] += bool(mail.held_for)

    def count(self, what, more=1):
        with self._lock:
            self.counts[what] += more

    def open(self):
        """Mail of which something is still to come, or to be looked at."""
        with self._lock:
            return [m for m in self._mails.values() if not m.settled]

    def saw_rows(self, rows):
        """The ids of messages, from the store's list."""
        with self._lock:
            for row in reversed(rows):
                mail = self._mails.get(_bare(row["message_id"]))
                if mail and not mail.row:
                    mail.row = row["id"]

    def for_release(self):
        """Mail that a release may be tried on."""
        with self._lock:
            return [m for m in self._mails.values() if m.row and not m.releases and not m.settled]

    def released(self, mail):
        with self._lock:
            mail.releases += 1
            self.counts["released"] += 1

    def torn(self, mail):
        with self._lock:
            mail.torn = True
            self.counts["releases killed"] += 1

    def missing(self):
        """What was promised and has not arrived yet, as sentences."""
        out = []
        for mail in self.open():
            if mail.accepted:
                out += [f"{mail.name}: not delivered to {to}" for to in mail.at_once if not self._tally.of(mail.name, to)]
            if mail.releases:
                out += [f"{mail.name} ({mail.row}): released, and not delivered to {to}" for to in mail.held_for
                        if not self._tally.of(mail.name, to)]
        return out

    def too_much(self):
        """Copies that nobody should have: of all mail, whenever it was sent."""
        out = list(self._tally.oddities)
        with self._tally._count:
            for (name, to), copies in self._tally.copies.items():
                mail = self._mails.get(name)
                if mail is None:
                    out.append(f"mail that nobody sent: {name!r} to {to}")
                elif copies > 1:
                    out.append(f"{name} ({mail.row}): {copies} copies for {to}")
                elif to in mail.held_for and not mail.releases and not mail.torn:
                    out.append(f"{name} ({mail.row}): delivered to {to}, for whom it had to be held")
                elif to not in mail.kind.rcpt:
                    out.append(f"{name}: delivered to {to}")
            for name, digests in self._tally.bodies.items():
                if name in self._mails and digests != {self._mails[name].digest}:
                    out.append(f"{name}: the body was altered")
        return out

    def rows_of(self, rows):
        """{mail: its rows} of all mail that is still open."""
        by_name = {}
        for row in rows:
            by_name.setdefault(_bare(row["message_id"]), []).append(row)
        return {m.name: (m, by_name.get(m.name, [])) for m in self.open()}


def _bare(message_id):
    return re.sub(r"^([^<].*[^>])$", r"<\1>", message_id)
