"""Photos, from the machine and the person that send them to who looks at them: every pixel arrives, in its colours and the right
way up, and nothing of what the camera wrote beside them. Pillow and ExifTool are the judges.
"""
import json
import pathlib
import sys
import tempfile
import unittest

from PIL import ImageCms, PngImagePlugin

import rig

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "dicom"))
from pictures import CANARY, exif, metadata, picture, pixels, real_photos, saved, segment  # noqa: E402

RADIOLOGY, SURGEON = f"radiology@{rig.TENANT}", f"surgeon@{rig.TENANT}"
TYPES = {".jpg": "image/jpeg", ".png": "image/png"}
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
XMP = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
    <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:City="{CANARY}"/></rdf:RDF></x:xmpmeta>""".encode())
BY_LINE = b"\x1c\x02\x50\0%c" % len(CANARY.encode()) + CANARY.encode()
IPTC = segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0%c" % len(BY_LINE) + BY_LINE)


def jpeg(mode="RGB", **options):
    """With the canary in EXIF, where it was taken among it, in XMP, IPTC, a comment and behind its end."""
    plain = saved(picture(mode, (120, 80)), "JPEG", comment=CANARY.encode(), **{"exif": exif(), **options})
    return plain[:2] + XMP + IPTC + plain[2:] + CANARY.encode()


def png(mode="RGB", **options):
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", CANARY)
    text.add_itxt("XML:com.adobe.xmp", CANARY)
    return saved(picture(mode, (120, 80)), "PNG", pnginfo=text, **{"exif": exif(), **options})


def rgb_jpeg():
    """Its three components are red, green and blue, which APP14 alone says."""
    plain = jpeg(subsampling=0, exif=b"")
    jfif = plain.index(b"\xff\xe0")
    return plain[:jfif] + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0") + plain[jfif + 18:]


def ycck_jpeg():
    """Of four components, which are cyan, magenta, yellow and black by a transform that APP14 alone tells of."""
    plain = jpeg("CMYK")
    transform = plain.index(b"\xff\xee") + 15
    return plain[:transform] + b"\2" + plain[transform + 1:]


def made():
    """Photos by file name."""
    return {
        "grey.jpg": jpeg("L"), "colour.jpg": jpeg(), "progressive.jpg": jpeg(progressive=True), "cmyk.jpg": jpeg("CMYK"),
        "ycck.jpg": ycck_jpeg(), "rgb.jpg": rgb_jpeg(), "profile.jpg": jpeg(icc_profile=PROFILE), "grey.png": png("L"),
        "colour.png": png(), "see-through.png": png("RGBA"), "16-bit.png": png("I"), "palette.png": png("P"),
        "profile.png": png(icc_profile=PROFILE), "orientation-6.png": png(exif=exif(6)),
        **{f"orientation-{way}.jpg": jpeg(exif=exif(way)) for way in range(1, 9)}}


class Photos(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene(RADIOLOGY, SURGEON)
        cls.gateway, cls.radiology, cls.surgeon = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)
        cls.photos = made()
        for name, photo in cls.photos.items():
            if CANARY.encode() not in photo:
                raise AssertionError(f"{name} has nothing to lose")
        cls.photos |= {path.name: path.read_bytes() for path in real_photos()}

    def assert_only_the_picture(self, before, path, index):
        after = path.read_bytes()
        self.assertTrue(pixels(before) == pixels(after), "mode, size, pixels or colour profile")
        said, left = metadata(before), metadata(after)
        self.assertLessEqual(set(left), {"EXIF:Orientation"})
        upright = "Horizontal (normal)"
        self.assertEqual(left.get("EXIF:Orientation", upright), said.get("EXIF:Orientation", upright))
        self.assertNotIn(CANARY.encode(), after)
        self.assertEqual(index["type"], TYPES[path.suffix])
        self.assertEqual(bool(index["dropped"]), after != before)
        for name in ("EXIF", "XMP", "IPTC"):
            if any(one.startswith(name + ":") for one in set(said) - {"EXIF:Orientation"}):
                self.assertIn(name, index["dropped"])

    def test_from_a_machine(self):
        for name, photo in self.photos.items():
            with self.subTest(photo=name):
                receipt = self.gateway.deposit(photo, TYPES[pathlib.Path(name).suffix], SURGEON)
                (path, index), = self.surgeon.got(receipt["delivery"])
                self.assert_only_the_picture(photo, path, index)
                self.assertEqual(receipt["dropped"], index["dropped"], "the sender is told the same")

    def test_from_a_person(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="", dir=self.gateway.data.parent))
        for name, photo in self.photos.items():
            (folder / name).write_bytes(photo)
        sent = json.loads(self.radiology.letterbox("--json", "send", *(folder / name for name in self.photos),
                                                   "--to", SURGEON, "--no-patient").stdout)
        told = {file["file"]: file["dropped"] for file in sent["files"]}
        got = {index["name"]: (path, index) for path, index in self.surgeon.got(sent["delivery"])}
        self.assertEqual(set(got), set(self.photos))
        self.assertEqual(sorted(told.values()), sorted(index["dropped"] for _, index in got.values()))
        for name, photo in self.photos.items():
            with self.subTest(photo=name):
                self.assert_only_the_picture(photo, *got[name])

    def test_dicom_is_stored_without_nothing(self):
        self.assertEqual(self.gateway.deposit(rig.CT, "application/dicom", SURGEON)["dropped"], [])

    def test_colours_hang_on_what_is_kept(self):
        """The photos of this suite would show false ones without it: so that it is seen if it goes."""
        for name in ("ycck.jpg", "rgb.jpg"):
            photo = self.photos[name]
            at = photo.index(b"\xff\xee")
            without = photo[:at] + photo[at + 2 + int.from_bytes(photo[at + 2:at + 4], "big"):]
            self.assertFalse(pixels(photo)[2] == pixels(without)[2], name)
        self.assertTrue(pixels(self.photos["profile.jpg"])[3] == PROFILE)


if __name__ == "__main__":
    unittest.main()
