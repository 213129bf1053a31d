"""A private Dovecot that only answers whether a login is right (for Postfix's AUTH): anybody, with one password."""
import os

from . import process

PASSWORD = "sesame"
CONFIGURATION = """base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}}
service auth {{
  unix_listener {home}/socket {{
    mode = 0666
  }}
}}
service stats {{
  chroot =
}}
"""


def start(home):
    os.makedirs(os.path.join(home, "run"))
    os.makedirs(os.path.join(home, "state"))
    configuration = os.path.join(home, "dovecot.conf")
    with open(configuration, "w") as out:
        out.write(CONFIGURATION.format(home=home, password=PASSWORD))
    daemon = process.start(["dovecot", "-F", "-c", configuration], os.path.join(home, "dovecot.out"))
    process.wait_for_socket(os.path.join(home, "socket"), daemon)
    return daemon
