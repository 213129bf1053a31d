#!/usr/bin/python3
"""The shipped units under a systemd of their own: port 25, a key that only root may read, and its renewals.

systemd is the first process of new namespaces, with an /etc, /run and /var of their own; nothing of the machine's services
is touched. Needs root; without it, or where no systemd can run so, it ends with 77.
"""
import argparse
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
UNITS = os.path.join(HERE, "../../systemd")
SYSTEMD = "/lib/systemd/systemd"
SKIPPED = 77
PASSED, FAILED = "all as it should be\n", "not as it should be\n"    # the last line; systemd itself is ended by us
UNSHARE = ["unshare", "--mount", "--pid", "--cgroup", "--net", "--uts", "--ipc", "--fork", "--kill-child"]
UID = 977
LIVE, ARCHIVE = "/etc/letsencrypt/live/mx", "/etc/letsencrypt/archive/mx"
COPIES = "/run/sekisho/certificates"
# Those that ours name, and nothing behind them.
TARGETS = ["wanted", "sysinit", "basic", "network-online", "nss-lookup", "shutdown", "timers"]
MILTER = """
[identity]
hostname = "mx.example"
[dns]
zone_file = "/etc/sekisho/zone"
[log]
target = "stderr"
"""
FILTER = MILTER + """
[[milter]]
socket = "unix:/run/sekisho/mx.sock"
"""
SERVER = MILTER + f"""
[tls]
certificate = "{LIVE}/fullchain.pem"
key = "{LIVE}/privkey.pem"
[[listener]]
profile = "mx"
address = ["127.0.0.1:25"]
[[route]]
domain = ["example.jp"]
via = "discard"
recipients = "any"
"""


def run(*words, check=True):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def read(path):
    with open(path, errors="replace") as text:
        return text.read()


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as out:
        out.write(text)
    os.chmod(path, mode)


def wait_for(condition, what, seconds=100):
    end = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < end, f"{what}: not after {seconds} s")
        time.sleep(0.1)


def configure(text):
    write("/etc/sekisho/milter.conf", text, 0o640)
    os.chown("/etc/sekisho/milter.conf", 0, UID)


def renew(number):
    """As certbot does it: files with the next number, and links that lead to them."""
    key, chain = f"{ARCHIVE}/privkey{number}.pem", f"{ARCHIVE}/fullchain{number}.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", f"/CN=mx{number}.example",
        "-keyout", key, "-out", chain)
    os.chmod(key, 0o600)
    for name, target in (("privkey.pem", key), ("fullchain.pem", chain)):
        link = os.path.join(LIVE, name)
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(os.path.relpath(target, LIVE), link)


def install_units(drop_in):
    for name in os.listdir(UNITS):
        if not name.endswith((".service", ".timer")) and name != "smtp.conf":
            continue
        if name == "smtp.conf" and not drop_in:
            continue
        text = read(os.path.join(UNITS, name)).replace("/usr/sbin/", "/mnt/bin/").replace("/usr/bin/", "/mnt/bin/")
        write(f"/mnt/units/{'sekishod.service.d/' if name == 'smtp.conf' else ''}{name}", text)
    for name in TARGETS:
        write(f"/mnt/units/{name}.target", "[Unit]\nDefaultDependencies=no\n")


def certificate():
    """The name in the certificate that the listener shows; empty: no STARTTLS."""
    with socket.create_connection(("127.0.0.1", 25), timeout=30) as plain:
        read = plain.makefile("rb")
        read.readline()
        plain.sendall(b"EHLO client.example\r\n")
        offered = []
        while not offered or offered[-1][3:4] == b"-":
            offered.append(read.readline())
        if not any(b"STARTTLS" in line for line in offered):
            return ""
        plain.sendall(b"STARTTLS\r\n")
        read.readline()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain) as secure:
            shown = ssl.DER_cert_to_PEM_cert(secure.getpeercert(True))
    return subprocess.run(["openssl", "x509", "-noout", "-subject"], input=shown, capture_output=True, text=True,
                          check=True).stdout.strip().rpartition(" = ")[2]


def capabilities():
    with open(f"/proc/{run('systemctl', 'show', '-P', 'MainPID', 'sekishod').strip()}/status") as status:
        return {int(line.split()[1], 16) for line in status if line.startswith("Cap")}


def a_filter_alone():
    configure(FILTER)
    run("systemctl", "start", "sekishod")
    expect(capabilities() == {0}, f"a filter has capabilities: {capabilities()}")
    run("systemctl", "reload", "sekishod")
    run("systemctl", "stop", "sekishod")


def copied():
    return [read(os.path.join(COPIES, name)) for name in sorted(os.listdir(COPIES))]


def a_server():
    install_units(drop_in=True)
    run("systemctl", "daemon-reload")
    configure(SERVER)
    for folder in (LIVE, ARCHIVE):
        os.makedirs(folder)
        os.chmod(os.path.dirname(folder), 0o700)
    renew(1)
    run("systemctl", "start", "sekishod")
    expect(capabilities() == {1 << 10}, f"more than CAP_NET_BIND_SERVICE: {capabilities()}")
    expect(certificate() == "mx1.example", "the key that only root may read is not used")
    for name in os.listdir(COPIES):
        status = os.stat(os.path.join(COPIES, name))
        expect((status.st_uid, status.st_mode & 0o777) == (UID, 0o400), f"{name}: {status}")
    expect(os.stat(COPIES).st_uid == 0, "the folder of the copies is not root's")
    expect(run("systemctl", "is-active", "sekisho-certificates.timer") == "active\n", "nobody looks for renewals")


def renewals(patient):
    renew(2)
    run("systemctl", "reload", "sekishod")
    wait_for(lambda: certificate() == "mx2.example", "a renewed certificate after a reload")
    # What the timer starts.
    pid, before = run("systemctl", "show", "-P", "MainPID", "sekishod"), copied()
    renew(3)
    run("systemctl", "start", "sekisho-certificates.service")
    expect(len(before) == 1 and copied() != before, "a renewal is not copied")
    if not patient:
        run("systemctl", "reload", "sekishod")
    wait_for(lambda: certificate() == "mx3.example", "a renewed certificate, and the daemon looks once a minute")
    expect(pid == run("systemctl", "show", "-P", "MainPID", "sekishod"), "the daemon was restarted")


def a_bad_pair():
    write(f"{ARCHIVE}/privkey3.pem", "broken\n", 0o600)
    run("systemctl", "reload", "sekishod")
    expect(certificate() == "mx3.example", "a broken key replaces a good one")
    expect(subprocess.run(["systemctl", "start", "sekisho-certificates.service"], capture_output=True).returncode != 0,
           "a broken key is copied without a word")
    run("systemctl", "restart", "sekishod")
    expect(certificate() == "", "STARTTLS is offered with a broken key")
    renew(4)
    run("systemctl", "reload", "sekishod")
    wait_for(lambda: certificate() == "mx4.example", "a good pair after a broken one")
    run("systemctl", "stop", "sekishod")
    expect(not os.path.exists("/run/sekisho"), "copies of keys outlive the daemon")


def play(patient):
    """Beside systemd; the last line tells how it went."""
    result = FAILED
    try:
        wait_for(lambda: os.path.exists("/run/systemd/private"), "systemd")
        for name, step in (("a filter alone", a_filter_alone), ("a server", a_server),
                           ("renewals", lambda: renewals(patient)), ("a bad pair", a_bad_pair)):
            begun = time.monotonic()
            step()
            print(f"ok   {name} ({time.monotonic() - begun:.1f} s)", flush=True)
        result = PASSED
    except (AssertionError, OSError) as wrong:
        print(f"FAIL {wrong}", flush=True)
        print(run("systemctl", "status", "--no-pager", "--lines=40", "sekishod", check=False), flush=True)
    print(result, end="", flush=True)


def prepare(options):
    """Raises AssertionError where this machine does not let us."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "proc", "proc", "/proc")
    for folder in ("/run", "/mnt", "/var/lib", "/var/log"):
        run("mount", "-t", "tmpfs", "tmpfs", folder)
    for folder in ("/mnt/etc", "/mnt/work", "/mnt/bin"):
        os.mkdir(folder)
    run("mount", "-t", "overlay", "overlay", "-o", "lowerdir=/etc,upperdir=/mnt/etc,workdir=/mnt/work", "/etc")
    run("mount", "-t", "cgroup2", "none", "/sys/fs/cgroup")
    run("ip", "link", "set", "lo", "up")
    for program in (options.sekishod, options.sekisho):
        shutil.copy(program, "/mnt/bin")
    for path, line in (("/etc/passwd", f"sekisho:x:{UID}:{UID}::/nonexistent:/usr/sbin/nologin\n"),
                       ("/etc/group", f"sekisho:x:{UID}:\n")):
        with open(path) as before:
            lines = [each for each in before if not each.startswith("sekisho:")]
        write(path, "".join(lines) + line)
    write("/etc/sekisho/zone", "")
    install_units(drop_in=False)


def inside(options):
    try:
        prepare(options)
    except AssertionError as why:
        print(f"skipped: no systemd of its own here: {why}")
        return SKIPPED
    os.environ["SYSTEMD_UNIT_PATH"] = "/mnt/units"
    os.environ["container"] = "lxc"    # it does nothing to the machine
    if os.fork() == 0:
        play(options.patient)
        os._exit(0)
    sys.stdout.flush()
    os.execv(SYSTEMD, [SYSTEMD, "--system", "--unit=wanted.target", "--log-target=null", "--show-status=no"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sekishod", required=True)
    parser.add_argument("--sekisho", required=True)
    parser.add_argument("--patient", action="store_true", help="wait for what the daemon notices without a reload: a minute")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options)
    if os.geteuid() != 0:
        print("skipped: namespaces of its own need root")
        return SKIPPED
    if missing := [name for name in (SYSTEMD, "/usr/bin/systemctl", "/usr/bin/openssl") if not os.path.exists(name)]:
        print(f"not there: {', '.join(missing)}; tests/deps/install brings them")
        return 1
    tried = subprocess.run(UNSHARE + ["true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        print("skipped: no namespaces here: " + tried.stderr.strip())
        return SKIPPED
    programs = [os.path.abspath(path) for path in (options.sekishod, options.sekisho)]
    with tempfile.NamedTemporaryFile("a") as said:
        child = subprocess.Popen(UNSHARE + [sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--inside", "--sekishod",
                                            programs[0], "--sekisho", programs[1]],
                                 stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        end, text = time.monotonic() + 400, ""
        while child.poll() is None and not text.endswith((PASSED, FAILED)) and time.monotonic() < end:
            time.sleep(0.1)
            text = read(said.name)
        child.kill()    # and, by --kill-child, systemd with all that it has started
        child.wait()
        text = read(said.name)
    print(text, end="")
    if text.endswith(PASSED):
        return 0
    return SKIPPED if child.returncode == SKIPPED else 1


if __name__ == "__main__":
    sys.exit(main())
