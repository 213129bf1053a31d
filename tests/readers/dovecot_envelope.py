"""Which addresses the From field of messages has in the ENVELOPE that Dovecot's IMAP server tells its clients."""
import os
import shutil
import subprocess
import tempfile

CONFIGURATION = """base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols =
ssl = no
mail_location = maildir:{home}/mail
mail_uid = nobody
mail_gid = nogroup
first_valid_gid = 0
stats_writer_socket_path =
"""
ITEMS, FROM = 10, 2   # RFC 9051 section 7.5.2: date, subject, from, ...


def read(messages):
    """A list of addresses for each message. Dovecot reads nothing as root, so its files are nobody's."""
    with tempfile.TemporaryDirectory(prefix="dovecot.") as home:
        _write(home, messages)
        done = subprocess.run(["doveadm", "-c", home + "/dovecot.conf", "-f", "pager", "fetch", "uid imap.envelope", "all"],
                              env={**os.environ, "USER": "nobody", "HOME": home}, stdin=subprocess.DEVNULL,
                              capture_output=True, check=True)
    return list(_senders(done.stdout, len(messages)))


def _senders(output, count):
    """One message after the other, in the order of their UIDs: what they contain ends where its syntax says."""
    at = 0
    for number in range(count):
        prefix = b"uid: %d\nimap.envelope: " % (number + 1)
        at = output.index(prefix, at) + len(prefix)
        envelope = []
        for _ in range(ITEMS):
            item, at = _item(output, at)
            envelope.append(item)
            at += 1
        yield [_address(*one) for one in envelope[FROM] or []]


def _write(home, messages):
    for name in ("mail/cur", "mail/new", "mail/tmp", "run", "state"):
        os.makedirs(os.path.join(home, name))
    for number, message in enumerate(messages):
        # The order of the names is that of the UIDs.
        with open(f"{home}/mail/cur/{number:08d}.readers:2,S", "wb") as out:
            out.write(message)
    with open(home + "/dovecot.conf", "w") as out:
        out.write(CONFIGURATION.format(home=home))
    for folder, _, files in os.walk(home):
        for path in [folder, *(os.path.join(folder, name) for name in files)]:
            shutil.chown(path, "nobody", "nogroup")


def _address(_name, _route, mailbox, host):
    """A mailbox without a host begins a group, and one that is no more ends it. Dovecot writes MISSING_DOMAIN for none."""
    if mailbox is None or host in (None, "MISSING_DOMAIN"):
        return mailbox or ""
    return f"{mailbox}@{host}"


def _list(text, at):
    """What stands in brackets: strings, NIL as None, lists. Returns it, and where it ends."""
    out = []
    while text[at:at + 1] != b")":
        if text[at:at + 1] == b" ":
            at += 1
            continue
        item, at = _item(text, at)
        out.append(item)
    return out, at + 1


def _item(text, at):
    first = text[at:at + 1]
    if first == b"(":
        return _list(text, at + 1)
    if first == b'"':
        return _quoted(text, at + 1)
    if first == b"{":
        end = text.index(b"}", at)
        begin = text.index(b"\n", end) + 1
        after = begin + int(text[at + 1:end])
        return text[begin:after].decode("utf-8", "replace"), after
    if text[at:at + 3] == b"NIL":
        return None, at + 3
    raise ValueError(f"no ENVELOPE: {text!r} at {at}")


def _quoted(text, at):
    out = bytearray()
    while text[at] != ord('"'):
        at += text[at] == ord("\\")
        out.append(text[at])
        at += 1
    return out.decode("utf-8", "replace"), at + 1
