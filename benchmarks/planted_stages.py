"""Write directories of hashes as `hash_dataset` would, with near duplicates that are known.

There are three kinds of images. A *copy* is an earlier image with a few bits and a little noise
changed. *Strangers* come in sets, in which the hashes of any two are within the radius, but their
pictures differ. All other codes are uniform bits, and hardly ever near another.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from same_picture import make_files
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hashfeatures import NearDuplicateFinder
from hashfeatures.distributed import read_stage
from hashfeatures.distributed._hash_stage import KIND, LISTING, column_widths, keys_of, schema_of
from hashfeatures.distributed._part_directory import arrow
from hashfeatures.distributed._stage_finder import note_of, plan_of
from hashfeatures.distributed._stages import Stage
from hashfeatures.duplicates.fingerprints._base import digest
from hashfeatures.duplicates.fingerprints._thumbnails import Thumbnails
from hashfeatures.hamming._pairs import Pairs
from hashfeatures.hashing._thumbnail import THUMBNAIL

N_BITS = 128
COPIES = 0.2  # the share of images that are copies of others
MOST_FLIPS = 3  # bits in which a copy differs, so that two copies of one are near too
STRANGERS = 0.5  # the share of images that may be in sets of strangers
# Of all pairs of different pictures, the share within a radius of 128 bits, by phash and dhash. Of
# 8 million pairs of quarters of different photos of ImageNet, 1, 3, 10 and 41 are.
NOMINATED = {16: 1.3e-7, 20: 3.8e-7, 24: 1.3e-6, 28: 5.2e-6}
PICTURES = 300  # that are different
NOISE = 4  # levels of luma
CLEAR = 0.95  # agreement of two noisy copies of a picture that is used
CODES_PART, PART = 1 << 16, 1 << 13  # images in a part, without thumbnails and with them


@dataclass
class Planted:
    """What is known of planted images.

    Attributes
    ----------
    family : ndarray of shape (n_images,), dtype int64
        The original of each image.
    picture : ndarray of shape (n_images,), dtype int64
        What each image shows.
    n_pairs : int
        The pairs of images with one original. Of equal images, only the first is in others.
    n_strangers : int
        The pairs of different pictures that hashes nominate.
    """

    family: NDArray[np.int64]
    picture: NDArray[np.int64]
    n_pairs: int = 0
    n_strangers: int = 0

    def check(self, pairs: Path) -> str:
        """Return what is wrong with found pairs: all of one family, and no others but by chance.

        Uniform codes may be near by chance. Then they are a pair if they show the same picture.
        """
        found = read_stage(pairs)
        left, right = (found[side].to_numpy().astype(np.int64) for side in ("left", "right"))
        is_planted = self.family[left] == self.family[right]
        others = np.flatnonzero(~is_planted)
        wrong = (self.picture[left[others]] != self.picture[right[others]]).sum()
        if is_planted.sum() != self.n_pairs or wrong:
            return f"{is_planted.sum()} of {self.n_pairs} planted pairs, and {wrong} wrong ones"
        return ""

    def count_groups(self, pairs: Path) -> int:
        """Return the number of groups: one for each original, fewer if some are near by chance."""
        found = read_stage(pairs)
        left, right = (self.family[found[side].to_numpy()] for side in ("left", "right"))
        links = coo_array(
            (np.ones(len(left), dtype=np.int8), (left, right)), 2 * self.family.shape
        )
        labels = connected_components(links, directed=False)[1]
        return len(np.unique(labels[np.unique(self.family)]))


def open_pictures(n_pictures: int = PICTURES) -> NDArray[np.void]:
    """Return thumbnails that show different pictures, cut from the photos in a wheel."""
    comparison = NearDuplicateFinder()._comparison()
    with tempfile.TemporaryDirectory() as made:
        paths = make_files(Path(made))
        chosen = np.random.default_rng(0).permutation(len(paths))[:n_pictures]
        images = comparison.fingerprint([paths[row] for row in chosen]).fingerprints
    images = images.take(np.flatnonzero(images.comparable))
    left, right = np.triu_indices(len(images.comparable), 1)
    pairs = Pairs(left, right, np.zeros(len(left), dtype=np.int64))
    is_same = comparison.confirmation.test(images, images, pairs, 2)
    different = np.setdiff1d(np.arange(len(images.comparable)), right[is_same])
    assert images.thumbnails is not None
    records = images.thumbnails.read(different)
    # Noise drowns pictures of little contrast.
    rows = np.arange(len(records))
    rng = np.random.default_rng(0)
    noisy, again = (
        Thumbnails.of(_add_noise(records.copy(), rng).view(THUMBNAIL)[:, 0]) for _ in range(2)
    )
    pairs = Pairs(rows, rows, np.zeros(len(rows), dtype=np.int64))
    agreement = comparison.confirmation.align(noisy, again, pairs, 2, is_thorough=True).agreement
    return records[agreement > CLEAR]


def write_hashes(
    out: Path,
    n_images: int,
    finder: NearDuplicateFinder,
    pictures: NDArray[np.void] | None,
    radius: int,
) -> Planted:
    """Write a directory of hashes, and return what is known of its images.

    Parameters
    ----------
    out : Path
        The directory.
    n_images : int
        The number of images.
    finder : NearDuplicateFinder
        The finder whose hashes these are, with thumbnails or without.
    pictures : ndarray of dtype THUMBNAIL, or None
        What the images show. None writes no thumbnails and plants no strangers.
    radius : int
        The radius within which hashes nominate strangers.
    """
    strangers_each = 0.0 if pictures is None else NOMINATED[radius] * (n_images - 1) / 2
    plan = plan_of(finder)
    schema = schema_of(plan.computed)
    planted = Planted(*np.zeros((2, n_images), dtype=np.int64))
    part_size = CODES_PART if pictures is None else PART
    with Stage.create(out, KIND, plan.as_settings(), note_of(finder)) as stage:
        listing = stage.sub(LISTING)
        for number, first in enumerate(range(0, n_images, part_size)):
            rng = np.random.default_rng(number)
            rows = slice(first, min(first + part_size, n_images))
            n_rows = rows.stop - first
            codes, family, n_strangers, set_size = _plant_codes(
                rng, n_rows, strangers_each, radius
            )
            planted.family[rows] = planted.picture[rows] = first + family
            planted.n_strangers += n_strangers
            content = codes
            originals = family  # of different images
            if pictures is not None:
                # Those of a set show different pictures, as they follow one another.
                assert set_size <= len(pictures)
                shown = (number + np.arange(n_rows))[family] % len(pictures)
                planted.picture[rows] = shown
                content = np.hstack([codes, _add_noise(pictures[shown], rng)])
            else:
                rows_of_bits = np.column_stack([family, codes.view(np.int64)])
                originals = np.unique(rows_of_bits, axis=0)[:, 0]
            sizes = np.bincount(originals)
            planted.n_pairs += int((sizes * (sizes - 1) // 2).sum()) + n_rows - int(sizes.sum())
            table = _tabulate(first, content, column_widths(plan.computed), schema)
            name = f"part-{number:08d}.parquet"
            stage.write(name, [table], schema)
            units = table.select(["image"]).rename_columns(["unit"])
            listing.write(name, [units], units.schema)
    return planted


def _plant_codes(
    rng: np.random.Generator, n_rows: int, strangers_each: float, radius: int
) -> tuple[NDArray[np.uint8], NDArray[np.intp], int, int]:
    """Return codes, the original of each, the number of pairs of strangers, and their sets' size.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of random bits.
    n_rows : int
        The number of codes.
    strangers_each : float
        The pairs of strangers, for each code.
    radius : int
        The most bits in which two of a set differ.
    """
    codes = rng.integers(0, 256, (n_rows, N_BITS // 8), dtype=np.uint8)
    n_copies = int(COPIES * n_rows)
    set_size = 1 + ceil(2 * strangers_each / STRANGERS)
    n_pairs_each = set_size * (set_size - 1) // 2
    n_sets = round(strangers_each * n_rows / n_pairs_each) if n_pairs_each else 0
    n_sets = min(n_sets, (n_rows - n_copies) // (set_size + 1))
    n_strange = n_sets * set_size
    middles = rng.integers(0, 256, (n_sets, N_BITS // 8), dtype=np.uint8)
    flips = _masks(rng, np.full(n_strange, radius // 2))
    codes[:n_strange] = np.repeat(middles, set_size, axis=0) ^ flips
    # The originals of copies are not strangers, so that the number of near pairs is known.
    originals = rng.integers(n_strange, n_rows - n_copies, n_copies)
    flips = _masks(rng, rng.integers(0, MOST_FLIPS + 1, n_copies))
    codes[n_rows - n_copies :] = codes[originals] ^ flips
    family = np.arange(n_rows)
    family[n_rows - n_copies :] = originals
    return codes, family, n_sets * n_pairs_each, set_size


def _masks(rng: np.random.Generator, n_flips: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return packed bits with as many ones as each row wants."""
    most = int(n_flips.max(initial=0))
    bits = np.zeros((len(n_flips), N_BITS), dtype=np.uint8)
    order = np.argpartition(rng.random(bits.shape, dtype=np.float32), most, axis=1)[:, :most]
    np.put_along_axis(bits, order, (np.arange(most) < n_flips[:, None]).astype(np.uint8), axis=1)
    return np.packbits(bits, axis=1)


def _add_noise(records: NDArray[np.void], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the bytes of thumbnails of which no two are equal."""
    luma = records["luma"]
    noise = np.frombuffer(rng.bytes(luma.size), dtype=np.uint8).reshape(luma.shape) % NOISE
    records["luma"] = np.maximum(luma, noise) - noise
    return records.view(np.uint8).reshape(len(records), -1)


def _tabulate(
    first: int, content: NDArray[np.uint8], widths: dict[str, int], schema: object
) -> object:
    """Return the rows of images as a pyarrow.Table."""
    pyarrow = arrow()
    n_rows = len(content)
    names = [f"/images/{row:010d}.jpg" for row in range(first, first + n_rows)]
    none = pyarrow.nulls(n_rows)
    columns = {
        "image": pyarrow.array(names),
        "key": pyarrow.array(keys_of(names)),
        "detail": pyarrow.array(np.full(n_rows, 100, dtype=np.uint8)),
        "width": pyarrow.array(np.full(n_rows, 500, dtype=np.int32)),
        "height": pyarrow.array(np.full(n_rows, 375, dtype=np.int32)),
    }
    start = 0
    for name, width in widths.items():
        columns[name] = _as_bytes(content[:, start : start + width])
        start += width
    columns["fingerprint"] = _as_bytes(digest([row.tobytes() for row in content]).view(np.uint8))
    return pyarrow.table(
        [columns.get(field.name, none.cast(field.type)) for field in schema], schema=schema
    )


def _as_bytes(rows: NDArray[np.uint8]) -> object:
    pyarrow = arrow()
    buffer = pyarrow.py_buffer(np.ascontiguousarray(rows))
    kind = pyarrow.binary(rows.shape[1])
    return pyarrow.FixedSizeBinaryArray.from_buffers(kind, len(rows), [None, buffer])
