"""Past one machine: images to hashes, pairs, groups and splits, stage by stage and restartable.

Each stage reads directories of Parquet files and writes one. It is cut into parts that are written
whole or not at all, so that a run that was killed goes on where it stopped, and new images cost
what they cost alone. The work is done by processes of this machine or by a Ray cluster, as the
``executor`` says; the results are the same.
"""

from typing import TYPE_CHECKING

from .._utils.lazy import attach

if TYPE_CHECKING:
    from ._executors import LocalExecutor as LocalExecutor
    from ._executors import RayExecutor as RayExecutor
    from ._groups import components as components
    from ._hashing import hash_dataset as hash_dataset
    from ._pairs import find_pairs as find_pairs
    from ._split import assign as assign
    from ._stages import read_stage as read_stage

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_executors": ["LocalExecutor", "RayExecutor"],
        "_groups": ["components"],
        "_hashing": ["hash_dataset"],
        "_pairs": ["find_pairs"],
        "_split": ["assign"],
        "_stages": ["read_stage"],
    },
)
