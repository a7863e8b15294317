"""Sequences by the times at which images were taken."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from ...duplicates._labels import Labels, relabel
from ...images._open import open_image
from ...images._quiet import quiet_decoding
from ...images._references import resolve
from ...images._sources import local_path

_EXIF = 0x8769
_PNG_KEYS = {"exif", "Raw profile type exif"}
_MAKE, _MODEL, _SERIAL = 0x010F, 0x0110, 0xA431
_TAKEN, _OFFSET, _SUBSECONDS = 0x9003, 0x9011, 0x9291
_TIME = re.compile(r"\s*(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_ZONE = re.compile(r"\s*([+-])(\d\d):?(\d\d)")
_START = datetime(1970, 1, 1, tzinfo=UTC)


class Taken(NamedTuple):
    """When an image was taken, and by which clock.

    Parameters
    ----------
    microseconds : int
        The time since 1970, of the clock if its time zone is not known.
    clock : tuple of str
        The camera, and whether the time zone is known. Times of different clocks are not
        compared.
    """

    microseconds: int
    clock: tuple[str, ...]


def read_times(
    sources: Sequence[Any], *, use_file_times: bool = False, n_jobs: int | None = None
) -> list[Taken | None]:
    """Read when images were taken, without decoding their pixels.

    Parameters
    ----------
    sources : sequence of image sources
        The images.
    use_file_times : bool, default=False
        Whether an image without a time in its EXIF data gets the time at which its file was last
        changed.
    n_jobs : int, optional
        The number of threads.

    Returns
    -------
    list of Taken or None
        None for an image without a time, or that cannot be read.
    """
    with quiet_decoding():
        run = joblib.Parallel(n_jobs=n_jobs, require="sharedmem")
        times: list[Taken | None] = run(joblib.delayed(_read_time)(one) for one in sources)
    if use_file_times:
        times = [
            _file_time(source) if time is None else time
            for source, time in zip(sources, times, strict=True)
        ]
    return times


def cut_at_gaps(times: Sequence[Taken | None], gap: timedelta) -> tuple[Labels, NDArray[np.int64]]:
    """Group images that one camera took with no pause longer than a gap.

    Parameters
    ----------
    times : sequence of Taken or None
        The times of the images, in any order.
    gap : timedelta
        The longest pause within a sequence.

    Returns
    -------
    labels : ndarray of shape (n_images,), dtype intp
        The sequence of each image, or -1 without a time.
    microseconds : ndarray of shape (n_images,), dtype int64
        The times; 0 without one.
    """
    labels = np.full(len(times), -1, dtype=np.intp)
    microseconds = np.array([time.microseconds if time else 0 for time in times], dtype=np.int64)
    rows = np.array([row for row, time in enumerate(times) if time], dtype=np.intp)
    if not len(rows):
        return labels, microseconds
    clocks = relabel(pd.Series([time.clock for time in times if time]).to_numpy())
    order = np.lexsort((microseconds[rows], clocks))
    rows, clocks = rows[order], clocks[order]
    pauses = np.diff(microseconds[rows])
    begins = (np.diff(clocks) != 0) | (pauses > gap // timedelta(microseconds=1))
    labels[rows] = np.concatenate([[0], np.cumsum(begins)])
    return labels, microseconds


def _read_time(source: Any) -> Taken | None:
    # A broken file may raise anything in a plugin of Pillow. It has no time, and what hashes it
    # reports it.
    with suppress(Exception):
        source = resolve(source)
        if isinstance(source, Image.Image):
            return _parse(source.getexif())
        if source is not None and not isinstance(source, np.ndarray):
            with open_image(source) as image:
                # Pillow would decode a PNG to look for EXIF data behind its pixels.
                is_bare = image.format == "PNG" and not _PNG_KEYS & image.info.keys()
                return None if is_bare else _parse(image.getexif())
    return None


def _parse(exif: Image.Exif) -> Taken | None:
    details = exif.get_ifd(_EXIF)
    match = _TIME.match(_text(details.get(_TAKEN)))
    if match is None:
        return None
    try:
        time = datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:  # as in "0000:00:00 00:00:00" of a camera whose clock is not set
        return None
    digits = re.match(r"\d*", _text(details.get(_SUBSECONDS)).strip())
    fraction = f"{digits[0] if digits else '':0<6.6}"
    zone = _ZONE.match(_text(details.get(_OFFSET)))
    if zone is not None:
        ahead = timedelta(hours=int(zone[2]), minutes=int(zone[3]))
        time += -ahead if zone[1] == "+" else ahead
    camera = (exif.get(_MAKE), exif.get(_MODEL), details.get(_SERIAL))
    clock = (*(_text(part).strip() for part in camera), "local" if zone is None else "UTC")
    return Taken((time - _START) // timedelta(microseconds=1) + int(fraction), clock)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return "" if value is None else str(value).strip("\0 ")


def _file_time(source: Any) -> Taken | None:
    path = local_path(source.get("path") if isinstance(source, dict) else source)
    with suppress(OSError, ValueError):
        if path is not None:
            return Taken(os.stat(path).st_mtime_ns // 1000, ("file",))
    return None
