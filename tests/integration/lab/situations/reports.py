"""Situation 2: cron's mail leaves through a provider, with a login over verified TLS."""
import os
import sys

from ..next_hop import NextHop, wait_until
from .world import expect, refused, send

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

    def log(self):
        with open(f"{self._home}/postfix.log") as text:
            return text.read()

    def stop(self):
        self._host.run([sys.executable, PROGRAM, "stop", self._home])


# What a page says would be so, if the configuration said so.
OWN_DOMAIN = """
[[route]]
domain = ["example.jp"]
via = "maildir:/var/mail/{domain}/{user}"
recipients = "file:/etc/sekisho/recipients"
"""


class Reports:
    """The server, and what its mail meets on its way."""

    def __init__(self, world):
        world.dns(ZONE)
        world.networks.add("containers")
        self.vps = world.host("vps", {"wan": ["192.0.2.2/24"], "containers": ["172.17.0.1/16"]})
        self.other = world.host("other", {"wan": ["192.0.2.3/24"]})
        self.container = world.host("container", {"containers": ["172.17.0.2/16"]})
        provider_host = world.host("provider", {"wan": ["192.0.2.99/24"]})
        self.mailboxes = NextHop(provider_host, "127.0.0.1", 2525)
        self.provider = Provider(provider_host)
        self.provider.start()
        self.site = world.situation(self.vps, "2-reports-through-a-provider.toml")
        self.site.edit("[queue]\n", '[queue]\nretry = ["2s"]\n')
        self.vps.run(["sh", "-c", f"cat {self.provider.authority} >> /etc/ssl/certs/ca-certificates.crt"])
        self.vps.write("/etc/hosts", "127.0.0.1 localhost\n192.0.2.99 relay.example.net\n")

    def password(self, text):
        self.vps.write("/etc/sekisho/relay.password", text + "\n", 0o600)
        self.vps.run(["chown", "sekisho", "/etc/sekisho/relay.password"])

    def waits(self, *words):
        """Until the queue gives a reason with these words; nothing has bounced."""
        return wait_until(lambda: any(all(w in r["reason"] + r["reply"] for w in words) for m in self.site.queue() for r in m["recipients"]),
                          f"the mail waits for {words}")

    def no_way_out(self, host, address):
        """From there nobody gets further than RCPT."""
        said = refused(lambda: send(host, address, "root@example.jp", "user@elsewhere.example"))
        expect(said.startswith("554 5.7.1"), f"{host.name}: {said}")

    def other_provider(self, *arguments, **keywords):
        self.provider.stop()
        self.provider.start(*arguments, **keywords)


def reports(world):
    """2: cron's mail leaves through a provider, with a login over verified TLS."""
    lab = Reports(world)
    lab.password("sesame")
    lab.site.start()
    lab.site.sendmail("root", "admin@elsewhere.example")
    taken = lab.mailboxes.wait_for(1)[0]
    expect(taken.mail_from == "reports@example.jp", f"the sender is {taken.mail_from}")
    expect(b"reports@example.jp" in taken.message and b"ESMTPSA" in taken.message, taken.message.decode())
    lab.site.sendmail("root", "boss@example.jp", subject="our own domain leaves too")
    lab.mailboxes.wait_for(2)
    for host, address in ((lab.other, "192.0.2.2"), (lab.container, "172.17.0.1")):
        try:
            host.connect(address, 25)
        except ConnectionRefusedError:
            continue
        raise AssertionError(f"{host.name} reaches port 25")
    what_goes_wrong(lab)
    changed_as_the_page_says(lab)
    failed = [t.message.decode() for t in lab.mailboxes.taken() if b"Action: failed" in t.message]
    expect(not failed, f"something bounced: {failed}")


def what_goes_wrong(lab):
    """A wrong password, a provider that is down for a week, a wrong certificate, mechanisms that are dropped: it waits."""
    site = lab.site
    lab.password("wrong")
    site.sendmail("root", "admin@elsewhere.example", subject="wrong password")
    lab.waits("535")
    wait_until(lambda: any("reports@example.jp" in text for text in site.status()["warnings"]), "an alarm tells of the password")
    lab.password("sesame")
    lab.mailboxes.wait_for(3)

    lab.provider.stop()
    site.sendmail("root", "admin@elsewhere.example", subject="provider down")
    lab.waits("refused")
    expect(site.stop() == 0, "it ends in order")
    site.start(days_later=7)
    wait_until(lambda: "status=deferred" in site.log_text(), "a week later it is tried again")
    lab.waits("refused")
    lab.provider.start("other.example.net")
    lab.waits("certificate")
    lab.other_provider(mechanisms="digest-md5")
    site.command("queue", "flush")
    lab.waits("mechanism")
    lab.other_provider(mechanisms="cram-md5")
    site.command("queue", "flush")
    wait_until(lambda: any(b"Subject: provider down" in t.message for t in lab.mailboxes.taken()), "it leaves a week later")
    expect("sasl_method=CRAM-MD5" in lab.provider.log(), "the one mechanism that is left")


def changed_as_the_page_says(lab):
    """TLS from the first octet; the own domain stays; a port that others reach, and that takes nothing of them."""
    site = lab.site
    expect(site.stop() == 0, "it ends in order")
    site.sendmail("root", "admin@elsewhere.example", subject="without a daemon")
    site.edit("smtp:[relay.example.net]:587", "smtps:[relay.example.net]:465")
    site.edit('address = ["127.0.0.1:25", "[::1]:25"]', 'address = ["0.0.0.0:25"]')
    lab.vps.write("/etc/sekisho/recipients", "boss@example.jp\n")
    site.edit("# root's mail stays", OWN_DOMAIN + "# root's mail stays")
    site.start()
    wait_until(lambda: any(b"Subject: without a daemon" in t.message for t in lab.mailboxes.taken()), "the folder is taken in")
    expect("relay=relay.example.net[192.0.2.99]:465" in site.log_text(), "by the other port")
    lab.no_way_out(lab.other, "192.0.2.2")
    lab.no_way_out(lab.container, "172.17.0.1")
    before = len(lab.mailboxes.taken())
    site.sendmail("root", "boss@example.jp", subject="stays here")
    kept = wait_until(lambda: site.maildir("/var/mail/example.jp/boss"), "the own domain stays")
    expect("Subject: stays here" in kept and "Return-Path: <root@example.jp>" in kept and "\nFrom: root (" in kept, kept)
    expect(len(lab.mailboxes.taken()) == before, "it left as well")
