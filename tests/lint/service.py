#!/usr/bin/env python3
"""The units of systemd: no unknown key, started before the MTAs of Debian, which would ask the filter, and as closed as
they are meant to be, with the drop-in for ports below 1024 too."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# postfix.service of Debian starts /bin/true; the MTA is the instance postfix@-.service.
MTAS = {"postfix.service", "postfix@-.service", "sendmail.service"}
# "Overall exposure level" of systemd-analyze security: 10.0 is a unit that restricts nothing.
EXPOSURE = 1.6
SKIPPED = 77


def values(path, key):
    lines = [line.split("=", 1)[1] for line in path.read_text().splitlines() if line.startswith(key + "=")]
    return {word for line in lines for word in line.split()}


def analyze(*words):
    ended = subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, check=False)
    return ended.stdout + ended.stderr


def unknown(unit):
    """What systemd says of our files; that the programs are not installed here says nothing about the units."""
    names = re.compile(r"sekisho|smtp\.conf")
    said = [line for line in analyze("verify", "--man=no", unit).splitlines() if names.search(line)]
    return [line for line in said if "is not executable" not in line]


def too_open(unit):
    said = analyze("security", "--offline=yes", "--no-pager", unit)
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    if not level:
        return [f"{unit.name}: systemd-analyze security says no level: {said.strip()[-300:]}"]
    return [f"{unit.name}: exposure {level[1]}, more than {EXPOSURE}"] if float(level[1]) > EXPOSURE else []


def in_place(source, folder, drop_in):
    """The units as they are installed."""
    for unit in [*source.glob("*.service"), *source.glob("*.timer")]:
        shutil.copy(unit, folder)
    if drop_in:
        place = folder / "sekishod.service.d"
        place.mkdir()
        shutil.copy(source / "smtp.conf", place)


def complaints(source):
    wrong = ["sekishod.service: not before " + mta
             for mta in sorted(MTAS - values(source / "sekishod.service", "Before"))]
    for drop_in in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            in_place(source, folder, drop_in)
            for unit in sorted(folder.glob("*.*")):
                wrong += unknown(unit) if unit.is_file() else []
            for unit in sorted(folder.glob("*.service")):
                wrong += too_open(unit)
    return sorted(set(wrong))


def main():
    if shutil.which("systemd-analyze") is None:
        print("systemd-analyze is missing (package systemd): the units are not looked at")
        return SKIPPED
    wrong = complaints(pathlib.Path(sys.argv[1]))
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
