"""Sharing on, by the rules of docs/format.md ("The cover chain"), and a gateway that is killed meanwhile."""
import datetime
import json
import signal
import threading
import unittest

import device
import rig
import sealing
from sealing import change, expect, problem

SURGEON, COLLEAGUE, WARD = (f"{name}@hospital.example" for name in ("surgeon", "colleague", "ward"))


class Shared(rig.OnOneGateway):
    """`surgeon` sends to `colleague` (and herself); `ward` is nobody's recipient yet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.surgeon, cls.colleague, cls.ward = (cls.gateway.invited(who) for who in (SURGEON, COLLEAGUE, WARD))

    def letter(self, count=3):
        files = [sealing.File(b"letter %d" % number) for number in range(count)]
        return sealing.sent(self.surgeon, [COLLEAGUE, SURGEON], *files), files

    def opens(self, who, file):
        """What stock age makes of what the gateway gives `who`."""
        key = self.gateway.data.parent / f"key-{who.key.id}"
        key.write_text(who.identity, encoding="ascii")
        return rig.age_decrypt(key, expect(200, who.request("GET", f"/v1/files/{file.id}")))

    def headers(self, who, cover, version=None):
        """Of each file by its id: header and nonce; None if there are none to be had."""
        query = f"?version={version}" if version else ""
        status, fields, content = who.request("GET", f"/v1/deliveries/{cover.delivery}/headers{query}")
        if status == 404:
            return None
        self.assertEqual((status, fields["content-type"]), (200, "application/vnd.letterbox.headers"))
        return sealing.headers_in(content)

    def under(self, cover, files):
        return {file.id.bytes: (file.header(cover), file.nonce) for file in files}


class Rules(Shared):
    def test_a_recipient_adds_somebody_and_stock_age_opens_it_with_the_new_key(self):
        cover, files = self.letter()
        self.assertEqual(self.ward.request("GET", f"/v1/files/{files[0].id}")[0], 404)
        before = expect(200, self.colleague.request("GET", f"/v1/files/{files[0].id}"))
        shared = cover.next([self.colleague, self.surgeon, self.ward], self.colleague.key)
        answer = expect(200, change(self.colleague, shared, files))
        self.assertEqual(len(answer["covers"]), 2)
        for file in files:
            self.assertEqual(self.opens(self.ward, file), file.plaintext)
            self.assertEqual(self.opens(self.colleague, file), file.plaintext)
        inbox = expect(200, self.ward.request("GET", "/v1/inbox"))
        self.assertIn(cover.delivery, [one["delivery"] for one in inbox["deliveries"]])
        # The whole file is another thing now, its payload isn't.
        self.assertNotEqual(expect(200, self.colleague.request("GET", f"/v1/files/{files[0].id}")), before)
        self.assertEqual(self.colleague.request("HEAD", f"/v1/files/{files[0].id}/header")[1]["etag"], '"v2"')

    def test_the_same_change_again_is_answered_as_the_first_time(self):
        cover, files = self.letter()
        shared = cover.next([self.colleague, self.surgeon, self.ward], self.colleague.key)
        first = expect(200, change(self.colleague, shared, files))
        self.assertEqual(expect(200, change(self.colleague, shared, files)), first)
        other = cover.next([self.colleague, self.surgeon, self.ward], self.colleague.key)
        self.assertEqual(problem(change(self.colleague, other, files)), (412, "precondition-failed"))

    def test_a_change_says_what_it_changes(self):
        cover, files = self.letter()
        shared = cover.next([self.colleague, self.surgeon, self.ward], self.colleague.key)
        self.assertEqual(problem(change(self.colleague, shared, files, if_match="")), (428, "precondition-required"))
        for wrong in ('"v2"', 'W/"v1"', "v1", '"1"'):
            answer = change(self.colleague, shared, files, if_match=wrong)
            self.assertEqual(problem(answer), (412, "precondition-failed"), wrong)
        self.assertIsNone(self.headers(self.colleague, cover, 2))

    def test_who_may_drop_whom(self):
        cover, files = self.letter()
        everybody = [self.colleague, self.surgeon, self.ward]
        dropping = cover.next([self.colleague, self.ward], self.colleague.key)
        self.assertEqual(problem(change(self.colleague, dropping, files)), (403, "not-allowed"))
        stranger = cover.next(everybody, self.ward.key)
        self.assertEqual(problem(change(self.ward, stranger, files)), (404, "not-found"))
        shared = cover.next(everybody, self.colleague.key)
        expect(200, change(self.colleague, shared, files))
        # Somebody goes of their own accord, and the sender drops somebody.
        left = shared.next([self.surgeon, self.ward], self.colleague.key)
        change(self.colleague, left, files)
        self.assertEqual(self.colleague.request("GET", f"/v1/files/{files[0].id}")[0], 404)
        dropped = left.next([self.surgeon], self.surgeon.key)
        expect(200, change(self.surgeon, dropped, files))
        self.assertEqual(self.ward.request("GET", f"/v1/files/{files[0].id}")[0], 404)
        self.assertEqual(problem(change(self.ward, dropped.next(everybody, self.ward.key), files)), (404, "not-found"))
        self.assertEqual(self.opens(self.surgeon, files[0]), files[0].plaintext)

    def test_who_is_added_is_an_active_device_of_its_handle(self):
        cover, files = self.letter()
        to = [self.colleague, self.surgeon]
        nobody = device.Device(self.gateway, WARD)
        self.assertEqual(problem(change(self.colleague, cover.next([*to, nobody], self.colleague.key), files)),
                         (422, "unknown-recipient"))
        renamed = device.Device(self.gateway, COLLEAGUE)
        renamed.recipient = self.ward.recipient
        self.assertEqual(problem(change(self.colleague, cover.next([*to, renamed], self.colleague.key), files)),
                         (422, "unknown-recipient"))
        leaver = self.gateway.invited("leaver@hospital.example")
        self.gateway.admin("admin", "device", "revoke", leaver.key.id)
        self.assertEqual(problem(change(self.colleague, cover.next([*to, leaver], self.colleague.key), files)),
                         (422, "unknown-recipient"))

    def test_a_cover_that_doesnt_follow_is_refused(self):
        cover, files = self.letter()
        to = [self.colleague, self.surgeon, self.ward]
        tomorrow = device.time_text(device.now() + datetime.timedelta(days=1))
        for changed, why in (({"version": 3}, "cover-mismatch"), ({"previous": device.b64(bytes(32))}, "cover-mismatch"),
                             ({"expires": tomorrow}, "cover-mismatch"), ({"sender": COLLEAGUE}, "cover-mismatch"),
                             ({"created": tomorrow}, "malformed"), ({"random": cover.record["random"]}, "cover-mismatch")):
            following = cover.next(to, self.colleague.key, **changed)
            self.assertEqual(problem(change(self.colleague, following, files, if_match='"v1"'))[1], why, changed)
        self.assertEqual(problem(change(self.colleague, cover.next(to[:2], self.colleague.key), files)), (409, "conflict"))
        forged = cover.next(to, self.ward.key)
        self.assertEqual(problem(change(self.colleague, forged, files)), (403, "bad-signature"))

    def test_headers_are_of_exactly_the_files(self):
        cover, files = self.letter()
        shared = cover.next([self.colleague, self.surgeon, self.ward], self.colleague.key)
        for others in (files[1:], [*files, sealing.File(b"one more")], [*files[1:], sealing.File(b"another")], []):
            self.assertEqual(problem(change(self.colleague, shared, others)), (422, "cover-mismatch"), len(others))
        self.assertEqual(self.headers(self.colleague, cover), self.under(cover, files))

    def test_former_headers_are_there_until_another_confirms(self):
        cover, files = self.letter()
        shared = cover.next([self.colleague, self.surgeon, self.ward], self.colleague.key)
        expect(200, change(self.colleague, shared, files))
        self.assertEqual(self.headers(self.surgeon, cover), self.under(shared, files))
        self.assertEqual(self.headers(self.surgeon, cover, 1), self.under(cover, files))
        one = f"/v1/files/{files[0].id}/header?version=1"
        self.assertEqual(expect(200, self.surgeon.request("GET", one)), files[0].header(cover))
        for path in (one, f"/v1/deliveries/{cover.delivery}/headers?version=1"):
            self.assertEqual(self.ward.request("GET", path)[0], 404, "it was never for this device")

        def confirm(who, version=2):
            return who.request("POST", f"/v1/deliveries/{cover.delivery}/confirmations", {"version": version})
        self.assertEqual(problem(confirm(self.colleague)), (403, "not-allowed"))
        self.assertEqual(problem(confirm(self.ward)), (403, "not-allowed"))
        self.assertEqual(problem(confirm(self.surgeon, 3)), (409, "conflict"))
        self.assertEqual(confirm(self.surgeon)[0], 204)
        self.assertEqual(confirm(self.surgeon)[0], 204)
        self.assertEqual(self.headers(self.surgeon, cover, 1), self.under(cover, files), "the sender's own are kept")
        again = shared.next([self.colleague, self.surgeon], self.surgeon.key)
        expect(200, change(self.surgeon, again, files))
        self.assertEqual(self.headers(self.surgeon, cover, 2), self.under(shared, files))
        self.assertEqual(confirm(self.colleague, 3)[0], 204)
        self.assertIsNone(self.headers(self.surgeon, cover, 2))
        self.assertEqual(self.surgeon.request("GET", one.replace("=1", "=2"))[0], 404)

    def test_eight_versions_wait_to_be_confirmed_and_no_more_but_the_senders(self):
        cover, files = self.letter(1)
        everybody, two = [self.colleague, self.surgeon, self.ward], [self.colleague, self.surgeon]
        for version in range(2, 12):
            cover = cover.next(everybody if version % 2 == 0 else two, self.surgeon.key)
            expect(200, change(self.surgeon, cover, files))
        following = cover.next(everybody, self.colleague.key)
        self.assertEqual(problem(change(self.colleague, following, files)), (409, "conflict"))
        confirmed = self.colleague.request("POST", f"/v1/deliveries/{cover.delivery}/confirmations", {"version": 11})
        self.assertEqual(confirmed[0], 204)
        expect(200, change(self.colleague, following, files))

    def test_another_body_than_was_signed_changes_nothing(self):
        cover, files = self.letter()
        shared = cover.next([self.colleague, self.surgeon, self.ward], self.colleague.key)
        answer = self.colleague.request("PUT", f"/v1/deliveries/{cover.delivery}/recipients",
                                        sealing.recipients_change(shared, files), sealing.RECIPIENTS_CHANGE,
                                        extra=['If-Match: "v1"'], digest_of=b"another")
        self.assertEqual(problem(answer), (401, "unauthenticated"))
        self.assertEqual(self.headers(self.colleague, cover), self.under(cover, files))


class Killed(Shared):
    def kill(self):
        self.gateway.process.send_signal(signal.SIGKILL)
        self.gateway.process.wait(timeout=60)
        self.gateway.process.stdout.close()

    def killed_meanwhile(self, cover, files, share, delay):
        """Whether a change was acknowledged by a gateway that is killed so many seconds after this share of it was sent."""
        body = sealing.recipients_change(cover, files)
        head = device.raw_head(self.surgeon.key, self.gateway, "PUT", f"/v1/deliveries/{cover.delivery}/recipients",
                               body, sealing.RECIPIENTS_CHANGE)
        version = cover.record["version"]
        with self.gateway.tls() as connection:
            connection.sendall(head + f'If-Match: "v{version - 1}"\r\nContent-Length: {len(body)}\r\n\r\n'.encode()
                               + body[:int(len(body) * share)])
            if delay is None:
                answer = connection.recv(4096)
                self.kill()
                return answer.startswith(b"HTTP/1.1 200")
            threading.Timer(delay, self.kill).start()
            try:
                answer = connection.recv(4096)
            except OSError:
                answer = b""
        rig.eventually(lambda: self.gateway.process.stdout.closed, "it is dead")
        return answer.startswith(b"HTTP/1.1 200")

    def test_a_gateway_that_is_killed_while_it_shares_leaves_all_old_or_all_new(self):
        cover, files = self.letter(2000 if rig.FULL else 200)
        everybody, two = [self.colleague, self.surgeon, self.ward], [self.colleague, self.surgeon]
        outcomes = set()
        # None: once it has acknowledged. The others strike before the whole is there, or race with the commit.
        for share, delay in ((0.5, 0.1), (0.99, 0.1), (1, 0), (1, 0.01), (1, 0.02), (1, 0.04), (1, 0.08), (1, None)):
            now = everybody if len(cover.record["recipients"]) == 2 else two
            following = cover.next(now, self.surgeon.key)
            acknowledged = self.killed_meanwhile(following, files, share, delay)
            self.gateway.start()
            delivery = expect(200, self.surgeon.request("GET", f"/v1/deliveries/{cover.delivery}"))
            changed = len(delivery["covers"]) == following.record["version"]
            self.assertTrue(changed or not acknowledged, "what was acknowledged is lost")
            if changed:
                cover = following
                confirmed = self.colleague.request("POST", f"/v1/deliveries/{cover.delivery}/confirmations",
                                                   {"version": cover.record["version"]})
                self.assertEqual(confirmed[0], 204)
            outcomes.add(changed)
            self.assertEqual(self.headers(self.surgeon, cover), self.under(cover, files))
            inbox = json.loads(self.ward.request("GET", "/v1/inbox")[2])["deliveries"]
            self.assertEqual(bool(inbox), len(cover.record["recipients"]) == 3)
        self.assertEqual(outcomes, {True, False})


if __name__ == "__main__":
    unittest.main()
