"""Situation 3: a server at home behind NAT, the provider as backup MX, users on phones."""
from ..imap_server import ImapServer
from ..next_hop import NextHop, wait_until
from ..site import Client, letter, make_certificate
from .world import TlsClient, any_certificate, expect, refused, send

# `reject` of the users' own domain, which sends from nowhere that SPF names: their mail must go out all the same.
ZONE = """
mail.example.jp. A 203.0.113.7
mail.example.jp. AAAA 2001:db8:77::2
backup.provider.example. A 198.51.100.20
example.jp. MX 10 mail.example.jp.
example.jp. MX 20 backup.provider.example.
example.jp. TXT "v=spf1 ip4:203.0.113.7 -all"
_dmarc.example.jp. TXT "v=DMARC1; p=reject"
client.example. MX 10 mail.client.example.
mail.client.example. A 192.0.2.80
bank.example. MX 10 mail.client.example.
bank.example. TXT "v=spf1 -all"
_dmarc.bank.example. TXT "v=DMARC1; p=reject"
elsewhere.example. MX 10 mail.elsewhere.example.
mail.elsewhere.example. A 192.0.2.66
"""
# The router forwards three ports, and everybody inside leaves with its public address.
NAT = """
table ip nat {
  chain prerouting {
    type nat hook prerouting priority -100;
    ip daddr 203.0.113.7 tcp dport { 25, 465, 587 } dnat to 192.168.1.2
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    oifname "eth0" snat to 203.0.113.7
  }
}
"""


def behind_nat(world):
    """(the server, the router)"""
    world.networks.add("lan")
    router = world.host("router", {"wan": ["203.0.113.7/1", "2001:db8:25::1/64"], "lan": ["192.168.1.1/24", "2001:db8:77::1/64"]})
    router.run(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])
    router.write("/etc/nat.nft", NAT)
    router.run(["nft", "-f", "/etc/nat.nft"])
    return world.host("mail", {"lan": ["192.168.1.2/24", "2001:db8:77::2/64"]}, ["192.168.1.1", "2001:db8:77::1"]), router


def home(world):
    world.dns(ZONE)
    server, router = behind_nat(world)
    client = world.host("client", {"wan": ["192.0.2.80/1", "2001:db8:25::80/64"]}, ["2001:db8:25::1"])
    phone = world.host("phone", {"wan": ["203.0.113.200/1"]})
    backup = world.host("backup", {"wan": ["198.51.100.20/1"]})
    elsewhere = NextHop(world.host("elsewhere", {"wan": ["192.0.2.66/1"]}), "192.0.2.66")
    site = world.situation(server, "3-home-behind-nat.toml")
    make_certificate(server, "/etc/ssl/mail/fullchain.pem", "/etc/ssl/private/mail.pem", "mail.example.jp", "sekisho")
    dovecot = ImapServer(server, {})
    dovecot.start()
    server.run(["sh", "-c", f"echo sesame | {site.sekisho} user add hanako@example.jp --stdin --file /etc/sekisho/users && chown sekisho /etc/sekisho/users"])
    server.write("/etc/aliases", "info: hanako\nfamily: hanako, aunt@elsewhere.example\n")
    site.start()

    for address in ("203.0.113.7", "2001:db8:77::2"):
        send(client, address, "a@client.example", "hanako@example.jp", subject=f"to {address}")
        wait_until(lambda subject=address: f"Subject: to {subject}" in dovecot.mail_of("hanako@example.jp"), f"mail to {address} is in the mailbox")
    expect("client=unknown[192.0.2.80]" in site.log_text(), "the client is known by its own address")

    for port in (587, 465):
        with Client(phone) if port == 587 else TlsClient(phone) as submission:
            submission.connect("203.0.113.7", port)
            if port == 587:
                submission.starttls(context=any_certificate())
            submission.login("hanako@example.jp", "sesame")
            submission.sendmail("hanako@example.jp", ["user@elsewhere.example"], letter("hanako@example.jp", "user@elsewhere.example", f"by {port}"))
    expect(all(t.peer == "203.0.113.7" for t in elsewhere.wait_for(2)), f"it leaves by the router: {elsewhere.taken()[0].peer}")
    other_names(client, backup, dovecot, elsewhere)

    said = refused(lambda: send(client, "203.0.113.7", "hanako@example.jp", "hanako@example.jp", subject="forged"))
    expect(said.startswith("550 5.7.1"), f"a stranger who claims to be of our domain: {said}")
    with Client(backup) as hop:
        hop.connect("203.0.113.7", 25)
        hop.sendmail("ceo@bank.example", ["hanako@example.jp"], "Received: from forger.example (forger.example [192.0.2.99])\r\n\tby backup.provider.example "
                     "(Postfix) with ESMTP id ABC123; Mon, 30 Nov 2026 12:00:00 +0900\r\n" + letter("ceo@bank.example", "hanako@example.jp", "by the backup"))
        said = refused(lambda: hop.sendmail("a@client.example", ["nobody@example.jp"], "From: a@client.example\r\n\r\n"))
        expect(said.startswith("550 5.1.1"), f"the backup MX is told who does not exist: {said}")
    wait_until(lambda: "by the backup" in site.command("quarantine", "list"), "what the backup MX brought is held, and not refused")
    said = refused(lambda: send(router, "192.168.1.2", "a@client.example", "user@elsewhere.example"))
    expect(said.startswith("554 5.7.1"), f"the router is nobody's network: {said}")
    expect(len(elsewhere.taken()) == 3, "something else has left")


def other_names(client, backup, dovecot, elsewhere):
    """An alias; a forward, whose bounce finds its way back."""
    send(client, "203.0.113.7", "a@client.example", "info@example.jp", subject="to an alias")
    wait_until(lambda: "Subject: to an alias" in dovecot.mail_of("hanako@example.jp"), "an alias is read by whom it names")
    sender = NextHop(client, "192.0.2.80")
    send(client, "203.0.113.7", "a@client.example", "family@example.jp", subject="to a family")
    wait_until(lambda: "Subject: to a family" in dovecot.mail_of("hanako@example.jp"), "who forwards keeps one")
    forwarded = elsewhere.wait_for(3)[2]
    expect(forwarded.recipients == ["aunt@elsewhere.example"] and forwarded.mail_from.startswith("SRS0=")
           and forwarded.mail_from.endswith("@example.jp"), f"from {forwarded.mail_from} to {forwarded.recipients}")
    with Client(backup) as hop:
        hop.connect("203.0.113.7", 25)
        hop.sendmail("", [forwarded.mail_from], letter("postmaster@elsewhere.example", forwarded.mail_from, "a bounce"))
    back = sender.wait_for(1)[0]
    expect(back.recipients == ["a@client.example"] and b"Subject: a bounce" in back.message, f"the bounce goes to {back.recipients}")
