"""kill -9 at named points: of each thing that changes what is stored, the points at which it may be cut, and who dies.

What must hold afterwards is the same everywhere (Matrix.struck_at): what was acknowledged is there, and what was
committed; nothing is half there or there twice; whoever tries again comes to the same end, and stock age opens it.
"""
import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import device
import invariants
import rig
import sealing
from sealing import expect
from wire import Point, Wire

ADA, BOB, CAROL = (f"{name}@hospital.example" for name in ("ada", "bob", "carol"))
OFFSET = "application/offset+octet-stream"
TUS = "Tus-Resumable: 1.0.0"

VICTIMS = ("client", "gateway", "postmaster", "backend")


def before(statement, nth=1):
    return Point(statement, nth)


def before_commit(statement, nth=1):
    return Point(statement, nth, commit=True)


def after_commit(statement, nth=1):
    """Done, and nobody has been told."""
    return Point(statement, nth, commit=True, answered=True)


# --- What is done -----------------------------------------------------------------------------------------------------


class Action:
    """Something that a client has done, on `scene` (Matrix). It is all `old` or all `new`."""

    def __init__(self, scene):
        self.scene = scene
        self.prepare()

    def of(self, who, *request, **options):
        """A request of `who`, as a process."""
        command, given = self.scene.gateway.curl_request(
            *device.signed(self.scene.gateway, who.key, *request, **options))
        return Attempt(command, given)

    def once(self, statement):
        return self.scene.sql(statement).strip()

    def is_closed(self):
        return self.once(f"SELECT state FROM delivery WHERE id = '{self.delivery}'") == "closed"

    def require_opens(self, who, files):
        """Stock age makes of each file what it was, with the key of `who`."""
        for file, plaintext in files:
            sealed = expect(200, who.request("GET", f"/v1/files/{file}"))
            self.scene.assertEqual(rig.age_decrypt(who.key_file, sealed), plaintext)

    def may_open(self, who, files):
        """Whether the gateway gives them all to `who`; it isn't some of them."""
        answers = {who.request("HEAD", f"/v1/files/{file}")[0] for file, _ in files}
        self.scene.assertIn(answers, ({200}, {404}))
        return answers == {200}

    def require_listed_once(self, who):
        inbox = expect(200, who.request("GET", "/v1/inbox?limit=1000"))["deliveries"]
        self.scene.assertEqual([one["delivery"] for one in inbox].count(self.delivery), 1)


class Attempt:
    """A process that asks for something: curl or letterbox."""

    def __init__(self, command, given=None):
        with tempfile.TemporaryFile() as source:
            source.write(given or b"")
            source.seek(0)
            self.process = subprocess.Popen([str(part) for part in command], stdin=source, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT)
        self.is_curl = command[0] == "curl"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=60)

    @functools.cached_property
    def said(self):
        return self.process.communicate(timeout=120)[0]

    def succeeded(self):
        """Whether it was told that it is done."""
        said = self.said
        return self.process.returncode == 0 and (not self.is_curl or rig.curl_answer(said)[0] in (200, 201, 204))


class Upload(Action):
    """One file in one request. Twelve rows, so that its end hasn't left its sender when the first rows are stored."""
    SIZE = 12 * rig.MIB

    def prepare(self):
        self.cover = sealing.opened(self.scene.ada, [BOB, ADA])
        self.delivery = self.cover.delivery
        self.file = sealing.File(os.urandom(self.SIZE))

    def begin(self):
        return self.of(self.scene.ada, "POST", f"/v1/deliveries/{self.delivery}/files?id={self.file.id}",
                       self.file.sealed(self.cover), "application/age")

    def look(self):
        return "new" if self.once(f"SELECT count(*) FROM file WHERE id = '{self.file.id}'") == "1" else "old"

    def again(self):
        # A file that is there already is a conflict, and is there.
        rig.eventually(lambda: self.begin().succeeded() or self.look() == "new", "it is there")

    def require_end(self):
        sealing.close(self.scene.ada, self.cover, [self.file])
        self.require_opens(self.scene.bob, [(self.file.id, self.file.plaintext)])
        self.require_listed_once(self.scene.bob)


class SmallUpload(Upload):
    SIZE = 1000


class Creation(Upload):
    """An upload that is made, to go on with."""
    SIZE = 1000

    def begin(self):
        metadata = f"delivery {device.b64(self.delivery.encode())},file {device.b64(str(self.file.id).encode())}"
        length = len(self.file.sealed(self.cover))
        return self.of(self.scene.ada, "POST", "/v1/uploads", extra=[
            TUS, f"Upload-Length: {length}", f"Upload-Metadata: {metadata}"])

    def look(self):
        return "old" if self.once(f"SELECT count(*) FROM upload WHERE delivery_id = '{self.delivery}'") == "0" else "new"

    def again(self):
        made = Creation.begin(self)
        self.scene.assertTrue(made.succeeded(), made.said)
        self.upload = rig.curl_answer(made.said)[1]["location"]

    def patched(self, offset, piece):
        return self.of(self.scene.ada, "PATCH", self.upload, piece, OFFSET, extra=[TUS, f"Upload-Offset: {offset}"])

    def require_end(self):
        self.scene.assertTrue(self.patched(0, self.file.sealed(self.cover)).succeeded())
        super().require_end()


class Patch(Creation):
    """The rest of an upload of which a part was acknowledged."""
    SIZE, ACKNOWLEDGED = 5 * rig.MIB, 1_500_000

    def prepare(self):
        super().prepare()
        self.sealed = self.file.sealed(self.cover)
        Creation.again(self)
        self.scene.assertTrue(self.patched(0, self.sealed[:self.ACKNOWLEDGED]).succeeded())

    def begin(self):
        return self.patched(self.ACKNOWLEDGED, self.sealed[self.ACKNOWLEDGED:])

    def offset(self):
        status, fields, _ = self.scene.ada.request("HEAD", self.upload, extra=[TUS])
        self.scene.assertEqual(status, 200)
        self.scene.assertGreaterEqual(int(fields["upload-offset"]), self.ACKNOWLEDGED)
        return int(fields["upload-offset"])

    def look(self):
        return "new" if self.offset() == len(self.sealed) else "old"

    def again(self):
        # Whoever still holds it lets go in the end, and what they wrote isn't written again.
        def goes_on():
            offset = self.offset()
            return offset == len(self.sealed) or self.patched(offset, self.sealed[offset:]).succeeded()
        rig.eventually(goes_on, "it is complete")

    def require_end(self):
        Upload.require_end(self)


class Close(Action):
    def prepare(self):
        self.cover = sealing.opened(self.scene.ada, [BOB, ADA])
        self.delivery = self.cover.delivery
        self.files = [sealing.File(b"letter %d" % number) for number in range(3)]
        for file in self.files:
            sealing.put(self.scene.ada, self.cover, file)
        self.manifest = json.dumps(sealing.manifest(self.scene.ada, self.cover, self.files)).encode()

    def begin(self):
        return self.of(self.scene.ada, "POST", f"/v1/deliveries/{self.delivery}/close", self.manifest, device.ENVELOPE)

    def pairs(self):
        return [(file.id, file.plaintext) for file in self.files]

    def look(self):
        seen = self.may_open(self.scene.bob, self.pairs())
        self.scene.assertEqual(self.is_closed(), seen)
        return "new" if seen else "old"

    def again(self):
        attempt = self.begin()
        self.scene.assertTrue(attempt.succeeded(), attempt.said)

    def require_end(self):
        self.require_opens(self.scene.bob, self.pairs())
        self.require_listed_once(self.scene.bob)


class Share(Action):
    """By the letterbox program: Bob lets Carol open what Ada sent him."""
    FILES = (rig.CT, rig.ULTRASOUND)

    def prepare(self):
        sent = json.loads(self.scene.ada.letterbox("--json", "send", *self.FILES, "--to", BOB).stdout)
        self.delivery = sent["delivery"]
        manifest = expect(200, self.scene.bob.request("GET", f"/v1/deliveries/{self.delivery}"))["manifest"]
        plaintexts = {len(file.read_bytes()): file.read_bytes() for file in self.FILES}
        payload = json.loads(rig.base64.b64decode(manifest["payload"]))
        chunk = sealing.CHUNK + 16
        self.pairs = [(one["id"], plaintexts[one["length"] - 16 - 16 * -(-(one["length"] - 16) // chunk)])
                      for one in payload["files"]]

    def begin(self):
        return self.letterbox(self.scene.bob, "share", self.delivery, "--to", CAROL)

    def letterbox(self, who, *arguments):
        return Attempt([rig.BINARIES / "letterbox", "--home", who.home, *arguments])

    def look(self):
        return "new" if self.may_open(self.scene.carol, self.pairs) else "old"

    def again(self):
        attempt = self.begin()
        self.scene.assertTrue(attempt.succeeded(), attempt.said)

    def require_end(self):
        for who in (self.scene.ada, self.scene.bob, self.scene.carol):
            self.require_opens(who, self.pairs)
            self.require_listed_once(who)
        self.require_version(2)

    def require_version(self, version):
        self.scene.assertEqual(self.once(f"SELECT version FROM delivery WHERE id = '{self.delivery}'"), str(version))


class ShareMany(Action):
    """Ada lets Carol open a delivery of very many files."""
    COUNT = 2000 if rig.FULL else 200

    def prepare(self):
        self.files = [sealing.File(b"letter %d" % number) for number in range(self.COUNT)]
        self.cover = sealing.sent(self.scene.ada, [BOB, ADA], *self.files)
        self.delivery = self.cover.delivery
        self.next = self.cover.next([self.scene.bob, self.scene.ada, self.scene.carol], self.scene.ada.key)
        self.change = sealing.recipients_change(self.next, self.files)

    def begin(self):
        return self.of(self.scene.ada, "PUT", f"/v1/deliveries/{self.delivery}/recipients", self.change,
                       sealing.RECIPIENTS_CHANGE, extra=['If-Match: "v1"'])

    def look(self):
        path = f"/v1/deliveries/{self.delivery}/headers"
        headers = sealing.headers_in(expect(200, self.scene.bob.request("GET", path)))
        now = self.cover if self.scene.carol.request("GET", path)[0] == 404 else self.next
        self.scene.assertEqual(headers, {file.id.bytes: (file.header(now), file.nonce) for file in self.files})
        return "old" if now is self.cover else "new"

    def again(self):
        attempt = self.begin()
        self.scene.assertTrue(attempt.succeeded(), attempt.said)

    def require_end(self):
        few = [(file.id, file.plaintext) for file in (self.files[0], self.files[-1])]
        for who in (self.scene.ada, self.scene.bob, self.scene.carol):
            self.require_opens(who, few)
            self.require_listed_once(who)


class Unshare(Share):
    """Ada drops Carol."""

    def prepare(self):
        super().prepare()
        Share.again(self)

    def begin(self):
        if not hasattr(self, "shared"):
            self.shared = True
            return Share.begin(self)
        return self.letterbox(self.scene.ada, "unshare", self.delivery, "--from", CAROL)

    def look(self):
        return "old" if self.may_open(self.scene.carol, self.pairs) else "new"

    def require_end(self):
        for who in (self.scene.ada, self.scene.bob):
            self.require_opens(who, self.pairs)
        self.require_version(3)


class Confirm(Close):
    """Bob says that the last headers open; those of the version before it go."""

    def prepare(self):
        super().prepare()
        expect(200, self.scene.ada.request("POST", f"/v1/deliveries/{self.delivery}/close", self.manifest,
                                           device.ENVELOPE))
        people = [self.scene.bob, self.scene.ada]
        for recipients in ([*people, self.scene.carol], people):
            self.cover = self.cover.next(recipients, self.scene.ada.key)
            expect(200, sealing.change(self.scene.ada, self.cover, self.files))

    def begin(self):
        return self.of(self.scene.bob, "POST", f"/v1/deliveries/{self.delivery}/confirmations", {"version": 3})

    def look(self):
        return {"1,2": "old", "1": "new"}[self.once(
            f"SELECT string_agg(version::text, ',' ORDER BY version) FROM former_version"
            f" WHERE delivery_id = '{self.delivery}'")]


class Revoke(Share):
    """Ada takes it back."""

    def begin(self):
        return self.letterbox(self.scene.ada, "revoke", self.delivery)

    def look(self):
        answers = {self.may_open(who, self.pairs) for who in (self.scene.ada, self.scene.bob)}
        self.scene.assertEqual(len(answers), 1)
        return "old" if answers == {True} else "new"

    def require_end(self):
        receipts = [expect(200, self.scene.ada.request("DELETE", f"/v1/deliveries/{self.delivery}")) for _ in range(2)]
        self.scene.assertEqual(receipts[0], receipts[1])
        state = self.once(f"SELECT state || (SELECT count(*) FROM file WHERE delivery_id = d.id)"
                          f" FROM delivery AS d WHERE id = '{self.delivery}'")
        self.scene.assertEqual(state, "revoked0")


class Expire(Close):
    """By the sweeper: a delivery that is over loses its headers."""

    def prepare(self):
        super().prepare()
        expect(200, self.scene.ada.request("POST", f"/v1/deliveries/{self.delivery}/close", self.manifest,
                                           device.ENVELOPE))
        rig.eventually(lambda: self.once("SELECT count(*) FROM payload WHERE staged_by IS NOT NULL") == "0",
                       "there is nothing else to sweep")
        self.payloads = self.once(f"SELECT string_agg(quote_literal(payload_id), ',') FROM file"
                                  f" WHERE delivery_id = '{self.delivery}'")

    def begin(self):
        self.once(f"UPDATE delivery SET created = now() - interval '1 day', expires = now() - interval '1 second'"
                  f" WHERE id = '{self.delivery}'")

    def look(self):
        self.scene.assertFalse(self.may_open(self.scene.bob, self.pairs()), "it is over")
        return {"closed3": "old", "expired0": "new"}[self.once(
            f"SELECT state || (SELECT count(*) FROM file WHERE delivery_id = d.id)"
            f" FROM delivery AS d WHERE id = '{self.delivery}'")]

    def again(self):
        rig.eventually(lambda: self.look() == "new", "the sweeper comes by again")

    def require_end(self):
        rig.eventually(lambda: self.rows() == 0, "and takes the bytes")

    def rows(self):
        return int(self.once(f"SELECT (SELECT count(*) FROM payload WHERE id IN ({self.payloads}))"
                             f" + (SELECT count(*) FROM payload_row WHERE payload_id IN ({self.payloads}))"))


class DropBytes(Expire):
    """By the sweeper: sealed bytes that belong to nothing any more go."""

    def look(self):
        return {0: "new", 6: "old"}[self.rows()]


# Begins again at once, and its commits don't wait for the disk: what a crash takes back of them is swept again.
SWEEPS = (Expire, DropBytes)


# --- Where it is cut --------------------------------------------------------------------------------------------------

ROW = r"INSERT INTO payload_row"
FILE = r"INSERT INTO file "
TABLE = (
    # point                                          action       where
    ("upload before its first row",                  Upload,      before(ROW)),
    ("upload between two rows",                      Upload,      before(ROW, 3)),
    ("upload before its last row",                   Upload,      before(r"UPDATE payload SET staged_by = NULL")),
    ("upload between bytes and file",                Upload,      before(FILE)),
    ("upload before its commit",                     Upload,      before_commit(FILE)),
    ("upload after its commit",                      Upload,      after_commit(FILE)),
    ("small upload before its commit",               SmallUpload, before_commit(FILE)),
    ("small upload after its commit",                SmallUpload, after_commit(FILE)),
    ("creation before its commit",                   Creation,    before_commit(r"INSERT INTO upload")),
    ("creation after its commit",                    Creation,    after_commit(r"INSERT INTO upload")),
    ("patch before it takes the upload over",        Patch,       before(r"UPDATE upload SET writer")),
    ("patch between a row and its offset",           Patch,       before(r"UPDATE upload\s+SET received = \$3", 2)),
    ("patch before the commit of a row",             Patch,       before_commit(ROW, 2)),
    ("patch after the commit of a row",              Patch,       after_commit(ROW, 2)),
    ("completion between upload and file",           Patch,       before(FILE)),
    ("completion before its commit",                 Patch,       before_commit(FILE)),
    ("completion after its commit",                  Patch,       after_commit(FILE)),
    ("close before it counts the files",             Close,       before(r"SELECT id, index_header IS NOT NULL")),
    ("close before its commit",                      Close,       before_commit(r"state = 'closed', closed")),
    ("close after its commit",                       Close,       after_commit(r"state = 'closed', closed")),
    ("share before headers are staged",              Share,       before(r"INSERT INTO staged_headers")),
    ("share before headers are kept",                Share,       before(r"INSERT INTO former_version")),
    ("share between kept and swapped",               Share,       before(r"UPDATE file AS f\s+SET header")),
    ("share between headers and cover",              Share,       before(r"INSERT INTO cover")),
    ("share before its commit",                      Share,       before_commit(r"UPDATE file AS f\s+SET header")),
    ("share after its commit",                       Share,       after_commit(r"UPDATE file AS f\s+SET header")),
    ("share of many before headers are staged",      ShareMany,   before(r"INSERT INTO staged_headers")),
    ("share of many between kept and swapped",       ShareMany,   before(r"UPDATE file AS f\s+SET header")),
    ("share of many before its commit",              ShareMany,   before_commit(r"UPDATE file AS f\s+SET header")),
    ("share of many after its commit",               ShareMany,   after_commit(r"UPDATE file AS f\s+SET header")),
    ("unshare between headers and recipients",       Unshare,     before(r"DELETE FROM delivery_recipient")),
    ("unshare before its commit",                    Unshare,     before_commit(r"DELETE FROM delivery_recipient")),
    ("unshare after its commit",                     Unshare,     after_commit(r"DELETE FROM delivery_recipient")),
    ("confirm before its commit",                    Confirm,     before_commit(r"DELETE FROM former_version")),
    ("confirm after its commit",                     Confirm,     after_commit(r"DELETE FROM former_version")),
    ("revoke before it ends the delivery",           Revoke,      before(r"SET state = 'revoked'")),
    ("revoke before its commit",                     Revoke,      before_commit(r"SET state = 'revoked'")),
    ("revoke after its commit",                      Revoke,      after_commit(r"SET state = 'revoked'")),
    # Nobody waits for a sweep, so it has no client.
    ("sweep before a delivery expires",              Expire,      before(r"SET state = 'expired'")),
    ("sweep before the commit of an end",            Expire,      before_commit(r"SET state = 'expired'")),
    ("sweep after the commit of an end",             Expire,      after_commit(r"SET state = 'expired'")),
    ("sweep between headers and bytes",              DropBytes,   before(r"DELETE FROM payload_row\s+WHERE ctid")),
    ("sweep between rows and payloads",              DropBytes,   before(r"DELETE FROM payload AS p USING")),
    ("sweep before the commit of bytes",             DropBytes,   before_commit(r"DELETE FROM payload AS p USING")),
    ("sweep after the commit of bytes",              DropBytes,   after_commit(r"DELETE FROM payload AS p USING")),
)


class Member(rig.Person):
    """Somebody with a letterbox program, who also makes requests that it doesn't."""

    @property
    def key(self):
        return self.signing_key


class Matrix(unittest.TestCase):
    """The gateway with a database of its own, so that each can be killed without the other, and what lies between."""

    @classmethod
    def setUpClass(cls):
        cls.place = rig.workspace()
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        # What a system holds that lives on isn't lost with a process, so nobody need wait for the disk. The wire isn't
        # the account that peer authentication would want.
        cls.database = rig.Database(cls.place, "trust", "-c fsync=off").start()
        cls.addClassCleanup(cls.database.stop)
        cls.wire = Wire(cls.place / "wire", cls.database.cluster)
        cls.addClassCleanup(cls.wire.close)
        cls.gateway = rig.Gateway(cls.place / "data", "--database", cls.wire.address, "--sweep-every", "1").start()
        cls.addClassCleanup(cls.gateway.stop)
        cls.gateway.listen = f"127.0.0.1:{cls.gateway.port}"
        cls.ada, cls.bob, cls.carol = people = [
            Member(cls.place / who.partition("@")[0], who, cls.gateway) for who in (ADA, BOB, CAROL)]
        for person in people:
            person.knows(*[other for other in people if other is not person])

    def sql(self, statement):
        """Asked past the wire."""
        return self.gateway.as_owner("psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d",
                                     self.database.address, "-c", statement)

    def kill(self, victim, attempt):
        if victim == "client":
            attempt.kill()
        elif victim == "gateway":
            self.gateway.process.send_signal(signal.SIGKILL)
            self.gateway.process.wait(timeout=60)
            self.gateway.process.stdout.close()
        elif victim == "postmaster":
            os.kill(int((self.database.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        else:
            os.kill(self.wire.backend, signal.SIGKILL)

    def bring_back(self, victim):
        if victim == "gateway":
            self.gateway.start()
        elif victim == "postmaster":
            self.database.start_again()
        elif victim == "backend":
            rig.eventually(self.database.answers, "the server has recovered")

    def require_sound(self):
        self.assertEqual(invariants.violations(self.sql), [])

    def struck_at(self, make, point, victim):
        action = make(self)
        self.require_sound()
        self.wire.arm(point)
        attempt = action.begin()
        rig.eventually(lambda: self.wire.reached.is_set() or attempt and attempt.process.poll() is not None,
                       "it comes to the point")
        if not self.wire.reached.is_set():
            self.fail(f"it didn't come to the point: {attempt.said}")
        self.kill(victim, attempt)
        self.wire.let_go()
        self.bring_back(victim)
        acknowledged = attempt is not None and victim != "client" and attempt.succeeded()

        self.require_sound()
        found = action.look()
        if acknowledged or point.answered and point.statement != ROW and make not in SWEEPS:
            self.assertEqual(found, "new")
        elif victim == "gateway" and make not in SWEEPS:
            self.assertEqual(found, "old")
        action.again()
        self.assertEqual(action.look(), "new")
        action.require_end()
        self.require_sound()
        # Or there would be more and more to look through.
        expect(200, self.ada.request("DELETE", f"/v1/deliveries/{action.delivery}"))


def test_of(make, point, victim):
    return lambda self: self.struck_at(make, point, victim)


# At each COMMIT another one in turn; with LETTERBOX_FULL all of them at each point.
for number, (name, make, point) in enumerate(row for row in TABLE if rig.FULL or row[2].commit):
    victims = VICTIMS[1:] if make in SWEEPS else VICTIMS
    for victim in victims if rig.FULL else [victims[number % len(victims)]]:
        setattr(Matrix, f"test_{name.replace(' ', '_')}_the_{victim}_is_killed", test_of(make, point, victim))


if __name__ == "__main__":
    unittest.main()
