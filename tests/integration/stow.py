"""STOW-RS (PS3.18 section 10.5) written byte by byte, and its answers in DICOM JSON read."""
import json

TYPE = "application/dicom"
JSON = "application/dicom+json"
BOUNDARY = "heron-0123456789"

REFERENCED, FAILED, OTHER_FAILURES = "00081199", "00081198", "0008119A"
MALFORMED, OTHER, DUPLICATE, UNSUPPORTED_SYNTAX, NO_RESOURCES = 0xC000, 0x0110, 0x0111, 0xC122, 0xA700


def content_type(boundary=BOUNDARY, part_type=TYPE):
    return f'multipart/related; type="{part_type}"; boundary="{boundary}"'


def part(content, *fields, content_type=TYPE):
    """A part without its delimiter. `fields` are lines."""
    lines = ([f"Content-Type: {content_type}"] if content_type else []) + list(fields)
    return b"".join(line.encode() + b"\r\n" for line in lines) + b"\r\n" + content


def body(*parts, boundary=BOUNDARY, preamble=b"", end=b"--\r\n"):
    """RFC 2046 section 5.1.1. `end` follows the last delimiter."""
    dash = b"--" + boundary.encode()
    opened = b"".join(dash + b"\r\n" + one + b"\r\n" for one in parts)
    return preamble + opened + dash + end


def instances(*files, **options):
    """The body that stores `files`."""
    return body(*(part(one) for one in files), **options)


def items(answer, sequence):
    return json.loads(answer).get(sequence, {}).get("Value", [])


def stored(answer):
    """The SOP instances that were taken."""
    return [one["00081155"]["Value"][0] for one in items(answer, REFERENCED)]


def failures(answer):
    """(SOP instance, reason) of each that wasn't; the first is None where nobody knows what it is."""
    def uid(one):
        return one.get("00081155", {}).get("Value", [None])[0]
    return [(uid(one), one["00081197"]["Value"][0]) for name in (FAILED, OTHER_FAILURES) for one in items(answer, name)]
