"""A disk that is full: what needs room is told so, the rest goes on, nothing is damaged, and it works again by itself.

The disks are small tmpfs, which only root may mount.
"""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import device
import invariants
import rig
import sealing
from sealing import expect, problem

ADA, BOB, CAROL = (f"{name}@hospital.example" for name in ("ada", "bob", "carol"))
OFFSET = "application/offset+octet-stream"
TUS = "Tus-Resumable: 1.0.0"
FULL = (507, "storage-full")
LOW = 28 * rig.MIB  # less than half of the reserve, whatever the database could fill again


class SmallDisk:
    """A tmpfs of so many bytes below `place`, with a file that takes up as much of it as it should."""

    def __init__(self, case, place, size):
        self.place = place
        place.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0711", "tmpfs", place],
                              capture_output=True, timeout=60)
        if done.returncode != 0:
            shutil.rmtree(place)
            raise unittest.SkipTest(f"no tmpfs may be mounted here: {done.stderr.decode().strip()}")
        case.addClassCleanup(rig.run, "umount", place)

    def free(self):
        disk = os.statvfs(self.place)
        return disk.f_bavail * disk.f_frsize

    def fill(self, left):
        """Others take up all but so many bytes."""
        self.clear()
        with open(self.place / "of-others", "wb") as file:
            for _ in range(100):
                length = self.free() - left
                if length <= 0:
                    return
                # Fails if PostgreSQL took some of it meanwhile.
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), length)
        raise AssertionError("others took up less than they should")

    def clear(self):
        (self.place / "of-others").unlink(missing_ok=True)


class Small(unittest.TestCase):
    SIZE = 512 * rig.MIB
    OPTIONS = ("--disk-reserve", "64 MiB", "--sweep-every", "1")

    @classmethod
    def setUpClass(cls):
        cls.place = rig.workspace()
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        cls.disk = SmallDisk(cls, cls.place / "disk", cls.SIZE)
        cls.gateway = rig.Gateway(cls.where(), *cls.OPTIONS)
        cls.addClassCleanup(lambda: cls.gateway.process and cls.gateway.stop())
        cls.gateway.start()
        cls.gateway.listen = f"127.0.0.1:{cls.gateway.port}"
        cls.ada, cls.bob, cls.carol = cls.people = [cls.gateway.invited(who) for who in (ADA, BOB, CAROL)]
        cls.box = cls.gateway.mailbox(BOB)

    def setUp(self):
        self.disk.clear()

    def opened(self):
        return sealing.opened(self.ada, [BOB, ADA])

    def upload(self, cover, file):
        """The path of a new one."""
        metadata = f"delivery {device.b64(cover.delivery.encode())},file {device.b64(str(file.id).encode())}"
        return self.ada.request("POST", "/v1/uploads", extra=[
            TUS, f"Upload-Length: {len(file.sealed(cover))}", f"Upload-Metadata: {metadata}"])

    def patch(self, path, offset, piece):
        return self.ada.request("PATCH", path, piece, OFFSET, extra=[TUS, f"Upload-Offset: {offset}"])

    def offset(self, path):
        return int(self.ada.request("HEAD", path, extra=[TUS])[1]["upload-offset"])

    def put(self, cover, file):
        return self.ada.request("POST", f"/v1/deliveries/{cover.delivery}/files?id={file.id}", file.sealed(cover),
                                "application/age")

    def stow(self, *instances):
        return self.gateway.request("POST", f"/to/{self.box}/dicom-web/studies", *rig.stow_body(instances), machine=True)

    def share(self, cover, files):
        return sealing.change(self.ada, cover.next([self.bob, self.ada, self.carol], self.ada.key), files)

    def opens(self, who, file):
        key = self.place / f"key-{who.key.id}"
        key.write_text(who.identity, encoding="ascii")
        self.assertEqual(rig.age_decrypt(key, expect(200, who.request("GET", f"/v1/files/{file.id}"))), file.plaintext)

    def require_sound(self):
        self.assertEqual(invariants.violations(self.gateway.sql), [])

    def whole(self):
        """Everything once, with room for it."""
        cover = self.opened()
        file, sent = sealing.File(b"a letter"), sealing.File(os.urandom(2 * rig.MIB))
        expect(201, self.put(cover, file))
        expect(204, self.patch(self.upload(cover, sent)[1]["location"], 0, sent.sealed(cover)))
        sealing.close(self.ada, cover, [file, sent])
        expect(200, self.share(cover, [file, sent]))
        for who in self.people:
            self.opens(who, sent)
        expect(200, self.stow(rig.ct_instance(int.from_bytes(os.urandom(2), "big"))))


class Reserve(Small):
    """The gateway's own database on a disk of which less than `disk.reserve` is free."""

    @classmethod
    def where(cls):
        return cls.disk.place / "data"

    def sending(self, method, path, body, content_type, *lines):
        """A connection on which the head of a request of Ada's, and half its body, were sent."""
        connection = self.gateway.tls()
        self.addCleanup(connection.close)
        head = device.raw_head(self.ada.key, self.gateway, method, path, body, content_type)
        connection.sendall(head + "".join(line + "\r\n" for line in (*lines, f"Content-Length: {len(body)}", "")).encode()
                           + body[:len(body) // 2])
        return connection

    def rest(self, connection, body):
        """The answer, whether or not all of the rest was wanted."""
        try:
            connection.sendall(body[len(body) // 2:])
        except OSError:
            pass
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
            if answer.endswith(b"}"):
                break
        status, _, content = rig.curl_answer(answer)
        return problem((status, {}, content))

    def rows(self):
        return int(self.gateway.sql("SELECT count(*) FROM payload_row"))

    def test_what_needs_room_is_refused_and_the_rest_goes_on(self):
        open_one, file = self.opened(), sealing.File(b"a letter")
        expect(201, self.put(open_one, file))
        begun, partly = self.opened(), sealing.File(os.urandom(2 * rig.MIB))
        path = self.upload(begun, partly)[1]["location"]
        expect(204, self.patch(path, 0, partly.sealed(begun)[:1_500_000]))
        other = sealing.File(b"another")
        closed = sealing.sent(self.ada, [BOB, ADA], other)
        self.disk.fill(LOW)
        self.assertEqual(self.gateway.request("GET", "/readyz")[0], 503)

        another = sealing.File(b"one more")
        self.assertEqual(problem(self.put(open_one, another)), FULL)
        self.assertEqual(problem(self.upload(begun, another)), FULL)
        self.assertEqual(problem(self.patch(path, 1_500_000, partly.sealed(begun)[1_500_000:])), FULL)
        self.assertEqual(self.offset(path), 1_500_000)
        self.assertEqual(problem(self.share(closed, [other])), FULL)
        self.assertEqual(problem(self.ada.request("POST", "/v1/deliveries", {"recipients": [BOB]})), FULL)
        answer = self.gateway.request("POST", f"/v1/files?mailbox={self.box}", rig.CT, "application/dicom", machine=True)
        self.assertEqual(problem(answer), FULL)
        status, fields, content = self.stow(rig.ct_instance(1))
        self.assertEqual((status, fields["content-type"]), (507, "application/dicom+json"))
        self.assertEqual(json.loads(content)["0008119A"]["Value"][0]["00081197"]["Value"], [0xA700])

        sealing.close(self.ada, open_one, [file])
        self.opens(self.bob, file)
        self.opens(self.bob, other)
        self.assertEqual(self.carol.request("GET", f"/v1/files/{other.id}")[0], 404)
        expect(200, self.ada.request("DELETE", f"/v1/deliveries/{closed.delivery}"))
        self.require_sound()

        self.disk.clear()
        expect(204, self.patch(path, 1_500_000, partly.sealed(begun)[1_500_000:]))
        sealing.close(self.ada, begun, [partly])
        self.opens(self.bob, partly)
        self.whole()
        rig.eventually(lambda: self.gateway.request("GET", "/readyz")[0] == 200, "it is ready again")
        self.require_sound()

    def test_room_that_the_database_has_of_its_own_counts(self):
        kept = sealing.sent(self.ada, [BOB, ADA], *[sealing.File(os.urandom(20 * rig.MIB)) for _ in range(5)])
        cover, file = self.opened(), sealing.File(os.urandom(rig.MIB))
        self.disk.fill(60 * rig.MIB)
        self.assertEqual(problem(self.put(cover, file)), FULL)
        expect(200, self.ada.request("DELETE", f"/v1/deliveries/{kept.delivery}"))
        # Not a byte of it goes back to the system.
        self.assertLess(self.disk.free(), 64 * rig.MIB)
        rig.eventually(lambda: self.put(cover, file)[0] == 201, "the next sweep finds what can be filled again")
        self.disk.fill(LOW)
        self.assertEqual(problem(self.put(cover, sealing.File(b"another"))), FULL, "less than half of the reserve")
        self.require_sound()

    def test_a_file_that_comes_while_the_disk_fills_up_leaves_nothing(self):
        cover, file = self.opened(), sealing.File(os.urandom(12 * rig.MIB))
        body, before = file.sealed(cover), self.rows()
        path = f"/v1/deliveries/{cover.delivery}/files?id={file.id}"
        connection = self.sending("POST", path, body, "application/age")
        rig.eventually(lambda: self.rows() > before, "its first rows are staged")
        self.disk.fill(LOW)
        self.assertEqual(self.rest(connection, body), FULL)
        rig.eventually(lambda: self.rows() == before, "they are dropped")
        self.disk.clear()
        expect(201, self.put(cover, file))
        self.require_sound()

    def test_an_upload_during_which_the_disk_fills_up_goes_on_where_it_stood(self):
        cover, file = self.opened(), sealing.File(os.urandom(12 * rig.MIB))
        body = file.sealed(cover)
        path = self.upload(cover, file)[1]["location"]
        connection = self.sending("PATCH", path, body, OFFSET, TUS, "Upload-Offset: 0")
        rig.eventually(lambda: self.offset(path) > sealing.ROW, "its first rows are durable")
        self.disk.fill(LOW)
        self.assertEqual(self.rest(connection, body), FULL)
        stands = self.offset(path)
        self.assertGreater(stands, sealing.ROW)
        self.assertLess(stands, len(body))
        self.disk.clear()
        expect(204, self.patch(path, stands, body[stands:]))
        sealing.close(self.ada, cover, [file])
        self.opens(self.bob, file)
        self.require_sound()


class TableSpace(Small):
    """A database of the operator's own, whose log has room and whose tables have none."""
    SIZE = 64 * rig.MIB

    @classmethod
    def where(cls):
        cls.database = rig.Database(cls.place).start()
        cls.addClassCleanup(cls.database.stop)
        tables = cls.disk.place / "tables"
        tables.mkdir()
        if cls.database.account:
            shutil.chown(tables, cls.database.account, cls.database.account)
        cls.database.sql(f"CREATE TABLESPACE small LOCATION '{tables}'")
        cls.database.sql("ALTER DATABASE postgres SET default_tablespace = small")
        cls.OPTIONS = ("--database", cls.database.address)
        return cls.place / "data"

    def until_full(self, attempt):
        """The first answer that isn't a success, of few enough attempts."""
        for _ in range(100):
            answer = attempt()
            if answer[0] >= 300:
                return answer
        raise AssertionError("it never got full")

    def test_each_phase_says_507_and_all_work_again(self):
        cover, closing = self.opened(), self.opened()
        kept, files = sealing.File(b"a letter"), [sealing.File(bytes(100)) for _ in range(20)]
        expect(201, self.put(closing, kept))
        closed = sealing.sent(self.ada, [BOB, ADA], *files)
        large = sealing.File(os.urandom(30 * rig.MIB))
        path = self.upload(cover, large)[1]["location"]
        self.disk.fill(0)

        self.assertEqual(problem(self.until_full(lambda: self.put(cover, sealing.File(os.urandom(rig.MIB))))), FULL)
        answer = self.patch(path, 0, large.sealed(cover))
        self.assertEqual(problem(answer), FULL)
        stands = self.offset(path)
        self.assertLess(stands, len(large.sealed(cover)))
        answer = self.until_full(lambda: self.stow(*(rig.ct_instance(number) for number in range(200))))
        self.assertEqual(answer[0], 507)
        self.assertEqual(problem(self.until_full(lambda: self.share(closed, files))), FULL)
        # A statement that ends something, or says a little, finds room in what there is, or doesn't and says so.
        manifest = sealing.manifest(self.ada, closing, [kept])
        answer = self.ada.request("POST", f"/v1/deliveries/{closing.delivery}/close", manifest, device.ENVELOPE)
        self.assertIn(answer[0], (200, 507))
        self.require_sound()

        self.disk.clear()
        expect(200, self.ada.request("POST", f"/v1/deliveries/{closing.delivery}/close", manifest, device.ENVELOPE))
        self.opens(self.bob, kept)
        expect(200, self.share(closed, files))
        self.opens(self.carol, files[0])
        self.whole()
        self.require_sound()


class Log(Small):
    """Others fill the disk to its last byte, and PostgreSQL can't write its log."""

    @classmethod
    def where(cls):
        return cls.disk.place / "data"

    def test_nothing_that_was_acknowledged_is_lost(self):
        file = sealing.File(os.urandom(2 * rig.MIB))
        sealing.sent(self.ada, [BOB, ADA], file)
        cover = self.opened()
        self.disk.fill(0)
        self.assertEqual(problem(self.put(cover, sealing.File(b"another"))), FULL)
        # What is there of the log is used up by a few bytes a segment.
        for _ in range(100):
            if self.gateway.process.poll() is not None:
                break
            try:
                self.gateway.sql("SELECT pg_logical_emit_message(false, 'x', 'x'), pg_switch_wal()")
            except AssertionError:
                rig.eventually(lambda: self.gateway.process.poll() is not None or self.answers(), "it has ended or lives")
        self.assertEqual(self.gateway.process.wait(timeout=60), 1)
        self.assertIn("postgresql.log", self.gateway.log_text())
        self.gateway.process.stdout.close()
        with self.assertRaises(AssertionError):
            self.gateway.start()

        self.disk.clear()
        self.gateway.start()
        self.opens(self.bob, file)
        self.whole()
        self.require_sound()

    def answers(self):
        try:
            self.gateway.sql("SELECT 1")
        except AssertionError:
            return False
        return True


if __name__ == "__main__":
    unittest.main()
