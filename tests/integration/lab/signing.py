"""Signs a message, also in ways that no good signer would. RFC 6376 §3.5, §5; RFC 8463."""
import base64
import hashlib

from dkim.canonicalization import CanonicalizationPolicy
from dkim.crypto import RSASSA_PKCS1_v1_5_sign

DEFAULT_FIELDS = "from:to:subject:date:message-id"


def split(message):
    """([(name, value with CRLF)], body) of a message with CRLF line ends."""
    block, _, body = message.partition(b"\r\n\r\n")
    fields = []
    for line in block.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1][1] += line + b"\r\n"
        else:
            name, _, value = line.partition(b":")
            fields.append([name, value + b"\r\n"])
    return [(name, value) for name, value in fields], body


def sign(message, options, keys):
    """The message with one more DKIM-Signature field on top.

    options: d, s, key ("rsa2048"), a, c ("relaxed/relaxed"), h, i, l, t, x as the tags of their names; v, bh, b to
    write something else than is right; extra: more tags as text; name: the field's name as it is to be written.
    """
    fields, body = split(message)
    key_name = options.get("key", "rsa2048")
    algorithm = options.get("a", "ed25519-sha256" if key_name.startswith("ed25519") else "rsa-sha256")
    canonical = options.get("c", "relaxed/relaxed")
    policy = CanonicalizationPolicy.from_c_value(canonical.encode())
    digest = hashlib.sha1 if algorithm.endswith("sha1") else hashlib.sha256
    canonical_body = policy.canonicalize_body(body)
    length = options.get("l")
    if length is not None:
        canonical_body = canonical_body[:length]
    body_hash = base64.b64encode(digest(canonical_body).digest()).decode()
    names = options.get("h", DEFAULT_FIELDS)
    tags = [("v", options.get("v", "1")), ("a", algorithm), ("c", canonical), ("d", options["d"]), ("s", options["s"])]
    tags += [(tag, str(options[tag])) for tag in ("i", "l", "t", "x", "q", "z") if tag in options]
    tags += [("h", names), ("bh", options.get("bh", body_hash))]
    value = " " + "; ".join(f"{tag}={text}" for tag, text in tags if text != "-")
    value += (";\r\n\t" + options["extra"] if "extra" in options else "") + ";\r\n\tb="
    name = options.get("name", "DKIM-Signature").encode()
    chosen = _select(fields, names) + [(name, value.encode())]
    text = b"".join(n + b":" + v for n, v in policy.canonicalize_headers(chosen)).removesuffix(b"\r\n")
    signature = options.get("b") or _signature(digest(text), algorithm, keys.private(key_name))
    return name + b":" + (value + signature).encode() + b"\r\n" + message


def _select(fields, names):
    """The fields that h= names, each time the lowest one not yet taken (RFC 6376 §5.4.2)."""
    remaining = list(fields)
    chosen = []
    for wanted in names.split(":"):
        for at in range(len(remaining) - 1, -1, -1):
            if remaining[at][0].strip().lower() == wanted.strip().lower().encode():
                chosen.append(remaining.pop(at))
                break
    return chosen


def _signature(digest, algorithm, key):
    if algorithm.startswith("ed25519"):
        return base64.b64encode(key.sign(digest.digest()).signature).decode()
    return base64.b64encode(RSASSA_PKCS1_v1_5_sign(digest, key)).decode()
