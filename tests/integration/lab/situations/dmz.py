"""Situation 4: outside to us, the server of the LAN to anywhere, nobody else anywhere."""
from ..next_hop import NextHop, Rules
from ..site import make_certificate
from .world import expect, refused, send


ZONE = """
gate.example.jp. A 192.0.2.4
example.jp. MX 10 gate.example.jp.
client.example. MX 10 mail.client.example.
mail.client.example. A 192.0.2.80
elsewhere.example. MX 10 mail.elsewhere.example.
mail.elsewhere.example. A 192.0.2.66
"""


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
