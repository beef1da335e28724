"""STOW-RS as a PACS speaks it: curl with a machine's certificate, and what recipients find then."""
import concurrent.futures
import http.client
import json
import unittest
import xml.etree.ElementTree

import rig

SURGEON, COLLEAGUE = "surgeon@hospital.example", "colleague@hospital.example"
NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
SOP_UID = rig.SOP_UID.decode()


def sop_uid(number):
    return SOP_UID[:-5] + str(10_000 + number)


def uids(answer, sequence):
    """SOP Instance UIDs of a sequence of the answer."""
    return [item["00081155"]["Value"][0] for item in answer.get(sequence, {"Value": []})["Value"]]


def reasons(answer, sequence="00081198"):
    return [item["00081197"]["Value"][0] for item in answer.get(sequence, {"Value": []})["Value"]]


class Stow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene(SURGEON, COLLEAGUE)
        cls.gateway, cls.surgeon, cls.colleague = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)

    def setUp(self):
        self.box = self.mailbox(self.id().rpartition(".")[2][5:].replace("_", "-"))

    def mailbox(self, name, *options, to=(SURGEON, COLLEAGUE), closes_after=1):
        name = name[:60]
        self.gateway.admin("admin", "mailbox", "put", name, *(part for one in to for part in ("--to", one)),
                           "--from", self.gateway.machine, "--closes-after", str(closes_after), *options)
        return name

    def post(self, body, content_type, path="studies", mailbox=None, headers=()):
        return self.gateway.request("POST", f"/to/{mailbox or self.box}/dicom-web/{path}", body, content_type, headers,
                                    machine=True)

    def store(self, *instances, expect=200, **options):
        """The answer's data set."""
        status, fields, content = self.post(*rig.stow_body(instances), **options)
        self.assertEqual(status, expect, content)
        self.assertEqual(fields["content-type"], "application/dicom+json")
        return json.loads(content)

    def inbox(self, person=None):
        status, _, content = (person or self.surgeon).request("GET", "/v1/inbox")
        self.assertEqual(status, 200)
        return json.loads(content)["deliveries"]

    def delivered(self, count=1, person=None):
        """The deliveries of this test's mailbox, once there are so many."""
        found = []

        def there():
            own = self.gateway.sql(f"SELECT id FROM delivery WHERE mailbox LIKE '{self.box}%'").split()
            found[:] = [one for one in self.inbox(person) if one["delivery"] in own]
            return len(found) >= count
        rig.eventually(there, f"{count} deliveries")
        self.assertEqual(len(found), count)
        return found

    def contents(self, delivery, person=None):
        """What stock age makes of the files."""
        person = person or self.surgeon
        contents = set()
        for file in delivery["files"]:
            status, _, sealed = person.request("GET", "/v1/files/" + file["file"])
            self.assertEqual(status, 200)
            contents.add(rig.age_decrypt(person.key_file, sealed))
        return contents

    def indexes(self, delivery):
        """The indexes by file id."""
        status, fields, stream = self.surgeon.request("GET", f"/v1/deliveries/{delivery['delivery']}/index")
        self.assertEqual(status, 200)
        self.assertEqual(fields["content-type"], "application/vnd.letterbox.indexes")
        found = {}
        while stream:
            size = int.from_bytes(stream[16:20], "big")
            found[stream[:16].hex()] = json.loads(rig.age_decrypt(self.surgeon.key_file, stream[20:20 + size]))
            stream = stream[20 + size:]
        return found

    def test_one_request_of_several_instances(self):
        instances = [rig.ct_instance(number) for number in range(5)]
        answer = self.store(*instances)
        self.assertEqual(answer["00081190"], {"vr": "UR"})
        self.assertEqual(uids(answer, "00081199"), [sop_uid(number) for number in range(5)])
        self.assertNotIn("00081198", answer)
        delivery, = self.delivered()
        self.assertEqual(self.contents(delivery), set(instances))
        self.assertEqual(self.contents(self.delivered(person=self.colleague)[0], self.colleague), set(instances))
        cover = json.loads(rig.base64.b64decode(delivery["covers"][0]["payload"]))
        self.assertEqual((cover["sender"], cover["sealed_by"]), (self.gateway.machine, "gateway"))
        manifest = json.loads(rig.base64.b64decode(delivery["manifest"]["payload"]))
        self.assertEqual(len(manifest["indexes"]), 5)
        indexes = self.indexes(delivery)
        self.assertEqual(set(indexes), {file["file"].replace("-", "") for file in delivery["files"]})
        for index in indexes.values():
            self.assertEqual(index["attributes"]["00100010"]["Value"], [{"Alphabetic": "CompressedSamples^CT1"}])
            self.assertEqual(index["size"], len(instances[0]))
            self.assertIn("7FE00010", index["left_out"])

    def test_one_instance_a_request_on_eight_connections(self):
        self.mailbox(self.box, closes_after=10)
        count = 2000 if rig.FULL else 200
        instances = [rig.ct_instance(number, study=80) for number in range(count)]

        def send(part):
            connection = http.client.HTTPSConnection("127.0.0.1", self.gateway.machine_port, timeout=60,
                                                     context=self.gateway.tls_context(machine=True))
            statuses = []
            for instance in part:
                body, content_type = rig.stow_body([instance])
                connection.request("POST", f"/to/{self.box}/dicom-web/studies", body, {"Content-Type": content_type})
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
            connection.close()
            return statuses
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = sum(pool.map(send, [instances[start::8] for start in range(8)]), [])
        self.assertEqual(statuses, [200] * count)
        delivery, = self.delivered()
        self.assertEqual(len(delivery["files"]), count)
        study, = [one for one in json.loads(self.surgeon.letterbox("--json", "list").stdout)["studies"]
                  if one["study"].endswith("10080")]
        self.assertEqual((study["instances"], [part["delivery"] for part in study["deliveries"]]), (count, [delivery["delivery"]]))
        self.assertTrue({path.read_bytes() for path, _ in self.surgeon.got(delivery["delivery"])} == set(instances))

    def test_a_person_who_may_deposit_stores_too(self):
        self.mailbox(self.box, "--from", SURGEON)
        body, content_type = rig.stow_body([rig.CT.read_bytes()])
        status, _, content = self.surgeon.request("POST", f"/to/{self.box}/dicom-web/studies", body, content_type)
        self.assertEqual(status, 200, content)
        status, _, _ = self.surgeon.request("POST", f"/to/{self.box}/dicom-web/studies", body, content_type,
                                            digest_of=b"another")
        self.assertEqual(status, 401)
        self.delivered()

    def test_answers_are_xml_for_who_wants_it(self):
        body, content_type = rig.stow_body([rig.ct_instance(1)])
        status, fields, content = self.post(body, content_type, headers=("Accept: application/dicom+xml",))
        self.assertEqual((status, fields["content-type"]), (200, "application/dicom+xml"))
        model = xml.etree.ElementTree.fromstring(content)
        self.assertEqual(model.tag, NATIVE + "NativeDicomModel")
        item = model.find(f"{NATIVE}DicomAttribute[@tag='00081199']/{NATIVE}Item[@number='1']")
        self.assertEqual(item.find(f"{NATIVE}DicomAttribute[@tag='00081155']/{NATIVE}Value").text, sop_uid(1))
        status, fields, content = self.post(body, "text/plain", headers=("Accept: application/dicom+xml",))
        self.assertEqual((status, fields["content-type"]), (415, "application/dicom+xml"))
        xml.etree.ElementTree.fromstring(content)

    def test_with_each_request(self):
        self.mailbox(self.box, closes_after=0)
        self.store(rig.ct_instance(1))
        self.store(rig.ct_instance(2))
        self.delivered(2)

    # --- Duplicates

    def test_case_91_same_bytes_again(self):
        self.store(rig.ct_instance(1))
        self.assertEqual(uids(self.store(rig.ct_instance(1)), "00081199"), [sop_uid(1)])
        self.assertEqual(len(self.delivered()[0]["files"]), 1)
        self.store(rig.ct_instance(1))  # closed by now
        self.assertEqual(len(self.delivered()), 1)

    def test_case_92_other_bytes_in_the_open_delivery(self):
        self.mailbox(self.box, closes_after=600)
        self.store(rig.ct_instance(1))
        answer = self.store(rig.ct_instance(1, note=b"Other^One"), expect=409)
        self.assertEqual((uids(answer, "00081198"), reasons(answer)), ([sop_uid(1)], [0x0111]))

    def test_a_correction_supersedes(self):
        self.store(rig.ct_instance(1))
        first, = self.delivered()
        self.store(rig.ct_instance(1, note=b"Corrected^One"))
        second = next(one for one in self.delivered(2) if one["delivery"] != first["delivery"])
        index, = self.indexes(second).values()
        self.assertEqual(index["supersedes"], first["files"][0]["file"])
        self.assertEqual(self.contents(second), {rig.ct_instance(1, note=b"Corrected^One")})

    def test_another_mailbox(self):
        self.store(rig.ct_instance(1))
        self.store(rig.ct_instance(1), mailbox=self.mailbox(self.box + "-2"))
        for delivery in self.delivered(2):
            self.assertEqual(self.contents(delivery), {rig.ct_instance(1)})

    def test_sent_again_after_it_was_taken_back(self):
        self.store(rig.ct_instance(1))
        delivery, = self.delivered()
        path = "/v1/deliveries/" + delivery["delivery"]
        self.assertEqual(self.surgeon.request("DELETE", path)[0], 404, "it isn't the recipient's")
        taken_back = self.gateway.request("DELETE", path, machine=True)
        self.assertEqual(taken_back[0], 200)
        self.assertEqual(self.surgeon.request("GET", path)[0], 404)
        self.assertEqual(self.surgeon.request("GET", path + "/index")[0], 404)
        self.assertEqual(self.gateway.request("DELETE", path, machine=True)[::2], taken_back[::2])
        self.store(rig.ct_instance(1))
        again, = self.delivered()
        self.assertNotEqual(again["delivery"], delivery["delivery"])
        self.assertEqual(self.contents(again), {rig.ct_instance(1)})

    # --- Failures

    def test_case_74_one_bad_part_of_three(self):
        broken = rig.ct_instance(2)[:-1]
        answer = self.store(rig.ct_instance(1), broken, rig.ct_instance(3), expect=202)
        self.assertEqual(uids(answer, "00081199"), [sop_uid(1), sop_uid(3)])
        self.assertEqual((uids(answer, "00081198"), reasons(answer)), ([sop_uid(2)], [0xC000]))
        self.assertEqual(self.contents(self.delivered()[0]), {rig.ct_instance(1), rig.ct_instance(3)})

    def test_an_instance_in_a_private_transfer_syntax_is_named(self):
        private = rig.ct_instance(1).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.99999.1.2.1\0")
        answer = self.store(private, expect=409)
        self.assertEqual((uids(answer, "00081198"), reasons(answer)), ([sop_uid(1)], [0xC122]))

    def test_case_75_all_bad(self):
        answer = self.store(rig.ct_instance(1)[:-1], b"not DICOM", rig.JPEG, b"", expect=409)
        self.assertEqual(reasons(answer), [0xC000])
        self.assertEqual(reasons(answer, "0008119A"), [0xC000] * 3)

    def test_case_93_another_study_than_the_urls(self):
        study = rig.STUDY_UID.decode()[:-5]
        answer = self.store(rig.ct_instance(1, study=1), rig.ct_instance(2, study=2), expect=202,
                            path=f"studies/{study}10001")
        self.assertEqual(uids(answer, "00081199"), [sop_uid(1)])
        self.assertEqual((uids(answer, "00081198"), reasons(answer)), ([sop_uid(2)], [0x0110]))

    def count_staged(self):
        """Payloads in the making: without those that wait for the sweeper."""
        nobody = "00000000-0000-0000-0000-000000000000"
        return int(self.gateway.sql(f"SELECT count(*) FROM payload WHERE staged_by <> '{nobody}'"))

    def test_what_isnt_stow(self):
        body, content_type = rig.stow_body([rig.ct_instance(1)])
        self.assertEqual(self.post(body, "application/dicom")[0], 415)
        self.assertEqual(self.post(body, content_type.replace("application/dicom", "text/html"))[0], 415)
        self.assertEqual(self.post(body, "multipart/related; type=\"application/dicom\"")[0], 400)
        self.assertEqual(self.post(body[:-6], content_type)[0], 400)
        self.assertEqual(self.post(*rig.stow_body([rig.ct_instance(1)], part_type="text/html"))[0], 415)
        self.assertEqual(self.post(b"", content_type)[0], 400)
        head = "X: " + "x" * 10_000 + "\r\nContent-Type: application/dicom"
        self.assertEqual(self.post(body.replace(b"Content-Type: application/dicom", head.encode()), content_type)[0], 431)
        self.assertEqual(self.count_staged(), 0)

    def test_a_mailbox_with_no_active_device(self):
        box = self.mailbox("nobody", to=("nobody@hospital.example",))
        body, content_type = rig.stow_body([rig.ct_instance(1)])
        status, fields, content = self.post(body, content_type, mailbox=box)
        self.assertEqual((status, fields["content-type"]), (503, "application/dicom+json"))
        self.assertIn("retry-after", fields)
        self.assertEqual(reasons(json.loads(content), "0008119A"), [0xA700])

    # --- Photos: metadata and pictures

    @staticmethod
    def metadata(number, uri, **more):
        """One instance of a VL Photographic Image, in DICOM JSON."""
        def uid(value):
            return {"vr": "UI", "Value": [value]}
        return {"00080016": uid("1.2.840.10008.5.1.4.1.1.77.1.4"), "00080018": uid(f"2.25.77{number}"),
                "00080060": {"vr": "CS", "Value": ["XC"]}, "00100010": {"vr": "PN", "Value": [{"Alphabetic": rig.CANARY}]},
                "00100020": {"vr": "LO", "Value": ["4711"]}, "0020000D": uid("2.25.7"), "0020000E": uid("2.25.8"),
                "7FE00010": {"vr": "OB", "BulkDataURI": uri}, **more}

    @staticmethod
    def photo_body(metadata, *pictures, picture_type="image/jpeg", metadata_type="application/dicom+json"):
        """(body, Content-Type); `pictures` are (Content-Location, bytes)."""
        parts = [f"Content-Type: {metadata_type}\r\n\r\n".encode() + metadata]
        parts += [f"Content-Type: {picture_type}\r\nContent-Location: {uri}\r\n\r\n".encode() + picture
                  for uri, picture in pictures]
        return (b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--",
                'multipart/related; type="application/dicom+json"; boundary=b')

    def test_photos_come_as_metadata_and_pictures(self):
        talkative = rig.JPEG[:2] + b"\xff\xfe\x00\x0dkanarienv.." + rig.JPEG[2:]
        metadata = json.dumps([self.metadata(1, "one"), self.metadata(2, "two"), self.metadata(3, "three")]).encode()
        status, _, content = self.post(*self.photo_body(metadata, ("two", talkative), ("one", rig.JPEG)))
        self.assertEqual(status, 202, content)
        answer = json.loads(content)
        self.assertEqual(uids(answer, "00081199"), ["2.25.771", "2.25.772"])
        self.assertEqual([item.get("00081196") for item in answer["00081199"]["Value"]],
                         [None, {"vr": "US", "Value": [0xB006]}])
        self.assertEqual((uids(answer, "00081198"), reasons(answer)), (["2.25.773"], [0xC000]))
        delivery, = self.delivered()
        for content in self.contents(delivery):
            self.assertEqual(content[128:132], b"DICM")
            self.assertIn(rig.JPEG[-12:], content)
            self.assertNotIn(b"kanarienv..", content)
        for index in self.indexes(delivery).values():
            self.assertEqual(index["attributes"]["00280010"], {"vr": "US", "Value": [1]})
        self.assertEqual(self.post(*self.photo_body(json.dumps(self.metadata(1, "one")).encode(),
                                                    ("one", rig.JPEG)))[0], 200, "the same again")

    def test_a_picture_that_contradicts_its_metadata_has_the_last_word(self):
        def said(vr, *values):
            return {"vr": vr, "Value": list(values)}
        truth = {"00280002": said("US", 1), "00280004": said("CS", "MONOCHROME2"), "00280010": said("US", 1), "00280011": said("US", 1),
                 "00280100": said("US", 8), "00280101": said("US", 8), "00280102": said("US", 7), "00280103": said("US", 0),
                 "00282110": said("CS", "01")}
        claims = {"size": {"00280010": said("US", 3000), "00280011": said("US", 4000)},
                  "colour": {"00280002": said("US", 3), "00280004": said("CS", "RGB"), "00280006": said("US", 1)},
                  "bits": {"00280100": said("US", 16), "00280101": said("US", 12), "00280102": said("US", 11)},
                  "frames": {"00280008": said("IS", 20)}, "compression": {"00282110": said("CS", "00")},
                  "nothing wrong": truth}
        metadata = [self.metadata(number, what, **{**truth, **claim}) for number, (what, claim) in enumerate(claims.items())]
        pictures = [(what, rig.JPEG) for what in claims]
        status, _, content = self.post(*self.photo_body(json.dumps(metadata).encode(), *pictures))
        self.assertEqual(status, 202, content)
        warnings = {item["00081155"]["Value"][0]: item.get("00081196") for item in json.loads(content)["00081199"]["Value"]}
        self.assertEqual(warnings, {f"2.25.77{number}": None if claim is truth else {"vr": "US", "Value": [0xB000]}
                                    for number, claim in enumerate(claims.values())})
        delivery, = self.delivered()
        indexes = self.indexes(delivery).values()
        self.assertEqual(len(indexes), len(claims))
        for index in indexes:
            shown = {tag: value for tag, value in index["attributes"].items() if tag.startswith("0028")}
            self.assertEqual({**shown, "00280008": None}, {**truth, "00282114": said("CS", "ISO_10918_1"), "00280008": None})
            self.assertEqual(shown.get("00280008", said("IS", 1)), said("IS", 1))

    def test_a_photo_that_is_none_is_a_failure(self):
        metadata = json.dumps(self.metadata(1, "one")).encode()
        status, _, content = self.post(*self.photo_body(metadata, ("one", b"no photo")))
        self.assertEqual((status, uids(json.loads(content), "00081198")), (409, ["2.25.771"]))

    def test_photos_that_cant_be_read(self):
        metadata = json.dumps([self.metadata(1, "one")]).encode()
        picture = ("one", rig.JPEG)
        self.assertEqual(self.post(*self.photo_body(metadata, ("two", rig.JPEG)))[0], 400)
        self.assertEqual(self.post(*self.photo_body(metadata, picture, picture))[0], 400)
        self.assertEqual(self.post(*self.photo_body(metadata[:-1], picture))[0], 400)
        self.assertEqual(self.post(*self.photo_body(metadata, picture, picture_type="image/png"))[0], 415)
        self.assertEqual(self.post(*self.photo_body(b"<x/>", picture, metadata_type="application/dicom+xml"))[0], 415)

    # --- What else a PACS may ask

    def test_the_test_button(self):
        path = f"/to/{self.box}/dicom-web"
        status, fields, content = self.gateway.request("GET", path + "/studies?limit=1", machine=True)
        self.assertEqual((status, fields["content-type"], content), (200, "application/dicom+json", b"[]"))
        for resource in ("/studies/1.2", "/studies/1.2/series/1.3/instances/1.4/frames/1", "/series", "/instances"):
            self.assertEqual(self.gateway.request("GET", path + resource, machine=True)[0], 406, resource)
        for method, resource, allow in (("OPTIONS", "/studies", "POST, GET"), ("DELETE", "/studies/1.2", "POST, GET"),
                                        ("POST", "/workitems", "GET"), ("PUT", "/commitment-requests/1.2", "POST, GET")):
            status, fields, _ = self.gateway.request(method, path + resource, machine=True)
            self.assertEqual((status, fields["allow"]), (405, allow), resource)
        for method in ("GET", "POST"):
            self.assertEqual(self.gateway.request(method, path + "/commitment-requests/1.2", machine=True)[0], 404)

    def test_a_mailbox_of_others_is_not_there(self):
        self.gateway.admin("admin", "mailbox", "put", "others", "--to", SURGEON)
        body, content_type = rig.stow_body([rig.ct_instance(1)])
        for box in ("others", "nowhere"):
            self.assertEqual(self.post(body, content_type, mailbox=box)[0], 404)
            self.assertEqual(self.gateway.request("GET", f"/to/{box}/dicom-web/studies", machine=True)[0], 404)
            self.assertEqual(self.gateway.request("GET", f"/to/{box}/dicom-web/series", machine=True)[0], 404)

    def test_a_delivery_for_others_closes_at_once(self):
        self.mailbox(self.box, closes_after=600)
        self.store(rig.ct_instance(1))
        self.mailbox(self.box, to=(SURGEON,), closes_after=600)
        self.delivered()


class FewParts(rig.OnOneGateway):
    OPTIONS = ("--stow-parts", "3")

    def test_case_66_more_parts_than_allowed(self):
        self.gateway.invited(SURGEON)
        path = f"/to/{self.gateway.mailbox(SURGEON)}/dicom-web/studies"
        statuses = [self.gateway.request("POST", path, *rig.stow_body([rig.ct_instance(i) for i in range(parts)]),
                                         machine=True)[0] for parts in (4, 3)]
        self.assertEqual(statuses, [413, 200])


if __name__ == "__main__":
    unittest.main()
