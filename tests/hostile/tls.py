"""TLS as far as the hostile inputs need it: a ClientHello of any version and suites, and what comes back in clear.

Whatever the local OpenSSL refuses to offer can be offered here.
"""
import os
import struct

ALERT, HANDSHAKE = 21, 22
HANDSHAKE_FAILURE, PROTOCOL_VERSION = 40, 70
CERTIFICATE_REQUEST, SERVER_HELLO_DONE = 13, 14

TLS_1_0, TLS_1_1, TLS_1_2 = 0x0301, 0x0302, 0x0303

# Refused by RFC 9325 section 4.1, or without forward secrecy or AEAD. The gateway's key is an EC or an RSA one.
WEAK_SUITES = {
    "NULL": 0x0002, "RSA with NULL-SHA256": 0x003B, "ECDHE-ECDSA with NULL": 0xC006,
    "RC4": 0x0005, "ECDHE-ECDSA with RC4": 0xC007, "ECDHE-RSA with RC4": 0xC011,
    "export": 0x0003, "DES": 0x0009, "3DES": 0x000A, "ECDHE-ECDSA with 3DES": 0xC008,
    "anonymous": 0x0034, "anonymous ECDH": 0xC018,
    "static RSA, CBC": 0x002F, "static RSA, GCM": 0x009C, "static ECDH": 0xC02D,
    "ECDHE-ECDSA, CBC": 0xC009, "ECDHE-ECDSA, CBC, SHA-256": 0xC023,
    "ECDHE-RSA, CBC": 0xC013, "ECDHE-RSA, CBC, SHA-256": 0xC027,
}
GOOD_SUITES = (0xC02B, 0xC02F)  # ECDHE-ECDSA and ECDHE-RSA with AES-128-GCM


def client_hello(version, suites):
    """A whole record, RFC 5246 section 7.4.1.2."""
    def vector(size, data):
        return len(data).to_bytes(size, "big") + data

    def extension(number, data):
        return struct.pack(">H", number) + vector(2, data)

    extensions = extension(10, vector(2, bytes.fromhex("001d00170018")))  # supported_groups
    extensions += extension(11, vector(1, b"\0"))  # ec_point_formats
    extensions += extension(13, vector(2, bytes.fromhex("040308040401050308050501020302010603")))  # signature_algorithms
    extensions += extension(0xFF01, b"\0")  # renegotiation_info
    hello = struct.pack(">H", version) + os.urandom(32) + vector(1, b"")
    hello += vector(2, b"".join(struct.pack(">H", suite) for suite in suites)) + vector(1, b"\0") + vector(2, extensions)
    return struct.pack(">BH", HANDSHAKE, min(version, TLS_1_0)) + vector(2, b"\1" + vector(3, hello))


def records(data):
    """(content type, fragment) of each whole record in `data`."""
    while len(data) >= 5:
        size = int.from_bytes(data[3:5], "big")
        if len(data) < 5 + size:
            return
        yield data[0], data[5:5 + size]
        data = data[5 + size:]


def alert(data):
    """The description of the fatal alert in `data`, or nothing."""
    return next((fragment[1] for kind, fragment in records(data) if kind == ALERT and fragment[0] == 2), None)


def handshake_messages(data):
    """The types of the handshake messages in `data`."""
    stream = b"".join(fragment for kind, fragment in records(data) if kind == HANDSHAKE)
    types = []
    while len(stream) >= 4:
        types.append(stream[0])
        stream = stream[4 + int.from_bytes(stream[1:4], "big"):]
    return types
