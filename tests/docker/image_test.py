"""The image: what is in it, what isn't, and the main job from its file system, alone and as compose.yaml runs it."""
import json
import pathlib
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
import unittest
import uuid

import image
import yaml

sys.path.insert(0, str(image.SOURCE / "tests/integration"))
import rig  # noqa: E402  the people, curl and age; the programs come from the image

COMPOSE = yaml.safe_load((image.SOURCE / "docker/compose.yaml").read_text(encoding="utf-8"))
TOOLS = re.compile(r"(.*-)?(gcc|g\+\+|cc|c\+\+|cpp|c99|clang|ld|as|ar|objdump|cmake|make|ninja|ccache|git|gdb|curl|wget|"
                   r"python3?|pkg-config|pkgconf)(-[\d.]+)?")
# The PostgreSQL image's account has another number than Debian's; initdb wants a name for it.
DATABASE_ACCOUNT = "postgres:x:999:999::/var/lib/postgresql:/bin/bash\n"

VOLUME = "/var/lib/letterbox"

IMAGES = {}


def setUpModule():
    image.make_base()
    for target in ("gateway", "all-in-one"):
        IMAGES[target] = image.Image(target)
        unittest.addModuleCleanup(IMAGES[target].remove)
    # Whom the image's letterbox serves outside it: it runs there with Debian's libraries, as letterbox does.
    rig.BINARIES = IMAGES["gateway"].root / "usr/local/bin"


def wait_until(done, process):
    """`done` becomes true, or `process` ends: no deadline of its own beside ctest's."""
    while not done():
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}")
        time.sleep(0.2)


class Contents:
    """What holds for either image."""

    @property
    def made(self):
        return IMAGES[self.target]

    def files(self):
        return [path for path in self.made.root.rglob("*") if not path.is_symlink() and path.is_file()]

    def test_it_says_how_it_is_run(self):
        config = self.made.config
        self.assertEqual(config["Entrypoint"], ["letterboxd"])
        self.assertEqual(config["Cmd"], ["serve"])
        self.assertEqual(config["StopSignal"], "SIGTERM")
        self.assertEqual(list(config["ExposedPorts"]), ["8443/tcp"])
        self.assertEqual(list(config["Volumes"]), [VOLUME])
        self.assertEqual(config["Healthcheck"]["Test"], ["CMD", "letterboxd", "health"])

    def test_its_user_is_not_root_and_owns_the_volume(self):
        uid, gid = (int(number) for number in self.made.user.split(":"))
        self.assertGreater(uid, 0)
        self.assertGreater(gid, 0)
        self.assertIn(f"letterbox:x:{uid}:{gid}:", (self.made.root / "etc/passwd").read_text(encoding="ascii"))
        volume = (self.made.root / "var/lib/letterbox").stat()
        self.assertEqual((volume.st_uid, volume.st_gid), (uid, gid))

    def test_its_label_says_the_version_of_the_program(self):
        said = image.run("chroot", self.made.root, "letterboxd", "--version").split()[1]
        self.assertEqual(self.made.config["Labels"]["org.opencontainers.image.version"], said)

    def test_no_compiler_and_no_tools(self):
        self.assertEqual([path for path in self.files() if TOOLS.fullmatch(path.name) and path.stat().st_mode & 0o111], [])
        self.assertEqual([path for path in self.files() if path.suffix in {".a", ".cc", ".o"}], [])

    def test_nothing_becomes_somebody_else(self):
        self.assertEqual([path for path in self.files() if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)], [])

    def test_every_library_is_there(self):
        for program in ("letterboxd", "letterbox"):
            listed = image.run("chroot", self.made.root, "ldd", "/usr/local/bin/" + program)
            self.assertIn("libcrypto", listed)
            self.assertNotIn("not found", listed)

    def test_only_the_all_in_one_has_a_database_server(self):
        self.assertEqual([path for path in self.files() if path.name == "postgres"] != [], self.target == "all-in-one")


class GatewayContents(Contents, unittest.TestCase):
    target = "gateway"


class AllInOneContents(Contents, unittest.TestCase):
    target = "all-in-one"


class Served(rig.Gateway):
    """rig's gateway, inside a container; whoever sends and reads is outside."""

    def __init__(self, place, made, mounts=None, environment=None):
        super().__init__(place / "data")
        self.data.mkdir()
        uid, gid = (int(number) for number in made.user.split(":"))
        shutil.chown(self.data, uid, gid)
        certificates = self.authority_of_machines.place
        with open(self.log, "ab") as log:
            self.container = image.Container(
                made, made.config["Entrypoint"] + made.config["Cmd"],
                {VOLUME: (self.data, "rw"), str(certificates): (certificates, "ro"), **(mounts or {})}, made.user,
                # No port is published here: it shares this host's network, and takes free ones.
                {"LETTERBOX_TENANT": rig.TENANT, **(environment or {}),
                 "LETTERBOX_LISTEN": "127.0.0.1:0", "LETTERBOX_PUBLIC_URL": "",
                 "LETTERBOX_MACHINE_LISTEN": "127.0.0.1:0",
                 "LETTERBOX_MACHINE_CLIENT_AUTHORITY": str(self.authority_of_machines.certificate)}, log=log)
        self.process = self.container.process
        try:
            self.greeted()
        except Exception:
            self.container.stop()
            raise

    def stop(self, how=None):
        return self.container.stop()

    def admin(self, *arguments, **options):
        """`docker exec letterbox letterboxd …`"""
        done = self.container.exec("letterboxd", *(str(part) for part in arguments))
        if done.returncode != 0:
            raise AssertionError((done.stdout, done.stderr))

    def invitation(self, handle, *options):
        """Written into the volume, and taken out of it."""
        name = f"invitation-{uuid.uuid4()}.json"
        self.admin("admin", "invite", handle, "--output", f"{VOLUME}/{name}", *options)
        return self.data / name

    def healthy(self):
        _, *command = self.container.image.config["Healthcheck"]["Test"]
        return self.container.exec(*command).returncode == 0


class MainJob:
    """One letter: in by curl, out by letterbox and by age. For the classes below, which say where."""

    def one_letter(self, gateway, place):
        surgeon = rig.Person(place / "surgeon", "surgeon@hospital.example", gateway)
        receipt = gateway.deposit(rig.CT, "application/dicom", surgeon.handle)
        surgeon.letterbox("get", receipt["file"], "-o", place / "opened.dcm")
        self.assertEqual((place / "opened.dcm").read_bytes(), rig.CT.read_bytes())
        status, _, sealed = surgeon.request("GET", "/v1/files/" + receipt["file"])
        self.assertEqual(status, 200)
        self.assertTrue(sealed.startswith(b"age-encryption.org/v1\n"))
        self.assertEqual(rig.age_decrypt(surgeon.key_file, sealed), rig.CT.read_bytes())

    def closed_up(self, gateway):
        """Not root, no capability to be gained, and not even root could write elsewhere than to the volume."""
        status = pathlib.Path(f"/proc/{gateway.container.pid}/status").read_text(encoding="ascii")
        self.assertRegex(status, r"(?m)^Uid:\t8443\t8443\t8443\t8443$")
        self.assertRegex(status, r"(?m)^CapBnd:\t0+$")
        for place in ("/x", "/tmp/x", "/run/x", "/usr/local/bin/letterbox"):
            done = gateway.container.exec("bash", "-c", "exec 3>>" + place, user="0:0")
            self.assertIn(b"Read-only file system", done.stderr)


class AllInOne(MainJob, unittest.TestCase):
    """`docker run`: one container, one volume."""

    def test_main_job_health_and_stop(self):
        place = rig.workspace()
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        gateway = Served(place, IMAGES["all-in-one"])
        self.addCleanup(gateway.stop)
        self.closed_up(gateway)
        self.one_letter(gateway, place)
        self.assertTrue(gateway.healthy())
        dump = gateway.container.exec("pg_dump", "-Fc", "-h", "/var/lib/letterbox/postgres/run", "-d", "postgres")
        self.assertTrue(dump.stdout.startswith(b"PGDMP"), dump.stderr)
        self.assertEqual(gateway.stop(), 0)

    def test_health_is_bad_when_nobody_serves(self):
        place = rig.workspace()
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        gateway = Served(place, IMAGES["all-in-one"])
        gateway.stop()
        asked = image.Container(IMAGES["all-in-one"], ["letterboxd", "health"],
                                {VOLUME: (gateway.data, "rw")}, gateway.container.user, {})
        self.assertEqual(asked.process.wait(timeout=60), 1)
        asked.process.stdout.close()


def volumes(service):
    """{place inside: (source, mode)} of a service in compose.yaml's short form."""
    entries = (entry.split(":") for entry in COMPOSE["services"][service]["volumes"])
    return {inside: (source, mode[0] if mode else "rw") for source, inside, *mode in entries}


class Compose(MainJob, unittest.TestCase):
    """compose.yaml: a gateway, and PostgreSQL that is reached by a socket alone."""

    gateway = COMPOSE["services"]["gateway"]
    database = COMPOSE["services"]["database"]

    def test_both_services_are_closed_up(self):
        for service in (self.gateway, self.database):
            self.assertIs(service["read_only"], True)
            self.assertEqual(service["cap_drop"], ["ALL"])
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
            self.assertIn("mem_limit", service)
            self.assertIn("pids_limit", service)
            self.assertEqual(service["restart"], "unless-stopped")
            self.assertNotIn("privileged", service)
        self.assertEqual(self.database["network_mode"], "none")
        self.assertNotIn("ports", self.database)
        self.assertNotIn("network_mode", self.gateway)

    def test_it_is_published_to_this_host_alone_under_the_name_that_clients_sign_for(self):
        address, outside, inside = self.gateway["ports"][0].rsplit(":", 2)
        self.assertEqual((len(self.gateway["ports"]), address), (1, "127.0.0.1"))
        environment = self.gateway["environment"]
        self.assertEqual(environment["LETTERBOX_PUBLIC_URL"], f"https://{address}:{outside}")
        self.assertEqual(environment["LETTERBOX_LISTEN"], f"0.0.0.0:{inside}")

    def test_it_agrees_with_the_image(self):
        made = IMAGES[self.gateway["build"]["target"]]
        self.assertEqual(volumes("gateway")[VOLUME], ("gateway", "rw"))
        self.assertIn(VOLUME, made.config["Volumes"])
        self.assertIn(self.gateway["environment"]["LETTERBOX_LISTEN"].rpartition(":")[2] + "/tcp", made.config["ExposedPorts"])
        self.assertEqual(self.gateway["image"].partition(":")[2], made.config["Labels"]["org.opencontainers.image.version"])
        # The image's own: user, command and health check.
        for key in ("user", "command", "entrypoint", "healthcheck"):
            self.assertNotIn(key, self.gateway)
        self.assertEqual(self.gateway["depends_on"], {"database": {"condition": "service_healthy"}})

    def test_every_name_it_uses_is_declared(self):
        for name, service in COMPOSE["services"].items():
            for source, _ in volumes(name).values():
                self.assertTrue(source in COMPOSE["volumes"] or (image.SOURCE / "docker" / source).exists(), source)
            for secret in service["secrets"]:
                self.assertIn(secret, COMPOSE["secrets"])
        self.assertEqual(volumes("gateway")["/run/postgresql"][0], volumes("database")["/run/postgresql"][0])

    def start_database(self, place):
        """What the PostgreSQL image's entrypoint does with compose.yaml's settings, by Debian's PostgreSQL 15."""
        passwd = place / "passwd"
        passwd.write_text((IMAGES["all-in-one"].root / "etc/passwd").read_text(encoding="ascii") + DATABASE_ACCOUNT,
                          encoding="ascii")
        outside = {"/etc/passwd": (passwd, "ro"), "/tmp": (place / "tmp", "rw")}
        for inside, (source, mode) in volumes("database").items():
            if source in COMPOSE["volumes"]:
                outside[inside] = (place / source, mode)
                (place / source).mkdir()
                shutil.chown(place / source, 999, 999)
            else:
                outside[inside] = (image.SOURCE / "docker" / source, mode)
        (place / "tmp").mkdir()
        (place / "tmp").chmod(0o1777)
        for secret in self.database["secrets"]:
            outside["/run/secrets/" + secret] = (self.secrets / secret, "ro")

        settings = self.database["environment"]
        script = next(inside for inside in outside if inside.startswith("/docker-entrypoint-initdb.d/"))
        entrypoint = f"""set -e
          initdb --username=postgres --pwfile={settings["POSTGRES_PASSWORD_FILE"]} {settings["POSTGRES_INITDB_ARGS"]}
          pg_ctl -o '-c listen_addresses=' -w start
          PGPASSWORD=$(cat {settings["POSTGRES_PASSWORD_FILE"]}) psql -X -v ON_ERROR_STOP=1 --no-password \
            --username postgres --dbname postgres --file {script}
          pg_ctl -m fast -w stop
          exec {shlex.join(self.database["command"])}"""
        with open(place / "database.log", "wb") as log:
            container = image.Container(
                IMAGES["all-in-one"], ["bash", "-c", entrypoint], outside, self.database["user"],
                {"PATH": "/usr/lib/postgresql/15/bin:/usr/bin:/bin", "PGDATA": "/var/lib/postgresql/data"},
                unshare=["--net"], log=log)
        # What that image asks to be stopped by.
        self.addCleanup(container.stop, signal.SIGINT)
        kind, test = self.database["healthcheck"]["test"]
        self.assertEqual(kind, "CMD-SHELL")
        # Compose's own variables are escaped so.
        wait_until(lambda: container.exec("sh", "-c", test.replace("$$", "$")).returncode == 0, container.process)
        return container

    def test_main_job_against_a_socket_a_passfile_and_scram(self):
        place = rig.workspace()
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        self.secrets = place / "secrets"
        subprocess.run([image.SOURCE / "docker/make-secrets", self.secrets], check=True)
        database = self.start_database(place)
        mounts = {"/run/postgresql": (place / "socket", volumes("gateway")["/run/postgresql"][1])}
        for secret in self.gateway["secrets"]:
            mounts["/run/secrets/" + secret] = (self.secrets / secret, "ro")

        gateway = Served(place, IMAGES["gateway"], mounts, self.gateway["environment"])
        self.addCleanup(gateway.stop)
        self.closed_up(gateway)
        self.one_letter(gateway, place)
        self.assertTrue(gateway.healthy())
        self.assertFalse((gateway.data / "postgres").exists())

        # In that database, under scram, and not as its superuser.
        def ask(user, question, password):
            return database.exec("env", "PGPASSWORD=" + password, "psql", "-XtAw", "-h", "/run/postgresql", "-U", user,
                                 "letterbox", "-c", question)
        password = (self.secrets / "database_gateway").read_text(encoding="ascii").strip()
        self.assertEqual(ask("letterbox", "SELECT count(*) FROM file", password).stdout, b"1\n")
        self.assertEqual(ask("letterbox", "SELECT rolsuper FROM pg_roles WHERE rolname = current_user", password).stdout, b"f\n")
        superuser = (self.secrets / "database_superuser").read_text(encoding="ascii").strip()
        self.assertEqual(ask("postgres", "SELECT DISTINCT auth_method FROM pg_hba_file_rules", superuser).stdout,
                         b"scram-sha-256\n")
        self.assertEqual(ask("letterbox", "SHOW listen_addresses", password).stdout, b"\n")
        self.assertIn(b"authentication failed", ask("letterbox", "SELECT 1", "wrong").stderr)
        self.assertIn(b"authentication failed", ask("postgres", "SELECT 1", password).stderr)
        # The backup of docs/operations.md.
        dump = database.exec("sh", "-c", "PGPASSWORD=$(cat /run/secrets/database_gateway) "
                             "pg_dump -Fc -h /run/postgresql -U letterbox letterbox")
        self.assertTrue(dump.stdout.startswith(b"PGDMP"), dump.stderr)
        self.assertEqual(gateway.stop(), 0)


if __name__ == "__main__":
    unittest.main()
