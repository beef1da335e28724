"""The recovery key: from the screen to paper, and from paper to what was sealed for it, with the real gateway."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import rig  # noqa: E402
from terminal_test import CTRL_C, converse  # noqa: E402

ADA, BOB = f"ada@{rig.TENANT}", f"bob@{rig.TENANT}"
QR_READER = pathlib.Path(__file__).with_name("qr_reader.mjs")
ENTER_SECOND_SCREEN, LEAVE_SECOND_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"
PAPER = re.compile(rb"LETTERBOX-RECOVERY-1\r?\n((?:[0-9A-Z]{2,4}[ \r\n]+){15})")
UNKNOWN = [b"GZ3P JMU4 08N7 8PK5 D7TU", b"7SA6 LPFA K6K4 TLXQ F068", b"UZQL AC70 079S YSGV SD"]


def lines_of(shown):
    """The three lines of the key that was shown last."""
    return [line.strip() for line in PAPER.findall(shown)[-1].strip().splitlines()]


def typed_back():
    return [b"", *(lambda shown, i=i: lines_of(shown)[i] for i in range(3))]


class Recovery(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene(ADA, BOB)
        cls.gateway, cls.ada, cls.bob = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)
        cls.place = cls.gateway.data.parent

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="", dir=self.place))
        self.folder.chmod(0o711)
        self.passphrase = self.folder / "passphrase"
        self.passphrase.write_text("correct horse battery\n", encoding="ascii")
        self.before = {device["fingerprint"] for device in self.devices(self.ada)}
        self.addCleanup(self.revoke_what_came)

    def devices(self, person):
        return json.loads(person.letterbox("--json", "device", "list").stdout)["devices"]

    def revoke_what_came(self):
        for device in self.devices(self.ada):
            if device["fingerprint"] not in self.before and device["state"] != "revoked":
                self.ada.letterbox("device", "revoke", device["fingerprint"])

    def on_a_terminal(self, home, *arguments, answers, rows=50):
        """(exit code, what was shown, standard output), which isn't the terminal."""
        output = self.folder / "output"
        script = f'stty rows {rows} cols 100 && exec "$@" >{output}'
        code, shown = converse(["sh", "-c", script, "sh", str(rig.BINARIES / "letterbox"), "--json", "--home", str(home),
                                *map(str, arguments)], answers)
        return code, shown, output.read_bytes()

    def make(self, **options):
        code, shown, output = self.on_a_terminal(self.ada.home, "recovery", "make", answers=typed_back(), **options)
        self.assertEqual(code, 0, shown)
        return lines_of(shown), json.loads(output)

    def send(self, content):
        letter = self.folder / "letter.txt"
        letter.write_bytes(content)
        done = self.bob.letterbox("--json", "send", letter, "--to", ADA, "--attach")
        return json.loads(done.stdout), letter.read_bytes(), done.stderr.decode()

    def restore(self, lines, home, *options):
        return self.on_a_terminal(home, "--passphrase-file", self.passphrase, *options, "recovery", "restore",
                                  self.gateway.trust, answers=lines)

    def restored(self, home, *arguments, **options):
        return rig.run(rig.BINARIES / "letterbox", "--home", home, "--passphrase-file", self.passphrase, *arguments,
                       **options)

    def test_what_was_sealed_after_it_was_made_is_read_from_the_paper(self):
        earlier, _, _ = self.send(b"earlier")
        lines, made = self.make()
        later, content, notices = self.send(b"later")
        self.assertIn(made["fingerprint"], notices)

        home = self.folder / "recovered"
        code, shown, output = self.restore([lines[0].lower(), lines[1].replace(b" ", b""), lines[2]], home)
        self.assertEqual(code, 0, shown)
        self.assertEqual(json.loads(output)["fingerprint"], made["fingerprint"])
        self.restored(home, "recipient", "add", self.bob.home / "device.json")
        listed = json.loads(self.restored(home, "--json", "list").stdout)
        self.assertEqual([delivery["delivery"] for delivery in listed["deliveries"]], [later["delivery"]])
        self.restored(home, "get", later["delivery"], "-o", self.folder / "opened")
        self.assertEqual((self.folder / "opened").read_bytes(), content)
        # It doesn't reach back.
        self.assertEqual(self.restored(home, "get", earlier["delivery"], check=False).returncode, 3)
        self.assertNotIn(b"AGE-SECRET-KEY", (home / "key.age").read_bytes())

    def test_it_lets_a_new_device_in_without_an_administrator_or_a_wait(self):
        lines, _ = self.make()
        recovered, new = self.folder / "recovered", self.folder / "new"
        self.assertEqual(self.restore(lines, recovered)[0], 0)
        self.restored(recovered, "device", "invite", "--output", self.folder / "invitation")
        code, shown, output = self.on_a_terminal(new, "login", self.folder / "invitation", "--no-passphrase",
                                                 "--recover", answers=lines)
        self.assertEqual(code, 0, shown)
        self.assertEqual(json.loads(output)["state"], "active")

        sent, content, notices = self.send(b"for the new one")
        self.assertIn(json.loads(output)["fingerprint"], notices)
        rig.run(rig.BINARIES / "letterbox", "--home", new, "recipient", "add", self.bob.home / "device.json")
        rig.run(rig.BINARIES / "letterbox", "--home", new, "get", sent["delivery"], "-o", self.folder / "opened")
        self.assertEqual((self.folder / "opened").read_bytes(), content)

    def test_it_is_seen_on_the_second_screen_alone(self):
        code, shown, output = self.on_a_terminal(self.ada.home, "recovery", "make", answers=typed_back())
        self.assertEqual(code, 0, shown)
        before, _, rest = shown.partition(ENTER_SECOND_SCREEN)
        _, _, after = rest.partition(LEAVE_SECOND_SCREEN)
        files = b"".join(path.read_bytes() for path in self.ada.home.rglob("*") if path.is_file())
        for group in b" ".join(lines_of(shown)).split():
            for place in (before, after, output, files):
                self.assertNotRegex(place, rb"\b%s\b" % group)

    def test_its_qr_code_says_the_same(self):
        code, shown, _ = self.on_a_terminal(self.ada.home, "recovery", "make", answers=typed_back())
        self.assertEqual(code, 0, shown)
        screen = shown[shown.index(ENTER_SECOND_SCREEN):shown.index(b"Your recovery key")]
        lines = [line for line in screen.replace(b"\r", b"").split(b"\n") if b"\x1b[30;47m" in line]
        lines[0] = lines[0][lines[0].index(b"\x1b[30;47m"):]
        read = subprocess.run([os.environ.get("LETTERBOX_NODE", "node"), QR_READER], input=b"\n".join(lines),
                              capture_output=True, check=True).stdout
        self.assertEqual(read, b"LETTERBOX-RECOVERY-1" + b"".join(b" ".join(lines_of(shown)).split()))

    def test_a_small_terminal_shows_it_without(self):
        _, shown, _ = self.on_a_terminal(self.ada.home, "recovery", "make", answers=typed_back(), rows=24)
        self.assertNotIn(b"\x1b[30;47m", shown)
        self.assertEqual(len(lines_of(shown)), 3)

    def test_a_paper_with_a_mistake_is_found_out_before_it_counts(self):
        wrong = [b"", *UNKNOWN]
        code, shown, _ = self.on_a_terminal(self.ada.home, "recovery", "make", answers=wrong + typed_back())
        self.assertEqual(code, 0, shown)
        self.assertIn(b"Compare the paper", shown)
        self.assertEqual(len(PAPER.findall(shown)), 2)

    def test_interrupted_it_leaves_nothing(self):
        for answers in ([CTRL_C], [b"", CTRL_C], [b"", UNKNOWN[0], CTRL_C]):
            code, shown, output = self.on_a_terminal(self.ada.home, "recovery", "make", answers=answers)
            self.assertEqual((code, output), (2, b""), shown)
            self.assertIn(LEAVE_SECOND_SCREEN, shown)
        self.assertEqual({device["fingerprint"] for device in self.devices(self.ada)}, self.before)

    def test_without_a_terminal_nothing_is_made(self):
        done = subprocess.run([rig.BINARIES / "letterbox", "--home", self.ada.home, "recovery", "make"],
                              stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
        self.assertIn(b"terminal", done.stderr)
        self.assertEqual({device["fingerprint"] for device in self.devices(self.ada)}, self.before)

    def test_one_that_was_revoked_is_sealed_for_no_more_and_opens_nothing_here(self):
        lines, made = self.make()
        self.send(b"introduces it")
        self.ada.letterbox("device", "revoke", made["fingerprint"])
        _, _, notices = self.send(b"after")
        self.assertIn("revoked", notices)
        home = self.folder / "recovered"
        code, shown, _ = self.restore(lines, home)
        self.assertEqual(code, 4, shown)
        self.assertFalse((home / "key.age").exists())

    def test_one_that_the_gateway_does_not_know_restores_nothing(self):
        home = self.folder / "recovered"
        code, shown, _ = self.restore(UNKNOWN, home)
        self.assertEqual(code, 4, shown)
        self.assertFalse((home / "key.age").exists())

    def test_restoring_over_a_device_is_refused(self):
        code, shown, _ = self.on_a_terminal(self.ada.home, "recovery", "restore", self.gateway.trust, answers=[])
        self.assertEqual(code, 1, shown)
        self.assertNotIn(ENTER_SECOND_SCREEN, shown)

    def tearDown(self):
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
