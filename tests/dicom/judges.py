"""What DCMTK and dicom3tools have against a photo as DICOM."""
import re
import subprocess

# That nobody gave a number, or said which side it is, isn't the file's fault.
TOLERATED = re.compile("Warning - (Missing attribute or value that would be needed to build DICOMDIR - (Study|Patient) ID"
                       "|is only permitted to be empty when actually unknown.*<Laterality>)")


def complaints(path):
    """Empty for a VL Photographic Image that is as it should be."""
    def run(*command):
        return subprocess.run([*command, path], capture_output=True, text=True, timeout=60, check=False)
    form, dump, verdict = run("dcmftest"), run("dcmdump", "-q", "+E"), run("dciodvfy")
    said = [] if form.stdout.startswith("yes:") else [form.stdout + form.stderr]
    said += [dump.stderr] if dump.stderr or dump.returncode != 0 else []
    judged = [line for line in (verdict.stdout + verdict.stderr).splitlines() if not TOLERATED.match(line)]
    return said + (judged if judged != ["VLPhotographicImage"] else [])
