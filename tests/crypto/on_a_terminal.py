"""Runs a program that insists on a terminal, and answers each of its prompts with a passphrase.

    on_a_terminal.py PASSPHRASE COMMAND ARGUMENT…

Ends with the program's exit code; what the program said goes to standard error if that isn't 0.
"""

import os
import pty
import sys


def main() -> int:
    passphrase, *command = sys.argv[1:]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    said = b""
    unanswered = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux says EIO when the other side has closed
            break
        if not piece:
            break
        said += piece
        unanswered += piece
        # Until it switches echo off, the terminal shows the answer too; that is no prompt.
        if b"passphrase" in unanswered and unanswered.rstrip(b"\x00").endswith(b": "):
            unanswered = b""
            os.write(terminal, passphrase.encode() + b"\n")
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        sys.stderr.buffer.write(said)
    return code


sys.exit(main())
