"""The letterbox program against the real gateway: what it refuses, says and leaves behind."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import rig  # noqa: E402

BOB = "bob@hospital.example"
MEMORY_BOUND = 64 * rig.MIB


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene("ada@hospital.example", BOB)
        cls.gateway, cls.ada, cls.bob = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)
        cls.place = cls.gateway.data.parent

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="", dir=self.place))
        self.folder.chmod(0o711)

    def send(self, *files, options=()):
        return json.loads(self.ada.letterbox("--json", "send", *files, "--to", BOB, *options).stdout)

    def fails(self, code, person, *arguments, **options):
        done = person.letterbox(*arguments, check=False, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertTrue(done.stderr.startswith(b"letterbox: "), done.stderr)
        self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
        return done.stderr.decode()

    def large(self, mebibytes=2048):
        path = self.folder / "large.dcm"
        with open(path, "wb") as file:
            file.write(rig.dicom_head(mebibytes * rig.MIB))
            file.truncate(file.tell() + mebibytes * rig.MIB)
        return path

    def test_an_early_refusal_is_told_as_what_it_is(self):
        # More than all buffers on the way hold, and a life that no delivery has.
        large = self.large(512)
        message = self.fails(5, self.ada, "send", large, "--to", BOB, "--seal-at-gateway", "--expires", "9000d")
        self.assertIn("400", message)

    def test_what_the_gateway_is_to_seal_is_a_file(self):
        self.assertIn("standard input", self.fails(2, self.ada, "send", "-", "--to", BOB, "--seal-at-gateway",
                                                   input=rig.CT.read_bytes()))

    def test_sealed_files_are_kept_with_their_cover_for_later(self):
        sent = self.send(rig.CT, rig.ULTRASOUND)
        self.bob.letterbox("get", sent["delivery"], "--sealed", "--output-dir", self.folder)
        for file, original in zip(sent["files"], (rig.CT, rig.ULTRASOUND)):
            sealed = self.folder / (file["file"] + ".age")
            self.assertTrue((self.folder / (sealed.name + ".cover.json")).exists())
            self.assertEqual(rig.age_decrypt(self.bob.key_file, sealed.read_bytes()), original.read_bytes())
            done = self.bob.letterbox("--json", "open", sealed, "-o", self.folder / "opened", "--force")
            self.assertEqual(json.loads(done.stdout)["sender"], "ada@hospital.example")
            self.assertEqual((self.folder / "opened").read_bytes(), original.read_bytes())

    def test_a_delivery_comes_out_under_its_files_names_and_never_over_others(self):
        sent = self.send(rig.CT, rig.ULTRASOUND)
        self.bob.letterbox("get", sent["delivery"], "--output-dir", self.folder)
        names = sorted(path.name for path in self.folder.iterdir())
        self.assertEqual(names, sorted((rig.CT.name, rig.ULTRASOUND.name)))
        self.fails(1, self.bob, "get", sent["delivery"], "--output-dir", self.folder)
        self.fails(2, self.bob, "get", sent["delivery"], "-o", self.folder / "one")
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), names)
        self.bob.letterbox("get", sent["delivery"], "--output-dir", self.folder, "--force")

    def test_a_sender_who_is_not_known_is_refused_and_the_others_shown(self):
        sent = self.send(rig.CT)
        plain = self.gateway.deposit(rig.CT, "application/dicom", BOB)
        self.bob.letterbox("recipient", "remove", "ada@hospital.example")
        try:
            done = self.bob.letterbox("list", check=False)
            self.assertEqual(done.returncode, 5)
            self.assertIn(f"{sent['delivery']}  refused: cover signer".encode(), done.stdout)
            self.assertIn(f"{plain['delivery']}  from".encode(), done.stdout)
            self.assertIn("cover signer", self.fails(5, self.bob, "get", sent["delivery"], "-o", self.folder / "x"))
            self.assertEqual(list(self.folder.iterdir()), [])
        finally:
            self.bob.knows(self.ada)

    def test_what_was_asked_for_is_what_the_cover_says(self):
        sent = self.send(rig.CT, options=("--expires", "7d", "--no-copy"))
        self.assertEqual([recipient["handle"] for recipient in sent["recipients"]], [BOB])
        shown = json.loads(self.bob.letterbox("--json", "list").stdout)
        mine = next(delivery for delivery in shown["deliveries"] if delivery["delivery"] == sent["delivery"])
        self.assertEqual(mine["expires"], sent["expires"])
        self.assertEqual(mine["files"][0]["size"], rig.CT.stat().st_size)
        self.fails(6, self.ada, "get", sent["delivery"], "-o", self.folder / "x")

    def test_an_empty_file_arrives(self):
        empty = self.folder / "empty"
        empty.touch()
        sent = self.send(empty, options=("--attach",))
        self.assertEqual(self.bob.letterbox("get", sent["delivery"], "-o", "-").stdout, b"")

    def test_ids_that_are_not_there_are_three(self):
        self.fails(3, self.bob, "get", "01997d3c-59ff-7000-8000-000000000001")

    def test_a_gateway_with_another_certificate_is_not_talked_to(self):
        stranger = rig.Gateway(self.folder / "data").start()
        try:
            message = self.fails(7, self.ada, "--server", stranger.url, "send", rig.CT, "--to", BOB)
            self.assertIn("certificate", message)
            self.fails(7, self.ada, "--server", f"https://localhost.invalid:{stranger.port}", "list")
        finally:
            stranger.stop()

    def peak_of(self, command):
        """Runs letterbox; (its output, its peak memory in bytes)."""
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.dup2(write, 1)
            os.execv(command[0], command)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            output = pipe.read()
        _, status, usage = os.wait4(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)
        return output, usage.ru_maxrss * 1024

    def test_memory_stays_flat_however_large_the_file(self):
        size = 1024 if rig.FULL else 256
        large = self.large(size)
        program = [str(rig.BINARIES / "letterbox"), "--json", "--home"]
        sent, peak = self.peak_of(program + [str(self.ada.home), "send", str(large), "--to", BOB])
        self.assertLess(peak, MEMORY_BOUND)
        delivery = json.loads(sent)["delivery"]
        out = self.folder / "out"
        _, peak = self.peak_of(program + [str(self.bob.home), "get", delivery, "-o", str(out)])
        self.assertLess(peak, MEMORY_BOUND)
        rig.run("cmp", large, out)


class Interrupted(unittest.TestCase):
    def test_a_gateway_that_dies_is_a_network_error_and_leaves_nothing(self):
        with rig.scene("ada@hospital.example", BOB) as (gateway, ada, bob):
            command = [rig.BINARIES / "letterbox", "--home", ada.home, "send", "-", "--to", BOB]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as sending:
                # More than all buffers on the way hold, so the upload is well under way.
                sending.stdin.write(rig.dicom_head(64 * rig.MIB) + bytes(32 * rig.MIB))
                gateway.stop(signal.SIGKILL)
                with contextlib.suppress(BrokenPipeError):
                    sending.stdin.write(bytes(32 * rig.MIB))
                with contextlib.suppress(BrokenPipeError):
                    sending.stdin.close()
                message = sending.stderr.read()
            self.assertEqual(sending.returncode, 7, message)
            gateway.start()
            bob.letterbox("connect", gateway.trust)  # another port
            self.assertEqual(json.loads(bob.letterbox("--json", "list").stdout)["deliveries"], [])


if __name__ == "__main__":
    unittest.main()
