"""The traceback that a service's log ends with: the entry script's own frames, and nothing of the server's."""

from digits.runtime.health import last_exception

LOG = """\
2026-11-28 06:41:54,588 I [9] azmlinfsrv.user_script - Invoking user's init function
2026-11-28 06:41:54,625 E [9] azmlinfsrv - Encountered Exception: Traceback (most recent call last):
  File "/venv/azureml_inference_server_http/server/user_script.py", line 132, in invoke_run
    run_output = self._wrapped_user_run(**run_parameters)
  File "/var/azureml-app/scoring/score.py", line 78, in run
    response = answer(request, line)
  File "/venv/numpy/core.py", line 9, in array
    raise ValueError
%s

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/venv/azureml_inference_server_http/server/routes.py", line 222, in handle_score
    timed_result = main_blueprint.user_script.invoke_run(request)
azureml_inference_server_http.server.user_script.UserScriptException: Caught an unhandled exception
"""


def test_it_begins_with_the_entry_scripts_first_frame() -> None:
    """What the server calls before it, and raises after it, is left out; of several it is the last."""
    found = last_exception((LOG % "ValueError: the first" + LOG % "ValueError: the last").splitlines())
    assert found.splitlines() == [
        '  File "/var/azureml-app/scoring/score.py", line 78, in run',
        "    response = answer(request, line)",
        '  File "/venv/numpy/core.py", line 9, in array',
        "    raise ValueError",
        "ValueError: the last",
    ]


def test_a_log_without_an_exception_has_none() -> None:
    """Nothing is made up: an empty log, an ordinary one, and a failure that no frame of the script is in."""
    assert last_exception([]) == ""
    assert last_exception(["Booting worker with pid: 9", "Initializing logger"]) == ""
    assert last_exception((LOG % "ValueError").replace("azureml-app", "elsewhere").splitlines()) == ""


def test_an_endless_text_is_cut_from_its_front() -> None:
    """The end says what happened."""
    found = last_exception((LOG % ("ValueError: " + "x" * 9000 + " the end")).splitlines())
    assert len(found) == 3000
    assert found.endswith("the end")
