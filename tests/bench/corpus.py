#!/usr/bin/python3
"""Writes a corpus for milter_load, and the DNS zone in which its senders live.

OUT/SIZEk/NNNNN.eml    messages of that size, from a fixed set of senders
OUT/new/NNNNN.eml      messages of which each comes from a domain of its own (--new-domains)
OUT/.../NNNNN.env      the envelope: client, name, helo, from, rcpt, group, expect
OUT/zone               one root zone with SPF, DKIM, DMARC, MX, A and PTR records of all of them

Mail is signed with DKIM (rsa-sha256 of 2048 bits, relaxed/relaxed); some messages carry a second signature of the company
that sends for the author, some an ed25519-sha256 one. A few come through a forwarder (SPF fails), a few were altered on
their way (DKIM fails). `group` is the shape of the sender's SPF record, because that decides how many DNS round trips
must follow each other.
"""

import argparse
import base64
import pathlib
import random
import subprocess
import textwrap
from email.utils import formatdate

import dkim
import nacl.signing

SPF_SHAPES = ("ip4", "a", "mx", "include1", "include2", "include3")
SIGNED = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"]
WORDS = """account agenda answer arrive attach autumn bridge budget builder calendar carrier ceremony change
chapter check city client coffee colour company contract copy country customer date deliver detail door draft early
engine evening figure file follow forest garden gate harbour health history hotel invoice island journey kitchen
language later letter library license list machine market meeting member message minute month morning mountain
number offer office order page paper party payment people picture plan platform police price product project
question railway reader reason record region reply report request review river road room sample schedule school
season service signal site snow spring staff station street student summer supplier system teacher ticket time tower
travel treaty update valley village visitor water weather week window winter writer year""".split()


class Keys:
    """A pool of keys that the domains share: making thousands would take longer than the benchmark."""

    def __init__(self, count):
        self.rsa = [self._rsa() for _ in range(count)]
        self.ed25519 = [self._ed25519() for _ in range(count)]

    @staticmethod
    def _rsa():
        private = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], check=True,
                                 capture_output=True).stdout
        public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=private,
                                check=True, capture_output=True).stdout
        return private, "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()

    @staticmethod
    def _ed25519():
        key = nacl.signing.SigningKey.generate()
        public = base64.b64encode(bytes(key.verify_key)).decode()
        return base64.b64encode(bytes(key)), "v=DKIM1; k=ed25519; p=" + public


class Zone:
    """One root zone, so that a name that is not there is answered NXDOMAIN whatever it is."""

    def __init__(self):
        self.lines = [
            "$TTL 3600",
            ". IN SOA ns.bench-root.net. hostmaster.bench-root.net. 1 3600 900 604800 300",
            ". IN NS ns.bench-root.net.",
            "ns.bench-root.net. IN A 127.0.0.1",
        ]

    def add(self, name, kind, value):
        self.lines.append(f"{name}. IN {kind} {value}")

    def txt(self, name, text):
        parts = [text[i:i + 250] for i in range(0, len(text), 250)]
        self.add(name, "TXT", " ".join(f'"{part}"' for part in parts))

    def ptr(self, address, name):
        self.add(".".join(reversed(address.split("."))) + ".in-addr.arpa", "PTR", name + ".")

    def write(self, path):
        path.write_text("\n".join(self.lines) + "\n")


class Sender:
    """A domain with everything that a receiver asks for. `number` makes its names and its address."""

    def __init__(self, zone, keys, rng, number, shape):
        self.shape = shape
        self.number = number
        tld = rng.choice(("com", "net", "org", "jp"))
        self.domain = f"b{number:05d}-{rng.choice(WORDS)}.{tld}"
        self.host = "mail." + self.domain
        self.client = f"198.18.{number // 250 % 250}.{number % 250 + 1}"
        if number >= 250 * 250:
            raise SystemExit("too many domains")
        self.author_domain = self.domain if number % 5 else "news." + self.domain
        self.rsa, self.rsa_record = keys.rsa[number % len(keys.rsa)]
        self.ed25519, self.ed25519_record = keys.ed25519[number % len(keys.ed25519)]
        self._records(zone, rng)

    def _records(self, zone, rng):
        zone.add(self.domain, "MX", f"10 {self.host}.")
        zone.add(self.domain, "A", self.client if self.shape == "a" else "198.18.255.254")
        zone.add(self.host, "A", self.client)
        zone.txt(self.host, "v=spf1 a -all")
        zone.ptr(self.client, self.host)
        self._spf(zone)
        zone.txt("s1._domainkey." + self.domain, self.rsa_record)
        zone.txt("ed._domainkey." + self.domain, self.ed25519_record)
        policy = rng.choices(("none", "quarantine", "reject"), (50, 20, 30))[0]
        zone.txt("_dmarc." + self.domain,
                 f"v=DMARC1; p={policy}; rua=mailto:dmarc@{self.domain}")

    def _spf(self, zone):
        if self.shape == "ip4":
            zone.txt(self.domain, f"v=spf1 ip4:198.51.100.0/24 ip4:{self.client} -all")
        elif self.shape == "a":
            zone.txt(self.domain, "v=spf1 ip4:198.51.100.0/24 a -all")
        elif self.shape == "mx":
            zone.txt(self.domain, "v=spf1 mx ip4:198.51.100.0/24 -all")
        else:
            depth = int(self.shape[-1])
            names = [self.domain] + [f"_spf{i}.{self.domain}" for i in range(1, depth + 1)]
            for name, below in zip(names, names[1:]):
                zone.txt(name, f"v=spf1 ip4:198.51.100.0/24 include:{below} -all")
            zone.txt(names[-1], f"v=spf1 ip4:192.0.2.0/24 ip4:{self.client} -all")


class Agency:
    """A company that sends for others and signs as itself too."""

    def __init__(self, zone, keys, number):
        self.domain = f"agency{number:05d}.net"
        self.private, record = keys.rsa[(number + 1) % len(keys.rsa)]
        zone.txt("esp._domainkey." + self.domain, record)


def paragraph(rng, size):
    out = []
    length = 0
    while length < size:
        sentence = " ".join(rng.choices(WORDS, k=rng.randint(6, 14))).capitalize() + ".  "
        out.append(sentence)
        length += len(sentence)
    lines = textwrap.wrap("".join(out), 72)
    return "\r\n".join(lines) + "\r\n"


def body_of(rng, size, boundary, text_limit):
    """Small mail is text; larger mail is text and an attachment, as it is in life."""
    if size <= text_limit:
        return "text/plain; charset=us-ascii", paragraph(rng, size)
    text = paragraph(rng, text_limit)
    data = base64.encodebytes(rng.randbytes((size - len(text)) * 72 // 99))
    attachment = data.decode().replace("\n", "\r\n")
    parts = [
        f"--{boundary}", "Content-Type: text/plain; charset=us-ascii", "", text,
        f"--{boundary}", 'Content-Type: application/pdf; name="report.pdf"',
        'Content-Disposition: attachment; filename="report.pdf"',
        "Content-Transfer-Encoding: base64", "", attachment + f"--{boundary}--", "",
    ]
    return f'multipart/mixed; boundary="{boundary}"', "\r\n".join(parts)


def compose(rng, sender, size, number, text_limit):
    name = " ".join(w.capitalize() for w in rng.choices(WORDS, k=2))
    boundary = f"=_{rng.getrandbits(64):016x}"
    kind, body = body_of(rng, max(200, size - 1150), boundary, text_limit)
    fields = [
        f"Received: from app.{sender.domain} (app.{sender.domain} [10.0.0.{number % 250 + 1}])\r\n"
        f"\tby {sender.host} (Postfix) with ESMTPS id 4L{rng.getrandbits(40):X}\r\n"
        f"\tfor <user{number % 40}@example.jp>; {formatdate()}",
        f"Date: {formatdate()}",
        f"From: {name} <{rng.choice(WORDS)}@{sender.author_domain}>",
        f"To: user{number % 40}@example.jp",
        f"Subject: {' '.join(rng.choices(WORDS, k=5)).capitalize()}",
        f"Message-ID: <{rng.getrandbits(80):020x}@{sender.domain}>",
        "MIME-Version: 1.0",
        f"Content-Type: {kind}",
        "X-Mailer: Bench 1.0",
    ]
    return ("\r\n".join(fields) + "\r\n\r\n" + body).encode()


def sign(message, selector, domain, key, algorithm=b"rsa-sha256"):
    return dkim.sign(message, selector, domain.encode(), key, canonicalize=(b"relaxed", b"relaxed"),
                     signature_algorithm=algorithm, include_headers=SIGNED) + message


def write_message(folder, rng, sender, agency, size, number, text_limit):
    message = compose(rng, sender, size, number, text_limit)
    chance = rng.random()
    if chance < 0.10:
        message = sign(message, b"ed", sender.domain, sender.ed25519, b"ed25519-sha256")
    message = sign(message, b"s1", sender.domain, sender.rsa)
    if 0.10 <= chance < 0.25:
        message = sign(message, b"esp", agency.domain, agency.private)
    forwarded = rng.random() < 0.06
    altered = not forwarded and rng.random() < 0.03
    if altered:
        message += b"-- \r\nsent through the list\r\n"
    client = "203.0.113.77" if forwarded else sender.client
    envelope = [
        f"client={client}",
        f"name={'unknown' if forwarded else sender.host}",
        f"helo={sender.host}",
        f"from=bounce-{number}@{sender.domain}",
        f"rcpt=user{number % 40}@example.jp",
        f"group={sender.shape}",
        f"expect=spf={'fail' if forwarded else 'pass'} dkim={'fail' if altered else 'pass'} dmarc=pass",
    ]
    (folder / f"{number:05d}.eml").write_bytes(message)
    (folder / f"{number:05d}.env").write_text("\n".join(envelope) + "\n")


def read_weights(text):
    weights = dict.fromkeys(SPF_SHAPES, 0)
    for item in text.split(","):
        shape, weight = item.split("=")
        if shape not in weights:
            raise argparse.ArgumentTypeError(f"unknown SPF shape {shape}")
        weights[shape] = int(weight)
    return weights


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--messages", type=int, default=200, help="of each size")
    parser.add_argument("--sizes", default="2,20,200", help="in KB")
    parser.add_argument("--text", type=int, default=4,
                        help="KB of text in a message; what is larger has the rest as an attachment")
    parser.add_argument("--domains", type=int, default=60, help="senders of the sized corpora")
    parser.add_argument("--new-domains", type=int, default=0,
                        help="messages of which each has a domain of its own")
    parser.add_argument("--new-size", type=int, default=4, help="their size in KB")
    parser.add_argument("--spf", type=read_weights, metavar="SHAPE=WEIGHT,…",
                        default="ip4=35,a=5,mx=10,include1=30,include2=15,include3=5",
                        help="how often each shape of SPF record occurs: " + " ".join(SPF_SHAPES))
    parser.add_argument("--keys", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    args = arguments()
    rng = random.Random(args.seed)
    keys = Keys(args.keys)
    zone = Zone()
    shapes = rng.choices(SPF_SHAPES, [args.spf[s] for s in SPF_SHAPES],
                         k=args.domains + args.new_domains)
    senders = [Sender(zone, keys, rng, i, shape) for i, shape in enumerate(shapes)]
    agencies = [Agency(zone, keys, i) for i in range(len(senders))]
    for size in (int(s) for s in args.sizes.split(",") if s):
        folder = args.out / f"{size}k"
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(args.messages):
            sender = senders[number % args.domains]
            write_message(folder, rng, sender, agencies[number % 5], size * 1024, number, args.text * 1024)
    if args.new_domains:
        folder = args.out / "new"
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(args.domains, len(senders)):
            write_message(folder, rng, senders[number], agencies[number], args.new_size * 1024, number,
                          args.text * 1024)
    zone.write(args.out / "zone")


if __name__ == "__main__":
    main()
