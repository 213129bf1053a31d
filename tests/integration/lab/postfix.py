"""A private Postfix: own configuration, queue and data folders, one mx and one submission service per filter."""
import grp
import json
import os
import pwd

from . import content_filter, dovecot, process, sink

MAIN_CF = """compatibility_level = 3.6
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
queue_directory = {home}/queue
data_directory = {home}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {home}/postfix.log
maillog_file_prefixes = {home}
myhostname = mx.example.jp
mydomain = example.jp
mydestination =
mynetworks = 127.0.0.0/8 [::1]/128
inet_protocols = all
alias_maps =
alias_database =
virtual_alias_maps = inline:{{alias@example.jp=target@example.jp}}
relay_domains = static:all
relay_recipient_maps =
relay_transport = smtp:[127.0.0.1]:{sink}
default_transport = smtp:[127.0.0.1]:{sink}
smtp_dns_support_level = disabled
smtputf8_enable = yes
enable_long_queue_ids = yes
message_size_limit = 60000000
mailbox_size_limit = 0
local_header_rewrite_clients =
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_sasl_type = dovecot
smtpd_sasl_path = {home}/auth/socket
smtpd_tls_security_level = none
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtpd_hard_error_limit = 100
smtpd_timeout = 30s
milter_protocol = 6
milter_default_action = tempfail
milter_command_timeout = 30s
milter_content_timeout = 60s
in_flow_delay = 0
notify_classes =
{extra}
"""
SERVICES = """pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
tlsmgr unix - - n 1000? 1 tlsmgr
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
QUEUES = ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "pid",
          "private", "public", "saved", "trace"]


class Postfix:
    """`services`: (port, submission, milter addresses). `local`: the milter of non-SMTP mail."""

    PROGRAMS = ["postfix", "dovecot"]

    def __init__(self, home, services, local=""):
        self.home = home
        self.log = os.path.join(home, "postfix.log")
        self.conf = os.path.join(home, "conf")
        self._services = services
        self._local = local
        self.content_filters = {}   # port of a service -> port of the one that takes its mail back
        self.parameters = {}  # of some services, by their ports

    def start(self, logins):
        """`logins`: who will log in; Dovecot knows everybody."""
        if logins:
            dovecot.start(os.path.join(self.home, "auth"))
        self._make_folders()
        self._write_configuration()
        process.run(["postfix", "-c", self.conf, "start"], os.path.join(self.home, "start.log"))
        for port, _, _ in self._services:
            process.wait_for_port("127.0.0.1", port)

    def hold_queue(self):
        """{queue id: recipients} of what is held."""
        return {entry["queue_id"]: [r["address"] for r in entry["recipients"]]
                for entry in self._queue() if entry["queue_name"] == "hold"}

    def queued(self):
        """All queue ids, in whatever queue."""
        return {entry["queue_id"] for entry in self._queue()}

    def release(self, queue_id, way):
        """postsuper's ways out of the hold queue."""
        process.run(["postsuper", "-c", self.conf, {"release": "-H", "requeue": "-r"}[way], queue_id])
        self.run_queue()  # -H leaves it in the deferred queue

    def run_queue(self):
        """Try what waits in the queue."""
        process.run(["postqueue", "-c", self.conf, "-f"])

    def submit(self, sender, recipients, message):
        """Hand a message in as a local program does. Returns once it is in the maildrop."""
        path = os.path.join(self.home, "sendmail.eml")
        with open(path, "wb") as out:
            out.write(message.replace(b"\r\n", b"\n"))
        with open(path, "rb") as text:
            process.subprocess.run(["sendmail", "-C", self.conf, "-i", "-f", sender, "--", *recipients], stdin=text,
                                   check=True, capture_output=True)

    def sendmail_program(self):
        """sendmail(1) of this MTA, as a program that needs no options."""
        path = os.path.join(self.home, "sendmail")
        with open(path, "w") as out:
            out.write(f'#!/bin/sh\nexec /usr/sbin/sendmail -C {self.conf} "$@"\n')
        os.chmod(path, 0o755)
        return path

    def _queue(self):
        listing = process.run(["postqueue", "-c", self.conf, "-j"])
        return [json.loads(line) for line in listing.splitlines()]

    def _make_folders(self):
        owner, drop = pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
        os.makedirs(os.path.join(self.home, "data"))
        os.chown(os.path.join(self.home, "data"), owner, -1)
        for name in QUEUES:
            path = os.path.join(self.home, "queue", name)
            os.makedirs(path)
            os.chmod(path, 0o700)
            if name != "pid":
                os.chown(path, owner, -1)
        for name, mode in (("public", 0o2710), ("maildrop", 0o1730)):
            os.chown(os.path.join(self.home, "queue", name), owner, drop)
            os.chmod(os.path.join(self.home, "queue", name), mode)
        os.makedirs(self.conf)

    def _main_cf(self, extra):
        return MAIN_CF.format(home=self.home, sink=sink.PORT, extra=extra)

    def _write_configuration(self):
        extra = "non_smtpd_milters = " + self._local if self._local else ""
        with open(os.path.join(self.conf, "main.cf"), "w") as out:
            out.write(self._main_cf(extra))
        with open(os.path.join(self.conf, "master.cf"), "w") as out:
            out.write(SERVICES)
            for port, submission, milters in self._services:
                out.write(f"{port} inet n - n - - smtpd\n")
                if milters:
                    out.write(f"  -o smtpd_milters={','.join(milters)}\n")
                for name, value in self.parameters.get(port, {}).items():
                    out.write(f"  -o {name}={value}\n")
                if back := self.content_filters.get(port):
                    out.write(f"  -o content_filter=smtp:[127.0.0.1]:{back + content_filter.OFFSET}\n")
                    # As an admin has it who sets smtpd_milters in main.cf: the way back inherits them.
                    out.write(f"127.0.0.1:{back} inet n - n - - smtpd\n  -o content_filter=\n")
                    out.write(f"  -o smtpd_milters={','.join(milters)}\n")
                    continue
                if submission:
                    out.write("  -o smtpd_sasl_auth_enable=yes\n  -o milter_macro_daemon_name=ORIGINATING\n")
        dynamic = "/etc/postfix/dynamicmaps.cf"
        if os.path.exists(dynamic):
            os.symlink(dynamic, os.path.join(self.conf, "dynamicmaps.cf"))
