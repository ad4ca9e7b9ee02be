"""Certificates that are not in order, one way each, made with the openssl program."""

import datetime
import pathlib
import ssl
import subprocess

DAY = datetime.timedelta(days=1)


class Authority:
    """Issues to hosts; `issuer` none: its own root."""

    def __init__(self, directory, name, issuer=None, ca=True):
        self.key, self.certificate = make(
            directory, name, issuer, ca_extensions() if ca else leaf_extensions("IP:127.0.0.1")
        )
        self.directory = pathlib.Path(directory)

    def issue(self, name, **how):
        return make(self.directory, name, self, **how)


def ca_extensions():
    return "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"


def leaf_extensions(names, usage="serverAuth"):
    return f"basicConstraints=CA:FALSE\nsubjectAltName={names}\nextendedKeyUsage={usage}\n"


def make(directory, name, issuer, extensions=None, begins=-DAY, ends=30 * DAY, key="ec", digest="sha256"):
    """(key file, certificate file)"""
    directory = pathlib.Path(directory)
    kind = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else [key]
    openssl(directory, "req", "-newkey", *kind, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (directory / f"{name}.ext").write_text(extensions or leaf_extensions("IP:127.0.0.1"))
    (directory / f"{name}.index").write_text("")
    # Only `openssl ca` sets both dates.
    (directory / f"{name}.conf").write_text(
        f"[ca]\ndefault_ca=it\n[it]\ndatabase={name}.index\nnew_certs_dir=.\npolicy=any\nunique_subject=no\nrand_serial=yes\n"
        "[any]\ncommonName=supplied\n"
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    who = (
        ["-selfsign", "-keyfile", f"{name}.key"]
        if issuer is None
        else ["-keyfile", issuer.key, "-cert", issuer.certificate]
    )
    openssl(
        directory, "ca", "-batch", "-notext", "-config", f"{name}.conf", "-md", digest, *who,
        "-startdate", f"{now + begins:%Y%m%d%H%M%SZ}", "-enddate", f"{now + ends:%Y%m%d%H%M%SZ}",
        "-extfile", f"{name}.ext", "-in", f"{name}.csr", "-out", f"{name}.pem",
    )  # fmt: skip
    return directory / f"{name}.key", directory / f"{name}.pem"


def openssl(directory, *words):
    run = subprocess.run(["openssl", *map(str, words)], cwd=directory, capture_output=True, check=False)
    if run.returncode != 0:
        raise AssertionError(f"openssl {' '.join(map(str, words))}: {run.stderr.decode()}")


def serving(identity, version=None, ciphers=None, chain=()):
    """What a server shows: a certificate, and those above it."""
    key, certificate = identity
    together = certificate.with_suffix(".chain")
    together.write_text("".join(path.read_text() for path in (certificate, *chain)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Weak ones are up to the client to refuse.
    context.set_ciphers(ciphers or "DEFAULT@SECLEVEL=0")
    if version:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = version
    context.load_cert_chain(together, key)
    return context
