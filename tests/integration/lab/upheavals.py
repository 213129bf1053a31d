"""Dialogues during which something happens to the daemon or to the DNS. As in dialogues.py, each returns the Answer to
the message that must come through in the end."""
import threading
import time

from . import dialogues


def _expect_code(answer, codes, what):
    code = answer.stage("dot").code
    assert code in codes, f"{what}: answered {answer.stage('dot')}"


def crash(lab, scenario, message):
    """kill -9. Without the filter the MTA defers mail (milter_default_action, F=T), and nobody gets in unjudged; started
    again, on the sockets that the dead one left, it serves."""
    daemon = lab.daemon(scenario)
    daemon.kill()
    if lab.alone:
        _expect_nobody(lab, scenario, message)
    else:
        _expect_code(dialogues.plain(lab, scenario, message), [451], "without the daemon")
    daemon.start()
    daemon.wait()
    return dialogues.plain(lab, scenario, message)


def _expect_nobody(lab, scenario, message):
    """Where the daemon is the MTA, its clients find no server, and try again later."""
    try:
        answer = dialogues.plain(lab, scenario, message)
    except ConnectionRefusedError:
        return
    raise AssertionError(f"without the daemon: answered {answer.stage('dot')}")


def ended(lab, scenario, message, slow_message, slow_codes):
    """SIGTERM while a message waits for slow DNS: that message gets an answer all the same."""
    daemon = lab.daemon(scenario)
    answers = []
    slow = lab.build(slow_message, scenario.id + "-slow")
    thread = threading.Thread(target=lambda: answers.append(dialogues.plain(lab, scenario, slow)))
    thread.start()
    time.sleep(0.7)
    wrong = daemon.stop()
    thread.join(40)
    assert wrong is None, wrong
    assert answers, "the message in flight was never answered"
    _expect_code(answers[0], slow_codes, "the message in flight")
    daemon.start()
    daemon.wait()
    return dialogues.plain(lab, scenario, message)


def reconfigured(lab, scenario, message, settings):
    """New settings and SIGHUP: they hold for the message."""
    daemon = lab.daemon(scenario)
    size = daemon.log_size()
    daemon.configure(settings)
    daemon.reload()
    dialogues.wait_until(lambda: "reloaded:" in daemon.log_since(size), "it is not read", 20)
    return dialogues.plain(lab, scenario, message)


def misconfigured(lab, scenario, message, text):
    """A broken configuration and SIGHUP: the old one stays in force."""
    daemon = lab.daemon(scenario)
    size = daemon.log_size()
    daemon.append_to_configuration(text)
    daemon.reload()
    dialogues.wait_until(lambda: "reload refused" in daemon.log_since(size), "it is not refused", 20)
    return dialogues.plain(lab, scenario, message)


def outage(lab, scenario, message, fault, codes, pause=0):
    """No question is answered rightly any more; then all are again, and `pause` seconds later the message comes."""
    lab.faults.fail_all(fault)
    try:
        _expect_code(dialogues.plain(lab, scenario, message), codes, "without DNS")
    finally:
        lab.faults.fail_all("")
    time.sleep(pause)
    return dialogues.plain(lab, scenario, message)


def crowd(lab, scenario, message, clients, each, reloads=0):
    """`clients` at once, `each` messages per client, and the daemon reloading meanwhile: one answer for all."""
    answers = []

    def one():
        for _ in range(each):
            answers.append(dialogues.plain(lab, scenario, message))

    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for _ in range(reloads):
        lab.daemon(scenario).reload()
        time.sleep(0.05)
    for thread in threads:
        thread.join(60)
    codes = sorted({answer.stage("dot").code for answer in answers})
    assert len(answers) == clients * each, f"{len(answers)} of {clients * each} messages were answered"
    assert len(codes) == 1, f"different answers to one message: {codes}"
    for answer in answers:
        lab.claim(answer.queue_id)
    return answers[-1]
