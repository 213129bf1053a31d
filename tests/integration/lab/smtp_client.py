"""An SMTP client that says exactly what it is told, from whatever address."""
import base64
import socket
import ssl

MX_ADDRESS = {socket.AF_INET: "198.51.100.25", socket.AF_INET6: "2001:db8:25::25"}


class Closed(Exception):
    """The server closed the connection."""


class Reply:
    def __init__(self, lines):
        self.code = int(lines[0][:3])
        self.text = " ".join(line[4:] for line in lines)
        self.lines = lines

    def __str__(self):
        return f"{self.code} {self.text}"


class SmtpClient:
    """`port` on the MX that every address of the laboratory is."""

    def __init__(self, source, port, timeout=50):
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.bind((source, 0))
        local = source.startswith("127.") or source == "::1"
        self._socket.connect((source if local else MX_ADDRESS[family], port))
        self._stream = self._socket.makefile("rb")
        self.greeting = self.read_reply()

    def read_reply(self):
        lines = []
        while True:
            line = self._stream.readline()
            if not line:
                raise Closed("the server closed the connection")
            lines.append(line.rstrip(b"\r\n").decode("utf-8", "replace"))
            if lines[-1][3:4] != "-":
                return Reply(lines)

    def command(self, text):
        self.send(text.encode("utf-8", "surrogateescape") + b"\r\n")
        return self.read_reply()

    def send(self, octets):
        self._socket.sendall(octets)

    def starttls(self):
        """The reply to STARTTLS; then everything is within TLS. The certificate is the laboratory's own."""
        reply = self.command("STARTTLS")
        if reply.code == 220:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._socket = context.wrap_socket(self._socket)
            self._stream = self._socket.makefile("rb")
        return reply

    def authenticate(self, user, password):
        return self.command("AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode())

    def data(self, message):
        """DATA and the message with CRLF line ends. The reply to the end of DATA, or to DATA if that is refused."""
        reply = self.command("DATA")
        if reply.code != 354:
            return reply
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        if message.startswith(b"."):
            stuffed = b"." + stuffed
        if not stuffed.endswith(b"\r\n"):
            stuffed += b"\r\n"
        self.send(stuffed + b".\r\n")
        return self.read_reply()

    def close(self):
        self._stream.close()
        self._socket.close()

    def quit(self):
        try:
            self.command("QUIT")
        except (Closed, OSError):
            pass
        self.close()
