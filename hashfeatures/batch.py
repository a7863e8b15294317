"""Many image sources to one matrix of bits: in parallel, row-aligned, failures told."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from PIL import Image
from tqdm.auto import tqdm

from .exceptions import FailedImagesWarning, ImageReadError
from .hashing.plate import Plate, measure_detail
from .hashing.spec import HashSpec
from .images import Decoding, describe_error, quiet_decoding, read_image, read_whole
from .sources import describe_source

# Images that a worker is handed at a time: enough to hide the cost of handing them over, few
# enough that the progress bar moves and the workers finish together.
_CHUNK = 16


@dataclass(frozen=True)
class ImageRecord:
    """What is known of one hashed image.

    Parameters
    ----------
    bits : ndarray of shape (n_bits,), dtype uint8
        Zeros and ones, hash after hash.
    detail : int
        How much structure the image has, 0 to 100.
    width, height : int
        The size in pixels of the image as it is seen.
    format : str or None
        Pillow's name of the file format.
    digest : bytes or None
        Of the decoded pixels, where the image has less detail than was asked for.
    """

    bits: NDArray[np.uint8]
    detail: int
    width: int
    height: int
    format: str | None
    digest: bytes | None


@dataclass(frozen=True)
class Hashes:
    """The hashes of many images, row i being image i.

    Parameters
    ----------
    bits : ndarray of shape (n_images, n_bits), dtype uint8
        Zeros and ones; zeros where an image failed.
    records : list of ImageRecord or None
        None where an image failed.
    errors : dict of int to ImageReadError
        What failed, by row.
    """

    bits: NDArray[np.uint8]
    records: list[ImageRecord | None]
    errors: dict[int, ImageReadError]

    def matrix(self) -> NDArray[np.float32]:
        """Return the bits as float32, with rows of NaN where images failed."""
        matrix = self.bits.astype(np.float32)
        matrix[list(self.errors)] = np.nan
        return matrix


def hash_one(
    source: Any, specs: Sequence[HashSpec], decoding: Decoding, digest_below: int = 0
) -> ImageRecord:
    """Hash one image.

    Parameters
    ----------
    source : image source
        See `hashfeatures.images.read_image`.
    specs : sequence of HashSpec
        The hashes.
    decoding : Decoding
        How files become pixels.
    digest_below : int
        Images of less detail than this are given a digest of their pixels.

    Returns
    -------
    ImageRecord
        The bits, and what else is known of the image.

    Raises
    ------
    ImageReadError
        If the image cannot be read or hashed.
    """
    colour = any(spec.algorithm.colour for spec in specs)
    decoded = read_image(
        source,
        decoding,
        reduced_side=8 * max(spec.algorithm.input_side(spec.size) for spec in specs),
        colour=colour,
    )
    try:
        with quiet_decoding():
            plate = Plate(decoded.image, colour)
            detail = measure_detail(plate)
            bits = [spec.algorithm.compute(plate, spec.size).ravel() for spec in specs]
            digest = plate.digest() if detail < digest_below else None
    except Exception as error:  # a mode that Pillow cannot turn into luma, or no memory for it
        raise ImageReadError(describe_source(source), describe_error(error)) from error
    return ImageRecord(
        np.concatenate(bits).astype(np.uint8),
        detail,
        decoded.width,
        decoded.height,
        decoded.format,
        digest,
    )


def hash_sources(
    sources: Sequence[Any],
    specs: Sequence[HashSpec],
    decoding: Decoding,
    *,
    errors: str = "raise",
    digest_below: int = 0,
    n_jobs: int | None = None,
    progress: bool = False,
) -> Hashes:
    """Hash many images.

    Parameters
    ----------
    sources : sequence of image sources
        See `hashfeatures.images.read_image`.
    specs : sequence of HashSpec
        The hashes.
    decoding : Decoding
        How files become pixels.
    errors : {"raise", "coerce"}
        Whether the first image that fails ends the run, or all that fail are told at its end in
        one `FailedImagesWarning`.
    digest_below : int
        Images of less detail than this are given a digest of their pixels.
    n_jobs : int, optional
        How many joblib workers; the backend is the caller's, by `joblib.parallel_config`.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    Hashes
        Row i is image i, whatever failed and however many workers there were.

    Raises
    ------
    ImageReadError
        With ``errors="raise"``: for the first image that cannot be read or hashed.
    """
    n_images = len(sources)
    bits = np.zeros((n_images, sum(spec.n_bits for spec in specs)), dtype=np.uint8)
    records: list[ImageRecord | None] = [None] * n_images
    failures: dict[int, ImageReadError] = {}
    stop_early = errors == "raise"
    with quiet_decoding(), tqdm(total=n_images, unit="img", disable=not progress) as bar:
        chunks: Any = Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(_hash_chunk)(
                [_portable(source) for source in sources[start : start + _CHUNK]],
                specs,
                decoding,
                digest_below,
                stop_early,
            )
            for start in range(0, n_images, _CHUNK)
        )
        for row, outcome in enumerate(_flatten(chunks)):
            if isinstance(outcome, ImageReadError):
                failure = ImageReadError(outcome.source, outcome.cause, position=row)
                if stop_early:
                    chunks.close()
                    raise failure
                failures[row] = failure
                bar.set_postfix(failed=len(failures), refresh=False)
            else:
                bits[row] = outcome.bits
                records[row] = outcome
            bar.update()
    if failures:
        _warn_of(failures, n_images)
    return Hashes(bits, records, failures)


def _portable(source: Any) -> Any:
    """Return what a worker in another process can be handed in place of `source`.

    Open files cannot travel, and an image that Pillow opened but has not decoded yet would fail
    on the way.
    """
    try:
        if isinstance(source, Image.Image):
            source.load()
        elif hasattr(source, "read"):
            return read_whole(source)
    except Exception as error:  # whatever a broken image leads Pillow or the file to
        return ImageReadError(describe_source(source), describe_error(error))
    return source


def _hash_chunk(
    sources: Sequence[Any],
    specs: Sequence[HashSpec],
    decoding: Decoding,
    digest_below: int,
    stop_early: bool,
) -> list[ImageRecord | ImageReadError]:
    outcomes: list[ImageRecord | ImageReadError] = []
    for source in sources:
        try:
            if isinstance(source, ImageReadError):
                raise source
            outcomes.append(hash_one(source, specs, decoding, digest_below))
        except ImageReadError as error:
            outcomes.append(error)
            if stop_early:
                break
    return outcomes


def _flatten(chunks: Any) -> Iterator[ImageRecord | ImageReadError]:
    for chunk in chunks:
        yield from chunk


def _warn_of(failures: dict[int, ImageReadError], n_images: int) -> None:
    shown = "\n".join(f"  {failure}" for failure in list(failures.values())[:5])
    more = f"\n  and {len(failures) - 5} more" if len(failures) > 5 else ""
    warnings.warn(
        f"{len(failures)} of {n_images} images could not be read:\n{shown}{more}",
        FailedImagesWarning,
        stacklevel=4,
    )
