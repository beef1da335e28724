"""What lies between a gateway and PostgreSQL: a socket that passes everything on, and stops at a named point.

A point is a statement by its text, or the COMMIT of the transaction that it was in; before the database hears of it, or
after it has answered and before the gateway hears of that. Of PostgreSQL's protocol (its manual, "Message Formats") no
more is understood than what the gateway asks for, and where an answer ends.
"""
import contextlib
import dataclasses
import re
import socket
import struct
import threading


@dataclasses.dataclass(frozen=True)
class Point:
    """The `nth` time that a statement which matches `statement` comes along; or the COMMIT after it."""
    statement: str
    nth: int = 1
    commit: bool = False
    answered: bool = False  # and not before the database has done it


class Wire:
    """Between who connects to `place` (a directory for a socket) and the server with its socket in `database`."""

    def __init__(self, place, database):
        self.server = str(database / ".s.PGSQL.5432")
        place.mkdir()
        place.chmod(0o755)
        self.address = f"host={place} dbname=postgres"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(place / ".s.PGSQL.5432"))
        (place / ".s.PGSQL.5432").chmod(0o777)
        self.listener.listen(64)
        self.lock = threading.Lock()
        self.arm(None)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.let_go()
        self.listener.close()

    def arm(self, point):
        """From now on the first who comes to `point` waits there until let_go()."""
        self.point, self.seen = point, 0
        self.reached, self.gone_on = threading.Event(), threading.Event()
        self.backend = None  # the process that serves who waits

    def let_go(self):
        """Whoever waits goes on; if there is still somebody on both sides."""
        self.point = None
        self.gone_on.set()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.server)
            except OSError:
                client.close()
                server.close()
                continue
            Session(self, client, server)

    def is_point(self, texts, commit, answered):
        """Whether whoever asks for `texts` is there now, and the first."""
        with self.lock:
            point = self.point
            if (point is None or self.reached.is_set() or point.commit != commit or point.answered != answered
                    or not any(re.search(point.statement, text) for text in texts)):
                return False
            self.seen += 1
            return self.seen == point.nth

    def wait(self, session):
        gone_on = self.gone_on
        self.backend = session.backend
        self.reached.set()
        gone_on.wait()


class Session:
    """One connection, a thread for each direction."""

    def __init__(self, wire, client, server):
        self.wire, self.client, self.server = wire, client, server
        self.backend = None
        self.statements = {}   # by their names
        self.transaction = None  # what was asked for since BEGIN
        self.holds_answer = False
        self.ended = 0
        for direction in (self.up, self.down):
            threading.Thread(target=self.until_it_ends, args=(direction,), daemon=True).start()

    def until_it_ends(self, direction):
        with contextlib.suppress(OSError, EOFError):
            direction()
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self.wire.lock:
            self.ended += 1
            if self.ended == 2:
                self.client.close()
                self.server.close()

    def up(self):
        length = exactly(self.client, 4)
        self.server.sendall(length + exactly(self.client, int.from_bytes(length, "big") - 4))
        while True:
            self.pass_on(*self.next_round())

    def next_round(self):
        """(its bytes, the texts of the statements that it runs): all up to where the gateway waits for an answer."""
        content, texts = bytearray(), []
        while True:
            kind, body, whole = message(self.client)
            content += whole
            if kind == b"P":
                name, text = body.split(b"\0")[:2]
                self.statements[name] = text.decode()
            elif kind == b"B":
                texts.append(self.statements.get(body.split(b"\0", 2)[1], ""))
            elif kind == b"Q":
                texts.append(body.rstrip(b"\0").decode())
            if kind in (b"Q", b"S", b"X"):
                return content, texts

    def pass_on(self, content, texts):
        commit = texts == ["COMMIT"]
        subject = self.transaction or [] if commit else texts
        if self.wire.is_point(subject, commit, answered=False):
            self.wire.wait(self)
            self.require_client()
        # The answer comes as soon as the server has what follows.
        self.holds_answer = self.wire.is_point(subject, commit, answered=True)
        if texts and texts[0].startswith("BEGIN"):
            self.transaction = []
        if self.transaction is not None:
            self.transaction = None if commit else self.transaction + texts
        self.server.sendall(content)

    def require_client(self):
        """What a process that is gone had asked for never arrived."""
        with contextlib.suppress(BlockingIOError):
            if not self.client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                raise EOFError

    def down(self):
        held = bytearray()
        while True:
            kind, body, whole = message(self.server)
            if kind == b"K":
                self.backend = struct.unpack(">I", body[:4])[0]
            held += whole
            if not self.holds_answer:
                self.client.sendall(held)
                held.clear()
            elif kind == b"Z":
                self.wire.wait(self)
                self.holds_answer = False
                self.client.sendall(held)
                held.clear()


def message(stream):
    """(kind, body, all of it)"""
    head = exactly(stream, 5)
    body = exactly(stream, int.from_bytes(head[1:], "big") - 4)
    return head[:1], body, head + body


def exactly(stream, count):
    content = bytearray()
    while len(content) < count:
        piece = stream.recv(count - len(content))
        if not piece:
            raise EOFError
        content += piece
    return bytes(content)
