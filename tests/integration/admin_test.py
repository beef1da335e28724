"""What is administered from the host: the first administrator, invitations, machines, mailboxes, while the gateway serves and not."""
import contextlib
import hashlib
import json
import os
import pty
import re
import stat
import subprocess
import unittest

import device
import rig

TENANT = rig.TENANT
TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$")


def letterboxd(*arguments, **options):
    return rig.run(rig.BINARIES / "letterboxd", *arguments, check=False, **options)


def on_a_terminal(*command):
    """Exit code and what `command` writes to a terminal that is its standard output."""
    inside, outside = pty.openpty()
    with subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=outside,
                          stderr=subprocess.PIPE) as process:
        os.close(outside)
        written = b""
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while piece := os.read(inside, 65536):
                written += piece
        os.close(inside)
        process.stderr.read()
        process.wait(timeout=60)
    return process.returncode, written.decode().replace("\r\n", "\n")


class OnTheHost(unittest.TestCase):
    def setUp(self):
        self.place = rig.workspace()
        self.addCleanup(rig.shutil.rmtree, self.place, ignore_errors=True)
        self.gateway = rig.Gateway(self.place / "data")
        self.addCleanup(self.gateway.stop)
        self.file = self.gateway.data / "first-administrator.json"

    def start(self):
        self.gateway.start()
        return self.gateway

    def admin(self, *arguments, **options):
        return self.gateway.admin("admin", *arguments, **options).stdout.decode()

    def audit(self, tenant=TENANT):
        return self.gateway.sql("SELECT kind FROM audit JOIN tenant ON tenant.id = tenant_id "
                                f"WHERE tenant.name = '{tenant}' ORDER BY position").split()


class FirstAdministrator(OnTheHost):
    def offered(self):
        """Whether the greeting names the file, which it does if there is one."""
        named = f"letterbox login {self.file}\n" in self.gateway.greeting
        self.assertEqual(named, self.file.exists())
        return named

    def token(self):
        return json.loads(self.file.read_text(encoding="utf-8"))["invitation"]

    def test_is_invited_by_a_file_that_nobody_else_can_read_and_no_log_repeats(self):
        self.start()
        self.assertTrue(self.offered())
        info = self.file.stat()
        self.assertEqual(stat.S_IMODE(info.st_mode), 0o600)
        self.assertEqual(info.st_uid, self.gateway.data.stat().st_uid)
        invitation = json.loads(self.file.read_text(encoding="utf-8"))
        self.assertEqual(list(invitation), ["url", "ca_certificate", "signing_key", "handle", "invitation"])
        self.assertEqual(invitation["handle"], "administrator@" + TENANT)
        trust = json.loads(self.gateway.trust.read_text(encoding="utf-8"))
        self.assertEqual({key: invitation[key] for key in trust}, trust)
        self.assertRegex(invitation["invitation"], TOKEN)
        self.assertEqual(self.audit(), ["administration", "administration"], "the tenant, the invitation")
        # It lasts an hour, and what is kept of it is its hash.
        raw = rig.base64.urlsafe_b64decode(invitation["invitation"] + "=")
        self.assertEqual(self.gateway.sql("SELECT encode(token_sha256, 'hex'), kind, made_by, "
                                          "extract(epoch FROM expires - made)::int BETWEEN 3590 AND 3610 FROM invitation"),
                         hashlib.sha256(raw).hexdigest() + "|administrator||t\n")
        self.gateway.stop()
        said = self.gateway.log_text() + self.gateway.greeting
        self.assertNotIn(invitation["invitation"], said)
        self.assertEqual(rig.run("grep", "--recursive", "--files-with-matches", "--text", invitation["invitation"],
                                 self.gateway.data).stdout.decode().split(), [str(self.file)])

    def test_is_invited_once_an_hour_until_there_is_one(self):
        self.start()
        first = self.token()
        self.gateway.stop()
        self.start()
        self.assertTrue(self.offered())
        self.assertEqual(self.token(), first)

        self.gateway.sql("UPDATE invitation SET made = made - interval '1 hour', expires = expires - interval '1 hour'")
        self.gateway.stop()
        self.start()
        self.assertTrue(self.offered())
        self.assertNotEqual(self.token(), first)

        chief = device.Device(self.gateway, "administrator@" + TENANT)
        self.assertEqual(chief.enrol(first)[0], 404, "an hour is over")
        chief.enrolled(self.token())
        self.assertEqual(chief.state, "active")
        status, _, content = chief.request("GET", "/v1/self")
        self.assertEqual((status, json.loads(content)["kind"]), (200, "administrator"))
        self.gateway.stop()
        self.start()
        self.assertFalse(self.offered())


class Invitations(OnTheHost):
    def test_go_to_a_file_of_the_callers_alone(self):
        self.start()
        output = self.place / "surgeon.json"
        self.assertEqual(self.admin("invite", "surgeon@" + TENANT, "--output", output), "")
        info = output.stat()
        self.assertEqual((stat.S_IMODE(info.st_mode), info.st_uid), (0o600, os.geteuid()))
        self.assertEqual(json.loads(output.read_text(encoding="utf-8"))["handle"], "surgeon@" + TENANT)
        before = output.read_bytes()
        done = self.gateway.admin("admin", "invite", "surgeon@" + TENANT, "--output", output, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"exists already", done.stderr)
        self.assertEqual(output.read_bytes(), before)

    def test_go_to_a_terminal_and_into_no_pipe(self):
        self.start()
        done = self.gateway.admin("admin", "invite", "surgeon@" + TENANT, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"--output", done.stderr)
        self.assertEqual(self.gateway.sql("SELECT count(*) FROM invitation WHERE kind = 'person'"), "0\n")
        code, shown = on_a_terminal(rig.BINARIES / "letterboxd", "admin", "invite", "surgeon@" + TENANT, "--data",
                                    self.gateway.data)
        self.assertEqual(code, 0)
        self.assertRegex(json.loads(shown)["invitation"], TOKEN)
        self.assertLess(max(map(len, shown.splitlines())), 4096, "so it can be pasted into a terminal")

    def test_are_made_while_the_gateway_serves_and_while_it_does_not(self):
        self.start()
        self.admin("invite", "one@" + TENANT, "--output", self.place / "one.json")
        self.gateway.stop()
        self.admin("invite", "two@" + TENANT, "--hours", "336", "--output", self.place / "two.json")
        one, two = (json.loads((self.place / name).read_text(encoding="utf-8")) for name in ("one.json", "two.json"))
        self.assertEqual(one["url"], two["url"])
        self.start()
        self.assertEqual(self.gateway.sql("SELECT handle, round(extract(epoch FROM expires - made) / 3600) FROM invitation "
                                          "WHERE kind = 'person' ORDER BY handle"), f"one@{TENANT}|72\ntwo@{TENANT}|336\n")

    def test_of_a_gateway_that_never_served_are_none(self):
        done = self.gateway.admin("admin", "invite", "one@" + TENANT, "--output", self.place / "one.json", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual((self.place / "one.json").read_bytes(), b"")


class Devices(OnTheHost):
    def test_are_revoked_one_by_one_or_with_their_owner(self):
        self.start()
        surgeon, nurse = (self.gateway.invited(f"{name}@{TENANT}") for name in ("surgeon", "nurse"))
        further = self.gateway.invited(surgeon.handle)
        lines = [line.split("  ") for line in self.admin("device", "list", surgeon.handle).splitlines()]
        self.assertEqual([(line[0], line[2]) for line in lines], [(surgeon.key.id, "active"), (further.key.id, "unvouched")])

        def statuses():
            return [one.request("GET", "/v1/self")[0] for one in (surgeon, further, nurse)]
        self.assertEqual(statuses(), [200, 200, 200])
        self.assertEqual(self.admin("device", "revoke", surgeon.key.id), f"{surgeon.handle}  device {surgeon.key.id} revoked\n")
        self.assertEqual(statuses(), [401, 200, 200])
        self.assertEqual(self.admin("principal", "revoke", surgeon.handle), f"{surgeon.handle} revoked\n")
        self.assertEqual(statuses(), [401, 401, 200])
        self.assertEqual(self.audit().count("revocation"), 3, "a device, its owner, the other device")
        # Whoever asks for the records sees both revocations, which the gateway signed.
        status, _, content = nurse.request("GET", f"/v1/devices?handle={surgeon.handle}")
        self.assertEqual(status, 200)
        types = [filed["record"]["payloadType"] for filed in json.loads(content)["records"]]
        self.assertEqual(types, [device.DEVICE_RECORD] * 2 + [device.REVOCATION] * 2)


class Machines(OnTheHost):
    def certificate(self, name):
        """Its file, which only the caller may read, and the SHA-256 of its key as openssl has it."""
        pem = self.place / f"{name}.pem"
        rig.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.place / f"{name}.key", "-out", pem, "-subj", "/CN=" + name)
        pem.chmod(0o600)
        key = rig.run("openssl", "x509", "-in", pem, "-noout", "-pubkey").stdout
        der = rig.run("openssl", "pkey", "-pubin", "-outform", "DER", input=key).stdout
        return pem, hashlib.sha256(der).hexdigest()

    def test_are_known_by_their_certificates_key(self):
        self.start()
        pem, key = self.certificate("radiology")
        self.assertEqual(self.admin("machine", "add", "radiology@" + TENANT, "--certificate", pem),
                         f"radiology@{TENANT}  certificate {key}\n")
        renewed = self.place / "renewed.pem"
        rig.run("openssl", "req", "-x509", "-key", self.place / "radiology.key", "-out", renewed, "-subj", "/CN=other")
        self.assertEqual(self.admin("machine", "list"), f"radiology@{TENANT}  certificate {key}  valid\n")
        self.assertEqual(self.admin("machine", "revoke", "--certificate", renewed),
                         f"radiology@{TENANT}  certificate {key} revoked\n")
        self.assertEqual(self.admin("machine", "list"), f"radiology@{TENANT}  certificate {key}  revoked\n")
        self.assertEqual(self.audit()[-3:], ["administration", "administration", "revocation"])

    def test_come_in_by_their_certificate_until_it_is_revoked(self):
        self.start()
        self.gateway.invited("surgeon@" + TENANT)
        self.gateway.deposit(rig.CT, "application/dicom", "surgeon@" + TENANT)
        self.admin("machine", "revoke", "--certificate", self.gateway.authority_of_machines.machine)
        status, _, _ = self.gateway.request("POST", "/v1/files?mailbox=for-surgeon", rig.CT, "application/dicom", machine=True)
        self.assertEqual(status, 401)

    def test_come_in_by_a_token_where_that_is_allowed(self):
        self.gateway.options += ("--machine-tokens", "true")
        self.start()
        self.gateway.invited("surgeon@" + TENANT)
        self.admin("mailbox", "put", "clinic", "--to", "surgeon@" + TENANT)
        headers = {}
        for name, addresses in (("here", "127.0.0.0/8"), ("elsewhere", "192.0.2.0/24")):
            self.admin("machine", "token", "ct@" + TENANT, "--mailbox", "clinic", "--from", addresses, "--output",
                       self.place / name)
            headers[name] = ["Authorization: Bearer " + (self.place / name).read_text(encoding="ascii").strip()]

        def deposit(name):
            return self.gateway.request("POST", "/v1/files?mailbox=clinic", rig.CT, "application/dicom", headers[name])[0]
        self.assertEqual((deposit("here"), deposit("elsewhere")), (201, 401))
        for line in self.admin("machine", "list").splitlines():
            self.admin("machine", "revoke-token", line.split("  ")[1].split()[1])
        self.assertEqual(deposit("here"), 401)

    def test_need_a_certificate(self):
        self.start()
        for file in (self.place / "gone.pem", self.gateway.log):
            done = self.gateway.admin("admin", "machine", "add", "ct@" + TENANT, "--certificate", file, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(file).encode(), done.stderr)
        self.assertEqual(self.admin("principal", "list"), "")

    def test_that_cannot_show_one_may_get_a_token_for_a_mailbox(self):
        self.start()
        self.admin("mailbox", "put", "clinic", "--to", "surgeon@" + TENANT, "nurse@" + TENANT)
        token = self.place / "token"
        made = self.gateway.admin("admin", "machine", "token", "ct@" + TENANT, "--mailbox", "clinic", "--from", "192.0.2.0/24",
                                  "--output", token)
        self.assertEqual(made.stdout, b"")
        text = token.read_text(encoding="ascii")
        self.assertRegex(text[:-1], TOKEN)
        self.assertEqual(stat.S_IMODE(token.stat().st_mode), 0o600)
        identifier = hashlib.sha256(rig.base64.urlsafe_b64decode(text[:-1] + "=")).hexdigest()
        self.assertEqual(made.stderr.decode().split()[:2], ["token", identifier + ";"])
        self.assertIn("machine.tokens", made.stderr.decode(), "they aren't taken by default")
        self.assertEqual(self.admin("machine", "list"), f"ct@{TENANT}  token {identifier}  valid  for clinic from 192.0.2.0/24\n")
        self.assertEqual(self.admin("mailbox", "list"),
                         f"clinic  closes after 60 s\n  to nurse@{TENANT}\n  to surgeon@{TENANT}\n  from ct@{TENANT}\n")
        self.admin("machine", "revoke-token", identifier)
        self.assertIn("revoked", self.admin("machine", "list"))
        self.admin("mailbox", "remove", "clinic")
        self.assertEqual(self.admin("mailbox", "list"), "")


class Tenants(OnTheHost):
    def test_are_told_apart(self):
        self.start()
        self.admin("tenant", "add", "clinic.example")
        self.assertEqual(self.admin("tenant", "list"), f"clinic.example\n{TENANT}\n")
        self.assertEqual(self.audit("clinic.example"), ["administration"])
        done = letterboxd("admin", "mailbox", "put", "ward", "--to", "nurse@clinic.example", "--tenant", "clinic.example",
                          "--data", self.gateway.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.admin("mailbox", "list"), "")
        done = self.gateway.admin("admin", "mailbox", "put", "ward", "--to", "nurse@clinic.example", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"--tenant", done.stderr)
        done = self.gateway.admin("admin", "tenant", "add", ".gateway", check=False)
        self.assertEqual(done.returncode, 1)


class Addresses(OnTheHost):
    def test_a_gateway_may_listen_on_every_address_under_a_name_of_its_own(self):
        self.gateway.options += ("--public-url", "https://localhost:8443")
        command = [rig.BINARIES / "letterboxd", "serve", "--data", self.gateway.data, "--listen", "0.0.0.0:0",
                   *self.gateway.options]
        with open(self.gateway.log, "ab") as log:
            self.gateway.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        greeting = self.gateway.process.stdout.readline()
        self.assertEqual(greeting, b"Letterbox serves https://localhost:8443\n")
        greeting += self.gateway.process.stdout.peek()
        port = int(re.search(rb"^  it listens on +https://0\.0\.0\.0:(\d+)$", greeting, re.M)[1])
        self.assertEqual(json.loads((self.gateway.data / "public" / "gateway.json").read_text(encoding="utf-8"))["url"],
                         "https://localhost:8443")
        self.assertEqual(json.loads(self.file.read_text(encoding="utf-8"))["url"], "https://localhost:8443")
        authority = self.gateway.data / "public" / "ca.pem"
        for host in ("127.0.0.1", "127.0.0.2"):
            done = rig.run("curl", "--silent", "--cacert", authority, "--connect-to", f"localhost:8443:{host}:{port}",
                           "https://localhost:8443/healthz")
            self.assertEqual(json.loads(done.stdout), {"alive": True})
        # The health check finds it though that name leads nowhere here.
        self.assertEqual(letterboxd("health", "--data", self.gateway.data).returncode, 0)


if __name__ == "__main__":
    unittest.main()
