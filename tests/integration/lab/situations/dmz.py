"""Situation 4: outside to us, the server of the LAN to anywhere, nobody else anywhere."""
import json
import os

from ..next_hop import NextHop, Rules, wait_until
from ..site import Site, make_certificate
from .world import DNS, expect, refused, send


ZONE = """
gate.example.jp. A 192.0.2.4
example.jp. MX 10 gate.example.jp.
client.example. MX 10 mail.client.example.
mail.client.example. A 192.0.2.80
elsewhere.example. MX 10 mail.elsewhere.example.
mail.elsewhere.example. A 192.0.2.66
"""
# Who set this up believes that the gate has the mailboxes.
OTHER_BELIEVES = """
[identity]
hostname = "inside.example.jp"
domains = ["example.jp"]
[trust]
networks = ["192.168.1.4"]
[[listener]]
profile = "mx"
address = ["192.168.1.10:25"]
tls = "off"
[[route]]
domain = ["example.jp"]
via = "smtp:[192.168.1.4]:25"
recipients = "any"
tls = "none"
"""
RETRY = '[queue]\nretry = ["1s"]\n'


def dmz(world):
    """4: outside to us, the server of the LAN to anywhere, nobody else anywhere."""
    world.dns(ZONE)
    world.networks.add("lan")
    gate = world.host("gate", {"wan": ["192.0.2.4/24"], "lan": ["192.168.1.4/24"]})
    inside = world.host("inside", {"lan": ["192.168.1.10/24"]})
    other = world.host("other", {"lan": ["192.168.1.11/24"]})
    client = world.host("client", {"wan": ["192.0.2.80/24"]})
    elsewhere = NextHop(world.host("elsewhere", {"wan": ["192.0.2.66/24"]}), "192.0.2.66")
    mailboxes = NextHop(inside, "192.168.1.10", rules=Rules(answers={"RCPT TO:<nobody@": "550 5.1.1 no such user"}))
    site = world.situation(gate, "4-dmz-and-lan.toml")
    make_certificate(gate, "/etc/sekisho/tls/fullchain.pem", "/etc/sekisho/tls/key.pem", "gate.example.jp", "sekisho")
    site.start(RETRY)

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
    told_by_selftest(site)
    each_others_next_hop(world, site, inside, client, mailboxes)


def told_by_selftest(site):
    """`sekisho selftest relay` says what the mail has just shown, in all four directions."""
    ways = {(one["from"], one["to"]): one["by"] if one["allowed"] else "no"
            for one in json.loads(site.command("selftest", "relay", "--json"))}
    for who, domain, wanted in (("a stranger, ", "example.jp", "[[route]] example.jp"), ("a stranger, ", "anywhere.invalid", "no"),
                                ("[[permit]] 192.168.1.10/32", "example.jp", "[[permit]] 192.168.1.10/32"),
                                ("[[permit]] 192.168.1.10/32", "anywhere.invalid", "[[permit]] 192.168.1.10/32")):
        told = [by for (name, to), by in ways.items() if name.startswith(who) and to == domain]
        expect(told == [wanted], f"{who} to {domain}: {told}")
    reachable = {name for (name, to), by in ways.items() if to == "anywhere.invalid" and by != "no"}
    expect(reachable == {"[[permit]] 192.168.1.10/32, 192.168.1.10", "a login", "this host"}, f"who may send anywhere: {reachable}")
    expect("below.branch.example.jp  no" in site.command("selftest", "relay"), "the table for people")


def each_others_next_hop(world, site, inside, client, mailboxes):
    """The server inside is away: known users are still taken, others put off. The one that comes instead believes that the
    gate is its next hop for the same domain: the message is held at the gate, and nobody gets a bounce."""
    senders = NextHop(client, "192.0.2.80")
    mailboxes.close()
    said = refused(lambda: send(client, "192.0.2.4", "a@client.example", "hanako@example.jp"))
    expect(said.startswith("450"), f"nobody can say whether she exists: {said}")
    send(client, "192.0.2.4", "a@client.example", "taro@example.jp", subject="in a circle")
    path = os.path.join(inside.home, "believes.toml")
    with open(path, "w") as out:
        out.write(OTHER_BELIEVES)
    confused = Site(inside, path, world.options.sekisho, DNS)
    confused.start(RETRY)

    def held():
        return [(m["id"], r) for m in site.queue() for r in m["recipients"] if r["state"] == "held"]
    identity, recipient = wait_until(held, "the loop is found")[0]
    expect("5 times before" in recipient["reason"], f"held, for: {recipient['reason']}")
    wait_until(lambda: any("example.jp: it was here" in text for text in site.status()["warnings"]), "an alarm names the domain")
    wait_until(lambda: not confused.queue(), "the other one has got rid of it")
    expect(confused.stop() == 0, "the other one ends in order")
    expect(not senders.taken(), "a loop bounces")

    repaired = NextHop(inside, "192.168.1.10")
    site.command("queue", "release", identity)
    taken = repaired.wait_for(1)[0]
    expect(taken.recipients == ["taro@example.jp"] and b"Subject: in a circle" in taken.message, "it arrives when it is released")
    wait_until(lambda: not site.queue(), "the queue is empty")
