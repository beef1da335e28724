"""Sending and getting over lines that break, and with programs that are killed on the way."""
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import line
import rig
from rig import MIB

ADA, BOB = "ada@hospital.example", "bob@hospital.example"
ROW = 1_048_832
MEMORY_BOUND = 64 * MIB
UPLOAD = "^/v1/uploads/"


def scan(path, size=20 * MIB, study=0):
    """A DICOM file that is like no other."""
    path.write_bytes(rig.dicom_head(size).replace(b"2.25.1\0", b"2.25.%d\0" % (study % 10)) + os.urandom(size))
    return path


class SealedBytes:
    """All sealed bytes that ever passed a line, by file id and by their place: a nonce that two contents were sealed under
    shows as two bytes in one place, or as one nonce of two files."""

    def __init__(self):
        self.files = {}

    def add(self, file, offset, content):
        for before, known in self.files.setdefault(file, []):
            first, end = max(before, offset), min(before + len(known), offset + len(content))
            if first < end and known[first - before:end - before] != content[first - offset:end - offset]:
                raise AssertionError(f"{file}: other bytes than before in {first} to {end}")
        self.files[file].append((offset, content))

    def check(self):
        """How many nonces there were."""
        nonces = {}
        for file, pieces in self.files.items():
            for begin in (content[:8192] for offset, content in pieces if offset == 0):
                mac = re.search(rb"\n--- [A-Za-z0-9+/]{43}\n", begin)
                if mac and len(begin) >= mac.end() + 16:
                    other = nonces.setdefault(bytes(begin[mac.end():mac.end() + 16]), file)
                    if other != file:
                        raise AssertionError(f"{file} and {other} have one nonce")
        return len(nonces)


class Found(unittest.TestCase):
    """What SealedBytes is there to find, it finds."""

    HEADER = b"age-encryption.org/v1\n--- " + b"A" * 43 + b"\n"

    def test_other_bytes_in_one_place(self):
        sealed = SealedBytes()
        sealed.add("a", 0, b"0123456789")
        sealed.add("a", 5, b"56789abc")
        with self.assertRaises(AssertionError):
            sealed.add("a", 9, b"9abd")

    def test_one_nonce_of_two_files(self):
        sealed = SealedBytes()
        sealed.add("a", 0, self.HEADER + b"n" * 16 + b"one")
        sealed.add("a", 0, self.HEADER + b"n" * 16 + b"one")
        self.assertEqual(sealed.check(), 1)
        sealed.add("b", 0, self.HEADER + b"n" * 16 + b"other")
        with self.assertRaises(AssertionError):
            sealed.check()


class OverALine(unittest.TestCase):
    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.place = rig.workspace()
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        cls.gateway = rig.Gateway(cls.place / "data", *cls.OPTIONS)
        cls.line = line.Line(cls.gateway)
        cls.addClassCleanup(cls.line.close)
        cls.addClassCleanup(cls.gateway.stop)
        cls.gateway.start()
        cls.ada, cls.bob = (rig.Person(cls.place / who.partition("@")[0], who, cls.gateway) for who in (ADA, BOB))
        cls.ada.knows(cls.bob)
        cls.bob.knows(cls.ada)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="", dir=self.place))
        self.line.exchanges.clear()
        self.line.breaks.clear()
        self.addCleanup(self.forget)

    def forget(self):
        """What a test that failed left behind."""
        for person in (self.ada, self.bob):
            for path in (*self.left(person), *self.left(person, "incoming")):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def breaks_at(self, *arguments, **options):
        return self.line.breaks_at(*arguments, **options)

    def started(self, person, *arguments, **options):
        return subprocess.Popen([str(part) for part in (rig.BINARIES / "letterbox", "--home", person.home, *arguments)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def killed(self, person, *arguments, at, once=lambda: True):
        """Runs letterbox with these arguments until the break `at` (its arguments) happens, which kills it, `once` that is
        so: what has passed by then may still be on its way to the disk."""
        *where, options = at
        running = []
        ready = threading.Event()

        def kill():
            ready.wait(60)
            rig.eventually(once, "fit to be killed")
            running[0].kill()
            running[0].wait(60)
        broken = self.breaks_at(*where, **options, do=kill)
        with self.started(person, *arguments) as process:
            running.append(process)
            ready.set()
            if not broken.happened.wait(60):
                process.kill()
                raise AssertionError(f"never: {at}: {process.stderr.read()!r}")
            process.wait(60)
            self.assertEqual(process.returncode, -signal.SIGKILL)

    def fails(self, code, person, *arguments):
        done = person.letterbox(*arguments, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr.decode()

    def left(self, person, what="outgoing"):
        return sorted(path for path in (person.home / what).iterdir())

    def arrived(self, delivery):
        """What Bob gets of it: contents by name."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="got-", dir=self.place))
        self.bob.letterbox("get", delivery, "--output-dir", folder)
        return {path.name: path.read_bytes() for path in folder.iterdir()}


class Sending(OverALine):
    def sealed_bytes(self):
        """All that went to the gateway, under what ids."""
        sealed, files = SealedBytes(), {}
        for one in self.line.seen("POST", "^/v1/uploads$"):
            if one.status == 201:
                encoded = re.search(r"file (\S+)", one.fields["upload-metadata"])[1]
                files[one.answer["location"]] = base64.b64decode(encoded).decode()
        for one in self.line.seen("PATCH", UPLOAD):
            sealed.add(files[one.path], int(one.fields["upload-offset"]), one.body)
        for one in self.line.seen("POST", "/(files|indexes)\\?id="):
            kind, file = re.search(r"/(files|indexes)\?id=(.*)$", one.path).groups()
            sealed.add(file if kind == "files" else file + " index", 0, one.body)
        return sealed

    def test_a_line_that_breaks_is_gone_on_with(self):
        source, small = scan(self.folder / "scan.dcm"), scan(self.folder / "small.dcm", 100_000)
        breaks = [self.breaks_at("POST", "^/v1/uploads$", answer=-1), self.breaks_at("PATCH", UPLOAD, body=5 * ROW + 7000),
                  self.breaks_at("PATCH", UPLOAD, body=12 * ROW), self.breaks_at("HEAD", UPLOAD, answer=-1),
                  self.breaks_at("POST", "/files\\?id=", answer=-1), self.breaks_at("POST", "/indexes\\?id=", body=100),
                  self.breaks_at("POST", "/close$", answer=-1)]
        sent = json.loads(self.ada.letterbox("--json", "send", source, small, "--to", BOB).stdout)
        self.assertTrue(all(one.happened.is_set() for one in breaks))
        self.assertEqual(self.left(self.ada), [])
        self.assertEqual(self.arrived(sent["delivery"]), {path.name: path.read_bytes() for path in (source, small)})
        passed = sum(len(one.body) for one in self.line.seen("PATCH", UPLOAD))
        # What was in hand when the line broke may come again, and nothing that was durable.
        self.assertLess(passed, source.stat().st_size + 3 * ROW)
        self.assertEqual(self.sealed_bytes().check(), 4)

    def test_a_killed_client_goes_on_from_what_it_sealed_wherever_it_was(self):
        points = [("POST", "^/v1/uploads$", {"answer": -1}), ("POST", "^/v1/uploads$", {"answer": 0}),
                  ("PATCH", UPLOAD, {"body": 0}), ("PATCH", UPLOAD, {"body": 500}),
                  ("PATCH", UPLOAD, {"body": 3 * ROW + 100}), ("PATCH", UPLOAD, {"body": 20 * ROW + 1}),
                  ("PATCH", UPLOAD, {"answer": -1}), ("POST", "/indexes\\?id=", {"body": 10}),
                  ("POST", "/indexes\\?id=", {"answer": -1}), ("POST", "/files\\?id=", {"body": 5000}),
                  ("POST", "/files\\?id=", {"answer": -1}), ("POST", "/close$", {"body": 10}),
                  ("POST", "/close$", {"answer": -1})]
        for at in points:
            with self.subTest(at=at):
                self.forget()
                source, small = scan(self.folder / "scan.dcm"), scan(self.folder / "small.dcm", 100_000)
                content = {path.name: path.read_bytes() for path in (source, small)}
                self.killed(self.ada, "send", source, small, "--to", BOB, at=at)
                # The source changes. What was sealed is what is sent, and nothing is sealed again.
                scan(source)
                small.unlink()
                self.assertIn("send --resume", self.ada.letterbox("recipient", "list").stderr.decode())
                self.check_secrets()
                before = self.durable()
                resumed = json.loads(self.ada.letterbox("--json", "send", "--resume").stdout)
                self.assertEqual(self.left(self.ada), [])
                self.assertEqual(self.arrived(resumed["delivery"]), content)
                self.assertEqual(self.ada.letterbox("recipient", "list").stderr, b"")
                self.check_offsets(before)
        # Two files a round, each with an index; no nonce of one is that of another.
        self.assertEqual(self.sealed_bytes().check(), 4 * len(points))

    def durable(self):
        """What the gateway has of each upload, once it has let go of what was cut off."""
        rows = self.gateway.sql("SELECT '/v1/uploads/' || id, received FROM upload WHERE received < length").splitlines()
        return {row.partition("|")[0]: int(row.partition("|")[2]) for row in rows}

    def check_offsets(self, durable):
        """Nothing was sent again that was durable."""
        for one in self.line.seen("PATCH", UPLOAD):
            if one.status == 204 and one.path in durable:
                self.assertGreaterEqual(int(one.fields["upload-offset"]), durable.pop(one.path))

    def check_secrets(self):
        """What lies in the home is sealed, and nobody else's to read."""
        for folder in self.left(self.ada):
            self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
            for path in folder.iterdir():
                self.assertEqual(path.stat().st_mode & 0o777, 0o600, path.name)
                content = path.read_bytes()
                if path.suffix == ".age":
                    self.assertTrue(content.startswith(b"age-encryption.org/v1\n-> letterbox/cover/v1 "), path.name)
                self.assertNotIn(b"scan.dcm", content)

    def test_what_was_cut_off_while_it_was_sealed_is_thrown_away(self):
        head, pixels = rig.dicom_head(40 * MIB), os.urandom(40 * MIB)
        with self.started(self.ada, "send", "-", "--to", BOB, stdin=subprocess.PIPE) as process:
            process.stdin.write(head + pixels[:30 * MIB])  # more than the pipe holds, so it is being sealed
            process.kill()
            process.wait(60)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        [folder] = self.left(self.ada)
        self.assertEqual(list(folder.iterdir()), [], "what isn't sealed to its end has no name")
        self.assertIn("thrown away: send them anew", self.ada.letterbox("recipient", "list").stderr.decode())
        self.assertEqual(self.left(self.ada), [])
        self.assertEqual(self.ada.letterbox("send", "--resume").stdout, b"there is no unfinished send\n")
        # Anew is under another id, another key.
        done = self.ada.letterbox("--json", "send", "-", "--to", BOB, input=head + pixels)
        self.assertNotEqual(json.loads(done.stdout)["delivery"], folder.name)
        self.assertEqual(list(self.arrived(json.loads(done.stdout)["delivery"]).values()), [head + pixels])
        self.assertEqual(self.sealed_bytes().check(), 2)

    def test_a_killed_gateway_is_waited_for(self):
        durable = []

        def kill_and_start():
            rig.eventually(lambda: int(self.gateway.sql("SELECT max(rows) FROM upload")) > 0, "a row is durable")
            self.gateway.process.kill()
            self.gateway.process.wait(60)
            self.gateway.process.stdout.close()
            self.gateway.start()
            durable.append(int(self.gateway.sql("SELECT received FROM upload WHERE received < length")))
        self.gateway.sql("DELETE FROM upload")
        source = scan(self.folder / "scan.dcm")
        self.breaks_at("PATCH", UPLOAD, body=7 * ROW, do=kill_and_start)
        sent = json.loads(self.ada.letterbox("--json", "send", source, "--to", BOB).stdout)
        self.assertEqual(self.arrived(sent["delivery"]), {source.name: source.read_bytes()})
        offsets = [int(one.fields["upload-offset"]) for one in self.line.seen("PATCH", UPLOAD)]
        self.assertEqual([offsets[0], offsets[-1]], [0, durable[0]], "it goes on at the last durable row")
        self.assertEqual(self.sealed_bytes().check(), 2)

    def test_a_killed_database_is_gone_on_with_later(self):
        def kill():
            pid = (self.gateway.data / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0]
            os.kill(int(pid), signal.SIGKILL)
            self.gateway.process.wait(60)
        source = scan(self.folder / "scan.dcm")
        self.breaks_at("PATCH", UPLOAD, body=7 * ROW, do=kill)
        message = self.fails(7, self.ada, "send", source, "--to", BOB)
        self.assertIn("letterbox send --resume goes on with it", message)
        self.assertEqual(message.count("\n"), 1)
        content = source.read_bytes()
        source.unlink()
        self.gateway.process.stdout.close()
        self.gateway.start()
        resumed = json.loads(self.ada.letterbox("--json", "send", "--resume").stdout)
        self.assertEqual(self.arrived(resumed["delivery"]), {source.name: content})
        self.assertEqual(self.sealed_bytes().check(), 2)

    def test_files_go_side_by_side(self):
        meeting = threading.Barrier(4)
        first = set()

        def meet(exchange):
            if exchange.method == "PATCH" and exchange.path not in first:
                first.add(exchange.path)
                meeting.wait(60)  # breaks, and so does the test, if it is alone
        self.line.before_body = meet
        self.addCleanup(setattr, self.line, "before_body", lambda exchange: None)
        sources = [scan(self.folder / f"{number}.dcm", 9 * MIB, number) for number in range(4)]
        sent = json.loads(self.ada.letterbox("--json", "send", *sources, "--to", BOB).stdout)
        self.assertEqual(self.arrived(sent["delivery"]), {path.name: path.read_bytes() for path in sources})

    def left_behind(self):
        source = scan(self.folder / "scan.dcm")
        self.killed(self.ada, "send", source, "--to", BOB, at=("PATCH", UPLOAD, {"body": 3 * ROW}))
        return self.left(self.ada)[0].name

    def test_what_was_revoked_or_expired_meanwhile_is_told_and_goes(self):
        for over in (lambda delivery: self.ada.request("DELETE", f"/v1/deliveries/{delivery}"),
                     lambda delivery: self.gateway.sql(f"UPDATE delivery SET expires = now() WHERE id = '{delivery}'")):
            over(self.left_behind())
            self.assertIn("send the files anew", self.fails(3, self.ada, "send", "--resume"))
            self.assertEqual(self.left(self.ada), [])

    def test_an_upload_that_expired_is_begun_again(self):
        delivery = self.left_behind()
        content = (self.folder / "scan.dcm").read_bytes()
        self.gateway.sql("UPDATE upload SET expires = now() - interval '1 second'")
        self.ada.letterbox("send", "--resume")
        self.assertEqual(self.arrived(delivery), {"scan.dcm": content})
        self.assertEqual(self.sealed_bytes().check(), 2)

    def test_it_can_be_dropped(self):
        delivery = self.left_behind()
        self.assertEqual(self.ada.letterbox("send", "--discard").stdout.decode(), f"discarded {delivery}\n")
        self.assertEqual(self.left(self.ada), [])
        status, _, content = self.ada.request("GET", f"/v1/deliveries/{delivery}/receipts")
        self.assertEqual((status, json.loads(content)["state"]), (200, "revoked"))

    def test_one_that_cant_be_read_can_be_dropped(self):
        delivery = self.left_behind()
        (self.ada.home / "outgoing" / delivery / "send.json").write_text("{}")
        self.assertIn("send.json", self.fails(5, self.ada, "send", "--resume"))
        self.ada.letterbox("send", "--discard")
        self.assertEqual(self.left(self.ada), [])

    def test_it_can_be_dropped_where_no_gateway_is(self):
        self.left_behind()
        done = self.ada.letterbox("--server", "https://127.0.0.1:1", "send", "--discard")
        self.assertIn("what lay here is thrown away", done.stderr.decode())
        self.assertEqual(self.left(self.ada), [])

    def test_what_was_closed_isnt_dropped(self):
        source = scan(self.folder / "scan.dcm", 1000)
        self.killed(self.ada, "send", source, "--to", BOB, at=("POST", "/close$", {"answer": -1}))
        delivery = self.left(self.ada)[0].name
        self.assertIn("was sent whole", self.ada.letterbox("send", "--discard").stderr.decode())
        self.assertEqual(self.left(self.ada), [])
        self.assertEqual(self.arrived(delivery), {source.name: source.read_bytes()})

    def test_spooled_bytes_that_changed_arent_sent(self):
        delivery = self.left_behind()
        [spooled] = (self.ada.home / "outgoing" / delivery).glob("*-*[0-9a-f].age")
        content = bytearray(spooled.read_bytes())
        content[-1] ^= 1
        spooled.write_bytes(content)
        sent_before = len(self.line.seen("PATCH", UPLOAD))
        self.assertIn("isn't what was sealed", self.fails(5, self.ada, "send", "--resume"))
        self.assertEqual(self.left(self.ada), [])
        self.assertEqual(len(self.line.seen("PATCH", UPLOAD)), sent_before)

    def test_nothing_goes_to_a_device_that_was_revoked_meanwhile(self):
        carol = rig.Person(self.folder / "carol", "carol@hospital.example", self.gateway)
        self.ada.knows(carol)
        source = scan(self.folder / "scan.dcm")
        self.killed(self.ada, "send", source, "--to", carol.handle, at=("PATCH", UPLOAD, {"body": 3 * ROW}))
        carol.letterbox("device", "revoke", carol.signing_key.id)
        self.assertIn("isn't active", self.fails(1, self.ada, "send", "--resume"))
        self.assertEqual(self.left(self.ada), [])

    def test_one_that_is_running_isnt_gone_on_with(self):
        source = scan(self.folder / "scan.dcm")
        paused, over = threading.Event(), threading.Event()

        def pause(exchange):
            if exchange.method == "PATCH":
                paused.set()
                over.wait(60)
        self.line.before_body = pause
        self.addCleanup(setattr, self.line, "before_body", lambda exchange: None)
        with self.started(self.ada, "send", source, "--to", BOB) as process:
            self.assertTrue(paused.wait(60))
            self.assertEqual(self.ada.letterbox("recipient", "list").stderr, b"")
            self.assertIn("being sent just now", self.ada.letterbox("send", "--resume").stderr.decode())
            over.set()
            self.assertEqual(process.wait(60), 0, process.stderr.read())

    def test_there_must_be_room_for_what_is_sealed(self):
        endless = self.folder / "endless.dcm"
        with open(endless, "wb") as file:
            file.write(rig.dicom_head(1000))
            file.truncate(8 * 2**40)
        self.assertIn("8.0 TiB are needed", self.fails(1, self.ada, "send", endless, "--to", BOB))
        self.assertEqual(self.left(self.ada), [])

    def test_over_the_quota_it_says_what_to_do_and_goes_on_once_there_is_room(self):
        limits = ("admin", "tenant", "limits", rig.TENANT, "--quota")
        used = int(re.search(rb"(\d+) bytes used", self.gateway.admin(*limits[:-1]).stdout)[1])
        self.gateway.admin(*limits, str(used + MIB))
        self.addCleanup(self.gateway.admin, *limits, "default")
        source = scan(self.folder / "scan.dcm")
        message = self.fails(1, self.ada, "send", source, "--to", BOB)
        self.assertIn("used up its room", message)
        self.assertIn("send --resume", message)
        self.gateway.admin(*limits, "default")
        resumed = json.loads(self.ada.letterbox("--json", "send", "--resume").stdout)
        self.assertEqual(self.arrived(resumed["delivery"]), {source.name: source.read_bytes()})

    def test_what_cant_be_both_is_told(self):
        for arguments in (("--resume", "--to", BOB), ("--resume", "--discard"), ("--discard", rig.CT), (rig.CT,), ("--to", BOB)):
            self.fails(2, self.ada, "send", *arguments)


class Getting(OverALine):
    PAYLOAD = "/payload$"
    STREAM = "^/v1/deliveries/[^/]+/files"

    def sent(self, *sources):
        sent = json.loads(self.ada.letterbox("--json", "send", *sources, "--to", BOB).stdout)
        self.line.exchanges.clear()
        return sent["delivery"]

    def get(self, delivery, out, *options):
        return self.bob.letterbox("get", delivery, "-o", out, *options)

    def downloads(self):
        return int(self.gateway.sql("SELECT coalesce(sum(count), 0) FROM download"))

    def asked(self):
        """From which byte on payloads were asked for, in turn."""
        return [int(re.match(r"bytes=(\d+)-$", one.fields.get("range", "bytes=0-"))[1])
                for one in self.line.seen("GET", self.PAYLOAD)]

    def test_a_line_that_breaks_is_gone_on_with_where_it_broke(self):
        source, out = scan(self.folder / "scan.dcm"), self.folder / "out"
        delivery, before = self.sent(source), self.downloads()
        for size in (0, 5 * MIB, 2 * MIB + 1):
            self.breaks_at("GET", self.PAYLOAD, answer=1 + size)
        self.breaks_at("GET", "/header$", answer=-1)
        self.get(delivery, out)
        self.assertEqual(out.read_bytes(), source.read_bytes())
        received = [one.received for one in self.line.seen("GET", self.PAYLOAD)]
        places = [sum(received[:number]) for number in range(len(received))]
        self.assertEqual(self.asked(), places, "from the byte on where the line broke")
        self.assertGreater(len(places), 3)
        self.assertEqual({one.status for one in self.line.seen("GET", self.PAYLOAD)[2:]}, {206})
        self.assertEqual(self.downloads(), before + 1)
        self.assertEqual(self.left(self.bob, "incoming"), [])

    def killed_getting(self, delivery, *options, size=9 * MIB):
        self.killed(self.bob, "get", delivery, *options, at=("GET", self.PAYLOAD, {"answer": 1 + size}))

    def test_a_killed_get_is_gone_on_with(self):
        source, out = scan(self.folder / "scan.dcm"), self.folder / "out"
        delivery, before = self.sent(source), self.downloads()
        self.killed_getting(delivery, "-o", out)
        self.assertFalse(out.exists(), "nothing that isn't verified appears")
        [partial] = self.left(self.bob, "incoming")
        self.assertEqual(partial.stat().st_mode & 0o777, 0o600)
        size = partial.stat().st_size
        self.assertGreater(size, 4 * MIB)
        self.line.exchanges.clear()
        self.get(delivery, out)
        self.assertEqual(self.asked(), [size])
        self.assertEqual(out.read_bytes(), source.read_bytes())
        self.assertEqual(self.left(self.bob, "incoming"), [])
        self.assertEqual(self.downloads(), before + 1)

    def test_what_came_earlier_is_believed_no_more_than_what_comes(self):
        for spoil in (lambda content: content[:1000] + bytes(len(content) - 1000), lambda content: bytes(len(content)),
                      lambda content: content + bytes(100 * MIB)):
            source, out = scan(self.folder / "scan.dcm"), self.folder / "out"
            delivery = self.sent(source)
            self.killed_getting(delivery, "-o", out)
            [partial] = self.left(self.bob, "incoming")
            partial.write_bytes(spoil(partial.read_bytes()))
            self.get(delivery, out)
            self.assertEqual(out.read_bytes(), source.read_bytes())
            self.assertEqual(self.left(self.bob, "incoming"), [])
            out.unlink()

    def test_one_that_knows_no_ranges_on_the_way_is_put_up_with(self):
        source, out = scan(self.folder / "scan.dcm"), self.folder / "out"
        delivery = self.sent(source)
        self.breaks_at("GET", self.PAYLOAD, answer=1 + 5 * MIB)
        self.line.dropped_fields = ("range",)
        self.addCleanup(setattr, self.line, "dropped_fields", ())
        self.get(delivery, out)
        self.assertEqual([one.status for one in self.line.seen("GET", self.PAYLOAD)], [200, 200])
        self.assertEqual(out.read_bytes(), source.read_bytes())

    def many(self):
        """A delivery of one large file and many small ones, and what they hold, by name."""
        sources = [scan(self.folder / "scan.dcm", 2 * MIB)]
        for number in range(20):
            sources.append(self.folder / f"{number}.dcm")
            sources[-1].write_bytes(rig.ct_instance(number))
        return self.sent(*sources), {path.name: path.read_bytes() for path in sources}

    def singly(self, delivery, content):
        """Gets that delivery, whose files hold this. How many came by requests of their own."""
        self.line.exchanges.clear()
        self.assertEqual(self.arrived(delivery), content)
        return len(self.line.seen("GET", self.PAYLOAD))

    def test_small_files_come_in_one_stream(self):
        delivery, content = self.many()
        before = self.downloads()
        self.assertEqual(self.singly(delivery, content), 1)
        self.assertEqual([one.status for one in self.line.seen("GET", self.STREAM)], [200])
        self.assertEqual(self.downloads(), before + len(content))

    def test_what_a_stream_doesnt_bring_comes_singly(self):
        delivery, content = self.many()
        before, size = self.downloads(), len(rig.ct_instance(0))
        for answer, least in ((-1, 21), (10, 21), (size // 2, 21), (10 * size, 11), (18 * size + 9, 2)):
            with self.subTest(answer=answer):
                broken = self.breaks_at("GET", self.STREAM, answer=answer)
                self.assertGreaterEqual(self.singly(delivery, content), least)
                self.assertTrue(broken.happened.is_set())
        self.assertEqual(self.downloads(), before + len(content))

    def test_what_is_spoilt_in_a_stream_comes_singly(self):
        delivery, content = self.many()
        self.addCleanup(setattr, self.line, "altered", self.line.altered)
        place = 10 * len(rig.ct_instance(0))

        def spoil(exchange, piece):
            at = place - exchange.received
            if not re.search(self.STREAM, exchange.path) or not 0 <= at < len(piece):
                return piece
            return piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1:]
        self.line.altered = spoil
        self.assertIn(self.singly(delivery, content), range(11, 16))

    def test_what_a_stream_leaves_out_is_said_why(self):
        limits = ("admin", "tenant", "limits", rig.TENANT, "--downloads")
        self.gateway.admin(*limits, "1")
        self.addCleanup(self.gateway.admin, *limits, "default")
        delivery, content = self.many()
        self.singly(delivery, content)
        self.assertEqual(self.singly(delivery, content), 1)
        self.gateway.sql("UPDATE download SET since = since - interval '25 hours' "
                         "WHERE file_id = (SELECT max(file_id::text)::uuid FROM download)")
        out = self.folder / "out"
        out.mkdir()
        self.assertIn("as often as its sender allows", self.fails(4, self.bob, "get", delivery, "--output-dir", out))
        self.assertIn(len(list(out.iterdir())), (len(content) - 2, len(content) - 1), "all but that one, or the large one, too")

    def test_a_delivery_of_many_files_goes_on_with_those_that_are_missing(self):
        sources = [self.folder / f"{number}.dcm" for number in range(40)]
        for number, source in enumerate(sources):
            source.write_bytes(rig.ct_instance(number))
        delivery = self.sent(*sources)
        out = self.folder / "out"
        out.mkdir()
        self.killed(self.bob, "get", delivery, "--output-dir", out,
                    at=("GET", self.STREAM, {"answer": 20 * len(rig.ct_instance(0))}), once=lambda: len(list(out.iterdir())) > 15)
        there = sorted(path.name for path in out.iterdir())
        self.assertLess(len(there), 40)
        touched = out / there[0]
        touched.write_bytes(b"changed")  # is somebody's, by now
        self.line.exchanges.clear()
        self.assertIn("exists already", self.fails(1, self.bob, "get", delivery, "--output-dir", out))
        self.assertEqual(touched.read_bytes(), b"changed")
        touched.unlink()
        self.bob.letterbox("get", delivery, "--output-dir", out)
        self.assertEqual({path.name: path.read_bytes() for path in out.iterdir()},
                         {path.name: path.read_bytes() for path in sources})
        [stream] = self.line.seen("GET", self.STREAM)
        self.assertLess(stream.received, 30 * len(rig.ct_instance(0)), "only what is behind comes again")
        self.assertLess(len(self.line.seen("GET", self.PAYLOAD)), 10)
        self.assertEqual(self.left(self.bob, "incoming"), [])
        self.assertIn("exists already", self.fails(1, self.bob, "get", delivery, "--output-dir", out), "that one was whole")

    def test_what_nobody_went_on_with_goes_after_a_week(self):
        source, small = scan(self.folder / "scan.dcm"), scan(self.folder / "small.dcm", 1000)
        delivery, other = self.sent(source), self.sent(small)
        self.killed_getting(delivery, "-o", self.folder / "out")
        [partial] = self.left(self.bob, "incoming")
        self.get(other, self.folder / "other")
        self.assertTrue(partial.exists())
        os.utime(partial, (0, 0))
        self.get(other, self.folder / "another")
        self.assertFalse(partial.exists())

    def test_over_the_download_limit_it_says_so(self):
        source, out = scan(self.folder / "scan.dcm", 1000), self.folder / "out"
        limits = ("admin", "tenant", "limits", rig.TENANT, "--downloads")
        self.gateway.admin(*limits, "1")
        self.addCleanup(self.gateway.admin, *limits, "default")
        delivery = self.sent(source)
        self.get(delivery, out)
        self.get(delivery, out, "--force")
        self.gateway.sql("UPDATE download SET since = since - interval '25 hours'")
        self.assertIn("as often as its sender allows", self.fails(4, self.bob, "get", delivery, "-o", out, "--force"))
        self.assertEqual(out.read_bytes(), source.read_bytes())


class Memory(OverALine):
    # A process counts among its own memory that of who forked it, until then. This is who forks: a small one.
    MEASURE = ("import os, pathlib, sys; pid = os.spawnv(os.P_NOWAIT, sys.argv[2], sys.argv[2:]); "
               "_, status, usage = os.wait4(pid, 0); pathlib.Path(sys.argv[1]).write_text(str(usage.ru_maxrss)); "
               "sys.exit(os.waitstatus_to_exitcode(status))")

    def peak_of(self, person, *arguments):
        """Runs letterbox; (its output, its peak memory in bytes)."""
        peak = self.folder / "peak"
        done = rig.run(sys.executable, "-c", self.MEASURE, peak, rig.BINARIES / "letterbox", "--home", person.home, *arguments)
        return done.stdout, int(peak.read_text()) * 1024

    def test_it_depends_neither_on_sizes_nor_on_numbers(self):
        size, number = (1024, 8) if rig.FULL else (48, 5)
        large = [self.folder / f"large{i}.dcm" for i in range(number)]
        for path in large:
            with open(path, "wb") as file:
                file.write(rig.dicom_head(size * MIB))
                file.truncate(file.tell() + size * MIB)
        small = [self.folder / f"small{i}.dcm" for i in range(200)]
        for i, path in enumerate(small):
            path.write_bytes(rig.ct_instance(i))
        # As large as comes in the stream of small ones, and together more than the bound.
        for path in small[::2]:
            scan(path, 1_000_000)
        direct = ("--server", f"https://127.0.0.1:{self.line.port_behind()}", "--json")
        sent, peak = self.peak_of(self.ada, *direct, "send", *large, *small, "--to", BOB)
        print(f"send: {peak / MIB:.1f} MiB", flush=True)
        self.assertLess(peak, MEMORY_BOUND)
        out = self.folder / "out"
        out.mkdir()
        _, peak = self.peak_of(self.bob, *direct, "get", json.loads(sent)["delivery"], "--output-dir", out)
        print(f"get: {peak / MIB:.1f} MiB", flush=True)
        self.assertLess(peak, MEMORY_BOUND)
        rig.run("cmp", large[0], out / large[0].name)
        self.assertEqual(len(list(out.iterdir())), len(large) + len(small))


if __name__ == "__main__":
    unittest.main()
