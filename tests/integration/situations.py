#!/usr/bin/python3
"""The five situations of docs/situations, each with its configuration as it stands there: sekishod alone among other
hosts, in namespaces, with real DNS and real TLS.
"""
import argparse
import os
import shutil
import smtplib
import subprocess
import sys
import tempfile
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lab import namespace  # noqa: E402
from lab.hosts import Networks  # noqa: E402
from lab.next_hop import NextHop, Rules, wait_until  # noqa: E402
from lab.site import Client, Site, letter, make_certificate, serve_dns  # noqa: E402

SKIPPED = 77
DOCUMENTS = os.path.join(HERE, "../../docs/situations")
DNS = "192.0.2.53"


class World:
    """What every situation has: the network `wan` with a name server."""

    def __init__(self, options):
        self.options = options
        home = os.path.join(namespace.HOME, "machines")
        os.makedirs(home)
        os.chmod(home, 0o755)
        self.networks = Networks(home)
        self.networks.add("wan")
        self.site = None

    def host(self, name, links, gateways=()):
        return self.networks.host(name, links, gateways)

    def dns(self, zone):
        serve_dns(self.host("dns", {"wan": [f"{DNS}/24", "2001:db8:25::53/64"]}), DNS, zone)

    def situation(self, host, name):
        self.site = Site(host, os.path.join(DOCUMENTS, name), self.options.sekisho, DNS)
        return self.site


def refused(action):
    """The reply with which a server refuses what `action` does."""
    try:
        action()
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
    except smtplib.SMTPResponseException as error:
        code, text = error.smtp_code, error.smtp_error
    else:
        raise AssertionError("not refused")
    return f"{code} {text.decode()}"


def send(host, address, sender, recipient, source=None, port=25, subject="hello"):
    with Client(host, source) as client:
        client.connect(address, port)
        client.sendmail(sender, [recipient], letter(sender, recipient, subject))


def expect(condition, what):
    assert condition, what


ZONE_1 = """
mx.example.jp. A 192.0.2.25
mx.example.jp. AAAA 2001:db8:25::25
example.jp. MX 10 mx.example.jp.
client.example. MX 10 mail.client.example.
mail.client.example. A 192.0.2.80
both.example. MX 10 mail.both.example.
mail.both.example. A 192.0.2.66
mail.both.example. AAAA 2001:db8:25::66
six.example. MX 10 mail.six.example.
mail.six.example. AAAA 2001:db8:25::66
v6.example.net. MX 10 mail.both.example.
"""


def dual_stack(world):
    """1: received on all addresses, sent from the pinned one."""
    world.dns(ZONE_1)
    mx = world.host("mx", {"wan": ["192.0.2.24/24", "192.0.2.25/24", "2001:db8:25::24/64", "2001:db8:25::25/64"]})
    peer = world.host("peer", {"wan": ["192.0.2.66/24", "2001:db8:25::66/64", "fe80::1/64"]})
    client = world.host("client", {"wan": ["192.0.2.80/24", "2001:db8:25::80/64"]})
    four, six = NextHop(peer, "192.0.2.66"), NextHop(peer, "2001:db8:25::66")
    site = world.situation(mx, "1-dual-stack.toml")
    make_certificate(mx, "/etc/letsencrypt/live/mx.example.jp/fullchain.pem", "/etc/letsencrypt/live/mx.example.jp/privkey.pem",
                     "mx.example.jp", "sekisho")
    mx.write("/etc/sekisho/recipients", "taro@example.jp\n")
    site.start('[queue]\nretry = ["2s"]\n')

    for number, address in enumerate(["192.0.2.24", "192.0.2.25", "2001:db8:25::24", "2001:db8:25::25"]):
        send(client, address, "a@client.example", "taro@example.jp", subject=f"in {number}")
    wait_until(lambda: all(f"Subject: in {n}" in site.maildir("/var/mail/example.jp/taro") for n in range(4)), "all four are in the Maildir")
    expect("550 5.1.1" in refused(lambda: send(client, "192.0.2.25", "a@client.example", "nobody@example.jp")), "who exists is known")

    site.sendmail("root@example.jp", "user@both.example")
    expect(four.wait_for(1)[0].peer == "192.0.2.25", f"both families: not from the pinned address, but {four.taken()[0].peer}")
    site.sendmail("root@example.jp", "user@six.example")
    expect(six.wait_for(1)[0].peer.startswith("2001:db8:25::"), f"IPv6 only: from {six.taken()[0].peer}")
    site.sendmail("root@example.jp", "user@v6.example.net")
    expect(six.wait_for(2)[1].peer == "2001:db8:25::25", f"the route's own egress: from {six.taken()[1].peer}")
    expect("192.0.2.25" in site.command("route", "user@both.example"), "`sekisho route` names the address")

    mx.run(["ip", "address", "del", "192.0.2.25/24", "dev", "eth0"])
    site.sendmail("root@example.jp", "user@both.example", subject="waits")
    wait_until(lambda: any("192.0.2.25" in r["reason"] for m in site.queue() for r in m["recipients"]), "the mail waits for its address")
    expect(any("192.0.2.25" in text for text in site.status()["warnings"]), "an alarm names the address")
    expect(len(four.taken()) == 1 and len(six.taken()) == 2, "something left from another address")
    mx.run(["ip", "address", "add", "192.0.2.25/24", "dev", "eth0"])
    site.command("queue", "flush")
    expect(four.wait_for(2)[1].peer == "192.0.2.25", "it leaves when the address is back")
    wait_until(lambda: not any("192.0.2.25" in text for text in site.status()["warnings"]), "the alarm ends")


ZONE_2 = """
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
        program = os.path.join(HERE, "lab/provider.py")
        self._host.run([sys.executable, program, "start", self._home, f"{authority}/{name}.pem", f"{authority}/{name}.key", mechanisms])

    def stop(self):
        self._host.run([sys.executable, os.path.join(HERE, "lab/provider.py"), "stop", self._home])


def reports(world):
    """2: cron's mail leaves through a provider, with a login over verified TLS."""
    world.dns(ZONE_2)
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


ZONE_4 = """
gate.example.jp. A 192.0.2.4
example.jp. MX 10 gate.example.jp.
client.example. MX 10 mail.client.example.
mail.client.example. A 192.0.2.80
elsewhere.example. MX 10 mail.elsewhere.example.
mail.elsewhere.example. A 192.0.2.66
"""


def dmz(world):
    """4: outside to us, the server of the LAN to anywhere, nobody else anywhere."""
    world.dns(ZONE_4)
    world.networks.add("lan")
    gate = world.host("gate", {"wan": ["192.0.2.4/24"], "lan": ["192.168.1.4/24"]})
    inside = world.host("inside", {"lan": ["192.168.1.10/24"]})
    other = world.host("other", {"lan": ["192.168.1.11/24"]})
    client = world.host("client", {"wan": ["192.0.2.80/24"]})
    elsewhere = NextHop(world.host("elsewhere", {"wan": ["192.0.2.66/24"]}), "192.0.2.66")
    mailboxes = NextHop(inside, "192.168.1.10", rules=Rules(answers={"RCPT TO:<nobody@": "550 5.1.1 no such user"}))
    site = world.situation(gate, "4-dmz-and-lan.toml")
    make_certificate(gate, "/etc/sekisho/tls/fullchain.pem", "/etc/sekisho/tls/key.pem", "gate.example.jp", "sekisho")
    site.start()

    send(client, "192.0.2.4", "a@client.example", "taro@example.jp")
    expect(mailboxes.wait_for(1)[0].recipients == ["taro@example.jp"], "what comes from outside is relayed inside")
    send(client, "192.0.2.4", "a@client.example", "taro@branch.example.jp", subject="branch")
    mailboxes.wait_for(2)
    for recipient in ("user@elsewhere.example", "taro@other.example.jp", "taro@sub.branch.example.jp"):
        said = refused(lambda to=recipient: send(client, "192.0.2.4", "a@client.example", to))
        expect(said.startswith(f"554 5.7.1 <{recipient}>: Relay access denied"), said)
        said = refused(lambda to=recipient: send(other, "192.168.1.4", "a@example.jp", to))
        expect(said.startswith("554 5.7.1"), f"another host of the LAN: {said}")
    expect(refused(lambda: send(client, "192.0.2.4", "a@client.example", "nobody@example.jp")).startswith("550 5.1.1"),
           "unknown users are refused in the DMZ")
    send(inside, "192.168.1.4", "taro@example.jp", "user@elsewhere.example", subject="out")
    expect(elsewhere.wait_for(1)[0].peer == "192.0.2.4", "the LAN's server sends anywhere")

    mailboxes.rules.answers = {"MAIL": "450 4.3.0 not now"}
    matrix = site.command("selftest", "relay")
    expect("192.168.1.10" in matrix and "a stranger" in matrix, matrix)


SITUATIONS = {"1": dual_stack, "2": reports, "4": dmz}


def inside(options):
    namespace.enter(options.inside, options.sekishod)
    world = World(options)
    try:
        SITUATIONS[options.situation](world)
        status = world.site.stop()
        assert status == 0, f"sekishod ended with {status}"
        print(f"ok   situation {options.situation}")
        return 0
    except Exception:
        traceback.print_exc()
        if world.site:
            print(world.site.log_text()[-8000:])
        return 1
    finally:
        world.networks.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("situation", choices=sorted(SITUATIONS))
    parser.add_argument("--build", default=os.path.join(HERE, "../../build/release"), metavar="DIR")
    parser.add_argument("--sekishod")
    parser.add_argument("--sekisho")
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options)
    if reason := namespace.why_impossible():
        print("skipped: " + reason)
        return SKIPPED
    if missing := namespace.missing_programs(["nsenter", "useradd"]):
        print(f"not there: {', '.join(missing)}; tests/deps/install brings them")
        return 1
    parent = os.path.abspath(os.path.join(options.build, "integration"))
    os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f"situation{options.situation}.", dir=parent)
    programs = [os.path.abspath(given or os.path.join(options.build, name))
                for name, given in (("sekishod", options.sekishod), ("sekisho", options.sekisho))]
    done = subprocess.run(namespace.UNSHARE + [sys.executable, os.path.abspath(__file__), options.situation, "--inside", folder,
                                               "--sekishod", programs[0], "--sekisho", programs[1]], stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"the files of the hosts are in {folder}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
