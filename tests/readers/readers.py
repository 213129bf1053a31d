#!/usr/bin/python3
"""Which addresses public readers of mail show as the author.

As a program: JSON objects come in, one a line, with "from" (a From field's value with its leading blank) or "from_base64",
or with "message_base64" (a whole message); each goes out again with what every reader shows:

    $ printf '%s\\n' '{"from": " A <a@x.example>"}' | tests/readers/readers.py
    {"from": " A <a@x.example>", "shown": {"python": ["a@x.example"], …}, "domains": ["x.example"]}

`--install` fetches those that are npm packages; afterwards nothing needs a network.
"""
import argparse
import base64
import email
import email._parseaddr as _parseaddr
import email.policy
import email.utils
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import dovecot_envelope  # noqa: E402

CACHE = "/var/cache/sekisho-lab/readers"
LOCKED = ["package.json", "package-lock.json"]
ROUTE = re.compile(r"^[\s<]*(@[^@:,]+,?\s*)+:")
AROUND = re.compile(r"[\s()<>\[\]\",;:\\?='].*", re.DOTALL)
AFTER_VALUE = b"\r\nTo: user@example.jp\r\nSubject: which author?\r\n\r\nText.\r\n"


def npm_folder():
    """Where the npm packages of this very lock file are: an older one's stay out of the way."""
    digest = hashlib.sha256()
    for name in LOCKED:
        with open(os.path.join(HERE, name), "rb") as text:
            digest.update(text.read())
    return os.path.join(CACHE, digest.hexdigest()[:16])


def install():
    """Fetch the npm packages, unless they are there: whole or not at all, also when two do it."""
    target = npm_folder()
    if os.path.isdir(target):
        return
    os.makedirs(CACHE, exist_ok=True)
    new = tempfile.mkdtemp(prefix="new.", dir=CACHE)
    os.chmod(new, 0o755)
    for name in LOCKED:
        shutil.copy(os.path.join(HERE, name), new)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=new, check=True,
                   stdin=subprocess.DEVNULL)
    try:
        os.rename(new, target)
    except OSError:
        shutil.rmtree(new)
        if not os.path.isdir(target):
            raise


def missing():
    """What is not there of what the readers need."""
    out = [name for name in ("node", "perl", "doveadm") if not shutil.which(name)]
    if not os.path.isdir(npm_folder()):
        out.append("the npm packages of tests/readers")
    perl = subprocess.run(["perl", "-MMail::Address", "-MEmail::Address::XS", "-e1"], capture_output=True)
    return out + (["Mail::Address, Email::Address::XS"] if perl.returncode else [])


def message_of(value):
    """A message with a From field of this value; a fold in it may be a bare LF."""
    return b"From:" + re.sub(rb"\r?\n", b"\r\n", value) + AFTER_VALUE


def read(messages):
    """For each message, {reader: [address, ...]}."""
    with ThreadPoolExecutor(3) as pool:
        parts = [pool.submit(_by_program, ["node", os.path.join(HERE, "readers.cjs"), npm_folder()], messages),
                 pool.submit(_by_program, ["perl", os.path.join(HERE, "readers.pl")], messages),
                 pool.submit(dovecot_envelope.read, messages)]
        python = [_by_python(message) for message in messages]
        node, perl, envelopes = (part.result() for part in parts)
    return [{**p, **n, **l, "dovecot": e} for p, n, l, e in zip(python, node, perl, envelopes)]


def domains(shown):
    """Every domain that somebody reads as that of an author: what follows an @ in an address, as far as it looks like one.

    Not a route (RFC 5322 section 4.4), which is to be ignored and stands before the address; nor a word without a dot."""
    found = set()
    for addresses in shown.values():
        for address in addresses:
            parts = ROUTE.sub("", address).split("@")[1:]
            found.update(_domain(part) for part in parts)
    return {name for name in found if "." in name}


def _domain(text):
    """Without what stands around it and the blanks around its dots; A-labels where it can have them."""
    name = AROUND.sub("", re.sub(r"\s*\.\s*", ".", text).lstrip("< \t\"'("))
    name = name.strip(".").lower()
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


def _by_program(argv, messages):
    lines = b"".join(base64.b64encode(message) + b"\n" for message in messages)
    done = subprocess.run(argv, input=lines, stdout=subprocess.PIPE, check=True)
    out = [json.loads(line) for line in done.stdout.split(b"\n")[:-1]]
    assert len(out) == len(messages), f"{argv[0]} answered {len(out)} of {len(messages)} messages"
    return out


def _by_python(message):
    return {"python_getaddresses": _quietly(_getaddresses, message), "python": _quietly(_policy_default, message),
            "python_lenient": _quietly(_getaddresses_lenient, message)}


def _getaddresses(message):
    """As most programs use it: the field as the old parser leaves it."""
    return [address for _, address in email.utils.getaddresses(_from_values(message))]


def _getaddresses_lenient(message):
    """As it was before it had a strict way, and still is in most places."""
    return [address for _, address in _parseaddr.AddressList(", ".join(_from_values(message))).addresslist]


def _from_values(message):
    return [str(value) for value in email.message_from_bytes(message).get_all("from", [])]


def _policy_default(message):
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    return [address.addr_spec for value in parsed.get_all("from", []) for address in value.addresses]


def _quietly(reader, message):
    """A reader that fails shows nothing."""
    try:
        return reader(message)
    except Exception:  # whatever the library could not cope with
        return []


def _message(row):
    if "message_base64" in row:
        return base64.b64decode(row["message_base64"])
    if "from_base64" in row:
        return message_of(base64.b64decode(row["from_base64"]))
    return message_of(row["from"].encode("utf-8", "surrogateescape"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--install", action="store_true", help="fetch the npm packages, and end")
    parser.add_argument("--installed", action="store_true", help="end with 0 when the npm packages are there, else with 1")
    options = parser.parse_args()
    if options.installed:
        return 0 if os.path.isdir(npm_folder()) else 1
    if options.install:
        install()
        return 0
    if absent := missing():
        print(f"not there: {', '.join(absent)}; tests/deps/install brings them", file=sys.stderr)
        return 1
    rows = [json.loads(line) for line in sys.stdin if line.strip()]
    for row, shown in zip(rows, read([_message(row) for row in rows])):
        print(json.dumps({**row, "shown": shown, "domains": sorted(domains(shown))}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
