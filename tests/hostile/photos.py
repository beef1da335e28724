"""Photos with something wrong, built from a whole one of one grey pixel (rig.JPEG), and PNGs from nothing."""
import struct
import zlib

from kit import rig

JPEG_END = b"\xff\xd9"


def segment(marker, content):
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def jpeg(*segments, behind=b""):
    """`segments` right after SOI, `behind` after EOI."""
    return rig.JPEG[:2] + b"".join(segments) + rig.JPEG[2:] + behind


def scan(photo):
    """What is the picture in a JPEG: all from its quantization tables on."""
    return photo[photo.index(b"\xff\xdb"):photo.rindex(JPEG_END) + 2]


def resized(width, height):
    """The JPEG with another size in its frame header."""
    at = rig.JPEG.index(b"\xff\xc0") + 5
    return rig.JPEG[:at] + struct.pack(">HH", height, width) + rig.JPEG[at + 4:]


def entry(tag, kind, count, value, order=">"):
    """An entry of an image file directory (TIFF 6.0 section 2)."""
    return struct.pack(order + "HHII", tag, kind, count, value)


def directory(*entries, following=0, order=">"):
    return struct.pack(order + "H", len(entries)) + b"".join(entries) + struct.pack(order + "I", following)


def exif(*directories, first=8, order=">"):
    """An APP1 segment; the directories follow the TIFF header, in this order."""
    tiff = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", first) + b"".join(directories)
    return segment(0xE1, b"Exif\0\0" + tiff)


def chunk(name, content=b""):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(*chunks, width=1, height=1, behind=b""):
    """Grey, 8 bits; `chunks` before the picture's data."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"".join((b"\x89PNG\r\n\x1a\n", header, *chunks, chunk(b"IDAT", zlib.compress(b"\0\x80")), chunk(b"IEND"), behind))
