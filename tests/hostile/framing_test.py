"""Cases 1 to 27: where a body ends, RFC 9112 sections 6 and 7."""
import itertools
import unittest

from kit import CT, ENDLESS, GIB, LARGE, MIB, NOWHERE, Hostile, case


def chunk(data):
    return b"%x\r\n" % len(data) + data + b"\r\n"


class Chunks(Hostile):
    OPTIONS = ("--limits-body-bytes", str(GIB))

    def chunks(self, bad):
        """`bad` as the first chunk, and after so many good ones that rows of them are staged already."""
        head = self.deposit_head(b"Transfer-Encoding: chunked")
        return self.same(self.ask(head + good + bad) for good in (b"", chunk(LARGE)))

    @case(1, "chunk size `-1`", "400 C")
    def test_case_01_chunk_size_minus_one(self):
        return self.chunks(b"-1\r\n" + self.canary.encode())

    @case(2, "chunk size `-2`", "400 C")
    def test_case_02_chunk_size_minus_two(self):
        return self.chunks(b"-2\r\n" + self.canary.encode())

    @case(3, "chunk size `ZZZ`", "400 C")
    def test_case_03_chunk_size_no_number(self):
        return self.chunks(b"ZZZ\r\n" + self.canary.encode() + b"\r\n0\r\n\r\n")

    @case(4, "chunk size of seventeen hex digits", "400 C")
    def test_case_04_chunk_size_of_seventeen_digits(self):
        return self.same(self.chunks(size + b"\r\nhello\r\n0\r\n\r\n")
                         for size in (b"00000000000000005", b"10000000000000005"))

    @case(5, "chunk size `7fffffff`, body limit 1 GiB", "413 C")
    def test_case_05_chunk_of_2_gib(self):
        return self.chunks(b"7fffffff\r\n" + self.canary.encode())

    @case(6, "chunk size `ffffffff`, body limit 1 GiB", "413 C")
    def test_case_06_chunk_of_4_gib(self):
        return self.chunks(b"ffffffff\r\n" + self.canary.encode())

    @case(7, "chunk size `0x5`", "400 C")
    def test_case_07_chunk_size_with_prefix(self):
        return self.chunks(b"0x5\r\nhello\r\n0\r\n\r\n")

    @case(8, "chunk line ended by bare LF", "400 C")
    def test_case_08_chunk_line_ended_by_lf(self):
        return self.same(map(self.chunks, (b"5\nhello\n0\n\n", b"5;x=y\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n",
                                           b"0\r\n\n", b"0\r\nX: y\n\r\n")))

    @case(9, "chunk line ended by bare CR", "400 C")
    def test_case_09_chunk_line_ended_by_cr(self):
        return self.same(map(self.chunks, (b"5\rhello\r0\r\r", b"5;x=y\rhello\r\n", b"5\r\nhello\r0\r\n\r\n",
                                           b"0\r\n\rx", b"0\r\nX: y\rZ: z\r\n\r\n")))

    @case(10, "chunk extension of 1 MB", "400 C")
    def test_case_10_chunk_extension_of_1_mb(self):
        extension = self.canary.encode() * 50_000
        many = b"".join(b"1;" + extension[:200] + b"\r\nx\r\n" for _ in range(5000))
        return self.same(map(self.chunks, (b"5;" + extension + b"\r\nhello\r\n0\r\n\r\n", many)))

    @case(11, "trailer of 1 MB", "431 C")
    def test_case_11_trailer_of_1_mb(self):
        one = b"X: " + self.canary.encode() * 50_000 + b"\r\n"
        many = b"".join(b"X%d: " % i + self.canary.encode() + b"\r\n" for i in range(40_000))
        return self.same(self.chunks(chunk(CT) + b"0\r\n" + trailer + b"\r\n") for trailer in (one, many))

    @case(12, "chunked body cut short", "nothing stored")
    def test_case_12_chunked_body_cut_short(self):
        head = self.deposit_head(b"Transfer-Encoding: chunked")
        within_a_chunk = chunk(LARGE)[:-1000]
        bodies = (chunk(CT)[:-1000], chunk(CT), chunk(CT) + b"0\r\n", within_a_chunk, chunk(LARGE) * 3)
        for body, how in itertools.product(bodies, ("close", "fin", "reset")):
            with self.peer() as peer:
                peer.send(head + body)
                peer.cut(how)
        return "nothing stored"

    @case(14, "Content-Length `abc`", "400")
    def test_case_14_content_length_no_number(self):
        return self.lengths(b"abc", self.canary.encode(), b"0x10", b"", b"5 5", b"1e3")

    @case(15, "Content-Length `-1`", "400")
    def test_case_15_content_length_negative(self):
        return self.lengths(b"-1", b"-0")

    @case(16, "Content-Length `+5`", "400")
    def test_case_16_content_length_with_sign(self):
        return self.lengths(b"+5")

    @case(17, "Content-Length 2^63", "413")
    def test_case_17_content_length_2_to_63(self):
        return self.lengths(b"%d" % 2**63, b"%d" % (2**64 - 1))

    @case(18, "Content-Length 2^64+5", "400")
    def test_case_18_content_length_over_64_bits(self):
        return self.lengths(b"%d" % (2**64 + 5), b"9" * 1000)

    def lengths(self, *values):
        return self.same(self.ask(self.deposit_head(b"Content-Length: " + value) + CT) for value in values)

    @case(19, "two Content-Lengths that differ", "400")
    def test_case_19_two_content_lengths(self):
        return self.same(self.ask(self.deposit_head(*fields) + CT) for fields in (
            (b"Content-Length: 5", b"Content-Length: %d" % len(CT)), (b"Content-Length: %d" % len(CT), b"content-length: 5"),
            (b"Content-Length: 5, %d" % len(CT),)))

    @case(20, "Content-Length with Transfer-Encoding", "400 C")
    def test_case_20_content_length_with_transfer_encoding(self):
        fields = (b"Content-Length: 5", b"Transfer-Encoding: chunked")
        return self.same(self.ask(self.deposit_head(*order) + chunk(CT) + b"0\r\n\r\n") for order in (fields, fields[::-1]))

    def coded(self, *codings, **options):
        fields = [b"Transfer-Encoding: " + coding for coding in codings]
        return self.ask(self.deposit_head(*fields, **options) + chunk(CT) + b"0\r\n\r\n")

    # RFC 9112 section 6.3: 400, if chunked isn't the last coding. Only where it is, an unknown one before it is 501.
    @case(21, "`Transfer-Encoding: xchunked`", "400 C")
    def test_case_21_transfer_encoding_xchunked(self):
        return self.same(map(self.coded, (b"xchunked", b"chunkedx", b"identity", b"\"chunked\"", self.canary.encode())))

    @case(22, "`Transfer-Encoding: chunked, gzip`", "400 C")
    def test_case_22_transfer_encoding_chunked_gzip(self):
        self.assertEqual(self.same(map(self.coded, (b"gzip, chunked", b"chunked, chunked"))), "501 C")
        return self.same(map(self.coded, (b"chunked, gzip", b"chunked,", b"chunked;q=1"))) + "; 501 C for `gzip, chunked`"

    @case(23, "Transfer-Encoding twice", "400")
    def test_case_23_transfer_encoding_twice(self):
        return self.same((self.coded(b"chunked", b"chunked"), self.coded(b"gzip", b"chunked")))

    @case(24, "Transfer-Encoding on HTTP/1.0", "400")
    def test_case_24_transfer_encoding_on_http_1_0(self):
        return self.coded(b"chunked", version=b"HTTP/1.0")

    @case(25, "space before the colon", "400")
    def test_case_25_space_before_the_colon(self):
        return self.same(self.ask(self.deposit_head(field, b"Content-Length: %d" % len(CT)) + CT) for field in (
            b"Content-Length : 5", b"Transfer-Encoding\t: chunked", b"X-%s : y" % self.canary.encode()))

    @case(26, "body shorter than Content-Length", "nothing stored")
    def test_case_26_body_shorter_than_content_length(self):
        for body, how in itertools.product((CT, LARGE), ("close", "fin", "reset")):
            with self.peer() as peer:
                peer.send(self.deposit_head(b"Content-Length: %d" % (len(body) + 1)) + body)
                peer.cut(how)
        return "nothing stored"

    @case(27, "bytes after Content-Length", "parsed as the next request or C", stored=2)
    def test_case_27_bytes_after_content_length(self):
        deposit = self.deposit_head(b"Content-Length: %d" % len(CT)) + CT
        outcomes = []
        for rest in (self.head(b"GET", NOWHERE), b"hello " + self.canary.encode() + b"\r\n\r\n"):
            with self.peer() as peer:
                peer.send(deposit + rest)
                outcomes += [self.outcome(peer), self.outcome(peer)]
        self.assertEqual(outcomes, ["201", "404", "201", "400 C"])
        return "parsed as the next request: 404, and 400 C where it's none"


class EndlessChunks(Hostile):
    OPTIONS = ("--limits-body-bytes", str(4 * MIB))

    @case(13, "endless 1-byte chunks", "413 or 408")
    def test_case_13_endless_chunks_of_one_byte(self):
        # Well-formed and fast: only the limit, here of 4 MiB, ends it. Case 46 has the slow ones.
        block = b"1\r\nx\r\n" * 10_000
        with self.peer() as peer:
            peer.send_listening(itertools.chain([self.deposit_head(b"Transfer-Encoding: chunked"), chunk(ENDLESS)],
                                                itertools.repeat(block)))
            return self.outcome(peer)


if __name__ == "__main__":
    unittest.main()
