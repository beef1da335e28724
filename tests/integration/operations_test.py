"""What an operator sees and does: settings, health, metrics, the access log, new certificates, stopping."""
import json
import os
import pathlib
import re
import signal
import ssl
import unittest

import device
import rig

ROOT = pathlib.Path(os.environ["LETTERBOX_SOURCE_DIR"])
TO = "/v1/files?to=surgeon@hospital.example"


def make_certificate(place, name, *options):
    """A self-signed certificate for 127.0.0.1 and its key, as files that any account can read."""
    key, certificate = place / f"{name}.key", place / f"{name}.pem"
    rig.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", certificate, "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
            *options)
    key.chmod(0o644)
    return certificate, key


class ConfigCheck(unittest.TestCase):
    def setUp(self):
        self.place = rig.workspace()
        self.addCleanup(rig.shutil.rmtree, self.place, ignore_errors=True)
        self.file = self.place / "letterboxd.toml"

    def letterboxd(self, *arguments, environment=None):
        return rig.run(rig.BINARIES / "letterboxd", *arguments, check=False, env={**os.environ, **(environment or {})})

    def check(self, toml="", *options, environment=None):
        self.file.write_text(f'data = "{self.place / "data"}"\n' + toml, encoding="utf-8")
        done = self.letterboxd("config", "check", "--config", self.file, *options, environment=environment)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def refused(self, expected, toml="", *options):
        code, _, said = self.check(toml, *options)
        self.assertEqual(code, 1, said)
        self.assertIn(expected, said)
        return said

    def test_says_what_is_in_effect_and_where_it_comes_from(self):
        code, printed, said = self.check("[limits]\nworkers = 20\n", "--log-format", "json",
                                         environment={"LETTERBOX_DISK_RESERVE": "64 MiB"})
        self.assertEqual((code, said), (0, ""))
        lines = printed.splitlines()
        self.assertIn(f"limits.workers = 20  # from {self.file} line 3", lines)
        self.assertIn('log.format = "json"  # from --log-format', lines)
        self.assertIn('disk.reserve = "64 MiB"  # from LETTERBOX_DISK_RESERVE', lines)
        self.assertIn('listen = "127.0.0.1:8443"  # default', lines)
        self.assertIn("# metrics.listen is absent", lines)

    def test_what_it_prints_is_a_settings_file(self):
        _, printed, _ = self.check()
        self.file.write_text(printed, encoding="utf-8")
        done = self.letterboxd("config", "check", "--config", self.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        values = [line.partition("  #")[0] for line in printed.splitlines()]
        self.assertEqual([line.partition("  #")[0] for line in done.stdout.decode().splitlines()], values)

    def test_leaves_nothing_behind(self):
        self.check()
        self.assertEqual(sorted(self.place.iterdir()), [self.file])

    def test_the_reference_is_what_the_documentation_has_and_holds_the_defaults(self):
        reference = self.letterboxd("config", "reference").stdout.decode()
        self.assertEqual(reference, (ROOT / "docs" / "letterboxd.toml").read_text(encoding="utf-8"),
                         "run: letterboxd config reference > docs/letterboxd.toml")
        # Absent values show their form in capitals; all the others hold if they are no comment any more.
        set_out = re.sub(r'^#(\w+ = (?!"[A-Z:]+"$))', r"\1", reference, flags=re.M)
        self.assertNotEqual(set_out, reference)
        plain = self.check()[1]
        self.file.write_text(set_out, encoding="utf-8")
        done = self.letterboxd("config", "check", "--config", self.file, "--data", self.place / "data")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line.partition("  #")[0] for line in done.stdout.decode().splitlines()],
                         [line.partition("  #")[0] for line in plain.splitlines()])

    def test_an_unknown_key(self):
        self.refused(f"{self.file} line 3: there is no setting limits.wrokers", "[limits]\nwrokers = 3\n")

    def test_a_password_is_refused_and_not_shown(self):
        code, printed, said = self.check('database = "postgresql://me:hunter2@127.0.0.1/db"\n')
        self.assertEqual(code, 1)
        self.assertIn("passfile", said)
        self.assertNotIn("hunter2", printed + said)

    def test_a_certificate_with_its_key(self):
        certificate, key = make_certificate(self.place, "gateway")
        code, _, said = self.check(f'tls.certificate = "{certificate}"\ntls.private_key = "{key}"\n')
        self.assertEqual((code, said), (0, ""))

    def test_a_certificate_and_another_key(self):
        certificate, _ = make_certificate(self.place, "gateway")
        _, key = make_certificate(self.place, "other")
        self.refused("isn't the key", f'tls.certificate = "{certificate}"\ntls.private_key = "{key}"\n')

    def test_an_encrypted_key_without_asking_anybody_for_the_passphrase(self):
        certificate, key = make_certificate(self.place, "gateway")
        sealed = self.place / "sealed.key"
        rig.run("openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", sealed)
        sealed.chmod(0o644)
        self.refused("unencrypted", f'tls.certificate = "{certificate}"\ntls.private_key = "{sealed}"\n')

    def test_files_that_are_not_there_or_none(self):
        certificate, key = make_certificate(self.place, "gateway")
        gone = self.place / "gone.pem"
        self.refused(str(gone), f'tls.certificate = "{gone}"\ntls.private_key = "{key}"\n')
        self.refused(str(gone), f'tls.certificate = "{certificate}"\ntls.private_key = "{gone}"\n')
        self.refused("isn't a PEM certificate", f'tls.certificate = "{key}"\ntls.private_key = "{key}"\n')
        self.refused(str(gone), f'[machine]\nlisten = "127.0.0.1:0"\nclient_authority = "{gone}"\n')
        self.refused("isn't a PEM certificate",
                     f'[machine]\nlisten = "127.0.0.1:0"\nclient_authority = "{self.file}"\n')

    @unittest.skipUnless(os.geteuid() == 0, "only root serves as another account than its own")
    def test_a_key_that_only_root_can_read(self):
        certificate, key = make_certificate(self.place, "gateway")
        key.chmod(0o600)
        self.refused(f"{key}: can't be read", f'tls.certificate = "{certificate}"\ntls.private_key = "{key}"\n')

    def test_everything_that_is_wrong_at_once(self):
        (self.place / "data").write_bytes(b"")
        gone = self.place / "gone.pem"
        said = self.refused("isn't a directory", f'tls.certificate = "{gone}"\ntls.private_key = "{gone}"\n')
        self.assertIn(str(gone), said)

    def test_more_connections_than_the_system_lets_be_open(self):
        self.file.write_text(f'data = "{self.place / "data"}"\n', encoding="utf-8")
        done = rig.run("prlimit", "--nofile=1000:1000", rig.BINARIES / "letterboxd", "config", "check",
                       "--config", self.file, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"limits.connections", done.stderr)
        done = rig.run("prlimit", "--nofile=1000:1000", rig.BINARIES / "letterboxd", "config", "check",
                       "--config", self.file, "--limits-connections", "500", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


class Health(unittest.TestCase):
    def ask(self, gateway, path="/readyz"):
        status, _, content = gateway.request("GET", path)
        return status, json.loads(content)

    def test_of_a_gateway_in_order(self):
        with rig.scene("surgeon@hospital.example") as (gateway, surgeon):
            self.assertEqual(self.ask(gateway, "/healthz"), (200, {"alive": True}))
            self.assertEqual(self.ask(gateway), (200, {"ready": True, "database": "reachable", "schema": "current",
                                                       "disk": "enough", "serving": "yes"}))
            for path in ("/healthz", "/readyz"):
                status, fields, content = gateway.request("HEAD", path)
                self.assertEqual((status, content), (200, b""))
                self.assertEqual(fields["cache-control"], "no-store")
                status, fields, _ = surgeon.request("POST", path, b"x", "text/plain")
                self.assertEqual((status, fields["allow"]), (405, "GET, HEAD"))

    def test_too_little_disk(self):
        with rig.scene(options=("--disk-reserve", "1000 TiB")) as (gateway,):
            status, report = self.ask(gateway)
            self.assertEqual((status, report["disk"], report["ready"]), (503, "low", False))
            self.assertEqual(self.ask(gateway, "/healthz")[0], 200)
            self.assertEqual(gateway.request("HEAD", "/readyz")[0], 503)

    def test_a_database_that_goes_away_and_comes_back(self):
        place = rig.workspace()
        self.addCleanup(rig.shutil.rmtree, place, ignore_errors=True)
        database = rig.Database(place).start()
        self.addCleanup(database.stop)
        gateway = rig.Gateway(place / "data", "--database", database.address).start()
        self.addCleanup(gateway.stop)
        self.assertEqual(self.ask(gateway)[0], 200)

        database.stop()
        rig.eventually(lambda: self.ask(gateway)[0] == 503, "503 without a database")
        self.assertEqual(self.ask(gateway), (503, {"ready": False, "database": "away", "schema": "unknown",
                                                   "disk": "enough", "serving": "yes"}))
        self.assertEqual(self.ask(gateway, "/healthz")[0], 200)

        database.start()
        rig.eventually(lambda: self.ask(gateway)[0] == 200, "200 with the database back")

        database.sql("INSERT INTO schema_migration (version, name, sha256) VALUES (9999, 'newer', repeat('0', 64))")
        rig.eventually(lambda: self.ask(gateway)[0] == 503, "503 with a newer schema")
        self.assertEqual(self.ask(gateway)[1]["schema"], "other")


class Upload:
    """A POST of a DICOM file that waits in the middle of its body."""

    BODY = rig.dicom_head(rig.MIB) + os.urandom(rig.MIB)

    def __init__(self, gateway, sender, begin):
        self.rest = self.BODY[begin:]
        self.connection = gateway.tls()
        received = scrape(gateway).value("letterbox_http_received_bytes_total")
        self.connection.sendall(
            device.raw_head(sender.signing_key, gateway, "POST", TO, self.BODY, "application/dicom")
            + b"Content-Length: %d\r\n\r\n" % len(self.BODY) + self.BODY[:begin])
        rig.eventually(lambda: scrape(gateway).value("letterbox_http_received_bytes_total") > received + begin,
                   "the upload's beginning")

    def finish(self):
        self.connection.sendall(self.rest)
        return self.answer()

    def answer(self):
        """All that comes until the gateway closes."""
        received = b""
        try:
            while piece := self.connection.recv(65536):
                received += piece
        except OSError:
            pass
        self.connection.close()
        return received


class Stopping(unittest.TestCase):
    def scene(self, *options):
        context = rig.scene("surgeon@hospital.example", options=("--metrics-listen", "127.0.0.1:0", *options))
        gateway, surgeon = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return gateway, surgeon

    def is_stopping(self, gateway):
        status, _, content = gateway.request("GET", "/readyz")
        return status == 503 and json.loads(content)["serving"] == "stopping"

    def test_an_upload_at_hand_is_finished_while_others_are_told_to_come_back_later(self):
        # Far enough in to be with its handler; and hardly begun, so that its handler is called while others are
        # turned away already.
        for begin in (700_000, 1000):
            with self.subTest(begin=begin):
                gateway, surgeon = self.scene()
                upload = Upload(gateway, surgeon, begin)
                gateway.process.send_signal(signal.SIGTERM)
                rig.eventually(lambda: self.is_stopping(gateway), "readyz says that it stops")
                rig.eventually(lambda: surgeon.request("GET", "/v1/inbox")[0] == 503,
                           "others are turned away")
                status, fields, content = surgeon.request("POST", TO, rig.CT.read_bytes(), "application/dicom")
                self.assertEqual((status, json.loads(content)["type"]), (503, "/problems/unavailable"))
                self.assertIn("retry-after", fields)
                self.assertEqual(gateway.request("GET", "/healthz")[0], 200)

                answer = upload.finish()
                self.assertTrue(answer.startswith(b"HTTP/1.1 201 "), answer)
                self.assertEqual(gateway.process.wait(timeout=60), 0)
                gateway.stop()
                gateway.start()
                surgeon.letterbox("connect", gateway.trust)  # another port
                listed = json.loads(surgeon.letterbox("--json", "list").stdout)
                self.assertEqual(len(listed["deliveries"]), 1)

    def test_an_upload_that_never_ends_is_cut(self):
        gateway, surgeon = self.scene("--shutdown-drain", "1")
        upload = Upload(gateway, surgeon, 700_000)
        gateway.process.send_signal(signal.SIGTERM)
        self.assertNotIn(b" 201 ", upload.answer())
        self.assertEqual(gateway.process.wait(timeout=60), 0)
        gateway.stop()
        gateway.start()
        surgeon.letterbox("connect", gateway.trust)  # another port
        listed = json.loads(surgeon.letterbox("--json", "list").stdout)
        self.assertEqual(listed["deliveries"], [])

    def test_during_the_notice_everything_else_goes_on(self):
        gateway, surgeon = self.scene("--shutdown-notice", "3600")
        gateway.process.send_signal(signal.SIGTERM)
        rig.eventually(lambda: self.is_stopping(gateway), "readyz says that it stops")
        gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
        self.assertEqual(gateway.stop(), 0, "a second signal ends the notice")


class Certificates(unittest.TestCase):
    def setUp(self):
        self.place = rig.workspace()
        self.addCleanup(rig.shutil.rmtree, self.place, ignore_errors=True)

    def shown(self, gateway):
        """The certificate that a new connection sees, as PEM."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with rig.socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as plain:
            with context.wrap_socket(plain) as tls:
                return ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))

    def install(self, certificate, key):
        (self.place / "in_use.pem").write_bytes(certificate.read_bytes())
        (self.place / "in_use.key").write_bytes(key.read_bytes())

    def test_are_read_again_on_sighup_and_kept_if_the_new_ones_are_no_good(self):
        first, second = make_certificate(self.place, "first"), make_certificate(self.place, "second")
        self.install(*first)
        gateway = rig.Gateway(self.place / "data", "--tls-certificate", self.place / "in_use.pem",
                              "--tls-private-key", self.place / "in_use.key").start()
        self.addCleanup(gateway.stop)
        gateway.authority = first[0]
        self.assertEqual(self.shown(gateway), first[0].read_text())
        self.assertIn(first[0].read_text().splitlines()[1], gateway.trust.read_text().replace("\\n", "\n"))
        kept = gateway.tls()

        self.install(*second)
        self.assertEqual(self.shown(gateway), first[0].read_text(), "not before it is told")
        gateway.process.send_signal(signal.SIGHUP)
        rig.eventually(lambda: self.shown(gateway) == second[0].read_text(), "the new certificate")
        self.assertIn('event="certificates reloaded"', gateway.log_text())
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        self.assertTrue(kept.recv(1000).startswith(b"HTTP/1.1 200 "), "connections from before live on")
        kept.close()

        for broken in ((first[0], second[1]), (self.place / "empty", second[1]), (second[0], self.place / "empty")):
            (self.place / "empty").write_bytes(b"")
            before = gateway.log_text().count("certificates not reloaded")
            self.install(*broken)
            gateway.process.send_signal(signal.SIGHUP)
            rig.eventually(lambda: gateway.log_text().count("certificates not reloaded") == before + 1, "an error in the log")
            self.assertEqual(self.shown(gateway), second[0].read_text())
        gateway.authority = second[0]
        self.assertEqual(gateway.request("GET", "/readyz")[0], 200)

    def test_machines_have_a_listener_of_their_own_that_asks_for_one(self):
        authority = make_certificate(self.place, "authority")
        stranger = make_certificate(self.place, "stranger")
        gateway = rig.Gateway(self.place / "data", "--machine-listen", "127.0.0.1:0",
                              "--machine-client-authority", authority[0]).start()
        self.addCleanup(gateway.stop)
        url = re.search(r"^  machines use +(https://127\.0\.0\.1:\d+)$", gateway.greeting, re.M)[1]
        self.assertNotEqual(url, gateway.url)

        def status(*options):
            done = gateway.curl(url + "/healthz", "--output", "/dev/null", "--write-out", "%{http_code}", *options,
                                check=False)
            return done.stdout.decode()

        self.assertEqual(status("--cert", authority[0], "--key", authority[1]), "200")
        self.assertEqual(status(), "000")
        self.assertEqual(status("--cert", stranger[0], "--key", stranger[1]), "000")
        self.assertEqual(gateway.request("GET", "/healthz")[0], 200)


class Exposition:
    """Prometheus' text format 0.0.4, parsed strictly: what it doesn't know is an error."""

    SAMPLE = re.compile(r'([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)$')
    LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
    SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count"),
                "summary": ("", "_sum", "_count")}

    def __init__(self, text):
        self.types, self.samples = {}, {}
        family = None
        if not text.endswith("\n"):
            raise ValueError("no newline at the end")
        for line in text.splitlines():
            if line.startswith("# HELP "):
                family = line.split(" ", 3)[2]
                if family in self.types or not line.split(" ", 3)[3]:
                    raise ValueError(line)
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                if name != family or kind not in self.SUFFIXES:
                    raise ValueError(line)
                self.types[name] = kind
            else:
                match = self.SAMPLE.match(line)
                if not match or not any(match[1] == family + suffix for suffix in self.SUFFIXES[self.types[family]]):
                    raise ValueError(line)
                labels, rest = [], match[2] or ""
                while rest:
                    label = self.LABEL.match(rest)
                    if not label:
                        raise ValueError(line)
                    labels.append((label[1], label[2]))
                    rest = rest[label.end():]
                key = match[1], tuple(sorted(labels))
                if key in self.samples or len(dict(labels)) != len(labels):
                    raise ValueError(line)
                self.samples[key] = float(match[3])
        self.check_histograms()

    def check_histograms(self):
        for name in (name for name, kind in self.types.items() if kind == "histogram"):
            series = {}
            for (sample, labels), value in self.samples.items():
                if sample == name + "_bucket":
                    bounds = dict(labels)
                    at = float(bounds.pop("le"))
                    series.setdefault(tuple(sorted(bounds.items())), []).append((at, value))
            for labels, buckets in series.items():
                counts = [count for _, count in sorted(buckets)]
                if counts != sorted(counts) or max(buckets)[0] != float("inf"):
                    raise ValueError(name)
                if counts[-1] != self.samples[name + "_count", labels] or (name + "_sum", labels) not in self.samples:
                    raise ValueError(name)

    def value(self, name, **labels):
        return self.samples.get((name, tuple(sorted(labels.items()))), 0)


def scrape(gateway):
    url = re.search(r"^  metrics are at +(http://127\.0\.0\.1:\d+/metrics)$", gateway.greeting, re.M)[1]
    return Exposition(rig.run("curl", "--silent", "--show-error", "--fail", url).stdout.decode("ascii"))


class Metrics(unittest.TestCase):
    def test_count_what_was_sent(self):
        with rig.scene("radiology@hospital.example", "surgeon@hospital.example",
                       options=("--metrics-listen", "127.0.0.1:0", "--limits-connections", "321")) as (
                           gateway, radiology, surgeon):
            for _ in range(3):
                receipt = gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
            for _ in range(2):
                surgeon.request("GET", "/v1/files/" + receipt["file"])
            surgeon.request("GET", "/v1/files/01890a5d-ac96-774b-bcce-b302099a8057")
            surgeon.request("DELETE", "/v1/files")
            surgeon.request("GET", "/nothing")
            gateway.request("GET", "/v1/files/" + receipt["file"])  # nobody's
            gateway.curl("--request-target", "/%00", gateway.url)
            photo = gateway.data.parent / "photo.jpg"
            photo.write_bytes(rig.JPEG)
            radiology.letterbox("send", photo, "--to", "surgeon@hospital.example", "--no-patient")
            now = scrape(gateway)

        requests = "letterbox_http_requests_total"
        self.assertEqual(now.value(requests, method="POST", route="/v1/files", status="2xx"), 3)
        self.assertEqual(now.value(requests, method="GET", route="/v1/files/{id}", status="2xx"), 2)
        self.assertEqual(now.value(requests, method="GET", route="/v1/files/{id}", status="4xx"), 1)
        self.assertEqual(now.value(requests, method="DELETE", route="-", status="4xx"), 1)
        # What exists isn't told to nobody, nor is the route.
        self.assertEqual(now.value(requests, method="GET", route="-", status="4xx"), 2)
        self.assertEqual(now.value("letterbox_http_requests_refused_total"), 1)
        self.assertEqual(now.value("letterbox_http_request_duration_seconds_count", route="/v1/files/{id}"), 3)
        self.assertEqual(now.value(requests, method="POST", route="/v1/deliveries/{id}/files", status="2xx"), 1)
        self.assertEqual(now.value("letterbox_seal_seconds_count"), 3)
        self.assertEqual(now.value("letterbox_store_seconds_count"), 4)
        self.assertGreater(now.value("letterbox_seal_seconds_sum"), 0)
        self.assertGreater(now.value("letterbox_store_seconds_sum"), 0)
        size = rig.CT.stat().st_size
        self.assertGreater(now.value("letterbox_http_received_bytes_total"), 3 * size)
        self.assertGreater(now.value("letterbox_http_sent_bytes_total"), 2 * size)
        self.assertGreaterEqual(now.value("letterbox_connections_accepted_total"), 8)
        self.assertEqual(now.value("letterbox_connections_limit"), 321)
        self.assertEqual(now.value("letterbox_http_requests_in_flight"), 0)
        self.assertEqual(now.value("letterbox_database_connections_limit"), 8)
        self.assertGreater(now.value("letterbox_database_connections"), 0)

        ours = {name: kind for name, kind in now.types.items() if name.startswith("letterbox_")}
        for name, kind in ours.items():
            self.assertEqual(name.endswith("_total"), kind == "counter", name)
            self.assertIn(f"`{name}`", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
        labels = {label for name, labels in now.samples for label, _ in labels if name.startswith("letterbox_")}
        self.assertEqual(labels, {"method", "route", "status", "le", "by"})
        routes = {dict(labels)["route"] for _, labels in now.samples if "route" in dict(labels)}
        self.assertEqual(routes - {"-"}, {route for route in routes if re.fullmatch(r"(/([a-z0-9]+|\{id\}))+", route)})

    def test_are_served_on_their_address_alone_and_nowhere_unless_asked_for(self):
        with rig.scene("surgeon@hospital.example", options=("--metrics-listen", "127.0.0.2:0")) as (gateway, surgeon):
            port = int(re.search(r"http://127\.0\.0\.2:(\d+)/metrics$", gateway.greeting, re.M)[1])
            listening = [line.split()[1] for table in ("tcp", "tcp6")
                         for line in pathlib.Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]
                         if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")]
            self.assertEqual(listening, [f"0200007F:{port:04X}"])
            self.assertEqual(surgeon.request("GET", "/metrics")[0], 404)

    def test_a_taken_port_is_named(self):
        place = rig.workspace()
        self.addCleanup(rig.shutil.rmtree, place, ignore_errors=True)
        with rig.socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = rig.run(rig.BINARIES / "letterboxd", "serve", "--data", place / "data", "--listen", "127.0.0.1:0",
                           "--metrics-listen", address, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(address.encode(), done.stderr)


class AccessLog(unittest.TestCase):
    LINE = re.compile(
        r'time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info event="request" request="([0-9a-f-]{36})" '
        r'peer="127\.0\.0\.1" method="([A-Z]+|-)" route="([a-z0-9/{}]+|-)" status="(\d{3})" '
        r'received="(\d+)" sent="(\d+)" milliseconds="\d+"')

    def exercise(self, gateway, surgeon):
        """Every kind of request, with canaries in it; how many they were, the canaries, and what was logged of it until
        the gateway had stopped."""
        # A line comes after its answer, so the one of the enrolment may be on its way still.
        rig.eventually(lambda: '"/v1/devices"' in gateway.log_text(), "the enrolment's line")
        before = len(gateway.log_text())
        receipt = gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
        wanted = (("GET", "/v1/files/" + receipt["file"]), ("HEAD", "/v1/files/" + receipt["file"]),
                  ("GET", "/v1/deliveries/" + receipt["delivery"]), ("GET", "/v1/devices?handle=" + surgeon.handle),
                  ("GET", "/v1/files/canary-in-a-path"), ("GET", "/canary-in-a-path?canary-in-a-query"),
                  ("POST", "/v1/files?to=canary@hospital.example"), ("PATCH", "/v1/files"), ("GET", "/canary%00"))
        for method, path in wanted:
            surgeon.request(method, path, rig.CT.read_bytes() if method == "POST" else b"", "application/x-canary")
        for method, path in wanted:  # and by nobody
            gateway.request(method, path, rig.CT if method == "POST" else b"", "application/x-canary")
        self.assertEqual(gateway.stop(), 0)
        canaries = [receipt["file"], receipt["delivery"], surgeon.recipient, "surgeon", "hospital", "canary", "to="]
        return 1 + 2 * len(wanted), canaries, gateway.log_text()[before:]

    def test_has_one_line_a_request_and_none_of_its_target(self):
        with rig.scene("surgeon@hospital.example") as (gateway, surgeon):
            requests, canaries, log = self.exercise(gateway, surgeon)
        lines = [line for line in log.splitlines() if 'event="request"' in line]
        self.assertEqual(len(lines), requests, log)
        matches = [self.LINE.fullmatch(line) for line in lines]
        self.assertNotIn(None, matches, log)
        self.assertEqual(len({match[1] for match in matches}), requests, "each has an id of its own")
        size = str(rig.CT.stat().st_size)
        self.assertEqual(matches[0].group(2, 3, 4, 5), ("POST", "/v1/files", "201", size))
        self.assertEqual(matches[1].group(2, 3, 4, 5), ("GET", "/v1/files/{id}", "200", "0"))
        self.assertGreater(int(matches[1][6]), int(size))
        self.assertEqual(matches[2].group(2, 3, 4, 6), ("HEAD", "/v1/files/{id}", "200", "0"))
        for canary in canaries:
            self.assertNotIn(canary, log)

    def test_may_be_json(self):
        with rig.scene("surgeon@hospital.example", options=("--log-format", "json")) as (gateway, surgeon):
            requests, canaries, log = self.exercise(gateway, surgeon)
        entries = [json.loads(line) for line in log.splitlines()]
        for entry in entries:
            self.assertTrue({"time", "level", "event"} <= entry.keys())
        mine = [entry for entry in entries if entry["event"] == "request"]
        self.assertEqual(len(mine), requests, log)
        self.assertEqual({tuple(entry) for entry in mine}, {(
            "time", "level", "event", "request", "peer", "method", "route", "status", "received", "sent", "milliseconds")})
        for canary in canaries:
            self.assertNotIn(canary, log)


if __name__ == "__main__":
    unittest.main()
