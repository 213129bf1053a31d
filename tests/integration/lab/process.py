"""Start daemons and wait until they listen."""
import socket
import subprocess
import time


class NotReady(Exception):
    """A server did not come up in time."""


def start(argv, log, **keywords):
    """Start a daemon. Its output goes to a file: a daemon that kept our pipe would keep the test from ending."""
    with open(log, "ab") as out:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **keywords)


def run(argv, log=None, check=True, **keywords):
    """Run a command to its end; the output is returned, and on failure shown."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, **keywords)
    if log:
        with open(log, "a") as out:
            out.write(done.stdout + done.stderr)
    if check and done.returncode != 0:
        raise NotReady(f"{argv[0]} failed with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def wait_for_port(host, port, process=None, seconds=120):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    _wait(lambda: socket.socket(family).connect((host, port)), f"{host}:{port}", process, seconds)


def wait_for_socket(path, process=None, seconds=120):
    _wait(lambda: socket.socket(socket.AF_UNIX).connect(path), path, process, seconds)


def _wait(connect, what, process, seconds):
    end = time.monotonic() + seconds
    while True:
        try:
            connect()
            return
        except OSError as error:
            if process is not None and process.poll() is not None:
                raise NotReady(f"the server for {what} ended with status {process.returncode}") from error
            if time.monotonic() > end:
                raise NotReady(f"nothing listens on {what} after {seconds} s") from error
        time.sleep(0.02)
