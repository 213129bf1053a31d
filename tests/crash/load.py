"""Clients that send mail, each until it is accepted, and commands that release what is held, meanwhile."""
import json
import os
import random
import subprocess
import threading
import time

from lab.smtp_client import Closed, SmtpClient

from ledger import Mail, digest_of_body

# Exit codes of `sekisho quarantine release`: done; somebody else has it, or had it; not now.
RELEASED, REFUSED, GONE, TEMPORARY = 0, 65, 66, 75
# However long a filter is away in this test, it is back before that.
PATIENCE = 90


class Command:
    """`sekisho quarantine` with the daemon's configuration."""

    def __init__(self, program, configuration):
        self._program, self._configuration = program, configuration

    def start(self, verb, *words):
        argv = [self._program, "quarantine", verb, "-c", self._configuration, *words]
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                errors="replace")

    def run(self, verb, *words):
        """(exit code, what it said)."""
        running = self.start(verb, *words)
        out, err = running.communicate(timeout=60)
        return running.returncode, out + err

    def rows(self, *filters):
        """The store's list; the latest first."""
        running = self.start("list", "--json", *filters)
        out, err = running.communicate(timeout=60)
        if running.returncode != 0:
            raise AssertionError(f"quarantine list: exit code {running.returncode}: {err}")
        return json.loads(out)


class Load:
    """One round's clients and commands. Thread: its owner's; begin, then stop, then finish."""

    def __init__(self, lab, kinds, command, ledger, number, seed):
        self._lab, self._kinds, self._command, self._ledger = lab, kinds, command, ledger
        self._number, self._seed = number, seed
        self._weights = [kind.parameters["weight"] for kind in kinds]
        self._stopped = threading.Event()
        self._to_kill = None     # whom the next client kills that is answered
        self._killed = threading.Event()
        self._threads = []
        self.complaints = []

    def begin(self, clients, releasers):
        for n in range(clients):
            self._start(self._send, n)
        for n in range(releasers):
            self._start(self._release, clients + n)

    def stop(self):
        """No new mail, no new release."""
        self._stopped.set()

    def kill_at_answer(self, pid):
        """Returns when a client has killed it: at the 250 for a message that is held, before anything else is done."""
        self._to_kill = pid
        if not self._killed.wait(PATIENCE):
            self.complaints.append("no held message was answered 250")

    def finish(self):
        """What was begun is brought to its end."""
        for thread in self._threads:
            thread.join(PATIENCE + 60)
            if thread.is_alive():
                self.complaints.append("a client or a command waits for ever")

    def _start(self, work, number):
        def guarded():
            try:
                work(number, random.Random(f"{self._seed} {self._number} {number}"))
            except Exception as error:  # a thread that is gone would be load that is missing
                self.complaints.append(f"{type(error).__name__}: {error}")
        self._threads.append(threading.Thread(target=guarded, daemon=True))
        self._threads[-1].start()

    def _send(self, client, chance):
        connection, count = None, 0
        while not self._stopped.is_set():
            count += 1
            mail = self._make(f"{self._number}-{client}-{count}", chance)
            give_up = time.monotonic() + PATIENCE
            while not mail.accepted:
                connection = self._offer(connection, mail)
                if mail.accepted:
                    break
                if time.monotonic() > give_up:
                    self.complaints.append(f"{mail.name}: deferred for {PATIENCE} s")
                    return
                time.sleep(0.02)
            if connection and chance.random() < 0.5:
                connection.quit()
                connection = None
        if connection:
            connection.quit()

    def _make(self, name, chance):
        kind = chance.choices(self._kinds, self._weights)[0]
        octets = self._lab.build({**kind.message, "subject": f"{kind.id} {name}", "headers": [f"X-Count: {name}"]}, name)
        mail = Mail(f"<{name}@lab.test>", kind, octets, digest_of_body(octets), self._number)
        self._ledger.add(mail)
        return mail

    def _offer(self, connection, mail):
        """One attempt. The connection, when it can be used again."""
        try:
            connection = connection or self._connect(mail.kind)
            reply = _transaction(connection, mail)
        except (Closed, OSError):
            reply = None
        if reply is not None and reply.code == 250:
            if self._to_kill and mail.held_for and not self._killed.is_set():
                os.kill(self._to_kill, 9)
                self._killed.set()
            self._ledger.accepted(mail)
            return connection
        if reply is not None and reply.code >= 500:
            self.complaints.append(f"{mail.name}: refused: {reply}")
        mail.put_off += 1
        self._ledger.count("deferred")
        if connection:
            connection.close()
        return None

    def _connect(self, kind):
        connection = SmtpClient(kind.client, self._lab.port(kind), timeout=PATIENCE)
        if connection.greeting.code == 220:
            connection.command(f"EHLO {kind.helo}")
        return connection

    def _release(self, _number, chance):
        """One after the other, a few of them killed, and a few that another one is at, too."""
        while not self._stopped.is_set():
            if not self._ledger.for_release() or chance.random() < 0.2:
                self._ledger.saw_rows(self._command.rows("--state", "held"))
            mails = self._ledger.for_release()
            if not mails:
                time.sleep(0.02)
                continue
            mail = chance.choice(mails)
            killed_after = chance.random() * 0.12 if chance.random() < 0.25 else None
            self.complaints += release(self._command, self._ledger, mail, killed_after)
            if killed_after is not None and chance.random() < 0.5:
                # While the message of the killed one may still be on its way through the MTA.
                self.complaints += release(self._command, self._ledger, mail)


def _transaction(connection, mail):
    """The last reply: the first unexpected one, or the reply to the end of DATA."""
    reply = connection.command(f"MAIL FROM:<{mail.kind.mail_from}>")
    for to in mail.kind.rcpt:
        if reply.code != 250:
            return reply
        reply = connection.command(f"RCPT TO:<{to}>")
    return connection.data(mail.octets) if reply.code == 250 else reply


def release(command, ledger, mail, killed_after=None, *options):
    """One command, killed perhaps. What is wrong with its answer, as sentences."""
    running = command.start("release", *options, "--", mail.row)
    if killed_after is not None:
        # Torn before it is: whoever counts copies meanwhile must know that there may be one.
        ledger.torn(mail)
        time.sleep(killed_after)
        os.kill(running.pid, 9)
    out, err = running.communicate(timeout=60)
    said = (out + err).strip()
    if running.returncode == RELEASED:
        ledger.released(mail)
    elif running.returncode == TEMPORARY and "still held" in said and "may have delivered" not in said:
        ledger.count("releases deferred")
    elif running.returncode in (REFUSED, GONE):
        ledger.count("releases refused")
    elif not (running.returncode == -9 and killed_after is not None):
        return [f"release of {mail.name} ({mail.row}): exit code {running.returncode}: {said}"]
    return []
