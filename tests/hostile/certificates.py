"""Certificates for machines, good and bad, made by the openssl command."""
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


class Issuer:
    """A machines' authority (rig.Authority) that makes certificates with faults."""

    def __init__(self, authority):
        self.authority = authority
        self.place = authority.place / "issued"
        self.place.mkdir()
        (self.place / "ca.cnf").write_text(CONFIGURATION.format(place=self.place), encoding="ascii")
        (self.place / "index.txt").touch()

    def issue(self, name, *validity, usage="client"):
        """(certificate, key). `validity` are options of openssl ca."""
        certificate, key = self.place / f"{name}.pem", self.place / f"{name}.key"
        request = self.place / f"{name}.csr"
        rig.run("openssl", "req", *NEW_KEY, "-keyout", key, "-out", request, "-subj", "/CN=" + name)
        rig.run("openssl", "ca", "-batch", "-notext", "-config", self.place / "ca.cnf",
                "-cert", self.authority.certificate, "-keyfile", self.authority.place / "authority.key",
                "-extensions", usage, "-in", request, "-out", certificate, *(validity or ("-days", "30")))
        return certificate, key
