"""Deliveries shared on, taken back and looked after: the letterbox program against the real gateway, and against
recipients and gateways who don't keep to the rules."""
import base64
import hashlib
import json
import os
import pathlib
import sys
import tempfile
import unittest
import uuid

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "integration"), str(TESTS / "vectors" / "format")]
import device  # noqa: E402
import make  # noqa: E402
import rig  # noqa: E402

ADA, BOB, CAROL, DAVE = (name + "@hospital.example" for name in ("ada", "bob", "carol", "dave"))
COVER = "application/vnd.letterbox.cover.v1+json"
CHANGE = "application/vnd.letterbox.recipients"


def point_of(recipient):
    """The 32 bytes of an age1… string (BIP 173), its checksum unread."""
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    number = 0
    for letter in recipient[4:-6]:
        number = number << 5 | alphabet.index(letter)
    return (number >> 4).to_bytes(32, "big")


class Sharing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene(ADA, BOB, CAROL, DAVE)
        cls.gateway, cls.ada, cls.bob, cls.carol, cls.dave = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="", dir=self.gateway.data.parent))
        self.folder.chmod(0o711)

    def send(self, *files, to=BOB, options=()):
        return json.loads(self.ada.letterbox("--json", "send", *files, "--to", to, *options).stdout)

    def json(self, person, *arguments, code=0):
        done = person.letterbox("--json", *arguments, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def fails(self, code, person, *arguments):
        """What it says on standard error; and that it leaves no file."""
        before = sorted(self.folder.rglob("*"))
        done = person.letterbox(*arguments, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(sorted(self.folder.rglob("*")), before)
        return done.stderr.decode()

    def get(self, person, delivery, *options):
        """(contents, standard error)"""
        out = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        done = person.letterbox("get", delivery, "--output-dir", out, *options)
        return {path.read_bytes() for path in out.iterdir()}, done.stderr.decode()

    def delivery(self, person, delivery):
        status, _, content = person.request("GET", "/v1/deliveries/" + delivery)
        self.assertEqual(status, 200, content)
        return json.loads(content)

    def cover_after(self, delivery, person, change):
        """(envelope, payload bytes, points) of a next cover that `person` signs."""
        last = base64.b64decode(self.delivery(person, delivery)["covers"][-1]["payload"])
        cover = json.loads(last)
        cover["version"] += 1
        cover["previous"] = device.b64(hashlib.sha256(last).digest())
        cover["random"] = device.b64(os.urandom(16))
        cover["created"] = device.time_text(device.now())
        cover["recipients"] = change(cover["recipients"])
        envelope = person.signing_key.envelope(COVER, cover)
        return envelope, base64.b64decode(envelope["payload"]), [
            point_of(one["recipient"]) for one in cover["recipients"]]

    def put_garbage(self, delivery, person, added):
        """A change whose headers are made with care, for other file keys than the files'; its status."""
        more = [{"handle": added.handle, "recipient": added.recipient, "log_index": None}]
        envelope, payload, points = self.cover_after(delivery, person, lambda recipients: recipients + more)
        version = json.loads(payload)["version"]

        def header():
            return make.header_of(key := os.urandom(16), make.stanzas_of(
                key, hashlib.sha256(payload).digest(), points)).encode()

        body = make.framed(json.dumps(envelope, separators=(",", ":")).encode())
        manifest = json.loads(base64.b64decode(self.delivery(person, delivery)["manifest"]["payload"]))
        indexed = {one["id"] for one in manifest["indexes"]}
        for one in sorted(manifest["files"], key=lambda one: one["id"]):
            body += uuid.UUID(one["id"]).bytes + make.framed(header())
            body += make.framed(header() if one["id"] in indexed else b"")
        fields = person.signing_key.fields("PUT", f"{self.gateway.url}/v1/deliveries/{delivery}/recipients", body, CHANGE)
        fields.pop("Content-Type")
        return self.gateway.request("PUT", f"/v1/deliveries/{delivery}/recipients", body, CHANGE,
                                    [f"{k}: {v}" for k, v in fields.items()] + [f'If-Match: "v{version - 1}"'])[0]

    # --- share

    def test_a_recipient_shares_on_and_the_newcomer_opens_everything(self):
        sent = self.send(rig.CT, rig.ULTRASOUND)["delivery"]
        self.fails(3, self.carol, "get", sent, "--output-dir", self.folder)
        shared = self.json(self.bob, "share", sent, "--to", CAROL)
        self.assertEqual((shared["version"], [one["handle"] for one in shared["added"]], shared["dropped"]),
                         (2, [CAROL], []))
        contents = {rig.CT.read_bytes(), rig.ULTRASOUND.read_bytes()}
        for person in (self.carol, self.bob, self.ada):
            self.assertEqual(self.get(person, sent)[0], contents)
        listed = next(one for one in self.json(self.carol, "list")["deliveries"] if one["delivery"] == sent)
        self.assertEqual((listed["version"], listed["shared_by"], listed["sender"]), (2, [BOB], ADA))
        # And again is no change.
        again = self.json(self.bob, "share", sent, "--to", CAROL)
        self.assertEqual((again["version"], again["added"]), (2, []))

    def test_stock_age_opens_what_was_shared_on(self):
        sent = self.send(rig.CT)
        self.bob.letterbox("share", sent["delivery"], "--to", CAROL)
        self.carol.letterbox("get", sent["delivery"], "--sealed", "--output-dir", self.folder)
        sealed = self.folder / (sent["files"][0]["file"] + ".age")
        self.assertEqual(rig.age_decrypt(self.carol.key_file, sealed.read_bytes()), rig.CT.read_bytes())
        # With its covers beside it, it opens offline, too.
        self.carol.letterbox("open", sealed, "-o", self.folder / "opened")
        self.assertEqual((self.folder / "opened").read_bytes(), rig.CT.read_bytes())

    def test_what_a_gateway_sealed_is_shared_on_by_who_got_it(self):
        sent = self.gateway.deposit(rig.CT, "application/dicom", BOB)["delivery"]
        self.bob.letterbox("share", sent, "--to", CAROL)
        self.assertEqual(self.get(self.carol, sent)[0], {rig.CT.read_bytes()})

    def stranger(self, name):
        """Somebody enrolled whom nobody here knows."""
        handle = f"{name}-{uuid.uuid4().hex[:8]}@hospital.example"
        return rig.Person(self.folder / name, handle, self.gateway)

    def test_who_shared_it_on_needs_not_be_known_and_is_named(self):
        sent = self.send(rig.CT)
        id = sent["delivery"]
        self.bob.letterbox("share", id, "--to", CAROL)
        self.carol.letterbox("recipient", "remove", BOB)
        try:
            read, message = self.get(self.carol, id)
            self.assertEqual(read, {rig.CT.read_bytes()})
            self.assertIn(f"version 2 of the recipients of {id} was made by a device of {BOB} that isn't known here",
                          message)
            self.assertIn(f"letterbox trust {BOB}", message)
            listed = next(one for one in self.json(self.carol, "list")["deliveries"] if one["delivery"] == id)
            self.assertEqual(listed["shared_by"], [BOB + " (a device that isn't known here)"])
            # What was kept sealed opens offline, too.
            self.carol.letterbox("get", id, "--sealed", "--output-dir", self.folder)
            self.carol.letterbox("open", self.folder / (sent["files"][0]["file"] + ".age"), "-o", self.folder / "opened")
            # She is herself whom he added, so there is nobody to ask about.
            self.assertEqual(self.json(self.carol, "share", id, "--to", DAVE)["version"], 3)
        finally:
            self.carol.knows(self.bob)

    def test_nothing_is_sealed_for_whom_only_strangers_added(self):
        eve, frank = self.stranger("eve"), self.stranger("frank")
        for one, others in ((self.bob, [eve]), (eve, [self.ada, self.bob, frank]), (frank, [self.ada])):
            one.knows(*others)
        sent = self.send(rig.CT, options=("--to", DAVE))["delivery"]
        contents = {rig.CT.read_bytes()}
        self.bob.letterbox("share", sent, "--to", eve.handle)
        eve.letterbox("share", sent, "--to", frank.handle)
        # The sender reads it, and sees who is there by whom.
        read, message = self.get(self.ada, sent)
        self.assertEqual(read, contents)
        self.assertIn(eve.handle, message)
        shown = self.json(self.ada, "sent", sent)["deliveries"][0]["devices"]
        self.assertEqual({one["handle"]: one["vouched"] for one in shown},
                         {ADA: True, BOB: True, DAVE: True, eve.handle: True, frank.handle: False})
        # Nobody passes it on to Frank unasked,
        message = self.fails(5, self.ada, "share", sent, "--to", CAROL)
        for part in ('"recipients vouched for"', frank.handle, f"letterbox trust {eve.handle}",
                     f"letterbox unshare --from {frank.recipient}"):
            self.assertIn(part, message)
        # nor can one who may not drop him,
        self.assertNotIn("unshare", self.fails(5, self.dave, "share", sent, "--to", CAROL))
        # but who names him does,
        self.bob.knows(frank)
        self.bob.letterbox("share", sent, "--to", frank.handle, "--to", CAROL)
        self.assertEqual(self.get(frank, sent)[0], contents)
        self.assertTrue(all(one["vouched"] for one in self.json(self.ada, "sent", sent)["deliveries"][0]["devices"]))

    def test_a_sender_drops_somebody_whatever_strangers_made_of_the_list(self):
        eve, frank = self.stranger("eve"), self.stranger("frank")
        for one, others in ((self.bob, [eve]), (eve, [self.ada, self.bob, frank])):
            one.knows(*others)
        sent = self.send(rig.CT)["delivery"]
        self.bob.letterbox("share", sent, "--to", eve.handle)
        eve.letterbox("share", sent, "--to", frank.handle)
        done = self.json(self.ada, "unshare", sent, "--from", BOB)
        self.assertEqual({one["handle"] for one in done["dropped"]}, {BOB, frank.handle})
        self.fails(3, frank, "get", sent, "--output-dir", self.folder)
        self.json(self.ada, "revoke", sent)

    def test_a_device_that_a_gateway_makes_up_lets_nobody_in(self):
        """A record in Bob's name, with his public age key and a signing key of the gateway's own, which then signs that
        the delivery is for somebody else, too."""
        sent = self.send(rig.CT)["delivery"]
        spy = self.gateway.invited(f"spy-{uuid.uuid4().hex[:8]}@hospital.example")
        forged = device.Device(self.gateway, BOB)
        forged.recipient = self.bob.recipient
        forged.signing_key = forged.key
        bobs = f"WHERE recipient = '{self.bob.recipient}'"
        self.gateway.sql(f"CREATE TABLE kept AS SELECT * FROM device {bobs}")
        record = json.dumps(forged.record(), separators=(",", ":")).encode().hex()
        self.gateway.sql(f"UPDATE device SET record = '\\x{record}', key_id = '{forged.key.id}',"
                         f" signing_key = '{device.b64(forged.key.public)}' {bobs}")
        try:
            self.assertEqual(self.put_garbage(sent, forged, spy), 200)
            read, message = self.get(self.ada, sent)
            self.assertEqual(read, {rig.CT.read_bytes()})
            self.assertIn(f"version 2 of the recipients of {sent} was made by a device of {BOB} that isn't known", message)
            self.assertIn(spy.handle, message)
            message = self.fails(5, self.ada, "share", sent, "--to", CAROL)
            self.assertIn(spy.recipient, message)
            self.assertIn('"recipients vouched for"', message)
            self.json(self.ada, "device", "sync", code=0)
            self.assertEqual(len(self.delivery(self.ada, sent)["covers"]), 2)
            done = self.json(self.ada, "unshare", sent, "--from", spy.recipient)
            self.assertEqual([one["handle"] for one in done["dropped"]], [spy.handle])
        finally:
            self.gateway.sql("UPDATE device SET record = kept.record, key_id = kept.key_id, signing_key = kept.signing_key"
                             " FROM kept WHERE device.recipient = kept.recipient; DROP TABLE kept")
        self.assertEqual(spy.request("GET", "/v1/deliveries/" + sent)[0], 404)
        self.assertEqual(self.get(self.ada, sent)[0], {rig.CT.read_bytes()})

    def test_a_revoked_device_gets_no_new_stanza(self):
        gone = self.gateway.invited(f"gone-{uuid.uuid4().hex[:8]}@hospital.example")
        record = self.folder / "gone.json"
        record.write_text(json.dumps(gone.record()), encoding="ascii")
        self.ada.letterbox("recipient", "add", record)
        sent = json.loads(self.ada.letterbox("--json", "send", rig.CT, "--to", BOB, "--to", gone.handle).stdout)["delivery"]
        self.assertEqual(gone.file(gone, gone.revocation(gone))[0], 201)
        done = self.json(self.ada, "share", sent, "--to", CAROL)
        self.assertEqual(([one["handle"] for one in done["added"]], [one["handle"] for one in done["dropped"]]),
                         ([CAROL], [gone.handle]))

    # --- unshare

    def test_the_sender_drops_anybody_and_a_recipient_themselves_alone(self):
        sent = self.send(rig.CT)["delivery"]
        self.bob.letterbox("share", sent, "--to", CAROL, "--to", DAVE)
        self.assertIn(ADA, self.fails(4, self.carol, "unshare", sent, "--from", BOB))
        self.get(self.bob, sent)
        dropped = self.json(self.ada, "unshare", sent, "--from", BOB)["dropped"]
        self.assertEqual([one["handle"] for one in dropped], [BOB])
        self.fails(3, self.bob, "get", sent, "--output-dir", self.folder)
        self.assertEqual(self.get(self.carol, sent)[0], {rig.CT.read_bytes()})
        self.carol.letterbox("unshare", sent, "--from", CAROL)
        self.fails(3, self.carol, "get", sent, "--output-dir", self.folder)
        self.assertEqual(self.get(self.dave, sent)[0], {rig.CT.read_bytes()})
        again = self.json(self.ada, "unshare", sent, "--from", CAROL)
        self.assertEqual((again["version"], again["dropped"]), (4, []), "as when the first answer got lost")
        self.fails(3, self.ada, "unshare", sent, "--from", "nobody@hospital.example")

    # --- Attackers

    def test_headers_that_open_nothing_lock_nobody_out(self):
        sent = self.send(rig.CT, rig.ULTRASOUND)["delivery"]
        contents = {rig.CT.read_bytes(), rig.ULTRASOUND.read_bytes()}
        self.bob.letterbox("share", sent, "--to", CAROL)
        # Twice, so that one step back isn't enough.
        self.assertEqual(self.put_garbage(sent, self.bob, self.dave), 200)
        self.assertEqual(self.put_garbage(sent, self.bob, self.gateway.invited("eve@hospital.example")), 200)
        read, message = self.get(self.ada, sent)
        self.assertEqual(read, contents)
        for version in (3, 4):
            self.assertIn(f"version {version} by {BOB}", message)
        # Nobody confirmed it by reading, so the good headers are still there for the others.
        self.assertEqual(self.get(self.carol, sent)[0], contents)
        listed = self.json(self.carol, "list")
        self.assertIn(sent, [one["delivery"] for one in listed["deliveries"]])
        # Who came in by it has nothing to fall back on.
        message = self.fails(5, self.dave, "get", sent, "--output-dir", self.folder)
        self.assertIn('"payload nonce"', message)
        # Sharing on from what still opens puts it right.
        self.ada.letterbox("unshare", sent, "--from", BOB)
        self.assertEqual(self.get(self.dave, sent)[0], contents)
        self.assertEqual(self.get(self.carol, sent), (contents, ""))

    def test_a_gateway_that_serves_an_old_version_is_found_out(self):
        sent = self.send(rig.CT)["delivery"]
        self.ada.letterbox("share", sent, "--to", CAROL)
        self.get(self.bob, sent)
        second = f"FROM cover WHERE delivery_id = '{sent}' AND version = 2"
        self.gateway.sql(f"CREATE TABLE kept AS SELECT * {second}; DELETE {second}")
        try:
            message = self.fails(5, self.bob, "get", sent, "--output-dir", self.folder)
            self.assertIn('"cover no older than seen"', message)
        finally:
            self.gateway.sql("INSERT INTO cover SELECT * FROM kept; DROP TABLE kept")
        self.get(self.bob, sent)

    # --- revoke, sent, receipts

    def test_states_are_told_device_by_device(self):
        sent = self.send(rig.CT)["delivery"]

        def states():
            shown = self.json(self.ada, "sent", sent)["deliveries"][0]
            return {one["handle"]: one["state"] for one in shown["devices"]}, shown

        self.assertEqual(states()[0], {ADA: "waiting", BOB: "waiting"})
        self.get(self.bob, sent, "--no-receipt")
        self.assertEqual(states()[0], {ADA: "waiting", BOB: "collected"})
        self.get(self.bob, sent)
        shown = states()[1]
        self.assertEqual(states()[0], {ADA: "waiting", BOB: "opened"})
        self.assertIsNotNone(next(one for one in shown["devices"] if one["handle"] == BOB)["opened"])
        self.assertIn(sent, [one["delivery"] for one in self.json(self.ada, "sent")["deliveries"]])
        self.assertEqual(self.json(self.bob, "sent", code=0)["refused"], [])

    def test_receipts_can_be_switched_off(self):
        sent = self.send(rig.CT, to=DAVE)["delivery"]
        self.assertEqual(self.json(self.dave, "receipts", "off"), {"receipts": False})
        try:
            self.get(self.dave, sent)
            shown = self.json(self.ada, "sent", sent)["deliveries"][0]
            self.assertEqual([one["state"] for one in shown["devices"] if one["recipient"] == self.dave.recipient],
                             ["collected"])
        finally:
            self.assertEqual(self.json(self.dave, "receipts", "on"), {"receipts": True})

    def test_what_is_taken_back_is_given_to_nobody_and_the_gateway_signs_for_that(self):
        sent = self.send(rig.CT)["delivery"]
        self.fails(3, self.bob, "revoke", sent)
        revoked = self.json(self.ada, "revoke", sent)
        self.assertEqual((revoked["delivery"], revoked["store"]), (sent, "live"))
        # Nobody told this gateway how long backups are kept, so it promises no date.
        self.assertIsNone(revoked["backups_lapse"])
        self.assertIn("has named no date", self.ada.letterbox("sent", sent).stdout.decode())
        self.fails(3, self.bob, "get", sent, "--output-dir", self.folder)
        # Again, it is the same receipt; and it was kept.
        self.assertEqual(self.json(self.ada, "revoke", sent)["receipt"], revoked["receipt"])
        kept = json.loads((self.ada.home / "deletions" / (sent + ".json")).read_text(encoding="ascii"))
        self.assertEqual(kept, revoked["receipt"])
        shown = self.json(self.ada, "sent", sent)["deliveries"][0]
        self.assertEqual((shown["state"], shown["deleted"]), ("revoked", revoked["deleted"]))
        self.assertEqual({one["state"] for one in shown["devices"]}, {"revoked"})

    # --- device sync

    def test_a_new_device_gets_what_came_before_it(self):
        sent = self.send(rig.CT, to=DAVE)["delivery"]
        invitation = self.folder / "invitation.json"
        self.dave.letterbox("device", "invite", "--output", invitation)
        home = self.folder / "phone"
        rig.run(rig.BINARIES / "letterbox", "--home", home, "login", invitation, "--no-passphrase")
        phone = device.SigningKey.of_home(home)
        self.dave.letterbox("device", "confirm", phone.id)

        def on_phone(*arguments, **options):
            return rig.run(rig.BINARIES / "letterbox", "--home", home, *arguments, **options)

        for person in (self.ada, self.dave):
            on_phone("recipient", "add", person.home / "device.json")
        self.assertEqual(json.loads(on_phone("--json", "list").stdout)["deliveries"], [])
        synced = self.json(self.dave, "device", "sync")
        self.assertIn(sent, synced["shared"])
        out = self.folder / "on-phone"
        out.mkdir()
        on_phone("get", sent, "--output-dir", out)
        self.assertEqual({path.read_bytes() for path in out.iterdir()}, {rig.CT.read_bytes()})
        self.assertEqual(self.json(self.dave, "device", "sync")["shared"], [])


if __name__ == "__main__":
    unittest.main()
