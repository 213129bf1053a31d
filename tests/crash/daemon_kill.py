#!/usr/bin/python3
"""Kills sekishod at random moments while mail comes through a real MTA and is released from the store.

After each round every message that was answered 250 must be where it was promised: delivered, once, to those who must
have it, and in the store for those for whom it must be held. What a release has let go is delivered once.
Without root it ends with 77, which ctest counts as skipped.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../integration")]
sys.dont_write_bytecode = True

from lab import namespace, scenario  # noqa: E402
from lab.mta import MTAS  # noqa: E402
from ledger import Ledger, Tally  # noqa: E402
from load import Command, GONE, Load, REFUSED, RELEASED, release  # noqa: E402

SKIPPED = 77
CLIENTS, RELEASERS = 8, 2
SETTLE = 60                # seconds until nothing is on its way any more
LONGEST_LOAD = 0.6         # seconds until the daemon is killed
HELD_AT_MOST = 40          # messages that wait for later rounds
# One a round. "At an answer": in the moment in which a client reads that its message, which is held, is accepted.
STRIKES = ("kill", "kill at an answer", "kill while it starts", "kill at an answer", "kill", "kill at an answer", "end")
# What the log may not say; what it may say at a start after a kill is that files have a row again.
ALARMS = ("are missing in", "are damaged", "is damaged", "nothing can be stored", "cannot expire")


class Experiment:
    def __init__(self, lab, file, command, seed, slow_disk):
        self._lab, self._kinds, self._seed = lab, file.scenarios, seed
        # It counts for what is started from now on, which is every daemon but the first.
        self._disks = {"on a slow disk": slow_disk, "on a fast disk": ""}
        self._daemon = lab.daemon(file.scenarios[0])
        self._command = Command(command, self._daemon.configuration)
        self._ledger = Ledger(lab.sink)
        self._log_seen = 0

    @property
    def counts(self):
        return self._ledger.counts

    def round(self, number):
        """Complaints; none when all is where it was promised."""
        chance = random.Random(f"{self._seed} {number}")
        deferred = self.counts["deferred"]
        load = Load(self._lab, self._kinds, self._command, self._ledger, number, self._seed)
        load.begin(CLIENTS, RELEASERS)
        try:
            time.sleep(chance.random() * LONGEST_LOAD)
            complaints = self._strike(load, chance, STRIKES[number % len(STRIKES)])
            time.sleep(0.1)
        finally:
            load.stop()
            load.finish()
        self._ledger.count("rounds that hit mail on its way", self.counts["deferred"] > deferred)
        return complaints + load.complaints + self._look(chance)

    def _strike(self, load, chance, kind):
        if wrong := self._daemon.crash():
            return [wrong]
        self._ledger.count(kind)
        if kind == "end":
            # It may finish what it is at, and leaves in order.
            if wrong := self._daemon.stop():
                return [wrong]
        else:
            if kind == "kill at an answer":
                load.kill_at_answer(self._daemon.pid)
            self._daemon.kill()
        if kind == "kill while it starts":
            self._daemon.start()
            time.sleep(chance.random() * 0.06)
            self._daemon.kill()
        time.sleep(chance.random() * 0.05)
        disk = "on a fast disk" if chance.random() < 0.25 else "on a slow disk"
        self._daemon.preload = self._disks[disk]
        self._daemon.start()
        self._daemon.wait()
        return []

    def _look(self, chance):
        """All that is to be seen when nothing moves."""
        complaints = self._settle()
        rows = self._command.rows("--state", "any")
        self._ledger.saw_rows(rows)
        for mail in self._ledger.for_release():
            if mail.torn:
                complaints += self._take_over(mail)
        waiting = [m for m in self._ledger.for_release() if not m.torn]
        for mail in waiting[:max(0, len(waiting) - HELD_AT_MOST)]:
            complaints += self._release_now(mail)
        complaints += self._settle()
        complaints += self._of_rows(self._command.rows("--state", "any"))
        complaints += self._of_files() + self._of_log()
        return complaints + self._ledger.too_much()

    def _settle(self):
        """Until all that was promised has arrived and the MTA has nothing left; what has not arrived."""
        deadline = time.monotonic() + SETTLE
        pushed = time.monotonic() + 3
        while (missing := self._ledger.missing()) or self._lab.mta.queued():
            if time.monotonic() > deadline:
                return missing or ["the MTA's queue does not become empty"]
            if time.monotonic() > pushed:
                self._lab.mta.run_queue()
                pushed = deadline
            time.sleep(0.03)
        return []

    def _release_now(self, mail):
        """While nothing moves there is no reason for a release to fail."""
        complaints = release(self._command, self._ledger, mail)
        return complaints or ([] if mail.releases else [f"{mail.name} ({mail.row}): cannot be released"])

    def _take_over(self, mail):
        """A release was killed. Who releases it again gets it delivered, unless the filter had passed it: then the command
        refuses, and the admin looks whether it was delivered."""
        there = [self._lab.sink.of(mail.name, to) for to in mail.held_for]
        code, said = self._command.run("release", "--", mail.row)
        if any(there) and code not in (REFUSED, GONE):
            return [f"{mail.name} ({mail.row}): a killed release delivered it, and it can be released again: {code}, {said}"]
        if any(there):
            mail.settled = all(there)
            self._ledger.count("killed releases that had been delivered")
            if not mail.settled:
                return [f"{mail.name}: a release was delivered to a part of {mail.held_for}"]
            return self._delete(mail.row) if "may have delivered it" in said else []
        if code == RELEASED:
            self._ledger.count("killed releases taken over")
            self._ledger.released(mail)
            return []
        if code != REFUSED or "may have delivered it" not in said:
            return [f"{mail.name} ({mail.row}): a killed release cannot be taken over: {code}, {said}"]
        self._ledger.count("killed releases of which only the MTA's log tells")
        return release(self._command, self._ledger, mail, None, "--even-if-delivered")

    def _of_rows(self, rows):
        """Each held message has its row and its file; a released one is delivered."""
        out = []
        files = self._files()
        for mail, own in self._ledger.rows_of(rows).values():
            mine = [row for row in own if row["id"] == mail.row]
            out += [f"{mail.name}: held twice, as {mail.row} and {row['id']}" for row in own if row["id"] != mail.row]
            if not mail.held_for:
                out += [f"{mail.name}: held, and should not be"] if own else []
                mail.settled = True
                continue
            if not mine:
                out.append(f"{mail.name}: lost: it was answered 250, and the store does not have it")
                mail.settled = True
                continue
            state, wanted = mine[0]["state"], "delivered" if mail.releases else "held"
            if state != wanted:
                out.append(f"{mail.name} ({mail.row}): {state}, not {wanted}: {mine[0]['remark']}")
            if sorted(mine[0]["recipients"]) != sorted(mail.held_for):
                out.append(f"{mail.name} ({mail.row}): held for {mine[0]['recipients']}, not {mail.held_for}")
            if state == "held" and mail.row not in files:
                out.append(f"{mail.name} ({mail.row}): its file is gone")
            self._ledger.count("sent again and recognised", mine[0]["repeats"] > 0 and not mail.settled)
            mail.settled = state == "delivered"
        return out

    def _delete(self, identity):
        code, said = self._command.run("delete", identity)
        return [] if code == 0 else [f"delete {identity}: {code}, {said}"]

    def _files(self):
        folder = os.path.join(self._daemon.home, "quarantine")
        return {name for name in os.listdir(folder) if name.replace("-", "").isalnum() and name == name.upper()}

    def _of_files(self):
        code, said = self._command.run("verify", "--contents")
        return [] if code == 0 and "all is well" in said else [f"verify: {code}, {said}"]

    def _of_log(self):
        text = self._daemon.log_since(self._log_seen)
        self._log_seen += len(text.encode("utf-8", "replace"))
        self._ledger.count("starts that found files without a row", text.count("have one again"))
        return [line for line in text.splitlines() if any(alarm in line for alarm in ALARMS)]

    def end(self):
        """Everything that is still held is let go; then rows and files must be the same."""
        complaints = []
        for mail in self._ledger.for_release():
            complaints += self._release_now(mail)
        complaints += self._settle()
        self._daemon.kill()
        self._daemon.start()
        self._daemon.wait()
        rows = self._command.rows("--state", "any")
        complaints += self._of_rows(rows) + self._of_files() + self._of_log() + self._ledger.too_much()
        if left := self._files() - {row["id"] for row in rows if row["state"] in ("held", "released", "deleted")}:
            complaints.append(f"files that nobody needs: {sorted(left)}")
        if not (self.counts["rounds that hit mail on its way"] and self.counts["released"]):
            complaints.append("no kill hit a message, or nothing was released: this proves nothing")
        return complaints


def inside(options):
    """In the namespaces."""
    from lab.laboratory import Laboratory
    file = scenario.load(os.path.join(HERE, "daemon_kill.toml"), options.mta)
    namespace.enter(options.inside, options.sekishod)
    slow_disk = shutil.copy(options.slow_disk, namespace.HOME)
    lab = Laboratory(file, namespace.DAEMON, options.mta, options.sekisho, sink_kind=Tally)
    lab.start()
    experiment = Experiment(lab, file, options.sekisho, options.seed, slow_disk)
    begun = time.monotonic()
    for number in range(1, options.rounds + 1):
        complaints = experiment.round(number)
        if not complaints and number == options.rounds:
            complaints = experiment.end() + lab.stop()
        for complaint in complaints:
            print(f"FAIL round {number}: {complaint}")
        if complaints:
            return 1
        if number % 25 == 0:
            print(f"     {number} rounds, {time.monotonic() - begun:.0f} s", flush=True)
    print(f"ok   {options.rounds} rounds through {options.mta} in {time.monotonic() - begun:.0f} s, none lost, none twice: "
          + ", ".join(f"{count} {what}" for what, count in sorted(experiment.counts.items())))
    return 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(HERE, "../../build/release"), metavar="DIR")
    parser.add_argument("--sekishod", help="the daemon (default: that of the build folder), and so on")
    parser.add_argument("--sekisho")
    parser.add_argument("--slow-disk")
    parser.add_argument("--mta", choices=list(MTAS), default="postfix")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--keep", action="store_true", help="keep the laboratory's files in any case")
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    for name, path in (("sekishod", "sekishod"), ("sekisho", "sekisho"), ("slow_disk", "tests/crash/libslow_disk.so")):
        path = os.path.abspath(getattr(options, name) or os.path.join(options.build, path))
        if not os.path.isfile(path):
            parser.error(f"there is no {path}")
        setattr(options, name, path)
    return options


def main():
    options = arguments()
    if options.inside:
        return inside(options)
    print(f"seed {options.seed}", flush=True)
    if reason := namespace.why_impossible():
        print("skipped: " + reason)
        return SKIPPED
    if missing := namespace.missing_programs(MTAS[options.mta].PROGRAMS):
        print(f"not there: {', '.join(missing)}; tests/deps/install brings them")
        return 1
    parent = os.path.abspath(os.path.join(options.build, "crash"))
    os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f"daemon_kill.{options.mta}.", dir=parent)
    argv = namespace.UNSHARE + [sys.executable, os.path.abspath(sys.argv[0]), "--inside", folder, "--mta", options.mta,
                                "--rounds", str(options.rounds), "--seed", str(options.seed), "--sekishod", options.sekishod,
                                "--sekisho", options.sekisho, "--slow-disk", options.slow_disk]
    status = subprocess.run(argv, stdin=subprocess.DEVNULL).returncode
    if status == 0 and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"     the laboratory's files are in {folder}")
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
