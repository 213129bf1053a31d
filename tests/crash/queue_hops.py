"""The next hops of the tests beside this file, by SMTP or LMTP; and what they have taken."""
import re
import socketserver
import ssl
import threading
import time
from collections import defaultdict


class Steady:
    """Instead of a random.Random: a next hop that never breaks off."""

    @staticmethod
    def random():
        return 1.0


class Tally:
    """What has arrived, and when. Thread: any, internally locked."""

    def __init__(self):
        self._lock = threading.Lock()
        self.copies = defaultdict(list)   # (name, recipient) -> times
        self.reports = []                 # what came from <>, as octets
        self._seen = set()

    def add(self, name, recipients):
        with self._lock:
            for to in recipients:
                self.copies[name, to].append(time.time())

    def first_time(self, what):
        with self._lock:
            seen = what in self._seen
            self._seen.add(what)
            return not seen


class _Dialogue(socketserver.StreamRequestHandler):
    """Refuses some, defers others once, and sometimes breaks off."""

    def handle(self):
        try:
            self._serve()
        except (OSError, ssl.SSLError, ValueError):
            pass

    def _say(self, *lines):
        self.wfile.write("".join(line + "\r\n" for line in lines).encode())

    def _answer(self, sender, to):
        """The reply to this recipient, if it is not taken."""
        for start, reply in self.server.answers.items():
            if to.startswith(start):
                return reply
        if to.startswith("refused"):
            return "550 5.1.1 nobody here"
        if to.startswith("greylisted") and self.server.tally.first_time((sender, to)):
            return "450 4.2.0 greylisted"
        return None

    def _serve(self):
        server = self.server
        self._say("220 next.hop")
        sender, recipients, secure = "", [], False
        while line := self.rfile.readline():
            text = line.decode("latin-1").strip()
            if server.chance.random() < 0.01:
                return
            if text.startswith("MAIL"):
                sender, recipients = text.partition(">")[0], []
                self._say("250 ok")
            elif text.startswith("RCPT"):
                to = re.search("<(.*?)>", text)[1]
                refusal = None if server.lmtp else self._answer(sender, to)
                if refusal is None:
                    recipients.append(to)
                self._say(refusal or "250 ok")
            elif text == "DATA":
                if not recipients:
                    self._say("503 no recipients")
                    continue
                if not self._data(sender, recipients):
                    return
            elif text.startswith(("EHLO", "LHLO")):
                self._say("250-next.hop", "250-PIPELINING", *([] if secure or not server.tls else ["250-STARTTLS"]), "250 8BITMIME")
            elif text == "STARTTLS" and server.tls:
                self._say("220 go on")
                self.connection = server.tls.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile, secure = self.connection.makefile("rb"), self.connection.makefile("wb", 0), True
            elif text == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _data(self, sender, recipients):
        """False: the connection ends."""
        self._say("354 go on")
        name, lines = "", []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            if sender.endswith("<"):
                lines.append(line)
            if line.startswith(b"Message-ID: "):
                name = line.split()[1].decode()
        if self.server.chance.random() < 0.01:
            return False
        refusals = [self._answer(sender, to) if self.server.lmtp else None for to in recipients]
        if lines:
            self.server.tally.reports.append(b"".join(lines))
        # A report has the Message-ID of what it is about in it too.
        self.server.tally.add("" if lines else name, [to for to, refusal in zip(recipients, refusals) if refusal is None])
        if self.server.lmtp:
            self._say(*[refusal or "250 taken" for refusal in refusals])
        else:
            self._say("250 taken")
        return True


class NextHop(socketserver.ThreadingTCPServer):
    """Thread: one for each connection."""
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 200

    def __init__(self, port, tally, chance, tls=None, lmtp=False):
        super().__init__(("127.0.0.1", port), _Dialogue)
        self.tally, self.chance, self.tls, self.lmtp = tally, chance, tls, lmtp
        self.answers = {}   # to recipients whose address begins so, instead of what it would say
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that was killed."""
