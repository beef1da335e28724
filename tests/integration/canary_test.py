"""What patients, studies, files and people are called is in no log line, no record of the audit trail and no export.

The rig looks for its canaries wherever a gateway stops, so every test of the suite looks. Here they are sent on purpose,
on every way in and into every refusal, and here it is made sure that they were, and that whoever looks would see them.
"""
import json
import unittest

import device
import rig
from rig import CANARY, CANARY_UID

BIRD = f"{CANARY}@{rig.TENANT}"
SURGEON = f"surgeon@{rig.TENANT}"
DICOM = "application/dicom"
SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"


class Canary(unittest.TestCase):
    def setUp(self):
        scene = rig.scene(BIRD, SURGEON)
        self.gateway, self.bird, self.surgeon = scene.__enter__()
        self.addCleanup(scene.__exit__, None, None, None)
        self.place = self.gateway.data.parent

    def all_were_logged(self, number):
        """`number` requests, beside those by which the people of the scene have enrolled."""
        rig.eventually(lambda: self.gateway.log_text().count('event="request"') == 2 + number, "a line for each request")

    def test_is_found_by_whoever_looks(self):
        """What is certainly written down shows, in each place that is looked through."""
        self.gateway.deposit(rig.CT, DICOM, SURGEON)
        written = self.gateway.written()
        self.assertIn('event="request"', written["letterboxd.log"])
        self.assertIn("database system is ready", written["postgresql.log"])
        self.assertIn("deposit", self.gateway.trail())
        exported = self.gateway.exported()
        self.assertIn("<AuditMessage>", exported)
        for canary in (CANARY, CANARY_UID):
            for name in ("letterboxd.log", "postgresql.log", "audit", "export"):
                texts = {"letterboxd.log": "", "postgresql.log": "", "export": "", name: f"patient {canary.upper()}\n"}
                with self.subTest(name=name, canary=canary), self.assertRaisesRegex(AssertionError, name):
                    self.gateway.check_discretion(texts.pop("audit", ""), **texts)
        with open(self.gateway.log, "a", encoding="ascii") as log:
            log.write(CANARY)
        with self.assertRaisesRegex(AssertionError, "letterboxd.log has a canary"):
            self.gateway.stop()
        self.assertIsNone(self.gateway.process, "stopped all the same")
        self.gateway.log.write_bytes(b"")  # or the scene would fail, too

    def arrives(self, receipt):
        """What was sent has the canaries: the recipient reads them."""
        opened = self.surgeon.letterbox("get", receipt, "-o", "-").stdout
        self.assertIn(CANARY.encode(), opened)
        self.assertIn(CANARY_UID.encode(), opened)

    def test_goes_in_on_every_way_and_shows_nowhere(self):
        self.assertIn(CANARY, rig.CT.name)
        name = f"{CANARY}-ward"
        self.gateway.admin("admin", "mailbox", "put", name, "--to", SURGEON, "--from", self.gateway.machine, BIRD)
        content = rig.CT.read_bytes()
        status, _, made = self.gateway.request("POST", "/v1/files?mailbox=" + name, content, DICOM, machine=True)
        self.assertEqual(status, 201, made)
        self.arrives(json.loads(made)["file"])
        for target in ("?mailbox=" + name, "?to=" + SURGEON):
            status, _, made = self.bird.request("POST", "/v1/files" + target, content, DICOM)
            self.assertEqual(status, 201, made)
            self.arrives(json.loads(made)["file"])
        sent = json.loads(self.bird.letterbox("--json", "send", rig.CT, "--to", SURGEON).stdout)
        self.arrives(sent["delivery"])
        self.assertIn(BIRD, self.surgeon.letterbox("list").stdout.decode())
        self.bird.letterbox("send", rig.CT, "--to", SURGEON, "--seal-at-gateway")
        self.assertEqual(self.surgeon.request("GET", "/v1/devices?handle=" + BIRD)[0], 200)
        self.assertEqual(int(self.gateway.sql("SELECT count(*) FROM audit WHERE kind = 'deposit'")), 5)
        self.gateway.check_discretion(self.gateway.trail(), export=self.gateway.exported())

    def refusals(self, chief):
        """(whoever asks, method, target, body, type, the statuses it may get), each with a canary in it."""
        content = rig.CT.read_bytes()
        broken = content[:2212]  # ends within the study's UID
        record = chief.key.envelope("application/vnd." + CANARY, {"handle": BIRD, CANARY: CANARY_UID})
        envelope = json.dumps(record).encode()
        invitation = {"invitation": CANARY.ljust(43, "A"), "record": record}
        principal = {"handle": f"{CANARY}-ct@{rig.TENANT}", "certificate": "ab" * 32}
        yield chief, "POST", "/v1/principals", principal, None, (201,)
        yield chief, "POST", "/v1/principals", principal, None, (409,)
        yield chief, "POST", "/v1/invitations", {"handle": BIRD, "kind": CANARY}, None, (400,)
        yield chief, "PUT", "/v1/mailboxes/" + CANARY, {"recipients": [CANARY], "depositors": []}, None, (400, 422)
        yield chief, "PUT", f"/v1/mailboxes/{CANARY}%20/", b"{}", None, (400, 404)
        yield chief, "DELETE", "/v1/mailboxes/" + CANARY, b"", None, (404,)
        yield chief, "GET", "/v1/devices?handle=" + CANARY, b"", None, (400,)
        yield chief, "GET", f"/v1/devices?handle={CANARY}-who@{rig.TENANT}", b"", None, (404,)
        for who in (self.bird, self.surgeon):
            yield who, "GET", f"/v1/{CANARY}/{CANARY_UID}?{CANARY}={CANARY_UID}", b"", None, (404,)
            yield who, "GET", "/v1/files/" + CANARY, b"", None, (404,)
            yield who, "GET", "/v1/inbox?after=" + CANARY, b"", None, (400,)
            yield who, CANARY.upper(), "/v1/files", b"", None, (405, 501)
            yield who, "POST", "/v1/files?to=" + CANARY, content, DICOM, (400,)
            yield who, "POST", f"/v1/files?to={CANARY}@{CANARY}.example", content, DICOM, (422,)
            yield who, "POST", "/v1/files?mailbox=" + CANARY, content, DICOM, (404,)
            yield who, "POST", f"/v1/files?to={SURGEON}&{CANARY}=1", content, DICOM, (400,)
            yield who, "POST", "/v1/files?to=" + SURGEON, content, "application/" + CANARY, (415,)
            yield who, "POST", "/v1/files?to=" + SURGEON, content, "image/png", (422,)
            yield who, "POST", "/v1/files?to=" + SURGEON, CANARY.encode() * 100, DICOM, (422,)
            yield who, "POST", "/v1/files?to=" + SURGEON, broken, DICOM, (201, 422)
            yield who, "POST", "/v1/deliveries", CANARY.encode(), "application/json", (400,)
            yield who, "POST", "/v1/deliveries", {"recipients": [BIRD], CANARY: CANARY_UID}, None, (400,)
            yield who, "POST", "/v1/deliveries", {"recipients": [CANARY]}, None, (400, 422)
            yield who, "PUT", f"/v1/deliveries/{SOME_ID}/cover", envelope, device.ENVELOPE, (400, 403, 422)
            yield who, "POST", f"/v1/deliveries/{CANARY}/files?id={CANARY}", content, "application/age", (404,)
            yield who, "POST", f"/v1/deliveries/{CANARY}/close", envelope, device.ENVELOPE, (404,)
            yield who, "POST", f"/v1/devices/{CANARY}/records", envelope, device.ENVELOPE, (400, 403, 404)
            yield who, "DELETE", "/v1/invitations/" + CANARY, b"", None, (404,)
        yield device.Device(self.gateway, BIRD), "POST", "/v1/devices", invitation, None, (400, 403, 404)
        yield device.Device(self.gateway, BIRD), "GET", "/v1/inbox?" + CANARY, b"", None, (401,)

    def test_is_in_every_refusal_and_shows_nowhere(self):
        chief = self.gateway.invited(f"{CANARY}-chief@{rig.TENANT}", "--administrator")
        asked = 1
        for who, method, target, body, content_type, statuses in self.refusals(chief):
            status, _, content = who.request(method, target, body, content_type)
            self.assertIn(status, statuses, f"{method} {target}: {content!r}")
            asked += 1
        self.assertGreater(asked, 40)
        self.all_were_logged(asked)

    def test_from_nobody_shows_nowhere(self):
        bearer = ["Authorization: Bearer " + CANARY, f"Signature-Input: {CANARY}=()", f"Signature: {CANARY}=::"]
        for headers in ((), bearer, bearer[1:]):
            self.assertEqual(self.gateway.request("POST", f"/v1/{CANARY}?{CANARY}", rig.CT, DICOM, headers)[0], 401)
        self.all_were_logged(3)
        # What no HTTP client sends, and what isn't HTTP.
        for head in (f"GET /{CANARY} HTTP/1.1\r\nHost: {CANARY}\r\n {CANARY}: folded\r\n\r\n",
                     f"{CANARY}\r\n\r\n", f"GET /{CANARY}%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                     f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: {CANARY}\r\n\r\n"):
            with self.gateway.tls() as connection:
                connection.sendall(head.encode())
                self.assertIn(b" 4", connection.recv(65536)[:12] or b" 501", head)

    def test_in_certificates_that_arent_taken_shows_nowhere(self):
        """By a stranger's authority, which TLS refuses; and by the machines' authority, but of no machine."""
        machines = self.gateway.authority_of_machines
        key, certificate = self.place / "bird.key", self.place / "bird.pem"
        make = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                "-out", certificate, "-subj", f"/CN={CANARY}/O={CANARY_UID}", "-addext", "basicConstraints=critical,CA:FALSE")
        for vouched, expected in (((), b"000"), (("-CA", machines.certificate, "-CAkey", machines.place / "authority.key"), b"401")):
            rig.run(*make, *vouched)
            done = self.gateway.curl("--cert", certificate, "--key", key, "--output", "/dev/null", "--write-out",
                                     "%{http_code}", self.gateway.machine_url + "/v1/" + CANARY, check=False)
            self.assertEqual(done.stdout, expected)


if __name__ == "__main__":
    unittest.main()
