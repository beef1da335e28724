"""The passphrase prompts, on a terminal, and stock age with the key file that results."""
import base64
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import tempfile
import unittest

LETTERBOX = str(pathlib.Path(os.environ["LETTERBOX_BINARY_DIR"]) / "bin" / "letterbox")
AWAY = 7  # the exit code where the gateway is
CTRL_C = b"\x03"
PASSPHRASE = b"correct horse battery"


def converse(command, answers):
    """Runs `command` on a terminal of its own; gives each answer, or what it makes of all that was shown, to
    one prompt. (exit code, what was shown)"""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    shown = b""
    answers = list(answers)
    asked = 0
    try:
        while True:
            ready, _, _ = select.select([terminal], [], [], 60)
            if not ready:
                raise AssertionError(f"no end in sight: {shown!r}")
            try:
                piece = os.read(terminal, 4096)
            except OSError:  # how Linux says that the other end has closed
                break
            if not piece:
                break
            shown += piece
            # A prompt is a line that ends in a colon and a space. The echo is off before it is shown.
            if shown[asked:].rstrip(b" ").endswith(b":") and answers:
                asked = len(shown)
                answer = answers.pop(0)
                answer = answer(shown) if callable(answer) else answer
                os.write(terminal, answer if answer == CTRL_C else answer + b"\n")
    finally:
        os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), shown


class Terminal(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="letterbox-client-"))
        self.addCleanup(shutil.rmtree, self.place)
        self.home = self.place / "home"

        self.invitation = self.place / "invitation.json"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-out",
                        str(self.place / "ca.pem"), "-subj", "/CN=test"], check=True, stderr=subprocess.DEVNULL)
        # Nobody listens there: keys are made, and then the gateway is away.
        self.invitation.write_text(json.dumps(
            {"url": "https://127.0.0.1:1", "ca_certificate": (self.place / "ca.pem").read_text(encoding="ascii"),
             "signing_key": base64.b64encode(bytes(32)).decode(), "handle": "ada@clinic.example",
             "invitation": "x" * 43}), encoding="ascii")

    def login(self, *answers):
        return converse([LETTERBOX, "--home", str(self.home), "login", str(self.invitation)], answers)

    def recipient(self):
        envelope = json.loads((self.home / "device.json").read_text(encoding="ascii"))
        return json.loads(base64.b64decode(envelope["payload"]))["recipient"]

    def seal(self):
        sealed = self.place / "sealed.age"
        subprocess.run(["age", "--recipient", self.recipient(), "--output", str(sealed)], input=b"content", check=True)
        return sealed

    def test_login_asks_twice_and_never_shows_it(self):
        code, shown = self.login(PASSPHRASE, PASSPHRASE)
        self.assertEqual(code, AWAY, shown)
        self.assertNotIn(PASSPHRASE, shown)
        self.assertTrue((self.home / "key.age").exists())

        code, shown = converse([LETTERBOX, "--home", str(self.home), "open", str(self.seal()), "-o",
                                str(self.place / "opened")], [PASSPHRASE])
        self.assertEqual(code, 0, shown)
        self.assertNotIn(PASSPHRASE, shown)
        self.assertEqual((self.place / "opened").read_bytes(), b"content")

    def test_login_writes_nothing_if_the_two_differ(self):
        code, shown = self.login(PASSPHRASE, PASSPHRASE + b"x")
        self.assertEqual(code, 2, shown)
        self.assertFalse((self.home / "key.age").exists())
        self.assertFalse((self.home / "device.json").exists())

    def test_an_empty_passphrase_is_refused(self):
        code, shown = self.login(b"")
        self.assertEqual(code, 2, shown)
        self.assertFalse((self.home / "key.age").exists())

    def test_stock_age_takes_the_sealed_key_file(self):
        code, shown = self.login(PASSPHRASE, PASSPHRASE)
        self.assertEqual(code, AWAY, shown)
        opened = self.place / "opened"
        code, shown = converse(["age", "--decrypt", "--identity", str(self.home / "key.age"), "--output", str(opened),
                                str(self.seal())], [PASSPHRASE])
        self.assertEqual(code, 0, shown)
        self.assertEqual(opened.read_bytes(), b"content")

    def open_sealed(self, answers):
        return converse([LETTERBOX, "--home", str(self.home), "open", str(self.seal()), "--force", "-o",
                         str(self.place / "opened")], answers)

    def test_an_unlocked_key_file_is_opened_unasked_until_it_is_locked(self):
        letterbox = [LETTERBOX, "--home", str(self.home)]
        code, self.shown = self.login(PASSPHRASE, PASSPHRASE)
        self.assertEqual(code, AWAY, self.shown)
        code, shown = converse([*letterbox, "unlock", "--for", "20m"], [PASSPHRASE])
        if b"keyring can't be used here" in shown:
            self.skipTest(shown.decode())
        self.assertEqual(code, 0, shown)
        self.addCleanup(subprocess.run, [*letterbox, "lock"], stdout=subprocess.DEVNULL, check=False)
        self.assertIn(b"unlocked until", shown)

        code, shown = self.open_sealed([])
        self.assertEqual(code, 0, shown)
        self.assertNotIn(b"Passphrase", shown)
        # Without a terminal, too.
        done = subprocess.run([*letterbox, "open", str(self.place / "sealed.age"), "-o", "-"], capture_output=True,
                              stdin=subprocess.DEVNULL, start_new_session=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, b"content"), done.stderr)

        code, shown = converse([*letterbox, "lock"], [])
        self.assertEqual((code, shown.strip()), (0, b"locked"))
        code, shown = self.open_sealed([PASSPHRASE])
        self.assertEqual(code, 0, shown)
        self.assertIn(b"Passphrase", shown)
        code, shown = converse([*letterbox, "lock"], [])
        self.assertEqual((code, shown.strip()), (0, b"it wasn't unlocked"))

    def test_a_wrong_passphrase_unlocks_nothing(self):
        code, self.shown = self.login(PASSPHRASE, PASSPHRASE)
        self.assertEqual(code, AWAY, self.shown)
        letterbox = [LETTERBOX, "--home", str(self.home)]
        code, shown = converse([*letterbox, "unlock"], [b"another"])
        self.assertEqual(code, 6, shown)
        code, shown = converse([*letterbox, "lock"], [])
        self.assertEqual((code, shown.strip()), (0, b"it wasn't unlocked"))

    def test_a_bare_key_file_has_nothing_to_unlock(self):
        letterbox = [LETTERBOX, "--home", str(self.home)]
        made = subprocess.run([*letterbox, "login", str(self.invitation), "--no-passphrase"], capture_output=True,
                              check=False)
        self.assertEqual(made.returncode, AWAY, made.stderr)
        code, shown = converse([*letterbox, "unlock"], [])
        self.assertEqual(code, 1, shown)
        self.assertIn(b"nothing to unlock", shown)

    def test_it_is_unlocked_for_a_day_at_most(self):
        for time in ("25h", "2d", "0h", "8", "never", "-1h"):
            code, shown = converse([LETTERBOX, "--home", str(self.home), "unlock", f"--for={time}"], [])
            self.assertEqual(code, 2, shown)

    def test_without_a_terminal_it_says_what_to_do(self):
        done = subprocess.run([LETTERBOX, "--home", str(self.home), "login", str(self.invitation)],
                              stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"--passphrase-file", done.stderr)


if __name__ == "__main__":
    unittest.main()
