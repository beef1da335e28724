"""Cases 77 to 97: DICOM files, PS3.5 and PS3.10. docs/dicom-files.md states what is decided here.

Most are sent twice: as a file to POST /v1/files, where the answer is a 422, and as the only part of a STOW request,
where it is a 409 with that instance's reason.
"""
import itertools
import struct
import unittest
import zipfile

from kit import DICOM, MIB, Hostile, case, dicom, stow

PRIVATE = 0x00091010
BIG_SEQUENCE = 0x00081140


def with_element(canary, tag, content, **about):
    """A good file but for the element `tag`, which is `content`."""
    return dicom.file(canary, extra={tag: content}, **about)


class Files(Hostile):
    def refused(self, file, reason=stow.MALFORMED):
        """What POST /v1/files says to it, having seen that STOW says the same for the instance."""
        answer = self.stow(stow.part(file))
        self.assertEqual(answer.status, 409)
        self.assertEqual([why for _, why in stow.failures(answer.body)], [reason])
        return str(self.post(file).status)

    def all_refused(self, files, **options):
        return self.same(self.refused(file, **options) for file in files)

    # --- Structure

    @case(77, "7,000 and 100,000 nested sequences", "422")
    def test_case_77_nested_sequences(self):
        return self.all_refused(nested for depth in (65, 7_000, 100_000) for nested in self.nested(depth))

    def nested(self, depth):
        """`depth` sequences within one another, in each way of writing them."""
        for syntax, vr in ((dicom.EXPLICIT, "SQ"), (dicom.EXPLICIT, "UN"), (dicom.IMPLICIT, "SQ"), (dicom.BIG_ENDIAN, "SQ")):
            within = dicom.IMPLICIT if vr == "UN" else syntax  # PS3.5 section 6.2.2
            begun = dicom.header(BIG_SEQUENCE, "SQ", dicom.UNDEFINED, within) + dicom.header(
                dicom.ITEM, "", dicom.UNDEFINED, within)
            ended = dicom.header(dicom.END_OF_ITEM, "", 0, within) + dicom.header(dicom.END_OF_SEQUENCE, "", 0, within)
            first = dicom.header(BIG_SEQUENCE, vr, dicom.UNDEFINED, syntax) + begun[-8:]
            for end in (ended * depth, b""):
                yield with_element(self.canary, BIG_SEQUENCE, first + begun * (depth - 1) + end, syntax=syntax)
        # With defined lengths, from the inside out: the same bytes, but for the lengths, without delimiters.
        sizes = range(8, 20 * depth, 20)
        defined = b"".join(dicom.header(BIG_SEQUENCE, "SQ", size) + dicom.header(dicom.ITEM, "", size - 8)
                           for size in reversed(sizes))
        yield with_element(self.canary, BIG_SEQUENCE, defined)
        yield dicom.file(self.canary, syntax=dicom.DEFLATED, extra={BIG_SEQUENCE: (
            dicom.header(BIG_SEQUENCE, "SQ", dicom.UNDEFINED) + dicom.header(dicom.ITEM, "", dicom.UNDEFINED)) * depth})

    @case(78, "deflate bomb", "422")
    def test_case_78_deflate_bomb(self):
        # A thousandfold, 256 MiB each: one value, many small elements, an endless sequence, what stands behind a good file.
        size = 256 * MIB
        begin = b"".join(content for tag, content in sorted(dicom.image(self.canary).items()) if tag < 0x00100000)
        small = dicom.element(0x00080005, "CS", "ISO_IR 100")
        good = b"".join(content for _, content in sorted(dicom.image(self.canary).items()))
        return self.all_refused(dicom.part10(content, dicom.DEFLATED, instance="2.25.78") for content in (
            begin + dicom.header(PRIVATE, "UN", size) + bytes(size), begin + dicom.header(PRIVATE, "UN", 0xFFFFFFF0) + bytes(size),
            begin + small * (size // len(small)),
            begin + dicom.header(BIG_SEQUENCE, "SQ", dicom.UNDEFINED) + dicom.item() * (size // 8),
            good + bytes(size)))

    @case(79, "element length FFFFFFFE", "422")
    def test_case_79_element_length_fffffffe(self):
        length = 0xFFFFFFFE
        return self.all_refused(itertools.chain(
            (with_element(self.canary, tag, dicom.header(tag, vr, length) + bytes(100))
             for tag, vr in ((PRIVATE, "UN"), (PRIVATE, "OB"), (BIG_SEQUENCE, "SQ"), (PRIVATE, "UT"), (dicom.PIXELS, "OW"))),
            (dicom.file(self.canary, syntax=dicom.IMPLICIT, extra={tag: dicom.header(tag, "", length, dicom.IMPLICIT)})
             for tag in (PRIVATE, BIG_SEQUENCE, dicom.PIXELS)),
            [with_element(self.canary, BIG_SEQUENCE, dicom.sequence(BIG_SEQUENCE, dicom.item(b"", length=length))),
             with_element(self.canary, BIG_SEQUENCE, dicom.sequence(BIG_SEQUENCE, dicom.item(b"", length=length),
                                                                    length=dicom.UNDEFINED)),
             dicom.file(self.canary, syntax=dicom.JPEG_BASELINE, extra={dicom.PIXELS: dicom.sequence(
                 dicom.PIXELS, dicom.item(), dicom.item(b"abcd", length=length), length=dicom.UNDEFINED, vr="OB")})]))

    @case(80, "undefined length outside SQ, OB, OW, UN", "422")
    def test_case_80_undefined_length_elsewhere(self):
        ended = dicom.item() + dicom.header(dicom.END_OF_SEQUENCE, "", 0)
        return self.all_refused(with_element(self.canary, PRIVATE, dicom.header(PRIVATE, vr, dicom.UNDEFINED) + ended)
                                for vr in ("UT", "UC", "UR", "OD", "OF", "OL", "OV", "SV", "UV"))

    @case(81, "one file cut at every byte", "422 each time")
    def test_case_81_cut_at_every_byte(self):
        whole = dicom.file(self.canary, study="2.25.8101", series="2.25.8102", instance="2.25.8103", pixels=bytes(8), rows=2,
                           columns=2)
        head = self.deposit_head()
        with self.peer() as peer:
            for length in range(1, len(whole)):
                peer.send(head[:-2] + b"Content-Length: %d\r\n\r\n" % length + whole[:length])
                self.assertEqual(self.checked(peer.answer()).status, 422, f"cut at {length}")
        # All of them in one STOW request, and the empty file too.
        answer = self.stow(*(stow.part(whole[:length]) for length in range(len(whole))))
        self.assertEqual((answer.status, stow.stored(answer.body)), (409, []))
        self.assertEqual({why for _, why in stow.failures(answer.body)}, {stow.MALFORMED})
        self.assertEqual(len(stow.failures(answer.body)), len(whole))
        return f"422 each time; 409 for all {len(whole)} in one STOW request"

    @case(82, "no preamble", "422")
    def test_case_82_no_preamble(self):
        whole = dicom.file(self.canary)
        return self.all_refused((whole[128:], whole[132:], whole[132 + 12 + 142:], bytes(127) + whole[128:],
                                 bytes(129) + whole[128:], bytes(128) + b"dicm" + whole[132:]))

    @case(83, "no transfer syntax", "422")
    def test_case_83_no_transfer_syntax(self):
        elements = dicom.image(self.canary)
        self.assertEqual(self.refused(dicom.part10(elements, "1.2.840.10008.1.2.9999"), stow.UNSUPPORTED_SYNTAX), "422")
        return self.all_refused((dicom.part10(elements, syntax=None), dicom.part10(elements, syntax="")))

    # --- Lengths and VRs: what docs/dicom-files.md states

    @case(84, "wrong group length", "422")
    def test_case_84_wrong_group_length(self):
        elements = dicom.image(self.canary)
        right = len(dicom.meta(instance=dicom.value_of(elements[dicom.SOP_INSTANCE]))) - 12
        return self.all_refused(dicom.part10(elements, group_length=length) for length in (
            0, 1, right - 1, right - 2, right + 1, right + 2, right + 8, 0x7FFFFFFF, 0xFFFFFFFF))

    @case(85, "odd length", "stored byte for byte")
    def test_case_85_odd_length(self):
        odd = dicom.header(PRIVATE, "UN", 3) + b"odd"
        self.arrive([dicom.file(self.canary, extra=extra) for extra in (
            {dicom.PATIENT: dicom.header(dicom.PATIENT, "PN", 3) + b"A^B"}, {PRIVATE: odd},
            {BIG_SEQUENCE: dicom.sequence(BIG_SEQUENCE, dicom.item(odd))},
            {dicom.STUDY: dicom.header(dicom.STUDY, "UI", 9) + b"2.25.1985"},
            {dicom.PIXELS: dicom.header(dicom.PIXELS, "OW", 127) + bytes(127)})])
        return "stored byte for byte"

    @case(86, "bad VR", "422")
    def test_case_86_bad_vr(self):
        def with_vr(vr, rest):
            return with_element(self.canary, PRIVATE, struct.pack("<HH", PRIVATE >> 16, PRIVATE & 0xFFFF) + vr + rest)

        # Two capital letters may be a VR that is still to come, and those have a long header (PS3.5 section 6.2).
        self.arrive([with_vr(vr, struct.pack("<HI", 0, 4) + b"abcd") for vr in (b"XX", b"ZZ", b"QQ")])
        self.assertEqual(self.refused(with_vr(b"XX", struct.pack("<H", 4) + b"abcd")), "422")
        refused = self.all_refused(with_vr(vr, b"\4\0abcd") for vr in (b"??", b"\0\0", b"  ", b"un", b"U1", b"\xff\xfe"))
        return refused + "; two capital letters are taken for a VR to come"

    # --- UIDs

    NAMING = (dicom.SOP_CLASS, dicom.SOP_INSTANCE, dicom.STUDY, dicom.SERIES)

    def named(self, uid):
        """A file for each place of a UID that names it."""
        for tag in self.NAMING:
            yield with_element(self.canary, tag, dicom.element(tag, "UI", uid))

    @case(87, "UID `../../etc/x`", "422")
    def test_case_87_uid_with_a_path(self):
        return self.all_refused(file for uid in ("../../etc/x", "1.2/../3", "..", "/", "1.2.\\3") for file in self.named(uid))

    @case(88, "UID with `;$()`", "422")
    def test_case_88_uid_with_shell_characters(self):
        return self.all_refused(file for uid in ("1.2;$(id)", "1.2`id`", "1.2'--", "1.2\r\nX: y", "1.2\0.3", "1..2", ".1", "1.",
                                                 "1.2 3", " 1.2", "１.２")
                                for file in self.named(uid))

    @case(89, "UID of 65 characters", "422")
    def test_case_89_uid_of_65_characters(self):
        long = "1." + "2" * 63
        self.deliveries.append(4)
        for uid in (long[:64], "2.25.89\0", "2.25.88 ", "1.02.003"):  # fine; with the padding and zeros that are about
            self.assertEqual(self.stow(stow.part(dicom.file(self.canary, study=self.study, extra={
                dicom.SOP_INSTANCE: dicom.header(dicom.SOP_INSTANCE, "UI", len(dicom.padded(uid, "UI"))) +
                                    dicom.padded(uid, "UI")}))).status, 200, uid)
        return self.all_refused(file for uid in (long, long + "\0", "1" * 1024, "") for file in self.named(uid))

    # --- What is valid, and stays as it is

    @case(90, "PE, ELF or HTML in the preamble", "stored as it is, ciphertext only, `nosniff`")
    def test_case_90_program_in_the_preamble(self):
        preambles = (b"MZ\x90\0" + bytes(56) + b"\x80\0\0\0", b"\x7fELF\2\1\1", b"#!/bin/sh\nid #", b"%PDF-1.4", b"II*\0\x08\0\0\0",
                     b"<html><script>" + self.canary.encode() + b"</script>")
        files = [dicom.file(self.canary, preamble=preamble.ljust(128, b"\0")) for preamble in preambles]
        for fields, sealed, _ in self.arrive(files):
            self.assertEqual(fields["content-type"], "application/age")
            self.assertEqual(fields["x-content-type-options"], "nosniff")
            self.assertTrue(sealed.startswith(b"age-encryption.org/v1\n"))
        return "stored as it is, ciphertext only, `nosniff`"

    @case(91, "same UID, same bytes again, same open delivery", "200, nothing new")
    def test_case_91_same_instance_again(self):
        file = dicom.file(self.canary, study=self.study, instance="2.25.91")
        self.deliveries.append(1)
        for again in ([file], [file], [file, file]):
            answer = self.stow(*map(stow.part, again))
            self.assertEqual((answer.status, stow.stored(answer.body)), (200, ["2.25.91"] * len(again)))
        return "200, nothing new"

    @case(92, "same UID, other bytes, same open delivery", "failure 0111")
    def test_case_92_same_instance_with_other_bytes(self):
        one, other = (dicom.file(self.canary + name, study=self.study, instance="2.25.92") for name in ("", "x"))
        self.assertEqual(self.stow(stow.part(one)).status, 200)
        self.deliveries.append(1)
        for again in ([other], [other, other]):
            answer = self.stow(*map(stow.part, again))
            self.assertEqual((answer.status, stow.failures(answer.body)), (409, [("2.25.92", stow.DUPLICATE)] * len(again)))
        return "failure 0111"

    @case(93, "body's study ≠ URL's study", "failure for that instance")
    def test_case_93_another_study_than_the_urls(self):
        right = dicom.file(self.canary, study=self.study, instance="2.25.930")
        wrong = dicom.file(self.canary, instance="2.25.931")
        answer = self.stow(stow.part(wrong), stow.part(right), study=self.study)
        self.deliveries.append(1)
        self.assertEqual((answer.status, stow.stored(answer.body)), (202, ["2.25.930"]))
        self.assertEqual([uid for uid, _ in stow.failures(answer.body)], ["2.25.931"])
        self.assertEqual(self.stow(stow.part(wrong), study=self.study).status, 409)
        return "failure for that instance"

    @case(94, "rows × columns overflow", "never decoded")
    def test_case_94_rows_times_columns_overflow(self):
        frames = dicom.element(dicom.FRAMES, "IS", str(2**31 - 1))
        self.arrive([dicom.file(self.canary, rows=65535, columns=65535, extra=extra) for extra in ({}, {dicom.FRAMES: frames})] +
                    [dicom.file(self.canary, rows=0, columns=0)])
        return "never decoded: stored byte for byte"

    @case(95, "broken RLE", "never decoded")
    def test_case_95_broken_rle(self):
        headers = (b"\xff" * 64, struct.pack("<16I", 15, *[0xFFFFFFF0] * 15), struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81" * 99,
                   b"", b"\0")
        self.arrive([dicom.file(self.canary, syntax=dicom.RLE, extra={dicom.PIXELS: dicom.fragments(content)})
                     for content in headers])
        return "never decoded: stored byte for byte"

    @case(96, "ZIP", "415")
    def test_case_96_zip(self):
        place = self.gateway.data.parent / "case-96.zip"
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("CT.dcm", dicom.file(self.canary))
        content = place.read_bytes()
        place.unlink()
        for claimed in (DICOM, "image/jpeg", "image/png"):
            self.assertEqual(self.post(content, claimed).status, 422)
        self.assertEqual(self.stow(stow.part(content, content_type="application/zip")).status, 415)
        return self.same(str(self.post(content, claimed).status) for claimed in ("application/zip", "application/dicom+zip"))

    @case(97, "character sets, big endian, private sequences", "byte-exact")
    def test_case_97_is_byte_exact(self):
        charset = 0x00080005
        names = {"ISO_IR 100": "Müller^Jürgen".encode("latin-1"), "ISO_IR 192": "Ωmega^Žofie".encode(), "GB18030": "王^小东".encode("gb18030"),
                 "\\ISO 2022 IR 87": "Yamada^Tarou=".encode() + "山田^太郎".encode("iso2022_jp"), "ISO_IR 138": "שרון^דבורה".encode("iso8859-8"),
                 "NO_SUCH_SET": b"\xff\xfe\x80^\0", "ISO_IR 192\\ISO 2022 IR 149": b"\x1b$)C\xb1\xe8^\xc3"}
        files = [dicom.file(extra={charset: dicom.element(charset, "CS", name), dicom.PATIENT: dicom.element(dicom.PATIENT, "PN", who)})
                 for name, who in names.items()]
        creator, private = dicom.element(0x00090010, "LO", self.canary), dicom.element(0x00091001, "UN", b"\0\1\2")
        within = dicom.item(dicom.element(0x00091002, "LO", "x", dicom.IMPLICIT), dicom.IMPLICIT)
        for syntax in (dicom.IMPLICIT, dicom.EXPLICIT, dicom.BIG_ENDIAN, dicom.DEFLATED):
            files.append(dicom.file(self.canary, syntax=syntax))
        for nested in (dicom.sequence(PRIVATE, dicom.item(creator + private), dicom.item(length=dicom.UNDEFINED)),
                       dicom.sequence(PRIVATE, dicom.item(creator + private, length=dicom.UNDEFINED), length=dicom.UNDEFINED),
                       dicom.sequence(PRIVATE, within, length=dicom.UNDEFINED, vr="UN"),
                       dicom.sequence(PRIVATE, within, vr="UN"), dicom.sequence(PRIVATE), dicom.sequence(PRIVATE, length=dicom.UNDEFINED)):
            files.append(dicom.file(self.canary, extra={0x00090010: creator, PRIVATE: nested}))
        self.arrive(files)
        return "byte-exact"


if __name__ == "__main__":
    unittest.main()
