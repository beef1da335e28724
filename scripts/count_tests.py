"""Counts the tests in a ctest log: GoogleTest's and unittest's own, one for any other program.

Prints "PASSED FAILED". A program that failed without having counted a failed test (it crashed, or never
started) counts as one failed test.
"""
import re
import sys

passed = failed = 0
with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
    entries = re.split(r"^\d+/\d+ Testing: ", log.read(), flags=re.M)[1:]
for entry in entries:
    ok = re.search(r"^Test Passed\.$", entry, re.M) is not None
    ran = fine = 0
    for match in re.finditer(r"^\[  PASSED  \] (\d+) tests?\.", entry, re.M):
        fine += int(match[1])
    bad = sum(int(m[1]) for m in re.finditer(r"^\[  FAILED  \] (\d+) tests?, listed below", entry, re.M))
    for match in re.finditer(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED)(?: \((.*)\))?", entry, re.M):
        ran = int(match[1])
        counts = {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", match[2] or "")}
        broken = counts.get("failures", 0) + counts.get("errors", 0)
        fine += ran - broken - counts.get("skipped", 0)
        bad += broken
    if ok and fine == 0 and bad == 0:
        fine = 1
    if not ok and bad == 0:
        bad = 1
    passed += fine
    failed += bad
print(passed, failed)
