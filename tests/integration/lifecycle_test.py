"""How a delivery lives and ends: repeated requests, expiry and the sweep, taking back, receipts, limits of a tenant."""
import base64
import contextlib
import datetime
import json
import ssl
import unittest
import urllib.request

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import device
import rig
import sealing
from sealing import expect, problem

SURGEON, COLLEAGUE = "surgeon@hospital.example", "colleague@hospital.example"
DELETION = "application/vnd.letterbox.deletion-receipt.v1+json"


def payload(envelope):
    return json.loads(base64.b64decode(envelope["payload"]))


def in_time(**span):
    return device.time_text(device.now() + datetime.timedelta(**span))


class Life(rig.OnOneGateway):
    OPTIONS = ("--sweep-every", "1", "--metrics-listen", "127.0.0.1:0", "--backup-retention-days", "30")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.surgeon = cls.gateway.invited(SURGEON)
        cls.colleague = cls.gateway.invited(COLLEAGUE)

    def letter(self, *files, **draft):
        files = files or (sealing.File(b"a letter"),)
        return sealing.sent(self.surgeon, [COLLEAGUE, SURGEON], *files, **draft), files

    def receipts(self, cover, who=None):
        return (who or self.surgeon).request("GET", f"/v1/deliveries/{cover.delivery}/receipts")

    def lapse(self, *covers):
        """Their time is over."""
        for cover in covers:
            self.gateway.sql(f"UPDATE delivery SET expires = now() WHERE id = '{cover.delivery}'")

    def count(self, table):
        return int(self.gateway.sql(f"SELECT count(*) FROM {table}"))

    def deposits(self):
        return int(self.gateway.sql("SELECT count(*) FROM audit WHERE kind = 'deposit'"))


class Again(Life):
    def test_who_lost_an_answer_asks_again_and_gets_it(self):
        cover = sealing.opened(self.surgeon, [COLLEAGUE])
        path = f"/v1/deliveries/{cover.delivery}"

        def put(envelope, query="?downloads=10"):
            return self.surgeon.request("PUT", f"{path}/cover{query}", envelope, device.ENVELOPE)
        before = self.deposits()
        self.assertEqual(put(cover.envelope)[0], 201)
        self.assertEqual(self.deposits(), before, "nothing happened, so nothing is written down")
        self.assertEqual(problem(put(cover.envelope, "?downloads=3")), (409, "conflict"))
        other = sealing.Cover(cover.payload.replace(b'"version":1', b'"version": 1'), self.surgeon.key)
        self.assertNotEqual(put(other.envelope)[0], 201)

        file = sealing.File(b"a letter")
        sealing.put(self.surgeon, cover, file)
        manifest = sealing.manifest(self.surgeon, cover, [file])
        first = self.surgeon.request("POST", path + "/close", manifest, device.ENVELOPE)
        again = self.surgeon.request("POST", path + "/close", manifest, device.ENVELOPE)
        self.assertEqual((first[0], first[2]), (again[0], again[2]))
        other = payload(manifest) | {"closed": in_time(seconds=-60)}
        answer = self.surgeon.request("POST", path + "/close", self.surgeon.key.envelope(sealing.MANIFEST, other),
                                      device.ENVELOPE)
        self.assertEqual(problem(answer), (409, "conflict"))


class Ends(Life):
    def test_when_its_time_is_over_its_gone_and_its_sender_sees_that(self):
        file = sealing.File(b"a letter")
        cover, _ = self.letter(file)
        undone = sealing.opened(self.surgeon, [COLLEAGUE])
        path = f"/v1/files/{file.id}/payload"
        self.assertEqual(self.colleague.request("GET", path)[0], 200)
        self.lapse(cover, undone)
        self.assertEqual(self.colleague.request("GET", path)[0], 404)
        for gone in (f"/v1/files/{file.id}/header", f"/v1/deliveries/{cover.delivery}",
                     f"/v1/deliveries/{cover.delivery}/headers"):
            self.assertEqual(self.colleague.request("GET", gone)[0], 404)
        self.assertEqual(problem(self.surgeon.request(
            "POST", f"/v1/deliveries/{undone.delivery}/files?id={sealing.uuid7()}", b"x", "application/age"))[0], 404)
        rig.eventually(lambda: self.count(f"file WHERE id = '{file.id}'") == 0, "the sweeper takes its header")
        rig.eventually(lambda: self.count("payload_row") == 0, "and then its bytes")
        said = expect(200, self.receipts(cover))
        self.assertEqual((said["state"], said["files"], said["deleted"]), ("expired", 1, None))
        self.assertIsNotNone(said["manifest"])
        collected = {one["handle"]: one["collected"] for one in said["devices"]}
        self.assertIsNotNone(collected[COLLEAGUE])
        self.assertIsNone(collected[SURGEON])
        self.assertEqual(expect(200, self.receipts(undone))["state"], "expired")

    def test_what_the_sweeper_took_is_counted(self):
        self.lapse(self.letter()[0])
        at = rig.re.search(r"metrics are at +(\S+)", self.gateway.greeting)[1]

        def swept():
            with urllib.request.urlopen(at, timeout=60) as answer:
                text = answer.read().decode()
            found = rig.re.search(r'^letterbox_swept_total\{what="deliveries"\} (\S+)$', text, rig.re.M)
            return found is not None and float(found[1]) > 0
        rig.eventually(swept, "the counter rises")

    def test_taken_back_its_gone_at_once_and_the_receipt_says_so(self):
        file = sealing.File(b"a letter")
        cover, _ = self.letter(file)
        path = f"/v1/deliveries/{cover.delivery}"
        self.assertEqual(self.colleague.request("DELETE", path)[0], 404, "it isn't theirs")
        status, fields, first = self.surgeon.request("DELETE", path)
        self.assertEqual((status, fields["content-type"]), (200, device.ENVELOPE))
        receipt = json.loads(first)
        said = payload(receipt)
        self.assertEqual(receipt["payloadType"], DELETION)
        self.assertEqual((said["delivery"], said["cover"], said["store"]),
                         (cover.delivery, device.b64(cover.hash), "live"))
        lapse = datetime.datetime.fromisoformat(said["backups_lapse"]) - datetime.datetime.fromisoformat(said["deleted"])
        self.assertEqual(lapse, datetime.timedelta(days=30))
        gateway = json.loads(self.gateway.trust.read_text(encoding="ascii"))["signing_key"]
        signed = base64.b64decode(receipt["payload"])
        encoding = b"DSSEv1 %d %s %d %s" % (len(DELETION), DELETION.encode(), len(signed), signed)
        Ed25519PublicKey.from_public_bytes(base64.b64decode(gateway)).verify(
            base64.b64decode(receipt["signatures"][0]["sig"]), encoding)

        for gone in (f"/v1/files/{file.id}", f"/v1/files/{file.id}/payload", f"/v1/files/{file.id}/header", path):
            self.assertEqual(self.colleague.request("GET", gone)[0], 404)
        self.assertEqual(self.count(f"file WHERE id = '{file.id}'"), 0)
        self.assertEqual(self.surgeon.request("DELETE", path)[::2], (200, first), "the same receipt again")
        listed = expect(200, self.receipts(cover))
        self.assertEqual((listed["state"], listed["deleted"]), ("revoked", receipt))


class Receipts(Life):
    def test_a_sender_sees_how_far_each_device_came(self):
        file = sealing.File(b"a letter")
        cover, _ = self.letter(file)
        progress = {one["recipient"]: one for one in expect(200, self.receipts(cover))["devices"]}
        self.assertEqual(progress[self.colleague.recipient],
                         {"handle": COLLEAGUE, "recipient": self.colleague.recipient, "listed": True, "collected": None,
                          "opened": None})
        expect(200, self.colleague.request("GET", f"/v1/files/{file.id}"))
        manifest = expect(200, self.colleague.request("GET", f"/v1/deliveries/{cover.delivery}"))["manifest"]
        record = {"delivery": cover.delivery,
                  "manifest": device.b64(sealing.sha256(base64.b64decode(manifest["payload"]))),
                  "recipient": self.colleague.recipient, "opened": device.time_text(device.now())}

        def put(record, who=None):
            who = who or self.colleague
            return who.request("PUT", f"/v1/deliveries/{cover.delivery}/receipt",
                               who.key.envelope(sealing.RECEIPT, record), device.ENVELOPE)
        self.assertEqual(problem(put(record | {"delivery": str(sealing.uuid7())})), (422, "cover-mismatch"))
        self.assertEqual(problem(put(record | {"recipient": self.surgeon.recipient})), (422, "cover-mismatch"))
        self.assertEqual(problem(put(record | {"manifest": device.b64(bytes(32))})), (422, "cover-mismatch"))
        self.assertEqual(put(record)[0], 204)
        self.assertEqual(put(record)[0], 204)
        self.assertEqual(problem(put(record | {"opened": in_time(seconds=-60)})), (409, "conflict"))
        progress = {one["recipient"]: one for one in expect(200, self.receipts(cover))["devices"]}
        self.assertIsNotNone(progress[self.colleague.recipient]["collected"])
        self.assertEqual(payload(progress[self.colleague.recipient]["opened"]), record)
        self.assertIsNone(progress[self.surgeon.recipient]["opened"])
        self.assertEqual(self.receipts(cover, self.colleague)[0], 404, "that is the sender's to know")
        stranger = self.gateway.invited("stranger@hospital.example")
        self.assertEqual(put(record, stranger)[0], 404)

    def test_what_was_sent_is_listed_page_by_page_the_newest_first(self):
        sender = self.gateway.invited("sender@hospital.example")
        sent = [sealing.sent(sender, [COLLEAGUE], sealing.File(b"%d" % number)).delivery for number in range(5)]
        listed, query = [], "?limit=2"
        while query:
            page = expect(200, sender.request("GET", "/v1/sent" + query))
            self.assertLessEqual(len(page["deliveries"]), 2)
            listed += [one["delivery"] for one in page["deliveries"]]
            query = page["next"] and f"?limit=2&after={page['next']}"
        self.assertEqual(listed, sorted(sent, reverse=True))
        for wrong in ("?limit=0", "?limit=x", "?before=1"):
            self.assertEqual(problem(sender.request("GET", "/v1/sent" + wrong)), (400, "malformed"))


class Limits(Life):
    def limits(self, *options, check=True):
        return self.gateway.admin("admin", "tenant", "limits", rig.TENANT, *options, check=check)

    def test_a_tenants_own_limits_go_before_the_gateways(self):
        self.limits("--life", "3", "--longest-life", "5", "--downloads", "2", "--most-downloads", "4")
        self.addCleanup(self.limits, "--life", "default", "--longest-life", "default", "--downloads", "default",
                        "--most-downloads", "default")
        draft = {"recipients": [COLLEAGUE]}
        made = expect(201, self.surgeon.request("POST", "/v1/deliveries", draft))
        cover = json.loads(base64.b64decode(made["cover"]))
        life = datetime.datetime.fromisoformat(cover["expires"]) - datetime.datetime.fromisoformat(cover["created"])
        self.assertEqual((made["downloads"], life), (2, datetime.timedelta(days=3)))
        for wrong in ({"downloads": 5}, {"expires": in_time(days=6)}):
            self.assertEqual(problem(self.surgeon.request("POST", "/v1/deliveries", draft | wrong)), (400, "malformed"))
        self.assertIn(b"longest life    5 days", self.limits().stdout)
        self.assertEqual(self.limits("--life", "0", check=False).returncode, 1)

    def test_over_its_quota_a_tenant_stores_nothing_more_until_there_is_room(self):
        cover, _ = self.letter(sealing.File(bytes(100_000)))
        used = int(rig.re.search(rb"(\d+) bytes used", self.limits().stdout)[1])
        self.limits("--quota", str(used + 50_000))
        self.addCleanup(self.limits, "--quota", "default")
        further = sealing.opened(self.surgeon, [COLLEAGUE])
        file = sealing.File(bytes(100_000))
        path = f"/v1/deliveries/{further.delivery}/files?id={file.id}"
        answer = self.surgeon.request("POST", path, file.sealed(further), "application/age")
        self.assertEqual(problem(answer), (507, "quota-exceeded"))
        metadata = ",".join(f"{name} {base64.b64encode(str(value).encode()).decode()}" for name, value in
                            (("delivery", further.delivery), ("file", file.id)))
        answer = self.surgeon.request("POST", "/v1/uploads", extra=[
            "Tus-Resumable: 1.0.0", f"Upload-Length: {len(file.sealed(further))}", f"Upload-Metadata: {metadata}"])
        self.assertEqual(problem(answer), (507, "quota-exceeded"))
        self.assertEqual(problem(self.surgeon.request("POST", "/v1/files?to=" + COLLEAGUE, rig.dicom_head(100_000)
                                                      + bytes(100_000), "application/dicom")), (507, "quota-exceeded"))
        expect(200, self.surgeon.request("DELETE", f"/v1/deliveries/{cover.delivery}"))
        sealing.put(self.surgeon, further, file)

    def test_over_the_quota_a_body_is_refused_long_before_its_end(self):
        self.letter(sealing.File(b"a letter"))
        used = int(rig.re.search(rb"(\d+) bytes used", self.limits().stdout)[1])
        self.limits("--quota", str(used + (20 << 20)))
        self.addCleanup(self.limits, "--quota", "default")
        pixels = 160 << 20
        body = rig.dicom_head(pixels) + bytes(pixels)
        connection = self.gateway.tls()
        self.addCleanup(connection.close)
        head = device.raw_head(self.surgeon.key, self.gateway, "POST", "/v1/files?to=" + COLLEAGUE, body,
                               "application/dicom")
        connection.sendall(head + f"Content-Length: {len(body)}\r\n\r\n".encode())
        sent, answer = 0, b""
        while sent < len(body) and not answer:
            connection.settimeout(60)
            connection.sendall(body[sent:sent + (1 << 20)])
            sent += 1 << 20
            connection.settimeout(0)
            with contextlib.suppress(ssl.SSLWantReadError):
                answer = connection.recv(65536)
        self.assertTrue(answer.startswith(b"HTTP/1.1 507 "), answer)
        self.assertLess(sent, 100 << 20)
        # What was staged of it is given back.
        rig.eventually(lambda: int(rig.re.search(rb"(\d+) bytes used", self.limits().stdout)[1]) == used, "it is dropped")

    def test_nobody_announces_away_what_is_left_for_others(self):
        cover, _ = self.letter(sealing.File(b"a letter"))
        further = sealing.opened(self.surgeon, [COLLEAGUE])
        used = int(rig.re.search(rb"(\d+) bytes used", self.limits().stdout)[1])
        self.limits("--quota", str(used + 1_000_000))
        self.addCleanup(self.limits, "--quota", "default")
        half = (used + 1_000_000) // 2

        def announce(length):
            metadata = ",".join(f"{name} {base64.b64encode(str(value).encode()).decode()}" for name, value in
                                (("delivery", further.delivery), ("file", sealing.File(b"").id)))
            return self.surgeon.request("POST", "/v1/uploads", extra=[
                "Tus-Resumable: 1.0.0", f"Upload-Length: {length}", f"Upload-Metadata: {metadata}"])

        self.assertEqual(problem(announce(half + 1)), (507, "quota-exceeded"))
        status, fields, _ = announce(half)
        self.assertEqual(status, 201)
        self.assertEqual(problem(announce(1000)), (507, "quota-exceeded"))
        # There is room for a file, and both answers are in the audit trail.
        sealing.put(self.surgeon, further, sealing.File(bytes(100_000)))
        for outcome in ("success", "failure"):
            self.assertGreater(self.count(f"audit WHERE kind = 'upload' AND outcome = '{outcome}'"), 0)
        self.assertEqual(self.surgeon.request("DELETE", fields["location"], extra=["Tus-Resumable: 1.0.0"])[0], 204)
        self.assertEqual(announce(1000)[0], 201)

    def test_what_expires_is_in_the_audit_trail(self):
        cover, _ = self.letter(sealing.File(b"a letter"))
        self.lapse(cover)
        rig.eventually(lambda: self.count(f"audit WHERE kind = 'expiry' AND object_id = '{cover.delivery}'") == 1,
                       "the sweeper writes it down")


if __name__ == "__main__":
    unittest.main()
