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
test.dbl.example.net. A 127.0.0.2
listed.example.dbl.example.net. A 127.0.0.2
"""


def company(world):
    """5: no AUTH on 25, AUTH on 587 and 465, Dovecot with passwords and mailboxes, DNS lists, a new certificate."""
    world.dns(ZONE)
    mail = world.host("mail", {"wan": ["192.0.2.5/24"]})
    client = world.host("client", {"wan": ["192.0.2.80/24", "192.0.2.81/24"]})
    elsewhere = NextHop(world.host("elsewhere", {"wan": ["192.0.2.66/24"]}), "192.0.2.66")
    site = world.situation(mail, "5-small-company.toml")
    certificate = [f"/etc/letsencrypt/live/mail.example.co.jp/{name}.pem" for name in ("fullchain", "privkey")]
    make_certificate(mail, *certificate, "mail.example.co.jp", "sekisho")
    mail.write("/etc/sekisho/recipients", "taro@example.co.jp\n")
    mail.write("/etc/sekisho/senders", "taro@example.co.jp: sales@example.co.jp\n")
    dovecot = ImapServer(mail, {"taro@example.co.jp": "sesame"})
    dovecot.start()
    site.start()

    def submission(port=587):
        made = Client(client)
        if port == 465:
            made = TlsClient(client)
        made.connect("192.0.2.5", port)
        if port == 587:
            made.starttls(context=any_certificate())
        return made

    def login(password="sesame", port=587):
        with submission(port) as made:
            made.login("taro@example.co.jp", password)

    with Client(client) as plain:
        plain.connect("192.0.2.5", 25)
        plain.ehlo()
        expect(plain.docmd("AUTH", "PLAIN AGEAYg==")[0] == 503, "port 25 has no AUTH")
    send(client, "192.0.2.5", "a@client.example", "taro@example.co.jp", subject="from outside")
    wait_until(lambda: "Subject: from outside" in dovecot.mail_of("taro@example.co.jp"), "LMTP has delivered")
    with submission() as made:
        made.ehlo()
        expect(made.docmd("MAIL", "FROM:<taro@example.co.jp>")[0] == 530, "587 wants a login")
    for port in (587, 465):
        with submission(port) as made:
            made.login("taro@example.co.jp", "sesame")
            for sender in ("taro@example.co.jp", "sales@example.co.jp"):
                made.sendmail(sender, ["user@elsewhere.example"], letter(sender, "user@elsewhere.example", f"{port} {sender}"))
            expect("550 5.7.1" in refused(lambda m=made: m.sendmail("boss@example.co.jp", ["user@elsewhere.example"],
                                                                      letter("boss@example.co.jp", "user@elsewhere.example"))), "as somebody else")
    elsewhere.wait_for(4)
    expect(refused(lambda: login("wrong")).startswith("535 5.7.8"), "a wrong password")
    dovecot.stop()
    expect(refused(login).startswith("454 4.7.0"), "a source that is away is nobody's failure")
    dovecot.start()
    login()

    said = refused(lambda: send(client, "192.0.2.5", "a@client.example", "taro@example.co.jp", source="192.0.2.81"))
    expect(said.startswith("55") and "zen.example.net" in said, f"a listed client: {said}")
    said = refused(lambda: send(client, "192.0.2.5", "a@listed.example", "taro@example.co.jp"))
    expect(said.startswith("55") and "dbl.example.net" in said, f"a listed sender: {said}")

    def serial():
        with submission() as made:
            return made.sock.getpeercert(binary_form=True)
    before = serial()
    make_certificate(mail, *certificate, "mail.example.co.jp", "sekisho")
    site.command("reload")
    expect(serial() != before, "the new certificate is in use without a restart")
