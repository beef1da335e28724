"""A line between letterbox and its gateway that can be looked into and breaks where it is told to.

TLS ends here, by the gateway's own certificate, so that what passes is seen as requests and answers. It outlives the
gateway behind it: one that was killed and started again, on another port, is reached by the same address.
"""
import dataclasses
import re
import socket
import ssl
import threading
from typing import Callable, Optional

PIECE = 64 * 1024


@dataclasses.dataclass
class Exchange:
    method: str
    path: str
    fields: dict
    body: bytearray = dataclasses.field(default_factory=bytearray)  # what went on to the gateway
    status: int = 0
    answer: dict = dataclasses.field(default_factory=dict)
    received: int = 0  # of the answer's body went on to the client


@dataclasses.dataclass
class Break:
    """Of the requests of `method` to `path` (a pattern), so many bytes of bodies pass, or so many of answers' bodies (-1:
    not even the first answer's head). Then `do` is called, and nothing passes on that connection any more."""
    method: str
    path: str
    body: Optional[int] = None
    answer: Optional[int] = None
    do: Callable = lambda: None

    def __post_init__(self):
        self.happened = threading.Event()

    def is_about(self, exchange):
        return not self.happened.is_set() and exchange.method == self.method and re.search(self.path, exchange.path)


class Cut(Exception):
    pass


class Reader:
    """Takes a stream apart."""

    def __init__(self, connection):
        self.connection = connection
        self.ahead = b""

    def some(self, most):
        if not self.ahead:
            self.ahead = self.connection.recv(PIECE)
            if not self.ahead:
                raise Cut
        piece, self.ahead = self.ahead[:most], self.ahead[most:]
        return piece

    def line(self):
        """With its end."""
        line = b""
        while not line.endswith(b"\r\n"):
            line += self.some(1)
        return line

    def head(self):
        """(the bytes of a head, its first line, its fields)"""
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.some(PIECE)
        end = head.index(b"\r\n\r\n") + 4
        head, self.ahead = head[:end], head[end:] + self.ahead
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        return head, first, {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}


class Line:
    def __init__(self, gateway):
        """`gateway` is a rig.Gateway that isn't started yet: it is told that this is its address."""
        self.gateway = gateway
        self.exchanges = []
        self.breaks = []
        self.before_body = lambda exchange: None
        self.altered = lambda exchange, piece: piece  # of an answer's body, on the way to the client
        self.dropped_fields = ()  # of requests, on the way to the gateway
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        gateway.options += ("--public-url", self.url)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def port_behind(self):
        return int((self.gateway.data / "address").read_text().rstrip("/\n").rpartition(":")[2])

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.gateway.data / "public" / "server.pem", self.gateway.data / "keys" / "server.key")
        return context

    def breaks_at(self, *arguments, **options):
        broken = Break(*arguments, **options)
        with self.lock:
            self.breaks.append(broken)
        return broken

    def seen(self, method, path):
        with self.lock:
            return [one for one in self.exchanges if one.method == method and re.search(path, one.path)]

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            client.settimeout(120)
            with self.context().wrap_socket(client, server_side=True) as client:
                with self.gateway.tls(self.port_behind(), timeout=120) as gateway:
                    requests, answers = Reader(client), Reader(gateway)
                    while True:
                        self.pass_on(requests, answers, client, gateway)
        except (Cut, OSError):
            pass

    def pass_on(self, requests, answers, client, gateway):
        head, first, fields = requests.head()
        method, path, _ = first.split(" ")
        exchange = Exchange(method, path, fields)
        with self.lock:
            self.exchanges.append(exchange)
        self.before_body(exchange)
        for name in self.dropped_fields:
            head = re.sub(rb"\r\n%s:[^\r]*" % name.encode(), b"", head, flags=re.I)
        gateway.sendall(head)
        left = int(fields.get("content-length", 0))
        while left > 0:
            piece = requests.some(min(left, self.until_break(exchange, "body")))
            gateway.sendall(piece)
            exchange.body += piece
            left -= len(piece)
            self.count(exchange, "body", len(piece))
        self.count(exchange, "body", 0)

        head, first, exchange.answer = answers.head()
        exchange.status = int(first.split(" ")[1])
        self.count(exchange, "answer", 1)
        client.sendall(head)
        if method == "HEAD" or exchange.status == 204:
            return
        if exchange.answer.get("transfer-encoding") != "chunked":
            self.pass_back(answers, client, exchange, int(exchange.answer.get("content-length", 0)))
            return
        size = None
        while size != 0:
            line = answers.line()
            size = int(line, 16)
            client.sendall(line)
            self.pass_back(answers, client, exchange, size)
            client.sendall(answers.line())

    def pass_back(self, answers, client, exchange, left):
        while left > 0:
            piece = answers.some(min(left, self.until_break(exchange, "answer")))
            client.sendall(self.altered(exchange, piece))
            exchange.received += len(piece)
            left -= len(piece)
            self.count(exchange, "answer", len(piece))

    def until_break(self, exchange, what):
        """How much may pass before the next break: at least a byte."""
        with self.lock:
            left = [getattr(one, what) for one in self.breaks if one.is_about(exchange) and getattr(one, what) is not None]
        return max(1, min([PIECE, *left]))

    def count(self, exchange, what, size):
        with self.lock:
            about = [one for one in self.breaks if one.is_about(exchange) and getattr(one, what) is not None]
            for one in about:
                setattr(one, what, getattr(one, what) - size)
            due = [one for one in about if getattr(one, what) <= 0]
            for one in due:
                one.happened.set()
        for one in due:
            one.do()
        if due:
            raise Cut
