"""From fields to try readers and the filter with: from a grammar of valid, sloppy and hostile ones, and by mutation of those
that are written down in tests/data/readers/. The same seed makes the same fields.

A sender owns att.test, and writes from there; and victim.te, which is short of a few letters. It wants to be taken for
somebody at victim.test.
"""
import base64
import json
import os
import random
import re
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../data/readers")
OWN, NEAR, VICTIM = "att.test", "victim.te", "victim.test"
LONGEST = 900            # octets of a line; an MTA may cut longer ones (RFC 5322 section 2.1.1)
ALIAS = "alias.att.test"   # whose CNAME leads to the victim's
OWN_DOMAINS = [OWN, OWN, OWN, "x." + OWN, ALIAS, "ATT.test", "att.test.", "att . test", "att.\r\n test", "(c)att.test", "att.test(c)"]
VICTIM_DOMAINS = [VICTIM, VICTIM, VICTIM, "www." + VICTIM, "VICTIM.test", "victim.test.", "victim . test"]
LOCALS = ["x", "x", "ceo", "a.b", "a . b", '"x"', '"x y"', "x(c)", "(c)x", '"a@b"', '"x\\"y"', "x+tag", "x=y", "x/y", "x'"]
WORDS = ["CEO", "Anna", "Example, Inc.", "Kock, Arne", "HowlRound: A Center", "Admin.", "M. Smith", "O'Neil", "Smith (Billing)",
         "=?utf-8?Q?Anna_=C3=9Cber?=", "=?utf-8?B?QW5uYQ==?=", "M\u00fcller", "\u682a\u5f0f\u4f1a\u793e", "\U0001f600 News", "via Forum",
         "10:30", "<3", ">", "[x]", "EX\\anna", ":)", "a;b", "1/2", "@handle", "at", "--", "'", "\u200e", "=?utf-8?Q?a=40b?="]
NOISE = list('"\\()<>@,;:[]. \t') + ["\r\n ", "\r\n\t", "\\\"", "\\\\", "\\<", "\\@", "\\)", '""', "()", "<>", ",,", ";;", "::", "\u200b", "\xa0",
                                   "\uff20", "\x0b", "\x01", "\x7f", "\xe9", "=?utf-8?Q?", "?=", "=?utf-8?Q?=40?=",
                                   "=?utf-8?Q?=3Cceo=40victim=2Etest=3E?=", "=?utf-8?B?PGNlb0B2aWN0aW0udGVzdD4=?=", "%", "!", "`", "^"]


@dataclass
class Field:
    value: bytes             # as it stands behind "From:", with CRLF folds
    legitimate: bool = False  # a sloppy name with a proven domain: it must arrive

    @property
    def domain(self):
        """The domain of the sender that is proven for it."""
        return NEAR if re.search(rb"victim\.te(?!st)", self.value) else OWN


def fixtures():
    """Those that are written down. `domain` is example.com and the like there, and becomes the sender's own."""
    out = []
    for row in _rows("from.json"):
        value = _octets(row)
        if domain := row.get("domain"):
            value = value.replace(domain.encode(), OWN.encode())
        out.append(Field(value, row["want"] in ("one", "readable")))
    return out + [Field(_octets(row)) for row in _rows("hostile.json")]


def _octets(row):
    value = base64.b64decode(row["from_base64"]) if "from_base64" in row else row["from"].encode()
    return value.replace(b"\n", b"\r\n")


def _rows(name):
    with open(os.path.join(DATA, name)) as text:
        return json.load(text)


class Generator:
    def __init__(self, seed):
        self._chance = random.Random(seed)
        self._written = fixtures()

    def fields(self, count):
        """`count` fields: all that are written down, and then valid, sloppy and hostile, and mutated ones."""
        out = self._written[:count]
        while len(out) < count:
            value = self._one([self._valid, self._valid, self._made, self._mutated, self._mutated])()
            value = value.encode("utf-8", "surrogateescape")
            if usable(value):
                out.append(Field(value))
        return out

    def _pick(self, *choices):
        return self._chance.choice(choices)

    def _one(self, choices):
        return self._chance.choice(choices)

    def _often(self, share=0.5):
        return self._chance.random() < share

    def _domain(self, victim):
        return self._one(VICTIM_DOMAINS if victim else OWN_DOMAINS)

    def _address(self, victim):
        local = self._one(LOCALS)
        if self._often(0.08):
            local = self._pick('"ceo@victim.test"', '"<ceo@victim.test>"', '"\\"<ceo@victim.test>"', '"ceo@victim.test,"', "ceo@victim.test",
                               '"ceo\\@victim.test"', '"\\<ceo@victim.test\\> "')
        at = self._one(["@", "@", "@", "@", " @ ", "@ ", " @", "(c)@", "@(c)"])
        return local + at + self._domain(victim)

    def _angle(self, victim):
        inner = self._address(victim)
        if self._often(0.06):
            inner = self._pick("@victim.test:", "@relay.test:", "@a.test,@victim.test:") + inner
        if self._often(0.05):
            inner = self._pick("<", " ", "(ceo@victim.test)", "CEO <") + inner
        close = self._one([">"] * 12 + ["", ">>", " >", ">;", ">.", "> ."])
        return self._one(["<"] * 12 + ["<<", "", "< "]) + inner + close

    def _bait(self):
        """What should not be taken for an author."""
        plain = self._pick("ceo@victim.test", "<ceo@victim.test>", "CEO <ceo@victim.test>", "ceo@victim.test,", "<ceo@victim.test>,",
                           "ceo@victim. test", "victim.test", "ceo@x.att.test", "ceo@att.test", "ceo")
        return self._pick(plain, self._quoted(plain), self._commented(plain), self._encoded(plain))

    def _quoted(self, text):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        opening = self._one(['"'] * 6 + ['"\\"', '"\\\\', '"\\" ', '"a\\" ', "'", "\u201c"])
        closing = self._one(['"'] * 6 + ['\\""', '\\\\"', '" "', "", "'"])
        return opening + escaped + closing

    def _commented(self, text):
        opening = self._one(["("] * 6 + ["((", "(\\(", "(\\)", '("', "(\\"])
        return opening + text + self._one([")"] * 6 + ["))", "\\)", "", "\\))", '")'])

    def _encoded(self, text):
        coded = base64.b64encode(text.encode()).decode()
        hexed = "".join(c if c.isalnum() else f"={ord(c):02X}" for c in text)
        return self._pick(f"=?utf-8?B?{coded}?=", f"=?utf-8?Q?{hexed}?=", f'"=?utf-8?B?{coded}?="', f"=?utf-8?Q?{text}?=")

    def _phrase(self):
        parts = [self._one(WORDS) for _ in range(self._chance.randrange(3))]
        if self._often(0.45):
            parts.insert(self._chance.randrange(len(parts) + 1), self._bait())
        text = self._one([" ", " ", "", "\r\n "]).join(parts)
        if self._often(0.3):
            text = self._quoted(text)
        return text

    def _mailbox(self, victim=False):
        if self._often(0.25):
            return self._address(victim) + (" " + self._commented(self._one([*WORDS, "ceo@victim.test"])) if self._often(0.3) else "")
        return self._phrase() + self._one([" ", " ", "", "\t", "\r\n "]) + self._angle(victim)

    def _valid(self):
        """By RFC 5322, with what is allowed to stand in a quoted string, a comment or an encoded word, and is no author."""
        bait = self._pick("ceo@victim.test", "<ceo@victim.test>", "CEO <ceo@victim.test>", "victim.test", "ceo@att.test", "a, b", "CEO", "x;",
                          '"', "\\", ")", "(", '" <ceo@victim.test>', "\\ <ceo@victim.test>", '\\" <ceo@victim.test>, "', ") ceo@victim.test (")
        escaped = bait.replace("\\", "\\\\")
        words = [self._one(["CEO", "Anna", "=?utf-8?Q?Anna?=", "Smith-Jones", "1/2", "M\u00fcller", "Admin."]) for _ in range(self._chance.randrange(3))]
        quoted = '"' + escaped.replace('"', '\\"') + '"'
        comment = "(" + escaped.replace("(", "\\(").replace(")", "\\)") + ")"
        coded = f"=?utf-8?B?{base64.b64encode(bait.encode()).decode()}?="
        if self._often(0.8):
            words.insert(self._chance.randrange(len(words) + 1), self._pick(quoted, quoted, comment, coded))
        blank = self._one([" ", " ", " ", "\r\n "])
        address = self._one(["x", "x", "a.b", '"x"', "x+y", quoted]) + "@" + self._one([OWN, OWN, "x." + OWN, "ATT.TEST", ALIAS])
        trailer = self._one(["", "", "", "", "", " " + comment])
        if self._often(0.2):
            return " " + address + trailer
        return " " + blank.join([*words, f"<{address}>"]) + trailer

    def _made(self):
        kind = self._chance.random()
        if kind < 0.03:
            text = f"ceo@{NEAR}" + self._pick(" ", " (c) ", "\r\n ", "\t") + self._pick("st", "s t", "st)", "st (c)")
        elif kind < 0.62:
            text = self._mailbox()
        elif kind < 0.74:
            text = ", ".join([self._mailbox(), self._mailbox(self._often(0.7))])
        elif kind < 0.82:
            text = self._phrase() + ":" + self._pick("", self._mailbox(), self._mailbox(True), self._bait()) + self._pick(";", "", ";" + self._mailbox())
        elif kind < 0.9:
            text = self._bait() + self._one([" ", "", ",", ";", ":", "\r\n "]) + self._mailbox()
        else:
            text = self._mailbox() + self._one([" ", "", ",", ";", ":", "\r\n "]) + self._bait()
        return " " + text

    def _mutated(self):
        base = self._one(self._written).value.decode("utf-8", "surrogateescape") if self._often() else self._pick(self._valid, self._made)()
        for _ in range(1 + self._chance.randrange(3)):
            base = self._mutation(base)
        return base

    def _mutation(self, text):
        at = self._chance.randrange(len(text) + 1)
        to = min(len(text), at + 1 + self._chance.randrange(6))
        kind = self._chance.randrange(7)
        if kind == 0:
            return text[:at] + self._one(NOISE) + text[at:]
        if kind == 1:
            return text[:at] + text[to:]
        if kind == 2:
            return text[:to] + text[at:]
        if kind == 3:
            return text[:at] + self._bait() + text[at:]
        if kind == 4:
            return text[:at] + self._one(NOISE) + text[to:]
        if kind == 5:
            return text.replace(OWN, VICTIM, 1) if self._often(0.3) else text + self._one(NOISE) + self._bait()
        return text[:at] + self._quoted(text[at:to]) + text[to:]


def usable(value):
    """A value that stays one field: no fold without a blank, no line end of its own, no NUL, none that is only blanks."""
    unfolded = value.replace(b"\r\n ", b"").replace(b"\r\n\t", b"")
    lines = value.split(b"\r\n")
    # What is behind a fold of blanks alone is lost in some MTA's hands.
    return (b"\r" not in unfolded and b"\n" not in unfolded and b"\0" not in value and unfolded.strip(b" \t") != b""
            and len(value) <= LONGEST and all(line.strip(b" \t") for line in lines) and lines[0][:1] in (b" ", b"\t"))
