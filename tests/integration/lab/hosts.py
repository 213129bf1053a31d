"""Several hosts with addresses of their own: each has a network namespace, and its own /etc, /var and /run over those of
this machine, so that a configuration is used as it stands in the documents. Networks are bridges between them.
"""
import contextlib
import ctypes
import os
import socket
import subprocess

from . import process

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Host:
    """`links`: {network: ["192.0.2.25/24", …]}; the first is eth0."""

    def __init__(self, home, name, links, gateways=()):
        self.name = name
        self.home = os.path.join(home, name)
        os.makedirs(self.home)
        self._holder = process.start(["unshare", "--net", "--mount", "sleep", "infinity"], os.path.join(self.home, "holder.log"))
        self._wait_for_namespace()
        for folder in ("etc", "var"):
            for part in ("upper", "work"):
                os.makedirs(os.path.join(self.home, folder, part))
            self.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/{folder},upperdir={self.home}/{folder}/upper,"
                      f"workdir={self.home}/{folder}/work", f"/{folder}"])
        self.run(["mount", "-t", "tmpfs", "tmpfs", "/run"])
        self.run(["ip", "link", "set", "lo", "up"])
        for number, (network, addresses) in enumerate(links.items()):
            self._link(f"eth{number}", network, addresses)
        for gateway in gateways:
            self.run(["ip", "route", "add", "default", "via", gateway])

    def run(self, argv, check=True, **keywords):
        return process.run(self._inside(argv), check=check, **keywords)

    def start(self, argv, log):
        return process.start(self._inside(argv), os.path.join(self.home, log))

    def write(self, path, text, mode=0o644):
        """A file as this host sees it."""
        done = subprocess.run(self._inside(["sh", "-c", 'mkdir -p "$(dirname "$1")" && cat > "$1" && chmod "$2" "$1"', "sh", path, oct(mode)[2:]]),
                              input=text.encode(), check=False)
        assert done.returncode == 0, f"{self.name}: {path} cannot be written"

    def path(self, path):
        """A file of this host, as this process reaches it."""
        return f"/proc/{self._holder.pid}/root{path}"

    def read(self, path):
        return self.run(["cat", path])

    @contextlib.contextmanager
    def network(self):
        """Sockets that this thread makes belong to this host."""
        ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        its = os.open(f"/proc/{self._holder.pid}/ns/net", os.O_RDONLY)
        try:
            _setns(its)
            yield
        finally:
            _setns(ours)
            os.close(its)
            os.close(ours)

    def connect(self, address, port, source=None, timeout=180):
        with self.network():
            made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        made.settimeout(timeout)
        if source:
            made.bind((source, 0))
        made.connect((address, port))
        return made

    def listen(self, address, port):
        """`address` may name its interface: fe80::1%eth0."""
        address, _, interface = address.partition("%")
        with self.network():
            made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            scope = (0, socket.if_nametoindex(interface)) if interface else ()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ":" in address:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port, *scope))
        made.listen(50)
        return made

    def stop(self):
        self._holder.kill()
        self._holder.wait()

    def _inside(self, argv):
        return ["nsenter", "-t", str(self._holder.pid), "--net", "--mount", *argv]

    def _wait_for_namespace(self):
        own = os.readlink("/proc/self/ns/mnt")
        while os.readlink(f"/proc/{self._holder.pid}/ns/mnt") == own:
            assert self._holder.poll() is None, "no namespace for a host"

    def _link(self, interface, network, addresses):
        ours = f"{self.name}.{interface}"[:15]
        process.run(["ip", "link", "add", ours, "type", "veth", "peer", "name", interface, "netns", str(self._holder.pid)])
        process.run(["ip", "link", "set", ours, "master", network, "up"])
        self.run(["ip", "link", "set", interface, "up"])
        for address in addresses:
            self.run(["ip", "address", "add", address, "dev", interface, *(["nodad"] if ":" in address else [])])


class Networks:
    """Inside the laboratory's namespaces (namespace.enter)."""

    def __init__(self, home):
        self._home = home
        self.hosts = {}

    def add(self, name):
        process.run(["ip", "link", "add", name, "type", "bridge"])
        process.run(["ip", "link", "set", name, "up"])

    def host(self, name, links, gateways=()):
        made = self.hosts[name] = Host(self._home, name, links, gateways)
        return made

    def stop(self):
        for host in self.hosts.values():
            host.stop()
