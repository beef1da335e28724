"""Cases 45 to 56: connections that are slow, many, broken, or not what they should be."""
import concurrent.futures
import contextlib
import functools
import itertools
import os
import pathlib
import random
import re
import socket
import ssl
import time
import unittest

import certificates
import tls
from kit import (CT, DICOM, LARGE, MIB, NOWHERE, SURGEON, TO_SURGEON, Hostile, Peer, case, outcome_of_silence,
                 reset_on_close, rig, wait_until)


class Deadlines(Hostile):
    """With the timeouts that a gateway has if nobody sets any. All slow peers are slow at the same time."""

    LARGE_FILE = rig.dicom_head(48 * MIB) + bytes(48 * MIB)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = cls.gateway.deposit(cls.LARGE_FILE, DICOM, SURGEON)["file"].encode()

    @classmethod
    @functools.cache
    def outcomes(cls):
        """Started by whichever case comes first, so that it sees the memory of all of them."""
        self = cls()
        self.setUp()
        crowd = concurrent.futures.ThreadPoolExecutor(16)
        cls.addClassCleanup(crowd.shutdown)
        return self.canary, {slow: crowd.submit(slow, self) for slow in (
            cls.slow_head, cls.slow_body, cls.slow_chunks, cls.slow_reader, cls.silent, cls.stalled_handshake)}

    def outcome_of(self, *slow):
        """The one that all of them had."""
        self.canary, outcomes = self.outcomes()
        return self.same(outcomes[one].result(timeout=120) for one in slow)

    def trickle(self, start, drop):
        """Sends `start`, then `drop` every quarter of a second, until there is an answer. It isn't there at once."""
        with self.peer() as peer:
            peer.send(start)
            began = time.monotonic()
            while not peer.hears(0.25):
                peer.send(drop)
            self.assertGreater(time.monotonic() - began, 5, "that is too strict")
            return self.outcome(peer)

    def slow_head(self):
        return self.trickle(self.head(b"GET", NOWHERE)[:-2] + b"X-Slow: ", b"x")

    def slow_body(self):
        return self.trickle(self.deposit_head(b"Content-Length: %d" % len(LARGE)) + CT, b"x")

    def slow_chunks(self):
        head = self.deposit_head(b"Transfer-Encoding: chunked")
        return self.trickle(head + b"%x\r\n" % len(CT) + CT + b"\r\n", b"1\r\nx\r\n")

    def slow_reader(self):
        with self.people_peer() as peer:
            peer.send(self.signed(b"GET", b"/v1/files/" + self.file))
            began = time.monotonic()
            peer.connection.recv(1)
            self.drop_of(peer, began)
            rest = 1
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                while data := peer.connection.recv(MIB):
                    rest += len(data)
            self.assertLess(rest, len(self.LARGE_FILE), "the kernel had room for all of it")
        return "dropped"

    def silent(self):
        return self.plain(b"")

    def stalled_handshake(self):
        return self.plain(tls.client_hello(tls.TLS_1_2, tls.GOOD_SUITES)[:50])

    def plain(self, start):
        with socket.create_connection(("127.0.0.1", self.gateway.port), timeout=60) as connection:
            connection.sendall(start)
            began = time.monotonic()
            self.assertEqual(outcome_of_silence(connection), b"")
            self.assertGreater(time.monotonic() - began, 5, "that is too strict")
        return "dropped"

    def drop_of(self, peer, began):
        """Waits until the gateway has given its end up, whatever the kernel still has to deliver."""
        port = peer.local_port
        wait_until(lambda: not self.holds(port), "the slow reader is dropped", timeout=100)
        self.assertGreater(time.monotonic() - began, 5, "that is too strict")

    @case(45, "slow headers", "408 within 10 s")
    def test_case_45_slow_headers(self):
        self.assertEqual(self.outcome_of(Deadlines.slow_head), "408 C")
        return "408 within 10 s: the default of timeouts.header"

    @case(46, "slow body below the rate floor", "408")
    def test_case_46_slow_body(self):
        return self.outcome_of(Deadlines.slow_body, Deadlines.slow_chunks)

    @case(47, "slow reader", "dropped")
    def test_case_47_slow_reader(self):
        return self.outcome_of(Deadlines.slow_reader)

    @case(48, "TLS opened, no ClientHello", "dropped")
    def test_case_48_no_client_hello(self):
        return self.outcome_of(Deadlines.silent)

    @case(49, "handshake stalls", "dropped")
    def test_case_49_handshake_stalls(self):
        return self.outcome_of(Deadlines.stalled_handshake)


class Crowds(Hostile):
    def reset(self, phase, file):
        """One connection that is reset after it has got so far."""
        if phase in ("connected", "in the handshake"):
            connection = socket.create_connection(("127.0.0.1", self.gateway.port), timeout=60)
            if phase == "in the handshake":
                connection.sendall(tls.client_hello(tls.TLS_1_2, tls.GOOD_SUITES))
                connection.recv(1)
        else:
            peer = self.people_peer() if phase == "in the answer" else self.peer()
            connection = peer.connection
            if phase == "in the head":
                connection.sendall(self.head(b"GET", NOWHERE)[:-5])
            if phase == "in the body":
                connection.sendall(self.deposit_head(b"Content-Length: %d" % len(LARGE)) + LARGE[:100_000])
            if phase == "in the answer":
                connection.sendall(self.signed(b"GET", b"/v1/files/" + file))
                connection.recv(100)
        reset_on_close(connection)
        connection.close()

    @case(50, "3,000 resets", "descriptors given back", bound=64 * MIB, stored=1)
    def test_case_50_three_thousand_resets(self):
        file = self.gateway.deposit(CT, DICOM, SURGEON)["file"].encode()
        before = self.descriptors()
        phases = ("connected", "in the handshake", "in the head", "in the body", "in the answer")
        with concurrent.futures.ThreadPoolExecutor(16) as crowd:
            list(crowd.map(lambda phase: self.reset(phase, file), itertools.islice(itertools.cycle(phases), 3000)))
        wait_until(lambda: self.descriptors() <= before, "descriptors are given back")
        return "descriptors given back"

    def cpu_seconds(self):
        stat = pathlib.Path(f"/proc/{self.gateway.process.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def visit(self):
        """A connection, or why there is none: "shed" if the gateway closed it at once, "hangs" if it did nothing."""
        try:
            return self.gateway.tls(context=self.people_context, timeout=5)
        except TimeoutError:
            return "hangs"
        except (ConnectionError, ssl.SSLError):
            return "shed"

    @case(51, "descriptors used up", "new connections shed, no spinning core")
    def test_case_51_descriptors_used_up(self):
        pid = self.gateway.process.pid
        before = self.descriptors()
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
        usual = re.search(r"^Max open files\s+(\d+)", limits, re.M)[1]
        highest = max(int(entry.name) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir())
        self.gateway.as_owner("prlimit", "--pid", pid, f"--nofile={highest + 20}:")
        try:
            with concurrent.futures.ThreadPoolExecutor(60) as crowd:
                visits = list(crowd.map(lambda _: self.visit(), range(60)))
            held = [visit for visit in visits if isinstance(visit, ssl.SSLSocket)]
            self.assertGreater(len(held), 0)
            self.assertEqual({visit for visit in visits if isinstance(visit, str)}, {"shed"})
            # Somebody knocks all the time; that mustn't cost more than a small part of one core.
            start, until = self.cpu_seconds(), time.monotonic() + 2
            while time.monotonic() < until:
                self.assertEqual(self.visit(), "shed")
                time.sleep(0.1)
            self.assertLess(self.cpu_seconds() - start, 0.5, "CPU seconds in 2 s")
            for connection in held:
                connection.close()
            wait_until(lambda: self.descriptors() <= before, "descriptors are given back")
        finally:
            self.gateway.as_owner("prlimit", "--pid", pid, f"--nofile={usual}:")
        return "new connections shed, no spinning core"


class Tls(Hostile):
    """On both addresses: one demands a client certificate, the other doesn't know what that is."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ours = cls.gateway.authority_of_machines
        cls.ours = certificates.Issuer(ours)
        cls.theirs = certificates.Issuer(rig.Authority(ours.place.parent / "elsewhere"))
        cls.good = ours.machine, ours.machine_key

    def answer_to(self, data, port=None):
        """What the gateway sends back to raw bytes before it hangs up, or has said all that it can."""
        with socket.create_connection(("127.0.0.1", port or self.gateway.port), timeout=60) as connection:
            connection.sendall(data)
            received = b""
            with contextlib.suppress(ConnectionError):
                while data := connection.recv(64 * 1024):
                    received += data
                    if tls.SERVER_HELLO_DONE in tls.handshake_messages(received):
                        break
            return received

    def s_client(self, said, *options, port=None):
        """What openssl s_client prints while `said` is typed into it."""
        return rig.run("openssl", "s_client", "-connect", f"127.0.0.1:{port or self.gateway.port}",
                       "-CAfile", self.gateway.authority, *options, input=said, stderr=rig.subprocess.STDOUT, check=False).stdout

    def knock(self, certificate, version):
        """The status of a deposit on the machines' address, or "refused"."""
        context = self.gateway.tls_context()
        context.minimum_version = context.maximum_version = version
        if certificate:
            context.load_cert_chain(*certificate)
        try:
            with Peer(self.gateway.tls(self.gateway.machine_port, context)) as peer:
                peer.send(self.deposit_head(b"Content-Length: %d" % len(CT)) + CT)
                return self.checked(peer.answer()).status if peer.receive() else "refused"
        except (ConnectionError, ssl.SSLError):
            return "refused"

    def refusals(self):
        """The log's lines about certificates that were refused."""
        return [line for line in self.gateway.log_text().splitlines() if 'event="client certificate refused"' in line]

    def audited(self):
        """How many refusals of somebody unknown, from here, the audit trail has."""
        return int(self.gateway.sql(
            "SELECT count(*) FROM audit JOIN tenant ON tenant_id = tenant.id WHERE name = '.gateway' AND kind = 'refusal' "
            "AND outcome = 'failure' AND peer = '127.0.0.1' AND principal_id IS NULL AND device IS NULL"))

    @case(52, "TLS renegotiation", "refused")
    def test_case_52_renegotiation(self):
        request = self.head(b"GET", NOWHERE, b"Connection: close")
        self.assertIn(b"HTTP/1.1 401", self.s_client(request, "-tls1_2", "-ign_eof"))
        output = self.s_client(b"R\n" + request, "-tls1_2")
        self.assertIn(b"RENEGOTIATING", output)
        self.assertIn(b"no renegotiation", output)
        self.assertNotIn(b"HTTP/1.1", output)
        return "refused"

    @case(53, "TLS 1.0, 1.1", "refused")
    def test_case_53_old_versions_and_weak_suites(self):
        for version in (tls.TLS_1_0, tls.TLS_1_1):
            hello = tls.client_hello(version, (*tls.GOOD_SUITES, *tls.WEAK_SUITES.values()))
            self.assertEqual(tls.alert(self.answer_to(hello)), tls.PROTOCOL_VERSION, hex(version))
        for name, suite in tls.WEAK_SUITES.items():
            hello = tls.client_hello(tls.TLS_1_2, (suite,))
            self.assertEqual(tls.alert(self.answer_to(hello)), tls.HANDSHAKE_FAILURE, name)
        answer = self.answer_to(tls.client_hello(tls.TLS_1_2, tls.GOOD_SUITES))
        self.assertIn(tls.SERVER_HELLO_DONE, tls.handshake_messages(answer))
        return "refused, as are null, RC4, DES, CBC, anonymous and static RSA suites"

    @case(54, "client certificate expired, wrong CA, none", "refused and audited", stored=2)
    def test_case_54_client_certificates(self):
        bad = {
            "expired": self.ours.issue("expired", "-startdate", "20200101000000Z", "-enddate", "20210101000000Z"),
            "not yet valid": self.ours.issue("future", "-startdate", "20480101000000Z", "-enddate", "20490101000000Z"),
            "unknown authority": self.theirs.issue("foreign"),
            "none": None,
            # Good for a server, and so not for a client.
            "unfit": self.ours.issue("server", usage="server"),
        }
        stranger = self.ours.issue("stranger")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for reason, certificate in bad.items():
                before, audited = len(self.refusals()), self.audited()
                self.assertEqual(self.knock(certificate, version), "refused", reason)
                wait_until(lambda: len(self.refusals()) > before, f"the log has the refusal: {reason}")
                wait_until(lambda: self.audited() > audited, f"the audit trail has the refusal: {reason}")
                self.assertEqual(self.audited(), audited + 1)
                line, = self.refusals()[before:]
                self.assertRegex(line, rf'reason="[^"]*{reason}[^"]*"')
                self.assertRegex(line, r'peer="127\.0\.0\.1')
            # Vouched for, and still nobody's.
            audited = self.audited()
            self.assertEqual(self.knock(stranger, version), 401)
            self.assertEqual(self.audited(), audited + 1)
            self.assertEqual(self.knock(self.good, version), 201)
            self.assertEqual(self.audited(), audited + 1)
        # A browser is never asked for a certificate.
        hello = tls.client_hello(tls.TLS_1_2, tls.GOOD_SUITES)
        self.assertIn(tls.CERTIFICATE_REQUEST, tls.handshake_messages(self.answer_to(hello, self.gateway.machine_port)))
        self.assertNotIn(tls.CERTIFICATE_REQUEST, tls.handshake_messages(self.answer_to(hello)))
        self.assertIn(b"CertificateRequest", self.s_client(b"", "-msg", "-tls1_3", port=self.gateway.machine_port))
        self.assertNotIn(b"CertificateRequest", self.s_client(b"", "-msg", "-tls1_3"))
        return "refused and audited; 401 and audited if it is no machine's; a good one is served"

    @case(55, "plain HTTP on the TLS port", "C")
    def test_case_55_plain_http(self):
        deposit = self.deposit_head(b"Content-Length: %d" % len(CT)) + CT
        for request in (self.head(b"GET", NOWHERE), deposit, b"\r\n\r\n\r\n"):
            answer = self.answer_to(request)
            self.assertNotIn(b"HTTP", answer)
            self.assertNotIn(self.canary.encode(), answer)
        return "C, without an answer in HTTP"

    @case(56, "100 pipelined requests", "100 answers in order", stored=2)
    def test_case_56_pipelined_requests(self):
        receipts = [self.gateway.deposit(CT, DICOM, SURGEON) for _ in range(2)]
        questions = [
            (b"GET", NOWHERE, 404, b"not-found"),
            (b"DELETE", b"/v1/files", 405, b"wrong-method"),
            (b"GET", b"/v1/inbox?limit=0", 400, b"malformed"),
            (b"POST", TO_SURGEON, 400, b"empty-body"),
            (b"GET", b"/v1/inbox", 200, b"deliveries"),
            (b"HEAD", b"/v1/files/" + receipts[0]["file"].encode(), 200, b""),
        ]
        for receipt in receipts:
            delivery, file = receipt["delivery"].encode(), receipt["file"].encode()
            questions.append((b"GET", b"/v1/deliveries/" + delivery, 200, delivery))
            questions.append((b"GET", b"/v1/files/" + file, 200, b"age-encryption.org/v1"))
        asked = random.Random(56).choices(questions, k=100)
        with self.people_peer() as peer:
            peer.send(b"".join(self.signed(method, target, b"Content-Type: application/dicom")
                               for method, target, _, _ in asked))
            for number, (method, _, status, word) in enumerate(asked):
                answer = self.checked(peer.answer(method.decode()))
                self.assertEqual((number, answer.status), (number, status))
                self.assertIn(word, answer.body)
            self.assertEqual(peer.received, b"")
        return "100 answers in order"


if __name__ == "__main__":
    unittest.main()
