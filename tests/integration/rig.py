"""The real programs, started and stopped: letterboxd on a free port, letterbox in a home of its own.

Peers are stock tools: curl, age, PostgreSQL. Everything that is started here is ended here, by its pid.
"""
import atexit
import base64
import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import unittest
import time
import uuid

import device

BINARIES = pathlib.Path(os.environ["LETTERBOX_BINARY_DIR"]) / "bin"
FULL = bool(os.environ.get("LETTERBOX_FULL"))
MIB = 1024 * 1024
TENANT = "hospital.example"
PYDICOM_FILES = pathlib.Path("/usr/lib/python3/dist-packages/pydicom/data/test_files")
# What tests plant in names, file names, UIDs and header fields, so that a log or the audit trail that takes up any of
# these is found out (Gateway.stop). Each is a word that nothing else here has a reason to say.
CANARY, CANARY_UID = "kanarienvogel", "2.25.48151623424815162342108481516234248151"
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


def dicom_head(pixels):
    """How a DICOM file begins that ends with so many bytes of pixels, an even number below 4 GiB."""
    def element(group, number, vr, value):
        value += b"\0" * (len(value) % 2)
        length = struct.pack("<H", len(value)) if vr in (b"UI", b"UL") else struct.pack("<2xI", len(value))
        return struct.pack("<HH", group, number) + vr + length + value

    meta = element(2, 1, b"OB", b"\0\1") + element(2, 0x10, b"UI", b"1.2.840.10008.1.2.1")
    uids = {(8, 0x16): b"1.2.840.10008.5.1.4.1.1.7", (8, 0x18): b"2.25.1", (0x20, 0xd): b"2.25.2", (0x20, 0xe): b"2.25.3"}
    return (bytes(128) + b"DICM" + element(2, 0, b"UL", struct.pack("<I", len(meta))) + meta
            + b"".join(element(*tag, b"UI", uid) for tag, uid in uids.items())
            + struct.pack("<HH2s2xI", 0x7fe0, 0x10, b"OW", pixels))


def run(*command, check=True, **options):
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    done = subprocess.run([str(part) for part in command], timeout=300, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} exited {done.returncode}: {done.stdout!r} {done.stderr!r}")
    return done


CURL = ("curl", "--silent", "--show-error")


def curl_answer(printed):
    """(status, headers, body) of what `curl --include` or `curl --head` printed."""
    head, _, content = printed.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = dict((k.strip().lower(), v.strip()) for k, _, v in (line.partition(":") for line in lines[1:]))
    return int(lines[0].split()[1]), fields, content


def with_canaries(original):
    """A copy of pydicom's CT_small.dcm with canaries for patient, study and file name; of the same length."""
    content = original.read_bytes()
    for name, canary in ((b"CompressedSamples^CT1", CANARY), (b"1.3.6.1.4.1.5962.1.2.1.20040119072730.12322", CANARY_UID)):
        if content.count(name) != 1:
            raise AssertionError(f"{original}: no {name!r}")
        content = content.replace(name, canary.encode().ljust(len(name), b"\0" if canary == CANARY_UID else b" "))
    place = workspace()
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    copy = place / f"{CANARY}.dcm"
    copy.write_bytes(content)
    return copy


CT = with_canaries(PYDICOM_FILES / "CT_small.dcm")


STUDY_UID, SOP_UID = b"1.3.6.1.4.1.5962.1.2.1.20040119072730.12322", b"1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"


def ct_instance(number, study=0, note=b"CompressedSamples^CT1"):
    """pydicom's CT_small.dcm as another instance, of another study, or with other bytes."""
    content = (PYDICOM_FILES / "CT_small.dcm").read_bytes()
    for uid, value in ((SOP_UID, number), (STUDY_UID, study)):
        content = content.replace(uid, uid[:-5] + b"%d" % (10_000 + value))
    return content.replace(b"CompressedSamples^CT1", note.ljust(21))


def stow_body(instances, boundary="letterbox-boundary", part_type="application/dicom"):
    """(body, Content-Type) of a STOW-RS request."""
    head = f"--{boundary}\r\nContent-Type: {part_type}\r\n\r\n".encode()
    body = b"".join(head + instance + b"\r\n" for instance in instances) + f"--{boundary}--\r\n".encode()
    return body, f'multipart/related; type="application/dicom"; boundary="{boundary}"'


def eventually(condition, what):
    """Until `condition()` is true; fails after a long while."""
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never: {what}")
        time.sleep(0.02)


def memory_peak(pid):
    """VmHWM in bytes."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)[1]) * 1024


def reset_memory_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def processes_of(pid):
    """A letterboxd and what it forked to look at files, but not its database."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    inspectors = [child for child in children if pathlib.Path(f"/proc/{child}/comm").read_text("ascii").startswith("inspector")]
    return [pid, *(process for child in inspectors for process in processes_of(int(child)))]


def memory_growth(pid, action):
    """By how many bytes the process that grew most did, at its peak, while `action` was done: a letterboxd, or one that it
    forked to look at files and that lived on."""
    before = {}
    for process in processes_of(pid):
        reset_memory_peak(process)
        before[process] = memory_peak(process)
    action()
    growth = max(memory_peak(process) - before[process] for process in processes_of(pid) if process in before)
    print(f"VmHWM grew by {growth / MIB:.1f} MiB", flush=True)
    return growth


class Authority:
    """A hospital's certificate authority for its machines, and the certificate of one that any gateway here may know."""

    def __init__(self, place):
        self.place = pathlib.Path(place)
        self.place.mkdir()
        self.place.chmod(0o755)
        self.certificate, key = self.place / "authority.pem", self.place / "authority.key"
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        run("openssl", "req", "-x509", *new_key, "-keyout", key, "-out", self.certificate, "-subj", "/CN=Machines")
        self.machine, self.machine_key = self.place / "machine.pem", self.place / "machine.key"
        run("openssl", "req", "-x509", *new_key, "-CA", self.certificate, "-CAkey", key, "-keyout", self.machine_key,
            "-out", self.machine, "-subj", "/CN=pacs", "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", "extendedKeyUsage=clientAuth")
        self.certificate.chmod(0o644)


class Gateway:
    """A letterboxd over a data directory. Unless `options` say otherwise it has the tenant of the tests, an address for
    machines, and no rates: the tests' hurry is nobody's attack."""

    def __init__(self, data, *options):
        self.data = pathlib.Path(data)
        self.authority_of_machines = Authority(self.data.parent / "machines")
        defaults = {"--tenant": TENANT, "--machine-listen": "127.0.0.1:0",
                    "--machine-client-authority": self.authority_of_machines.certificate,
                    "--rate-failures": "0", "--rate-peer": "0", "--rate-principal": "0"}
        given = {str(option) for option in options}
        self.options = (*options, *(part for pair in defaults.items() if pair[0] not in given for part in pair))
        self.listen = "127.0.0.1:0"
        self.process = None
        self.mailboxes = set()
        self.log = self.data.parent / "letterboxd.log"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BINARIES / "letterboxd", "serve", "--data", self.data, "--listen", self.listen, *self.options],
                stdout=subprocess.PIPE, stderr=log)
        return self.greeted()

    def greeted(self):
        """Itself, once its process has said where it serves."""
        greeting = self.process.stdout.readline()
        match = re.match(rb"Letterbox serves (https://127\.0\.0\.1:(\d+))", greeting)
        if not match:
            self.process.wait(timeout=60)
            raise AssertionError(f"letterboxd said {greeting!r}; its log: {self.log_text()}")
        self.url, self.port = match[1].decode(), int(match[2])
        # It is written at once, so what is there now is all.
        self.greeting = (greeting + self.process.stdout.peek()).decode()
        # A public URL may be another one than where it listens.
        elsewhere = re.search(r"^  it listens on +https://127\.0\.0\.1:(\d+)$", self.greeting, re.M)
        if elsewhere:
            self.port = int(elsewhere[1])
        machines = re.search(r"^  machines use +(https://127\.0\.0\.1:(\d+))$", self.greeting, re.M)
        self.machine_url, self.machine_port = (machines[1], int(machines[2])) if machines else (None, None)
        self.authority = self.data / "public" / "ca.pem"
        self.trust = self.data / "public" / "gateway.json"
        return self

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self, how=signal.SIGTERM):
        """Its exit code. Fails, but only once it has ended, if it wrote down what it mustn't."""
        code = None
        try:
            trail = self.trail() if self.serves() else ""
        finally:
            if self.process:
                self.process.send_signal(how)
                code = self.process.wait(timeout=60)
                self.process.stdout.close()
                self.process = None
        self.check_discretion(audit=trail)
        return code

    def serves(self):
        return self.process is not None and self.process.poll() is None

    def written(self):
        """All that the gateway and its database have logged, by the file's name."""
        files = (self.log, self.data / "postgres" / "postgresql.log")
        return {file.name: file.read_text(encoding="utf-8", errors="replace") for file in files if file.exists()}

    def trail(self):
        """Every record of the audit trail, with all that is kept of it."""
        return self.sql("SELECT audit FROM audit")

    def exported(self):
        """The audit trail as `letterboxd audit export` hands it on."""
        file = self.data.parent / f"export-{uuid.uuid4()}"
        self.admin("audit", "export", "--output", file)
        return file.read_text(encoding="utf-8")

    def check_export(self):
        if self.serves():
            self.check_discretion(export=self.exported())

    def check_discretion(self, **read):
        """Nothing in what an operator reads, in the logs and `read`, may come from names, UIDs or header fields."""
        for name, text in {**self.written(), **read}.items():
            for canary in (CANARY, CANARY_UID):
                at = text.lower().find(canary)
                if at >= 0:
                    raise AssertionError(f"{name} has a canary: {text[max(0, at - 300):at + 100]!r}")

    def admin(self, *arguments, **options):
        return run(BINARIES / "letterboxd", *arguments, "--data", self.data, *self.options, **options)

    def invitation(self, handle, *options):
        """An invitation file for `letterbox login`, made on the host."""
        file = self.data.parent / f"invitation-{uuid.uuid4()}.json"
        self.admin("admin", "invite", handle, "--output", file, *options)
        return file

    def invited(self, handle, *options):
        """A device.Device of `handle`, let in by an invitation of the host."""
        token = json.loads(self.invitation(handle, *options).read_text(encoding="ascii"))["invitation"]
        return device.Device(self, handle).enrolled(token)

    @functools.cached_property
    def machine(self):
        """The handle of the machine that deposits here, let in when first asked for."""
        handle = f"pacs@{TENANT}"
        self.admin("admin", "machine", "add", handle, "--certificate", self.authority_of_machines.machine)
        return handle

    def mailbox(self, *to):
        """A mailbox for these handles, which the machine may put something in."""
        name = "for-" + "-".join(handle.partition("@")[0] for handle in to)
        if name not in self.mailboxes:
            self.admin("admin", "mailbox", "put", name, *(part for handle in to for part in ("--to", handle)),
                       "--from", self.machine)
            self.mailboxes.add(name)
        return name

    def as_machine(self):
        """What has curl show the machine's certificate, at `machine_url`."""
        return ("--cacert", self.authority, "--cert", self.authority_of_machines.machine,
                "--key", self.authority_of_machines.machine_key)

    def curl(self, *arguments, **options):
        return run(*CURL, "--cacert", self.authority, *arguments, **options)

    def request(self, method, path, body=b"", content_type=None, headers=(), machine=False):
        """(status, headers, body) by curl; `body` is a path or bytes. From nobody, unless `headers` are those of a
        signed request (see Person.request), or it comes from the machine."""
        arguments, given = self.curl_request(method, path, body, content_type, headers, machine)
        return curl_answer(run(*arguments, input=given).stdout)

    def curl_request(self, method, path, body=b"", content_type=None, headers=(), machine=False):
        """(the command line, what goes to its standard input) of the same request."""
        url = (self.machine_url if machine else self.url) + path
        arguments = ["--head", url] if method == "HEAD" else ["--include", "--request", method, url]
        if machine:
            arguments += self.as_machine()
        if content_type is not None:
            arguments += ["--header", f"Content-Type: {content_type}"]
        for header in (f"X-Patient: {CANARY}", *headers):
            arguments += ["--header", header]
        given = None
        if isinstance(body, pathlib.Path):
            arguments += ["--upload-file", body]
        elif body or method in ("POST", "PUT"):
            arguments += ["--data-binary", "@-"]
            given = body
        if not machine and not url.startswith(f"https://127.0.0.1:{self.port}/"):
            arguments += ["--connect-to", f"::127.0.0.1:{self.port}"]
        return [*CURL, "--cacert", self.authority, *arguments, "--header", "Expect:"], given

    def deposit(self, body, content_type, *to):
        """What the machine puts into the mailbox for `to`."""
        path = "/v1/files?mailbox=" + self.mailbox(*to)
        status, _, content = self.request("POST", path, body, content_type, machine=True)
        if status != 201:
            raise AssertionError(f"{status}: {content!r}")
        return json.loads(content)

    def tls_context(self, machine=False):
        context = ssl.create_default_context(cafile=str(self.authority))
        if machine:
            context.load_cert_chain(self.authority_of_machines.machine, self.authority_of_machines.machine_key)
        return context

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
        """What its database says; unless it was given another, the private one on the cluster's own socket."""
        private = f"host={self.data / 'postgres' / 'run'} dbname=postgres"
        given = dict(zip(self.options, self.options[1:])).get("--database", private)
        return self.as_owner("psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d", given, "-c", statement)


class OnOneGateway(unittest.TestCase):
    """Tests that share `gateway`, which runs in `place` with the class's own OPTIONS."""

    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.place = workspace()
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        cls.gateway = Gateway(cls.place / "data", *cls.OPTIONS)
        cls.addClassCleanup(cls.gateway.stop)
        cls.gateway.start()


class Database:
    """A PostgreSQL server, run by the account that letterboxd becomes, so that peer authentication lets them meet."""

    def __init__(self, place, authentication="peer", settings=""):
        self.place = place
        self.settings = settings
        self.cluster = place / "cluster"
        self.address = f"host={self.cluster} dbname=postgres"
        self.programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.account = "letterbox" if os.geteuid() == 0 else None
        self.cluster.mkdir()
        if self.account:
            shutil.chown(self.cluster, self.account, self.account)
        self.as_owner(self.programs / "initdb", "--pgdata", self.cluster, f"--auth={authentication}",
                      "--encoding=UTF8", "--locale=C.UTF-8")

    def as_owner(self, *command):
        become = {"user": self.account, "group": self.account, "extra_groups": []} if self.account else {}
        with open(self.place / "database.log", "ab") as output:
            if run(*command, cwd="/", stdout=output, stderr=output, check=False, **become).returncode != 0:
                raise AssertionError(f"{command} failed: {(self.place / 'database.log').read_text()[-2000:]}")

    def start(self):
        self.as_owner(self.programs / "pg_ctl", "--pgdata", self.cluster, "--wait", "--options",
                      f"-c listen_addresses='' -c unix_socket_directories={self.cluster} {self.settings}", "start")
        return self

    def stop(self):
        if (self.cluster / "postmaster.pid").exists():
            self.as_owner(self.programs / "pg_ctl", "--pgdata", self.cluster, "--wait", "--mode=immediate", "stop")

    def start_again(self):
        """After its first process was killed."""
        eventually(lambda: not self.processes(), "the others have ended")
        # The killed one may still be in the system's table, unless somebody waits for it.
        for lock in (self.cluster / "postmaster.pid", self.cluster / ".s.PGSQL.5432.lock"):
            lock.unlink(missing_ok=True)
        return self.start()

    def processes(self):
        """The server's, also those that a killed one left behind."""
        def is_ours(process):
            with contextlib.suppress(OSError):
                return (os.readlink(process / "cwd") == str(self.cluster)
                        and os.readlink(process / "exe").startswith(str(self.programs)))
            return False
        return [process for process in pathlib.Path("/proc").glob("[0-9]*") if is_ours(process)]

    def answers(self):
        try:
            self.sql("SELECT 1")
        except AssertionError:
            return False
        return True

    def sql(self, statement):
        self.as_owner("psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", self.address, "--command", statement)


class Person:
    """Somebody with a letterbox program and a key."""

    def __init__(self, home, handle, gateway):
        self.home = pathlib.Path(home)
        self.handle = handle
        self.gateway = gateway
        made = self.letterbox("--json", "login", gateway.invitation(handle), "--no-passphrase")
        self.recipient = json.loads(made.stdout)["recipient"]

    def letterbox(self, *arguments, **options):
        return run(BINARIES / "letterbox", "--home", self.home, *arguments, **options)

    def got(self, delivery):
        """(path, index) of each file that letterbox makes of a delivery, in a new folder beside the home."""
        folder = tempfile.mkdtemp(prefix="got-", dir=self.home.parent)
        done = self.letterbox("--json", "get", delivery, "--output-dir", folder)
        return [(pathlib.Path(file["path"]), file["index"]) for file in json.loads(done.stdout)["files"]]

    @property
    def key_file(self):
        return next(path for path in (self.home / "key.txt", self.home / "key.age") if path.exists())

    @functools.cached_property
    def signing_key(self):
        return device.SigningKey.of_home(self.home)

    def request(self, method, path, body=b"", content_type=None, **options):
        """(status, headers, body) of a request that this device signs and letterbox doesn't make."""
        return device.signed_request(self.gateway, self.signing_key, method, path, body, content_type, **options)

    def signed(self, method, path):
        """What has curl sign a request without a body as this device."""
        fields = self.signing_key.fields(method, self.gateway.url + path)
        return tuple(part for name, value in fields.items() for part in ("--header", f"{name}: {value}"))

    def knows(self, *others):
        for other in others:
            self.letterbox("recipient", "add", other.home / "device.json")


@contextlib.contextmanager
def scene(*handles, options=()):
    """A gateway and its people, who all know each other; gone afterwards."""
    with contextlib.ExitStack() as afterwards:
        place = workspace()
        afterwards.callback(shutil.rmtree, place, ignore_errors=True)
        gateway = Gateway(place / "data", *options)
        afterwards.callback(gateway.stop)
        afterwards.callback(gateway.check_export)
        gateway.start()
        people = [Person(place / handle.partition("@")[0], handle, gateway) for handle in handles]
        for person in people:
            person.knows(*[other for other in people if other is not person])
        yield gateway, *people


def age_decrypt(key_file, sealed):
    """What stock age makes of `sealed` (bytes)."""
    return run("age", "--decrypt", "--identity", key_file, input=sealed).stdout
