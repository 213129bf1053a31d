#!/usr/bin/python3
"""What an SMTP server says, from outside: the checks of tests/data/smtp/protocol.toml, against sekishod alone and
against a private Postfix, which proves the checks themselves: what Postfix does not pass says why.
"""
import argparse
import base64
import os
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import tomllib
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lab import dovecot, namespace, process, sink  # noqa: E402
from lab.postfix import Postfix  # noqa: E402

SKIPPED = 77
warnings.filterwarnings("ignore", message="ssl.TLSVersion.TLSv1_1 is deprecated")  # that is the point of the check
CHECKS = os.path.join(HERE, "../data/smtp/protocol.toml")
PORTS = {"mx": 25, "submission": 587, "submissions": 465}
SERVER = "198.51.100.25"
ANSWER_TIME = 60        # for a slow machine; a check that passes never waits for it
LOGIN = "taro@example.jp"
ZONE = """
client.example.          MX 10 mail.client.example.
mail.client.example.     A 203.0.113.50
docomo.client.example.   MX 10 mail.client.example.
bank.example.            MX 10 mail.client.example.
"""
OURS = """
[identity]
hostname = "mx.example.jp"
seal_file = "{home}/seal"
[process]
user = "{user}"
[dns]
zone_file = "{home}/zone"
[control]
socket = "{home}/control.sock"
[log]
target = "file:{home}/log"
[history]
dir = "{home}/history"
[tls]
certificate = "{home}/cert.pem"
key = "{home}/key.pem"
[[listener]]
profile = "mx"
[[listener]]
profile = "submission"
[[listener]]
profile = "submissions"
[limits]
message_size = "1M"
connections = 0
connections_per_minute = 0
messages_per_minute = 0
recipients_per_minute = 0
login_failures = 0
[users]
source = "file:{home}/users"
[aliases]
files = []
srs_secret_file = "{home}/srs"
[queue]
dir = "{home}/queue"
drop = "{home}/drop"
[[route]]
domain = ["example.jp"]
via = "smtp:[127.0.0.1]:{sink}"
recipients = "any"
[[route]]
domain = ["*"]
via = "smtp:[127.0.0.1]:{sink}"
"""
POSTFIX_TLS = {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": "{home}/cert.pem", "smtpd_tls_key_file": "{home}/key.pem",
               "message_size_limit": "1000000", "mailbox_size_limit": "0"}


class Failed(Exception):
    """The server did something else than the check says."""


class Client:
    """One connection, from an address that the server trusts in nothing, and has not seen before: what one check does
    must not change what the next one is told."""

    def __init__(self, port, number):
        self._socket = socket.socket()
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(ANSWER_TIME)
        self._socket.bind((f"203.0.113.{number + 1}", 0))
        self._socket.connect((SERVER, PORTS[port]))
        self._read = b""
        if port == "submissions":
            self.handshake()

    def close(self):
        self._socket.close()

    def handshake(self, version=None, refused=False):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if version:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
        try:
            self._socket = context.wrap_socket(self._socket)
        except (ssl.SSLError, ConnectionError) as error:
            if not refused:
                raise Failed(f"the handshake failed: {error}") from error
            return
        if refused:
            raise Failed(f"the handshake succeeded with {self._socket.version()}")

    def send(self, octets):
        try:
            self._socket.sendall(octets)
        except OSError:
            pass  # what the server has said before it closed is read next

    def _more(self):
        try:
            octets = self._socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            octets = b""
        except TimeoutError as error:
            raise Failed("no answer") from error
        self._read += octets
        return bool(octets)

    def _line(self):
        while b"\n" not in self._read:
            if not self._more():
                raise Failed("the server closed the connection")
        line, _, self._read = self._read.partition(b"\n")
        if not line.endswith(b"\r"):
            raise Failed(f"a line of a reply ends without CR: {line!r}")
        return line[:-1].decode("latin-1")

    def reply(self):
        """All lines of the next reply: the code once, then each line's text."""
        lines = [self._line()]
        while lines[-1][3:4] == "-":
            lines.append(self._line())
        if not all(re.match(r"[2-5][0-9]{2}([ -]|$)", line) and line[:3] == lines[0][:3] for line in lines):
            raise Failed(f"no reply: {lines}")
        return lines[0][:3] + " " + "\n".join(line[4:] for line in lines)

    def end(self):
        self._socket.shutdown(socket.SHUT_WR)

    def drain(self):
        while self._more():
            pass
        self._read = b""

    def expect_closed(self):
        if self._more() or self._read:
            raise Failed(f"not closed, but {self._read!r}")

    def has_more(self):
        if self._socket.fileno() < 0:
            return False  # a handshake that failed has taken the socket with it
        return bool(self._read) or bool(select.select([self._socket], [], [], 0)[0])


def filled(text):
    """{x*1000}, {base64 …}, {plain LOGIN PASSWORD}"""
    def one(match):
        if repeated := re.fullmatch(r"(.)\*(\d+)", match[1]):
            return repeated[1] * int(repeated[2])
        kind, *words = match[1].split(" ")
        octets = ("\0" + "\0".join(words)) if kind == "plain" else words[0]
        return base64.b64encode(octets.encode()).decode()
    return re.sub(r"\{([^{}]+)\}", one, text)


def octets_of(text):
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def send_message(client, author):
    client.send(b"DATA\r\n")
    expect(client, "354 ")
    client.send(f"From: {author}\r\nTo: user@example.jp\r\nSubject: check\r\n"
                f"Date: Mon, 30 Nov 2026 12:00:00 +0900\r\nMessage-ID: <check@client.example>\r\n\r\nHello\r\n.\r\n".encode())


def expect(client, pattern):
    reply = client.reply()
    if not re.match(pattern, reply, re.DOTALL | re.MULTILINE):
        raise Failed(f"not {pattern!r}, but {reply!r}")


def injected(client):
    """Octets that came in clear behind STARTTLS have no effect: within TLS there is no transaction."""
    try:
        client.handshake()
    except Failed:
        return  # the server ended the connection instead
    client.send(b"EHLO a.example\r\n")
    expect(client, "250 ")
    client.send(b"RCPT TO:<user@example.jp>\r\n")
    expect(client, "503 ")


VERSIONS = {"1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def alive(client):
    client.send(b"NOOP\r\n")
    expect(client, "250 ")


WORDS = {"tls": Client.handshake, "alive": alive, "closed": Client.expect_closed, "end": Client.end, "drain": Client.drain,
         "injected": injected, "message": lambda client: send_message(client, "a@client.example")}


def step(client, text):
    head, _, rest = text.partition(" ")
    if head == ">":
        client.send(filled(rest).encode("latin-1") + b"\r\n")
    elif head == "!":
        client.send(octets_of(filled(rest)))
    elif head == "<":
        expect(client, rest)
    elif head == "repeat":
        times, _, what = rest.partition(" ")
        for _ in range(int(times)):
            step(client, what)
    elif text in WORDS:
        WORDS[text](client)
    elif head == "tls":
        client.handshake(VERSIONS[rest])
    elif text.startswith("no tls "):
        client.handshake(VERSIONS[text.split(" ")[2]], refused=True)
    elif head == "message":
        send_message(client, rest)
    else:
        raise SystemExit(f"{text!r} is no step")


def complaint(check, number):
    """What is wrong, or None."""
    at = "greeting"
    client = None
    try:
        client = Client(check.get("port", "mx"), number)
        if check.get("greeted", True):
            expect(client, "220 ")
        for text in check["say"]:
            at = text
            step(client, text)
        if client.has_more() and check["say"][-1] not in ("closed", "injected"):
            return "another reply follows: " + repr(client.reply())
        return None
    except Failed as failure:
        return f"{at}: {failure}"
    finally:
        if client:
            client.close()


def make_certificate(home):
    process.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=mx.example.jp",
                 "-keyout", os.path.join(home, "key.pem"), "-out", os.path.join(home, "cert.pem")])
    os.chmod(os.path.join(home, "key.pem"), 0o600)


class ClosedPostfix(Postfix):
    """Relays for one domain, and has Debian's defaults where the laboratory's mail would need others."""

    CHANGED = {"relay_domains = static:all": "relay_domains = example.jp", "smtpd_hard_error_limit = 100": ""}

    def _main_cf(self, extra):
        text = super()._main_cf(extra)
        for old, new in self.CHANGED.items():
            text = text.replace(old, new)
        return text


def start_postfix(home):
    postfix = ClosedPostfix(home, [(port, name != "mx", []) for name, port in PORTS.items()])
    common = {key: value.format(home=home) for key, value in POSTFIX_TLS.items()}
    login = {"smtpd_tls_auth_only": "yes", "smtpd_relay_restrictions": "permit_sasl_authenticated,reject"}
    postfix.parameters = {25: common, 587: common | login | {"smtpd_tls_security_level": "encrypt"},
                          465: common | login | {"smtpd_tls_wrappermode": "yes"}}
    postfix.start([LOGIN])
    return []


def start_ours(home, sekishod):
    hashed = process.run(["openssl", "passwd", "-6", dovecot.PASSWORD]).strip()
    for name, text in (("zone", ZONE), ("users", f"{LOGIN}:{hashed}\n"), ("conf", OURS.format(home=home, sink=sink.PORT, user="root"))):
        with open(os.path.join(home, name), "w") as out:
            out.write(text)
    os.chmod(os.path.join(home, "users"), 0o600)
    daemon = process.start([sekishod, "-f", "-c", os.path.join(home, "conf")], os.path.join(home, "out"))
    for port in PORTS.values():
        process.wait_for_port(SERVER, port, daemon)
    return [daemon]


def inside(options):
    """In the namespaces: one server, all checks."""
    namespace.enter(options.inside, options.sekishod)
    home = os.path.join(namespace.HOME, "server")
    os.makedirs(home)
    make_certificate(home)
    sink.start(os.path.join(namespace.HOME, "sink"))
    daemons = start_postfix(home) if options.server == "postfix" else start_ours(home, namespace.DAEMON)
    with open(CHECKS, "rb") as text:
        checks = [c for c in tomllib.load(text)["check"] if re.search(options.filter, c["id"])]
    failed = 0
    for number, check in enumerate(checks):
        wrong = complaint(check, number)
        excused = options.server == "postfix" and "postfix" in check
        if excused and not wrong:
            wrong = f"Postfix passes it now, and the data say: {check['postfix']}"
        elif excused:
            wrong = None
        failed += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '} {options.server}/{check['id']}{': ' + wrong if wrong else ''}", flush=True)
    for daemon in daemons:
        if daemon.poll() is not None:
            failed += 1
            print(f"FAIL the daemon has ended with {daemon.returncode}")
    print(f"{len(checks)} checks, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", choices=["postfix", "sekisho"], required=True)
    parser.add_argument("--sekishod", help="the daemon")
    parser.add_argument("--build", default=os.path.join(HERE, "../../build/release"), metavar="DIR")
    parser.add_argument("--filter", default="", metavar="RE", help="only checks whose id matches")
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options)
    if reason := namespace.why_impossible():
        print("skipped: " + reason)
        return SKIPPED
    if missing := namespace.missing_programs(Postfix.PROGRAMS):
        print(f"not there: {', '.join(missing)}; tests/deps/install brings them")
        return 1
    parent = os.path.abspath(os.path.join(options.build, "integration"))
    os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f"protocol.{options.server}.", dir=parent)
    program = os.path.abspath(options.sekishod or os.path.join(options.build, "sekishod"))
    done = subprocess.run(namespace.UNSHARE + [sys.executable, os.path.abspath(__file__), "--inside", folder, "--server",
                                               options.server, "--sekishod", program, "--filter", options.filter],
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"the server's files are in {folder}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
