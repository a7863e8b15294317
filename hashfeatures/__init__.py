"""Near-duplicate images for scikit-learn."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from .calibration import Calibration as Calibration
    from .calibration import calibrate as calibrate
    from .deduplication import drop_duplicates as drop_duplicates
    from .duplicate_report import DuplicateReport as DuplicateReport
    from .duplicate_report import make_report as make_report
    from .duplicates import DuplicateGroups as DuplicateGroups
    from .edits import Edit as Edit
    from .exceptions import CacheError as CacheError
    from .exceptions import CacheWarning as CacheWarning
    from .exceptions import CalibrationWarning as CalibrationWarning
    from .exceptions import ChainingWarning as ChainingWarning
    from .exceptions import EngineError as EngineError
    from .exceptions import FailedImagesWarning as FailedImagesWarning
    from .exceptions import ImageReadError as ImageReadError
    from .exceptions import LeakageError as LeakageError
    from .exceptions import MissingExtraError as MissingExtraError
    from .exceptions import ParameterError as ParameterError
    from .exceptions import RadiusWarning as RadiusWarning
    from .exceptions import SplitSizeWarning as SplitSizeWarning
    from .exceptions import StageError as StageError
    from .exceptions import StoreError as StoreError
    from .exceptions import TooManyPairsError as TooManyPairsError
    from .exceptions import UncheckedLeakageError as UncheckedLeakageError
    from .featurizer import ImageHashFeaturizer as ImageHashFeaturizer
    from .finder import NearDuplicateFinder as NearDuplicateFinder
    from .hamming.pairs import Pairs as Pairs
    from .leakage import LeakageReport as LeakageReport
    from .leakage import assert_no_leakage as assert_no_leakage
    from .leakage import leakage_report as leakage_report
    from .model_selection import NearDuplicateKFold as NearDuplicateKFold
    from .model_selection import NearDuplicateShuffleSplit as NearDuplicateShuffleSplit
    from .model_selection import train_test_split as train_test_split
    from .neighbor_graphs import HammingNeighborsTransformer as HammingNeighborsTransformer
    from .neighbors import HammingNeighbors as HammingNeighbors
    from .repair import SplitRepair as SplitRepair
    from .repair import repair_split as repair_split
    from .stored_hashes import from_hex as from_hex
    from .table import find_duplicates as find_duplicates
    from .table import find_similar as find_similar
    from .table import hash_images as hash_images
    from .table import is_known as is_known
    from .view_pairs import ViewPairs as ViewPairs

# Each public name and its module, which is imported when the name is first asked for.
_HOME = {
    "CacheError": "exceptions",
    "CacheWarning": "exceptions",
    "Calibration": "calibration",
    "CalibrationWarning": "exceptions",
    "ChainingWarning": "exceptions",
    "DuplicateGroups": "duplicates",
    "DuplicateReport": "duplicate_report",
    "Edit": "edits",
    "EngineError": "exceptions",
    "FailedImagesWarning": "exceptions",
    "HammingNeighbors": "neighbors",
    "HammingNeighborsTransformer": "neighbor_graphs",
    "ImageHashFeaturizer": "featurizer",
    "ImageReadError": "exceptions",
    "LeakageError": "exceptions",
    "LeakageReport": "leakage",
    "MissingExtraError": "exceptions",
    "NearDuplicateFinder": "finder",
    "NearDuplicateKFold": "model_selection",
    "NearDuplicateShuffleSplit": "model_selection",
    "Pairs": "hamming.pairs",
    "ParameterError": "exceptions",
    "RadiusWarning": "exceptions",
    "SplitRepair": "repair",
    "SplitSizeWarning": "exceptions",
    "StageError": "exceptions",
    "StoreError": "exceptions",
    "TooManyPairsError": "exceptions",
    "UncheckedLeakageError": "exceptions",
    "ViewPairs": "view_pairs",
    "assert_no_leakage": "leakage",
    "calibrate": "calibration",
    "drop_duplicates": "deduplication",
    "find_duplicates": "table",
    "find_similar": "table",
    "from_hex": "stored_hashes",
    "hash_images": "table",
    "is_known": "table",
    "leakage_report": "leakage",
    "make_report": "duplicate_report",
    "repair_split": "repair",
    "train_test_split": "model_selection",
}

_MODULES = ("distributed", "edits", "exceptions", "plotting")

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    dunders = [name for name in globals() if name.startswith("__")]
    return sorted([*__all__, *_MODULES, *dunders])
