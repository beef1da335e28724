"""Cases 28 to 44: request line and header fields, RFC 9112 sections 2 to 5 and RFC 9110."""
import itertools
import unittest

from kit import CT, DICOM, ENDLESS, FILES, MIB, NOWHERE, TO_SURGEON, Hostile, case


class Heads(Hostile):
    OPTIONS = ("--limits-body-bytes", str(8 * MIB))
    TOO_LONG = b"Content-Length: %d" % (8 * MIB + 1)

    def get(self, *fields, target=NOWHERE, **options):
        return self.ask(self.head(b"GET", target, *fields, **options))

    @case(28, "150 MB header", "431 C")
    def test_case_28_header_of_150_mb(self):
        # Sent to its end, or until the gateway hangs up: it has answered long before.
        block = (self.canary.encode() * 50_000)[:MIB]
        with self.peer() as peer:
            start = self.head(b"GET", NOWHERE)[:-2] + b"X-Long: "
            peer.send_listening(itertools.chain([start], itertools.repeat(block, 150_000_000 // len(block))))
            return self.outcome(peer)

    @case(29, "10,000 headers", "431")
    def test_case_29_ten_thousand_headers(self):
        return self.same(self.get(*fields) for fields in (
            [b"X-%d: %s" % (i, self.canary.encode()) for i in range(10_000)], [b"a:"] * 10_000, [b"a:"] * 101))

    @case(30, "20 KB target", "414")
    def test_case_30_target_of_20_kb(self):
        long = (self.canary.encode() * 1000)[:20_000]
        return self.same(self.get(target=target) for target in (b"/" + long, b"/v1/inbox?device=" + long))

    @case(31, "NUL in a header", "400")
    def test_case_31_nul_in_a_header(self):
        return self.same(self.get(field) for field in (b"X-Nul: a\0" + self.canary.encode(), b"X\0-Nul: a", b"\0: a"))

    @case(32, "obs-fold", "400")
    def test_case_32_obs_fold(self):
        folded = self.same(self.get(field) for field in (
            b"X-Fold: a\r\n " + self.canary.encode(), b"X-Fold: a\r\n\tb", b"X-Fold:\r\n b", b"X-Fold: a\r\n \r\n b"))
        self.assertEqual(self.get(host=b" Host: 127.0.0.1"), folded)
        return folded

    @case(33, "no Host", "400")
    def test_case_33_no_host(self):
        return self.same((self.get(host=b""), self.get(host=b"Host:"), self.get(host=b"Host: a/" + self.canary.encode())))

    @case(34, "two Hosts", "400")
    def test_case_34_two_hosts(self):
        return self.same(self.get(b"host: " + other) for other in (b"127.0.0.1", self.canary.encode(), b""))

    @case(35, "HTTP/9.9", "505")
    def test_case_35_http_9_9(self):
        return self.same(self.get(version=version) for version in (b"HTTP/9.9", b"HTTP/2.0", b"HTTP/0.9"))

    @case(36, "request line ended by bare LF", "400")
    def test_case_36_request_line_ended_by_lf(self):
        crlf = self.head(b"GET", NOWHERE)
        return self.same(map(self.ask, (crlf.replace(b"\r\n", b"\n", 1), crlf.replace(b"\r\n", b"\n"),
                                        crlf.replace(b"\r\n", b"\r", 1), b"\n" + crlf)))

    @case(37, "unknown method", "501 or 405")
    def test_case_37_unknown_method(self):
        return self.same(self.ask(self.head(method, NOWHERE)) for method in (
            self.canary.encode().upper(), b"get", b"PROPFIND", b"G%ET"))

    @case(38, "TRACE, CONNECT", "405")
    def test_case_38_trace_and_connect(self):
        return self.same((self.ask(self.head(b"TRACE", NOWHERE)), self.ask(self.head(b"TRACE", FILES)),
                          self.ask(self.head(b"TRACE", FILES), people=True),
                          self.ask(self.head(b"CONNECT", b"127.0.0.1:22"))))

    @case(39, "absolute-form with a foreign host", "421 or 400")
    def test_case_39_absolute_form_with_a_foreign_host(self):
        own = b"127.0.0.1:%d" % self.gateway.machine_port
        self.assertEqual(self.get(target=b"https://" + own + NOWHERE, host=b"Host: " + own), "404")
        foreign = self.canary.encode() + b".example"
        misdirected = self.get(target=b"https://" + foreign + NOWHERE, host=b"Host: " + foreign)
        # Where Host names somebody else than the target, two readers could route it in two ways.
        self.assertEqual(self.get(target=b"https://" + foreign + NOWHERE), "400 C")
        self.assertEqual(self.get(target=b"https://" + own + NOWHERE, host=b"Host: " + foreign), "400 C")
        self.assertEqual(self.get(target=b"http://" + own + NOWHERE, host=b"Host: " + own), "400 C")
        return misdirected + ", and 400 C where Host and target differ"

    @case(40, "`Expect: 100-continue`", "100, or 401/404/413 before any body", stored=1)
    def test_case_40_expect_100_continue(self):
        expect = b"Expect: 100-continue"
        with self.peer() as peer:
            peer.send(self.deposit_head(expect, b"Content-Length: %d" % len(CT)))
            self.assertEqual(peer.answer().status, 100)
            peer.send(CT)
            self.assertEqual(peer.answer().status, 201)
        # None of these sends any of its body. The first answer is the last one.
        self.assertEqual(self.ask(self.deposit_head(expect, self.TOO_LONG)), "413 C")
        length = b"Content-Length: 1000"
        for target in (b"/v1/nothing", NOWHERE, TO_SURGEON, b"/v1/files?mailbox=nowhere"):
            unsigned = self.head(b"POST", target, b"Content-Type: application/dicom", expect, length)
            self.assertEqual(self.ask(unsigned), "404 C")
            self.assertEqual(self.ask(unsigned, people=True), "401 C")
        for target, status in ((b"/v1/nothing", "404 C"), (NOWHERE, "405 C"), (b"/v1/files", "400 C"),
                               (b"/v1/files?to=nobody@hospital.example", "422 C")):
            signed = self.signed(b"POST", target, expect, length, body=bytes(1000), content_type=DICOM)
            self.assertEqual(self.ask(signed, people=True), status)
        return "100, then 201; 401 C, 404 C and 413 C before any body"

    @case(41, "`Expect: x`", "417")
    def test_case_41_expect_something_else(self):
        length = b"Content-Length: %d" % len(CT)
        return self.same(self.ask(self.deposit_head(*fields, length) + CT) for fields in (
            (b"Expect: x",), (b"Expect: " + self.canary.encode(),), (b"Expect: 100-continue, x",),
            (b"Expect: 100-continue", b"Expect: x")))

    @case(42, "a body over the limit, by a client that sends on", "413")
    def test_case_42_413_while_the_client_is_still_sending(self):
        # ask() sends what it is given to the end, or until the gateway hangs up.
        pieces = 20 * [ENDLESS]
        with self.peer() as peer:
            peer.send_listening(itertools.chain([self.deposit_head(b"Content-Length: %d" % (20 * len(ENDLESS)))], pieces))
            announced = self.outcome(peer)
        chunks = (b"%x\r\n" % len(piece) + piece + b"\r\n" for piece in pieces)
        with self.peer() as peer:
            peer.send_listening(itertools.chain([self.deposit_head(b"Transfer-Encoding: chunked")], chunks))
            return self.same((announced, self.outcome(peer)))

    @case(43, "`Content-Encoding: gzip`", "415")
    def test_case_43_content_encoding(self):
        length = b"Content-Length: %d" % len(CT)
        return self.same(self.ask(self.deposit_head(b"Content-Encoding: " + coding, length) + CT)
                         for coding in (b"gzip", b"deflate", b"identity, gzip", self.canary.encode()))

    @case(44, "CR/LF in a file name", "never reflected", stored=3)
    def test_case_44_line_ends_in_a_file_name(self):
        name = b"scan%0d%0aSet-Cookie:%20" + self.canary.encode()
        length = b"Content-Length: %d" % len(CT)
        # In the target it is refused, in a field it is ignored; a line end that isn't encoded begins another field.
        for target in (FILES + b"&filename=" + name, FILES + name, b"/v1/files/" + name):
            self.assertEqual(self.ask(self.head(b"POST", target, b"Content-Type: application/dicom", length) + CT), "400 C")
        for field in (b"Content-Disposition: attachment; filename=\"%s\"" % name,
                      b"Content-Disposition: attachment; filename*=UTF-8''" + name,
                      b"Content-Disposition: attachment; filename=\"scan\r\nSet-Cookie: %s\"" % self.canary.encode()):
            self.assertEqual(self.ask(self.deposit_head(field, length) + CT), "201")
        for end in (b"\r", b"\n", b"\0"):
            field = b"Content-Disposition: attachment; filename=\"scan%sSet-Cookie: %s\"" % (end, self.canary.encode())
            self.assertEqual(self.ask(self.deposit_head(field, length) + CT), "400 C")
        return "never reflected: 400 C in the target, ignored in a field"


if __name__ == "__main__":
    unittest.main()
