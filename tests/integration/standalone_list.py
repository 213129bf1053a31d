#!/usr/bin/python3
"""Whether each scenario file is run through sekishod alone, or left out with a reason, and standalone.toml names nothing
that is not there.

  standalone_list.py NAME…   the files that are run
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lab import scenario  # noqa: E402


def complaints(run, left_out, files):
    """`files`: {name: {scenario: the only MTA that it is for, or ""}}."""
    for name in sorted(set(files) - set(run) - set(left_out)):
        yield f"{name} is neither run through sekishod alone nor left out"
    for name in sorted(set(run) & set(left_out)):
        yield f"{name} is run, and left out"
    for name in sorted(set(run) - set(files)):
        yield f"{name} is no scenario file"
    for name, reason in left_out.items():
        file, _, one = name.partition("/")
        if file not in files or (one and one not in files[file]):
            yield f"standalone.toml: there is no {name}"
        elif one and (file in left_out or files[file][one] not in ("", "sekisho")):
            yield f"standalone.toml: {name} is left out already"
        if len(reason) < 10:
            yield f"standalone.toml: {name} has no reason"


def self_test():
    """A list that is right, and one with every mistake."""
    files = {"one": {"a": "", "b": "postfix"}, "two": {"c": ""}, "three": {}}
    assert not list(complaints(["one"], {"two": "speaks to others", "three": "speaks to others", "one/a": "speaks to others"}, files))
    wrong = list(complaints(["one", "two", "four"], {"two": "no", "two/c": "speaks to others", "one/b": "speaks to others",
                                                     "one/z": "speaks to others", "five": "speaks to others"}, files))
    assert len(wrong) == 8, wrong


def main():
    self_test()
    folder = os.path.join(HERE, "scenarios")
    files = {name.removesuffix(".toml"): scenario.only_for(os.path.join(folder, name)) for name in os.listdir(folder) if name.endswith(".toml")}
    wrong = list(complaints(sys.argv[1:], scenario.left_out(), files))
    print("\n".join(wrong) or f"{len(sys.argv) - 1} scenario files are run")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
