"""kill -9, and a database that goes away: nothing half-visible, nothing acknowledged lost, a clean start after."""
import contextlib
import json
import os
import pathlib
import re
import signal
import unittest

import device
import rig


def descendants(pid):
    """{pid: name} of the processes under this one."""
    status = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            status[int(path.parent.name)] = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
    found = {}
    for one, fields in status.items():
        above = one
        while above in status and above != pid:
            above = int(status[above]["PPid"])
        if above == pid and one != pid:
            found[one] = fields["Name"].strip()
    return found


class Killed(unittest.TestCase):
    def test_in_the_middle_of_an_upload(self):
        with rig.scene("surgeon@hospital.example") as (gateway, surgeon):
            kept = gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
            with gateway.tls() as connection:
                head = device.raw_head(surgeon.signing_key, gateway, "POST", "/v1/files?to=surgeon@hospital.example",
                                       b"whatever comes in the end", "application/dicom")
                connection.sendall(head + b"Content-Length: 1000000000\r\n\r\n" + rig.dicom_head(10**9))
                # Far more than sockets and buffers hold, so rows lie staged in the database by now.
                for _ in range(48):
                    connection.sendall(os.urandom(rig.MIB))
                gateway.stop(signal.SIGKILL)
            gateway.start()
            swept = re.findall(r'event="swept unfinished uploads" files="(\d+)" rows="(\d+)"', gateway.log_text())[-1]
            self.assertEqual(int(swept[0]), 1)
            self.assertGreater(int(swept[1]), 0)

            surgeon.letterbox("connect", gateway.trust)  # another port
            listed = json.loads(surgeon.letterbox("--json", "list").stdout)
            self.assertEqual([entry["delivery"] for entry in listed["deliveries"]], [kept["delivery"]])
            out = gateway.data.parent / "ct.dcm"
            surgeon.letterbox("get", kept["file"], "-o", out)
            self.assertEqual(out.read_bytes(), rig.CT.read_bytes())

            gateway.stop()
            gateway.start()
            swept = re.findall(r'event="swept unfinished uploads" files="(\d+)" rows="(\d+)"', gateway.log_text())[-1]
            self.assertEqual(swept, ("0", "0"))

    def test_without_what_makes_inspectors_it_ends_and_leaves_nobody_behind(self):
        with rig.scene("surgeon@hospital.example") as (gateway, _):
            family = descendants(gateway.process.pid)
            makers = [pid for pid, name in family.items() if name == "inspectors"]
            self.assertEqual(len(makers), 1)
            os.kill(makers[0], signal.SIGKILL)
            self.assertEqual(gateway.process.wait(timeout=60), 1)
            rig.eventually(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in family), "all have ended")
            self.assertEqual(gateway.stop(), 1)
            gateway.start()

    def test_stopped_with_sigterm_it_exits_0_and_keeps_everything(self):
        with rig.scene("surgeon@hospital.example") as (gateway, surgeon):
            kept = gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
            self.assertEqual(gateway.stop(), 0)
            gateway.start()
            surgeon.letterbox("connect", gateway.trust)  # another port
            out = gateway.data.parent / "ct.dcm"
            surgeon.letterbox("get", kept["file"], "-o", out)
            self.assertEqual(out.read_bytes(), rig.CT.read_bytes())


    def test_when_its_private_database_ends_it_ends_too_and_says_why(self):
        with rig.scene("surgeon@hospital.example") as (gateway, _):
            pid_file = gateway.data / "postgres" / "data" / "postmaster.pid"
            os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGQUIT)
            self.assertEqual(gateway.process.wait(timeout=60), 1)
            self.assertIn("postgresql.log", gateway.log_text())
            gateway.stop()
            gateway.start()
            gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")


class ExternalDatabase(unittest.TestCase):
    """A PostgreSQL server of its own, stopped and started under a running gateway."""

    def setUp(self):
        self.place = rig.workspace()
        self.addCleanup(rig.shutil.rmtree, self.place, ignore_errors=True)
        self.database = rig.Database(self.place).start()
        self.addCleanup(self.database.stop)

    def test_goes_away_and_comes_back(self):
        gateway = rig.Gateway(self.place / "data", "--database", self.database.address).start()
        self.addCleanup(gateway.stop)
        surgeon = rig.Person(self.place / "surgeon", "surgeon@hospital.example", gateway)
        first = gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")

        self.database.stop()
        for method, path in (("POST", "/v1/files?to=surgeon@hospital.example"), ("GET", "/v1/files/" + first["file"])):
            status, fields, content = surgeon.request(method, path, rig.CT.read_bytes() if method == "POST" else b"",
                                                      "application/dicom")
            self.assertEqual((status, json.loads(content)["type"]), (503, "/problems/unavailable"))
            self.assertIn("retry-after", fields)
            self.assertNotIn(str(self.database.cluster).encode(), content)

        self.database.start()
        second = gateway.deposit(rig.CT, "application/dicom", "surgeon@hospital.example")
        listed = json.loads(surgeon.letterbox("--json", "list").stdout)
        self.assertEqual([entry["delivery"] for entry in listed["deliveries"]], [first["delivery"], second["delivery"]])


if __name__ == "__main__":
    unittest.main()
