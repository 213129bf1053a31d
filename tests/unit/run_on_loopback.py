#!/usr/bin/env python3
"""The demonstration of `make run` has a way back: it says, before and after, how the MTA of this host comes to be as it
was, and Control-C ends it in order. A zone file that answers for other mail than that of a trial is told at once.

usage: run_on_loopback.py SCRIPT SEKISHOD
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

script, sekishod = sys.argv[1:]

POSTCONF = """#!/bin/sh
[ "$1" = -n ] || exit 1
case $2 in
"") echo 'smtpd_milters = inet:127.0.0.1:11332' ;;
smtpd_milters) echo 'smtpd_milters = inet:127.0.0.1:11332' ;;
esac
"""


def main():
    with tempfile.TemporaryDirectory(prefix="sekisho-") as folder:
        home = pathlib.Path(folder)
        (home / "run").mkdir()
        os.symlink(os.path.abspath(sekishod), home / "sekishod")
        # Yours to change, says the script: another door, so that the test is in nobody's way.
        (home / "run" / "milter.conf").write_text(
            f'[[milter]]\nsocket = "unix:{home}/mx.sock"\n[control]\nsocket = "{home}/control.sock"\n'
            f'[identity]\nseal_file = "{home}/seal"\n[history]\ndir = ""\n[log]\ntarget = "stderr"\n'
            f'[dns]\nzone_file = "{home}/zone"\n'
            f'[process]\nuser = "{subprocess.check_output(["id", "-un"], text=True).strip()}"\n')
        (home / "zone").write_text("example.com. A 192.0.2.1\n")
        (home / "bin").mkdir()
        (home / "bin" / "postconf").write_text(POSTCONF)
        (home / "bin" / "postconf").chmod(0o755)
        environment = dict(os.environ, PATH=f"{home}/bin:{os.environ['PATH']}")
        running = subprocess.Popen(["sh", script, folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=environment, start_new_session=True)
        said = ""
        for line in running.stdout:
            said += line
            if "started:" in line:
                break
        status = json.loads(subprocess.check_output([os.path.join(os.path.dirname(os.path.abspath(sekishod)), "sekisho"),
                                                     "status", "--json", "--socket", f"{home}/control.sock"]))
        os.killpg(running.pid, signal.SIGINT)  # as the terminal does
        rest = running.communicate(timeout=60)[0]
        assert running.returncode == 0, f"exit code {running.returncode}: {said}{rest}"
    # The socket is not one of loopback, so mail may come that a zone file must not judge.
    assert "THE DNS IS NOT ASKED" in said, said
    assert any("THE DNS IS NOT ASKED" in warning for warning in status["warnings"]), status
    assert "milter_default_action=accept" in said, said
    for text in (said, rest):
        assert "postconf -e 'smtpd_milters = inet:127.0.0.1:11332'" in text, text
        assert "postconf -X milter_default_action" in text, text
        assert "postfix reload" in text, text
    assert "stopped" in rest, rest


main()
