#!/usr/bin/env python3
"""Makes vectors.txt: recovery keys and what follows from them, as docs/format.md says.

HKDF, X25519 and Ed25519 are those of python-cryptography; Bech32 is that of the format vectors.

  make.py          writes vectors.txt beside itself
  make.py --check  ends 0 if vectors.txt is exactly what it would write
"""

import base64
import hashlib
import pathlib
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

VECTORS = pathlib.Path(__file__).with_name("vectors.txt")
sys.path.insert(0, str(VECTORS.parents[1] / "format"))

from primitives import bech32  # noqa: E402

SECRETS = [
    bytes(32),
    b"\xff" * 32,
    bytes(range(32)),
    hashlib.sha256(b"letterbox recovery vectors: 1").digest(),
    hashlib.sha256(b"letterbox recovery vectors: 2").digest(),
]


def derived(secret, purpose):
    return HKDF(SHA256(), 32, salt=None, info=b"letterbox/v1/recovery/" + purpose).derive(secret)


def public(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def vector(secret):
    scalar = derived(secret, b"age")
    seed = derived(secret, b"signing")
    verify_key = public(Ed25519PrivateKey.from_private_bytes(seed))
    return {
        "secret": secret.hex(),
        "text": bech32("letterbox-recovery-", secret).upper(),
        "identity": bech32("age-secret-key-", scalar).upper(),
        "recipient": bech32("age", public(X25519PrivateKey.from_private_bytes(scalar))),
        "signing_seed": seed.hex(),
        "verify_key": base64.b64encode(verify_key).decode(),
        "fingerprint": hashlib.sha256(verify_key).hexdigest(),
    }


def make():
    """Lines of "name value"; an empty line ends a vector."""
    return "\n".join("".join(f"{name} {value}\n" for name, value in vector(secret).items())
                     for secret in SECRETS) + "\n"


def main():
    if sys.argv[1:] == ["--check"]:
        if VECTORS.read_text() != make():
            sys.exit("vectors.txt isn't what make.py makes: run make.py and look at the difference")
        print("vectors.txt is what make.py makes")
    elif not sys.argv[1:]:
        VECTORS.write_text(make())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
