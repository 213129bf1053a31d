#!/usr/bin/python3
"""The five situations of docs/situations, each with its configuration as it stands there: sekishod alone among other
hosts, in namespaces, with real DNS and real TLS.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lab import namespace  # noqa: E402
from lab.situations.company import company  # noqa: E402
from lab.situations.dmz import dmz  # noqa: E402
from lab.situations.dual_stack import dual_stack  # noqa: E402
from lab.situations.home import home  # noqa: E402
from lab.situations.reports import reports  # noqa: E402
from lab.situations.world import World  # noqa: E402

SKIPPED = 77
SITUATIONS = {"1": dual_stack, "2": reports, "3": home, "4": dmz, "5": company}


def inside(options):
    namespace.enter(options.inside, options.sekishod)
    world = World(options)
    try:
        SITUATIONS[options.situation](world)
        status = world.site.stop()
        assert status == 0, f"sekishod ended with {status}"
        print(f"ok   situation {options.situation}")
        return 0
    except Exception:
        traceback.print_exc()
        if world.site:
            print(world.site.log_text()[-8000:])
        return 1
    finally:
        world.networks.stop()


# Bridges, overlays and address translation are parts of the kernel that not every machine has.
TRIED = """set -e
ip link add tried type bridge
ip link add one type veth peer name other
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/all
mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /mnt/all
nft add table ip tried
nft 'add chain ip tried nat { type nat hook postrouting priority 100; }'
"""


def why_impossible():
    if reason := namespace.why_impossible():
        return reason
    tried = subprocess.run([*namespace.UNSHARE, "sh", "-c", TRIED], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return f"this kernel has no hosts of a test's own: {tried.stderr.strip()}" if tried.returncode else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("situation", choices=sorted(SITUATIONS))
    parser.add_argument("--build", default=os.path.join(HERE, "../../build/release"), metavar="DIR")
    parser.add_argument("--sekishod")
    parser.add_argument("--sekisho")
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options)
    if missing := namespace.missing_programs(["nsenter", "useradd", "nft", "dovecot"]):
        print(f"not there: {', '.join(missing)}; tests/deps/install brings them")
        return 1
    if reason := why_impossible():
        print("skipped: " + reason)
        return SKIPPED
    parent = os.path.abspath(os.path.join(options.build, "integration"))
    os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f"situation{options.situation}.", dir=parent)
    programs = [os.path.abspath(given or os.path.join(options.build, name))
                for name, given in (("sekishod", options.sekishod), ("sekisho", options.sekisho))]
    done = subprocess.run(namespace.UNSHARE + [sys.executable, os.path.abspath(__file__), options.situation, "--inside", folder,
                                               "--sekishod", programs[0], "--sekisho", programs[1]], stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"the files of the hosts are in {folder}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
