"""Orthanc as scripts/bootstrap bench unpacks it, with its index in a database of a gateway's private cluster."""
import contextlib
import json
import os
import pathlib
import subprocess
import time
import urllib.request

from server import free_port

PLACE = pathlib.Path(__file__).resolve().parents[2] / "build/orthanc"


class Orthanc:
    def __init__(self, directory, gateway, stores_files=False, index_connections=1):
        """What it is given lies in the database, too, unless it `stores_files`. Runs as the cluster's owner, whom the
        cluster knows by its peer's account. One connection is what the package's own configuration has."""
        self.port = free_port()
        self.directory = directory
        directory.mkdir()
        owner = os.stat(gateway.data)
        os.chown(directory, owner.st_uid, owner.st_gid)
        database = directory.name
        gateway.sql(f"CREATE DATABASE {database}")
        plugins = [str(next((PLACE / "usr/lib/orthanc").glob(f"lib{name}.so.*")))
                   for name in ("OrthancPostgreSQLIndex", "OrthancPostgreSQLStorage", "OrthancDicomWeb")]
        configuration = directory / "orthanc.json"
        configuration.write_text(json.dumps({
            "Name": "bench", "StorageDirectory": str(directory), "IndexDirectory": str(directory),
            "TemporaryDirectory": str(directory), "Locale": "C.UTF-8",
            "HttpPort": self.port, "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "KeepAlive": True,
            "HttpCompressionEnabled": False, "StorageCompression": False, "SaveJobs": False,
            "DicomServerEnabled": False, "Plugins": plugins,
            "PostgreSQL": {"EnableIndex": True, "EnableStorage": not stores_files, "Lock": True,
                           "IndexConnectionsCount": index_connections,
                           "ConnectionUri": f"postgresql:///{database}?host={gateway.data / 'postgres' / 'run'}"},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }), encoding="ascii")
        become = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        self.log = directory / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([str(PLACE / "usr/sbin/Orthanc"), str(configuration)], cwd=directory,
                                            stdout=log, stderr=log, **become)

    def wait_until_it_serves(self):
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self.instances()
                return self
            time.sleep(0.1)
        raise SystemExit(f"Orthanc doesn't serve: {self.log.read_text(errors='replace')}")

    def instances(self):
        """How many it holds."""
        return self.get("/statistics")["CountInstances"]

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return json.load(answer)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
