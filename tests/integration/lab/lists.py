"""Dialogues about DNS lists: one that goes bad while mail comes in, and keys in the zones of lists. As in dialogues.py."""
import dataclasses
import itertools
import json
import os
import re
import subprocess
import threading
import time
import urllib.request

from . import allow
from .dialogues import plain, wait_until

TOLD_WITHIN = 20    # seconds
BACK_WITHIN = 40    # a list that never answered since the start is tried after 5, 15 and 35 s
NOTICED_WITHIN = 40  # a test each half minute
KEPT = 1.2          # no negative answer of the laboratory's zone is kept for longer


def turned(lab, scenario, message, name, zone, faults, strangers=5, restart=False, alone=False, noticed_after=0):
    """The list `name` is well, and refuses. Then all of its zone meets the faults, one after the other: it is disabled with
    one warning, and refuses nobody, neither `strangers` clients nor those that it lists. When it is well again, it refuses again:
    after a reload, or `alone`. With `restart` the daemon starts while it is bad, and knows nothing else of it. `noticed_after`
    so many strangers were refused, for they are all that shows it."""
    daemon = lab.daemon(scenario)
    _let_in(lab, scenario, message, strangers, "before")
    _refused(lab, scenario, message)
    size = daemon.log_size()
    try:
        _go_bad(lab, daemon, zone, faults[0], restart)
        shown = 0
        for _ in range(noticed_after):
            refused = plain(lab, _stranger(scenario), message)
            if refused.queue_id:  # it may have been noticed in the middle
                lab.claim(refused.queue_id)
            shown += refused.stage("rcpt").code == 554
            told = f"list {name} is disabled" in daemon.log_since(size)
            assert told or refused.stage("rcpt").code == 554, \
                f"a list that lists everybody does not refuse: {refused.stage('dot')}"
        if noticed_after:
            assert shown >= noticed_after - 1, f"it refused {shown} strangers, not {noticed_after}"
            wait_until(lambda: f"list {name} is disabled" in daemon.log_since(size), "it is not noticed", NOTICED_WITHIN)
        _let_in(lab, scenario, message, strangers, "bad")
        wait_until(lambda: f"list {name} is disabled" in daemon.log_since(size), "it is not disabled", TOLD_WITHIN)
        for fault in faults[1:]:
            lab.faults.begin("*." + zone, fault)
            _tested_again(lab, daemon, zone)
        _let_in(lab, scenario, message, 1, "aside")
        listed = plain(lab, scenario, message)
        assert listed.stage("dot").code == 250, f"a disabled list refuses: {listed.stage('dot')}"
        lab.claim(listed.queue_id)
    finally:
        lab.faults.end("*." + zone)
    changes = _changes(daemon, name, size)
    assert len(changes) == 1 and " disabled " in changes[0], f"not one warning: {changes}"
    if not alone:
        time.sleep(KEPT)
        daemon.reload()
    wait_until(lambda: f"list {name} is in use again" in daemon.log_since(size), "it does not come back",
               BACK_WITHIN if alone else TOLD_WITHIN)
    _let_in(lab, scenario, message, 1, "after")
    answer = plain(lab, scenario, message)
    changes = _changes(daemon, name, size)
    assert len(changes) == 2, f"not two changes: {changes}"
    return answer


def _go_bad(lab, daemon, zone, fault, restart):
    if restart:
        assert (wrong := daemon.stop()) is None, wrong
    lab.faults.begin("*." + zone, fault)
    if restart:
        daemon.start()
        daemon.wait()


def _refused(lab, scenario, message):
    """By a list that has just been tested, or is about to be: until then nothing counts as listed by it."""
    def refuses():
        answer = plain(lab, scenario, message)
        if answer.queue_id:
            lab.claim(answer.queue_id)
        return answer.stage("rcpt").code == 554
    wait_until(refuses, "a list that is well does not refuse")


def _tested_again(lab, daemon, zone):
    """The admin reloads, and so has it tested."""
    begun = len(lab.faults.asked())
    daemon.reload()
    wait_until(lambda: ("1.0.0.127." + zone, "A") in lab.faults.asked()[begun:], "it is not tested", TOLD_WITHIN)
    time.sleep(0.3)


def _let_in(lab, scenario, message, count, when):
    """As many clients at once whom no list knows, each of whom comes for the first time, so that none is answered from what
    is at hand."""
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(plain(lab, _stranger(scenario), message)))
               for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == count, f"{when}: {len(answers)} of {count} strangers were answered"
    for answer in answers:
        assert answer.stage("dot").code == 250, f"{when}: a stranger is answered {answer.stage('dot')}"
        lab.claim(answer.queue_id)


_strangers = itertools.count()


def _stranger(scenario):
    number = next(_strangers)
    return dataclasses.replace(scenario, client=f"10.77.{number // 250}.{number % 250 + 1}",
                               mail_from=f"a@stranger{number}.example")


def _changes(daemon, name, size):
    return re.findall(rf"^.*\blist {re.escape(name)} is .*$", daemon.log_since(size), re.MULTILINE)


def keys_kept(lab, scenario, message, keys, mail, zones, broken, logged, commands):
    """`mail` that the lists refuse, hold and let pass, the message, and a reload with what stands in the file `broken`. After
    that none of the `keys` is to be found in anything that people or programs read: replies, logs, what is delivered and
    kept, metrics, what each of the `commands` says. That these are the right places to look is seen by what the log and each
    command must say, and by the zones that were asked."""
    daemon = lab.daemon(scenario)
    told = {}
    answers = [_send(lab, scenario, each, number) for number, each in enumerate(mail)]
    answers.append(plain(lab, scenario, message))
    for number, answer in enumerate(answers):
        told[f"the replies to message {number}"] = "\n".join(map(str, [*answer.replies.values(),
                                                                       *answer.recipients.values()]))
    asked = {name for name, _ in lab.faults.asked()}
    for zone in zones:
        assert any(name.endswith("." + zone.lower()) for name in asked), f"{zone} was never asked"
    for pattern in logged:
        wait_until(lambda p=pattern: re.search(p, daemon.log_since(0), re.MULTILINE), f"no log line matches {pattern!r}")
    wait_until(lambda: len(json.loads(allow.command(lab, scenario, "history", "--json"))) >= len(answers),
               "not all decisions are recorded", TOLD_WITHIN)
    words = _words_for_commands(lab, scenario, message)
    wrong = []
    for line, pattern, *codes in commands:
        code, said = _command(lab, [word.format(**words) for word in line.split()])
        told["sekisho " + line] = said
        if code != (codes or [0])[0] or not re.search(pattern, said, re.MULTILINE):
            wrong.append(f"sekisho {line}: exit code {code}, and it should say {pattern!r}: {said}")
    told["a reload that is refused"] = _refused_reload(lab, daemon, broken)
    told |= _left_behind(lab, daemon)
    for where, text in told.items():
        for key in keys:
            at = text.lower().find(key.lower())
            if at >= 0:
                wrong.append(f"{where}: the key {key!r}: …{text[max(0, at - 200):at + 200]!r}…")
    assert not wrong, "\n".join(wrong)
    return answers[-1]


def _send(lab, scenario, each, number):
    """A message from another client, another sender or another author; `stage` says where it is answered with `code`."""
    envelope = {key: each[key] for key in ("client", "mail_from", "rcpt") if key in each}
    octets = lab.build({**scenario.message, **each.get("message", {})}, f"{scenario.id}-{number}")
    answer = plain(lab, dataclasses.replace(scenario, **envelope), octets)
    got = answer.stage(each["stage"])
    assert re.match(each["reply"], str(got)), f"message {number}: {str(got)!r} is not {each['reply']!r}"
    if answer.queue_id:
        lab.claim(answer.queue_id)
    return answer


def _words_for_commands(lab, scenario, message):
    """What {conf}, {home}, {held} and {file} are in a command."""
    daemon = lab.daemon(scenario)
    path = os.path.join(daemon.home, "stored.eml")
    with open(path, "wb") as out:
        out.write(message)
    rows = json.loads(allow.command(lab, scenario, "quarantine", "list", "--json"))
    assert rows, "nothing is held"
    return {"conf": daemon.configuration, "home": daemon.home, "held": rows[0]["id"], "file": path}


def _command(lab, words):
    done = subprocess.run([lab.command, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def _refused_reload(lab, daemon, broken):
    """With what stands in the file `broken` the configuration is wrong; then it is right again."""
    with open(os.path.join(daemon.home, broken)) as text:
        daemon.append_to_configuration(text.read())
    code, said = _command(lab, ["reload", "--socket", daemon.control])
    daemon.configure(daemon.settings)
    assert code == 78, f"sekisho reload: exit code {code}, not 78: {said}"
    return said


def _left_behind(lab, daemon):
    """Logs, metrics, what was delivered, and the files of the history and the store, whatever is in them."""
    told = {"the daemon's log": daemon.log_since(0)}
    assert os.path.getsize(lab.mta.log) > 0, "the MTA has logged nothing"
    paths = [lab.mta.log, os.path.join(daemon.home, "output")]
    for folder in ("history", "queue" if lab.alone else "quarantine"):
        for path, _, names in os.walk(os.path.join(daemon.home, folder)):
            paths += [os.path.join(path, name) for name in names]
    for path in paths:
        if os.path.isfile(path):
            with open(path, "rb") as text:
                told[path] = text.read().decode("latin-1")
    for number, delivery in enumerate(lab.sink.since(0)):
        told[f"delivered message {number}"] = delivery.message.decode("latin-1")
    listen = daemon.settings["metrics"]["listen"]
    with urllib.request.urlopen(f"http://{listen}/metrics", timeout=10) as answer:
        told["metrics"] = answer.read().decode()
    assert "sekisho_list_lookups_total" in told["metrics"], "no lists in the metrics"
    return told
