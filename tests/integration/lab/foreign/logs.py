"""What fail2ban and pflogsumm read in our log: of a morning in which it is known what happened."""
import os
import re

from ..site import Client, letter
from ..situations.world import expect, refused, send
from . import ground as at
from .ground import program, wait_until
from .hops import report, submit
from .programs import msmtp

# Where tests/deps/install unpacks it.
FAIL2BAN = "/var/cache/sekisho-lab/root"
DOCUMENTS = os.path.join(at.HERE, "../../../../docs/fail2ban")
PASSWORD_PLAIN, PASSWORD_LOGIN, PASSWORD_SCRAM, UNKNOWN, RELAYING, ERRORS, PIPELINING, GONE = at.CULPRITS


def attempt(ground, source, mechanism):
    ended, shown = program(ground.client, msmtp(ground, mechanism, 587, "wrong", source), letter(at.USER, "user@elsewhere.example"))
    expect(ended != 0 and "535" in shown, shown)


def raw(ground, source, octets):
    """All that the server says to somebody who does not wait for it, until it ends the connection."""
    with ground.client.connect("192.0.2.5", 25, source) as connection:
        said = b""
        while not said.endswith(b"\n"):
            said += connection.recv(4096)
        for part in octets:
            connection.sendall(part)
            if part.startswith((b"EHLO", b"MAIL", b"RCPT")):
                said += connection.recv(4096)
        while part := connection.recv(4096):
            said += part
    return said.decode()


def bad_clients(ground):
    """Each from an address of its own."""
    for source, mechanism in ((PASSWORD_PLAIN, "plain"), (PASSWORD_LOGIN, "login"), (PASSWORD_SCRAM, "scram-sha-256")):
        attempt(ground, source, mechanism)
    said = refused(lambda: send(ground.client, "192.0.2.5", "a@client.example", "nobody@example.jp", UNKNOWN))
    expect(said.startswith("550 5.1.1"), said)
    said = refused(lambda: send(ground.client, "192.0.2.5", "a@client.example", "user@elsewhere.example", RELAYING))
    expect(said.startswith("554 5.7.1"), said)
    said = refused(lambda: send(ground.client, "192.0.2.5", "a@client.example", at.USER, at.LISTED))
    expect(said.startswith("554 5.7.1 Service unavailable; Client host [192.0.2.81] blocked using "), said)
    expect("421 4.7.0 mail.example.jp Error: too many errors" in raw(ground, ERRORS, [b"NONSENSE\r\n"] * 25), "it may err for ever")
    envelope = [b"EHLO client.example\r\n", b"MAIL FROM:<a@client.example>\r\n", b"RCPT TO:<%s>\r\n" % at.USER.encode()]
    expect("554 5.5.0" in raw(ground, PIPELINING, [*envelope, b"DATA\r\nSubject: too early\r\n\r\n.\r\nQUIT\r\n"]), "content before the 354 is taken")
    with ground.client.connect("192.0.2.5", 25, GONE) as connection:
        connection.recv(100)
    ground.wait_for_log(f"lost connection after CONNECT from unknown[{GONE}]")


def good_clients(ground):
    """Three messages for us, one of them with TLS; four of our user, of which one is deferred once and one refused."""
    for number in (1, 2):
        send(ground.client, "192.0.2.5", "a@client.example", at.USER, at.HONEST, subject=f"morning {number}")
    with Client(ground.client, at.HONEST) as client:
        client.connect("192.0.2.5", 25)
        client.starttls()
        client.sendmail("b@client.example", [at.USER], letter("b@client.example", at.USER, "morning 3"))
    submit(ground, "user@elsewhere.example", "morning 4")
    submit(ground, "refused@elsewhere.example", "morning 5")
    submit(ground, "later@elsewhere.example", "morning 6")
    ground.wait_for_log("to=<later@elsewhere.example>, relay=")
    del ground.elsewhere.rules.answers["RCPT TO:<later@"]
    for number in (1, 2, 3):
        ground.arrived(f"morning {number}")
    report(ground, "refused@elsewhere.example")
    for number in (4, 6):
        ground.left(f"morning {number}")
    wait_until(lambda: not ground.site.queue(), "the queue is empty")


def as_files(text, host):
    """As rsyslog writes it: with the name of the host; as of old, and as Debian 12 does."""
    lines = [re.fullmatch(r"<\d+>(\w{3} [ \d]\d \d\d:\d\d:\d\d) (.*)", line) for line in text.splitlines()]
    expect(all(lines), f"not a line of syslog: {text[:300]}")
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

    def iso(stamp):
        return f"2026-{months.index(stamp[:3]) + 1:02}-{int(stamp[4:6]):02}T{stamp[7:]}.012345+00:00"
    files = {"mail.log": [f"{line[1]} mail {line[2]}" for line in lines], "mail.iso": [f"{iso(line[1])} mail {line[2]}" for line in lines]}
    for name, content in files.items():
        host.write(f"/var/log/{name}", "".join(line + "\n" for line in content))
    return [f"/var/log/{name}" for name in files]


def fail2ban_program(host, name, *words):
    return program(host, ["env", f"PYTHONPATH={FAIL2BAN}/usr/lib/python3/dist-packages", "python3", f"{FAIL2BAN}/usr/bin/{name}", *words])


def found(host, log, filter_):
    """The addresses that fail2ban would count, each as often."""
    ended, shown = fail2ban_program(host, "fail2ban-regex", "--out", "ip", log, filter_)
    expect(ended == 0, f"fail2ban-regex ended with {ended}: {shown}")
    return sorted(shown.split())


def fail2ban(ground):
    bad_clients(ground)
    good_clients(ground)
    host = ground.mail
    logs = as_files(ground.site.log_text(), host)
    host.run(["sh", "-c", f"rm -rf /etc/fail2ban && cp -r {FAIL2BAN}/etc/fail2ban /etc/fail2ban"])
    for name, target in (("filter.conf", "filter.d"), ("jail.conf", "jail.d")):
        with open(os.path.join(DOCUMENTS, name)) as text:
            host.write(f"/etc/fail2ban/{target}/sekisho.conf", text.read())
    refused_clients = [at.LISTED, UNKNOWN, RELAYING, ERRORS, PIPELINING]
    passwords = [PASSWORD_PLAIN, PASSWORD_LOGIN]
    old, new = logs
    theirs = 'postfix[mode={},_daemon="sekisho/smtpd"]'
    for log, filter_, addresses in (
            # fail2ban's own filter knows no SCRAM; ours is made of it.
            (old, theirs.format("extra"), passwords + refused_clients), (new, theirs.format("more"), refused_clients), (old, theirs.format("rbl"), [at.LISTED]),
            (old, "sekisho[mode=extra]", [*passwords, PASSWORD_SCRAM, *refused_clients]), (new, "sekisho[mode=extra]", [*passwords, PASSWORD_SCRAM, *refused_clients]),
            (new, "sekisho[mode=auth]", [*passwords, PASSWORD_SCRAM]), (old, "sekisho[mode=errors]", [ERRORS])):
        got = found(host, log, filter_)
        expect(got == sorted(addresses), f"{filter_} finds {got} in {log}, not {sorted(addresses)}")
    got = set(found(host, old, "sekisho[mode=aggressive]"))
    expect(got == {*passwords, PASSWORD_SCRAM, *refused_clients, GONE}, f"sekisho[mode=aggressive] finds {sorted(got)}")
    # Debian's own jail of sshd wants a log that is not here.
    host.write("/etc/fail2ban/jail.d/defaults-debian.conf", "")
    ended, shown = fail2ban_program(host, "fail2ban-client", "--test")
    expect(ended == 0 and "test is successful" in shown, f"the jail: {shown}")
    _, shown = fail2ban_program(host, "fail2ban-client", "-d")
    expect("['add', 'sekisho', 'systemd']" in shown and "_SYSTEMD_UNIT=sekishod.service" in shown, f"the jail: {shown}")


def pflogsumm(ground):
    """The morning of fail2ban(), counted; as docs/standalone.md says."""
    line = "sed -E 's/: ([0-9A-Z]{4})-([0-9A-Z]{4}): /: \\1\\2: /' /var/log/mail.log | pflogsumm --syslog-name sekisho"
    _, shown = program(ground.mail, ["sh", "-c", line])
    totals = {word: int(number) for number, word in re.findall(r"^ +(\d+) +(\w+(?: warnings)?)", shown.partition("bytes received")[0], re.MULTILINE)}
    # To our user three and a report, two to elsewhere; refused: unknown, relaying, listed.
    wanted = {"received": 6, "delivered": 6, "deferred": 1, "bounced": 1, "rejected": 3, "forwarded": 0, "held": 0, "discarded": 0}
    got = {word: totals[word] for word in wanted}
    expect(got == wanted, f"pflogsumm counts {got}, not {wanted}\n{shown}")
    for words in (f" 4   {at.USER}", "1   user@elsewhere.example", "Relay access denied", "User unknown"):
        expect(re.sub(" +", " ", words) in re.sub(" +", " ", shown), f"no {words!r} in\n{shown}")


CHECKS = [fail2ban, pflogsumm]
