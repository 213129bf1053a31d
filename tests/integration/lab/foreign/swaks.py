"""swaks: what an admin types to see whether a server does what it should."""
import re

from ..situations.world import expect
from . import ground as at
from .ground import program

TO_US = ["--from", "a@client.example", "--to", at.USER, "--helo", "mail.client.example"]
TO_ELSEWHERE = ["--from", at.USER, "--to", "user@elsewhere.example", "--helo", "phone.example"]
LOGIN = ["--auth-user", at.USER, "--auth-password", at.PASSWORD]
VERIFIED = ["--tls-verify", "--tls-ca-path", "/etc/ssl/mail.example.jp.pem"]
# swaks(1), EXIT CODES.
REFUSED_AUTH, NO_TLS = 28, 29


def swaks(ground, subject, *words, code=0):
    """What it shows of the dialogue."""
    ended, shown = program(ground.client, ["swaks", "--server", at.SERVER, "--header", f"Subject: {subject}", "--timeout", "60s", *words])
    expect(ended == code, f"{subject}: swaks ended with {ended}, not {code}:\n{shown}")
    return shown


def received(message):
    """Our Received field, unfolded."""
    ours = [field for field in message.get_all("Received") if "(Sekisho" in field]
    return re.sub(r"\s+", " ", ours[0])


def plain_mail(ground):
    shown = swaks(ground, "swaks plain", *TO_US)
    queued = re.search(r"<-  250 2\.0\.0 Ok: queued as (\S+)", shown)
    expect(queued, f"no id in the answer: {shown}")
    message = ground.arrived("swaks plain")
    wanted = rf"from mail\.client\.example \(unknown \[192\.0\.2\.80\]\) by mail\.example\.jp \(Sekisho\) with ESMTP id {queued[1]} for <{at.USER}>; .*"
    expect(re.fullmatch(wanted, received(message)), f"Received: {received(message)}")
    expect(message["Return-Path"] == "<a@client.example>", f"Return-Path: {message['Return-Path']}")
    expect("dmarc=none" in message["Authentication-Results"], f"Authentication-Results: {message['Authentication-Results']}")
    expect(message.get_payload() == "This is a test mailing\n\n\n", f"the text is {message.get_payload()!r}")


def helo_only(ground):
    swaks(ground, "swaks HELO", *TO_US, "--protocol", "SMTP")
    expect(" with SMTP id " in received(ground.arrived("swaks HELO")), "not with SMTP")


def pipelining(ground):
    shown = swaks(ground, "swaks pipelined", *TO_US, "--pipeline")
    # All commands stand before the first of their answers.
    order = re.findall(r"^(?: ..|<..) +(MAIL|RCPT|DATA$|250 2\.1|354)", shown, re.MULTILINE)
    expect(order == ["MAIL", "RCPT", "DATA", "250 2.1", "250 2.1", "354"], f"{order}\n{shown}")
    ground.arrived("swaks pipelined")


def starttls_on_25(ground):
    swaks(ground, "swaks TLS", *TO_US, "--tls", *VERIFIED)
    line = received(ground.arrived("swaks TLS"))
    expect("(using TLSv1.3 with cipher " in line and " with ESMTPS id " in line, f"Received: {line}")


def one_unknown(ground):
    shown = swaks(ground, "swaks one unknown", *TO_US[:2], "--to", f"nobody@example.jp,{at.USER}", "--helo", "mail.client.example")
    expect("<** 550 5.1.1 <nobody@example.jp>: Recipient address rejected: User unknown" in shown, shown)
    ground.arrived("swaks one unknown")


def no_auth_on_25(ground):
    swaks(ground, "swaks AUTH on 25", *TO_US, "--tls", "--auth", "PLAIN", *LOGIN, code=REFUSED_AUTH)


def logins(ground):
    for port, tls in ((587, "--tls"), (465, "--tls-on-connect")):
        for mechanism in ("PLAIN", "LOGIN"):
            subject = f"swaks {mechanism} {port}"
            shown = swaks(ground, subject, *TO_ELSEWHERE, "--port", str(port), tls, *VERIFIED, "--auth", mechanism, *LOGIN)
            expect("<~  235 2.7.0 Authentication successful" in shown, shown)
            message = ground.left(subject)
            line = received(message)
            expect(" with ESMTPSA id " in line, f"Received: {line}")
            expect(message["Authentication-Results"] is None or "auth=pass" in message["Authentication-Results"], "judged")
    ground.wait_for_log(f"sasl_method=LOGIN, sasl_username={at.USER}")


def no_login(ground):
    """Wrong passwords, mechanisms that are not offered, no TLS: none of them sends."""
    submission = [*TO_ELSEWHERE, "--port", "587", "--local-interface", at.CULPRITS[0]]
    shown = swaks(ground, "swaks wrong", *submission, "--tls", "--auth", "PLAIN", "--auth-user", at.USER, "--auth-password", "x", code=REFUSED_AUTH)
    expect("<~* 535 5.7.8 Error: authentication failed" in shown, shown)
    for mechanism in ("CRAM-MD5", "DIGEST-MD5"):
        swaks(ground, "swaks " + mechanism, *submission, "--tls", "--auth", mechanism, *LOGIN, code=REFUSED_AUTH)
    shown = swaks(ground, "swaks no TLS", *submission, "--auth", "PLAIN", *LOGIN, code=REFUSED_AUTH)
    expect(" AUTH " not in shown.replace("*** Host did not advertise", "").replace("no AUTH", ""), f"AUTH is offered without TLS: {shown}")
    shown = swaks(ground, "swaks no login", *submission, "--tls", code=23)
    expect("<~* 530 5.7.0 Authentication required" in shown, shown)


def old_tls(ground):
    """They fail; whoever knows nothing else is offered no TLS for an hour, so that its mail comes all the same."""
    source = ["--local-interface", at.XCLIENT]
    for version in ("tlsv1", "tlsv1_1"):
        swaks(ground, "swaks " + version, *TO_ELSEWHERE, *source, "--port", "465", "--tls-on-connect", "--tls-protocol", version, code=NO_TLS)
    expect("<-  250-STARTTLS" in swaks(ground, "swaks before", *TO_US, *source), "no STARTTLS is offered")
    swaks(ground, "swaks old", *TO_US, *source, "--tls", "--tls-protocol", "tlsv1_1", code=NO_TLS)
    shown = swaks(ground, "swaks after", *TO_US, *source, "--tls-optional", "--tls-protocol", "tlsv1_1")
    expect("<-  250-STARTTLS" not in shown, shown)
    expect(" with ESMTP id " in received(ground.arrived("swaks after")), "not in clear text")


def by_a_proxy(ground):
    for version in ("1", "2"):
        subject = f"swaks PROXY {version}"
        swaks(ground, subject, *TO_US, "--port", "2525", "--local-interface", at.PROXY, "--proxy-version", version,
              "--proxy-family", "TCP4" if version == "1" else "AF_INET",
              *([] if version == "1" else ["--proxy-protocol", "STREAM"]),
              "--proxy-source", "192.0.2.77", "--proxy-source-port", "4711", "--proxy-dest", "192.0.2.5", "--proxy-dest-port", "25")
        expect("(unknown [192.0.2.77])" in received(ground.arrived(subject)), f"Received: {received(ground.arrived(subject))}")
    # Of anybody else it is no command, or one that came before the greeting.
    mark = ground.mark()
    ended, shown = program(ground.client, ["swaks", "--server", at.SERVER, "--header", "Subject: swaks PROXY by anybody", *TO_US,
                                           "--port", "2525", "--proxy-version", "1", "--proxy-family", "TCP4", "--proxy-source", "192.0.2.77", "--proxy-source-port", "4711", "--proxy-dest", "192.0.2.5", "--proxy-dest-port", "25"])
    expect(ended != 0 and "<** 5" in shown, f"swaks ended with {ended}: {shown}")
    ground.wait_for_log(f" from unknown[{at.HONEST}]", mark)
    expect("unknown[192.0.2.77]" not in ground.log_since(mark), "it is believed")


def by_xclient(ground):
    swaks(ground, "swaks XCLIENT", *TO_US, "--port", "2525", "--local-interface", at.XCLIENT, "--xclient-addr", "192.0.2.78", "--xclient-helo", "behind.example")
    line = received(ground.arrived("swaks XCLIENT"))
    expect("[192.0.2.78]" in line, f"Received: {line}")
    shown = swaks(ground, "swaks XCLIENT by anybody", *TO_US, "--port", "25", "--xclient-addr", "192.0.2.78", code=33)
    expect("XCLIENT" not in [line[4:].split(" ")[0] for line in shown.splitlines() if line.startswith("<-  250-")], shown)


def broken_off(ground):
    """Who goes in the middle leaves nothing."""
    mark = ground.mark()
    swaks(ground, "swaks gone", *TO_US, "--drop-after-send", "DATA", code=0)
    ground.wait_for_log("lost connection after DATA from unknown[192.0.2.80]", mark)
    expect(ground.site.queue() == [] or all(row["sender"] != "gone" for row in ground.site.queue()), "it is in the queue")
    expect("swaks gone" not in [message["Subject"] for message in ground.mailbox()], "half a message has been delivered")


def strange_text(ground):
    """Dots, 8-bit octets and a line of 3,000 octets arrive as they are."""
    text = ".\\n..\\n.a\\n" + "x" * 3000 + "\\n\u65e5\u672c\\n"
    swaks(ground, "swaks text", *TO_US, "--body", text)
    payload = ground.arrived("swaks text").get_payload(decode=True).decode()
    wanted = text.replace("\\n", "\n")
    expect(payload.rstrip("\n") == wanted.rstrip("\n"), f"the text is {payload[:60]!r}…")


CHECKS = [plain_mail, helo_only, pipelining, starttls_on_25, one_unknown, no_auth_on_25, logins, no_login, old_tls, by_a_proxy, by_xclient, broken_off,
          strange_text]
