"""Files that are there whole or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write the file in one step: if the disk is full the old one stays, and nothing lies next to it."""
    replace_all({path: content})


def replace_all(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: none takes its place before all are written."""
    temporaries = {path: path.with_name(f".{path.name}.{os.getpid()}") for path in contents}
    try:
        for path, temporary in temporaries.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(contents[path])
        for path, temporary in temporaries.items():
            temporary.replace(path)
    finally:
        for temporary in temporaries.values():
            if temporary.parent.is_dir():
                temporary.unlink(missing_ok=True)
