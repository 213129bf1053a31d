"""The message of a scenario: built, signed, and then perhaps spoiled."""
import base64
import email.utils
import re
import time

from . import signing

KEYS = {"from", "to", "subject", "headers", "bottom_headers", "body", "raw", "generator", "sign", "after_signing",
        "omit"}
TEXT = "Dear reader,\n\nthis is a plain message.\n\n-- \nThe writer\n"


def build(spec, scenario_id, keys):
    """The octets of a message.

    from, to, subject: values; "headers": raw fields put on top, "bottom_headers": after the others; omit: default
    fields to leave out; body; or raw: everything. generator: {name, …} adds what no data file should hold. sign: a
    list for signing.sign. after_signing: append, replace = [[old, new], …], generator, headers put on top.
    """
    unknown = set(spec) - KEYS
    if unknown:
        raise ValueError(f"{scenario_id}: unknown message keys {sorted(unknown)}")
    message = _octets(spec["raw"]) if "raw" in spec else _compose(spec, scenario_id)
    message = _generate(message, spec)
    for options in spec.get("sign", []):
        message = signing.sign(message, dict(options), keys)
    after = spec.get("after_signing", {})
    for old, new in after.get("replace", []):
        assert _octets(old) in message, f"{scenario_id}: nothing to replace: {old!r}"
        message = message.replace(_octets(old), _octets(new), 1)
    message = _generate(message, after)
    return _octets("".join(h + "\n" for h in after.get("headers", []))) + message + _octets(after.get("append", ""))


def _generate(message, spec):
    options = dict(spec.get("generator", {}))
    return GENERATORS[options.pop("name")](message, **options) if options else message


def _octets(text):
    """CRLF for LF; a character of U+F780…U+F7FF (for private use) stands for the single octet 0x80…0xFF."""
    text = re.sub("[\uf780-\uf7ff]", lambda c: chr(ord(c[0]) - 0xF700 + 0xDC00), text)
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "surrogateescape")


def _compose(spec, scenario_id):
    fields = [("From", spec.get("from")), ("To", spec.get("to", "Reader <user@example.jp>")),
              ("Subject", spec.get("subject", scenario_id)), ("Date", email.utils.formatdate(time.time())),
              ("Message-ID", f"<{scenario_id}@lab.test>")]
    omitted = {name.lower() for name in spec.get("omit", [])}
    lines = list(spec.get("headers", []))
    lines += [f"{name}: {value}" for name, value in fields if value is not None and name.lower() not in omitted]
    lines += spec.get("bottom_headers", [])
    return _octets("\n".join(lines) + "\n\n" + spec.get("body", TEXT))


def _on_top(message, fields):
    return b"".join(f + b"\r\n" for f in fields) + message


def long_field(message, size, field="X-Long", fold=0, prefix=""):
    """One field of `size` octets after its prefix, folded every `fold` octets, or not at all."""
    value = b"x" * size
    if fold:
        value = b"\r\n\t".join(value[i:i + fold] for i in range(0, size, fold))
    return _on_top(message, [f"{field}: {prefix}".encode() + value])


def many_fields(message, count, field="X-Field: value"):
    return _on_top(message, [field.replace("{n}", str(n)).encode() for n in range(count)])


def junk_signatures(message, foreign, foreign_domain, own, own_domain):
    """Signatures that verify nothing, with a key to ask for each: those of one domain above those of another."""
    octets = base64.b64encode(b"\1" * 128).decode()
    digest = base64.b64encode(bytes(32)).decode()
    domains = [foreign_domain] * foreign + [own_domain] * own
    return _on_top(message, [f"DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s=j{n}; h=from; bh={digest}; b={octets}".encode()
                             for n, domain in enumerate(domains)])


def big_body(message, megabytes):
    """Text, then an attachment, as large mail is."""
    line = base64.b64encode(bytes(range(57))) + b"\r\n"
    return message + line * (megabytes * 1_000_000 // len(line))


def nested_mime(message, depth):
    """multipart/mixed in multipart/mixed, `depth` deep."""
    top = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b0"\r\n'
    parts = [b'--b%d\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n' % (n, n + 1) for n in range(depth)]
    header = message.partition(b"\r\n\r\n")[0]
    return top + header + b"\r\n\r\n" + b"".join(parts) + b"--b%d\r\n\r\ninnermost\r\n" % depth


def raw_octets(message, hexadecimal, where="body"):
    """Octets as they are, at the end of the body or as the value of a field."""
    octets = bytes.fromhex(hexadecimal)
    if where == "body":
        return message + octets + b"\r\n"
    return _on_top(message, [b"X-Raw: " + octets])


def signatures(message, count, domain, selector="s1"):
    """`count` signatures that parse and do not verify; {n} in the selector is a number."""
    field = ("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={d}; s={s}; h=from;\r\n"
             "\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA{n:04d}")
    return _on_top(message, [field.format(d=domain, s=selector.replace("{n}", str(n)), n=n).encode()
                             for n in range(count)])


GENERATORS = {"long_field": long_field, "many_fields": many_fields, "big_body": big_body, "nested_mime": nested_mime,
              "raw_octets": raw_octets, "signatures": signatures,
              "junk_signatures": junk_signatures}
