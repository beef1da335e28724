"""Two hospitals on one gateway: whatever one of them asks for, nothing of the other ever shows, and nothing of the
other's changes.

A property test: random calls to every route, by everybody of one hospital, with ids, handles and names of both.
"""
import http.client
import json
import os
import random
import unittest

import rig
import sealing
from authority_test import filled, rights, SOME_ID
from device import b64, Device, ENVELOPE

TENANTS = ("hospital.example", "clinic.example")
CALLS_A_BATCH = 25
BATCHES = 40 if rig.FULL else 16
# What tells the tenants apart in every table that has rows of both.
TABLES = ("audit", "cover", "delivery", "delivery_progress", "delivery_recipient", "device", "device_record", "download",
          "file", "former_headers", "former_version", "invitation", "mailbox", "mailbox_depositor", "mailbox_recipient",
          "machine_certificate", "machine_token", "nonce", "payload", "payload_row", "principal", "sealed_index", "upload")
# Sent with every request, so that what wants it isn't refused for want of it.
FIELDS = {"If-Match": '"v1"', "Tus-Resumable": "1.0.0", "Upload-Length": "1000", "Upload-Offset": "0"}


class Hospital:
    """People of one tenant, and everything that names something of theirs."""

    def __init__(self, gateway, tenant):
        self.gateway = gateway
        self.tenant = tenant
        self.people = [gateway.invited(f"{name}@{tenant}") for name in (f"ada-{tenant[:2]}", f"ben-{tenant[:2]}")]
        self.chief = gateway.invited(f"chief-{tenant[:2]}@{tenant}", "--administrator")
        self.applicant = gateway.invited(self.people[0].handle)
        self.callers = [*self.people, self.chief, self.applicant]
        self.ids = []
        self.deposit()
        self.share()
        self.upload()
        self.mailbox = f"ward-{tenant[:2]}"
        self.call(self.chief, "PUT", "/v1/mailboxes/" + self.mailbox,
                  {"recipients": [self.people[0].handle], "depositors": [self.people[1].handle]})
        made = self.call(self.chief, "POST", "/v1/invitations", {"handle": f"new-{tenant[:2]}@{tenant}", "kind": "person"})
        self.ids.append(made["id"])
        self.ids += [one["id"] for one in self.call(self.chief, "GET", "/v1/principals")["principals"]]
        self.ids.append(self.mailbox)

    def call(self, who, *arguments):
        status, _, content = who.request(*arguments)
        if status >= 300:
            raise AssertionError(f"{status}: {content!r}")
        return json.loads(content) if content else None

    def deposit(self):
        sender, recipient = self.people
        status, _, content = sender.request("POST", "/v1/files?to=" + recipient.handle, rig.CT.read_bytes(),
                                            "application/dicom")
        if status != 201:
            raise AssertionError(content)
        stored = json.loads(content)
        self.ids += [stored["file"], stored["delivery"]]

    def share(self):
        """One delivery that was shared on, and not confirmed."""
        self.file = sealing.File(b"a letter")
        self.cover = sealing.sent(self.people[0], [self.people[0].handle], self.file)
        self.cover = self.cover.next(self.people, self.people[0].key)
        sealing.expect(200, sealing.change(self.people[0], self.cover, [self.file]))
        self.ids += [str(self.file.id), self.cover.delivery]

    def upload(self):
        """One that is under way."""
        cover = sealing.opened(self.people[0], [self.people[1].handle])
        self.metadata = ",".join(f"{name} {b64(str(value).encode())}" for name, value in
                                 (("delivery", cover.delivery), ("file", sealing.uuid7())))
        made = self.people[0].request("POST", "/v1/uploads", extra=[
            "Tus-Resumable: 1.0.0", "Upload-Length: 1000", "Upload-Metadata: " + self.metadata])
        self.ids += [cover.delivery, made[1]["location"].rpartition("/")[2]]

    @property
    def handles(self):
        return [one.handle for one in self.callers]

    def secrets(self):
        """What must not show in an answer to anybody else: ids, handles, keys."""
        return ["@" + self.tenant, *self.ids, *(one.key.id for one in self.callers),
                *(one.recipient for one in self.callers)]

    def names(self):
        """What can stand in a path as {id}."""
        return [*self.ids, *(one.key.id for one in self.callers)]


class TwoTenants(unittest.TestCase):
    def setUp(self):
        place = rig.workspace()
        self.addCleanup(rig.shutil.rmtree, place, ignore_errors=True)
        self.gateway = rig.Gateway(place / "data")
        self.addCleanup(self.gateway.stop)
        self.gateway.start()
        self.gateway.admin("admin", "tenant", "add", TENANTS[1])
        self.hospitals = [Hospital(self.gateway, tenant) for tenant in TENANTS]
        self.connection = None
        seed = os.environ.get("LETTERBOX_SEED", str(random.randrange(2 ** 32)))
        self.random = random.Random(seed)
        self.seed = f"LETTERBOX_SEED={seed}"

    def ask(self, key, method, target, body, content_type):
        """(status, head, body) on a connection that is kept."""
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("127.0.0.1", self.gateway.port,
                                                          context=self.gateway.tls_context())
            self.addCleanup(self.connection.close)
        fields = FIELDS | key.fields(method, self.gateway.url + target, body, content_type)
        fields["Upload-Metadata"] = self.random.choice(self.hospitals).metadata
        self.connection.request(method, target, body=body or None, headers=fields)
        answer = self.connection.getresponse()
        return answer.status, str(answer.headers), answer.read()

    def state(self, hospital):
        """Every row of the tenant's, in one digest for each table."""
        tenant = f"(SELECT id FROM tenant WHERE name = '{hospital.tenant}')"
        return self.gateway.sql("SELECT " + ", ".join(
            f"(SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {table} t "
            f"WHERE tenant_id = {tenant})" for table in TABLES))

    def random_request(self, own, other):
        pick = self.random.choice
        both = [*own.handles, *other.handles]
        method, path, _ = pick(self.rights)
        names = [*own.names(), *other.names(), *other.names(), SOME_ID]
        if (method, path) == ("PUT", "/v1/mailboxes/{mailbox}"):
            names = own.names()  # who names a mailbox of their own so is shown that name again
        target = filled(path, pick([own.mailbox, other.mailbox]) if path.startswith("/to/") else pick(names))
        if path == "/v1/devices" and method == "GET":
            target += "?handle=" + pick(both)
        if path in ("/v1/inbox", "/v1/sent"):
            target += pick(["", "?limit=1", "?after=" + pick(own.ids[:2] + other.ids[:2])])
        if path == "/v1/files" and method == "POST":
            target += pick(["?to=" + pick(both), "?mailbox=" + pick([own.mailbox, other.mailbox]),
                            "?to=" + pick(own.callers + other.callers).recipient])
            return method, target, rig.JPEG, "image/jpeg"
        if path.startswith("/to/") and method == "POST":
            return method, target, *rig.stow_body([rig.CT.read_bytes()])
        if path in ("/v1/deliveries/{id}/files", "/v1/deliveries/{id}/indexes"):
            return method, target + "?id=" + SOME_ID, b"age-encryption.org/v1\n", "application/age"
        if method == "PATCH":
            return method, target, b"age-encryption.org/v1\n", "application/offset+octet-stream"
        if path.endswith("/recipients"):
            shared = pick([own, other])
            following = shared.cover.next(pick([own, other]).people, pick(own.callers).key)
            return method, target, sealing.recipients_change(following, [shared.file]), sealing.RECIPIENTS_CHANGE
        if path.endswith(("/cover", "/close", "/receipt", "/records")):
            signer, about = pick(own.callers), pick(own.callers + other.callers)
            statement = pick([signer.cosignature(about), signer.revocation(about), about.record()])
            return method, target, json.dumps(statement).encode(), ENVELOPE
        bodies = {
            "/v1/deliveries/{id}/confirmations": {"version": 2},
            "/v1/deliveries": {"recipients": [pick(both), pick(both)]},
            "/v1/invitations": {"handle": pick(both), "kind": pick(["person", "administrator"])},
            "/v1/principals": {"handle": pick(both), "certificate": "%064x" % self.random.getrandbits(256)},
            "/v1/mailboxes/{mailbox}": {"recipients": [pick(both)], "depositors": [pick(both)]},
            "/v1/devices": {"invitation": "A" * 43, "record": pick(own.callers + other.callers).record()},
        }
        body = json.dumps(bodies[path]).encode() if path in bodies and method in ("POST", "PUT") else b""
        return method, target, body, "application/json" if body else None

    def test_nothing_of_one_shows_or_changes_through_the_other(self):
        # Revoking a caller of one's own would only end the game early, and a stream of events never ends: whose
        # they are, notices_test asks.
        self.rights = [right for right in rights() if (right[0], right[1]) not in
                       {("DELETE", "/v1/principals/{id}"), ("DELETE", "/v1/devices/{id}"), ("GET", "/v1/events")}
                       and "Anybody" not in right[2] or right[1] == "/v1/devices"]
        own_answers = 0
        for batch in range(BATCHES):
            own, other = self.hospitals[batch % 2], self.hospitals[1 - batch % 2]
            before = self.state(other)
            for _ in range(CALLS_A_BATCH):
                method, target, body, content_type = self.random_request(own, other)
                caller = self.random.choice(own.callers)
                status, head, content = self.ask(caller.key, method, target, body, content_type)
                what = f"{self.seed}: {method} {target} by {caller.handle}: {status}"
                self.assertLess(status, 500, what)
                own_answers += status < 300
                shown = head + content.decode("latin-1")
                for secret in other.secrets():
                    self.assertNotIn(secret, shown, what)
            self.assertEqual(self.state(other), before, f"{self.seed}: batch {batch} changed {other.tenant}")
        self.assertGreater(own_answers, BATCHES, "hardly anything was answered")

    def test_even_an_administrator_revokes_nobody_elsewhere(self):
        own, other = self.hospitals
        before = self.state(other)
        for name in other.names():
            for path in ("/v1/principals/", "/v1/devices/", "/v1/invitations/", "/v1/mailboxes/"):
                self.assertEqual(own.chief.request("DELETE", path + name)[0], 404)
        self.assertEqual(self.state(other), before)

    def test_a_key_belongs_to_one_tenant_of_the_gateway(self):
        """Or the gateway couldn't tell whose request it is."""
        known = self.hospitals[0].people[0]
        twin = Device(self.gateway, f"twin@{TENANTS[1]}")
        twin.key = known.key
        token = json.loads(self.gateway.invitation(twin.handle).read_text())["invitation"]
        self.assertEqual(twin.enrol(token)[0], 409)


if __name__ == "__main__":
    unittest.main()
