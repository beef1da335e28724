"""npm's dicomweb-client against the gateway: what it stores, the answers as it reads them, and what it isn't given."""
import json
import pathlib
import unittest

import rig
import stow

SURGEON = "surgeon@hospital.example"
PEER = pathlib.Path(__file__).resolve().parents[1] / "vectors" / "stow" / "peer.mjs"
STUDY = rig.STUDY_UID.decode()[:-5] + "10000"


def sop_uid(number):
    return rig.SOP_UID.decode()[:-5] + str(10_000 + number)


class DicomwebClient(unittest.TestCase):
    def setUp(self):
        scene = rig.scene(SURGEON)
        self.gateway, self.surgeon = scene.__enter__()
        self.addCleanup(scene.__exit__, None, None, None)
        self.gateway.admin("admin", "mailbox", "put", "surgery", "--to", SURGEON, "--from", self.gateway.machine,
                           "--closes-after", "1")
        self.place = self.gateway.data.parent

    def file(self, content):
        path = self.place / f"{len(list(self.place.iterdir()))}.dcm"
        path.write_bytes(content)
        return str(path)

    def calls(self, *calls):
        """What each (method, options) of the library comes to."""
        order = {"url": f"{self.gateway.machine_url}/to/surgery/dicom-web", "ca": str(self.gateway.authority),
                 "certificate": str(self.gateway.authority_of_machines.machine),
                 "key": str(self.gateway.authority_of_machines.machine_key), "calls": calls}
        return json.loads(rig.run("node", PEER, input=json.dumps(order).encode()).stdout)

    def store(self, *instances, **options):
        result, = self.calls(("storeInstances", {"datasets": [self.file(one) for one in instances], **options}))
        return result

    def received(self):
        """Every file that the surgeon has, opened."""
        listed = json.loads(self.surgeon.letterbox("--json", "list").stdout)["deliveries"]
        return {self.surgeon.letterbox("get", file["file"], "-o", "-").stdout
                for delivery in listed for file in delivery["files"]}

    def test_a_study_is_stored_and_arrives(self):
        instances = [rig.ct_instance(number) for number in range(3)]
        answer = self.store(*instances)["value"]
        self.assertEqual(stow.stored(answer), [sop_uid(number) for number in range(3)])
        self.assertEqual(stow.failures(answer), [])
        for item in stow.items(answer, stow.REFERENCED):
            self.assertEqual(item["00081190"], {"vr": "UR"}, "nothing to retrieve it from")
        again = self.store(*instances, studyInstanceUID=STUDY)["value"]
        self.assertEqual(stow.stored(again), stow.stored(answer))
        rig.eventually(lambda: self.received() == set(instances), "all of them arrived, once and byte for byte")

    def test_what_is_refused_is_told(self):
        cut = rig.ct_instance(2)[:-1]
        some = self.store(rig.ct_instance(1), cut, b"no DICOM")["value"]  # 202 is a success to it
        self.assertEqual(stow.stored(some), [sop_uid(1)])
        self.assertEqual(stow.failures(some), [(sop_uid(2), stow.MALFORMED), (None, stow.MALFORMED)])
        none = self.store(cut)
        self.assertEqual(none["status"], 409)
        self.assertEqual(stow.failures(none["answer"]), [(sop_uid(2), stow.MALFORMED)])
        other = self.store(rig.ct_instance(3), studyInstanceUID="1.2.3")
        self.assertEqual((other["status"], stow.failures(other["answer"])), (409, [(sop_uid(3), stow.OTHER)]))

    def test_nothing_is_found_or_retrieved(self):
        self.store(rig.ct_instance(1))
        uids = {"studyInstanceUID": STUDY, "seriesInstanceUID": "1.2", "sopInstanceUID": sop_uid(1)}
        found, *refused = self.calls(
            ("searchForStudies", {"queryParams": {"PatientID": "1CT1", "limit": 1}}), ("searchForSeries", {}),
            ("searchForInstances", uids), ("retrieveStudy", uids), ("retrieveStudyMetadata", uids), ("retrieveSeries", uids),
            ("retrieveInstance", uids), ("retrieveInstanceFrames", {**uids, "frameNumbers": [1]}),
            ("retrieveInstanceRendered", uids))
        self.assertEqual(found, {"value": []})
        for result in refused:
            problem = result["answer"] if isinstance(result["answer"], dict) else json.loads(result["answer"])
            self.assertEqual((result["status"], problem["type"]), (406, "/problems/not-acceptable"))
            self.assertIn("letterbox get", problem["detail"])


if __name__ == "__main__":
    unittest.main()
