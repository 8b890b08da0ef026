"""Blob storage: uploads whole and in blocks, downloads, and the signatures that open them."""

import base64
import hashlib
from urllib.parse import quote, unquote, urlencode

import httpx
import pytest

from emulator.azureml import blobs
from tests.integration.wire import Workspace, plain


@pytest.fixture
def uri(workspace: Workspace, request: pytest.FixtureRequest) -> str:
    """Give the URL of a blob that is to be written."""
    return plain(workspace.announce(f"{request.node.name}.bin", container="blobs"))


def _block_list(*blocks: str) -> str:
    return f"<BlockList>{''.join(f'<Latest>{block}</Latest>' for block in blocks)}</BlockList>"


def test_an_upload_url_has_the_host_that_the_sdk_takes_apart(workspace: Workspace) -> None:
    """The SDK splits the host at two dots and rebuilds it; what it rebuilds has to lead here (azureml-core 1.61)."""
    uri = workspace.announce("host.bin", container="blobs")
    account, _, rest = uri.removeprefix("https://").split("/", 1)[0].split(".", 2)
    port = workspace.emulator.record["port"]
    assert f"https://{account}.blob.{rest}" == f"https://acct.blob.emu@127.0.0.1:{port}"


def test_a_small_file_is_one_upload(workspace: Workspace, uri: str) -> None:
    """PUT, HEAD and GET agree on the bytes."""
    assert workspace.client.put(uri, content=b"bytes").status_code == 201
    artifact = uri.partition("LocalUpload/")[2].partition("?")[0]
    path = f"/artifact/v2.0{workspace.id}/artifacts/contentinfo/LocalUpload/{artifact}"
    readable = workspace.client.get(path).json()["contentUri"]
    assert workspace.client.get(readable).content == b"bytes"
    assert workspace.client.head(uri).headers["Content-Length"] == "5"
    assert workspace.client.put(readable, content=b"other").status_code == 403


def test_blocks_become_a_file_in_the_order_of_the_list(workspace: Workspace, uri: str) -> None:
    """Blocks may arrive in any order and more than once; the list decides."""
    for block, content in (("b", b"second"), ("a", b"old"), ("a", b"first")):
        answer = workspace.client.put(f"{uri}&comp=block&blockid={block}", content=content)
        assert answer.status_code == 201
    assert workspace.client.put(f"{uri}&comp=blocklist", content=_block_list("a", "b")).status_code == 201
    path = f"/artifact/v2.0{workspace.id}/artifacts/prefix/contentinfo/LocalUpload/{uri.partition('LocalUpload/')[2]}"
    (found,) = workspace.client.get(path.partition("?")[0]).json()["value"]
    assert workspace.client.get(found["contentUri"]).content == b"firstsecond"
    assert not list((workspace.emulator.state / "blobs").glob("*.blocks"))


def test_an_artifact_that_is_announced_again_can_be_overwritten(workspace: Workspace, uri: str) -> None:
    """Under the URL it is read by, with another ETag: how a client tells a changed file without reading it."""
    path = uri.partition("LocalUpload/")[2].partition("?")[0]
    readable = workspace.client.get(f"/artifact/v2.0{workspace.id}/artifacts/contentinfo/LocalUpload/{path}")
    etags = []
    for content in (b"first", b"other"):
        again = plain(workspace.announce(path.partition("/")[2], container="blobs"))
        assert workspace.client.put(again, content=content).status_code == 201
        for _ in range(2):
            answer = workspace.client.get(readable.json()["contentUri"])
            assert answer.content == content
            etags.append(answer.headers["ETag"])
    assert etags[0] == etags[1] != etags[2] == etags[3]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (_block_list("never-sent"), "InvalidBlockList"),
        ("<BlockList>", "InvalidXmlDocument"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><BlockList/>', "InvalidXmlDocument"),
    ],
)
def test_a_block_list_that_is_wrong_is_400(workspace: Workspace, uri: str, content: str, code: str) -> None:
    """No blob comes of it."""
    answer = workspace.client.put(f"{uri}&comp=blocklist", content=content)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, code)


def test_a_blob_that_is_there_is_not_overwritten_where_asked_not_to(workspace: Workspace, uri: str) -> None:
    """The SDK uploads with If-None-Match: *, so that two uploads cannot mix."""
    headers = {"If-None-Match": "*"}
    assert workspace.client.put(uri, content=b"1", headers=headers).status_code == 201
    answer = workspace.client.put(uri, content=b"2", headers=headers)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (409, "BlobAlreadyExists")


@pytest.mark.parametrize("header", ["Content-MD5", "Content-SHA256"])
def test_bytes_that_changed_on_the_way_are_refused(workspace: Workspace, uri: str, header: str) -> None:
    """The digest that the SDK sends is compared with the bytes that arrived."""
    algorithm = header.removeprefix("Content-").lower()
    digest = base64.b64encode(hashlib.new(algorithm, b"sent").digest()).decode()
    assert workspace.client.put(uri, content=b"arrived", headers={header: digest}).status_code == 400
    assert workspace.client.put(uri, content=b"sent", headers={header: digest}).status_code == 201


def test_a_signature_opens_one_blob_and_no_other(workspace: Workspace, uri: str) -> None:
    """Another name, a changed time and a missing signature are 403 in blob storage's own XML."""
    name, _, query = uri.partition("?")
    for forged in (
        f"{name}x?{query}",
        uri.replace("se=", "se=9"),
        name,
        uri.replace("sp=rcw", "sp=rcwd"),
        uri + "%C3%A9",
    ):
        answer = workspace.client.put(forged, content=b"text")
        assert answer.status_code == 403
        assert answer.text.startswith("<?xml")
        assert "<Code>AuthenticationFailed</Code>" in answer.text


def test_other_blob_operations_answer_501(workspace: Workspace, uri: str) -> None:
    """Append blobs, leases, copies: named, not half done."""
    assert workspace.client.put(f"{uri}&comp=lease", content=b"").status_code == 501
    assert workspace.client.delete(uri).status_code == 501


def test_a_blob_that_is_not_there_is_404(workspace: Workspace) -> None:
    """In blob storage's own words."""
    artifact = workspace.upload("short.bin", b"text", container="blobs")
    uri = workspace.client.get(f"/artifact/v2.0{workspace.id}/artifacts/contentinfo/{artifact}").json()["contentUri"]
    blobs = workspace.emulator.state / "blobs"
    for blob in [blob for blob in blobs.iterdir() if blob.is_file() and blob.read_bytes() == b"text"]:
        blob.unlink()
    answer = workspace.client.get(uri)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (404, "BlobNotFound")


def test_a_signature_opens_no_blob_under_a_name_that_looks_like_its_fields(workspace: Workspace) -> None:
    """The signed fields cannot move into each other: a name may hold a line end, and permission and expiry too."""
    uri = httpx.URL(plain(workspace.announce("a\nb.bin", container="blobs")))
    allowed, expires, name = uri.params["sp"], uri.params["se"], unquote(uri.raw_path.decode().partition("?")[0])
    cut = name.rindex("\n")
    for sp, se, path in (
        (allowed, f"{expires}\n{name[:cut]}", name[cut + 1 :]),
        (f"{allowed}\n{expires}", name[:cut], name[cut + 1 :]),
    ):
        query = {**dict(uri.params), "sp": sp, "se": se}
        forged = f"{blobs.ROOT}/{quote(path)}?{urlencode(query)}"
        assert workspace.client.get(forged).status_code == 403
