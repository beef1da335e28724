"""Header and payload apart, ranges of the payload, and downloads as they are counted: asked with curl."""
import base64
import hashlib
import http.client
import json
import unittest
import uuid

import device
import rig
import sealing
from sealing import problem

SURGEON, COLLEAGUE = "surgeon@hospital.example", "colleague@hospital.example"


class Letters(rig.OnOneGateway):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.surgeon = cls.gateway.invited(SURGEON)
        cls.colleague = cls.gateway.invited(COLLEAGUE)

    def collects(self):
        return int(self.gateway.sql("SELECT count(*) FROM audit WHERE kind = 'collect'"))


class Ranges(Letters):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = sealing.File(bytes(range(251)) * 10_000)  # two whole rows and a part of one
        cls.cover = sealing.sent(cls.surgeon, [COLLEAGUE], cls.file)
        cls.path = f"/v1/files/{cls.file.id}/payload"
        cls.etag = f'"{hashlib.sha256(cls.file.payload).hexdigest()}"'

    def get(self, *fields, method="GET"):
        return self.colleague.request(method, self.path, extra=fields)

    def test_ranges_that_curl_fetches_concatenate_to_the_whole(self):
        size, row = len(self.file.payload), sealing.ROW
        # Within the nonce, at its end, on both sides of where a row ends, and all within one byte of the end.
        cuts = [0, 1, 16, 17, 16 + row - 1, 16 + row, 16 + row + 1, 16 + 2 * row, size - 1, size]
        whole = self.gateway.data.parent / "whole"
        for first, end in zip(cuts, cuts[1:]):
            fields = self.colleague.key.fields("GET", self.gateway.url + self.path)
            headers = [part for name, value in fields.items() for part in ("--header", f"{name}: {value}")]
            part = self.gateway.curl("--fail", "--range", f"{first}-{end - 1}", *headers, self.gateway.url + self.path)
            with open(whole, "ab") as output:
                output.write(part.stdout)
        self.assertEqual(whole.read_bytes(), self.file.payload)

    def test_what_is_asked_for_is_what_comes(self):
        size = len(self.file.payload)
        for field, first, last in (("bytes=0-0", 0, 0), ("bytes=5-99999999999999999999", 5, size - 1),
                                   ("bytes=-1", size - 1, size - 1), ("bytes=-99999999", 0, size - 1),
                                   ("Bytes=1048800-1048899", 1048800, 1048899)):
            status, headers, content = self.get(f"Range: {field}")
            self.assertEqual((status, headers["content-range"]), (206, f"bytes {first}-{last}/{size}"), field)
            self.assertEqual(content, self.file.payload[first:last + 1], field)
            self.assertEqual(headers["etag"], self.etag)

    def test_what_cant_be_read_as_a_range_is_ignored(self):
        for field in ("bytes=9-8", "bytes=x-", "items=0-1", "bytes"):
            status, headers, content = self.get(f"Range: {field}")
            self.assertEqual((status, content), (200, self.file.payload), field)
            self.assertNotIn("content-range", headers)

    def test_what_isnt_there_and_more_than_one_range_are_416(self):
        size = len(self.file.payload)
        for field, why in ((f"bytes={size}-", "range-not-satisfiable"), ("bytes=-0", "range-not-satisfiable"),
                           ("bytes=0-0,2-2", "several-ranges")):
            answer = self.get(f"Range: {field}")
            self.assertEqual(problem(answer), (416, why), field)
            self.assertEqual(answer[1]["content-range"], f"bytes */{size}")

    def test_a_range_stands_only_if_if_range_has_the_strong_tag(self):
        for tag, status in ((self.etag, 206), ("W/" + self.etag, 200), ('"other"', 200),
                            ("Sun, 06 Nov 1994 08:49:37 GMT", 200)):
            self.assertEqual(self.get("Range: bytes=0-1", f"If-Range: {tag}")[0], status, tag)

    def test_head_says_what_the_whole_is_and_knows_no_range(self):
        status, headers, _ = self.get("Range: bytes=0-1", method="HEAD")
        self.assertEqual((status, int(headers["content-length"])), (200, len(self.file.payload)))
        digest = base64.b64encode(hashlib.sha256(self.file.payload).digest()).decode()
        self.assertEqual((headers["accept-ranges"], headers["repr-digest"], headers["etag"]),
                         ("bytes", f"sha-256=:{digest}:", self.etag))

    def test_conditions(self):
        self.assertEqual(self.get(f"If-None-Match: {self.etag}")[0], 304)
        self.assertEqual(problem(self.get('If-Match: "other"')), (412, "precondition-failed"))
        self.assertEqual(self.get(f"If-Match: {self.etag}")[0], 200)

    def test_header_and_payload_are_the_file_and_age_opens_it(self):
        whole = f"/v1/files/{self.file.id}"
        status, headers, header = self.colleague.request("GET", whole + "/header")
        self.assertEqual((status, headers["etag"]), (200, '"v1"'))
        self.assertEqual(int(self.colleague.request("HEAD", whole + "/header")[1]["content-length"]), len(header))
        status, headers, content = self.colleague.request("GET", whole, extra=["Range: bytes=0-1"])
        self.assertEqual((status, headers["accept-ranges"]), (200, "none"))
        self.assertEqual(content, header + self.get()[2])
        key = self.gateway.data.parent / "key"
        key.write_text(self.colleague.identity, encoding="ascii")
        self.assertEqual(rig.age_decrypt(key, content), self.file.plaintext)

    def test_others_find_nothing(self):
        stranger = self.gateway.invited(f"stranger{sealing.uuid7().hex[-6:]}@hospital.example")
        for part in ("/header", "/payload", ""):
            answer = stranger.request("GET", f"/v1/files/{self.file.id}{part}", extra=["Range: bytes=0-1"])
            self.assertEqual(problem(answer), (404, "not-found"))


class Streams(Letters):
    """All files of a delivery in one answer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = sorted((sealing.File(bytes([number]) * size) for number, size in enumerate(
            (0, 1, 600_000, 1_048_576, 3_000_000, *[700_000] * 12))), key=lambda file: file.id.bytes)
        cls.cover = sealing.sent(cls.surgeon, [COLLEAGUE], *cls.files)
        cls.path = f"/v1/deliveries/{cls.cover.delivery}/files"

    def stream(self, query="", who=None):
        status, fields, content = (who or self.colleague).request("GET", self.path + query)
        self.assertEqual((status, fields["content-type"]), (200, "application/vnd.letterbox.files"))
        self.assertNotIn("content-length", fields)
        found = []
        while content:
            size = int.from_bytes(content[16:24], "big")
            found.append((uuid.UUID(bytes=content[:16]), content[24:24 + size]))
            content = content[24 + size:]
        return found

    def test_it_has_each_as_it_is_alone_and_age_opens_them(self):
        key = self.gateway.data.parent / "key"
        key.write_text(self.colleague.identity, encoding="ascii")
        stream = self.stream()
        self.assertEqual([id for id, _ in stream], [file.id for file in self.files])
        for file, (_, content) in zip(self.files, stream):
            self.assertEqual(content, self.colleague.request("GET", f"/v1/files/{file.id}")[2])
            self.assertEqual(rig.age_decrypt(key, content), file.plaintext)

    def test_each_is_counted_and_recorded_once(self):
        files = [sealing.File(bytes([number])) for number in range(70)]  # more than a page has
        self.path = f"/v1/deliveries/{sealing.sent(self.surgeon, [COLLEAGUE], *files).delivery}/files"
        before = self.collects()
        for _ in range(2):
            self.assertEqual(len(self.stream()), len(files))
        self.colleague.request("GET", f"/v1/files/{files[0].id}")
        recorded = self.gateway.sql("SELECT object_id FROM audit WHERE kind = 'collect' ORDER BY position").split()
        self.assertEqual(sorted(recorded[before:]), sorted(str(file.id) for file in files))

    def test_it_begins_after_any_and_has_none_that_is_larger(self):
        for place in (0, 5, len(self.files) - 1):
            self.assertEqual([id for id, _ in self.stream(f"?after={self.files[place].id}")],
                             [file.id for file in self.files[place + 1:]])
        for most in (0, 32, 600_000, 1_048_848, 10**18):
            self.assertEqual([id for id, _ in self.stream(f"?up_to={most}")],
                             [file.id for file in self.files if len(file.payload) <= most], most)

    def test_nobody_else_learns_that_it_is_there(self):
        stranger = self.gateway.invited("passerby@hospital.example")
        self.assertEqual(problem(stranger.request("GET", self.path)), (404, "not-found"))
        self.assertEqual(problem(self.colleague.request("GET", f"/v1/deliveries/{sealing.uuid7()}/files")),
                         (404, "not-found"))

    def test_what_cant_be_read_is_refused(self):
        for query in ("?after=1", "?up_to=x", "?up_to=-1", "?other=1", "?up_to=1&up_to=2"):
            self.assertEqual(self.colleague.request("GET", self.path + query)[0], 400, query)

    def test_whoever_had_a_file_often_enough_gets_the_others(self):
        files = sorted((sealing.File(bytes([number])) for number in range(3)), key=lambda file: file.id.bytes)
        cover = sealing.sent(self.surgeon, [COLLEAGUE], *files, downloads=1)
        had = f"/v1/files/{files[1].id}"
        self.assertEqual(self.colleague.request("GET", had)[0], 200)
        self.gateway.sql(f"UPDATE download SET since = since - interval '25 hours' WHERE file_id = '{files[1].id}'")
        self.path = f"/v1/deliveries/{cover.delivery}/files"
        for _ in range(2):
            self.assertEqual([id for id, _ in self.stream()], [files[0].id, files[2].id])
        self.assertEqual(problem(self.colleague.request("GET", had)), (403, "download-limit-reached"))

    def test_a_device_that_is_revoked_meanwhile_gets_no_further(self):
        leaver = self.gateway.invited("leaver@hospital.example")
        many = [sealing.File(bytes(1_000_000)) for _ in range(60)]  # more than is on its way at any time
        large = sealing.File(bytes(60_000_000))
        sealing.sent(self.surgeon, [leaver.handle], large)
        lines = []
        for path in (f"/v1/deliveries/{sealing.sent(self.surgeon, [leaver.handle], *many).delivery}/files",
                     f"/v1/files/{large.id}", f"/v1/files/{large.id}/payload"):
            line = self.gateway.tls()
            self.addCleanup(line.close)
            lines.append(http.client.HTTPResponse(line, method="GET"))
            line.sendall(device.raw_head(leaver.key, self.gateway, "GET", path, b"", None) + b"\r\n")
            lines[-1].begin()
            self.assertEqual((lines[-1].status, len(lines[-1].read(1_000_000))), (200, 1_000_000))
        self.gateway.admin("admin", "device", "revoke", leaver.key.id)
        for answer in lines:
            with self.assertRaises(http.client.IncompleteRead):
                answer.read()
        self.assertLess(self.collects_of(many), len(many))

    def collects_of(self, files):
        ids = ", ".join(f"'{file.id}'" for file in files)
        return int(self.gateway.sql(f"SELECT count(*) FROM audit WHERE kind = 'collect' AND object_id IN ({ids})"))

    def test_a_sender_who_isnt_a_recipient_is_recorded_and_not_counted(self):
        before, counted = self.collects(), self.gateway.sql("SELECT count(*) FROM download")
        self.assertEqual(len(self.stream("?up_to=100", self.surgeon)), 2)
        self.assertEqual((self.collects(), self.gateway.sql("SELECT count(*) FROM download")), (before + 2, counted))


class Downloads(Letters):
    def letter(self, **draft):
        file = sealing.File(b"a letter")
        sealing.sent(self.surgeon, [COLLEAGUE, SURGEON], file, **draft)
        return file

    def a_day_passes(self, file):
        self.gateway.sql(f"UPDATE download SET since = since - interval '24 hours 1 second' WHERE file_id = '{file.id}'")

    def payload(self, file, who=None, *extra):
        return (who or self.colleague).request("GET", f"/v1/files/{file.id}/payload", extra=extra)

    def test_a_download_counts_once_and_going_on_with_it_is_free_for_a_day(self):
        file = self.letter(downloads=2)
        before = self.collects()
        self.assertEqual(self.payload(file, None, "Range: bytes=0-3")[0], 206)
        self.assertEqual(self.payload(file, None, "Range: bytes=4-")[0], 206)
        self.assertEqual(self.colleague.request("GET", f"/v1/files/{file.id}")[0], 200)
        self.assertEqual(self.collects(), before + 1)
        self.a_day_passes(file)
        self.assertEqual(self.payload(file)[0], 200)
        self.a_day_passes(file)
        self.assertEqual(problem(self.payload(file)), (403, "download-limit-reached"))
        self.assertEqual(problem(self.colleague.request("GET", f"/v1/files/{file.id}")), (403, "download-limit-reached"))
        self.assertEqual(self.collects(), before + 2)

    def test_the_limit_is_each_devices_own_and_what_has_no_content_isnt_counted(self):
        file = self.letter(downloads=1)
        self.assertEqual(self.colleague.request("HEAD", f"/v1/files/{file.id}/payload")[0], 200)
        self.assertEqual(self.colleague.request("GET", f"/v1/files/{file.id}/header")[0], 200)
        self.assertEqual(self.payload(file, None, "Range: bytes=99-")[0], 416)
        self.a_day_passes(file)
        self.assertEqual(self.payload(file)[0], 200)
        self.a_day_passes(file)
        self.assertEqual(self.payload(file)[0], 403)
        self.assertEqual(self.payload(file, self.surgeon)[0], 200)
        self.assertEqual(self.colleague.request("GET", f"/v1/files/{file.id}/header")[0], 200)

    def test_how_many_a_sender_may_ask_for(self):
        draft = {"recipients": [COLLEAGUE]}
        made = json.loads(self.surgeon.request("POST", "/v1/deliveries", draft)[2])
        self.assertEqual(made["downloads"], 10)
        for wrong in (0, -1, 1001, "2", None, 1.5):
            answer = self.surgeon.request("POST", "/v1/deliveries", draft | {"downloads": wrong})
            self.assertEqual(problem(answer), (400, "malformed"), wrong)


if __name__ == "__main__":
    unittest.main()
