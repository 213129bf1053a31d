#!/usr/bin/python3
"""Every source file compiles with the other compiler too, with the same warnings as errors.

  clang.py COMPILE_COMMANDS CLANG [FOLDER …]

Reads what the build does with g++, and has clang++ check the syntax of each file below the folders, two at a time.
"""

import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys

# What clang 14 does not know of what g++ 12 is told; _FORTIFY_SOURCE wants code that is generated.
OTHERS = {"-D_FORTIFY_SOURCE=3", "-c"}


def command_of(entry, clang):
    words = [word for word in shlex.split(entry["command"]) if word not in OTHERS]
    if words[0].endswith("ccache"):
        words = words[1:]
    at = words.index("-o")
    return [clang, *words[1:at], *words[at + 2:], "-fsyntax-only"]


def check(entry, clang):
    run = subprocess.run(command_of(entry, clang), cwd=entry["directory"], capture_output=True, text=True, check=False)
    return run.returncode, run.stderr


def main():
    commands, clang, *folders = sys.argv[1:]
    below = [str(pathlib.Path(folder).resolve()) + "/" for folder in folders]
    entries = [entry for entry in json.loads(pathlib.Path(commands).read_text())
               if any(str(pathlib.Path(entry["directory"], entry["file"]).resolve()).startswith(folder) for folder in below)]
    if not entries:
        sys.exit(f"{commands} names no file below {', '.join(folders)}")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for code, said in pool.map(lambda entry: check(entry, clang), entries):
            if code != 0:
                failed += 1
                print(said)
    print(f"{len(entries)} files, {failed} that clang does not compile")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
