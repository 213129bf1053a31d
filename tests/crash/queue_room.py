#!/usr/bin/python3
"""The disk under the queue of sekishod, standing alone, is full, has no inodes left, or cannot be written to: before MAIL,
before DATA, within it, and while the queue delivers and bounces. Then the same of a Maildir.

A client gets 452 or 451, and what was taken before is delivered or bounced, once, when there is room again: by itself.
Without root it ends with 77, which ctest counts as skipped.
"""
import email
import glob
import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../integration")]
sys.dont_write_bytecode = True

import queue_lab  # noqa: E402
from lab import process  # noqa: E402
from lab.next_hop import wait_until  # noqa: E402


class Full:
    """Not an octet is left."""
    at_mail = True   # it is seen before MAIL is answered

    def __init__(self, disk, _folder):
        self._path = f"{disk}/ballast"

    def begin(self):
        with open(self._path, "ab", buffering=0) as out:
            try:
                while True:
                    out.write(bytes(65536))
            except OSError:
                pass
            try:
                while True:
                    out.write(bytes(512))
            except OSError:
                pass

    def end(self):
        os.unlink(self._path)


class NoInodes:
    """No file can be made."""
    at_mail = True

    def __init__(self, disk, _folder):
        self._folder = f"{disk}/files"

    def begin(self):
        os.makedirs(self._folder, exist_ok=True)
        try:
            for _ in range(100_000):
                open(f"{self._folder}/{time.monotonic_ns()}", "w").close()
        except OSError:
            return
        raise AssertionError("the file system has no end of inodes")

    def end(self):
        shutil.rmtree(self._folder)


class ReadOnly:
    """No file can be made or removed in the folder: its files are open, so it cannot be mounted anew."""
    at_mail = False

    def __init__(self, _disk, folder):
        self._folder = folder

    def begin(self):
        for folder, _, _ in os.walk(self._folder):
            os.chmod(folder, 0o500)

    def end(self):
        for folder, _, _ in os.walk(self._folder):
            os.chmod(folder, 0o750)


class Remounted:
    """A file system that the kernel has made read-only."""

    def __init__(self, disk, _folder):
        self._disk = disk

    def begin(self):
        process.run(["mount", "-o", "remount,ro", self._disk])

    def end(self):
        process.run(["mount", "-o", "remount,rw", self._disk])


class Experiment:
    def __init__(self, lab):
        self._lab = lab

    def run(self):
        self._lab.start()
        home = self._lab.home
        for fault in (Full, NoInodes, ReadOnly):
            began = time.monotonic()
            self._queue(fault(f"{home}/disk", f"{home}/disk/queue"))
            print(f"{fault.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        for fault in (Full, Remounted):
            began = time.monotonic()
            self._maildir(fault(f"{home}/mail", None))
            print(f"Maildir, {fault.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        self._lab.stop()
        self._judge()

    def _queue(self, fault):
        lab = self._lab
        # All of these wait: their next hop has no time.
        lab.hop.answers = {"waits": "450 later", "refused": "450 later"}
        for recipient in ["waits@plain.example"] * 4 + ["refused@plain.example"] * 2:
            lab.send(recipient)
        open_before, within = lab.begin("user@plain.example"), lab.begin("user@plain.example")
        within.command("DATA")
        name = lab.new_name("within")
        within.send(lab.letter(name, 300_000))
        fault.begin()
        try:
            self._refused(open_before.data(lab.letter("open-before")), "DATA")
            within.send(b"z" * 300_000 + b"\r\n.\r\n")
            answer = within.read_reply()
            if answer.code == 250 and isinstance(fault, NoInodes):
                lab.taken[name] = "user@plain.example"  # its file had been made
            else:
                self._refused(answer, "the end of DATA")
            fault.begin()  # what was refused has left some room
            self._refuses(fault)
            # What waits may leave: it must not come a second time, and its end is recorded later.
            lab.hop.answers = {"refused": "550 5.1.1 nobody"}
            self._refuses(fault)
        finally:
            fault.end()
        wait_until(lambda: lab.send("user@plain.example", may_fail=True).code == 250, "taken again")
        wait_until(lambda: not lab.waiting(), "all has left the queue")
        wait_until(lambda: not lab.alarms(), "the alarm is over")

    def _refuses(self, fault):
        """New mail: at MAIL, once the daemon has looked at the disk, and till then at the end of the message. What has left
        the queue meanwhile may have made room for a small one."""
        lab = self._lab

        def at_mail():
            client, name = lab.client(), lab.new_name("new")
            reply = client.command("MAIL FROM:<boss@sender.example>")
            if reply.code == 250:
                assert client.command("RCPT TO:<user@plain.example>").code == 250
                answer = client.data(lab.letter(name))
                if answer.code == 250 and fault.at_mail:
                    lab.taken[name] = "user@plain.example"
                else:
                    self._refused(answer, "new mail")
            client.quit()
            return reply.code == 452 and any("no mail is taken" in text for text in lab.alarms())
        if fault.at_mail:
            wait_until(at_mail, "452 at MAIL, and an alarm")
        else:
            at_mail()

    @staticmethod
    def _refused(reply, what):
        assert reply.code in (451, 452), f"{what} without room: {reply}"

    def _maildir(self, fault):
        lab = self._lab
        lab.send("user@local.example")
        wait_until(lambda: not lab.waiting(), "delivered")
        fault.begin()
        try:
            for size in (10, 30_000):
                lab.send("user@local.example", size=size)
            wait_until(lambda: lab.log_of(" alert: ", "/mail/"), "an alarm")
            wait_until(lambda: [r["reason"][:5] for m in lab.waiting() for r in m["recipients"]] == ["fault"] * 2, "both wait for a fault")
            assert lab.alarms(), "status tells of no alarm"
        finally:
            fault.end()
        wait_until(lambda: not lab.waiting(), "delivered by itself")
        wait_until(lambda: not lab.alarms(), "the alarm is over")
        assert not glob.glob(f"{lab.home}/mail/*/tmp/*"), "something is left in tmp"

    def _judge(self):
        lab = self._lab
        copies, bounces = {}, {}
        for (name, _), times in lab.tally.copies.items():
            copies[name] = copies.get(name, 0) + len(times)
        for octets in lab.tally.reports:
            note_report(octets, bounces)
        for path in glob.glob(f"{lab.home}/mail/*/new/*"):
            with open(path, "rb") as text:
                octets = text.read()
            message = email.message_from_bytes(octets)
            if message.get_content_type() == "multipart/report":
                note_report(octets, bounces)
            else:
                copies[message["Message-ID"]] = copies.get(message["Message-ID"], 0) + 1
        wrong = []
        for name, recipient in lab.taken.items():
            has, told = copies.pop(f"<{name}>", 0), bounces.get(f"<{name}>", 0)
            expected = (0, 1) if recipient.startswith("refused") else (1, 0)
            if (has, told) != expected:
                wrong.append(f"{name}: {has} copies and {told} bounces, and not {expected[0]} and {expected[1]}")
        wrong += [f"{name}: delivered, and was refused" for name in copies if name.startswith("<")]
        assert not wrong, "\n".join(wrong)
        assert lab.taken, "nothing was taken: this proves nothing"
        print(f"{len(lab.taken)} messages taken, all delivered or bounced once")


def note_report(octets, bounces):
    original = email.message_from_bytes(octets).get_payload()[2].get_payload()
    name = email.message_from_string(original)["Message-ID"]
    bounces[name] = bounces.get(name, 0) + 1


if __name__ == "__main__":
    sys.exit(queue_lab.main("queue_room", __doc__, lambda lab: Experiment(lab).run()))
