"""A link in scoring/: what it leads to is deployed."""

import shutil

from tests.engine.project import Project


def test_a_linked_folder_is_deployed_and_can_be_imported(project: Project) -> None:
    """The engine takes the bytes through the link, and the live service passes its evaluation with them."""
    shared = project.directory / "shared"
    shared.mkdir()
    (shared / "linked.py").write_text("NAME = 'linked'\n")
    link = project.directory / "scoring" / "shared"
    link.symlink_to("../shared")
    try:
        score = project.read("scoring/score.py")
        project.write("scoring/score.py", score + "\nfrom shared.linked import NAME\n\nassert NAME == 'linked'\n")
        deployed = project.up()
        assert {"webservice": "update", "release": "update"}.items() <= deployed.operations.items()
    finally:
        link.unlink()
        shutil.rmtree(shared)
