# ruff: noqa: ANN001, ANN003, ANN201, BLE001, E402 - as users write it
# mypy: ignore-errors
"""Deploys a web service with TLS, renews its certificate and switches TLS off and on again.

The folder holds ca.pem, first.pem and .key, second.pem and .key.
"""

import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

# One's own authority besides those that the shell trusts.
Path("trusted.pem").write_text(Path(os.environ["REQUESTS_CA_BUNDLE"]).read_text() + Path("ca.pem").read_text())
os.environ["REQUESTS_CA_BUNDLE"] = str(Path("trusted.pem").resolve())

from azureml.core import Environment, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.model import InferenceConfig, Model
from azureml.core.webservice import AciWebservice


def served(service):
    """Return the certificate that the service shows, or why it shows none."""
    address = urlsplit(service.scoring_uri)
    try:
        return ssl.get_server_certificate((address.hostname, address.port), ca_certs="ca.pem")
    except Exception as error:
        return type(error).__name__


def update(service, **changes):
    """Update, and wait for it."""
    service.update(**changes)
    service.wait_for_deployment(show_output=False)


ws = Workspace.from_config()
env = Environment("tls-env")
env.python.conda_dependencies = CondaDependencies("conda.yml")
env.environment_variables = {"GUNICORN_CMD_ARGS": "--worker-class=gevent"}
service = Model.deploy(
    ws,
    "sdk-tls",
    [],
    InferenceConfig(entry_script="score.py", source_directory="scoring", environment=env),
    AciWebservice.deploy_configuration(
        auth_enabled=True,
        ssl_enabled=True,
        ssl_cert_pem_file="first.pem",
        ssl_key_pem_file="first.key",
        ssl_cname="localhost",
    ),
)
service.wait_for_deployment(show_output=False)
uri = service.scoring_uri
print("uri", uri, service.swagger_uri, sep="\t")
print("service", service.ssl_enabled, service.cname, service.ssl_key, sep="\t")
print("certificate", service.ssl_certificate == Path("first.pem").read_text(), sep="\t")
print("first", served(service) in Path("first.pem").read_text(), sep="\t")
print("run", service.run('{"data": [[1], [2]]}'), sep="\t")

update(service, ssl_cert_pem_file="second.pem", ssl_key_pem_file="second.key")
print("renewed", served(service) in Path("second.pem").read_text(), service.scoring_uri == uri, sep="\t")
update(service, ssl_enabled=False)
print("off", service.scoring_uri == uri.replace("https://localhost", "http://127.0.0.1"), sep="\t")
print("off serves", served(service), service.run('{"data": [[1]]}'), sep="\t")
update(service, ssl_enabled=True)
print("on", served(service) in Path("second.pem").read_text(), service.scoring_uri == uri, sep="\t")
try:
    service.update(ssl_cert_pem_file="first.pem", ssl_key_pem_file="second.key")
except Exception as error:
    print("refused", "another key than the certificate's" in str(error), sep="\t")
