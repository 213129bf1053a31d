"""Compares what came of a message with what the scenario expects. Complaints are sentences; none means it held."""
import re
import time

from . import authres

OUR_ID = "mx.example.jp"
SETTLE_SECONDS = 40
LOG_SECONDS = 20


def fates(lab, scenario, answer, begun, wanted):
    """{recipient: what became of the message there}. Waits until nothing is on its way any more."""
    known = {}
    for recipient, reply in answer.recipients.items():
        if reply.code != 250:
            known[recipient] = "refused" if reply.code >= 500 else "deferred"
    dot = answer.replies.get("dot")
    if not answer.local and (dot is None or dot.code != 250):
        last = answer.stage("dot").code
        return {r: known.get(r, "refused" if last >= 500 else "deferred") for r in scenario.rcpt}
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        arrived = {r for d in deliveries(lab, answer, begun) for r in d.recipients}
        fate = {r: known.get(r, "delivered" if r in arrived else "") for r in scenario.rcpt}
        if all(fate.values()):
            return fate
        if all(fate[r] or wanted(r) != "delivered" for r in fate) or time.monotonic() > deadline:
            fate = _look_in_queues(lab, answer, fate)
            if all(fate.values()):
                return fate
        if time.monotonic() > deadline:
            return {r: f or "lost" for r, f in fate.items()}
        time.sleep(0.02)


def _look_in_queues(lab, answer, fate):
    held, queued = lab.mta.hold_queue(), lab.mta.queued()
    if answer.local:
        mine = [q for q, to in held.items() if set(to) & set(fate)]
        return {r: f or ("held" if mine else "") for r, f in fate.items()}
    if answer.queue_id in held:
        return {r: f or ("held" if r in held[answer.queue_id] else "discarded") for r, f in fate.items()}
    if answer.queue_id in queued:
        return fate
    time.sleep(0.2)  # between the sink's 250 and our look: it may just have been delivered
    return {r: f or ("" if _late(lab, answer, r) else "discarded") for r, f in fate.items()}


def _late(lab, answer, recipient):
    return any(recipient in d.recipients for d in deliveries(lab, answer, 0))


def deliveries(lab, answer, begun):
    found = [d for d in lab.sink.since(begun) if answer.local or answer.queue_id in d.queue_ids()]
    for delivery in found:
        delivery.claimed = True
    return found


def complaints(lab, scenario, expect, answer, begun, read_log):
    """Everything that is not as expected. `read_log` gives what the daemon logged meanwhile: read last."""
    out = []
    if answer.replies:
        reply = str(answer.stage(expect.stage))
        if not re.match(expect.reply, reply):
            out.append(f"reply {reply!r} is not {expect.reply!r}")
    fate = fates(lab, scenario, answer, begun, expect.outcome_of)
    for recipient, got in fate.items():
        wanted = expect.outcome_of(recipient)
        stopped = wanted == "stopped" and got in ("refused", "held")
        if wanted not in ("any", got) and not stopped:
            out.append(f"{recipient}: {got}, not {wanted} ({answer.stage('dot') if answer.replies else 'sendmail'})")
    for delivery in deliveries(lab, answer, begun):
        out += _of_header(expect, delivery.header())
        if expect.body == "intact" and delivery.message.partition(b"\r\n\r\n")[2] != _body(answer.message):
            out.append("the body was altered")
    if (expect.results or expect.present) and "delivered" not in fate.values():
        out.append("nothing was delivered to look at")
    log = _settled_log(expect, read_log)
    out += [f"no log line matches {p!r}" for p in expect.log if not re.search(p, log, re.MULTILINE)]
    out += [f"a log line matches {p!r}" for p in expect.no_log if re.search(p, log, re.MULTILINE)]
    if expect.seconds and answer.seconds > expect.seconds:
        out.append(f"the answer took {answer.seconds:.1f} s, not {expect.seconds} s")
    if expect.rcpt_seconds and answer.rcpt_seconds > expect.rcpt_seconds:
        out.append(f"the answer to RCPT took {answer.rcpt_seconds:.1f} s, not {expect.rcpt_seconds} s")
    return out


def _settled_log(expect, read_log):
    """What was refused at RCPT is logged when the MTA says that the transaction is over: soon, not at once."""
    deadline = time.monotonic() + LOG_SECONDS
    while True:
        log = read_log()
        if all(re.search(p, log, re.MULTILINE) for p in expect.log) or time.monotonic() > deadline:
            return log
        time.sleep(0.02)


def _body(message):
    body = message.partition(b"\r\n\r\n")[2]
    return body if body.endswith(b"\r\n") else body + b"\r\n"


def _of_header(expect, lines):
    out = [f"no header line matches {p!r}" for p in expect.present if not any(re.search(p, x) for x in lines)]
    out += [f"{x!r} matches {p!r}" for p in expect.absent for x in lines if re.search(p, x)]
    values = [x.partition(":")[2].strip() for x in lines if x.lower().startswith("authentication-results:")]
    ours = [v for v in values if authres.without_comments(v).split(";")[0].split()[:1] == [OUR_ID]]
    if expect.authres == "none":
        return out + [f"a field of ours: {v!r}" for v in ours]
    if expect.authres and not any(_same_text(expect.authres, v) for v in ours):
        out.append(f"no field reads {expect.authres!r}: {ours}")
    if expect.results or expect.no_results:
        out += _of_results(expect, ours, values)
    return out


def _same_text(wanted, got):
    return re.fullmatch(re.escape(wanted).replace(r"\*", "[0-9A-Z-]+"), " ".join(got.split())) is not None


def _of_results(expect, ours, values):
    if len(ours) != 1:
        return [f"{len(ours)} fields of ours among {values}"]
    if values[0] != ours[0]:
        return [f"our field is not the topmost: {values}"]
    if not re.match(re.escape(OUR_ID) + r" \(id=[0-9A-Z-]+\)(;|$)", ours[0]):
        return [f"the field does not start with our id and the decision: {ours[0]!r}"]
    try:
        _, got = authres.parse(ours[0])
    except ValueError as error:
        return [f"our field is malformed: {error}: {ours[0]!r}"]
    out, left = [], list(got)
    for wanted in expect.results:
        found = next((r for r in left if authres.matches(wanted, r)), None)
        if found is None:
            out.append(f"no result {wanted!r} in {ours[0]!r}")
        else:
            left.remove(found)
    for unwanted in expect.no_results:
        out += [f"{str(r)!r} matches {unwanted!r}" for r in got if authres.matches(unwanted, r)]
    return out
