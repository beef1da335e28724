"""The architecture, as far as a machine can hold it: who may include whom, and what a header may show."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# docs/architecture.md: a room may include itself and these.
MAY_INCLUDE = {
    "base": set(),
    "crypto": {"base"},
    "dicom": {"base"},
    "storage": {"base"},
    "records": {"base", "crypto"},
    "gateway": {"base", "crypto", "dicom", "storage", "records"},
    "client": {"base", "crypto", "dicom", "records"},
}
# Headers that only their own room includes; they may show a third party.
PRIVATE_HEADERS = {
    "crypto/openssl.h",
    "records/json.h",
}
THIRD_PARTY = re.compile(r"^(openssl/|dcmtk/|pqxx/|libpq|boost/|cpprest/|pplx/|nlohmann/|spdlog/|CLI/|toml\+\+/|prometheus/|civetweb|curl/)")
# What docs/threat-model.md names: a file, or a test of the file that was named last.
NAMED = re.compile(r"\b((?:[a-z]+/)+\w+\.(?:cc|h|py|md))\b|`(test_\w+)`|`([A-Z]\w+)\.([A-Z]\w+)`")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def sources(room):
    return sorted(p for p in (ROOT / room).rglob("*") if p.suffix in {".h", ".cc"})


def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


class House(unittest.TestCase):
    def test_a_room_includes_only_what_it_stands_on(self):
        for room, allowed in MAY_INCLUDE.items():
            for path in sources(room):
                for _, header in includes(path):
                    other = header.split("/")[0]
                    if other in MAY_INCLUDE and other != room:
                        with self.subTest(file=str(path.relative_to(ROOT)), header=header):
                            self.assertIn(other, allowed)

    def test_no_header_for_other_rooms_shows_a_third_party(self):
        for room in MAY_INCLUDE:
            for path in sources(room):
                name = str(path.relative_to(ROOT))
                if path.suffix != ".h" or name in PRIVATE_HEADERS or self.is_inner(path):
                    continue
                for _, header in includes(path):
                    with self.subTest(file=name, header=header):
                        self.assertIsNone(THIRD_PARTY.match(header))

    @staticmethod
    def is_inner(path):
        """A header that no other folder includes is its room's own business."""
        name = str(path.relative_to(ROOT))
        for room in MAY_INCLUDE:
            for other in sources(room):
                if other.parent != path.parent and ("\"", name) in includes(other):
                    return False
        return True

    def test_private_headers_stay_in_their_room(self):
        for room in MAY_INCLUDE:
            for path in sources(room):
                for _, header in includes(path):
                    if header in PRIVATE_HEADERS:
                        with self.subTest(file=str(path.relative_to(ROOT)), header=header):
                            self.assertEqual(header.split("/")[0], room)

    def test_base_keeps_to_its_headers(self):
        """A further one wants an ADR."""
        headers = {p.name for p in (ROOT / "base").glob("*.h")}
        self.assertEqual(headers, {"bytes.h", "error.h", "json_text.h", "log.h", "secret.h", "uuid.h"})

    def test_every_room_guards_its_headers(self):
        for room in MAY_INCLUDE:
            for path in sources(room):
                if path.suffix == ".h":
                    with self.subTest(file=str(path.relative_to(ROOT))):
                        self.assertIn("#pragma once", path.read_text(encoding="utf-8"))

    def test_the_threat_model_names_tests_and_files_that_exist(self):
        named, where = 0, None
        for file, python, suite, name in NAMED.findall((ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")):
            if file:
                path = ROOT / file
                self.assertTrue(path.exists(), file)
                if file.startswith("tests/"):
                    where = path
                continue
            named += 1
            wanted = rf"def {python}\(" if python else rf"TEST(_F|_P)?\({suite},\s+{name}\)"
            with self.subTest(file=str(where), test=python or f"{suite}.{name}"):
                self.assertRegex(where.read_text(encoding="utf-8"), wanted)
        self.assertGreater(named, 50)


if __name__ == "__main__":
    unittest.main()
