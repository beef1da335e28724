"""Cases 63 to 76: multipart/related, RFC 2046 section 5.1 and PS3.18 section 10.5."""
import itertools
import unittest

from kit import MIB, Hostile, case, dicom, stow


class Bodies(Hostile):
    def outcome_of(self, body, content_type=None):
        """The status. Whether the connection closes after it hangs on how much of the body was still to come."""
        return str(self.stow_body(body, content_type or stow.content_type()).status)


class Parts(Bodies):

    @case(63, "no boundary", "400")
    def test_case_63_no_boundary(self):
        body = stow.instances(dicom.file(self.canary))
        related = 'multipart/related; type="application/dicom"'
        return self.same(self.outcome_of(body, related + parameter) for parameter in (
            "", ";", "; boundary", "; boundary=", '; boundary=""', "; boundary= ", f"; bounds={stow.BOUNDARY}",
            f"; boundary={stow.BOUNDARY}; boundary={stow.BOUNDARY}", f"; boundary={stow.BOUNDARY}; boundary=other",
            f'; boundary="{stow.BOUNDARY}'))

    def bounded(self, boundary):
        return self.outcome_of(stow.instances(self.instance, boundary=boundary), stow.content_type(boundary))

    @case(64, "boundary of 71 characters", "400")
    def test_case_64_boundary_of_71_characters(self):
        self.instance = dicom.file(self.canary)
        self.assertEqual(self.bounded("b" * 70), "200")
        self.deliveries.append(1)
        refused = self.bounded("b" * 71)
        # Nor what RFC 2046 has no boundary end with, or has in none.
        self.assertEqual(self.same(map(self.bounded, ("b ", "b;$()", "b\\\\b", "b\tb", "b@b"))), refused)
        return refused

    @case(65, "boundary of 4 KB", "400")
    def test_case_65_boundary_of_4_kb(self):
        self.instance = dicom.file(self.canary)
        return self.same(self.bounded((self.canary * 1000)[:length]) for length in (4096, 6000))

    @case(67, "part heads of 10 KB × 10,000", "431")
    def test_case_67_part_heads_of_10_kb(self):
        long = f"X-Long: {(self.canary * 1000)[:10_000]}"
        many = [f"X-{i}: {self.canary}" for i in range(400)]
        one, split = stow.part(self.canary.encode(), long), stow.part(self.canary.encode(), *many)
        nameless = stow.part(b"", (self.canary * 1000)[:10_000], content_type=None)
        # A good part, whose rows are staged, and only then what is wrong.
        good = stow.part(dicom.large(3 * MIB, patient=self.canary))
        return self.same(self.outcome_of(stow.body(*parts)) for parts in (
            itertools.repeat(one, 10_000), [split], [nameless], [good, one], [good, split]))

    @case(68, "no final boundary", "400")
    def test_case_68_no_final_boundary(self):
        whole = stow.instances(dicom.file(self.canary), dicom.large(3 * MIB, patient=self.canary), end=b"--")
        end = len(f"\r\n--{stow.BOUNDARY}--")
        cut = [self.outcome_of(whole[:-missing]) for missing in range(1, end + 8)]
        # Other ends, of which none is one.
        ends = [self.outcome_of(whole[:-2] + other) for other in (b"\r\n", b"-\r\n", b" --\r\n", b"\r\n--", b"\r--", b"-x")]
        return self.same(cut + ends)

    # The first study that is stored starts the threads which every later one uses too.
    @case(69, "the boundary's text inside pixel data, not at a line's start", "stored byte for byte", 24 * MIB)
    def test_case_69_boundary_inside_pixel_data(self):
        dash = b"--" + stow.BOUNDARY.encode()
        texts = [dash, b"x" + dash, dash + b"--", b"\n" + dash, b"\r" + dash, b"\n\r" + dash, b"\r\n\r" + dash, b"\r\n " + dash,
                 b"\r\n-" + dash, b"\r\n" + dash[:-1] + b"x", b"\r\n" + dash[1:], b"\r\n" + dash.upper(), b"\r\n\r\n--"]
        # Almost delimiters, one right after the other, and at the very end.
        almost = b"".join(b"\r\n" + dash[:length] for length in range(len(dash)))
        files = [dicom.file(self.canary, pixels=dicom.padded(text + filling)) for text in texts + [almost]
                 for filling in (b"", b"-" * 100)]
        self.arrive(files)
        refused = self.outcome_of(stow.instances(dicom.file(self.canary, pixels=b"\r\n" + dash + b"x" * 101)))
        self.assertEqual(refused, "400")
        return f"stored byte for byte; {refused} at a line's start"

    @case(70, "boundary split at every read offset", "200")
    def test_case_70_boundary_split_at_every_offset(self):
        body = stow.instances(dicom.file(self.canary), dicom.file(self.canary))
        delimiters = [at for at in range(len(body)) if body.startswith(b"--" + stow.BOUNDARY.encode(), at)]
        around = sorted({at for start in delimiters for at in range(max(1, start - 3), start + len(stow.BOUNDARY) + 6)
                         if at < len(body)})
        head = self.stow_head(stow.content_type(), b"Transfer-Encoding: chunked")
        self.deliveries += [1, 1]  # the same instances again and again: nothing new is stored
        with self.peer() as peer:
            for pieces in [(body[:at], body[at:]) for at in around] + [[body[i:i + 1] for i in range(len(body))]]:
                peer.send(head)
                for piece in pieces:
                    peer.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
                peer.send(b"0\r\n\r\n")
                self.assertEqual(self.checked_stow(peer.answer()).status, 200)
        # And across the end of what the gateway reads at once, 256 KiB, byte by byte.
        first = len(stow.instances(dicom.file(self.canary)))
        return self.same(self.outcome_of(body_at) for body_at in (
            stow.body(*parts, preamble=b"x" * (256 * 1024 - first + shift) + b"\r\n")
            for parts in [self.parts_of(body)] for shift in range(-8, len(stow.BOUNDARY) + 8)))

    @staticmethod
    def parts_of(body):
        return [one[2:-2] for one in body.split(b"--" + stow.BOUNDARY.encode())[1:-1]]

    @case(71, "nested multipart", "400")
    def test_case_71_nested_multipart(self):
        inner = stow.instances(dicom.file(self.canary), boundary="inner")
        return self.same(self.outcome_of(stow.body(*before, stow.part(inner, content_type=outer))) for before, outer in (
            itertools.product(([], [stow.part(dicom.large(3 * MIB))]),
                              (stow.content_type("inner"), "multipart/mixed; boundary=inner", "Multipart/Form-Data; boundary=b",
                               f"multipart/related; boundary={stow.BOUNDARY}"))))

    @case(72, "no part", "400")
    def test_case_72_no_part(self):
        dash = b"--" + stow.BOUNDARY.encode()
        return self.same(map(self.outcome_of, (
            b"", dash + b"--", dash + b"--\r\n", b"\r\n" + dash + b"--\r\n", b"preamble\r\n" + dash + b"--\r\nepilogue",
            b"\r\n", self.canary.encode(), dash + b"x\r\n" + dash + b"--\r\n")))

    @case(73, "`filename=../../x`", "ignored")
    def test_case_73_file_name_of_a_part(self):
        named = [f'Content-Disposition: attachment; filename="../../{self.canary}"',
                 f"Content-Disposition: form-data; name=file; filename*=UTF-8''..%2f..%2f{self.canary}",
                 f"Content-Location: ../../{self.canary}", f"Content-ID: <../../{self.canary}>"]
        answer = self.stow(*(stow.part(dicom.file(study=self.study), field) for field in named))
        self.assertEqual(answer.status, 200)
        self.deliveries.append(len(named))
        for place in (self.gateway.data, self.gateway.data.parent):
            self.assertFalse(list(place.rglob(f"*{self.canary}*")))
        return "ignored"

    @case(74, "one bad part of three", "202 with FailedSOPSequence")
    def test_case_74_one_bad_part_of_three(self):
        good = [dicom.file(self.canary, study=self.study, instance=uid) for uid in ("2.25.741", "2.25.743")]
        bad = dicom.file(self.canary, study=self.study, instance="2.25.742")[:-1]
        answer = self.stow(*map(stow.part, (good[0], bad, good[1])))
        self.deliveries.append(2)
        self.assertEqual((answer.status, stow.stored(answer.body), stow.failures(answer.body)),
                         (202, ["2.25.741", "2.25.743"], [("2.25.742", stow.MALFORMED)]))
        return "202 with FailedSOPSequence"

    @case(75, "all bad", "409")
    def test_case_75_all_bad(self):
        bad = [dicom.file(self.canary, instance="2.25.75")[:-1], self.canary.encode(), dicom.file(self.canary)[:-20], b""]
        answer = self.stow(*map(stow.part, bad))
        self.assertEqual(len(stow.failures(answer.body)), 4)
        self.assertEqual(stow.stored(answer.body), [])
        return str(answer.status)

    @case(76, "wrong part type", "415")
    def test_case_76_wrong_part_type(self):
        file = dicom.file(self.canary)
        of_request = [self.outcome_of(stow.instances(file), kind) for kind in (
            stow.content_type(part_type="text/html"), stow.content_type(part_type=self.canary), "application/dicom", "text/html",
            f'multipart/form-data; boundary="{stow.BOUNDARY}"', f'multipart/mixed; boundary="{stow.BOUNDARY}"')]
        of_part = [self.outcome_of(stow.body(stow.part(file, content_type=kind))) for kind in (
            "text/html", "image/svg+xml", "application/x-" + self.canary, "application/zip", "application/dicomx")]
        return self.same(of_request + of_part)


class Limits(Bodies):
    # Beside the default of 20,000.
    OPTIONS = ("--stow-parts", "50")

    def test_configured(self):
        good = [dicom.file(study=self.study) for _ in range(51)]
        before = self.shelf()
        self.assertEqual(self.outcome_of(stow.instances(*good)), "413")
        self.expect_shelf(before, [])


class Many(Bodies):
    @case(66, "100,000 parts", "413")
    def test_case_66_100_000_parts(self):
        return self.same(self.outcome_of(stow.body(*itertools.repeat(one, 100_000))) for one in (
            stow.part(b""), stow.part(self.canary.encode())))


if __name__ == "__main__":
    unittest.main()
