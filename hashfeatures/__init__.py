"""Near-duplicate images for scikit-learn."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from .duplicates import DuplicateGroups as DuplicateGroups
    from .exceptions import CacheError as CacheError
    from .exceptions import FailedImagesWarning as FailedImagesWarning
    from .exceptions import ImageReadError as ImageReadError
    from .exceptions import MissingExtraError as MissingExtraError
    from .exceptions import ParameterError as ParameterError
    from .exceptions import SplitSizeWarning as SplitSizeWarning
    from .exceptions import StoreError as StoreError
    from .exceptions import TooManyPairsError as TooManyPairsError
    from .featurizer import ImageHashFeaturizer as ImageHashFeaturizer
    from .finder import NearDuplicateFinder as NearDuplicateFinder
    from .finder import drop_duplicates as drop_duplicates
    from .hamming.pairs import Pairs as Pairs
    from .model_selection import NearDuplicateKFold as NearDuplicateKFold
    from .model_selection import NearDuplicateShuffleSplit as NearDuplicateShuffleSplit
    from .model_selection import train_test_split as train_test_split
    from .neighbors import HammingNeighbors as HammingNeighbors
    from .neighbors import HammingNeighborsTransformer as HammingNeighborsTransformer
    from .table import find_duplicates as find_duplicates
    from .table import find_similar as find_similar
    from .table import hash_images as hash_images

# Each public name and its module, which is imported when the name is first asked for.
_HOME = {
    "CacheError": "exceptions",
    "DuplicateGroups": "duplicates",
    "FailedImagesWarning": "exceptions",
    "HammingNeighbors": "neighbors",
    "HammingNeighborsTransformer": "neighbors",
    "ImageHashFeaturizer": "featurizer",
    "ImageReadError": "exceptions",
    "MissingExtraError": "exceptions",
    "NearDuplicateFinder": "finder",
    "NearDuplicateKFold": "model_selection",
    "NearDuplicateShuffleSplit": "model_selection",
    "Pairs": "hamming.pairs",
    "ParameterError": "exceptions",
    "SplitSizeWarning": "exceptions",
    "StoreError": "exceptions",
    "TooManyPairsError": "exceptions",
    "drop_duplicates": "finder",
    "find_duplicates": "table",
    "find_similar": "table",
    "hash_images": "table",
    "train_test_split": "model_selection",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
