"""The primitives that docs/format.md names, written from their RFCs with the standard library alone.

Slow, not constant-time, and good for one thing: to be independent of the code that they judge.
Ed25519 comes from the openssl command line. Run as a program, it holds each against its RFC.
"""

import base64
import hashlib
import hmac
import pathlib
import struct
import subprocess
import tempfile


def hkdf(ikm, salt, info, length=32):
    """RFC 5869, SHA-256."""
    prk = hmac.digest(salt or bytes(32), ikm, "sha256")
    block, output, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(prk, block + info + bytes([counter]), "sha256")
        output += block
        counter += 1
    return output[:length]


def x25519(scalar, point=bytes([9]) + bytes(31)):
    """RFC 7748 section 5; with the base point by default."""
    p = 2**255 - 19
    k = int.from_bytes(scalar, "little") & ~7 & (2**254 - 1) | 2**254
    x1 = int.from_bytes(point, "little") & (2**255 - 1)
    x2, z2, x3, z3, swapped = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swapped != bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swapped = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % p, c * b % p, a * a % p, b * b % p
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


def chacha20_block(key, counter, nonce):
    """RFC 8439 section 2.3."""
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce))
    s = start[:]
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            for left, right in ((16, 12), (8, 7)):
                s[a] = s[a] + s[b] & 0xFFFFFFFF
                x = s[d] ^ s[a]
                s[d] = (x << left | x >> 32 - left) & 0xFFFFFFFF
                s[c] = s[c] + s[d] & 0xFFFFFFFF
                x = s[b] ^ s[c]
                s[b] = (x << right | x >> 32 - right) & 0xFFFFFFFF
    return struct.pack("<16I", *(x + y & 0xFFFFFFFF for x, y in zip(s, start)))


def poly1305(key, message):
    """RFC 8439 section 2.5."""
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    accumulator = 0
    for i in range(0, len(message), 16):
        block = message[i : i + 16] + b"\1"
        accumulator = (accumulator + int.from_bytes(block, "little")) * r % (2**130 - 5)
    return (accumulator + int.from_bytes(key[16:], "little") & 2**128 - 1).to_bytes(16, "little")


def chacha20poly1305(key, nonce, plaintext, aad=b""):
    """RFC 8439 section 2.8: ciphertext, then the tag."""
    blocks = (len(plaintext) + 63) // 64
    stream = b"".join(chacha20_block(key, 1 + i, nonce) for i in range(blocks))
    ciphertext = bytes(x ^ y for x, y in zip(plaintext, stream))
    def padded(data):
        return data + bytes(-len(data) % 16)
    lengths = struct.pack("<QQ", len(aad), len(ciphertext))
    return ciphertext + poly1305(chacha20_block(key, 0, nonce)[:32],
                                 padded(aad) + padded(ciphertext) + lengths)


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


class Ed25519:
    """RFC 8032, by the openssl command line."""

    PRIVATE = bytes.fromhex("302e020100300506032b657004220420")  # PKCS #8, RFC 8410 section 7

    def __init__(self, seed):
        self.seed = seed
        self.public = self.run("pkey", "-pubout", "-outform", "DER")[-32:]

    def sign(self, message):
        return self.run("pkeyutl", "-sign", "-rawin", message=message)

    def run(self, *arguments, message=None):
        with tempfile.TemporaryDirectory() as folder:
            key = pathlib.Path(folder, "key.pem")
            der = base64.b64encode(self.PRIVATE + self.seed).decode()
            key.write_text(f"-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n")
            if message is None:
                return openssl(*arguments, "-in", str(key))
            text = pathlib.Path(folder, "message")
            text.write_bytes(message)
            return openssl(*arguments, "-inkey", str(key), "-in", str(text))


def bech32(prefix, data):
    """BIP 173."""
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    number = int.from_bytes(data, "big") << -len(data) * 8 % 5
    groups = (len(data) * 8 + 4) // 5
    values = [number >> 5 * i & 31 for i in reversed(range(groups))]

    def polymod(all_values):
        checksum = 1
        for value in all_values:
            top = checksum >> 25
            checksum = (checksum & 0x1FFFFFF) << 5 ^ value
            for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
                checksum ^= g if top >> i & 1 else 0
        return checksum

    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = polymod(expanded + values + [0] * 6) ^ 1
    return prefix + "1" + "".join(alphabet[v] for v in values + [check >> 5 * (5 - i) & 31 for i in range(6)])


def self_check():
    h = bytes.fromhex
    # RFC 5869 appendix A.1
    assert hkdf(h("0b" * 22), bytes(range(13)), bytes(range(0xF0, 0xFA)), 42) == h(
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    # RFC 7748 sections 5.2 (the second vector is the first of the iterated ones) and 6.1
    assert x25519(
        h("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
        h("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
    ) == h("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    assert x25519(h("09" + "00" * 31)) == h(
        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")
    alice = h("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    bob = h("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    assert x25519(bob) == h("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    assert x25519(bob, alice) == h(
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    # RFC 8439 section 2.8.2
    sunscreen = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
                 b"the future, sunscreen would be it.")
    sealed = chacha20poly1305(bytes(range(0x80, 0xA0)), h("070000004041424344454647"), sunscreen,
                              h("50515253c0c1c2c3c4c5c6c7"))
    assert sealed[:16] == h("d31a8d34648e60db7b86afbc53ef7ec2")
    assert sealed[-16:] == h("1ae10b594f09e26a7e902ecbd0600691")
    # RFC 8032 section 7.1, test 2
    key = Ed25519(h("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    assert key.public == h("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    assert key.sign(h("72")) == h(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
    # BIP 173, test vectors: 32 characters of data, and none
    assert bech32("a", b"") == "a12uel5l"
    assert bech32("abcdef", h("00443214c74254b635cf84653a56d7c675be77df")) == (
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw")


if __name__ == "__main__":
    self_check()
    print("primitives.py: every primitive gives its RFC's answers")
