"""Where all mail of the laboratory ends: an SMTP server that keeps what it is given."""
import os
import re
import socketserver
import threading
import time
from dataclasses import dataclass

PORT = 2525
EXTENSIONS = ["8BITMIME", "SMTPUTF8", "PIPELINING", "SIZE 200000000"]


@dataclass
class Delivery:
    """One message as the sink got it."""
    at: float
    mail_from: str
    recipients: list
    message: bytes
    claimed: bool = False

    def header(self):
        """The header block, fields unfolded, as text; octets that are not UTF-8 show as U+FFFD."""
        block = self.message.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        return re.sub(r"\r\n(?=[ \t])", "", block).split("\r\n")

    def queue_ids(self):
        """All queue ids that Received fields name."""
        received = [line for line in self.header() if line.lower().startswith("received:")]
        return {found for line in received for found in re.findall(r"\bid ([0-9A-Za-z-]{6,})\b", line)}


class Sink:
    """The deliveries so far. Thread: any, internally locked."""

    def __init__(self, folder):
        self._lock = threading.Lock()
        self._deliveries = []
        self._folder = folder
        os.makedirs(folder)

    def add(self, delivery):
        """Also kept as a file, for whoever wants to know why a scenario failed."""
        with self._lock:
            self._deliveries.append(delivery)
            number = len(self._deliveries)
        with open(os.path.join(self._folder, f"{number:03d}.eml"), "wb") as out:
            out.write(delivery.message)

    def since(self, moment):
        with self._lock:
            return [d for d in self._deliveries if d.at >= moment]

    def unclaimed(self):
        with self._lock:
            return [d for d in self._deliveries if not d.claimed]


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self._say("220 sink.lab.test ESMTP")
        sender, recipients = "", []
        while line := self.rfile.readline(4096):
            verb = line[:4].upper()
            if verb == b"EHLO":
                for name in ["sink.lab.test"] + EXTENSIONS[:-1]:
                    self._say("250-" + name)
                self._say("250 " + EXTENSIONS[-1])
            elif verb == b"MAIL":
                sender, recipients = _path(line), []
                self._say("250 2.1.0 Ok")
            elif verb == b"RCPT":
                if _path(line).startswith("refused@"):
                    self._say("550 5.1.1 nobody of that name")
                else:
                    recipients.append(_path(line))
                    self._say("250 2.1.5 Ok")
            elif verb == b"DATA" and not recipients:
                self._say("554 5.5.1 no recipients")
            elif verb == b"DATA":
                self._say("354 go ahead")
                message = self._read_message()
                self.server.sink.add(Delivery(time.monotonic(), sender, recipients, message))
                self._say("250 2.0.0 kept")
            elif verb == b"QUIT":
                self._say("221 2.0.0 bye")
                return
            else:
                self._say("250 2.0.0 Ok")

    def _read_message(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise ConnectionError("closed in DATA")
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


def _path(line):
    return re.search(rb"<(.*?)>", line)[1].decode("utf-8", "replace")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64


def start(folder, kind=Sink):
    """Listen; what comes is also kept as files in `folder`, unless the kind of sink does something else with it."""
    sink = kind(folder)
    server = _Server(("127.0.0.1", PORT), _Session)
    server.sink = sink
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    return sink
