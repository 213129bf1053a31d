"""What a client does, by name. Each takes (laboratory, scenario, message, **parameters) and returns an Answer."""
import re
import time
from dataclasses import dataclass, field

from . import dovecot
from .smtp_client import SmtpClient


@dataclass
class Answer:
    """What the client saw."""
    replies: dict = field(default_factory=dict)        # stage -> Reply
    recipients: dict = field(default_factory=dict)     # recipient -> Reply to RCPT
    queue_id: str = ""
    message: bytes = b""
    seconds: float = 0          # from DATA to the reply to its end
    rcpt_seconds: float = 0     # the longest from a RCPT to its reply
    local: bool = False         # handed in without SMTP: there is no queue id to go by

    def stage(self, name):
        """The reply of a stage; a client that was refused earlier sees that reply."""
        if name in self.replies:
            return self.replies[name]
        return list(self.replies.values())[-1]


def _open(lab, scenario):
    return SmtpClient(scenario.client, lab.port(scenario))


def _greet(client, scenario, answer):
    answer.replies["helo"] = reply = client.command(f"EHLO {scenario.helo}")
    if scenario.auth:
        # Postfix and sendmail of the laboratory take logins in clear text, sekishod takes none.
        if any(line[4:] == "STARTTLS" for line in reply.lines):
            assert client.starttls().code == 220, "no TLS"
            answer.replies["helo"] = client.command(f"EHLO {scenario.helo}")
        answer.replies["auth"] = client.authenticate(scenario.auth, dovecot.PASSWORD)
        assert answer.replies["auth"].code == 235, f"no login: {answer.replies['auth']}"


def _envelope(client, scenario, answer):
    """True when a recipient was accepted."""
    parameters = " " + scenario.mail_parameters if scenario.mail_parameters else ""
    answer.replies["mail"] = client.command(f"MAIL FROM:<{scenario.mail_from}>{parameters}")
    if answer.replies["mail"].code != 250:
        return False
    for recipient in scenario.rcpt:
        begun = time.monotonic()
        answer.recipients[recipient] = answer.replies["rcpt"] = client.command(f"RCPT TO:<{recipient}>")
        answer.rcpt_seconds = max(answer.rcpt_seconds, time.monotonic() - begun)
    return any(reply.code == 250 for reply in answer.recipients.values())


def _send(client, message, answer):
    answer.message = message
    begun = time.monotonic()
    reply = answer.replies["dot"] = client.data(message)
    answer.seconds = time.monotonic() - begun
    answer.queue_id = _queue_id(reply)


def _queue_id(reply):
    """What Postfix or sendmail calls the message that it has accepted, or ""."""
    queued = re.search(r"queued as (\S+)|(\S+) Message accepted for delivery", reply.text)
    return (queued[1] or queued[2]) if queued else ""


def plain(lab, scenario, message):
    """One message over one connection."""
    answer = Answer()
    client = _open(lab, scenario)
    _greet(client, scenario, answer)
    if _envelope(client, scenario, answer):
        _send(client, message, answer)
    client.quit()
    return answer


def after_reset(lab, scenario, message, first_from, first_message=None):
    """A transaction that is given up by RSET before DATA, then the message on the same connection."""
    answer = Answer()
    client = _open(lab, scenario)
    _greet(client, scenario, answer)
    client.command(f"MAIL FROM:<{first_from}>")
    client.command(f"RCPT TO:<{scenario.rcpt[0]}>")
    client.command("RSET")
    if first_message is not None:
        client.command(f"MAIL FROM:<{first_from}>")
        client.command(f"RCPT TO:<{scenario.rcpt[0]}>")
        first = Answer()
        _send(client, lab.build(first_message, scenario.id + "-first"), first)
        lab.claim(first.queue_id)
    if _envelope(client, scenario, answer):
        _send(client, message, answer)
    client.quit()
    return answer


def several(lab, scenario, message, count):
    """The same message `count` times over one connection; all but the last must get the same code."""
    answer = Answer()
    client = _open(lab, scenario)
    _greet(client, scenario, answer)
    codes = set()
    for _ in range(count):
        _envelope(client, scenario, answer)
        _send(client, message, answer)
        codes.add(answer.replies["dot"].code)
        if answer.queue_id:
            lab.claim(answer.queue_id)
    client.quit()
    assert len(codes) == 1, f"different answers to one message: {sorted(codes)}"
    return answer


def dropped_first(lab, scenario, message, at="data"):
    """A connection that breaks (in DATA, after RCPT, …); then the message over a new one."""
    client = _open(lab, scenario)
    answer = Answer()
    if at != "connect":
        _greet(client, scenario, answer)
    if at in ("rcpt", "data"):
        _envelope(client, scenario, answer)
    if at == "data":
        client.command("DATA")
        client.send(message[:len(message) // 2])
    client.close()
    return plain(lab, scenario, message)


def in_two_parts(lab, scenario, message, meanwhile):
    """Half of the message, then whatever happens meanwhile, then the rest."""
    answer = Answer(message=message)
    client = _open(lab, scenario)
    _greet(client, scenario, answer)
    if _envelope(client, scenario, answer) and client.command("DATA").code == 354:
        client.send(message[:len(message) // 2])
        meanwhile()
        client.send(message[len(message) // 2:] + b"\r\n.\r\n")
        answer.replies["dot"] = client.read_reply()
        answer.queue_id = _queue_id(answer.replies["dot"])
    client.quit()
    return answer


def rude_helo(lab, scenario, message, lines):
    """Commands before the dialogue, each of which must be answered."""
    client = _open(lab, scenario)
    for line in lines:
        client.command(line)
    answer = Answer()
    _greet(client, scenario, answer)
    if _envelope(client, scenario, answer):
        _send(client, message, answer)
    client.quit()
    return answer


def raw_data(lab, scenario, message, hexadecimal, times=1):
    """Octets in the place of @RAW@, with no care for line ends."""
    answer = Answer()
    client = _open(lab, scenario)
    _greet(client, scenario, answer)
    _envelope(client, scenario, answer)
    answer.message = message
    if client.command("DATA").code == 354:
        client.send(message.replace(b"@RAW@", bytes.fromhex(hexadecimal) * times) + b"\r\n.\r\n")
        answer.replies["dot"] = client.read_reply()
        answer.queue_id = _queue_id(answer.replies["dot"])
    client.quit()
    return answer


def sendmail(lab, scenario, message):
    """Handed in by a local program: through Postfix's non_smtpd_milters, or by sendmail's mail submission program."""
    lab.mta.submit(scenario.mail_from, scenario.rcpt, message)
    return Answer(message=message, local=True)


def released(lab, scenario, message, way="release"):
    """Held, through a queue run too; then released by the MTA's own command: it must not be held again."""
    answer = plain(lab, scenario, message)
    wait_until(lambda: answer.queue_id in lab.mta.hold_queue(), f"not held: {answer.stage('dot')}")
    lab.mta.run_queue()
    assert answer.queue_id in lab.mta.hold_queue(), "a queue run let it go"
    lab.mta.release(answer.queue_id, way)
    wait_until(lambda: answer.queue_id not in lab.mta.hold_queue(), "still in the hold queue")
    return answer


def wait_until(condition, otherwise, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


def reloaded(lab, scenario, message):
    """The message, right after the daemon was told to read its configuration again."""
    lab.daemon(scenario).reload()
    time.sleep(0.3)
    return plain(lab, scenario, message)


def questions(lab, scenario, message, ask):
    """No mail: DNS questions as [name, type, regex over the answer], to prove the laboratory's own DNS."""
    for name, kind, wanted in ask:
        got = lab.ask(name, kind)
        assert re.search(wanted, got), f"{name} {kind}: {got!r} does not match {wanted!r}"

