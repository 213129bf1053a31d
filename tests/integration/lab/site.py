"""sekishod alone on a host of lab/hosts.py, with a configuration of docs/situations as it stands there."""
import json
import os
import signal
import smtplib

from . import namespace, process
from .next_hop import wait_until

CONFIGURATION = "/etc/sekisho/milter.conf"
DNS_CONFIGURATION = """server:
  ip-address: {address}
  username: root
  zonesdir: "{home}"
  database: ""
  pidfile: "{home}/nsd.pid"
  xfrdfile: "{home}/xfrd.state"
  xfrdir: "{home}"
  zonelistfile: "{home}/zone.list"
  logfile: "{home}/nsd.log"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "zone"
"""
ZONE_HEAD = "$ORIGIN .\n$TTL 30\n. SOA ns. admin. 1 3600 600 86400 1\n. NS ns.\n"


def serve_dns(host, address, zone):
    """The whole DNS of a situation, from one nsd on this host."""
    for name, text in (("nsd.conf", DNS_CONFIGURATION.format(address=address, home=host.home)), ("zone", ZONE_HEAD + zone)):
        with open(os.path.join(host.home, name), "w") as out:
            out.write(text)
    daemon = host.start(["nsd", "-d", "-c", f"{host.home}/nsd.conf"], "nsd.out")

    def answers():
        assert daemon.poll() is None, f"nsd has ended: see {host.home}/nsd.log"
        return os.path.exists(f"{host.home}/nsd.log") and "nsd started" in open(f"{host.home}/nsd.log").read()
    wait_until(answers, "nsd has started")


def make_certificate(host, certificate, key, name, owner="root"):
    host.run(["sh", "-c", f'mkdir -p "$(dirname {certificate})" "$(dirname {key})" && openssl req -x509 -newkey rsa:2048 -nodes -days 30 '
              f'-subj /CN={name} -addext subjectAltName=DNS:{name} -keyout {key} -out {certificate} 2>/dev/null && chmod 600 {key} && chown {owner} {key}'])


def later_clock(folder):
    """The library that moves the wall clock, made by the compiler that the build needs too."""
    made = os.path.join(folder, "later.so")
    if not os.path.exists(made):
        process.run(["cc", "-shared", "-fPIC", "-O1", "-o", made, os.path.join(os.path.dirname(os.path.abspath(__file__)), "later.c")])
    return made


class Site:
    def __init__(self, host, configuration, sekisho, nameserver):
        self.host = host
        self.sekisho = sekisho
        self._daemon = None
        host.run(["useradd", "--system", "--no-create-home", "sekisho"])
        host.run(["install", "-d", "-o", "sekisho", "/var/lib/sekisho", "/run/sekisho", "/var/mail/example.jp"])
        with open(configuration) as text:
            host.write(CONFIGURATION, text.read())
        host.write("/etc/resolv.conf", f"nameserver {nameserver}\noptions timeout:2 attempts:1\n")
        self._sendmail = os.path.join(host.home, "sendmail")
        os.symlink(sekisho, self._sendmail)
        # Of the situation nothing is changed; the log goes to a file that the test reads.
        host.write("/etc/sekisho/log.toml", "")
        self.log = os.path.join(host.home, "log")

    def edit(self, old, new):
        """The configuration, as a page tells to change it."""
        text = self.host.read(CONFIGURATION)
        assert old in text, f"{old!r} is not in the configuration"
        self.host.write(CONFIGURATION, text.replace(old, new, 1))

    def start(self, more="", days_later=0):
        if self._daemon is None:  # else it is started again, with the same configuration
            self.host.run(["sh", "-c", f'printf "%s" "$1" >> {CONFIGURATION}', "sh", f'\n[log]\ntarget = "file:{self.log}"\n{more}'])
        open(self.log, "w").close()
        self.host.run(["chown", "sekisho", self.log])
        os.chmod(self.host.home, 0o755)
        clock = ["env", f"LD_PRELOAD={later_clock(self.host.home)}", f"LATER={days_later * 86400}",
                 "ASAN_OPTIONS=verify_asan_link_order=0"] if days_later else []
        self._daemon = self.host.start([*clock, namespace.DAEMON, "-f", "-c", CONFIGURATION], "sekishod.out")
        wait_until(self._is_started, "sekishod has started")

    def stop(self):
        """How it ended; None if it was never started."""
        if self._daemon is None:
            return None
        if self._daemon.poll() is None:
            self._daemon.send_signal(signal.SIGTERM)
        return self._daemon.wait(60)

    def command(self, *words, check=True):
        return self.host.run([self.sekisho, *words, "-c", CONFIGURATION], check=check)

    def queue(self):
        return [json.loads(line) for line in self.command("queue", "list", "--json").splitlines()]

    def status(self):
        return json.loads(self.command("status", "--json"))

    def sendmail(self, sender, *recipients, subject="report"):
        """As cron does it."""
        text = f"From: {sender} (Cron Daemon)\nTo: {', '.join(recipients)}\nSubject: {subject}\n\nHello\n"
        path = os.path.join(self.host.home, "letter")
        with open(path, "w") as out:
            out.write(text)
        self.host.run(["sh", "-c", f'{self._sendmail} -i -f "$1" -- "$2" < {path}', "sh", sender, *recipients])

    def maildir(self, path):
        out = self.host.run(["sh", "-c", f"cat {path}/new/* 2>/dev/null"], check=False)
        return out

    def log_text(self):
        return open(self.log, errors="replace").read()

    def _is_started(self):
        assert self._daemon.poll() is None, f"sekishod has ended: {open(os.path.join(self.host.home, 'sekishod.out')).read()}{self.log_text()}"
        return "started" in self.log_text()


class Client(smtplib.SMTP):
    """smtplib's client, from a host of the situation."""

    def __init__(self, host, source=None):
        super().__init__(local_hostname=f"{host.name}.example", timeout=180)
        self._from, self._source = host, source

    def connect(self, host="localhost", port=0, source_address=None):
        self._host = host  # starttls() asks for it
        return super().connect(host, port, source_address)

    def _get_socket(self, host, port, timeout):
        return self._from.connect(host, port, self._source, timeout)


def letter(sender, recipient, subject="hello"):
    return (f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\nDate: Mon, 30 Nov 2026 12:00:00 +0900\r\n"
            f"Message-ID: <{subject.replace(' ', '.')}@{sender.partition('@')[2]}>\r\n\r\nHello\r\n")


def run_config_check(program, path):
    return process.run([program, "config", "check", "-c", path], check=False)
