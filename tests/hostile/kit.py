"""What every hostile input is sent with, watched by, and written down in.

A case is a test method under @case. Around it the kit checks what holds for all of them: the process lives, nothing
is stored, an honest deposit on a new connection gets its 201, memory stays within the case's bound, and neither an
answer nor a log holds anything of the input, which carries a canary.

Most of it is asked by a machine with a good certificate, on the machines' address: it is let in before it says a word,
so that what it says is judged for itself. What takes a person is signed by the surgeon's device, on the people's.
"""
import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import re
import secrets
import select
import socket
import ssl
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import device  # noqa: E402
import dicom  # noqa: E402
import rig  # noqa: E402
import stow  # noqa: E402

MIB = rig.MIB
GIB = 1024 * MIB
CT = rig.CT.read_bytes()
# More than a row of the shelf: some of it is staged before its end is judged.
LARGE = dicom.large(3 * MIB)
# Of a file that is over any limit here: only the limit can end it.
ENDLESS = rig.dicom_head(GIB) + os.urandom(3 * MIB)
SURGEON = "surgeon@hospital.example"
DICOM = "application/dicom"
# The machine's, to the mailbox that rig makes for the surgeon; and a person's.
FILES = b"/v1/files?mailbox=for-surgeon"
STUDIES = b"/to/for-surgeon/dicom-web/studies"
# Each request to this one is a delivery of its own, closed at once.
STUDIES_AT_ONCE = b"/to/at-once/dicom-web/studies"
TO_SURGEON = b"/v1/files?to=" + SURGEON.encode()
NOWHERE = b"/v1/files/01890a5d-ac96-774b-bcce-b302099a8057"

# What one deposit adds to the shelf, and to the directory: nothing. Nonces and the audit trail grow with whoever asks.
TABLES = ("delivery", "cover", "delivery_recipient", "file", "payload", "payload_row", "sealed_index",
          "tenant", "principal", "device", "device_record", "invitation", "mailbox", "mailbox_recipient",
          "mailbox_depositor", "machine_certificate", "machine_token")
PER_DELIVERY = (1,) * 3 + (0,) * 14
PER_FILE = (0,) * 3 + (1,) * 4 + (0,) * 10


def wait_until(condition, what, timeout=30):
    """Looks again and again, and fails once `timeout` seconds have passed."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain until " + what)
        time.sleep(0.05)


# --- The table ---------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Row:
    number: int
    sent: str
    expected: str
    bound: int
    observed: str = "-"
    growth: int = 0
    ok: bool = False

    def meets(self):
        """Whether what was observed begins with one of the alternatives that are expected."""
        alternatives = re.split(r" or |, or |/", self.expected)
        return any(re.match(re.escape(one) + r"(?!\w)", self.observed) for one in alternatives)


ROWS = {}


def table(with_growth):
    """Markdown. Without what memory really grew by, it is the same in every run."""
    lines = ["| case | what is sent | expected | observed | memory | ok |", "|---|---|---|---|---|---|"]
    for _, row in sorted(ROWS.items()):
        memory = f"≤ {row.bound // MIB} MiB"
        if with_growth:
            memory = f"{row.growth / MIB:.1f} {memory}"
        cells = (str(row.number), row.sent, row.expected, row.observed, memory, "yes" if row.ok else "NO")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


# --- A case ------------------------------------------------------------------------------------------------------

def case(number, sent, expected, bound=16 * MIB, stored=0):
    """Marks a test method as case `number` of the list of hostile inputs.

    `sent` and `expected` are in the list's words; "C" means that the connection closes. The method returns what it
    observed, beginning with what was expected. `stored` is how many honest deposits of CT it makes itself (others it adds
    to `deliveries`), and `bound` what VmHWM may grow by.
    """
    def decorate(method):
        @functools.wraps(method)
        def run(self):
            row = ROWS[number] = Row(number, sent, expected, bound)
            try:
                self.watch(row, method, stored)
            except BaseException as error:
                row.observed = f"{row.observed} ({str(error).splitlines()[0][:120] if str(error) else type(error).__name__})"
                raise
            row.ok = True
        return run
    return decorate


class Hostile(unittest.TestCase):
    """Cases against one letterboxd, which each class starts with its own settings. It knows a machine, which may put
    something into the surgeon's mailbox, and the surgeon, a device.Device.
    """

    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        place = rig.workspace()
        cls.addClassCleanup(rig.shutil.rmtree, place, ignore_errors=True)
        cls.gateway = rig.Gateway(place / "data", *cls.OPTIONS)
        cls.addClassCleanup(cls.gateway.stop)
        cls.gateway.start()
        cls.surgeon = cls.gateway.invited(SURGEON)
        cls.gateway.mailbox(SURGEON)
        cls.gateway.admin("admin", "mailbox", "put", "at-once", "--to", SURGEON, "--from", cls.gateway.machine,
                          "--closes-after", "0")
        cls.identity = place / "surgeon.txt"
        cls.identity.write_text(cls.surgeon.identity, encoding="ascii")
        cls.seen = set()
        cls.machine_context = cls.gateway.tls_context(machine=True)
        cls.people_context = cls.gateway.tls_context()
        # Warm: every worker, pool and buffer that a request needs has been there.
        study = stow.instances(*(dicom.file(pixels=os.urandom(128)) for _ in range(8)), dicom.large(3 * MIB))
        warm = [(cls.gateway.deposit, (LARGE, DICOM, SURGEON)),
                (cls.gateway.request, ("POST", STUDIES_AT_ONCE.decode(), study, stow.content_type(), (), True))] * 8
        threads = [threading.Thread(target=target, args=arguments) for target, arguments in warm]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in range(8):
            cls.surgeon.request("GET", "/v1/inbox")

    def setUp(self):
        # Planted in whatever is sent; nobody may see it again.
        self.canary = "kite" + secrets.token_hex(8)
        self.study = dicom.new_uid()
        # What a case stores: how many files of one row in each new delivery.
        self.deliveries = []
        if self.gateway.process.poll() is not None:
            self.gateway.stop()
            self.gateway.start()  # an earlier case ended it, and has failed for that

    def watch(self, row, method, stored):
        process = self.gateway.process
        before = self.shelf()
        rig.reset_memory_peak(process.pid)
        start = rig.memory_peak(process.pid)
        row.observed = method(self)
        self.assertTrue(row.meets(), f"not what was expected: {row.expected}")

        deliveries = self.deliveries + [1] * stored
        self.expect_shelf(before, deliveries)
        self.assertEqual(self.deposit(), 201, "an honest deposit afterwards")
        self.expect_shelf(before, [*deliveries, 1])
        self.assertIsNone(process.poll(), "letterboxd has ended")
        row.growth = max(0, rig.memory_peak(process.pid) - start)
        self.assertLess(row.growth, row.bound, "memory")
        for log in (self.gateway.log, *self.gateway.data.rglob("*.log")):
            self.assertFalse(self.canary in log.read_text(encoding="utf-8", errors="replace"), f"{log.name} has the input")

    # What the gateway holds.

    def shelf(self):
        """Rows of every table, staged ones included."""
        counts = self.gateway.sql("SELECT " + ", ".join(f"(SELECT count(*) FROM {name})" for name in TABLES))
        return tuple(int(count) for count in counts.split("|"))

    def expect_shelf(self, before, deliveries):
        """`deliveries` more, of so many files of one row. What broken uploads had staged goes as soon as their handlers
        notice.
        """
        expected = tuple(count + len(deliveries) * one + sum(deliveries) * each
                         for count, one, each in zip(before, PER_DELIVERY, PER_FILE))
        wait_until(lambda: self.shelf() == expected, f"the shelf holds {dict(zip(TABLES, expected))}")

    def descriptors(self):
        """Descriptors that letterboxd has open, its connections to the database not counted."""
        sockets = pathlib.Path("/proc/net/unix").read_text(encoding="ascii", errors="replace").splitlines()[1:]
        local = {line.split()[6] for line in sockets}
        count = 0
        for entry in pathlib.Path(f"/proc/{self.gateway.process.pid}/fd").iterdir():
            try:
                target = os.readlink(entry)
            except FileNotFoundError:
                continue
            found = re.fullmatch(r"socket:\[(\d+)\]", target)
            count += found is None or found[1] not in local
        return count

    def holds(self, local_port):
        """Whether letterboxd still has its end of our connection from `local_port`. What the kernel is left with after
        a close belongs to no process and doesn't count.
        """
        pair = (f":{self.gateway.port:04X}", f":{local_port:04X}")
        for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(pair[0]) and fields[2].endswith(pair[1]):
                return fields[9] != "0"
        return False

    # What arrives.

    def arrived(self):
        """(header fields, sealed file, its plaintext) of every file that came for the surgeon since this was asked last."""
        found, target = [], "/v1/inbox"
        while target:
            page = json.loads(self.read_by_surgeon(target)[1])
            for delivery in page["deliveries"]:
                if delivery["delivery"] not in self.seen:
                    self.seen.add(delivery["delivery"])
                    found += [self.opened(file["file"]) for file in delivery["files"]]
            target = page["next"] and "/v1/inbox?after=" + page["next"]
        return found

    def read_by_surgeon(self, target):
        status, fields, content = self.surgeon.request("GET", target)
        self.assertEqual(status, 200)
        return fields, content

    def opened(self, file):
        fields, sealed = self.read_by_surgeon("/v1/files/" + file)
        return fields, sealed, rig.age_decrypt(self.identity, sealed)

    def arrive(self, files):
        """Stores `files` by STOW, each of a study of its own, and sees that the surgeon gets them byte for byte; what
        arrived() found of them.
        """
        answer = self.stow(*map(stow.part, files), studies=STUDIES_AT_ONCE)
        self.assertEqual((answer.status, len(stow.stored(answer.body))), (200, len(files)))
        self.deliveries += [1] * len(files)
        missing, found = set(files), []

        def all_here():
            # They are closed as soon as somebody gets round to it; and so is what other cases sent.
            new = [one for one in self.arrived() if one[2] in missing]
            missing.difference_update(opened for _, _, opened in new)
            found.extend(new)
            return not missing
        wait_until(all_here, "the files have arrived as they were")
        self.assertEqual(len(found), len(files))
        return found

    # What is sent.

    def peer(self):
        """The machine."""
        return Peer(self.gateway.tls(self.gateway.machine_port, self.machine_context))

    def people_peer(self):
        """Somebody on the people's address."""
        return Peer(self.gateway.tls(context=self.people_context))

    def signed(self, method, target, *fields, body=b"", content_type=None, by=None, **options):
        """A request head that the surgeon's device signs, or `by`, as followed by `body`."""
        made = (by or self.surgeon).key.fields(method.decode(), self.gateway.url + target.decode(), body, content_type,
                                               **options)
        return self.head(method, target, *(f"{name}: {value}".encode() for name, value in made.items()), *fields)

    def head(self, method, target, *fields, version=b"HTTP/1.1", host=b"Host: 127.0.0.1"):
        """A request head with the canary in it."""
        lines = [b" ".join((method, target, version)), host, b"X-Canary: " + self.canary.encode(), *fields]
        return b"\r\n".join(line for line in lines if line) + b"\r\n\r\n"

    def deposit_head(self, *fields, **options):
        return self.head(b"POST", FILES, b"Content-Type: application/dicom", *fields, **options)

    def deposit(self):
        """An honest request on a new connection."""
        with self.peer() as peer:
            peer.send(self.deposit_head(b"Content-Length: %d" % len(CT)) + CT)
            return self.checked(peer.answer()).status

    def ask(self, request, method="GET", people=False):
        """Sends `request` on a new connection, reads on while sending, and says what came: "404", or "400 C"."""
        return self.answer_to(request, self.checked, method, people).outcome

    def answer_to(self, request, checked, method="GET", people=False):
        with self.people_peer() if people else self.peer() as peer:
            peer.send_listening([request])
            return self.ended(peer, checked(peer.answer(method)))

    def outcome(self, peer, method="GET"):
        return self.ended(peer, self.checked(peer.answer(method))).outcome

    def ended(self, peer, answer):
        """`answer`, having seen that the connection is closed if it says so."""
        if answer.closes:
            self.assertTrue(peer.is_closed(), "the connection goes on after Connection: close")
        return answer

    def post(self, body, claimed=DICOM):
        """What the machine is answered for a file to POST /v1/files."""
        head = self.head(b"POST", FILES, b"Content-Type: " + claimed.encode(), b"Content-Length: %d" % len(body))
        return self.answer_to(head + body, self.checked)

    def stow_head(self, content_type, *fields, study=None, studies=STUDIES):
        target = studies + (b"/" + study.encode() if study else b"")
        return self.head(b"POST", target, b"Content-Type: " + content_type.encode(), b"Accept: " + stow.JSON.encode(), *fields)

    def stow(self, *parts, **about_target):
        """What STOW answers the machine to these parts (stow.part)."""
        return self.stow_body(stow.body(*parts), stow.content_type(), **about_target)

    def stow_body(self, body, content_type, **about_target):
        head = self.stow_head(content_type, b"Content-Length: %d" % len(body), **about_target)
        return self.answer_to(head + body, self.checked_stow)

    def same(self, outcomes):
        """The one outcome that all of them are."""
        outcomes = list(outcomes)
        self.assertEqual(len(set(outcomes)), 1, outcomes)
        return outcomes[0]

    def checked_stow(self, answer):
        """What holds for what STOW says: it is DICOM JSON, and the status tells whether all, some or none of the instances
        were taken (PS3.18 table 10.5.3-1).
        """
        self.assertEqual(answer.fields["content-type"], stow.JSON)
        self.assertEqual(bool(stow.failures(answer.body)), answer.status != 200)
        self.assertEqual(bool(stow.stored(answer.body)), answer.status in (200, 202))
        return self.checked_for_all(answer)

    def checked(self, answer):
        """What holds for what everybody else says: an error is a problem, of fixed texts."""
        if answer.status >= 400:
            self.assertEqual(answer.fields["content-type"], "application/problem+json")
        if answer.status >= 400 and answer.body:
            problem = json.loads(answer.body)
            self.assertEqual(problem["status"], answer.status)
            self.assertLessEqual(problem.keys(), {"type", "title", "status", "detail"})
        return self.checked_for_all(answer)

    def checked_for_all(self, answer):
        """Nothing of the request."""
        self.assertNotIn(self.canary.encode(), answer.head + answer.body, "an answer reflects the request")
        self.assertEqual(answer.fields.get("x-content-type-options"), "nosniff")
        if answer.status == 405:
            self.assertIn("allow", answer.fields)  # RFC 9110 section 15.5.6
        if answer.status == 401:
            self.assertIn("www-authenticate", answer.fields)  # section 15.5.2
        return answer


# --- A connection ------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Answer:
    status: int
    fields: dict
    head: bytes
    body: bytes

    @property
    def closes(self):
        return "close" in self.fields.get("connection", "")

    @property
    def outcome(self):
        return f"{self.status} C" if self.closes else str(self.status)


class Peer:
    """The raw bytes of one TLS connection, and the answers on it, read strictly."""

    def __init__(self, connection):
        self.connection = connection
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    @property
    def local_port(self):
        return self.connection.getsockname()[1]

    def send(self, data):
        self.connection.sendall(data)

    def send_listening(self, pieces):
        """Sends all `pieces`, keeping what comes back meanwhile; ends early when the gateway has hung up."""
        connection = self.connection
        timeout = connection.gettimeout()
        connection.setblocking(False)
        try:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    with contextlib.suppress(ssl.SSLWantReadError):
                        if not self.receive():
                            return
                    wanted = []
                    try:
                        rest = rest[connection.send(rest[:MIB]):]
                        continue
                    except ssl.SSLWantWriteError:
                        wanted = [connection]
                    except ssl.SSLWantReadError:
                        pass
                    if not any(select.select([connection], wanted, [], timeout)):
                        raise AssertionError("the gateway neither reads nor answers")
        except (ConnectionError, ssl.SSLError):
            pass  # hung up in the middle; the answer, if any, has been kept
        finally:
            connection.settimeout(timeout)

    def receive(self):
        """Takes in what has come; waits for something. False: the gateway has hung up."""
        data = self.connection.recv(64 * 1024)
        self.received += data
        return len(data) > 0

    def hears(self, seconds):
        """Whether an answer or the end has come, after waiting for it no longer than `seconds`."""
        if not select.select([self.connection], [], [], seconds)[0]:
            return False
        timeout = self.connection.gettimeout()
        self.connection.setblocking(False)
        try:
            self.receive()
            return True
        except ssl.SSLWantReadError:
            return False  # TLS's own, such as a ticket
        finally:
            self.connection.settimeout(timeout)

    def _take(self, condition):
        while not condition():
            if not self.receive():
                raise AssertionError(f"closed after {self.received[:100]!r}")

    def answer(self, method="GET"):
        """The next answer; 1xx ones too."""
        self._take(lambda: b"\r\n\r\n" in self.received)
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        line, *rest = head.decode("ascii").split("\r\n")
        status = re.fullmatch(r"HTTP/1\.1 (\d{3}) [ -~]*", line)
        if not status:
            raise AssertionError(f"no status line: {line!r}")
        fields = {}
        for field in rest:
            name, _, value = field.partition(": ")
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or name.lower() in fields:
                raise AssertionError(f"no proper field: {field!r}")
            fields[name.lower()] = value
        code = int(status[1])
        length = 0
        if method != "HEAD" and code >= 200 and code != 204:
            length = int(fields["content-length"])
        self._take(lambda: len(self.received) >= length)
        body, self.received = self.received[:length], self.received[length:]
        return Answer(code, fields, head, body)

    def is_closed(self):
        """Whether the gateway hangs up without another word; waits for it."""
        try:
            return not self.received and not self.receive()
        except (ConnectionError, ssl.SSLError):
            return True

    def cut(self, how):
        """Leaves in the middle: "close" says so (close_notify), "fin" and "reset" don't."""
        if how == "close":
            self.connection.settimeout(10)
            try:
                self.connection.unwrap()
            except (OSError, ssl.SSLError):
                pass  # the gateway needn't wait for our goodbye
        if how == "reset":
            reset_on_close(self.connection)
        self.connection.close()


def reset_on_close(connection):
    """Closing sends RST instead of FIN: SO_LINGER, on, for 0 seconds."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def outcome_of_silence(connection):
    """What a connection that isn't (yet) TLS ends with: the bytes until the gateway hangs up."""
    received = b""
    try:
        while data := connection.recv(4096):
            received += data
    except ConnectionError:
        pass
    return received
