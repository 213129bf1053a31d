#!/usr/bin/python3
"""Our Authentication-Results fields, read by python3-authres: authres_readers.py PROGRAM [COUNT] [SEED].

Generated values stand in every property. Each field must be read to its end, with the methods and results that were written;
a value that stands alone must come back as it was. 77 (skipped) where the reader is not installed.
"""
import json
import re
import subprocess
import sys

try:
    import authres
except ImportError:
    sys.exit(77)


def unquoted(text):
    """The reader leaves the backslashes of quoted pairs in a value."""
    return re.sub(r"\\(.)", r"\1", text)


def complaint(case):
    try:
        header = authres.AuthenticationResultsHeader.parse_value(case["field"])
    except Exception as error:  # whatever it stumbles over is a finding
        return f"{type(error).__name__}: {error}"
    got = [(r.method, r.result) for r in header.results]
    want = [(r["method"], r["result"]) for r in case["results"]]
    if got != want:
        return f"read as {got}, not {want}"
    if len(want) == 1:
        # In larger fields it drops a quoted value that another property follows.
        values = [(f"{p.type}.{p.name}", unquoted(p.value)) for p in header.results[0].properties]
        if values != [tuple(p) for p in case["results"][0]["properties"]]:
            return f"read as {values}"
    return ""


def main():
    program, count, seed = sys.argv[1], *(sys.argv[2:] + ["4000", "1"][len(sys.argv) - 2:])
    lines = subprocess.run([program, count, seed], check=True, capture_output=True, text=True).stdout.splitlines()
    failed = 0
    for line in lines:
        case = json.loads(line)
        if wrong := complaint(case):
            failed += 1
            print(f"{case['field']!r}\n  {wrong}")
    print(f"{len(lines)} fields, {failed} that the reader did not read as they were meant")
    sys.exit(1 if failed or len(lines) != int(count) else 0)


if __name__ == "__main__":
    main()
