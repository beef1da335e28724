"""docs/api/openapi.yaml against the table of rights, the table of problems, and the running gateway."""
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import unittest

import device
import jsonschema
import rig
import sealing
from authority_test import filled, rights
from description import FILE, Description
from sealing import expect

ROOT = pathlib.Path(__file__).resolve().parents[2]
SURGEON, COLLEAGUE, CHIEF, NOBODY = (name + "@hospital.example" for name in ("surgeon", "colleague", "chief", "nobody"))
OFFSET = "application/offset+octet-stream"
TUS = "Tus-Resumable: 1.0.0"
HUGE = 2**60
STUDY = rig.STUDY_UID.decode()[:-5] + "10000"
DICOM_WEB = "/to/{mailbox}/dicom-web/"
DESCRIPTION = Description()


def encoded(text):
    return base64.b64encode(str(text).encode()).decode()


class Document(unittest.TestCase):
    def table(self):
        """The rights, as OpenAPI can name their paths."""
        return {(method, path.replace("...}", "}")): roles for method, path, roles in rights()}

    def test_it_has_the_paths_and_methods_of_the_table_of_rights(self):
        self.assertEqual(set(DESCRIPTION.operations), set(self.table()))

    def test_who_may_ask_is_who_has_the_right(self):
        for operation, roles in self.table().items():
            shown = set()
            if roles != {"Anybody"} or operation == ("POST", "/v1/devices"):  # which the new device signs
                shown.add("deviceSignature")
            if "Machine" in roles:
                shown |= {"machineCertificate", "machineToken"}
            security = DESCRIPTION.operations[operation].get("security", DESCRIPTION.document["security"])
            self.assertEqual({name for one in security for name in one}, shown, operation)

    def test_its_problems_are_those_of_the_gateway(self):
        source = (ROOT / "gateway" / "routes" / "problem.cc").read_text(encoding="utf-8")
        status_of = {kind: int(status) for status, kind in re.findall(r'\{\s*(\d{3}), "(/problems/[a-z-]+)"', source)}
        known = set(DESCRIPTION.document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"])
        self.assertEqual(known, set(status_of) | {"about:blank"})
        for operation in DESCRIPTION.operations:
            for status, response in DESCRIPTION.responses(operation).items():
                kinds = DESCRIPTION.problems(response) - {"about:blank"}
                if kinds and kinds != known - {"about:blank"}:
                    self.assertEqual({status_of[kind] for kind in kinds}, {status}, operation)

    def test_its_schemas_are_schemas(self):
        for schema in DESCRIPTION.document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)


class Watched(rig.Gateway):
    """A gateway whose every answer is held against the description."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.seen = set()

    def request(self, method, path, *arguments, **options):
        answer = super().request(method, path, *arguments, **options)
        self.seen.add(DESCRIPTION.judge(method, path, answer))
        return answer


class Walk(unittest.TestCase):
    """Asks for everything in every way. Each part leaves behind what the next ones need."""

    def gateway_with(self, *options):
        place = rig.workspace()
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        gateway = Watched(place / "data", *options)
        self.addCleanup(gateway.stop)
        return gateway.start()

    def test_every_documented_answer_is_given_and_no_other(self):
        # An upload waits in its middle for as long as everything else takes.
        self.gateway = self.gateway_with("--shutdown-drain", "600", "--timeouts-stall", "600")
        self.surgeon = self.gateway.invited(SURGEON)
        self.colleague = self.gateway.invited(COLLEAGUE)
        self.chief = self.gateway.invited(CHIEF, "--administrator")
        self.gateway.mailbox(SURGEON)  # and lets the machine in
        parts = (self.description, self.devices, self.administration, self.sealed_at_the_gateway, self.dicom_web,
                 self.sealed_on_the_device, self.reading, self.downloads, self.sharing, self.what_became_of_it,
                 self.uploads, self.malformed, self.unsigned, self.not_ones_own, self.too_large, self.other_types,
                 self.disk_full, self.stopping)
        for part in parts:
            part()
        busy = self.gateway_with("--rate-peer", "1")
        self.over_the_rate(busy)
        # That nothing else is given was seen at each answer.
        self.assertEqual(sorted(DESCRIPTION.documented() - self.gateway.seen - busy.seen), [], "never seen")

    # --- One after the other

    def letter(self, **draft):
        """Cover and file of a closed delivery."""
        file = sealing.File(b"a letter")
        return sealing.sent(self.surgeon, [COLLEAGUE, SURGEON], file, **draft), file

    def statuses(self, expected, *answers):
        self.assertEqual([answer[0] for answer in answers], expected)

    def description(self):
        for method in ("GET", "HEAD"):
            for path in ("/healthz", "/readyz", "/openapi.yaml"):
                self.assertEqual(self.gateway.request(method, path)[0], 200)
        self.assertEqual(self.gateway.request("GET", "/openapi.yaml")[2], FILE.read_bytes())

    def token(self, handle):
        return json.loads(self.gateway.invitation(handle).read_text(encoding="ascii"))["invitation"]

    def devices(self):
        second = device.Device(self.gateway, SURGEON).enrolled(self.token(SURGEON))
        self.statuses([409, 404], self.surgeon.enrol(self.token(SURGEON)),
                      device.Device(self.gateway, SURGEON).enrol("A" * 43))
        thief = device.Device(self.gateway, SURGEON)
        record, thief.key = thief.record(), device.SigningKey()
        self.statuses([403], thief.request("POST", "/v1/devices", {"invitation": "A" * 43, "record": record}))
        cosignature = self.surgeon.cosignature(second)
        self.statuses([403, 201, 409], self.surgeon.file(second, self.surgeon.cosignature(self.colleague)),
                      self.surgeon.file(second, cosignature), self.surgeon.file(second, cosignature))
        self.statuses([200, 200], self.surgeon.request("GET", f"/v1/devices?handle={SURGEON}"),
                      self.surgeon.request("GET", "/v1/self"))
        path = f"/v1/devices/{second.key.id}"
        self.statuses([204, 409], self.chief.request("DELETE", path), self.chief.request("DELETE", path))

    def administration(self):
        ask = self.chief.request
        made = [expect(201, ask("POST", "/v1/invitations", {"handle": f"{name}@hospital.example", "kind": "person"}))
                for name in ("comer", "stayer")]
        device.Device(self.gateway, "comer@hospital.example").enrolled(made[0]["invitation"])
        self.statuses([409, 200, 409, 204],
                      ask("POST", "/v1/invitations", {"handle": SURGEON, "kind": "administrator"}),
                      ask("GET", "/v1/invitations"), *(ask("DELETE", "/v1/invitations/" + one["id"]) for one in made))
        machine = {"handle": "mri@hospital.example", "certificate": "ab" * 32}
        principal = "/v1/principals/" + expect(201, ask("POST", "/v1/principals", machine))["id"]
        self.statuses([409, 200, 204, 409], ask("POST", "/v1/principals", machine), ask("GET", "/v1/principals"),
                      ask("DELETE", principal), ask("DELETE", principal))
        box = {"recipients": [SURGEON], "depositors": [SURGEON], "closes_after": 0}
        self.statuses([204, 204, 204, 422, 200, 200, 204], *(
            ask("PUT", "/v1/mailboxes/" + name, box | changed)
            for name, changed in (("box", {}), ("gone", {}), ("empty", {"recipients": [NOBODY]}),
                                  ("box", {"depositors": [NOBODY]}))),
            ask("GET", "/v1/mailboxes/box"), ask("GET", "/v1/mailboxes"), ask("DELETE", "/v1/mailboxes/gone"))

    def sealed_at_the_gateway(self):
        self.statuses([201, 422, 409], *(
            self.surgeon.request("POST", "/v1/files?" + query, content, "application/dicom")
            for query, content in (("to=" + COLLEAGUE, rig.CT.read_bytes()), ("to=" + COLLEAGUE, rig.JPEG),
                                   ("mailbox=empty", rig.CT.read_bytes()))))

    def dicom_web(self):
        def post(path, *instances, head="", boundary=True, extra=()):
            body, content_type = rig.stow_body(instances, part_type="application/dicom" + head)
            return self.surgeon.request("POST", "/to/box/dicom-web/" + path, body,
                                        content_type if boundary else "multipart/related", extra=extra)
        for number, path in enumerate(("studies", "studies/" + STUDY)):
            good, other, bad = (rig.ct_instance(10 * number + offset) for offset in range(3))
            self.statuses([200, 200, 202, 409, 400, 431], post(path, good),
                          post(path, good, extra=["Accept: application/dicom+xml"]), post(path, other, bad[:-1]),
                          post(path, bad[:-1]), post(path, good, boundary=False),
                          post(path, good, head="\r\nX: " + "x" * 10_000))
        self.statuses([200, 406], *(self.surgeon.request("GET", "/to/box/dicom-web/" + path)
                                    for path in ("studies", "studies/1.2/series/1.3")))

    def sealed_on_the_device(self):
        cover, other, file = (*(sealing.opened(self.surgeon, [COLLEAGUE, SURGEON]) for _ in range(2)),
                              sealing.File(b"a letter"))
        self.open = other

        def ask(method, path, body, content_type=device.ENVELOPE):
            return self.surgeon.request(method, f"/v1/deliveries/{cover.delivery}/{path}", body, content_type)
        changed = cover.record | {"random": device.b64(os.urandom(16))}
        covers = [sealing.Cover(json.dumps(changed, separators=(",", ":")).encode(), key).envelope
                  for key in (self.surgeon.key, self.colleague.key)]
        self.statuses([201, 409, 403, 422], *(ask("PUT", "cover", one)
                                              for one in (cover.envelope, *covers, other.envelope)))
        self.statuses([422], self.surgeon.request("POST", "/v1/deliveries", {"recipients": [NOBODY]}))

        for path, stored, large in (("files", file, None), ("indexes", sealing.File(b"{}", id=file.id), bytes(70_000))):
            path += f"?id={file.id}"
            answers = [ask("POST", path, stored.sealed(one), "application/age") for one in (other, cover, cover)]
            self.statuses([422, 201, 409], *answers)
            if large:
                sealed = sealing.File(large, id=file.id).sealed(cover)
                self.statuses([413], ask("POST", path, sealed, "application/age"))

        cover = sealing.opened(self.surgeon, [COLLEAGUE, SURGEON])
        sealing.put(self.surgeon, cover, letter := sealing.File(b"a letter"))
        manifests = [sealing.manifest(signer, of, files) for signer, of, files in (
            (self.colleague, cover, [letter]), (self.surgeon, other, [letter]), (self.surgeon, cover, [letter]),
            (self.surgeon, cover, []))]
        self.statuses([403, 422, 200, 409], *(ask("POST", "close", one) for one in manifests))

    def reading(self):
        self.cover, self.file = self.letter()
        delivery = f"/v1/deliveries/{self.cover.delivery}"
        for path in ("/v1/inbox", "/v1/sent", *(delivery + part for part in
                                             ("", "/index", "/files", "/headers", "/receipts"))):
            self.statuses([200], self.surgeon.request("GET", path))
        for part in ("", "/header", "/payload"):
            for method in ("GET", "HEAD"):
                path = f"/v1/files/{self.file.id}{part}"
                status, fields, _ = self.colleague.request(method, path)
                self.assertEqual(status, 200)
                self.statuses([304, 412], *(self.colleague.request(method, path, extra=[condition]) for condition in (
                    "If-None-Match: " + fields["etag"], 'If-Match: "another"')))
        self.statuses([206, 416, 416], *(self.colleague.request("GET", path, extra=["Range: bytes=" + field])
                                         for field in ("0-1", "99999-", "0-0,2-2")))

    def downloads(self):
        _, file = self.letter(downloads=1)
        path = f"/v1/files/{file.id}"
        self.statuses([200], self.colleague.request("GET", path))
        self.gateway.sql("UPDATE download SET since = since - interval '24 hours 1 second'")
        self.statuses([403, 403, 204], self.colleague.request("GET", path),
                      self.colleague.request("GET", path + "/payload"), self.surgeon.request("DELETE", path))

    def sharing(self):
        cover, file = self.letter()
        ward = self.gateway.invited("ward@hospital.example")
        to = [self.colleague, self.surgeon, ward]
        following = cover.next(to, self.colleague.key)
        self.statuses([428, 412, 403, 409, 422, 200],
                      sealing.change(self.colleague, following, [file], if_match=""),
                      sealing.change(self.colleague, following, [file], if_match='"v7"'),
                      sealing.change(self.colleague, cover.next(to, ward.key), [file]),
                      sealing.change(self.colleague, cover.next(to[:2], self.colleague.key), [file]),
                      sealing.change(self.colleague, following, [sealing.File(b"another")]),
                      sealing.change(self.colleague, following, [file]))
        # One that is still coming keeps another one of the same person waiting.
        path = f"/v1/deliveries/{cover.delivery}/recipients"
        waiting = self.gateway.tls()
        self.addCleanup(waiting.close)
        body = (1 << 20).to_bytes(4, "big") + bytes(1 << 20)
        head = device.raw_head(self.colleague.key, self.gateway, "PUT", path, body, sealing.RECIPIENTS_CHANGE)
        waiting.sendall(head + f'If-Match: "v2"\r\nContent-Length: {len(body)}\r\n\r\n'.encode() + body[:700_000])
        change = sealing.change
        rig.eventually(lambda: change(self.colleague, following, [file], if_match='"v2"')[0] == 423, "it is on its way")
        waiting.close()
        path = f"/v1/deliveries/{cover.delivery}/confirmations"
        self.statuses([403, 409, 204], *(who.request("POST", path, {"version": version}) for who, version in (
            (self.colleague, 2), (self.surgeon, 9), (self.surgeon, 2))))

    def what_became_of_it(self):
        cover, _ = self.letter()
        path = f"/v1/deliveries/{cover.delivery}"
        manifest = base64.b64decode(expect(200, self.colleague.request("GET", path))["manifest"]["payload"])
        record = {"delivery": cover.delivery, "manifest": device.b64(sealing.sha256(manifest)),
                  "recipient": self.colleague.recipient, "opened": device.time_text(device.now())}
        self.statuses([403, 422, 204, 409], *(
            self.colleague.request("PUT", path + "/receipt", signer.key.envelope(sealing.RECEIPT, record | changed),
                                   device.ENVELOPE)
            for signer, changed in ((self.surgeon, {}), (self.colleague, {"recipient": self.surgeon.recipient}),
                                    (self.colleague, {}), (self.colleague, {"opened": "2026-01-01T00:00:00Z"}))))
        self.statuses([200] * 4,
                      self.surgeon.request("GET", path + "/receipts"), self.surgeon.request("GET", "/v1/sent"),
                      self.surgeon.request("DELETE", path), self.surgeon.request("DELETE", path))

        with contextlib.closing(self.gateway.tls()) as connection:
            connection.sendall(device.raw_head(self.surgeon.key, self.gateway, "GET", "/v1/events", b"", None) + b"\r\n")
            received = b""
            while b"retry" not in received:
                received += connection.recv(65536)
        head, _, content = received.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:])
        self.gateway.seen.add(DESCRIPTION.judge("GET", "/v1/events", (int(head.split()[1]), fields, content)))

    def uploads(self):
        cover = self.open

        def made(file, body=b"", *extra, tus=TUS, length=None):
            metadata = f"Upload-Metadata: delivery {encoded(cover.delivery)},file {encoded(file.id)}"
            length = len(file.sealed(cover)) if length is None else length
            return self.surgeon.request("POST", "/v1/uploads", body, OFFSET if body else None,
                                        extra=[*([tus] if tus else []), f"Upload-Length: {length}", metadata, *extra])

        def patch(upload, offset, body, *extra, tus=TUS):
            return self.surgeon.request("PATCH", upload, body, OFFSET,
                                        extra=[*([tus] if tus else []), f"Upload-Offset: {offset}", *extra])
        wrong = "Upload-Checksum: sha256 " + device.b64(bytes(32))
        done, file = sealing.File(b"done"), sealing.File(b"a letter")
        sealed = file.sealed(cover)
        sealing.put(self.surgeon, cover, done)
        answer = made(file)
        upload = answer[1]["location"]
        self.statuses([204, 201, 409, 412, 413, 422, 460], self.surgeon.request("OPTIONS", "/v1/uploads"), answer,
                      made(done), made(file, tus=""), made(file, length=HUGE), made(file, length=100),
                      made(sealing.File(b""), b"x", wrong))
        self.statuses([409, 412, 413, 460, 422, 204], patch(upload, 9, sealed), patch(upload, 0, sealed, tus=""),
                      patch(upload, 0, sealed + b"x"), patch(upload, 0, sealed, wrong),
                      patch(made(sealing.File(b""))[1]["location"], 0, b"x" * 365), patch(upload, 0, sealed))
        for method, status in (("HEAD", 200), ("DELETE", 204)):
            self.statuses([412, status], self.surgeon.request(method, upload),
                          self.surgeon.request(method, upload, extra=[TUS]))

        # One that waits in the middle of its body, until the gateway stops.
        large = sealing.File(os.urandom(2_000_000))
        sealed = large.sealed(cover)
        self.upload = made(large)[1]["location"]
        self.waiting = self.gateway.tls()
        self.addCleanup(self.waiting.close)
        head = device.raw_head(self.surgeon.key, self.gateway, "PATCH", self.upload, sealed, OFFSET)
        self.waiting.sendall(head + f"{TUS}\r\nUpload-Offset: 0\r\nContent-Length: {len(sealed)}\r\n\r\n".encode()
                             + sealed[:1_500_000])
        rig.eventually(lambda: self.surgeon.request("HEAD", self.upload, extra=[TUS])[1]["upload-offset"] != "0",
                       "a first row is durable")
        self.statuses([423], patch(self.upload, 0, b"x"))

    # --- Of every operation

    def with_status(self, status):
        """(method, template, roles, path of something that is there) of each operation that has it."""
        delivery = f"/v1/deliveries/{self.cover.delivery}"
        there = {"/v1/devices/{id}": f"/v1/devices/{self.surgeon.key.id}", "/v1/deliveries/{id}": delivery,
                 "/v1/files/{id}": f"/v1/files/{self.file.id}", "/v1/uploads/{id}": self.upload,
                 "/to/{mailbox}": "/to/box", "/v1/mailboxes/{mailbox}": "/v1/mailboxes/box"}
        there |= {f"/v1/deliveries/{{id}}/{part}": f"/v1/deliveries/{self.open.delivery}/{part}"
                  for part in ("cover", "files", "indexes", "close")}
        for method, path, roles in rights():
            template = path.replace("...}", "}")
            if status not in DESCRIPTION.responses((method, template)):
                continue
            known = max((prefix for prefix in there if path.startswith(prefix)), key=len, default="")
            yield method, template, roles, filled(there.get(known, "") + path[len(known):], str(sealing.uuid7()))

    def caller(self, roles):
        return self.surgeon if roles & {"Person", "Anybody"} else self.chief

    @staticmethod
    def content(method):
        return (b"{}", "application/json") if method in ("POST", "PUT", "PATCH") else (b"", None)

    def malformed(self):
        """By a parameter that nobody knows; and where all are ignored, by an escape that isn't one."""
        for method, template, roles, path in self.with_status(400):
            query = "?a=%zz" if template.startswith(DICOM_WEB) else "?unknown=1"
            answer = self.caller(roles).request(method, path + query, *self.content(method))
            self.assertEqual(answer[0], 400, f"{method} {path}")

    def unsigned(self):
        for method, _, _, path in self.with_status(401):
            self.assertEqual(self.gateway.request(method, path, *self.content(method))[0], 401, f"{method} {path}")

    def not_ones_own(self):
        """By a machine, and where machines have a right, by an administrator."""
        for method, template, roles, path in self.with_status(404):
            if (method, template) == ("POST", "/v1/devices"):
                continue  # whoever has no invitation (self.devices)
            if "Machine" in roles:
                answer = self.chief.request(method, path, *self.content(method))
            else:
                answer = self.gateway.request(method, path, *self.content(method), machine=True)
            self.assertEqual(answer[0], 404, f"{method} {path}")

    def too_large(self):
        """Where the body is read whole, by a body; elsewhere by what is announced of it."""
        for method, template, roles, path in self.with_status(413):
            body = DESCRIPTION.resolved(DESCRIPTION.operations[method, template]["requestBody"])
            media_type = next(iter(body["content"]))
            if "json" in media_type:
                answer = self.caller(roles).request(method, path, b" " * (rig.MIB + 1), media_type)
            else:
                answer = self.announced(method, path)
            self.assertEqual(answer[0], 413, f"{method} {path}")

    def announced(self, method, path):
        """The answer to the head of a huge request."""
        with contextlib.closing(self.gateway.tls()) as connection:
            connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                               f"Content-Length: {HUGE}\r\n\r\n".encode())
            received = b""
            while piece := connection.recv(65536):
                received += piece
        head, _, content = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        answer = int(lines[0].split()[1]), fields, content
        self.gateway.seen.add(DESCRIPTION.judge(method, path, answer))
        return answer

    def other_types(self):
        upload = [TUS, "Upload-Offset: 0", "Upload-Length: 1000",
                  f"Upload-Metadata: delivery {encoded(self.open.delivery)},file {encoded(sealing.uuid7())}"]
        for method, template, roles, path in self.with_status(415):
            query = "?to=" + COLLEAGUE if template == "/v1/files" else ""
            answer = self.caller(roles).request(method, path + query, b"x", "text/plain", extra=upload)
            self.assertEqual(answer[0], 415, f"{method} {path}")

    def disk_full(self):
        """As PostgreSQL says it: where a signature's nonce is kept, and where a device is."""
        token, newcomer = self.token("late@hospital.example"), device.Device(self.gateway, "late@hospital.example")
        self.gateway.sql("CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
                         " $$BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END$$")
        for table in ("nonce", "device"):
            self.gateway.sql(f"CREATE TRIGGER no_room BEFORE INSERT ON {table} EXECUTE FUNCTION no_room()")
        for method, template, roles, path in self.with_status(507):
            if (method, template) == ("POST", "/v1/devices"):
                answer = newcomer.enrol(token)
            else:
                answer = self.caller(roles).request(method, path, *self.content(method))
            self.assertEqual(answer[0], 507, f"{method} {path}")
        for table in ("nonce", "device"):
            self.gateway.sql(f"DROP TRIGGER no_room ON {table}")

    def stopping(self):
        """While a request is at hand, others are turned away."""
        self.gateway.process.send_signal(signal.SIGTERM)
        rig.eventually(lambda: self.gateway.request("GET", "/readyz")[0] == 503, "readyz says that it stops")
        for method, _, _, path in self.with_status(503):
            self.waiting.sendall(b"x")  # it isn't stalled
            self.assertEqual(self.gateway.request(method, path, *self.content(method))[0], 503, f"{method} {path}")
        self.waiting.close()

    def over_the_rate(self, busy):
        """One request a second and no more; ten were saved up."""
        for method, _, _, path in self.with_status(429):
            rig.eventually(lambda: busy.request(method, path, *self.content(method))[0] == 429, f"{method} {path}: 429")


if __name__ == "__main__":
    unittest.main()
