"""Peers that do the same in turns: what each takes, and what is printed of it."""
import collections
import contextlib
import os
import pathlib
import re
import resource
import statistics
import sys
import time


def require(condition, otherwise):
    if not condition:
        sys.exit(otherwise)


class Meter:
    """What the processes `roots`, all below them, and children of our own spend of the CPUs meanwhile: it is what
    counts where many share them. By program; "client" is what we started and waited for."""

    def __init__(self, *roots):
        self.roots = roots

    def __enter__(self):
        self.begin = self.read()
        return self

    def __exit__(self, *_):
        end = self.read()
        for _ in range(20):  # one that is just ending may be neither in its own figures nor in its parent's
            time.sleep(0.05)
            end, before = self.read(), end
            if end == before:
                break
        self.seconds = {name: now - self.begin[name] for name, now in end.items()}

    def read(self):
        """utime and stime, proc(5), of those that live or were waited for."""
        processes = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                name, fields = re.fullmatch(r"\d+ \((.*)\) (.*)", stat.read_text(errors="replace"), re.S).groups()
                fields = fields.split()
                processes[int(stat.parent.name)] = name, int(fields[1]), sum(map(int, fields[11:15]))
        ours = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds, family = collections.Counter(client=ours.ru_utime + ours.ru_stime), list(self.roots)
        for process in family:
            name, _, ticks = processes[process]
            seconds[name] += ticks / os.sysconf("SC_CLK_TCK")
            family += [child for child, (_, parent, _) in processes.items() if parent == process]
        return seconds


class Task:
    """What so many clients move together: `total` things of `size` bytes."""

    def __init__(self, name, clients, total, size):
        self.name, self.clients, self.total, self.size = name, clients, total, size


def measured(tasks, rounds, peers, turn):
    """{task's name: {peer's name: what turn(task, peer) said in each round}}: the seconds that it took, and by program
    those of the CPUs; or None, if the task isn't that peer's."""
    rounds_of = {}
    for task in tasks:
        times = rounds_of[task.name] = {name: [] for name in peers}
        for round_number in range(rounds + 1):  # the first one warms up
            for name, peer in peers.items():
                took = turn(task, peer)
                if round_number > 0 and took is not None:
                    times[name].append(took)
    return rounds_of


def report(tasks, times, kind, unit):
    """What measured() said: `unit`s a second, and as "`kind` ratio" the medians of the rounds' own ratios. Above 1,
    letterbox is the faster."""
    print("medians; CPU in ms a MiB:")
    for task in tasks:
        for peer, rounds in times[task.name].items():
            if rounds:
                report_peer(task, peer, rounds, unit)
    for task in tasks:
        own = times[task.name]["letterbox"]
        for peer, rounds in times[task.name].items():
            if peer != "letterbox" and rounds:
                ratio = statistics.median(theirs / ours for (theirs, _), (ours, _) in zip(rounds, own))
                print(f"{kind} ratio {ratio:.2f} to {peer}: {task.name}")


def report_peer(task, peer, rounds, unit):
    size = task.total * task.size
    median = statistics.median(seconds for seconds, _ in rounds)
    cpu = {name: statistics.median(spent[name] for _, spent in rounds) / size * 2**20 * 1000 for name in rounds[0][1]}
    print(f"  {task.name}: {peer} {task.total / median:.1f} {unit}/s, {size / median / 1e6:.0f} MB/s, CPU "
          f"{sum(cpu.values()):.2f} ({', '.join(f'{name} {spent:.2f}' for name, spent in sorted(cpu.items()))})")
