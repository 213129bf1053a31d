#!/usr/bin/python3
"""Every source file compiles with the other compiler too, with the same warnings as errors.

  clang.py COMPILE_COMMANDS CLANG [FOLDER …]

Reads what the build does with g++, and has clang++ check the syntax of each file below the folders, two at a time. It
reads the standard headers once, in a precompiled header, which halves the time; what fails with it is read again without.
A file that does not include what it needs is found by the build itself, which has no such header.
"""

import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

# What clang 14 does not know of what g++ 12 is told; _FORTIFY_SOURCE wants code that is generated.
OTHERS = {"-D_FORTIFY_SOURCE=3", "-c"}
# A precompiled header is for one of the two; no code is generated, so they are the same here.
POSITION = {"-fPIE": "-fPIC"}
STANDARD = """algorithm array atomic charconv chrono condition_variable cstdint cstring deque functional map memory mutex
optional random set span sstream string string_view thread unordered_map unordered_set utility variant vector""".split()


def words_of(entry):
    """What the compiler is told, without its name and the name of the object file."""
    words = [POSITION.get(word, word) for word in shlex.split(entry["command"]) if word not in OTHERS]
    if words[0].endswith("ccache"):
        words = words[1:]
    at = words.index("-o")
    return words[1:at] + words[at + 2:]


def command_of(entry, clang, precompiled=None):
    first = ["-include-pch", str(precompiled)] if precompiled else []
    return [clang, *first, *words_of(entry), "-fsyntax-only"]


def check(entry, clang, precompiled=None):
    run = subprocess.run(command_of(entry, clang, precompiled), cwd=entry["directory"], capture_output=True, text=True, check=False)
    return run.returncode, run.stderr


def check_twice(entry, clang, precompiled):
    """The verdict is the second, if there is one: a header more can also give a call another meaning."""
    code, said = check(entry, clang, precompiled)
    return (code, said) if code == 0 else check(entry, clang)


def precompile(entries, clang, folder):
    """The standard headers, as all the entries read them."""
    others = [set(words_of(entry)) for entry in entries]
    common = [word for word in words_of(entries[0]) if word.startswith("-") and all(word in words for words in others)]
    header = pathlib.Path(folder, "standard.h")
    header.write_text("".join(f"#include <{name}>\n" for name in STANDARD))
    precompiled = header.with_suffix(".pch")
    # Else each file would instantiate again what the headers need.
    instantiated = ["-Xclang", "-fpch-instantiate-templates"]
    subprocess.run([clang, *common, *instantiated, "-x", "c++-header", str(header), "-o", str(precompiled)], check=True)
    return precompiled


def main():
    commands, clang, *folders = sys.argv[1:]
    below = [str(pathlib.Path(folder).resolve()) + "/" for folder in folders]
    entries = [entry for entry in json.loads(pathlib.Path(commands).read_text())
               if any(str(pathlib.Path(entry["directory"], entry["file"]).resolve()).startswith(folder) for folder in below)]
    if not entries:
        sys.exit(f"{commands} names no file below {', '.join(folders)}")
    failed = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        precompiled = precompile(entries, clang, folder)
        for code, said in pool.map(lambda entry: check_twice(entry, clang, precompiled), entries):
            if code != 0:
                failed += 1
                print(said)
    print(f"{len(entries)} files, {failed} that clang does not compile")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
