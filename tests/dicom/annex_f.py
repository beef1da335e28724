"""The DICOM JSON Model as PS3.18 annex F.2 has it, and as pydicom reads it: judges that share nothing with what writes it."""
import base64
import binascii
import json
import math
import re
import struct

# Table F.2.3-1.
TEXTS = {"AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
RANGES = {"IS": (-2**31, 2**31 - 1), "SL": (-2**31, 2**31 - 1), "SS": (-2**15, 2**15 - 1), "SV": (-2**63, 2**63 - 1),
          "UL": (0, 2**32 - 1), "US": (0, 2**16 - 1), "UV": (0, 2**64 - 1)}
REALS = {"DS", "FD", "FL"}
NUMBERS = REALS | set(RANGES)
BINARIES = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}
# PS3.5 table 6.2-1: a backslash doesn't part these, and only texts have lines.
SINGLE = {"LT", "ST", "UR", "UT"}
LINES = {"LT", "ST", "UT"}


def parsed(text):
    """What `text` says, if it is JSON in which nothing is said twice and every number is one (RFC 8259)."""
    def once(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a name comes twice")
        return dict(pairs)

    def never(constant):
        raise ValueError(constant)
    return json.loads(text, object_pairs_hook=once, parse_constant=never)


def complaints(data_set, where=""):
    """What breaks a rule in a DICOM JSON Model object, as a list of texts."""
    if not isinstance(data_set, dict):
        return [f"{where} is no object"]
    said = [] if list(data_set) == sorted(data_set) else [f"{where} isn't in order"]
    for tag, attribute in data_set.items():
        if not re.fullmatch("[0-9A-F]{8}", tag) or tag[4:] == "0000" or tag[:4] in ("0000", "0002", "FFFE", "FFFF"):
            said.append(f"{where}/{tag} is no attribute of a data set")
        said += [f"{where}/{tag} {what}" for what in complaints_of(attribute, f"{where}/{tag}")]
    return said


def complaints_of(attribute, where):
    """Section F.2.2."""
    vr = attribute.get("vr") if isinstance(attribute, dict) else None
    if vr not in TEXTS | NUMBERS | BINARIES | {"AT", "PN", "SQ"}:
        return ["has no VR"]
    content = {name: value for name, value in attribute.items() if name != "vr"}
    if not content:
        return []  # section F.2.5: empty
    if len(content) > 1:
        return ["has two contents"]
    [(name, value)] = content.items()
    if name == "InlineBinary":
        return [] if vr in BINARIES and value and is_base64(value) else ["isn't binary"]
    if name == "BulkDataURI":
        return [] if isinstance(value, str) and value else ["isn't at a URI"]
    if name != "Value" or vr in BINARIES or not isinstance(value, list) or not value:
        return [f"has a {name}"]
    if vr in SINGLE and len(value) > 1:
        return ["has several values"]
    if vr == "SQ":
        return [what for number, item in enumerate(value, 1) for what in complaints(item, f"{where}#{number}")]
    return [f"has a value that is no {vr}" for one in value if one is not None and not is_value(vr, one)]


def is_value(vr, value):
    """Section F.2.3 and PS3.5 section 6.2."""
    if vr == "PN":
        return (isinstance(value, dict) and value and set(value) <= {"Alphabetic", "Ideographic", "Phonetic"}
                and all(isinstance(group, str) and group and not re.search(r"[\\=\0-\x1f]", group) for group in value.values()))
    if vr == "AT":
        return isinstance(value, str) and re.fullmatch("[0-9A-F]{8}", value)
    if vr in TEXTS:
        banned = r"[\0-\x08\x0b\x0e-\x1f]" if vr in LINES else r"[\0-\x1f]" if vr in SINGLE else r"[\\\0-\x1f]"
        return isinstance(value, str) and value and not re.search(banned, value)
    if isinstance(value, bool):
        return False
    if isinstance(value, str):  # where a number wouldn't keep what was written
        return vr in ("DS", "IS", "SV", "UV") and re.fullmatch(r"[+-]?[0-9.eE+-]+", value)
    if vr in RANGES:
        low, high = RANGES[vr]
        return isinstance(value, int) and low <= value <= high
    return isinstance(value, (int, float)) and math.isfinite(value)


def is_base64(text):
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except (binascii.Error, TypeError):
        return False


def values(element):
    """Of pydicom's element, as texts and numbers that two readers can agree on."""
    value = element.value
    if value is None or value == "" or value == b"":
        return []
    many = value if element.VM > 1 and not isinstance(value, (str, bytes)) else [value]
    if element.VR == "PN":
        return [[part.strip(" ") for part in (str(one).split("=") + ["", ""])[:3]] for one in many]
    if element.VR == "FL":
        return [struct.pack("<f", one) for one in many]
    if element.VR in NUMBERS:
        return [None if one in ("", None) else float(one) for one in many]
    return [one.strip(" \0") if isinstance(one, str) else one for one in many]


def differences(original, said, left_out=()):
    """Where pydicom's data set `said` lacks an element of `original` that isn't `left_out`, or has it with other values."""
    found = []
    for element in original:
        tag = "%04X%04X" % (element.tag.group, element.tag.element)
        # Group lengths and padding are nobody's attributes, and texts aren't in the file's character set any more.
        if element.tag.element == 0 or tag in left_out or tag in ("00080005", "FFFCFFFC"):
            continue
        if element.tag not in said:
            found.append(f"{tag} isn't there")
            continue
        other = said[element.tag]
        if other.VR != element.VR:  # private, or one that leaves it open
            continue
        if element.VR == "SQ":
            if len(other.value) != len(element.value):
                found.append(f"{tag} has other items")
            for mine, theirs in zip(element.value, other.value):
                found += differences(mine, theirs)
        elif values(other) != values(element):
            found.append(f"{tag} is another")
    return found
