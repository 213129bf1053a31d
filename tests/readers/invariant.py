#!/usr/bin/python3
"""No mail shows a name that was not proven, in what a user finally reads.

From fields of a sender that has proven its own domain, and nothing else, go through sekishod and an MTA with Debian's own defaults.
What is delivered is read by public readers of mail. It is a violation when one of them shows a domain that was not proven, and

- our Authentication-Results field says dmarc=pass, or
- nothing marks the message, and the domain's owner publishes p=reject.

And the other direction: a sloppy name of an honest sender is not refused. Without root it ends with 77, which ctest counts as
skipped. The seed that is printed makes the same fields again.
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../integration")]
sys.dont_write_bytecode = True

import from_fields  # noqa: E402
import readers  # noqa: E402
from lab import authres, namespace, scenario, sink  # noqa: E402
from lab.mta import DEBIAN  # noqa: E402
from lab.smtp_client import Closed, SmtpClient  # noqa: E402

SKIPPED = 77
CLIENTS = 4
CHUNK = 500               # fields that are sent, and then read
PATIENCE = 120            # seconds until what was accepted has arrived
PER_CONNECTION = 8        # messages: MTAs send a client away that was refused too often
NULL_SENDERS = 0.1        # share of the fields that come from <>, proven by HELO
# The local mailer and one that relays write addresses by rules of their own.
RECIPIENTS = ["user@example.jp", "user@relay.example"]
ADDRESS, HELO = "192.0.2.66", "mx.att.test"
ZONE = """
mx.att.test HOST 192.0.2.66
mx.att.test TXT "v=spf1 ip4:192.0.2.66 -all"
att.test A 192.0.2.66
att.test MX 10 mx.att.test
att.test TXT "v=spf1 ip4:192.0.2.66 -all"
_dmarc.att.test TXT "v=DMARC1; p=none"
x.att.test A 192.0.2.66
victim.te A 192.0.2.66
victim.te MX 10 mx.att.test
victim.te TXT "v=spf1 ip4:192.0.2.66 -all"
_dmarc.victim.te TXT "v=DMARC1; p=none"
alias.att.test CNAME victim.test
victim.test MX 10 mx.victim.test
victim.test TXT "v=spf1 -all"
_dmarc.victim.test TXT "v=DMARC1; p=reject"
mx.victim.test A 192.0.2.77
www.victim.test A 192.0.2.77
example.jp MX 10 mx.example.jp
mx.example.jp A 198.51.100.25
_dmarc.example.jp TXT "v=DMARC1; p=reject"
relay.example A 198.51.100.26
"""
OWN = (from_fields.OWN, from_fields.NEAR)
VICTIMS = ("victim.test", "example.jp")
# What is quarantined is delivered with its mark, so that readers can be asked about all of it.
CONFIGURATION = {"quarantine": {"where": "junk"}}


@dataclass
class Mail:
    """One field on its way."""
    number: int
    field: from_fields.Field
    sender: str
    reply: str = ""
    delivered: list = field(default_factory=list)


class Kept(sink.Sink):
    """A sink by the number that each message carries. Thread: any, internally locked."""

    def __init__(self, folder):
        super().__init__(folder)
        self._kept = {}
        self._guard = threading.Lock()

    def add(self, delivery):
        header = delivery.message.partition(b"\r\n\r\n")[0]
        number = re.search(rb"^X-Number: (\d+)", header, re.MULTILINE)
        with self._guard:
            self._kept.setdefault(int(number[1]) if number else -1, []).append(delivery)

    def take(self, number):
        with self._guard:
            return self._kept.pop(number, [])

    def recipients(self, number):
        with self._guard:
            return sum(len(d.recipients) for d in self._kept.get(number, []))

    def unclaimed(self):
        return []


def below(domain, parents):
    return any(domain == parent or domain.endswith("." + parent) for parent in parents)


def glued(domain):
    """The sender's domain and the words behind it in one: Python's old parser leaves the blanks out, and nobody has such a
    domain. The victim who might is one of VICTIMS."""
    return any(re.fullmatch(re.escape(own) + r"[^.]+", domain) for own in OWN)


def from_field(message):
    """The raw From fields of a message; empty when it has none that begins a line."""
    header = message.partition(b"\r\n\r\n")[0] + b"\r\n"
    return b"".join(m[0] for m in re.finditer(rb"^from[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", header, re.MULTILINE | re.IGNORECASE))


def results_of(message):
    """(word of dmarc in our own results or "", whether anything marks the message)."""
    header = message.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    lines = re.sub(r"\r\n(?=[ \t])", "", header).split("\r\n")
    marked = any(line.lower().startswith("x-sekisho-disposition:") for line in lines)
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() != "authentication-results":
            continue
        server, results = authres.parse(value)
        if server == "mx.example.jp":
            return next((r.result for r in results if r.method == "dmarc"), ""), marked
    return "", marked


class Trial:
    def __init__(self, lab, mta, ports, seed):
        self._lab, self._mta, self._ports = lab, mta, ports
        self._chance = random.Random(f"senders {seed}")
        self.counts = Counter()
        self.violations = []
        self._told = set()

    def run(self, fields):
        for begin in range(0, len(fields), CHUNK):
            batch = [Mail(begin + n, one, "" if self._bounce(one) else "x@" + one.domain)
                     for n, one in enumerate(fields[begin:begin + CHUNK])]
            self._send(batch, self._ports[0])
            self._judge(batch)
            print(f"     {begin + len(batch)} fields", flush=True)

    def _bounce(self, one):
        return not one.legitimate and self._chance.random() < NULL_SENDERS

    def _send(self, batch, port):
        """All of them, by several clients, and until what was accepted has arrived."""
        waiting = list(reversed(batch))
        failures = []
        lock = threading.Lock()

        def client():
            try:
                while True:
                    with lock:
                        mine = [waiting.pop() for _ in range(min(PER_CONNECTION, len(waiting)))]
                    if not mine:
                        return
                    self._dialogue(mine, port)
            except Exception as error:  # told below: a thread has nobody to tell
                failures.append(error)

        threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        self._wait([mail for mail in batch if mail.reply.startswith("2")])

    def _dialogue(self, batch, port):
        """On one connection, and one more when the MTA has closed it."""
        client = None
        for mail in batch:
            for attempt in range(3):
                try:
                    if client is None:
                        client = SmtpClient(ADDRESS, port)
                        client.command("EHLO " + HELO)
                    mail.reply = self._one(client, mail)
                    break
                except (Closed, OSError):
                    client = None
                    if attempt == 2:
                        raise
        if client is not None:
            client.quit()

    def _one(self, client, mail):
        client.command(f"MAIL FROM:<{mail.sender}>")
        for to in RECIPIENTS:
            reply = client.command(f"RCPT TO:<{to}>")
            assert reply.code == 250, f"RCPT {to}: {reply}"
        message = (b"From:" + mail.field.value + b"\r\nTo: user@example.jp\r\nSubject: x\r\nX-Number: %d\r\n"
                   b"Message-ID: <%d@att.test>\r\nDate: Mon, 30 Nov 2026 10:00:00 +0000\r\n\r\nText.\r\n" % (mail.number, mail.number))
        reply = str(client.data(message))
        # Closed afterwards: sendmail ends such sessions by itself.
        if reply.startswith("421"):
            raise Closed
        return reply

    def _wait(self, accepted):
        deadline = time.monotonic() + PATIENCE
        missing = accepted
        while missing := [m for m in missing if self._lab.sink.recipients(m.number) < len(RECIPIENTS)]:
            if time.monotonic() > deadline:
                self.counts["accepted, and not delivered"] += len(missing)
                break
            time.sleep(0.02)
        for mail in accepted:
            mail.delivered = self._lab.sink.take(mail.number)

    def _shown(self, mails):
        """{(number, From as delivered): domains}: what is equal is read once."""
        wanted = {}
        for mail in mails:
            for delivery in mail.delivered:
                wanted.setdefault(from_field(delivery.message), delivery.message)
        keys = list(wanted)
        return dict(zip(keys, readers.read([wanted[key] for key in keys]))) if keys else {}

    def _judge(self, batch):
        shown = self._shown(batch)
        refused = []
        for mail in batch:
            self.counts[f"replied {mail.reply[:3]}"] += 1
            if mail.field.legitimate and (not mail.reply.startswith("2") or self._marked(mail)):
                refused.append(mail)
            for delivery in mail.delivered:
                key = from_field(delivery.message)
                self._look(mail, key, delivery, shown[key])
        self._look_at_refused(refused)

    @staticmethod
    def _marked(mail):
        return any(results_of(delivery.message)[1] for delivery in mail.delivered)

    def _look(self, mail, delivered, delivery, shown):
        domains = readers.domains(shown)
        word, marked = results_of(delivery.message)
        self.counts[f"delivered {'with' if marked else 'without'} a mark, dmarc={word or 'nothing'}"] += 1
        foreign = {domain for domain in domains if not below(domain, OWN)}
        forged = {domain for domain in foreign if below(domain, VICTIMS)}
        if word == "pass" and forged:
            self._violation("pass, and a victim is shown", mail, delivered, shown)
        elif word == "pass" and foreign:
            if all(glued(domain) for domain in foreign):
                self.counts["pass, with words glued to the domain"] += 1
            else:
                self._violation("pass, and another domain is shown", mail, delivered, shown)
        elif word != "pass" and forged and not marked:
            self._violation("no mark, and a victim is shown", mail, delivered, shown)

    def _look_at_refused(self, mails):
        """An honest sender that was refused or marked. That is right only if without us the MTA changes the author."""
        if not mails:
            return
        again = [Mail(mail.number, mail.field, mail.sender) for mail in mails]
        self._send(again, self._ports[1])
        shown = self._shown(again)
        for mail, refused in zip(again, mails):
            domains = set()
            for delivery in mail.delivered:
                domains |= readers.domains(shown[from_field(delivery.message)])
            if any(not below(domain, OWN) for domain in domains):
                self.counts["honest and stopped, for the MTA makes somebody else of the author"] += 1
            else:
                self._violation("honest, and stopped: " + refused.reply, mail, b"", {})

    def _violation(self, what, mail, delivered, shown):
        if (mail.number, what) in self._told:
            return
        self._told.add((mail.number, what))
        self.counts["VIOLATIONS: " + what.partition(":")[0]] += 1
        self.violations.append({"what": what, "mta": self._mta, "sender": mail.sender, "from": mail.field.value.decode("utf-8", "replace"),
                                "from_base64": from_fields.base64.b64encode(mail.field.value).decode(),
                                "delivered": delivered.decode("utf-8", "replace"),
                                "shown": {name: addresses for name, addresses in shown.items()
                                          if any(not below(d, OWN) for d in readers.domains({name: addresses}))}})


def scenario_file():
    """What the laboratory needs: one configuration, and nobody's scenarios."""
    asked = scenario.Scenario("all", ADDRESS, HELO, "x@att.test", RECIPIENTS, {}, scenario.Expect())
    return asked, scenario.ScenarioFile("readers", [asked], {"default": CONFIGURATION}, [ZONE], [], {}, {}, {}, "debian")


def inside(options):
    """In the namespaces."""
    from lab.laboratory import NO_FILTER_MX, Laboratory
    asked, file = scenario_file()
    namespace.enter(options.inside, options.sekishod)
    lab = Laboratory(file, namespace.DAEMON, options.mta, sink_kind=Kept)
    lab.start()
    trial = Trial(lab, options.mta, (lab.port(asked), NO_FILTER_MX), options.seed)
    begun = time.monotonic()
    trial.run(from_fields.Generator(options.seed).fields(options.fields))
    seconds = time.monotonic() - begun
    for violation in trial.violations[:options.show]:
        print("FAIL " + json.dumps(violation))
    if options.violations:
        with open(options.violations, "w") as out:
            out.writelines(json.dumps(violation) + "\n" for violation in trial.violations)
    complaints = [wrong for wrong in lab.stop() if not wrong.startswith("mail that nobody expected")]
    for complaint in complaints:
        print("FAIL " + complaint)
    print(f"{'FAIL' if trial.violations or complaints else 'ok  '} {options.fields} fields through {options.mta} in {seconds:.0f} s, "
          f"seed {options.seed}: " + ", ".join(f"{count} {what}" for what, count in sorted(trial.counts.items())))
    return 1 if trial.violations or complaints or trial.counts["accepted, and not delivered"] else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(HERE, "../../build/release"), metavar="DIR")
    parser.add_argument("--sekishod", help="the daemon (default: that of the build folder)")
    parser.add_argument("--mta", choices=list(DEBIAN), default="postfix")
    parser.add_argument("--fields", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--show", type=int, default=40, metavar="N", help="violations that are printed at most")
    parser.add_argument("--violations", default="", metavar="FILE", help="all of them, one JSON object a line")
    parser.add_argument("--keep", action="store_true", help="keep the laboratory's files in any case")
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.sekishod = os.path.abspath(options.sekishod or os.path.join(options.build, "sekishod"))
    if not os.access(options.sekishod, os.X_OK):
        parser.error(f"there is no {options.sekishod}")
    return options


def main():
    options = arguments()
    if options.inside:
        return inside(options)
    print(f"seed {options.seed}", flush=True)
    if reason := namespace.why_impossible():
        print("skipped: " + reason)
        return SKIPPED
    if missing := namespace.missing_programs(DEBIAN[options.mta].PROGRAMS) + readers.missing():
        print(f"not there: {', '.join(missing)}; tests/deps/install brings them")
        return 1
    parent = os.path.abspath(os.path.join(options.build, "readers"))
    os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f"invariant.{options.mta}.", dir=parent)
    argv = namespace.UNSHARE + [sys.executable, os.path.abspath(sys.argv[0]), "--inside", folder, *sys.argv[1:],
                                "--seed", str(options.seed), "--sekishod", options.sekishod]
    status = subprocess.run(argv, stdin=subprocess.DEVNULL).returncode
    if status == 0 and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"     the laboratory's files are in {folder}")
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
