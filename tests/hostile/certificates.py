"""Certificates for machines, good and bad, made by the openssl command."""
import pathlib

from kit import rig

CONFIGURATION = """
[ca]
default_ca = authority
[authority]
database = {place}/index.txt
new_certs_dir = {place}
rand_serial = yes
default_md = sha256
policy = any_name
unique_subject = no
[any_name]
commonName = supplied
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
"""
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """A certificate authority in a directory of its own."""

    def __init__(self, place):
        self.place = pathlib.Path(place)
        self.place.mkdir()
        self.place.chmod(0o755)
        (self.place / "ca.cnf").write_text(CONFIGURATION.format(place=self.place), encoding="ascii")
        (self.place / "index.txt").touch()
        self.certificate = self.place / "ca.pem"
        rig.run("openssl", "req", "-x509", *NEW_KEY, "-keyout", self.place / "ca.key", "-out", self.certificate,
                "-subj", "/CN=Machines of " + self.place.name, "-days", "30")
        self.certificate.chmod(0o644)

    def issue(self, name, *validity, usage="client"):
        """(certificate, key). `validity` are options of openssl ca."""
        certificate, key = self.place / f"{name}.pem", self.place / f"{name}.key"
        request = self.place / f"{name}.csr"
        rig.run("openssl", "req", *NEW_KEY, "-keyout", key, "-out", request, "-subj", "/CN=" + name)
        rig.run("openssl", "ca", "-batch", "-notext", "-config", self.place / "ca.cnf", "-cert", self.certificate,
                "-keyfile", self.place / "ca.key", "-extensions", usage, "-in", request, "-out", certificate,
                *(validity or ("-days", "30")))
        return certificate, key
