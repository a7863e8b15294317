"""The figure of a calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .extras import import_extra

_FOUND, _FALSE = "tab:blue", "tab:red"


def plot_calibration(table: pd.DataFrame, radius: int, target: float, ax: Any = None) -> Any:
    """Draw the recall, on the left scale, and the false matches, on the right one.

    Parameters
    ----------
    table : pandas.DataFrame
        That of a `Calibration`.
    radius : int
        The recommended radius in bits.
    target : float
        The most false matches in a million pairs.
    ax : matplotlib.axes.Axes, optional
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the recall.
    """
    pyplot = import_extra("matplotlib.pyplot", "plot", "Calibration.plot")
    if ax is None:
        _, ax = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    radii = table.index.to_numpy()
    ax.plot(radii, table["recall"], color=_FOUND, label="copies found")
    ax.fill_between(
        radii, table["recall_low"], table["recall_high"], color=_FOUND, alpha=0.2, lw=0
    )
    ax.set(xlabel="radius in bits", xlim=(0, radii[-1]), ylim=(0, 1.02))
    ax.set_ylabel("share of edited copies found", color=_FOUND)
    ax.tick_params(axis="y", colors=_FOUND)
    ax.axvline(radius, color="black", lw=1)
    ax.annotate(
        f"{radius} bits",
        (radius, 0.03),
        xytext=(4, 0),
        textcoords="offset points",
        xycoords=("data", "axes fraction"),
    )
    _plot_rates(table, target, ax.twinx())
    return ax


def _plot_rates(table: pd.DataFrame, target: float, ax: Any) -> None:
    radii = table.index.to_numpy()
    rates = {
        end: table[f"false_per_million{end}"].where(table[f"false_per_million{end}"] > 0)
        for end in ("", "_low", "_high")
    }
    ax.set_ylabel("false matches in a million pairs", color=_FALSE)
    ax.tick_params(axis="y", colors=_FALSE)
    if not np.isfinite(rates[""]).any():
        ax.set_yticks([])
        return
    ax.set_yscale("log")
    modelled = table["extrapolated"].to_numpy()
    # The dashes reach to the first radius that was counted, or there would be a gap.
    dashed = modelled | np.roll(modelled, 1) & (radii > 0)
    ax.plot(radii, rates[""].where(~modelled), color=_FALSE)
    ax.plot(radii, rates[""].where(dashed), color=_FALSE, ls="--")
    # Where the lower end is 0, which has no place on this scale, the band is that above the line.
    low = rates["_low"].fillna(rates[""])
    ax.fill_between(radii, low, rates["_high"], color=_FALSE, alpha=0.2, lw=0)
    ax.axhline(target, color=_FALSE, lw=0.8, ls=":")
