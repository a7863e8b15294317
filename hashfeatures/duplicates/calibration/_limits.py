"""Recommend a radius and an agreement, by the recall and the rate of false matches at each."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...exceptions import CalibrationWarning, warn_user
from ._error_rates import (
    Estimate,
    NearCounts,
    count_near,
    estimate_rates,
    estimate_shares,
    make_monotonic,
)
from ._trial import SAME_PICTURE, Trial

# The default target: the greatest number of false matches in a million pairs.
TARGET = 10.0
# Fewer different images do not show the rate of false matches.
LEAST_IMAGES = 20
# The least agreement of which the rates are estimated, in percent.
_LOOSEST = 70
_ENDS = ("", "_low", "_high")


class Limits(NamedTuple):
    """The limits within which two images are near duplicates.

    Parameters
    ----------
    radius : int
        The greatest distance of their hashes in bits.
    min_agreement : float or None
        The least agreement of their pixels. None looks at no pixels.
    """

    radius: int
    min_agreement: float | None


def rates_by_limits(trial: Trial, n_images: int) -> pd.DataFrame:
    """Estimate the recall and the rate of false matches at each radius and agreement.

    Parameters
    ----------
    trial : Trial
        The measured distances and agreements.
    n_images : int
        The number of images in the whole set.

    Returns
    -------
    pandas.DataFrame
        See `hashfeatures.Calibration`.
    """
    # All arrays begin at the narrowest limits: radii ascend, agreements descend.
    radii = np.arange(trial.reach + 1)
    if trial.min_agreement is None:
        agreements = None
        rates, extrapolated = _rates_by_radius(trial, len(radii))
        copies = [trial.copies]
    else:
        agreements = _list_agreements(trial.min_agreement)
        rates, extrapolated = _rates_by_agreement(trial, radii, agreements)
        copies = [trial.confirmed_copies(agreement) for agreement in agreements]
    found = [shown <= radii[:, None, None] for shown in copies]
    recall = Estimate(*np.full((3, len(radii), len(found)), np.nan))
    if trial.copies.size:
        shares = [estimate_shares(each) for each in found]
        recall = make_monotonic(Estimate(*np.stack(shares, axis=2)), axis=1)
    columns: dict[str, NDArray[Any]] = {
        f"recall{end}": part for end, part in zip(_ENDS, recall, strict=True)
    }
    for name, per in (("false_per_million", 1e6), ("false_in_set", n_images * (n_images - 1) / 2)):
        columns |= {f"{name}{end}": per * part for end, part in zip(_ENDS, rates, strict=True)}
    columns["extrapolated"] = extrapolated
    by_edit = np.stack([each.mean(axis=1) for each in found], axis=1)
    columns |= {name: by_edit[..., place] for place, name in enumerate(trial.edits)}
    index: pd.Index[Any] = pd.RangeIndex(len(radii), name="radius")
    if agreements is not None:
        names = ("radius", "min_agreement")
        index = pd.MultiIndex.from_product([radii, agreements[::-1]], names=names)
    return pd.DataFrame({name: part[:, ::-1].ravel() for name, part in columns.items()}, index)


def _list_agreements(least: float) -> list[float]:
    """Return the agreements of which rates are estimated, and a given one, in falling order."""
    loosest = min(_LOOSEST, int(100 * least))
    steps = {percent / 100 for percent in range(loosest, round(100 * SAME_PICTURE) + 1)}
    return sorted(steps | {least}, reverse=True)


def _rates_by_radius(trial: Trial, n_radii: int) -> tuple[Estimate, NDArray[np.bool_]]:
    near = trial.near[~trial.near["same"]]
    counts = count_near(
        *trial.show_pictures(near), near["distance"], np.bincount(trial.pictures), n_radii
    )
    rates, extrapolated = estimate_rates(_if_enough(trial, counts))
    return Estimate(*(part[:, None] for part in rates)), extrapolated[:, None]


def _rates_by_agreement(
    trial: Trial, radii: NDArray[np.int64], agreements: list[float]
) -> tuple[Estimate, NDArray[np.bool_]]:
    apart = trial.near[~trial.near["same"]]
    left, right = trial.show_pictures(apart)
    distance = apart["distance"].to_numpy()
    # The number of agreements that are too strict for each pair, in single precision as pairs are
    # tested.
    ascending = np.array(agreements[::-1], dtype=np.float32)
    level = len(ascending) - np.searchsorted(
        ascending, apart["agreement"].to_numpy(dtype=np.float32), side="right"
    )
    sizes = np.bincount(trial.pictures)
    within = [distance <= radius for radius in radii]
    counts = [
        _if_enough(trial, count_near(left[near], right[near], level[near], sizes, len(agreements)))
        for near in within
    ]
    # All pairs show how their number falls as the agreement rises. Those of a small radius are too
    # few to show it.
    shape = counts[-1].within
    estimates, extrapolated = zip(*(estimate_rates(each, shape) for each in counts), strict=True)
    both = make_monotonic(Estimate(*np.stack(estimates, axis=1)))
    value = np.maximum.accumulate(np.minimum(both.value, both.high))
    return both._replace(value=value), np.stack(extrapolated)


def _if_enough(trial: Trial, counts: NearCounts) -> NearCounts:
    """Return the counts of near pairs, with no pairs if there are too few different images."""
    return counts if trial.n_different >= LEAST_IMAGES else counts._replace(n_pairs=0)


def choose_rate_column(table: pd.DataFrame, target: float) -> str:
    """Return the column of the rate of false matches that must keep to the target.

    It is the upper end of the interval, which few samples underestimate. If there are too few
    images to prove so low a rate even within the narrowest limits, it is the estimate.
    """
    upper = "false_per_million_high"
    return upper if table[upper].min() <= target else "false_per_million"


def recommend_limits(
    trial: Trial, table: pd.DataFrame, target: float = TARGET, *, default: int
) -> Limits:
    """Return the limits that find the most copies at a rate of false matches within the target.

    The agreement is at least that of the finder. At equal recall the radius is as wide as it can
    be, and the agreement as low. So the defaults stay if they keep to the target.

    Parameters
    ----------
    trial : Trial
        The measured distances and agreements.
    table : pandas.DataFrame
        The result of `rates_by_limits`.
    target : float
        The greatest number of false matches in a million pairs of different images, in the column
        that `choose_rate_column` returns.
    default : int
        The radius if there are too few different images.

    Returns
    -------
    Limits
        The narrowest ones if none keep to the target.

    Warns
    -----
    CalibrationWarning
        If there are too few different images, or no limits keep to the target.
    """
    least = trial.min_agreement
    if trial.n_different < LEAST_IMAGES:
        stay = (
            "the radius stays"
            if least is None
            else f"the agreement stays at {least:g} and the radius"
        )
        warn_user(
            f"Only {trial.n_different} of the images differ from each other. Estimating the rate "
            f"of false matches takes at least {LEAST_IMAGES}, so {stay} at {default} "
            f"bits.",
            CalibrationWarning,
        )
        return Limits(default, least)
    allowed = table[table[choose_rate_column(table, target)] <= target].reset_index()
    if least is not None:
        allowed = allowed[allowed["min_agreement"] >= least]
    if not len(allowed):
        strictest = table.iloc[0] if least is None else table.xs(0).iloc[-1]
        warn_user(
            f"No radius meets the target of {target:g} false matches in a million pairs. At 0 "
            f"bits there are {strictest['false_per_million']:.3g}. Use more or other hashes.",
            CalibrationWarning,
        )
        return Limits(0, None if least is None else float(table.index[-1][1]))
    if least is None:
        return Limits(int(allowed["radius"].iloc[-1]), None)
    # The widest limits at each radius, the widest radius first. Ties are broken by this order.
    widest = allowed.groupby("radius", as_index=False).first()[::-1]
    best = int(np.argmax(widest["recall"].fillna(0).to_numpy()))
    radius, agreement = (widest[name].to_numpy()[best] for name in ("radius", "min_agreement"))
    return Limits(int(radius), float(agreement))
