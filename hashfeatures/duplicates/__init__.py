"""Near duplicates: pairs, groups, tables, reports, and the choice of a radius."""

from typing import TYPE_CHECKING

from .._utils.lazy import attach

if TYPE_CHECKING:
    from ._annotation_conflicts import find_annotation_conflicts as find_annotation_conflicts
    from ._calibrate import Calibration as Calibration
    from ._calibrate import calibrate as calibrate
    from ._described_pairs import ConfirmedPairs as ConfirmedPairs
    from ._described_pairs import ConfirmedViewPairs as ConfirmedViewPairs
    from ._drop import drop_duplicates as drop_duplicates
    from ._find import find_duplicates as find_duplicates
    from ._finder import NearDuplicateFinder as NearDuplicateFinder
    from ._groups import DuplicateGroups as DuplicateGroups
    from ._report import DuplicateReport as DuplicateReport
    from ._report import make_report as make_report
    from ._similar import find_similar as find_similar
    from ._similar import is_known as is_known
    from .fingerprints._views import ViewPairs as ViewPairs

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_annotation_conflicts": ["find_annotation_conflicts"],
        "_calibrate": ["Calibration", "calibrate"],
        "_described_pairs": ["ConfirmedPairs", "ConfirmedViewPairs"],
        "_drop": ["drop_duplicates"],
        "_find": ["find_duplicates"],
        "_finder": ["NearDuplicateFinder"],
        "_groups": ["DuplicateGroups"],
        "_report": ["DuplicateReport", "make_report"],
        "_similar": ["find_similar", "is_known"],
        "fingerprints._views": ["ViewPairs"],
    },
    before=["pandas", "sklearn"],
)
