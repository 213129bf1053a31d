#!/usr/bin/python3
"""Programs of other people against sekishod alone, for real: clients, next hops, a scanner of TLS, readers of the log."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lab import namespace  # noqa: E402
from lab.foreign import hops, logs, programs, swaks, tls  # noqa: E402
from lab.foreign.ground import Ground  # noqa: E402
from situations import why_impossible  # noqa: E402

SKIPPED = 77
# The readers of the log come first: they know all that has happened.
PARTS = {"logs": logs, "swaks": swaks, "programs": programs, "hops": hops, "tls": tls}
PROGRAMS = ["nsenter", "useradd", "dovecot", "postfix", "swaks", "msmtp", "s-nail", "curl", "git", "node", "sslscan", "pflogsumm", "smtp-source"]


def missing():
    out = namespace.missing_programs(PROGRAMS)
    git = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=False)
    if not os.path.exists(os.path.join(git.stdout.strip(), "git-send-email")):
        out.append("git send-email")
    if subprocess.run(["perl", "-MAuthen::SASL", "-MIO::Socket::SSL", "-e1"], capture_output=True, check=False).returncode:
        out.append("Authen::SASL, IO::Socket::SSL")
    if not os.path.exists(os.path.join(logs.FAIL2BAN, "usr/bin/fail2ban-regex")):
        out.append("fail2ban")
    if not os.path.isdir(programs.npm_folder()):
        out.append("the npm packages of tests/readers")
    return out


def inside(options):
    namespace.enter(options.inside, options.sekishod)
    ground, failed = Ground(options), 0
    try:
        for part in options.part:
            for check in PARTS[part].CHECKS:
                began = time.monotonic()
                try:
                    check(ground)
                    print(f"ok   {part}.{check.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
                except Exception:
                    failed += 1
                    print(f"FAIL {part}.{check.__name__}\n{traceback.format_exc(limit=-3)}", flush=True)
        status = ground.site.stop()
        if failed or status != 0:
            print(f"{failed} checks failed; sekishod ended with {status}\n{ground.site.log_text()[-4000:] if options.log else ''}")
        return 1 if failed or status != 0 else 0
    finally:
        ground.world.networks.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", metavar="PART", help=f"default: all of {' '.join(PARTS)}")
    parser.add_argument("--log", action="store_true", help="show the end of the daemon's log when something fails")
    parser.add_argument("--build", default=os.path.join(HERE, "../../build/release"), metavar="DIR")
    parser.add_argument("--sekishod")
    parser.add_argument("--sekisho")
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.part = options.part or list(PARTS)
    if options.inside:
        return inside(options)
    if absent := missing():
        print(f"not there: {', '.join(absent)}; tests/deps/install brings them")
        return 1
    if reason := why_impossible():
        print("skipped: " + reason)
        return SKIPPED
    parent = os.path.abspath(os.path.join(options.build, "integration"))
    os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="foreign.", dir=parent)
    built = [os.path.abspath(given or os.path.join(options.build, name))
             for name, given in (("sekishod", options.sekishod), ("sekisho", options.sekisho))]
    done = subprocess.run(namespace.UNSHARE + [sys.executable, os.path.abspath(__file__), *options.part,
                                               *(["--log"] if options.log else []), "--inside", folder, "--sekishod", built[0],
                                               "--sekisho", built[1]], stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"the files of the hosts are in {folder}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
