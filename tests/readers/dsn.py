#!/usr/bin/python3
"""Our bounces as public readers of bounces understand them: Python's email, Mail::DeliveryStatus::BounceParser and Sisimai.

    tests/readers/dsn.py --samples build/release/tests/readers/bounce_samples

Exits 77 where a reader is not installed.
"""
import argparse
import base64
import email
import email.policy
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ["Mail::DeliveryStatus::BounceParser", "Sisimai"]
# What a reader does not know, whoever wrote the bounce.
UNKNOWN_TO_SISIMAI = {
    "utf8": "RFC 6533",
    "dots": "addresses that break RFC 5322",
}
UNKNOWN_TO_BOUNCEPARSER = {"utf8": "RFC 6533"}


def status_of(report, recipient):
    """As RFC 3463 has it: what was given up after a temporary failure has expired."""
    if report in ("delivered", "relayed"):
        return "2.0.0"
    if report == "failed" and recipient["status"].startswith("4"):
        return "4.4.7"
    return recipient["status"]


def blocks_of(part):
    """The groups of fields of a delivery status: that of the message first."""
    if part.get_content_type() == "message/delivery-status":
        return part.get_payload()
    # Python knows message/global-delivery-status as no more than some message.
    text = part.as_bytes().split(b"\n\n", 1)[1]
    policy = email.policy.default.clone(utf8=True)
    return [email.message_from_bytes(block + b"\n", policy=policy) for block in re.split(rb"\n\n+", text.strip(b"\n"))]


class Faults:
    def __init__(self):
        self.all = []

    def expect(self, what, found, wanted):
        if found != wanted:
            self.all.append(f"{what}: {found!r} instead of {wanted!r}")


def check_recipient(faults, name, sample, fields, wanted):
    kind = "utf-8" if not wanted["address"].isascii() else "rfc822"
    faults.expect(f"{name}: Final-Recipient", str(fields["Final-Recipient"]), f"{kind}; {wanted['address']}")
    original = None if wanted["original"] == wanted["address"] else f"{kind}; {wanted['original']}"
    faults.expect(f"{name}: Original-Recipient", fields["Original-Recipient"], original)
    faults.expect(f"{name}: Action", fields["Action"], sample["report"])
    faults.expect(f"{name}: Status", fields["Status"], status_of(sample["report"], wanted))
    faults.expect(f"{name}: Remote-MTA", fields["Remote-MTA"], wanted["host"] and f"dns; {wanted['host']}" or None)
    diagnostic = "".join(str(fields["Diagnostic-Code"]).splitlines())
    faults.expect(f"{name}: Diagnostic-Code", diagnostic.split("; ", 1)[1], wanted["diagnostic"].replace("\n", " "))
    if sample["report"] == "delayed":
        faults.expect(f"{name}: Will-Retry-Until", bool(fields["Will-Retry-Until"]), True)


def check_python(faults, sample):
    octets = base64.b64decode(sample["message"])
    message = email.message_from_bytes(octets, policy=email.policy.default)
    name = f"python: {sample['name']}"
    faults.expect(f"{name}: defects", [defect for part in message.walk() for defect in part.defects], [])
    utf8 = any(not each["address"].isascii() for each in sample["recipients"])
    faults.expect(f"{name}: type", message.get_content_type(), "multipart/report")
    faults.expect(f"{name}: report-type", message.get_param("report-type"),
                  "global-delivery-status" if utf8 else "delivery-status")
    faults.expect(f"{name}: Auto-Submitted", message["Auto-Submitted"], "auto-replied")
    parts = message.get_payload()
    original = "message/rfc822" if sample["whole"] else "text/rfc822-headers"
    wanted = ["text/plain", "message/delivery-status", original]
    if utf8:
        wanted = ["text/plain", "message/global-delivery-status", "message/global-headers"]
    faults.expect(f"{name}: parts", [part.get_content_type() for part in parts], wanted)
    blocks = blocks_of(parts[1])
    faults.expect(f"{name}: Reporting-MTA", blocks[0]["Reporting-MTA"], "dns; mail.example.jp")
    faults.expect(f"{name}: Original-Envelope-Id", blocks[0]["Original-Envelope-Id"], sample["envid"] or None)
    faults.expect(f"{name}: groups of fields", len(blocks) - 1, len(sample["recipients"]))
    for fields, recipient in zip(blocks[1:], sample["recipients"]):
        check_recipient(faults, name, sample, fields, recipient)
    text = base64.b64decode(sample["original"])
    faults.expect(f"{name}: the original is there once", octets.count(text), 1)
    for recipient in sample["recipients"]:
        faults.expect(f"{name}: the text names the recipient", f"<{recipient['address']}>" in parts[0].get_content(), True)


def check_sisimai(faults, sample, found):
    name = f"sisimai: {sample['name']}"
    if sample["name"] in UNKNOWN_TO_SISIMAI:
        return
    wanted = [(each["address"], status_of(sample["report"], each), sample["report"]) for each in sample["recipients"]]
    faults.expect(name, [(each["address"], each["status"], each["action"]) for each in found], wanted)
    for each, recipient in zip(found, sample["recipients"]):
        faults.expect(f"{name}: alias", each["alias"] or recipient["address"], recipient["original"])
        if recipient["host"]:
            faults.expect(f"{name}: host", each["host"], recipient["host"])
        first = recipient["diagnostic"].split("\n")[0]
        faults.expect(f"{name}: diagnostic", first in each["diagnostic"], True)


def check_bounceparser(faults, sample, found):
    # It tells of failures only, and each is that of the address which the sender wrote.
    if sample["name"] in UNKNOWN_TO_BOUNCEPARSER:
        return
    failed = sample["recipients"] if sample["report"] == "failed" else []
    wanted = [(each["original"], status_of("failed", each), "failed") for each in failed]
    faults.expect(f"bounceparser: {sample['name']}",
                  [(each["address"], each["status"], each["action"]) for each in found], wanted)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--samples", required=True, help="the program that writes bounces")
    samples = json.loads(subprocess.run([options.parse_args().samples], capture_output=True, check=True).stdout)
    missing = [name for name in MODULES if subprocess.run(["perl", f"-M{name}", "-e1"], capture_output=True).returncode]
    if missing:
        print(f"not installed: {', '.join(missing)} (tests/deps/packages)")
        return 77
    perl = subprocess.run(["perl", os.path.join(HERE, "dsn.pl")], input="".join(each["message"] + "\n" for each in samples),
                          capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in perl.stdout.splitlines()]
    faults = Faults()
    faults.expect("answers of the Perl readers", len(answers), len(samples))
    for sample, answer in zip(samples, answers):
        check_python(faults, sample)
        check_sisimai(faults, sample, answer["sisimai"])
        check_bounceparser(faults, sample, answer["bounceparser"])
    for fault in faults.all:
        print(fault)
    print(f"{len(samples)} bounces, 3 readers, {len(faults.all)} faults")
    return 1 if faults.all else 0


if __name__ == "__main__":
    sys.exit(main())
