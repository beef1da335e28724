"""A device that isn't ours: docs/format.md in Python, with stock age for its age key and python3-cryptography for the
other. What letterbox does with a gateway, it does too, and what letterbox wouldn't.
"""
import base64
import datetime
import hashlib
import json
import os
import re
import subprocess
import time
import uuid

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ENVELOPE = "application/vnd.dsse.envelope.v1+json"
DEVICE_RECORD = "application/vnd.letterbox.device-record.v1+json"
COSIGNATURE = "application/vnd.letterbox.device-cosignature.v1+json"
REVOCATION = "application/vnd.letterbox.device-revocation.v1+json"


def b64(data):
    return base64.b64encode(data).decode()


def time_text(when):
    return when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class SigningKey:
    """An Ed25519 key, and the signatures of Letterbox that it makes."""

    def __init__(self, seed=None):
        self.seed = seed or os.urandom(32)
        self.key = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.id = hashlib.sha256(self.public).hexdigest()

    @classmethod
    def of_home(cls, home):
        """The one in a bare key file of letterbox."""
        text = (home / "key.txt").read_text(encoding="ascii")
        return cls(base64.b64decode(re.search(r"^# letterbox-signing-seed: (\S+)$", text, re.M)[1]))

    def envelope(self, payload_type, record):
        """`record` is JSON, or the very bytes of it."""
        payload = record if isinstance(record, bytes) else json.dumps(record, separators=(",", ":")).encode()
        encoding = b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)
        return {"payload": b64(payload), "payloadType": payload_type,
                "signatures": [{"keyid": self.id, "sig": b64(self.key.sign(encoding))}]}

    def fields(self, method, uri, body=b"", content_type=None, created=None, nonce=None, lifetime=300, digest_of=None):
        """The header fields of a signed request (RFC 9421), Content-Type and Content-Digest among them."""
        covered = {"@method": method, "@target-uri": uri}
        fields = {}
        if body:
            digest = hashlib.sha256(body if digest_of is None else digest_of).digest()
            fields["Content-Type"] = content_type or "application/json"
            fields["Content-Digest"] = f"sha-256=:{b64(digest)}:"
            covered |= {name.lower(): value for name, value in fields.items()}
        created = int(time.time()) if created is None else created
        parameters = "(" + " ".join(f'"{name}"' for name in covered) + ")" + (
            f';created={created};expires={created + lifetime};nonce="{nonce or uuid.uuid4()}"'
            f';keyid="{self.id}";tag="letterbox"')
        base = "\n".join([f'"{name}": {value}' for name, value in covered.items()]
                         + [f'"@signature-params": {parameters}'])
        fields["Signature-Input"] = "python=" + parameters
        fields["Signature"] = f"python=:{b64(self.key.sign(base.encode()))}:"
        return fields


def signed_request(gateway, key, method, path, body=b"", content_type=None, extra=(), **options):
    """(status, headers, body) of a request to `gateway` (rig.Gateway) that `key` signs. `body` is bytes or JSON;
    `extra` are header fields beside, as lines."""
    return gateway.request(*signed(gateway, key, method, path, body, content_type, extra, **options))


def signed(gateway, key, method, path, body=b"", content_type=None, extra=(), **options):
    """What Gateway.request takes, of such a request."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    fields = key.fields(method, gateway.url + path, body, content_type, **options)
    content_type = fields.pop("Content-Type", content_type)
    return method, path, body, content_type, [*extra, *(f"{k}: {v}" for k, v in fields.items())]


def raw_head(key, gateway, method, path, body, content_type):
    """The head of a signed request for `body`, but for its framing and the empty line: for who sends it bit by bit."""
    fields = key.fields(method, gateway.url + path, body, content_type)
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "".join(line + "\r\n" for line in lines).encode()


class Device:
    """Somebody's, who asks `gateway` (rig.Gateway)."""

    def __init__(self, gateway, handle):
        self.gateway = gateway
        self.handle = handle
        self.key = SigningKey()
        made = subprocess.run(["age-keygen"], check=True, capture_output=True, timeout=60).stdout.decode()
        self.identity = made.splitlines()[-1]
        self.recipient = re.search(r"^# public key: (age1\S+)$", made, re.M)[1]

    def record(self, not_before=None, created=None):
        """Its device record: always the same, once made."""
        if not hasattr(self, "made"):
            self.made = {"handle": self.handle, "recipient": self.recipient, "signing_key": b64(self.key.public),
                         "created": time_text(created or now()),
                         "not_before": time_text(not_before) if not_before else None}
        return self.key.envelope(DEVICE_RECORD, self.made)

    def hash(self):
        return hashlib.sha256(base64.b64decode(self.record()["payload"])).digest()

    def request(self, method, path, body=b"", content_type=None, **options):
        """(status, headers, body) of a request that it signs."""
        return signed_request(self.gateway, self.key, method, path, body, content_type, **options)

    def enrol(self, token, **options):
        """Redeems an invitation; what the gateway answers."""
        return self.request("POST", "/v1/devices", {"invitation": token, "record": self.record(**options)})

    def enrolled(self, token, **options):
        status, _, content = self.enrol(token, **options)
        if status != 201:
            raise AssertionError(f"{status}: {content!r}")
        self.state = json.loads(content)["state"]
        return self

    def cosignature(self, other):
        return self.key.envelope(COSIGNATURE, {"device": b64(other.hash()), "signing_key": b64(self.key.public),
                                               "created": time_text(now())})

    def revocation(self, other):
        return self.key.envelope(REVOCATION, {"device": b64(other.hash()), "revoked_by": "device",
                                              "signing_key": b64(self.key.public), "created": time_text(now())})

    def file(self, other, statement):
        return self.request("POST", f"/v1/devices/{other.key.id}/records", json.dumps(statement).encode(), ENVELOPE)
