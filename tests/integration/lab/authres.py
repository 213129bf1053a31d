"""Reads Authentication-Results fields (RFC 8601 §2.2) for comparison by meaning."""
import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s;="]+)|([;=])')


@dataclass
class Result:
    method: str
    result: str
    properties: dict = field(default_factory=dict)

    def __str__(self):
        return " ".join([f"{self.method}={self.result}"] + [f"{k}={v}" for k, v in self.properties.items()])


def without_comments(text):
    """Comments replaced by a blank; quoted strings are left alone."""
    out, depth, quoted, at = [], 0, False, 0
    while at < len(text):
        c = text[at]
        step = 2 if c == "\\" and (quoted or depth) else 1
        if quoted or (c == '"' and not depth):
            quoted = not quoted if c == '"' else quoted
            out.append(text[at:at + step])
        elif c == "(":
            depth += 1
            out.append(" ")
        elif c == ")" and depth:
            depth -= 1
        elif not depth:
            out.append(c)
        at += step
    return "".join(out)


def parse(value):
    """(authserv-id, [Result]). A value that is not well-formed raises ValueError."""
    tokens = [(m[1] if m[1] is not None else m[2] or m[3], m[3] is not None)
              for m in _TOKEN.finditer(without_comments(value))]
    sections, current = [], []
    for text, mark in tokens:
        if mark and text == ";":
            sections.append(current)
            current = []
        else:
            current.append(text)
    sections.append(current)
    if not sections[0]:
        raise ValueError("no authserv-id")
    return sections[0][0], [_section(s) for s in sections[1:] if s and s != ["none"]]


def _section(words):
    pairs = []
    at = 0
    while at < len(words):
        if at + 2 >= len(words) or words[at + 1] != "=":
            raise ValueError(f"not NAME=VALUE at {words[at:]!r}")
        pairs.append((words[at].lower(), words[at + 2]))
        at += 3
    (method, result), *properties = pairs
    return Result(method, result.lower(), dict(properties))


def matches(wanted, got):
    """Whether a result is what "method=a|b type.name=value …" wants; more properties may be there.

    A value "-" wants the property to be absent, "*" wants any value."""
    head, *properties = wanted.split(" ")
    method, _, words = head.partition("=")
    if got.method != method or got.result not in words.split("|"):
        return False
    for item in properties:
        name, _, value = item.partition("=")
        have = got.properties.get(name)
        if value == "-" and have is not None or value == "*" and have is None:
            return False
        if value not in ("-", "*") and (have is None or have.lower() != value.lower()):
            return False
    return True
