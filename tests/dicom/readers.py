"""What three readers make of DICOM files: our scanner, DCMTK's dcmdump, and pydicom.

Each says of a file whether it could read it to its end, and what it met: (depth, tag, VR, length) of each element, the
VR "--" where the encoding has none, the length "u/l" where it is undefined; and (depth, "item", "", "") of each item.
Depths count both: 0 the top level, 1 the items of its sequences, 2 the elements in those.
"""
import dataclasses
import logging
import pathlib
import re
import subprocess
import warnings

import pydicom
from pydicom.dataelem import RawDataElement

# What one reader says of VRs isn't in the file: leave it as it stands there.
pydicom.config.replace_un_with_known_vr = False
warnings.simplefilter("ignore")
logging.getLogger("pydicom").setLevel(logging.CRITICAL)

SAMPLES = pathlib.Path("/usr/lib/python3/dist-packages/pydicom/data")


@dataclasses.dataclass
class Reading:
    complete: bool
    elements: list
    verdict: str = ""   # of ours: "ok" or the error code
    message: str = ""
    walk: str = ""      # of ours: why the walk ended early
    uids: list = dataclasses.field(default_factory=list)
    left_out: list = dataclasses.field(default_factory=list)


def item(depth):
    """Before elements that are in so many sequences."""
    return (2 * depth - 1, "item", "", "")


def ours(program, paths, digests=None):
    """One Reading for each path."""
    command = [program] + (["--digests", str(digests)] if digests else [])
    answer = subprocess.run(command, input="\n".join(map(str, paths)), stdout=subprocess.PIPE, text=True,
                            check=True, timeout=600)
    readings, now = [], None
    for line in answer.stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word == "verdict":
            code, _, message = rest.partition(" ")
            now = Reading(False, [], verdict=code, message=message)
            readings.append(now)
        elif word == "uids":
            now.uids = rest.split()
        elif word == "left_out":
            now.left_out = rest.split()
        elif word == "walk":
            now.walk, now.complete = rest, rest == "ok"
        else:
            now.elements.append(item(int(word)) if rest == "item" else
                                (2 * int(word), rest[:8], rest[9:11], rest[12:]))
    return readings


DUMPED = re.compile(r"^((?:  )*)\(([0-9a-f]{4}),([0-9a-f]{4})\) (\S\S) .*#\s*(u/l|\d+),\s*\d+ .+$")


def dcmdump(path):
    answer = subprocess.run(["dcmdump", "-q", "+fo", "+L", "+Qn", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            timeout=60)
    elements = []
    for line in answer.stdout.decode("latin-1").splitlines():
        match = DUMPED.match(line)
        if not match or match[2] == "0002":
            continue
        depth = len(match[1]) // 2
        if match[2] != "fffe":
            elements.append((depth, match[2] + match[3], match[4], match[5]))
        elif match[3] == "e000" and match[4] == "na":  # "pi" is a fragment
            elements.append((depth, "item", "", ""))
    return Reading(answer.returncode == 0, elements)


def with_pydicom(path):
    elements = []

    def walk(data_set, depth):
        for tag, raw in list(data_set._dict.items()):  # in the file's order
            undefined = raw.length == 0xffffffff if isinstance(raw, RawDataElement) else raw.is_undefined_length
            length = "u/l" if undefined else str(raw.length) if isinstance(raw, RawDataElement) else "?"
            vr = raw.VR or "--"
            elements.append((2 * depth, f"{int(tag):08x}", vr, length))
            if vr in ("SQ", "--", "UN"):
                value = data_set[tag]
                if value.VR == "SQ":
                    for inner in value.value:
                        elements.append(item(depth + 1))
                        walk(inner, depth + 1)

    try:
        walk(pydicom.dcmread(path), 0)
    except Exception:  # it has as many kinds of them as there are broken files
        return Reading(False, elements)
    return Reading(True, elements)


# A sequence of VR UN is shown as what it is, encapsulated pixels are OB to DCMTK, and offsets in a DICOMDIR "up".
RENAMED = {("UN", "SQ"), ("OW", "OB"), ("UL", "up")}


def same(ours_met, theirs_met):
    """Whether two readers met the same elements. Where the encoding has no VR, theirs is the dictionary's. "??" is
    dcmdump's word for a VR that it doesn't know."""
    if len(ours_met) != len(theirs_met):
        return False
    for (depth, tag, vr, length), (depth2, tag2, vr2, length2) in zip(ours_met, theirs_met):
        if (depth, tag) != (depth2, tag2) or (length != length2 and length2 != "?"):
            return False
        if vr != vr2 and not {vr, vr2} & {"--", "??"} and (vr, vr2) not in RENAMED:
            return False
    return True


def sorted_by_tag(elements):
    """As DCMTK keeps them: the elements of each item in the order of their tags. Items stay as they are."""
    def level(at, depth):
        trees = []
        while at < len(elements) and elements[at][0] == depth:
            element, at = elements[at], at + 1
            inner, at = level(at, depth + 1)
            trees.append((element, inner))
        return trees, at

    def flat(trees, into):
        for element, inner in sorted(trees, key=lambda tree: tree[0][1]):
            into.append(element)
            flat(inner, into)
        return into

    return flat(level(0, 0)[0], [])
