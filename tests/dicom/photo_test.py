"""Photos before and after cleaning, as Pillow, libpng's and libjpeg's decoders and ExifTool see them."""
import io
import os
import pathlib
import struct
import subprocess
import sys
import unittest
import zlib

from PIL import Image, ImageCms, PngImagePlugin

from pictures import CANARY, chunk, exif, metadata, picture, pixels, real_photos, saved, segment

CLEAN_PHOTO = pathlib.Path(os.environ["LETTERBOX_BINARY_DIR"]) / "tests" / "clean_photo"


def clean(photo, piece=262144):
    """(clean bytes, what was found on the way)"""
    done = subprocess.run([CLEAN_PHOTO, str(piece)], input=photo, capture_output=True, check=True, timeout=60)
    return done.stdout, done.stderr.decode().splitlines()


def dropped(found):
    return [line.removeprefix("dropped ") for line in found if line.startswith("dropped ")]


class Photos(unittest.TestCase):
    def assert_same_picture(self, before, after):
        self.assertEqual(pixels(before), pixels(after))

    def test_photos_of_real_cameras_come_out_pixel_exact_and_without_metadata(self):
        for path in real_photos():
            with self.subTest(photo=path.name):
                before = path.read_bytes()
                after, _ = clean(before)
                self.assert_same_picture(before, after)
                left = metadata(after)
                self.assertLessEqual(set(left), {"EXIF:Orientation"})
                self.assertEqual(left.get("EXIF:Orientation", "Horizontal (normal)"),
                                 metadata(before).get("EXIF:Orientation", "Horizontal (normal)"))

    def test_every_mode_a_jpeg_can_have_keeps_its_colours(self):
        for mode in ("L", "RGB", "CMYK"):
            for options in ({}, {"progressive": True}, {"subsampling": 0}, {"optimize": True}, {"restart_marker_blocks": 1}):
                with self.subTest(mode=mode, **options):
                    before = saved(picture(mode), "JPEG", quality=90, comment=CANARY.encode(), **options)
                    after, found = clean(before)
                    self.assert_same_picture(before, after)
                    self.assertEqual(dropped(found), ["comment"])

    def test_a_jpeg_of_rgb_samples_and_one_of_inverted_cmyk_keep_their_colour_transform(self):
        # APP14 with transform 0: three components are RGB, not YCbCr. Pillow writes APP14 for CMYK itself.
        plain = saved(picture(), "JPEG", subsampling=0)
        rgb = plain[:2] + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0") + plain[20:]
        self.assertNotEqual(pixels(rgb), pixels(plain))
        self.assert_same_picture(rgb, clean(rgb)[0])
        cmyk = saved(picture("CMYK"), "JPEG")
        self.assertIn(b"Adobe", cmyk)
        after, _ = clean(cmyk)
        self.assertIn(b"Adobe", after)
        self.assert_same_picture(cmyk, after)

    def test_every_mode_a_png_can_have_keeps_its_colours(self):
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I"):
            with self.subTest(mode=mode):
                text = PngImagePlugin.PngInfo()
                text.add_text("Author", CANARY)
                text.add_itxt("XML:com.adobe.xmp", CANARY)
                before = saved(picture(mode), "PNG", pnginfo=text)
                after, found = clean(before)
                self.assert_same_picture(before, after)
                self.assertEqual(dropped(found), ["comment", "XMP"])
        transparent = saved(picture("P"), "PNG", transparency=3)
        with Image.open(io.BytesIO(transparent)) as a, Image.open(io.BytesIO(clean(transparent)[0])) as b:
            self.assertEqual(a.info["transparency"], b.info["transparency"])
            self.assertEqual(a.convert("RGBA").tobytes(), b.convert("RGBA").tobytes())

    def test_orientation_is_kept_and_nothing_else_of_exif(self):
        for kind in ("JPEG", "PNG"):
            for orientation in range(1, 9):
                with self.subTest(kind=kind, orientation=orientation):
                    before = saved(picture(), kind, exif=exif(orientation))
                    after, found = clean(before)
                    self.assert_same_picture(before, after)
                    with Image.open(io.BytesIO(after)) as image:
                        self.assertEqual(dict(image.getexif()), {} if orientation == 1 else {0x0112: orientation})
                    self.assertEqual(dropped(found), ["EXIF"])

    def test_the_colour_profile_is_kept(self):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        for kind in ("JPEG", "PNG"):
            with self.subTest(kind=kind):
                before = saved(picture(), kind, icc_profile=profile)
                after, _ = clean(before)
                self.assertEqual(pixels(after)[3], profile)
                self.assert_same_picture(before, after)

    def test_the_time_of_capture_is_found_with_its_offset(self):
        for kind in ("JPEG", "PNG"):
            for taken, offset, wanted in (
                    ("2026:11:23 17:30:00", "+01:00", ["captured 2026-11-23T17:30:00+01:00"]),
                    ("2026:11:23 17:30:00", "-09:30", ["captured 2026-11-23T17:30:00-09:30"]),
                    ("2026:11:23 17:30:00", None, ["captured 2026-11-23T17:30:00"]),
                    ("2026:11:23 17:30:00", "   :  ", ["captured 2026-11-23T17:30:00"]),
                    ("2026:11:23 17:30:00", "+25:00", ["captured 2026-11-23T17:30:00"]),
                    ("0000:00:00 00:00:00", "+01:00", []),
                    ("2026:02:30 17:30:00", "+01:00", []),
                    ("    :  :     :  :  ", "+01:00", []),
                    (CANARY, "+01:00", [])):
                with self.subTest(kind=kind, taken=taken, offset=offset):
                    _, found = clean(saved(picture(), kind, exif=exif(6, taken, offset)))
                    self.assertEqual([line for line in found if line.startswith("captured")], wanted)

    def test_no_canary_comes_through(self):
        jpeg = saved(picture(), "JPEG", exif=exif(3), comment=CANARY.encode())
        name = CANARY.encode()
        planted = b"".join([
            segment(0xE0, b"JFXX\0\x10" + name), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + name),
            segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + name), segment(0xE1, name),
            segment(0xE2, b"MPF\0" + name), segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + name), segment(0xE2, name),
            segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0" + name), segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + name),
            *(segment(m, name) for m in range(0xE3, 0xF0))])
        after, found = clean(jpeg[:2] + segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\1\1" + b"\1\2\3" + name) + planted + jpeg[20:] + name)
        self.assertNotIn(name, after)
        self.assert_same_picture(jpeg, after)
        self.assertEqual(set(dropped(found)), {"EXIF", "XMP", "IPTC", "MPF", "gain map", "comment", "thumbnail",
                                               "trailing bytes", "application data"})
        self.assertEqual(set(metadata(after)), {"EXIF:Orientation"})

        png = saved(picture(), "PNG", exif=exif(3))
        planted = b"".join([chunk(b"tEXt", b"Author\0" + name), chunk(b"zTXt", b"Author\0\0" + zlib.compress(name)),
                            chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + name),
                            chunk(b"tEXt", b"Raw profile type exif\0" + name.hex().encode()),
                            chunk(b"tEXt", b"Raw profile type iptc\0" + name.hex().encode()),
                            chunk(b"tIME", struct.pack(">HBBBBB", 2026, 11, 23, 17, 30, 0)), chunk(b"caNb", name),
                            chunk(b"acTL", struct.pack(">II", 1, 0))])
        after, found = clean(png[:33] + planted + png[33:] + name)
        self.assertNotIn(name, after)
        self.assertNotIn(name.hex().encode(), after)
        self.assert_same_picture(png, after)
        self.assertEqual(set(dropped(found)), {"EXIF", "XMP", "IPTC", "comment", "modification time", "animation",
                                               "application data", "trailing bytes"})

    def test_what_is_clean_comes_out_byte_for_byte(self):
        for kind in ("JPEG", "PNG"):
            with self.subTest(kind=kind):
                once, _ = clean(saved(picture(), kind, exif=exif(6)))
                again, _ = clean(once)
                self.assertEqual(once, again)

    def test_where_the_pieces_end_makes_no_difference(self):
        for kind in ("JPEG", "PNG"):
            before = saved(picture(size=(200, 200)), kind, quality=100, exif=exif(6), comment=CANARY.encode())
            whole = clean(before)
            for piece in (1, 2, 3, 7, 4093):
                with self.subTest(kind=kind, piece=piece):
                    self.assertEqual(clean(before, piece), whole)

    def test_case_100_a_zip_behind_the_picture_is_dropped(self):
        import zipfile
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as z:
            z.writestr("page.html", CANARY)
        for kind in ("JPEG", "PNG"):
            with self.subTest(kind=kind):
                before = saved(picture(), kind)
                after, found = clean(before + archive.getvalue())
                self.assertEqual(after, before)
                self.assertEqual(dropped(found), ["trailing bytes"])
                self.assertFalse(zipfile.is_zipfile(io.BytesIO(after)))


if __name__ == "__main__":
    sys.exit(unittest.main())
