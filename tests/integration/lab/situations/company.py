"""Situation 5: no AUTH on 25, AUTH on 587 and 465, Dovecot with passwords and mailboxes, DNS lists, a new certificate."""
from ..imap_server import ImapServer
from ..next_hop import NextHop, wait_until
from ..site import Client, letter, make_certificate
from .world import TlsClient, any_certificate, expect, refused, send


ZONE = """
mail.example.co.jp. A 192.0.2.5
example.co.jp. MX 10 mail.example.co.jp.
client.example. MX 10 mail.client.example.
mail.client.example. A 192.0.2.80
listed.example. MX 10 mail.client.example.
elsewhere.example. MX 10 mail.elsewhere.example.
mail.elsewhere.example. A 192.0.2.66
2.0.0.127.zen.example.net. A 127.0.0.2
81.2.0.192.zen.example.net. A 127.0.0.2
82.2.0.192.zen.example.net. A 127.0.0.2
friend.example. MX 10 mail.client.example.
friend.example. TXT "v=spf1 ip4:192.0.2.81 -all"
test.dbl.example.net. A 127.0.0.2
listed.example.dbl.example.net. A 127.0.0.2
"""


DAY = 12   # recipients of a login, instead of 500
CERTIFICATE = [f"/etc/letsencrypt/live/mail.example.co.jp/{name}.pem" for name in ("fullchain", "privkey")]


class Company:
    """The server, and who talks to it."""

    def __init__(self, world):
        world.dns(ZONE)
        self.mail = world.host("mail", {"wan": ["192.0.2.5/24"]})
        self.client = world.host("client", {"wan": ["192.0.2.80/24", "192.0.2.81/24", "192.0.2.82/24"]})
        self.elsewhere = NextHop(world.host("elsewhere", {"wan": ["192.0.2.66/24"]}), "192.0.2.66")
        self.site = world.situation(self.mail, "5-small-company.toml")
        self.site.edit("recipients_per_day = 500", f"recipients_per_day = {DAY}")
        self.renew(1)
        self.mail.write("/etc/sekisho/recipients", "taro@example.co.jp\n")
        self.mail.write("/etc/sekisho/senders", "taro@example.co.jp: sales@example.co.jp\n")
        self.mail.write("/etc/sekisho/allowlist", "mfrom:friend.example skip=dnsbl,rhsbl\n")
        self.dovecot = ImapServer(self.mail, {"taro@example.co.jp": "sesame"})
        self.dovecot.start()

    def renew(self, number):
        """As certbot does it: new files, and links that lead to them."""
        kept = [f"/etc/letsencrypt/archive/mail.example.co.jp/{name}{number}.pem" for name in ("fullchain", "privkey")]
        make_certificate(self.mail, *kept, "mail.example.co.jp", "sekisho")
        self.mail.run(["mkdir", "-p", "/etc/letsencrypt/live/mail.example.co.jp"])
        for link, path in zip(CERTIFICATE, kept):
            self.mail.run(["ln", "-sfn", path.replace("/etc/letsencrypt/", "../../"), link])

    def submission(self, port=587):
        made = TlsClient(self.client) if port == 465 else Client(self.client)
        made.connect("192.0.2.5", port)
        if port == 587:
            made.starttls(context=any_certificate())
        return made

    def login(self, password="sesame"):
        with self.submission() as made:
            made.login("taro@example.co.jp", password)

    def certificate(self):
        with self.submission() as made:
            return made.sock.getpeercert(binary_form=True)

    def waits_for_mail(self, subject):
        wait_until(lambda: f"Subject: {subject}" in self.dovecot.mail_of("taro@example.co.jp"), f"{subject}: LMTP has delivered")

    def listed(self, words, sender, source=None, helo=None):
        """Refused by a list, in these words."""
        def send_it():
            with Client(self.client, source) as made:
                made.local_hostname = helo or made.local_hostname
                made.connect("192.0.2.5", 25)
                made.sendmail(sender, ["taro@example.co.jp"], letter(sender, "taro@example.co.jp"))
        said = refused(send_it)
        expect(said.startswith("554 5.7.1 ") and words in said, f"{words}: {said}")


def company(world):
    """5: no AUTH on 25, AUTH on 587 and 465, Dovecot with passwords and mailboxes, DNS lists, a new certificate."""
    lab = Company(world)
    lab.site.start()
    before = lab.certificate()
    lab.renew(2)
    ports(lab)
    stolen(lab)
    lists(lab)
    # Asking for it again and again would be too many connections.
    wait_until(lambda: "tls: new certificates are in use" in lab.site.log_text(), "the new certificate is noticed")
    wait_until(lambda: lab.certificate() != before, "the new certificate is in use, without a restart or a reload")


def ports(lab):
    """Nobody logs in on 25, everybody does on 587 and 465, and as himself."""
    with Client(lab.client) as plain:
        plain.connect("192.0.2.5", 25)
        plain.ehlo()
        expect(plain.docmd("AUTH", "PLAIN AGEAYg==")[0] == 503, "port 25 has no AUTH")
    send(lab.client, "192.0.2.5", "a@client.example", "taro@example.co.jp", subject="from outside")
    lab.waits_for_mail("from outside")
    with lab.submission() as made:
        made.ehlo()
        expect(made.docmd("MAIL", "FROM:<taro@example.co.jp>")[0] == 530, "587 wants a login")
    for port in (587, 465):
        with lab.submission(port) as made:
            made.login("taro@example.co.jp", "sesame")
            for sender in ("taro@example.co.jp", "sales@example.co.jp"):
                made.sendmail(sender, ["user@elsewhere.example"], letter(sender, "user@elsewhere.example", f"{port} {sender}"))
            expect("550 5.7.1" in refused(lambda m=made: m.sendmail("boss@example.co.jp", ["user@elsewhere.example"],
                                                                      letter("boss@example.co.jp", "user@elsewhere.example"))), "as somebody else")
    lab.elsewhere.wait_for(4)
    expect(refused(lambda: lab.login("wrong")).startswith("535 5.7.8"), "a wrong password")
    lab.dovecot.stop()
    expect(refused(lab.login).startswith("454 4.7.0"), "a source that is away is nobody's failure")
    lab.dovecot.start()
    lab.login()


def stolen(lab):
    """Who has the password sends to no more people in a day than the limit says, and an alarm names the login."""
    answers = []
    for _ in range(2):   # another connection is no way around it
        with lab.submission() as made:
            made.login("taro@example.co.jp", "sesame")
            made.mail("taro@example.co.jp")
            for number in range(2 * DAY):
                answers.append(made.rcpt(f"user{number}@elsewhere.example"))
                if answers[-1][0] != 250:
                    break
    taken = sum(code == 250 for code, _ in answers)
    expect(taken == DAY - 4, f"{taken} more recipients than the four before: {answers}")
    expect(all(text.startswith(b"4.7.1 Error: too many recipients in 24 hours") for code, text in answers if code == 450), f"{answers}")
    expect(sum(code == 450 for code, _ in answers) == 2, f"once in each connection: {answers}")
    wait_until(lambda: any("taro@example.co.jp" in text for text in lab.site.status()["warnings"]), "an alarm names the login")


def lists(lab):
    """A list refuses in the words of Postfix; who is on the allowlist and proves who he is, is spared."""
    lab.listed("Service unavailable; Client host [192.0.2.81] blocked using zen.example.net", "a@client.example", source="192.0.2.81")
    lab.listed("Sender address [a@listed.example] blocked using dbl.example.net", "a@listed.example")
    lab.listed("Helo command [listed.example] blocked using dbl.example.net", "a@client.example", helo="listed.example")
    send(lab.client, "192.0.2.5", "a@friend.example", "taro@example.co.jp", source="192.0.2.81", subject="a friend")
    lab.waits_for_mail("a friend")
    lab.listed("blocked using zen.example.net", "a@friend.example", source="192.0.2.82")
