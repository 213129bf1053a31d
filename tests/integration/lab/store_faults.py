"""Dialogues about a store, a log or a history that cannot write. What must be held is deferred and nothing else, nothing is
lost, and all goes on without a restart when the fault is gone. As in dialogues.py."""
import glob
import json
import os
import re
import sqlite3
import subprocess
import time

from . import process
from .dialogues import plain, wait_until
from .store import Command, answer_of, hold

RECOVERY = 20       # seconds; a store tries once a second


def no_store(lab, scenario, message, good, fault, messages=2):
    """The store cannot write: what must be held is deferred, good mail comes in; later it is held without a restart. What was
    held before is there all the time. Where the queue is ours too, good mail is deferred likewise."""
    daemon = lab.daemon(scenario)
    begin, apart = STORE_FAULTS[fault]
    if apart and not os.path.ismount(daemon.store):
        # A server takes no mail where there is not room for the largest message and a half.
        small_file_system(daemon, os.path.basename(daemon.store), "128m" if lab.alone else "16m")
    _, before = hold(lab, scenario, _numbered(lab, scenario, "before"))
    end = begin(daemon)
    try:
        for number in range(messages):
            answer = answer_of(lab, scenario, {"subject": f"refused {number}"}, f"-refused-{number}")
            assert answer.stage("dot").code in (451, 452), f"what must be held: {answer.stage('dot')}"
            _good(lab, scenario, good, number, (451, 452) if lab.alone else (250,))
        _assert_reads(lab, scenario, before)
    finally:
        end()
    answer = _until_held(lab, scenario, message)
    _assert_reads(lab, scenario, before)
    Command(lab, scenario).row(answer, state="held")
    _good(lab, scenario, good, messages)
    assert b"all is well" in Command(lab, scenario).run("verify", "--contents")
    return answer


def _numbered(lab, scenario, word):
    return lab.build({**scenario.message, "subject": word}, f"{scenario.id}-{word}")


def _assert_reads(lab, scenario, identity):
    assert Command(lab, scenario).run("show", identity, "--raw"), f"{identity} cannot be read"


def _until_held(lab, scenario, message):
    """Sent again as an MTA does, until it is taken."""
    deadline = time.monotonic() + RECOVERY
    while (answer := plain(lab, scenario, message)).stage("dot").code != 250:
        assert time.monotonic() < deadline, f"no recovery: {answer.stage('dot')}"
        time.sleep(0.5)
    return answer


def _good(lab, scenario, good, number, codes=(250,)):
    """Good mail, which is from `good`, is not concerned by a store that cannot keep, unless that is where the queue is."""
    copy = type(scenario)(**{**vars(scenario), "mail_from": good})
    answer = plain(lab, copy, lab.build({"from": good}, f"{scenario.id}-good-{number}"))
    assert answer.stage("dot").code in codes, f"good mail: {answer.stage('dot')}"
    if answer.stage("dot").code != 250:
        return
    lab.claim(answer.queue_id)
    wait_until(lambda: any(answer.queue_id in d.queue_ids() for d in lab.sink.since(0)), "good mail was not delivered")


def _read_only(daemon):
    """Folders in which the daemon may not make a file."""
    folders = [path for path, _, _ in os.walk(daemon.store)]
    modes = {path: os.stat(path).st_mode & 0o777 for path in folders}
    for path in folders:
        os.chmod(path, 0o500)
    return lambda: [os.chmod(path, mode) for path, mode in modes.items()]


def _locked(daemon):
    """Another process writes to the index, and goes on doing so."""
    other = sqlite3.connect(os.path.join(daemon.store, "index.db"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def end():
        other.execute("ROLLBACK")
        other.close()
    return end


def small_file_system(daemon, folder, size="16m"):
    """`folder` is one of its own from the daemon's next start on, which is now."""
    path = os.path.join(daemon.home, folder)
    assert (wrong := daemon.stop()) is None, wrong
    os.makedirs(path, exist_ok=True)
    process.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700,uid=65534", "none", path])
    daemon.start()
    daemon.wait()
    return path


def fill(folder):
    """No room is left. Returns what makes some again."""
    ballast = os.path.join(folder, "ballast")
    out = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(out, bytes(4096))
    except OSError:
        os.close(out)
    return lambda: os.unlink(ballast)


def _full(daemon):
    return fill(daemon.store)


# Fault -> the fault, which returns its end, and whether the store needs a file system of its own for it.
STORE_FAULTS = {"read_only": (_read_only, False), "full": (_full, True),
                "locked": (_locked, False)}


def damaged(lab, scenario, message, good, how, while_down=False):
    """The index is no database any more. It is made again from the files, by the daemon itself; what had been answered 250
    is there then, before and meanwhile."""
    daemon = lab.daemon(scenario)
    folder = daemon.store
    first, before = hold(lab, scenario, _numbered(lab, scenario, "before"))
    size = daemon.log_size()
    aside = len(glob.glob(folder + "/index.db.damaged-*"))
    if while_down:
        assert (wrong := daemon.stop()) is None, wrong
        DAMAGE[how](folder)
        daemon.start()
        daemon.wait()
    else:
        DAMAGE[how](folder)
    accepted, number = [first], 0
    deadline = time.monotonic() + RECOVERY
    while not (again := re.search(r"(quarantine|spool): .*\bmade again from the message files", daemon.log_since(size))) or number < 2:
        assert time.monotonic() < deadline, "the index was not made again"
        number += 1
        answer = answer_of(lab, scenario, {"subject": f"meanwhile {number}"}, f"-meanwhile-{number}")
        assert answer.stage("dot").code in (250, 451), f"meanwhile: {answer.stage('dot')}"
        accepted += [answer] if answer.stage("dot").code == 250 else []
        _good(lab, scenario, good, number, (250, 451) if lab.alone else (250,))
    accepted.append(_until_held(lab, scenario, message))
    command = Command(lab, scenario)
    for answer in accepted:
        command.row(answer, state="held")
    _assert_reads(lab, scenario, before)
    assert b"all is well" in command.run("verify", "--contents")
    kept = len(glob.glob(folder + "/index.db.damaged-*")) - aside
    assert again and (kept > 0) == (how != "gone"), f"{kept} damaged databases were kept"
    return accepted[-1]


def _overwrite(folder):
    """All that SQLite has, also what its log has of it."""
    for name in ("index.db-shm", "index.db-wal", "index.db"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, "r+b") as out:
                out.write(os.urandom(os.path.getsize(path)))


def _unlink(folder):
    for path in glob.glob(folder + "/index.db*"):
        if ".damaged-" not in path:
            os.unlink(path)


DAMAGE = {"overwritten": _overwrite, "gone": _unlink}


def _status(lab, daemon):
    done = subprocess.run([lab.command, "status", "--json", "-c", daemon.configuration], capture_output=True, text=True,
                          timeout=10)
    assert done.returncode == 0, f"sekisho status: {done.returncode}, {done.stderr}"
    return json.loads(done.stdout)


def full_log(lab, scenario, message, good):
    """No room for the log: mail is judged, held and delivered as ever; one warning goes to standard error, and one to the
    log when it can be written again."""
    daemon = lab.daemon(scenario)
    assert (wrong := daemon.stop()) is None, wrong
    folder, log = os.path.join(daemon.home, "small"), os.path.join(daemon.home, "log")
    os.makedirs(folder)
    process.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "none", folder])
    small = os.path.join(folder, "log")
    os.rename(log, log + ".before")
    for path in (small, log):
        open(path, "w").close()
        os.chown(path, 65534, -1)
    process.run(["mount", "--bind", small, log])
    said = os.path.getsize(os.path.join(daemon.home, "output"))
    daemon.start()
    daemon.wait()
    undo = fill(folder)
    _fill_last_page(small)
    size = daemon.log_size()
    for number in range(3):
        _good(lab, scenario, good, number)
        hold(lab, scenario, _numbered(lab, scenario, f"held-{number}"))
    assert daemon.log_size() == size, "the log has room"
    assert _status(lab, daemon)["log"]["lost"] >= 6, "lost lines are not counted"
    undo()
    answer = plain(lab, scenario, message)
    warnings = re.findall(r"^.*log: .*$", daemon.log_since(size), re.MULTILINE)
    assert len(warnings) == 1 and re.search(r"warning: log: \d+ lines were lost", warnings[0]), f"in the log: {warnings}"
    with open(os.path.join(daemon.home, "output")) as output:
        warnings = re.findall(r"^.*warning: log: .*$", output.read()[said:], re.MULTILINE)
    assert len(warnings) == 1, f"on standard error: {warnings}"
    return answer


def _fill_last_page(path):
    """What is left of the last page takes lines though the file system is full."""
    out = os.open(path, os.O_WRONLY | os.O_APPEND)
    rest = -os.path.getsize(path) % os.sysconf("SC_PAGE_SIZE")
    if rest:
        os.write(out, b"x" * (rest - 1) + b"\n")
    os.close(out)


def full_history(lab, scenario, message, good):
    """No room for the records of decisions: mail goes on, with one alarm; later they are recorded again."""
    daemon = lab.daemon(scenario)
    folder = small_file_system(daemon, "history")
    size = daemon.log_size()
    undo = fill(folder)
    for number in range(5):
        _good(lab, scenario, good, number)
        hold(lab, scenario, _numbered(lab, scenario, f"held-{number}"))
        time.sleep(0.3)
    wait_until(lambda: _status(lab, daemon)["history"]["recording"] is False, "the status does not tell it", RECOVERY)
    undo()
    wait_until(lambda: "decisions are recorded again" in daemon.log_since(size), "no recovery of the history", RECOVERY)
    told = daemon.log_since(size)
    assert told.count("decisions are not recorded") == 1, f"not one alarm: {told}"
    return plain(lab, scenario, message)
