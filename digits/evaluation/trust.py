"""Whom the client believes to be the service: the authorities of the system, the public ones, and those that are named.

SSL_CERT_FILE and REQUESTS_CA_BUNDLE are what users of OpenSSL and of the SDK know; here each adds to the others, so
that an authority of one's own takes none away.
"""

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from digits.evaluation.evaluation_errors import ServiceError

_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def trusted(environment: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Return what verifies a service's certificate and name; raises ServiceError where a variable names no bundle."""
    import certifi  # only for https

    context = ssl.create_default_context()
    # OpenSSL takes SSL_CERT_FILE instead of the system's own; some Pythons come without any.
    for usual in (ssl.get_default_verify_paths().openssl_cafile, certifi.where()):
        if Path(usual).is_file():
            context.load_verify_locations(usual)
    for name in _VARIABLES:
        bundle = environment.get(name)
        if bundle:
            try:
                where = {"capath" if Path(bundle).is_dir() else "cafile": bundle}
                context.load_verify_locations(**where)
            except OSError as error:
                raise ServiceError(
                    f"{name} is {bundle}, which holds no certificates ({error.strerror or error}): "
                    f"name a file of certificates in PEM form, or unset it."
                ) from error
    return context


def explain(error: BaseException, uri: str) -> str | None:
    """Return why a connection failed where that is the certificate or the name, and trying again is of no use."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"The certificate of the service at {uri} is not trusted ({cause.verify_message.rstrip('.')}): "
                f"name its authority's file in SSL_CERT_FILE, or deploy a certificate that is good for this name."
            )
        if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME:
            return f"The host name in {uri} leads nowhere: lead it to the service, in DNS."
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
