"""Deliveries that aren't sealed by ours: docs/format.md in Python, as tests/vectors/format has it, with
python3-cryptography where the vectors' own primitives are too slow.
"""
import base64
import dataclasses
import hashlib
import http.client
import json
import os
import pathlib
import sys
import time
import uuid

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

import device

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vectors" / "format"))
import make  # noqa: E402  (the vectors' independent script)
from primitives import hkdf  # noqa: E402


def x25519(scalar, point=bytes([9]) + bytes(31)):
    return X25519PrivateKey.from_private_bytes(scalar).exchange(X25519PublicKey.from_public_bytes(point))


# Or a header of a few hundred files would take minutes.
make.x25519 = x25519
make.chacha20poly1305 = lambda key, nonce, plaintext: ChaCha20Poly1305(key).encrypt(nonce, plaintext, b"")

CHUNK = 64 * 1024
ROW = 16 * (CHUNK + 16)
COVER = "application/vnd.letterbox.cover.v1+json"
MANIFEST = "application/vnd.letterbox.manifest.v1+json"
RECEIPT = "application/vnd.letterbox.receipt.v1+json"
RECIPIENTS_CHANGE = "application/vnd.letterbox.recipients"


def uuid7():
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    return uuid.UUID(int=value & ~(0xf << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def sha256(data):
    return hashlib.sha256(data).digest()


def point_of(recipient):
    """The 32 bytes in an age1… string, whose checksum nobody looks at here."""
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = "".join(f"{alphabet.index(c):05b}" for c in recipient.removeprefix("age1")[:-6])
    return int(bits[:256], 2).to_bytes(32, "big")


class Cover:
    """A cover's bytes, and the envelope that `signer` (device.SigningKey) makes of them."""

    def __init__(self, payload, signer):
        self.payload = payload
        self.record = json.loads(payload)
        self.envelope = signer.envelope(COVER, payload)
        self.hash = sha256(payload)
        self.points = [point_of(one["recipient"]) for one in self.record["recipients"]]

    @property
    def delivery(self):
        return self.record["delivery"]

    def next(self, devices, signer, **changed):
        """What follows it, for these devices (device.Device)."""
        record = self.record | {
            "version": self.record["version"] + 1, "previous": device.b64(self.hash),
            "random": device.b64(os.urandom(16)), "created": device.time_text(device.now()),
            "recipients": [{"handle": one.handle, "recipient": one.recipient, "log_index": None}
                           for one in devices]} | changed
        return Cover(json.dumps(record, separators=(",", ":")).encode(), signer)


@dataclasses.dataclass
class File:
    """A file sealed for whoever a cover lists. Its payload stays, its header is the cover's."""
    plaintext: bytes
    id: uuid.UUID = dataclasses.field(default_factory=uuid7)
    key: bytes = dataclasses.field(default_factory=lambda: os.urandom(16))

    def __post_init__(self):
        self.headers = {}  # once made, by their covers
        self.nonce = make.nonce_of(self.key, self.id)
        cipher = ChaCha20Poly1305(hkdf(self.key, self.nonce, b"payload"))
        count = max(1, -(-len(self.plaintext) // CHUNK))
        self.payload = self.nonce + b"".join(
            cipher.encrypt(i.to_bytes(11, "big") + bytes([i == count - 1]),
                           self.plaintext[i * CHUNK:(i + 1) * CHUNK], b"") for i in range(count))

    def header(self, cover):
        if cover.hash not in self.headers:
            self.headers[cover.hash] = make.header_of(
                self.key, make.stanzas_of(self.key, cover.hash, cover.points)).encode()
        return self.headers[cover.hash]

    def sealed(self, cover):
        return self.header(cover) + self.payload

    def entry(self):
        return {"id": str(self.id), "length": len(self.payload), "sha256": device.b64(sha256(self.payload))}


def expect(status, answer):
    """Its body, as JSON if it is."""
    if answer[0] != status:
        raise AssertionError(f"{answer[0]}, not {status}: {answer[2]!r}")
    return json.loads(answer[2]) if "json" in answer[1].get("content-type", "") else answer[2]


def opened(sender, recipients, **draft):
    """The cover of a delivery that `sender` (device.Device) has opened for these handles or age keys."""
    draft = expect(201, sender.request("POST", "/v1/deliveries", {"recipients": recipients, **draft}))
    cover = Cover(base64.b64decode(draft["cover"]), sender.key)
    path = f"/v1/deliveries/{cover.delivery}/cover?downloads={draft['downloads']}"
    expect(201, sender.request("PUT", path, cover.envelope, device.ENVELOPE))
    return cover


def put(sender, cover, file):
    path = f"/v1/deliveries/{cover.delivery}/files?id={file.id}"
    expect(201, sender.request("POST", path, file.sealed(cover), "application/age"))


def put_all(sender, cover, files):
    """The same of many, over one connection."""
    gateway = sender.gateway
    connection = http.client.HTTPSConnection("127.0.0.1", gateway.port, timeout=60, context=gateway.tls_context())
    for file in files:
        path = f"/v1/deliveries/{cover.delivery}/files?id={file.id}"
        body = file.sealed(cover)
        connection.request("POST", path, body, sender.key.fields("POST", gateway.url + path, body, "application/age"))
        answer = connection.getresponse()
        expect(201, (answer.status, {}, answer.read()))
    connection.close()


def manifest(sender, cover, files):
    return sender.key.envelope(MANIFEST, {
        "delivery": cover.delivery, "cover": device.b64(cover.hash), "closed": device.time_text(device.now()),
        "files": [file.entry() for file in sorted(files, key=lambda file: file.id)], "indexes": []})


def close(sender, cover, files):
    path = f"/v1/deliveries/{cover.delivery}/close"
    return expect(200, sender.request("POST", path, manifest(sender, cover, files), device.ENVELOPE))


def sent(sender, recipients, *files, **draft):
    """The cover of a delivery of these files, closed."""
    cover = opened(sender, recipients, **draft)
    put_all(sender, cover, files)
    close(sender, cover, files)
    return cover


def framed(content):
    return len(content).to_bytes(4, "big") + content


def recipients_change(cover, files):
    envelope = json.dumps(cover.envelope, separators=(",", ":")).encode()
    return framed(envelope) + b"".join(
        file.id.bytes + framed(file.header(cover)) + framed(b"") for file in sorted(files, key=lambda file: file.id))


def headers_in(content):
    """Of `application/vnd.letterbox.headers`, by the ids of files without indexes: header and nonce."""
    found = {}
    while content:
        length = int.from_bytes(content[16:20], "big")
        beginning, index = content[20:20 + length], content[20 + length:24 + length]
        found[content[:16]] = (beginning[:-16], beginning[-16:])
        if index != bytes(4):
            raise AssertionError("an index")
        content = content[24 + length:]
    return found


def change(maker, cover, files, if_match=None):
    """(status, headers, body) of putting `cover` in place of the version before it."""
    before = f'"v{cover.record["version"] - 1}"' if if_match is None else if_match
    return maker.request("PUT", f"/v1/deliveries/{cover.delivery}/recipients", recipients_change(cover, files),
                         RECIPIENTS_CHANGE, extra=[f"If-Match: {before}"] if before else [])


def problem(answer):
    return answer[0], json.loads(answer[2])["type"].removeprefix("/problems/")
