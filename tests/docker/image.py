"""The image without a Docker engine: built by buildah, run by unshare and chroot, as `docker run` would.

Base images come from a registry, which a test can't count on, so the base here is Debian's own by debootstrap. What
this machine knows about getting Debian's packages (mirror, proxy) goes into the build by mounts and stays outside the
image's description.
"""
import functools
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import time

SOURCE = pathlib.Path(os.environ["LETTERBOX_SOURCE_DIR"])
PLACE = SOURCE / "build" / "docker"
BASE = "localhost/letterbox-test/debian:12-slim"


def run(*command, **options):
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    done = subprocess.run([str(part) for part in command], **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} exited {done.returncode}: {done.stdout!r} {done.stderr!r}")
    return done.stdout.decode() if done.stdout is not None else None


@functools.cache
def storage():
    """overlay copies nothing, but can't stand on every file system (on another overlay, say); vfs can."""
    (PLACE / "tmp").mkdir(parents=True, exist_ok=True)
    for driver in ("overlay", "vfs"):
        options = ("--storage-driver", driver, "--root", PLACE / driver, "--runroot", PLACE / "run" / driver)
        if subprocess.run(["buildah", *options, "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0:
            return options
    raise AssertionError("buildah can store nothing in " + str(PLACE))


def buildah(*arguments, **options):
    return run("buildah", *storage(), *arguments, env={**os.environ, "TMPDIR": str(PLACE / "tmp")}, **options)


def make_base():
    """Debian 12 as small as debootstrap makes it. Made once; remove build/docker for a fresh one."""
    if BASE in buildah("images", "--format", "{{.Name}}:{{.Tag}}").split():
        return
    sources = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
                  "Created-By: Packages", "Origin: Debian").splitlines()
    sources = [line for line in sources if " bookworm" in line]
    mirror = next(line.split()[0] for line in sources if " bookworm " in line)
    root = PLACE / "base"
    shutil.rmtree(root, ignore_errors=True)
    with open(PLACE / "debootstrap.log", "wb") as log:
        run("debootstrap", "--variant=minbase", "bookworm", root, mirror, stdout=log, stderr=log)
    (root / "etc/apt/sources.list").write_text("".join(f"deb {line}\n" for line in sources), encoding="ascii")
    container = buildah("from", "scratch").strip()
    buildah("add", container, root, "/")
    buildah("commit", "--rm", container, BASE)
    shutil.rmtree(root)


class Image:
    """One target of the Dockerfile: its description, and its files under `root`."""

    def __init__(self, target):
        self.name = "localhost/letterbox-test/" + target
        # How this machine reaches Debian, and nothing else that apt is told here.
        apt = PLACE / "apt.conf"
        settings = run("apt-config", "dump").splitlines()
        apt.write_text("".join(f"{line}\n" for line in settings if re.match(r"Acquire::(https?|Check-)", line)),
                       encoding="utf-8")
        with open(PLACE / f"{target}.log", "wb") as log:
            buildah("bud", "--isolation", "chroot", "--format", "docker", "--layers", "--build-arg", f"BASE={BASE}",
                    "--volume", f"{apt}:/etc/apt/apt.conf.d/90machine:ro", "--file", SOURCE / "docker/Dockerfile",
                    "--target", target, "--tag", self.name, SOURCE, stdout=log, stderr=log)
        self.config = json.loads(buildah("inspect", "--type", "image", self.name))["Docker"]["config"]
        self.container = buildah("from", "--pull-never", self.name).strip()
        self.root = pathlib.Path(buildah("mount", self.container).strip())

    def remove(self):
        buildah("umount", self.container)
        buildah("rm", self.container)

    @property
    def user(self):
        return self.config["User"]

    @property
    def environment(self):
        return dict(entry.split("=", 1) for entry in self.config["Env"])


class Container:
    """`docker run --read-only --network host --cap-drop ALL --security-opt no-new-privileges` with `mounts`, a
    dictionary from places inside to (place outside, "rw" or "ro"). The command is process 1 of its namespace."""

    def __init__(self, image, command, mounts, user, environment, unshare=(), log=subprocess.DEVNULL):
        self.image, self.user, self.environment = image, user, {**image.environment, **environment}
        root = image.root
        steps = [f"mount --bind {root} {root}"]
        for inside, (outside, mode) in mounts.items():
            place = root / inside.lstrip("/")
            # As Docker does: before the root file system is closed.
            if pathlib.Path(outside).is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
            steps.append(f"mount --bind {shlex.quote(str(outside))} {place}")
            if mode == "ro":
                steps.append(f"mount -o remount,bind,ro {place}")
        steps += [f"mount -o remount,bind,ro {root}", f"mount -t proc proc {root}/proc", f"mount --bind /dev {root}/dev",
                  f"mount -t tmpfs -o nosuid,nodev,size=64m shm {root}/dev/shm",
                  f"exec chroot {root} " + shlex.join(self.as_user(command))]
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", *unshare,
             "sh", "-e", "-c", "\n".join(steps)], stdout=subprocess.PIPE, stderr=log)

    def as_user(self, command, user=None):
        uid, gid = (user or self.user).split(":")
        return ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs",
                "--inh-caps=-all", "--bounding-set=-all", "/usr/bin/env", "-i",
                *(f"{name}={value}" for name, value in self.environment.items()), *command]

    @property
    def pid(self):
        """Process 1, as seen from outside."""
        unshare = self.process.pid
        children = pathlib.Path(f"/proc/{unshare}/task/{unshare}/children")
        while not (child := children.read_text(encoding="ascii")):
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}")
            time.sleep(0.01)
        return int(child)

    def exec(self, *command, user=None, **options):
        """`docker exec`; a CompletedProcess."""
        return subprocess.run(
            ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--root", "--wd", *self.as_user(command, user)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False, **options)

    def stop(self, how=signal.SIGTERM):
        """`docker stop`: asks, and after a minute insists; the command's exit code."""
        if self.process.poll() is None:
            os.kill(self.pid, how)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        return self.process.returncode
