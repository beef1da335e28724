"""Cases 98 to 102: photos. docs/photos.md states what is kept of them."""
import io
import itertools
import json
import unittest
import zipfile

import photos
from kit import Hostile, case, rig
from photos import directory, entry, exif

JPEG, PNG = "image/jpeg", "image/png"
ORIENTATION, EXIF_IFD, GPS_IFD, THUMBNAIL, THUMBNAIL_SIZE, TAKEN = 0x0112, 0x8769, 0x8825, 0x0201, 0x0202, 0x9003
SHORT, LONG, ASCII = 3, 4, 2


class Photos(Hostile):
    def cleaned(self, photo, claimed=JPEG):
        """"422", or "cleaned" once the surgeon has it: the same picture, and nothing of the canary."""
        answer = self.post(photo, claimed)
        if answer.status == 422:
            return "422"
        opened = self.kept(answer)
        self.assertNotIn(self.canary.encode(), opened)
        if claimed == JPEG:
            self.assertEqual(photos.scan(opened), photos.scan(rig.JPEG))
        return "cleaned"

    def kept(self, answer):
        """What the surgeon opens of a file that was taken."""
        self.assertEqual(answer.status, 201)
        self.deliveries.append(1)
        return self.opened(json.loads(answer.body)["file"])[2]

    def loops(self):
        text = self.canary.encode()
        upright = entry(ORIENTATION, SHORT, 1, 6 << 16)
        yield exif(directory(upright, following=8), text)  # the next directory is this one
        yield exif(directory(entry(EXIF_IFD, LONG, 1, 8), entry(GPS_IFD, LONG, 1, 8)), text)
        second = 8 + len(directory(upright))
        yield exif(directory(upright, following=second), directory(upright, following=8), text)
        yield exif(directory(entry(EXIF_IFD, LONG, 1, second)), directory(entry(EXIF_IFD, LONG, 1, 8)), text)
        # Offsets and counts that lead out, wrap around, or onto the directory itself.
        for far in (0, 4, 0x7FFFFFFF, 0xFFFFFFF8, 0xFFFFFFFF):
            yield exif(directory(upright), text, first=far)
            yield exif(directory(upright, following=far), text)
            yield exif(directory(entry(EXIF_IFD, LONG, 1, far)), text)
            yield exif(directory(entry(EXIF_IFD, LONG, far, 8), entry(ORIENTATION, SHORT, far, far)), text)
            yield exif(directory(entry(TAKEN, ASCII, far, 8), entry(TAKEN, ASCII, 20, far)), text)
            yield exif(directory(upright, following=second), directory(entry(THUMBNAIL, LONG, 1, far),
                                                                       entry(THUMBNAIL_SIZE, LONG, 1, far)), text)
        yield exif(b"\xff\xff" + upright * 5000, text)  # a directory longer than its segment
        yield exif(text)
        yield photos.segment(0xE1, b"Exif\0\0" + text)
        yield photos.segment(0xE1, b"Exif\0\0")

    @case(98, "EXIF offset loop", "cleaned or 422")
    def test_case_98_exif_offset_loop(self):
        self.assertEqual(self.same(self.cleaned(photos.jpeg(loop)) for loop in self.loops()), "cleaned")
        # Many of them, in one file, and the same in PNG's eXIf.
        loop = next(self.loops())
        return "; ".join((self.cleaned(photos.jpeg(*[loop] * 1000)),
                          self.cleaned(photos.png(photos.chunk(b"eXIf", loop[10:])), PNG)))

    @case(99, "HEIC, any", "415 that says what is accepted")
    def test_case_99_heic(self):
        for brand, claimed in itertools.product((b"heic", b"mif1", b"avif"), (JPEG, PNG, "application/dicom")):
            self.assertEqual(self.post(self.heic(brand), claimed).status, 422)
        for claimed in ("image/heic", "image/heif", "image/avif", "image/heic-sequence"):
            answer = self.post(self.heic(b"heic"), claimed)
            self.assertEqual(answer.status, 415)
            for accepted in (JPEG, PNG, "application/dicom"):
                self.assertIn(accepted, json.loads(answer.body)["detail"])
        return "415 that says what is accepted; 422 under another name"

    def heic(self, brand):
        return b"\0\0\0\x18ftyp" + brand + bytes(4) + b"mif1" + brand + b"\0\0\0\x30mdat" + self.canary.encode().ljust(40)

    @case(100, "ZIP after the JPEG", "trailing bytes dropped")
    def test_case_100_zip_after_the_jpeg(self):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr(self.canary, self.canary)
        for behind in (archive.getvalue(), self.canary.encode() * 100_000, b"\0", photos.JPEG_END + self.canary.encode(),
                       b"\xff\xd8" + self.canary.encode() + photos.JPEG_END):
            self.assertEqual(self.cleaned(photos.jpeg(behind=behind)), "cleaned")
        for behind in (archive.getvalue(), photos.chunk(b"tEXt", self.canary.encode())):
            self.assertEqual(self.cleaned(photos.png(behind=behind), PNG), "cleaned")
        return "trailing bytes dropped"

    @case(101, "SVG with script", "415")
    def test_case_101_svg_with_script(self):
        svg = f'<svg xmlns="http://www.w3.org/2000/svg"><script>alert("{self.canary}")</script></svg>'.encode()
        for claimed in (JPEG, PNG, "application/dicom"):
            self.assertEqual(self.post(svg, claimed).status, 422)
        return self.same(str(self.post(svg, claimed).status) for claimed in ("image/svg+xml", "text/html", "application/xml"))

    @case(102, "50,000 × 50,000 in the header", "not decoded")
    def test_case_102_50_000_by_50_000(self):
        files = [(photos.resized(size, size), JPEG) for size in (50_000, 65_535)]
        files += [(photos.png(width=size, height=size), PNG) for size in (50_000, 2**31 - 1)]
        for file, claimed in files:
            self.assertEqual(self.kept(self.post(file, claimed)), file)
        return "not decoded: kept as it is"


if __name__ == "__main__":
    unittest.main()
