"""The filters that are compared: their configurations, their start and their end.

Each verifies only: SPF, DKIM and DMARC of mail from outside, and tells its results in Authentication-Results. Each runs in a
folder of its own, asks the name server that /etc/resolv.conf names, and logs as its package does by default.
"""

import os
import pathlib
import signal
import socket
import subprocess
import time

HOST = "mx.example.jp"
NSD = "10.53.0.2"      # answers at once
DELAYED = "10.53.0.1"  # answers late


def wait_for_socket(path, process, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} ended with {process.returncode}; see its output in {path.parent}")
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"{process.args[0]} does not listen on {path}")


class Filter:
    """A filter, or a chain of filters, on Unix sockets in the order in which a message meets them.

    Over TCP libmilter's answer at the end of a message, several small writes, waits up to 40 ms for the delayed
    acknowledgement of the first: that would be measured instead of the filters.
    """

    name = ""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.processes = []
        self.paths = []

    def start(self):
        raise NotImplementedError

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def pids(self):
        return [process.pid for process in self.processes]

    def sockets(self):
        return [f"unix:{path}" for path in self.paths]

    def listen(self, *names):
        self.paths = [self.folder / name for name in names]
        return self.paths

    def launch(self, *command):
        """Output goes to a file: a daemon that holds our pipes open would keep us waiting."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = open(self.folder / (pathlib.Path(command[0]).name + ".out"), "ab")
        process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log)
        log.close()
        self.processes.append(process)
        return process

    def write(self, name, text):
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_text(text)
        return str(path)


class Chain(Filter):
    """opendkim, then opendmarc, which evaluates SPF itself and reads DKIM from opendkim's field."""

    name = "opendkim+opendmarc"

    def start(self):
        dkim_socket, dmarc_socket = self.listen("opendkim.sock", "opendmarc.sock")
        dkim = self.write("opendkim.conf", f"""Mode v
Socket local:{dkim_socket}
AuthservID {HOST}
Nameservers {nameserver_of_host()}
Syslog yes
SyslogSuccess yes
UserID root
AutoRestart no
Background no
PidFile {self.folder}/opendkim.pid
""")
        dmarc = self.write("opendmarc.conf", f"""Socket local:{dmarc_socket}
AuthservID {HOST}
TrustedAuthservIDs {HOST}
Syslog yes
UserID root
AutoRestart no
Background no
RejectFailures no
SPFIgnoreResults yes
SPFSelfValidate yes
PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat
PidFile {self.folder}/opendmarc.pid
""")
        wait_for_socket(dkim_socket, self.launch("/usr/sbin/opendkim", "-f", "-x", dkim))
        wait_for_socket(dmarc_socket, self.launch("/usr/sbin/opendmarc", "-f", "-c", dmarc))


class Rspamd(Filter):
    """rspamd with SPF, DKIM and DMARC alone, scanning in its milter worker.

    Everything else that it does by default is left out: its rules, statistics, lists, fuzzy storage, Redis. Without `headers`
    it does not write Authentication-Results either, so that nobody learns what it found.
    """

    name = "rspamd"

    def __init__(self, folder, headers=True):
        super().__init__(folder)
        self.headers = headers
        if not headers:
            self.name = "rspamd, tells nothing"

    def start(self):
        (listening,) = self.listen("rspamd.sock")
        for kind in ("db", "log", "run"):
            (self.folder / kind).mkdir(parents=True, exist_ok=True)
        nameserver = nameserver_of_host()
        config = self.write("rspamd.conf", f"""
options {{
  filters = "dkim";
  cache_file = "{self.folder}/db/symbols.cache";
  hs_cache_dir = "{self.folder}/db/";
  tempdir = "/tmp";
  url_tld = "/usr/share/rspamd/effective_tld_names.dat";
  pidfile = "{self.folder}/run/rspamd.pid";
  control_socket = "{self.folder}/run/control.sock mode=0600";
  local_addrs = [127.0.0.0/8];
  dns {{ nameserver = ["{nameserver}:53:1"]; timeout = 1s; sockets = 16; retransmits = 5; }}
  task_timeout = 20s;
}}
logging {{ type = "file"; filename = "{self.folder}/log/rspamd.log"; level = "notice"; }}
worker "rspamd_proxy" {{
  bind_socket = "{listening} mode=0666";
  milter = yes;
  timeout = 120s;
  count = 2;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
metric "default" {{ actions {{ reject = 1000; add_header = 900; greylist = 800; }} unknown_weight = 0; }}
modules {{ path = "/usr/share/rspamd/plugins/"; }}
dkim {{ trusted_only = false; dkim_cache_size = 2k; dkim_cache_expire = 1d; }}
spf {{ spf_cache_size = 2k; spf_cache_expire = 1d; }}
dmarc {{ actions = {{}} }}
{self.headers_section()}
""")
        process = self.launch("/usr/bin/rspamd", "-f", "-i", "-c", config)
        wait_for_socket(listening, process)
        time.sleep(2)  # its workers finish their start-up after the socket is open

    def headers_section(self):
        if not self.headers:
            return ""
        return ('milter_headers { use = ["authentication-results"]; '
                f'routines {{ authentication-results {{ add_smtp_user = false; }} }} }}')


# What a site that filters by default asks: three lists of addresses and two of domains. Nobody of the corpus is listed,
# as nearly nobody who sends mail is; the test entries are what a list must have (RFC 5782 section 5).
ADDRESS_LISTS = ("zen.lists.test", "drop.lists.test", "black.lists.test")
DOMAIN_LISTS = ("dbl.lists.test", "surbl.lists.test")
LIST_ZONE = "".join([f"2.0.0.127.{zone}. 3600 IN A 127.0.0.2\n" for zone in ADDRESS_LISTS] +
                    [f"test.{zone}. 3600 IN A 127.0.1.2\n" for zone in DOMAIN_LISTS])


class Sekisho(Filter):
    name = "sekisho"

    def __init__(self, folder, program, lists=False, history=True):
        super().__init__(folder)
        self.program = program
        self.lists = lists
        self.history = f"{self.folder}/history" if history else ""
        if lists:
            self.name = "sekisho with lists"
        if not history:
            self.name = "sekisho, no history"

    def lists_section(self):
        if not self.lists:
            return ""
        return "".join([f'[[dnsbl]]\nlist = "{zone}=127.0.0.[2..11]"\n' for zone in ADDRESS_LISTS] +
                       [f'[[rhsbl]]\nlist = "{zone}=127.0.1.[2..99]"\n' for zone in DOMAIN_LISTS])

    def start(self):
        (listening,) = self.listen("sekisho.sock")
        config = self.write("milter.conf", f"""
[process]
user = "root"
[identity]
authserv_id = "{HOST}"
hostname = "{HOST}"
domains = ["example.jp"]
[[milter]]
socket = "unix:{listening}"
[control]
socket = "{self.folder}/control.sock"
group = ""
[dns]
servers = ["{nameserver_of_host()}:53"]
[trust]
networks = []
[dmarc]
reject = "tag"
quarantine = "tag"
[history]
dir = "{self.history}"
[log]
target = "file:{self.folder}/sekisho.log"
{self.lists_section()}""")
        wait_for_socket(listening, self.launch(self.program, "-f", "-c", config))


class Nsd:
    """The name server of all of them, with every sender of the corpus and the lists in one zone."""

    def __init__(self, folder, zone, address):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        everything = self.folder / "zone"
        everything.write_text(pathlib.Path(zone).read_text() + LIST_ZONE)
        config = self.folder / "nsd.conf"
        config.write_text(f"""server:
  ip-address: {address}
  port: 53
  username: root
  zonesdir: "{self.folder}"
  database: ""
  zonelistfile: "{self.folder}/zone.list"
  pidfile: "{self.folder}/nsd.pid"
  xfrdfile: "{self.folder}/xfrd.state"
  xfrdir: "{self.folder}"
  logfile: "{self.folder}/nsd.log"
  chroot: ""
  server-count: 1
  rrl-ratelimit: 0
  minimal-responses: yes
  hide-version: yes
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "{everything.resolve()}"
""")
        with open(self.folder / "nsd.out", "wb") as out:
            self.process = subprocess.Popen(["/usr/sbin/nsd", "-d", "-c", str(config)],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self._wait(address)

    def _wait(self, address):
        """Until it answers for its own name."""
        question = (b"\x12\x34\x01\x00\x00\x01" + b"\0" * 6 +
                    b"\x02ns\x0abench-root\x03net\0\x00\x01\x00\x01")
        for _ in range(200):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.settimeout(0.1)
                probe.sendto(question, (address, 53))
                try:
                    if probe.recv(512)[3] & 0x0F == 0:
                        return
                except OSError:
                    time.sleep(0.05)
        raise SystemExit(f"nsd does not answer; see {self.folder}/nsd.log")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def nameserver_of_host():
    for line in pathlib.Path("/etc/resolv.conf").read_text().splitlines():
        if line.startswith("nameserver"):
            return line.split()[1]
    raise SystemExit("no nameserver in /etc/resolv.conf")


def use_nameserver(address):
    """/etc/resolv.conf is a file of our own, mounted over the host's in this mount namespace."""
    pathlib.Path("/etc/resolv.conf").write_text(f"nameserver {address}\n")


def isolate(folder):
    """Inside fresh network and mount namespaces: the name servers' addresses, and a resolv.conf of our own.

    The addresses are not 127.0.0.0/8, which the resolver library in opendkim refuses to ask. (Its configuration file could
    allow it, but opendkim reads that file in every thread at once and dies of it.)
    """
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    resolv = pathlib.Path(folder) / "resolv.conf"
    resolv.write_text(f"nameserver {NSD}\n")
    for command in (["ip", "link", "set", "lo", "up"],
                    ["ip", "address", "add", NSD, "dev", "lo"],
                    ["ip", "address", "add", DELAYED, "dev", "lo"],
                    ["mount", "--make-rprivate", "/"],
                    ["mount", "--bind", str(resolv), "/etc/resolv.conf"]):
        subprocess.run(command, check=True)
    os.environ["LC_ALL"] = "C"
