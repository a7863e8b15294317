"""The contestants of `quality.py`: each scores pairs of files, the more alike the higher.

A contestant is fitted on all files once, scores their pairs, and then scores edited copies of
some of them. This package's contestants are its finder, through its public methods. Others compare
hashes or pixels by brute force.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scores import KEPT, NOT_NOMINATED, keep_highest

from hashfeatures import NearDuplicateFinder
from hashfeatures.hamming._packing import hamming_distances
from hashfeatures.hashing._batch import hash_sources
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.images._decoding import Decoding

Same = set[tuple[int, int]]
Floats = NDArray[np.float64]

FLOOR = 0.5  # agreements below are not looked at
BLOCK = 256


class Matcher:
    """A contestant.

    Parameters
    ----------
    name : str
        What it is called.
    own : float or None
        The score of two matching images at its own default or documented setting.
    setting : str
        That setting.
    needs : str or None
        The module that it needs.
    """

    def __init__(
        self, name: str, own: float | None = None, setting: str = "", needs: str | None = None
    ) -> None:
        self.name = name
        self.own = own
        self.setting = setting
        self.needs = needs

    def is_installed(self) -> bool:
        """Whether the module that it needs is installed."""
        return self.needs is None or find_spec(self.needs) is not None

    def fit(self, paths: Sequence[str], same: Same, jobs: int) -> Floats:
        """Read files, and return the highest scores of the pairs that are not in `same`."""
        raise NotImplementedError

    def score(self, copies: Sequence[str], rows: NDArray[np.intp]) -> Floats:
        """Return the score of each copy and of the file in its row."""
        raise NotImplementedError


class Finder(Matcher):
    """The finder of this package, by the agreement of pixels or by the distance of hashes alone.

    Parameters
    ----------
    views : str
        The views that are compared.
    radius : int or None
        The default radius of hashes alone. None lets pixels confirm, within the wider default.
    """

    AGREEMENT = 0.85  # by default

    def __init__(self, views: str, radius: int | None = None) -> None:
        if radius is None:
            own = self.AGREEMENT
            super().__init__(f"phash, dhash, {views}, confirmed", own, f"agreement {own}")
            self._finder = NearDuplicateFinder(views=views, min_agreement=FLOOR)
        else:
            super().__init__(f"phash, dhash, {views}, alone", -radius, f"radius {radius}")
            self._finder = NearDuplicateFinder(radius=2 * radius, views=views, verify=False)

    def fit(self, paths: Sequence[str], same: Same, jobs: int) -> Floats:  # noqa: D102
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on chains of such a radius
            self._finder.set_params(n_jobs=jobs).fit(paths)
            found = self._finder.pairs_
        apart = are_apart(found.left, found.right, same)
        return keep_highest(self._rate(found)[apart], count_different(paths, same))

    def score(self, copies: Sequence[str], rows: NDArray[np.intp]) -> Floats:  # noqa: D102
        found = self._finder.matches(copies)
        scores = np.full(len(copies), NOT_NOMINATED)
        own = found.right == rows[found.left]
        scores[found.left[own]] = self._rate(found)[own]
        return scores

    def _rate(self, found: Any) -> Floats:
        scores = found.agreement if self._finder.verify else -found.distance
        return np.asarray(scores, dtype=np.float64)


class Hash(Matcher):
    """The Hamming distance of hashes, as a function of files makes them."""

    def __init__(
        self,
        name: str,
        hash_files: Callable[[Sequence[str], int], NDArray[np.uint8]],
        radius: int | None = None,
        needs: str | None = None,
    ) -> None:
        own = None if radius is None else float(-radius)
        super().__init__(name, own, "" if radius is None else f"radius {radius}", needs)
        self._hash_files = hash_files

    def fit(self, paths: Sequence[str], same: Same, jobs: int) -> Floats:  # noqa: D102
        self._jobs = jobs
        self._words = words = self._hash(paths)
        counts = np.zeros(64 * words.shape[1] + 1, dtype=np.int64)
        for row in range(len(words) - 1):
            distances = hamming_distances(words[row], words[row + 1 :])
            counts += np.bincount(distances, minlength=len(counts))
        for left, right in same:
            counts[hamming_distances(words[left], words[right])] -= 1
        n_kept = int(KEPT * counts.sum()) + 2
        counts = np.minimum(counts, n_kept)  # none of the others is kept
        scores = np.repeat(-np.arange(len(counts), dtype=np.float64), counts)
        return keep_highest(scores, count_different(paths, same))

    def score(self, copies: Sequence[str], rows: NDArray[np.intp]) -> Floats:  # noqa: D102
        distances = hamming_distances(self._words[rows], self._hash(copies))
        return -np.asarray(distances, dtype=np.float64)

    def _hash(self, paths: Sequence[str]) -> NDArray[np.uint64]:
        codes = self._hash_files(paths, self._jobs)
        room = np.zeros((len(codes), -(-codes.shape[1] // 8) * 8), dtype=np.uint8)
        room[:, : codes.shape[1]] = codes
        return room.view(np.uint64)


class Difpy(Matcher):
    """difPy: the mean squared error of 50 by 50 pixels in RGB, as they are and turned twice.

    Its own difference of two pixels overflows at 8 bits. Here it does not, which favors it.
    """

    SIDE = 50

    def __init__(self) -> None:
        super().__init__("difPy's error of pixels", -5.0, "error 5", "difPy")

    def fit(self, paths: Sequence[str], same: Same, jobs: int) -> Floats:  # noqa: D102
        self._pixels = pixels = self._read(paths)
        norms = (pixels**2).mean(axis=(1, 2, 3))
        flat = pixels.reshape(len(pixels), -1)
        turned = [np.rot90(pixels, quarters, (1, 2)).reshape(flat.shape) for quarters in range(3)]
        n_pairs = count_different(paths, same)
        best = np.empty(0)
        for start in range(0, len(flat), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(flat)))
            products = np.max([flat[rows] @ others.T for others in turned], axis=0)
            scores = 2 * products / flat.shape[1] - norms[rows, None] - norms
            left, right = np.nonzero(rows[:, None] < np.arange(len(flat)))
            scores = scores[left, right]
            good = scores > (best[-1] if len(best) > KEPT * n_pairs else -np.inf)
            left, right, scores = rows[left[good]], right[good], scores[good]
            best = keep_highest(
                np.concatenate([best, scores[are_apart(left, right, same)]]), n_pairs
            )
        return best

    def score(self, copies: Sequence[str], rows: NDArray[np.intp]) -> Floats:  # noqa: D102
        pixels, originals = self._read(copies), self._pixels[rows]
        turned = [np.rot90(pixels, quarters, (1, 2)) for quarters in range(3)]
        errors = [((originals - other) ** 2).mean(axis=(1, 2, 3)) for other in turned]
        return -np.min(errors, axis=0).astype(np.float64)

    def _read(self, paths: Sequence[str]) -> NDArray[np.float32]:
        size = (self.SIDE, self.SIDE)
        images = []
        for path in paths:
            with Image.open(path) as image:
                small = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
            images.append(np.asarray(small))
        return np.stack(images).astype(np.float32)


class StructuralSimilarity(Matcher):
    """scikit-image's SSIM of 64 by 64 pixels of luma, of the pairs that hashes nominate."""

    SIDE = 64

    def __init__(self) -> None:
        super().__init__("scikit-image's SSIM of pairs within 28 bits", needs="skimage")
        self._finder = NearDuplicateFinder(radius=28, verify=False)

    def fit(self, paths: Sequence[str], same: Same, jobs: int) -> Floats:  # noqa: D102
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self._finder.set_params(n_jobs=jobs).fit(paths).pairs_
        self._pixels = [self._read(path) for path in paths]
        apart = are_apart(found.left, found.right, same)
        pairs = zip(found.left[apart], found.right[apart], strict=True)
        scores = [self._compare(self._pixels[left], self._pixels[right]) for left, right in pairs]
        return keep_highest(np.array(scores), count_different(paths, same))

    def score(self, copies: Sequence[str], rows: NDArray[np.intp]) -> Floats:  # noqa: D102
        found = self._finder.matches(copies)
        scores = np.full(len(copies), NOT_NOMINATED)
        for copy in found.left[found.right == rows[found.left]]:
            scores[copy] = self._compare(self._read(copies[copy]), self._pixels[rows[copy]])
        return scores

    def _read(self, path: str) -> NDArray[np.uint8]:
        with Image.open(path) as image:
            small = image.convert("L").resize((self.SIDE, self.SIDE), Image.Resampling.LANCZOS)
        return np.asarray(small)

    def _compare(self, left: Any, right: Any) -> float:
        from skimage.metrics import structural_similarity

        return float(structural_similarity(left, right))


# ---- Hashes ----


def hash_by_name(name: str) -> Callable[[Sequence[str], int], NDArray[np.uint8]]:
    """Return a function of files to the bits of one of this package's hashes."""

    def hash_files(paths: Sequence[str], jobs: int) -> NDArray[np.uint8]:
        specs, decoding = parse_hashes(name), Decoding("reduced")
        packed: NDArray[np.uint8] = hash_sources(
            paths, specs, decoding, errors="raise", n_jobs=jobs
        ).packed(0)
        return packed

    return hash_files


def hash_by_opencv(paths: Sequence[str], jobs: int) -> NDArray[np.uint8]:
    """Return OpenCV's phashes."""
    return np.concatenate(Parallel(n_jobs=jobs)(delayed(_opencv)(path) for path in paths))


def _opencv(path: str) -> Any:
    import cv2

    return cv2.img_hash.pHash(cv2.imread(path))


def hash_by_iscc(paths: Sequence[str], jobs: int) -> NDArray[np.uint8]:
    """Return the image codes of ISO 24138."""
    return np.stack(Parallel(n_jobs=jobs)(delayed(_iscc)(path) for path in paths))


def _iscc(path: str) -> NDArray[np.uint8]:
    """Normalize an image as the standard's reference does, and return its code of 256 bits."""
    import iscc_lib

    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    gray = _trim(upright.convert("RGB")).convert("L").resize((32, 32), Image.Resampling.BICUBIC)
    code = iscc_lib.gen_image_code_v0(gray.tobytes(), 256)["iscc"].removeprefix("ISCC:")
    decoded = base64.b32decode(code + "=" * (-len(code) % 8))
    return np.frombuffer(decoded[-32:], dtype=np.uint8)


def _trim(image: Image.Image) -> Image.Image:
    from PIL import ImageChops

    corner = Image.new("RGB", image.size, image.getpixel((0, 0)))
    box = ImageChops.difference(image, corner).getbbox()
    return image.crop(box) if box else image


# ---- Pairs ----


def are_apart(left: Any, right: Any, same: Same) -> NDArray[np.bool_]:
    """Return which pairs show different pictures."""
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    return np.fromiter((pair not in same for pair in pairs), dtype=bool, count=len(left))


def count_different(paths: Sequence[str], same: Same) -> int:
    """Return the number of pairs of different pictures."""
    return len(paths) * (len(paths) - 1) // 2 - len(same)


MATCHERS: tuple[Matcher, ...] = (
    *(
        Hash(f"ImageHash's {name}", hash_by_name(name))
        for name in ("ahash", "phash", "dhash", "whash", "colorhash")
    ),
    Hash("imagededup's phash at 10", hash_by_name("phash"), 10),
    Hash("czkawka's gradient of 16 at 5", hash_by_name("dhash:16"), 5),
    Hash("perception's phash of 16 at 51", hash_by_name("phash:16"), 51),
    Hash("pdq at 31", hash_by_name("pdq"), 31, "pdqhash"),
    Hash("OpenCV's phash", hash_by_opencv, needs="cv2"),
    Hash("ISO 24138's image code (iscc-lib)", hash_by_iscc, needs="iscc_lib"),
    Difpy(),
    StructuralSimilarity(),
    Finder("identity", 12),
    Finder("dihedral", 12),
    Finder("robust", 9),
    Finder("identity"),
    Finder("dihedral"),
    Finder("robust"),
)
