"""What the situations of docs/situations have in common: a network with a name server, and what clients do."""
import os
import smtplib
import ssl

from .. import namespace
from ..hosts import Networks
from ..site import Client, Site, letter, serve_dns

DOCUMENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../docs/situations")
DNS = "192.0.2.53"


class World:
    """What every situation has: the network `wan` with a name server."""

    def __init__(self, options):
        self.options = options
        home = os.path.join(namespace.HOME, "machines")
        os.makedirs(home)
        os.chmod(home, 0o755)
        self.networks = Networks(home)
        self.networks.add("wan")
        self.site = None

    def host(self, name, links, gateways=()):
        return self.networks.host(name, links, gateways)

    def dns(self, zone):
        serve_dns(self.host("dns", {"wan": [f"{DNS}/1", "2001:db8:25::53/64"]}), DNS, zone)

    def situation(self, host, name):
        self.site = Site(host, os.path.join(DOCUMENTS, name), self.options.sekisho, DNS)
        return self.site


def refused(action):
    """The reply with which a server refuses what `action` does."""
    try:
        action()
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
    except smtplib.SMTPResponseException as error:
        code, text = error.smtp_code, error.smtp_error
    else:
        raise AssertionError("not refused")
    return f"{code} {text.decode()}"


def any_certificate():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class TlsClient(Client):
    """TLS from the first octet."""

    def _get_socket(self, host, port, timeout):
        return any_certificate().wrap_socket(super()._get_socket(host, port, timeout))


def send(host, address, sender, recipient, source=None, port=25, subject="hello"):
    with Client(host, source) as client:
        client.connect(address, port)
        client.sendmail(sender, [recipient], letter(sender, recipient, subject))


def expect(condition, what):
    assert condition, what
