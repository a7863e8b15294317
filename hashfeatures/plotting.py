"""Figures with matplotlib: contact sheets, groups, rankings, histograms and calibrations.

Each function draws into the given axes or into a new figure, and returns the axes.
"""

from __future__ import annotations

import math
import os
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from ._utils.optional import import_extra
from ._utils.quantities import format_agreement
from ._utils.validation import check_choice, check_int, refuse
from .exceptions import ImageReadError
from .images._decoding import Decoding, Reduction
from .images._gather import gather_images
from .images._read import read_image
from .images._sources import describe_source, list_sources, local_path

_UNITS = {"bits": "bits", "hex": "hex digits"}

# The longest side of a drawn image, which is more than a figure of the usual size shows.
_SIDE = 256
_DECODING = Decoding("reduced")

# The number of characters of a file name, and of a line of text, that fit above a thumbnail.
_NAME_LENGTH = 24
_LINE_LENGTH = 28

_INCHES = 1.9

Axes = NDArray[Any]


def plot_images(
    images: Any,
    titles: Iterable[str] | None = None,
    *,
    n_columns: int = 5,
    ax: Any = None,
) -> Axes:
    """Draw a contact sheet.

    Parameters
    ----------
    images : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
        Image sources, as for `ImageHashFeaturizer`. An image that cannot be read appears as a
        gray tile with a note.
    titles : iterable of str, default=None
        The title above each image. None means the names of the files.
    n_columns : int, default=5
        The number of images in a row.
    ax : matplotlib.axes.Axes or array of them, default=None
        The Axes to draw in. A single Axes is divided, and each of an array takes one image. None
        creates a new figure.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (n_rows, n_columns)
        The Axes of the images, row by row, or `ax` if it is an array.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    See Also
    --------
    plot_groups : Draws groups of near duplicates.
    plot_pairs : Draws pairs side by side.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures.plotting import plot_images
    >>> axes = plot_images([data.camera(), data.coins()], ["camera", "coins"], n_columns=2)
    >>> axes.shape
    (1, 2)
    """
    name = "plot_images"
    check_int(name, "n_columns", n_columns, 1)
    sources = list_sources(gather_images(images), name)
    if isinstance(titles, str):
        raise refuse(name, "titles", "a list with one title per image, or None", titles)
    texts = [_name_of(source) for source in sources] if titles is None else list(titles)
    if len(texts) != len(sources):
        expected = f"a list with one title per image, {len(sources)} in all"
        raise refuse(name, "titles", expected, texts)
    columns = min(n_columns, max(len(sources), 1))
    axes = _grid(math.ceil(len(sources) / columns), columns, ax, len(sources), name)
    for axis, source, text in zip(axes.flat, sources, texts, strict=False):
        _draw(axis, source, text)
    return axes


def plot_groups(
    duplicates: Any, *, n_groups: int = 10, n_columns: int = 6, ax: Any = None
) -> Axes:
    """Draw groups of near duplicates, one per row.

    Parameters
    ----------
    duplicates : pandas.DataFrame or NearDuplicateFinder
        A table of `find_duplicates` with the columns "group", "image" and "distance", or a fitted
        finder, whose ``duplicates()`` are drawn. If the table has the columns "agreement" and
        "relation", their values appear above the images.
    n_groups : int, default=10
        The number of groups to draw, the largest first.
    n_columns : int, default=6
        The number of images to draw of each group. The last column counts the remaining ones.
    ax : matplotlib.axes.Axes or array of them, default=None
        As in `plot_images`.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (n_groups, n_columns)
        The Axes of the images.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    See Also
    --------
    hashfeatures.find_duplicates : Lists the groups.
    hashfeatures.make_report : Shows them on a page.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import find_duplicates
    >>> from hashfeatures.plotting import plot_groups
    >>> images = [data.camera(), data.coins(), data.camera()[::2, ::2]]
    >>> plot_groups(find_duplicates(images)).shape
    (1, 2)
    """
    name = "plot_groups"
    check_int(name, "n_groups", n_groups, 1)
    check_int(name, "n_columns", n_columns, 2)
    if callable(listed := getattr(duplicates, "duplicates", None)) and hasattr(duplicates, "fit"):
        duplicates = listed()
    _check_columns(
        duplicates, ("group", "image", "distance"), name, "duplicates", "find_duplicates"
    )
    sizes = (
        duplicates.groupby("group", sort=True).size().sort_values(ascending=False, kind="stable")
    )
    groups = sizes.index[:n_groups]
    columns = min(n_columns, int(sizes.max())) if len(sizes) else 1
    axes = _grid(len(groups), columns, ax, len(groups) * columns, name)
    for line, group in zip(axes.reshape(-1, columns), groups, strict=False):
        members = duplicates[duplicates["group"] == group]
        room = columns if len(members) <= columns else columns - 1
        for axis, (_, member) in zip(line, members[:room].iterrows(), strict=False):
            distance = _format_distance(member["distance"])
            facts = _describe_match(member, distance)
            _draw(axis, member["image"], "\n".join([_name_of(member["image"]), *facts]))
        if len(members) > room:
            _write(line[-1], f"and {len(members) - room}\nmore")
    return axes


def plot_similar(
    query: Any,
    similar: pd.DataFrame,
    *,
    unit: str = "bits",
    n: int = 9,
    n_columns: int = 5,
    ax: Any = None,
) -> Axes:
    r"""Draw an image and the images most similar to it, with their distances.

    Parameters
    ----------
    query : image source
        The query image.
    similar : pandas.DataFrame
        A table of `find_similar` with the columns "image" and "hamming_distance". If it has the
        columns "agreement" and "relation", their values appear above the images.
    unit : {"bits", "hex"}, default="bits"
        The unit of the distances, as it was passed to `find_similar`.
    n : int, default=9
        The number of images to draw beside the query.
    n_columns : int, default=5
        The number of images in a row.
    ax : matplotlib.axes.Axes or array of them, default=None
        As in `plot_images`.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (n_rows, n_columns)
        The Axes of the images, the query first.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    See Also
    --------
    hashfeatures.find_similar : Ranks the images.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import find_similar
    >>> from hashfeatures.plotting import plot_similar
    >>> images = [data.coins(), data.camera(), data.moon()]
    >>> axes = plot_similar(data.camera(), find_similar(images, data.camera()))
    >>> [axis.get_title() for axis in axes.flat][:2]
    ['query', '0 bits\n...']
    """
    name = "plot_similar"
    check_int(name, "n", n, 1)
    check_choice(name, "unit", unit, tuple(_UNITS))
    _check_columns(similar, ("image", "hamming_distance"), name, "similar", "find_similar")
    shown = similar[:n]
    images = [query, *shown["image"]]
    titles = []
    for _, found in shown.iterrows():
        distance = _format_distance(found["hamming_distance"], _UNITS[unit])
        facts = _describe_match(found, distance)
        titles.append("\n".join([*facts, _name_of(found["image"])]))
    axes = plot_images(images, ["query", *titles], n_columns=n_columns, ax=ax)
    axes.flat[0].set_title(axes.flat[0].get_title(), fontweight="bold", fontsize=9)
    return axes


def plot_pairs(pairs: pd.DataFrame, *, ax: Any = None) -> Axes:
    """Draw pairs of images side by side, such as the worst leaks of a split.

    Parameters
    ----------
    pairs : pandas.DataFrame
        A table with the columns "left_image", "right_image" and "distance". If it has "left_part"
        and "right_part", their values appear above the images. If it has "agreement" and
        "relation", their values appear above the right images.
    ax : matplotlib.axes.Axes or array of them, default=None
        As in `plot_images`.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (n_pairs, 2)
        The Axes of the images, one pair per row.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    See Also
    --------
    hashfeatures.LeakageReport.plot : Draws the nearest pairs of a report.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import leakage_report
    >>> from hashfeatures.plotting import plot_pairs
    >>> report = leakage_report([data.camera(), data.coins()], [data.camera()[::2, ::2]])
    >>> plot_pairs(report.pairs).shape
    (1, 2)
    """
    _check_columns(
        pairs, ("left_image", "right_image", "distance"), "plot_pairs", "pairs", "pairs"
    )
    axes = _grid(len(pairs), 2, ax, 2 * len(pairs), "plot_pairs")
    for line, (_, pair) in zip(axes.reshape(-1, 2), pairs.iterrows(), strict=False):
        for axis, side in zip(line, ("left", "right"), strict=True):
            image = pair[f"{side}_image"]
            above = [pair.get(f"{side}_part"), _format_distance(pair["distance"])]
            heading = ", ".join(text for text in above if text)
            facts = _describe_match(pair, heading) if side == "right" else [heading]
            _draw(axis, image, "\n".join([*facts, _name_of(image)]))
    return axes


def plot_distances(distances: ArrayLike, radius: int | None = None, *, ax: Any = None) -> Any:
    """Draw a histogram of distances, and mark those within a radius.

    Parameters
    ----------
    distances : array-like of shape (n_distances,)
        Hamming distances in bits, such as those of `Pairs`, or the distance of each image to its
        nearest neighbor.
    radius : int, default=None
        The greatest distance of two near duplicates. Distances within it have another color.
    ax : matplotlib.axes.Axes, default=None
        The Axes to draw in. None creates a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes of the histogram.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    See Also
    --------
    hashfeatures.HammingNeighbors.pairs : Returns pairs with their distances.

    Examples
    --------
    >>> from hashfeatures.plotting import plot_distances
    >>> plot_distances([0, 2, 2, 31, 34, 30], radius=12).get_xlabel()
    'Hamming distance (bits)'
    """
    name = "plot_distances"
    if radius is not None:
        check_int(name, "radius", radius, 0)
    values = np.asarray(distances)
    if values.ndim != 1 or not (values.size == 0 or np.issubdtype(values.dtype, np.integer)):
        raise refuse(name, "distances", "a 1-D array of ints, in bits", values)
    axis = _pyplot().subplots(layout="constrained")[1] if ax is None else ax
    counts = np.bincount(values.astype(np.intp)) if values.size else np.zeros(1, dtype=np.intp)
    places = np.arange(len(counts))
    if radius is None:
        axis.bar(places, counts, width=0.9)
    else:
        near = places <= radius
        within = int(counts[near].sum())
        axis.bar(places[near], counts[near], width=0.9, color="C3", label=f"within: {within:,}")
        beyond = f"beyond: {len(values) - within:,}"
        axis.bar(places[~near], counts[~near], width=0.9, color="C0", label=beyond)
        axis.axvline(radius + 0.5, color="C3", linestyle="--", label=f"radius {radius}")
        axis.legend()
    axis.set_xlim(-0.75, max(len(counts), (radius or 0) + 2) - 0.25)
    axis.set(xlabel="Hamming distance (bits)", ylabel="how often")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.yaxis.get_major_locator().set_params(integer=True)
    return axis


def _pyplot() -> Any:
    return import_extra("matplotlib.pyplot", "plot", "Plotting")


def _grid(n_rows: int, n_columns: int, ax: Any, n_wanted: int, caller: str) -> Axes:
    """Return Axes for a grid of images, without ticks and frames."""
    plt = _pyplot()
    n_rows = max(n_rows, 1)
    if ax is None:
        size = (_INCHES * n_columns, (_INCHES + 0.3) * n_rows)
        axes = plt.subplots(n_rows, n_columns, squeeze=False, figsize=size, layout="constrained")[
            1
        ]
    elif isinstance(ax, np.ndarray | list | tuple):
        axes = np.asarray(ax, dtype=object)
        if axes.size < n_wanted:
            expected = f"an array of at least {n_wanted} Axes, one per image"
            raise refuse(caller, "ax", expected, axes)
    else:
        ax.set_axis_off()
        axes = ax.get_subplotspec().subgridspec(n_rows, n_columns).subplots(squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
        axis.set_anchor("N")  # align the images of a row at their top edges
    return axes  # type: ignore[no-any-return]


def _draw(axis: Any, source: Any, title: str) -> None:
    try:
        image = read_image(source, _DECODING, Reduction(_SIDE)).image.convert("RGB")
    except ImageReadError:
        _write(axis, "cannot be\nread")
    else:
        image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        axis.imshow(np.asarray(image))
    # Dollar signs in a file name start no formula.
    axis.set_title(title, fontsize=9, parse_math=False)


def _write(axis: Any, text: str) -> None:
    """Draw text in place of an image."""
    axis.imshow(np.full((3, 4, 3), 225, dtype=np.uint8))
    axis.text(1.5, 1, text, ha="center", va="center", color="0.25", fontsize=9)


def _name_of(source: Any) -> str:
    """Return the name of a file, shortened to fit above its image."""
    name = local_path(source) or describe_source(source)
    text = os.path.basename(name.rstrip("/"))
    text = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    if len(text) <= _NAME_LENGTH:
        return text
    half = _NAME_LENGTH // 2
    return f"{text[: half - 1]}\N{HORIZONTAL ELLIPSIS}{text[-half:]}"


def _describe_match(row: pd.Series[Any], heading: str) -> list[str]:
    """Return lines about a match: a heading with its agreement, and its relation, if known."""
    agreement, relation = row.get("agreement"), row.get("relation")
    if not pd.isna(agreement):
        agrees = f"agreement {format_agreement(agreement)}"
        heading = f"{heading}, {agrees}" if heading else agrees
    lines = textwrap.wrap(heading, _LINE_LENGTH) or [""]
    return lines if pd.isna(relation) else lines + textwrap.wrap(relation, _LINE_LENGTH)


def _format_distance(distance: Any, unit: str = "bits") -> str:
    if pd.isna(distance):
        return ""
    return f"{distance} {unit[:-1] if distance == 1 else unit}"


def _check_columns(table: Any, columns: Sequence[str], caller: str, name: str, maker: str) -> None:
    if not isinstance(table, pd.DataFrame) or not set(columns) <= set(table.columns):
        got = list(table.columns) if isinstance(table, pd.DataFrame) else table
        expected = f"a table of {maker}, with the columns {', '.join(map(repr, columns))}"
        raise refuse(caller, name, expected, got)


_FOUND, _FALSE = "tab:blue", "tab:red"


def plot_calibration(
    table: pd.DataFrame, radius: int, min_agreement: float | None, target: float, ax: Any = None
) -> Any:
    """Draw recall on the left scale and false matches on the right one.

    The limit widens to the right: the agreement falls, or the radius grows.

    Parameters
    ----------
    table : pandas.DataFrame
        The table of a `Calibration`.
    radius : int
        The recommended radius in bits.
    min_agreement : float or None
        The recommended agreement. None means that the table has radii alone.
    target : float
        The most false matches in a million pairs.
    ax : matplotlib.axes.Axes, default=None
        The Axes to draw in. None creates a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes of the recall.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    See Also
    --------
    hashfeatures.Calibration.plot : Draws its own table.

    Examples
    --------
    >>> import pandas as pd
    >>> from hashfeatures.plotting import plot_calibration
    >>> rates = {"recall": [0.5, 0.9], "false_per_million": [0.0, 20.0]}
    >>> ends = ("", "_low", "_high")
    >>> table = pd.DataFrame(
    ...     {f"{rate}{end}": values for rate, values in rates.items() for end in ends},
    ...     index=pd.Index([4, 12], name="radius"),
    ... ).assign(extrapolated=False)
    >>> plot_calibration(table, radius=4, min_agreement=None, target=10).get_xlabel()
    'radius in bits'
    """
    pyplot = import_extra("matplotlib.pyplot", "plot", "Calibration.plot")
    if ax is None:
        _, ax = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    limit: float = radius
    label, text = "radius in bits", f"{radius} bits"
    if min_agreement is not None:
        table = table[table.index.get_level_values(0) == radius].droplevel(0)[::-1]
        limit = min_agreement
        label, text = f"least agreement, at a radius of {radius} bits", f"{min_agreement:g}"
    limits = table.index.to_numpy()
    ax.plot(limits, table["recall"], color=_FOUND, label="copies found")
    ax.fill_between(
        limits, table["recall_low"], table["recall_high"], color=_FOUND, alpha=0.2, lw=0
    )
    ax.set(xlabel=label, xlim=(limits[0], limits[-1]), ylim=(0, 1.02))
    ax.set_ylabel("share of edited copies found", color=_FOUND)
    ax.tick_params(axis="y", colors=_FOUND)
    ax.axvline(limit, color="gray", lw=1)
    ax.annotate(
        text,
        (limit, 0.03),
        xytext=(4, 0),
        textcoords="offset points",
        xycoords=("data", "axes fraction"),
    )
    _plot_rates(table, target, ax.twinx())
    return ax


def _plot_rates(table: pd.DataFrame, target: float, ax: Any) -> None:
    limits = table.index.to_numpy()
    rates = {
        end: table[f"false_per_million{end}"].where(table[f"false_per_million{end}"] > 0)
        for end in ("", "_low", "_high")
    }
    ax.set_ylabel("false matches in a million pairs", color=_FALSE)
    ax.tick_params(axis="y", colors=_FALSE)
    if not np.isfinite(rates["_high"]).any():
        ax.set_yticks([])
        return
    ax.set_yscale("log")
    modelled = table["extrapolated"].to_numpy()
    # The dashes reach to the first counted limit, to leave no gap.
    dashed = modelled | np.roll(modelled, 1) & (limits != limits[0])
    ax.plot(limits, rates[""].where(~modelled), color=_FALSE)
    ax.plot(limits, rates[""].where(dashed), color=_FALSE, ls="--")
    # A lower bound of 0 has no place on a log scale. There the band starts at the line, or at the
    # bottom if the estimate is 0, too.
    bottom = min(target, np.nanmin(rates[""].fillna(rates["_high"]))) / 2
    low = rates["_low"].fillna(rates[""]).fillna(bottom)
    ax.fill_between(limits, low, rates["_high"], color=_FALSE, alpha=0.2, lw=0)
    ax.set_ylim(bottom=bottom)
    ax.axhline(target, color=_FALSE, lw=0.8, ls=":")
