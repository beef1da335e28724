"""The real programs, started and stopped: letterboxd on a free port, letterbox in a home of its own.

Peers are stock tools: curl, age, PostgreSQL. Everything that is started here is ended here, by its pid.
"""
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile

BINARIES = pathlib.Path(os.environ["LETTERBOX_BINARY_DIR"]) / "bin"
FULL = bool(os.environ.get("LETTERBOX_FULL"))
MIB = 1024 * 1024
PYDICOM_FILES = pathlib.Path("/usr/lib/python3/dist-packages/pydicom/data/test_files")
CT = PYDICOM_FILES / "CT_small.dcm"
ULTRASOUND = PYDICOM_FILES / "ExplVR_BigEnd.dcm"

# A whole JPEG of one grey pixel.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////"
    "////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
    "AQEAAD8AN//Z")


def workspace():
    """A new directory that any account can pass through, since letterboxd gives up root."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="letterbox-test-"))
    path.chmod(0o711)
    return path


def run(*command, check=True, **options):
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    done = subprocess.run([str(part) for part in command], timeout=300, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} exited {done.returncode}: {done.stdout!r} {done.stderr!r}")
    return done


def memory_peak(pid):
    """VmHWM in bytes."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)[1]) * 1024


def reset_memory_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


class Gateway:
    """A letterboxd over a data directory."""

    def __init__(self, data, *options):
        self.data = pathlib.Path(data)
        self.options = options
        self.process = None
        self.log = self.data.parent / "letterboxd.log"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BINARIES / "letterboxd", "serve", "--data", self.data, "--listen", "127.0.0.1:0", *self.options],
                stdout=subprocess.PIPE, stderr=log)
        greeting = self.process.stdout.readline().decode()
        match = re.match(r"Letterbox serves (https://127\.0\.0\.1:(\d+))", greeting)
        if not match:
            self.process.wait(timeout=60)
            raise AssertionError(f"letterboxd said {greeting!r}; its log: {self.log_text()}")
        self.url, self.port = match[1], int(match[2])
        extra = [option for option in ("--machine-listen", "--metrics-listen") if option in self.options]
        self.greeting = greeting + b"".join(self.process.stdout.readline() for _ in range(3 + len(extra))).decode()
        self.authority = self.data / "public" / "ca.pem"
        self.trust = self.data / "public" / "gateway.json"
        return self

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)
        if self.process:
            self.process.stdout.close()
        code = self.process.returncode if self.process else None
        self.process = None
        return code

    def admin(self, *arguments, **options):
        return run(BINARIES / "letterboxd", *arguments, "--data", self.data, *self.options, **options)

    def enrol(self, person):
        self.admin("recipient", "add", person.home / "device.json")
        return person

    def curl(self, *arguments, **options):
        return run("curl", "--silent", "--show-error", "--cacert", self.authority, *arguments, **options)

    def request(self, method, path, body=b"", content_type=None, headers=()):
        """(status, headers, body) by curl; `body` is a path or bytes."""
        arguments = ["--include", "--request", method, self.url + path]
        if method == "HEAD":
            arguments = ["--head", self.url + path]
        if content_type is not None:
            arguments += ["--header", f"Content-Type: {content_type}"]
        for header in headers:
            arguments += ["--header", header]
        given = None
        if isinstance(body, pathlib.Path):
            arguments += ["--upload-file", body]
        elif body or method in ("POST", "PUT"):
            arguments += ["--data-binary", "@-"]
            given = body
        done = self.curl(*arguments, "--header", "Expect:", input=given)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = dict((k.strip().lower(), v.strip()) for k, _, v in (line.partition(":") for line in lines[1:]))
        return int(lines[0].split()[1]), fields, content

    def deposit(self, body, content_type, *to):
        query = "&".join("to=" + name for name in to)
        status, _, content = self.request("POST", "/v1/files?" + query, body, content_type)
        if status != 201:
            raise AssertionError(f"{status}: {content!r}")
        return json.loads(content)

    def tls_context(self):
        return ssl.create_default_context(cafile=str(self.authority))

    def tls(self, port=None, context=None, timeout=60):
        """A raw TLS connection, for requests that no HTTP client makes."""
        plain = socket.create_connection(("127.0.0.1", port or self.port), timeout=timeout)
        return (context or self.tls_context()).wrap_socket(plain, server_hostname="127.0.0.1")

    def as_owner(self, *command):
        """What `command` prints, run as the account that letterboxd runs as: the data's owner."""
        owner = os.stat(self.data)
        become = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        return run(*command, cwd="/", **become).stdout.decode()

    def sql(self, statement):
        """What its private database says, asked on the cluster's own socket."""
        return self.as_owner("psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", self.data / "postgres" / "run",
                             "-d", "postgres", "-c", statement)


class Database:
    """A PostgreSQL server, run by the account that letterboxd becomes, so that peer authentication lets them meet."""

    def __init__(self, place):
        self.place = place
        self.cluster = place / "cluster"
        self.address = f"host={self.cluster} dbname=postgres"
        self.programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.account = "letterbox" if os.geteuid() == 0 else None
        self.cluster.mkdir()
        if self.account:
            shutil.chown(self.cluster, self.account, self.account)
        self.as_owner(self.programs / "initdb", "--pgdata", self.cluster, "--auth=peer", "--encoding=UTF8",
                      "--locale=C.UTF-8")

    def as_owner(self, *command):
        become = {"user": self.account, "group": self.account, "extra_groups": []} if self.account else {}
        with open(self.place / "database.log", "ab") as output:
            run(*command, cwd="/", stdout=output, stderr=output, **become)

    def start(self):
        self.as_owner(self.programs / "pg_ctl", "--pgdata", self.cluster, "--wait", "--options",
                      f"-c listen_addresses='' -c unix_socket_directories={self.cluster}", "start")
        return self

    def stop(self):
        if (self.cluster / "postmaster.pid").exists():
            self.as_owner(self.programs / "pg_ctl", "--pgdata", self.cluster, "--wait", "--mode=immediate", "stop")

    def sql(self, statement):
        self.as_owner("psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", self.address, "--command", statement)


class Person:
    """Somebody with a letterbox program and a key."""

    def __init__(self, home, handle, gateway=None):
        self.home = pathlib.Path(home)
        self.handle = handle
        if gateway:
            self.letterbox("connect", gateway.trust)
        made = json.loads(self.letterbox("--json", "keygen", "--handle", handle, "--no-passphrase").stdout)
        self.recipient = made["recipient"]

    def letterbox(self, *arguments, **options):
        return run(BINARIES / "letterbox", "--home", self.home, *arguments, **options)

    @property
    def key_file(self):
        return next(path for path in (self.home / "key.txt", self.home / "key.age") if path.exists())

    def knows(self, *others):
        for other in others:
            self.letterbox("recipient", "add", other.home / "device.json")


@contextlib.contextmanager
def scene(*handles, options=()):
    """A gateway and its people, who all know each other; gone afterwards."""
    place = workspace()
    gateway = Gateway(place / "data", *options)
    try:
        gateway.start()
        people = [gateway.enrol(Person(place / handle.partition("@")[0], handle, gateway)) for handle in handles]
        for person in people:
            person.knows(*[other for other in people if other is not person])
        yield gateway, *people
    finally:
        gateway.stop()
        shutil.rmtree(place, ignore_errors=True)


def age_decrypt(key_file, sealed):
    """What stock age makes of `sealed` (bytes)."""
    return run("age", "--decrypt", "--identity", key_file, input=sealed).stdout
