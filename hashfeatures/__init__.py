"""Near-duplicate images for scikit-learn."""

from typing import TYPE_CHECKING

from ._utils.lazy import attach

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .duplicates import Calibration as Calibration
    from .duplicates import ConfirmedPairs as ConfirmedPairs
    from .duplicates import ConfirmedViewPairs as ConfirmedViewPairs
    from .duplicates import DuplicateGroups as DuplicateGroups
    from .duplicates import DuplicateReport as DuplicateReport
    from .duplicates import NearDuplicateFinder as NearDuplicateFinder
    from .duplicates import ViewPairs as ViewPairs
    from .duplicates import calibrate as calibrate
    from .duplicates import drop_duplicates as drop_duplicates
    from .duplicates import find_annotation_conflicts as find_annotation_conflicts
    from .duplicates import find_duplicates as find_duplicates
    from .duplicates import find_similar as find_similar
    from .duplicates import is_known as is_known
    from .duplicates import make_report as make_report
    from .edits import Edit as Edit
    from .exceptions import CacheError as CacheError
    from .exceptions import CacheWarning as CacheWarning
    from .exceptions import CalibrationWarning as CalibrationWarning
    from .exceptions import ChainingWarning as ChainingWarning
    from .exceptions import EngineError as EngineError
    from .exceptions import FailedImagesWarning as FailedImagesWarning
    from .exceptions import ImageReadError as ImageReadError
    from .exceptions import LayoutError as LayoutError
    from .exceptions import LeakageError as LeakageError
    from .exceptions import MissingExtraError as MissingExtraError
    from .exceptions import ParameterError as ParameterError
    from .exceptions import RadiusWarning as RadiusWarning
    from .exceptions import SkippedFilesWarning as SkippedFilesWarning
    from .exceptions import SplitMoveWarning as SplitMoveWarning
    from .exceptions import SplitSizeWarning as SplitSizeWarning
    from .exceptions import StageError as StageError
    from .exceptions import StoreError as StoreError
    from .exceptions import TooManyPairsError as TooManyPairsError
    from .exceptions import UncheckedLeakageError as UncheckedLeakageError
    from .hamming import HammingNeighbors as HammingNeighbors
    from .hamming import HammingNeighborsTransformer as HammingNeighborsTransformer
    from .hamming import Pairs as Pairs
    from .hashing import ImageHashFeaturizer as ImageHashFeaturizer
    from .hashing import from_hex as from_hex
    from .hashing import hash_images as hash_images
    from .layouts import Collection as Collection
    from .layouts import read_collection as read_collection
    from .model_selection import Estimate as Estimate
    from .model_selection import LeakageReport as LeakageReport
    from .model_selection import LeakageScore as LeakageScore
    from .model_selection import NearDuplicateKFold as NearDuplicateKFold
    from .model_selection import NearDuplicateShuffleSplit as NearDuplicateShuffleSplit
    from .model_selection import SealCheck as SealCheck
    from .model_selection import SequenceFinder as SequenceFinder
    from .model_selection import SplitAssignment as SplitAssignment
    from .model_selection import SplitAudit as SplitAudit
    from .model_selection import SplitInfo as SplitInfo
    from .model_selection import SplitRepair as SplitRepair
    from .model_selection import assert_no_leakage as assert_no_leakage
    from .model_selection import assign_split as assign_split
    from .model_selection import audit_split as audit_split
    from .model_selection import check_against_seal as check_against_seal
    from .model_selection import cross_validate_leakage as cross_validate_leakage
    from .model_selection import find_sequences as find_sequences
    from .model_selection import leakage_report as leakage_report
    from .model_selection import merge_groups as merge_groups
    from .model_selection import repair_split as repair_split
    from .model_selection import seal_images as seal_images
    from .model_selection import train_test_split as train_test_split

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "duplicates": [
            "Calibration",
            "ConfirmedPairs",
            "ConfirmedViewPairs",
            "DuplicateGroups",
            "DuplicateReport",
            "NearDuplicateFinder",
            "ViewPairs",
            "calibrate",
            "drop_duplicates",
            "find_annotation_conflicts",
            "find_duplicates",
            "find_similar",
            "is_known",
            "make_report",
        ],
        "edits": ["Edit"],
        "exceptions": [
            "CacheError",
            "CacheWarning",
            "CalibrationWarning",
            "ChainingWarning",
            "EngineError",
            "FailedImagesWarning",
            "ImageReadError",
            "LayoutError",
            "LeakageError",
            "MissingExtraError",
            "ParameterError",
            "RadiusWarning",
            "SkippedFilesWarning",
            "SplitMoveWarning",
            "SplitSizeWarning",
            "StageError",
            "StoreError",
            "TooManyPairsError",
            "UncheckedLeakageError",
        ],
        "hamming": ["HammingNeighbors", "HammingNeighborsTransformer", "Pairs"],
        "hashing": ["ImageHashFeaturizer", "from_hex", "hash_images"],
        "layouts": ["Collection", "read_collection"],
        "model_selection": [
            "Estimate",
            "LeakageReport",
            "LeakageScore",
            "NearDuplicateKFold",
            "NearDuplicateShuffleSplit",
            "SealCheck",
            "SequenceFinder",
            "SplitAssignment",
            "SplitAudit",
            "SplitInfo",
            "SplitRepair",
            "assert_no_leakage",
            "assign_split",
            "audit_split",
            "check_against_seal",
            "cross_validate_leakage",
            "find_sequences",
            "leakage_report",
            "merge_groups",
            "repair_split",
            "seal_images",
            "train_test_split",
        ],
    },
    modules=("distributed", "edits", "exceptions", "plotting"),
)
