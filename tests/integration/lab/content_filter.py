"""A content filter behind the MTA: takes mail by SMTP, adds a field and a line, and gives it back by SMTP."""
import smtplib
import socketserver
import threading

from . import sink

OFFSET = 100    # its port, above the one where it gives mail back


class _GivesBack:
    """As a sink: what it is given goes back to the MTA, and only then has it been taken."""

    def __init__(self, port):
        self._port = port

    def add(self, delivery):
        message = b"X-Content-Filter: seen\r\n" + delivery.message + b"-- \r\nSeen by the content filter.\r\n"
        with smtplib.SMTP("127.0.0.1", self._port, local_hostname="filter.lab.test") as back:
            back.sendmail(delivery.mail_from, delivery.recipients, message)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def start(port, back):
    server = _Server(("127.0.0.1", port), sink._Session)
    server.sink = _GivesBack(back)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
