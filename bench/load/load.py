"""letterbox_load, run by the scripts of bench/, and what it prints."""
import pathlib
import re
import subprocess

from cryptography.hazmat.primitives import serialization


def start(binaries, mode, address, *arguments, nice=0):
    """Its process; every line of its standard output is a key and a value."""
    command = ["nice", "-n", nice, pathlib.Path(binaries) / "letterbox_load", mode, address, *arguments]
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)


def run(binaries, mode, address, *arguments, on_line=lambda key, value: None):
    """Its results, once it has ended; `on_line` sees each as it comes."""
    results = {}
    with start(binaries, mode, address, *arguments) as process:
        for line in process.stdout:
            key, value = line.split()
            results[key] = float(value)
            on_line(key, float(value))
    if "errors" in results or process.returncode == 0:
        return results
    raise SystemExit("letterbox_load failed")


def machine(gateway):
    """Address and options for rig's machine on the machines' address of `gateway` (rig.Gateway)."""
    authority = gateway.authority_of_machines
    return [f"127.0.0.1:{gateway.machine_port}", "--certificate", authority.machine, "--key", authority.machine_key]


def person(gateway, sender):
    """Address and options for `sender` (device.Device), who signs, on the people's address."""
    seed = gateway.data.parent / "seed"
    seed.touch(mode=0o600)
    seed.write_bytes(sender.key.key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                                                  serialization.NoEncryption()))
    return [f"127.0.0.1:{gateway.port}", "--seed", seed, "--url", gateway.url]


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1])
