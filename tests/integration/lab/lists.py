"""Dialogues about DNS lists: one that goes bad while mail comes in. As in dialogues.py."""
import dataclasses
import itertools
import re
import threading
import time

from .dialogues import plain, wait_until

TOLD_WITHIN = 10    # seconds
BACK_WITHIN = 25    # a list that never answered since the start is tried after 5 s and 10 s
KEPT = 1.2          # no negative answer of the laboratory's zone is kept for longer


def turned(lab, scenario, message, name, zone, faults, strangers=5, restart=False, alone=False):
    """The list `name` is well, and refuses. Then all of its zone meets the faults, one after the other: it is set aside with
    one warning, and refuses nobody, neither `strangers` clients nor whom it lists. When it is well again, it refuses again:
    after a reload, or `alone`. With `restart` the daemon starts while it is bad, and knows nothing else of it."""
    daemon = lab.daemon(scenario)
    _let_in(lab, scenario, message, strangers, "before")
    _refused(lab, scenario, message)
    size = daemon.log_size()
    try:
        _go_bad(lab, daemon, zone, faults[0], restart)
        _let_in(lab, scenario, message, strangers, "bad")
        wait_until(lambda: f"list {name} is set aside" in daemon.log_since(size), "it is not set aside", TOLD_WITHIN)
        for fault in faults[1:]:
            lab.faults.begin("*." + zone, fault)
            _tested_again(lab, daemon, zone)
        _let_in(lab, scenario, message, 1, "aside")
        listed = plain(lab, scenario, message)
        assert listed.stage("dot").code == 250, f"a list that is set aside refuses: {listed.stage('dot')}"
        lab.claim(listed.queue_id)
    finally:
        lab.faults.end("*." + zone)
    changes = _changes(daemon, name, size)
    assert len(changes) == 1 and " set aside " in changes[0], f"not one warning: {changes}"
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
