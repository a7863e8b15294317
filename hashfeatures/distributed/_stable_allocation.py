"""Allocation of groups to training and test part that stays the same when images are added."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._utils.mixing import GAMMA, mix_words

NOWHERE, TRAIN, TEST = -1, 0, 1

Keys = NDArray[np.uint64]


def allocate_stably(
    keys: Keys,
    labels: Keys,
    classes: NDArray[np.intp],
    before: NDArray[np.int8],
    test_size: float,
    seed: int,
) -> NDArray[np.int8]:
    """Allocate groups to the training and the test part.

    A group with images that were allocated before keeps their part. If they were in both parts,
    the group goes to the training part. Other groups are allocated in the order of a hash of their
    smallest key, which depends on no other group.

    Parameters
    ----------
    keys : ndarray of shape (n_images,), dtype uint64
        The key of each image.
    labels : ndarray of shape (n_images,), dtype uint64
        The group of each image, as the smallest key in the group.
    classes : ndarray of shape (n_images,), dtype intp
        The class of each image. A group belongs to the class of its image with the smallest key.
    before : ndarray of shape (n_images,), dtype int8
        The part of each image in an earlier allocation: `NOWHERE`, `TRAIN` or `TEST`.
    test_size : float
        The share of the test part in each class.
    seed : int
        Changes the order of groups.

    Returns
    -------
    ndarray of shape (n_images,), dtype int8
        The part of each image: `TRAIN` or `TEST`.
    """
    groups, number = np.unique(labels, return_inverse=True)
    sizes = np.bincount(number, minlength=len(groups))
    class_of = np.zeros(len(groups), dtype=np.intp)
    is_smallest = keys == labels
    class_of[number[is_smallest]] = classes[is_smallest]
    part_of = np.full(len(groups), NOWHERE, dtype=np.int8)
    for part in (TEST, TRAIN):  # TRAIN last, because it keeps a group that was in both
        part_of[number[before == part]] = part
    n_classes = int(class_of.max(initial=-1)) + 1
    capacity = test_size * np.bincount(class_of, sizes, minlength=n_classes)
    tested = part_of == TEST
    capacity -= np.bincount(class_of[tested], sizes[tested], minlength=n_classes)
    new = np.flatnonzero(part_of == NOWHERE)
    # The smallest key of a large group tends to be small, so the keys themselves would favor some.
    order = mix_words(groups[new] + np.uint64(seed * GAMMA % 2**64))
    new = new[np.lexsort((order, class_of[new]))]
    taken = np.cumsum(sizes[new])
    starts = np.flatnonzero(np.diff(class_of[new], prepend=-1))
    lengths = np.diff(starts, append=len(new))
    taken -= np.repeat(taken[starts] - sizes[new[starts]], lengths)
    part_of[new] = np.where(taken - sizes[new] / 2 <= capacity[class_of[new]], TEST, TRAIN)
    allocated: NDArray[np.int8] = part_of[number]
    return allocated
