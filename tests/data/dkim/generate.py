#!/usr/bin/python3
"""Writes the fixtures of this folder anew, with new keys: NN-topic.msg, NN-topic.dns and NN-topic.want.

  .msg   the message, octet by octet
  .dns   name -> TXT records, or "servfail" or "timeout"; a name that is absent does not exist
  .want  the results of the DKIM-Signature fields, top to bottom: a member that is absent may be anything;
         "questions", if there, is how many are asked; "now" is the clock

The signer here is its own: it is written from RFC 6376 and shares no line with the verifier. The arithmetic of RSA
comes from python3-dkim, that of Ed25519 from python3-nacl, the keys from openssl.
"""

import base64
import hashlib
import json
import pathlib
import re
import subprocess

import dkim.crypto
import nacl.signing

FOLDER = pathlib.Path(__file__).parent
NOW = 1795255200  # 2026-11-21 10:00 UTC
DNS_NAME = "sel._domainkey.a.example"

HEADER = [
    ("Received", " from c.example by mx.example; Sat, 21 Nov 2026 09:59:00 +0000"),
    ("From", " Alice <alice@a.example>"),
    ("To", " Bob  Example <bob@b.example>,\r\n\t Carol <carol@b.example>"),
    ("Subject", "   A \t subject  "),
    ("Date", " Sat, 21 Nov 2026 09:58:00 +0000"),
]
BODY = "Hello Bob,\r\n\r\nthis  is \t a test. \r\n\tBye\r\n"
FIELDS = "from:to:subject:date"


class RsaKey:
    algorithm = "rsa-sha256"

    def __init__(self, bits):
        pem = subprocess.run(["openssl", "genrsa", "-traditional", str(bits)], check=True, capture_output=True).stdout
        self.private = dkim.crypto.parse_pem_private_key(pem)
        der = ["openssl", "rsa", "-outform", "DER"]
        self.info = subprocess.run(der + ["-pubout"], input=pem, check=True, capture_output=True).stdout
        self.pkcs1 = subprocess.run(der + ["-RSAPublicKey_out"], input=pem, check=True, capture_output=True).stdout

    def sign(self, data, digest="sha256"):
        return dkim.crypto.RSASSA_PKCS1_v1_5_sign(hashlib.new(digest, data), self.private)

    def record(self):
        return "v=DKIM1; k=rsa; p=" + base64.b64encode(self.info).decode()

    def pkcs1_record(self):
        return "v=DKIM1; k=rsa; p=" + base64.b64encode(self.pkcs1).decode()


class Ed25519Key:
    algorithm = "ed25519-sha256"

    def __init__(self):
        self.private = nacl.signing.SigningKey.generate()

    def sign(self, data, digest="sha256"):
        return self.private.sign(hashlib.new(digest, data).digest()).signature

    def octets(self):
        return bytes(self.private.verify_key)

    def record(self):
        return "v=DKIM1; k=ed25519; p=" + base64.b64encode(self.octets()).decode()


RSA = RsaKey(2048)
OTHER_RSA = RsaKey(2048)
ED25519 = Ed25519Key()


def octets(text):
    return text if isinstance(text, bytes) else text.encode("utf-8")


def canonical_body(form, body):
    body = octets(body)
    if form == "relaxed":
        lines = [re.sub(rb"[ \t]+$", b"", re.sub(rb"[ \t]+", b" ", line)) for line in body.split(b"\r\n")]
        body = b"\r\n".join(lines)
    body = re.sub(rb"(\r\n)+$", b"", body)
    if form == "relaxed" and not body:
        return b""
    return body + b"\r\n"


def canonical_field(form, name, value):
    name, value = octets(name), octets(value)
    if form == "relaxed":
        name = name.lower().rstrip(b" \t")
        value = re.sub(rb"[ \t]+", b" ", re.sub(rb"\r\n([ \t])", rb"\1", value)).strip(b" \t")
    return name + b":" + value + b"\r\n"


def signed_data(header, names, form, name, value):
    left = list(reversed(header))
    out = b""
    for wanted in names.lower().split(":"):
        for i, field in enumerate(left):
            if field[0].strip().lower() == wanted.strip():
                out += canonical_field(form, *field)
                del left[i]
                break
    return out + canonical_field(form, name, value)[:-2]


def signature(key=RSA, c="relaxed/relaxed", header=HEADER, body=BODY, fields=FIELDS, name="DKIM-Signature", d="a.example",
              s="sel", l=None, extra="", a=None, v="v=1; ", order="{v}a={a}; c={c}; d={d}; s={s};{extra}\r\n\th={h};\r\n bh={bh};\r\n b={b}",
              digest="sha256", bh=None, b=None):
    """One DKIM-Signature field."""
    header_form, _, body_form = c.partition("/")
    canonical = canonical_body(body_form or "simple", body)
    if l is not None:
        canonical = canonical[:l] if isinstance(l, int) else canonical
        extra += f" l={l};"
    if bh is None:
        bh = base64.b64encode(hashlib.new(digest, canonical).digest()).decode()
    text = order.format(v=v, a=a or key.algorithm, c=c, d=d, s=s, h=fields, bh=bh, b="{b}", extra=extra)
    text = " " + text
    unsigned = re.sub(r"\s*\{b\}\s*", "", text)
    data = signed_data(header, re.sub(r"\s", "", fields), header_form, name, unsigned)
    if b is None:
        b = base64.b64encode(key.sign(data, digest)).decode()
        b = "\r\n\t".join(b[i:i + 64] for i in range(0, len(b), 64))
    return (name, text.replace("{b}", b))


def message(header, body=BODY):
    return b"".join(octets(n) + b":" + octets(v) + b"\r\n" for n, v in header) + b"\r\n" + octets(body)


CASES = []


def case(topic, want, signatures=None, header=None, body=BODY, dns=None, **more):
    """A case. `want` is a code or a list of results."""
    signatures = [signature(body=body)] if signatures is None else signatures
    if isinstance(want, str):
        want = [{"code": want}] * len(signatures)
    dns = {DNS_NAME: [RSA.record()]} if dns is None else dns
    CASES.append((topic, message(signatures + (HEADER if header is None else header), body), dns, {"results": want, **more}))


def key(record):
    return {DNS_NAME: record if isinstance(record, list) or record in ("servfail", "timeout") else [record]}


def canonicalisations():
    bodies = {
        "text": BODY,
        "empty": "",
        "line-ends": "\r\n\r\n\r\n",
        "no-final-crlf": "one\r\ntwo",
        "blank-tail": "one \t\r\n \t \r\n\t\r\n\r\n",
        "8bit": "na\u00efve  caf\u00e9\t\u3042 \r\n",
        "runs": "a" + " " * 200 + "b\t\t" + "x" * 500 + " \t \r\n" * 40 + "end\r\n",
    }
    for name, body in bodies.items():
        for c in ("simple/simple", "relaxed/relaxed", "simple/relaxed", "relaxed/simple"):
            if name in ("8bit", "runs", "line-ends") and c in ("simple/relaxed", "relaxed/simple"):
                continue
            case(f"{name}-{c.replace('/', '-')}", "pass", [signature(c=c, body=body)], body=body)
    case("no-c", "pass", [signature(c="simple/simple", order="{v}a={a}; d={d}; s={s}; h={h}; bh={bh}; b={b}")])
    case("c-header-only", "pass", [signature(c="relaxed")])
    case("relaxed-survives-blanks", "pass", [signature()], body=BODY.replace(" ", "  \t"))
    case("simple-does-not", "fail", [signature(c="simple/simple")], body=BODY.replace(" ", "  "))
    case("body-changed", [{"code": "fail", "reason": "the body was changed"}], body=BODY.replace("Bob", "Rob"),
         signatures=[signature()])
    case("header-changed", [{"code": "fail", "reason": "the signature does not match the header"}], [signature()],
         header=HEADER[:3] + [("Subject", " Another subject")] + HEADER[4:])
    case("header-refolded", "pass", [signature()],
         header=HEADER[:1] + [("FROM", "\r\n Alice\r\n\t<alice@a.example>  ")] + HEADER[2:])


def selection():
    twice = HEADER + [("Subject", " Second")]
    case("last-of-two", "pass", [signature(header=twice)], header=twice)
    case("both-of-two", "pass", [signature(header=twice, fields="from:subject:subject")], header=twice)
    case("both-of-two-swapped", "fail", [signature(header=twice, fields="from:subject:subject")],
         header=[("Subject", " Second") if n == "Subject" and v != " Second" else (n, "   A \t subject  ") if n == "Subject" else (n, v)
                 for n, v in twice])
    case("absent-fields", "pass", [signature(fields="from:reply-to:cc:list-id:from:x-none:x-none")])
    case("oversigned-field-added", "fail", [signature(fields="from:subject:subject")], header=[("Subject", " Added")] + HEADER)
    case("unsigned-field-added", "pass", [signature()], header=[("X-Added", " yes")] + HEADER)
    case("second-from-on-top", "pass", [signature()], header=[("From", " Eve <eve@e.example>")] + HEADER)
    case("second-from-at-end", "fail", [signature()], header=HEADER + [("From", " Eve <eve@e.example>")])
    case("h-of-64-names", "pass", [signature(fields=":".join(["from"] * 30 + ["x"] * 20 + ["Subject", "TO"] * 7))])
    case("h-with-blanks", "pass", [signature(fields="From : To :\r\n\t subject:Date")])
    spaced = [(n + " \t", v) if n == "Subject" else (n, v) for n, v in HEADER]
    case("blank-before-colon-relaxed", "pass", [signature(header=spaced)], header=spaced)
    case("blank-before-colon-simple", "pass", [signature(header=spaced, c="simple/simple")], header=spaced)
    empty = HEADER + [("Comments", ""), ("Keywords", " "), ("X-Long", " " + "y" * 1200)]
    case("empty-and-long-values", "pass", [signature(header=empty, fields="from:comments:keywords:x-long")], header=empty)
    own = [("DKIM-Signature", " v=1; a=rsa-sha256; other")] + HEADER
    case("signs-another-signature", [{"code": "pass"}, {"code": "permerror"}], [signature(header=own, fields="from:dkim-signature")],
         header=own)
    case("h-without-from", [{"code": "permerror", "reason": "From is not signed"}], [signature(fields="to:subject")], questions=0)
    case("h-empty-name", "permerror", [signature(fields="from::to")], questions=0)


def tags():
    case("b-first", "pass", [signature(order="b={b}; {v}a={a}; c={c}; d={d}; s={s}; h={h}; bh={bh}")])
    case("b-in-the-middle", "pass", [signature(c="simple/simple", order="{v}a={a}; c={c};\r\n b = {b}\r\n ; d={d}; s={s}; bh={bh}; h={h}")])
    case("b-last-semicolon", "pass", [signature(order="{v}a={a}; c={c}; d={d}; s={s}; h={h}; bh={bh}; b={b};")])
    case("name-in-lower-case", "pass", [signature(name="dkim-signature")])
    case("unknown-tags", "pass", [signature(extra=" zz=1; y_2=; z=From:a|To:b;")])
    case("a-and-c-in-capitals", [{"code": "pass", "algorithm": "rsa-sha256"}],
         [signature(a="RSA-SHA256", order="{v}a={a}; c=RELAXED/Relaxed; d={d}; s={s}; h={h}; bh={bh}; b={b}")])
    for name, changed in {
            "v-missing": {"v": ""}, "v-2": {"v": "v=2; "}, "v-twice": {"v": "v=1; v=1; "}, "a-unknown": {"a": "rsa-sha512"},
            "c-unknown": {"order": "{v}a={a}; c=nofws; d={d}; s={s}; h={h}; bh={bh}; b={b}"},
            "q-unknown": {"extra": " q=http;"}, "d-missing": {"order": "{v}a={a}; s={s}; h={h}; bh={bh}; b={b}"},
            "bh-empty": {"bh": ""}, "bh-1-octet": {"bh": "AA=="}, "bh-31-octets": {"bh": base64.b64encode(bytes(31)).decode()},
            "bh-33-octets": {"bh": base64.b64encode(bytes(33)).decode()}, "bh-4096-octets": {"bh": base64.b64encode(bytes(4096)).decode()},
            "b-empty": {"b": ""}, "b-no-base64": {"b": "!!!!"}, "t-no-number": {"extra": " t=now;"}, "x-13-digits": {"extra": " x=1000000000000;"},
            "i-outside": {"extra": " i=@b.example;"}, "i-above": {"extra": " i=@example;"}, "i-no-boundary": {"extra": " i=@xa.example;"},
            "i-without-at": {"extra": " i=a.example;"}, "i-bad-encoding": {"extra": " i=a=4@a.example;"},
            "i-encoded-crlf": {"extra": " i=a=0D=0Ab@a.example;"}, "i-encoded-nul": {"extra": " i==00@a.example;"},
            "s-invalid": {"s": "a b"}, "s-empty": {"s": ""}}.items():
        case(name, "permerror", [signature(**changed)], questions=0)
    case("q-one-known", "pass", [signature(extra=" q=http : dns/txt;")])
    case("i-below", [{"code": "pass", "identity": "@x.a.example"}], [signature(extra=" i=@x.A.example;")])
    case("i-encoded", [{"code": "pass", "identity": "alice@a.example"}], [signature(extra=" i==61lice=40a.\r\n\texample;")])
    case("no-i", [{"code": "pass", "identity": "@a.example", "domain": "a.example", "selector": "sel"}], [signature()])
    case("u-labels", [{"code": "pass", "domain": "xn--bcher-kva.example", "identity": "j\u00f6rg@xn--bcher-kva.example"}],
         [signature(d="b\u00fccher.example", extra=" i=j\u00f6rg@b\u00fccher.example;")],
         dns={"sel._domainkey.xn--bcher-kva.example": [RSA.record()]})
    case("selector-with-dots", [{"code": "pass", "selector": "2026.eu_1"}], [signature(s="2026.EU_1")],
         dns={"2026.eu_1._domainkey.a.example": [RSA.record()]})


def times():
    for name, extra, want in (("t-now", f" t={NOW};", "pass"), ("t-within-skew", f" t={NOW + 299};", "pass"),
                              ("t-in-the-future", f" t={NOW + 301};", "permerror"), ("x-later", f" x={NOW + 60};", "pass"),
                              ("x-within-skew", f" x={NOW - 299};", "pass"), ("x-past", f" x={NOW - 301};", "permerror"),
                              ("x-before-t", f" t={NOW}; x={NOW - 1};", "permerror"), ("x-equals-t", f" t={NOW}; x={NOW};", "permerror")):
        case(name, want, [signature(extra=extra)])


def lengths():
    whole = len(canonical_body("relaxed", BODY))
    case("l-exact", "pass", [signature(l=whole)])
    case("l-and-more-body", [{"code": "policy", "reason": "the body goes on beyond l="}], [signature(l=whole)], body=BODY + "More.\r\n")
    case("l-and-empty-lines", "pass", [signature(l=whole)], body=BODY + "\r\n \r\n")
    case("l-0", "policy", [signature(l=0)])
    case("l-0-empty-body", "pass", [signature(l=0, body="")], body="")
    case("l-part", "policy", [signature(l=10)])
    case("l-part-changed", "fail", [signature(l=10)], body="J" + BODY[1:])
    case("l-longer-than-body", "permerror", [signature(l=len(BODY) + 1)])
    case("l-2-to-the-64", "permerror", [signature(l="18446744073709551616")])
    case("l-negative", "permerror", [signature(l="-1")], questions=0)
    case("l-77-digits", "permerror", [signature(l="0" * 77)], questions=0)
    case("l-four-ways", [{"code": "pass"}, {"code": "pass"}, {"code": "policy"}, {"code": "policy"}],
         [signature(), signature(l=whole), signature(l=10), signature(c="simple/simple", l=12)])


def keys():
    case("ed25519", [{"code": "pass", "algorithm": "ed25519-sha256"}], [signature(ED25519)], dns=key(ED25519.record()))
    case("ed25519-simple", "pass", [signature(ED25519, c="simple/simple")], dns=key(ED25519.record()))
    case("ed25519-body-changed", "fail", [signature(ED25519)], dns=key(ED25519.record()), body="?")
    for size in (63, 65):
        case(f"ed25519-b-{size}-octets", "permerror", [signature(ED25519, b=base64.b64encode(bytes(size)).decode())], questions=0)
    for size in (0, 31, 33):
        octets_of_key = base64.b64encode((ED25519.octets() + b"x")[:size]).decode()
        case(f"ed25519-key-{size}-octets", "permerror", [signature(ED25519)], dns=key("v=DKIM1; k=ed25519; p=" + octets_of_key))
    case("rsa-pkcs1-key", "pass", dns=key(RSA.pkcs1_record()))
    case("rsa-b-truncated", "fail", [signature(b=base64.b64encode(bytes(255)).decode())])
    for bits, want in ((512, "policy"), (768, "policy"), (1023, "policy"), (1024, "pass"), (4096, "pass"), (8192, "permerror")):
        rsa = RsaKey(bits)
        case(f"rsa-{bits}", [{"code": want, "key_bits": bits}], [signature(rsa)], dns=key(rsa.record()))
    case("rsa-sha1", [{"code": "permerror", "algorithm": "rsa-sha1"}], [signature(a="rsa-sha1", digest="sha1")], questions=0)
    for name, record, want in (
            ("other-key", OTHER_RSA.record(), "fail"), ("revoked", "v=DKIM1; k=rsa; p=", "permerror"),
            ("key-without-p", "v=DKIM1; k=rsa", "permerror"), ("key-no-base64", "v=DKIM1; p=$$$$", "permerror"),
            ("key-no-der", "v=DKIM1; p=AAAA", "permerror"), ("key-without-v", RSA.record().replace("v=DKIM1; ", ""), "pass"),
            ("key-v-last", RSA.record().replace("v=DKIM1; ", "") + "; v=DKIM1", "permerror"),
            ("key-v-2", RSA.record().replace("DKIM1", "DKIM2"), "permerror"),
            ("key-twice-in-one", RSA.record() + "; " + RSA.record(), "permerror"),
            ("key-h-sha1", RSA.record() + "; h=sha1", "permerror"), ("key-h-both", RSA.record() + "; h=sha1 : sha256", "pass"),
            ("key-s-other", RSA.record() + "; s=tlsrpt", "permerror"), ("key-s-email", RSA.record() + "; s=tlsrpt:email", "pass"),
            ("key-s-star", RSA.record() + "; s=*", "pass"), ("key-k-unknown", RSA.record().replace("k=rsa", "k=dsa"), "permerror"),
            ("key-of-other-type", ED25519.record(), "permerror"), ("key-ed25519-blob", RSA.record().split("p=")[0] + "p=" + base64.b64encode(ED25519.octets()).decode(), "permerror"),
            ("key-with-notes", RSA.record() + "; n=for =20 people; g=*; x=y", "pass"), ("key-with-blanks", RSA.record().replace("A", " A "), "pass"),
            ("key-servfail", "servfail", "temperror"), ("key-timeout", "timeout", "temperror"), ("key-nodata", [], "permerror")):
        case(name, want, dns=key(record))
    case("key-testing", [{"code": "pass", "testing": True}], dns=key(RSA.record() + "; t=y"))
    case("key-strict", "permerror", [signature(extra=" i=@x.a.example;")], dns=key(RSA.record() + "; t=y:s"))
    case("key-strict-same", "pass", [signature(extra=" i=bob@a.example;")], dns=key(RSA.record() + "; t=s"))
    case("no-key", [{"code": "permerror", "reason": "no key"}], dns={})
    case("two-keys", "pass", dns=key([OTHER_RSA.record(), RSA.record()]))
    case("two-keys-reversed", "pass", dns=key([RSA.record(), OTHER_RSA.record()]))
    case("two-wrong-keys", "fail", dns=key([OTHER_RSA.record(), "v=DKIM1; p="]))
    case("three-keys", "permerror", dns=key([RSA.record(), OTHER_RSA.record(), "v=DKIM1; p="]))
    case("key-beside-other-text", "pass", dns=key(["v=spf1 -all", RSA.record(), "hello"]))


def numbers():
    case("no-signature", [], [])
    case("two-algorithms", "pass", [signature(ED25519, s="ed"), signature()], dns={**key(RSA.record()), "ed._domainkey.a.example": [ED25519.record()]},
         questions=2)
    case("one-question-for-two", "pass", [signature(), signature(c="simple/simple")], questions=1)
    case("good-below-bad", [{"code": "permerror"}, {"code": "pass"}], [("DKIM-Signature", " nonsense"), signature()])
    case("twelve-signatures", [{"code": "pass"}] * 10 + [{"code": "policy", "domain": ""}] * 2, [signature()] * 12)
    case("limit-counts-from-the-top", [{"code": "permerror"}] * 10 + [{"code": "policy"}], [("DKIM-Signature", " v=1")] * 10 + [signature()],
         questions=0)


for cases in (canonicalisations, selection, tags, times, lengths, keys, numbers):
    cases()
for suffix in ("msg", "dns", "want"):
    for old in FOLDER.glob(f"[0-9]*.{suffix}"):
        old.unlink()
for number, (topic, text, dns, want) in enumerate(CASES, 1):
    stem = FOLDER / f"{number:03}-{topic}"
    stem.with_suffix(".msg").write_bytes(text)
    stem.with_suffix(".dns").write_text(json.dumps(dns, indent=1) + "\n")
    stem.with_suffix(".want").write_text(json.dumps({"now": NOW, **want}, indent=1) + "\n")
print(len(CASES), "cases")
