"""The contestants of the benchmark of hashing, each a function of images and a number of workers.

Each library runs with its fastest settings. libphash and OpenCV, which compute a phash alone,
decode nothing but luma. imgdd has no such setting.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache, partial
from multiprocessing.pool import ThreadPool
from typing import Any

import numpy as np
from image_sets import LEAST_SIDE, ImageSet
from joblib import Parallel, delayed
from PIL import Image

FIVE = ("ahash", "phash", "dhash", "whash", "colorhash")
TWO = ("phash", "dhash")


def hash_by_hashfeatures(images: ImageSet, jobs: int, **settings: Any) -> Any:
    """Return the bits of the featurizer."""
    from hashfeatures import ImageHashFeaturizer

    return ImageHashFeaturizer(n_jobs=jobs, **settings).transform(images.paths)


def hash_and_keep(images: ImageSet, jobs: int) -> None:
    """Hash by the featurizer with a cache, which is empty before the warm-up."""
    hash_by_hashfeatures(images, jobs, hashes=FIVE, cache=f"{images.folder}.sqlite")


def hash_by_imagehash(images: ImageSet, jobs: int) -> Any:
    """Return the bits of ImageHash, from a pool of processes."""
    return np.array(in_processes(hash_one_by_imagehash, images, jobs))


def hash_one_by_imagehash(path: str) -> Any:
    """Return the bits of ImageHash's five functions."""
    import imagehash

    with Image.open(path) as image:
        image.load()
        hashes = [
            imagehash.average_hash(image),
            imagehash.phash(image),
            imagehash.dhash(image),
            imagehash.whash(image),
            imagehash.colorhash(image),
        ]
    return np.concatenate([hash_.hash.ravel() for hash_ in hashes])


def decode_by_pillow(images: ImageSet, jobs: int, *, luma: bool = False) -> None:
    """Only decode, in a pool of processes."""
    in_processes(decode_luma_by_pillow if luma else decode_one_by_pillow, images, jobs)


def decode_one_by_pillow(path: str) -> None:
    """Decode one image."""
    with Image.open(path) as image:
        image.load()


def decode_luma_by_pillow(path: str) -> None:
    """Decode the luma of one image at the size that hashfeatures reduces it to."""
    with Image.open(path) as image:
        image.draft("L", (LEAST_SIDE, LEAST_SIDE))
        image.load()


def hash_by_imgdd(images: ImageSet, jobs: int) -> None:
    """Hash the folder by imgdd, in its own pool of threads."""
    os.environ["RAYON_NUM_THREADS"] = str(jobs)  # read once, when the pool starts
    import imgdd

    hashes = imgdd.hash(path=str(images.folder), algo="phash", filter="triangle")
    expect_all(len(hashes), images)


def hash_by_libphash(images: ImageSet, jobs: int, *, reduced: bool = False) -> None:
    """Hash by libphash, in its own pool of threads; only the luma is decoded."""
    import libphash

    scale = images.reduction if reduced else 1
    config = libphash.Config(grayscale=True, decode_scale=scale)
    results = libphash.hash_files(images.paths, "phash", config=config, threads=jobs)
    expect_all(sum(result.ok for result in results), images)


def hash_by_opencv(images: ImageSet, jobs: int, *, reduced: bool = False) -> None:
    """Hash by OpenCV in a pool of threads; only the luma is decoded."""
    import cv2

    cv2.setNumThreads(1)  # besides those of the pool
    scale = images.reduction if reduced else 1
    mode = "IMREAD_GRAYSCALE" if scale == 1 else f"IMREAD_REDUCED_GRAYSCALE_{scale}"
    own = threading.local()  # OpenCV's algorithms keep buffers, which threads cannot share

    def hash_one(path: str) -> Any:
        if not hasattr(own, "algorithm"):
            own.algorithm = cv2.img_hash.PHash_create()
        return own.algorithm.compute(cv2.imread(path, getattr(cv2, mode)))

    hashes = threads(jobs).map(hash_one, images.paths, chunk_size(images, jobs))
    expect_all(len(hashes), images)


def hash_by_imagededup(images: ImageSet, jobs: int) -> None:
    """Hash the folder by imagededup, which starts its own pool of processes in each call."""
    from imagededup.methods import PHash

    encoder = PHash(verbose=False)
    hashes = encoder.encode_images(image_dir=str(images.folder), num_enc_workers=jobs)
    expect_all(len(hashes), images)


def in_processes(function: Callable[[str], Any], images: ImageSet, jobs: int) -> list[Any]:
    """Map over the paths in the same kind of process pool that hashfeatures uses."""
    pool = Parallel(n_jobs=jobs, batch_size=chunk_size(images, jobs))
    return list(pool(delayed(function)(path) for path in images.paths))


def chunk_size(images: ImageSet, jobs: int) -> int:
    """Return a size of chunks that is cheap to send and lets workers finish together."""
    return min(16, -(-len(images.paths) // (8 * jobs)))


@cache
def threads(jobs: int) -> ThreadPool:
    """Return a pool of threads, kept from one run to the next."""
    return ThreadPool(jobs)


def expect_all(n_hashed: int, images: ImageSet) -> None:
    """Print a warning if a contestant did less work than the others."""
    if n_hashed != len(images.paths):
        print(f"(hashed {n_hashed} of {len(images.paths)} images)", flush=True)


FULL = "hashfeatures, five hashes"
REDUCED = "hashfeatures, five hashes, reduced"
REDUCED_TWO = "hashfeatures, phash and dhash, reduced"
CACHED = "hashfeatures, five hashes, cached"
IMAGEHASH = "ImageHash, five hashes"
DECODE = "Pillow, decoding alone"
DECODE_LUMA = "Pillow, decoding luma alone, reduced"

Contestant = Callable[[ImageSet, int], Any]
OURS_AND_LIMITS: dict[str, Contestant] = {
    FULL: partial(hash_by_hashfeatures, hashes=FIVE),
    REDUCED: partial(hash_by_hashfeatures, hashes=FIVE, decode="reduced"),
    REDUCED_TWO: partial(hash_by_hashfeatures, hashes=TWO, decode="reduced"),
    CACHED: hash_and_keep,
    IMAGEHASH: hash_by_imagehash,
    DECODE: decode_by_pillow,
    DECODE_LUMA: partial(decode_by_pillow, luma=True),
}
NATIVE_FULL: dict[str, Contestant] = {
    "imgdd, phash": hash_by_imgdd,
    "libphash, phash": hash_by_libphash,
    "OpenCV, phash": hash_by_opencv,
    "imagededup, phash": hash_by_imagededup,
}
NATIVE_REDUCED: dict[str, Contestant] = {
    "libphash, phash, reduced": partial(hash_by_libphash, reduced=True),
    "OpenCV, phash, reduced": partial(hash_by_opencv, reduced=True),
}
CONTESTANTS = OURS_AND_LIMITS | NATIVE_FULL | NATIVE_REDUCED
