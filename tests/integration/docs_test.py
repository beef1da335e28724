"""The commands that the documents show, run as they stand there, from top to bottom.

What a reader puts in for himself is put in here: where the gateway is, and what a command before has told.
"""
import io
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import unittest

import pydicom
from PIL import Image

import rig

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dicom"))
import judges  # noqa: E402

PHOTO = pathlib.Path("/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg")
SURGEON, COLLEAGUE = "surgeon@hospital.example", "colleague@hospital.example"


def is_whole(command):
    """Whether a shell has nothing to wait for."""
    checked = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True, timeout=60)
    return not checked.stderr and not command.endswith("\\\n")


def commands(document):
    """Each command in the blocks of shell of a document."""
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```$", (ROOT / document).read_text(encoding="utf-8"), re.M | re.S):
        command = ""
        for line in block.splitlines(keepends=True):
            command += line
            if is_whole(command):
                if not command.lstrip().startswith("#"):
                    found.append(command)
                command = ""
        if command:
            raise AssertionError(f"{document}: the end of {command!r} is missing")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Documents(unittest.TestCase):
    """A folder with the files that the documents speak of, and a gateway."""

    def setUp(self):
        self.place = rig.workspace()
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        self.gateway = rig.Gateway(self.place / "data")
        self.addCleanup(self.gateway.stop)
        self.folder = self.place / "folder"
        self.folder.mkdir(mode=0o711)
        machines = self.gateway.authority_of_machines
        for name, file in {"machines.pem": machines.certificate, "machines.key": machines.place / "authority.key",
                           "radiology.pem": machines.machine, "radiology.key": machines.machine_key,
                           "ct.dcm": rig.CT, "photo.jpg": PHOTO}.items():
            shutil.copy(file, self.folder / name)
        (self.folder / "machines.pem").chmod(0o644)
        self.said = {"/var/lib/letterbox": str(self.gateway.data)}

    def serve(self):
        self.gateway.start()
        self.meet_at(self.gateway.port, self.gateway.machine_port)
        shutil.copy(self.gateway.authority, self.folder / "ca.pem")

    def meet_at(self, port, machine_port):
        self.said |= {"letters.hospital.example:8443": f"127.0.0.1:{port}", "letters.hospital.example:8444": f"127.0.0.1:{machine_port}",
                      "0.0.0.0:8443": f"127.0.0.1:{port}", "0.0.0.0:8444": f"127.0.0.1:{machine_port}"}

    def person(self, handle):
        return rig.Person(self.place / handle.partition("@")[0], handle, self.gateway)

    def mailbox(self):
        self.gateway.admin("admin", "machine", "add", "radiology@hospital.example", "--certificate", self.folder / "radiology.pem")
        self.gateway.admin("admin", "mailbox", "put", "surgery", "--to", SURGEON, "--from", "radiology@hospital.example",
                           "--closes-after", "0")

    def put_in(self, command):
        for placeholder, meant in self.said.items():
            command = command.replace(placeholder, meant)
        return command

    def environment(self, home):
        return {**os.environ, "SHELL": "/bin/bash", "PATH": f"{rig.BINARIES}:{os.environ['PATH']}", "LETTERBOX_HOME": str(home or self.place / "nobody")}

    def run_it(self, command, home=None, answers=None):
        """What `command` prints, in the home of who types it: on a terminal, if there are `answers` to be typed."""
        script = "set -e -o pipefail; " + self.put_in(command)
        run = ["bash", "-c", script] if answers is None else ["script", "--quiet", "--return", "--command", script, "/dev/null"]
        return rig.run(*run, cwd=self.folder, env=self.environment(home), input=answers or b"").stdout

    def study_of(self, answer):
        """The SOP instances that STOW's answer says are stored; all were."""
        said = json.loads(answer)
        self.assertNotIn("00081198", said)
        self.assertNotIn("0008119A", said)
        return [item["00081155"]["Value"][0] for item in said["00081199"]["Value"]]

    def got(self, person, count=1):
        """What a person has got, opened."""
        found = []

        def there():
            listed = json.loads(person.letterbox("--json", "list").stdout)["deliveries"]
            found[:] = [file["file"] for delivery in listed for file in delivery["files"]]
            return len(found) >= count
        rig.eventually(there, f"{count} files")
        self.assertEqual(len(found), count)
        return [person.letterbox("get", file, "-o", "-").stdout for file in found]

    def test_readme(self):
        _demo, _test, serve, *rest = commands("README.md")
        self.meet_at(free_port(), free_port())
        rig.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=hospital",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "hospital.key", "-out", "hospital.pem", cwd=self.folder)
        (self.folder / "hospital.key").chmod(0o644)  # letterboxd gives up root
        self.gateway.options = ("--tenant", rig.TENANT)
        with open(self.gateway.log, "ab") as log:
            self.gateway.process = subprocess.Popen(["bash", "-c", "exec " + self.put_in(serve)], cwd=self.folder, stderr=log,
                                                    stdout=subprocess.PIPE, env=self.environment(None))
        self.gateway.greeted()
        shutil.copy(self.folder / "hospital.pem", self.folder / "ca.pem")
        self.run_readme(*rest)

    def run_readme(self, invite, machine, mailbox, login, another, confirm, deposit, trust, send, listing, get):
        first, second, colleague = (self.place / name for name in ("first", "second", "colleague"))
        for command in (invite, machine, mailbox):
            self.run_it(command)
        self.said["letterbox login"] = "letterbox login --no-passphrase"
        self.run_it(login, first)
        self.run_it(another, first)
        self.run_it("letterbox login second.json", second)
        self.said["FINGERPRINT"] = self.fingerprint(second)
        self.run_it(confirm, first)
        self.run_it(f"letterbox trust {SURGEON}", second, b"yes\n")

        deposited = json.loads(self.run_it(deposit))
        self.gateway.admin("admin", "invite", COLLEAGUE, "--output", self.folder / "colleague.json")
        self.run_it("letterbox login colleague.json", colleague)
        self.run_it(trust, colleague, b"yes\nyes\n")
        self.run_it(send, colleague)
        self.run_it(f"letterbox trust {COLLEAGUE}", first, b"yes\n")
        self.assertIn("Müller, Eva", self.run_it(listing, first).decode())
        self.said["ID"] = deposited["file"]
        for home in (first, second):
            shown = self.run_it(get, home)
            self.assertTrue(shown)
            file, = self.folder.glob(f"{deposited['file']}*")
            self.assertEqual(file.read_bytes(), rig.CT.read_bytes())
            file.unlink()

    def fingerprint(self, home):
        listed = json.loads(self.run_it("letterbox --json device list", home))
        return "'" + next(device["words"] for device in listed["devices"] if device["this"]) + "'"

    def test_client(self):
        self.serve()
        surgeon, newcomer = self.person(SURGEON), self.place / "newcomer"
        (login, *devices, trust, trust_by_words, add, resume, discard, sent, take_back, labelled, nobodys, listing, search, get,
         share, unshare, sync, invite, trust_newcomer) = commands("docs/client.md")
        colleague, another = self.place / "colleague", self.place / "another"
        self.said["letterbox login"] = "letterbox login --no-passphrase"
        self.gateway.admin("admin", "invite", COLLEAGUE, "--output", self.folder / "invitation.json")
        self.run_it(login, colleague)

        make, confirm, revoke, show = devices
        self.run_it(make, colleague)
        self.run_it("letterbox login second.json", another)
        self.said["FINGERPRINT"] = self.fingerprint(another)
        self.run_it(confirm, colleague)
        self.run_it(revoke, colleague, b"yes\n")
        self.run_it(show, colleague)

        self.run_it(trust, colleague, b"yes\n")
        self.said["WORDS"] = self.fingerprint(surgeon.home)
        self.run_it("letterbox recipient remove " + SURGEON, colleague)
        self.run_it(trust_by_words, colleague)
        shutil.copy(surgeon.home / "device.json", self.folder)
        self.run_it("letterbox recipient remove " + SURGEON, colleague)
        self.run_it(add, colleague)
        for command in (resume, discard):
            self.assertEqual(self.run_it(command, colleague), b"there is no unfinished send\n")

        for name in ("wound.jpg", "plan.png", "scan.dcm"):
            (self.folder / name).write_bytes(self.content(name))
        self.run_it(labelled, colleague)
        self.run_it(nobodys, colleague)
        self.run_it(f"letterbox trust {COLLEAGUE}", surgeon.home, b"yes\n")
        for command in (listing, search):
            self.assertIn("Müller, Eva", self.run_it(command, surgeon.home).decode())
        listed = json.loads(self.run_it(search.replace("letterbox", "letterbox --json"), surgeon.home))
        self.said["ID"] = listed["deliveries"][0]["delivery"]
        (self.folder / "wound.jpg").unlink()
        self.run_it(get, surgeon.home)
        self.assertTrue((self.folder / "wound.jpg").exists())

        registrar = self.person("registrar@hospital.example")
        surgeon.knows(registrar)
        registrar.knows(surgeon)
        self.run_it(f"letterbox trust {COLLEAGUE}", registrar.home, b"yes\n")
        self.said["DELIVERY"] = self.said["ID"]
        self.run_it(share, surgeon.home)
        self.assertIn("Müller, Eva", self.run_it(listing, registrar.home).decode())
        self.run_it(unshare, colleague)
        self.assertNotIn("Müller, Eva", self.run_it(listing, registrar.home).decode())
        self.run_it(sync, surgeon.home)
        self.assertIn("opened", self.run_it(sent, colleague).decode())
        self.run_it(take_back, colleague)

        self.run_it(invite, colleague)
        self.run_it("letterbox login newcomer.json", newcomer)
        self.run_it(f"letterbox trust {COLLEAGUE}", newcomer, b"yes\n")
        self.run_it(trust_newcomer, colleague, b"yes\n")
        self.assertIn(rig.CANARY, self.run_it(listing, newcomer).decode().lower())

    def content(self, name):
        if name.endswith(".dcm"):
            return rig.CT.read_bytes()
        if name.endswith(".jpg"):
            return PHOTO.read_bytes()
        out = io.BytesIO()
        Image.new("RGB", (8, 8)).save(out, "PNG")
        return out.getvalue()

    def test_api(self):
        self.serve()
        surgeon = self.person(SURGEON)
        self.mailbox()
        deposit, store = commands("docs/api/README.md")
        self.assertEqual(json.loads(self.run_it(deposit))["dropped"], [])
        self.assertEqual(len(self.study_of(self.run_it(store))), 1)
        self.assertEqual(self.got(surgeon, 2), [rig.CT.read_bytes()] * 2)

    def test_dicom_conformance(self):
        self.serve()
        surgeon = self.person(SURGEON)
        *setting_up, test_button = commands("docs/dicom-conformance.md")
        for command in setting_up:
            self.run_it(command)
        self.assertEqual(self.run_it(test_button), b"[]")
        _, store = commands("docs/api/README.md")
        self.run_it(store.replace("radiology", "pacs"))
        self.gateway.admin("admin", "mailbox", "put", "surgery", "--to", COLLEAGUE, "--from", "pacs@hospital.example")  # closes it
        self.assertEqual(self.got(surgeon), [rig.CT.read_bytes()])

    def test_photos(self):
        self.serve()
        surgeon, colleague = self.person(SURGEON), self.person(COLLEAGUE)
        colleague.knows(surgeon)
        surgeon.knows(colleague)
        self.mailbox()
        labelled, from_worklist, *stow = commands("docs/photos.md")
        self.run_it(labelled, colleague.home)
        (self.folder / "worklist.json").write_text(json.dumps([{
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou"}]}, "0020000D": {"vr": "UI", "Value": ["2.25.77"]}}]))
        self.run_it(from_worklist, colleague.home)
        uids = self.study_of(self.run_it("".join(stow)))
        wrapped = {}
        for number, content in enumerate(self.got(surgeon, 3)):
            file = self.folder / f"{number}.dcm"
            file.write_bytes(content)
            self.assertEqual(judges.complaints(file), [])
            data_set = pydicom.dcmread(file)
            wrapped.setdefault(str(data_set.PatientName), []).append(data_set)
        self.assertEqual({name: len(data_sets) for name, data_sets in wrapped.items()}, {"Müller^Eva": 2, "Yamada^Tarou": 1})
        self.assertEqual(wrapped["Yamada^Tarou"][0].StudyInstanceUID, "2.25.77")
        self.assertEqual({data_set.ImageLaterality for data_set in wrapped["Müller^Eva"]}, {"L"})
        self.assertIn(uids[0], [data_set.SOPInstanceUID for data_set in wrapped["Müller^Eva"]])


if __name__ == "__main__":
    unittest.main()
