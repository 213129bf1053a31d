#!/usr/bin/python3
"""A message by which sekishod, standing alone, crashes whenever it works on it (crash_point.cc): after the second crash it is
held, with an alarm; the daemon starts and stays, and all other mail is delivered. Released to a daemon that can read it, it
goes on.

Without root it ends with 77, which ctest counts as skipped.
"""
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../integration")]
sys.dont_write_bytecode = True

import queue_lab  # noqa: E402
from lab.next_hop import wait_until  # noqa: E402
from lab.smtp_client import Closed  # noqa: E402

POISON = b"poison for the daemon\r\n"   # crash_point.cc
OTHERS = 6


def run(lab):
    preload = os.path.join(lab.home, "crash_point.so")
    with open(lab.options.preload, "rb") as source, open(preload, "wb") as copy:
        copy.write(source.read())
    lab.start(preload)
    # They wait beside the poison, and are tried together with it.
    lab.hop.answers = {"waits": "450 later"}
    for _ in range(OTHERS):
        lab.send("waits@plain.example")
    try:
        lab.send("poison@plain.example", text=POISON)
    except (Closed, OSError):
        pass  # it was on the disk, and crashed the daemon before the answer
    crashes = 0
    while crashes < 2:
        wait_until(lambda: lab.ended() is not None, f"crash {crashes + 1}")
        assert lab.ended() == -signal.SIGSEGV, f"sekishod ended with {lab.ended()}"
        crashes += 1
        lab.start(preload)
    held = wait_until(lambda: [m for m in lab.waiting() if any(r["state"] == "held" for r in m["recipients"])], "the poison is held")
    assert [r["to"] for m in held for r in m["recipients"]] == ["poison@plain.example"], f"held: {held}"
    assert held[0]["recipients"][0]["reason"].startswith("crash"), f"held: {held}"
    assert any("crashed" in alarm for alarm in lab.alarms()), f"no alarm: {lab.alarms()}"
    lab.hop.answers = {}
    lab.send("later@plain.example")
    wait_until(lambda: len(lab.waiting()) == 1, "all others have left the queue")
    assert lab.ended() is None, f"sekishod ended with {lab.ended()}"
    for name, recipient in lab.taken.items():
        copies = len(lab.tally.copies[f"<{name}>", recipient])
        assert copies == (0 if recipient.startswith("poison") else 1), f"{name}: {copies} copies"
    lab.stop()
    lab.start()
    assert len(lab.waiting()) == 1, "it was held, and is not any more"
    lab.command("queue", "release", held[0]["id"])
    wait_until(lambda: not lab.waiting(), "the poison has left")
    wait_until(lambda: not lab.alarms(), "the alarm is over")
    lab.stop()
    print(f"{crashes} crashes, the poison was held, {OTHERS + 1} others delivered")


if __name__ == "__main__":
    sys.exit(queue_lab.main("queue_poison", __doc__, run, preload=True))
