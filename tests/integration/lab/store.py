"""Dialogues about our own store: what is held there, and how `sekisho quarantine` lets it go. As in dialogues.py."""
import json
import re
import subprocess
import time

from .dialogues import plain, wait_until
from .fake_mta import FakeMta, Latecomer, Listener

REFUSED, GONE, TEMPORARY, UNAVAILABLE = 65, 66, 75, 69   # exit codes


class Command:
    """`sekisho quarantine` (or another `program` of it) with the configuration of a scenario's daemon."""

    def __init__(self, lab, scenario, program="quarantine", **settings):
        self._program, self._verbs = lab.command, program
        daemon = lab.daemon(scenario)
        self._config = daemon.command_configuration(settings) if settings else daemon.configuration

    def start(self, *words):
        verb, *rest = words
        return subprocess.Popen([self._program, self._verbs, verb, "-c", self._config, *rest],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words, code=0):
        running = self.start(*words)
        out, err = running.communicate(timeout=60)
        assert running.returncode == code, f"{self._verbs} {' '.join(words)}: exit code {running.returncode}, not {code}: " \
                                           f"{(out[-500:] + err[-500:]).decode('utf-8', 'replace')}"
        return out

    def list(self, *filters):
        return json.loads(self.run("list", "--json", *filters))

    def row(self, answer, **wanted):
        """The row of a message by the MTA's queue id."""
        rows = [row for row in self.list("--state", "any") if row["queue_id"] == answer.queue_id]
        assert len(rows) == 1, f"{len(rows)} rows for {answer.queue_id} ({answer.stage('dot')})"
        for key, value in wanted.items():
            assert rows[0][key] == value, f"{key} is {rows[0][key]!r}, not {value!r}: {rows[0]['remark']}"
        return rows[0]


def hold(lab, scenario, message, recipients=None):
    """Sent, and in the store: for `recipients`, or all. (answer, id)"""
    answer = plain(lab, scenario, message)
    assert answer.stage("dot").code == 250, f"answered {answer.stage('dot')}"
    command = Command(lab, scenario)
    row = command.row(answer, state="held", recipients=recipients or scenario.rcpt)
    if recipients is None:
        assert answer.queue_id not in lab.mta.queued(), "the MTA has it in its queue too"
    kept = command.run("show", row["id"], "--raw")
    sent = message if message.endswith(b"\r\n") else message + b"\r\n"
    assert kept.partition(b"\r\n\r\n")[2] == sent.partition(b"\r\n\r\n")[2], "the body was altered"
    return answer, row["id"]


def kept(lab, scenario, message, recipients=None):
    """Held in the store for these recipients, byte for byte; nothing in the MTA's queue."""
    return hold(lab, scenario, message, recipients)[0]


def _release(lab, scenario, answer, identity, options=(), code=0, **settings):
    Command(lab, scenario, **settings).run("release", *options, "--", identity, code=code)


def let_go(lab, scenario, message, recipients=None, options=(), state="delivered", to=None):
    """Held, and released through the MTA; a second release is refused."""
    answer, identity = hold(lab, scenario, message, recipients)
    _release(lab, scenario, answer, identity, options)
    command = Command(lab, scenario)
    command.row(answer, state=state)
    if state == "delivered":
        command.run("release", identity, code=GONE)
        command.run("show", identity, "--raw", code=GONE)
    _assert_delivered_once(lab, answer, to or recipients or scenario.rcpt, scenario)
    _assert_told(lab, scenario, identity)
    return answer


def _assert_told(lab, scenario, identity):
    """The pass of a released message has an id of its own, whose log line and explanation name the first one. Where the queue
    is ours, what is released passes no filter again: the same id goes on."""
    daemon = lab.daemon(scenario)
    if lab.alone:
        wait_until(lambda: re.search(rf" {identity}: to=<.*status=sent ", daemon.log_since(0)), f"no log line says that {identity} was sent")
        assert len(re.findall(rf"\bid={identity} client=", daemon.log_since(0))) == 1, f"{identity} was judged again"
        return
    line = rf"\bid=(\S+) .*\bskipped=released released={identity} action=accept rule=exempt "
    wait_until(lambda: re.search(line, daemon.log_since(0)), f"no log line names {identity} as released")
    passed = re.search(line, daemon.log_since(0)).group(1)

    def explanation():
        return subprocess.run([lab.command, "explain", passed, "-c", daemon.configuration], capture_output=True).stdout.decode()
    wait_until(lambda: f"sekisho explain {identity} tells why" in explanation(), f"{passed} does not tell of {identity}")


def _assert_delivered_once(lab, answer, recipients, scenario):
    """To each, within seconds; and then no more."""
    def copies(to):
        return sum(d.recipients.count(to) for d in lab.sink.since(0) if answer.queue_id in d.queue_ids())
    wait_until(lambda: all(copies(to) > 0 for to in recipients), "a released message did not arrive", 20)
    time.sleep(0.3)
    for to in recipients:
        assert copies(to) == 1, f"{copies(to)} copies for {to}"
    for delivery in lab.sink.since(0):
        if answer.queue_id in delivery.queue_ids():
            ours = [x for x in delivery.header() if re.match(r"Authentication-Results:\s*mx\.example\.jp\b", x)]
            assert len(ours) == 1, f"{len(ours)} Authentication-Results fields of ours: {ours}"
            assert not any(x.lower().startswith("x-sekisho-release") for x in delivery.header()), "the proof went on"


def let_go_twice(lab, scenario, message):
    """Two releases at the same time: one does it."""
    answer, identity = hold(lab, scenario, message)
    command = Command(lab, scenario)
    running = [command.start("release", identity) for _ in range(2)]
    said = [one.communicate(timeout=60) for one in running]
    codes = sorted(one.returncode for one in running)
    assert codes in ([0, REFUSED], [0, GONE]), f"exit codes {codes}: {said}"
    _assert_delivered_once(lab, answer, scenario.rcpt, scenario)
    return answer


def stolen_proof(lab, scenario, message):
    """Who has seen a released message on its way sends it again: it is judged as any other, and held."""
    answer, identity = hold(lab, scenario, message)
    listener = Listener(lab.port(scenario))
    _release(lab, scenario, answer, identity, release_via=f"smtp:127.0.0.1:{listener.port}")
    stolen = listener.message()
    assert b"X-Sekisho-Release: " + identity.encode() in stolen, "no proof in what was released"
    again = plain(lab, scenario, stolen)
    assert again.stage("dot").code in (250, 550), f"answered {again.stage('dot')}"
    _assert_delivered_once(lab, answer, scenario.rcpt, scenario)
    assert not [d for d in lab.sink.since(0) if again.queue_id in d.queue_ids()], "a stolen proof was good"
    return answer


def failing_mta(lab, scenario, message, replies=None, offers=None, remark="", code=TEMPORARY):
    """An MTA that does not take it: still held, and the row says why. Then one that does."""
    answer, identity = hold(lab, scenario, message)
    fake = FakeMta(replies, offers)
    _release(lab, scenario, answer, identity, code=code, release_via=f"smtp:127.0.0.1:{fake.port}")
    row = Command(lab, scenario).row(answer, state="held")
    assert re.search(remark, row["remark"]), f"the remark is {row['remark']!r}"
    _release(lab, scenario, answer, identity)
    _assert_delivered_once(lab, answer, scenario.rcpt, scenario)
    return answer


def parameters(lab, scenario, message, options=(), offers=None, lines=()):
    """The commands that the MTA gets, as regexes in order."""
    answer, identity = hold(lab, scenario, message)
    fake = FakeMta(offers=offers)
    _release(lab, scenario, answer, identity, options, release_via=f"smtp:127.0.0.1:{fake.port}")
    said = [line for line in fake.lines if line[:4] in ("MAIL", "RCPT")]
    assert len(said) == len(lines) and all(re.fullmatch(p, x) for p, x in zip(lines, said)), f"it said {said}"
    return answer


def never_bounces(lab, scenario, message):
    """Released to a mailbox that the next hop refuses: nobody hears of it."""
    answer, identity = hold(lab, scenario, message)
    before = len(lab.sink.since(0))
    _release(lab, scenario, answer, identity)
    if lab.alone:
        _assert_in_queue(lab, scenario, identity, "held", "550 5.1.1 nobody of that name")
        Command(lab, scenario, program="queue").run("delete", identity)
    wait_until(lambda: not lab.mta.queued(), "the MTA still has it", 20)
    time.sleep(0.5)
    assert len(lab.sink.since(0)) == before, "a bounce, or the message"
    return None


def _assert_in_queue(lab, scenario, identity, state, reply):
    """What was released waits in our own queue for a person, with what the next hop has said."""
    def found():
        rows = [json.loads(line) for line in Command(lab, scenario, program="queue").run("list", "--json").splitlines()]
        return [to for row in rows if row["id"] == identity for to in row["recipients"] if to["state"] == state and reply in to["reply"]]
    wait_until(found, f"{identity} is not {state} in the queue with {reply!r}")


def late_release(lab, scenario, message):
    """A release is killed, another one takes over, and then the first one's message reaches the filter after all."""
    answer, identity = hold(lab, scenario, message)
    late = Latecomer(lab.port(scenario))
    command = Command(lab, scenario, release_via=f"smtp:127.0.0.1:{late.port}")
    running = command.start("release", identity)
    late.wait()
    running.kill()
    running.communicate()
    _release(lab, scenario, answer, identity)
    reply = late.go()
    assert reply.startswith("4"), f"the late one: {reply}"
    Command(lab, scenario).row(answer, state="delivered")
    _assert_delivered_once(lab, answer, scenario.rcpt, scenario)
    return answer


def by_sendmail(lab, scenario, message):
    """release_via = "sendmail:…"."""
    answer, identity = hold(lab, scenario, message)
    _release(lab, scenario, answer, identity, release_via="sendmail:" + lab.mta.sendmail_program())
    _assert_delivered_once(lab, answer, scenario.rcpt, scenario)
    return answer


def deleted(lab, scenario, message):
    answer, identity = hold(lab, scenario, message)
    command = Command(lab, scenario)
    command.run("delete", identity)
    command.row(answer, state="deleted")
    command.run("release", identity, code=GONE)
    command.run("delete", identity, code=GONE)
    return answer


def daemon_down(lab, scenario, message):
    """The command needs no daemon; another MTA then takes the message without asking it."""
    answer, identity = hold(lab, scenario, message)
    daemon = lab.daemon(scenario)
    assert (wrong := daemon.stop()) is None, wrong
    try:
        Command(lab, scenario).run("show", identity, "--why")
        if lab.alone:
            _release(lab, scenario, answer, identity)
        else:
            _release(lab, scenario, answer, identity, release_via="smtp:127.0.0.1:25")
            _assert_delivered_once_with_proof(lab, answer)
    finally:
        daemon.start()
        daemon.wait()
    if lab.alone:  # the queue is the daemon's: it leaves when there is one
        _assert_delivered_once(lab, answer, scenario.rcpt, scenario)
    return answer


def _assert_delivered_once_with_proof(lab, answer):
    wait_until(lambda: any(answer.queue_id in d.queue_ids() for d in lab.sink.since(0)), "it did not arrive", 20)


def answer_of(lab, scenario, spec, suffix):
    """A message like the scenario's, but for `spec`."""
    return plain(lab, scenario, lab.build({**scenario.message, **spec}, scenario.id + suffix))


def too_much(lab, scenario, message, count=1):
    """As many messages as there is room for, and then the one that is expected."""
    for number in range(count):
        answer = answer_of(lab, scenario, {"subject": f"number {number}"}, f"-{number}")
        Command(lab, scenario).row(answer, state="held")
    return plain(lab, scenario, message)


def summary(lab, scenario, message):
    """stats, verify, expire and export as an admin types them."""
    answer, identity = hold(lab, scenario, message)
    command = Command(lab, scenario)
    mail = command.run("stats", "--mail", "admin@example.jp").decode()
    assert "\nTo: admin@example.jp\n" in mail and identity in mail, mail
    assert b"all is well" in command.run("verify", "--contents")
    defanged = command.run("export", "--defang", identity).decode()
    assert all(line.startswith("| ") for line in defanged.partition("\n\n")[2].splitlines()), defanged
    table = command.run("list").decode()
    assert identity in table and "\x1b" not in table, table
    command.run("expire", "--older", "0s")
    command.row(answer, state="expired")
    return answer

