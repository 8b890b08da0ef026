"""The emulator's certificate authority and server certificate: made once by trustme, kept with the state."""

import os
from dataclasses import dataclass
from pathlib import Path

from emulator.store import Store


@dataclass(frozen=True)
class Certificates:
    """Where the certificates of one state folder lie."""

    directory: Path

    @property
    def authority(self) -> Path:
        """The certificate authority's own certificate."""
        return self.directory / "ca.pem"

    @property
    def bundle(self) -> Path:
        """Our authority and those that were trusted before, so that pip still works with REQUESTS_CA_BUNDLE."""
        return self.directory / "bundle.pem"

    @property
    def server(self) -> Path:
        """The server's private key and certificate, readable by the owner only."""
        return self.directory / "server.pem"


def locate(state: Path) -> Certificates:
    """Return where this state folder's certificates lie, made or not."""
    return Certificates(state / "certificates")


def ensure(store: Store) -> Certificates:
    """Return the state folder's certificates, made now if they are not there."""
    certificates = locate(store.directory)
    if certificates.server.exists():  # written last, so the others are there
        return certificates
    # Imported late: cryptography takes a fifth of a second, and only the first start needs it.
    import certifi
    import trustme

    authority = trustme.CA(organization_name="Azure ML emulator")
    issued = authority.issue_cert("127.0.0.1", "localhost")
    authority_pem = authority.cert_pem.bytes()
    store.write_file("certificates/ca.pem", authority_pem)
    # A company's own roots stand in one of these; the SDK reads one file only.
    trusted = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or certifi.where()
    if not Path(trusted).is_file():  # a folder, or a bundle that is gone
        trusted = certifi.where()
    store.write_file("certificates/bundle.pem", authority_pem + Path(trusted).read_bytes())
    store.write_file("certificates/server.pem", issued.private_key_and_cert_chain_pem.bytes())
    return certificates
