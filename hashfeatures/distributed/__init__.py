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
    from ._stages import read_stage as read_stage
    from .groups._groups import GroupsSummary as GroupsSummary
    from .groups._groups import components as components
    from .hashes._hashing import HashSummary as HashSummary
    from .hashes._hashing import hash_dataset as hash_dataset
    from .leaks._leaks import find_leaks as find_leaks
    from .leaks._leaks_summary import LeaksSummary as LeaksSummary
    from .pairs._pairs import PairsSummary as PairsSummary
    from .pairs._pairs import find_pairs as find_pairs
    from .splits._split import SplitSummary as SplitSummary
    from .splits._split import assign as assign

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_executors": ["LocalExecutor", "RayExecutor"],
        "groups._groups": ["GroupsSummary", "components"],
        "hashes._hashing": ["HashSummary", "hash_dataset"],
        "leaks._leaks": ["find_leaks"],
        "leaks._leaks_summary": ["LeaksSummary"],
        "pairs._pairs": ["PairsSummary", "find_pairs"],
        "splits._split": ["SplitSummary", "assign"],
        "_stages": ["read_stage"],
    },
)
