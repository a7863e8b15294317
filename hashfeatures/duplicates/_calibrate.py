"""Which radius is right for a collection of images."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .._utils.validation import check_bool, check_int, check_positive, refuse
from ..edits import EVERYDAY_EDITS
from ..images._sources import list_sources
from ..plotting import plot_calibration
from ..report._notebook import show_pairs
from ._finder import NearDuplicateFinder
from ._finder_hints import point_to_finder
from .calibration._trial import (
    N_EDITED,
    N_SAMPLED,
    TARGET,
    EditLike,
    Trial,
    choose_end,
    recommend,
    tabulate,
    try_out,
)


@dataclass(frozen=True, repr=False)
class Calibration:
    """What `calibrate` found.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a radius in bits. "recall", the share of edited copies that are found, as the mean
        over all edits; "false_per_million", the false matches expected in a million pairs of
        different images; "false_in_set", those expected in the whole set; each with "_low" and
        "_high", the ends of an interval that holds what an endless set of such images would show
        in 95 of 100 samples (pairs that share an image are not independent, and the intervals
        are as much wider); "extrapolated", where there were fewer
        than ten false matches in the sample: there a model gives their rate (exponential growth
        from distance to distance, fitted to the nearest pairs), which may be too low, the lower
        end is 0, and the upper end rests on the count alone; then the recall of each edit.
    radius : int
        The greatest radius in bits by which the upper end of "false_per_million" keeps to
        `target`; its estimate, where the images are too few to prove so low a rate of any radius
        (see "rests_on" in `summary`).
    borderline : pandas.DataFrame
        The pairs of images that lie nearest to the border, to look at: their "left" and "right"
        rows and images, "distance" in bits, "correlation" of the pixels, and whether they were
        taken for the "same" picture.
    target : float
        The most false matches in a million pairs.
    n_images : int
        How many images the whole set has.
    trial : Trial
        The samples, see `hashfeatures.duplicates.calibration._trial`.
    """

    table: pd.DataFrame
    radius: int
    borderline: pd.DataFrame
    target: float
    n_images: int
    trial: Trial

    def summary(self) -> dict[str, Any]:
        """Sum up in plain numbers, ready for JSON.

        Returns
        -------
        dict
            "radius" in bits, "target", and "rests_on", the column of the table that keeps to the
            target by this radius; at this radius "recall", "false_per_million" and
            "false_in_set", each with "_low" and "_high", and "extrapolated"; then "images" in the
            set, "sampled" (compared with each other), "different" among them, "set_aside" (pairs
            taken for the same picture), "edited", "edits", "failed_edits", and "worst_edits", the
            three that are found least, with their recall.
        """
        row = self.table.to_dict("index")[self.radius]
        at = {str(name): float(value) for name, value in row.items()}
        names = ("recall", "false_per_million", "false_in_set")
        measured = {
            f"{name}{end}": at[f"{name}{end}"] for name in names for end in ("", "_low", "_high")
        }
        worst = sorted(self.trial.edits, key=at.__getitem__)[:3]
        return {
            "radius": self.radius,
            "target": self.target,
            "rests_on": choose_end(self.table, self.target),
            **measured,
            "extrapolated": bool(at["extrapolated"]),
            "images": self.n_images,
            "sampled": len(self.trial.rows),
            "different": self.trial.n_different,
            "set_aside": int(self.trial.near["same"].sum()),
            "edited": len(self.trial.copies),
            "edits": len(self.trial.edits),
            "failed_edits": dict(self.trial.failed_edits),
            "worst_edits": {name: at[name] for name in worst},
        }

    def plot(self, ax: Any = None) -> Any:
        """Draw the recall and the false matches over the radius.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the recall.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        return plot_calibration(self.table, self.radius, self.target, ax)

    def __str__(self) -> str:
        told = self.summary()
        ends = {name: _tell_ends(told, name) for name in ("false_per_million", "false_in_set")}
        worst = ", ".join(f"{share:.0%} of {name}" for name, share in told["worst_edits"].items())
        return (
            f"radius {self.radius} bits{_tell_basis(told)}\n"
            f"  finds {told['recall']:.1%} of edited copies "
            f"({told['recall_low']:.1%} to {told['recall_high']:.1%}; "
            f"{told['edited']} images, {told['edits']} edits)\n"
            f"  the edits found least: {worst}\n"
            f"  false matches in a million pairs: {told['false_per_million']:.3g} "
            f"({ends['false_per_million']}; {told['different']} different images compared, "
            f"{told['set_aside']} pairs of the same picture set aside)\n"
            f"  false matches in the whole set of {self.n_images}: {told['false_in_set']:.3g} "
            f"({ends['false_in_set']})"
        )

    def _repr_html_(self) -> str:
        """Show the figures and the pairs to look at in a notebook."""
        return show_pairs("Calibration", str(self), self.borderline)

    def __repr__(self) -> str:
        return f"<Calibration: {self}>"


def _tell_basis(told: dict[str, Any]) -> str:
    """Say what a radius rests on, unless that is the upper end of the false matches."""
    if told["rests_on"].endswith("_high"):
        return ""
    rate = f"a rate of {told['target']:g} false matches in a million"
    cause = f"{told['different']} different images cannot prove {rate}"
    return f", by the estimate alone: {cause}"


def _tell_ends(told: dict[str, Any], name: str) -> str:
    """Spell an interval: where little was counted, the upper end is all that is known."""
    high = f"{told[f'{name}_high']:.3g}"
    if told[f"{name}_low"] == 0:
        return f"at most {high}" + ("; extrapolated" if told["extrapolated"] else "")
    return f"{told[f'{name}_low']:.3g} to {high}"


@point_to_finder
def calibrate(
    images: Any,
    *,
    finder: NearDuplicateFinder | None = None,
    edits: Sequence[EditLike] = EVERYDAY_EDITS,
    target: float = TARGET,
    n_images: int | None = None,
    n_sampled: int = N_SAMPLED,
    n_edited: int = N_EDITED,
    random_state: int = 0,
    progress: bool | None = None,
) -> Calibration:
    """Choose the radius from the user's own images.

    A sample of the images is compared with each other, which gives the false matches at each
    radius; pairs whose pixels agree are true duplicates, and set aside. Some of the images are
    edited, which gives the share of copies that are found.

    Parameters
    ----------
    images : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
        Image sources, as for `NearDuplicateFinder`: the set, or a random sample of it.
    finder : NearDuplicateFinder, optional
        What says how near images are; its radius is of no matter. None means
        ``NearDuplicateFinder()``.
    edits : sequence of Edit or callable, default=hashfeatures.edits.EVERYDAY_EDITS
        What copies go through; a callable takes a PIL image and returns one.
    target : float, default=10
        The most false matches in a million pairs of different images.
    n_images : int, optional
        How many images the whole set has; None: as many as are given.
    n_sampled : int, default=5000
        How many images are compared with each other, at the most.
    n_edited : int, default=100
        How many images are edited, at the most.
    random_state : int, default=0
        Chooses the samples, and what is random in an edit.
    progress : bool, default=None
        Whether to show bars: hashing, looking at near pairs, and looking for edited copies take
        ten seconds and more. None: in a notebook, and where stderr is a terminal. Where no bar is
        shown, the logger "hashfeatures.progress" says what takes long.

    Returns
    -------
    Calibration
        The table, the radius, and what to look at.

    Warns
    -----
    CalibrationWarning
        If there are too few different images to say anything of false matches (the recall is still
        told), if no radius keeps to the target, or if edits raised and were left out.

    Raises
    ------
    ValueError
        If no image can be read and has detail.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import calibrate
    >>> from hashfeatures.edits import Edit
    >>> photos = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    >>> tiles = [photo[y : y + 90, x : x + 90] for photo in photos
    ...          for y in range(0, 270, 90) for x in range(0, 360, 90)]
    >>> calibration = calibrate(tiles, edits=[Edit("resize"), Edit("recompress")], n_edited=10)
    >>> float(calibration.table.loc[12, "recall"])
    1.0
    """
    name = "calibrate"
    if finder is not None and not isinstance(finder, NearDuplicateFinder):
        raise refuse(name, "finder", "None or a NearDuplicateFinder", finder)
    if isinstance(edits, str) or not all(map(callable, edits)):
        expected = "a list of callables and of Edits, such as [Edit('crop')]"
        raise refuse(name, "edits", expected, edits)
    check_positive(name, "target", target)
    check_int(name, "n_sampled", n_sampled, 1)
    check_int(name, "n_edited", n_edited, 1)
    check_int(name, "random_state", random_state, 0)
    progress = _is_watched() if progress is None else check_bool(name, "progress", progress)
    finder = NearDuplicateFinder() if finder is None else finder
    sources = list_sources(images, name)
    n_images = len(sources) if n_images is None else check_int(name, "n_images", n_images, 1)
    trial = try_out(
        finder,
        sources,
        edits,
        n_sampled=n_sampled,
        n_edited=n_edited,
        seed=random_state,
        progress=progress,
    )
    table = tabulate(trial, n_images)
    given = finder.radius
    if given is None or isinstance(given, str):
        given = finder._comparison().default_radius.bits
    radius = recommend(trial, table, target, default=min(given, len(table) - 1))
    return Calibration(table, radius, _borderline(trial, sources, radius), target, n_images, trial)


def _is_watched() -> bool:
    """Tell whether somebody looks at what is written beside the results."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


def _borderline(trial: Trial, sources: Sequence[Any], radius: int) -> pd.DataFrame:
    """Return the 20 pairs whose distances are nearest to the radius, nearest first."""
    order = (trial.near["distance"] - radius).abs().sort_values(kind="stable").index[:20]
    pairs = trial.near.loc[order].sort_values("distance", kind="stable", ignore_index=True)
    for side in ("left", "right"):
        shown = pd.Series([sources[row] for row in pairs[side]], dtype=object)
        pairs[f"{side}_image"] = shown
    return pairs
