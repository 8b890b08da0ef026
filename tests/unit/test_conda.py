"""A conda definition: its identity, and what it means on PyPI."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.runtime.conda import OUR_PYTHON, EnvironmentFailedError, digest, translate

PYPI, OLD_PYPI = (".".join(parts) for parts in (("pypi", "org"), ("pypi", "python", "org")))

CONDA: dict[str, Any] = {
    "name": "digits",
    "channels": ["conda-forge", "defaults"],
    "dependencies": ["python=3.11", "pip", "scipy=1.17", {"pip": ["numpy==2.4.6", "joblib==1.6.0"]}],
}


@given(st.permutations(CONDA["dependencies"]), st.permutations(CONDA["dependencies"][-1]["pip"]), st.text())
def test_name_and_order_of_packages_are_not_content(dependencies: list[Any], pip: list[str], name: str) -> None:
    """The same packages in another order, under another name, are the same environment."""
    dependencies = [{"pip": pip} if isinstance(entry, dict) else entry for entry in dependencies]
    assert digest({**CONDA, "name": name, "prefix": f"/envs/{name}", "dependencies": dependencies}) == digest(CONDA)


@pytest.mark.parametrize(
    "change",
    [
        {"channels": ["defaults", "conda-forge"]},
        {"dependencies": ["python=3.12", *CONDA["dependencies"][1:]]},
        {"dependencies": [*CONDA["dependencies"][:-1], {"pip": ["numpy==2.4.7", "joblib==1.6.0"]}]},
        {"dependencies": ["joblib==1.6.0", *CONDA["dependencies"][:-1], {"pip": ["numpy==2.4.6"]}]},
        {"variables": {"OMP_NUM_THREADS": "1"}},
    ],
)
def test_versions_channels_and_installer_are_content(change: dict[str, Any]) -> None:
    """A change that conda would act on is another environment."""
    assert digest({**CONDA, **change}) != digest(CONDA)


@pytest.mark.parametrize(
    ("conda", "pypi"),
    [
        ("scipy", "scipy"),
        ("scipy=1.17", "scipy==1.17.*"),
        ("scipy=1.17.*", "scipy==1.17.*"),
        ("scipy==1.17.1", "scipy==1.17.1"),
        ("scipy 1.17.1", "scipy==1.17.1"),
        ("scipy >=1.16, <2", "scipy>=1.16,<2"),
        ("scipy=1.17.1=py311h_0", "scipy==1.17.1.*"),
        ("scipy=1.0rc1", "scipy==1.0rc1"),
        ("conda-forge::SciPy~=1.17", "scipy~=1.17"),
    ],
)
def test_a_conda_package_is_taken_from_pypi_under_its_name(conda: str, pypi: str) -> None:
    """Conda's forms of a constraint have their PEP 440 form: one equals sign is a prefix, two are that version."""
    assert pypi in translate({"dependencies": [conda]})[1]


@pytest.mark.parametrize(
    ("spec", "python"), [("python=3.9", "3.9"), ("python==3.9.1", "3.9.1"), ("python>=3.9,<3.12", ">=3.9,<3.12")]
)
def test_python_picks_the_interpreter(spec: str, python: str) -> None:
    """The definition's Python is not a package but the interpreter; without one it is ours."""
    assert translate({"dependencies": [spec]})[0] == python
    assert translate({"dependencies": ["pip"]})[0] == OUR_PYTHON


def test_an_environment_that_brings_no_inference_server_gets_one() -> None:
    """A definition that names the server, or azureml-defaults, decides its version itself."""
    present = "azureml_inference_server_http~=1.4"
    assert translate({"dependencies": ["python=3.11"]})[1] == ["azureml-inference-server-http==1.5.1"]
    assert translate({"dependencies": [{"pip": [present]}]})[1] == [present]


def test_azureml_defaults_is_one_that_brings_the_inference_server() -> None:
    """A resolver that may take any release ends at one of 2020, with another server and no wheels."""
    dependencies = [{"pip": ["azureml-defaults", "numpy"]}]
    assert translate({"dependencies": dependencies})[1] == ["azureml-defaults", "numpy", "azureml-defaults>=1.34"]


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ([f"--find-links https://{OLD_PYPI}/simple", f"--extra-index-url https://{OLD_PYPI}/simple"], []),
        ([f"-i https://{PYPI}/simple", f"--index-url=https://{PYPI}/simple/index.html"], []),
        (["--extra-index-url https://here.example/simple"], ["--extra-index-url https://here.example/simple"]),
        (["--index-url https://here.example/simple"], ["--index-url https://here.example/simple"]),
        (
            ["--index-url=https://here.example/simple", f"--extra-index-url https://{PYPI}/simple"],
            ["--extra-index-url https://here.example/simple"],
        ),
        (["--pre"], ["--pre"]),
    ],
)
def test_lines_that_mean_pypi_are_left_out_and_other_indexes_are_kept(lines: list[str], kept: list[str]) -> None:
    """PyPI may be a mirror on this machine; each line that is left out is reported."""
    reported: list[str] = []
    assert translate({"dependencies": [{"pip": [*lines, "joblib"]}]}, reported.append)[1][:-2] == kept
    assert len(reported) == sum("pypi" in line for line in lines)


@pytest.mark.parametrize(
    ("conda", "sentence"),
    [
        (["numpy"], "is a list, not a mapping"),
        (None, "is a NoneType, not a mapping"),
        ({"name": "x"}, "lists no dependencies"),
        ({"dependencies": []}, "lists no dependencies"),
        ({"dependencies": "numpy"}, "lists no dependencies"),
        ({"dependencies": [3]}, "has the dependency 3:"),
        ({"dependencies": [{"pip": "numpy"}]}, "has the dependency {'pip': 'numpy'}:"),
        ({"dependencies": [{"npm": ["left-pad"]}]}, "has the dependency {'npm'"),
        ({"dependencies": ["numpy[version='>1']"]}, "has the dependency \"numpy[version='>1']\", whose constraint"),
        ({"dependencies": ["numpy=1|2"]}, "has the dependency 'numpy=1|2', whose constraint"),
        ({"dependencies": [{"pip": ["-r requirements.txt"]}]}, "a file does not travel with the definition"),
        ({"dependencies": [{"pip": ["./wheels/a.whl"]}]}, "a file does not travel with the definition"),
        ({"dependencies": [{"pip": ["--no-deps"]}]}, "has '--no-deps', an option that is not supported here"),
    ],
)
def test_a_malformed_definition_is_one_sentence(conda: Any, sentence: str) -> None:
    """What is wrong is quoted, and the fix stands behind it."""
    with pytest.raises(EnvironmentFailedError) as raised:
        translate(conda)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)
