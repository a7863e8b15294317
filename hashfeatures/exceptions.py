"""Every error and warning class of the package."""

from __future__ import annotations

import sys
import warnings
from typing import Any


class ImageReadError(ValueError):
    """An image could not be read or hashed.

    Parameters
    ----------
    source : str
        The image: a path, a URL, or a description of an object in memory.
    cause : str
        The reason of the failure.
    position : int, optional
        The row of the image in its collection, counted from 0.
    lasting : bool, default=True
        Whether the same file will fail again, as one with broken content does. A time-out or a
        lack of memory may pass.

    Examples
    --------
    >>> from hashfeatures import ImageReadError
    >>> str(ImageReadError("cat.jpg", "FileNotFoundError: no such file", position=3))
    "Could not read image 3, 'cat.jpg': FileNotFoundError: no such file"
    """

    def __init__(
        self, source: str, cause: str, position: int | None = None, lasting: bool = True
    ) -> None:
        super().__init__(source, cause, position, lasting)
        self.source = source
        self.cause = cause
        self.position = position
        self.lasting = lasting

    def without_traceback(self) -> ImageReadError:
        """Return the same error without its traceback, whose frames hold pixels."""
        return ImageReadError(self.source, self.cause, self.position, self.lasting)

    def __str__(self) -> str:
        where = "image" if self.position is None else f"image {self.position},"
        return f"Could not read {where} {self.source!r}: {self.cause}"


class ParameterError(ValueError, TypeError):
    """A parameter has an invalid value.

    Both a ``ValueError`` and a ``TypeError``, as in scikit-learn.
    """


class MissingExtraError(ImportError):
    """An optional dependency of a feature is not installed."""


class CacheError(RuntimeError):
    """A cache file cannot be used: its folder is missing, or it is damaged or not a cache."""


class CacheUnavailableError(CacheError):
    """A cache cannot be used for a reason outside of the file: a full disk, no permission."""


class CacheWarning(UserWarning):
    """A cache of hashes failed or is read-only, and the run went on without it."""


class StoreError(RuntimeError):
    """A stored file cannot be used: foreign, truncated, damaged, or of a newer release."""


class StageError(RuntimeError):
    """A stage directory cannot be used: unreachable, of other settings, incomplete or damaged."""


class EngineError(RuntimeError):
    """The workers of a run cannot be used: no answer, other versions, or repeated crashes."""


class TooManyPairsError(ValueError):
    """A search found more pairs than the limit allows to return as arrays."""


class FailedImagesWarning(UserWarning):
    """Some images could not be read and were left out of the result."""


class LeakageError(AssertionError):
    """Near duplicates are on both sides of a split.

    Parameters
    ----------
    message : str
        The number of leaks, and the worst ones.
    report : LeakageReport, optional
        All leaks.
    """

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message, report)
        self.report = report

    def __str__(self) -> str:
        return str(self.args[0])


class UncheckedLeakageError(LeakageError):
    """A split could not be checked for leaks: a part is empty, or images could not be read."""


class LayoutError(ValueError):
    """A data set in a layout cannot be read or written as it is.

    The message names the file and, where it is known, the line or the key.
    """


class CalibrationWarning(UserWarning):
    """A calibration is less certain than requested: it has too few images, or edits raised."""


class ChainingWarning(UserWarning):
    """Groups of near duplicates are very large or wide, as chains of similar images form."""


class RadiusWarning(UserWarning):
    """A radius and its hashes cannot distinguish the images of a set."""


class SkippedFilesWarning(UserWarning):
    """A folder or a data set holds files that were left out, as they are no images."""


class SplitMoveWarning(UserWarning):
    """Images of a locked split moved to another part, as their groups are connected with it."""


class SplitSizeWarning(UserWarning):
    """The groups of near duplicates did not allow the requested sizes."""


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn with the line that called this package, however deep in it the cause is.

    The function also skips scikit-learn's wrappers and searches, which the user did not write.
    """
    level = 1
    frame = sys._getframe()
    while frame.f_back is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] not in ("hashfeatures", "sklearn", "contextlib"):
            break
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)
