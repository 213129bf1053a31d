"""A DNS forwarder on port 53 that stands between everybody and nsd, and lies where it is told to.

A fault is {name, type, fault}: for questions of that name (and type, "ANY" for all; a name "*.x" for x and all
below) the answer is replaced. What the faults mean stands in FAULTS.
"""
import socket
import socketserver
import struct
import threading
import time

from . import namespace, zones

TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 41: "OPT"}
FAULTS = {
    "timeout": "no answer at all",
    "servfail": "SERVFAIL",
    "refused": "REFUSED",
    "truncate": "truncated over UDP, whole over TCP",
    "truncate-dead": "truncated over UDP, closed over TCP",
    "delay": "the right answer after 0.4 s",
    "slow": "the right answer after 8 s",
    "wrong-id": "only an answer with another id",
    "spoof-first": "an answer with another id, then the right one",
    "wrong-question": "only an answer to another question",
    "garbage": "octets that are no DNS message",
    "empty": "a datagram without octets",
    "once": "SERVFAIL for the first question, then the right answers",
}
SERVFAIL, REFUSED = 2, 5


def question_of(message):
    """(name, type, end of the question section) of a query."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1"))
        at += 1 + message[at]
    kind = struct.unpack_from("!H", message, at + 1)[0]
    return ".".join(labels).lower(), TYPES.get(kind, str(kind)), at + 5


def error_reply(query, code, truncated=False):
    """An answer without records."""
    end = question_of(query)[2]
    flags = 0x8180 | code | (0x0200 if truncated else 0)
    return query[:2] + struct.pack("!HHHHH", flags, 1, 0, 0, 0) + query[12:end]


def ask_udp(query):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
        upstream.settimeout(3)
        upstream.connect((zones.ADDRESS, zones.PORT))
        upstream.send(query)
        return upstream.recv(65535)


def ask_tcp(query):
    with socket.create_connection((zones.ADDRESS, zones.PORT), 3) as upstream:
        upstream.sendall(struct.pack("!H", len(query)) + query)
        with upstream.makefile("rb") as stream:
            return stream.read(struct.unpack("!H", stream.read(2))[0])


class Faults:
    """Which questions are answered wrongly, and every question that came. Thread: any, internally locked."""

    def __init__(self, faults):
        self._lock = threading.Lock()
        self._faults = {(f["name"].lower(), f.get("type", "ANY").upper()): f["fault"] for f in faults}
        self._asked = []
        self._failed_once = set()
        self._everything = ""
        for fault in self._faults.values():
            if fault not in FAULTS:
                raise ValueError(f"unknown DNS fault {fault!r}")

    def fail_all(self, fault):
        """From now on every question meets this fault; "" ends it."""
        with self._lock:
            self._everything = fault

    def find(self, name, kind):
        with self._lock:
            self._asked.append((name, kind))
            if self._everything:
                return self._everything
            labels = name.split(".")
            names = [name] + ["*." + ".".join(labels[i:]) for i in range(len(labels))]
            found = next((self._faults[(n, k)] for n in names for k in (kind, "ANY") if (n, k) in self._faults), "")
            if found == "once":
                if (name, kind) in self._failed_once:
                    return ""
                self._failed_once.add((name, kind))
                return "servfail"
            return found

    def asked(self):
        """The questions so far, as (name, type)."""
        with self._lock:
            return list(self._asked)


def _udp_answers(query, fault):
    """What is sent over UDP for a query, in order."""
    if fault == "timeout":
        return []
    if fault in ("servfail", "refused"):
        return [error_reply(query, SERVFAIL if fault == "servfail" else REFUSED)]
    if fault in ("truncate", "truncate-dead"):
        return [error_reply(query, 0, truncated=True)]
    if fault == "garbage":
        return [query[:2] + b"\xff" * 40]
    if fault == "empty":
        return [b""]
    if fault in ("delay", "slow"):
        time.sleep(0.4 if fault == "delay" else 8)
    answer = ask_udp(query)
    wrong_id = bytes([answer[0] ^ 0x55, answer[1] ^ 0xAA]) + answer[2:]
    if fault == "wrong-id":
        return [wrong_id]
    if fault == "spoof-first":
        return [wrong_id, answer]
    if fault == "wrong-question":
        return [answer[:13] + bytes([answer[13] ^ 0x01]) + answer[14:]]
    return [answer]


class _Udp(socketserver.BaseRequestHandler):
    def handle(self):
        query, out = self.request
        name, kind, _ = question_of(query)
        for answer in _udp_answers(query, self.server.faults.find(name, kind)):
            out.sendto(answer, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        while len(size := self.rfile.read(2)) == 2:
            query = self.rfile.read(struct.unpack("!H", size)[0])
            name, kind, _ = question_of(query)
            fault = self.server.faults.find(name, kind)
            if fault in ("timeout", "truncate-dead", "wrong-id", "garbage", "empty", "wrong-question"):
                return
            answer = ask_tcp(query)
            if fault in ("servfail", "refused"):
                answer = error_reply(query, SERVFAIL if fault == "servfail" else REFUSED)
            self.wfile.write(struct.pack("!H", len(answer)) + answer)


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    max_packet_size = 65535

    def handle_error(self, request, client_address):
        """A client that went away is not worth a traceback."""


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        """A client that went away is not worth a traceback."""


def start(faults):
    """Serve on the address that resolv.conf names. Returns the Faults."""
    state = Faults(faults)
    for kind in (_UdpServer, _TcpServer):
        server = kind((namespace.NAMESERVER, 53), _Udp if kind is _UdpServer else _Tcp)
        server.faults = state
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    return state
