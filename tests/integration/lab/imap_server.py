"""A Dovecot on a host of lab/hosts.py, where an admin has it: passwords, LMTP, and the sockets below /run/dovecot."""
import signal

from . import process

CONFIGURATION = """base_dir = /run/dovecot
state_dir = /var/lib/dovecot
log_path = {home}/dovecot.log
protocols = lmtp
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:/var/mail/vhosts/%d/%n
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%u /etc/dovecot/passwords
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home=/var/mail/vhosts/%d/%n allow_all_users=yes
}}
service auth {{
  unix_listener auth-client {{
    mode = 0666
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service stats {{
  chroot =
}}
"""


class ImapServer:
    def __init__(self, host, passwords):
        """`passwords`: {login: password}."""
        self._host, self._daemon = host, None
        host.write("/etc/dovecot/dovecot.conf", CONFIGURATION.format(home=host.home))
        host.write("/etc/dovecot/passwords", "".join(f"{login}:{password}\n" for login, password in passwords.items()))
        host.run(["sh", "-c", "mkdir -p /run/dovecot /var/lib/dovecot /var/mail/vhosts && chown mail:mail /var/mail/vhosts"])

    def start(self):
        self._daemon = self._host.start(["dovecot", "-F", "-c", "/etc/dovecot/dovecot.conf"], "dovecot.out")
        for name in ("lmtp", "auth-client"):
            process.wait_for_socket(self._host.path(f"/run/dovecot/{name}"), self._daemon)

    def stop(self):
        self._daemon.send_signal(signal.SIGTERM)
        self._daemon.wait(30)
        # Its authentication service would go on for those who are connected to it.
        self._host.run(["pkill", "-f", "^dovecot/auth"], check=False)

    def mail_of(self, login):
        local, _, domain = login.partition("@")
        return self._host.run(["sh", "-c", f"cat /var/mail/vhosts/{domain}/{local}/new/* 2>/dev/null"], check=False)
