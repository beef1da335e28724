#!/usr/bin/env python3
"""Makes vectors.json: one small delivery, byte for byte as docs/format.md specifies it.

It shares nothing with the C++ code, so that the two can judge each other.

  make.py          writes vectors.json beside itself
  make.py --check  ends 0 if vectors.json is exactly what it would write
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys
import uuid

from primitives import Ed25519, bech32, chacha20poly1305, hkdf, self_check, x25519

VECTORS = pathlib.Path(__file__).with_name("vectors.json")

COVER_TYPE = "application/vnd.letterbox.cover.v1+json"
MANIFEST_TYPE = "application/vnd.letterbox.manifest.v1+json"
DEVICE_RECORD_TYPE = "application/vnd.letterbox.device-record.v1+json"
COSIGNATURE_TYPE = "application/vnd.letterbox.device-cosignature.v1+json"
REVOCATION_TYPE = "application/vnd.letterbox.device-revocation.v1+json"
RECEIPT_TYPE = "application/vnd.letterbox.receipt.v1+json"
DELETION_RECEIPT_TYPE = "application/vnd.letterbox.deletion-receipt.v1+json"

CHUNK = 64 * 1024


def sha256(data):
    return hashlib.sha256(data).digest()


def seeded(label):
    """32 bytes that stand in for random ones."""
    return sha256(b"letterbox format vectors: " + label.encode())


def b64(data):
    return base64.b64encode(data).decode()


def b64_raw(data):
    return b64(data).rstrip("=")


def compact(record):
    return json.dumps(record, separators=(",", ":"), ensure_ascii=True)


# --- age ----------------------------------------------------------------------------------------


def stanza(arguments, body):
    text = b64_raw(body)
    lines = [text[i : i + 64] for i in range(0, len(text) + 1, 64)]  # the last is always shorter
    return "-> " + " ".join(arguments) + "\n" + "".join(line + "\n" for line in lines)


def header_of(file_key, stanzas):
    start = "age-encryption.org/v1\n" + "".join(stanzas) + "---"
    mac = hmac.digest(hkdf(file_key, b"", b"header"), start.encode(), "sha256")
    return f"{start} {b64_raw(mac)}\n"


def cover_stanza(cover_hash):
    return stanza(["letterbox/cover/v1", b64_raw(cover_hash)], b"")


def ephemeral_of(file_key, cover_hash, point):
    return hkdf(file_key, cover_hash + point, b"letterbox/v1/ephemeral")


def x25519_stanza(file_key, cover_hash, point):
    ephemeral = ephemeral_of(file_key, cover_hash, point)
    share = x25519(ephemeral)
    wrap_key = hkdf(x25519(ephemeral, point), share + point, b"age-encryption.org/v1/X25519")
    return stanza(["X25519", b64_raw(share)], chacha20poly1305(wrap_key, bytes(12), file_key))


def stanzas_of(file_key, cover_hash, points):
    return [cover_stanza(cover_hash)] + [x25519_stanza(file_key, cover_hash, p) for p in points]


def nonce_of(file_key, file_id):
    return hkdf(file_key, file_id.bytes, b"letterbox/v1/nonce", 16)


def payload_of(file_key, nonce, plaintext):
    key = hkdf(file_key, nonce, b"payload")
    count = max(1, (len(plaintext) + CHUNK - 1) // CHUNK)
    chunks = (
        chacha20poly1305(key, i.to_bytes(11, "big") + bytes([i == count - 1]),
                         plaintext[i * CHUNK : (i + 1) * CHUNK])
        for i in range(count))
    return nonce + b"".join(chunks)


# --- records ------------------------------------------------------------------------------------


def pre_authentication_encoding(payload_type, payload):
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


def envelope_of(payload_type, payload, key):
    signature = key.sign(pre_authentication_encoding(payload_type, payload))
    return compact({
        "payload": b64(payload),
        "payloadType": payload_type,
        "signatures": [{"keyid": sha256(key.public).hex(), "sig": b64(signature)}],
    })


def signed(payload_type, record, key):
    payload = compact(record)
    return {"payload": payload, "envelope": envelope_of(payload_type, payload.encode(), key)}


def record_hash(record):
    return sha256(record["payload"].encode())


def fingerprint_words(key):
    """Sixteen bits a word: consonant, vowel, consonant, vowel, consonant."""
    words = []
    for high, low in zip(*[iter(sha256(key.public)[:16])] * 2):
        bits = f"{high:08b}{low:08b}"
        parts = [bits[0:4], bits[4:6], bits[6:10], bits[10:12], bits[12:16]]
        words.append("".join(("bdfghjklmnprstvz" if len(part) == 4 else "aiou")[int(part, 2)]
                             for part in parts))
    return "-".join(words)


def device_records(signer, device):
    """A person's first device, a further one, a replacement, and what is said about them."""
    further, replacement, gateway = (Ed25519(seeded(label)) for label in
                                     ("further device", "replacement", "gateway"))

    def record(age, key, created, not_before=None):
        return signed(DEVICE_RECORD_TYPE, {
            "handle": device.handle,
            "recipient": age,
            "signing_key": b64(key.public),
            "created": created,
            "not_before": not_before,
        }, key)

    def cosignature(key, of, created):
        return signed(COSIGNATURE_TYPE, {
            "device": b64(record_hash(of)), "signing_key": b64(key.public), "created": created,
        }, key)

    def revocation(key, of, revoked_by, created):
        return signed(REVOCATION_TYPE, {
            "device": b64(record_hash(of)), "revoked_by": revoked_by,
            "signing_key": b64(key.public), "created": created,
        }, key)

    def age_key(label):
        return bech32("age", x25519(seeded(label)))

    first = record(device.recipient, signer, "2026-11-23T17:30:00Z")
    second = record(age_key("further device"), further, "2026-11-24T08:00:00Z")
    third = record(age_key("replacement"), replacement, "2026-11-25T08:00:00Z",
                   "2026-11-26T08:00:00Z")
    envelopes = [
        (first, "2026-11-23T17:30:05Z"),
        (second, "2026-11-24T08:00:05Z"),
        (cosignature(signer, second, "2026-11-24T08:01:00Z"), "2026-11-24T08:01:05Z"),
        (third, "2026-11-25T08:00:00Z"),
        (revocation(further, third, "device", "2026-11-25T09:00:00Z"), "2026-11-25T09:00:05Z"),
        (revocation(gateway, first, "gateway", "2026-11-25T10:00:00Z"), "2026-11-25T10:00:05Z"),
    ]

    def state(at, *states):
        return {"at": at, "states": dict(zip(
            (record_hash(each).hex() for each in (first, second, third)), states))}

    return {
        "handle": device.handle,
        "gateway": b64(gateway.public),
        "accepted": [{"time": time, "hash": record_hash(each).hex(), **each}
                     for each, time in envelopes],
        # For each n: what follows from the first n records.
        "follows": [
            {"records": 1, **state("2026-11-23T17:30:05Z", "active")},
            {"records": 2, **state("2026-11-24T08:00:05Z", "active", "unvouched")},
            {"records": 3, **state("2026-11-24T08:01:05Z", "active", "active")},
            {"records": 4, **state("2026-11-26T07:59:59Z", "active", "active", "waiting")},
            {"records": 4, **state("2026-11-26T08:00:00Z", "active", "active", "active")},
            {"records": 5, **state("2026-11-26T08:00:00Z", "active", "active", "revoked")},
            {"records": 6, **state("2026-11-26T08:00:00Z", "revoked", "active", "revoked")},
        ],
    }


# --- the delivery -------------------------------------------------------------------------------


class Device:
    def __init__(self, number):
        self.handle = f"device-{number:02}@clinic.example"
        self.scalar = seeded(f"identity {number}")
        self.point = x25519(self.scalar)
        self.identity = bech32("age-secret-key-", self.scalar).upper()
        self.recipient = bech32("age", self.point)


class File:
    def __init__(self, number, length):
        self.id = uuid.UUID(f"01997d3c-5a00-7abc-8def-0000000000{number:02}")
        self.key = seeded(f"file key {number}")[:16]
        self.plaintext = bytes(i % 251 for i in range(length))
        self.nonce = nonce_of(self.key, self.id)
        self.payload = payload_of(self.key, self.nonce, self.plaintext)


# The index of the first file: an attachment of no bytes that nobody looked into.
INDEX = {"type": "application/octet-stream", "size": 0, "checked": False, "name": "notes.txt",
         "attributes": None, "left_out": [], "captured": None, "dropped": [], "label": None,
         "supersedes": None}


class SealedIndex:
    """Under a file key of its own, with the id of its file."""

    def __init__(self, file):
        self.id = file.id
        self.key = seeded("index key")[:16]
        self.plaintext = json.dumps(INDEX, separators=(",", ":")).encode()
        self.nonce = nonce_of(self.key, self.id)
        self.payload = payload_of(self.key, self.nonce, self.plaintext)


def manifest_entry(sealed):
    return {"id": str(sealed.id), "length": len(sealed.payload),
            "sha256": b64(sha256(sealed.payload))}


def cover_record(delivery, version, previous, devices, log_indexes):
    return {
        "delivery": str(delivery),
        "version": version,
        "previous": previous and b64(previous),
        "random": b64(seeded(f"cover {version}")[:16]),
        "sender": "device-00@clinic.example",
        "sealed_by": "device",
        "created": "2026-11-23T17:30:00Z",
        "expires": "2026-12-23T17:30:00Z",
        "recipients": [
            {"handle": device.handle, "recipient": device.recipient, "log_index": log_index}
            for device, log_index in zip(devices, log_indexes)
        ],
    }


def refused_headers(file, cover_hash, devices):
    """Headers whose MAC holds and which stock age opens; a reader that rebuilds refuses each."""
    points = [device.point for device in devices]
    stranger = x25519(seeded("stranger"))
    right = stanzas_of(file.key, cover_hash, points)
    variants = {
        "an X25519 stanza more than the cover lists":
            right + [x25519_stanza(file.key, cover_hash, stranger)],
        "a stanza of another type more":
            right + [stanza(["ssh-ed25519", "AAAAAA", b64_raw(bytes(32))], bytes(32))],
        "a stranger's stanza in place of a recipient's":
            right[:-1] + [x25519_stanza(file.key, cover_hash, stranger)],
        "a recipient's stanza left out": right[:-1],
        "a recipient's stanza twice": right + right[-1:],
        "stanzas in another order": right[:1] + right[1:][::-1],
        "the cover stanza last": right[1:] + right[:1],
        "no cover stanza": right[1:],
        "the stanza of another cover": [cover_stanza(sha256(b"another"))] + right[1:],
        "ephemeral secrets that follow from another cover":
            right[:1] + stanzas_of(file.key, sha256(b"another"), points)[1:],
    }
    return [{"name": name, "header": header_of(file.key, stanzas)}
            for name, stanzas in variants.items()]


# --- sharing on ---------------------------------------------------------------------------------


class Person:
    """Somebody's device, with a signing key."""

    def __init__(self, label, handle):
        self.handle = handle
        self.key = Ed25519(seeded(f"{label} signs"))
        self.scalar = seeded(f"{label} opens")
        self.point = x25519(self.scalar)
        self.recipient = bech32("age", self.point)
        self.record = signed(DEVICE_RECORD_TYPE, {
            "handle": handle, "recipient": self.recipient, "signing_key": b64(self.key.public),
            "created": "2026-11-23T12:00:00Z", "not_before": None,
        }, self.key)


def framed(content):
    return len(content).to_bytes(4, "big") + content


def headers_frame(file, header, index_header=b""):
    return file.id.bytes + framed(header) + framed(index_header)


def sharing():
    """A delivery that is shared on twice, what breaks each rule once, and its receipts."""
    ada = Person("ada", "ada@clinic.example")
    bob = Person("bob", "bob@clinic.example")
    phone = Person("bob's phone", "bob@clinic.example")
    carol = Person("carol", "carol@clinic.example")
    dave = Person("dave", "dave@clinic.example")
    people = [ada, bob, phone, carol, dave]
    gateway = Ed25519(seeded("gateway"))
    delivery = uuid.UUID("01997d3c-59ff-7000-8000-000000000002")

    def record(version, previous, to):
        return {
            "delivery": str(delivery),
            "version": version,
            "previous": previous and b64(record_hash(previous)),
            "random": b64(seeded(f"shared cover {version}")[:16]),
            "sender": ada.handle,
            "sealed_by": "device",
            "created": f"2026-11-23T17:30:0{version}Z",
            "expires": "2026-12-23T17:30:00Z",
            "recipients": [{"handle": handle, "recipient": device.recipient, "log_index": None}
                           for device, handle in to],
        }

    def listed(*devices):
        return [(device, device.handle) for device in devices]

    # Ada sends to herself and to both of Bob's devices; Bob drops one and adds Carol; Ada drops him.
    lists = [listed(ada, bob, phone), listed(ada, bob, carol), listed(carol, ada)]
    makers = [ada, bob, ada]
    covers = []
    for version, (maker, to) in enumerate(zip(makers, lists), 1):
        previous = covers[-1] if covers else None
        covers.append(signed(COVER_TYPE, record(version, previous, to), maker.key))
    one, two, _ = covers

    # What doesn't follow version 1, or version 2, though its maker signed it. `rule` is that of
    # docs/format.md; `maker` is whose device it is held to be.
    def attempt(name, rule, maker, to=None, after=one, key=None, **changed):
        version = covers.index(after) + 2
        cover = record(version, after, to or listed(ada, bob, phone, carol)) | changed
        return {"name": name, "rule": rule, "after": covers.index(after),
                "maker": people.index(maker),
                "envelope": signed(COVER_TYPE, cover, key or maker.key)["envelope"]}

    refused = [
        attempt("signed by another key than its maker's", 1, bob, key=carol.key),
        attempt("signed by the gateway", 1, ada, key=gateway),
        attempt("of another delivery", 2, bob, delivery="01997d3c-59ff-7000-8000-000000000001"),
        attempt("by another sender", 2, bob, sender=bob.handle),
        attempt("said to be sealed at the gateway", 2, bob, sealed_by="gateway"),
        attempt("that lives longer", 2, bob, expires="2027-12-23T17:30:00Z"),
        attempt("that leaves a version out", 2, bob, version=3),
        attempt("that is no later version", 2, bob, after=two, version=2),
        attempt("that follows another version", 2, bob, previous=b64(seeded("another"))),
        attempt("that follows the version before the last", 2, bob, after=two,
                previous=b64(record_hash(one))),
        attempt("older than the version before", 2, bob, created="2026-11-23T17:30:00Z"),
        attempt("with the random bytes of the version before", 2, bob,
                random=b64(seeded("shared cover 1")[:16])),
        attempt("by a stranger who lets themselves in", 3, dave, listed(ada, bob, phone, dave)),
        attempt("by somebody who was dropped", 3, phone, listed(ada, bob, carol, phone), after=two),
        attempt("that gives a kept key another handle", 4, ada,
                [(ada, ada.handle), (bob, carol.handle), (phone, phone.handle)]),
        attempt("by a recipient who drops the sender", 5, bob, listed(bob, phone)),
        attempt("by a recipient who drops another one", 5, carol, listed(ada, carol), after=two),
        attempt("by a recipient who puts another key in a recipient's place", 5, carol,
                [(ada, ada.handle), (dave, bob.handle), (carol, carol.handle)], after=two),
        attempt("that changes nothing", 6, bob, listed(ada, bob, phone)),
        attempt("that changes the order alone", 6, ada, listed(bob, ada, phone)),
    ]

    files = [File(0, 0), File(1, 1)]
    index = SealedIndex(files[0])

    def header(sealed, version):
        points = [device.point for device, _ in lists[version]]
        return header_of(sealed.key, stanzas_of(sealed.key, record_hash(covers[version]), points))

    change = framed(two["envelope"].encode()) + headers_frame(
        files[0], header(files[0], 1).encode(), header(index, 1).encode()) + headers_frame(
        files[1], header(files[1], 1).encode())

    beginnings = headers_frame(
        files[0], header(files[0], 1).encode() + files[0].nonce,
        header(index, 1).encode() + index.nonce) + headers_frame(
        files[1], header(files[1], 1).encode() + files[1].nonce)

    manifest = signed(MANIFEST_TYPE, {
        "delivery": str(delivery),
        "cover": b64(record_hash(one)),
        "closed": "2026-11-23T17:31:00Z",
        "files": [manifest_entry(file) for file in files],
        "indexes": [manifest_entry(index)],
    }, ada.key)

    return {
        "devices": [{"handle": person.handle, "recipient": person.recipient,
                     "identity": bech32("age-secret-key-", person.scalar).upper(),
                     **person.record} for person in people],
        "covers": [cover | {"hash": record_hash(cover).hex(), "maker": people.index(maker),
                            "recipients": [people.index(device) for device, _ in to]}
                   for cover, maker, to in zip(covers, makers, lists)],
        "headers": [header(files[1], version) for version in range(len(covers))],
        "refused": refused,
        "recipients_change": b64(change),
        "headers_of_the_delivery": b64(beginnings),
        "manifest": manifest,
        "receipt": signed(RECEIPT_TYPE, {
            "delivery": str(delivery),
            "manifest": b64(record_hash(manifest)),
            "recipient": carol.recipient,
            "opened": "2026-11-24T08:00:00Z",
        }, carol.key) | {"by": people.index(carol)},
        "deletion_receipt": signed(DELETION_RECEIPT_TYPE, {
            "delivery": str(delivery),
            "cover": b64(record_hash(one)),
            "deleted": "2026-11-25T08:00:00Z",
            "store": "live",
            "backups_lapse": "2026-12-25T08:00:00Z",
        }, gateway) | {"gateway": b64(gateway.public)},
        "deletion_receipt_without_a_date": signed(DELETION_RECEIPT_TYPE, {
            "delivery": str(delivery),
            "cover": b64(record_hash(one)),
            "deleted": "2026-11-25T08:00:00Z",
            "store": "live",
            "backups_lapse": None,
        }, gateway) | {"gateway": b64(gateway.public)},
    }


def make():
    signer = Ed25519(seeded("signing key"))
    devices = [Device(number) for number in range(20)]
    files = [File(0, 0), File(1, 1), File(2, CHUNK), File(3, CHUNK + 1)]
    index = SealedIndex(files[0])
    delivery = uuid.UUID("01997d3c-59ff-7000-8000-000000000001")

    # Version 1 is for one device, version 2 shares it with nineteen more.
    one = signed(COVER_TYPE, cover_record(delivery, 1, None, devices[:1], [None]), signer)
    one_hash = sha256(one["payload"].encode())
    log_indexes = [None] * 18 + [0, 2**53 - 1]
    twenty = signed(COVER_TYPE, cover_record(delivery, 2, one_hash, devices, log_indexes), signer)
    twenty_hash = sha256(twenty["payload"].encode())
    covers = [(one_hash, devices[:1]), (twenty_hash, devices)]

    hello = ("http://example.com/HelloWorld", b"hello world")
    return {
        "about": "Made by make.py from docs/format.md. Plaintext byte i of a file is i mod 251.",
        "signing_key": {
            "seed": b64(signer.seed),
            "verify_key": b64(signer.public),
            "fingerprint": sha256(signer.public).hex(),
            "words": fingerprint_words(signer),
        },
        "devices": [{"handle": device.handle, "identity": device.identity,
                     "recipient": device.recipient} for device in devices],
        "dsse": {
            "payload_type": hello[0],
            "payload": hello[1].decode(),
            "pre_authentication_encoding": pre_authentication_encoding(*hello).decode(),
            "envelope": envelope_of(*hello, signer),
        },
        "device_records": device_records(signer, devices[0]),
        "covers": [one | {"hash": one_hash.hex(), "recipients": 1},
                   twenty | {"hash": twenty_hash.hex(), "recipients": 20}],
        "files": [{
            "id": str(file.id),
            "file_key": file.key.hex(),
            "plaintext_length": len(file.plaintext),
            "first_ephemeral": [ephemeral_of(file.key, cover_hash, to[0].point).hex()
                                for cover_hash, to in covers],
            "headers": [header_of(file.key, stanzas_of(file.key, cover_hash,
                                                       [device.point for device in to]))
                        for cover_hash, to in covers],
            "nonce": file.nonce.hex(),
            "payload_length": len(file.payload),
            "payload_sha256": sha256(file.payload).hex(),
            "payload": b64(file.payload) if len(file.payload) < 100 else None,
        } for file in files],
        "index": {
            "id": str(index.id),
            "file_key": index.key.hex(),
            "plaintext": index.plaintext.decode(),
            "header": header_of(index.key, stanzas_of(index.key, one_hash, [devices[0].point])),
            "payload": b64(index.payload),
        },
        "refused_headers": {
            "file": 1,
            "cover": 1,
            "variants": refused_headers(files[1], twenty_hash, devices),
        },
        "manifest": signed(MANIFEST_TYPE, {
            "delivery": str(delivery),
            "cover": b64(one_hash),
            "closed": "2026-11-23T17:31:00Z",
            "files": [manifest_entry(file) for file in files],
            "indexes": [manifest_entry(index)],
        }, signer),
        "sharing": sharing(),
    }


def main():
    self_check()
    text = json.dumps(make(), indent=1) + "\n"
    if sys.argv[1:] == ["--check"]:
        if VECTORS.read_text() != text:
            sys.exit("vectors.json isn't what make.py makes: run make.py and look at the difference")
        print("vectors.json is what make.py makes")
    elif not sys.argv[1:]:
        VECTORS.write_text(text)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
