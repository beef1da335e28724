"""However large an instance is, of whatever kind, and however many are in a request: they come out byte for byte, and
letterboxd and its inspectors don't grow. LETTERBOX_FULL sends 5 GiB in one instance, and 2,000 instances in one request.
"""
import hashlib
import json
import subprocess
import unittest

import dicom
import large_dicom
import rig
import stow
from rig import MIB

SURGEON = f"surgeon@{rig.TENANT}"
BOUND = 64 * MIB


class LargeDicom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene(SURGEON)
        cls.gateway, cls.surgeon = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)
        # Warm: every pool, buffer and inspector that a request needs has been there.
        for _ in range(4):
            cls.gateway.deposit(rig.CT, "application/dicom", SURGEON)

    def setUp(self):
        self.box = self.id().rpartition(".")[2].replace("_", "-")[:60]
        self.gateway.admin("admin", "mailbox", "put", self.box, "--to", SURGEON, "--from", self.gateway.machine,
                           "--closes-after", "0")

    def growth_of(self, action):
        return rig.memory_growth(self.gateway.process.pid, action)

    def store(self, *instances):
        status, answer = large_dicom.stored(self.gateway, self.box, instances)
        self.assertEqual(status, 200, answer)
        self.assertEqual(stow.failures(answer), [])
        return stow.stored(answer)

    def delivered(self, count):
        """The ids of the mailbox's deliveries, once there are so many and they are closed."""
        found = []

        def there():
            found[:] = self.gateway.sql(f"SELECT id FROM delivery WHERE mailbox = '{self.box}' AND manifest IS NOT NULL ORDER BY id").split()
            return len(found) >= count
        rig.eventually(there, f"{count} deliveries")
        self.assertEqual(len(found), count)
        return found

    def sha256_by_age(self, delivery):
        """Of the one file in a delivery, as stock age opens it; kept nowhere."""
        status, _, record = self.surgeon.request("GET", "/v1/deliveries/" + delivery)
        self.assertEqual(status, 200)
        path = "/v1/files/" + json.loads(record)["files"][0]["file"]
        fetch = ["curl", "--silent", "--show-error", "--fail", "--cacert", self.gateway.authority, *self.surgeon.signed("GET", path),
                 self.gateway.url + path]
        sha256 = hashlib.sha256()
        with subprocess.Popen(fetch, stdout=subprocess.PIPE) as curl, subprocess.Popen(
                ["age", "--decrypt", "--identity", self.surgeon.key_file], stdin=curl.stdout, stdout=subprocess.PIPE) as age:
            curl.stdout.close()
            while piece := age.stdout.read(MIB):
                sha256.update(piece)
        self.assertEqual((curl.returncode, age.returncode), (0, 0))
        return sha256.hexdigest()

    def test_of_every_kind(self):
        instances = {
            "enhanced multi-frame with 40 MB of functional groups": large_dicom.enhanced_ct(40 * MIB),
            "RT structure set of 50 MB": large_dicom.structure_set(50 * MIB), "encapsulated PDF": large_dicom.pdf(30 * MIB),
            "structured report": large_dicom.report(20 * MIB), "MPEG-4": large_dicom.video(60 * MIB),
            "waveform": large_dicom.waveform(30 * MIB)}

        def store_all():
            for kind, instance in instances.items():
                with self.subTest(kind=kind):
                    self.assertEqual(self.store(instance), [instance.uid])
        self.assertLess(self.growth_of(store_all), BOUND)

        deliveries = self.delivered(len(instances))
        for (kind, instance), delivery in zip(instances.items(), deliveries):
            with self.subTest(kind=kind):
                (path, index), = self.surgeon.got(delivery)
                with open(path, "rb") as file:
                    self.assertEqual(hashlib.file_digest(file, "sha256").hexdigest(), instance.sha256)
                self.assertEqual((index["instance"], index["study"]), (instance.uid, instance.study))

    def test_one_instance_of_many_fragments(self):
        fragments, size = (6, 5 * 1024 * MIB // 6 // 2 * 2 + 2) if rig.FULL else (6, 50 * MIB)
        instance = large_dicom.encapsulated_image(fragments, size)
        self.assertLess(self.growth_of(lambda: self.assertEqual(self.store(instance), [instance.uid])), BOUND)
        self.assertGreater(instance.size, (5 * 1024 if rig.FULL else 300) * MIB)
        delivery, = self.delivered(1)
        digests = []
        self.assertLess(self.growth_of(lambda: digests.append(self.sha256_by_age(delivery))), BOUND)
        self.assertEqual(digests, [instance.sha256])

    def test_a_study_of_many_instances_in_one_request(self):
        count = 2000 if rig.FULL else 400
        uid, sent, stored = dicom.new_uid(), set(), []

        def slice_of_it():
            content = dicom.large(MIB // 4, study=uid)
            sent.add(hashlib.sha256(content).digest())
            yield content
        self.assertLess(self.growth_of(lambda: stored.extend(self.store(*(slice_of_it() for _ in range(count))))), BOUND)
        self.assertEqual(len(set(stored)), count)
        delivery, = self.delivered(1)
        study, = [one for one in json.loads(self.surgeon.letterbox("--json", "list").stdout)["studies"] if one["study"] == uid]
        self.assertEqual((study["instances"], [part["delivery"] for part in study["deliveries"]]), (count, [delivery]))
        self.assertTrue({hashlib.sha256(path.read_bytes()).digest() for path, _ in self.surgeon.got(delivery)} == sent)


if __name__ == "__main__":
    unittest.main()
