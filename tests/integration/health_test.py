"""letterboxd health, as a container's health check asks it."""
import unittest

import rig


class Health(unittest.TestCase):
    def setUp(self):
        self.place = rig.workspace()
        self.addCleanup(rig.shutil.rmtree, self.place, ignore_errors=True)
        self.gateway = rig.Gateway(self.place / "data")
        self.addCleanup(self.gateway.stop)

    def asked(self):
        return rig.run(rig.BINARIES / "letterboxd", "health", "--data", self.gateway.data, check=False)

    def test_it_is_good_while_the_gateway_serves_and_bad_when_it_has_stopped(self):
        self.gateway.start()
        self.assertEqual(self.asked().returncode, 0, self.asked().stderr)
        self.gateway.stop()
        done = self.asked()
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.gateway.url.encode(), done.stderr)

    def test_it_is_bad_when_the_gateway_hangs(self):
        self.gateway.start()
        self.gateway.process.send_signal(rig.signal.SIGSTOP)
        self.addCleanup(lambda process: process.send_signal(rig.signal.SIGCONT), self.gateway.process)
        self.assertEqual(self.asked().returncode, 1)

    def test_it_is_bad_before_a_gateway_has_served(self):
        done = self.asked()
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"data/address", done.stderr)


if __name__ == "__main__":
    unittest.main()
