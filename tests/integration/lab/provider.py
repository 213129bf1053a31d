#!/usr/bin/python3
"""A provider's submission service on a host of lab/hosts.py: a private Postfix with Dovecot behind its AUTH.

  provider.py start HOME CERTIFICATE KEY "MECHANISMS"
  provider.py stop HOME
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True

from lab import dovecot  # noqa: E402
from lab.postfix import Postfix  # noqa: E402


def start(home, certificate, key, mechanisms):
    dovecot.CONFIGURATION = dovecot.CONFIGURATION.replace("auth_mechanisms = plain login", f"auth_mechanisms = {mechanisms}")
    postfix = Postfix(home, [(587, True, []), (465, True, [])])
    login = {"smtpd_tls_cert_file": certificate, "smtpd_tls_key_file": key, "smtpd_tls_auth_only": "yes",
             "smtpd_relay_restrictions": "permit_sasl_authenticated,reject"}
    postfix.parameters = {587: login | {"smtpd_tls_security_level": "encrypt"}, 465: login | {"smtpd_tls_wrappermode": "yes"}}
    postfix.start(["reports@example.jp"])
    print("started", flush=True)


def stop(home):
    subprocess.run(["postfix", "-c", os.path.join(home, "conf"), "stop"], check=True, stdin=subprocess.DEVNULL)
    subprocess.run(["doveadm", "-c", os.path.join(home, "auth", "dovecot.conf"), "stop"], check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    {"start": start, "stop": stop}[sys.argv[1]](*sys.argv[2:])
