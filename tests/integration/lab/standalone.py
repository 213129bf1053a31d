"""sekishod as the MTA itself: each configuration of a scenario file is one daemon with its own listeners, queue and
quarantine. The scenarios' mail leaves for the sink."""
import json
import os
import subprocess

from . import dovecot, process, sink
from .daemon import BASE, Daemon, merged, to_toml

# All whose mail the scenarios send, and nobody else's: an open route for everywhere is an error.
DOMAINS = ["example.jp", "lenient.example", "lists.example", "relay.example", "elsewhere.example", "anything.example"]
# As a milter, whose MTA refuses none of these, and limits nobody.
LENIENT = {
    "smtp": {"helo": "log", "sender_domain": "log"},
    "limits": {"connections": 0, "connections_per_minute": 0, "messages_per_minute": 0, "recipients_per_minute": 0,
               "recipients_per_day": 0, "message_size": "60M"},
}
# Nobody is judged: the laboratory and its data alone.
UNFILTERED = {"trust": {"networks": ["127.0.0.0/8", "::1/128", "192.0.2.0/24", "2001:db8::/32"]}}


class StandaloneDaemon(Daemon):
    """One sekishod that receives, keeps and delivers by itself."""

    def __init__(self, program, home, number, settings, ports, files=None):
        super().__init__(program, home, number, settings, files=files)
        self.ports = ports      # (mx, submission)
        del self._own["milter"]
        every = [f"0.0.0.0:{ports[0]}", f"[::]:{ports[0]}"]
        self._own = merged(self._own, {
            **LENIENT,
            "listener": [{"profile": "mx", "address": every},
                         {"profile": "submission", "address": [f"0.0.0.0:{ports[1]}", f"[::]:{ports[1]}"]}],
            "tls": {"certificate": f"{home}/cert.pem", "key": f"{home}/key.pem"},
            "users": {"source": f"dovecot:{home}/auth/socket", "senders": f"file:{home}/senders"},
            "aliases": {"files": [], "srs_secret_file": f"{home}/srs"},
            "route": [{"domain": DOMAINS, "via": f"smtp:[127.0.0.1]:{sink.PORT}", "recipients": "any"},
                      {"domain": ["*"], "via": f"smtp:[127.0.0.1]:{sink.PORT}"}],
            "queue": {"dir": f"{home}/queue", "drop": f"{home}/drop", "retry": ["1s"]},
        })
        self._own["quarantine"] = {"dir": f"{home}/quarantine"}

    def start(self):
        # It runs as nobody, and has no service manager that gives it a port below 1024.
        process.run(["sysctl", "-q", "-w", "net.ipv4.ip_unprivileged_port_start=0"])
        os.makedirs(self.home, exist_ok=True)
        if not os.path.exists(f"{self.home}/key.pem"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-days", "2", "-subj", "/CN=mx.example.jp", "-keyout", f"{self.home}/key.pem",
                            "-out", f"{self.home}/cert.pem"], check=True, capture_output=True)
            os.chmod(f"{self.home}/key.pem", 0o644)
            # As the other MTAs, which do not ask as whom a login writes.
            self.write_file("senders", "writer: *\nboss: *\n")
            dovecot.start(f"{self.home}/auth")
        super().start()

    def rows(self, command, *words):
        """What `sekisho quarantine` or `sekisho queue` says, of the settings that are meant: the daemon's file may be broken."""
        path = os.path.join(self.home, "looked-at.conf")
        with open(path, "w") as out:
            out.write(to_toml(merged(merged(BASE, self._own), self._settings)))
        done = subprocess.run([command, *words, "-c", path], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode not in (0, 66):
            raise AssertionError(f"sekisho {' '.join(words)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    @property
    def store(self):
        return os.path.join(self.home, "queue")

    def index_state(self):
        """Something else whenever the index was written to."""
        paths = [os.path.join(self.store, name) for name in ("index.db", "index.db-wal")]
        return [(os.stat(path).st_mtime_ns, os.stat(path).st_size) for path in paths if os.path.exists(path)]

    @property
    def keeps_apart(self):
        """What is held is in the store that the scenario means. Else it is where the other MTAs have their hold queue."""
        return self._settings.get("quarantine", {}).get("where") == "store"

    def wait(self):
        try:
            for port in self.ports:
                process.wait_for_port("127.0.0.1", port, self._process)
            self._wait_for_log("lists in force:")
        except process.NotReady as error:
            raise process.NotReady(f"sekishod: {error}\n{self._read('output')}{self._read('log')}") from error


class Standalone:
    """The MTA of the laboratory that needs no other: its daemons are those of the scenario file."""

    PROGRAMS = ["dovecot", "openssl"]
    STARTTLS_BEFORE_AUTH = True

    def __init__(self, daemons, command):
        self._daemons = daemons
        self._command = command
        self._seen = {}
        self.log = os.path.join(daemons[0].home, "log") if daemons else ""

    def start(self, _logins):
        """The daemons are started by the laboratory."""

    def hold_queue(self):
        """{id: recipients} of what is held in the queue of any daemon, or in its quarantine, in the place of a hold queue."""
        found = {}
        for daemon in self._daemons:
            quarantined, waiting = self._looked(daemon)
            found |= {} if daemon.keeps_apart else quarantined
            for one, recipients in waiting.items():
                if held := [r["to"] for r in recipients if r["state"] == "held"]:
                    found[one] = found.get(one, []) + held
        return found

    def queued(self):
        """Ids of all that waits, held or not."""
        return {one for daemon in self._daemons for one in self._looked(daemon)[1]} | self.hold_queue().keys()

    def release(self, queue_id, _way):
        """Out of the quarantine, by the daemon that has it."""
        for daemon in self._daemons:
            self._run(daemon, "quarantine", "release", queue_id)

    def run_queue(self):
        """Try what waits in the queue."""
        for daemon in self._daemons:
            self._run(daemon, "queue", "flush")

    def submit(self, sender, recipients, message):
        """Hand a message in as a local program does. Returns once the MTA has it."""
        subprocess.run([self.sendmail_program(), "-i", "-f", sender, "--", *recipients],
                       input=message.replace(b"\r\n", b"\n"), check=True, capture_output=True)

    def sendmail_program(self):
        """sendmail(1) of the first daemon."""
        home = self._daemons[0].home
        path = f"{home}/sendmail"
        if not os.path.exists(path):
            os.symlink(self._command, path)
            with open(f"{home}/sendmail-program", "w") as out:
                out.write(f'#!/bin/sh\nexport SEKISHO_SUBMIT_SOCKET={home}/submit.sock SEKISHO_DROP={home}/drop\n'
                          f'exec {path} "$@"\n')
            os.chmod(f"{home}/sendmail-program", 0o755)
        return f"{home}/sendmail-program"

    def _looked(self, daemon):
        """({quarantined id: recipients}, {waiting id: its recipients with their states}). Asked again only when something has
        changed: each question is a process."""
        state = daemon.index_state()
        if self._seen.get(daemon, (None,))[0] != state:
            held = json.loads(daemon.rows(self._command, "quarantine", "list", "--json") or "[]")
            waiting = map(json.loads, daemon.rows(self._command, "queue", "list", "--json").splitlines())
            self._seen[daemon] = (state, ({row["id"]: row["recipients"] for row in held}, {row["id"]: row["recipients"] for row in waiting}))
        return self._seen[daemon][1]

    def _run(self, daemon, *words):
        return daemon.rows(self._command, *words)
