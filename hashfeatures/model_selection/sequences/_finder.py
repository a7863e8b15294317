"""Find which images belong to one sequence, by their names, times and pixels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin

from ..._utils.docstrings import fill_in_parameters
from ..._utils.frames import is_missing
from ..._utils.quantities import count
from ..._utils.validation import check_bool, check_n_jobs, refuse
from ...duplicates._labels import Labels, relabel
from ...images._gather import gather_images
from ...images._sources import list_sources
from ._found import FoundSequences
from ._names import find_name_runs
from ._order import list_in_order
from ._paths import list_names
from ._pattern import match_names
from ._pixels import label_scenes
from ._times import cut_at_gaps, read_times

_WAYS = ("name", "time", "pixels")
# Between photos of one event, people seldom pause longer.
_DEFAULT_PAUSE = timedelta(seconds=30)


@fill_in_parameters
class SequenceFinder(ClusterMixin, BaseEstimator):
    """Find sequences of images: frames of a video, slices of a patient, photos of an event.

    Frames of a moving scene need not be near duplicates. Names, times and the order of images tell
    what belongs together. The first of these ways that finds a sequence for an image decides.

    Read more in the :doc:`User Guide </user-guide/sequences>`.

    Parameters
    ----------
    $sequence_options
    n_jobs : int, default=None
        The number of joblib workers that read files. None means 1 unless in a
        `joblib.parallel_config` context. -1 means all processors.

    Attributes
    ----------
    labels_ : ndarray of shape (n_images,), dtype intp
        The sequence of each image, counted from 0 in order of first appearance. An image in no
        sequence has a label of its own.
    positions_ : ndarray of shape (n_images,), dtype intp
        The place of each image in its sequence, from 0 on. The same frame in two formats has one
        place.
    patterns_ : pandas.DataFrame
        The patterns that were found. The columns are "way", "pattern", "sequences", "images",
        "shortest" and "longest". Only sequences of two images or more count.
    description_ : str
        The same in words.

    See Also
    --------
    find_sequences : The same as a function.

    Notes
    -----
    A path that names a recording with its number belongs to it with all that follows, as in
    ``patient12/T1/slice_07.png`` and ``clip3-frame-0041.png``. The words are patient, subject,
    case, person, participant, video, clip, track, sequence, scene, scan, series, session,
    recording, drive, flight and trip.

    Other file names with the same texts around their numbers are compared within a folder. A
    number is a counter if its values are dense while all before it stays fixed. Among several such
    numbers, one that follows the word "frame" or "slice" is the counter, and otherwise the last
    one. What follows the counter does not matter, such as the number of a camera. Neither do the
    places of tiles, as in ``slide3_x4_y5.png``.

    Such names identify sequences if a number before the counter tells several runs of a folder
    apart and the counter restarts, as in ``00005_00012.ppm``. In all other cases, as in a folder
    with ``IMG_0001.jpg`` to ``IMG_0800.jpg``, the names only give the order, and times or pixels
    tell where a sequence ends. With ``by="name"``, each run of names is a sequence.

    A sequence stays in its folder. Folders of the parts of a split, such as ``train/cat`` and
    ``test/cat``, are one folder unless they have file names in common.

    Examples
    --------
    >>> from hashfeatures import SequenceFinder
    >>> names = [f"{track:05d}_{frame:05d}.ppm" for track in range(3) for frame in range(30)]
    >>> finder = SequenceFinder(by="name").fit(names)
    >>> finder.description_
    '3 sequences of 30 by the pattern {track}_{frame}'
    >>> finder.labels_[28:32], finder.positions_[28:32]
    (array([0, 0, 1, 1]), array([28, 29,  0,  1]))
    """

    def __init__(
        self,
        by: str | Sequence[str] = _WAYS,
        *,
        pattern: Any = None,
        gap: Any = None,
        use_file_times: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.by = by
        self.pattern = pattern
        self.gap = gap
        self.use_file_times = use_file_times
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> SequenceFinder:
        """Find the sequences of images.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
            Image sources, as for `ImageHashFeaturizer`, in any order. Only "pixels" depends on
            the order, and only for images without names or without "name" among the ways.
        y : None
            Ignored.

        Returns
        -------
        SequenceFinder
            The object itself.
        """
        caller = type(self).__name__
        by = self._check(caller)
        sources = list_sources(gather_images(X), caller)
        names = list_names(sources)
        found = FoundSequences(len(sources))
        present = np.array([not is_missing(source) for source in sources], dtype=bool)
        if "name" in by:
            self._add_named(found, names, by, present)
        if "time" in by:
            self._add_timed(found, sources, present, by)
        if "pixels" in by:
            order_by = names if "name" in by else [None] * len(names)
            self._add_scenes(found, sources, order_by, present)
        self.labels_, self.positions_ = found.labels_and_positions()
        self.patterns_ = found.tabulate(self.labels_)
        self.description_ = found.describe(self.patterns_)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    def _check(self, caller: str) -> tuple[str, ...]:
        """Return the ways, or raise if a parameter is wrong."""
        by = (self.by,) if isinstance(self.by, str) else self.by
        is_listed = isinstance(by, list | tuple) and all(way in _WAYS for way in by)
        if not is_listed or not by or len(set(by)) < len(by):
            listed = "'name', 'time' or 'pixels', or several of them"
            raise refuse(caller, "by", listed, self.by)
        check_bool(caller, "use_file_times", self.use_file_times)
        check_n_jobs(caller, self.n_jobs)
        for name, way in (("pattern", "name"), ("use_file_times", "time")):
            value = getattr(self, name)
            if value not in (None, False) and way not in by:
                raise refuse(caller, name, f"left out, as {way!r} is not in 'by'", value)
        _check_gap(caller, self.gap, by)
        return tuple(by)

    def _add_named(
        self,
        found: FoundSequences,
        names: list[str | None],
        by: tuple[str, ...],
        present: NDArray[np.bool_],
    ) -> None:
        is_alone = tuple(by) == ("name",)
        if is_alone and present.any() and not any(name is not None for name in names):
            raise ValueError(
                f"The images have no names, so {type(self).__name__}(by='name') cannot find "
                f"sequences. Pass paths, or use by='pixels' for images in their order."
            )
        if self.pattern is None:
            runs = find_name_runs(names)
        else:
            runs, n_unmatched = match_names(type(self).__name__, names, self.pattern)
            if n_unmatched:
                does = "name does" if n_unmatched == 1 else "names do"
                found.notes.append(f"{n_unmatched:,} {does} not match the pattern")
        rows = np.flatnonzero((runs.labels >= 0) & (runs.is_strong | is_alone))
        labels = runs.labels[rows]
        if self.gap is not None and "time" not in by:
            labels = _cut_at_missing(labels, runs.counters[rows], int(self.gap))
        found.add(rows, labels, runs.counters[rows], "name", runs.patterns[rows])

    def _add_timed(
        self,
        found: FoundSequences,
        sources: list[Any],
        present: NDArray[np.bool_],
        by: tuple[str, ...],
    ) -> None:
        rows = found.missing(present)
        if not len(rows):
            return
        times = read_times(
            [sources[row] for row in rows],
            use_file_times=self.use_file_times,
            n_jobs=self.n_jobs,
        )
        pause = _as_pause(self.gap)
        labels, microseconds = cut_at_gaps(times, pause)
        timed = np.flatnonzero(labels >= 0)
        text = f"by time, at pauses over {pause.total_seconds():g} s"
        found.add(rows[timed], labels[timed], microseconds[timed], "time", text)
        n_untimed = len(rows) - len(timed)
        if n_untimed and (len(timed) or "pixels" not in by):
            has = "has" if n_untimed == 1 else "have"
            found.notes.append(f"{count(n_untimed, 'image')} {has} no time in the EXIF data")

    def _add_scenes(
        self,
        found: FoundSequences,
        sources: list[Any],
        names: Sequence[str | None],
        present: NDArray[np.bool_],
    ) -> None:
        rows = found.missing(present)
        if not len(rows):
            return
        order, begins = list_in_order(rows, names)
        scenes = label_scenes(sources, order, n_jobs=self.n_jobs)
        # A folder begins a scene, though the one before it may look alike.
        labels = relabel(np.cumsum(begins) * len(order) + scenes)
        found.add(order, labels, np.arange(len(order)), "pixels", "by their pixels")


def _check_gap(caller: str, gap: Any, by: Sequence[str]) -> None:
    """Raise if the gap is not of a kind that one of the ways uses."""
    if gap is None:
        return
    is_number = isinstance(gap, Real) and not isinstance(gap, bool)
    if "time" in by:
        if isinstance(gap, timedelta) and gap >= timedelta(0):
            return
        if not (is_number and 0 <= gap < float("inf")):
            raise refuse(caller, "gap", "a number of seconds from 0 on or a timedelta", gap)
    elif "name" in by:
        if not (isinstance(gap, int | np.integer) and is_number and gap >= 0):
            expected = "an int in the range [0, inf), the numbers that a counter may leave out"
            raise refuse(caller, "gap", expected, gap)
    else:
        raise refuse(caller, "gap", "None, as neither 'time' nor 'name' is in 'by'", gap)


def _as_pause(gap: Any) -> timedelta:
    if gap is None:
        return _DEFAULT_PAUSE
    return gap if isinstance(gap, timedelta) else timedelta(seconds=float(gap))


def _cut_at_missing(labels: Labels, counters: NDArray[np.int64], gap: int) -> Labels:
    """Cut runs where their counter leaves out more than `gap` numbers."""
    order = np.lexsort((counters, labels))
    steps, changes = np.diff(counters[order]), np.diff(labels[order])
    cut = np.empty_like(labels)
    cut[order] = np.cumsum(np.concatenate([[0], (changes != 0) | (steps > gap + 1)])[: len(order)])
    return cut


@fill_in_parameters
def find_sequences(
    images: Any,
    by: str | Sequence[str] = _WAYS,
    *,
    pattern: Any = None,
    gap: Any = None,
    use_file_times: bool = False,
    n_jobs: int | None = None,
    return_info: bool = False,
) -> Any:
    """Find sequences of images: frames of a video, slices of a patient, photos of an event.

    Read more in the :doc:`User Guide </user-guide/sequences>`.

    Parameters
    ----------
    $images
    $sequence_options
    n_jobs : int, default=None
        The number of joblib workers that read files. None means 1 unless in a
        `joblib.parallel_config` context. -1 means all processors.
    return_info : bool, default=False
        Whether to return the fitted `SequenceFinder` too, which describes what was found.

    Returns
    -------
    labels : ndarray of shape (n_images,), dtype intp
        The sequence of each image, counted from 0 in order of first appearance. An image in no
        sequence has a label of its own. The labels can be used as `groups`.
    finder : SequenceFinder
        Only with ``return_info=True``.

    Raises
    ------
    ValueError
        If `pattern` matches no name, or the images have no names for ``by="name"``.

    See Also
    --------
    SequenceFinder : The same as an estimator, with the rules by which names are read.

    Examples
    --------
    >>> from hashfeatures import find_sequences
    >>> names = ["scans/patient7_slice_10.png", "scans/patient7_slice_9.png", "scans/patient8.png"]
    >>> find_sequences(names, by="name")
    array([0, 0, 1])
    >>> labels, finder = find_sequences(
    ...     names[:2], by="name", pattern="{patient}_slice_{frame}", return_info=True
    ... )
    >>> finder.description_
    '1 sequence of 2 by the pattern {patient}_slice_{frame}'
    """
    finder = SequenceFinder(
        by, pattern=pattern, gap=gap, use_file_times=use_file_times, n_jobs=n_jobs
    )
    check_bool("find_sequences", "return_info", return_info)
    labels = finder.fit(images).labels_
    return (labels, finder) if return_info else labels
