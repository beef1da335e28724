"""Of patients and studies nothing lies in the clear wherever a gateway could leave something: not in its data directory,
PostgreSQL's files and its write-ahead log included, not in logs, a core, a process's environment or command line, nor in
temporary folders.

What canary_test.py looks for in what is written to be read, this one looks for in all bytes, after everything was sent that
is taken and that is refused, by STOW, REST and the CLI.
"""
import base64
import json
import os
import pathlib
import resource
import secrets
import signal
import subprocess
import tempfile
import unittest

import dicom
import rig
import stow

RADIOLOGY, SURGEON = f"radiology@{rig.TENANT}", f"surgeon@{rig.TENANT}"
DICOM = "application/dicom"
MAILBOX = "/to/for-surgeon/dicom-web/studies"
TEMPORARY = {pathlib.Path(place) for place in (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm") if os.path.isdir(place)}
# What people have on their own devices, and the test's own files: not the gateway's.
OURS = "devices"


def forms(word):
    """`word` as it could be written down: itself, in hexadecimal as PostgreSQL shows bytes, in base64 wherever it begins."""
    word = word.encode()
    yield word
    yield word.hex().encode()
    for skipped in range(3):
        # Without what depends on the neighbours.
        coded = base64.b64encode(bytes(skipped) + word)
        yield coded[skipped and 4:-4 if (skipped + len(word)) % 3 else None]


class Search:
    """For words in whatever was written after it was made."""

    def __init__(self, place):
        self.mark = place / "mark"
        self.mark.touch()

    def found(self, words, *places):
        """The files below `places` that hold one of `words`, in any form."""
        find = ["find", *map(str, places), "-xdev", "-name", OURS, "-prune", "-o", "-type", "f", "-newer", str(self.mark), "-print0"]
        files = subprocess.run(find, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=300, check=False).stdout
        files = [name for name in files.split(b"\0") if name]
        patterns = b"\n".join(form for word in words for form in forms(word)) + b"\n"
        hits = []
        for begin in range(0, len(files), 500):
            done = subprocess.run(["grep", "-s", "-l", "-a", "-i", "-F", "-f", "-", "--", *files[begin:begin + 500]], input=patterns,
                                  stdout=subprocess.PIPE, env={"LC_ALL": "C"}, timeout=300, check=False)
            hits += done.stdout.decode(errors="replace").splitlines()
        return hits


def processes_with(words):
    """Processes with one of `words` in their environment or command line."""
    hits = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        for name in ("environ", "cmdline"):
            try:
                content = (process / name).read_bytes().lower()
            except OSError:
                continue  # another account's, or ended
            hits += [f"{process}/{name}" for word in words if word.lower().encode() in content]
    return hits


def core_limit(pid):
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    return next(line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file size"))


class NoTrace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # So that there would be a core, if letterboxd let there be one.
        soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        cls.addClassCleanup(resource.setrlimit, resource.RLIMIT_CORE, (soft, hard))

    def setUp(self):
        self.place = rig.workspace()
        self.addCleanup(rig.shutil.rmtree, self.place, ignore_errors=True)
        self.ours = self.place / OURS
        self.ours.mkdir()
        self.search = Search(self.ours)
        self.gateway = rig.Gateway(self.place / "data")
        self.addCleanup(self.gateway.stop)
        self.gateway.start()
        self.radiology, self.surgeon = (rig.Person(self.ours / handle.partition("@")[0], handle, self.gateway)
                                        for handle in (RADIOLOGY, SURGEON))
        for one, other in ((self.radiology, self.surgeon), (self.surgeon, self.radiology)):
            one.knows(other)
        self.gateway.mailbox(SURGEON)

        bird = secrets.token_hex(6)
        self.name, self.id, self.note = f"Kite{bird}^Red", f"ID{bird}77", f"wing{bird} broken"
        self.study, self.series = dicom.new_uid(), dicom.new_uid()
        self.words = [self.name.partition("^")[0], self.id, self.note.partition(" ")[0], self.study, self.series]

    def file(self, instance=None, syntax=dicom.EXPLICIT, **about):
        """An instance whose every name is looked for."""
        instance = instance or dicom.new_uid()
        self.words.append(instance)
        number = dicom.element(dicom.PATIENT_ID, "LO", self.id, dicom.encoding(syntax))
        return dicom.file(self.name, syntax, study=self.study, series=self.series, instance=instance,
                          extra={dicom.PATIENT_ID: number}, **about)

    def photo(self):
        """With names in its metadata, and behind it."""
        comment = self.name.encode()
        return rig.JPEG[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + rig.JPEG[2:] + self.id.encode()

    # What is sent.

    def store(self, body, content_type=stow.content_type(), study=None):
        target = MAILBOX + ("/" + study if study else "")
        status, _, content = self.gateway.request("POST", target, body, content_type, machine=True)
        return status, content

    def by_stow(self):
        one = self.file()
        other_bytes = self.file(instance=self.words[-1], pixels=bytes(128))
        bad_syntax = dicom.part10(dicom.image(self.name, study=self.study), f"{self.study[:40]}.7")
        for expected, files, study in (
                (200, [one, self.file(), self.file(syntax=dicom.DEFLATED), self.file(syntax=dicom.BIG_ENDIAN)], self.study),
                (200, [one], None), (409, [other_bytes], None), (202, [self.file(), self.file()[:-1]], None),
                (409, [self.file()[:length] for length in (100, 300, 400, 500, 700)], None), (409, [bad_syntax], None),
                (409, [self.file()], dicom.new_uid()), (200, [dicom.large(8 * rig.MIB, patient=self.name)], None)):
            status, content = self.store(stow.instances(*files), study=study)
            self.assertEqual(status, expected, content)
        whole = stow.instances(self.file(), dicom.large(4 * rig.MIB, patient=self.name))
        for body, content_type, expected in (
                (whole[:-8], stow.content_type(), 400), (whole, stow.content_type(self.name.replace("^", "-")), 400),
                (stow.body(stow.part(self.file(), content_type="text/" + self.id)), stow.content_type(), 415),
                (whole, stow.content_type(part_type="application/" + self.id), 415),
                (stow.body(stow.part(self.file(), f'Content-Disposition: attachment; filename="{self.name}.dcm"',
                                     f"Content-Location: /{self.study}/{self.id}")), stow.content_type(), 200)):
            self.assertEqual(self.store(body, content_type)[0], expected)
        self.cut_off(whole)

    def cut_off(self, body):
        """A request that ends in the middle of an instance whose rows are staged."""
        with self.gateway.tls(self.gateway.machine_port, self.gateway.tls_context(machine=True)) as connection:
            head = f"POST {MAILBOX} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {stow.content_type()}\r\n"
            connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-100])

    def by_rest(self):
        mailbox = "/v1/files?mailbox=for-surgeon"
        for body, content_type, expected in (
                (self.file(), DICOM, 201), (self.photo(), "image/jpeg", 201), (self.file()[:-2], DICOM, 422),
                (self.file(), "image/jpeg", 422), (self.photo()[:-30 - len(self.id)], "image/jpeg", 422), (self.photo(), DICOM, 422),
                (self.file(), "application/" + self.id, 415), (dicom.large(4 * rig.MIB, patient=self.name)[:-1], DICOM, 422)):
            self.assertEqual(self.gateway.request("POST", mailbox, body, content_type, machine=True)[0], expected)
            sent = self.radiology.request("POST", f"/v1/files?to={SURGEON}", body, content_type)
            self.assertEqual(sent[0], expected)

    def by_cli(self):
        image, broken, photo = (self.ours / f"{self.name}.{kind}" for kind in ("dcm", "broken", "jpg"))
        image.write_bytes(self.file())
        broken.write_bytes(self.file()[:-1])
        photo.write_bytes(self.photo())
        to = ("--to", SURGEON)
        labelled = ("--patient", self.name, "--patient-id", self.id, "--born", "1970-01-01", "--note", self.note)
        self.radiology.letterbox("send", image, *to)
        self.radiology.letterbox("send", image, *to, "--seal-at-gateway")
        self.radiology.letterbox("send", photo, *to, *labelled)
        self.radiology.letterbox("send", photo, *to, *labelled, "--as-dicom")
        self.radiology.letterbox("send", "--attach", broken, *to)
        self.assertNotEqual(self.radiology.letterbox("send", broken, *to, check=False).returncode, 0)
        for command in (("list",), ("--json", "list")):
            shown = self.surgeon.letterbox(*command).stdout.decode()
            self.assertIn(self.words[0], shown)

    # Where it is looked for.

    def look_everywhere(self):
        places = {self.gateway.data, self.gateway.log, *TEMPORARY}
        self.assertEqual(self.search.found(self.words, *places), [])
        self.assertEqual(processes_with(self.words), [])

    def test_by_every_way_taken_or_refused_leaves_no_trace(self):
        self.by_stow()
        self.by_rest()
        self.by_cli()
        self.assertGreater(len(self.words), 25)
        self.assertEqual(core_limit(self.gateway.process.pid), ["0", "0"])
        self.look_everywhere()

        # Not when it is killed in the middle of it either, nor once its database has recovered.
        self.cut_off(stow.instances(self.file(), dicom.large(8 * rig.MIB, patient=self.name)))
        before = pathlib.Path(f"/proc/{self.gateway.process.pid}/cwd").resolve()
        self.assertEqual(self.gateway.stop(signal.SIGABRT), -signal.SIGABRT)
        self.assertEqual(list(before.glob("core*")) + list(self.gateway.data.rglob("core*")), [])
        self.look_everywhere()
        self.gateway.start()
        self.gateway.stop()
        self.look_everywhere()

    def test_is_found_where_there_is_one(self):
        """The same search finds what does lie there, and what lay there for a moment."""
        self.gateway.deposit(self.file(), DICOM, SURGEON)
        self.assertTrue(self.search.found([SURGEON], self.gateway.data))
        word = secrets.token_hex(10)
        for form in forms(word):
            with self.subTest(form=form):
                planted = self.place / "planted"
                planted.write_bytes(os.urandom(4096) + form.upper() + os.urandom(4096))
                self.assertIn(str(planted), self.search.found([word], *TEMPORARY))
        planted.unlink()
        self.gateway.sql(f"CREATE TABLE bird AS SELECT '{word}' AS name; DROP TABLE bird")
        self.assertTrue(any("/pg_wal/" in file for file in self.search.found([word], self.gateway.data)))
        with subprocess.Popen(["sleep", "600"], env={**os.environ, "BIRD": word}) as bird:
            self.assertEqual(processes_with([word]), [f"/proc/{bird.pid}/environ"])
            bird.terminate()


if __name__ == "__main__":
    unittest.main()
