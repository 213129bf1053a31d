"""A sekishod that stands alone, for the tests beside this file: its queue and its Maildirs on small file systems of their own,
a client, and a next hop."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from queue_hops import NextHop, Steady, Tally

from lab import namespace, process
from lab.smtp_client import SmtpClient

SKIPPED = 77
CLIENT, PORT = "203.0.113.50", 25
NOBODY = 65534
CONFIGURATION = """
[identity]
hostname = "mx.example.jp"
seal_file = "{home}/seal"
[process]
user = "nobody"
[dns]
zone_file = "{home}/zone"
[control]
socket = "{home}/control.sock"
[log]
target = "file:{home}/log"
[history]
dir = "{home}/history"
[[listener]]
profile = "mx"
address = ["0.0.0.0:25"]
tls = "off"
[limits]
message_size = "4M"
connections = 0
connections_per_minute = 0
messages_per_minute = 0
recipients_per_minute = 0
[aliases]
files = []
srs_secret_file = "{home}/srs"
[queue]
dir = "{home}/disk/queue"
drop = "{home}/drop"
retry = ["1s"]
[[permit]]
from = ["203.0.113.50"]
to = ["*"]
[[route]]
domain = ["local.example"]
via = "maildir:{home}/mail/{user}"
recipients = "file:{home}/recipients"
[[route]]
domain = ["*"]
via = "smtp:[127.0.0.1]:2525"
tls = "none"
"""
ZONE = """client.example. MX 10 mail.client.example.
mail.client.example. A 203.0.113.50
sender.example. MX 10 mail.client.example.
"""


class Lab:
    def __init__(self, options):
        self.home = os.path.join(namespace.HOME, "sekisho")
        self.options, self.tally, self._number, self._daemon = options, Tally(), 0, None
        self.taken = {}   # name -> recipient
        os.makedirs(self.home)
        for name, text in (("zone", ZONE), ("recipients", "@local.example\n@sender.example\n"), ("conf", CONFIGURATION.replace("{home}", self.home))):
            with open(f"{self.home}/{name}", "w") as out:
                out.write(text)
        for folder, size in (("disk", "size=90m,nr_inodes=400"), ("mail", "size=1m,nr_inodes=200")):
            os.makedirs(f"{self.home}/{folder}")
            process.run(["mount", "-t", "tmpfs", "-o", f"{size},uid={NOBODY},mode=0755", "none", f"{self.home}/{folder}"])
        os.chown(self.home, NOBODY, NOBODY)
        process.run(["sysctl", "-q", "-w", "net.ipv4.ip_unprivileged_port_start=0"])
        self.hop = NextHop(2525, self.tally, Steady())

    def start(self, preload=None):
        environment = {**os.environ, **({"LD_PRELOAD": preload} if preload else {})}
        self._daemon = process.start([namespace.DAEMON, "-f", "-c", f"{self.home}/conf"], f"{self.home}/out", env=environment)
        process.wait_for_port("127.0.0.1", PORT, self._daemon, 180)
        process.wait_for_socket(f"{self.home}/control.sock", self._daemon, 180)

    def ended(self):
        """How the daemon has ended; None while it runs."""
        return self._daemon.poll()

    def stop(self):
        self._daemon.send_signal(signal.SIGTERM)
        assert self._daemon.wait(180) == 0, f"sekishod ended with {self._daemon.returncode}"

    def client(self):
        client = SmtpClient(CLIENT, PORT, timeout=180)
        client.command("EHLO mail.client.example")
        return client

    def begin(self, recipient):
        """A client before DATA."""
        client = self.client()
        for command in ("MAIL FROM:<boss@sender.example>", f"RCPT TO:<{recipient}>"):
            assert (reply := client.command(command)).code == 250, f"{command}: {reply}"
        return client

    def new_name(self, word):
        self._number += 1
        return f"{self._number}.{word}"

    @staticmethod
    def letter(name, size=10, text=b""):
        return f"From: boss@sender.example\r\nMessage-ID: <{name}>\r\nSubject: x\r\n\r\n".encode() + text + b"x" * size + b"\r\n"

    def send(self, recipient, size=10, text=b"", may_fail=False):
        """The last reply."""
        client, name = self.client(), self.new_name(recipient)
        reply = client.command("MAIL FROM:<boss@sender.example>")
        if reply.code == 250:
            reply = client.command(f"RCPT TO:<{recipient}>")
        if reply.code == 250:
            reply = client.data(self.letter(name, size, text))
        client.quit()
        assert may_fail or reply.code == 250, f"{name}: {reply}"
        if reply.code == 250:
            self.taken[name] = recipient
        return reply

    def command(self, *words):
        return process.run([self.options.sekisho, *words, "-c", f"{self.home}/conf"])

    def waiting(self):
        return [json.loads(line) for line in self.command("queue", "list", "--json").splitlines()]

    def alarms(self):
        """What a person must end, as `sekisho status` tells it."""
        return [text for text in json.loads(self.command("status", "--json"))["warnings"] if "(since " in text]

    def log_of(self, *words):
        with open(f"{self.home}/log", errors="replace") as text:
            return [line for line in text if all(word in line for word in words)]


def main(name, about, run, preload=False):
    """`run` gets a Lab within its namespaces."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/release"), metavar="DIR")
    for option in ["--sekishod", "--sekisho"] + (["--preload"] if preload else []):
        parser.add_argument(option, required=option == "--preload")
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return _inside(options, run)
    if reason := namespace.why_impossible():
        print("skipped: " + reason)
        return SKIPPED
    programs = [os.path.abspath(given or os.path.join(options.build, program))
                for program, given in (("sekishod", options.sekishod), ("sekisho", options.sekisho))]
    parent = os.path.abspath(os.path.join(options.build, "crash"))
    os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=name + ".", dir=parent)
    argv = [sys.executable, os.path.abspath(sys.argv[0]), "--inside", folder, "--sekishod", programs[0], "--sekisho", programs[1]]
    argv += ["--preload", os.path.abspath(options.preload)] if preload else []
    status = subprocess.run(namespace.UNSHARE + argv, stdin=subprocess.DEVNULL, check=False).returncode
    shutil.rmtree(folder, ignore_errors=True)
    return status


def _inside(options, run):
    namespace.enter(options.inside, options.sekishod)
    lab = Lab(options)
    try:
        run(lab)
    except (AssertionError, process.NotReady) as error:
        print(f"FAIL {error}")
        print("".join(lab.log_of("")[-60:]))
        return 1
    return 0
