"""What letters hold, from who sends them to who reads them: checked files, photos and what they show, attachments,
studies across deliveries; against the real gateway."""
import io
import json
import pathlib
import sys
import tempfile
import unittest

import pydicom
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import rig  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "dicom"))
import judges  # noqa: E402

ADA, BOB = "ada@hospital.example", "bob@hospital.example"
LABEL = ("--patient", "Müller^Eva", "--patient-id", "4711", "--born", "1970-12-31", "--body-site", "hand", "--side", "left",
         "--note", "day 3\nno swelling", "--consent", "written")
# pydicom's own, without a preamble.
NO_PREAMBLE = rig.PYDICOM_FILES / "no_meta.dcm"


def photo(orientation=1, size=(64, 48)):
    """A JPEG as a camera makes it."""
    image = Image.new("RGB", size)
    image.putdata([((x * 5) % 256, (y * 7) % 256, (x * y) % 256) for y in range(size[1]) for x in range(size[0])])
    tags = Image.Exif()
    tags[0x010F] = rig.CANARY  # Make
    tags[0x0112] = orientation
    tags[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0)}  # where it was taken
    tags[0x8769] = {0x9003: "2026:11:23 17:30:00", 0x9011: "+01:00"}
    out = io.BytesIO()
    image.save(out, "JPEG", exif=tags, comment=rig.CANARY.encode())
    return out.getvalue()


def pixels(content):
    with Image.open(io.BytesIO(content)) as image:
        return image.size, image.tobytes()


class Contents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene(ADA, BOB)
        cls.gateway, cls.ada, cls.bob = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)
        cls.place = cls.gateway.data.parent

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="", dir=self.place))
        self.folder.chmod(0o711)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def send(self, *files, options=()):
        return json.loads(self.ada.letterbox("--json", "send", *files, "--to", BOB, *options).stdout)

    def fails(self, code, *arguments, person=None, **options):
        done = (person or self.ada).letterbox(*arguments, check=False, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr.decode()

    def listed(self, *arguments):
        return json.loads(self.bob.letterbox("--json", "list", *arguments).stdout)

    def delivery(self, sent):
        return next(one for one in self.listed()["deliveries"] if one["delivery"] == sent["delivery"])

    def get(self, identifier):
        """(path, what is said of it) of each file."""
        return self.bob.got(identifier)

    # --- Photos

    def test_a_photo_without_a_word_of_whose_it_is_is_not_sent(self):
        before = self.gateway.sql("SELECT count(*) FROM delivery")
        picture = self.file("p.jpg", photo())
        self.assertIn("--no-patient", self.fails(2, "send", rig.CT, picture, "--to", BOB))
        self.assertIn("--no-patient", self.fails(2, "send", picture, "--to", BOB, "--side", "left"))
        self.assertIn("photo", self.fails(2, "send", picture, "--to", BOB, "--seal-at-gateway", *LABEL))
        self.assertIn("photo", self.fails(2, "send", picture, "--to", BOB, "--seal-at-gateway"))
        self.assertEqual(self.gateway.sql("SELECT count(*) FROM delivery"), before)
        self.fails(2, "send", "-", "--to", BOB, input=photo())

    def test_what_is_said_of_a_photo_needs_a_photo(self):
        self.assertIn("no photo", self.fails(2, "send", rig.CT, "--to", BOB, "--no-patient"))
        self.assertIn("no photo", self.fails(2, "send", rig.CT, "--to", BOB, "--as-dicom"))

    def test_a_photo_arrives_pixel_by_pixel_with_its_label_and_without_its_metadata(self):
        original = photo()
        sent = self.send(self.file("wound.jpeg", original), options=LABEL)
        self.assertEqual((sent["files"][0]["type"], sent["files"][0]["checked"]), ("image/jpeg", True))
        self.assertIn("EXIF", sent["files"][0]["dropped"])

        said = self.delivery(sent)["files"][0]["index"]
        self.assertEqual(said["label"], {
            "patient": {"name": "Müller^Eva", "id": "4711", "born": "1970-12-31"}, "site": "hand", "side": "left",
            "note": "day 3\nno swelling", "consent": "written"})
        self.assertEqual((said["name"], said["captured"]), ("wound.jpeg", "2026-11-23T17:30:00+01:00"))
        self.assertEqual(said["dropped"], sent["files"][0]["dropped"])

        (path, index), = self.get(sent["delivery"])
        self.assertEqual((path.name, index), ("wound.jpg", said))
        self.assertEqual(pixels(path.read_bytes()), pixels(original))
        self.assertNotIn(rig.CANARY.encode(), path.read_bytes())
        with Image.open(path) as image:
            self.assertEqual(dict(image.getexif()), {})

        shown = self.bob.letterbox("list", "wound").stdout.decode()
        for words in ("wound.jpeg, JPEG", "Müller, Eva, 4711, born 1970-12-31; hand; left; taken 2026-11-23T17:30:00+01:00",
                      "consent: written\n    day 3\n    no swelling\n    without EXIF"):
            self.assertIn(words, shown)
        told = self.ada.letterbox("send", path, "--to", BOB, *LABEL).stdout.decode()
        self.assertNotIn("without", told)  # it is clean by now

    def test_who_has_the_gateway_seal_a_photo_is_told_what_was_dropped(self):
        told = self.gateway.deposit(photo(), "image/jpeg", BOB)
        index = self.delivery(told)["files"][0]["index"]
        self.assertIn("EXIF", told["dropped"])
        self.assertEqual(index["dropped"], told["dropped"])
        self.assertIsNone(index.get("label"), "there is no place for one in such a request")

    def test_no_patient_is_a_word_of_its_own(self):
        sent = self.send(self.file("room.jpg", photo()), options=("--no-patient",))
        self.assertIsNone(self.delivery(sent)["files"][0]["index"]["label"]["patient"])
        self.assertIn("no patient", self.bob.letterbox("list", "room").stdout.decode())

    # --- Photos as DICOM

    def test_photos_become_one_series_of_dicom(self):
        first, second = self.file("a.jpg", photo()), self.file("b.png", b"")
        Image.open(first).save(second)
        sent = self.send(first, second, options=("--as-dicom", *LABEL))
        self.assertEqual([file["type"] for file in sent["files"]], ["application/dicom"] * 2)
        self.assertIn("EXIF", sent["files"][0]["dropped"])
        study = next(study for study in self.listed()["studies"]
                     if sent["delivery"] in [part["delivery"] for part in study["deliveries"]])
        self.assertEqual((study["patient"], study["instances"], len(study["series"])),
                         ({"name": "Müller^Eva", "id": "4711", "born": "1970-12-31"}, 2, 1))
        paths = [path for path, _ in self.get(sent["delivery"])]
        self.assertEqual([judges.complaints(path) for path in paths], [[], []])
        datasets = [pydicom.dcmread(path) for path in paths]
        self.assertEqual({dataset.InstanceNumber for dataset in datasets}, {1, 2})
        for dataset in datasets:
            self.assertEqual(dataset.SOPClassUID, "1.2.840.10008.5.1.4.1.1.77.1.4")
            self.assertEqual(str(dataset.PatientName), "Müller^Eva")

    def test_a_worklist_says_whose_it_is_and_which_study(self):
        entry = self.file("worklist.json", json.dumps([{
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou"}]}, "00100020": {"vr": "LO", "Value": ["815"]},
            "00100030": {"vr": "DA", "Value": ["19700101"]}, "00080050": {"vr": "SH", "Value": ["A-1"]},
            "0020000D": {"vr": "UI", "Value": ["2.25.77"]}}]).encode())
        picture = self.file("p.jpg", photo())
        sent = self.send(picture, options=("--as-dicom", "--worklist", entry, "--side", "right"))
        (path, index), = self.get(sent["delivery"])
        dataset = pydicom.dcmread(path)
        self.assertEqual((dataset.StudyInstanceUID, index["study"], dataset.AccessionNumber, str(dataset.PatientName)),
                         ("2.25.77", "2.25.77", "A-1", "Yamada^Tarou"))
        sent = self.send(picture, options=("--worklist", entry))
        self.assertEqual(self.delivery(sent)["files"][0]["index"]["label"]["patient"],
                         {"name": "Yamada^Tarou", "id": "815", "born": "1970-01-01"})
        self.fails(2, "send", picture, "--to", BOB, "--worklist", entry, "--patient", "Other^Name")
        self.fails(5, "send", picture, "--to", BOB, "--worklist", self.file("no.json", b"{"))

    # --- Attachments

    def test_what_is_not_valid_goes_as_an_attachment_and_only_when_asked_to(self):
        for name, content in (("no-preamble.dcm", NO_PREAMBLE.read_bytes()), ("report.pdf", b"%PDF-1.4"), ("empty", b""),
                              ("cut.dcm", rig.CT.read_bytes()[:20_000]), ("cut.jpg", photo()[:500])):
            with self.subTest(name):
                path = self.file(name, content)
                options = ("--no-patient",) if name == "cut.jpg" else ()
                self.assertIn("--attach", self.fails(1, "send", path, "--to", BOB, *options))
                sent = self.send(path, options=("--attach", *options))
                self.assertFalse(sent["files"][0]["checked"])
                (kept, index), = self.get(sent["delivery"])
                self.assertEqual(kept.read_bytes(), content)
                self.assertEqual((index["type"], index["checked"], index["name"]), ("application/octet-stream", False, name))
                self.assertIn(f"{name}, ", self.bob.letterbox("list", name).stdout.decode())
                self.assertIn("attachment, not checked", self.bob.letterbox("list", name).stdout.decode())

    def test_of_a_send_that_stops_at_a_file_nothing_stays_at_the_gateway(self):
        """What was sent before it once lay there, sealed and open, for as long as the letter would have lived."""
        what = "SELECT (SELECT count(*) FROM file), (SELECT count(*) FROM delivery WHERE revoked IS NULL)"
        before = self.gateway.sql(what)
        self.fails(1, "send", rig.CT, self.file("report.pdf", b"%PDF-1.4"), "--to", BOB)
        self.assertEqual(self.gateway.sql(what), before)

    def test_valid_files_are_checked_though_others_are_attached(self):
        sent = self.send(rig.CT, self.file("report.pdf", b"%PDF-1.4"), options=("--attach",))
        self.assertEqual([file["checked"] for file in sent["files"]], [True, False])

    def test_standard_input_can_not_be_read_again_to_be_attached(self):
        cut = rig.CT.read_bytes()[:20_000]
        self.assertIn("read again", self.fails(1, "send", "-", "--to", BOB, "--attach", input=cut))

    # --- Studies

    def test_a_study_is_one_across_deliveries(self):
        files = [self.file(f"{number}.dcm", rig.ct_instance(number, study=50)) for number in range(3)]
        sent = [self.send(files[0], files[1]), self.send(files[2]), self.send(files[2])]
        studies = [study for study in self.listed()["studies"] if study["study"].endswith("10050")]
        self.assertEqual(len(studies), 1)
        self.assertEqual(studies[0]["instances"], 3)
        self.assertEqual([part["delivery"] for part in studies[0]["deliveries"]], [one["delivery"] for one in sent])
        self.assertEqual(studies[0]["patient"], {"name": "CompressedSamples^CT1", "id": "1CT1", "born": None})
        self.assertEqual([(series["modality"], series["instances"]) for series in studies[0]["series"]], [("CT", 3)])
        shown = self.bob.letterbox("list", studies[0]["study"]).stdout.decode()
        self.assertIn("CompressedSamples, CT1, 1CT1\n  study 2004-01-19, e+1: 3 instances\n    series CT: 3 instances\n", shown)
        self.assertEqual(shown.count("  from ada@hospital.example, sealed by their device"), 3)
        self.assertNotIn("\n  " + sent[0]["files"][0]["file"], shown)

    def test_what_the_gateway_sealed_of_it_stays_apart(self):
        instance = self.file("x.dcm", rig.ct_instance(1, study=51))
        self.send(instance)
        self.send(instance, options=("--seal-at-gateway",))
        studies = [study for study in self.listed()["studies"] if study["study"].endswith("10051")]
        self.assertEqual([study["sealed_by"] for study in studies], ["device", "gateway"])

    def test_a_correction_from_a_pacs_is_marked_and_what_it_corrects_not_counted(self):
        self.gateway.admin("admin", "mailbox", "put", "corrections", "--to", BOB, "--from", self.gateway.machine, "--closes-after", "0")
        for instances in ((rig.ct_instance(1, study=54), rig.ct_instance(2, study=54)),
                          (rig.ct_instance(1, study=54, note=b"Corrected^Name"),)):
            status, _, answer = self.gateway.request("POST", "/to/corrections/dicom-web/studies", *rig.stow_body(instances), machine=True)
            self.assertEqual(status, 200, answer)

        def studies():
            return [study for study in self.listed()["studies"] if study["study"].endswith("10054")]
        rig.eventually(lambda: len(studies()) == 2, "both were delivered")
        self.assertEqual([(study["patient"]["name"], study["instances"]) for study in studies()],
                         [("CompressedSamples^CT1", 1), ("Corrected^Name", 1)])
        self.assertEqual([(part["superseding"], part["superseded"]) for study in studies() for part in study["deliveries"]],
                         [(0, 1), (1, 0)])
        self.assertIn("1 correction", self.bob.letterbox("list", "corrected").stdout.decode())
        self.assertIn("1 superseded", self.bob.letterbox("list", studies()[0]["study"]).stdout.decode())

    def test_a_search_finds_what_people_know(self):
        self.send(self.file("x.dcm", rig.ct_instance(1, study=52, note=b"Findme^Patient")))
        for text in ("findme, p", "FINDME^"):
            found = self.listed(text)
            self.assertEqual([study["patient"]["name"] for study in found["studies"]], ["Findme^Patient"])
            self.assertEqual(len(found["deliveries"]), 1)
        self.assertEqual(self.listed("nobody has this")["deliveries"], [])

    # --- Names

    def test_files_are_kept_under_their_names_with_the_extension_of_their_content(self):
        sent = self.send(self.file("IM0001", rig.CT.read_bytes()), self.file("p.dcm", photo()), options=("--no-patient",))
        self.assertEqual([path.name for path, _ in self.get(sent["delivery"])], ["IM0001.dcm", "p.jpg"])

    def test_names_that_do_harm_or_are_shared_give_way_to_ids(self):
        (self.folder / "other").mkdir()
        same = self.file("other/a.dcm", rig.ct_instance(2))
        sent = self.send(self.file("a.dcm", rig.ct_instance(1)), same, self.file(".bashrc", rig.CT.read_bytes()))
        self.assertEqual([path.name for path, _ in self.get(sent["delivery"])], [file["file"] + ".dcm" for file in sent["files"]])

    def test_one_file_of_a_delivery_is_got_under_its_name(self):
        sent = self.send(self.file("a.dcm", rig.ct_instance(1)), self.file("b.dcm", rig.ct_instance(2)))
        (path, index), = self.get(sent["files"][1]["file"])
        self.assertEqual((path.name, index["name"]), ("b.dcm", "b.dcm"))

    # --- A gateway that isn't honest

    def test_an_index_that_was_changed_refuses_its_delivery(self):
        sent, other = self.send(rig.CT), self.send(rig.CT)
        self.gateway.sql("UPDATE sealed_index SET content = set_byte(content, 20, get_byte(content, 20) # 1) FROM file "
                         f"WHERE sealed_index.payload_id = file.payload_id AND file.id = '{sent['files'][0]['file']}'")
        done = self.bob.letterbox("--json", "list", check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual([(one["delivery"], one["check"]) for one in said["refused"]], [(sent["delivery"], "payload chunks")])
        self.assertIn(other["delivery"], [one["delivery"] for one in said["deliveries"]])
        self.assertIn("payload chunks", self.fails(5, "get", sent["delivery"], "--output-dir", self.folder, person=self.bob))
        self.assertEqual(list(self.folder.iterdir()), [])
        self.ada.letterbox("delete", sent["delivery"])

    def test_a_file_that_was_deleted_is_told_of(self):
        sent = self.send(self.file("a.dcm", rig.ct_instance(1, study=53)), self.file("b.dcm", rig.ct_instance(2, study=53)))
        gone = sent["files"][0]["file"]
        self.ada.letterbox("delete", gone)
        self.assertEqual([file["missing"] for file in self.delivery(sent)["files"]], [True, False])
        self.assertIn(f"{gone}  isn't there", self.bob.letterbox("list").stdout.decode())
        study, = [study for study in self.listed()["studies"] if study["study"].endswith("10053")]
        self.assertEqual(study["instances"], 1)

    def test_a_delivery_that_was_deleted_is_gone(self):
        sent = self.send(rig.CT)
        self.ada.letterbox("delete", sent["delivery"])
        self.assertNotIn(sent["delivery"], [one["delivery"] for one in self.listed()["deliveries"]])
        self.fails(3, "get", sent["delivery"], person=self.bob)


if __name__ == "__main__":
    unittest.main()
