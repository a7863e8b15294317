"""Recommend a radius, by the recall and the rate of false matches at each radius."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...exceptions import CalibrationWarning, warn_user
from ._error_rates import NearCounts, estimate_rates, estimate_shares
from ._trial import Trial

# The default target: the greatest number of false matches in a million pairs.
TARGET = 10.0
# Fewer different images do not show the rate of false matches.
LEAST_IMAGES = 20


def rates_by_radius(trial: Trial, n_images: int) -> pd.DataFrame:
    """Estimate the recall and the rate of false matches at each radius.

    Parameters
    ----------
    trial : Trial
        The measured distances.
    n_images : int
        The number of images in the whole set.

    Returns
    -------
    pandas.DataFrame
        See `hashfeatures.Calibration`.
    """
    reach = len(trial.apart.within)
    rates, extrapolated = estimate_rates(_comparable(trial))
    found = trial.copies <= np.arange(reach)[:, None, None]
    recall: dict[str, Any] = {"recall": np.nan, "recall_low": np.nan, "recall_high": np.nan}
    if trial.copies.size:
        recall = dict(zip(recall, estimate_shares(found), strict=True))
    columns = {**recall}
    for name, estimate in zip(("", "_low", "_high"), rates, strict=True):
        columns[f"false_per_million{name}"] = 1e6 * estimate
    for name, estimate in zip(("", "_low", "_high"), rates, strict=True):
        columns[f"false_in_set{name}"] = estimate * (n_images * (n_images - 1) / 2)
    columns["extrapolated"] = extrapolated
    by_edit = found.mean(axis=1)
    columns |= {name: by_edit[:, place] for place, name in enumerate(trial.edits)}
    return pd.DataFrame(columns, index=pd.RangeIndex(reach, name="radius"))


def _comparable(trial: Trial) -> NearCounts:
    """Return the counts of near pairs, with no pairs if there are too few different images."""
    return trial.apart if trial.n_different >= LEAST_IMAGES else trial.apart._replace(n_pairs=0)


def choose_rate_column(table: pd.DataFrame, target: float) -> str:
    """Return the column of the rate of false matches that must keep to the target.

    It is the upper end of the interval, which few samples underestimate. If there are too few
    images to prove so low a rate even at 0 bits, it is the estimate.
    """
    upper = "false_per_million_high"
    return upper if table[upper].iloc[0] <= target else "false_per_million"


def recommend_radius(
    trial: Trial, table: pd.DataFrame, target: float = TARGET, *, default: int
) -> int:
    """Return the greatest radius whose rate of false matches keeps to the target.

    Parameters
    ----------
    trial : Trial
        The measured distances.
    table : pandas.DataFrame
        The result of `rates_by_radius`.
    target : float
        The greatest number of false matches in a million pairs of different images, in the column
        that `choose_rate_column` returns.
    default : int
        The radius if there are too few different images.

    Returns
    -------
    int
        The radius in bits; 0 if no radius keeps to the target.

    Warns
    -----
    CalibrationWarning
        If there are too few different images, or no radius keeps to the target.
    """
    if trial.n_different < LEAST_IMAGES:
        warn_user(
            f"Only {trial.n_different} of the images differ from each other. Estimating the rate "
            f"of false matches takes at least {LEAST_IMAGES}, so the radius stays at {default} "
            f"bits.",
            CalibrationWarning,
        )
        return default
    rates = table["false_per_million"].to_numpy()
    allowed = np.flatnonzero(table[choose_rate_column(table, target)].to_numpy() <= target)
    if not len(allowed):
        warn_user(
            f"No radius meets the target of {target:g} false matches in a million pairs. At 0 "
            f"bits there are {rates[0]:.3g}. Use more or other hashes.",
            CalibrationWarning,
        )
        return 0
    return int(allowed[-1])
