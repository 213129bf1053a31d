"""All servers of one scenario file, and the running of its scenarios."""
import os
import time
import traceback

from . import (allow, content_filter, deferrals, dialogues, dns_client, dns_faults, judge, lists, messages, namespace, sink,
               standalone, store, store_faults, storms, upheavals, zones)
from .daemon import Daemon
from .keys import Keys
from .mta import DEBIAN, MTAS
from .standalone import StandaloneDaemon

FIRST_MX, FIRST_SUBMISSION = 2600, 5870
FIRST_BACK = 10100     # where a content filter gives mail back
NO_FILTER_MX, NO_FILTER_SUBMISSION = 25, 587


class Laboratory:
    """Needs to be made inside the namespaces (namespace.enter)."""

    def __init__(self, scenario_file, program, mta, command=None, sink_kind=sink.Sink):
        self.file = scenario_file
        self.command = command
        self._sink_kind = sink_kind
        home = namespace.HOME
        self.keys = Keys(os.path.join(home, "keys"))
        asked = {s.config for s in scenario_file.scenarios}
        used = sorted(asked.union(*(scenario_file.behind.get(name, []) for name in asked)) - {"none"})
        self._daemons = {name: self._make_daemon(mta, program, name, n) for n, name in enumerate(used)}
        self._numbers = {name: n for n, name in enumerate(used)}
        self.alone = mta == "sekisho"   # without another MTA
        if self.alone:
            if "none" in asked:
                self._daemons["none"] = StandaloneDaemon(program, os.path.join(home, "none"), len(used), standalone.UNFILTERED,
                                                         (NO_FILTER_MX, NO_FILTER_SUBMISSION))
            self.mta = MTAS[mta](list(self._daemons.values()), command)
        else:
            kinds = DEBIAN if scenario_file.mta_of == "debian" else MTAS
            self.mta = kinds[mta](os.path.join(home, mta), self._services(), self._local())
        if self.file.content_filter:
            self.mta.content_filters = {FIRST_MX + self._numbers[name]: FIRST_BACK + self._numbers[name]
                                        for name in self.file.content_filter if name in self._numbers}
        self.mta.parameters = {first + self._numbers[name]: parameters for name, parameters in scenario_file.postfix.items()
                               for first in (FIRST_MX, FIRST_SUBMISSION) if name in self._numbers}
        self._expected = set()
        self.sink = None
        self.faults = None

    def _make_daemon(self, mta, program, name, number):
        home, settings = os.path.join(namespace.HOME, name), self.file.configurations[name]
        files = self.file.files.get(name)
        if mta == "sekisho":
            ports = (FIRST_MX + number, FIRST_SUBMISSION + number)
            return StandaloneDaemon(program, home, number, settings, ports, files=files)
        return Daemon(program, home, number, settings, release_port=FIRST_MX + number, files=files)

    def start(self):
        zones.start(os.path.join(namespace.HOME, "dns"), self.file.zones, self.keys)
        self.faults = dns_faults.start(self.file.faults)
        for daemon in self._daemons.values():
            daemon.start()
        self.sink = sink.start(os.path.join(namespace.HOME, "sink"), self._sink_kind)
        for port in getattr(self.mta, "content_filters", {}).values():
            content_filter.start(port + content_filter.OFFSET, port)
        self.mta.start(sorted({s.auth for s in self.file.scenarios} - {""}))
        for daemon in self._daemons.values():
            daemon.wait()
            if self.command:
                daemon.wait_for_lists(self.command)

    def run(self, scenario):
        """Complaints about a scenario and its repetitions."""
        out = self._once(scenario, scenario.expect)
        for again in scenario.then:
            time.sleep(again["after"])
            out += [f"then: {c}" for c in self._once(scenario, again["expect"])]
        return out

    def stop(self):
        """End the filters. Returns what was wrong with them, and mail that nobody expected."""
        out = [wrong for d in self._daemons.values() if (wrong := d.stop())]
        if self.command:
            out += [wrong for d in self._daemons.values() if (wrong := d.replays(self.command))]
        stray = [d for d in self.sink.unclaimed() if not d.queue_ids() & self._expected]
        return out + [f"mail that nobody expected: from <{d.mail_from}> to {d.recipients}: "
                      + "; ".join(x for x in d.header() if x.startswith(("Subject:", "Message-ID:"))) for d in stray]

    def port(self, scenario):
        submission = scenario.service == "submission"
        if scenario.config == "none":
            return NO_FILTER_SUBMISSION if submission else NO_FILTER_MX
        return (FIRST_SUBMISSION if submission else FIRST_MX) + self._numbers[scenario.config]

    def daemon(self, scenario):
        return self._daemons[scenario.config]

    def build(self, message, scenario_id):
        return messages.build(message, scenario_id, self.keys)

    def claim(self, queue_id):
        """Mail with this queue id is expected, besides that of the scenarios' answers."""
        self._expected.add(queue_id)

    def ask(self, name, kind):
        return dns_client.ask(name, kind)

    def _once(self, scenario, expect):
        begun = time.monotonic()
        daemon = self._daemons.get(scenario.config)
        size = daemon.log_size() if daemon else 0
        asked = len(self.faults.asked())
        try:
            message = self.build(scenario.message, scenario.id)
            parts = (allow, deferrals, lists, upheavals, storms, store_faults, store, dialogues)
            part = next(p for p in parts if hasattr(p, scenario.dialogue))
            answer = getattr(part, scenario.dialogue)(self, scenario, message, **scenario.parameters)
            if answer is None:
                return []
            read_log = (lambda: daemon.log_since(size)) if daemon else str
            out = judge.complaints(self, scenario, expect, answer, begun, read_log)
            asked = len(self.faults.asked()) - asked
            if expect.asked_at_most and asked > expect.asked_at_most:
                out.append(f"{asked} DNS questions, not {expect.asked_at_most} at most")
        except AssertionError as error:
            out = [str(error)]
        except Exception:  # a scenario that cannot be run has failed, the others still run
            out = [traceback.format_exc()]
        crash = daemon.crash() if daemon else None
        return out + ([crash] if crash else [])

    def _services(self):
        services = [(NO_FILTER_MX, False, []), (NO_FILTER_SUBMISSION, True, [])]
        for name, number in self._numbers.items():
            chain = [self._daemons[one] for one in self.file.behind.get(name, []) + [name]]
            services.append((FIRST_MX + number, False, [d.mx for d in chain]))
            services.append((FIRST_SUBMISSION + number, True, [d.submission for d in chain]))
        return services

    def _local(self):
        """Mail that does not come by SMTP passes through the default configuration, or else the first one."""
        name = "default" if "default" in self._daemons else next(iter(self._daemons), None)
        return self._daemons[name].local if name else ""
