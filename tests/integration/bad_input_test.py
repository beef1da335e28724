"""What the gateway and the client refuse, each with its clear error."""
import contextlib
import json
import unittest

import device
import rig


class BadRequests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene("radiology@hospital.example", "surgeon@hospital.example")
        cls.gateway, cls.radiology, cls.surgeon = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)

    def tearDown(self):
        """Whatever was refused, nothing of it shows, and the next honest request is served."""
        listed = json.loads(self.surgeon.letterbox("--json", "list").stdout)
        self.gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
        after = json.loads(self.surgeon.letterbox("--json", "list").stdout)
        self.assertEqual(len(after["deliveries"]), len(listed["deliveries"]) + 1)

    def refused(self, status, problem, method, path, body=b"", content_type="application/dicom"):
        before = json.loads(self.surgeon.letterbox("--json", "list").stdout)
        if isinstance(body, rig.pathlib.Path):
            body = body.read_bytes()
        got, fields, content = self.radiology.request(method, path, body, content_type)
        self.assertEqual(got, status, content)
        self.assertEqual(fields["content-type"], "application/problem+json")
        document = json.loads(content)
        self.assertEqual(document["type"], "/problems/" + problem)
        self.assertEqual(document["status"], status)
        after = json.loads(self.surgeon.letterbox("--json", "list").stdout)
        self.assertEqual(before, after)
        return fields

    TO = "/v1/files?to=surgeon@hospital.example"

    def test_wrong_media_type(self):
        self.refused(415, "unsupported-media-type", "POST", self.TO, b"x", "text/html")

    def test_no_media_type(self):
        """From the machine: who signs a body signs its type, too."""
        path = "/v1/files?mailbox=" + self.gateway.mailbox("surgeon@hospital.example")
        status, _, content = self.gateway.request("POST", path, b"x", "", machine=True)
        self.assertEqual((status, json.loads(content)["type"]), (415, "/problems/unsupported-media-type"))

    def test_content_encoding(self):
        # The transport's own answer: it judges the framing of every request.
        status, fields, _ = self.gateway.request("POST", self.TO, rig.CT, "application/dicom", ["Content-Encoding: gzip"])
        self.assertEqual((status, fields["content-type"]), (415, "application/problem+json"))

    def test_empty_body(self):
        self.refused(400, "empty-body", "POST", self.TO, b"")

    def test_a_body_that_is_not_dicom(self):
        self.refused(422, "not-what-it-claims", "POST", self.TO, b"PK\3\4" + bytes(2000))

    def test_a_body_that_is_not_jpeg(self):
        self.refused(422, "not-what-it-claims", "POST", self.TO, rig.CT, "image/jpeg")

    def test_a_body_that_is_not_png(self):
        self.refused(422, "not-what-it-claims", "POST", self.TO, rig.JPEG, "image/png")

    def test_no_recipient(self):
        self.refused(400, "no-recipient", "POST", "/v1/files", rig.CT)

    def test_malformed_recipient(self):
        self.refused(400, "malformed-recipient", "POST", "/v1/files?to=Nobody%20at%20all", rig.CT)

    def test_a_mistyped_age_key_is_malformed(self):
        key = self.surgeon.recipient[:-1] + ("q" if self.surgeon.recipient[-1] != "q" else "p")
        self.refused(400, "malformed-recipient", "POST", "/v1/files?to=" + key, rig.CT)

    def test_unknown_recipient(self):
        self.refused(422, "unknown-recipient", "POST", "/v1/files?to=nobody@hospital.example", rig.CT)

    def test_one_unknown_recipient_among_known_ones(self):
        self.refused(422, "unknown-recipient", "POST", self.TO + "&to=nobody@hospital.example", rig.CT)

    def test_an_age_key_that_no_device_record_holds(self):
        made = rig.run("age-keygen").stdout.decode()
        key = next(line for line in made.split() if line.startswith("age1"))
        self.refused(422, "unknown-recipient", "POST", "/v1/files?to=" + key, rig.CT)

    def test_a_misspelt_parameter(self):
        self.refused(400, "malformed", "POST", self.TO + "&expire=2030-01-01T00:00:00Z", rig.CT)

    def test_an_expiry_in_the_past(self):
        self.refused(400, "malformed", "POST", self.TO + "&expires=2020-01-01T00:00:00Z", rig.CT)

    def test_unknown_id(self):
        self.refused(404, "not-found", "GET", "/v1/files/01890a5d-ac96-774b-bcce-b302099a8057")

    def test_an_id_that_is_none(self):
        for name in ("x", "'; DROP TABLE file; --", "%00", "..%2f..%2fetc"):
            with self.subTest(name=name):
                got, _, _ = self.surgeon.request("GET", "/v1/files/" + name.replace(" ", "%20"))
                self.assertIn(got, (400, 404))

    def test_unknown_route(self):
        self.refused(404, "not-found", "GET", "/v1/nothing")

    def test_wrong_method(self):
        fields = self.refused(405, "wrong-method", "DELETE", "/v1/files")
        self.assertEqual(fields["allow"], "POST")

    def test_json_nested_deeply_or_of_many_values(self):
        """By a stranger, who may ask one thing, and by somebody known. Either once ended the process, or held a worker for
        minutes.
        """
        stranger = device.Device(self.gateway, "nobody@hospital.example")
        nested, many = b"[" * 450_000 + b"]" * 450_000, b"[{}" + b",{}" * 330_000 + b"]"
        for hostile in (nested, many, b'{"a":' * 150_000 + b"1" + b"}" * 150_000):
            for asker, path, body, kind in (
                    (stranger, "/v1/devices", b'{"invitation":"x","record":' + hostile + b"}", "application/json"),
                    (stranger, "/v1/devices", b'{"invitation":' + hostile + b',"record":{}}', "application/json"),
                    (self.radiology, "/v1/deliveries", b'{"recipients":' + hostile + b"}", "application/json"),
                    (self.radiology, "/v1/invitations", b'{"handle":' + hostile + b"}", "application/json"),
                    (self.radiology, f"/v1/devices/{self.radiology.signing_key.id}/records",
                     b'{"payload":' + hostile + b"}", device.ENVELOPE)):
                status, _, content = asker.request("POST", path, body, kind)
                self.assertEqual((status, json.loads(content)["type"]), (400, "/problems/malformed"), path)

    def test_truncated_upload_with_content_length(self):
        self.cut_upload(b"Content-Length: 10000000\r\n", self.BEGINNING)

    def test_truncated_upload_in_chunks(self):
        chunk = b"10000\r\n%s\r\n"
        chunks = (chunk % self.BEGINNING[at:at + 65536] for at in range(0, len(self.BEGINNING), 65536))
        self.cut_upload(b"Transfer-Encoding: chunked\r\n", b"".join(chunks))

    # Enough for the gateway to have begun with it: some rows lie staged.
    BEGINNING = rig.dicom_head(10_000_000).ljust(3 * rig.MIB, b"\0")

    def cut_upload(self, framing, beginning):
        """An upload that would be taken if it came to an end."""
        def judged():
            return self.gateway.log_text().count('method="POST" route="/v1/files" status="400"')
        before, judged_before = json.loads(self.surgeon.letterbox("--json", "list").stdout), judged()
        head = device.raw_head(self.radiology.signing_key, self.gateway, "POST", self.TO,
                               self.BEGINNING.ljust(10_000_000, b"\0"), "application/dicom")
        # Closed in order: after a reset the gateway might not even read what came before.
        with self.gateway.tls() as connection, contextlib.suppress(OSError):
            connection.sendall(head + framing + b"\r\n" + beginning)
            connection.unwrap()
        rig.eventually(lambda: judged() == judged_before + 1, "the upload is refused")
        self.assertEqual(before, json.loads(self.surgeon.letterbox("--json", "list").stdout))


class DeviceSealedRefusals(unittest.TestCase):
    """Uploads of application/age that aren't what the delivery's cover says."""

    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene("radiology@hospital.example", "surgeon@hospital.example")
        cls.gateway, cls.radiology, cls.surgeon = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)

    def draft(self):
        status, _, content = self.radiology.request("POST", "/v1/deliveries", {"recipients": ["surgeon@hospital.example"]})
        self.assertEqual(status, 201, content)
        return json.loads(content)

    def test_a_draft_stores_nothing(self):
        draft = self.draft()
        for person in (self.radiology, self.surgeon):
            self.assertEqual(person.request("GET", "/v1/deliveries/" + draft["delivery"])[0], 404)

    def test_a_cover_that_nobody_signed(self):
        draft = self.draft()
        forged = {"payload": draft["cover"], "payloadType": "application/vnd.letterbox.cover.v1+json",
                  "signatures": [{"keyid": "0" * 64, "sig": "A" * 86 + "=="}]}
        status, _, content = self.radiology.request(
            "PUT", f"/v1/deliveries/{draft['delivery']}/cover", json.dumps(forged).encode(), device.ENVELOPE)
        self.assertEqual((status, json.loads(content)["type"]), (403, "/problems/bad-signature"))

    def test_a_file_for_a_delivery_that_was_never_opened(self):
        draft = self.draft()
        sealed = rig.run("age", "--encrypt", "--recipient", self.surgeon.recipient, input=b"secret").stdout
        status, _, _ = self.radiology.request(
            "POST", f"/v1/deliveries/{draft['delivery']}/files?id=01890a5d-ac96-774b-bcce-b302099a8057",
            sealed, "application/age")
        self.assertEqual(status, 404)

    def test_a_draft_request_out_of_form(self):
        for body in (b"{", b"[]", b"{}", b'{"recipients":["surgeon@hospital.example"],"x":1}', b'{"recipients":7}',
                     # Whose delivery it is was once the body's to say. It is its caller's.
                     b'{"sender":"radiology@hospital.example","recipients":["surgeon@hospital.example"]}'):
            with self.subTest(body=body):
                status, _, _ = self.radiology.request("POST", "/v1/deliveries", body, "application/json")
                self.assertEqual(status, 400)

    def test_a_draft_request_without_a_body_or_with_one_of_another_type(self):
        self.assertEqual(self.radiology.request("POST", "/v1/deliveries")[0], 415)
        body = json.dumps({"recipients": ["surgeon@hospital.example"]}).encode()
        self.assertEqual(self.radiology.request("POST", "/v1/deliveries", body, "text/plain")[0], 415)


class BadStarts(unittest.TestCase):
    """letterboxd that can't start says why, and exits 1."""

    def setUp(self):
        self.place = rig.workspace()
        self.addCleanup(rig.shutil.rmtree, self.place, ignore_errors=True)

    def start(self, *options, data=None):
        return rig.run(rig.BINARIES / "letterboxd", "serve", "--data", data or self.place / "data", *options, check=False)

    def test_another_address_than_loopback_with_nothing_that_clients_could_trust(self):
        for address, missing in (("0.0.0.0:8443", b"public_url"), ("[::]:8443", b"public_url"),
                                 ("192.0.2.1:8443", b"tls.certificate"), ("[2001:db8::1]:443", b"tls.certificate")):
            with self.subTest(address=address):
                done = self.start("--listen", address)
                self.assertEqual(done.returncode, 1)
                self.assertIn(missing, done.stderr)

    def test_metrics_elsewhere_than_on_loopback(self):
        for address in ("0.0.0.0:9090", "192.0.2.1:9090", "[::]:9090", "[2001:db8::1]:9090"):
            with self.subTest(address=address):
                done = self.start("--metrics-listen", address)
                self.assertEqual(done.returncode, 1)
                self.assertIn(b"loopback", done.stderr)

    def test_port_taken(self):
        with rig.socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = self.start("--listen", f"127.0.0.1:{port}")
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(port).encode(), done.stderr)

    def test_data_directory_not_writable(self):
        # A file where the directory should be is not writable for root either.
        blocked = self.place / "blocked"
        blocked.write_bytes(b"")
        done = self.start("--listen", "127.0.0.1:0", data=blocked / "data")
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(blocked).encode(), done.stderr)

    def test_data_directory_of_somebody_else(self):
        data = self.place / "data"
        data.mkdir()
        (data / "somebodys").write_bytes(b"")
        done = self.start("--listen", "127.0.0.1:0", data=data)
        if rig.os.geteuid() == 0:
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(data).encode(), done.stderr)

    def test_a_second_gateway_on_the_same_data(self):
        gateway = rig.Gateway(self.place / "data").start()
        self.addCleanup(gateway.stop)
        done = self.start("--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"another letterboxd", done.stderr)

    def test_database_unreachable(self):
        done = self.start("--listen", "127.0.0.1:0", "--database", "host=/nonexistent dbname=letterbox")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"database", done.stderr.lower())

    def test_a_password_on_the_command_line(self):
        done = self.start("--listen", "127.0.0.1:0", "--database", "postgresql://me:secret@127.0.0.1/db")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"passfile", done.stderr)
        self.assertNotIn(b"secret", done.stderr)

    def test_usage(self):
        self.assertEqual(rig.run(rig.BINARIES / "letterboxd", "serve", "--nonsense", check=False).returncode, 2)


if __name__ == "__main__":
    unittest.main()
