"""Measure the radius at which each hash, pair of hashes and kind of views matches equally often.

Every two images of all folders are compared, except pairs that show the same picture (see
`same_picture.py`). The radius of a comparison is the largest at which it matches no more of these
pairs than `--rate` in a million. If even 0 bits match more, it is 0. The default rate is
`hashfeatures.hashing._default_radius.PER_MILLION`, that of matches by hashes alone. `--like`
takes the rate at which "phash" and "dhash" match within so many bits instead.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from hashing import show
from joblib import Parallel, delayed
from numpy.typing import NDArray
from same_picture import find_files, find_same, make_files, read_listed, thumbnail

from hashfeatures.duplicates.fingerprints._base import Codes
from hashfeatures.duplicates.fingerprints._segments import SegmentCodes
from hashfeatures.duplicates.fingerprints._views import ViewCodes
from hashfeatures.exceptions import MissingExtraError
from hashfeatures.hamming._packing import hamming_distances
from hashfeatures.hashing._batch import hash_sources
from hashfeatures.hashing._default_radius import PER_MILLION, default_radius
from hashfeatures.hashing._hash_arrays import HashArrays
from hashfeatures.hashing._spec import HashSpec, parse_hashes
from hashfeatures.hashing.views._modes import compare_by
from hashfeatures.hashing.views._windows import VIEW_SETS
from hashfeatures.images._decoding import Decoding

MIN_DETAIL = 10  # of a finder, by default
SIZES = (8, 16)
SEED = ("ahash", "phash", "dhash", "whash", "colorhash")
LUMA = ("ahash", "phash", "phash_simple", "dhash", "dhash_vertical", "whash")
PLAIN: tuple[tuple[str, ...], ...] = (
    *((f"{name}:{size}",) for name in LUMA for size in (4, *SIZES)),
    *(("phash:32",), ("dhash:32",), ("pdq",), ("colorgrid",)),
    *((f"colorhash:{size}",) for size in (2, 3, 4, 6)),
    *combinations(SEED, 2),
    ("phash:16", "dhash:16"),
    SEED,
)
TURNED = ("phash", "dhash")
BLOCK = 32

Words = NDArray[np.uint64]
Counts = NDArray[np.int64]


class Row(NamedTuple):
    """The number of pairs of different images at each distance from 0 bits on."""

    views: str
    specs: tuple[HashSpec, ...]
    counts: Counts


class Population(NamedTuple):
    """Images that show different pictures, but for some known pairs.

    Parameters
    ----------
    paths : list of str
        The images.
    left, right : ndarray of shape (n_same,), dtype intp
        The pairs that show the same picture.
    """

    paths: list[str]
    left: NDArray[np.intp]
    right: NDArray[np.intp]

    @property
    def n_pairs(self) -> int:
        """The number of pairs of different pictures."""
        return len(self.paths) * (len(self.paths) - 1) // 2 - len(self.left)


def find_population(paths: Sequence[str], jobs: int) -> Population:
    """Return the images of enough detail, and the pairs of them that show the same picture."""
    hashes = hash_all(paths, parse_hashes("phash"), jobs)
    out = {*hashes.digests, *hashes.errors}
    kept = [path for row, path in enumerate(paths) if row not in out]
    same = find_same(Parallel(n_jobs=jobs)(delayed(thumbnail)(path) for path in kept))
    same |= read_listed(kept)
    left, right = np.array(sorted(same), dtype=np.intp).reshape(-1, 2).T
    return Population(kept, left, right)


def hash_all(paths: Sequence[str], specs: tuple[HashSpec, ...], jobs: int) -> HashArrays:
    """Hash images as a finder does."""
    decoding = Decoding("reduced")
    return hash_sources(
        paths, specs, decoding, errors="coerce", min_detail=MIN_DETAIL, n_jobs=jobs
    )


# ---- Images as they are: all distances ----


def count_plain(images: Population, jobs: int, rate: float) -> Iterator[Row]:
    """Yield the comparisons of whole images, at any rate."""
    wanted = [parse_hashes(names) for names in PLAIN]
    specs = tuple(filter(_is_installed, dict.fromkeys(spec for each in wanted for spec in each)))
    hashes = hash_all(images.paths, specs, jobs)
    words = {spec: _as_words(hashes.packed(place)) for place, spec in enumerate(specs)}
    wanted = [each for each in wanted if set(each) <= set(specs)]
    counts = [np.zeros(sum(spec.n_bits for spec in each) + 1, dtype=np.int64) for each in wanted]
    n_images = len(images.paths)
    for start in range(0, n_images, BLOCK):
        rows, others = np.arange(start, min(start + BLOCK, n_images)), np.arange(start, n_images)
        once = rows[:, None] < others
        distances = {
            spec: hamming_distances(codes[rows, None], codes[others], np.int16)[once]
            for spec, codes in words.items()
        }
        for each, count in zip(wanted, counts, strict=True):
            count += _tally([distances[spec] for spec in each], len(count))
    left, right = images.left, images.right
    for each, count in zip(wanted, counts, strict=True):
        count -= _tally(
            [hamming_distances(words[spec][left], words[spec][right], np.int16) for spec in each],
            len(count),
        )
        yield Row("identity", each, count)


def _is_installed(spec: HashSpec) -> bool:
    try:
        spec.check_installed()
    except MissingExtraError as error:
        print(f"Left out: {error}", flush=True)
        return False
    return True


def _as_words(packed: NDArray[np.uint8]) -> Words:
    room = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), dtype=np.uint8)
    room[:, : packed.shape[1]] = packed
    return room.view(np.uint64)


def _tally(distances: Iterable[NDArray[np.int16]], length: int) -> Counts:
    return np.bincount(np.sum(list(distances), axis=0, dtype=np.int64), minlength=length)


# ---- Views and segments: near pairs ----


def count_views(images: Population, jobs: int, rate: float) -> Iterator[Row]:
    """Yield the comparisons over views. The views of smaller sets are the first of "robust"."""
    for size in SIZES:
        two = parse_hashes([f"{name}:{size}" for name in TURNED])
        (spec,) = compare_by(two, "robust", MIN_DETAIL)
        codes = hash_all(images.paths, (spec,), jobs).packed(0)
        for chosen in (two, two[:1], two[1:]):
            words = _choose(codes, spec, two, chosen)
            for views in ("flips", "dihedral", "robust"):
                view_set = VIEW_SETS[views]
                part = ViewCodes(np.ascontiguousarray(words[:, : view_set.n_views]), view_set)
                yield Row(views, chosen, _count_near(part, images, chosen, jobs, rate))


def count_segments(images: Population, jobs: int, rate: float) -> Iterator[Row]:
    """Yield the comparisons of segments, which are cut once for all hashes of a size."""
    for size in SIZES:
        every = parse_hashes([f"{name}:{size}" for name in LUMA])
        (spec,) = compare_by(every, "segments", MIN_DETAIL)
        codes = hash_all(images.paths, (spec,), jobs).packed(0)
        two = tuple(each for each in every if each.name in TURNED)
        for chosen in (*((each,) for each in every), two):
            part = SegmentCodes.fit(_choose(codes, spec, every, chosen))
            yield Row("segments", chosen, _count_near(part, images, chosen, jobs, rate))


def _choose(
    codes: NDArray[np.uint8],
    spec: Any,
    specs: Sequence[HashSpec],
    chosen: Sequence[HashSpec],
) -> Words:
    """Return the words of each view or segment, the bits of the chosen hashes alone."""
    words = np.ascontiguousarray(codes).view(np.uint64).reshape(len(codes), -1, spec.n_words)
    bits = np.concatenate([np.full(each.n_bits, each in chosen) for each in specs])
    mask = _as_words(np.packbits(bits)[None])[0]
    used = np.flatnonzero(mask)
    return np.ascontiguousarray(words[..., used] & mask[used])


def _count_near(
    codes: Codes, images: Population, specs: Sequence[HashSpec], jobs: int, rate: float
) -> Counts:
    """Count pairs up to the radius that exceeds the rate, as weak hashes soon match all pairs."""
    n_bits, reach = sum(spec.n_bits for spec in specs), 0
    known = images.left * len(images.paths) + images.right
    while True:
        near = codes.pairs(reach, jobs)
        apart = ~np.isin(near.left * len(images.paths) + near.right, known)
        if 1e6 * apart.sum() > rate * images.n_pairs or 2 * reach > n_bits:
            return np.bincount(near.distance[apart], minlength=reach + 1)
        reach += max(1, reach // 2)


def rate_at(radius: int, images: Population, jobs: int) -> float:
    """Return how many of a million pairs "phash" and "dhash" match within a radius."""
    hashes = hash_all(images.paths, parse_hashes(TURNED), jobs)
    words = np.hstack([_as_words(hashes.packed(place)) for place in range(len(TURNED))])
    within = sum(
        np.count_nonzero(hamming_distances(words[row], words[row + 1 :]) <= radius)
        for row in range(len(words) - 1)
    )
    within -= np.count_nonzero(
        hamming_distances(words[images.left], words[images.right]) <= radius
    )
    return 1e6 * within / images.n_pairs


KINDS = {"identity": count_plain, "views": count_views, "segments": count_segments}


# ---- The table ----


def tabulate(row: Row, n_pairs: int, rate: float) -> list[str]:
    """Return the cells of a comparison."""
    rates = 1e6 * np.cumsum(row.counts) / n_pairs
    radius = max(0, int(np.searchsorted(rates, rate, side="right")) - 1)
    beyond = f"{rates[radius + 1]:.3g}" if radius + 1 < len(rates) else ""
    return [
        row.views,
        ", ".join(map(str, row.specs)),
        str(sum(spec.n_bits for spec in row.specs)),
        str(radius),
        f"{rates[radius]:.3g}",
        beyond,
        str(default_radius(row.specs, row.views).bits),
    ]


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="images of your own")
    parser.add_argument("--jobs", type=int, default=2, help="workers")
    parser.add_argument(
        "--rate", type=float, default=PER_MILLION, help="matches in a million pairs"
    )
    parser.add_argument(
        "--like", type=int, metavar="BITS", help="the rate of phash and dhash at so many bits"
    )
    parser.add_argument("--quick", action="store_true", help="50 images, without segments")
    parser.add_argument(
        "--only", choices=KINDS, action="append", help="compare these; may be given more than once"
    )
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        folders = options.folders
        sets = [find_files(folder) for folder in folders] or [make_files(Path(temporary))]
        paths = [path for files in sets for path in files]
        images = find_population(paths[:50] if options.quick else paths, options.jobs)
        kinds = options.only or list(KINDS)[: 2 if options.quick else 3]
        rate = options.rate
        if options.like is not None:
            rate = rate_at(options.like, images, options.jobs)
        rows = [
            tabulate(row, images.n_pairs, rate)
            for kind in kinds
            for row in KINDS[kind](images, options.jobs, rate)
        ]
    print(
        f"{images.n_pairs} pairs of {len(images.paths)} images; {len(images.left)} pairs "
        f"that show the same picture set aside. The rate: {rate:.4g} in a million.\n"
    )
    header = ["views", "hashes", "bits", "radius", "in a million", "one bit more", "default"]
    show([header, *rows], options.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
