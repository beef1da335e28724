"""A server that a script of bench/ starts, and ends."""
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A program that serves on `port` until it is ended, by its pid."""

    def __init__(self, command, port):
        self.port = port
        self.process = subprocess.Popen([str(part) for part in command])
        for _ in range(100):
            if self.process.poll() is not None:
                sys.exit(f"{command[0]} ended at once")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return
            time.sleep(0.1)
        sys.exit(f"{command[0]} doesn't listen")

    def cpu_seconds(self):
        """utime and stime, proc(5)."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
