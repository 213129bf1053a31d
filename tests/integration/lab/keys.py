"""Signing keys, made at first use by openssl."""
import base64
import os
import re
import subprocess

import nacl.signing
from dkim.crypto import parse_pem_private_key


class Keys:
    """Keys by name: "rsa1024", "rsa2048" with the size in bits, "ed25519"; a suffix after "-" tells keys of one
    kind apart ("rsa2048-other")."""

    def __init__(self, folder):
        self._folder = folder
        self._cache = {}
        os.makedirs(folder, exist_ok=True)

    def private(self, name):
        """What the signer takes: dkimpy's RSA key, or a nacl signing key."""
        return self._load(name)[0]

    def record(self, name, tags=""):
        """The key record (RFC 6376 §3.6.1), with more tags put before p=."""
        kind = "ed25519" if name.startswith("ed25519") else "rsa"
        return f"v=DKIM1; k={kind}; {tags + '; ' if tags else ''}p={self._load(name)[1]}"

    def _load(self, name):
        if name not in self._cache:
            self._cache[name] = self._ed25519() if name.startswith("ed25519") else self._rsa(name)
        return self._cache[name]

    def _ed25519(self):
        key = nacl.signing.SigningKey.generate()
        return key, base64.b64encode(bytes(key.verify_key)).decode()

    def _rsa(self, name):
        path = os.path.join(self._folder, name + ".pem")
        bits = re.match(r"rsa(\d+)", name)[1]
        subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, bits], check=True, capture_output=True)
        public = subprocess.run(["openssl", "rsa", "-in", path, "-pubout"], check=True, capture_output=True,
                                text=True).stdout
        with open(path, "rb") as pem:
            return parse_pem_private_key(pem.read()), re.sub(r"-----[^-]*-----|\s", "", public)
