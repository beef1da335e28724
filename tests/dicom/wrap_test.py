"""Photos as DICOM, as DCMTK, dicom3tools and pydicom see them."""
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import pydicom
import pydicom.encaps
from PIL import Image, ImageOps

import judges
from photo_test import clean
from pictures import CANARY, CORPUS, exif, picture, saved, segment

TESTS = pathlib.Path(os.environ["LETTERBOX_BINARY_DIR"]) / "tests"
WRAP_PHOTO = TESTS / "wrap_photo"
DICOM_DESCRIBE = TESTS / "dicom_describe"
BASELINE = "1.2.840.10008.1.2.4.50"
EXPLICIT = "1.2.840.10008.1.2.1"
VL_PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.4"


def run(photo, *options):
    return subprocess.run([WRAP_PHOTO, *options], input=photo, capture_output=True, timeout=60, check=False)


def read(file):
    return pydicom.dcmread(io.BytesIO(file))


def encapsulated(data_set):
    """The one frame as it was put in, but for a byte that makes it even."""
    [frame] = pydicom.encaps.generate_pixel_data_frame(data_set.PixelData, 1)
    return frame


def shown(data_set):
    """The picture that a viewer shows."""
    if data_set.file_meta.TransferSyntaxUID != EXPLICIT:
        return Image.open(io.BytesIO(encapsulated(data_set)))
    mode = {1: "L", 3: "RGB"}[data_set.SamplesPerPixel]
    size = (data_set.Columns, data_set.Rows)
    return Image.frombytes(mode, size, data_set.PixelData[:size[0] * size[1] * data_set.SamplesPerPixel])


def farthest(one, other):
    return max(abs(a - b) for a, b in zip(one.tobytes(), other.tobytes()))


class Wrapping(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def wrap(self, photo, *options):
        done = run(photo, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.judged(done.stdout)

    def judged(self, file):
        """The file, after DCMTK, dicom3tools and our own inspector have found nothing wrong with it."""
        path = self.folder / "wrapped.dcm"
        path.write_bytes(file)
        self.assertEqual(judges.complaints(path), [])
        described = json.loads(subprocess.run([DICOM_DESCRIBE, path], capture_output=True, check=True).stdout)
        self.assertNotIn("refused", described)
        self.assertEqual(described["attributes"]["00080016"], {"vr": "UI", "Value": [VL_PHOTOGRAPHIC]})
        return read(file)

    def refused(self, photo, *options):
        done = run(photo, *options)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn(CANARY.encode(), done.stderr)
        return done.stderr.decode().split(":")[0]


class Wrapped(Wrapping):
    """Photos by wrap_photo()."""

    def test_an_upright_baseline_jpeg_is_taken_over_byte_for_byte(self):
        for mode, photometric in (("RGB", "YBR_FULL_422"), ("L", "MONOCHROME2")):
            with self.subTest(mode=mode):
                photo = saved(picture(mode), "JPEG", exif=exif(1), comment=CANARY.encode())
                wrapped = self.wrap(photo)
                self.assertEqual(wrapped.file_meta.TransferSyntaxUID, BASELINE)
                self.assertEqual(wrapped.SOPClassUID, VL_PHOTOGRAPHIC)
                self.assertEqual(encapsulated(wrapped)[:len(clean(photo)[0])], clean(photo)[0])
                self.assertEqual((wrapped.Rows, wrapped.Columns, wrapped.PhotometricInterpretation), (37, 48, photometric))
                self.assertEqual((wrapped.LossyImageCompression, wrapped.LossyImageCompressionMethod), ("01", "ISO_10918_1"))
                self.assertAlmostEqual(float(wrapped.LossyImageCompressionRatio),
                                       48 * 37 * len(mode) / len(clean(photo)[0]), delta=0.01)

    def test_photos_of_real_cameras(self):
        photos = sorted(CORPUS.glob("*.jpg")) if CORPUS.is_dir() else []
        for path in [*photos, pathlib.Path("/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg")]:
            with self.subTest(photo=path.name):
                wrapped = self.wrap(path.read_bytes(), f"name={CANARY}^")
                with Image.open(path) as photo:
                    self.assertEqual(ImageOps.exif_transpose(photo).tobytes(), shown(wrapped).tobytes())

    def test_a_progressive_jpeg_becomes_baseline_with_the_same_pixels(self):
        photo = saved(picture(size=(100, 75)), "JPEG", progressive=True)
        wrapped = self.wrap(photo)
        self.assertEqual(wrapped.file_meta.TransferSyntaxUID, BASELINE)
        self.assertEqual(shown(wrapped).tobytes(), Image.open(io.BytesIO(photo)).tobytes())

    def test_whole_blocks_are_turned_without_loss(self):
        smooth = Image.linear_gradient("L").resize((64, 48))
        smooth = Image.merge("RGB", (smooth, ImageOps.mirror(smooth), ImageOps.flip(smooth)))
        for orientation in range(2, 9):
            with self.subTest(orientation=orientation):
                photo = saved(smooth, "JPEG", quality=95, exif=exif(orientation))
                wrapped = self.wrap(photo)
                self.assertEqual(wrapped.file_meta.TransferSyntaxUID, BASELINE)
                upright = ImageOps.exif_transpose(Image.open(io.BytesIO(photo)))
                self.assertEqual(shown(wrapped).size, upright.size)
                # The same coefficients; each decoder rounds them in its own direction.
                self.assertLessEqual(farthest(upright, shown(wrapped)), 4)
                self.assertNotIn(b"Exif", encapsulated(wrapped))

    def test_broken_blocks_are_decoded_and_stored_uncompressed(self):
        for mode in ("RGB", "L"):
            for orientation in range(2, 9):
                with self.subTest(mode=mode, orientation=orientation):
                    photo = saved(picture(mode, (51, 37)), "JPEG", exif=exif(orientation))
                    wrapped = self.wrap(photo)
                    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(photo)))
                    if orientation == 5:  # transposing needs no whole blocks
                        self.assertEqual(wrapped.file_meta.TransferSyntaxUID, BASELINE)
                        continue
                    self.assertEqual(wrapped.file_meta.TransferSyntaxUID, EXPLICIT)
                    self.assertEqual(shown(wrapped).tobytes(), upright.tobytes())
                    self.assertEqual(wrapped.LossyImageCompression, "01")
                    self.assertEqual(wrapped.LossyImageCompressionMethod, "ISO_10918_1")

    def test_pngs_are_stored_uncompressed(self):
        for mode in ("L", "RGB", "P", "1"):
            with self.subTest(mode=mode):
                photo = saved(picture(mode), "PNG")
                wrapped = self.wrap(photo)
                self.assertEqual(shown(wrapped).tobytes(), picture(mode).convert(shown(wrapped).mode).tobytes())
                self.assertEqual(wrapped.LossyImageCompression, "")
        turned = saved(picture(), "PNG", exif=exif(6))
        self.assertEqual(shown(self.wrap(turned)).tobytes(), picture().transpose(Image.ROTATE_270).tobytes())
        see_through = picture().convert("RGBA")
        see_through.putalpha(Image.new("L", see_through.size, 0))
        self.assertEqual(set(shown(self.wrap(saved(see_through, "PNG"))).tobytes()), {255})

    def test_a_jpeg_of_rgb_samples_is_decoded(self):
        plain = saved(picture(), "JPEG", subsampling=0)
        photo = plain[:2] + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0") + plain[20:]
        wrapped = self.wrap(photo)
        self.assertEqual((wrapped.file_meta.TransferSyntaxUID, wrapped.LossyImageCompression), (EXPLICIT, "01"))
        self.assertEqual(shown(wrapped).tobytes(), Image.open(io.BytesIO(photo)).tobytes())

    def test_the_colour_profile_goes_along(self):
        from PIL import ImageCms
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        wrapped = self.wrap(saved(picture(), "JPEG", progressive=True, icc_profile=profile))
        self.assertEqual(wrapped.ICCProfile[:len(profile)], profile)

    def test_cmyk_twelve_bits_and_lossless_are_refused(self):
        self.assertEqual(self.refused(saved(picture("CMYK"), "JPEG")), "UnsupportedMediaType")
        photo = saved(picture(), "JPEG")
        at = photo.index(b"\xff\xc0")
        twelve = photo[:at] + b"\xff\xc1\x00\x11\x0c" + photo[at + 5:]
        self.assertEqual(self.refused(twelve), "UnsupportedMediaType")
        self.assertEqual(self.refused(photo.replace(b"\xff\xc0", b"\xff\xc3")), "UnsupportedMediaType")
        self.assertEqual(self.refused(b"GIF89a"), "UnsupportedMediaType")

    def test_a_damaged_picture_that_must_be_decoded_is_refused(self):
        photo = saved(picture(size=(101, 67)), "JPEG", exif=exif(6))
        cut = photo[:len(photo) * 3 // 4].rstrip(b"\xff") + b"\xff\xd9"
        self.assertEqual(self.refused(cut), "NotWhatItClaims")
        large = saved(picture(), "PNG").replace((48).to_bytes(4, "big") + (37).to_bytes(4, "big"),
                                                (48).to_bytes(4, "big") + (38).to_bytes(4, "big"))
        self.assertEqual(self.refused(large), "NotWhatItClaims")

    def test_what_the_label_says_is_in_it(self):
        wrapped = self.wrap(saved(picture(), "JPEG"), "name=Müller^Eva", "id=4711", "born=1970-12-31", "site=hand",
                            "side=left", "note=day 3\nsecond line", "consent=written")
        self.assertEqual(str(wrapped.PatientName), "Müller^Eva")
        self.assertEqual((wrapped.PatientID, wrapped.PatientBirthDate, wrapped.PatientSex), ("4711", "19701231", ""))
        self.assertEqual((wrapped.BodyPartExamined, wrapped.SeriesDescription, wrapped.ImageLaterality), ("HAND", "hand", "L"))
        self.assertEqual(wrapped.ImageComments, "day 3\nsecond line\r\nConsent: written")

        described = self.wrap(saved(picture(), "JPEG"), "site=linker Unterarm, volar", "side=both")
        self.assertEqual((described.SeriesDescription, described.ImageLaterality), ("linker Unterarm, volar", "B"))
        self.assertNotIn("BodyPartExamined", described)

        nobody = self.wrap(saved(picture(), "JPEG"))
        self.assertEqual((str(nobody.PatientName), nobody.PatientID, nobody.PatientBirthDate), ("", "", ""))

    def test_what_dicom_cannot_express_is_refused(self):
        photo = saved(picture(), "JPEG")
        for option in ("name=" + CANARY * 5, f"name={CANARY}\\", f"id={CANARY}\n", "born=1970-12-1", "born=31.12.1970", "born=1970-02-30", "born=1970-+1-01",
                       "site=" + CANARY * 5, "study=../x", "note=" + CANARY * 1000):
            with self.subTest(option=option[:30]):
                self.assertEqual(self.refused(photo, option), "Malformed")

    def test_the_times_are_the_cameras_or_else_the_study_has_that_of_wrapping(self):
        wrapped = self.wrap(saved(picture(), "JPEG", exif=exif(1, "2026:11:23 17:30:00", "+01:00")))
        self.assertEqual((wrapped.StudyDate, wrapped.StudyTime, wrapped.AcquisitionDateTime, wrapped.TimezoneOffsetFromUTC),
                         ("20261123", "173000", "20261123173000+0100", "+0100"))
        wrapped = self.wrap(saved(picture(), "JPEG", exif=exif(1, "2026:11:23 17:30:00")))
        self.assertEqual(wrapped.AcquisitionDateTime, "20261123173000")
        self.assertNotIn("TimezoneOffsetFromUTC", wrapped)
        wrapped = self.wrap(saved(picture(), "JPEG"))
        self.assertEqual((wrapped.StudyDate, wrapped.StudyTime, wrapped.TimezoneOffsetFromUTC), ("20261125", "030405", "+0000"))
        self.assertNotIn("AcquisitionDateTime", wrapped)

    def test_a_worklists_entry_is_taken(self):
        entry = pydicom.Dataset()
        entry.SpecificCharacterSet = "ISO_IR 192"
        entry.PatientName, entry.PatientID, entry.IssuerOfPatientID = "Müller^Eva", "4711", "hospital"
        entry.PatientBirthDate, entry.PatientSex, entry.AccessionNumber = "19701231", "F", "A1"
        entry.ReferringPhysicianName, entry.RequestedProcedureDescription = "Doe^John", "Wound"
        entry.StudyInstanceUID = "1.2.3.4"
        step = pydicom.Dataset()
        step.Modality = "XC"
        entry.ScheduledProcedureStepSequence = [step]
        path = self.folder / "worklist.json"
        for form in (entry.to_json_dict(), [entry.to_json_dict()]):
            path.write_text(json.dumps(form), encoding="utf-8")
            wrapped = self.wrap(saved(picture(), "JPEG"), f"worklist={path}", "side=right")
            for name in ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "AccessionNumber",
                         "ReferringPhysicianName", "StudyInstanceUID"):
                self.assertEqual(wrapped[name].value, entry[name].value)
            self.assertEqual(wrapped.StudyDescription, "Wound")
        path.write_text(json.dumps([{}, {}]), encoding="utf-8")
        self.assertEqual(self.refused(saved(picture(), "JPEG"), f"worklist={path}"), "Malformed")

    def test_names_are_unique_and_uids(self):
        one, other = self.wrap(saved(picture(), "JPEG")), self.wrap(saved(picture(), "JPEG"))
        uids = [data_set[name].value for data_set in (one, other)
                for name in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")]
        self.assertEqual(len(set(uids)), 6)
        for uid in uids:
            self.assertRegex(uid, re.compile(r"\A2\.25\.[1-9][0-9]{0,38}\Z"))


class Composed(Wrapping):
    """Metadata as DICOM JSON and a photo, as STOW brings them (PS3.18 section 10.5.1)."""

    def metadata(self, **others):
        data_set = pydicom.Dataset()
        data_set.SpecificCharacterSet = "ISO_IR 192"
        data_set.SOPClassUID, data_set.SOPInstanceUID = VL_PHOTOGRAPHIC, "2.25.1"
        data_set.StudyInstanceUID, data_set.SeriesInstanceUID = "2.25.2", "2.25.3"
        data_set.ImageType, data_set.Modality, data_set.Manufacturer = ["ORIGINAL", "PRIMARY"], "XC", ""
        data_set.PatientName, data_set.PatientID, data_set.PatientBirthDate, data_set.PatientSex = "Müller^Eva", "4711", "", "F"
        data_set.StudyDate, data_set.StudyTime = "20261123", "173000"
        data_set.AccessionNumber = data_set.ReferringPhysicianName = ""
        data_set.StudyID, data_set.SeriesNumber, data_set.InstanceNumber = "1", 1, 1
        data_set.PatientOrientation, data_set.LossyImageCompression = "", "00"
        data_set.Laterality = ""
        data_set.AcquisitionContextSequence = []
        for name, value in others.items():
            setattr(data_set, name, value)
        shape = data_set.to_json_dict()
        shape["7FE00010"] = {"vr": "OB", "BulkDataURI": "photo/1"}
        path = self.folder / "metadata.json"
        path.write_text(json.dumps([shape]), encoding="utf-8")
        return f"metadata={path}"

    def test_a_file_is_composed(self):
        photo = saved(picture(), "JPEG", exif=exif(1), comment=CANARY.encode())
        done = run(photo, self.metadata(Rows=1, Columns=1, PhotometricInterpretation="RGB", SamplesPerPixel=1))
        self.assertEqual(done.stderr.decode().splitlines(), ["dropped EXIF", "dropped comment", "coerced"])
        composed = self.judged(done.stdout)
        self.assertEqual(composed.file_meta.TransferSyntaxUID, BASELINE)
        self.assertEqual(composed.file_meta.MediaStorageSOPInstanceUID, "2.25.1")
        self.assertEqual((composed.Rows, composed.Columns, composed.SamplesPerPixel), (37, 48, 3))
        self.assertEqual((composed.PhotometricInterpretation, composed.LossyImageCompression), ("YBR_FULL_422", "01"))
        self.assertEqual(str(composed.PatientName), "Müller^Eva")
        self.assertEqual(encapsulated(composed)[:len(clean(photo)[0])], clean(photo)[0])
        self.assertNotIn(CANARY.encode(), done.stdout)

    def test_metadata_that_the_picture_bears_out_is_kept(self):
        agreeing = {"Rows": 37, "Columns": 48, "SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL_422",
                    "PlanarConfiguration": 0, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0,
                    "LossyImageCompression": "01"}
        photo = saved(picture(), "JPEG")
        for metadata in (agreeing, {"LossyImageCompression": ""}):
            self.assertEqual(run(photo, self.metadata(**metadata)).stderr, b"")
        for name, value in (("Rows", 48), ("PhotometricInterpretation", "MONOCHROME2"), ("SamplesPerPixel", 1),
                            ("BitsStored", 12), ("LossyImageCompression", "00"), ("NumberOfFrames", 2)):
            with self.subTest(name):
                done = run(photo, self.metadata(**{**agreeing, name: value}))
                self.assertEqual(done.stderr, b"coerced\n")
                composed = read(done.stdout)
                for keyword, true in {**agreeing, "NumberOfFrames": 1}.items():
                    self.assertEqual(composed.get(keyword, true), true, keyword)

    def test_the_time_of_capture_outlives_the_cleaning_where_the_metadata_has_none(self):
        photo = saved(picture(), "JPEG", exif=exif(taken="2026:11:23 17:30:05", offset="-05:30"))
        self.assertEqual(read(run(photo, self.metadata()).stdout).AcquisitionDateTime, "20261123173005-0530")
        said = self.metadata(AcquisitionDateTime="20200101")
        self.assertEqual(read(run(photo, said).stdout).AcquisitionDateTime, "20200101")

    def test_a_large_photo_is_several_fragments(self):
        noise = Image.frombytes("RGB", (1100, 1000), bytes(i * i * 7919 // 251 % 256 for i in range(3_300_000)))
        photo = saved(noise, "JPEG", quality=100, subsampling=0)
        self.assertGreater(len(photo), 2 << 20)
        done = run(photo, self.metadata())
        composed = self.judged(done.stdout)
        fragments = list(pydicom.encaps.generate_pixel_data_fragment(io_of(composed.PixelData)))
        self.assertEqual([len(f) for f in fragments[:-1]], [1 << 20] * (len(fragments) - 1))
        self.assertEqual(b"".join(fragments)[:len(photo)], photo)

    def test_what_cannot_be_kept_as_it_is_is_refused(self):
        cases = {
            "UnsupportedTransferSyntax": [saved(picture(), "JPEG", progressive=True), saved(picture("CMYK"), "JPEG")],
            "NotWhatItClaims": [saved(picture(), "JPEG", exif=exif(6)), saved(picture(), "PNG"), saved(picture(), "JPEG")[:-2]],
            "EmptyBody": [b""],
            "TooLarge": [saved(picture(), "JPEG")[:2] + segment(0xE2, b"ICC_PROFILE\0" + bytes(65000)) * 20]}
        for code, photos in cases.items():
            for index, photo in enumerate(photos):
                with self.subTest(code=code, index=index):
                    self.assertEqual(self.refused(photo, self.metadata()), code)


def io_of(data):
    """pydicom reads fragments behind the offset table, from a file of its own kind."""
    from pydicom.filebase import DicomBytesIO
    stream = DicomBytesIO(data)
    stream.is_little_endian = True
    pydicom.encaps.get_frame_offsets(stream)
    return stream


if __name__ == "__main__":
    sys.exit(unittest.main())
