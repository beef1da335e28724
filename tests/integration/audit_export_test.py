"""`letterboxd audit export`: DICOM audit messages in syslog, valid, whole and once, to a file and over TLS.

Schema and judge are foreign: RELAX NG written after PS3.15 A.5.1, xmllint, Python's XML parser and ssl.
"""
import base64
import contextlib
import os
import pathlib
import re
import shutil
import ssl
import threading
import unittest
import uuid
import xml.etree.ElementTree as ElementTree

import rig

SCHEMA = pathlib.Path(os.environ["LETTERBOX_SOURCE_DIR"]) / "tests" / "vectors" / "audit" / "audit_message.rng"
KINDS = ("login", "enrolment", "revocation", "upload", "deposit", "sharing", "expiry", "collect", "refusal",
         "administration")
ALERT, AUTHENTICATION, EXPORT, IMPORT = "110113", "110114", "110106", "110107"
HEADER = re.compile(rb"<(84|85)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) ([!-~]{1,255}) letterboxd - DICOM\+RFC3881 - \xEF\xBB\xBF")
KEY = "ab" * 32


def frames_in(stream):
    """The syslog messages of a stream with octet counting (RFC 6587 section 3.4.1); strict."""
    frames = []
    while stream:
        length = re.match(rb"([1-9][0-9]*) ", stream)
        if not length or len(stream) < length.end() + int(length[1]):
            raise ValueError(f"no whole frame at {stream[:80]!r}")
        frames.append(stream[length.end():length.end() + int(length[1])])
        stream = stream[length.end() + int(length[1]):]
    return frames


def message_of(frame):
    """The XML behind a header of RFC 5424."""
    header = HEADER.match(frame)
    if not header:
        raise ValueError(f"no header as PS3.15 A.6 wants it: {frame[:120]!r}")
    return frame[header.end():]


def complaint(message, place):
    """What xmllint has against a message; empty if nothing."""
    file = place / "message.xml"
    file.write_bytes(message)
    done = rig.run("xmllint", "--nonet", "--noout", "--relaxng", SCHEMA, file, check=False)
    return "" if done.returncode == 0 else done.stderr.decode()


def record_id(message):
    """Of which record of the trail it is."""
    last = ElementTree.fromstring(message).findall("ParticipantObjectIdentification")[-1]
    return last.get("ParticipantObjectID").removeprefix("urn:uuid:")


def make_id():
    """A UUIDv7, as far as its version and variant go."""
    return str(uuid.UUID(int=uuid.uuid4().int & ~(0xf << 76) | (7 << 76)))


class Trail:
    """A gateway that is served, two tenants in it, and a way to write events as the gateway does."""

    def __init__(self):
        self.place = rig.workspace()
        self.gateway = rig.Gateway(self.place / "data").start()
        self.clinic, self.other = make_id(), make_id()
        self.sql(f"INSERT INTO tenant (id, name) VALUES ('{self.clinic}', 'clinic.example'), "
                 f"('{self.other}', 'a <b> & ''c'' \"d\"')")

    def close(self):
        self.gateway.stop()
        shutil.rmtree(self.place, ignore_errors=True)

    def sql(self, statement):
        return self.gateway.sql(statement)

    def add(self, tenant, kind, outcome="success", who=True, peer="192.0.2.7", about=True):
        principal, device = (f"'{make_id()}'", f"'{KEY}'") if who else ("NULL", "NULL")
        self.sql("INSERT INTO audit (tenant_id, id, kind, outcome, principal_id, device, peer, object_id) VALUES "
                 f"('{tenant}', '{make_id()}', '{kind}', '{outcome}', {principal}, {device}, "
                 f"{repr(peer) if peer else 'NULL'}, {repr(make_id()) if about else 'NULL'})")

    def add_many(self, tenant, number):
        """`number` logins at once; ids of version 7."""
        self.sql("INSERT INTO audit (tenant_id, id, kind, outcome) SELECT "
                 f"'{tenant}', overlay(overlay(gen_random_uuid()::text PLACING '7' FROM 15 FOR 1) PLACING 'a' FROM 20 FOR 1)::uuid, "
                 f"'login', 'success' FROM generate_series(1, {number})")

    def ids(self, tenant):
        return self.sql(f"SELECT id FROM audit WHERE tenant_id = '{tenant}' ORDER BY position").split()

    def export(self, *options, check=True):
        return self.gateway.admin("audit", "export", *options, check=check)

    def export_file(self, *options):
        """The frames, and the ids that were printed."""
        file = self.place / f"frames-{make_id()}"
        printed = self.export("--output", file, *options).stdout.decode()
        return frames_in(file.read_bytes()), dict(reversed(line.split("  ")[:2]) for line in printed.splitlines())


class Collector:
    """A syslog collector over TLS, on a free port, that takes connections until it is closed.

    What it got before a peer ended in order is in `sessions`, one entry a connection.
    """

    def __init__(self, place, name="collector", host="IP:127.0.0.1", client_authority=None, reads=None, answers_the_end=True):
        self.certificate, key = make_certificate(place, name, host)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)
        if client_authority:
            self.context.load_verify_locations(client_authority)
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.reads = reads  # takes so many connections in order, then breaks off after 1000 bytes
        self.answers_the_end = answers_the_end
        self.before_answering = lambda: None
        self.sessions, self.subjects = [], []
        self.listener = rig.socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            plain, _ = self.listener.accept()
            with plain:
                plain.settimeout(60)
                if plain.recv(1, rig.socket.MSG_PEEK) == b"!":  # close() calls
                    return
                with contextlib.suppress(OSError):
                    self.take(plain)

    def take(self, plain):
        with self.context.wrap_socket(plain, server_side=True) as tls:
            self.subjects.append(tls.getpeercert())
            if self.reads is not None and len(self.sessions) >= self.reads:
                tls.recv(1000)
                return
            got = b""
            while piece := tls.recv(65536):
                got += piece
            self.sessions.append(got)
            self.before_answering()
            if self.answers_the_end:
                tls.unwrap()

    def take_nothing(self, plain):
        """Ends of its own accord when the handshake is done, and closes with all it was sent unread."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2  # whose records say in clear what they are
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)

        def step(what):
            with contextlib.suppress(ssl.SSLWantReadError):
                what()
                return True
            return False

        while not step(tls.do_handshake):
            plain.sendall(outgoing.read())
            incoming.write(plain.recv(65536))
        step(tls.unwrap)
        plain.sendall(outgoing.read())
        while 21 not in self.record_types(plain.recv(1 << 20, rig.socket.MSG_PEEK)):  # the alert that it ends, too
            pass

    @staticmethod
    def record_types(stream):
        types = []
        while len(stream) >= 5:
            types.append(stream[0])
            stream = stream[5 + int.from_bytes(stream[3:5], "big"):]
        return types

    def close(self):
        with rig.socket.create_connection(self.listener.getsockname(), timeout=60) as last:
            last.sendall(b"!")
            self.thread.join(timeout=60)
        self.listener.close()

    def frames(self):
        return [frame for session in self.sessions for frame in frames_in(session)]


def make_certificate(place, name, host="IP:127.0.0.1"):
    """A self-signed certificate and its key, as files that any account can read."""
    key, certificate = place / f"{name}.key", place / f"{name}.pem"
    rig.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", certificate, "-subj", f"/CN={name}", "-addext", f"subjectAltName={host}")
    key.chmod(0o644)
    return certificate, key


class AuditExport(unittest.TestCase):
    def setUp(self):
        self.trail = Trail()
        self.addCleanup(self.trail.close)
        self.place = self.trail.place

    def collector(self, *arguments, **options):
        collector = Collector(self.place, *arguments, **options)
        self.addCleanup(collector.close)
        return collector

    def send(self, collector, *options, check=True):
        return self.trail.export("--syslog", collector.address, "--ca", collector.certificate, *options, check=check)


class Messages(AuditExport):
    def add_every_sort(self):
        for tenant in (self.trail.clinic, self.trail.other):
            for kind in KINDS:
                for outcome in ("success", "failure"):
                    self.trail.add(tenant, kind, outcome)
                self.trail.add(tenant, kind, who=False)
                self.trail.add(tenant, kind, who=False, peer=None, about=False)
                self.trail.add(tenant, kind, peer="2001:db8::7", about=False)

    def test_every_sort_is_valid_against_the_schema_and_what_the_standard_says_of_its_event(self):
        self.add_every_sort()
        frames, _ = self.trail.export_file()
        messages = [message_of(frame) for frame in frames]
        self.assertGreaterEqual(len(messages), 2 * 5 * len(KINDS))
        seen = set()
        for message in messages:
            self.assertEqual(complaint(message, self.place), "", message)
            seen.add(self.check_event(ElementTree.fromstring(message)))
        self.assertEqual(seen, {(kind, outcome) for kind in KINDS for outcome in ("0", "4")})

    def check_event(self, message):
        """The tables of PS3.15 A.5.3.11 and A.5.3.12, and IHE's use of import and export."""
        event = message.find("EventIdentification")
        code = event.find("EventID").get("csd-code")
        people = message.findall("ActiveParticipant")
        requestors = [person for person in people if person.get("UserIsRequestor") == "true"]
        roles = [role.get("csd-code") for role in message.findall("ActiveParticipant/RoleIDCode")]
        standard = [kind.get("csd-code") for kind in event.findall("EventTypeCode") if kind.get("codeSystemName") == "DCM"]
        self.assertEqual(event.get("EventActionCode"), {ALERT: "E", AUTHENTICATION: "E", EXPORT: "R", IMPORT: "C"}[code])
        self.assertLessEqual(len(requestors), 1)
        for person in people:
            self.assertEqual("NetworkAccessPointID" in person.attrib, "NetworkAccessPointTypeCode" in person.attrib)
        if code == ALERT:
            self.assertIn(standard, [["110129"], ["110132"], ["110135"], ["110137"]])
            if len(people) > 1:
                self.assertEqual(requestors, [])
            for about in message.findall("ParticipantObjectIdentification"):
                detail = about.find("ParticipantObjectDetail")
                self.assertEqual(detail.get("type"), "Alert Description")
                self.assertTrue(base64.b64decode(detail.get("value"), validate=True))
        if code == AUTHENTICATION:
            self.assertEqual(standard, ["110122"])
        if code in (EXPORT, IMPORT) and len(people) == 2:
            self.assertEqual(roles, ["110152", "110153"] if code == EXPORT else ["110153", "110152"])
            self.assertEqual(requestors, people[:1])
        return event.findall("EventTypeCode")[-1].get("csd-code"), event.get("EventOutcomeIndicator")

    def test_what_the_gateway_wrote_itself_goes_out_valid_and_whole(self):
        self.trail.gateway.admin("admin", "tenant", "add", "ward.example")
        self.trail.gateway.admin("admin", "invite", "surgeon@ward.example", "--output", self.place / "invitation.json")
        frames, _ = self.trail.export_file()
        messages = [message_of(frame) for frame in frames]
        self.assertEqual(sorted(record_id(message) for message in messages), sorted(self.trail.sql("SELECT id FROM audit").split()))
        self.assertIn(b'AuditEnterpriseSiteID="ward.example"', b"".join(messages))
        for message in messages:
            self.assertEqual(complaint(message, self.place), "", message)
            self.check_event(ElementTree.fromstring(message))
            self.assertNotIn(b"surgeon", message)

    def test_the_schema_refuses_what_the_standard_does(self):
        self.trail.add(self.trail.clinic, "refusal", "failure")
        frames, _ = self.trail.export_file("--only", "clinic.example")
        message = message_of(frames[0]).decode()
        self.assertEqual(complaint(message.encode(), self.place), "")
        for pattern, instead in (
                (r' UserID="[^"]*"', ""), (r' UserIsRequestor="\w+"', ""), ('UserIsRequestor="false"', 'UserIsRequestor="no"'),
                ('EventOutcomeIndicator="4"', 'EventOutcomeIndicator="5"'), ('EventActionCode="E"', 'EventActionCode="X"'),
                (r'EventDateTime="[^"]*"', 'EventDateTime="yesterday"'), (r"<EventID .*?/>", ""),
                (r"<AuditSourceIdentification.*</AuditSourceIdentification>", ""), (r' AuditSourceID="[^"]*"', ""),
                (r' csd-code="110113"', ""), (r' codeSystemName="DCM"', ""), (r' originalText="[^"]*"', ""),
                ('NetworkAccessPointTypeCode="2"', 'NetworkAccessPointTypeCode="6"'), (r"<ParticipantObjectName>.*?</ParticipantObjectName>", ""),
                (r' ParticipantObjectID="[^"]*"', ""), (r'TypeCodeRole="13"', 'TypeCodeRole="27"'), (r' value="[^"]*"', ' value="A"'),
                ("</AuditMessage>", "<More/></AuditMessage>"), ("(<ActiveParticipant [^>]*/>)+", "")):
            with self.subTest(pattern):
                broken, times = re.subn(pattern, instead, message, count=1)
                self.assertEqual(times, 1, "there is nothing of it in the message")
                self.assertNotEqual(complaint(broken.encode(), self.place), "")

    def test_a_name_with_markup_stays_a_name(self):
        self.trail.add(self.trail.other, "login")
        frames, _ = self.trail.export_file("--only", "a <b> & 'c' \"d\"")
        source = ElementTree.fromstring(message_of(frames[0])).find("AuditSourceIdentification")
        self.assertEqual(source.get("AuditEnterpriseSiteID"), "a%20<b>%20&%20'c'%20\"d\"")

    def test_severity_and_time_of_the_header_are_the_events(self):
        self.trail.add(self.trail.clinic, "login", "success")
        self.trail.add(self.trail.clinic, "refusal", "failure")
        frames, _ = self.trail.export_file("--only", "clinic.example")
        self.assertEqual([HEADER.match(frame)[1] for frame in frames], [b"85", b"84"])
        for frame in frames:
            event = ElementTree.fromstring(message_of(frame)).find("EventIdentification")
            self.assertEqual(HEADER.match(frame)[2].decode(), event.get("EventDateTime"))


class ToAFile(AuditExport):
    def test_goes_on_after_a_record_of_each_tenant_and_prints_where_it_got_to(self):
        for tenant in (self.trail.clinic, self.trail.other):
            self.trail.add_many(tenant, 3)
        clinic = self.trail.ids(self.trail.clinic)
        frames, printed = self.trail.export_file("--after", clinic[1])
        self.assertEqual([record_id(message_of(frame)) for frame in frames if b"clinic.example" in frame], clinic[2:])
        self.assertEqual(len([frame for frame in frames if b'"a%20&lt;b' in frame]), 3)
        self.assertEqual(printed["clinic.example"], clinic[2])

        after = [option for last in printed.values() for option in ("--after", last)]
        frames, again = self.trail.export_file(*after)
        self.assertEqual((frames, again), ([], printed))
        self.trail.add(self.trail.clinic, "login")
        frames, _ = self.trail.export_file(*after)
        self.assertEqual([record_id(message_of(frame)) for frame in frames], self.trail.ids(self.trail.clinic)[3:])

    def test_of_one_tenant_has_nothing_of_another(self):
        self.trail.add_many(self.trail.clinic, 2)
        self.trail.add_many(self.trail.other, 2)
        frames, printed = self.trail.export_file("--only", "clinic.example")
        self.assertEqual([record_id(message_of(frame)) for frame in frames], self.trail.ids(self.trail.clinic))
        self.assertEqual(list(printed), ["clinic.example"])

    def test_the_same_record_makes_the_same_bytes(self):
        self.trail.add_many(self.trail.clinic, 3)
        self.assertEqual(self.trail.export_file()[0], self.trail.export_file()[0])

    def test_refusals(self):
        self.trail.add(self.trail.clinic, "login")
        taken = self.place / "taken"
        taken.write_bytes(b"precious")
        out = self.place / "out"
        for expected, *options in (
                (b"one of --output and --syslog",), (b"one of --output and --syslog", "--output", out, "--syslog", "127.0.0.1:1"),
                (b"needs --ca", "--syslog", "127.0.0.1:1"), (b"File exists", "--output", taken),
                (b"needs HOST:PORT", "--syslog", "127.0.0.1", "--ca", taken),
                (b"holds no PEM certificate", "--syslog", "127.0.0.1:1", "--ca", taken),
                (b"isn't the id", "--output", self.place / "1", "--after", "latest"),
                (b"no tenant's audit trail", "--output", self.place / "2", "--after", make_id()),
                (b"there is no tenant", "--output", self.place / "3", "--only", "nowhere"),
                (b"says itself", "--output", self.place / "4", "--position", out, "--after", make_id())):
            with self.subTest(options=options):
                done = self.trail.export(*options, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn(expected, done.stderr)
        self.assertEqual(taken.read_bytes(), b"precious")

    def test_works_without_a_gateway_that_serves(self):
        self.trail.add_many(self.trail.clinic, 2)
        ids = self.trail.ids(self.trail.clinic)
        self.trail.gateway.stop()
        frames, _ = self.trail.export_file("--only", "clinic.example")
        self.assertEqual([record_id(message_of(frame)) for frame in frames], ids)


class ToACollector(AuditExport):
    def test_has_every_record_once_in_order(self):
        self.trail.add_many(self.trail.clinic, 1203)
        collector = self.collector()
        self.send(collector, "--only", "clinic.example")
        self.assertEqual([record_id(message_of(frame)) for frame in collector.frames()], self.trail.ids(self.trail.clinic))
        self.assertEqual(len(collector.sessions), 3)

    def test_breaking_off_counts_only_what_was_taken_and_the_position_file_goes_on_from_there(self):
        self.trail.add_many(self.trail.clinic, 1203)
        ids = self.trail.ids(self.trail.clinic)
        position = self.trail.gateway.data / "audit-position"
        broken = self.collector("broken", reads=1)
        done = self.send(broken, "--only", "clinic.example", "--position", position, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stderr, rb"ended before it had everything|didn't end the TLS session in order")
        self.assertEqual(done.stdout.decode(), f"{ids[499]}  clinic.example  500 records\n")
        self.assertEqual(position.read_text(), done.stdout.decode())

        whole = self.collector("whole")
        self.send(whole, "--only", "clinic.example", "--position", position)
        self.assertEqual([record_id(message_of(frame)) for frame in broken.frames() + whole.frames()], ids)
        self.assertTrue(position.read_text().startswith(ids[-1]))
        self.send(whole, "--position", position)
        self.assertEqual([record_id(message_of(frame)) for frame in whole.frames() if b"clinic.example" in frame], ids[500:])

    def test_a_position_that_cant_be_kept_is_found_out_before_anything_is_sent(self):
        self.trail.add_many(self.trail.clinic, 2)
        collector = self.collector()
        done = self.send(collector, "--position", self.place / "nowhere" / "position", check=False)
        self.assertEqual((done.returncode, done.stdout, collector.sessions), (1, b"", []), done.stderr)

    def test_a_collector_that_ends_of_its_own_accord_has_nothing(self):
        self.trail.add_many(self.trail.clinic, 2)
        collector = self.collector()
        collector.take = collector.take_nothing
        done = self.send(collector, "--only", "clinic.example", check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"didn't end the TLS session in order", done.stderr)

    def test_an_end_that_isnt_answered_doesnt_count(self):
        self.trail.add_many(self.trail.clinic, 2)
        collector = self.collector(answers_the_end=False)
        done = self.send(collector, "--only", "clinic.example", check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"didn't end the TLS session in order", done.stderr)

    def test_only_the_collector_that_the_authority_vouches_for_and_that_has_the_name_gets_anything(self):
        self.trail.add_many(self.trail.clinic, 2)
        collector = self.collector()
        stranger, _ = make_certificate(self.place, "stranger")
        done = self.trail.export("--syslog", collector.address, "--ca", stranger, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"isn't trusted", done.stderr)

        port = collector.address.split(":")[1]
        done = self.trail.export("--syslog", f"localhost:{port}", "--ca", collector.certificate, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"isn't trusted: hostname mismatch", done.stderr.lower())

        namesake = self.collector("namesake", host="IP:127.0.0.2,DNS:localhost")
        done = self.send(namesake, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"isn't trusted: ip address mismatch", done.stderr.lower())
        self.assertEqual((collector.sessions, namesake.sessions), ([], []))
        self.trail.export("--syslog", namesake.address.replace("127.0.0.1", "localhost"), "--ca", namesake.certificate,
                          "--only", "clinic.example")
        self.assertEqual(len(namesake.frames()), 2)

    def test_nobody_there(self):
        self.trail.add_many(self.trail.clinic, 2)
        certificate, _ = make_certificate(self.place, "collector")
        with rig.socket.create_server(("127.0.0.1", 0)) as listener:
            address = "127.0.0.1:%d" % listener.getsockname()[1]
        done = self.trail.export("--syslog", address, "--ca", certificate, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"nobody answers", done.stderr)

    def test_shows_its_own_certificate_where_the_collector_demands_one(self):
        self.trail.add_many(self.trail.clinic, 2)
        certificate, key = make_certificate(self.place, "gateway")
        collector = self.collector(client_authority=certificate)
        done = self.send(collector, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(collector.address.encode(), done.stderr)
        self.send(collector, "--only", "clinic.example", "--certificate", certificate, "--key", key)
        self.assertEqual(collector.subjects[-1]["subject"], ((("commonName", "gateway"),),))
        self.assertEqual(len(collector.frames()), 2)

    def test_memory_doesnt_grow_with_the_trail(self):
        self.trail.add_many(self.trail.clinic, 20000)
        collector = self.collector()
        peaks = []
        collector.before_answering = lambda: peaks.append(rig.memory_peak(process.pid))
        process = rig.subprocess.Popen(
            [rig.BINARIES / "letterboxd", "audit", "export", "--data", self.trail.gateway.data, "--only", "clinic.example",
             "--syslog", collector.address, "--ca", collector.certificate], stdout=rig.subprocess.DEVNULL)
        self.assertEqual(process.wait(timeout=300), 0)
        self.assertEqual(len(collector.frames()), 20000)
        self.assertEqual(len(peaks), 40)
        self.assertLess(peaks[-1] - peaks[1], 4 * rig.MIB)


if __name__ == "__main__":
    unittest.main()
