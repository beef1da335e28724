"""What letterbox refuses to do, and the exit code that scripts see."""
import datetime
import json
import socket
import unittest

import device
import rig

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene("radiology@hospital.example", "surgeon@hospital.example")
        cls.gateway, cls.radiology, cls.surgeon = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)
        cls.place = cls.gateway.data.parent

    def exits(self, code, person, *arguments):
        done = person.letterbox(*arguments, check=False)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        self.assertNotEqual(done.stderr, b"")
        return done.stderr.decode()

    def test_an_unknown_id_is_3(self):
        self.exits(3, self.surgeon, "get", UNKNOWN)

    def test_a_wrong_command_line_is_2(self):
        self.exits(2, self.surgeon, "send")
        self.exits(2, self.surgeon, "frobnicate")
        self.exits(2, self.surgeon, "get", "no-id")

    def test_a_gateway_that_is_not_there_is_7(self):
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        self.exits(7, self.surgeon, "--server", f"https://127.0.0.1:{port}", "list")

    def test_a_gateway_under_another_authority_is_7(self):
        with rig.scene("somebody@hospital.example") as (other, _):
            self.assertIn("certificate", self.exits(7, self.surgeon, "--server", other.url, "list"))

    def test_a_file_for_somebody_else_is_3(self):
        """As if there were none: the gateway tells nobody else of it."""
        receipt = self.gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
        self.exits(3, self.radiology, "get", receipt["file"])

    def test_an_existing_file_is_not_overwritten(self):
        receipt = self.gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
        out = self.place / "mine.dcm"
        out.write_bytes(b"mine")
        self.exits(1, self.surgeon, "get", receipt["file"], "-o", out)
        self.assertEqual(out.read_bytes(), b"mine")

    def test_a_sender_whom_the_reader_does_not_know_is_5(self):
        stranger = rig.Person(self.place / "stranger", "stranger@hospital.example", self.gateway)
        stranger.knows(self.surgeon)
        sent = json.loads(stranger.letterbox("--json", "send", rig.CT, "--to", "surgeon@hospital.example").stdout)
        self.assertIn("signer", self.exits(5, self.surgeon, "get", sent["delivery"]))
        self.surgeon.knows(stranger)
        self.surgeon.letterbox("get", sent["delivery"], "-o", self.place / "known.dcm")


class GhostRecipient(unittest.TestCase):
    """The gateway's directory gets one more key for the surgeon, which nobody told the sender of."""

    def setUp(self):
        scene = rig.scene("radiology@hospital.example", "surgeon@hospital.example")
        self.gateway, self.radiology, self.surgeon = scene.__enter__()
        self.addCleanup(scene.__exit__, None, None, None)
        # The wait of a replacement is over, by a lie in its record and one in the database.
        before = device.now() - datetime.timedelta(days=3)
        self.ghost = device.Device(self.gateway, "surgeon@hospital.example")
        token = json.loads(self.gateway.invitation("surgeon@hospital.example").read_text(encoding="ascii"))["invitation"]
        self.ghost.enrolled(token, created=before, not_before=before + datetime.timedelta(days=1))
        self.gateway.sql("UPDATE device SET accepted = accepted - interval '2 days'")

    def test_the_sender_is_stopped_and_nothing_is_sent(self):
        done = self.radiology.letterbox("send", rig.CT, "--to", "surgeon@hospital.example", check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn(self.ghost.recipient.encode(), done.stderr)
        self.assertIn(self.ghost.key.id.encode(), done.stderr)
        self.assertEqual(json.loads(self.surgeon.letterbox("--json", "list").stdout)["deliveries"], [])

    def test_its_owner_is_told_and_revokes_it(self):
        told = self.surgeon.letterbox("list").stderr.decode()
        self.assertIn(self.ghost.key.id, told)
        self.surgeon.letterbox("device", "revoke", self.ghost.key.id)
        self.assertEqual(self.ghost.request("GET", "/v1/inbox")[0], 401)
        self.radiology.letterbox("send", rig.CT, "--to", "surgeon@hospital.example")

    def test_having_the_gateway_seal_it_is_stopped_before_anything_is_sent(self):
        done = self.radiology.letterbox("send", rig.CT, "--to", "surgeon@hospital.example", "--seal-at-gateway", check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertEqual(json.loads(self.ghost.request("GET", "/v1/inbox")[2])["deliveries"], [])


if __name__ == "__main__":
    unittest.main()
