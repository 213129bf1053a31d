#!/usr/bin/env python3
"""The unit for systemd: it knows all its keys, and starts before the MTAs of Debian, which would ask it."""

import os
import shutil
import subprocess
import sys

# postfix.service of Debian starts /bin/true; the MTA is the instance postfix@-.service.
MTAS = {"postfix.service", "postfix@-.service", "sendmail.service"}


def values(path, key):
    with open(path, encoding="utf-8") as unit:
        lines = [line.split("=", 1)[1] for line in unit if line.startswith(key + "=")]
    return {word for line in lines for word in line.split()}


def complaints(path):
    """What systemd says of the unit; that the program is not installed here says nothing about the unit."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return []
    ended = subprocess.run([analyze, "verify", "--man=no", path], capture_output=True, text=True, check=False)
    said = [line for line in ended.stderr.splitlines() if os.path.basename(path) in line]
    return [line for line in said if "is not executable" not in line]


def main():
    path = sys.argv[1]
    wrong = ["not before " + mta for mta in sorted(MTAS - values(path, "Before"))] + complaints(path)
    for line in wrong:
        print(f"{path}: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
