"""Splits that keep near duplicates together, and checks of splits for leaks."""

from typing import TYPE_CHECKING

from .._utils.lazy import attach

if TYPE_CHECKING:
    from ._groups import merge_groups as merge_groups
    from ._split import train_test_split as train_test_split
    from ._splitters import NearDuplicateKFold as NearDuplicateKFold
    from ._splitters import NearDuplicateShuffleSplit as NearDuplicateShuffleSplit
    from .allocation._split_info import SplitInfo as SplitInfo
    from .audit._audit import SplitAudit as SplitAudit
    from .audit._audit import audit_split as audit_split
    from .leakage._cross_validate import cross_validate_leakage as cross_validate_leakage
    from .leakage._leakage import assert_no_leakage as assert_no_leakage
    from .leakage._leakage import leakage_report as leakage_report
    from .leakage._leakage_report import LeakageReport as LeakageReport
    from .leakage._repair import SplitRepair as SplitRepair
    from .leakage._repair import repair_split as repair_split
    from .locks._assign import SplitAssignment as SplitAssignment
    from .locks._assign import assign_split as assign_split
    from .scores._leakage_score import Estimate as Estimate
    from .scores._leakage_score import LeakageScore as LeakageScore
    from .seals._check import SealCheck as SealCheck
    from .seals._check import check_against_seal as check_against_seal
    from .seals._seal_images import seal_images as seal_images
    from .sequences import SequenceFinder as SequenceFinder
    from .sequences import find_sequences as find_sequences

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "locks._assign": ["SplitAssignment", "assign_split"],
        "audit._audit": ["SplitAudit", "audit_split"],
        "leakage._cross_validate": ["cross_validate_leakage"],
        "_groups": ["merge_groups"],
        "leakage._leakage": ["assert_no_leakage", "leakage_report"],
        "leakage._leakage_report": ["LeakageReport"],
        "scores._leakage_score": ["Estimate", "LeakageScore"],
        "leakage._repair": ["SplitRepair", "repair_split"],
        "_split": ["train_test_split"],
        "allocation._split_info": ["SplitInfo"],
        "_splitters": ["NearDuplicateKFold", "NearDuplicateShuffleSplit"],
        "seals._check": ["SealCheck", "check_against_seal"],
        "seals._seal_images": ["seal_images"],
        "sequences": ["SequenceFinder", "find_sequences"],
    },
    before=["pandas", "sklearn"],
)
