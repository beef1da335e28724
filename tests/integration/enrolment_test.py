"""Who is who, as the letterbox program sees it: devices come in, are confirmed, wait, are vetoed and revoked; and what
that means to who sends to them."""
import json
import os
import pathlib
import pty
import select
import tempfile
import unittest

import rig


class Home:
    """A letterbox home that is enrolled, or not."""

    def __init__(self, path, gateway):
        self.path = pathlib.Path(path)
        self.gateway = gateway

    def letterbox(self, *arguments, **options):
        return rig.run(rig.BINARIES / "letterbox", "--home", self.path, *arguments, **options)

    def login(self, invitation, *options):
        self.made = json.loads(self.letterbox("--json", "login", invitation, "--no-passphrase", *options).stdout)
        self.fingerprint, self.words = self.made["fingerprint"], self.made["words"]
        self.recipient = self.made["recipient"]
        return self

    def devices(self):
        shown = json.loads(self.letterbox("--json", "device", "list").stdout)["devices"]
        return {device["fingerprint"]: device["state"] for device in shown}

    def notices(self, *arguments):
        """What a command says on standard error besides its result."""
        return self.letterbox(*arguments).stderr.decode()

    def send(self, *to):
        whom = [part for handle in to for part in ("--to", handle)]
        return json.loads(self.letterbox("--json", "send", rig.CT, *whom).stdout)

    def received(self):
        return [one["delivery"] for one in json.loads(self.letterbox("--json", "list").stdout)["deliveries"]]


class Enrolment(rig.OnOneGateway):
    """Each test has people of its own on one gateway."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="", dir=self.place))
        self.folder.chmod(0o711)
        name = self.id().rpartition(".")[2][-40:].strip("_")
        self.ada = f"ada-{name}@hospital.example"
        self.bob = f"bob-{name}@hospital.example"

    def home(self, name):
        return Home(self.folder / name, self.gateway)

    def first(self, handle, name="first"):
        return self.home(name).login(self.gateway.invitation(handle))

    def second(self, first, name="second"):
        """A further device of the same person, let in by an invitation of their first, not confirmed yet."""
        invitation = self.folder / f"{name}.json"
        first.letterbox("device", "invite", "--output", invitation)
        return self.home(name).login(invitation)

    def fails(self, code, home, *arguments, **options):
        done = home.letterbox(*arguments, check=False, **options)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        return done.stderr.decode()

    # --- Coming in

    def test_an_invitation_lets_one_device_in(self):
        invitation = self.gateway.invitation(self.ada)
        first = self.home("first").login(invitation)
        self.assertEqual((first.made["handle"], first.made["state"]), (self.ada, "active"))
        self.assertEqual(first.devices(), {first.fingerprint: "active"})
        self.assertEqual(first.letterbox("list").stderr, b"")
        other = self.home("other")
        self.assertIn("invitation", self.fails(3, other, "login", invitation, "--no-passphrase"))

    def test_a_login_whose_answer_was_lost_is_finished_by_another(self):
        invitation = self.gateway.invitation(self.ada)
        first = self.home("first").login(invitation)
        again = json.loads(first.letterbox("--json", "login", invitation).stdout)
        self.assertEqual(again, first.made)

    def test_a_second_device_is_its_owners_once_a_first_one_confirms_it(self):
        first = self.first(self.ada)
        second = self.second(first)
        self.assertEqual(second.made["state"], "unvouched")
        self.assertIn("confirm " + second.fingerprint, self.fails(4, second, "list"))
        told = first.notices("list")
        self.assertIn(second.fingerprint, told)
        self.assertIn(second.words, told)

        first.letterbox("device", "confirm", second.words)
        self.assertEqual(second.received(), [])
        self.assertEqual(first.devices(), {first.fingerprint: "active", second.fingerprint: "active"})
        self.assertEqual(first.notices("list"), "")
        # The second device doesn't take the first one's word about itself for the truth.
        self.assertIn("trust " + self.ada, second.notices("list"))
        second.letterbox("trust", self.ada, "--fingerprint", first.fingerprint)
        self.assertEqual(second.notices("list"), "")

    def test_an_invitation_file_is_private_and_never_goes_into_a_pipe(self):
        first = self.first(self.ada)
        self.fails(2, first, "device", "invite")
        file = self.folder / "invitation.json"
        first.letterbox("device", "invite", "--output", file)
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.fails(1, first, "device", "invite", "--output", file)

    # --- Going

    def test_a_revoked_device_gets_401_and_nothing_more_is_sealed_for_it(self):
        first = self.first(self.ada)
        second = self.second(first)
        first.letterbox("device", "confirm", second.fingerprint)
        bob = self.first(self.bob, "bob")
        bob.letterbox("trust", self.ada, "--fingerprint", first.fingerprint)
        self.assertEqual(len(bob.send(self.ada)["recipients"]), 3)

        first.letterbox("device", "revoke", second.fingerprint)
        self.assertEqual(first.devices()[second.fingerprint], "revoked")
        self.assertIn("401", self.fails(4, second, "list"))
        done = bob.letterbox("--json", "send", rig.CT, "--to", self.ada)
        self.assertIn("revoked", done.stderr.decode())
        sealed_for = {one["recipient"] for one in json.loads(done.stdout)["recipients"]}
        self.assertEqual(sealed_for, {first.recipient, bob.recipient})
        # It is said once.
        self.assertEqual(bob.notices("send", rig.CT, "--to", self.ada), "")

    def test_an_owner_is_told_of_a_replacement_and_can_veto_it(self):
        first = self.first(self.ada)
        thief = self.home("thief").login(self.gateway.invitation(self.ada), "--replace")
        self.assertEqual(thief.made["state"], "waiting")
        self.assertIn(thief.made["waits_until"], self.fails(4, thief, "list"))
        for _ in range(2):  # at each command while it waits
            told = first.notices("list")
            self.assertIn(thief.made["waits_until"], told)
            self.assertIn("device revoke " + thief.fingerprint, told)
        first.letterbox("device", "revoke", thief.fingerprint)
        self.assertEqual(first.notices("list"), "")
        self.assertIn("401", self.fails(4, thief, "list"))
        self.fails(1, first, "device", "confirm", thief.fingerprint)

    def test_a_waiting_replacement_is_never_sealed_for(self):
        first = self.first(self.ada)
        waiting = self.home("waiting").login(self.gateway.invitation(self.ada), "--replace")
        bob = self.first(self.bob, "bob")
        bob.letterbox("trust", self.ada, "--fingerprint", first.fingerprint)
        for home in (first, bob):
            sealed_for = {one["recipient"] for one in home.send(self.ada)["recipients"]}
            self.assertNotIn(waiting.recipient, sealed_for)

    def test_a_waiting_replacement_need_not_wait_if_an_earlier_device_confirms_it(self):
        first = self.first(self.ada)
        waiting = self.home("waiting").login(self.gateway.invitation(self.ada), "--replace")
        first.letterbox("device", "confirm", waiting.fingerprint)
        self.assertEqual(waiting.received(), [])

    # --- Sending

    def test_a_sender_is_stopped_until_the_fingerprint_was_compared(self):
        ada = self.first(self.ada)
        bob = self.first(self.bob, "bob")
        for how in ((), ("--seal-at-gateway",)):
            message = self.fails(5, bob, "send", rig.CT, "--to", self.ada, *how)
            for part in (ada.fingerprint, ada.words, "letterbox trust " + self.ada):
                self.assertIn(part, message)
        self.assertEqual(ada.received(), [])
        self.fails(5, bob, "trust", self.ada, "--fingerprint", bob.fingerprint)
        self.fails(5, bob, "send", rig.CT, "--to", self.ada)
        bob.letterbox("trust", self.ada, "--fingerprint", ada.words)
        sent = bob.send(self.ada)
        # And the other way round: ada doesn't know who this is from.
        self.assertIn("cover signer", self.fails(5, ada, "get", sent["delivery"], "-o", self.folder / "x"))
        ada.letterbox("trust", self.bob, "--fingerprint", bob.fingerprint)
        ada.letterbox("get", sent["delivery"], "-o", self.folder / "x")
        self.assertEqual((self.folder / "x").read_bytes(), rig.CT.read_bytes())

    def test_a_device_that_a_known_one_vouches_for_is_a_notice(self):
        first = self.first(self.ada)
        bob = self.first(self.bob, "bob")
        bob.letterbox("trust", self.ada, "--fingerprint", first.fingerprint)
        second = self.second(first)
        first.letterbox("device", "confirm", second.fingerprint)
        done = bob.letterbox("--json", "send", rig.CT, "--to", self.ada)
        notice = json.loads(done.stderr.decode())["notice"]
        self.assertIn(second.fingerprint, notice)
        self.assertIn(second.recipient, {one["recipient"] for one in json.loads(done.stdout)["recipients"]})
        self.assertEqual(bob.notices("send", rig.CT, "--to", self.ada), "")

    def test_a_reader_gets_to_know_a_senders_further_device(self):
        first = self.first(self.ada)
        bob = self.first(self.bob, "bob")
        bob.letterbox("trust", self.ada, "--fingerprint", first.fingerprint)
        second = self.second(first)
        first.letterbox("device", "confirm", second.fingerprint)
        second.letterbox("trust", self.bob, "--fingerprint", bob.fingerprint)
        sent = second.send(self.bob)
        done = bob.letterbox("--json", "list")
        self.assertIn(second.fingerprint, done.stderr.decode())
        self.assertEqual([one["delivery"] for one in json.loads(done.stdout)["deliveries"]], [sent["delivery"]])
        # What it sent before it was revoked can be read, and is marked.
        first.letterbox("device", "revoke", second.fingerprint)
        bob.letterbox("send", rig.CT, "--to", self.ada)
        done = bob.letterbox("get", sent["delivery"], "-o", self.folder / "x")
        self.assertIn(b"revoked since", done.stdout)

    def test_a_ghost_that_an_administrator_lets_in_stops_the_sender(self):
        """Somebody with the gateway's help revokes the real device and enrols another one in its place."""
        ada = self.first(self.ada)
        bob = self.first(self.bob, "bob")
        bob.letterbox("trust", self.ada, "--fingerprint", ada.fingerprint)
        self.gateway.admin("admin", "device", "revoke", ada.fingerprint)
        ghost = self.home("ghost").login(self.gateway.invitation(self.ada), "--replace")
        message = self.fails(1, bob, "send", rig.CT, "--to", self.ada)
        self.assertIn("revoked", message)
        self.assertNotIn(ghost.recipient, message)
        self.assertIn("401", self.fails(4, ada, "list"))

    def test_everybody_else_is_unknown(self):
        bob = self.first(self.bob, "bob")
        self.fails(3, bob, "send", rig.CT, "--to", "nobody-at-all@hospital.example")
        self.fails(3, bob, "trust", "nobody-at-all@hospital.example")
        self.fails(3, bob, "device", "revoke", "0" * 64)

    # --- Somebody who isn't enrolled yet

    def test_a_letter_for_somebody_not_enrolled_is_held_and_sent_on_after_trust(self):
        bob = self.first(self.bob, "bob")
        self.assertIn("--invite", self.fails(3, bob, "send", rig.CT, "--to", self.ada))
        invitation = self.folder / "invitation.json"
        done = bob.letterbox("--json", "send", rig.CT, rig.ULTRASOUND, "--to", self.ada, "--invite", invitation,
                             "--expires", "2d")
        held = json.loads(done.stdout)
        self.assertEqual([one["recipient"] for one in held["recipients"]], [bob.recipient])
        self.assertIn("held for " + self.ada, done.stderr.decode())
        self.assertEqual(invitation.stat().st_mode & 0o777, 0o600)
        self.assertEqual(bob.notices("list"), "")

        ada = self.home("ada").login(invitation)
        self.assertEqual(ada.made["handle"], self.ada)
        self.assertIn("trust " + self.ada, bob.notices("list"))
        self.fails(5, bob, "trust", self.ada, "--fingerprint", bob.fingerprint)
        self.assertEqual(ada.received(), [])

        done = json.loads(bob.letterbox("--json", "trust", self.ada, "--fingerprint", ada.fingerprint).stdout)
        ada.letterbox("trust", self.bob, "--fingerprint", bob.fingerprint)
        self.assertEqual(ada.received(), done["sent_on"])
        ada.letterbox("get", done["sent_on"][0], "--output-dir", self.folder)
        contents = {path.read_bytes() for path in self.folder.glob("*.dcm")}
        self.assertEqual(contents, {rig.CT.read_bytes(), rig.ULTRASOUND.read_bytes()})
        shown = json.loads(ada.letterbox("--json", "list").stdout)["deliveries"]
        self.assertEqual([one["expires"] for one in shown], [held["expires"]])
        # It is the held one, shared, and nothing is sent twice.
        self.assertEqual(done["sent_on"], [held["delivery"]])
        self.assertEqual(json.loads(bob.letterbox("--json", "trust", self.ada).stdout)["sent_on"], [])
        self.assertEqual(bob.notices("list"), "")

    def test_a_held_letter_that_is_gone_is_forgotten(self):
        bob = self.first(self.bob, "bob")
        invitation = self.folder / "invitation.json"
        held = json.loads(bob.letterbox("--json", "send", rig.CT, "--to", self.ada, "--invite", invitation).stdout)
        ada = self.home("ada").login(invitation)
        bob.letterbox("delete", held["delivery"])
        done = bob.letterbox("--json", "trust", self.ada, "--fingerprint", ada.fingerprint)
        self.assertEqual(json.loads(done.stdout)["sent_on"], [])
        self.assertIn(held["delivery"], done.stderr.decode())
        self.assertEqual(bob.letterbox("trust", self.ada).stderr, b"")

    # --- Deleting

    def test_a_sender_can_have_a_delivery_forgotten_and_nobody_else_can(self):
        ada = self.first(self.ada)
        bob = self.first(self.bob, "bob")
        bob.letterbox("trust", self.ada, "--fingerprint", ada.fingerprint)
        ada.letterbox("trust", self.bob, "--fingerprint", bob.fingerprint)
        sent = bob.send(self.ada)
        self.fails(3, ada, "delete", sent["delivery"])
        ada.letterbox("get", sent["delivery"], "-o", self.folder / "before")
        bob.letterbox("delete", sent["delivery"])
        self.fails(3, ada, "get", sent["delivery"], "-o", self.folder / "after")

    # --- Clocks

    def test_a_clock_that_is_wrong_is_told_by_how_much(self):
        first = self.first(self.ada)
        for shift, said in (("-10m", "minutes behind"), ("+3h", "ahead of")):
            done = rig.run("faketime", "-f", shift, rig.BINARIES / "letterbox", "--home", first.path, "list", check=False)
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertIn("this device's clock is", done.stderr.decode())
            self.assertIn(said, done.stderr.decode())

    # --- On a terminal

    def converse(self, home, command, answer):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(rig.BINARIES / "letterbox", ["letterbox", "--home", str(home.path), *command])
        shown, answered = b"", False
        try:
            while True:
                ready, _, _ = select.select([terminal], [], [], 60)
                self.assertTrue(ready, shown)
                try:
                    piece = os.read(terminal, 4096)
                except OSError:  # how Linux says that the other end has closed
                    break
                if not piece:
                    break
                shown += piece
                if shown.endswith(b"[y/N]: ") and not answered:
                    answered = True
                    os.write(terminal, answer + b"\n")
        finally:
            os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()

    def test_trust_shows_what_to_compare_and_takes_a_yes_alone(self):
        ada = self.first(self.ada)
        bob = self.first(self.bob, "bob")
        for answer in (b"", b"n", b"Y?", b"what"):
            code, shown = self.converse(bob, ["trust", self.ada], answer)
            self.assertEqual(code, 5, shown)
            self.assertIn(ada.fingerprint, shown)
            self.assertIn(ada.words, shown)
        self.fails(5, bob, "send", rig.CT, "--to", self.ada)
        code, shown = self.converse(bob, ["trust", self.ada], b"y")
        self.assertEqual(code, 0, shown)
        bob.send(self.ada)


if __name__ == "__main__":
    unittest.main()
