"""The takeover: somebody whom an administrator helps enrols a device as a surgeon's. What the surgeon sees, what senders
see, and what it gets the attacker.

The attacker writes every time into its record that suits it. The day that it has to wait all the same is let go by in
the directory's table, since no switch of the product shortens it.
"""
import base64
import datetime
import json
import pathlib
import subprocess
import tempfile
import unittest

import device
import rig
from enrolment_test import Home

DAY = datetime.timedelta(days=1)


class Takeover(rig.OnOneGateway):
    """Each test has a surgeon with two devices, and a sender who knows them and has sent something."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="", dir=self.place))
        self.folder.chmod(0o711)
        self.surgeon = f"surgeon-{self.folder.name.replace('_', '-')}@{rig.TENANT}"
        self.phone = self.home("phone").login(self.gateway.invitation(self.surgeon))
        invitation = self.folder / "laptop.json"
        self.phone.letterbox("device", "invite", "--output", invitation)
        self.laptop = self.home("laptop").login(invitation)
        self.phone.letterbox("device", "confirm", self.laptop.fingerprint)
        self.laptop.letterbox("trust", self.surgeon, "--fingerprint", self.phone.fingerprint)
        self.own = {self.phone.recipient, self.laptop.recipient}

        sender = self.surgeon.replace("surgeon", "sender")
        self.sender = self.home("sender").login(self.gateway.invitation(sender))
        self.sender.letterbox("trust", self.surgeon, "--fingerprint", self.phone.fingerprint)
        for own in (self.phone, self.laptop):
            own.letterbox("trust", sender, "--fingerprint", self.sender.fingerprint)
        self.old = self.sender.send(self.surgeon)
        self.old_file = self.old["files"][0]["file"]

    def home(self, name):
        return Home(self.folder / name, self.gateway)

    # --- The attack

    def attacker(self, waited=False):
        """A new first device of the surgeon's, by the administrator's invitation."""
        invitation = json.loads(self.gateway.invitation(self.surgeon).read_text(encoding="ascii"))["invitation"]
        attacker = device.Device(self.gateway, self.surgeon)
        attacker.enrolled(invitation, created=device.now() - 3 * DAY, not_before=device.now() - 2 * DAY)
        # Its record says that the wait is over; the gateway goes by when it came.
        self.assertEqual(attacker.state, "waiting")
        if waited:
            self.let_a_day_go_by()
        return attacker

    def let_a_day_go_by(self):
        """For all that was said about the surgeon's devices: time never goes back from one record to the next."""
        mine = (f"(SELECT d.tenant_id, d.recipient FROM device d JOIN principal p ON p.tenant_id = d.tenant_id"
                f" AND p.id = d.principal_id WHERE p.handle = '{self.surgeon}')")
        for table in ("device", "device_record"):
            self.gateway.sql(f"UPDATE {table} SET accepted = accepted - interval '25 hours'"
                             f" WHERE (tenant_id, recipient) IN {mine}")

    def revoke_the_surgeons_own(self):
        for own in (self.phone, self.laptop):
            self.gateway.admin("admin", "device", "revoke", own.fingerprint)

    # --- What is seen of it

    def state(self, attacker):
        status, _, content = attacker.request("GET", "/v1/self")
        self.assertEqual(status, 200, content)
        return json.loads(content)["state"]

    def fails(self, code, home, *arguments):
        done = home.letterbox(*arguments, check=False)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        return done.stderr.decode()

    def sealed_for(self, sent):
        return {one["recipient"] for one in sent["recipients"]}

    def assert_sender_is_stopped(self, attacker):
        for how in ((), ("--seal-at-gateway",)):
            message = self.fails(5, self.sender, "send", rig.CT, "--to", self.surgeon, *how)
            for part in (attacker.key.id, "nobody's word", "letterbox trust " + self.surgeon):
                self.assertIn(part, message)

    def stored_file(self, file):
        """As whoever steals the database has it: an age file, header and payload."""
        return bytes.fromhex(self.gateway.sql(f"""
            SELECT encode(header || nonce || (SELECT string_agg(content, '' ORDER BY row_no) FROM payload_row
                     WHERE payload_row.tenant_id = file.tenant_id AND payload_row.payload_id = file.payload_id), 'hex')
              FROM file WHERE id = '{file}'"""))

    def assert_old_content_is_unreadable(self, attacker):
        for path in ("/v1/deliveries/" + self.old["delivery"], "/v1/files/" + self.old_file):
            status, _, content = attacker.request("GET", path)
            self.assertEqual(status, 404, content)
        status, _, content = attacker.request("GET", "/v1/inbox")
        self.assertNotIn(self.old["delivery"].encode(), content)
        # Nor has the key any use for who gets at the ciphertext otherwise.
        stored = self.stored_file(self.old_file)
        identity = self.folder / "identity.txt"
        identity.write_text(attacker.identity + "\n", encoding="ascii")
        done = subprocess.run(["age", "--decrypt", "--identity", identity], input=stored, capture_output=True, timeout=60,
                              check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"no identity matched", done.stderr)
        self.assertEqual(rig.age_decrypt(self.phone.path / "key.txt", stored), rig.CT.read_bytes())

    def assert_nothing_reached(self, attacker):
        count = self.gateway.sql(f"SELECT count(*) FROM delivery_recipient WHERE recipient = '{attacker.recipient}'")
        self.assertEqual(count.strip(), "0")

    # --- The surgeon has devices

    def test_the_surgeons_devices_are_told_and_any_of_them_vetoes(self):
        attacker = self.attacker()
        for own in (self.phone, self.laptop):
            for _ in range(2):  # with every command while it waits
                told = own.notices("list")
                self.assertIn("a new device is going to be yours", told)
                self.assertIn("letterbox device revoke " + attacker.key.id, told)
        self.laptop.letterbox("device", "revoke", attacker.key.id)
        self.assertEqual(attacker.request("GET", "/v1/self")[0], 401)
        # The veto holds when the day is over.
        self.let_a_day_go_by()
        self.assertEqual(attacker.request("GET", "/v1/inbox")[0], 401)
        self.assertEqual(self.phone.devices()[attacker.key.id], "revoked")
        self.assertEqual(self.sealed_for(self.sender.send(self.surgeon)), self.own | {self.sender.recipient})
        self.assert_nothing_reached(attacker)

    def test_while_it_waits_nothing_is_sealed_for_it_and_it_gets_nothing(self):
        attacker = self.attacker()
        self.assertEqual(self.sealed_for(self.sender.send(self.surgeon)), self.own | {self.sender.recipient})
        self.sender.letterbox("send", rig.CT, "--to", self.surgeon, "--seal-at-gateway")
        self.gateway.deposit(rig.CT, "application/dicom", self.surgeon)
        self.assert_nothing_reached(attacker)
        self.assertEqual(attacker.request("GET", "/v1/inbox")[0], 404)
        # And it has no say about the devices that are in its way.
        victim = device.Device(self.gateway, self.surgeon)
        victim.made = json.loads(base64.b64decode(json.loads(
            (self.phone.path / "device.json").read_text(encoding="ascii"))["payload"]))
        victim.key.id = self.phone.fingerprint
        self.assertEqual(attacker.file(victim, attacker.revocation(victim))[0], 404)
        self.assert_old_content_is_unreadable(attacker)

    def test_once_it_has_waited_senders_are_stopped_until_they_trust_it(self):
        attacker = self.attacker(waited=True)
        self.assertEqual(self.state(attacker), "active")
        self.assertIn(attacker.key.id, self.phone.notices("list"))
        self.assert_sender_is_stopped(attacker)
        # What the surgeon reads out is another fingerprint.
        self.fails(5, self.sender, "trust", self.surgeon, "--fingerprint", self.phone.fingerprint)
        self.assert_sender_is_stopped(attacker)
        self.assert_nothing_reached(attacker)
        self.assert_old_content_is_unreadable(attacker)

        # Late is not too late for a veto, and then there is nothing to ask about any more.
        self.phone.letterbox("device", "revoke", attacker.key.id)
        self.assertEqual(self.sealed_for(self.sender.send(self.surgeon)), self.own | {self.sender.recipient})
        self.assertEqual(attacker.request("GET", "/v1/self")[0], 401)

    def test_a_sender_who_trusts_it_seals_for_it_and_what_was_sent_before_stays_closed(self):
        attacker = self.attacker(waited=True)
        self.sender.letterbox("trust", self.surgeon, "--fingerprint", attacker.key.id)
        self.assertIn(attacker.recipient, self.sealed_for(self.sender.send(self.surgeon)))
        self.assert_old_content_is_unreadable(attacker)

    def test_a_machine_has_no_client_that_would_stop_it(self):
        """What the threat model says remains: the gateway seals for the devices that it goes by."""
        attacker = self.attacker(waited=True)
        file = self.gateway.deposit(rig.CT, "application/dicom", self.surgeon)["file"]
        self.assertEqual(attacker.request("GET", "/v1/files/" + file)[0], 200)
        self.phone.letterbox("device", "revoke", attacker.key.id)
        self.assertEqual(attacker.request("GET", "/v1/files/" + file)[0], 401)

    # --- The administrator has taken the surgeon's devices away

    def test_with_the_surgeons_devices_revoked_it_waits_all_the_same(self):
        self.revoke_the_surgeons_own()
        attacker = self.attacker()
        self.assertEqual(self.state(attacker), "waiting")
        # Nobody is left to veto; the surgeon notices that nothing works any more.
        for own in (self.phone, self.laptop):
            self.assertIn("401", self.fails(4, own, "list"))
        message = self.fails(1, self.sender, "send", rig.CT, "--to", self.surgeon)
        self.assertIn("was revoked", message)
        self.assertIn("no device of theirs is active", message)
        self.assert_nothing_reached(attacker)
        self.assert_old_content_is_unreadable(attacker)

    def test_with_the_surgeons_devices_revoked_senders_are_stopped_once_it_has_waited(self):
        self.revoke_the_surgeons_own()
        attacker = self.attacker(waited=True)
        self.assertEqual(self.state(attacker), "active")
        self.assert_sender_is_stopped(attacker)
        self.assert_nothing_reached(attacker)
        self.assert_old_content_is_unreadable(attacker)

    def test_without_a_wait_it_never_becomes_the_surgeons(self):
        """As a further device it would need a cosignature, and as a first one it comes too late."""
        self.revoke_the_surgeons_own()
        invitation = json.loads(self.gateway.invitation(self.surgeon).read_text(encoding="ascii"))["invitation"]
        attacker = device.Device(self.gateway, self.surgeon).enrolled(invitation)
        self.assertEqual(attacker.state, "unvouched")
        self.let_a_day_go_by()
        self.assertEqual(self.state(attacker), "unvouched")

    # --- The gateway itself lies

    def test_a_gateway_that_puts_it_first_stops_senders_too(self):
        """Whoever writes the directory's table makes the attacker the first device of all, and forgets the surgeon's."""
        attacker = device.Device(self.gateway, self.surgeon)
        invitation = json.loads(self.gateway.invitation(self.surgeon).read_text(encoding="ascii"))["invitation"]
        attacker.enrolled(invitation)
        self.gateway.sql("UPDATE device SET position = -(SELECT next_position FROM tenant WHERE id = device.tenant_id)"
                         f" WHERE recipient = '{attacker.recipient}'")
        self.assertEqual(self.state(attacker), "active")
        message = self.fails(5, self.sender, "send", rig.CT, "--to", self.surgeon)
        self.assertIn(attacker.key.id, message)
        self.assert_nothing_reached(attacker)
        self.assert_old_content_is_unreadable(attacker)


if __name__ == "__main__":
    unittest.main()
