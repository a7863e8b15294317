"""Choose the radius and the agreement for a collection of images, from the images."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .._utils.docstrings import fill_in_parameters
from .._utils.validation import check_bool, check_int, check_positive, refuse
from ..edits import EVERYDAY_EDITS
from ..images._gather import gather_images
from ..images._sources import list_sources
from ..plotting import plot_calibration
from ..report._notebook import show_pairs
from ._finder import NearDuplicateFinder
from ._finder_hints import point_to_finder
from .calibration._edited_copies import EditLike
from .calibration._limits import (
    TARGET,
    Limits,
    choose_rate_column,
    rates_by_limits,
    recommend_limits,
)
from .calibration._trial import N_EDITED, N_SAMPLED, Trial, run_trial


@dataclass(frozen=True, repr=False)
class Calibration:
    """Error rates at each radius and agreement, and the recommended ones, from `calibrate`.

    Read more in the :doc:`User Guide </user-guide/radius>`.

    Attributes
    ----------
    table : pandas.DataFrame
        One row for each radius in bits and each least agreement; for each radius alone, if the
        finder looks at no pixels. The columns are:

        - "recall": the share of edited copies that are found, averaged over all edits.
        - "false_per_million": the expected false matches in a million pairs of different images.
        - "false_in_set": the expected false matches in the whole set.
        - Each of these with "_low" and "_high": the ends of a 95 % confidence interval, which
          accounts for pairs that share an image.
        - "extrapolated": whether the sample has fewer than ten false matches. Their rate is then
          estimated by exponential growth as the agreement falls, or as the distance grows, fitted
          to the pairs that agree best or are nearest. It may be too low. The lower end is 0, and
          the upper end follows from the count alone.
        - One column for each edit: its recall.
    radius : int
        The recommended radius in bits.
    min_agreement : float or None
        The recommended least agreement. None if the finder looks at no pixels.
    borderline : pandas.DataFrame
        The pairs of images that are nearest to the limits: their "left" and "right" rows and
        images, "distance" in bits, "agreement" of the pixels, and "same", whether they were taken
        for the same picture.
    target : float
        The greatest number of false matches in a million pairs.
    n_images : int
        The number of images in the whole set.
    trial : Trial
        The measured distances and agreements.

    See Also
    --------
    calibrate : Measures the rates.
    hashfeatures.plotting.plot_calibration : Draws the table.

    Notes
    -----
    The radius and the agreement find the most copies of those at which the upper end of
    "false_per_million" is at most `target`. If the images are too few to prove so low a rate at
    any radius, the estimate is used instead of the upper end; see "rests_on" in `summary`. The
    agreement is at least the finder's `min_agreement`.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import calibrate
    >>> from hashfeatures.edits import Edit
    >>> photos = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    >>> tiles = [photo[y : y + 90, x : x + 90] for photo in photos
    ...          for y in range(0, 270, 90) for x in range(0, 360, 90)]
    >>> calibration = calibrate(tiles, edits=[Edit("resize")], n_edited=5)
    >>> calibration.table.index.names
    FrozenList(['radius', 'min_agreement'])
    >>> calibration.summary()["recall"]
    1.0
    """

    table: pd.DataFrame
    radius: int
    min_agreement: float | None
    borderline: pd.DataFrame
    target: float
    n_images: int
    trial: Trial

    def summary(self) -> dict[str, Any]:
        """Return the main results as plain numbers, ready for JSON.

        Returns
        -------
        dict
            The "radius" in bits, the "min_agreement", the "target", and "rests_on", the column of
            the table that keeps to the target. At these: "recall", "false_per_million" and
            "false_in_set", each with "_low" and "_high", and "extrapolated". Numbers of "images"
            in the set, "sampled" and "different" images, pairs "set_aside" as the same picture,
            and "edited" images. The number of "edits", the "failed_edits", and the "worst_edits":
            the three with the lowest recall.
        """
        limits = self.radius if self.min_agreement is None else (self.radius, self.min_agreement)
        row = self.table.to_dict("index")[limits]
        at = {str(name): float(value) for name, value in row.items()}
        names = ("recall", "false_per_million", "false_in_set")
        measured = {
            f"{name}{end}": at[f"{name}{end}"] for name in names for end in ("", "_low", "_high")
        }
        worst = sorted(self.trial.edits, key=at.__getitem__)[:3]
        return {
            "radius": self.radius,
            "min_agreement": self.min_agreement,
            "target": self.target,
            "rests_on": choose_rate_column(self.table, self.target),
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
        """Plot the recall and the rate of false matches against the limit.

        The limit is the agreement, at the recommended radius. It is the radius if the finder looks
        at no pixels.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            The axes to draw on. None means a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the recall.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        limits = Limits(self.radius, self.min_agreement)
        return plot_calibration(self.table, *limits, self.target, ax)

    def __str__(self) -> str:
        facts = self.summary()
        ends = {
            name: _describe_interval(facts, name) for name in ("false_per_million", "false_in_set")
        }
        worst = ", ".join(f"{share:.0%} of {name}" for name, share in facts["worst_edits"].items())
        least = "" if self.min_agreement is None else f" and agreement {self.min_agreement:g}"
        return (
            f"radius {self.radius} bits{least}{_describe_basis(facts)}\n"
            f"  finds {facts['recall']:.1%} of edited copies "
            f"({facts['recall_low']:.1%} to {facts['recall_high']:.1%}; "
            f"{facts['edited']} images, {facts['edits']} edits)\n"
            f"  the edits found least: {worst}\n"
            f"  false matches in a million pairs: {facts['false_per_million']:.3g} "
            f"({ends['false_per_million']}; {facts['different']} different images compared, "
            f"{facts['set_aside']} pairs of the same picture set aside)\n"
            f"  false matches in the whole set of {self.n_images}: {facts['false_in_set']:.3g} "
            f"({ends['false_in_set']})"
        )

    def _repr_html_(self) -> str:
        """Return the results and the borderline pairs for a notebook."""
        note = self.borderline["same"].map({True: "taken for the same picture", False: ""})
        return show_pairs("Calibration", str(self), self.borderline.assign(relation=note))

    def __repr__(self) -> str:
        return f"<Calibration: {self}>"


def _describe_basis(facts: dict[str, Any]) -> str:
    """Return a note if the limits do not rest on the upper end of the false matches."""
    if facts["rests_on"].endswith("_high"):
        return ""
    rate = f"a rate of {facts['target']:g} false matches in a million"
    cause = f"{facts['different']} different images cannot prove {rate}"
    return f", by the estimate alone: {cause}"


def _describe_interval(facts: dict[str, Any], name: str) -> str:
    """Return the interval as text. Where few pairs were counted, only the upper end is known."""
    high = f"{facts[f'{name}_high']:.3g}"
    if facts[f"{name}_low"] == 0:
        return f"at most {high}" + ("; extrapolated" if facts["extrapolated"] else "")
    return f"{facts[f'{name}_low']:.3g} to {high}"


@fill_in_parameters
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
    """Choose the radius and the agreement from your own images.

    Sampled images that are near each other give the rate of false matches at each radius and
    agreement. Pairs that agree to 0.92 show the same picture, and are set aside. Edited copies of
    some of the images give the share of copies that are found. With ``verify=False``, the radius
    alone is chosen.

    Read more in the :doc:`User Guide </user-guide/radius>`.

    Parameters
    ----------
    $images
        They may be a random sample of the set.
    finder : NearDuplicateFinder, default=None
        The finder to calibrate. Its radius is ignored, and its `min_agreement` is the least that
        is recommended. None means ``NearDuplicateFinder()``.
    edits : sequence of Edit or callable, default=EVERYDAY_EDITS
        The edits that make copies, by default those of ``hashfeatures.edits.EVERYDAY_EDITS``. A
        callable takes a PIL image and returns one.
    target : float, default=10
        The greatest number of false matches in a million pairs of different images.
    n_images : int, default=None
        The number of images in the whole set. None means that `images` is the whole set.
    n_sampled : int, default=5000
        The greatest number of images to compare with each other.
    n_edited : int, default=100
        The greatest number of images to edit.
    random_state : int, default=0
        Seed of the samples and of random edits.
    progress : bool, default=None
        Whether to show progress bars. None shows them in a notebook and if stderr is a terminal.
        Without bars, the logger "hashfeatures.progress" reports steps that take long.

    Returns
    -------
    Calibration
        The table of error rates, the recommended radius and agreement, and the borderline pairs.

    Raises
    ------
    ValueError
        If no image can be read and has enough detail.

    Warns
    -----
    CalibrationWarning
        If there are too few different images to estimate the rate of false matches, if no radius
        meets the target, or if an edit raised an error. The recall is still measured.

    See Also
    --------
    NearDuplicateFinder : Takes the radius and the agreement, or finds them with
        ``radius="calibrated"``.
    hashfeatures.edits.Edit : An edit with its parameters.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import calibrate
    >>> from hashfeatures.edits import Edit
    >>> photos = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    >>> tiles = [photo[y : y + 90, x : x + 90] for photo in photos
    ...          for y in range(0, 270, 90) for x in range(0, 360, 90)]
    >>> calibration = calibrate(tiles, edits=[Edit("resize"), Edit("recompress")], n_edited=10)
    >>> calibration.radius, calibration.min_agreement
    (28, 0.85)
    >>> float(calibration.table.loc[(28, 0.85), "recall"])
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
    images = gather_images(images)
    sources = list_sources(images, name)
    n_images = len(sources) if n_images is None else check_int(name, "n_images", n_images, 1)
    trial = run_trial(
        finder,
        sources,
        edits,
        n_sampled=n_sampled,
        n_edited=n_edited,
        seed=random_state,
        progress=progress,
    )
    table = rates_by_limits(trial, n_images)
    given = finder.radius
    if given is None or isinstance(given, str):
        given = finder._comparison().usual_radius
    limits = recommend_limits(trial, table, target, default=min(given, trial.reach))
    borderline = _borderline(trial, sources, limits)
    return Calibration(table, *limits, borderline, target, n_images, trial)


def _is_watched() -> bool:
    """Return whether a person sees progress bars: in a notebook or a terminal."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


def _borderline(trial: Trial, sources: Sequence[Any], limits: Limits) -> pd.DataFrame:
    """Return the 20 pairs that are nearest to the limits, sorted by distance or by agreement."""
    near, limit, measure = trial.near, float(limits.radius), "distance"
    if limits.min_agreement is not None:
        near, measure = near[near["distance"] <= limits.radius], "agreement"
        limit = limits.min_agreement
    order = (near[measure] - limit).abs().sort_values(kind="stable").index[:20]
    pairs = near.loc[order].sort_values(measure, kind="stable", ignore_index=True)
    for side in ("left", "right"):
        shown = pd.Series([sources[row] for row in pairs[side]], dtype=object)
        pairs[f"{side}_image"] = shown
    return pairs
