"""The tutorial's pictures as PNG: the confusion matrix and thirty digits; and how long requests took.

Drawn without pyplot, whose figures are global: the gate evaluates on a thread.
"""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from digits.evaluation.evaluation_record import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

SIDE = 28
_INK = {False: "#1f2328", True: "#e6e8ea"}  # of text: on a light page, on a dark one
_BARS = {False: "#2f6feb", True: "#6ea8fe"}
_DOTS_PER_INCH = 150


def matrix(evaluation: Evaluation, *, dark: bool = False) -> bytes:
    """Draw the tutorial's matrix: each row by its sum, the diagonal zeroed, so that only misreadings shine."""
    counts = np.array(evaluation.confusion_matrix, float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    figure = Figure(figsize=(8, 5), layout="compressed")
    axes = figure.add_subplot()
    image = axes.matshow(shares, cmap="bone", vmin=0, vmax=shares.max() or 1)  # without a miss all of it is black
    bar = figure.colorbar(image, format=lambda share, _: f"{share:.0%}" if share >= 0.01 else f"{share:.1%}")  # noqa: PLR2004 - whole per cents
    ticks = range(len(evaluation.labels))
    axes.set_xticks(ticks, [str(label) for label in evaluation.labels])
    axes.set_yticks(ticks, [str(label) for label in evaluation.labels])
    axes.set_xlabel("predicted values", fontsize=14)
    axes.set_ylabel("true labels", fontsize=14)
    axes.xaxis.set_label_position("top")
    for part in (axes, bar.ax):
        _ink(part, _INK[dark])
    return _save(figure)


def digits(images: "NDArray[np.uint8]", truth: Sequence[int], read: Sequence[int]) -> bytes:
    """Draw digits in one row, what was read above each: black on white, misses red and white on black."""
    figure = Figure(figsize=(20 * len(read) / 30, 1), layout="constrained")
    for axes, image, true, label in zip(np.ravel(figure.subplots(1, len(read))), images, truth, read, strict=True):
        is_miss = label != true
        axes.imshow(image.reshape(SIDE, SIDE), cmap="gray" if is_miss else "gray_r", vmin=0, vmax=255)
        axes.set_axis_off()
        axes.set_title(str(label), fontsize=18, color="red" if is_miss else "black")
    return _save(figure, opaque=True)


def latency(evaluation: Evaluation, *, dark: bool = False) -> bytes:
    """Draw how many requests took how long, with the 50th and 95th of a hundred marked."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.hist(evaluation.latencies_ms, bins=30, color=_BARS[dark])
    for percent, style in ((50, "--"), (95, ":")):
        at = evaluation.latency(percent)
        axes.axvline(at, color=_INK[dark], linestyle=style, label=f"p{percent} {at:.1f} ms")
    axes.set_xlabel("milliseconds for one image", fontsize=14)
    axes.set_ylabel("requests", fontsize=14)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, labelcolor=_INK[dark], fontsize=12)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    _ink(axes, _INK[dark])
    return _save(figure)


def thumbnail(image: "NDArray[np.uint8]") -> bytes:
    """Return one image as the smallest plain PNG: grey, a byte for each pixel, no filter."""
    lines = np.zeros((SIDE, SIDE + 1), np.uint8)  # each line starts with its filter, 0
    lines[:, 1:] = image.reshape(SIDE, SIDE)
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _ink(axes: "Axes", colour: str) -> None:
    axes.tick_params(colors=colour, labelsize=12)
    axes.xaxis.label.set_color(colour)
    axes.yaxis.label.set_color(colour)
    for spine in axes.spines.values():
        spine.set_edgecolor(colour)


def _save(figure: Figure, *, opaque: bool = False) -> bytes:
    file = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(file, format="png", dpi=_DOTS_PER_INCH, transparent=not opaque, metadata={"Software": None})
    return file.getvalue()
