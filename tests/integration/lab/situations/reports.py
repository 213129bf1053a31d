"""Situation 2: cron's mail leaves through a provider, with a login over verified TLS."""
import os
import sys

from ..next_hop import NextHop, wait_until
from .world import expect

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../provider.py")


ZONE = """
vps.example.jp. A 192.0.2.2
relay.example.net. A 192.0.2.99
example.jp. MX 10 mail.elsewhere.example.
mail.elsewhere.example. A 192.0.2.98
"""


class Provider:
    """The server of a provider, which may be stopped and started with other certificates, passwords or mechanisms."""

    MECHANISMS = "cram-md5 plain login"

    def __init__(self, host):
        self._host, self._number = host, 0
        self._home = ""
        authority = f"{host.home}/ca"
        os.makedirs(authority)
        self.authority = f"{authority}/ca.pem"
        host.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Authority of the laboratory",
                  "-keyout", f"{authority}/ca.key", "-out", self.authority])
        for name in ("relay.example.net", "other.example.net"):
            self._certify(authority, name)

    def _certify(self, authority, name):
        script = (f"openssl req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {authority}/{name}.key -out {authority}/{name}.csr && "
                  f"printf 'subjectAltName=DNS:{name}\\n' > {authority}/{name}.ext && openssl x509 -req -in {authority}/{name}.csr -CA {self.authority} "
                  f"-CAkey {authority}/ca.key -CAcreateserial -days 30 -extfile {authority}/{name}.ext -out {authority}/{name}.pem")
        self._host.run(["sh", "-c", script])

    def start(self, name="relay.example.net", mechanisms=MECHANISMS):
        self._number += 1
        self._home = f"{self._host.home}/{self._number}"
        os.makedirs(self._home)
        os.chmod(self._home, 0o755)
        authority = os.path.dirname(self.authority)
        self._host.run([sys.executable, PROGRAM, "start", self._home, f"{authority}/{name}.pem", f"{authority}/{name}.key", mechanisms])

    def stop(self):
        self._host.run([sys.executable, PROGRAM, "stop", self._home])


def reports(world):
    """2: cron's mail leaves through a provider, with a login over verified TLS."""
    world.dns(ZONE)
    vps = world.host("vps", {"wan": ["192.0.2.2/24"]})
    other = world.host("other", {"wan": ["192.0.2.3/24"]})
    provider_host = world.host("provider", {"wan": ["192.0.2.99/24"]})
    mailboxes = NextHop(provider_host, "127.0.0.1", 2525)
    provider = Provider(provider_host)
    provider.start()
    site = world.situation(vps, "2-reports-through-a-provider.toml")
    vps.run(["sh", "-c", f"cat {provider.authority} >> /etc/ssl/certs/ca-certificates.crt"])
    vps.write("/etc/hosts", "127.0.0.1 localhost\n192.0.2.99 relay.example.net\n")

    def password(text):
        vps.write("/etc/sekisho/relay.password", text + "\n", 0o600)
        vps.run(["chown", "sekisho", "/etc/sekisho/relay.password"])

    def waits(*words):
        """Until the queue gives a reason with these words; nothing has bounced."""
        return wait_until(lambda: any(all(w in r["reason"] + r["reply"] for w in words) for m in site.queue() for r in m["recipients"]),
                          f"the mail waits for {words}")
    password("sesame")
    site.start('[queue]\nretry = ["2s"]\n')
    site.sendmail("root", "admin@elsewhere.example")
    taken = mailboxes.wait_for(1)[0]
    expect(taken.mail_from == "reports@example.jp", f"the sender is {taken.mail_from}")
    expect(b"reports@example.jp" in taken.message and b"ESMTPSA" in taken.message, taken.message.decode())
    site.sendmail("root", "boss@example.jp", subject="our own domain leaves too")
    mailboxes.wait_for(2)
    refuse = []
    try:
        other.connect("192.0.2.2", 25)
    except ConnectionRefusedError:
        refuse.append("refused")
    expect(refuse, "another host of the network reaches port 25")

    password("wrong")
    site.sendmail("root", "admin@elsewhere.example", subject="wrong password")
    waits("535")
    wait_until(lambda: any("reports@example.jp" in text for text in site.status()["warnings"]), "an alarm tells of the password")
    password("sesame")
    site.command("queue", "flush")
    mailboxes.wait_for(3)

    provider.stop()
    site.sendmail("root", "admin@elsewhere.example", subject="provider down")
    waits("refused")
    provider.start("other.example.net")
    waits("certificate")
    provider.stop()
    provider.start(mechanisms="digest-md5")
    site.command("queue", "flush")
    waits("mechanism")
    provider.stop()
    provider.start()
    site.command("queue", "flush")
    mailboxes.wait_for(4)

    expect(site.stop() == 0, "it ends in order")
    site.sendmail("root", "admin@elsewhere.example", subject="without a daemon")
    site.start()
    mailboxes.wait_for(5)
    expect(not any("MAILER-DAEMON" in text.message.decode() for text in mailboxes.taken()), "something bounced")
