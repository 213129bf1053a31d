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
PROGRAMS = ["ip", "sysctl", "mount", "unshare", "nsd", "openssl"]
DEVICES = ["null", "zero", "full", "random", "urandom", "tty", "shm", "pts", "fd", "stdin", "stdout", "stderr"]


def why_impossible():
    """Why this machine cannot run the laboratory, or None."""
    if os.geteuid() != 0:
        return "the laboratory needs root for its network namespace"
    tried = subprocess.run(UNSHARE + ["true"], capture_output=True, text=True)
    if tried.returncode != 0:
        return "no namespaces here: " + tried.stderr.strip()
    return None


def missing_programs(further):
    """Programs of tests/deps/packages that are not there: those of the laboratory, and `further` ones."""
    path = "/usr/sbin:/sbin:" + os.environ.get("PATH", "/usr/bin:/bin")
    return [name for name in PROGRAMS + further if shutil.which(name, path=path) is None]


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
        out.write(f"nameserver {NAMESERVER}\noptions timeout:3 attempts:1\n")
    _run("mount", "--bind", resolv, "/etc/resolv.conf")
    hosts = os.path.join(HOME, "hosts")
    with open(hosts, "w") as out:
        out.write("127.0.0.1 localhost\n::1 localhost\n")
    _run("mount", "--bind", hosts, "/etc/hosts")
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo")
    _run("ip", "-6", "route", "add", "local", "::/0", "dev", "lo")
    _run("sysctl", "-q", "-w", "net.ipv6.ip_nonlocal_bind=1")


def mount_over(source, target):
    """`target` shows what is in `source`, in this mount namespace."""
    _run("mount", "--bind", source, target)


def own_dev():
    """/dev with the devices that programs need and nothing of the machine's, to make sockets in."""
    new = os.path.join(HOME, "dev")
    os.makedirs(new)
    for name in DEVICES:
        old, here = os.path.join("/dev", name), os.path.join(new, name)
        if os.path.islink(old):
            os.symlink(os.readlink(old), here)
        elif os.path.isdir(old):
            os.makedirs(here)
            _run("mount", "--bind", old, here)
        elif os.path.exists(old):
            open(here, "w").close()
            _run("mount", "--bind", old, here)
    _run("mount", "--rbind", new, "/dev")
    return "/dev"


def _run(*argv):
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
