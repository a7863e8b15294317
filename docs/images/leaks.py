"""Figures of leaks between the parts of a split."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
from _themes import save

from hashfeatures import NearDuplicateFinder, leakage_report
from hashfeatures.plotting import plot_pairs


def draw_leaks() -> None:
    """Draw pairs of images in different parts of the same photos."""
    report = leakage_report(
        [str(path) for path in sorted(Path("photos/train").iterdir())],
        [str(path) for path in sorted(Path("photos/test").iterdir())],
        finder=NearDuplicateFinder(views="robust"),
    )
    pairs = report.pairs.drop_duplicates("right").head(6)
    figure, axes = plt.subplots(2, len(pairs), figsize=(10, 3.1), layout="constrained")
    plot_pairs(pairs, ax=axes.T)
    save(figure, "leaks")
