"""The files that come with pydicom, on every way in: what tests/dicom/samples.tsv says of each is what a PACS and a person are
told, and what is taken comes out as it went in, byte for byte.

Many of them share a UID, being the same image written in different ways, and two are the same file.
"""
import json
import pathlib
import unittest

import pydicom

import rig
import stow

RADIOLOGY, SURGEON = f"radiology@{rig.TENANT}", f"surgeon@{rig.TENANT}"
TABLE = pathlib.Path(__file__).resolve().parents[1] / "dicom" / "samples.tsv"
REASONS = {"NotWhatItClaims": (stow.MALFORMED, "/problems/not-what-it-claims"),
           "UnsupportedTransferSyntax": (stow.UNSUPPORTED_SYNTAX, "/problems/unsupported-transfer-syntax")}


class Sample:
    """A row of the table, and the file that it is about."""

    def __init__(self, row):
        self.name, self.verdict = row.split("\t")[:2]
        self.path = rig.PYDICOM_FILES / self.name
        self.content = self.path.read_bytes()
        self.taken = self.verdict == "takes"
        self.uid = str(pydicom.dcmread(self.path, stop_before_pixels=True).SOPInstanceUID) if self.taken else None

    @property
    def reason(self):
        """(that of STOW, problem type)"""
        return REASONS[self.verdict]


SAMPLES = [Sample(row) for row in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
TAKEN = [sample for sample in SAMPLES if sample.taken]
REFUSED = [sample for sample in SAMPLES if not sample.taken]


class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene(RADIOLOGY, SURGEON)
        cls.gateway, cls.radiology, cls.surgeon = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)

    def test_there_are_69(self):
        self.assertEqual((len(SAMPLES), len(TAKEN)), (69, 55))

    # --- Ways in

    def mailbox(self, name, closes_after=0):
        self.gateway.admin("admin", "mailbox", "put", name, "--to", SURGEON, "--from", self.gateway.machine,
                           "--closes-after", str(closes_after))
        return name

    def store(self, mailbox, *samples):
        """(status, answer) of one request."""
        body = stow.instances(*(sample.content for sample in samples))
        status, _, answer = self.gateway.request("POST", f"/to/{mailbox}/dicom-web/studies", body, stow.content_type(), machine=True)
        return status, answer

    def closed(self, mailbox):
        """Its deliveries, in the order in which they were opened, once all are closed."""
        found = {}

        def all_are():
            rows = self.gateway.sql(f"SELECT id, manifest IS NOT NULL FROM delivery WHERE mailbox = '{mailbox}' ORDER BY id")
            found.update(row.split("|") for row in rows.split())
            return set(found.values()) <= {"t"}
        rig.eventually(all_are, "all are closed")
        return list(found)

    def posted(self, sample):
        return self.gateway.request("POST", "/v1/files?mailbox=" + self.gateway.mailbox(SURGEON), sample.content,
                                    "application/dicom", machine=True)

    def send(self, sample, *options, check=True):
        return self.radiology.letterbox("--json", "send", sample.path, "--to", SURGEON, *options, check=check)

    def stored(self):
        return self.gateway.sql("SELECT count(*) FROM delivery WHERE manifest IS NOT NULL").strip()

    # --- And out

    def assert_arrived(self, samples, deliveries):
        """Each is alone in its delivery, and whole: as letterbox opens it, and every tenth as stock age does."""
        self.assertEqual(len(set(deliveries)), len(samples))
        for number, (sample, delivery) in enumerate(zip(samples, deliveries)):
            with self.subTest(sample=sample.name):
                self.assertTrue(self.surgeon.letterbox("get", delivery, "-o", "-").stdout == sample.content)
                if number % 10 == 0:
                    status, _, record = self.surgeon.request("GET", "/v1/deliveries/" + delivery)
                    self.assertEqual(status, 200)
                    file, = json.loads(record)["files"]
                    _, _, sealed = self.surgeon.request("GET", "/v1/files/" + file["file"])
                    self.assertTrue(rig.age_decrypt(self.surgeon.key_file, sealed) == sample.content)

    def test_by_stow(self):
        arrived = []
        for number, sample in enumerate(SAMPLES):
            with self.subTest(sample=sample.name):
                box = self.mailbox(f"sample-{number}")
                status, answer = self.store(box, sample)
                if sample.taken:
                    self.assertEqual((status, stow.stored(answer), stow.failures(answer)), (200, [sample.uid], []))
                    arrived += self.closed(box)
                else:
                    self.assertEqual((status, stow.stored(answer)), (409, []))
                    self.assertEqual([reason for _, reason in stow.failures(answer)], [sample.reason[0]])
                    self.assertEqual(self.closed(box), [])
        self.assert_arrived(TAKEN, arrived)

    def test_by_rest(self):
        arrived = []
        for sample in SAMPLES:
            with self.subTest(sample=sample.name):
                before = sample.taken or self.stored()
                status, _, answer = self.posted(sample)
                if sample.taken:
                    self.assertEqual(status, 201, answer)
                    arrived.append(json.loads(answer)["delivery"])
                else:
                    self.assertEqual((status, json.loads(answer)["type"], self.stored()), (422, sample.reason[1], before))
        self.assert_arrived(TAKEN, arrived)

    def test_by_the_client(self):
        arrived = []
        for sample in SAMPLES:
            with self.subTest(sample=sample.name):
                before = sample.taken or self.stored()
                done = self.send(sample, check=sample.taken)
                if sample.taken:
                    sent = json.loads(done.stdout)
                    self.assertEqual([(file["type"], file["checked"]) for file in sent["files"]], [("application/dicom", True)])
                    arrived.append(sent["delivery"])
                else:
                    self.assertEqual((done.returncode, self.stored()), (1, before))
                    self.assertIn("--attach", done.stderr.decode())
        self.assert_arrived(TAKEN, arrived)

    def test_what_is_refused_goes_as_an_attachment_and_the_recipient_is_told(self):
        arrived = []
        for sample in REFUSED:
            with self.subTest(sample=sample.name):
                sent = self.radiology.letterbox("send", sample.path, "--to", SURGEON, "--attach").stdout.decode()
                self.assertIn("attachment, not checked", sent)
                arrived.append(sent.split()[1])
        self.assert_arrived(REFUSED, arrived)
        shown = {one["delivery"]: one for one in json.loads(self.surgeon.letterbox("--json", "list").stdout)["deliveries"]}
        for sample, delivery in zip(REFUSED, arrived):
            with self.subTest(sample=sample.name):
                file, = shown[delivery]["files"]
                self.assertEqual((file["index"]["name"], file["index"]["checked"]), (sample.path.name, False))
                self.assertIn("attachment, not checked", self.surgeon.letterbox("list", sample.path.name).stdout.decode())
                told = self.surgeon.letterbox("get", delivery, "-o", "-").stderr.decode()
                self.assertIn("attachment, not checked", told)

    # --- One UID, several files

    def sharing(self, name):
        uid = next(sample.uid for sample in SAMPLES if sample.name == name)
        return [sample for sample in TAKEN if sample.uid == uid]

    def test_of_nine_that_share_a_uid_an_open_delivery_takes_the_first(self):
        sharing = self.sharing("MR_small.dcm")
        broken = next(sample for sample in REFUSED if sample.name == "MR_truncated.dcm")
        self.assertEqual(len(sharing), 8)
        uid = sharing[0].uid
        self.assertEqual(str(pydicom.dcmread(broken.path, stop_before_pixels=True).SOPInstanceUID), uid)
        status, answer = self.store(self.mailbox("nine", closes_after=1), *sharing, broken)
        self.assertEqual((status, stow.stored(answer)), (202, [uid]))
        self.assertEqual(stow.failures(answer), [(uid, stow.DUPLICATE)] * 7 + [(uid, stow.MALFORMED)])
        self.assert_arrived(sharing[:1], self.closed("nine"))

    def test_once_a_delivery_is_closed_each_supersedes_the_one_before(self):
        sharing = self.sharing("MR_small.dcm")
        box = self.mailbox("one-by-one")
        for number, sample in enumerate(sharing, 1):
            self.assertEqual(self.store(box, sample)[0], 200)
            self.assertEqual(len(self.closed(box)), number)
        arrived = self.closed(box)
        self.assert_arrived(sharing, arrived)
        shown = {one["delivery"]: one for one in json.loads(self.surgeon.letterbox("--json", "list").stdout)["deliveries"]}
        files = [shown[delivery]["files"][0] for delivery in arrived]
        self.assertEqual([file["index"]["supersedes"] for file in files], [None] + [file["file"] for file in files[:-1]])

    def test_the_same_file_twice_is_one(self):
        one, other = self.sharing("SC_rgb_jpeg_app14_dcmd.dcm")
        self.assertTrue(one.content == other.content)
        box = self.mailbox("twice")
        for sample in (one, other):
            status, answer = self.store(box, sample)
            self.assertEqual((status, stow.stored(answer)), (200, [one.uid]))
            self.assert_arrived([one], self.closed(box))


if __name__ == "__main__":
    unittest.main()
