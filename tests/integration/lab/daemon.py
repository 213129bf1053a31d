"""sekishod under test: its configuration, its process, its log."""
import json
import os
import re
import signal
import subprocess
import time

from . import process

# What every scenario starts from; a file's [config.NAME] tables are laid over it.
BASE = {
    "identity": {"authserv_id": "mx.example.jp", "hostname": "mx.example.jp", "domains": ["example.jp"]},
    "dns": {"timeout": "2s", "message_budget": "8s"},
}


def merged(base, over):
    """`over` laid over `base`: tables are merged, everything else is replaced."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def to_toml(settings):
    """TOML text of nested tables and lists of tables."""
    lines = []
    _write_table(lines, "", settings)
    return "\n".join(lines) + "\n"


def _write_table(lines, path, table):
    nested = {k: v for k, v in table.items() if isinstance(v, dict)}
    arrays = {k: v for k, v in table.items() if isinstance(v, list) and v and isinstance(v[0], dict) and not path}
    for key, value in table.items():
        if key not in nested and key not in arrays:
            lines.append(f"{key} = {_value(value)}")
    for key, value in nested.items():
        lines.append(f"[{path}{key}]")
        _write_table(lines, f"{path}{key}.", value)
    for key, values in arrays.items():
        for value in values:
            lines.append(f"[[{key}]]")
            lines.extend(f"{k} = {_value(v)}" for k, v in value.items())


def _value(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class Daemon:
    """One sekishod with one named configuration. Its three doors: mx (Unix socket), submission (TCP), local."""

    def __init__(self, program, home, number, settings, release_port=25, files=None):
        self.home = home
        self._files = files or {}
        self.mx = f"unix:{home}/mx.sock"
        self.local = f"unix:{home}/local.sock"
        self.submission = f"inet:127.0.0.1:{8890 + number}"
        self._port = 8890 + number
        self._program = program
        self._settings = settings
        self._log = os.path.join(home, "log")
        self._process = None
        doors = [{"socket": self.mx, "socket_mode": "0666", "role": "mx"},
                 {"socket": f"inet:{self._port}@127.0.0.1", "role": "submission"},
                 {"socket": self.local, "socket_mode": "0666", "role": "local"}]
        self._history = os.path.join(home, "history")
        self._killed = False
        self.preload = ""   # a library that is loaded into it at the next start
        self._own = {"milter": doors, "control": {"socket": f"{self.home}/control.sock"},
                     "log": {"target": f"file:{self._log}"}, "history": {"dir": self._history},
                     "identity": {"seal_file": os.path.join(home, "seal")},
                     "quarantine": {"dir": os.path.join(home, "quarantine"),
                                    "release_via": f"smtp:127.0.0.1:{release_port}"}}
        self.configuration = os.path.join(home, "milter.conf")

    def start(self):
        """Start, without waiting for the sockets."""
        os.makedirs(self.home, exist_ok=True)
        os.chown(self.home, 65534, -1)
        self.configure(self._settings)
        for name, text in self._files.items():
            if not os.path.exists(os.path.join(self.home, name)):
                self.write_file(name, text)
        self._before_start = self.log_size()
        argv = [self._program, "-c", os.path.join(self.home, "milter.conf"), "-f"]
        self._process = process.start(argv, os.path.join(self.home, "output"), user=65534, group="postfix",
                                      extra_groups=[], cwd=self.home, env=self._environment())

    def configure(self, settings, text=""):
        """Write the configuration file: `settings` over what every daemon has, and then `text`. Nobody ever reads half of it."""
        self._settings = settings
        with open(self.configuration + ".new", "w") as out:
            out.write(to_toml(merged(merged(BASE, self._own), settings)) + text)
        os.replace(self.configuration + ".new", self.configuration)

    def write_file(self, name, text):
        """A file beside the configuration, whole at any moment."""
        path = os.path.join(self.home, name)
        with open(path + ".new", "wb") as out:
            out.write(text.encode())
        os.rename(path + ".new", path)

    def command_configuration(self, quarantine):
        """A file for the command alone: the daemon's settings, but for these of [quarantine]."""
        path = os.path.join(self.home, "command.conf")
        with open(path, "w") as out:
            out.write(to_toml(merged(merged(merged(BASE, self._own), self._settings), {"quarantine": quarantine})))
        return path

    def append_to_configuration(self, text):
        with open(os.path.join(self.home, "milter.conf"), "a") as out:
            out.write(text)

    @property
    def store(self):
        """The folder of what is held."""
        return os.path.join(self.home, "quarantine")

    @property
    def settings(self):
        return self._settings

    @property
    def control(self):
        return self._own["control"]["socket"]

    @property
    def pid(self):
        return self._process.pid

    def kill(self):
        self._killed = True
        self._process.kill()
        self._process.wait()

    def wait(self):
        """Until it serves, and has logged its start: the sockets are there before the rest is."""
        try:
            process.wait_for_socket(f"{self.home}/mx.sock", self._process)
            process.wait_for_socket(f"{self.home}/local.sock", self._process)
            process.wait_for_port("127.0.0.1", self._port, self._process)
            self._wait_for_log("lists in force:")
        except process.NotReady as error:
            raise process.NotReady(f"sekishod: {error}\n{self._read('output')}") from error

    def wait_for_lists(self, command, seconds=60):
        """Until each has had its first test: nobody is listed before."""
        end = time.monotonic() + seconds
        while "not tested yet" in process.run([command, "status", "--json", "--socket", self.control]):
            if time.monotonic() > end:
                raise process.NotReady("sekishod: does not test its lists")
            time.sleep(0.05)

    def _wait_for_log(self, text, seconds=30):
        """In what this start has logged."""
        end = time.monotonic() + seconds
        while text not in self.log_since(self._before_start):
            if self._process.poll() is not None or time.monotonic() > end:
                raise process.NotReady(f"does not log {text!r}")
            time.sleep(0.02)

    def log_size(self):
        return os.path.getsize(self._log) if os.path.exists(self._log) else 0

    def log_since(self, size):
        return self._read("log", size)

    def reload(self):
        self._process.send_signal(signal.SIGHUP)

    def crash(self):
        """How the process ended, when it did; and what a sanitizer said."""
        if self._process.poll() is not None:
            return f"sekishod ended with status {self._process.returncode}\n{self._read('output')}"
        output = self._read("output")
        return output if "Sanitizer" in output or "runtime error" in output else None

    def stop(self):
        """End it in order. Returns what went wrong, or None: sanitizers report at the end."""
        wrong = self.crash()
        if wrong:
            return wrong
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(40)   # 30 for what is in flight
        except process.subprocess.TimeoutExpired:
            self._process.kill()
            return "sekishod did not end within 40 s of SIGTERM"
        return None if status == 0 else f"sekishod ended with status {status}\n{self._read('output')}"

    def replays(self, command):
        """Make every decision again from its record, when the daemon has ended. Returns what came out otherwise, or None."""
        if not self._settings_record():
            return None
        done = subprocess.run([command, "explain", "ALL", "--replay", "--dir", self._history],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            return f"sekisho explain ALL --replay ended with {done.returncode}\n{done.stdout}{done.stderr}"
        logged = len(re.findall(r"^(?:.* )?\S+: id=\S{4}-\S{4} client=", self._read("log"), re.MULTILINE))
        again = re.search(r"^(\d+) decisions made again, (\d+) equal$", done.stdout, re.MULTILINE)
        # What is killed may lose what was still in its queue.
        if logged > 1 and not self._killed and (not again or int(again[1]) != logged):
            return f"{logged} decisions in the log, and from the history: {done.stdout}"
        return None

    def _environment(self):
        if not self.preload:
            return None
        # A sanitizer wants to be the first library unless it is told.
        options = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
        return {**os.environ, "LD_PRELOAD": self.preload, "ASAN_OPTIONS": options}

    def _settings_record(self):
        return merged(self._own, self._settings)["history"]["dir"] != ""

    def _read(self, name, start=0):
        path = os.path.join(self.home, name)
        if not os.path.exists(path):
            return ""
        with open(path, "rb") as text:
            text.seek(start)
            return text.read().decode("utf-8", "replace")
