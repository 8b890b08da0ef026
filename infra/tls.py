"""TLS of the web service: read from the stack's settings, kept as its inputs, reported by Azure.

ACI takes your own certificate for your own host name. Leaf domain labels, with which Azure brings both, work only on
AKS. The program holds only the path of the private key: the SDK reads the file itself.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import pulumi

from digits.runtime.certificate import Certificate, CertificateError, fingerprint
from infra.configuration import Configuration

REDEPLOYED_BY = ("sslEnabled", "sslCname", "sslCertificateSha256")
_KEYS = {"name": "sslCname", "certificate": "sslCertificateFile", "key": "sslKeyFile"}


class TlsInputs(TypedDict):
    """The web service's inputs: paths, and the SHA-256 that identifies the certificate."""

    sslEnabled: bool
    sslCname: str
    sslCertificateFile: str
    sslCertificateSha256: str
    sslKeyFile: str


class LiveTls(TypedDict, total=False):
    """Those of the inputs that Azure reports."""

    sslEnabled: bool
    sslCname: str
    sslCertificateSha256: str


@dataclass(frozen=True)
class Tls:
    """The name that clients use, and the certificate that proves it, with its SHA-256."""

    cname: str
    certificate: Certificate
    sha256: str

    def require_unchanged(self) -> None:
        """Raise ValueError if the file holds another certificate by now."""
        if self.certificate.sha256 != self.sha256:
            raise ValueError(f"{self.certificate.file} changed while it was deployed: run `pulumi up` again.")


def read(config: Configuration) -> Tls | None:
    """Return what the stack asks for; None for no TLS, and for values that were refused."""
    given = {part: config.get(key) for part, key in _KEYS.items()}
    enabled = config.flag("sslEnabled")
    for part, value in given.items():
        if enabled and not value:
            config.refuse(_KEYS[part], "is empty, but sslEnabled is true", "give it a value")
            return None
        if value and not enabled:
            fix = "write sslEnabled: true, or take it out,"
            config.refuse(_KEYS[part], "is set, but sslEnabled is false", fix)
            return None
    if not enabled:
        return None
    certificate = Certificate(Path(given["certificate"]), Path(given["key"]))
    try:
        if pulumi.runtime.is_dry_run() and not certificate.key_file.exists():
            certificate.require_file()  # a preview needs no key, so that more people may preview
        else:
            certificate.check(given["name"])
    except CertificateError as error:
        config.refuse(_KEYS[error.part], f"is '{given[error.part]}', which {error}", error.fix)
        return None
    return Tls(given["name"], certificate, certificate.sha256)


def to_inputs(tls: Tls | None) -> TlsInputs:
    """Return the web service's inputs for TLS."""
    return {
        "sslEnabled": tls is not None,
        "sslCname": tls.cname if tls else "",
        "sslCertificateFile": tls.certificate.file.as_posix() if tls else "",
        "sslCertificateSha256": tls.sha256 if tls else "",
        "sslKeyFile": tls.certificate.key_file.as_posix() if tls else "",
    }


def from_inputs(inputs: TlsInputs) -> Tls | None:
    """Return what the inputs ask for; no file is read."""
    if not inputs["sslEnabled"]:
        return None
    certificate = Certificate(Path(inputs["sslCertificateFile"]), Path(inputs["sslKeyFile"]))
    return Tls(inputs["sslCname"], certificate, inputs["sslCertificateSha256"])


def live(*, enabled: bool, cname: str, certificate: str) -> LiveTls:
    """Return the inputs that Azure reports; one that it does not report counts as unchanged."""
    reported: LiveTls = {"sslEnabled": enabled}
    if enabled and cname:
        reported["sslCname"] = cname
    with contextlib.suppress(ValueError):
        reported["sslCertificateSha256"] = fingerprint(certificate)
    return reported
