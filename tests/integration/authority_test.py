"""Who may do what, asked from outside: nobody, an attacker with a key, a machine, people of two hospitals."""
import concurrent.futures
import hashlib
import json
import pathlib
import re
import secrets
import time
import unittest

import rig
from device import Device, ENVELOPE, SigningKey

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
SURGEON = "surgeon@hospital.example"


def rights():
    """(method, path, roles) of each row of the table, read from its source."""
    source = (ROOT / "gateway" / "identity" / "authority.cc").read_text(encoding="utf-8")
    rows = re.findall(r'\{"([A-Z]+)",\s*"(/[^"]*)",\s*\{([^}]*)\},\s*k\w+\}', source)
    return [(method, path, set(roles.replace("k", "", 1).split(", k"))) for method, path, roles in rows]


def filled(path, value):
    """A route's template as a path, with `value` for whatever a segment stands for."""
    return re.sub(r"\{[^}]*\}", value, path)


def problem(answer):
    return json.loads(answer[2])["type"]


class Gate(rig.OnOneGateway):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.surgeon = cls.gateway.invited(SURGEON)
        cls.colleague = cls.gateway.invited("colleague@hospital.example")

    def trail(self, kind):
        return int(self.gateway.sql(f"SELECT count(*) FROM audit WHERE kind = '{kind}'"))


class Nobody(Gate):
    def test_without_signature_or_certificate_nothing_answers_but_what_is_for_anybody(self):
        """The route scan: every row of the table, and what isn't in it."""
        table = rights()
        self.assertGreater(len(table), 25)
        open_to_all = set()
        for method, path, _ in table:
            target = filled(path, SOME_ID)
            status, fields, _ = self.gateway.request(method, target, b"{}" if method in ("POST", "PUT") else b"",
                                                     "application/json" if method in ("POST", "PUT") else None)
            if status == 401:
                self.assertIn("www-authenticate", fields)
                continue
            open_to_all.add(f"{method} {path} {status}")
        self.assertEqual(open_to_all, {f"{method} {path} 200" for method in ("GET", "HEAD")
                                        for path in ("/healthz", "/readyz", "/openapi.yaml")})

    def test_what_doesnt_exist_is_401_like_what_does(self):
        for target in ("/", "/v1/secret", "/v1/files/" + SOME_ID + "/payload", "/admin"):
            self.assertEqual(self.gateway.request("GET", target)[0], 401, target)

    def test_a_machines_certificate_opens_nothing_on_the_peoples_address(self):
        """Nobody is asked for one there."""
        done = self.gateway.curl("--cert", self.gateway.authority_of_machines.machine,
                                 "--key", self.gateway.authority_of_machines.machine_key, "--write-out", "%{http_code}",
                                 "--output", "/dev/null", self.gateway.url + "/v1/inbox")
        self.assertEqual(done.stdout, b"401")


class Signatures(Gate):
    def test_a_signed_request_is_answered(self):
        status, _, body = self.surgeon.request("GET", "/v1/self")
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(body), {"handle": SURGEON, "kind": "person", "device": self.surgeon.key.id,
                                            "state": "active", "waits_until": None})

    def test_case_120_replayed_request(self):
        nonce = "a nonce that is used twice"
        self.assertEqual(self.surgeon.request("GET", "/v1/self", nonce=nonce)[0], 200)
        before = self.trail("refusal")
        self.assertEqual(self.surgeon.request("GET", "/v1/self", nonce=nonce)[0], 401)
        self.assertEqual(self.trail("refusal"), before + 1)

    def test_case_120_of_many_at_once_one_is_answered(self):
        fields = self.surgeon.key.fields("GET", self.gateway.url + "/v1/self")
        headers = [f"{name}: {value}" for name, value in fields.items()]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda _: self.gateway.request("GET", "/v1/self", headers=headers)[0], range(16))
        self.assertEqual(sorted(answers), [200] + [401] * 15)

    def test_case_121_signature_over_another_body(self):
        draft = json.dumps({"recipients": [SURGEON]}).encode()
        answer = self.surgeon.request("POST", "/v1/deliveries", draft, digest_of=b"another")
        self.assertEqual((answer[0], problem(answer)), (401, "/problems/unauthenticated"))

    def test_case_121_a_deposit_of_another_body_stores_nothing(self):
        before = self.gateway.sql("SELECT count(*) FROM file"), self.gateway.sql("SELECT count(*) FROM payload_row")
        answer = self.surgeon.request("POST", "/v1/files?to=" + SURGEON, rig.CT.read_bytes(), "application/dicom",
                                      digest_of=b"another")
        self.assertEqual(answer[0], 401)
        self.assertEqual((self.gateway.sql("SELECT count(*) FROM file"),
                          self.gateway.sql("SELECT count(*) FROM payload_row")), before)

    def test_case_122_created_in_the_future_or_too_long_ago(self):
        for seconds in (60, -301):
            answer = self.surgeon.request("GET", "/v1/self", created=int(time.time()) + seconds)
            self.assertEqual((answer[0], problem(answer)), (401, "/problems/clock-skew"))
            self.assertIn("date", answer[1])  # the gateway's time, to set the clock by
        answer = self.surgeon.request("GET", "/v1/self", lifetime=301)
        self.assertEqual((answer[0], problem(answer)), (401, "/problems/unauthenticated"))

    def test_case_123_revoked_device(self):
        handle = "leaver@hospital.example"
        leaver = self.gateway.invited(handle)
        self.assertEqual(leaver.request("GET", "/v1/inbox")[0], 200)
        self.gateway.admin("admin", "device", "revoke", leaver.key.id)
        self.assertEqual(leaver.request("GET", "/v1/inbox")[0], 401)
        self.assertEqual(leaver.request("GET", "/v1/self")[0], 401)

    def test_an_unknown_key_is_refused(self):
        stranger = Device(self.gateway, SURGEON)
        self.assertEqual(stranger.request("GET", "/v1/self")[0], 401)

    def test_a_request_signed_by_another_implementation_is_answered(self):
        """The npm package http-message-signatures, which knows nothing of ours."""
        draft = json.dumps({"recipients": [SURGEON]}).encode()
        now = int(time.time())
        digest = rig.base64.b64encode(hashlib.sha256(draft).digest()).decode()
        order = {"method": "POST", "url": self.gateway.url + "/v1/deliveries",
                 "headers": {"Content-Type": "application/json", "Content-Digest": f"sha-256=:{digest}:"},
                 "components": ["@method", "@target-uri", "content-type", "content-digest"],
                 "created": now, "expires": now + 60, "nonce": secrets.token_hex(16), "keyid": self.surgeon.key.id,
                 "seed": rig.base64.b64encode(self.surgeon.key.seed).decode()}
        made = rig.run("node", ROOT / "tests" / "vectors" / "signatures" / "peer.mjs", "sign",
                       input=json.dumps(order).encode())
        headers = [f"{name}: {value}" for name, value in json.loads(made.stdout).items() if name != "Content-Type"]
        status, _, _ = self.gateway.request("POST", "/v1/deliveries", draft, "application/json", headers)
        self.assertEqual(status, 201)
        order["nonce"] = secrets.token_hex(16)
        order["url"] += "?to=somebody"  # signed for another target
        made = rig.run("node", ROOT / "tests" / "vectors" / "signatures" / "peer.mjs", "sign",
                       input=json.dumps(order).encode())
        headers = [f"{name}: {value}" for name, value in json.loads(made.stdout).items() if name != "Content-Type"]
        self.assertEqual(self.gateway.request("POST", "/v1/deliveries", draft, "application/json", headers)[0], 401)

    def test_another_host_in_the_request_doesnt_change_what_was_signed(self):
        fields = self.surgeon.key.fields("GET", "https://elsewhere.example/v1/self")
        headers = [f"{name}: {value}" for name, value in fields.items()] + ["Host: elsewhere.example"]
        self.assertEqual(self.gateway.request("GET", "/v1/self", headers=headers)[0], 401)


class Invitations(Gate):
    OPTIONS = ("--rate-failures", "50")

    def test_case_124_used_twice(self):
        token = json.loads(self.gateway.invitation("twice@hospital.example").read_text())["invitation"]
        Device(self.gateway, "twice@hospital.example").enrolled(token)
        self.assertEqual(Device(self.gateway, "twice@hospital.example").enrol(token)[0], 404)

    def test_case_124_expired(self):
        token = json.loads(self.gateway.invitation("late@hospital.example").read_text())["invitation"]
        self.gateway.sql("UPDATE invitation SET made = made - interval '30 days', expires = now() - interval '1 second' "
                         "WHERE handle = 'late@hospital.example'")
        self.assertEqual(Device(self.gateway, "late@hospital.example").enrol(token)[0], 404)

    def test_an_invitation_is_for_its_handle(self):
        token = json.loads(self.gateway.invitation("invited@hospital.example").read_text())["invitation"]
        self.assertEqual(Device(self.gateway, "uninvited@hospital.example").enrol(token)[0], 404)
        Device(self.gateway, "invited@hospital.example").enrolled(token)

    def test_an_enrolment_signed_by_another_key_than_the_records_is_refused(self):
        token = json.loads(self.gateway.invitation("stolen@hospital.example").read_text())["invitation"]
        thief = Device(self.gateway, "stolen@hospital.example")
        record, thief.key = thief.record(), SigningKey()
        status, _, _ = thief.request("POST", "/v1/devices", {"invitation": token, "record": record})
        self.assertEqual(status, 403)
        Device(self.gateway, "stolen@hospital.example").enrolled(token)  # still good

    def test_enrolment_is_written_down_and_the_token_nowhere(self):
        token = json.loads(self.gateway.invitation("logged@hospital.example").read_text())["invitation"]
        before = self.trail("enrolment")
        Device(self.gateway, "logged@hospital.example").enrolled(token)
        self.assertEqual(self.trail("enrolment"), before + 1)
        self.assertNotIn(token, self.gateway.log_text())


class Guessing(Gate):
    OPTIONS = ("--rate-failures", "20")

    def test_case_124_guessed_10000_times(self):
        """A guess is an honest enrolment with a token that nobody made."""
        guesser = Device(self.gateway, SURGEON)
        body = {"invitation": "A" * 43, "record": guesser.record()}
        urls = []
        config = self.gateway.data.parent / "guesses"
        payload = json.dumps(body).encode()
        with open(config, "w", encoding="ascii") as lines:
            for number in range(10_000):
                fields = guesser.key.fields("POST", self.gateway.url + "/v1/devices", payload)
                lines.write("next\n" if number else "")
                lines.write(f'url = "{self.gateway.url}/v1/devices"\nrequest = POST\noutput = "/dev/null"\n'
                            'write-out = "%{http_code}\\n"\nsilent\nheader = "Expect:"\n'
                            f'cacert = "{self.gateway.authority}"\n')
                for name, value in fields.items():
                    escaped = value.replace('"', '\\"')
                    lines.write(f'header = "{name}: {escaped}"\n')
                lines.write('data-binary = "' + payload.decode().replace('"', '\\"') + '"\n')
        answers = rig.run("curl", "--config", config).stdout.decode().split()
        self.assertEqual(len(answers), 10_000)
        self.assertEqual(set(answers), {"404", "429"})
        self.assertLess(answers.count("404"), 200)
        self.assertLess(self.trail("refusal"), 200, "a flood mustn't fill the trail")
        # Who has a key isn't locked out.
        self.assertEqual(self.surgeon.request("GET", "/v1/self")[0], 200)


class Machines(Gate):
    def machine(self, method, path, *arguments, **options):
        return self.gateway.request(method, path, *arguments, machine=True, **options)

    def test_case_125_a_pacs_asks_for_an_inbox(self):
        self.gateway.deposit(rig.CT, "application/dicom", SURGEON)
        before = self.trail("refusal")
        self.assertEqual(self.machine("GET", "/v1/inbox")[0], 404)
        self.assertEqual(self.trail("refusal"), before + 1)

    def test_a_pacs_deposits_into_its_mailbox_and_does_nothing_else(self):
        deposited = self.gateway.deposit(rig.CT, "application/dicom", SURGEON)
        for method, path, roles in rights():
            if "Anybody" in roles or "Machine" in roles:
                continue
            for known in (SOME_ID, deposited["file"], deposited["delivery"], self.surgeon.key.id):
                body = (b"{}", "application/json") if method in ("POST", "PUT") else ()
                self.assertEqual(self.machine(method, filled(path, known), *body)[0], 404, f"{method} {path}")

    def test_a_pacs_names_no_recipients(self):
        self.gateway.deposit(rig.CT, "application/dicom", SURGEON)
        self.assertEqual(self.machine("POST", "/v1/files?to=" + SURGEON, rig.CT, "application/dicom")[0], 404)

    def test_a_mailbox_of_others_and_one_that_isnt_are_alike(self):
        self.gateway.deposit(rig.CT, "application/dicom", SURGEON)
        self.gateway.admin("admin", "mailbox", "put", "foreign", "--to", SURGEON)
        answers = [self.machine("POST", "/v1/files?mailbox=" + name, rig.CT, "application/dicom")
                   for name in ("foreign", "nowhere")]
        self.assertEqual([answer[0] for answer in answers], [404, 404])
        self.assertEqual(answers[0][2], answers[1][2])

    def test_a_mailbox_without_an_active_device_takes_nothing(self):
        self.gateway.deposit(rig.CT, "application/dicom", SURGEON)
        self.gateway.admin("admin", "mailbox", "put", "empty", "--to", "nobody@hospital.example", "--from",
                           self.gateway.machine)
        self.assertEqual(self.machine("POST", "/v1/files?mailbox=empty", rig.CT, "application/dicom")[0], 409)

    def test_the_cover_says_which_machine_sent_it(self):
        deposited = self.gateway.deposit(rig.CT, "application/dicom", SURGEON)
        status, _, content = self.surgeon.request("GET", "/v1/deliveries/" + deposited["delivery"])
        self.assertEqual(status, 200)
        cover = json.loads(rig.base64.b64decode(json.loads(content)["covers"][0]["payload"]))
        self.assertEqual((cover["sender"], cover["sealed_by"]), (self.gateway.machine, "gateway"))


class Deliveries(Gate):
    def deposited(self):
        status, _, content = self.surgeon.request("POST", "/v1/files?to=colleague@hospital.example",
                                                  rig.CT.read_bytes(), "application/dicom")
        self.assertEqual(status, 201, content)
        return json.loads(content)

    def test_sender_and_recipient_read_and_nobody_else(self):
        stored = self.deposited()
        third = self.gateway.invited("third@hospital.example")
        for path in ("/v1/files/" + stored["file"], "/v1/deliveries/" + stored["delivery"]):
            self.assertEqual(self.surgeon.request("GET", path)[0], 200)
            self.assertEqual(self.colleague.request("GET", path)[0], 200)
            refused = third.request("GET", path)
            missing = third.request("GET", path.rpartition("/")[0] + "/" + SOME_ID)
            self.assertEqual(refused[0], 404)
            self.assertEqual(refused[2], missing[2])

    def test_case_126_a_recipient_deletes_anothers_delivery(self):
        path = "/v1/files/" + self.deposited()["file"]
        self.assertEqual(self.colleague.request("DELETE", path)[0], 404)
        self.assertEqual(self.colleague.request("GET", path)[0], 200)
        self.assertEqual(self.surgeon.request("DELETE", path)[0], 204)
        self.assertEqual(self.colleague.request("GET", path)[0], 404)
        self.assertEqual(self.surgeon.request("DELETE", path)[0], 404)

    def test_collecting_is_written_down(self):
        path = "/v1/files/" + self.deposited()["file"]
        before = self.trail("collect")
        self.colleague.request("GET", path)
        self.assertEqual(self.trail("collect"), before + 1)

    def test_an_administrator_sees_no_letter(self):
        stored = self.deposited()
        administrator = self.gateway.invited("chief@hospital.example", "--administrator")
        for path in ("/v1/inbox", "/v1/files/" + stored["file"], "/v1/deliveries/" + stored["delivery"]):
            self.assertEqual(administrator.request("GET", path)[0], 404)


class Devices(Gate):
    def further(self, handle=SURGEON, **options):
        token = json.loads(self.gateway.invitation(handle).read_text())["invitation"]
        return Device(self.gateway, handle).enrolled(token, **options)

    def test_a_further_device_is_nobodys_until_an_earlier_one_cosigns_it(self):
        further = self.further()
        self.assertEqual(further.state, "unvouched")
        self.assertEqual(further.request("GET", "/v1/inbox")[0], 404)
        self.assertEqual(self.colleague.file(further, self.colleague.cosignature(further))[0], 404)
        self.assertEqual(self.surgeon.file(further, self.surgeon.cosignature(further))[0], 201)
        self.assertEqual(further.request("GET", "/v1/inbox")[0], 200)
        self.assertEqual(self.surgeon.file(further, self.surgeon.cosignature(further))[0], 409)

    def test_it_cant_vouch_for_itself_nor_revoke_the_others(self):
        further = self.further()
        self.assertIn(further.file(further, further.cosignature(further))[0], (403, 409))
        self.assertEqual(further.file(self.surgeon, further.revocation(self.surgeon))[0], 404)
        self.assertEqual(further.file(further, further.revocation(further))[0], 201)
        self.assertEqual(further.request("GET", "/v1/self")[0], 401)

    def test_a_statement_by_another_key_than_the_callers_is_refused(self):
        further = self.further()
        forged = self.colleague.cosignature(further)
        self.assertEqual(self.surgeon.file(further, forged)[0], 403)

    def test_a_history_is_told_to_the_tenant_in_order(self):
        status, _, content = self.colleague.request("GET", "/v1/devices?handle=" + SURGEON)
        self.assertEqual(status, 200)
        records = json.loads(content)["records"]
        self.assertEqual(records[0]["record"], self.surgeon.record())
        self.assertEqual(sorted(one["accepted"] for one in records), [one["accepted"] for one in records])
        self.assertEqual(self.colleague.request("GET", "/v1/devices?handle=nobody@hospital.example")[0], 404)


class Administration(Gate):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chief = cls.gateway.invited("chief@hospital.example", "--administrator")

    def test_invites_and_withdraws(self):
        status, _, content = self.chief.request("POST", "/v1/invitations", {"handle": "new@hospital.example",
                                                                            "kind": "person"})
        self.assertEqual(status, 201)
        made = json.loads(content)
        listed = json.loads(self.chief.request("GET", "/v1/invitations")[2])["invitations"]
        self.assertIn(made["id"], [one["id"] for one in listed])
        self.assertNotIn(made["invitation"], json.dumps(listed))
        self.assertEqual(self.chief.request("DELETE", "/v1/invitations/" + made["id"])[0], 204)
        self.assertEqual(Device(self.gateway, "new@hospital.example").enrol(made["invitation"])[0], 404)

    def test_a_person_invites_a_device_of_their_own_and_those_who_arent_there_yet(self):
        def invite(handle, kind="person"):
            return self.surgeon.request("POST", "/v1/invitations", {"handle": handle, "kind": kind})[0]
        self.assertEqual(invite(SURGEON), 201)
        self.assertEqual(invite("newcomer@hospital.example"), 201)
        self.assertEqual(invite("colleague@hospital.example"), 404)
        self.assertEqual(invite("newcomer@hospital.example", "administrator"), 404)
        self.assertEqual(invite("newcomer@clinic.example"), 400)

    def test_a_person_has_a_bounded_number_of_open_invitations(self):
        inviter = self.gateway.invited("inviter@hospital.example")
        answers = [inviter.request("POST", "/v1/invitations", {"handle": f"many{number}@hospital.example",
                                                               "kind": "person"})[0] for number in range(22)]
        self.assertEqual(answers, [201] * 20 + [429] * 2)
        made = json.loads(inviter.request("GET", "/v1/invitations")[2])["invitations"][0]
        self.assertEqual(inviter.request("DELETE", "/v1/invitations/" + made["id"])[0], 204)
        self.assertEqual(inviter.request("POST", "/v1/invitations", {"handle": "one@hospital.example",
                                                                     "kind": "person"})[0], 201)

    def test_lets_a_machine_in_and_out(self):
        machine = {"handle": "mr@hospital.example", "certificate": "ab" * 32}
        status, _, content = self.chief.request("POST", "/v1/principals", machine)
        self.assertEqual(status, 201)
        self.assertEqual(self.chief.request("POST", "/v1/principals", machine)[0], 409)
        path = "/v1/principals/" + json.loads(content)["id"]
        self.assertEqual(self.chief.request("DELETE", path)[0], 204)
        self.assertEqual(self.chief.request("DELETE", path)[0], 409)

    def test_mailboxes(self):
        mailbox = {"recipients": [SURGEON], "depositors": ["colleague@hospital.example"], "closes_after": 5}
        self.assertEqual(self.chief.request("PUT", "/v1/mailboxes/ward", mailbox)[0], 204)
        self.assertEqual(json.loads(self.chief.request("GET", "/v1/mailboxes/ward")[2]), mailbox)
        self.assertEqual(json.loads(self.chief.request("GET", "/v1/mailboxes")[2])["mailboxes"]["ward"], mailbox)
        status, _, _ = self.colleague.request("POST", "/v1/files?mailbox=ward", rig.CT.read_bytes(), "application/dicom")
        self.assertEqual(status, 201)
        self.assertEqual(self.chief.request("DELETE", "/v1/mailboxes/ward")[0], 204)
        self.assertEqual(self.chief.request("GET", "/v1/mailboxes/ward")[0], 404)

    def test_revoking_somebody_takes_all_their_devices(self):
        leaver = self.gateway.invited("leaver@hospital.example")
        listed = json.loads(self.chief.request("GET", "/v1/principals")[2])["principals"]
        uuid = next(one["id"] for one in listed if one["handle"] == "leaver@hospital.example")
        self.assertEqual(self.chief.request("DELETE", "/v1/principals/" + uuid)[0], 204)
        self.assertEqual(leaver.request("GET", "/v1/self")[0], 401)
        history = json.loads(self.surgeon.request("GET", "/v1/devices?handle=leaver@hospital.example")[2])["records"]
        self.assertTrue(history[-1]["record"]["payloadType"].endswith("device-revocation.v1+json"))

    def test_revokes_a_device(self):
        lost = self.gateway.invited("loser@hospital.example")
        self.assertEqual(self.chief.request("DELETE", "/v1/devices/" + lost.key.id)[0], 204)
        self.assertEqual(lost.request("GET", "/v1/self")[0], 401)

    def test_people_dont_administer(self):
        for method, path, roles in rights():
            if roles != {"Administrator"}:
                continue
            body = {"recipients": [], "depositors": []} if method in ("POST", "PUT") else b""
            self.assertEqual(self.surgeon.request(method, filled(path, SOME_ID), body)[0], 404, f"{method} {path}")


if __name__ == "__main__":
    unittest.main()
