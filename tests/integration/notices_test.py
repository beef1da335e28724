"""Notices: what happens to deliveries is told to whom it concerns, on every way, once at least, and to nobody else."""
import http.client
import http.server
import json
import pathlib
import pwd
import queue
import signal
import socket
import ssl
import subprocess
import threading
import unittest

import aiosmtpd.controller
import aiosmtpd.smtp

import rig
import sealing
from sealing import expect

SURGEON, COLLEAGUE, WARD = (f"{name}@hospital.example" for name in ("surgeon", "colleague", "ward"))
PEER = pathlib.Path(rig.os.environ["LETTERBOX_SOURCE_DIR"]) / "tests" / "vectors" / "signatures" / "peer.mjs"


class Authority:
    """Who vouches for receivers here, and the certificate of one on loopback."""

    def __init__(self, place):
        place.mkdir()
        place.chmod(0o755)
        self.certificate, key = place / "authority.pem", place / "authority.key"
        self.chain, self.key = place / "receiver.pem", place / "receiver.key"
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        rig.run("openssl", "req", "-x509", *new, "-keyout", key, "-out", self.certificate, "-subj", "/CN=Receivers")
        rig.run("openssl", "req", "-x509", *new, "-CA", self.certificate, "-CAkey", key, "-keyout", self.key,
                "-out", self.chain, "-subj", "/CN=receiver", "-addext", "basicConstraints=critical,CA:FALSE",
                "-addext", "subjectAltName=IP:127.0.0.1")
        self.certificate.chmod(0o644)


class Receiver:
    """An HTTPS server that notes what is sent to it, and answers with `status`."""

    def __init__(self, authority, port=0):
        received = self.received = queue.Queue()
        self.status, self.fields = 204, {}
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.put((self.path, dict(self.headers), body, receiver.status))
                self.send_response(receiver.status)
                for name, value in receiver.fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.chain, authority.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}/hooks/letters?for=hospital"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        if self.thread.is_alive():
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()

    def notice(self):
        """The next one that was taken."""
        while True:
            _, _, body, status = self.received.get(timeout=90)
            if status // 100 == 2:
                return json.loads(body)


class Stream:
    """An event stream of `who` (device.Device), read as it comes."""

    def __init__(self, who, after=None, last_event_id=None):
        path = "/v1/events" + (f"?after={after}" if after else "")
        fields = who.key.fields("GET", who.gateway.url + path)
        if last_event_id:
            fields["Last-Event-ID"] = last_event_id
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in fields.items())]
        self.socket = who.gateway.tls(timeout=90)
        self.socket.sendall("".join(line + "\r\n" for line in [*lines, ""]).encode())
        self.response = http.client.HTTPResponse(self.socket, method="GET")
        self.response.begin()
        self.comments = 0

    def opened(self):
        """Itself, once it has said how to come back: from then on it sees what happens."""
        if (self.response.status, self.response.headers["Content-Type"]) != (200, "text/event-stream"):
            raise AssertionError(f"{self.response.status}: {self.response.read()!r}")
        while self.response.readline() != b"retry: 3000\n":
            pass
        return self

    def event(self):
        """The next one; None when the stream has ended, in order."""
        event = {}
        while line := self.response.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if line == b":\n":
                self.comments += 1
            elif name:
                event[name] = value
            elif "data" in event:
                told = json.loads(event["data"])
                if (told["id"], told["kind"]) != (event["id"], event["event"]):
                    raise AssertionError(event)
                return told
        return None

    def close(self):
        self.response.close()
        self.socket.close()


class Line:
    """A TCP line to `port` that can be cut."""

    def __init__(self, port):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port, self.to, self.ends = self.server.getsockname()[1], port, []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.to))
            self.ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.pass_on, args=(source, sink), daemon=True).start()

    @staticmethod
    def pass_on(source, sink):
        try:
            while some := source.recv(65536):
                sink.sendall(some)
        except OSError:
            pass

    def cut(self):
        for end in self.ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.server.close()
        self.cut()
        for end in self.ends:
            end.close()


class Noticed(rig.OnOneGateway):
    OPTIONS = ("--sweep-every", "1", "--events-streams-of-principal", "250")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.surgeon, cls.colleague, cls.ward = (cls.gateway.invited(who) for who in (SURGEON, COLLEAGUE, WARD))
        cls.authority = Authority(cls.place / "receivers")

    def letter(self, to=COLLEAGUE, sender=None):
        file = sealing.File(b"letter")
        return sealing.sent(sender or self.surgeon, [to], file).delivery, file

    def webhook(self, *options):
        self.gateway.admin("admin", "tenant", "webhook", rig.TENANT, *options)

    def receiver(self, **options):
        receiver = Receiver(self.authority, **options)
        self.addCleanup(receiver.stop)
        self.webhook("--url", receiver.url, "--ca", self.authority.certificate)
        self.addCleanup(self.webhook, "--off")
        return receiver


class Webhook(Noticed):
    def test_the_life_of_a_letter_is_told_in_order_and_of_its_content_nothing(self):
        receiver = self.receiver()
        delivery, file = self.letter()
        expect(200, self.colleague.request("GET", f"/v1/files/{file.id}"))
        expect(200, self.surgeon.request("DELETE", f"/v1/deliveries/{delivery}"))
        told = [receiver.notice() for _ in range(3)]
        self.assertEqual([(one["kind"], one["delivery"]) for one in told],
                         [("delivered", delivery), ("collected", delivery), ("revoked", delivery)])
        self.assertEqual(told[1]["recipient"], self.colleague.recipient)
        self.assertEqual(len({one["id"] for one in told}), 3)
        for one in told:
            self.assertLessEqual(set(one), {"id", "kind", "time", "delivery", "recipient"})
            self.assertNotIn("@", json.dumps(one))

    def test_another_implementation_verifies_that_the_gateway_signed_it(self):
        """The npm package http-message-signatures, by the key that gateway.json has."""
        receiver = self.receiver()
        self.letter()
        path, headers, body, _ = receiver.received.get(timeout=60)
        public_key = json.loads(self.gateway.trust.read_text(encoding="utf-8"))["signing_key"]

        def verified(**changed):
            order = {"method": "POST", "url": receiver.url, "headers": headers, "public_key": public_key} | changed
            return json.loads(rig.run("node", PEER, "verify", input=json.dumps(order).encode()).stdout)

        self.assertEqual(path, "/hooks/letters?for=hospital")
        self.assertIs(verified(), True)
        self.assertIsNot(verified(url=receiver.url + "x"), True)
        other = rig.base64.b64encode(self.surgeon.key.public).decode()
        self.assertIsNot(verified(public_key=other), True)
        covered = headers["Signature-Input"].partition("(")[2].partition(")")[0]
        self.assertEqual(covered, '"@method" "@target-uri" "content-type" "content-digest"')
        digest = rig.base64.b64encode(sealing.sha256(body)).decode()
        self.assertEqual((headers["Content-Digest"], headers["Content-Type"]), (f"sha-256=:{digest}:", "application/json"))

    def test_what_a_receiver_that_was_down_missed_comes_when_it_is_up_again(self):
        receiver = self.receiver()
        receiver.status = 500
        first, _ = self.letter()
        refused = json.loads(receiver.received.get(timeout=60)[2])
        receiver.stop()
        second, _ = self.letter()
        rig.eventually(lambda: self.gateway.sql("SELECT failures > 1 FROM webhook").strip() == "t", "failures")
        again = Receiver(self.authority, port=receiver.port)
        self.addCleanup(again.stop)
        told = [again.notice() for _ in range(2)]
        self.assertEqual([one["delivery"] for one in told], [first, second])
        self.assertEqual(told[0], refused)

    def test_a_gateway_that_is_killed_before_it_told_tells_after_its_next_start(self):
        receiver = self.receiver()
        receiver.status = 503
        delivery, _ = self.letter()
        refused = json.loads(receiver.received.get(timeout=60)[2])
        self.gateway.stop(signal.SIGKILL)
        receiver.status = 204
        self.gateway.start()
        self.assertEqual(receiver.notice(), refused)
        self.assertEqual(refused["delivery"], delivery)

    def test_a_redirect_is_a_failure_and_nobody_else_hears_of_it(self):
        elsewhere = Receiver(self.authority)
        self.addCleanup(elsewhere.stop)
        receiver = self.receiver()
        receiver.status, receiver.fields = 307, {"Location": elsewhere.url}
        self.letter()
        for _ in range(2):
            receiver.received.get(timeout=60)
        self.assertTrue(elsewhere.received.empty())

    def test_a_receiver_that_nobody_vouches_for_is_told_nothing(self):
        receiver = Receiver(self.authority)
        self.addCleanup(receiver.stop)
        self.webhook("--url", receiver.url)  # the system doesn't know its authority
        self.addCleanup(self.webhook, "--off")
        self.letter()
        rig.eventually(lambda: self.gateway.sql("SELECT failures > 0 FROM webhook").strip() == "t", "a failure")
        self.assertTrue(receiver.received.empty())

    def test_only_https_and_what_can_be_signed_for_is_taken(self):
        for url in ("http://127.0.0.1/x", "https://user@127.0.0.1/", "https://127.0.0.1/#part", "file:///etc/passwd", "x"):
            done = self.gateway.admin("admin", "tenant", "webhook", rig.TENANT, "--url", url, check=False)
            self.assertEqual(done.returncode, 1, url)
        self.assertEqual(self.gateway.sql("SELECT count(*) FROM webhook").strip(), "0")

    def test_what_nobody_could_be_told_is_given_up_and_in_the_audit_trail(self):
        receiver = self.receiver()
        receiver.status = 500
        self.letter()
        lost = json.loads(receiver.received.get(timeout=60)[2])["id"]
        self.gateway.sql(f"UPDATE notice SET at = at - interval '8 days' WHERE id = '{lost}'")
        given_up = f"SELECT count(*) FROM audit WHERE object_id = '{lost}' AND outcome = 'failure'"
        rig.eventually(lambda: self.gateway.sql(given_up).strip() == "1", "given up")


class Events(Noticed):
    def stream(self, who, **options):
        stream = Stream(who, **options)
        self.addCleanup(stream.close)
        return stream.opened()

    def test_each_is_told_what_concerns_them_and_nothing_else(self):
        stranger = self.foreigner()
        surgeon, colleague, ward, elsewhere = (
            self.stream(who) for who in (self.surgeon, self.colleague, self.ward, stranger))
        delivery, file = self.letter()
        expect(200, self.colleague.request("GET", f"/v1/files/{file.id}"))
        told = colleague.event()
        self.assertEqual((told["kind"], told["delivery"]), ("delivered", delivery))
        told = surgeon.event()
        self.assertEqual((told["kind"], told["delivery"], told["recipient"]),
                         ("collected", delivery, self.colleague.recipient))
        # The first that the others hear of is their own.
        for stream, who, sender in ((ward, self.ward, self.surgeon), (elsewhere, stranger, stranger)):
            own, _ = self.letter(who.handle, sender)
            self.assertEqual(stream.event()["delivery"], own)

    def foreigner(self):
        if "clinic.example" not in self.gateway.admin("admin", "tenant", "list").stdout.decode():
            self.gateway.admin("admin", "tenant", "add", "clinic.example")
        return self.gateway.invited(f"dr-{rig.uuid.uuid4()}@clinic.example")

    def test_a_stream_goes_on_where_another_one_ended(self):
        stream = self.stream(self.ward)
        self.letter(WARD)
        first = stream.event()
        stream.close()
        missed = [self.letter(WARD)[0] for _ in range(3)]
        for options in ({"after": first["id"]}, {"last_event_id": first["id"]}):
            again = self.stream(self.ward, **options)
            self.assertEqual([again.event()["delivery"] for _ in missed], missed)
        self.gateway.stop(signal.SIGKILL)
        self.gateway.start()
        self.assertEqual(self.stream(self.ward, after=first["id"]).event()["delivery"], missed[0])

    def test_whoever_goes_on_behind_what_is_no_longer_kept_is_told_all_that_is(self):
        delivery, _ = self.letter(WARD)
        self.assertIsNotNone(self.stream(self.ward, after=str(sealing.uuid7())).event())
        self.assertEqual(self.ward.request("GET", "/v1/events?after=x")[0], 400)

    def test_a_revoked_device_is_told_nothing_more_and_its_stream_ends(self):
        leaver = self.gateway.invited("leaver@hospital.example")
        stream = self.stream(leaver)
        self.letter(leaver.handle)
        self.assertEqual(stream.event()["kind"], "delivered")
        self.gateway.admin("admin", "device", "revoke", leaver.key.id)
        # It is nobody's any more, so it is told by the database: what would concern its owner.
        self.gateway.sql("INSERT INTO notice (tenant_id, kind, delivery_id) SELECT tenant_id, kind, delivery_id FROM notice"
                         " WHERE kind = 'delivered' ORDER BY made DESC LIMIT 1")
        self.assertIsNone(stream.event())

    def test_two_hundred_streams_stop_nobody_and_all_are_told(self):
        streams = []
        growth = rig.memory_growth(self.gateway.process.pid, lambda: streams.extend(
            self.stream(self.colleague) for _ in range(200)))
        self.assertLess(growth, 100 * rig.MIB)
        delivery, _ = self.letter()
        for stream in streams:
            self.assertEqual(stream.event()["delivery"], delivery)
            stream.close()

    def test_a_stream_that_nothing_happens_to_is_kept_alive(self):
        stream = self.stream(self.ward)
        line = b""
        while line != b":\n":
            line = stream.response.readline()
        delivery, _ = self.letter(WARD)
        self.assertEqual(stream.event()["delivery"], delivery)

    def test_a_gateway_that_stops_ends_its_streams(self):
        stream = self.stream(self.surgeon)
        self.assertEqual(self.gateway.stop(), 0)
        self.assertIsNone(stream.event())
        self.gateway.start()

    def test_the_sender_is_told_before_a_letter_ends_unread(self):
        stream = self.stream(self.surgeon)
        unread, _ = self.letter()
        read, file = self.letter()
        expect(200, self.colleague.request("GET", f"/v1/files/{file.id}"))
        self.assertEqual(stream.event()["kind"], "collected")
        for delivery in (read, unread):
            self.gateway.sql("UPDATE delivery SET created = now() - interval '10 days',"
                             f" expires = now() + interval '1 hour' WHERE id = '{delivery}'")
        told = stream.event()
        self.assertEqual((told["kind"], told["delivery"]), ("expiring", unread))
        rig.eventually(lambda: self.gateway.sql(f"SELECT warned FROM delivery WHERE id = '{read}'").strip() == "t", "looked")
        expect(200, self.surgeon.request("DELETE", f"/v1/deliveries/{read}"))
        self.assertEqual(stream.event()["kind"], "revoked", "and not of the one that was read, or twice")

    def test_machines_and_administrators_have_none(self):
        administrator = self.gateway.invited("head@hospital.example", "--administrator")
        self.assertEqual(administrator.request("GET", "/v1/events")[0], 404)
        self.assertIn("pacs", self.gateway.machine)  # which lets it in
        self.assertEqual(self.gateway.request("GET", "/v1/events", machine=True)[0], 404)

    def test_letterbox_watch_prints_a_line_for_each_and_comes_back(self):
        person = rig.Person(self.place / "watcher", "watcher@hospital.example", self.gateway)
        line = Line(self.gateway.port)
        self.addCleanup(line.stop)
        first, _ = self.letter(person.handle)
        with subprocess.Popen([rig.BINARIES / "letterbox", "--home", person.home, "--server", f"https://127.0.0.1:{line.port}",
                               "--json", "watch", "--after", str(sealing.uuid7())],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as watching:
            self.addCleanup(watching.kill)
            told = json.loads(watching.stdout.readline())
            self.assertEqual((told["kind"], told["delivery"]), ("delivered", first))
            line.cut()
            second, _ = self.letter(person.handle)
            self.assertEqual(json.loads(watching.stdout.readline())["delivery"], second)
            watching.terminate()


class FewStreams(Noticed):
    OPTIONS = ("--events-streams", "3", "--events-streams-of-principal", "2")

    def test_there_are_so_many_for_one_and_so_many_for_all(self):
        streams = [Stream(self.surgeon).opened() for _ in range(2)]
        for stream in streams:
            self.addCleanup(stream.close)
        self.assertFalse(self.opens(self.surgeon))
        last = Stream(self.colleague).opened()
        self.assertFalse(self.opens(self.colleague))
        last.close()
        # The gateway finds out at its next heartbeat.
        rig.eventually(lambda: self.opens(self.colleague), "room for another one")

    def opens(self, who):
        stream = Stream(who)
        stream.close()
        self.assertIn(stream.response.status, (200, 429))
        return stream.response.status == 200


class Mailbox:
    """What a mail relay's handler gets."""

    def __init__(self):
        self.mails = queue.Queue()
        self.refuse = False

    async def handle_DATA(self, _server, session, envelope):
        if self.refuse:
            return "451 later"
        self.mails.put((envelope.mail_from, envelope.rcpt_tos, envelope.content.decode("ascii"), session.ssl is not None,
                        session.auth_data))
        return "250 OK"


class ByMail(Noticed):
    """Against aiosmtpd, which demands TLS and a password."""

    @classmethod
    def setUpClass(cls):
        cls.place = rig.workspace()
        cls.addClassCleanup(rig.shutil.rmtree, cls.place, ignore_errors=True)
        cls.authority = Authority(cls.place / "receivers")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cls.authority.chain, cls.authority.key)
        cls.inbox = Mailbox()

        def authenticate(_server, _session, _envelope, _mechanism, data):
            return aiosmtpd.smtp.AuthResult(success=(data.login, data.password) == (b"letterbox", b"correct horse"),
                                            auth_data=data.login)

        relay = aiosmtpd.controller.Controller(
            cls.inbox, hostname="127.0.0.1", port=cls.free_port(), tls_context=context, require_starttls=True,
            authenticator=authenticate, auth_required=True)
        relay.start()
        cls.addClassCleanup(relay.stop)
        password = cls.place / "password"
        password.write_text("correct horse\n", encoding="ascii")
        rig.os.chown(password, *cls.account())
        password.chmod(0o400)
        cls.gateway = rig.Gateway(
            cls.place / "data", "--sweep-every", "1", "--mail-relay", f"127.0.0.1:{relay.port}",
            "--mail-from", "letterbox@hospital.example", "--mail-ca", cls.authority.certificate, "--mail-user", "letterbox",
            "--mail-password", password, "--mail-pause", "3600")
        cls.addClassCleanup(cls.gateway.stop)
        cls.gateway.start()
        cls.surgeon, cls.colleague, cls.ward = (cls.gateway.invited(who) for who in (SURGEON, COLLEAGUE, WARD))

    @staticmethod
    def free_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    @staticmethod
    def account():
        if rig.os.geteuid() != 0:
            return rig.os.geteuid(), rig.os.getegid()
        owner = pwd.getpwnam("letterbox")
        return owner.pw_uid, owner.pw_gid

    def address(self, handle, *options):
        return self.gateway.admin("admin", "principal", "mail", handle, *options, check=False)

    def test_one_mail_says_that_there_is_something_and_nothing_of_it(self):
        self.assertEqual(self.address(COLLEAGUE, "colleague@mail.example").returncode, 0)
        delivery, file = self.letter()
        self.letter()
        sender, to, text, encrypted, login = self.inbox.mails.get(timeout=90)
        self.assertEqual((sender, to, encrypted, login), ("letterbox@hospital.example", ["colleague@mail.example"], True, b"letterbox"))
        self.assertIn(f"The gateway is {self.gateway.url}", text)
        self.assertIn("\r\nAuto-Submitted: auto-generated\r\n", text)
        for secret in (delivery, str(file.id), "surgeon", self.surgeon.recipient, self.colleague.recipient):
            self.assertNotIn(secret, text)
        # Whatever else comes within the pause makes no second one.
        self.letter()
        told = "SELECT count(*) FROM mail_address WHERE next_try > now() AND failures = 0 AND holder IS NULL"
        rig.eventually(lambda: self.gateway.sql(told).strip() == "1", "told")
        self.assertTrue(self.inbox.mails.empty())

    def test_what_the_relay_refuses_is_sent_again(self):
        self.inbox.refuse = True
        self.address(WARD, "ward@mail.example")
        self.letter(WARD)
        failed = "SELECT failures > 0 FROM mail_address WHERE address LIKE 'ward%'"
        rig.eventually(lambda: self.gateway.sql(failed).strip() == "t", "a refusal")
        self.inbox.refuse = False
        self.assertEqual(self.inbox.mails.get(timeout=90)[1], ["ward@mail.example"])

    def test_an_address_that_could_say_something_else_is_none(self):
        for address in ("x", "a@b@c", "a b@c.example", "a@c.example\r\nBcc: d@e.example", "<a@c.example>", "a@c.example,d@e.example",
                        "\"a b\"@c.example", "-oX@c.example", "ä@c.example", "a@" + "c" * 300):
            self.assertNotEqual(self.address(SURGEON, address).returncode, 0, address)
        self.assertEqual(self.gateway.sql("SELECT count(*) FROM mail_address WHERE address LIKE 'a@%'").strip(), "0")


if __name__ == "__main__":
    unittest.main()
