"""Fifty uploads at once, from clients that are faster than the shelf: memory stays bounded, and what was acknowledged
is there to the last byte."""
import concurrent.futures
import contextlib
import json
import random
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import rig

CLIENTS = 50
SIZE = (256 if rig.FULL else 16) * rig.MIB
BOUND = 256 * rig.MIB
# A client that is told so often to come back later isn't served at all.
MOST_TRIES = 200


def pieces(client):
    """What this client sends: an image whose pixels are a block of noise of its own, numbered anew each time."""
    block = random.Random(client).randbytes(rig.MIB)
    yield rig.dicom_head(SIZE)
    for number in range(SIZE // rig.MIB):
        yield number.to_bytes(16, "big") + block[16:]


class Flood(unittest.TestCase):
    def setUp(self):
        needed = CLIENTS * SIZE * 5 // 4 + 4096 * rig.MIB
        free = shutil.disk_usage(tempfile.gettempdir()).free
        self.assertGreater(free, needed, f"needs {needed // rig.MIB} MiB free in {tempfile.gettempdir()}")
        scene = rig.scene("surgeon@hospital.example")
        self.gateway, self.surgeon = scene.__enter__()
        self.addCleanup(scene.__exit__, None, None, None)
        # Warm: every pool and buffer that one request needs has been there.
        self.gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")

    def send(self, client):
        """(status, Retry-After, receipt). The body follows the head at once; nobody waits for a 100."""
        command = ["curl", "--silent", "--show-error", *self.gateway.as_machine(), "--request", "POST",
                   "--header", "Content-Type: application/dicom", "--header", "Expect:", "--upload-file", "-",
                   "--write-out", "\n%{http_code} %header{retry-after}",
                   self.gateway.machine_url + "/v1/files?mailbox=" + self.gateway.mailbox("surgeon@hospital.example")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as curl:
            # An answer before the end has curl stop reading.
            with contextlib.suppress(BrokenPipeError):
                for piece in pieces(client):
                    curl.stdin.write(piece)
            with contextlib.suppress(BrokenPipeError):
                curl.stdin.close()
            answer, _, outcome = curl.stdout.read().decode().rpartition("\n")
        status, _, retry_after = outcome.partition(" ")
        return int(status), retry_after, answer

    def upload(self, client):
        """(file id, how often it was told to come back later). Retries as an honest client does, and no more."""
        for refusals in range(MOST_TRIES):
            status, retry_after, answer = self.send(client)
            if status == 201:
                return json.loads(answer)["file"], refusals
            self.assertEqual(status, 503, answer)
            time.sleep(int(retry_after))
        self.fail(f"client {client} was refused {MOST_TRIES} times")

    def stored(self, client, file):
        """Every byte, by stock age."""
        path = "/v1/files/" + file
        with subprocess.Popen(["curl", "--silent", "--fail", "--cacert", self.gateway.authority,
                               *self.surgeon.signed("GET", path), self.gateway.url + path],
                              stdout=subprocess.PIPE) as curl, \
                subprocess.Popen(["age", "--decrypt", "--identity", self.surgeon.key_file],
                                 stdin=curl.stdout, stdout=subprocess.PIPE) as age:
            for number, piece in enumerate(pieces(client)):
                self.assertTrue(age.stdout.read(len(piece)) == piece, f"client {client}, MiB {number} differs")
            self.assertEqual(age.stdout.read(), b"")
        self.assertEqual((curl.returncode, age.returncode), (0, 0))

    def test_fifty_uploads_at_once(self):
        pid = self.gateway.process.pid
        rig.reset_memory_peak(pid)
        before = rig.memory_peak(pid)
        start = threading.Barrier(CLIENTS)
        began = time.monotonic()

        def one(client):
            start.wait()
            return self.upload(client)
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            done = list(clients.map(one, range(CLIENTS)))
        seconds = time.monotonic() - began
        growth = rig.memory_peak(pid) - before
        refusals = [count for _, count in done]
        print(f"{CLIENTS} uploads of {SIZE // rig.MIB} MiB in {seconds:.0f} s; VmHWM grew by {growth / rig.MIB:.1f} MiB; "
              f"{sum(refusals)} answers of 503, at most {max(refusals)} to one client", flush=True)

        self.assertEqual(len({file for file, _ in done}), CLIENTS)
        with concurrent.futures.ThreadPoolExecutor(4) as readers:
            list(readers.map(self.stored, range(CLIENTS), [file for file, _ in done]))
        self.assertLess(growth, BOUND)


if __name__ == "__main__":
    unittest.main()
