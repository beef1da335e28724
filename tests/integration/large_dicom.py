"""Large DICOM files of the kinds that a PACS holds, made piece by piece while they are sent (PS3.10 section 7), and STOW requests
of them that have no length."""
import hashlib
import http.client
import os
import struct

import dicom
import stow
from dicom import EXPLICIT, IMPLICIT, UNDEFINED, element, header, item, sequence

MIB = 1024 * 1024
JPEG_BASELINE, MPEG_4 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.102"


def noise(size):
    block = os.urandom(MIB)
    for left in range(size, 0, -MIB):
        yield block[:left]


class Instance:
    """One that `content`, a function, makes the pieces of: those elements that follow the UIDs. Its `sha256` is that of what was
    made of it last."""

    def __init__(self, sop_class, content, syntax=EXPLICIT, study=None):
        self.sop_class, self.content, self.syntax = sop_class, content, syntax
        self.uid, self.study, self.series = dicom.new_uid(), study or dicom.new_uid(), dicom.new_uid()
        self.size = 0

    def head(self):
        elements = {dicom.SOP_CLASS: ("UI", self.sop_class), dicom.SOP_INSTANCE: ("UI", self.uid), 0x00080060: ("CS", "OT"),
                    dicom.PATIENT: ("PN", "Large^Study"), dicom.PATIENT_ID: ("LO", "4711"), dicom.STUDY: ("UI", self.study),
                    dicom.SERIES: ("UI", self.series)}
        encoding = dicom.encoding(self.syntax)
        return dicom.part10(b"".join(element(tag, vr, value, encoding) for tag, (vr, value) in elements.items()), self.syntax,
                            instance=self.uid, sop_class=self.sop_class)

    def __iter__(self):
        sha256, self.size = hashlib.sha256(), 0
        for pieces in ([self.head()], self.content()):
            for piece in pieces:
                sha256.update(piece)
                self.size += len(piece)
                yield piece
        self.sha256 = sha256.hexdigest()


def items_of(tag, items, syntax=EXPLICIT):
    """A sequence whose items come one by one."""
    yield header(tag, "SQ", UNDEFINED, syntax)
    yield from items
    yield header(dicom.END_OF_SEQUENCE, "", 0, syntax)


def picture(frames, rows, columns):
    return b"".join(element(tag, vr, value) for tag, vr, value in (
        (0x00280002, "US", dicom.short(1)), (0x00280004, "CS", "MONOCHROME2"), (dicom.FRAMES, "IS", str(frames)),
        (dicom.ROWS, "US", dicom.short(rows)), (dicom.COLUMNS, "US", dicom.short(columns)), (0x00280100, "US", dicom.short(16)),
        (0x00280101, "US", dicom.short(16)), (0x00280102, "US", dicom.short(15)), (0x00280103, "US", dicom.short(0))))


def encapsulated(fragments, size):
    """Pixel data of so many fragments, each of `size` bytes (PS3.5 annex A.4)."""
    yield header(dicom.PIXELS, "OB", UNDEFINED) + item()
    for _ in range(fragments):
        yield header(dicom.ITEM, "", size)
        yield from noise(size)
    yield header(dicom.END_OF_SEQUENCE, "", 0)


def enhanced_ct(groups):
    """Enhanced multi-frame, with so many bytes of per-frame functional groups."""
    def of_frame(number):
        comment = element(0x00209158, "LT", f"frame {number} ".ljust(1900, "."))
        position = element(0x00200032, "DS", f"-125.0\\-125.0\\{number:.1f}")
        return item(sequence(0x00209111, item(comment), length=UNDEFINED) + sequence(0x00209113, item(position)))

    def content():
        frames = groups // 1900
        yield picture(frames, 16, 16)
        yield from items_of(0x52009230, map(of_frame, range(frames)))
        yield header(dicom.PIXELS, "OW", frames * 512)
        yield from noise(frames * 512)
    return Instance("1.2.840.10008.5.1.4.1.1.2.1", content)


def structure_set(contours):
    """RT Structure Set, in implicit VR, with so many bytes of contours."""
    points = "\\".join(f"{number % 500:.3f}" for number in range(16_000))

    def of_roi(number):
        contour = (element(0x30060042, "CS", "CLOSED_PLANAR", IMPLICIT) + element(0x30060046, "IS", "5333", IMPLICIT)
                   + element(0x30060050, "DS", points, IMPLICIT))
        return item(sequence(0x30060040, *[item(contour, IMPLICIT, UNDEFINED)] * 20, syntax=IMPLICIT)
                    + element(0x30060084, "IS", str(number), IMPLICIT), IMPLICIT)

    def content():
        yield from items_of(0x30060039, map(of_roi, range(contours // (20 * len(points)) + 1)), IMPLICIT)
    return Instance("1.2.840.10008.5.1.4.1.1.481.3", content, IMPLICIT)


def report(size):
    """Comprehensive SR: a deep tree, and a wide one of so many bytes."""
    def text(number):
        return item(element(0x0040A040, "CS", "TEXT") + element(0x0040A160, "UT", f"finding {number} ".ljust(1000, ".")))

    def content():
        deep = item(element(0x0040A040, "CS", "CONTAINER"))
        for _ in range(30):
            deep = item(element(0x0040A040, "CS", "CONTAINER") + sequence(0x0040A730, deep, text(0), length=UNDEFINED), length=UNDEFINED)
        yield element(0x0040A040, "CS", "CONTAINER")
        yield from items_of(0x0040A730, (deep if number == 0 else text(number) for number in range(size // 1000)))
    return Instance("1.2.840.10008.5.1.4.1.1.88.33", content)


def pdf(size):
    def content():
        yield element(0x00420010, "ST", "Discharge letter") + header(0x00420011, "OB", size)
        yield from noise(size)
        yield element(0x00420012, "LO", "application/pdf")
    return Instance("1.2.840.10008.5.1.4.1.1.104.1", content)


def video(size):
    """MPEG-4 AVC in one fragment."""
    def content():
        yield picture(250, 1080, 1920)
        yield from encapsulated(1, size)
    return Instance("1.2.840.10008.5.1.4.1.1.77.1.4.1", content, MPEG_4)


def waveform(size):
    """An ECG of 12 channels."""
    def content():
        channels = (element(0x003A0004, "CS", "ORIGINAL") + element(0x003A0005, "US", dicom.short(12))
                    + element(0x003A0010, "UL", struct.pack("<I", size // 24)) + element(0x003A001A, "DS", "1000"))
        samples = element(0x54001004, "US", dicom.short(16)) + element(0x54001006, "CS", "SS")
        yield header(0x54000100, "SQ", UNDEFINED) + header(dicom.ITEM, "", UNDEFINED) + channels + samples
        yield header(0x54001010, "OW", size)
        yield from noise(size)
        yield header(dicom.END_OF_ITEM, "", 0) + header(dicom.END_OF_SEQUENCE, "", 0)
    return Instance("1.2.840.10008.5.1.4.1.1.9.1.1", content)


def encapsulated_image(fragments, size):
    def content():
        yield picture(fragments, 4096, 4096)
        yield from encapsulated(fragments, size)
    return Instance("1.2.840.10008.5.1.4.1.1.7.3", content, JPEG_BASELINE)


def stored(gateway, mailbox, instances):
    """(status, answer) of the machine's STOW request with `instances`, iterables of pieces, sent as they are made."""
    def body():
        for instance in instances:
            yield b"--" + stow.BOUNDARY.encode() + b"\r\n" + stow.part(b"")
            yield from instance
            yield b"\r\n"
        yield b"--" + stow.BOUNDARY.encode() + b"--\r\n"
    connection = http.client.HTTPSConnection("127.0.0.1", gateway.machine_port, timeout=300,
                                             context=gateway.tls_context(machine=True))
    connection.request("POST", f"/to/{mailbox}/dicom-web/studies", body(), {"Content-Type": stow.content_type()})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()
