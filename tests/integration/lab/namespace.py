"""Network, mount and PID namespaces of the laboratory's own.

Every address is local to the network namespace, so that a client may come from whatever address a scenario
wants, and every server sees it as the true peer. The daemons die with the PID namespace.
"""
import os
import shutil
import subprocess

# The laboratory's files, by a path short enough for Unix sockets (108 octets), wherever the build folder is.
HOME = "/mnt"
NAMESERVER = "127.0.0.53"
UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
DAEMON = HOME + "/sekishod"
PROGRAMS = ["ip", "sysctl", "mount", "unshare", "nsd", "postfix", "dovecot", "openssl"]


def why_impossible():
    """Why this machine cannot run the laboratory, or None."""
    if os.geteuid() != 0:
        return "the laboratory needs root for its network namespace"
    tried = subprocess.run(UNSHARE + ["true"], capture_output=True, text=True)
    if tried.returncode != 0:
        return "no namespaces here: " + tried.stderr.strip()
    return None


def missing_programs():
    """Programs of tests/deps/packages that are not installed."""
    path = "/usr/sbin:/sbin:" + os.environ.get("PATH", "/usr/bin:/bin")
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


def enter(folder, program):
    """Prepare the namespaces that this process was started in. `folder` becomes HOME, `program` DAEMON: its unprivileged
    user need not be able to read the folder it was built in."""
    os.environ["PATH"] = "/usr/sbin:/sbin:" + os.environ.get("PATH", "/usr/bin:/bin")
    _run("mount", "--make-rprivate", "/")
    _run("mount", "--bind", folder, HOME)
    os.chmod(HOME, 0o755)
    if program:
        open(DAEMON, "w").close()
        _run("mount", "--bind", program, DAEMON)
    resolv = os.path.join(HOME, "resolv.conf")
    with open(resolv, "w") as out:
        out.write(f"nameserver {NAMESERVER}\noptions timeout:1 attempts:1\n")
    _run("mount", "--bind", resolv, "/etc/resolv.conf")
    hosts = os.path.join(HOME, "hosts")
    with open(hosts, "w") as out:
        out.write("127.0.0.1 localhost\n::1 localhost\n")
    _run("mount", "--bind", hosts, "/etc/hosts")
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo")
    _run("ip", "-6", "route", "add", "local", "::/0", "dev", "lo")
    _run("sysctl", "-q", "-w", "net.ipv6.ip_nonlocal_bind=1")


def _run(*argv):
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
