"""Servers of other people as next hops: Postfix, which is a client of ours too, smtp-server of node, and Dovecot's LMTP."""
import json
import os
import re
import sys

from ..next_hop import NextHop, Rules
from ..site import Client
from ..situations.world import any_certificate, expect
from . import ground as at
from .ground import wait_until
from .programs import node
from .swaks import received


def submit(ground, recipient, subject, text="Hello\r\n", **options):
    with Client(ground.client) as client:
        client.connect("192.0.2.5", 587)
        client.starttls(context=any_certificate())
        client.login(at.USER, at.PASSWORD)
        client.sendmail(at.USER, [recipient], f"From: {at.USER}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\n{text}".encode(), **options)


def report(ground, words):
    """Our bounce, or another's, in the user's mailbox: the one that has these words."""
    def found():
        return [m for m in ground.mailbox() if m.get_content_type() == "multipart/report" and words in m.as_string()]
    messages = wait_until(found, f"a report with {words!r} has come")
    expect(len(messages) == 1, f"{len(messages)} reports with {words!r}")
    return messages[0]


def fields(message):
    """The fields of the report's second part, of the message and of its one recipient."""
    return {name: value for block in message.get_payload()[1].get_payload() for name, value in block.items()}


def start_postfix(ground):
    # It reports no success, so Postfix does.
    inner = NextHop(ground.world.networks.hosts["elsewhere"], "192.0.2.66", 26, Rules(extensions=["PIPELINING", "8BITMIME"]))
    home = os.path.join(ground.postfix.home, "postfix")
    os.makedirs(home)
    ground.postfix.run([sys.executable, os.path.join(at.HERE, "postfix_host.py"), home])
    return inner, home


def postfix(ground):
    inner, home = start_postfix(ground)
    submit(ground, "user@postfix.example", "to Postfix", text=".\r\n..\r\n" + "x" * 900 + "\r\n",
           mail_options=["RET=HDRS", "ENVID=QQ314"], rcpt_options=["NOTIFY=SUCCESS,FAILURE"])
    taken = inner.wait_for(1, 60)[0]
    text = taken.message.decode()
    expect(text.endswith("\r\n\r\n.\r\n..\r\n" + "x" * 900 + "\r\n"), f"the text is {text[-1000:]!r}")
    expect(re.search(r"^Received: from mail\.example\.jp \(\S+ \[192\.0\.2\.5\]\)\r\n\tby mail\.postfix\.example \(Postfix\)", text), text[:500])
    ground.wait_for_log("to=<user@postfix.example>, relay=mail.postfix.example[192.0.2.68]:25, ")
    # It obeys NOTIFY by a report, which it hands to us with a login and an empty sender.
    success = report(ground, "QQ314")
    expect(fields(success)["Action"] == "relayed" and "mail.postfix.example" in fields(success)["Reporting-MTA"], success.as_string())
    expect(success["Return-Path"] == "<>", f"Return-Path: {success['Return-Path']}")

    def office(sender, recipient, subject):
        path = os.path.join(ground.postfix.home, "letter")
        with open(path, "w") as out:
            out.write(f"From: {sender}\nTo: {recipient}\nSubject: {subject}\n\nHello\n")
        ground.postfix.run(["sh", "-c", f'sendmail -C "$1" -i -f "$2" -- "$3" < {path}', "sh", os.path.join(home, "conf"), sender, recipient])
    office(at.USER, "user@elsewhere.example", "from an office")
    line = received(ground.left("from an office"))
    expect(re.match(r"from mail\.postfix\.example \(unknown \[192\.0\.2\.68\]\) \(using TLSv1\.3 .*\) by mail\.example\.jp \(Sekisho\) with ESMTPSA ", line), line)
    expect("client=unknown[192.0.2.68], sasl_method=SCRAM-SHA-256, " in ground.site.log_text(), "Postfix does not log in by the best that it has")
    office("boss@example.jp", "user@elsewhere.example", "as somebody else")
    log = os.path.join(home, "postfix.log")
    wait_until(lambda: re.search(r"to=<user@elsewhere\.example>, relay=mail\.example\.jp\[192\.0\.2\.5\]:587, .*status=bounced \(host .* said: 55\d 5\.7\.1 ", open(log).read()),
               "Postfix is refused what is not its user's")


def taken_by_node(log):
    return [json.loads(line) for line in open(log).read().splitlines()][1:]


def smtp_server_of_node(ground):
    log = os.path.join(ground.node.home, "taken")
    ground.node.start(node(ground.node, "hop.cjs", "/etc/ssl/node.key", "/etc/ssl/node.pem", log), "node.out")
    wait_until(lambda: os.path.exists(log) and open(log).read(), "smtp-server has started")
    text = ".\r\n.a\r\n\u65e5\u672c " + "x" * 1500 + "\r\n"
    submit(ground, "user@node.example", "to node", text=text)
    submit(ground, "later@node.example", "later to node")
    submit(ground, "refused@node.example", "refused by node")
    submit(ground, "user@node.example", "too long for node", text=("x" * 70 + "\r\n") * 2000)
    wait_until(lambda: len(taken_by_node(log)) >= 2, "smtp-server has two messages")
    first = next(one for one in taken_by_node(log) if "Subject: to node" in one["message"])
    expect((first["user"], first["secure"], first["helo"], first["from"], first["to"]) == ("sekisho", True, at.SERVER, at.USER, ["user@node.example"]), f"{first}")
    expect(first["message"].encode("latin-1").decode().endswith("\r\n\r\n" + text), f"{first['message'][-1600:]!r}")
    ground.wait_for_log("to=<later@node.example>, relay=mail.node.example[192.0.2.67]:587")
    expect(re.search(r"to=<later@node\.example>, .*status=deferred \(451 ", ground.site.log_text()), "no deferral is in the log")
    refused = fields(report(ground, "refused@node.example"))
    expect((refused["Action"], refused["Status"][0], refused["Remote-MTA"]) == ("failed", "5", "dns; mail.node.example"), f"{refused}")
    expect("550 no such user" in refused["Diagnostic-Code"], f"{refused}")
    too_long = fields(report(ground, "Subject: too long for node"))
    expect(too_long["Action"] == "failed" and too_long["Status"] == "5.3.4", f"{too_long}")
    wait_until(lambda: not ground.site.queue(), "the queue is empty")
    expect(len(taken_by_node(log)) == 2, f"{len(taken_by_node(log))} messages came to smtp-server, not 2")


def lmtp_of_dovecot(ground):
    mark = ground.mark()
    submit(ground, at.USER, "to Dovecot", text="..\r\n.\r\n")
    message = ground.arrived("to Dovecot")
    expect(message["Delivered-To"] == at.USER and message["Return-Path"] == f"<{at.USER}>", message.as_string())
    expect(message.get_payload().replace("\r\n", "\n") == "..\n.\n", message.as_string())
    ground.wait_for_log(f"to=<{at.USER}>, relay=/run/dovecot/lmtp, ", mark)
    expect(re.search(r"relay=/run/dovecot/lmtp, delay=\d+, dsn=2\.0\.0, status=sent \(250 2\.0\.0 <hanako@example\.jp> \S+ Saved\)",
                     ground.log_since(mark)), ground.log_since(mark))


CHECKS = [postfix, smtp_server_of_node, lmtp_of_dovecot]
