"""Programs that users send their mail with: msmtp, s-nail, curl, git send-email, nodemailer, smtp-source."""
import json
import os
import sys

from ..situations.world import expect
from . import ground as at
from .ground import program, wait_until
from .swaks import received

sys.path.insert(0, os.path.join(at.HERE, "../../../readers"))
from readers import npm_folder  # noqa: E402

ANCHOR = "/etc/ssl/mail.example.jp.pem"


def letter(subject, text="Hello\n"):
    return f"From: Hanako <{at.USER}>\nTo: user@elsewhere.example\nBcc: hidden@elsewhere.example\nSubject: {subject}\n\n{text}"


def expect_login(ground, subject):
    """The message left for elsewhere, from our user, with what a submission server adds and removes."""
    message = ground.left(subject)
    expect(" with ESMTPSA id " in received(message), f"{subject}: Received: {received(message)}")
    expect(at.USER in message["From"], f"{subject}: From: {message['From']}")
    expect(message["Bcc"] is None, f"{subject}: Bcc is still there")
    expect(message["Message-ID"] and message["Date"], f"{subject}: no Message-ID or Date")
    return message


def refused_password(ground, name, argv, text=""):
    mark = ground.mark()
    ended, shown = program(ground.client, argv, text)
    expect(ended != 0 and "535" in shown, f"{name} with a wrong password ended with {ended}: {shown}")
    wait_until(lambda: ground.log_since(mark).count(f"authentication failed: wrong password, sasl_username={at.USER}"), f"the log has the failure of {name}")


def msmtp(ground, mechanism, port, password=at.PASSWORD, source=at.HONEST):
    return ["msmtp", "--file=/dev/null", f"--host={at.SERVER}", f"--port={port}", f"--from={at.USER}", f"--auth={mechanism}", f"--user={at.USER}",
            f"--passwordeval=echo {password}", "--tls=on", f"--tls-starttls={'on' if port == 587 else 'off'}", f"--tls-trust-file={ANCHOR}", f"--source-ip={source}",
            "user@elsewhere.example"]


def msmtp_sends(ground):
    for mechanism, port in (("plain", 587), ("login", 465), ("scram-sha-256", 587), ("on", 465)):
        subject = f"msmtp {mechanism}"
        ended, shown = program(ground.client, msmtp(ground, mechanism, port), letter(subject))
        expect(ended == 0, f"{subject}: {shown}")
        expect_login(ground, subject)
    expect(ground.site.log_text().count("sasl_method=SCRAM-SHA-256") >= 1, "no login by SCRAM-SHA-256")
    refused_password(ground, "msmtp", msmtp(ground, "plain", 587, "wrong", at.CULPRITS[0]), letter("msmtp wrong"))


def msmtp_serverinfo(ground):
    """What it reads in our EHLO, without and with TLS."""
    _, shown = program(ground.client, ["msmtp", "--file=/dev/null", "--serverinfo", f"--host={at.SERVER}", "--port=587", "--tls=on", f"--tls-trust-file={ANCHOR}"])
    for line in ("SIZE 52428800:", "PIPELINING", "DSN", "AUTH:"):
        expect(line in shown, f"msmtp sees no {line}: {shown}")
    expect(sorted(shown.rpartition("methods:")[2].split()) == ["LOGIN", "PLAIN", "SCRAM-SHA-256"], f"AUTH: {shown}")
    _, plain = program(ground.client, ["msmtp", "--file=/dev/null", "--serverinfo", f"--host={at.SERVER}", "--port=587", "--tls=off"])
    expect("STARTTLS" in plain and "AUTH" not in plain, f"before TLS: {plain}")


def s_nail_sends(ground):
    for url, mechanism in (("submission://", "plain"), ("smtps://", "login")):
        subject = f"s-nail {mechanism}"
        ended, shown = program(ground.client, ["s-nail", "-:/", "-Sv15-compat", "-Ssendwait", f"-Smta={url}{at.USER.replace('@', '%40')}:{at.PASSWORD}@{at.SERVER}",
                                               "-Ssmtp-use-starttls", f"-Ssmtp-auth={mechanism}", "-Stls-verify=strict", f"-Stls-ca-file={ANCHOR}",
                                               "-Stls-ca-no-defaults", f"-r{at.USER}", f"-s{subject}", "-bhidden@elsewhere.example", "user@elsewhere.example"], "Hello\n")
        expect(ended == 0, f"{subject}: {shown}")
        expect_login(ground, subject)


def curl(*words):
    return ["curl", "--silent", "--show-error", "--verbose", "--cacert", ANCHOR, "--max-time", "120", *words]


def curl_sends(ground):
    user = ["--user", f"{at.USER}:{at.PASSWORD}"]
    upload = ["--mail-from", at.USER, "--mail-rcpt", "user@elsewhere.example", "--upload-file", "-"]
    for url, more in ((f"smtp://{at.SERVER}:587/phone.example", ["--ssl-reqd", "--login-options", "AUTH=PLAIN"]),
                      (f"smtps://{at.SERVER}/phone.example", ["--login-options", "AUTH=LOGIN"]), (f"smtps://{at.SERVER}/any.example", [])):
        subject = f"curl {url} {' '.join(more[-1:])}".strip()
        ended, shown = program(ground.client, curl(*user, *upload, *more, url), letter(subject).replace("\n", "\r\n"))
        expect(ended == 0, f"{subject}: {shown}")
        expect_login(ground, subject)
    _, shown = program(ground.client, curl("--ssl-reqd", "--user", f"{at.USER}:wrong", "--interface", at.CULPRITS[0], *upload, f"smtp://{at.SERVER}:587"), letter("curl wrong"))
    expect("< 535 5.7.8" in shown, shown)
    # CURLE_PEER_FAILED_VERIFICATION: the name is what the certificate says.
    ended, shown = program(ground.client, curl(*user, "--resolve", "other.example:465:192.0.2.5", *upload, "smtps://other.example"), letter("curl other"))
    expect(ended == 60, f"another name ended with {ended}: {shown}")


def curl_asks(ground):
    """VRFY tells nothing, EXPN is not there, and curl's own words are understood."""
    _, shown = program(ground.client, curl(f"smtp://{at.SERVER}:25", "--mail-rcpt", at.USER))
    expect("< 252 2." in shown, f"VRFY: {shown}")
    _, shown = program(ground.client, curl(f"smtp://{at.SERVER}:25", "--request", "NOOP"))
    expect("< 250 2.0.0" in shown, f"NOOP: {shown}")


PATCH = """From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
From: Hanako <hanako@example.jp>
Date: Mon, 30 Nov 2026 12:00:00 +0900
Subject: [PATCH{number}] git send-email {number}

From the commit.
---
 a | 1 +
 1 file changed, 1 insertion(+)

diff --git a/a b/a
--- a/a
+++ b/a
@@ -0,0 +1 @@
+.
-- 
2.39.5
"""


def git_sends(ground):
    """The dialogue of Perl's Net::SMTP."""
    home = os.path.join(ground.client.home, "git")
    os.makedirs(home)
    for number in (1, 2):
        with open(os.path.join(home, f"000{number}.patch"), "w") as out:
            out.write(PATCH.replace("{number}", str(number)))
    names = [f"HOME={home}", *[f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME=Hanako", f"EMAIL={at.USER}")]]
    for encryption, port in (("tls", 587), ("ssl", 465)):
        patch = f"{home}/000{1 if port == 465 else 2}.patch"
        ended, shown = program(ground.client, ["env", *names, "git", "send-email", "--quiet", "--confirm=never", "--suppress-cc=all",
                                               f"--from=Hanako <{at.USER}>", "--to=user@elsewhere.example", f"--smtp-server={at.SERVER}",
                                               f"--smtp-server-port={port}", f"--smtp-encryption={encryption}", f"--smtp-user={at.USER}",
                                               f"--smtp-pass={at.PASSWORD}", f"--smtp-ssl-cert-path={ANCHOR}", "--smtp-domain=desk.example", patch])
        expect(ended == 0, f"git send-email by {port}: {shown}")
    for number in (1, 2):
        message = expect_login(ground, f"[PATCH{number}] git send-email {number}")
        expect("\n+.\n-- \n2.39.5\n" in message.get_payload().replace("\r\n", "\n"), f"the patch is {message.get_payload()!r}")


def node(host, script, *words):
    return ["node", os.path.join(at.HERE, script), npm_folder(), *words]


def nodemailer_sends(ground):
    wanted = {"host": at.SERVER, "user": at.USER, "password": at.PASSWORD, "anchor": ANCHOR}
    ended, shown = program(ground.client, node(ground.client, "nodemailer.cjs", json.dumps(wanted)))
    expect(ended == 0, shown)
    said = json.loads(shown)
    expect(all(answer.startswith("250 2.0.0 Ok: queued as ") for answer in said["answers"]), f"{said}")
    expect(said["wrong"] == [535, "EAUTH"], f"a wrong password: {said['wrong']}")
    expect(said["rejected"] == ["nobody@example.jp"] and said["accepted"] == [at.USER], f"{said}")
    for subject in ("nodemailer 587", "nodemailer 465", "nodemailer pool 0", "nodemailer pool 1", "nodemailer pool 2"):
        message = expect_login(ground, subject)
        parts = [part.get_content_type() for part in message.walk()]
        expect(parts == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/octet-stream"], f"{parts}")
        expect(message.get_payload()[1].get_payload(decode=True) == bytes(range(256)) * 40, "the attachment is another")
    expect(ground.arrived("nodemailer one unknown")["Subject"], "")


def many(ground):
    """smtp-source: 40 messages by 8 connections, each delivered once."""
    before = len(ground.mailbox())
    ended, shown = program(ground.client, ["smtp-source", "-s", "8", "-m", "40", "-l", "5000", "-f", "a@client.example", "-t", at.USER,
                                           "-M", "mail.client.example", "192.0.2.5:25"])
    expect(ended == 0 and not shown, f"smtp-source ended with {ended}: {shown}")
    wait_until(lambda: len(ground.mailbox()) >= before + 40, "40 messages have been delivered")
    wait_until(lambda: not ground.site.queue(), "the queue is empty")
    expect(len(ground.mailbox()) == before + 40, f"{len(ground.mailbox()) - before} messages came, not 40")


CHECKS = [msmtp_sends, msmtp_serverinfo, s_nail_sends, curl_sends, curl_asks, git_sends, nodemailer_sends, many]
