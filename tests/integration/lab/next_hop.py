"""An SMTP server of a host of lab/hosts.py, which takes mail as its owner says, and remembers from where it came."""
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Taken:
    peer: str
    mail_from: str
    recipients: list
    message: bytes
    helo: str = ""
    tls: bool = False


@dataclass
class Rules:
    """`answers`: what it says instead of what it would, by the beginning of the command: {"RCPT TO:<b": "550 no"}."""
    answers: dict = field(default_factory=dict)
    extensions: list = field(default_factory=lambda: ["PIPELINING", "8BITMIME", "DSN"])
    tls: object = None     # an ssl.SSLContext: STARTTLS is offered
    at_once: bool = False  # TLS first


class NextHop:
    """Thread: one for each connection; the rest from any."""

    def __init__(self, host, address, port=25, rules=None):
        self.rules = rules or Rules()
        self._listening = host.listen(address, port)
        self._changed = threading.Condition()
        self._taken = []
        self.commands = []
        threading.Thread(target=self._accept, daemon=True).start()

    def taken(self):
        with self._changed:
            return list(self._taken)

    def wait_for(self, count, seconds=180):
        """The messages, when there are so many."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._taken) >= count, seconds):
                raise AssertionError(f"{len(self._taken)} messages of {count} after {seconds} s; commands: {self.commands[-20:]}")
            return list(self._taken)

    def wait_for_command(self, start, seconds=180):
        with self._changed:
            if not self._changed.wait_for(lambda: any(c.startswith(start) for c in self.commands), seconds):
                raise AssertionError(f"no {start} after {seconds} s: {self.commands[-20:]}")

    def close(self):
        """No new connection; those that rest are ended at their next command."""
        self.rules.answers = {verb: "drop" for verb in ("RSET", "NOOP", "MAIL", "QUIT")}
        self._listening.shutdown(socket.SHUT_RDWR)  # else the thread that waits for a connection keeps it open
        self._listening.close()

    def _accept(self):
        while True:
            try:
                connection, peer = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, peer[0]), daemon=True).start()

    def _serve(self, connection, peer):
        try:
            if self.rules.at_once:
                connection = self.rules.tls.wrap_socket(connection, server_side=True)
            self._dialogue(connection, peer)
        except (OSError, ssl.SSLError):
            pass
        finally:
            connection.close()

    def _dialogue(self, connection, peer):
        read = connection.makefile("rb")
        transaction = Taken(peer, "", [], b"", tls=self.rules.at_once)

        def say(text):
            connection.sendall(text.encode() + b"\r\n")
        say(self.rules.answers.get("", "220 next.hop ESMTP"))
        while line := read.readline():
            text = line.decode("latin-1").rstrip("\r\n")
            with self._changed:
                self.commands.append(text)
                self._changed.notify_all()
            verb = text[:4].upper()
            answer = next((a for start, a in self.rules.answers.items() if start and text.upper().startswith(start.upper())), None)
            if answer == "drop":
                return
            if answer:
                say(answer)
            elif verb in ("EHLO", "HELO", "LHLO"):
                transaction.helo = text[5:]
                extensions = self.rules.extensions + (["STARTTLS"] if self.rules.tls and not transaction.tls else [])
                say("\r\n".join(f"250-{e}" for e in ["next.hop", *extensions]) + "\r\n250 HELP" if verb != "HELO" else "250 next.hop")
            elif verb == "STAR":
                say("220 go on")
                connection = self.rules.tls.wrap_socket(connection, server_side=True)
                read, transaction.tls = connection.makefile("rb"), True
            elif verb == "MAIL":
                transaction.mail_from, transaction.recipients = text.partition("<")[2].partition(">")[0], []
                say("250 2.1.0 ok")
            elif verb == "RCPT":
                transaction.recipients.append(text.partition("<")[2].partition(">")[0])
                say("250 2.1.5 ok")
            elif verb == "DATA":
                say("354 go on")
                self._take(read, transaction)
                say(self.rules.answers.get("dot", "250 2.0.0 taken"))
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def _take(self, read, transaction):
        lines = []
        while (line := read.readline()) != b".\r\n":
            if not line:
                raise OSError("the connection ended within DATA")
            lines.append(line[1:] if line.startswith(b".") else line)
        if not self.rules.answers.get("dot", "250").startswith("250"):
            return
        with self._changed:
            self._taken.append(Taken(transaction.peer, transaction.mail_from, list(transaction.recipients), b"".join(lines),
                                     transaction.helo, transaction.tls))
            self._changed.notify_all()


def wait_until(condition, what, seconds=180):
    """Waits for something that nobody announces, such as a line of a log."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not after {seconds} s: {what}")
        time.sleep(0.05)
    return found
