"""DICOM files written byte by byte (PS3.10 section 7, PS3.5 section 7), so that a test can get any of it wrong."""
import secrets
import struct
import zlib

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
RLE = "1.2.840.10008.1.2.5"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

UNDEFINED = 0xFFFFFFFF
ITEM, END_OF_ITEM, END_OF_SEQUENCE = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
# VRs whose length has four bytes where it is written explicitly.
LONG = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())

SOP_CLASS, SOP_INSTANCE, PATIENT, PATIENT_ID = 0x00080016, 0x00080018, 0x00100010, 0x00100020
STUDY, SERIES, ROWS, COLUMNS, FRAMES, PIXELS = 0x0020000D, 0x0020000E, 0x00280010, 0x00280011, 0x00280008, 0x7FE00010


def new_uid():
    return f"2.25.{secrets.randbits(127)}"


def padded(value, vr="UN"):
    """Of even length (PS3.5 section 6.2): UIDs end with NUL, other text with a space."""
    if isinstance(value, str):
        value = value.encode()
    return value + (b"" if len(value) % 2 == 0 else b"\0" if vr in ("UI", "OB", "UN") else b" ")


def header(tag, vr, length, syntax=EXPLICIT):
    """What stands before a value."""
    order = ">" if syntax == BIG_ENDIAN else "<"
    parts = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT or tag >> 16 == 0xFFFE:
        return parts + struct.pack(order + "I", length)
    if vr in LONG:
        return parts + vr.encode() + struct.pack(order + "HI", 0, length)
    return parts + vr.encode() + struct.pack(order + "H", length)


def element(tag, vr, value=b"", syntax=EXPLICIT, length=None):
    """`length` is written instead of the value's own."""
    value = padded(value, vr)
    return header(tag, vr, len(value) if length is None else length, syntax) + value


def short(value, syntax=EXPLICIT):
    return struct.pack(">H" if syntax == BIG_ENDIAN else "<H", value)


def item(content=b"", syntax=EXPLICIT, length=None):
    """`length` UNDEFINED: with its delimiter."""
    end = header(END_OF_ITEM, "", 0, syntax) if length == UNDEFINED else b""
    return header(ITEM, "", len(content) if length is None else length, syntax) + content + end


def sequence(tag, *items, syntax=EXPLICIT, length=None, vr="SQ"):
    content = b"".join(items)
    end = header(END_OF_SEQUENCE, "", 0, syntax) if length == UNDEFINED else b""
    return header(tag, vr, len(content) if length is None else length, syntax) + content + end


def fragments(*contents, vr="OB"):
    """Encapsulated pixel data (PS3.5 annex A.4) with an empty offset table."""
    return sequence(PIXELS, item(), *(item(padded(content)) for content in contents), length=UNDEFINED, vr=vr)


def image(patient="", study=None, series=None, instance=None, syntax=EXPLICIT, pixels=bytes(range(128)), rows=8, columns=8,
          extra=None):
    """A grey image's data set: element bytes by tag. `extra` adds to it, replaces (bytes), or takes out (None)."""
    values = {
        SOP_CLASS: ("UI", SECONDARY_CAPTURE), SOP_INSTANCE: ("UI", instance or new_uid()), 0x00080060: ("CS", "OT"),
        PATIENT: ("PN", patient), PATIENT_ID: ("LO", patient), STUDY: ("UI", study or new_uid()),
        SERIES: ("UI", series or new_uid()), 0x00280002: ("US", short(1, syntax)), 0x00280004: ("CS", "MONOCHROME2"),
        ROWS: ("US", short(rows, syntax)), COLUMNS: ("US", short(columns, syntax)), 0x00280100: ("US", short(16, syntax)),
        0x00280101: ("US", short(16, syntax)), 0x00280102: ("US", short(15, syntax)), 0x00280103: ("US", short(0, syntax)),
        PIXELS: ("OW", pixels)}
    elements = {tag: element(tag, vr, value, syntax) for tag, (vr, value) in values.items()}
    for tag, content in (extra or {}).items():
        elements[tag] = content
    return {tag: content for tag, content in elements.items() if content is not None}


def meta(syntax=EXPLICIT, instance="", sop_class=SECONDARY_CAPTURE, group_length=None):
    """File Meta Information. `syntax` None leaves the transfer syntax out."""
    rest = element(0x00020001, "OB", b"\0\1") + element(0x00020002, "UI", sop_class) + element(0x00020003, "UI", instance)
    if syntax is not None:
        rest += element(0x00020010, "UI", syntax)
    rest += element(0x00020012, "UI", "2.25.1")
    length = len(rest) if group_length is None else group_length
    return element(0x00020000, "UL", struct.pack("<I", length)) + rest


def deflated(data):
    """RFC 1951, as PS3.5 annex A.5 has it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return padded(packer.compress(data) + packer.flush())


def part10(elements, syntax=EXPLICIT, preamble=bytes(128), **about_meta):
    """A file of `elements` (of image(), or bytes)."""
    content = elements if isinstance(elements, bytes) else b"".join(elements[tag] for tag in sorted(elements))
    if syntax == DEFLATED:
        content = deflated(content)
    if "instance" not in about_meta and isinstance(elements, dict) and SOP_INSTANCE in elements:
        about_meta["instance"] = value_of(elements[SOP_INSTANCE], syntax)
    return preamble + b"DICM" + meta(syntax, **about_meta) + content


def value_of(uid_element, syntax=EXPLICIT):
    """The UID in an element that was made here."""
    return uid_element[8:].rstrip(b"\0").decode()


def encoding(syntax):
    """The transfer syntax that tells how the elements of a file of that `syntax` are written."""
    return syntax if syntax in (IMPLICIT, BIG_ENDIAN) else EXPLICIT


def file(patient="", syntax=EXPLICIT, preamble=bytes(128), **about_image):
    """A whole good one, if nothing is given that makes it bad."""
    return part10(image(patient, syntax=encoding(syntax), **about_image), syntax, preamble)


def large(size, **about_image):
    """A good one with `size` bytes of pixels: 1024 rows, as many columns as that takes."""
    return file(pixels=secrets.token_bytes(size), rows=1024, columns=size // 2048, **about_image)
