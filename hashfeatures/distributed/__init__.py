"""Hashes, pairs, groups and splits of data sets of any size, in stages that can be restarted.

Each stage reads directories of Parquet files and writes one. It writes each part of its work whole
or not at all. A killed run therefore continues where it stopped, and only new images cost time.
An ``executor`` runs the work in processes of this machine or on a Ray cluster, with equal results.
"""

from typing import TYPE_CHECKING

from .._utils.lazy import attach

if TYPE_CHECKING:
    from ._executors import LocalExecutor as LocalExecutor
    from ._executors import RayExecutor as RayExecutor
    from ._groups import components as components
    from ._hashing import hash_dataset as hash_dataset
    from ._leaks import find_leaks as find_leaks
    from ._pairs import find_pairs as find_pairs
    from ._split import assign as assign
    from ._stages import read_stage as read_stage

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_executors": ["LocalExecutor", "RayExecutor"],
        "_groups": ["components"],
        "_hashing": ["hash_dataset"],
        "_leaks": ["find_leaks"],
        "_pairs": ["find_pairs"],
        "_split": ["assign"],
        "_stages": ["read_stage"],
    },
)
