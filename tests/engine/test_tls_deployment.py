"""TLS through the real engine: from the stack's file to a gate that verifies the certificate."""

import re

import trustme

from tests.engine.project import Project


def test_a_stack_is_served_and_evaluated_over_tls(project: Project) -> None:
    """The service is updated in place and evaluated under its name, nothing drifts, and no line of the key is kept."""
    authority, folder = trustme.CA(), project.directory / "tls"
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name in ("first", "second"):
        issued = authority.issue_cert("localhost")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
    files = {"sslCertificateFile": "tls/first.pem", "sslKeyFile": "tls/first.key"}
    project.configure(sslEnabled=True, sslCname="localhost", **files)
    project.environment["SSL_CERT_FILE"] = str(folder / "ca.pem")
    try:
        released = project.up()
        assert released.operations == {"webservice": "update", "release": "update"}
        assert project.outputs()["release"]["scoringUri"].startswith("https://localhost:")
        project.pulumi("refresh", "--yes", "--expect-no-changes")
        smoke = project.run("make", "-s", "smoke")
        assert "PASSED" in smoke.stdout
    finally:
        del project.environment["SSL_CERT_FILE"]

    project.configure(sslCertificateFile="tls/second.pem", sslKeyFile="tls/second.key")
    preview = project.pulumi("preview", "--diff").stdout
    assert re.search(r"~ sslCertificateSha256: .* => ", preview)
    kept = project.state() + released.printed + preview
    secret = [line for file in folder.glob("*.key") for line in file.read_text().splitlines() if "-" not in line]
    assert not [line for line in secret if line in kept]
