"""Dialogues about the files of the allowlist and the denylist, and the commands that read and write them. As in
dialogues.py."""
import re
import subprocess
import threading
import time

from . import dialogues, store, upheavals

TAKEN_UP_WITHIN = 15  # seconds; the daemon looks every two


def command(lab, scenario, *words, code=0):
    """`sekisho` with the configuration of the scenario's daemon: its standard output and errors."""
    done = subprocess.run([lab.command, *words, "-c", lab.daemon(scenario).configuration],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    said = done.stdout + done.stderr
    assert done.returncode == code, f"sekisho {' '.join(words)}: exit code {done.returncode}, not {code}: {said}"
    return said


def relisted(lab, scenario, message, files, log=("list: ",)):
    """The files are written anew while the daemon runs; when its log says that it has them, the message comes."""
    daemon = lab.daemon(scenario)
    size = daemon.log_size()
    for name, text in files.items():
        daemon.write_file(name, text)
    for pattern in log:
        dialogues.wait_until(lambda p=pattern: re.search(p, daemon.log_since(size), re.MULTILINE),
                             f"no log line matches {pattern!r}: {daemon.log_since(size)}", TAKEN_UP_WITHIN)
    return dialogues.plain(lab, scenario, message)


def relisted_under_load(lab, scenario, message, name, texts, clients, each):
    """`clients` send at once, `each` messages a client, while the file is rewritten and the daemon reloads: the entry that
    all `texts` have lets every single one through."""
    daemon = lab.daemon(scenario)
    ended = threading.Event()

    def rewrite():
        while not ended.is_set():
            for text in texts:
                daemon.write_file(name, text)
                daemon.reload()
                time.sleep(0.05)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        return upheavals.crowd(lab, scenario, message, clients, each)
    finally:
        ended.set()
        writer.join()


def told(lab, scenario, message, words, says, code=0, says_not=()):
    """No mail: what a command says, as regexes."""
    said = command(lab, scenario, *words, code=code)
    for pattern in says:
        assert re.search(pattern, said, re.MULTILINE), f"sekisho {' '.join(words)} does not say {pattern!r}: {said}"
    for pattern in says_not:
        assert not re.search(pattern, said, re.MULTILINE), f"sekisho {' '.join(words)} says {pattern!r}: {said}"


def _history(lab, scenario):
    done = subprocess.run([lab.command, "history", "-c", lab.daemon(scenario).configuration],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return done.stdout


def let_in(lab, scenario, message, entry):
    """Held by the MTA; `sekisho allow add --from-quarantine` makes this entry of it, and the next one comes in."""
    held = dialogues.plain(lab, scenario, message)
    dialogues.wait_until(lambda: held.queue_id in lab.mta.hold_queue(), f"not held: {held.stage('dot')}")
    size = lab.daemon(scenario).log_size()
    # Decisions are recorded beside the mail, within a second or two.
    dialogues.wait_until(lambda: "quarantine" in _history(lab, scenario), "the history does not know it")
    said = command(lab, scenario, "allow", "add", "--yes", "--from-quarantine", held.queue_id)
    return _next_one(lab, scenario, said, entry, size)


def let_in_and_go(lab, scenario, message, entry):
    """Held in our store; `sekisho quarantine release --allow` makes this entry of it and releases it; the next one comes in."""
    answer, identity = store.hold(lab, scenario, message)
    size = lab.daemon(scenario).log_size()
    said = command(lab, scenario, "quarantine", "release", "--allow", "--yes", identity)
    assert f"{identity}  {'queued for' if lab.alone else 'released: 2'}" in said, said
    store.Command(lab, scenario).row(answer, state="delivered")
    lab.claim(answer.queue_id)
    return _next_one(lab, scenario, said, entry, size)


def kept_out(lab, scenario, message, why):
    """Held in our store, and it proves nothing: no entry is made of it, and it is not released by the way."""
    answer, identity = store.hold(lab, scenario, message)
    for words in (["allow", "add", "--from-quarantine", identity], ["quarantine", "release", "--allow", identity]):
        said = command(lab, scenario, *words, code=store.REFUSED)
        assert re.search(why, said), f"{said!r} does not match {why!r}"
    store.Command(lab, scenario).row(answer, state="held")
    return answer


def _next_one(lab, scenario, said, entry, size):
    assert re.search(r"allow: added " + re.escape(entry), said), f"{said!r} does not add {entry!r}"
    daemon = lab.daemon(scenario)
    dialogues.wait_until(lambda: "allowlist: " in daemon.log_since(size), "the entry was not taken up", TAKEN_UP_WITHIN)
    return dialogues.plain(lab, scenario, lab.build(scenario.message, scenario.id + "-next"))
