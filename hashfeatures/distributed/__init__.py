"""Past one machine: images to hashes, pairs, groups and splits, stage by stage and restartable.

Each stage reads directories of Parquet files and writes one. It is cut into parts that are written
whole or not at all, so that a run that was killed goes on where it stopped, and new images cost
what they cost alone. The work is done by processes of this machine or by a Ray cluster, as the
``executor`` says; the results are the same.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assignment import assign as assign
    from .executors import LocalExecutor as LocalExecutor
    from .executors import RayExecutor as RayExecutor
    from .groups import components as components
    from .hashing import hash_dataset as hash_dataset
    from .joining import find_pairs as find_pairs
    from .stages import read_stage as read_stage

# Workers import one of these modules alone, and pandas with none of them.
_HOME = {
    "LocalExecutor": "executors",
    "RayExecutor": "executors",
    "assign": "assignment",
    "components": "groups",
    "find_pairs": "joining",
    "hash_dataset": "hashing",
    "read_stage": "stages",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
