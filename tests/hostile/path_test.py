"""Cases 57 to 62: what a path or a parameter could name, RFC 3986 and the shelf's own rules."""
import json
import unittest
import urllib.parse

from kit import CT, SURGEON, Hostile, case

TENANT = "00000000-0000-7000-8000-0000000000ff"
MISSING = "01890a5d-ac96-774b-bcce-b302099a8057"
ENVELOPE = b"Content-Type: application/vnd.dsse.envelope.v1+json"
AGE = b"Content-Type: application/age"
DICOM = b"Content-Type: application/dicom"


class Paths(Hostile):
    def get_each(self, *targets):
        return self.same(self.ask(self.head(b"GET", target)) for target in targets)

    @case(57, "`%2e%2e/`", "400")
    def test_case_57_encoded_dot_segments(self):
        return self.get_each(b"/%2e%2e/etc/passwd", b"/v1/files/%2e%2e/" + self.canary.encode(), b"/v1/%2E./inbox",
                             b"/v1/files/%2e", b"/../v1/inbox", b"/v1/files/..%2f..%2fetc", b"/v1/files/..%5cetc")

    @case(58, "`%00`", "400")
    def test_case_58_encoded_nul(self):
        return self.get_each(b"/v1/files/%00", b"/v1/files/" + self.canary.encode() + b"%00.dcm",
                             b"/v1/inbox?device=%00", b"/%00")

    @case(59, "overlong UTF-8", "400")
    def test_case_59_overlong_utf_8(self):
        return self.get_each(b"/v1/files/%c0%ae%c0%ae", b"/v1%c0%affiles", b"/v1/files/%e0%80%af",
                             b"/v1/files/%f0%80%80%af", b"/v1/files/%ed%a0%80", b"/v1/inbox?device=%c0%80",
                             b"/v1/files/%ff" + self.canary.encode())

    @case(60, "double encoding", "404")
    def test_case_60_double_encoding(self):
        return self.get_each(b"/%252e%252e/etc/passwd", b"/v1/files/%252e%252e%252f" + self.canary.encode(),
                             b"/v1/files/%2500", b"/v1/%2566iles/" + MISSING.encode())

    # Ids of somebody else.

    def exchange(self, method, target, *fields, body=b""):
        """Status, fields and body without what is a request's own, its date and number."""
        if body:
            fields += (b"Content-Length: %d" % len(body),)
        with self.peer() as peer:
            peer.send(self.head(method, target.encode(), *fields) + body)
            answer = self.checked(peer.answer(method.decode()))
        fields = {name: value for name, value in answer.fields.items() if name not in ("date", "letterbox-request-id")}
        return answer.status, fields, answer.body

    def move_to_another_tenant(self, delivery, file):
        """All its rows, as if somebody there had sent it. Foreign keys rest while the two halves don't match."""
        payload = f"(SELECT payload_id FROM file WHERE id = '{file}')"
        to = f"SET tenant_id = '{TENANT}'"
        self.gateway.sql(
            f"INSERT INTO tenant (id, name) VALUES ('{TENANT}', 'elsewhere');"
            "SET LOCAL session_replication_role = replica;"
            f"UPDATE payload_row {to} WHERE payload_id = {payload};"
            f"UPDATE payload {to} WHERE id = {payload};"
            f"UPDATE file {to} WHERE id = '{file}';"
            f"UPDATE cover {to} WHERE delivery_id = '{delivery}';"
            f"UPDATE delivery_recipient {to} WHERE delivery_id = '{delivery}';"
            f"UPDATE delivery {to} WHERE id = '{delivery}'")

    def routes(self, delivery, file, envelopes):
        """What every route answers that takes the id of a delivery or a file."""
        yield self.exchange(b"GET", f"/v1/files/{file}")
        yield self.exchange(b"HEAD", f"/v1/files/{file}")
        yield self.exchange(b"GET", f"/v1/deliveries/{delivery}")
        yield self.exchange(b"POST", f"/v1/deliveries/{delivery}/close", ENVELOPE, body=envelopes["manifest"])
        yield self.exchange(b"POST", f"/v1/deliveries/{delivery}/files?id={file}", AGE, body=CT)

    @case(61, "another tenant's id", "404, same as missing", stored=2)
    def test_case_61_another_tenants_id(self):
        theirs, ours = (self.gateway.deposit(CT, "application/dicom", SURGEON) for _ in range(2))
        envelopes = {name: json.dumps(ours[name]).encode() for name in ("cover", "manifest")}
        seen = list(self.routes(theirs["delivery"], theirs["file"], envelopes))
        self.assertEqual([answer[0] for answer in seen[:3]], [200, 200, 200])
        self.move_to_another_tenant(theirs["delivery"], theirs["file"])

        found = list(self.routes(theirs["delivery"], theirs["file"], envelopes))
        missing = list(self.routes(MISSING, MISSING, envelopes))
        self.assertEqual(found, missing)
        self.assertEqual({answer[0] for answer in found}, {404})
        # Opening a delivery makes one, so it isn't 404; but it is the same for both.
        covers = [self.exchange(b"PUT", f"/v1/deliveries/{name}/cover", ENVELOPE, body=envelopes["cover"])
                  for name in (theirs["delivery"], MISSING)]
        self.assertEqual(covers[0], covers[1])
        self.assertGreaterEqual(covers[0][0], 400)
        _, _, inbox = self.exchange(b"GET", f"/v1/inbox?device={self.surgeon.recipient}")
        self.assertNotIn(theirs["delivery"].encode(), inbox)
        self.assertIn(ours["delivery"].encode(), inbox)
        return "404, same as missing byte for byte"

    @case(62, "SQL metacharacters", "plain text")
    def test_case_62_sql_metacharacters(self):
        age = self.surgeon.recipient
        for text in ("'; DROP TABLE file; --", "' OR '1'='1", "\\' OR 1=1; --", "\"; DELETE FROM delivery; --",
                     "%' OR handle LIKE '%", "$$; SELECT pg_sleep(60); $$", "*/ OR 1=1 /*", "{1,2}", "\ud7ff'"):
            word = self.canary + text
            name = urllib.parse.quote(word, safe="")
            for answer in (
                    self.exchange(b"GET", f"/v1/files/{name}"),
                    self.exchange(b"GET", f"/v1/deliveries/{name}"),
                    self.exchange(b"POST", f"/v1/deliveries/{name}/close", ENVELOPE, body=b"{}"),
                    self.exchange(b"PUT", f"/v1/deliveries/{name}/cover", ENVELOPE, body=b"{}"),
                    self.exchange(b"POST", f"/v1/deliveries/{name}/files?id={MISSING}", AGE, body=CT),
                    self.exchange(b"POST", f"/v1/deliveries/{MISSING}/files?id={name}", AGE, body=CT),
                    self.exchange(b"GET", f"/v1/inbox?device={name}"),
                    self.exchange(b"GET", f"/v1/inbox?device={age}&after={name}"),
                    self.exchange(b"GET", f"/v1/inbox?device={age}&limit={name}"),
                    self.exchange(b"POST", f"/v1/files?to={name}", DICOM, body=CT),
                    self.exchange(b"POST", f"/v1/files?to={name}%40hospital.example", DICOM, body=CT),
                    self.exchange(b"POST", f"/v1/files?to={SURGEON}&expires={name}", DICOM, body=CT),
                    self.exchange(b"POST", f"/v1/files?to={SURGEON}&{name}=1", DICOM, body=CT),
                    self.draft(word, [SURGEON]),
                    self.draft(SURGEON, [word])):
                self.assertIn(answer[0], (400, 404, 422), text)
        return "plain text: 400, 404 or 422"

    def draft(self, sender, recipients):
        body = json.dumps({"sender": sender, "recipients": recipients}).encode()
        return self.exchange(b"POST", "/v1/deliveries", b"Content-Type: application/json", body=body)


if __name__ == "__main__":
    unittest.main()
