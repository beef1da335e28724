"""What the inspector says of files, against pydicom, which reads both them and DICOM JSON by itself."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import pydicom
import pydicom.config
from pydicom.dataset import Dataset, FileMetaDataset

import annex_f

DESCRIBE = pathlib.Path(os.environ["LETTERBOX_BINARY_DIR"]) / "tests" / "dicom_describe"
FILES = pathlib.Path(pydicom.__file__).parent / "data"


def described(paths):
    done = subprocess.run([DESCRIBE, *paths], check=True, stdout=subprocess.PIPE, timeout=300)
    return [annex_f.parsed(line) for line in done.stdout.splitlines()]


class AnnexF(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
        cls.paths = sorted(FILES.rglob("*.dcm"))
        cls.findings = dict(zip(cls.paths, described(cls.paths)))
        cls.read = {path: finding for path, finding in cls.findings.items() if "attributes" in finding}

    def test_most_files_of_pydicom_are_read(self):
        self.assertGreater(len(self.read), 60)

    def test_the_json_follows_the_rules(self):
        for path, finding in self.read.items():
            with self.subTest(file=path.name):
                self.assertEqual(annex_f.complaints(finding["attributes"]), [])
                if "00080005" in finding["attributes"]:
                    self.assertEqual(finding["attributes"]["00080005"].get("Value"), ["ISO_IR 192"])

    def test_pydicom_reads_the_same_in_the_file_and_in_the_json(self):
        compared = 0
        for path, finding in self.read.items():
            with self.subTest(file=path.name):
                original = pydicom.dcmread(path)
                original.decode()
                said = Dataset.from_json(finding["attributes"])
                self.assertEqual(annex_f.differences(original, said, finding["left_out"]), [])
                compared += 1
        self.assertGreater(compared, 60)


# pydicom writes the one without the escape sequences that PS3.5 wants, and doesn't know the other.
GB2312 = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab "
LATIN9 = "Œuvre^Žofie€".encode("iso8859-15")
AS_THEY_ARE = {r"\ISO 2022 IR 58": GB2312, "ISO_IR 203": LATIN9}
NAMES = {
    "ISO_IR 100": "Äneas^Rüdiger", "ISO_IR 101": "Wałęsa", "ISO_IR 109": "Ĉapelo", "ISO_IR 110": "Ķēniņš",
    "ISO_IR 144": "Люкceмбypг", "ISO_IR 127": "قباني^لنزار", "ISO_IR 126": "Διονυσιος", "ISO_IR 138": "שרון^דבורה",
    "ISO_IR 148": "Çavuşoğlu", "ISO_IR 166": "สมชาย", "ISO_IR 13": "ﾔﾏﾀﾞ^ﾀﾛｳ", "ISO_IR 192": "Wang^XiaoDong=王^小東",
    "GB18030": "Wang^XiaoDong=王^小东", "GBK": "Wang^XiaoDong=王^小东",
    r"\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    r"ISO 2022 IR 13\ISO 2022 IR 87": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    r"\ISO 2022 IR 159": "Azuma=侚^丂", r"\ISO 2022 IR 87\ISO 2022 IR 159": "A=山侚^田",
    r"\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동", r"\ISO 2022 IR 58": "Zhang^XiaoDong=张^小东",
    r"ISO 2022 IR 100\ISO 2022 IR 144": "Äneas=Люкceмбypг", "ISO_IR 203": "Œuvre^Žofie€",
}


class CharacterSets(unittest.TestCase):
    """The sandbox can't load anything any more when it reads a file."""

    def test_a_name_in_each_character_set_of_the_standard(self):
        with tempfile.TemporaryDirectory() as place:
            paths = []
            for number, (sets, name) in enumerate(NAMES.items()):
                data_set = Dataset()
                data_set.file_meta = FileMetaDataset()
                data_set.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
                data_set.is_little_endian, data_set.is_implicit_VR = True, False
                data_set.SpecificCharacterSet = sets.split("\\") if "\\" in sets else sets
                data_set.SOPClassUID, data_set.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.11", f"2.25.{number + 1}"
                data_set.StudyInstanceUID, data_set.SeriesInstanceUID = "2.25.8", "2.25.9"
                as_it_is = AS_THEY_ARE.get(sets, b"")
                data_set.PatientName = "x" * len(as_it_is) or name
                paths.append(pathlib.Path(place) / f"{number}.dcm")
                pydicom.dcmwrite(paths[-1], data_set, write_like_original=False)
                if as_it_is:
                    paths[-1].write_bytes(paths[-1].read_bytes().replace(b"x" * len(as_it_is), as_it_is))
            for (sets, name), finding in zip(NAMES.items(), described(paths)):
                with self.subTest(sets=sets):
                    self.assertIn("attributes", finding, finding)
                    value = finding["attributes"]["00100010"]["Value"][0]
                    self.assertEqual("=".join(value.values()), name)
                    self.assertEqual(finding["left_out"], [])


if __name__ == "__main__":
    unittest.main()
