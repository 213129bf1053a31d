"""The laboratory's MTAs with the defaults that Debian gives them: what becomes of an address in From is decided there.

Only what concerns paths, ports, rates and access is the laboratory's. Mail for example.jp and mx.example.jp is delivered
locally, by the local mailer's own rules, and yet ends in the sink; other mail is relayed to it.
"""
import os
import re

from . import sink
from .postfix import Postfix
from .sendmail import HOST, MACROS, Sendmail

POSTFIX_TEMPLATE = "/usr/share/postfix/main.cf.debian"
POSTFIX_OWN = """queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/postfix.log
maillog_file_prefixes = {home}
myhostname = mx.example.jp
mydestination = $myhostname, example.jp, localhost.example.jp, localhost
mynetworks = 127.0.0.0/8 [::1]/128
alias_maps =
alias_database =
local_recipient_maps =
local_transport = smtp:[127.0.0.1]:{sink}
relay_domains = static:all
relay_transport = smtp:[127.0.0.1]:{sink}
smtp_dns_support_level = disabled
smtpd_tls_security_level = none
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtpd_timeout = 30s
milter_default_action = tempfail
enable_long_queue_ids = yes
notify_classes =
{extra}
"""
# Of sendmail.mc: ports, files of /etc/mail that an administrator fills, and what slows clients down.
NOT_HERE = re.compile(r"DAEMON_OPTIONS|include\(|access_db|greet_pause|delay_checks|conncontrol|ratecontrol|CONNECTION_RATE|"
                      r"BAD_RCPT_THROTTLE")
SENDMAIL_FIRST = """include(`{macros}debian/autoconf.m4')dnl
define(`MAIL_SETTINGS_DIR', `{home}/etc/')dnl
define(`confTRUSTED_USER', `root')dnl
"""
SENDMAIL_OWN = """define(`confDOMAIN_NAME', `{host}')dnl
define(`confQUEUE_LA', `500')dnl
define(`confREFUSE_LA', `500')dnl
define(`confDELAY_LA', `500')dnl
define(`confTO_IDENT', `0')dnl
define(`confLOG_LEVEL', `12')dnl
define(`STATUS_FILE', `{home}/statistics')dnl
undefine(`confHOST_STATUS_DIRECTORY')dnl
undefine(`confCONTROL_SOCKET_NAME')dnl
define(`confPID_FILE', `{home}/mta.pid')dnl
define(`QUEUE_DIR', `{home}/queue')dnl
define(`confSAFE_QUEUE', `PostMilter')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {sink}')dnl
define(`LOCAL_MAILER_PATH', `[IPC]')dnl
define(`LOCAL_MAILER_ARGS', `TCP [127.0.0.1] {sink}')dnl
MODIFY_MAILER_FLAGS(`LOCAL', `-wA')dnl
FEATURE(`promiscuous_relay')dnl
"""


class DebianPostfix(Postfix):
    def _main_cf(self, extra):
        with open(POSTFIX_TEMPLATE) as template:
            return template.read() + POSTFIX_OWN.format(home=self.home, sink=sink.PORT, extra=extra)


class DebianSendmail(Sendmail):
    def _write_configuration(self):
        os.makedirs(self._conf("etc"))
        with open(self._conf("etc/local-host-names"), "w") as out:
            out.write("example.jp\n")
        super()._write_configuration()

    def _mta_mc(self, filters, services):
        """Debian's sendmail.mc, ours before its mailers."""
        with open(MACROS + "debian/sendmail.mc") as text:
            lines = [line for line in text if not NOT_HERE.search(line)]
        mailers = lines.index("MAILER_DEFINITIONS\n")
        own = SENDMAIL_OWN.format(home=self.home, host=HOST, sink=sink.PORT)
        return SENDMAIL_FIRST.format(macros=MACROS, home=self.home) + "".join(lines[:mailers]) + own + filters + services + "".join(
            lines[mailers:])
