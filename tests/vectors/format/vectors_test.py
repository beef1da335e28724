"""vectors.json from outside: stock age, which knows nothing of Letterbox, and the document."""

import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import make

VECTORS = json.loads(make.VECTORS.read_text())


class DocumentTest(unittest.TestCase):
    def test_its_example_is_one_of_the_vectors(self):
        document = pathlib.Path(__file__).parents[3] / "docs" / "format.md"
        self.assertIn("```\n" + VECTORS["files"][1]["headers"][0] + "```\n", document.read_text())

    def test_a_header_is_as_long_as_it_says(self):
        for file in VECTORS["files"]:
            for header, cover in zip(file["headers"], VECTORS["covers"]):
                self.assertEqual(len(header), 137 + 98 * cover["recipients"])


@unittest.skipUnless(shutil.which("age"), "age isn't installed")
class StockAgeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def key_file(self, device):
        path = self.folder / "key.txt"
        path.write_text(
            "# created: 2026-11-23T17:30:00Z\n"
            f"# handle: {device['handle']}\n"
            f"# recipient: {device['recipient']}\n"
            f"# letterbox-signing-seed: {VECTORS['signing_key']['seed']}\n"
            f"{device['identity']}\n")
        return path

    def age(self, device, file):
        return subprocess.run(["age", "-d", "-i", str(self.key_file(device))],
                              input=file, capture_output=True, check=False)

    @staticmethod
    def payload(file):
        plaintext = bytes(i % 251 for i in range(file["plaintext_length"]))
        payload = make.payload_of(bytes.fromhex(file["file_key"]), bytes.fromhex(file["nonce"]),
                                  plaintext)
        assert hashlib.sha256(payload).hexdigest() == file["payload_sha256"]
        return plaintext, payload

    def test_age_keygen_agrees_on_the_recipients(self):
        for device in VECTORS["devices"]:
            output = subprocess.run(["age-keygen", "-y", str(self.key_file(device))],
                                    capture_output=True, check=True).stdout
            self.assertEqual(output.decode().strip(), device["recipient"])

    def test_every_file_opens_for_first_and_last_recipient(self):
        for file in VECTORS["files"]:
            plaintext, payload = self.payload(file)
            for header, cover in zip(file["headers"], VECTORS["covers"]):
                devices = VECTORS["devices"][: cover["recipients"]]
                for device in (devices[0], devices[-1]):
                    result = self.age(device, header.encode() + payload)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertEqual(result.stdout, plaintext)

    def test_the_index_is_an_age_file_too(self):
        index = VECTORS["index"]
        result = self.age(VECTORS["devices"][0],
                          index["header"].encode() + base64.b64decode(index["payload"]))
        self.assertEqual((result.returncode, result.stdout.decode()), (0, index["plaintext"]))

    def test_nobody_else_opens_the_file_that_was_not_yet_shared(self):
        file = VECTORS["files"][1]
        _, payload = self.payload(file)
        result = self.age(VECTORS["devices"][1], file["headers"][0].encode() + payload)
        self.assertNotEqual(result.returncode, 0)

    def test_a_file_that_was_shared_on_opens_for_whom_each_cover_lists_and_nobody_else(self):
        sharing = VECTORS["sharing"]
        plaintext, payload = self.payload(VECTORS["files"][1])
        for header, cover in zip(sharing["headers"], sharing["covers"]):
            for number, device in enumerate(sharing["devices"]):
                result = self.age(device, header.encode() + payload)
                listed = number in cover["recipients"]
                self.assertEqual(result.returncode == 0, listed, result.stderr)
                self.assertEqual(result.stdout, plaintext if listed else b"")

    def test_age_opens_headers_that_letterbox_refuses(self):
        # This is what rebuilding the header is for: age alone doesn't notice.
        refused = VECTORS["refused_headers"]
        plaintext, payload = self.payload(VECTORS["files"][refused["file"]])
        for variant in refused["variants"]:
            result = self.age(VECTORS["devices"][0], variant["header"].encode() + payload)
            self.assertEqual((result.returncode, result.stdout), (0, plaintext),
                             variant["name"])


if __name__ == "__main__":
    unittest.main()
