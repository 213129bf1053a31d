#!/usr/bin/env python3
"""Compares a committed file with what a program prints.

usage: drift.py FILE PROGRAM ARGUMENT...
"""
import difflib
import pathlib
import subprocess
import sys

committed = pathlib.Path(sys.argv[1]).read_text()
made = subprocess.run(sys.argv[2:], check=True, capture_output=True, text=True).stdout
if committed != made:
    sys.stdout.writelines(difflib.unified_diff(
        committed.splitlines(True), made.splitlines(True), sys.argv[1], 'made from the table of keys'))
    sys.exit(f'{sys.argv[1]} is not what the table of keys says: make texts')
