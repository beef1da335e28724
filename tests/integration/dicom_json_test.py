"""What the gateway says in DICOM JSON and XML, to who sends and to who receives, held against the standard's rules."""
import json
import pathlib
import sys
import unittest
import xml.etree.ElementTree

import pydicom
import pydicom.config
from pydicom.datadict import dictionary_VR, keyword_for_tag

import rig

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "dicom"))
import annex_f  # noqa: E402

SURGEON = "surgeon@hospital.example"
NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
SCHEMA = TESTS / "vectors" / "stow" / "native_dicom_model.rng"
SAMPLES = TESTS / "dicom" / "samples.tsv"


def from_xml(data_set):
    """A data set of the Native DICOM Model (PS3.19 section A.1) as one of the DICOM JSON Model: what both of them say."""
    said = {}
    for attribute in data_set:
        one = said[attribute.get("tag")] = {"vr": attribute.get("vr")}
        if [child.get("number") for child in attribute] != [str(number + 1) for number in range(len(attribute))]:
            raise AssertionError("not numbered from 1")
        values = [from_xml(child) if child.tag == NATIVE + "Item" else child.text for child in attribute]
        if values:
            one["Value"] = [int(value) for value in values] if one["vr"] == "US" else values
    return said


class DicomJson(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
        cls.scene = rig.scene(SURGEON)
        cls.gateway, cls.surgeon = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)

    def mailbox(self, name):
        self.gateway.admin("admin", "mailbox", "put", name, "--to", SURGEON, "--from", self.gateway.machine, "--closes-after", "0")
        return name

    def post(self, mailbox, instances, accept="application/dicom+json", content_type=None, body=None):
        stowed, its_type = rig.stow_body(instances)
        status, fields, answer = self.gateway.request(
            "POST", f"/to/{mailbox}/dicom-web/studies", stowed if body is None else body, content_type or its_type,
            (f"Accept: {accept}",), machine=True)
        self.assertEqual(fields["content-type"], accept)
        return status, answer

    def judged(self, answer):
        """The data set of an answer, after its rules: PS3.18 annex F and table 10.5.3-1."""
        data_set = annex_f.parsed(answer)
        self.assertEqual(annex_f.complaints(data_set), [])
        self.has_the_dictionarys_vrs(pydicom.Dataset.from_json(data_set))
        return data_set

    def has_the_dictionarys_vrs(self, data_set):
        for element in data_set:
            self.assertEqual(element.VR, dictionary_VR(element.tag))
            for item in element.value if element.VR == "SQ" else []:
                self.has_the_dictionarys_vrs(item)

    def judged_xml(self, answer):
        """The same of XML, after PS3.19 section A.1."""
        file = self.gateway.data.parent / "answer.xml"
        file.write_bytes(answer)
        rig.run("xmllint", "--nonet", "--noout", "--relaxng", SCHEMA, file)
        model = xml.etree.ElementTree.fromstring(answer)
        for attribute in model.iter(NATIVE + "DicomAttribute"):
            self.assertEqual(attribute.get("keyword"), keyword_for_tag(attribute.get("tag")))
        return from_xml(model)

    def test_answers_follow_the_rules_and_say_the_same_in_json_and_xml(self):
        mailbox = self.mailbox("answers")
        good, cut, private = rig.ct_instance(1), rig.ct_instance(2)[:-1], rig.ct_instance(3)
        private = private.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.99999.1.2.1\0")
        whole, _ = rig.stow_body([good])
        cases = {"all": ([good, rig.ct_instance(4)], {}, 200), "some": ([good, cut, private, b"no DICOM"], {}, 202),
                 "none": ([cut, b"", rig.JPEG], {}, 409), "no end": ([], {"body": whole[:-9]}, 400),
                 "another type": ([], {"content_type": "text/plain"}, 415),
                 "a part of another type": ([], {"body": whole.replace(b"application/dicom", b"text/html")}, 415)}
        for name, (instances, options, expected) in cases.items():
            with self.subTest(name):
                status, answer = self.post(mailbox, instances, **options)
                self.assertEqual(status, expected)
                said = self.judged(answer)
                status, answer = self.post(mailbox, instances, "application/dicom+xml", **options)
                self.assertEqual((status, self.judged_xml(answer)), (expected, said))

    def test_a_photos_warning_too(self):
        mailbox = self.mailbox("warnings")
        metadata = {"00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.77.1.4"]},
                    "00080018": {"vr": "UI", "Value": ["2.25.71"]}, "0020000D": {"vr": "UI", "Value": ["2.25.7"]},
                    "0020000E": {"vr": "UI", "Value": ["2.25.8"]}, "00280010": {"vr": "US", "Value": [2]},
                    "7FE00010": {"vr": "OB", "BulkDataURI": "p"}}
        said = []
        for number, (accept, judge) in enumerate((("application/dicom+json", self.judged), ("application/dicom+xml", self.judged_xml))):
            metadata["00080018"]["Value"] = [f"2.25.71{number}"]
            body = (b"--b\r\nContent-Type: application/dicom+json\r\n\r\n" + json.dumps([metadata]).encode() +
                    b"\r\n--b\r\nContent-Type: image/jpeg\r\nContent-Location: p\r\n\r\n" + rig.JPEG + b"\r\n--b--\r\n")
            status, answer = self.post(mailbox, [], accept, 'multipart/related; type="application/dicom+json"; boundary=b', body)
            self.assertEqual(status, 202)
            said.append(judge(answer))
            self.assertEqual(said[-1]["00081199"]["Value"][0].pop("00081155")["Value"], [f"2.25.71{number}"])
        self.assertEqual(said[0], said[1])
        self.assertEqual(said[0]["00081199"]["Value"][0]["00081196"], {"vr": "US", "Value": [0xB000]})

    def test_indexes_say_what_is_in_pydicoms_files(self):
        rows = [line.split("\t") for line in SAMPLES.read_text(encoding="utf-8").splitlines()[1:]]
        originals = {}
        for name, verdict, *_ in rows:
            if verdict == "takes":
                # Each into a mailbox of its own: nine share one UID.
                mailbox = self.mailbox(f"sample-{len(originals)}")
                content = (rig.PYDICOM_FILES / name).read_bytes()
                self.assertEqual(self.post(mailbox, [content])[0], 200, name)
                originals[mailbox] = (name, content)
        self.assertGreater(len(originals), 50)
        count = len(originals)
        rig.eventually(lambda: self.gateway.sql("SELECT count(*) FROM delivery WHERE mailbox LIKE 'sample-%' AND "
                                                "manifest IS NOT NULL").strip() == str(count), "all are closed")
        for mailbox, (name, content) in originals.items():
            with self.subTest(name):
                delivery = self.gateway.sql(f"SELECT id FROM delivery WHERE mailbox = '{mailbox}'").strip()
                status, _, stream = self.surgeon.request("GET", f"/v1/deliveries/{delivery}/index")
                self.assertEqual((status, len(stream)), (200, 20 + int.from_bytes(stream[16:20], "big")))
                index = annex_f.parsed(rig.age_decrypt(self.surgeon.key_file, stream[20:]))
                self.assertEqual(index["size"], len(content))
                self.assertEqual(annex_f.complaints(index["attributes"]), [])
                original = pydicom.dcmread(rig.PYDICOM_FILES / name)
                original.decode()
                said = pydicom.Dataset.from_json(index["attributes"])
                self.assertEqual(annex_f.differences(original, said, index["left_out"]), [])


if __name__ == "__main__":
    unittest.main()
