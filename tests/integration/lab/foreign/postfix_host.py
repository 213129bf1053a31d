#!/usr/bin/python3
"""A private Postfix on a host of lab/hosts.py: a next hop, and an office's server that has us as its smarthost.

  postfix_host.py HOME
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.dont_write_bytecode = True

from lab.postfix import Postfix  # noqa: E402

OWN = """
myhostname = mail.postfix.example
relay_domains = postfix.example
relay_transport = smtp:[192.0.2.66]:26
default_transport = smtp
relayhost = [mail.example.jp]:587
smtp_dns_support_level = enabled
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = inline:{ {[mail.example.jp]:587 = office@example.jp:sesame} }
smtp_sasl_security_options = noanonymous
smtp_sasl_tls_security_options = noanonymous
smtp_tls_security_level = secure
smtp_tls_policy_maps = inline:{ {[192.0.2.66]:26 = none} }
smtp_tls_CAfile = /etc/ssl/mail.example.jp.pem
"""


class Office(Postfix):
    def _main_cf(self, extra):
        # Without what is said again: each of its programs would warn of it.
        said = {line.partition(" =")[0] for line in OWN.splitlines()}
        kept = [line for line in super()._main_cf(extra).splitlines() if line.partition(" =")[0] not in said]
        return "\n".join(kept) + OWN


if __name__ == "__main__":
    Office(sys.argv[1], [(25, False, [])]).start([])
    print("started", flush=True)
