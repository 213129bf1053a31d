"""What `sekisho quarantine release` may meet in the place of an MTA: one that fails at a stage, and one that only passes on
what it hears."""
import socket
import threading

OFFERED = ["8BITMIME", "SMTPUTF8", "DSN", "SIZE 200000000"]


class FakeMta:
    """Listens on a port of its own for one connection. `replies`: stage (greeting, ehlo, mail, rcpt, data, dot) -> reply
    line; "" closes the connection instead. `offers`: EHLO keywords."""

    def __init__(self, replies=None, offers=None):
        self._replies = replies or {}
        self._offers = OFFERED if offers is None else offers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.lines = []
        self.message = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rb") as stream:
            def say(stage, usual):
                reply = self._replies.get(stage, usual)
                if not reply:
                    raise ConnectionError
                connection.sendall(reply.encode() + b"\r\n")

            try:
                self._converse(stream, say)
            except (ConnectionError, OSError):
                pass

    def _converse(self, stream, say):
        say("greeting", "220 fake.lab.test ESMTP")
        while line := stream.readline(100000):
            self.lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            verb = line[:4].upper()
            if verb == b"EHLO":
                names = ["fake.lab.test"] + self._offers
                say("ehlo", "\r\n".join(f"250{'-' if n + 1 < len(names) else ' '}{name}"
                                        for n, name in enumerate(names)))
            elif verb == b"DATA":
                say("data", "354 go ahead")
                if self._replies.get("data", "354")[:3] == "354":
                    self._read_message(stream)
                    say("dot", "250 2.0.0 Ok: queued as FAKE01")
            elif verb == b"QUIT":
                say("quit", "221 bye")
                return
            else:
                say({b"MAIL": "mail", b"RCPT": "rcpt"}.get(verb, "other"), "250 2.1.0 Ok")

    def _read_message(self, stream):
        lines = []
        while (line := stream.readline()) != b".\r\n":
            if not line:
                raise ConnectionError
            lines.append(line[1:] if line.startswith(b".") else line)
        self.message = b"".join(lines)


class Listener:
    """Passes one connection on to `port`, and keeps what the client said."""

    def __init__(self, port):
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def message(self):
        data = self.heard.partition(b"DATA\r\n")[2].partition(b"\r\n.\r\n")[0] + b"\r\n"
        return data.replace(b"\r\n..", b"\r\n.")

    def _serve(self):
        client, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._to))
        back = threading.Thread(target=self._pass, args=(server, client, lambda octets: None), daemon=True)
        back.start()
        self._pass(client, server, self._keep)
        back.join()

    def _keep(self, octets):
        self.heard += octets

    @staticmethod
    def _pass(source, target, see):
        try:
            while octets := source.recv(65536):
                see(octets)
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Latecomer:
    """Passes one connection on to `port`, but for the end of the message, which waits until go(): as what a client that has
    died meanwhile had sent."""

    def __init__(self, port):
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._whole = threading.Event()
        self._server = self._replies = None
        threading.Thread(target=self._serve, daemon=True).start()

    def wait(self):
        """Until the client has sent all of its message."""
        assert self._whole.wait(20), "no message came"
        self._replies.join()

    def go(self):
        """The server's reply to it."""
        self._server.sendall(b".\r\n")
        return self._server.makefile("rb").readline().decode("utf-8", "replace")

    def _serve(self):
        client, _ = self._listener.accept()
        self._server = socket.create_connection(("127.0.0.1", self._to))
        self._replies = threading.Thread(target=self._pass_replies, args=(client,), daemon=True)
        self._replies.start()
        heard, passed = b"", 0
        while not self._whole.is_set() and (octets := client.recv(65536)):
            heard += octets
            kept_back, whole = self._end_of(heard.partition(b"DATA\r\n")[2])
            upto = len(heard) - kept_back
            self._server.sendall(heard[passed:upto])
            passed = upto
            if whole:
                self._whole.set()

    @staticmethod
    def _end_of(content):
        """How many octets at the end of what is known of the message may not be passed on, for they are the final dot or
        may become it, and whether they are. TCP parts the stream anywhere."""
        end = b"\r\n.\r\n"
        if content.endswith(end):
            return len(b".\r\n"), True
        return max(size for size in range(len(end)) if content.endswith(end[:size])), False

    def _pass_replies(self, client):
        """Those of the envelope; that of the message is for go()."""
        while not self._whole.is_set():
            self._server.settimeout(0.1)
            try:
                if not (octets := self._server.recv(65536)):
                    return
                client.sendall(octets)
            except TimeoutError:
                continue
            except OSError:
                return
        self._server.settimeout(30)
