"""sslscan: what our three ports offer to somebody who looks for what is weak."""
import xml.etree.ElementTree as xml

from ..situations.world import expect
from . import ground as at
from .ground import program



def scanned(ground, *words):
    _, shown = program(ground.client, ["sslscan", "--xml=-", "--no-colour", "--timeout=60", *words])
    start = shown.find("<?xml")
    expect(start >= 0, shown)
    test = xml.fromstring(shown[start:].strip()).find("ssltest")
    expect(test is not None, shown)
    return test


def offers_what_is_safe(ground, *words):
    test = scanned(ground, *words)
    shown = xml.tostring(test, encoding="unicode")
    enabled = {(row.get("type"), row.get("version")) for row in test.iter("protocol") if row.get("enabled") == "1"}
    expect(enabled == {("tls", "1.2"), ("tls", "1.3")}, f"protocols: {sorted(enabled)}\n{shown}")
    rows = list(test.iter("cipher"))
    ciphers = [(row.get("cipher"), int(row.get("bits")), row.get("sslversion")) for row in rows]
    expect(len([c for c in ciphers if c[2] == "TLSv1.3"]) == 3 and len(ciphers) > 5, f"ciphers: {ciphers}")
    weak = [c for c in ciphers if c[1] < 128 or any(word in c[0] for word in ("RC4", "DES", "NULL", "EXP", "ADH", "AECDH", "MD5", "anon", "SEED", "IDEA"))]
    expect(not weak, f"weak ciphers: {weak}")
    expect({row.get("strength") for row in rows} <= {"strong", "acceptable"}, f"sslscan's word on them: {shown}")
    # Those without forward secrecy come last: src/tls/protocol.cc says for whom.
    secret = [c[0].startswith(("ECDHE-", "DHE-")) for c in ciphers if c[2] == "TLSv1.2"]
    expect(secret[0] and secret == sorted(secret, reverse=True), f"the order of ciphers: {ciphers}")
    expect(test.find("renegotiation").get("secure") == "1" or test.find("renegotiation").get("supported") == "0", shown)
    expect(all(row.get("vulnerable") == "0" for row in test.iter("heartbleed")) and list(test.iter("heartbleed")), shown)
    groups = {row.get("name") for row in test.iter("group")}
    expect(groups and all(int(row.get("bits")) >= 112 for row in test.iter("group")) and "x25519" in groups, f"groups: {groups}\n{shown}")
    certificate = test.find(".//certificate")
    expect(certificate.findtext("subject") == at.SERVER and certificate.find("pk").get("bits") == "2048", shown)
    expect(certificate.findtext("altnames") == f"DNS:{at.SERVER}" and certificate.findtext("expired") == "false", shown)


def required_on_mx(ground):
    """A listener that demands TLS. Another offers none to whom it once failed, and a scanner's fails on purpose."""
    offers_what_is_safe(ground, "--starttls-smtp", f"{at.SERVER}:2526")


def port_587(ground):
    offers_what_is_safe(ground, "--starttls-smtp", f"{at.SERVER}:587")


def port_465(ground):
    offers_what_is_safe(ground, f"{at.SERVER}:465")


def renegotiation(ground):
    """A client that asks for a new handshake within TLS 1.2 (RFC 5746) does not get one."""
    _, shown = program(ground.client, ["timeout", "60", "openssl", "s_client", "-connect", f"{at.SERVER}:465", "-tls1_2", "-CAfile", "/etc/ssl/mail.example.jp.pem"], "R\n")
    expect("RENEGOTIATING" in shown and "no renegotiation" in shown, shown[-1500:])


CHECKS = [required_on_mx, port_587, port_465, renegotiation]
