"""A private sendmail out of the unpacked packages: own configuration and queues, one mx and one submission service per
filter, and what a local program hands in by its mail submission program."""
import os
import re
import shutil

from . import dovecot, namespace, process, sink, syslog

UNPACKED = "/var/cache/sekisho-lab/root"
PROGRAM = UNPACKED + "/usr/libexec/sendmail/sendmail"
SASLPASSWD = UNPACKED + "/usr/sbin/saslpasswd2"
MACROS = UNPACKED + "/usr/share/sendmail/cf/"
HOST = "mx.example.jp"
LOCAL_PORT = 5860
# The mx services leave the time-outs as they are: the 10 s for an answer is the shortest that filters meet. The others
# have those of docs/sendmail.md.
TIMEOUTS = "T=C:10s;S:10s;R:30s;E:5m"

COMMON_MC = """OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{host}')dnl
define(`confTIME_ZONE', `USE_TZ')dnl
define(`confQUEUE_LA', `500')dnl
define(`confREFUSE_LA', `500')dnl
define(`confDELAY_LA', `500')dnl
define(`confTO_IDENT', `0')dnl
define(`confLOG_LEVEL', `12')dnl
define(`STATUS_FILE', `{home}/statistics')dnl
"""
# Everything goes to the sink, mail for this host too. QUEUE_LA and REFUSE_LA: a loaded machine refuses no test.
# -F: a missing From is not our business. The header limits are Postfix's: the filter is to see what is hostile.
MTA_MC = """define(`confPID_FILE', `{home}/mta.pid')dnl
define(`QUEUE_DIR', `{home}/queue')dnl
define(`confDELIVERY_MODE', `background')dnl
define(`confSAFE_QUEUE', `PostMilter')dnl
define(`confMAX_HEADERS_LENGTH', `1000000')dnl
define(`confMAX_MESSAGE_SIZE', `60000000')dnl
define(`confMAX_HOP', `50')dnl
define(`confALLOW_BOGUS_HELO', `True')dnl
define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl
define(`confAUTH_REALM', `{host}')dnl
TRUST_AUTH_MECH(`PLAIN LOGIN')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`MAIL_HUB', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {sink}')dnl
MODIFY_MAILER_FLAGS(`RELAY', `-F')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
{filters}{services}MAILER(`local')dnl
MAILER(`smtp')dnl
"""
SUBMIT_MC = """define(`__OSTYPE__', `')dnl
define(`confPID_FILE', `{home}/submit.pid')dnl
define(`confRUN_AS_USER', `mail:mail')dnl
define(`MSP_QUEUE_DIR', `{home}/clientmqueue')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {port}')dnl
FEATURE(`msp', `[127.0.0.1]')dnl
"""


class Sendmail:
    """`services`: (port, submission, milter addresses). `local`: the milter of what local programs hand in."""

    PROGRAMS = ["m4", PROGRAM, SASLPASSWD]

    def __init__(self, home, services, local=""):
        self.home = home
        self.log = os.path.join(home, "sendmail.log")
        self._services = services
        self._local = local
        self._daemon = None

    def start(self, logins):
        """`logins`: the user names that may log in; the database wants them beforehand."""
        for name, mode, owner in (("queue", 0o700, "root"), ("clientmqueue", 0o770, "mail")):
            path = os.path.join(self.home, name)
            os.makedirs(path)
            os.chmod(path, mode)
            shutil.chown(path, owner, owner)
        syslog.start(self.log)
        self._make_logins(logins)
        self._write_configuration()
        # An IPv6 wildcard socket takes the IPv4 port too, and sendmail wants both.
        process.run(["sysctl", "-q", "-w", "net.ipv6.bindv6only=1"])
        self._daemon = process.start([PROGRAM, "-bD", "-C", self._conf("sendmail.cf")],
                                     os.path.join(self.home, "output"), cwd=self.home)
        for port, _, _ in self._services:
            process.wait_for_port("127.0.0.1", port, self._daemon)

    def hold_queue(self):
        """{queue id: recipients} of what is in quarantine."""
        return self._queue("-qQ")

    def queued(self):
        """All queue ids, in whatever queue."""
        return {**self._queue(), **self._queue("-qQ")}.keys()

    def release(self, queue_id, _way):
        """Out of quarantine: -Q without a reason; then a queue run, which delivers it."""
        self._run(["-qQ", "-Q", "-qI" + queue_id])
        self.run_queue()

    def run_queue(self):
        """Try what waits in the queue."""
        self._run(["-q"])

    def submit(self, sender, recipients, message):
        """Hand a message in as a local program does. Returns once the MTA has it."""
        path = os.path.join(self.home, "submit.eml")
        with open(path, "wb") as out:
            out.write(message.replace(b"\r\n", b"\n"))
        with open(path, "rb") as text:
            process.subprocess.run([PROGRAM, "-C", self._conf("submit.cf"), "-i", "-f", sender, "--", *recipients],
                                   stdin=text, check=True, capture_output=True)

    def sendmail_program(self):
        """sendmail(1) of this MTA, as a program that needs no options."""
        path = self._conf("sendmail-program")
        with open(path, "w") as out:
            out.write(f'#!/bin/sh\nexec {PROGRAM} -C {self._conf("submit.cf")} "$@"\n')
        os.chmod(path, 0o755)
        return path

    def _conf(self, name):
        return os.path.join(self.home, name)

    def _run(self, options):
        return process.run([PROGRAM, "-C", self._conf("sendmail.cf")] + options, os.path.join(self.home, "commands.log"))

    def _queue(self, *options):
        """mailq's list: a line begins with the queue id and a mark or a blank; recipients stand alone below, far to the right."""
        found, current = {}, None
        for line in self._run(["-bp", *options]).splitlines():
            if entry := re.match(r"([0-9A-Za-z]{14})[ *X?-]", line):
                current = found.setdefault(entry[1], [])
            elif (recipient := re.match(r"\t\t+ *(<.*>)$", line)) and current is not None:
                current.append(recipient[1].strip("<>"))
        return found

    def _make_logins(self, logins):
        """libsasl's own folder of configurations is the laboratory's meanwhile: sendmail takes no other."""
        database = os.path.join(self.home, "sasldb2")
        for login in logins:
            process.subprocess.run([SASLPASSWD, "-p", "-c", "-f", database, "-u", HOST, login],
                                   input=dovecot.PASSWORD + "\n", text=True, check=True, capture_output=True)
        folder = os.path.join(self.home, "sasl2")
        os.makedirs(folder)
        with open(os.path.join(folder, "Sendmail.conf"), "w") as out:
            out.write(f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\n"
                      "mech_list: PLAIN LOGIN\n")
        namespace.mount_over(folder, "/usr/lib/sasl2")

    def _write_configuration(self):
        filters, services = self._filters_and_services()
        self._make_cf("sendmail", self._mta_mc(filters, services))
        common = COMMON_MC.format(home=self.home, host=HOST)
        self._make_cf("submit", common + SUBMIT_MC.format(home=self.home, port=LOCAL_PORT))

    def _mta_mc(self, filters, services):
        common = COMMON_MC.format(home=self.home, host=HOST)
        return common + MTA_MC.format(home=self.home, host=HOST, sink=sink.PORT, filters=filters, services=services)

    def _filters_and_services(self):
        """MAIL_FILTER names filters that no service has unless it says so."""
        names, services = {}, []
        local = [(LOCAL_PORT, "local", [self._local] if self._local else [])]
        for port, kind, milters in [(p, "submission" if s else "mx", m) for p, s, m in self._services] + local:
            # With sendmail's ten places for those who wait, one of many clients at once may wait for ever (SYN cookies).
            options = f"M={'A' if kind == 'mx' else ''}E, Port={port}, Listen=128"
            if milters:
                chain = [names.setdefault(milter, f"{kind}{len(names)}") for milter in milters]
                options += f", InputMailFilters={';'.join(chain)}"
            addresses = {"inet": "127.0.0.1"} if kind == "local" else {"inet": "0.0.0.0", "inet6": "::"}
            services += [f"DAEMON_OPTIONS(`Name={kind}{port}{family}, Family={family}, Addr={address}, {options}')dnl\n"
                         for family, address in addresses.items()]
        filters = [_mail_filter(name, milter) for milter, name in names.items()]
        return "".join(filters), "".join(services)

    def _make_cf(self, name, text):
        source = os.path.join(self.home, name + ".mc")
        with open(source, "w") as out:
            out.write(text)
        written = process.run(["m4", f"-D_CF_DIR_={MACROS}", MACROS + "m4/cf.m4", source])
        with open(os.path.join(self.home, name + ".cf"), "w") as out:
            out.write(written)


def _mail_filter(name, milter):
    timeouts = "" if name.startswith("mx") else ", " + TIMEOUTS
    return f"MAIL_FILTER(`{name}', `S={_address(milter)}, F=T{timeouts}')dnl\n"


def _address(milter):
    """Postfix writes inet:HOST:PORT, sendmail inet:PORT@HOST."""
    kind, _, rest = milter.partition(":")
    if kind == "unix":
        return milter
    host, _, port = rest.rpartition(":")
    return f"inet:{port}@{host}"
