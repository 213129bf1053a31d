"""Deferrals that end, whatever happens to the daemon and wherever the sender comes from."""
import dataclasses
import itertools
import os
import time

from . import dialogues


def deferred_over_a_kill(lab, scenario, message, clients, defer_for):
    """Deferred; tried again from other networks, and once the daemon is killed and started again. The answer of the first
    attempt that is not deferred, which must not have waited for `defer_for` once more."""
    daemon = lab.daemon(scenario)
    begun = time.monotonic()
    _expect_deferred(dialogues.plain(lab, scenario, message))
    _wait_for_line(os.path.join(daemon.home, "history", "deferrals"))
    others = itertools.cycle(clients)
    while time.monotonic() - begun < defer_for * 0.6:
        _expect_deferred(_from(lab, scenario, message, next(others)))
        time.sleep(1)
    daemon.kill()
    daemon.start()
    daemon.wait()
    killed = time.monotonic()
    while True:
        answer = _from(lab, scenario, message, next(others))
        now = time.monotonic()
        if answer.stage("dot").code != 451:
            # The times in the file are whole seconds.
            assert now - begun >= defer_for - 1, f"no longer deferred after {now - begun:.0f} s"
            return answer
        assert now - killed < defer_for, "the deferral began anew with the daemon"
        time.sleep(1)


def _from(lab, scenario, message, client):
    return dialogues.plain(lab, dataclasses.replace(scenario, client=client), message)


def _expect_deferred(answer):
    reply = answer.stage("dot")
    assert reply.code == 451, f"not deferred: {reply}"


def _wait_for_line(path, seconds=120):
    end = time.monotonic() + seconds
    while not os.path.exists(path) or not os.path.getsize(path):
        assert time.monotonic() < end, f"nothing is written to {path}"
        time.sleep(0.05)
