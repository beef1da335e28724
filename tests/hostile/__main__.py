"""Every hostile input against the real letterboxd, and the table of what it did.

    python3 tests/hostile                    all cases; the table, with memory, goes to standard output
    python3 tests/hostile 45 50              only these
    python3 tests/hostile --write            and writes what was observed down in docs/hostile-inputs.md
    python3 tests/hostile --table FILE       the table goes there

LETTERBOX_BINARY_DIR says which build.
"""
import argparse
import pathlib
import re
import sys
import unittest

import kit

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "hostile-inputs.md"
SUITES = ("framing_test", "head_test", "connection_test", "path_test", "multipart_test", "dicom_test", "photo_test")
CASES = range(1, 103)


def tests_in(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_in(test)
        else:
            yield test


def number(test):
    found = re.search(r"test_case_(\d+)_", test.id())
    return int(found[1]) if found else None


class WrittenDown(unittest.TestCase):
    """Comes last."""

    def test_each_case_has_its_test(self):
        self.assertEqual(sorted(kit.ROWS), list(CASES))

    def test_the_document_says_what_was_observed(self):
        text = DOCUMENT.read_text(encoding="utf-8")
        self.assertEqual(text[text.index("| case |"):].splitlines(), kit.table(with_growth=False).splitlines(),
                         "write it anew: python3 tests/hostile --write")


def write_document():
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(text[:text.index("| case |")] + kit.table(with_growth=False), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", type=int)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--table", type=pathlib.Path)
    given = parser.parse_args()

    wanted = unittest.TestSuite(
        test for test in tests_in(unittest.defaultTestLoader.loadTestsFromNames(SUITES))
        if not given.case or number(test) is None or number(test) in given.case)
    runner = unittest.TextTestRunner(verbosity=2)
    if given.case:
        good = runner.run(wanted).wasSuccessful()
    elif given.write:
        good = runner.run(wanted).wasSuccessful()
        write_document()
    else:
        wanted.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(WrittenDown))
        good = runner.run(wanted).wasSuccessful()

    table = kit.table(with_growth=True)
    if given.table:
        given.table.write_text(table, encoding="utf-8")
    else:
        print(table)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
