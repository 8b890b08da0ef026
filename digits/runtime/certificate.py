"""A TLS certificate and its private key as PEM files: whether they belong together, and are good for a name today.

OpenSSL answers as it would between the service and its client: both ends shake hands in memory.
"""

import hashlib
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


class CertificateError(Exception):
    """The certificate, its key or the name cannot be served. `part` names the faulty one, `fix` the way out."""

    def __init__(self, part: Literal["certificate", "key", "name"], problem: str, fix: str) -> None:
        super().__init__(problem)
        self.part = part
        self.fix = fix


@dataclass(frozen=True)
class Certificate:
    """The file with the certificate and, if clients lack them, its issuers'; and the file with the key."""

    file: Path
    key_file: Path

    @property
    def sha256(self) -> str:
        """The fingerprint of the file's certificates."""
        return fingerprint(self.file.read_text(encoding="utf-8"))

    def check(self, name: str) -> None:
        """Raise CertificateError unless clients take a server with this certificate for this host name today.

        The issuer is not checked: each client trusts its own authorities.
        """
        if not _HOST_NAME.fullmatch(name):
            raise CertificateError("name", "is no host name", "write one in lower case, such as digits.example.com,")
        server, client = self.load(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        client.load_verify_locations(self.file)
        try:
            _shake_hands(server, client, name)
        except ssl.SSLError as error:
            reason = str(getattr(error, "verify_message", error.reason))
            if "ostname mismatch" in reason:
                raise CertificateError(
                    "name", "is not a name that the certificate holds", "write one that it holds"
                ) from None
            raise _refused(reason) from None

    def require_file(self) -> None:
        """Raise CertificateError unless the certificate's file holds a certificate, valid or not."""
        _find(self.file, "certificate")
        try:
            self.sha256  # noqa: B018 - raises if there is none
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(self.file)
        except (ssl.SSLError, ValueError, OSError):
            raise CertificateError(
                "certificate", "holds no certificate in PEM form", "write the path of a file that does"
            ) from None

    def load(self) -> ssl.SSLContext:
        """Return the context of a server with this certificate; raises CertificateError."""
        self.require_file()
        _find(self.key_file, "key")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.file, self.key_file, password=lambda: "")  # without, OpenSSL asks the terminal
        except (ssl.SSLError, OSError) as error:
            reason = getattr(error, "reason", None)
            if "MISMATCH" in str(reason):
                raise CertificateError(
                    "key", "holds another key than the certificate's", "write the path of its own"
                ) from None
            if reason:
                raise _refused(reason) from None
            raise CertificateError(
                "key", "holds no private key in PEM form without a password", "write the path of a file that does"
            ) from None
        return context


def fingerprint(pem: str) -> str:
    """Return the SHA-256 over the certificates in the text, in DER: for one certificate, its usual fingerprint.

    Raises ValueError if there is none.
    """
    found = [ssl.PEM_cert_to_DER_cert(text) for text in _PEM.findall(pem)]
    if not found:
        raise ValueError("There is no certificate in PEM form.")
    return hashlib.sha256(b"".join(found)).hexdigest()


def _refused(reason: str) -> CertificateError:
    return CertificateError("certificate", f"is refused by OpenSSL ({reason})", "write the path of a renewed one")


def _find(file: Path, part: Literal["certificate", "key"]) -> None:
    if not file.is_file():
        raise CertificateError(part, "is no file", "write the path of one, from the project's root,")


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """Play both ends until the client takes the server for this name, or raise its reason."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in tuple(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                pass
