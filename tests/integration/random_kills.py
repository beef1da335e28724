#!/usr/bin/env python3
"""kill -9 at random moments, while many clients send, close, share, drop, confirm, take back, let expire and fetch.

  random_kills.py [--kills 500] [--seed N] [--verbose]

In each round somebody is killed (a client, the gateway, the database's first process, or one that serves a connection)
while four letters live on concurrently. Then everything is brought back, and the database must hold what the model says,
of every letter there ever was in this run: what was acknowledged, all or nothing of what was in doubt, and nothing else.
The seed says who does what, who dies and when, counted from the round's beginning; it is printed first. How far the others
have come by then, is for the machine to say.

The programs are those of build/release, or of LETTERBOX_BINARY_DIR.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

os.environ.setdefault("LETTERBOX_BINARY_DIR", str(pathlib.Path(__file__).resolve().parents[2] / "build" / "release"))
import device
import invariants
import rig
import sealing
from sealing import expect

ACTORS = 4
SENDER, RECIPIENT, OTHER = (f"{name}@hospital.example" for name in ("sender", "recipient", "other"))
OFFSET = "application/offset+octet-stream"
TUS = "Tus-Resumable: 1.0.0"


class Doubt(Exception):
    """Nobody knows whether it was done."""


class Client(device.Device):
    """Somebody's, each of whose requests is a process that may be killed."""

    def __init__(self, gateway, handle, running):
        super().__init__(gateway, handle)
        self.running = running

    def request(self, *request, **options):
        command, given = self.gateway.curl_request(*device.signed(self.gateway, self.key, *request, **options))
        with subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as process:
            self.running[threading.get_ident()] = process
            try:
                printed, _ = process.communicate(given, timeout=120)
            finally:
                del self.running[threading.get_ident()]
        if process.returncode != 0 or not printed:
            raise Doubt
        answer = rig.curl_answer(printed)
        # 423: whoever had the upload before isn't done yet.
        if answer[0] in (423, 500, 503):
            raise Doubt
        return answer


class Letter:
    """What is known of a delivery. `may` is what it became if what was in doubt was done."""

    def __init__(self, run):
        self.run = run
        self.cover = None
        self.known = None  # nothing: it isn't there
        self.may = None
        self.files = []
        self.upload = None  # (its path, file, bytes that were acknowledged)

    @property
    def delivery(self):
        return self.cover.delivery

    def state(self, **changed):
        now = self.known or {"state": "open", "version": 1, "files": (), "recipients": frozenset()}
        return now | changed

    def does(self, state, action):
        """Has it done, by which it becomes `state`."""
        self.may = state
        done = action()
        self.known, self.may = state, None
        return done

    def is_found(self, found):
        """After everything has come to rest: the database has this of it. In an assertion's words, what is wrong."""
        if found not in [self.known] + [self.may] * (self.may is not None):
            return f"{self.known} is known, {self.may} may be, and {found} is there"
        self.known, self.may = found, None
        return None

    # --- What a sender does

    def step(self, choice):
        steps = {None: [self.open], "open": [self.put, self.put, self.begin, self.go_on, self.go_on, self.close],
                 "closed": [self.share, self.drop, self.confirm, self.get, self.get, self.revoke, self.expire],
                 "expired": [self.revoke], "revoked": [self.revoke]}[self.known and self.known["state"]]
        choice.choice(steps)(choice)

    def is_over(self):
        return self.known is not None and self.known["state"] in ("revoked", "expired")

    def open(self, _choice):
        sender, recipient = self.run.sender, self.run.recipient
        draft = expect(201, sender.request("POST", "/v1/deliveries", {"recipients": [RECIPIENT, SENDER]}))
        if self.cover:  # of one that never came to be
            del self.run.by_delivery[self.delivery]
        self.cover = sealing.Cover(sealing.base64.b64decode(draft["cover"]), sender.key)
        self.run.by_delivery[self.delivery] = self
        self.people = [recipient, sender]
        path = f"/v1/deliveries/{self.delivery}/cover"
        self.does(self.state(recipients=frozenset(one.recipient for one in self.people)), lambda: expect(
            201, sender.request("PUT", path, self.cover.envelope, device.ENVELOPE)))

    def with_file(self, file):
        if file not in self.files:
            self.files.append(file)
        return self.state(files=tuple(sorted([*self.known["files"], str(file.id)])))

    def put(self, choice):
        if len(self.known["files"]) >= 3:
            return self.close(choice)
        file = sealing.File(choice.randbytes(choice.choice((10, 3000, 1_200_000))))
        path = f"/v1/deliveries/{self.delivery}/files?id={file.id}"
        self.does(self.with_file(file), lambda: expect(
            201, self.run.sender.request("POST", path, file.sealed(self.cover), "application/age")))

    def begin(self, choice):
        if self.upload is None:
            file = sealing.File(choice.randbytes(2_500_000))
            metadata = f"delivery {device.b64(self.delivery.encode())},file {device.b64(str(file.id).encode())}"
            made = self.run.sender.request("POST", "/v1/uploads", extra=[
                TUS, f"Upload-Length: {len(file.sealed(self.cover))}", f"Upload-Metadata: {metadata}"])
            expect(201, made)
            self.upload = [made[1]["location"], file, 0]

    def go_on(self, choice):
        if self.upload is None:
            return self.begin(choice)
        path, file, acknowledged = self.upload
        status, fields, _ = self.run.sender.request("HEAD", path, extra=[TUS])
        if status != 200 or int(fields["upload-offset"]) < acknowledged:
            raise AssertionError(f"{acknowledged} bytes were acknowledged, and it says {status} {fields}")
        offset = int(fields["upload-offset"])
        sealed = file.sealed(self.cover)
        piece = sealed[offset:offset + choice.choice((100, 700_000, 2_000_000, len(sealed)))]
        last = offset + len(piece) == len(sealed)

        def patch():
            expect(204, self.run.sender.request("PATCH", path, piece, OFFSET, extra=[TUS, f"Upload-Offset: {offset}"]))
        if not last:
            patch()
            self.upload[2] = offset + len(piece)
            return
        if str(file.id) not in self.known["files"]:  # or it was completed by one whose answer got lost
            self.does(self.with_file(file), patch)
        self.upload = None

    def close(self, choice):
        if not self.known["files"]:
            return self.put(choice)
        self.upload = None
        manifest = sealing.manifest(self.run.sender, self.cover, self.held())
        self.does(self.state(state="closed"), lambda: expect(200, self.run.sender.request(
            "POST", f"/v1/deliveries/{self.delivery}/close", manifest, device.ENVELOPE)))

    def held(self):
        return [file for file in self.files if str(file.id) in self.known["files"]]

    def change(self, maker, people):
        cover = self.cover.next(people, maker.key)

        def put():
            self.next_cover = (cover, people)
            expect(200, sealing.change(maker, cover, self.held()))
        self.does(self.state(version=self.known["version"] + 1,
                             recipients=frozenset(one.recipient for one in people)), put)

    def current(self):
        """Takes the cover that a change in doubt has brought, or not."""
        if hasattr(self, "next_cover") and self.next_cover[0].record["version"] == self.known["version"]:
            self.cover, self.people = self.next_cover
        return self.people

    def share(self, choice):
        people = self.current()
        if self.run.other in people:
            return self.drop(choice)
        # A recipient who shares on may do so eight times unconfirmed; the sender as often as they like.
        self.change(self.run.sender, [*people, self.run.other])
        self.current()

    def drop(self, choice):
        people = self.current()
        if self.run.other not in people:
            return self.share(choice)
        self.change(self.run.sender, [one for one in people if one is not self.run.other])
        self.current()

    def confirm(self, _choice):
        if self.known["version"] > 1:
            answer = self.run.recipient.request("POST", f"/v1/deliveries/{self.delivery}/confirmations",
                                                {"version": self.known["version"]})
            expect(204, answer)

    def revoke(self, _choice):
        receipt = self.does(self.state(state="revoked"), lambda: expect(
            200, self.run.sender.request("DELETE", f"/v1/deliveries/{self.delivery}")))
        if getattr(self, "receipt", receipt) != receipt:
            raise AssertionError("a second deletion receipt")
        self.receipt = receipt

    def expire(self, _choice):
        def expire():
            try:
                self.run.sql(f"UPDATE delivery SET created = now() - interval '1 day', expires = now() - interval '1 s'"
                             f" WHERE id = '{self.delivery}'")
            except AssertionError as error:
                raise Doubt from error
        self.does(self.state(state="expired"), expire)

    def get(self, choice):
        """By somebody for whom it is, or isn't."""
        people = self.current()
        file = choice.choice(self.held())
        who = choice.choice((self.run.sender, self.run.recipient, self.run.other))
        status, _, content = who.request("GET", f"/v1/files/{file.id}")
        if (status == 200) != (who in people):
            raise AssertionError(f"{status} for {who.handle}")
        if status == 200:
            self.run.require_opens(who, content, file.plaintext)


def serves_somebody(process):
    """Whether it is one of PostgreSQL's backends; one that has just ended isn't."""
    try:
        return b"[local]" in (process / "cmdline").read_bytes()
    except OSError:
        return False


class Run:
    def __init__(self, seed, verbose=False):
        self.seed, self.verbose = seed, verbose
        self.killed, self.acknowledged, self.doubts, self.done = collections.Counter(), 0, 0, 0
        self.running = {}
        self.place = rig.workspace()
        # What a system holds that lives on isn't lost with a process.
        self.database = rig.Database(self.place, "trust", "-c fsync=off").start()
        self.gateway = rig.Gateway(self.place / "data", "--database", self.database.address, "--sweep-every", "1",
                                   "--metrics-listen", "127.0.0.1:0").start()
        self.gateway.listen = f"127.0.0.1:{self.gateway.port}"
        self.sender, self.recipient, self.other = people = [
            Client(self.gateway, who, self.running) for who in (SENDER, RECIPIENT, OTHER)]
        for who in people:
            who.enrolled(json.loads(self.gateway.invitation(who.handle).read_text(encoding="ascii"))["invitation"])
            who.key_file = self.place / f"key-{who.key.id}"
            who.key_file.write_text(who.identity, encoding="ascii")
        self.by_delivery = {}
        self.letters = [Letter(self) for _ in range(ACTORS)]

    def end(self):
        try:
            self.gateway.stop()
        finally:
            self.database.stop()
            shutil.rmtree(self.place, ignore_errors=True)

    def sql(self, statement):
        return self.gateway.as_owner("psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d",
                                     self.database.address, "-c", statement)

    def require_opens(self, who, sealed, plaintext):
        if rig.age_decrypt(who.key_file, sealed) != plaintext:
            raise AssertionError("stock age makes something else of it")

    # --- One round

    def round(self, number):
        choice = random.Random(f"{self.seed} {number}")
        victim = choice.choice(("client", "gateway", "postmaster", "backend"))
        moment, which = choice.uniform(0.02, 0.6), choice.random()
        if self.verbose:
            print(f"  round {number}: the {victim} after {moment:.3f} s", flush=True)
        stopped = threading.Event()
        failures = []
        threads = [threading.Thread(target=self.act, args=(actor, number, stopped, failures)) for actor in range(ACTORS)]
        for thread in threads:
            thread.start()
        time.sleep(moment)  # which is the round's decision, and nothing is waited for
        try:
            revive = self.kill(victim, which)
            stopped.set()
            revive()
        finally:
            stopped.set()
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]
        self.killed[victim] += 1
        self.require_rest()
        self.require_model()

    def act(self, actor, number, stopped, failures):
        choice = random.Random(f"{self.seed} {number} {actor}")
        while not stopped.is_set() and not failures:
            if self.letters[actor].is_over():
                self.letters[actor] = Letter(self)
            try:
                self.letters[actor].step(choice)
                self.acknowledged += 1
            except Doubt:
                self.doubts += 1
                return
            except BaseException as error:
                failures.append(error)
                return

    def kill(self, victim, which):
        """Returns what brings it back."""
        if victim == "client":
            running = list(self.running.values())
            if running:
                running[int(which * len(running))].send_signal(signal.SIGKILL)
            return lambda: None
        if victim == "gateway":
            self.gateway.process.send_signal(signal.SIGKILL)
            self.gateway.process.wait(timeout=60)
            self.gateway.process.stdout.close()
            return self.start_gateway
        if victim == "postmaster":
            os.kill(int((self.database.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            return self.database.start_again
        backends = [int(process.name) for process in self.database.processes() if serves_somebody(process)]
        if backends:
            with contextlib.suppress(ProcessLookupError):
                os.kill(sorted(backends)[int(which * len(backends))], signal.SIGKILL)
        return lambda: rig.eventually(self.database.answers, "the server has recovered")

    def start_gateway(self):
        # Whoever of the database served the dead one ends what it was at first.
        rig.eventually(lambda: self.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'letterboxd'")
                       .strip() == "0", "its connections have ended")
        self.gateway.start()

    def require_rest(self):
        metrics = re.search(r"http://[0-9.:]+/metrics", self.gateway.greeting)[0]

        def rests():
            with urllib.request.urlopen(metrics, timeout=10) as answer:
                return re.search(r"^letterbox_http_requests_in_flight 0$", answer.read().decode(), re.M) is not None
        rig.eventually(rests, "no request is at hand")

    def require_model(self):
        found = {}
        for line in self.sql(
                "SELECT json_build_object('id', d.id, 'version', d.version, 'state', CASE WHEN d.state IN ('open', 'closed')"
                "         AND d.expires <= now() THEN 'expired' ELSE d.state END,"
                "       'files', (SELECT coalesce(json_agg(f.id ORDER BY f.id), '[]') FROM file AS f"
                "                  WHERE f.delivery_id = d.id),"
                "       'recipients', (SELECT json_agg(r.recipient) FROM delivery_recipient AS r"
                "                       WHERE r.delivery_id = d.id)) FROM delivery AS d").splitlines():
            one = json.loads(line)
            delivery = one.pop("id")
            found[delivery] = one | {"files": tuple(one["files"]), "recipients": frozenset(one["recipients"])}
        unknown = set(found) - set(self.by_delivery)
        wrong = [f"nobody sent {delivery}" for delivery in unknown]
        for delivery, letter in self.by_delivery.items():
            there = found.get(delivery)
            if there and there["state"] in ("expired", "revoked"):
                # Its files went with it.
                for known in filter(None, (letter.known, letter.may)):
                    if known["state"] == there["state"]:
                        there |= {"files": known["files"]}
            trouble = letter.is_found(there)
            if trouble:
                wrong.append(f"{delivery}: {trouble}")
        wrong += invariants.violations(self.sql)
        if wrong:
            raise AssertionError("\n".join(wrong))

    def require_all_open(self):
        """Between rounds: stock age opens whatever is closed, with the keys of whom it is for."""
        opened = 0
        for letter in self.by_delivery.values():
            if letter.known and letter.known["state"] == "closed":
                for who in letter.current():
                    for file in letter.held():
                        self.require_opens(who, expect(200, who.request("GET", f"/v1/files/{file.id}")), file.plaintext)
                        opened += 1
        return opened


def run(kills, seed, verbose=False):
    """Throws what didn't hold."""
    print(f"{kills} kills, seed {seed}", flush=True)
    course = Run(seed, verbose)
    number = opened = 0
    try:
        for number in range(1, kills + 1):
            course.round(number)
            if number % 10 == 0 or number == kills:
                opened += course.require_all_open()
            if number % 50 == 0:
                print(f"  {number} rounds held", flush=True)
    except BaseException:
        print(f"it didn't hold in round {number} of seed {seed}", flush=True)
        raise
    finally:
        course.end()
    killed = ", ".join(f"{count} × {victim}" for victim, count in sorted(course.killed.items()))
    print(f"{kills} kills ({killed}) of seed {seed} held: {len(course.by_delivery)} deliveries, {course.acknowledged} "
          f"actions acknowledged, {course.doubts} in doubt, {opened} times stock age opened what is there", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    run(options.kills, options.seed, options.verbose)


if __name__ == "__main__":
    sys.exit(main())
