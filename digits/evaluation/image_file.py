"""A picture of one digit in a file: any size, colours, transparency, turned as its camera says."""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from digits.datasets import ImageError
from digits.datasets.mnist_form import find_ink, shape
from digits.evaluation import doubts

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of what the library reads those that people have pictures in: others run programs of their own (EPS) or are documents.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
_LONGEST = 1000  # pixels; more say nothing about 28
_BRIGHTEST = 255
_ONE_GREY = 64  # what differs by less is one colour

logging.getLogger("PIL").addHandler(logging.NullHandler())  # what it would print of a damaged file is in the error


def read(path: Path) -> "NDArray[np.uint8]":
    """Return the digit as MNIST would have it, a row of 784 bytes; raises ImageError."""
    return examine(path)[0]


def examine(path: Path) -> "tuple[NDArray[np.uint8], list[str]]":
    """Return the row, and a sentence for each doubt that it is one digit; raises ImageError."""
    with warnings.catch_warnings(action="ignore"):  # of odd metadata; what matters is raised
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        grey = _load(path)
    ink = find_ink(grey, str(path))
    digit = shape(ink)
    return digit.reshape(-1), [f"{path} {doubt}." for doubt in doubts.find(ink, digit)]


def _load(path: Path) -> "NDArray[np.float64]":
    try:
        with Image.open(path, formats=_FORMATS) as image:
            _require_one_page(image, path)
            return _grey(image)
    except ImageError:
        raise
    except UnidentifiedImageError:
        known = ", ".join(_FORMATS)
        raise ImageError(f"{path} is not a picture that is read here: save it as one of {known}.") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(
            f"{path} has more than {Image.MAX_IMAGE_PIXELS:,} pixels: cut the digit out, or save it smaller."
        ) from error
    except Exception as error:  # the library raises whatever the damage makes of it
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ImageError(f"{path} cannot be read as a picture: {reason}.") from error


def _require_one_page(image: Image.Image, path: Path) -> None:
    pages = getattr(image, "n_frames", 1)
    if pages > 1 and image.format != "MPO":  # a camera's: one picture, and smaller copies of it
        raise ImageError(f"{path} has {pages} pages: save the one with the digit by itself.")


def _grey(image: Image.Image) -> "NDArray[np.float64]":
    """Return the greys of the picture the right way up, 0 to 255, not larger than is of use."""
    image = ImageOps.exif_transpose(image)
    if image.mode[0] in "IF":  # 16 or 32 bits for each pixel, of which nobody says how bright they can be
        image = image.convert("F")
        image.thumbnail((_LONGEST, _LONGEST))
        grey: NDArray[np.float64] = np.nan_to_num(np.asarray(image, np.float64))
        grey -= grey.min()
        grey *= _BRIGHTEST / (grey.max() or 1)
        return grey
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((_LONGEST, _LONGEST))
    if image.mode == "RGB":
        return np.asarray(image.convert("L"), np.float64)
    grey, alpha = np.moveaxis(np.array(image.convert("LA"), np.float64), 2, 0)
    alpha /= _BRIGHTEST
    grey += (_paper(grey[alpha > 1 / 2]) - grey) * (1 - alpha)
    return grey


def _paper(opaque: "NDArray[np.float64]") -> float:
    """Return the grey to put behind a picture: its own paper where it has one, else the opposite of its ink."""
    if opaque.size == 0:
        return 0.0
    middle = float(np.median(opaque))
    if np.ptp(opaque) >= _ONE_GREY:
        return middle
    return 0.0 if middle > _BRIGHTEST / 2 else float(_BRIGHTEST)
