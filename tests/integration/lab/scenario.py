"""Scenario files: what they may say, read strictly. The format stands in tests/README.md.

What a file says of one MTA alone is settled here: load() gives the scenarios of the MTA that it is asked for.
"""
import os
import tomllib
from dataclasses import dataclass, field, fields

OUTCOMES = {"delivered", "held", "refused", "deferred", "discarded", "stopped", "any"}
MTA_NAMES = ("postfix", "sendmail", "sekisho")
LEFT_OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../standalone.toml")


@dataclass
class Expect:
    """What has to come of a message; what is not named is not looked at."""
    stage: str = "dot"          # whose reply: helo, mail, rcpt, dot
    reply: str = "2.."          # regex, from its start, over "CODE TEXT"
    outcome: object = ""        # an OUTCOMES word for all recipients, or {recipient: word}
    results: list = field(default_factory=list)      # "method=result|result type.name=value …"
    no_results: list = field(default_factory=list)   # the same, must not occur
    authres: str = ""           # "none": no field with our id; "exact text", `*` for the decision id
    present: list = field(default_factory=list)      # regexes over unfolded header lines as delivered
    absent: list = field(default_factory=list)
    log: list = field(default_factory=list)          # regexes over the daemon's log lines
    no_log: list = field(default_factory=list)
    asked_at_most: int = 0      # DNS questions of the daemon and the MTA; 0: not looked at
    body: str = ""              # "intact": the body as it was sent
    seconds: float = 0          # at most so long from DATA to the reply; 0: not looked at
    rcpt_seconds: float = 0     # at most so long from a RCPT to its reply; 0: not looked at

    def outcome_of(self, recipient):
        if isinstance(self.outcome, dict):
            return self.outcome[recipient]
        return self.outcome or {"5": "refused", "4": "deferred"}.get(self.reply[:1], "delivered")


@dataclass
class Scenario:
    id: str
    client: str
    helo: str
    mail_from: str
    rcpt: list
    message: dict
    expect: Expect
    about: str = ""
    config: str = "default"     # "none": without the filter
    service: str = "mx"         # mx | submission
    auth: str = ""              # login
    mta: str = ""               # the only MTA that it makes sense with; empty: all
    mail_parameters: str = ""   # after MAIL FROM
    dialogue: str = "plain"     # a function of dialogues.py
    parameters: dict = field(default_factory=dict)   # its arguments
    zone: str = ""
    faults: list = field(default_factory=list)
    then: list = field(default_factory=list)         # [{after, expect}]: the same again


@dataclass
class ScenarioFile:
    name: str
    scenarios: list
    configurations: dict        # name -> settings over daemon.BASE
    zones: list
    faults: list
    files: dict                 # name of a configuration -> {name of a file beside it: text}
    postfix: dict               # name of a configuration -> parameters of Postfix's services that ask its filter
    behind: dict                # name of a configuration -> names of those whose filters are asked before
    content_filter: list        # names of configurations whose mail goes through a content filter, and back
    mta_of: str = ""            # "debian": the MTA has the defaults of Debian's package


def _strictly(kind, table, where):
    unknown = set(table) - {f.name for f in fields(kind)}
    if unknown:
        raise ValueError(f"{where}: unknown keys {sorted(unknown)}")
    try:
        return kind(**table)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


def _expect(table, where, mta):
    """A table of an MTA's name holds what is to be expected there instead."""
    own = {name: table[name] for name in MTA_NAMES if name in table}
    table = {**{k: v for k, v in table.items() if k not in own}, **own.get(mta, {})}
    expect = _strictly(Expect, table, where)
    words = expect.outcome.values() if isinstance(expect.outcome, dict) else [expect.outcome or "any"]
    if set(words) - OUTCOMES:
        raise ValueError(f"{where}: unknown outcome in {expect.outcome!r}")
    return expect


def _scenario(table, defaults, where, mta):
    table = {**defaults, **table}
    where = f"{where}: {table.get('id', '?')}"
    table["expect"] = _expect(table.get("expect", {}), where, mta)
    table["then"] = [{"after": t.get("after", 0), "expect": _expect(t["expect"], where, mta)}
                     for t in table.get("then", [])]
    if table.get("mta", "") not in ("", *MTA_NAMES):
        raise ValueError(f"{where}: no such MTA: {table['mta']!r}")
    return _strictly(Scenario, table, where)


def left_out():
    """{"file" or "file/scenario": why it is not run through sekishod alone}"""
    with open(LEFT_OUT, "rb") as text:
        return tomllib.load(text)["left_out"]


def only_for(path):
    """{scenario of a file: the only MTA that it is for, or ""}"""
    with open(path, "rb") as text:
        return {one["id"]: one.get("mta", "") for one in tomllib.load(text)["scenario"]}


def load(path, mta):
    with open(path, "rb") as text:
        document = tomllib.load(text)
    where = os.path.basename(path)
    unknown = set(document) - {"about", "zone", "config", "files", "defaults", "behind", "content_filter", "postfix", "scenario", "mta_of"}
    if unknown:
        raise ValueError(f"{where}: unknown keys {sorted(unknown)}")
    scenarios = [_scenario(t, document.get("defaults", {}), where, mta) for t in document["scenario"]]
    names = [s.id for s in scenarios]
    if len(set(names)) != len(names):
        raise ValueError(f"{where}: an id is used twice: {sorted(n for n in names if names.count(n) > 1)}")
    configurations = {"default": {}, **document.get("config", {})}
    behind, files, postfix = (document.get(key, {}) for key in ("behind", "files", "postfix"))
    filtered = document.get("content_filter", [])
    missing = {s.config for s in scenarios}.union(files, postfix, behind, filtered, *behind.values()) - set(configurations) - {"none"}
    if missing:
        raise ValueError(f"{where}: no such [config]: {sorted(missing)}")
    scenarios = [s for s in scenarios if s.mta in ("", mta)]
    if mta == "sekisho":
        name, without = where.removesuffix(".toml"), left_out()
        scenarios = [s for s in scenarios if name not in without and f"{name}/{s.id}" not in without]
    zones = [document.get("zone", "")] + [s.zone for s in scenarios]
    faults = [fault for s in scenarios for fault in s.faults]
    mta_of = document.get("mta_of", "")
    if mta_of not in ("", "debian"):
        raise ValueError(f"{where}: nobody's defaults: {mta_of!r}")
    return ScenarioFile(where.removesuffix(".toml"), scenarios, configurations, zones, faults, files,
                        postfix, behind, filtered, mta_of)


def take_filter_away(file):
    """Every message goes the way without the filter, and whatever comes of it is right: what is left to fail are the
    laboratory and the data."""
    needs_it = {"released", "reloaded", "crash", "ended", "reconfigured", "misconfigured", "outage", "kept", "let_go",
                "let_go_twice", "stolen_proof", "failing_mta", "parameters", "never_bounces", "late_release",
                "by_sendmail", "deleted", "daemon_down", "no_store", "damaged", "full_log", "full_history", "too_much",
                "summary", "relisted", "relisted_under_load", "told", "let_in", "let_in_and_go", "kept_out",
                "ended_in_data", "ended_while_storing", "reload_storm", "black_hole", "turned", "keys_kept"}
    file.scenarios = [s for s in file.scenarios if s.dialogue not in needs_it and "reloads" not in s.parameters]
    for one in file.scenarios:
        if one.config != "none":
            one.config, one.then, one.expect = "none", [], Expect(reply="", outcome="any")
