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
    "late": "the right answer after 2.5 s",
    "slow": "the right answer after 8 s",
    "crawl": "the right answer after 11 s",
    "wrong-id": "only an answer with another id",
    "spoof-first": "an answer with another id, then the right one",
    "wrong-question": "only an answer to another question",
    "garbage": "octets that are no DNS message",
    "empty": "a datagram without octets",
    "once": "SERVFAIL for the first question, then the right answers",
    "listed": "127.0.0.2 for every A question, as a list that blocks the world",
    "error-code": "127.255.255.254 likewise, as a list that does not serve this resolver",
    "parked": "203.0.113.80 likewise, as a domain that was given up",
}
DELAYS = {"delay": 0.4, "late": 2.5, "slow": 8, "crawl": 11}
FORGED = {"listed": "127.0.0.2", "error-code": "127.255.255.254", "parked": "203.0.113.80"}
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
    """An answer without records; with an OPT record where the query has one, as servers do that know it."""
    end = question_of(query)[2]
    flags = 0x8180 | code | (0x0200 if truncated else 0)
    opt = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0) if struct.unpack_from("!H", query, 10)[0] else b""
    return query[:2] + struct.pack("!HHHHH", flags, 1, 0, 0, 1 if opt else 0) + query[12:end] + opt


def forged_reply(query, address):
    """An A record that nobody may keep; no record of another type."""
    _, kind, end = question_of(query)
    if kind != "A":
        return error_reply(query, 0)
    record = struct.pack("!HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(address)
    return query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + query[12:end] + record


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
            _check(fault)

    def fail_all(self, fault):
        """From now on every question meets this fault; "" ends it."""
        with self._lock:
            self._everything = fault

    def begin(self, name, fault):
        """From now on questions of every type for this name meet this fault, instead of the one before."""
        _check(fault)
        with self._lock:
            self._faults[name.lower(), "ANY"] = fault

    def end(self, name):
        with self._lock:
            self._faults.pop((name.lower(), "ANY"), None)

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


def _check(fault):
    if fault not in FAULTS:
        raise ValueError(f"unknown DNS fault {fault!r}")


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
    if fault in FORGED:
        return [forged_reply(query, FORGED[fault])]
    time.sleep(DELAYS.get(fault, 0))
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
            answer = forged_reply(query, FORGED[fault]) if fault in FORGED else ask_tcp(query)
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
