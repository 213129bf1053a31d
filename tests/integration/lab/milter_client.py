"""A small MTA: says messages to a filter over the milter protocol, without any Postfix."""
import socket
import struct

_VERSION, _ALL_ACTIONS, _ALL_STEPS = 6, 0x1FF, 0x1FFFFF
_NO_REPLY = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "L": 0x80, "N": 0x40000, "B": 0x80000}
_LEFT_OUT = {"C": 0x1, "H": 0x2, "M": 0x4, "R": 0x8, "L": 0x20, "N": 0x40, "B": 0x10}


class MilterClient:
    """One connection of a client at `address`; messages one after the other."""

    def __init__(self, path, address="192.0.2.10", helo="mx.a.example"):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(path)
        self._steps = 0
        self._send("O", struct.pack("!III", _VERSION, _ALL_ACTIONS, _ALL_STEPS))
        self._steps = struct.unpack("!III", self._reply()[1][:12])[2]
        self._event("C", f"[{address}]\0".encode() + b"4" + struct.pack("!H", 25) + address.encode() + b"\0")
        self._event("H", helo.encode() + b"\0")

    def begin(self, sender="bob@a.example", recipient="user@example.jp"):
        self._event("M", f"<{sender}>\0".encode())
        self._event("R", f"<{recipient}>\0".encode())

    def message(self, author="bob@a.example"):
        """One message; the letter of the final answer."""
        self.begin()
        for name, value in (("From", author), ("Subject", "x")):
            self._event("L", f"{name}\0{value}\0".encode())
        self._event("N", b"")
        self._event("B", b"Hello\r\n")
        self._send("E", b"")
        while True:
            letter = self._reply()[0]
            if letter in "acdrty":
                return letter

    def close(self):
        self._socket.close()

    def _event(self, command, data):
        if self._steps & _LEFT_OUT[command]:
            return
        self._send(command, data)
        if not self._steps & _NO_REPLY[command]:
            self._reply()

    def _send(self, command, data):
        self._socket.sendall(struct.pack("!I", 1 + len(data)) + command.encode() + data)

    def _reply(self):
        length = struct.unpack("!I", self._exactly(4))[0]
        packet = self._exactly(length)
        return chr(packet[0]), packet[1:]

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the filter closed the connection")
            data += more
        return data
