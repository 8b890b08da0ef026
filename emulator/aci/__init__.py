"""The environment, the process and the end of each web service, and how they differ from Azure's."""

# (area, Azure's behaviour, the emulator's behaviour, the test that holds it true)
DIFFERENCES = [
    (
        "Web services",
        "How large an archive of source files may be once it is unpacked is not documented.",
        "An archive that expands to more than 2 GiB, or has more than 100,000 members, fails the deployment.",
        "test_source_archive.py::test_a_bomb_is_one_sentence_and_ends_at_the_limit",
    ),
    (
        "Web services",
        "A container that takes more memory than it was given is killed and started again.",
        "On Linux a worker's allocation fails: its start, or the request with a 500. Elsewhere memory is not limited.",
        "test_runtime.py::test_a_worker_takes_no_more_memory_than_it_was_given",
    ),
    (
        "Web services",
        "Properties are immutable; it is not documented whether a deployment with overwrite changes them.",
        "It adds new ones and leaves existing ones as they are.",
        "test_services.py::test_a_property_is_added_and_never_changed_or_removed",
    ),
    (
        "Web services",
        "The SDK sends commit and branch as properties with each update; their fate is not documented.",
        "They stay as they were sent first, and the update is not refused.",
        "test_services.py::test_what_the_sdk_says_of_the_repository_stays_as_it_was_first_said",
    ),
    (
        "Web services",
        "A service that does not fit next to Azure's own two containers is refused; the words are not known.",
        "More than 3.8 cores or 15 GB is a 400 in the emulator's own words.",
        "test_services.py::test_a_size_that_fits_no_container_group_is_refused",
    ),
    (
        "Web services",
        "A Docker image is built from the environment's base image, Dockerfile and conda definition.",
        (
            "A virtual environment is made from the conda definition with packages from PyPI. Azure's own base images "
            "are not used; another one, a base_dockerfile, R and userManagedDependencies, which need one, answer 501."
        ),
        "test_services.py::test_an_environment_that_needs_an_image_answers_501",
    ),
    (
        "Web services",
        "conda has every version of Python, and its packages have conda's own names.",
        (
            "Another patch of the minor version is taken, and the log says so. A minor version that is not on this "
            "machine is refused, or with `start --nearest-python` the nearest is taken with a warning. "
            "Packages come from PyPI, by the names that they have there."
        ),
        "test_interpreters.py::test_another_minor_version_is_refused_with_the_ways_out",
    ),
    (
        "Web services",
        "azureml-defaults before 1.34 brings another inference server than today's.",
        "That server does not run here, so azureml-defaults is 1.34 or newer, or cannot be solved.",
        "tests/unit/test_conda.py::test_azureml_defaults_is_one_that_brings_the_inference_server",
    ),
    (
        "Web services",
        "Microsoft's documentation asks for azureml-defaults in an environment, which brings the inference server.",
        "An environment without it gets the inference server all the same, as from one of Azure's inferencing images.",
        "tests/unit/test_conda.py::test_an_environment_that_brings_no_inference_server_gets_one",
    ),
    (
        "Web services",
        "Lines of a pip section that name an index are followed.",
        "Those that mean PyPI are left out, as a machine may have a mirror of it; other indexes are asked too.",
        "tests/unit/test_conda.py::test_lines_that_mean_pypi_are_left_out_and_other_indexes_are_kept",
    ),
    (
        "Web services",
        (
            "A request is ended after 60 s: by the front end with a 504, as was seen in 2019, or by the inference "
            "server with a 500. It is not certain which of them it is, or whether SCORING_TIMEOUT_MS can raise it."
        ),
        (
            "The inference server answers 500 after SCORING_TIMEOUT_MS, 60000 unless the environment sets it, in sync "
            "and gevent workers; in gunicorn's other kinds of worker WORKER_TIMEOUT bounds a worker that hangs."
        ),
        "test_limits.py::test_a_run_that_takes_too_long_is_ended_and_the_worker_goes_on",
    ),
    (
        "Web services",
        "A container has many more variables of its own: of Kubernetes, MPI, the image. They are not documented.",
        (
            "It has AML_APP_ROOT, AZUREML_MODEL_DIR, AZUREML_ENTRY_SCRIPT, AZUREML_SOURCE_DIRECTORY, SERVICE_NAME, "
            "WORKSPACE_NAME, SCORING_TIMEOUT_MS, WORKER_TIMEOUT, WORKER_COUNT, and those of the environment."
        ),
        "test_limits.py::test_a_container_has_sixty_seconds_unless_its_environment_says_otherwise",
    ),
    (
        "Web services",
        "It is not certain whether a browser's preflight passes the check of keys.",
        "It does where AML_CORS_ORIGINS allows the origin; the inference server's own CORS answers, also for a 401.",
        "test_limits.py::test_a_browser_s_preflight_needs_no_key",
    ),
    (
        "Web services",
        "Compute types ACI, AKS and others; deployment from images or without code.",
        "ACI, with an InferenceConfig that has an environment; the rest answers 501.",
        "test_services.py::test_other_kinds_of_deployment_answer_501",
    ),
    (
        "Web services",
        "The scoring URI has a public name or address; with TLS it is https://<cname>/score, once DNS leads there.",
        (
            "It is http://127.0.0.1:<port>/score, or with TLS https://<cname>:<port>/score for a name that leads to "
            "this machine, such as localhost; the port is the same for the service's whole life."
        ),
        "test_tls.py::test_the_right_authority_s_client_is_served_and_no_other",
    ),
    (
        "Web services",
        "Quota and the region's capacity are checked before a deployment.",
        "They are not checked: this machine is the limit.",
        "test_services.py::test_no_quota_is_checked",
    ),
    (
        "Web services",
        "Application Insights collects telemetry if it is switched on.",
        "The switch is kept and does nothing.",
        "test_services.py::test_application_insights_can_be_switched_on_and_collects_nothing",
    ),
    (
        "Web services",
        "A virtual network, a customer's own key, a DNS name label and data collection take effect.",
        "They are kept and shown, and have no effect.",
        "test_sdk_scripts.py::test_what_is_about_azure_s_network_and_vaults_is_kept_and_has_no_effect",
    ),
    (
        "Web services",
        "Before there is a container there is no container log.",
        "get_logs shows the steps of the deployment until there is a container log.",
        "test_services.py::test_the_log_of_a_service_without_a_container_is_its_deployment_s",
    ),
    (
        "Web services",
        "Deleting answers 202 and goes on in the background.",
        "Deleting answers 200 when the process has ended and its folder is gone.",
        "test_services.py::test_delete_ends_the_process_and_removes_its_folder",
    ),
]
