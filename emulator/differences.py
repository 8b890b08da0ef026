"""The differences from Azure as data, rendered to docs/emulator-differences.md; a test holds each row true."""

from emulator import aci, arm

Difference = tuple[str, str, str, str]

# (area, Azure's behaviour, the emulator's behaviour, the test that holds it true)
DIFFERENCES: list[Difference] = [
    (
        "Login",
        "Microsoft Entra ID identifies each caller, and roles give each caller rights.",
        "Every program on this machine gets a token from the managed identity endpoint and may do everything.",
        "test_identity.py::test_any_program_here_gets_a_token_that_the_services_take",
    ),
    (
        "Login",
        "People log in with a browser or `az login`; service principals have secrets or certificates.",
        "There is one service principal, whose id and secret `env` prints; any other login is refused on this machine.",
        "test_identity.py::test_no_other_login_is_taken",
    ),
    (
        "Login",
        "An identity that is not assigned is refused, and each cloud has hosts and accounts of its own.",
        "The managed identity endpoint takes any client id, and any `cloud` means this emulator.",
        "test_identity.py::test_any_identity_and_any_cloud_that_are_asked_for_are_this_one",
    ),
    (
        "Errors",
        "A failure of the service itself is a 5xx, and clients try again.",
        "A failure of the emulator itself, such as a full disk, is a 400, because trying again would not help.",
        "test_disk_full.py::test_a_full_disk_is_one_sentence_and_the_emulator_lives_on",
    ),
    (
        "Errors",
        "An error of model management has details, and identifies the request under correlation.",
        (
            "It has no details, and the sentence stands under correlation too: "
            "of these two the SDK prints only the latter as text."
        ),
        "test_sdk_scripts.py::test_a_model_in_use_is_kept_and_its_services_are_named",
    ),
    (
        "Scope",
        (
            "Experiments, runs, datasets, datastores, pipelines, compute, images, packages and profiles of models, "
            "connections, private endpoints, a workspace's keys and diagnosis, and all the rest of Azure ML."
        ),
        "Models, environments and ACI web services; the rest answers 501, names itself and is listed by `status`.",
        "test_requests.py::test_an_unknown_route_answers_501_and_names_itself",
    ),
    (
        "Scope",
        "Workspace.create makes a workspace and the resources that it needs by an ARM template.",
        (
            "It answers 501, as template deployments do, and the resource group that the SDK made before stays; "
            "`azureml-emulator workspace` makes a workspace, and exist_ok=True returns one that is there."
        ),
        "test_first_workspace.py::test_a_workspace_is_made_once_and_the_sdk_finds_it",
    ),
    (
        "Environments",
        "An environment's image has a name, a registry and a Dockerfile; it can be built and looked at.",
        "get_image_details says that there is no image; building one answers 501.",
        "test_sdk_surface.py::test_a_method_of_the_sdk_works",
    ),
    (
        "Environments",
        "It is not documented whether each environment has the label latest from the start.",
        "It has: the label means the version that was registered last, unless another version was labelled so.",
        "test_environments.py::test_a_label_leads_to_one_version",
    ),
    (
        "Environments",
        "It is not documented which version a plain name means after another version was labelled latest.",
        "It means the version that was registered last; only the label itself leads to the labelled one.",
        "test_environments.py::test_a_name_without_a_label_is_the_version_that_was_registered_last",
    ),
    (
        "Workspaces",
        "The names AzureML-… are curated environments, there from the start.",
        "There are none; the names are reserved all the same.",
        "test_environments.py::test_there_are_no_curated_environments",
    ),
    (
        "Model management",
        "Its specification also has assets' lists, changes and deletions, models' metrics, profiles and tokens.",
        "They answer 501; every other answer has the specified form, which a test checks.",
        "test_model_management.py::test_what_is_specified_and_not_done_answers_501",
    ),
    (
        "Model management",
        "Tags and properties are texts; the fate of a number is not documented.",
        "It becomes a text; an object or a list is a 400.",
        "test_model_management.py::test_every_answer_has_a_specified_status_and_shape",
    ),
    (
        "Blobs",
        "All of blob storage's operations.",
        "Upload whole or in blocks, download whole, ask for the size; through signed URLs only.",
        "test_blobs.py::test_other_blob_operations_answer_501",
    ),
    (
        "Blobs",
        "Anyone with a role on the workspace's storage account may overwrite the file of a registered model.",
        "Announcing the artifact of a model again gives a signed URL that overwrites it; others are a conflict.",
        "test_blobs.py::test_an_artifact_that_is_announced_again_can_be_overwritten",
    ),
    (
        "Operations",
        "A question about an operation's state is answered at once.",
        (
            "The answer waits up to 20 s for the end, or for new log lines where an offset is given, "
            "so that wait_for_deployment takes the true time."
        ),
        "test_operations.py::test_the_answer_waits_until_the_operation_is_done",
    ),
    (
        "Operations",
        "Deployments take minutes.",
        (
            "They take seconds, and some more for a new environment. "
            "A deployment that the emulator's end cut short goes on with its next start."
        ),
        "test_restart.py::test_a_deployment_that_was_killed_goes_on_after_the_restart",
    ),
]

_FOLDER = "tests/integration/"
_HEAD = """\
# Where the emulator differs from Azure

Made by `azureml-emulator differences > docs/emulator-differences.md`; a test holds the file and each row true.
Everything else is meant to be as in Azure; please report any other difference.

| Area | Azure | The emulator | Held true by |
|---|---|---|---|
"""


def collect() -> list[Difference]:
    """Return all differences, Azure ML's first."""
    ours = [
        (area, azure, emulator, test if test.startswith("tests/") else _FOLDER + test)
        for area, azure, emulator, test in (*DIFFERENCES, *aci.DIFFERENCES)
    ]
    return [*ours, *arm.DIFFERENCES]


def render() -> str:
    """Return the differences as a Markdown page."""
    rows = (
        f"| {area} | {azure} | {emulator} | `{test.rpartition('::')[2]}` |" for area, azure, emulator, test in collect()
    )
    return _HEAD + "\n".join(rows) + "\n"
