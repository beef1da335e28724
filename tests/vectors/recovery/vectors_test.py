"""vectors.txt from outside: stock age, and the document that says what they are."""

import pathlib
import re
import shutil
import subprocess
import unittest

import make

VECTORS = [dict(line.split(" ", 1) for line in block.splitlines())
           for block in make.VECTORS.read_text().strip().split("\n\n")]


class DocumentTest(unittest.TestCase):
    def test_its_example_is_one_of_the_vectors(self):
        document = (pathlib.Path(__file__).parents[3] / "docs" / "format.md").read_text()
        paper = re.search(r"LETTERBOX-RECOVERY-1\n((?:[0-9A-Z]{2,4}[ \n])+)", document)
        typed = "LETTERBOX-RECOVERY-1" + "".join(paper.group(1).split())
        self.assertIn(typed, [vector["text"] for vector in VECTORS])


@unittest.skipUnless(shutil.which("age-keygen"), "age isn't installed")
class StockAgeTest(unittest.TestCase):
    def test_age_keygen_agrees_on_the_recipients(self):
        for vector in VECTORS:
            output = subprocess.run(["age-keygen", "-y"], input=vector["identity"].encode() + b"\n",
                                    capture_output=True, check=True).stdout
            self.assertEqual(output.decode().strip(), vector["recipient"])


if __name__ == "__main__":
    unittest.main()
