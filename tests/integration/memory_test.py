"""However large the file and however slow or fast the client: letterboxd's memory stays flat."""
import os
import subprocess
import threading
import unittest

import rig

SIZE = 1024 * rig.MIB
BOUND = 64 * rig.MIB


def dicom_of(size):
    """An image, of noise."""
    yield rig.dicom_head(size)
    left = size
    block = os.urandom(rig.MIB)
    while left > 0:
        yield block[:left]
        left -= len(block)


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = rig.scene("surgeon@hospital.example")
        cls.gateway, cls.surgeon = cls.scene.__enter__()
        cls.addClassCleanup(cls.scene.__exit__, None, None, None)
        # Warm: every pool and buffer that one request needs has been there.
        cls.gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")

    def growth_of(self, action):
        return rig.memory_growth(self.gateway.process.pid, action)

    def upload(self, size, *options):
        command = ["curl", "--silent", "--show-error", "--fail", *self.gateway.as_machine(), "--request", "POST",
                   "--header", "Content-Type: application/dicom", "--upload-file", "-", "--header", "Expect:", *options,
                   "--output", "/dev/null", "--dump-header", "-",
                   self.gateway.machine_url + "/v1/files?mailbox=" + self.gateway.mailbox("surgeon@hospital.example")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as curl:
            for block in dicom_of(size):
                curl.stdin.write(block)
            curl.stdin.close()
            answer = curl.stdout.read().decode()
        self.assertEqual(curl.returncode, 0)
        location = next(line for line in answer.splitlines() if line.lower().startswith("location:"))
        return location.split(":", 1)[1].strip()

    def download(self, location, *options):
        done = self.gateway.curl("--fail", "--output", "/dev/null", "--write-out", "%{size_download}", *options,
                                 *self.surgeon.signed("GET", location), self.gateway.url + location)
        return int(done.stdout)

    def test_1_gib_up_and_down_by_a_fast_client(self):
        location = []
        self.assertLess(self.growth_of(lambda: location.append(self.upload(SIZE))), BOUND)
        self.assertLess(self.growth_of(lambda: self.assertGreater(self.download(location[0]), SIZE)), BOUND)

    def test_up_and_down_by_a_slow_client(self):
        size, rate = (SIZE, "40M") if rig.FULL else (SIZE // 4, "40M")
        location = []
        self.assertLess(self.growth_of(lambda: location.append(self.upload(size, "--limit-rate", rate))), BOUND)
        self.assertLess(self.growth_of(lambda: self.assertGreater(
            self.download(location[0], "--limit-rate", rate), size)), BOUND)

    def test_eight_uploads_at_once(self):
        def all_at_once():
            threads = [threading.Thread(target=self.upload, args=(64 * rig.MIB,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertLess(self.growth_of(all_at_once), BOUND)


if __name__ == "__main__":
    unittest.main()
