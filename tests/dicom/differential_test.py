"""The scanner against two other readers, dcmdump and pydicom: on pydicom's samples, and on broken ones made from them.

tests/dicom/samples.tsv says what each makes of each sample. `python3 differential_test.py --write PROGRAM` writes it anew.
"""
import os
import pathlib
import random
import sys
import tempfile
import unittest

from readers import SAMPLES, dcmdump, ours, same, sorted_by_tag, with_pydicom

HERE = pathlib.Path(__file__).parent
TABLE = HERE / "samples.tsv"
FOLDER = SAMPLES / "test_files"
COLUMNS = "file\tscanner\tdcmdump\tpydicom\twhy the scanner says so"

# Where the scanner is stricter than the others on purpose: docs/dicom-files.md.
STRICTER = (
    "a VR isn't two capital letters",
    "a delimiter has a length",
    "a delimiter stands where nothing is to be ended",
    "a group length isn't one",
    "an element is larger than what it is in",
    "an element is of a group that no data set has",
    "an element is there twice",
    "an item stands outside a sequence",
    "no data set begins",
    "something else than an item is in a sequence",
    "the file ends within",
    "the file meta group is",
    "the transfer syntax isn't one UID",
    "there is no transfer syntax",
)


def program():
    return pathlib.Path(os.environ["LETTERBOX_BINARY_DIR"]) / "tests" / "part10_walk"


def names():
    return sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.dcm"))


def rows(walker):
    files = names()
    for name, reading in zip(files, ours(walker, [FOLDER / name for name in files])):
        why = f"whole, in {reading.uids[0]}" if reading.verdict == "ok" else reading.message.split(",")[0]
        if reading.message.startswith("there isn't each"):
            why = reading.message
        others = ["reads" if read(FOLDER / name).complete else "fails" for read in (dcmdump, with_pydicom)]
        yield "\t".join([name, "takes" if reading.verdict == "ok" else reading.verdict, *others, why])


def first_difference(one, other):
    for left, right in zip(one, other):
        if not same([left], [right]):
            return left, right
    return len(one), len(other)


class Samples(unittest.TestCase):
    def test_the_table_says_what_each_reader_makes_of_each_file(self):
        written = TABLE.read_text(encoding="utf-8").splitlines()
        self.assertEqual(written[0], COLUMNS)
        self.assertEqual(len(written), 70)
        self.assertEqual(written[1:], list(rows(program())))

    def test_what_the_scanner_takes_the_others_read(self):
        for row in TABLE.read_text(encoding="utf-8").splitlines()[1:]:
            name, scanner, *others, _ = row.split("\t")
            if scanner == "takes":
                self.assertEqual(others, ["reads", "reads"], name)

    def test_all_meet_the_same_elements(self):
        """In every file that has a preamble: character sets, palettes and DICOMDIRs too."""
        files = [path for path in sorted(SAMPLES.rglob("*"))
                 if path.is_file() and path.read_bytes()[128:132] == b"DICM"]
        self.assertGreater(len(files), 150)
        whole = 0
        for path, reading in zip(files, ours(program(), files)):
            if not reading.complete:
                continue
            whole += 1
            for read in (dcmdump, with_pydicom):
                other = read(path)
                with self.subTest(file=path.name, reader=read.__name__):
                    self.assertTrue(other.complete)
                    self.assertTrue(same(reading.elements, other.elements),
                                    first_difference(reading.elements, other.elements))
        self.assertGreater(whole, 150)

    def test_digests_are_read_by_the_others_and_hold_what_is_small(self):
        files = [FOLDER / name for name in names()]
        with tempfile.TemporaryDirectory() as folder:
            readings = ours(program(), files, digests=folder)
            for number, reading in enumerate(readings):
                if reading.verdict != "ok":
                    continue
                digest = pathlib.Path(folder) / str(number)
                with self.subTest(file=files[number].name):
                    top = {tag.upper() for depth, tag, *_ in reading.elements if depth == 0}
                    for read in (dcmdump, with_pydicom):
                        other = read(digest)
                        self.assertTrue(other.complete)
                        kept = {tag.upper() for depth, tag, *_ in other.elements if depth == 0}
                        missing = top - kept - {tag for tag in top if tag.endswith("0000") or tag == "FFFCFFFC"}
                        self.assertLessEqual(missing, set(reading.left_out))
                        self.assertLessEqual(kept, top)


def broken(data, chance):
    """`data` with one thing wrong somewhere behind its preamble."""
    data = bytearray(data)
    at = chance.randrange(132, min(len(data), 4000))
    kind = chance.randrange(5)
    if kind == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        data[at] = chance.choice([0, 1, 2, 4, 8, 0x7f, 0x80, 0xfe, 0xff])
    elif kind == 2:
        del data[at:at + chance.randrange(1, 9)]
    elif kind == 3:
        data[at:at] = data[at - chance.randrange(1, 9):at]
    else:
        data = data[:at]
    return bytes(data)


class BrokenSamples(unittest.TestCase):
    SEED, EACH = 5, 25
    BASES = ("rtplan", "reportsi", "UN_sequence", "MR_small_RLE", "rtdose_expb_1frame", "priv_SQ", "SC_rgb_jpeg_dcmtk",
             "rtdose_1frame", "test-SR")

    def test_what_the_scanner_walks_the_others_read_alike(self):
        chance = random.Random(self.SEED)
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for base in self.BASES:
                data = (FOLDER / f"{base}.dcm").read_bytes()
                for _ in range(self.EACH):
                    files.append(pathlib.Path(folder) / f"{base}-{len(files)}")
                    files[-1].write_bytes(broken(data, chance))
            walked = stricter = 0
            for path, reading in zip(files, ours(program(), files)):
                dumped = dcmdump(path)
                with self.subTest(file=path.name, walk=reading.walk):
                    if reading.complete:
                        walked += 1
                        self.compare(path, reading, dumped)
                    elif dumped.complete:
                        stricter += 1
                        self.assertTrue(reading.walk.startswith(STRICTER))
            self.assertGreater(walked, len(files) // 5)
            self.assertLess(stricter, len(files) // 10)

    def compare(self, path, reading, dumped):
        # Of an element that is there twice on one level, and not in a row, each keeps another one.
        level = [tag for depth, tag, *_ in reading.elements if depth == 0]
        if len(level) != len(set(level)):
            return
        self.assertTrue(dumped.complete)
        ordered = sorted_by_tag(reading.elements)
        self.assertTrue(same(ordered, dumped.elements), first_difference(ordered, dumped.elements))
        other = with_pydicom(path)
        # It looks into values too, and some of those are broken now; at a VR of the file meta group that it doesn't
        # know it gives up, and says nothing.
        if other.complete and other.elements:
            self.assertTrue(same(reading.elements, other.elements),
                            first_difference(reading.elements, other.elements))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        TABLE.write_text("\n".join([COLUMNS, *rows(sys.argv[2])]) + "\n", encoding="utf-8")
    else:
        unittest.main()
