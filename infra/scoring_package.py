"""The scoring package: the files that travel to the service, and their identity.

It has the files of scoring/ and a manifest that pins the model. Its digest follows only from names and contents.
"""

import ast
import base64
import hashlib
import json
import lzma
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc

from infra import scoring_directory
from infra.configuration import SettingsError
from infra.scoring_directory import ENTRY_SCRIPT

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ScoringPackage:
    """Contents by relative POSIX path."""

    directory: Path
    files: dict[str, bytes]

    @classmethod
    def read(cls, directory: Path, manifest: Mapping[str, object]) -> "ScoringPackage":
        """Read the directory and add the manifest; raises SettingsError for an entry script that cannot run."""
        files = scoring_directory.read(directory)
        _require_entry_script(directory / ENTRY_SCRIPT, files.get(ENTRY_SCRIPT))
        files[MANIFEST] = (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode()
        return cls(directory, files)

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents."""
        return digest(self.files)

    @property
    def archive(self) -> pulumi.AssetArchive:
        """The package as an asset: paths relative to the program, so that state is the same on every machine."""
        return pulumi.AssetArchive(
            {
                name: pulumi.StringAsset(content.decode())
                if name == MANIFEST
                else pulumi.FileAsset((self.directory / name).as_posix())
                for name, content in self.files.items()
            }
        )


def digest(files: dict[str, bytes]) -> str:
    """Return the identity of files by name: the SHA-256 over their names and contents."""
    whole = hashlib.sha256()
    for name, content in sorted(files.items()):
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def identify(archive: pulumi.AssetArchive) -> dict[str, Any]:
    """Return the archive in its wire form, with each hash filled in.

    A dynamic provider loses the hashes in the SDK, and a preview would show every file as changed.
    """
    files = _contents(archive)
    assets = {
        name: {**_signed(rpc._special_asset_sig, hashlib.sha256(files[name]).hexdigest()), **vars(asset)}
        for name, asset in archive.assets.items()
    }
    return {**_signed(rpc._special_archive_sig, digest(files)), "assets": assets}


def unpack(archive: pulumi.AssetArchive, expected_digest: str) -> dict[str, bytes]:
    """Return the archive's files by name.

    Raises ValueError if they changed since the digest was taken.
    """
    files = _contents(archive)
    if digest(files) != expected_digest:
        raise ValueError("The files of the scoring package changed while they were deployed: run `pulumi up` again.")
    return files


def compress(files: dict[str, bytes]) -> str:
    """Return files by name as one short text, which `expand` reads."""
    texts = {name: content.decode(errors="surrogateescape") for name, content in files.items()}
    return base64.b64encode(lzma.compress(json.dumps(texts).encode())).decode()


def expand(text: str, expected_digest: str) -> dict[str, bytes]:
    """Return the files that `compress` was given; raises ValueError if the digest is not theirs."""
    try:
        texts = json.loads(lzma.decompress(base64.b64decode(text)))
    except lzma.LZMAError as error:
        raise ValueError(f"The recorded scoring package cannot be read: {error}.") from error
    files = {name: content.encode(errors="surrogateescape") for name, content in texts.items()}
    if digest(files) != expected_digest:
        raise ValueError(f"The recorded scoring package is not the one with digest {expected_digest[:12]}….")
    return files


def write(files: dict[str, bytes], directory: Path) -> None:
    """Write files by name below the directory."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _signed(signature: str, hash_: str) -> dict[str, str]:
    return {rpc._special_sig_key: signature, "hash": hash_}


def _contents(archive: pulumi.AssetArchive) -> dict[str, bytes]:
    return {name: _content(asset) for name, asset in archive.assets.items()}


def _content(asset: object) -> bytes:
    if isinstance(asset, pulumi.FileAsset):
        return Path(asset.path).read_bytes()
    if isinstance(asset, pulumi.StringAsset):
        return asset.text.encode()
    raise TypeError(f"unexpected {type(asset).__name__} in the scoring package")


def _require_entry_script(path: Path, source: bytes | None) -> None:
    """Refuse an entry script that the service would refuse only after minutes of deployment."""
    if source is None:
        raise SettingsError(f"{path} is missing: it is the entry script, with init() and run().")
    try:
        tree = ast.parse(source, filename=str(path))
    except SyntaxError as error:
        text = (error.text or "").strip()
        raise SettingsError(f"{path}, line {error.lineno}: {error.msg}: `{text}`. Fix it and run again.") from None
    for name in ("init", "run"):
        if not any(name in _names(statement) for statement in tree.body):
            raise SettingsError(
                f"{path} defines no {name}(): the inference server calls init() once and run(raw) per request."
            )


def _names(statement: ast.stmt) -> set[str]:
    """Return the module-level names that a statement binds, however it binds them."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in statement.names}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


_deserialize = rpc.deserialize_property


def _deserialize_elided(value: Any, *args: Any, **kwargs: Any) -> Any:
    # In Diff, only the identity matters, and the engine leaves the contents out. The SDK takes such an archive for an
    # error (pulumi/pulumi#6802, open). No code reads it there.
    if isinstance(value, Struct) and value.fields.keys() == {rpc._special_sig_key, "hash"}:
        return None
    return _deserialize(value, *args, **kwargs)


rpc.deserialize_property = _deserialize_elided
