"""TLS of the web service: read from the stack's settings, carried as its inputs, told back by Azure.

ACI takes a certificate of one's own for a host name of one's own; leaf domain labels, with which Azure brings both,
the SDK knows for AKS alone. Of the private key only the file's path is ever held: the SDK reads the file itself.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pulumi

from digits.runtime.certificate import Certificate, CertificateError, fingerprint
from infra.provider import Properties

REDEPLOYED_BY = ("sslEnabled", "sslCname", "sslCertificateSha256")
_KEYS = {"name": "sslCname", "certificate": "sslCertificateFile", "key": "sslKeyFile"}


@dataclass(frozen=True)
class Tls:
    """The name that clients use, and the certificate that proves it."""

    cname: str
    certificate: Certificate


def read(config: pulumi.Config, refuse: Callable[[str, str, str], Exception]) -> Tls | None:
    """Return what the stack asks for; `refuse` makes the error for a key, what is wrong with it, and the fix."""
    given = {part: config.get(key) or "" for part, key in _KEYS.items()}
    enabled = config.require_bool("sslEnabled")
    for part, value in given.items():
        if enabled and not value:
            raise refuse(_KEYS[part], "is empty, but sslEnabled is true", "give it a value")
        if value and not enabled:
            raise refuse(_KEYS[part], "is set, but sslEnabled is false", "write sslEnabled: true, or take it out,")
    if not enabled:
        return None
    tls = Tls(given["name"], Certificate(Path(given["certificate"]), Path(given["key"])))
    try:
        if pulumi.runtime.is_dry_run() and not tls.certificate.key_file.exists():
            tls.certificate.require_file()  # whoever previews a change need not be trusted with the key
        else:
            tls.certificate.check(tls.cname)
    except CertificateError as error:
        raise refuse(_KEYS[error.part], f"is '{given[error.part]}', which {error}", error.fix) from None
    return tls


def to_inputs(tls: Tls | None) -> Properties:
    """Return the web service's inputs: paths, and what tells the certificate from another."""
    return {
        "sslEnabled": tls is not None,
        "sslCname": tls.cname if tls else "",
        "sslCertificateFile": tls.certificate.file.as_posix() if tls else "",
        "sslCertificateSha256": tls.certificate.sha256 if tls else "",
        "sslKeyFile": tls.certificate.key_file.as_posix() if tls else "",
    }


def from_inputs(props: Properties) -> Tls | None:
    """Return what the inputs ask for; raises ValueError where the certificate is another by now."""
    if not props["sslEnabled"]:
        return None
    certificate = Certificate(Path(props["sslCertificateFile"]), Path(props["sslKeyFile"]))
    if certificate.sha256 != props["sslCertificateSha256"]:
        raise ValueError(f"{certificate.file} changed while it was deployed: run `pulumi up` again.")
    return Tls(props["sslCname"], certificate)


def live(*, enabled: bool, cname: str, certificate: str) -> Properties:
    """Return the inputs as Azure tells them; of what it does not tell, nothing is known to have changed."""
    told: Properties = {"sslEnabled": enabled}
    if enabled and cname:
        told["sslCname"] = cname
    with contextlib.suppress(ValueError):
        told["sslCertificateSha256"] = fingerprint(certificate)
    return told
