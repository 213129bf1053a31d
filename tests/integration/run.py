#!/usr/bin/python3
"""Runs the integration scenarios: real Postfix, real sendmail, real DNS, real mail, and sekishod between them.

Each scenario file gets a laboratory of its own for each MTA, in namespaces of its own, so files can run at the same time.
Without root it ends with 77, which ctest counts as skipped.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lab import namespace, scenario  # noqa: E402
from lab.mta import MTAS  # noqa: E402

SKIPPED = 77


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="scenario files, or their names (default: all)")
    parser.add_argument("--filter", default="", metavar="RE", help="only scenarios whose id matches")
    parser.add_argument("--mta", choices=[*MTAS, "both"], default="both", help="only through this MTA (default: both that ask a milter)")
    parser.add_argument("--build", default=os.path.join(HERE, "../../build/release"), metavar="DIR")
    parser.add_argument("--sekishod", help="the daemon (default: sekishod below the build folder)")
    parser.add_argument("--sekisho", help="the command, which makes every decision of a file again from its record when "
                        "the file is done (default: sekisho beside the daemon)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="scenario files at the same time")
    parser.add_argument("--keep", action="store_true", help="keep the laboratory's files in any case")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.add_argument("--unfiltered", action="store_true", help="without sekishod: proves laboratory and data alone")
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    return parser.parse_args()


def scenario_paths(names):
    folder = os.path.join(HERE, "scenarios")
    if not names:
        return sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".toml"))
    return [n if n.endswith(".toml") and os.path.isfile(n) else os.path.join(folder, n.removesuffix(".toml") + ".toml") for n in names]


def load(path, options, mta):
    """The file's scenarios for this MTA that the options want."""
    file = scenario.load(path, mta)
    file.scenarios = [s for s in file.scenarios if re.search(options.filter, s.id)]
    if options.unfiltered:
        scenario.take_filter_away(file)
    return file


def find_daemon(options):
    for path in filter(None, [options.sekishod, os.path.join(options.build, "sekishod"),
                              os.path.join(options.build, "src/app/sekishod"),
                              os.path.join(options.build, "src/sekishod")]):
        if os.access(path, os.X_OK):
            return os.path.abspath(path)
    return None


def inside(options):
    """In the namespaces: one laboratory, one file. The exit status is 1 when a scenario failed."""
    from lab.laboratory import Laboratory
    file = load(options.files[0], options, options.mta)
    namespace.enter(options.inside, options.sekishod)
    begun = time.monotonic()
    laboratory = Laboratory(file, namespace.DAEMON, options.mta, options.sekisho)
    laboratory.start()
    name = f"{file.name}@{options.mta}"
    print(f"     {name}: laboratory up in {time.monotonic() - begun:.1f} s", flush=True)
    failed = 0
    for one in file.scenarios:
        begun = time.monotonic()
        complaints = laboratory.run(one)
        failed += bool(complaints)
        print(f"{'FAIL' if complaints else 'ok  '} {name}/{one.id} ({time.monotonic() - begun:.2f} s)")
        for complaint in complaints:
            print("       " + complaint.replace("\n", "\n       "))
        sys.stdout.flush()
    leftovers = laboratory.stop()
    for complaint in leftovers:
        print(f"FAIL {name}: {complaint}", flush=True)
    return 1 if failed or leftovers else 0


def run_file(path, mta, options, program):
    """Start a laboratory for one file and one MTA, and pass on what it says. (scenarios, exit status)"""
    file = load(path, options, mta)
    if not file.scenarios:
        return 0, 0
    if program is None and any(s.config != "none" for s in file.scenarios):
        print(f"FAIL {file.name}: no sekishod below {options.build}")
        return len(file.scenarios), 1
    parent = os.path.abspath(os.path.join(options.build, "integration"))
    os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f"{file.name}.{mta}.", dir=parent)
    argv = namespace.UNSHARE + [sys.executable, os.path.abspath(__file__), "--inside", folder, "--filter",
                                options.filter, "--mta", mta, path]
    command = options.sekisho or (os.path.join(os.path.dirname(program), "sekisho") if program else "")
    if program and not os.access(command, os.X_OK):
        print(f"FAIL {file.name}: no {command}, which replays the decisions")
        return len(file.scenarios), 1
    argv += (["--sekishod", program, "--sekisho", command] if program else []) + (["--unfiltered"] if options.unfiltered else [])
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    sys.stdout.write(done.stdout)
    if done.returncode == 0 and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"     {file.name}: the laboratory's files are in {folder}")
    sys.stdout.flush()
    return len(file.scenarios), done.returncode


def print_list(path, options, mtas):
    """Every scenario once, with the MTA when it is for one alone."""
    listed = {s.id: s for mta in mtas for s in load(path, options, mta).scenarios}
    for one in listed.values():
        only = f" ({one.mta} only)" if one.mta else ""
        print(f"{os.path.basename(path).removesuffix('.toml')}/{one.id}{only}: {one.about}")


def main():
    options = arguments()
    if options.inside:
        return inside(options)
    paths = scenario_paths(options.files)
    mtas = ["postfix", "sendmail"] if options.mta == "both" else [options.mta]
    if options.list:
        for path in paths:
            print_list(path, options, mtas)
        return 0
    reason = namespace.why_impossible()
    if reason:
        print("skipped: " + reason)
        return SKIPPED
    if missing := namespace.missing_programs([p for mta in mtas for p in MTAS[mta].PROGRAMS]):
        print(f"not there: {', '.join(missing)}; tests/deps/install brings them")
        return 1
    program = find_daemon(options)
    with ThreadPoolExecutor(options.jobs) as pool:
        ended = list(pool.map(lambda one: run_file(*one, options, program), [(p, mta) for p in paths for mta in mtas]))
    failures = sum(1 for _, status in ended if status)
    print(f"{sum(count for count, _ in ended)} scenarios in {len(ended)} laboratories, {failures} of them with failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
