"""TLS of the web service: what a stack may ask for, what of it reaches the state, and what Azure tells back."""

import hashlib
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pulumi
import pytest
import trustme
import yaml
from cryptography.hazmat.primitives import serialization

from digits.evaluation.trust import explain
from infra import tls
from infra.configuration import SettingsError
from infra.settings import Settings
from infra.tls import TlsInputs
from infra.webservice import WebserviceProvider

ROOT = Path(__file__).parents[2]
DECLARED = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
TARGET = ("subscriptionId", "tenantId", "location")

Read = Callable[..., Settings]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates for localhost, one that expired, one for other names, and files that hold none."""
    directory = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    for name, issued in {
        "good": authority.issue_cert("localhost", "*.example.com"),
        "renewed": authority.issue_cert("localhost"),
        "expired": authority.issue_cert("localhost", not_before=yesterday - timedelta(days=1), not_after=yesterday),
    }.items():
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        (directory / f"{name}.pem").write_bytes(chain)
        (directory / f"{name}.key").write_bytes(issued.private_key_pem.bytes())
    (directory / "text").write_text("neither certificate nor key")
    return directory


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[Read]:
    """Give a function that reads the settings of a stack with these values and else the defaults."""
    monkeypatch.setenv("AZUREML_EMULATOR", "https://127.0.0.1:1")

    def read(**values: object) -> Settings:
        config = {name: declared["default"] for name, declared in DECLARED.items()} | {"cloud": "emulator"} | values
        texts = {
            name: value if isinstance(value, str) else json.dumps(value, default=str).strip('"')
            for name, value in config.items()
        }
        project = {f"{pulumi.get_project()}:{name}": text for name, text in texts.items()}
        pulumi.runtime.set_all_config(project | {f"azure-native:{name}": "x" for name in TARGET})
        return Settings.from_stack()

    yield read
    pulumi.runtime.set_all_config({})


def asked(files: Path, **changes: object) -> dict[str, object]:
    """Return a stack's values for TLS that can be served, but for these changes."""
    good = {"sslCertificateFile": files / "good.pem", "sslKeyFile": files / "good.key"}
    return {"sslEnabled": True, "sslCname": "localhost", **good, **changes}


def inputs(files: Path, read: Read, **changes: object) -> TlsInputs:
    """Return the web service's inputs for such a stack."""
    return tls.to_inputs(read(**asked(files, **changes)).service.tls)


def test_without_tls_nothing_is_asked_for(read: Read) -> None:
    """The default is plain HTTP, and the inputs say so."""
    assert tls.to_inputs(read().service.tls)["sslEnabled"] is False
    assert tls.from_inputs(tls.to_inputs(None)) is None


@pytest.mark.parametrize("name", ["localhost", "digits.example.com"])
def test_a_certificate_that_fits_key_and_name_is_taken(files: Path, read: Read, name: str) -> None:
    """A name may be in the certificate as it stands, or under a star."""
    found = read(**asked(files, sslCname=name)).service.tls
    assert found is not None
    assert tls.from_inputs(tls.to_inputs(found)) == found


def test_a_preview_needs_no_key(files: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview does not need it, so who previews need not be trusted with it; it needs the certificate."""
    monkeypatch.setattr(pulumi.runtime.settings.SETTINGS, "dry_run", True)
    assert inputs(files, read, sslKeyFile="none.key")["sslCertificateSha256"]
    with pytest.raises(SettingsError, match=r"none\.pem', which is no file"):
        read(**asked(files, sslCertificateFile="none.pem", sslKeyFile="none.key"))


@pytest.mark.parametrize(("key", "expected"), [("", {"dev.pem"}), ("1", {"dev.pem", "dev.key"})])
def test_the_certificate_is_fetched_and_its_key_only_when_asked_for(
    files: Path, tmp_path: Path, key: str, expected: set[str]
) -> None:
    """A key vault gives both in one text; they lie apart, readable by the owner only, and on no command line."""
    both = tmp_path / "both.pem"
    both.write_bytes((files / "good.key").read_bytes() + (files / "good.pem").read_bytes())
    az = tmp_path / "bin/az"  # stands in for the Azure CLI, which answers nobody here
    az.parent.mkdir()
    az.write_text(
        f'#!/bin/sh\n[ "$2" = secret ] && exec cat {both}\n'
        f'while [ "$1" != --file ]; do shift; done; exec cp {files / "good.pem"} "$2"\n'
    )
    az.chmod(0o755)
    shell = {**os.environ, "PATH": f"{az.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "digits", "certificate", "--vault", "vault", *(["--key"] if key else [])]
    done = subprocess.run(command, cwd=tmp_path, env=shell, check=True, capture_output=True, text=True)
    fetched = {path.name: path for path in (tmp_path / "certificates").iterdir()}
    assert fetched.keys() == expected
    assert fetched["dev.pem"].read_bytes() == (files / "good.pem").read_bytes()
    assert "PRIVATE" not in done.stdout
    if key:
        assert fetched["dev.key"].read_bytes() == (files / "good.key").read_bytes()
        assert fetched["dev.key"].stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sslCname": ""}, "sslCname is empty, but sslEnabled is true: give it a value"),
        ({"sslCertificateFile": ""}, "sslCertificateFile is empty, but sslEnabled is true"),
        ({"sslKeyFile": ""}, "sslKeyFile is empty, but sslEnabled is true"),
        ({"sslEnabled": False}, "sslCname is set, but sslEnabled is false: write sslEnabled: true, or take it out,"),
        ({"sslCertificateFile": "none.pem"}, "sslCertificateFile is 'none.pem', which is no file: write the path"),
        ({"sslKeyFile": "none.key"}, "sslKeyFile is 'none.key', which is no file: write the path"),
        ({"sslCertificateFile": "{}/text"}, "text', which holds no certificate in PEM form"),
        ({"sslCertificateFile": "{}/good.key"}, "good.key', which holds no certificate in PEM form"),
        ({"sslKeyFile": "{}/good.pem"}, "good.pem', which holds no private key in PEM form without a password"),
        ({"sslKeyFile": "{}/renewed.key"}, "renewed.key', which holds another key than the certificate's"),
        ({"sslCname": "digits.example.org"}, "'digits.example.org', which is not a name that the certificate holds"),
        ({"sslCname": "a.b.example.com"}, "'a.b.example.com', which is not a name that the certificate holds"),
        ({"sslCname": "https://localhost"}, "'https://localhost', which is no host name"),
        (
            {"sslCertificateFile": "{}/expired.pem", "sslKeyFile": "{}/expired.key"},
            "expired.pem', which is refused by OpenSSL (certificate has expired): write the path of a renewed one",
        ),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    files: Path, read: Read, change: dict[str, object], sentence: str
) -> None:
    """It names the key, what is wrong, the fix and the file to change, before the first call."""
    change = {key: str(value).format(files) if key != "sslEnabled" else value for key, value in change.items()}
    with pytest.raises(SettingsError) as raised:
        read(**asked(files, **change))
    said = str(raised.value)
    assert sentence in said
    assert said.endswith("in Pulumi.stack.yaml.")
    assert "\n" not in said


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(files: Path, read: Read, tmp_path: Path) -> None:
    """Azure could not open it either; OpenSSL would ask the terminal, in the middle of a preview."""
    encrypted = tmp_path / "encrypted.key"
    key = serialization.load_pem_private_key((files / "good.key").read_bytes(), None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    encrypted.write_bytes(key.private_bytes(*form, serialization.BestAvailableEncryption(b"secret")))
    with pytest.raises(SettingsError, match="without a password"):
        read(**asked(files, sslKeyFile=encrypted))


def test_the_inputs_hold_the_fingerprint_and_nothing_of_the_key(files: Path, read: Read) -> None:
    """What reaches state and previews is the certificate's own SHA-256, as every tool shows it, and two paths."""
    found = inputs(files, read)
    certificate = ssl.PEM_cert_to_DER_cert((files / "good.pem").read_text())
    assert found["sslCertificateSha256"] == hashlib.sha256(certificate).hexdigest()
    key = (files / "good.key").read_text().splitlines()
    assert not any(line in json.dumps(found) for line in key)


def test_a_renewed_certificate_is_an_update_and_a_moved_file_is_none(files: Path, read: Read, tmp_path: Path) -> None:
    """Another machine may keep the same certificate elsewhere."""
    diff = WebserviceProvider().diff
    now = {"workspaceId": "w", "name": "n", **inputs(files, read)}
    renewed = inputs(files, read, sslCertificateFile=files / "renewed.pem", sslKeyFile=files / "renewed.key")
    (tmp_path / "moved.pem").write_bytes((files / "good.pem").read_bytes())
    moved = inputs(files, read, sslCertificateFile=tmp_path / "moved.pem")
    assert diff("id", now, now | renewed).changes is True
    assert diff("id", now, now | renewed).replaces == []
    assert diff("id", now, now | moved).changes is False


def test_an_issuer_added_to_the_file_is_an_update(files: Path, read: Read, tmp_path: Path) -> None:
    """The service has to send the whole chain, so the whole file counts."""
    chain = tmp_path / "chain.pem"
    chain.write_bytes((files / "good.pem").read_bytes() + (files / "renewed.pem").read_bytes())
    longer = inputs(files, read, sslCertificateFile=chain)
    assert longer["sslCertificateSha256"] != inputs(files, read)["sslCertificateSha256"]


def test_a_certificate_that_changed_since_the_preview_is_not_deployed(files: Path, read: Read, tmp_path: Path) -> None:
    """What is deployed is what was shown."""
    file = tmp_path / "certificate.pem"
    file.write_bytes((files / "good.pem").read_bytes())
    shown = tls.from_inputs(inputs(files, read, sslCertificateFile=file))
    assert shown is not None
    file.write_bytes((files / "renewed.pem").read_bytes())
    with pytest.raises(ValueError, match="run `pulumi up` again"):
        shown.require_unchanged()


@pytest.mark.parametrize(("enabled", "cname"), [(True, ""), (True, "localhost"), (False, "")])
def test_what_azure_does_not_tell_is_no_drift(files: Path, *, enabled: bool, cname: str) -> None:
    """Off and on are compared; the certificate is compared if Azure returns it."""
    found = tls.live(enabled=enabled, cname=cname, certificate="")
    assert found == {"sslEnabled": enabled, **({"sslCname": cname} if cname else {})}
    certificate = (files / "renewed.pem").read_text()
    assert "sslCertificateSha256" in tls.live(enabled=enabled, cname=cname, certificate=certificate)


@pytest.mark.parametrize(("code", "said"), [(socket.EAI_NONAME, True), (socket.EAI_AGAIN, False)])
def test_a_name_that_leads_nowhere_is_said_and_a_busy_name_server_is_asked_again(code: int, *, said: bool) -> None:
    """On Azure it is the owner who leads the name to the service, perhaps not yet."""
    error = httpx.ConnectError("as httpx wraps it")
    error.__cause__ = socket.gaierror(code, "as the resolver words it")
    why = explain(error, "https://digits.example.com/score")
    assert (why is not None and "leads nowhere: lead it to the service, in DNS" in why) is said
