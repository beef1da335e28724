"""Uploads that break off and go on: tus 1.0, by hand and by the npm package tus-js-client."""
import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest
import urllib.request

import device
import rig
import sealing
from sealing import expect, problem

ROOT = pathlib.Path(__file__).resolve().parents[2]
SURGEON, COLLEAGUE = "surgeon@hospital.example", "colleague@hospital.example"
OFFSET = "application/offset+octet-stream"
TUS = "Tus-Resumable: 1.0.0"
CHECKSUM = "Upload-Checksum: sha256 "


def encoded(text):
    return base64.b64encode(str(text).encode()).decode()


class Tus(rig.OnOneGateway):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.surgeon = cls.gateway.invited(SURGEON)
        cls.colleague = cls.gateway.invited(COLLEAGUE)

    def setUp(self):
        self.cover = sealing.opened(self.surgeon, [COLLEAGUE, SURGEON])

    def made(self, file, body=b"", who=None, metadata=None, length=None, extra=(TUS,)):
        metadata = metadata or f"delivery {encoded(self.cover.delivery)},file {encoded(file.id)}"
        length = len(file.sealed(self.cover)) if length is None else length
        return (who or self.surgeon).request(
            "POST", "/v1/uploads", body, OFFSET if body else None,
            extra=[*extra, f"Upload-Length: {length}", f"Upload-Metadata: {metadata}"])

    def upload(self, file):
        return self.made(file)[1]["location"]

    def patch(self, upload, offset, body, *extra, who=None, content_type=OFFSET):
        return (who or self.surgeon).request("PATCH", upload, body, content_type,
                                             extra=[TUS, f"Upload-Offset: {offset}", *extra])

    def head(self, upload, who=None):
        return (who or self.surgeon).request("HEAD", upload, extra=[TUS])

    def offset(self, upload):
        status, fields, _ = self.head(upload)
        self.assertEqual(status, 200)
        return int(fields["upload-offset"])

    def payload(self, file):
        sealing.close(self.surgeon, self.cover, [file])
        return expect(200, self.colleague.request("GET", f"/v1/files/{file.id}/payload"))


    def count(self, table):
        return int(self.gateway.sql(f"SELECT count(*) FROM {table}"))


class Protocol(Tus):
    def test_options_say_what_is_known(self):
        status, fields, _ = self.surgeon.request("OPTIONS", "/v1/uploads")
        self.assertEqual((status, fields["tus-version"], fields["tus-checksum-algorithm"]), (204, "1.0.0", "sha256"))
        self.assertEqual(set(fields["tus-extension"].split(",")),
                         {"creation", "creation-with-upload", "expiration", "checksum", "termination"})
        self.assertGreater(int(fields["tus-max-size"]), 2**30)

    def test_a_file_comes_in_pieces_of_any_size(self):
        file = sealing.File(os.urandom(2_500_000))
        sealed = file.sealed(self.cover)
        status, fields, _ = self.made(file)
        self.assertEqual((status, fields["tus-resumable"], fields["upload-offset"]), (201, "1.0.0", "0"))
        upload = fields["location"]
        self.assertRegex(upload, r"^/v1/uploads/[0-9a-f-]{36}$")
        offset = 0
        for size in (1, 300, 1, 700_000, 1_500_000, 5, len(sealed)):
            piece = sealed[offset:offset + size]
            status, fields, _ = self.patch(upload, offset, piece)
            self.assertEqual((status, fields["tus-resumable"]), (204, "1.0.0"))
            offset += len(piece)
            self.assertEqual(int(fields["upload-offset"]), offset)
            self.assertRegex(fields["upload-expires"], r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")
            self.assertEqual(self.offset(upload), offset)
        self.assertEqual(self.payload(file), file.payload)
        self.assertEqual(self.offset(upload), len(sealed), "it is known until it expires")

    def test_head_says_all_that_is_known(self):
        file = sealing.File(b"a letter")
        status, fields, _ = self.head(self.upload(file))
        self.assertEqual((status, fields["upload-offset"], fields["cache-control"]), (200, "0", "no-store"))
        self.assertEqual(int(fields["upload-length"]), len(file.sealed(self.cover)))
        self.assertEqual(fields["upload-metadata"],
                         f"delivery {encoded(self.cover.delivery)},file {encoded(file.id)}")

    def test_creation_with_upload(self):
        file = sealing.File(b"a letter")
        sealed = file.sealed(self.cover)
        status, fields, _ = self.made(file, sealed[:100])
        self.assertEqual((status, fields["upload-offset"]), (201, "100"))
        self.assertEqual(self.patch(fields["location"], 100, sealed[100:])[0], 204)
        self.assertEqual(self.payload(file), file.payload)

    def test_creation_with_all_of_it(self):
        file = sealing.File(b"")
        status, fields, _ = self.made(file, file.sealed(self.cover))
        self.assertEqual((status, fields["upload-offset"]), (201, str(len(file.sealed(self.cover)))))
        self.assertEqual(self.payload(file), file.payload)

    def test_another_version_is_refused_and_told_the_right_one(self):
        file = sealing.File(b"a letter")
        upload = self.upload(file)
        for version in ((), ("Tus-Resumable: 0.2.2",)):
            for answer in (self.made(file, extra=version), self.surgeon.request("HEAD", upload, extra=version),
                           self.surgeon.request("PATCH", upload, b"x", OFFSET, extra=[*version, "Upload-Offset: 0"]),
                           self.surgeon.request("DELETE", upload, extra=version)):
                self.assertEqual((answer[0], answer[1]["tus-version"]), (412, "1.0.0"))

    def test_it_goes_on_where_it_stands_and_nowhere_else(self):
        file = sealing.File(b"a letter")
        sealed = file.sealed(self.cover)
        upload = self.upload(file)
        self.assertEqual(self.patch(upload, 0, sealed[:50])[0], 204)
        for offset in (0, 49, 51):
            self.assertEqual(problem(self.patch(upload, offset, sealed[offset:])), (409, "offset-mismatch"))
        for offset in ("", "x", "-1"):
            self.assertEqual(problem(self.patch(upload, offset, sealed[50:])), (400, "malformed"))
        self.assertEqual(problem(self.patch(upload, 50, sealed[50:], content_type="application/age")),
                         (415, "unsupported-media-type"))
        self.assertEqual(problem(self.patch(upload, 50, sealed[50:] + b"x")), (413, "too-large"))
        self.assertEqual(self.offset(upload), 50)

    def test_a_wrong_checksum_keeps_nothing(self):
        file = sealing.File(os.urandom(3_000_000))
        sealed = file.sealed(self.cover)
        upload = self.upload(file)
        wrong = CHECKSUM + base64.b64encode(bytes(32)).decode()
        self.assertEqual(problem(self.patch(upload, 0, sealed, wrong)), (460, "checksum-mismatch"))
        self.assertEqual(self.offset(upload), 0)
        answer = self.surgeon.request("PATCH", upload, sealed, OFFSET, extra=[TUS, "Upload-Offset: 0"], digest_of=b"x")
        self.assertEqual(problem(answer), (401, "unauthenticated"))
        self.assertEqual(self.offset(upload), 0)
        right = CHECKSUM + base64.b64encode(hashlib.sha256(sealed).digest()).decode()
        self.assertEqual(self.patch(upload, 0, sealed, right)[0], 204)
        self.assertEqual(self.payload(file), file.payload)

    def test_an_algorithm_that_isnt_known_is_refused(self):
        upload = self.upload(sealing.File(b"a letter"))
        answer = self.patch(upload, 0, b"x", "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")
        self.assertEqual(problem(answer), (400, "malformed"))

    def test_what_cant_be_a_file_of_the_delivery_isnt_taken(self):
        file = sealing.File(b"a letter")
        other = sealing.opened(self.surgeon, [COLLEAGUE, SURGEON])
        sealed = file.sealed(other)
        self.assertEqual(problem(self.patch(self.upload(file), 0, sealed)), (422, "cover-mismatch"))
        self.assertEqual(problem(self.patch(self.upload(sealing.File(b"")), 0, b"x" * 365)), (422, "not-what-it-claims"))
        self.assertEqual(problem(self.made(file, length=100)), (422, "not-what-it-claims"))
        self.assertEqual(problem(self.made(file, length=2**60)), (413, "too-large"))
        for metadata in (f"delivery {encoded(self.cover.delivery)}", "filename " + encoded(rig.CANARY),
                         f"delivery {encoded(self.cover.delivery)},file {encoded('x')}"):
            self.assertEqual(problem(self.made(file, metadata=metadata)), (400, "malformed"))

    def test_terminated_it_is_gone(self):
        file = sealing.File(b"a letter")
        upload = self.upload(file)
        self.patch(upload, 0, file.sealed(self.cover)[:9])
        self.assertEqual(self.surgeon.request("DELETE", upload, extra=[TUS])[0], 204)
        for method in ("HEAD", "DELETE"):
            self.assertEqual(self.surgeon.request(method, upload, extra=[TUS])[0], 404)
        sealing.put(self.surgeon, self.cover, file)

    def test_it_is_its_senders_alone_and_of_an_open_delivery(self):
        file = sealing.File(b"a letter")
        upload = self.upload(file)
        self.assertEqual(self.head(upload, self.colleague)[0], 404)
        self.assertEqual(self.patch(upload, 0, b"x", who=self.colleague)[0], 404)
        self.assertEqual(self.colleague.request("DELETE", upload, extra=[TUS])[0], 404)
        self.assertEqual(self.made(sealing.File(b""), who=self.colleague)[0], 404)
        done = sealing.File(b"done")
        sealing.put(self.surgeon, self.cover, done)
        self.assertEqual(problem(self.made(done)), (409, "conflict"))
        sealing.close(self.surgeon, self.cover, [done])
        self.assertEqual(self.head(upload)[0], 404, "what wasn't complete went with the closing")
        self.assertEqual(problem(self.made(file)), (409, "conflict"))

    def test_two_at_once_are_one(self):
        file = sealing.File(os.urandom(2_000_000))
        sealed = file.sealed(self.cover)
        upload = self.upload(file)
        connection = self.gateway.tls()
        self.addCleanup(connection.close)
        connection.sendall(device.raw_head(self.surgeon.key, self.gateway, "PATCH", upload, sealed, OFFSET)
                           + f"{TUS}\r\nUpload-Offset: 0\r\nContent-Length: {len(sealed)}\r\n\r\n".encode()
                           + sealed[:1_500_000])
        rig.eventually(lambda: self.offset(upload) > 0, "a first row is durable")
        self.assertEqual(problem(self.patch(upload, self.offset(upload), b"x")), (423, "locked"))
        connection.sendall(sealed[1_500_000:])
        self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 204"))
        self.assertEqual(self.payload(file), file.payload)


class Broken(Tus):
    def begun(self, file, sealed, size, kill):
        """The upload of `sealed`, of which so many bytes were sent when `kill` cut it off; and where it stands."""
        upload = self.upload(file)
        connection = self.gateway.tls()
        connection.sendall(device.raw_head(self.surgeon.key, self.gateway, "PATCH", upload, sealed, OFFSET)
                           + f"{TUS}\r\nUpload-Offset: 0\r\nContent-Length: {len(sealed)}\r\n\r\n".encode()
                           + sealed[:size])
        whole_rows = (size - len(file.header(self.cover)) - 16) // sealing.ROW
        rig.eventually(lambda: int(self.gateway.sql(
            f"SELECT rows FROM upload WHERE id = '{upload.rpartition('/')[2]}'")) == whole_rows, "its rows are durable")
        kill(connection)
        return upload

    def test_when_the_client_goes_the_rows_that_came_are_kept(self):
        file = sealing.File(os.urandom(3_000_000))
        sealed = file.sealed(self.cover)
        upload = self.begun(file, sealed, 1_234_567, lambda connection: connection.close())
        row = len(file.header(self.cover)) + 16 + sealing.ROW

        def goes_on():
            # What of the next row the gateway had in hand is kept, too.
            offset = self.offset(upload)
            self.assertIn(offset, range(row, 1_234_568))
            return self.patch(upload, offset, sealed[offset:])[0] == 204
        rig.eventually(goes_on, "the gateway lets go")
        self.assertEqual(self.payload(file), file.payload)

    def test_when_the_gateway_is_killed_it_goes_on_at_the_last_durable_row(self):
        def kill(connection):
            self.gateway.process.send_signal(signal.SIGKILL)
            self.gateway.process.wait(timeout=60)
            self.gateway.process.stdout.close()
            connection.close()
            self.gateway.start()

        file = sealing.File(os.urandom(3_000_000))
        sealed = file.sealed(self.cover)
        upload = self.begun(file, sealed, 2_500_000, kill)
        offset = self.offset(upload)
        self.assertEqual(offset, len(file.header(self.cover)) + 16 + 2 * sealing.ROW)
        self.assertEqual(self.patch(upload, offset, sealed[offset:])[0], 204, "nobody holds it any more")
        self.assertEqual(self.payload(file), file.payload)


class Peer(Tus):
    def client(self, file, sealed, upload=None):
        """npm's tus-js-client, sending `sealed`."""
        source = self.gateway.data.parent / f"{file.id}.age"
        source.write_bytes(sealed)
        order = {"endpoint": self.gateway.url + "/v1/uploads", "file": str(source), "slice": 1_000_000,
                 "metadata": {"delivery": self.cover.delivery, "file": str(file.id)},
                 "keyid": self.surgeon.key.id, "seed": device.b64(self.surgeon.key.seed), "upload": upload}
        client = subprocess.Popen(["node", ROOT / "tests" / "vectors" / "uploads" / "tus.mjs"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, env=os.environ | {"NODE_EXTRA_CA_CERTS": str(self.gateway.authority)})
        client.stdin.write(json.dumps(order).encode())
        client.stdin.close()
        return client

    def says(self, client):
        return json.loads(client.stdout.readline())

    def test_tus_js_client_uploads(self):
        file = sealing.File(os.urandom(2_500_000))
        with self.client(file, file.sealed(self.cover)) as client:
            said = [json.loads(line) for line in client.stdout]
        self.assertEqual(list(said[0]), ["url"])
        self.assertEqual(said[-1], {"done": True})
        self.assertEqual(self.payload(file), file.payload)

    def test_tus_js_client_resumes_after_it_was_killed(self):
        file = sealing.File(os.urandom(3_500_000))
        sealed = file.sealed(self.cover)
        with self.client(file, sealed) as client:
            upload = self.says(client)["url"]
            self.assertEqual(self.says(client), {"sent": 1_000_000})
            client.send_signal(signal.SIGKILL)
        with self.client(file, sealed, upload) as client:
            said = [json.loads(line) for line in client.stdout]
        # What the first one had under way is its own affair; the second begins where the gateway stands.
        self.assertEqual(said[-1], {"done": True}, said)
        self.assertGreater(said[1]["sent"], 1_000_000)
        self.assertEqual(self.payload(file), file.payload)


class Over(Tus):
    OPTIONS = ("--sweep-every", "1")

    def test_what_nobody_goes_on_with_is_swept(self):
        file = sealing.File(os.urandom(1_500_000))
        upload = self.upload(file)
        self.patch(upload, 0, file.sealed(self.cover)[:1_200_000])
        self.gateway.sql("UPDATE upload SET expires = now() - interval '1 second'")
        self.assertEqual(self.head(upload)[0], 404)
        rig.eventually(lambda: self.count("upload") == 0, "the sweeper comes by")
        rig.eventually(lambda: self.count("payload_row") == 0, "and takes the rows")


class TwoGateways(unittest.TestCase):
    """Of one hospital, with one database: the same keys, the same public URL, and an instance id each."""

    @classmethod
    def setUpClass(cls):
        cls.place = rig.workspace()
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        cls.database = rig.Database(cls.place).start()
        cls.addClassCleanup(cls.database.stop)
        options = ("--database", cls.database.address, "--metrics-listen", "127.0.0.1:0", "--sweep-every", "1")
        cls.one = cls.started(cls.place / "one", *options)
        (cls.place / "two").mkdir()
        shutil.copytree(cls.one.data / "keys", cls.place / "two" / "data" / "keys")
        rig.run("chown", "--recursive", f"--reference={cls.one.data}", cls.place / "two" / "data")
        cls.two = cls.started(cls.place / "two", "--public-url", cls.one.url, *options)
        cls.surgeon = cls.one.invited(SURGEON)
        cls.colleague = cls.one.invited(COLLEAGUE)

    @classmethod
    def started(cls, place, *options):
        place.mkdir(exist_ok=True)
        place.chmod(0o711)
        gateway = rig.Gateway(place / "data", *options)
        cls.addClassCleanup(lambda: gateway.process and gateway.stop())
        return gateway.start()

    def by(self, gateway, *request, who=None, **options):
        return device.signed_request(gateway, (who or self.surgeon).key, *request, **options)

    def upload(self, file, cover):
        metadata = f"delivery {encoded(cover.delivery)},file {encoded(file.id)}"
        return self.by(self.one, "POST", "/v1/uploads", extra=[
            TUS, f"Upload-Length: {len(file.sealed(cover))}", f"Upload-Metadata: {metadata}"])[1]["location"]

    def offset(self, gateway, upload):
        return int(self.by(gateway, "HEAD", upload, extra=[TUS])[1]["upload-offset"])

    def patch(self, gateway, upload, offset, piece):
        return self.by(gateway, "PATCH", upload, piece, OFFSET, extra=[TUS, f"Upload-Offset: {offset}"])

    def test_they_take_turns_on_one_upload(self):
        cover = sealing.opened(self.surgeon, [COLLEAGUE, SURGEON])
        file = sealing.File(os.urandom(3_500_000))
        sealed = file.sealed(cover)
        upload, offset = self.upload(file, cover), 0
        for turn, size in enumerate((100, 1_500_000, 7, 1_000_000, len(sealed))):
            gateway, other = (self.one, self.two) if turn % 2 else (self.two, self.one)
            piece = sealed[offset:offset + size]
            self.assertEqual(problem(self.patch(gateway, upload, offset + 1, piece)), (409, "offset-mismatch"))
            expect(204, self.patch(gateway, upload, offset, piece))
            offset += len(piece)
            self.assertEqual(self.offset(other, upload), offset)
        sealing.close(self.surgeon, cover, [file])
        for gateway in (self.one, self.two):
            answer = self.by(gateway, "GET", f"/v1/files/{file.id}/payload", who=self.colleague)
            self.assertEqual(expect(200, answer), file.payload)

    def test_one_goes_on_as_soon_as_the_other_is_dead(self):
        cover = sealing.opened(self.surgeon, [COLLEAGUE, SURGEON])
        file = sealing.File(os.urandom(3_000_000))
        sealed = file.sealed(cover)
        upload = self.upload(file, cover)
        with self.two.tls() as connection:
            connection.sendall(device.raw_head(self.surgeon.key, self.two, "PATCH", upload, sealed, OFFSET)
                               + f"{TUS}\r\nUpload-Offset: 0\r\nContent-Length: {len(sealed)}\r\n\r\n".encode()
                               + sealed[:1_500_000])
            rig.eventually(lambda: self.offset(self.one, upload) > sealing.ROW, "a first row is durable")
            stands = self.offset(self.one, upload)
            self.assertEqual(problem(self.patch(self.one, upload, stands, sealed[stands:])), (423, "locked"))
            self.two.process.send_signal(signal.SIGKILL)
            self.two.process.wait(timeout=60)
            self.two.process.stdout.close()

            def goes_on():
                offset = self.offset(self.one, upload)
                self.assertEqual(offset, stands)
                return self.patch(self.one, upload, offset, sealed[offset:])[0] == 204
            rig.eventually(goes_on, "the dead one's hold ends with its connection")
        self.two.start()
        sealing.close(self.surgeon, cover, [file])
        self.assertEqual(expect(200, self.by(self.two, "GET", f"/v1/files/{file.id}/payload", who=self.colleague)),
                         file.payload)

    def swept(self, what):
        """By both together."""
        count = 0
        for gateway in (self.one, self.two):
            url = re.search(r"http://[0-9.:]+/metrics", gateway.greeting)[0]
            with urllib.request.urlopen(url, timeout=60) as answer:
                found = re.search(rf'^letterbox_swept_total{{what="{what}"}} (\d+)$', answer.read().decode(), re.M)
            count += int(found[1]) if found else 0
        return count

    def test_both_sweep_and_each_thing_goes_once(self):
        before = {what: self.swept(what) for what in ("uploads", "deliveries", "payloads")}
        cover = sealing.opened(self.surgeon, [COLLEAGUE, SURGEON])
        for _ in range(20):
            self.upload(sealing.File(b"a letter"), cover)
        closed = [sealing.sent(self.surgeon, [COLLEAGUE], sealing.File(b"a letter")).delivery for _ in range(10)]
        self.one.sql("UPDATE upload SET expires = now() - interval '1 second' WHERE received < length")
        self.one.sql("UPDATE delivery SET created = now() - interval '1 day', expires = now() - interval '1 second'"
                     " WHERE id IN ('" + "', '".join(closed) + "')")
        rig.eventually(lambda: self.one.sql(
            "SELECT count(*) FROM payload WHERE staged_by IS NOT NULL").strip() == "0"
            and self.one.sql("SELECT count(*) FROM delivery WHERE state = 'expired'").strip() == "10", "all is swept")
        rig.eventually(lambda: self.swept("payloads") - before["payloads"] >= 30, "and counted")
        self.assertEqual({what: self.swept(what) - count for what, count in before.items()},
                         {"uploads": 20, "deliveries": 10, "payloads": 30})


if __name__ == "__main__":
    unittest.main()
