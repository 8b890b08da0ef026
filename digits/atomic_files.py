"""Files that are there whole or not at all, also after a crash or on a full disk."""

import os
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path


def replace(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write the file in one step: if that fails, the old file stays, and nothing else is left next to it.

    Only its owner may read a private file.
    """
    replace_all({path: content}, private=private)


def replace_all(contents: Mapping[Path, bytes], *, private: bool = False) -> None:
    """Write files that belong together: none takes its place before all are written.

    A link stays one, and its target is written; a device such as /dev/stdout stays one and takes the content.
    """
    devices = {
        path: content for path, content in contents.items() if path.exists() and not (path.is_file() or path.is_dir())
    }
    contents = {Path(os.path.realpath(path)): content for path, content in contents.items() if path not in devices}
    writer = f"{os.getpid()}-{threading.get_ident()}"
    temporaries = {path: path.with_name(f".{path.name}.{writer}") for path in contents}
    try:
        for path, temporary in temporaries.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(temporary, contents[path], 0o600 if private else 0o666)
        for path, temporary in temporaries.items():
            temporary.replace(path)
        for path, content in devices.items():
            path.write_bytes(content)
    finally:
        for temporary in temporaries.values():
            if temporary.parent.is_dir():
                temporary.unlink(missing_ok=True)


def _write(path: Path, content: bytes, mode: int) -> None:
    with open(path, "wb", opener=partial(os.open, mode=mode)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
