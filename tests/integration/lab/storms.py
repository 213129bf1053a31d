"""Dialogues in which something happens to the daemon, or to the DNS, while many clients send. As in dialogues.py."""
import itertools
import json
import os
import re
import statistics
import subprocess
import threading
import time

from . import dialogues
from .daemon import merged
from .dialogues import plain, wait_until
from .smtp_client import Closed
from .store import Command, answer_of

STATUS_WITHIN = 2    # seconds until `sekisho status` has answered, as a rule, whatever goes on: this machine may stand still too
RELOAD_REFUSED = 78
RELOADS, FEWEST_RELOADS = 20, 4    # a second: meant, and for how many it goes on longer on a busy machine


class Crowd:
    """`count` clients, each of which sends one message after the other. Thread: its owner's."""

    def __init__(self, count, send):
        """`send(client, number)` sends one and returns what is to be kept of it."""
        self._send = send
        self._stopped = threading.Event()
        self._errors = []
        self.sent = []
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def finish(self):
        """No new message; those on their way are waited for."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads), "a client waits for ever"
        assert not self._errors, f"a client failed: {self._errors[0]}"
        return self.sent

    def _work(self, client):
        try:
            for number in itertools.count():
                if self._stopped.is_set():
                    return
                self.sent.append(self._send(client, number))
        except Exception as error:  # told by finish()
            self._errors.append(f"{type(error).__name__}: {error}")


def ended_in_data(lab, scenario, message, codes):
    """SIGTERM when half of a message has been sent: it gets its answer, and is not lost."""
    daemon = lab.daemon(scenario)
    ended = []
    ending = threading.Thread(target=lambda: ended.append(daemon.stop()), daemon=True)

    def meanwhile():
        ending.start()
        time.sleep(1.5)

    answer = dialogues.in_two_parts(lab, scenario, message, meanwhile)
    ending.join(40)
    assert ended == [None], f"the daemon: {ended}"
    daemon.start()
    daemon.wait()
    code = answer.stage("dot").code
    assert code in codes, f"the message in flight: {answer.stage('dot')}"
    return answer if code == 250 else plain(lab, scenario, message)


def ended_while_storing(lab, scenario, message, clients):
    """SIGTERM while messages are being stored: each is in the store, or its client got a 4xx. Where the daemon is the MTA, a
    client may have lost its connection instead."""
    daemon = lab.daemon(scenario)
    accepted, put_off = [], []

    def send(client, number):
        try:
            answer = answer_of(lab, scenario, {"subject": f"{client} {number}"}, f"-{client}-{number}")
        except (Closed, OSError):
            return
        (accepted if answer.stage("dot").code == 250 else put_off).append(answer)

    crowd = Crowd(clients, send)
    wait_until(lambda: len(accepted) >= clients, "nothing is stored", 20)
    wrong = daemon.stop()
    crowd.finish()
    assert wrong is None, wrong
    assert (put_off or lab.alone) and all(400 <= a.stage("dot").code < 500 for a in put_off), f"{[str(a.stage('dot')) for a in put_off][:5]}"
    daemon.start()
    daemon.wait()
    command = Command(lab, scenario)
    held = {row["queue_id"] for row in command.list("--state", "held")}
    lost = [a.queue_id for a in accepted if a.queue_id not in held]
    assert not lost, f"answered 250, and not in the store: {lost}"
    assert b"all is well" in command.run("verify", "--contents")
    return plain(lab, scenario, message)


def reload_storm(lab, scenario, message, clients, seconds, other, broken, lists, kinds):
    """Twenty reloads a second: of valid settings, of `other` ones, of a `broken` file, while `lists` (file name -> entry that
    it always has) are written anew all the time. Each of the `kinds` of mail gets the answers that it may get, and all of
    them: {mail_from, client, codes, present}; `present` is to be found in the header of what is delivered."""
    daemon = lab.daemon(scenario)
    for name, entry in lists.items():
        _rewrite(daemon, name, entry, 0)
    settings = merged(daemon.settings, {key: {"files": [os.path.join(daemon.home, key)]} for key in lists})
    daemon.configure(settings)
    assert _reload(lab, daemon) == 0, "the configuration with the lists is refused"

    def send(client, number, when=""):
        kind = kinds[(client + number) % len(kinds)]
        return kind["mail_from"], _from(lab, scenario, kind["mail_from"], f"{when}-{client}-{number}", kind.get("client"))

    warm_up = Crowd(clients, lambda client, number: send(client, number, "-before"))
    time.sleep(1)
    _settle(lab, warm_up.finish())
    before = _descriptors(daemon)
    crowd = Crowd(clients, send)
    _reload_for(lab, daemon, seconds, [(settings, ""), (merged(settings, other), ""), (settings, broken)], lists)
    answers = crowd.finish()
    daemon.configure(settings)
    assert _reload(lab, daemon) == 0, "the right configuration is refused in the end"
    _settle(lab, answers)
    for kind in kinds:
        of_kind = [a for name, a in answers if name == kind["mail_from"]]
        codes = {a.stage("dot").code for a in of_kind}
        assert codes == set(kind["codes"]), f"{kind['mail_from']}: {len(of_kind)} messages, answers {codes}"
        _assert_header(lab, of_kind, kind.get("present", ""))
    wait_until(lambda: _descriptors(daemon) <= before + 4, f"{_descriptors(daemon)} descriptors, and {before} before", 15)
    return plain(lab, scenario, message)


def _reload_for(lab, daemon, seconds, configurations, lists):
    """Until the time is over, and it was done often enough."""
    begun = time.monotonic()
    for number in itertools.count(1):
        settings, text = configurations[number % len(configurations)]
        daemon.configure(settings, text)
        name = list(lists)[number % len(lists)]
        _rewrite(daemon, name, lists[name], number)
        if number % 7 == 0:
            code = _reload(lab, daemon)
            assert code == (RELOAD_REFUSED if text else 0), f"sekisho reload: {code}"
        else:
            daemon.reload()
        if time.monotonic() > begun + seconds and number >= FEWEST_RELOADS * seconds:
            return
        assert time.monotonic() < begun + 10 * seconds, f"{number} reloads in {10 * seconds} s"
        time.sleep(max(0.0, begun + number / RELOADS - time.monotonic()))


def _rewrite(daemon, name, entry, number):
    """The entry between others, in a new file under the old name."""
    path = os.path.join(daemon.home, name)
    lines = [f"ip:203.0.113.{n % 250} skip=all" if name == "allowlist" else f"ip:203.0.113.{n % 250}" for n in
             range(number % 5, number % 5 + number % 40)]
    with open(path + ".new", "w") as out:
        out.write("\n".join(lines[::2] + [entry] + lines[1::2]) + "\n")
    os.replace(path + ".new", path)


def _reload(lab, daemon):
    return subprocess.run([lab.command, "reload", "--socket", daemon.control], capture_output=True, timeout=20).returncode


def _descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


def _memory(daemon):
    """Resident, in kB."""
    with open(f"/proc/{daemon.pid}/status") as text:
        return int(re.search(r"^VmRSS:\s+(\d+) kB", text.read(), re.MULTILINE)[1])


def _from(lab, scenario, mail_from, suffix, client=None):
    """The scenario's message, from somebody else."""
    copy = type(scenario)(**{**vars(scenario), "mail_from": mail_from, "client": client or scenario.client})
    answer = plain(lab, copy, lab.build({"from": mail_from}, scenario.id + suffix))
    if answer.queue_id:
        lab.claim(answer.queue_id)
    return answer


def _settle(lab, answers):
    """All that was accepted has arrived."""
    wanted = {a.queue_id for _, a in answers if a.queue_id}

    def missing():
        return wanted - set().union(*(d.queue_ids() for d in lab.sink.since(0)))
    wait_until(lambda: not missing(), "accepted mail was not delivered", 120)


def _assert_header(lab, answers, pattern):
    wanted = {a.queue_id for a in answers if a.queue_id}
    for delivery in lab.sink.since(0):
        if delivery.queue_ids() & wanted:
            found = any(re.search(pattern, line) for line in delivery.header())
            assert found, f"no line matches {pattern!r}: {delivery.header()}"


def black_hole(lab, scenario, message, clients, seconds, codes, present="", megabytes=64):
    """No question is answered any more, and each message asks for names that nobody asked for before: each gets the answer
    that the configuration has for it, the daemon answers its admin, and its memory has a limit."""
    daemon = lab.daemon(scenario)
    before = _memory(daemon)
    lab.faults.fail_all("timeout")
    try:
        crowd = Crowd(clients, lambda client, number: (
            client, _from(lab, scenario, f"a@c{client}-{number}.{scenario.id}.example", f"-{client}-{number}")))
        most = _watch(lab, daemon, seconds)
        answers = crowd.finish()
    finally:
        lab.faults.fail_all("")
    got = {a.stage("dot").code for _, a in answers}
    assert got <= set(codes) and len(answers) >= clients, f"{len(answers)} messages, answers {got}"
    assert most - before < megabytes * 1024, f"{most} kB, and {before} before"
    _settle(lab, answers)
    _assert_header(lab, [a for _, a in answers], present)
    return plain(lab, scenario, message)


def _watch(lab, daemon, seconds):
    """`sekisho status`, again and again. The largest memory seen."""
    end, most, times = time.monotonic() + seconds, 0, []
    while time.monotonic() < end:
        begun = time.monotonic()
        done = subprocess.run([lab.command, "status", "--json", "--socket", daemon.control], capture_output=True, timeout=20)
        times.append(time.monotonic() - begun)
        assert done.returncode == 0 and json.loads(done.stdout)["ok"], done.stderr
        most = max(most, _memory(daemon))
        time.sleep(0.2)
    assert statistics.median(times) < STATUS_WITHIN, f"sekisho status took {times} s"
    return most
