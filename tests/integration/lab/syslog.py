"""What programs say to syslog, kept as a file: /dev/log of the laboratory's own."""
import os
import socket
import threading

from . import namespace


def start(path):
    """Listen until the laboratory ends."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(os.path.join(namespace.own_dev(), "log"))
    os.chmod("/dev/log", 0o666)
    threading.Thread(target=_write, args=(listener, path), daemon=True).start()


def _write(listener, path):
    with open(path, "ab", buffering=0) as out:
        while True:
            out.write(listener.recv(65536).rstrip(b"\0\n") + b"\n")
