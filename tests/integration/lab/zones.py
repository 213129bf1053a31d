"""Zone text of the scenarios, and nsd, which serves it.

One record a line: NAME TYPE DATA. All names are absolute, and all lines make up one root zone, so every other
name is NXDOMAIN. Besides the types of DNS there are two of ours:

    mx.a.example        HOST  192.0.2.10        the address record and the PTR record that points back
    s._domainkey.a.example  DKIM  rsa2048 t=y   the public part of one of the laboratory's keys, more tags after it
"""
import ipaddress
import os
import re

from . import process

ADDRESS, PORT = "127.0.0.1", 5300
HEAD = """$ORIGIN .
$TTL 30
. SOA ns.lab.test. admin.lab.test. 1 3600 600 86400 1
. NS ns.lab.test.
ns.lab.test A 127.0.0.1
"""
# Without a folder of its own nsd takes one in /tmp by its process id, which other laboratories have too.
CONFIGURATION = """server:
  ip-address: {address}@{port}
  username: root
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  zonelistfile: "{folder}/zone.list"
  logfile: "{folder}/nsd.log"
  server-count: 1
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "lab.zone"
"""


def to_master_lines(text, keys):
    """The lines of an RFC 1035 master file for scenario zone text."""
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            name, kind, data = line.split(None, 2)
        except ValueError as error:
            raise ValueError(f"zone line is not NAME TYPE DATA: {line!r}") from error
        yield from _expand(name, kind.upper(), data, keys)


def _expand(name, kind, data, keys):
    if kind == "HOST":
        address = ipaddress.ip_address(data)
        yield f"{name} {'A' if address.version == 4 else 'AAAA'} {address}"
        yield f"{address.reverse_pointer} PTR {name}"
    elif kind == "DKIM":
        key, _, tags = data.partition(" ")
        yield f"{name} TXT {_strings(keys.record(key, tags))}"
    elif kind == "TXT":
        yield f"{name} TXT {_split_long(data)}"
    else:
        yield f"{name} {kind} {data}"


def _split_long(data):
    """A single quoted string may be longer than a character-string (255 octets): it is cut."""
    single = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', data)
    if single and "\\" not in data and len(single[1]) > 255:
        return _strings(single[1])
    return data


def _strings(text):
    return " ".join(f'"{text[i:i + 250]}"' for i in range(0, len(text), 250)) or '""'


def start(folder, texts, keys):
    """Write the zone of all `texts` and start nsd on it."""
    os.makedirs(folder, exist_ok=True)
    lines = dict.fromkeys(line for text in texts for line in to_master_lines(text, keys))
    with open(os.path.join(folder, "lab.zone"), "w") as out:
        out.write(HEAD + "\n".join(lines) + "\n")
    configuration = os.path.join(folder, "nsd.conf")
    with open(configuration, "w") as out:
        out.write(CONFIGURATION.format(folder=folder, address=ADDRESS, port=PORT))
    process.run(["nsd-checkzone", ".", os.path.join(folder, "lab.zone")])
    daemon = process.start(["nsd", "-d", "-c", configuration], os.path.join(folder, "nsd.out"))
    process.wait_for_port(ADDRESS, PORT, daemon)
    return daemon
