"""The folders of the deployments, each with the contents of a web service's container and its server's log."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from digits.runtime import server


class Folders:
    """Deployment folders by the id of the operation that filled them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, deployed: str) -> Path:
        """Return the path of the deployment's folder, which need not exist."""
        return self._directory / deployed

    def remove(self, deployed: str | None) -> None:
        """Remove the deployment's folder, if there is one."""
        if deployed is not None:
            shutil.rmtree(self.path(deployed), ignore_errors=True)

    def sweep(self, kept: set[str | None]) -> None:
        """End the servers that a killed emulator left, and remove the folders that nobody needs."""
        folders = [folder for folder in self._directory.glob("*") if folder.is_dir()]
        with ThreadPoolExecutor(len(folders) or 1) as ending:
            list(ending.map(lambda folder: server.end_leftover(folder / "run"), folders))
        for folder in folders:
            if folder.name not in kept:
                self.remove(folder.name)
