"""What letterbox refuses to do, and the exit code that scripts see."""
import json
import socket
import unittest

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
        with rig.scene("somebody@elsewhere.example") as (other, _):
            self.assertIn("certificate", self.exits(7, self.surgeon, "--server", other.url, "list"))

    def test_a_file_for_somebody_else_is_6(self):
        receipt = self.gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
        self.exits(6, self.radiology, "get", receipt["file"])

    def test_an_existing_file_is_not_overwritten(self):
        receipt = self.gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
        out = self.place / "mine.dcm"
        out.write_bytes(b"mine")
        self.exits(1, self.surgeon, "get", receipt["file"], "-o", out)
        self.assertEqual(out.read_bytes(), b"mine")

    def test_a_sender_whom_the_reader_does_not_know_is_5(self):
        stranger = self.gateway.enrol(rig.Person(self.place / "stranger", "stranger@hospital.example", self.gateway))
        stranger.knows(self.surgeon)
        sent = json.loads(stranger.letterbox("--json", "send", rig.CT, "--to", "surgeon@hospital.example").stdout)
        self.assertIn("signer", self.exits(5, self.surgeon, "get", sent["delivery"]))
        self.surgeon.knows(stranger)
        self.surgeon.letterbox("get", sent["delivery"], "-o", self.place / "known.dcm")


class GhostRecipient(unittest.TestCase):
    """The gateway's directory gets one more key for the surgeon, which nobody told the sender of."""

    def test_the_sender_is_stopped_and_nothing_is_sent(self):
        with rig.scene("radiology@hospital.example", "surgeon@hospital.example") as (gateway, radiology, surgeon):
            ghost = gateway.enrol(rig.Person(gateway.data.parent / "ghost", "surgeon@hospital.example", gateway))
            done = radiology.letterbox("send", rig.CT, "--to", "surgeon@hospital.example", check=False)
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertIn(ghost.recipient.encode(), done.stderr)
            for person in (surgeon, ghost):
                self.assertEqual(json.loads(person.letterbox("--json", "list").stdout)["deliveries"], [])

    def test_what_the_gateway_seals_for_it_shows_in_the_cover(self):
        """Sealing at the gateway can't prevent a ghost: the sender finds out from the signed cover."""
        with rig.scene("radiology@hospital.example", "surgeon@hospital.example") as (gateway, radiology, _):
            gateway.enrol(rig.Person(gateway.data.parent / "ghost", "surgeon@hospital.example", gateway))
            done = radiology.letterbox("send", rig.CT, "--to", "surgeon@hospital.example", "--seal-at-gateway", check=False)
            self.assertEqual(done.returncode, 5, done.stderr)


if __name__ == "__main__":
    unittest.main()
