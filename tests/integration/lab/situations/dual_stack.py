"""Situation 1: received on all addresses, sent from the pinned one."""
from ..next_hop import NextHop, wait_until
from ..site import make_certificate
from .world import expect, refused, send


ZONE = """
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
    world.dns(ZONE)
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

    link = NextHop(peer, "fe80::1%eth0")
    site.sendmail("root@example.jp", "user@inside.example.jp")
    expect(link.wait_for(1)[0].peer.startswith("fe80::"), f"a link-local next hop: from {link.taken()[0].peer}")

    an_address_that_vanishes(site, mx, "user@both.example", four, "192.0.2.25/24")
    # Of several, one of which is left for everything else.
    an_address_that_vanishes(site, mx, "user@v6.example.net", six, "2001:db8:25::25/64", "nodad")
    expect(all(t.peer == "192.0.2.25" for t in four.taken()), "something left from another address")


def an_address_that_vanishes(site, mx, recipient, next_hop, prefix, *options):
    """The mail waits, with an alarm that names the address, and goes on by itself when it is back."""
    address, before = prefix.partition("/")[0], len(next_hop.taken())
    mx.run(["ip", "address", "del", prefix, "dev", "eth0"])
    site.sendmail("root@example.jp", recipient, subject="waits")
    wait_until(lambda: any(address in r["reason"] for m in site.queue() for r in m["recipients"]), f"the mail waits for {address}")
    expect(any(address in text for text in site.status()["warnings"]), f"an alarm names {address}")
    expect(len(next_hop.taken()) == before, "it left from another address")
    mx.run(["ip", "address", "add", prefix, "dev", "eth0", *options])
    taken = next_hop.wait_for(before + 1)[before]
    expect(taken.peer == address and b"Subject: waits" in taken.message, f"it leaves when {address} is back, from {taken.peer}")
    wait_until(lambda: not any(address in text for text in site.status()["warnings"]), "the alarm ends")
