"""Splits that keep near duplicates together, and checks of splits for leaks."""

from typing import TYPE_CHECKING

from .._utils.lazy import attach

if TYPE_CHECKING:
    from ._leakage import assert_no_leakage as assert_no_leakage
    from ._leakage import leakage_report as leakage_report
    from ._leakage_report import LeakageReport as LeakageReport
    from ._repair import SplitRepair as SplitRepair
    from ._repair import repair_split as repair_split
    from ._split import train_test_split as train_test_split
    from ._splitters import NearDuplicateKFold as NearDuplicateKFold
    from ._splitters import NearDuplicateShuffleSplit as NearDuplicateShuffleSplit

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_leakage": ["assert_no_leakage", "leakage_report"],
        "_leakage_report": ["LeakageReport"],
        "_repair": ["SplitRepair", "repair_split"],
        "_split": ["train_test_split"],
        "_splitters": ["NearDuplicateKFold", "NearDuplicateShuffleSplit"],
    },
)
