"""Pictures of digits: whatever the file, the row is what MNIST would have made of it, or one sentence says why not."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from digits.__main__ import main
from digits.datasets import ImageError, load
from digits.datasets.mnist_form import find_ink, normalise, place, shape
from digits.evaluation import doubts, image_file, terminal

DIGITS = load("digits", "test").images.reshape(-1, 28, 28)
INK = np.array(Image.fromarray(DIGITS[7]).resize((240, 240), Image.Resampling.BICUBIC))
INK[INK < 128] = 0  # nothing that a palette or a threshold could take for paper
INK[INK > 0] = 255
PAPER = Image.fromarray(np.pad(255 - INK, ((10, 60), (90, 20)), constant_values=255))
EXPECTED = normalise(np.asarray(PAPER, float), "the digit").reshape(-1)


def turned() -> Image.Image:
    """Return the picture as a camera that is held upright saves it: lying, and with a note."""
    lying = PAPER.transpose(Image.Transpose.ROTATE_90)
    lying.getexif()[0x0112] = 6
    return lying


def see_through(ink: int) -> Image.Image:
    """Return the digit in one colour on nothing."""
    alpha = PAPER.point([255 - grey for grey in range(256)])
    return Image.merge("RGBA", [Image.new("L", PAPER.size, ink)] * 3 + [alpha])


def behind_rounded_corners(paper: int) -> Image.Image:
    """Return the digit on paper of its own that ends before the picture does."""
    alpha = Image.new("L", PAPER.size, 255)
    alpha.paste(0, (0, 0, 5, 5))
    shown = PAPER if paper else PAPER.point([255 - grey for grey in range(256)])
    return Image.merge("LA", [shown, alpha])


PICTURES: dict[str, tuple[Callable[[], Image.Image], str]] = {
    "black on white": (lambda: PAPER, "png"),
    "white on black": (lambda: PAPER.point([255 - grey for grey in range(256)]), "bmp"),
    "no margin": (lambda: PAPER.crop(PAPER.point([255 - grey for grey in range(256)]).getbbox()), "ppm"),
    "a wide margin": (lambda: Image.fromarray(np.pad(np.asarray(PAPER), 200, constant_values=255)), "tiff"),
    "blue on yellow": (lambda: Image.merge("RGB", [PAPER, PAPER, PAPER.point([99] * 256)]), "png"),
    "light grey on grey": (lambda: PAPER.point([180 - grey // 4 for grey in range(256)]), "png"),
    "a palette": (lambda: PAPER.convert("P"), "gif"),
    "one bit": (lambda: PAPER.convert("1"), "png"),
    "16 bits": (lambda: Image.fromarray(np.asarray(PAPER, np.uint16) * 257), "png"),
    "numbers with a point": (lambda: PAPER.convert("F"), "tiff"),
    "ink for printers": (lambda: PAPER.convert("RGB").convert("CMYK"), "tiff"),
    "black on nothing": (lambda: see_through(0), "png"),
    "white on nothing": (lambda: see_through(255), "webp"),
    "rounded corners": (lambda: behind_rounded_corners(255), "png"),
    "rounded corners of a dark one": (lambda: behind_rounded_corners(0), "png"),
    "a camera held upright": (turned, "png"),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_digit_is_the_same_row(tmp_path: Path, name: str) -> None:
    """Colours, transparency, depth, margins and the way it was held change not one byte."""
    draw, suffix = PICTURES[name]
    path = tmp_path / f"digit.{suffix}"
    image = draw()
    image.save(path, exif=image.getexif(), lossless=True)
    assert np.array_equal(image_file.read(path), EXPECTED)


def test_a_digit_is_twenty_pixels_long_and_its_mass_is_in_the_middle() -> None:
    """At any size it fills MNIST's box, keeps its proportions, and its centre is within half a pixel."""
    for side in (12, 28, 300, 1500):
        for image in DIGITS[:20]:
            grey = 255.0 - np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
            digit = normalise(grey, "the digit")
            rows, columns = np.nonzero(digit)
            assert max(np.ptp(rows), np.ptp(columns)) == 19
            centre = np.array([digit.sum(axis=1), digit.sum(axis=0)]) @ np.arange(28) / digit.sum()
            assert np.abs(centre - 14).max() <= 0.5
    bar = np.zeros((100, 100))
    bar[20:60, 30:40] = 255
    rows, columns = np.nonzero(normalise(bar, "a bar"))
    assert [int(np.ptp(at)) + 1 for at in (rows, columns)] == [20, 5]


def test_what_has_its_mass_at_one_end_stays_in_the_picture() -> None:
    """It cannot be in the middle then."""
    wedge = np.zeros((20, 20), np.uint8)
    wedge[0] = 255
    wedge[-1, 0] = 1
    assert place(wedge).sum(dtype=int) == wedge.sum(dtype=int)


def test_an_edge_is_grey() -> None:
    """Made smaller by averaging, as MNIST's were, not by leaving out."""
    assert len(set(EXPECTED.tolist())) > 20


def test_specks_noise_and_shade_are_paper() -> None:
    """A photograph of a digit gives nearly the picture that a scanner would."""
    generator = np.random.default_rng(0)
    shade = np.linspace(0, 50, PAPER.height)[:, None]
    photo = 60 + 0.6 * np.asarray(PAPER, float) - shade + generator.normal(0, 4, (PAPER.height, PAPER.width))
    photo[5:8, 100:103] = 30
    photo[-9:-6, -12:-9] = 20
    close = np.corrcoef(normalise(photo, "a photograph").reshape(-1), EXPECTED)[0, 1]
    assert close > 0.99


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of these chunks, each with the sum that it needs."""
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def header(side: int) -> tuple[bytes, bytes]:
    """Return the chunk that says how large a picture of black and white pixels is."""
    return b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return the bytes of a file with the picture."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


WHOLE = saved(PAPER, "PNG")
BAD: dict[str, tuple[bytes | None, str]] = {
    "no file": (None, "cannot be read as a picture: No such file or directory."),
    "nothing": (b"", "is not a picture that is read here: save it as one of PNG, JPEG, "),
    "text": (b"7", "is not a picture that is read here"),
    "a program's": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture that is read here"),
    "cut off": (WHOLE[: len(WHOLE) // 2], "cannot be read as a picture: "),
    "white": (saved(Image.new("L", (50, 50), 255), "PNG"), "shows no digit: all of it is nearly the same grey."),
    "nearly white": (saved(PAPER.point([230 + grey // 20 for grey in range(256)]), "PNG"), "shows no digit"),
    "one pixel": (saved(Image.new("1", (1, 1)), "PNG"), "shows no digit"),
    "transparent": (saved(Image.new("RGBA", (50, 50), (9, 9, 9, 0)), "PNG"), "shows no digit"),
    "two pages": (saved(PAPER, "TIFF", save_all=True, append_images=[PAPER]), "has 2 pages: save the one with"),
    "an animation": (saved(PAPER, "GIF", save_all=True, append_images=[PAPER.rotate(90), PAPER]), "has 3 pages"),
    "a bomb": (
        png(header(40_000), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")),
        "has more than 89,478,485 pixels: cut the digit out, or save it smaller.",
    ),
    "half a bomb": (
        png(header(10_000), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")),
        "has more than 89,478,485 pixels",
    ),
    "text that grows": (
        png(header(9), (b"zTXt", b"a\0\0" + zlib.compress(bytes(2**24)))),
        "cannot be read as a picture: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_picture_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Exit 2 before anything is sent; the file is named, and what to do."""
    content, sentence = BAD[name]
    path = tmp_path / "digit.png"
    if content is not None:
        path.write_bytes(content)
    assert main(["predict", "--uri", "http://127.0.0.1:9/score", str(path)]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"error: {path} {sentence}")


def mnist_s(*labels: int) -> np.ndarray:
    """Return digits with these labels in a row, dark on white, with a margin, at the size of a photograph."""
    labelled = load("digits", "test").labels.tolist()
    row = np.concatenate([DIGITS[labelled.index(label)] for label in labels], axis=1)
    enlarged = Image.fromarray(row).resize((8 * row.shape[1], 8 * row.shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(255 - np.asarray(enlarged, np.int64), np.uint8)


def with_corner(darkness: int) -> np.ndarray:
    """Return a digit with a shadow over one corner."""
    picture = mnist_s(3)
    rows, columns = np.indices(picture.shape)
    shadow = rows + (picture.shape[1] - columns) < picture.shape[0] // 3
    return np.where(shadow, np.minimum(picture, 255 - darkness), picture).astype(np.uint8)


def with_line(picture: np.ndarray, where: tuple[slice, slice], grey: int) -> np.ndarray:
    """Return the picture with a line through it."""
    drawn = picture.copy()
    drawn[where] = grey
    return drawn


def cut(picture: np.ndarray) -> np.ndarray:
    """Return a digit without the paper around it."""
    rows, columns = (np.flatnonzero((picture < 128).any(axis=axis)) for axis in (1, 0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


SEVERAL, WIDE = "shows several shapes next to each other: ", "is inked wider than a digit is: "
EDGE, FULL = "has ink up to its edge: ", "has more ink than a digit: "
DOUBTFUL: dict[str, tuple[Callable[[], np.ndarray], list[str]]] = {
    "two digits": (lambda: mnist_s(4, 2), [SEVERAL]),
    "two digits on a blackboard": (lambda: 255 - mnist_s(1, 7), [SEVERAL]),
    "three digits": (lambda: mnist_s(1, 8, 0), [SEVERAL]),
    "one above the other": (lambda: np.concatenate([mnist_s(3), mnist_s(8)]), [SEVERAL]),
    "two that touch": (lambda: with_line(mnist_s(2, 3), np.s_[112:118, 100:340], 60), [WIDE]),
    "a dark corner": (lambda: with_corner(200), [EDGE]),
    "a corner of shade": (lambda: with_corner(150), [EDGE]),
    "cut through": (lambda: mnist_s(6)[: 28 * 8 // 2], [EDGE]),
    "a square": (lambda: np.pad(np.zeros((50, 50), np.uint8), 20, constant_values=255), [FULL]),
    "one digit": (lambda: mnist_s(4), []),
    "one digit without a margin": (lambda: cut(mnist_s(4)), []),
    "a five with its bar apart": (lambda: with_line(mnist_s(5), np.s_[72:78, :], 255), []),
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_picture_that_may_show_no_single_digit_is_doubted(tmp_path: Path, name: str) -> None:
    """Several digits, a shadow, a cut: a sentence for each, and the row all the same."""
    draw, beginnings = DOUBTFUL[name]
    path = tmp_path / "digit.png"
    Image.fromarray(draw()).save(path)
    row, said = image_file.examine(path)
    assert row.shape == (784,)
    assert len(said) == len(beginnings), said
    assert all(doubt.startswith(f"{path} {start}") for doubt, start in zip(said, beginnings, strict=True))


def test_a_digit_is_hardly_ever_doubted() -> None:
    """Of the 450 test images at most two, or nobody would read the warnings."""
    found = []
    for image in DIGITS:
        ink = find_ink(255 - np.pad(image, 4).astype(np.float64), "a digit")
        found += doubts.find(ink, shape(ink))
    assert len(found) <= 2, found


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    """By the system's own word."""
    with pytest.raises(ImageError, match=r"cannot be read as a picture: Is a directory\.$"):
        image_file.read(tmp_path)


def test_a_camera_s_smaller_copies_are_no_pages(tmp_path: Path) -> None:
    """Telephones save a JPEG with a preview behind it."""
    path = tmp_path / "digit.jpg"
    PAPER.save(path, "MPO", save_all=True, append_images=[PAPER.resize((20, 20))], quality=95)
    assert np.corrcoef(image_file.read(path), EXPECTED)[0, 1] > 0.99


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_picture_is_one_sentence(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whichever byte is wrong, the answer is a row or an ImageError."""
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM"]))
    content = bytearray(saved(PAPER.resize((30, 30)), kind))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        assert image_file.read(path).shape == (784,)
    except ImageError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either end is right


def test_a_digit_is_drawn_without_colours_and_with_them() -> None:
    """Two rows a line: half blocks in a log, greys on a terminal."""
    image = np.zeros((28, 28), np.uint8)
    image[0, 0] = image[1, 1] = image[26:, 27] = 200
    plain, coloured = io.StringIO(), io.StringIO()
    terminal.draw(image.reshape(-1), Console(file=plain))
    lines = plain.getvalue().splitlines()
    assert len(lines) == 14
    assert (lines[0][:3], lines[13][27]) == ("▀▄ ", "█")
    terminal.draw(image.reshape(-1), Console(file=coloured, force_terminal=True, color_system="truecolor", width=80))
    assert "\x1b[38;2;200;200;200;48;2;0;0;0m▀" in coloured.getvalue()
