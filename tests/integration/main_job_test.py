"""A DICOM file and a photo: in over HTTPS, at rest as ciphertext, out as ciphertext, opened by the recipient."""
import hashlib
import json
import subprocess
import unittest

import rig


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class MainJob(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene("radiology@hospital.example", "surgeon@hospital.example")
        cls.gateway, cls.radiology, cls.surgeon = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)
        cls.place = cls.gateway.data.parent

    def out(self, name):
        return self.place / f"{self.id().rpartition('.')[2]}-{name}"

    def test_a_pacs_posts_dicom_with_curl_and_the_surgeon_gets_it(self):
        receipt = self.gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
        out = self.out("ct.dcm")
        self.surgeon.letterbox("get", receipt["file"], "-o", out)
        self.assertEqual(sha256(out), sha256(rig.CT))

    def test_stock_age_opens_what_the_gateway_sealed(self):
        receipt = self.gateway.deposit(rig.ULTRASOUND, "application/dicom", "surgeon@hospital.example")
        status, fields, sealed = self.surgeon.request("GET", "/v1/files/" + receipt["file"])
        self.assertEqual((status, fields["content-type"]), (200, "application/age"))
        self.assertTrue(sealed.startswith(b"age-encryption.org/v1\n-> letterbox/cover/v1 "))
        self.assertEqual(rig.age_decrypt(self.surgeon.key_file, sealed), rig.ULTRASOUND.read_bytes())

    def test_what_a_device_sealed_opens_for_recipient_and_sender(self):
        photo = self.out("photo.jpg")
        photo.write_bytes(rig.JPEG)
        sent = json.loads(self.radiology.letterbox(
            "--json", "send", photo, rig.CT, "--to", "surgeon@hospital.example", "--no-patient").stdout)
        folder = self.out("received")
        folder.mkdir()
        for person in (self.surgeon, self.radiology):
            target = folder / person.handle
            target.mkdir()
            person.letterbox("get", sent["delivery"], "--output-dir", target)
            self.assertEqual(sorted(sha256(path) for path in target.iterdir()), sorted([sha256(photo), sha256(rig.CT)]))

    def test_stock_age_opens_what_a_device_sealed(self):
        sent = json.loads(self.radiology.letterbox(
            "--json", "send", rig.CT, "--to", "surgeon@hospital.example").stdout)
        _, _, delivery = self.surgeon.request("GET", "/v1/deliveries/" + sent["delivery"])
        file = json.loads(delivery)["files"][0]["file"]
        _, _, sealed = self.surgeon.request("GET", "/v1/files/" + file)
        self.assertEqual(rig.age_decrypt(self.surgeon.key_file, sealed), rig.CT.read_bytes())

    def test_the_client_can_have_the_gateway_seal(self):
        sent = json.loads(self.radiology.letterbox(
            "--json", "send", rig.CT, "--to", "surgeon@hospital.example", "--seal-at-gateway").stdout)
        self.assertIn("delivery", json.dumps(sent))
        listed = json.loads(self.surgeon.letterbox("--json", "list").stdout)
        self.assertIn("gateway", json.dumps(listed))

    def test_the_list_shows_what_came_and_only_to_whom(self):
        before = self.surgeon.letterbox("--json", "list").stdout
        sent = json.loads(self.radiology.letterbox(
            "--json", "send", rig.CT, "--to", "surgeon@hospital.example", "--no-copy").stdout)
        self.assertNotIn(sent["delivery"].encode(), before)
        self.assertIn(sent["delivery"].encode(), self.surgeon.letterbox("--json", "list").stdout)
        self.assertNotIn(sent["delivery"].encode(), self.radiology.letterbox("--json", "list").stdout)

    def test_to_a_stranger_the_delivery_does_not_exist(self):
        receipt = self.gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
        out = self.out("none.dcm")
        done = self.radiology.letterbox("get", receipt["file"], "-o", out, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertFalse(out.exists())

    def test_standard_input_to_standard_output(self):
        sent = json.loads(self.radiology.letterbox(
            "--json", "send", "-", "--to", "surgeon@hospital.example", input=rig.CT.read_bytes()).stdout)
        opened = self.surgeon.letterbox("get", sent["delivery"], "-o", "-")
        self.assertEqual(opened.stdout, rig.CT.read_bytes())

    def test_head_tells_length_and_type_like_get(self):
        receipt = self.gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
        path = "/v1/files/" + receipt["file"]
        _, get, sealed = self.surgeon.request("GET", path)
        status, head, _ = self.surgeon.request("HEAD", path)
        self.assertEqual(status, 200)
        for field in ("content-type", "content-length", "etag", "link"):
            self.assertEqual(head[field], get[field])
        self.assertEqual(int(head["content-length"]), len(sealed))

    def test_the_data_directory_holds_no_plaintext(self):
        marker = b"LETTERBOX-PLAINTEXT-MARKER-" + hashlib.sha256(b"marker").hexdigest().encode()
        pixels = marker * 2000
        body = rig.dicom_head(len(pixels)) + pixels
        receipt = self.gateway.deposit(body, "application/dicom", "surgeon@hospital.example")
        out = self.out("ct.dcm")
        self.surgeon.letterbox("get", receipt["file"], "-o", out)
        self.assertIn(marker, out.read_bytes())
        # grep reads the write-ahead log and all tables.
        found = subprocess.run(["grep", "-r", "-l", "-a", "-F", marker.decode(), str(self.gateway.data)],
                               stdout=subprocess.PIPE, check=False)
        self.assertEqual((found.returncode, found.stdout), (1, b""))
        self.assertNotIn(marker.decode(), self.gateway.log_text())


if __name__ == "__main__":
    unittest.main()
