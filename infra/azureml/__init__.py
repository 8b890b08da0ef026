"""The only door to azureml-core: it takes and returns plain values, and an error is one sentence.

The SDK is imported on first use: it takes a second, and an unchanged `up` needs none of it.
"""

from infra.azureml.environments import find_environment, is_same_environment, register_environment
from infra.azureml.models import (
    Content,
    ModelUser,
    RegisteredModel,
    delete_model,
    download_model,
    find_model,
    find_users,
    read_model,
    register_model,
    tag_model,
)
from infra.azureml.outcome import Report
from infra.azureml.services import (
    Deployment,
    Service,
    delete_service,
    deploy_service,
    describe_service,
    find_service,
    find_settled_service,
    regenerate_key,
    service_keys,
    service_log,
    wait_for_service,
)
from infra.azureml.session import AzureMLError, ConflictError, DeploymentError, MissingError
from infra.service_definition import FINGERPRINT_TAG

__all__ = [
    "FINGERPRINT_TAG",
    "AzureMLError",
    "ConflictError",
    "Content",
    "Deployment",
    "DeploymentError",
    "MissingError",
    "ModelUser",
    "RegisteredModel",
    "Report",
    "Service",
    "delete_model",
    "delete_service",
    "deploy_service",
    "describe_service",
    "download_model",
    "find_environment",
    "find_model",
    "find_service",
    "find_settled_service",
    "find_users",
    "is_same_environment",
    "read_model",
    "regenerate_key",
    "register_environment",
    "register_model",
    "service_keys",
    "service_log",
    "tag_model",
    "wait_for_service",
]
