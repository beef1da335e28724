"""What the holder of the database can do to a stored file, and how the recipient's client finds out."""
import json
import unittest

import rig


class Tampering(unittest.TestCase):
    """Files are changed where they lie: in the gateway's own PostgreSQL."""

    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene("radiology@hospital.example", "surgeon@hospital.example", "stranger@hospital.example")
        cls.gateway, cls.radiology, cls.surgeon, cls.stranger = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)

    def setUp(self):
        sent = json.loads(self.radiology.letterbox(
            "--json", "send", rig.CT, "--to", "surgeon@hospital.example").stdout)
        self.delivery = sent["delivery"]
        _, _, content = self.surgeon.request("GET", "/v1/deliveries/" + self.delivery)
        self.file = json.loads(content)["files"][0]["file"]
        self.out = self.gateway.data.parent / "out.dcm"

    def sql(self, statement):
        return self.gateway.sql(statement)

    @staticmethod
    def payload(file):
        return f"(SELECT payload_id FROM file WHERE id = '{file}')"

    def refused(self, code=5):
        done = self.surgeon.letterbox("get", self.file, "-o", self.out, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertFalse(self.out.exists())
        self.assertNotEqual(done.stderr.strip(), b"")
        return done.stderr

    def header(self):
        return bytes.fromhex(self.sql(f"SELECT encode(header, 'hex') FROM file WHERE id = '{self.file}'").strip())

    def put_header(self, header):
        self.sql(f"UPDATE file SET header = decode('{header.hex()}', 'hex') WHERE id = '{self.file}'")

    def test_untouched_it_opens(self):
        self.surgeon.letterbox("get", self.file, "-o", self.out)
        self.assertEqual(self.out.read_bytes(), rig.CT.read_bytes())
        self.out.unlink()

    def test_a_flipped_byte_in_the_header(self):
        header = self.header()
        for place in range(0, len(header), max(1, len(header) // 12)):
            with self.subTest(place=place):
                self.put_header(header[:place] + bytes([header[place] ^ 1]) + header[place + 1:])
                done = self.surgeon.letterbox("get", self.file, "-o", self.out, check=False)
                self.assertIn(done.returncode, (5, 6), done.stderr)
                self.assertFalse(self.out.exists())

    def test_a_flipped_byte_in_the_payload(self):
        self.sql("UPDATE payload_row SET content = set_byte(content, 1000, get_byte(content, 1000) # 1)"
                 f" WHERE payload_id = {self.payload(self.file)}")
        self.refused()

    def test_a_payload_of_another_file(self):
        other = json.loads(self.radiology.letterbox("--json", "send", rig.CT, "--to", "surgeon@hospital.example").stdout)
        _, _, content = self.surgeon.request("GET", "/v1/deliveries/" + other["delivery"])
        donor = json.loads(content)["files"][0]["file"]
        self.sql("UPDATE payload_row SET content = (SELECT content FROM payload_row"
                 f" WHERE payload_id = {self.payload(donor)} AND row_no = 0)"
                 f" WHERE payload_id = {self.payload(self.file)} AND row_no = 0")
        self.refused()

    def test_a_header_of_another_file(self):
        other = json.loads(self.radiology.letterbox("--json", "send", rig.CT, "--to", "surgeon@hospital.example").stdout)
        _, _, content = self.surgeon.request("GET", "/v1/deliveries/" + other["delivery"])
        donor = json.loads(content)["files"][0]["file"]
        self.sql(f"UPDATE file SET header = (SELECT header FROM file WHERE id = '{donor}') WHERE id = '{self.file}'")
        self.refused()

    def stanzas(self):
        lines = self.header().split(b"\n")
        return lines[:1], lines[1:-2], lines[-2:]

    def test_one_stanza_more_of_x25519(self):
        sealed = rig.run("age", "--encrypt", "--recipient", self.stranger.recipient, input=b"x").stdout
        extra = sealed.split(b"\n")[1:3]
        first, stanzas, last = self.stanzas()
        self.put_header(b"\n".join(first + stanzas + extra + last))
        self.refused()

    def test_one_stanza_more_of_ssh_ed25519(self):
        first, stanzas, last = self.stanzas()
        extra = [b"-> ssh-ed25519 AAAAAA " + b"A" * 43, b"A" * 43]
        self.put_header(b"\n".join(first + stanzas + extra + last))
        self.refused()

    def test_another_cover(self):
        other = json.loads(self.radiology.letterbox("--json", "send", rig.CT, "--to", "surgeon@hospital.example").stdout)
        cover = "(SELECT envelope FROM cover WHERE delivery_id = '%s' AND version = 1)"
        self.sql(f"UPDATE cover SET envelope = {cover % other['delivery']} WHERE delivery_id = '{self.delivery}'")
        self.refused()


if __name__ == "__main__":
    unittest.main()
