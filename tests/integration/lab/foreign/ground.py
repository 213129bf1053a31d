"""What all of them meet: one sekishod with Dovecot's mailboxes behind it, a client's host, and next hops."""
import email
import os

from .. import namespace, next_hop, syslog
from ..imap_server import ImapServer
from ..next_hop import NextHop, Rules
from ..site import Site, make_certificate
from ..situations.world import DNS, World, expect

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER, PASSWORD, USER, OFFICE = "mail.example.jp", "sesame", "hanako@example.jp", "office@example.jp"
CERTIFICATE = "/etc/ssl/mail/fullchain.pem"
# The client's addresses: one for each who does something that others notice in the log.
HONEST, LISTED, PROXY, XCLIENT = "192.0.2.80", "192.0.2.81", "192.0.2.90", "192.0.2.91"
CULPRITS = [f"192.0.2.{last}" for last in range(82, 90)]
ZONE = """
mail.example.jp. A 192.0.2.5
example.jp. MX 10 mail.example.jp.
client.example. MX 10 mail.client.example.
mail.client.example. A 192.0.2.80
elsewhere.example. MX 10 mail.elsewhere.example.
mail.elsewhere.example. A 192.0.2.66
mail.node.example. A 192.0.2.67
postfix.example. MX 10 mail.postfix.example.
mail.postfix.example. A 192.0.2.68
2.0.0.127.zen.example.net. A 127.0.0.2
81.2.0.192.zen.example.net. A 127.0.0.2
"""


def wait_until(condition, what):
    """Shorter than the laboratory's: many checks wait here, one after the other."""
    return next_hop.wait_until(condition, what, 90)


def program(host, argv, text=""):
    """(its status, all that it shows) of a program that a user runs, and writes `text` to."""
    path = os.path.join(host.home, "input")
    with open(path, "w") as out:
        out.write(text)
    shown, _, status = host.run(["sh", "-c", '"$@" <"$0" 2>&1; echo "ended with $?"', path, *argv]).rpartition("ended with ")
    return int(status), shown


class LoggingSite(Site):
    """Its log goes to syslog, as with most who have such readers."""

    def start(self, more=""):
        self.log = os.path.join(namespace.HOME, "syslog")
        self._daemon = self.host.start([namespace.DAEMON, "-f", "-c", "/etc/sekisho/milter.conf"], "sekishod.out")
        wait_until(self._is_started, "sekishod has started")

    def log_text(self):
        return open(self.log, errors="replace").read() if os.path.exists(self.log) else ""


class Ground:
    def __init__(self, options):
        syslog.start(os.path.join(namespace.HOME, "syslog"))
        self.world = World(options)
        self.world.dns(ZONE)
        self.mail = self._host("mail", ["192.0.2.5/24"])
        self.client = self._host("client", [f"{address}/24" for address in (HONEST, LISTED, PROXY, XCLIENT, *CULPRITS)])
        rules = Rules(answers={"RCPT TO:<refused@": "550 5.1.1 no such user here", "RCPT TO:<later@": "450 4.2.1 come again"})
        self.elsewhere = NextHop(self._host("elsewhere", ["192.0.2.66/24"]), "192.0.2.66", rules=rules)
        self.node = self._host("node", ["192.0.2.67/24"])
        self.postfix = self._host("postfix", ["192.0.2.68/24"])
        self.site = self.world.site = LoggingSite(self.mail, os.path.join(HERE, "milter.conf"), options.sekisho, DNS)
        self._give_certificates()
        self.mail.run(["sh", "-c", "echo tomare > /etc/sekisho/node.password && chown sekisho /etc/sekisho/node.password && chmod 600 /etc/sekisho/node.password"])
        self.dovecot = ImapServer(self.mail, {})
        self.dovecot.start()
        for login in (USER, OFFICE):
            self.mail.run(["sh", "-c", f"echo {PASSWORD} | {options.sekisho} user add {login} --stdin --scram --file /etc/sekisho/users && chown sekisho /etc/sekisho/users"])
        # An office's own server: it forwards what its users write, and reports failures under its own name.
        self.mail.write("/etc/sekisho/senders", f"{OFFICE}: {USER}, MAILER-DAEMON@mail.postfix.example\n")
        self.site.start()

    def mailbox(self):
        """All messages that Dovecot has for the user."""
        folder = self.mail.path("/var/mail/vhosts/example.jp/hanako/new")
        out = []
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), "rb") as text:
                out.append(email.message_from_binary_file(text))
        return out

    def arrived(self, subject):
        """The message of this subject in the mailbox, once it is there, and not twice."""
        return self._only(subject, self.mailbox)

    def left(self, subject):
        """The message of this subject at the next hop elsewhere, once it is there, and not twice."""
        return self._only(subject, lambda: [email.message_from_bytes(taken.message) for taken in self.elsewhere.taken()])

    def log_since(self, mark):
        return self.site.log_text()[mark:]

    def mark(self):
        return len(self.site.log_text())

    def wait_for_log(self, words, mark=0):
        wait_until(lambda: words in self.log_since(mark), f"the log says {words!r}")

    def _only(self, subject, all_of):
        def found():
            return [message for message in all_of() if message["Subject"] == subject]
        messages = wait_until(found, f"the message {subject!r} has come")
        expect(len(messages) == 1, f"{subject!r} came {len(messages)} times")
        return messages[0]

    def _host(self, name, addresses):
        host = self.world.host(name, {"wan": addresses})
        host.write("/etc/resolv.conf", f"nameserver {DNS}\noptions timeout:2 attempts:1\n")
        return host

    def _give_certificates(self):
        """Each trusts the one that it talks to: a certificate that signs itself is its own authority."""
        make_certificate(self.mail, CERTIFICATE, "/etc/ssl/mail/key.pem", SERVER, "sekisho")
        for host in (self.client, self.postfix):
            host.write("/etc/ssl/mail.example.jp.pem", self.mail.read(CERTIFICATE))
        make_certificate(self.node, "/etc/ssl/node.pem", "/etc/ssl/node.key", "mail.node.example")
        self.mail.write("/etc/ssl/mail/next-hops.pem", self.node.read("/etc/ssl/node.pem"))
