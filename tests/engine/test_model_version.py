"""The model's file and the environment it is loaded in: its format, and the scikit-learn that trained it."""

from tests.engine.project import Project


def test_another_scikit_learn_than_the_trained_one_is_a_warning_in_the_preview(project: Project) -> None:
    """Both versions and the fix are named, and the preview goes on; with the pin that trained it, no word is said."""
    assert "pins" not in project.pulumi("preview").stdout
    conda = project.read("scoring/conda.yml")
    pinned = conda.replace("scikit-learn==", "scikit-learn==0.")
    assert pinned != conda
    project.write("scoring/conda.yml", pinned)
    warned = " ".join(project.pulumi("preview").stdout.split())
    assert "warning: scoring/conda.yml pins scikit-learn 0." in warned
    assert "model/sklearn_mnist_model.pkl was trained with" in warned


def test_a_skops_model_is_deployed_and_evaluated_like_a_pickle(project: Project) -> None:
    """The file's suffix is all there is to choose: registered, served, released, and unchanged on the next preview."""
    pickled = project.outputs()["release"]
    project.python("-m", "digits", "train", "--format", "skops", "--output", "safe")
    project.configure(modelFile="safe/sklearn_mnist_model.skops")
    assert project.up().operations == {"model": "update", "webservice": "update", "release": "update"}
    released = project.outputs()["release"]
    assert released["modelSha256"] != pickled["modelSha256"]
    assert released["accuracy"] == pickled["accuracy"]
    assert project.preview() == {}
