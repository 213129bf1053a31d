"""Asks the laboratory's DNS one question, as a program with the system's resolver would."""
import socket
import struct

from . import dns_faults, namespace

CODES = {v: k for k, v in dns_faults.TYPES.items()}
RCODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


def ask(name, kind, timeout=5):
    """ "RCODE octets-of-the-answer-section", the truncation marked; or "TIMEOUT"; or "BROKEN" for no DNS message."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    query = struct.pack("!HHHHHH", 4711, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", CODES[kind], 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.settimeout(timeout)
        out.connect((namespace.NAMESERVER, 53))
        out.send(query)
        try:
            answer = out.recv(65535)
        except TimeoutError:
            return "TIMEOUT"
    if len(answer) < len(query) or answer[12:len(query)] != query[12:]:
        return "BROKEN"
    identity, flags = struct.unpack_from("!HH", answer)
    text = answer[len(query):].decode("latin-1")
    marks = ("" if identity == 4711 else "WRONG-ID ") + ("TRUNCATED " if flags & 0x0200 else "")
    return f"{marks}{RCODES.get(flags & 15, flags & 15)} {text}"
