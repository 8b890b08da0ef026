"""TLS of a web service: the real server speaks it with the owner's certificate, and clients believe that or refuse."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil
import pytest
import trustme
import yaml

from digits.evaluation.evaluation_errors import ServiceError
from digits.evaluation.scoring_client import score
from tests.integration.wire import CONDA, Json, Workspace

_SCRIPTS = Path(__file__).parent / "scripts"
_ZEROS = "import json\ndef init(): pass\ndef run(raw): return [0 for _ in json.loads(raw)['data']]\n"
_IMAGES = np.zeros((3, 784), np.uint8)


@dataclass(frozen=True)
class Deployed:
    """A web service with TLS that the SDK deployed, what the SDK printed, and the folder with the certificates."""

    workspace: Workspace
    printed: dict[str, list[str]]
    folder: Path

    @property
    def service(self) -> Json:
        """The service as the SDK reads it."""
        return self.workspace.service("sdk-tls")

    @property
    def uri(self) -> str:
        """Where it scores."""
        return str(self.service["scoringUri"])

    @property
    def key(self) -> str:
        """What opens it."""
        return self.workspace.keys("sdk-tls")["primaryKey"]

    def secrets(self) -> list[str]:
        """The lines of both private keys."""
        texts = (self.folder / f"{name}.key" for name in ("first", "second"))
        return [line for file in texts for line in file.read_text().splitlines() if "PRIVATE KEY" not in line]


@pytest.fixture(scope="module")
def deployed(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """Give what the real SDK deploys, updates and leaves running."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name in ("first", "second"):
        issued = authority.issue_cert("localhost")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    (folder / "conda.yml").write_text(yaml.safe_dump(CONDA))
    (folder / "scoring").mkdir()
    (folder / "scoring" / "score.py").write_text(_ZEROS)
    workspace.write_config(folder)
    done = workspace.emulator.run(_SCRIPTS / "tls.py", directory=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (line.split("\t") for line in done.stdout.splitlines() if "\t" in line)
    return Deployed(workspace, {name: values for name, *values in lines}, folder)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("service", ["True", "localhost", "None"]),
        ("certificate", ["True"]),
        ("first", ["True"]),
        ("run", ["[0, 0]"]),
        ("renewed", ["True", "True"]),
        ("off", ["True"]),
        ("off serves", ["SSLError", "[0]"]),
        ("on", ["True", "True"]),
        ("refused", ["True"]),
    ],
)
def test_the_sdk_deploys_renews_and_switches_tls(deployed: Deployed, name: str, values: list[str]) -> None:
    """ssl_enabled, certificate, key and cname of deploy_configuration and update do what they say; the URI stays."""
    assert deployed.printed[name] == values


def test_the_scoring_uri_has_the_owner_s_name(deployed: Deployed) -> None:
    """With a port of its own, as all scoring URIs here; the swagger URI follows."""
    uri, swagger = deployed.printed["uri"]
    port = urlsplit(uri).port
    assert (uri, swagger) == (f"https://localhost:{port}/score", f"https://localhost:{port}/swagger.json")


def test_the_right_authority_s_client_is_served_and_no_other(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The evaluation believes the authorities in either variable; without them, or for another name, it stops."""
    for variable, other in (("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")):
        monkeypatch.setenv(variable, str(deployed.folder / "ca.pem"))
        monkeypatch.delenv(other, raising=False)
        assert score(deployed.uri, deployed.key, _IMAGES) == [0, 0, 0]
    with pytest.raises(ServiceError, match=r"is not trusted \(IP address mismatch"):
        score(deployed.uri.replace("localhost", "127.0.0.1"), deployed.key, _IMAGES)
    with pytest.raises(ServiceError, match="refuses the key"):
        score(deployed.uri, "wrong", _IMAGES)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(deployed.folder / "other.pem"))
    with pytest.raises(ServiceError, match=r"is not trusted \(unable to get local issuer certificate\): name its"):
        score(deployed.uri, deployed.key, _IMAGES)


def test_plain_http_is_not_served(deployed: Deployed) -> None:
    """Nothing of the request is answered, and the gevent worker prints no traceback for it."""
    plain = deployed.uri.replace("https://", "http://")
    with pytest.raises(httpx.TransportError):
        httpx.post(plain, content='{"data": []}', headers={"Authorization": f"Bearer {deployed.key}"}, trust_env=False)
    log = deployed.workspace.client.get(deployed.workspace.models("/services/sdk-tls/logs")).json()["content"]
    assert "SSLError" not in log


@pytest.mark.parametrize("value", ["/nowhere.pem", __file__])
def test_a_bundle_that_holds_no_certificates_is_named(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """A path that is wrong is not passed over."""
    monkeypatch.setenv("SSL_CERT_FILE", value)
    with pytest.raises(ServiceError, match=f"SSL_CERT_FILE is {value}, which holds no certificates"):
        score(deployed.uri, None, _IMAGES)


def test_only_the_server_can_read_the_private_key(deployed: Deployed) -> None:
    """It is in no answer, log, status or command line, and only the owner can read its file."""
    emulator = deployed.workspace.emulator
    operation = deployed.workspace.client.get(
        deployed.workspace.models(f"/operations/{deployed.service['operationId']}")
    )
    shown = [str(deployed.service), operation.text, emulator.log, emulator.command("status", "--json").stdout]
    for process in psutil.process_iter(["cmdline"]):
        shown += process.info["cmdline"] or []
    shown += [log.read_text() for log in (emulator.state / "services").glob("*/run/server.log")]
    assert not [line for line in deployed.secrets() for text in shown if line in text]
    (file,) = (emulator.state / "services").glob("*/certificate-key.pem")
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sslKey": None}, "these must be given too: sslKey."),
        ({"cname": None}, "these must be given too: cname."),
        ({"sslCertificate": "none"}, "sslCertificate cannot be used: it holds no certificate in PEM form."),
        ({"sslKey": "none"}, "sslKey cannot be used: it holds no private key in PEM form without a password."),
    ],
)
def test_what_cannot_be_served_is_refused(deployed: Deployed, changes: Json, sentence: str) -> None:
    """By the check before a deployment, and by the deployment; nothing is made."""
    workspace, folder = deployed.workspace, deployed.folder
    texts = {"sslCertificate": (folder / "first.pem").read_text(), "sslKey": (folder / "first.key").read_text()}
    tls = {"sslEnabled": True, "cname": "localhost", **texts, **changes}
    body = workspace.request("tls-refused", {"score.py": _ZEROS}, **tls)
    check = workspace.client.post(
        workspace.models("/services/validate"), json={"type": "Create", "createRequest": body}
    )
    assert check.json()["error"]["message"].endswith(sentence)
    answer = workspace.client.post(workspace.models("/services"), json=body)
    assert (answer.status_code, answer.json()["message"].endswith(sentence)) == (400, True)
    assert workspace.client.get(workspace.models("/services/tls-refused")).status_code == 404


def test_a_crashed_server_comes_back_with_tls(deployed: Deployed) -> None:
    """As it was deployed last; it is what a restart of the emulator does, too."""
    state = str(deployed.workspace.emulator.state)
    for process in psutil.process_iter(["cmdline", "environ"]):  # another one's may end meanwhile
        command, home = process.info["cmdline"] or [], (process.info["environ"] or {}).get("HOME", "")
        if "gunicorn" in command and home.startswith(state):
            folder = Path(home).parent
            if (folder / "certificate.pem").exists():
                process.kill()
    while deployed.service["state"] == "Healthy":
        pass
    assert deployed.workspace.settle("sdk-tls")["state"] == "Healthy"
    trust = ssl.create_default_context(cafile=deployed.folder / "ca.pem")
    headers = {"Authorization": f"Bearer {deployed.key}"}
    answer = httpx.post(deployed.uri, content='{"data": [1]}', headers=headers, verify=trust, trust_env=False)
    assert answer.json() == [0]
