"""Cases 57 to 62: what a path or a parameter could name, RFC 3986 and the shelf's own rules."""
import hashlib
import json
import types
import unittest
import urllib.parse

from kit import CT, DICOM, SURGEON, Hostile, case, device

ELSEWHERE = "elsewhere.example"
MISSING = "01890a5d-ac96-774b-bcce-b302099a8057"
NOBODYS_KEY = hashlib.sha256(b"nobody").hexdigest()
AGE = "application/age"
JSON = "application/json"


class Paths(Hostile):
    """Before anybody is asked who he is, but for the last."""

    def get_each(self, *targets):
        return self.same(self.ask(self.head(b"GET", target)) for target in targets)

    @case(57, "`%2e%2e/`", "400")
    def test_case_57_encoded_dot_segments(self):
        return self.get_each(b"/%2e%2e/etc/passwd", b"/v1/files/%2e%2e/" + self.canary.encode(), b"/v1/%2E./inbox",
                             b"/v1/files/%2e", b"/../v1/inbox", b"/v1/files/..%2f..%2fetc", b"/v1/files/..%5cetc")

    @case(58, "`%00`", "400")
    def test_case_58_encoded_nul(self):
        return self.get_each(b"/v1/files/%00", b"/v1/files/" + self.canary.encode() + b"%00.dcm",
                             b"/v1/inbox?after=%00", b"/%00")

    @case(59, "overlong UTF-8", "400")
    def test_case_59_overlong_utf_8(self):
        return self.get_each(b"/v1/files/%c0%ae%c0%ae", b"/v1%c0%affiles", b"/v1/files/%e0%80%af",
                             b"/v1/files/%f0%80%80%af", b"/v1/files/%ed%a0%80", b"/v1/inbox?after=%c0%80",
                             b"/v1/files/%ff" + self.canary.encode())

    @case(60, "double encoding", "404")
    def test_case_60_double_encoding(self):
        return self.same(self.ask(self.signed(b"GET", target), people=True) for target in (
            b"/%252e%252e/etc/passwd", b"/v1/files/%252e%252e%252f" + self.canary.encode(), b"/v1/files/%2500",
            b"/v1/%2566iles/" + MISSING.encode()))


class Callers(Hostile):
    """By those who are known: the surgeon, an administrator, the machine. There is a second tenant, with the same."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.admin("admin", "tenant", "add", ELSEWHERE)
        cls.chief = cls.gateway.invited("chief@hospital.example", "--administrator")
        cls.stranger = cls.gateway.invited("surgeon@" + ELSEWHERE)
        cls.their_chief = cls.gateway.invited("chief@" + ELSEWHERE, "--administrator")
        cls.their_chief.request("PUT", "/v1/mailboxes/theirs", {"recipients": [cls.stranger.handle], "depositors": []})
        _, _, made = cls.their_chief.request("POST", "/v1/invitations", {"handle": "late@" + ELSEWHERE, "kind": "person"})
        cls.their_invitation = json.loads(made)["id"]

    def exchange(self, caller, method, target, body=b"", content_type=JSON, fields=(), **options):
        """Status, fields and body without what is a request's own, its date and number. `caller` is a device.Device, or
        None: the machine.
        """
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        method, target = method.encode(), target.encode()
        fields = [*fields, b"Content-Length: %d" % len(body)] if body else list(fields)
        if caller:
            head = self.signed(method, target, *fields, body=body, content_type=content_type, by=caller, **options)
        else:
            head = self.head(method, target, *([b"Content-Type: " + content_type.encode()] if body else []), *fields)
        with self.people_peer() if caller else self.peer() as peer:
            peer.send_listening([head + body])
            answer = self.checked(peer.answer(method.decode()))
        fields = {name: value for name, value in answer.fields.items() if name not in ("date", "letterbox-request-id")}
        return answer.status, fields, answer.body

    def deposit_by(self, sender):
        """The receipt of what `sender` sends to himself."""
        status, _, content = self.exchange(sender, "POST", "/v1/files?to=" + sender.handle, CT, DICOM)
        self.assertEqual(status, 201)
        return json.loads(content)

    def routes(self, delivery, file, key, handle, recipient, principal, invitation, mailbox, envelopes):
        """What every route answers that takes the id or the name of something."""
        surgeon, chief, machine = self.surgeon, self.chief, None
        envelope = {"content_type": device.ENVELOPE}
        yield self.exchange(surgeon, "GET", f"/v1/files/{file}")
        yield self.exchange(surgeon, "HEAD", f"/v1/files/{file}")
        yield self.exchange(surgeon, "GET", f"/v1/deliveries/{delivery}")
        yield self.exchange(surgeon, "DELETE", f"/v1/files/{file}")
        yield self.exchange(surgeon, "POST", f"/v1/deliveries/{delivery}/close", envelopes["manifest"], **envelope)
        yield self.exchange(surgeon, "POST", f"/v1/deliveries/{delivery}/files?id={file}", CT, AGE)
        # To open a delivery makes one, so it isn't 404.
        yield self.exchange(surgeon, "PUT", f"/v1/deliveries/{delivery}/cover", envelopes["cover"], **envelope)
        yield self.exchange(surgeon, "GET", f"/v1/devices?handle={handle}")
        yield self.exchange(surgeon, "POST", f"/v1/devices/{key}/records", envelopes["revocation"], **envelope)
        yield self.exchange(surgeon, "POST", f"/v1/files?to={handle}", CT, DICOM)
        yield self.exchange(surgeon, "POST", f"/v1/files?to={recipient}", CT, DICOM)
        yield self.exchange(surgeon, "POST", "/v1/deliveries", {"recipients": [handle]})
        yield self.exchange(surgeon, "POST", "/v1/deliveries", {"recipients": [recipient]})
        yield self.exchange(surgeon, "POST", "/v1/invitations", {"handle": handle, "kind": "person"})
        for depositor in (surgeon, machine):
            yield self.exchange(depositor, "POST", f"/v1/files?mailbox={mailbox}", CT, DICOM)
        yield self.exchange(chief, "DELETE", f"/v1/devices/{key}")
        yield self.exchange(chief, "DELETE", f"/v1/principals/{principal}")
        yield self.exchange(chief, "DELETE", f"/v1/invitations/{invitation}")
        yield self.exchange(chief, "GET", f"/v1/devices?handle={handle}")
        yield self.exchange(chief, "GET", f"/v1/mailboxes/{mailbox}")
        yield self.exchange(chief, "DELETE", f"/v1/mailboxes/{mailbox}")
        yield self.exchange(chief, "PUT", "/v1/mailboxes/new", {"recipients": [handle], "depositors": []})
        yield self.exchange(chief, "PUT", "/v1/mailboxes/new", {"recipients": [], "depositors": [handle]})

    @case(61, "another tenant's id", "404, same as missing", stored=2)
    def test_case_61_another_tenants_id(self):
        theirs, ours = self.deposit_by(self.stranger), self.deposit_by(self.surgeon)
        _, _, listed = self.exchange(self.their_chief, "GET", "/v1/principals")
        principal, = (one["id"] for one in json.loads(listed)["principals"] if one["handle"] == self.stranger.handle)
        nobody = device.Device(self.gateway, "nobody@" + ELSEWHERE)
        envelopes = {name: json.dumps(ours[name]).encode() for name in ("cover", "manifest")}
        envelopes["revocation"] = json.dumps(self.surgeon.key.envelope(device.REVOCATION, {})).encode()

        found = list(self.routes(theirs["delivery"], theirs["file"], self.stranger.key.id, self.stranger.handle,
                                 self.stranger.recipient, principal, self.their_invitation, "theirs", envelopes))
        missing = list(self.routes(MISSING, MISSING, nobody.key.id, nobody.handle, nobody.recipient, MISSING,
                                   NOBODYS_KEY, "nowhere", envelopes))
        self.assertEqual(found, missing)
        self.assertEqual({status for status, _, _ in found[:6]}, {404})
        self.assertGreaterEqual(min(status for status, _, _ in found), 400)

        # It is all there, for those whose it is.
        self.assertEqual(self.exchange(self.stranger, "GET", f"/v1/files/{theirs['file']}")[0], 200)
        self.assertEqual(self.exchange(self.stranger, "GET", f"/v1/devices?handle={self.stranger.handle}")[0], 200)
        self.assertEqual(self.exchange(self.their_chief, "GET", "/v1/mailboxes/theirs")[0], 200)
        self.assertIn(self.their_invitation.encode(), self.exchange(self.their_chief, "GET", "/v1/invitations")[2])
        for caller, own, others in ((self.surgeon, ours, theirs), (self.stranger, theirs, ours)):
            _, _, inbox = self.exchange(caller, "GET", "/v1/inbox")
            self.assertIn(own["delivery"].encode(), inbox)
            self.assertNotIn(others["delivery"].encode(), inbox)
        return "404, same as missing byte for byte"

    @case(62, "SQL metacharacters", "plain text")
    def test_case_62_sql_metacharacters(self):
        surgeon, chief, machine = self.surgeon, self.chief, None
        envelope = {"content_type": device.ENVELOPE}
        newcomer = device.Device(self.gateway, "newcomer@hospital.example")
        for text in ("'; DROP TABLE file; --", "' OR '1'='1", "\\' OR 1=1; --", "\"; DELETE FROM delivery; --",
                     "%' OR handle LIKE '%", "$$; SELECT pg_sleep(60); $$", "*/ OR 1=1 /*", "{1,2}", "\ud7ff'"):
            word = self.canary + text
            name = urllib.parse.quote(word, safe="")
            for answer in (
                    # Ids
                    self.exchange(surgeon, "GET", f"/v1/files/{name}"),
                    self.exchange(surgeon, "DELETE", f"/v1/files/{name}"),
                    self.exchange(surgeon, "GET", f"/v1/deliveries/{name}"),
                    self.exchange(surgeon, "POST", f"/v1/deliveries/{name}/close", {}, **envelope),
                    self.exchange(surgeon, "PUT", f"/v1/deliveries/{name}/cover", {}, **envelope),
                    self.exchange(surgeon, "POST", f"/v1/deliveries/{name}/files?id={MISSING}", CT, AGE),
                    self.exchange(surgeon, "POST", f"/v1/deliveries/{MISSING}/files?id={name}", CT, AGE),
                    self.exchange(surgeon, "POST", f"/v1/devices/{name}/records", {}, **envelope),
                    self.exchange(surgeon, "DELETE", f"/v1/invitations/{name}"),
                    self.exchange(chief, "DELETE", f"/v1/devices/{name}"),
                    self.exchange(chief, "DELETE", f"/v1/principals/{name}"),
                    # Queries
                    self.exchange(surgeon, "GET", f"/v1/inbox?after={name}"),
                    self.exchange(surgeon, "GET", f"/v1/inbox?limit={name}"),
                    self.exchange(surgeon, "POST", f"/v1/files?to={SURGEON}&expires={name}", CT, DICOM),
                    self.exchange(surgeon, "POST", f"/v1/files?to={SURGEON}&{name}=1", CT, DICOM),
                    # Handles
                    self.exchange(surgeon, "GET", f"/v1/devices?handle={name}"),
                    self.exchange(surgeon, "POST", f"/v1/files?to={name}", CT, DICOM),
                    self.exchange(surgeon, "POST", f"/v1/files?to={name}%40hospital.example", CT, DICOM),
                    self.exchange(surgeon, "POST", "/v1/deliveries", {"recipients": [word]}),
                    self.exchange(surgeon, "POST", "/v1/invitations", {"handle": word, "kind": "person"}),
                    self.exchange(chief, "POST", "/v1/principals", {"handle": word, "certificate": NOBODYS_KEY}),
                    self.exchange(chief, "POST", "/v1/principals", {"handle": "x@hospital.example", "certificate": word}),
                    self.exchange(chief, "PUT", "/v1/mailboxes/new", {"recipients": [word], "depositors": []}),
                    self.exchange(chief, "PUT", "/v1/mailboxes/new", {"recipients": [], "depositors": [word]}),
                    # Mailboxes
                    self.exchange(machine, "POST", f"/v1/files?mailbox={name}", CT, DICOM),
                    self.exchange(surgeon, "POST", f"/v1/files?mailbox={name}", CT, DICOM),
                    self.exchange(chief, "GET", f"/v1/mailboxes/{name}"),
                    self.exchange(chief, "PUT", f"/v1/mailboxes/{name}", {"recipients": [], "depositors": []}),
                    self.exchange(chief, "DELETE", f"/v1/mailboxes/{name}"),
                    # What is shown before a caller is known
                    self.exchange(newcomer, "POST", "/v1/devices", {"invitation": word, "record": newcomer.record()})):
                self.assertIn(answer[0], (400, 404, 422), text)
            if word.isascii() and not set(word) & set("\"\\"):
                self.credentials(word)
        return "plain text: 400, 404 or 422; 401 as a key or a token, and fine as a nonce"

    def credentials(self, word):
        nameless = types.SimpleNamespace(key=device.SigningKey())
        nameless.key.id = word
        self.assertEqual(self.exchange(nameless, "GET", "/v1/self")[0], 401)
        self.assertEqual(self.exchange(self.surgeon, "GET", "/v1/self", fields=[b"Authorization: Bearer " + word.encode()])[0],
                         401)
        for status in (200, 401):  # taken, and remembered
            self.assertEqual(self.exchange(self.surgeon, "GET", "/v1/self", nonce=word)[0], status)


if __name__ == "__main__":
    unittest.main()
