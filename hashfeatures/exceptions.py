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
        What was asked for: a path, a URL, or the kind of object.
    cause : str
        Why it failed.
    position : int, optional
        The row of the image in the collection it came from, counted from 0.
    lasting : bool, default=True
        Whether the same file will fail again, as one with broken content does: a time-out or a
        want of memory may pass.

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
        """Return the same without the traceback, whose frames hold the pixels of the image."""
        return ImageReadError(self.source, self.cause, self.position, self.lasting)

    def __str__(self) -> str:
        where = "image" if self.position is None else f"image {self.position},"
        return f"Could not read {where} {self.source!r}: {self.cause}"


class ParameterError(ValueError, TypeError):
    """A parameter has a value that it cannot have.

    Both a ``ValueError`` and a ``TypeError``, as scikit-learn's own is.
    """


class MissingExtraError(ImportError):
    """A feature was asked for whose optional dependency is not installed."""


class CacheError(RuntimeError):
    """The file of a cache of hashes cannot be used: no such place, no such file, or damaged."""


class CacheUnavailableError(CacheError):
    """A cache cannot be used for a reason that is not in the file: a full disk, no permission."""


class CacheWarning(UserWarning):
    """A cache of hashes failed, or can only be read: the run went on without it."""


class StoreError(RuntimeError):
    """A stored file cannot be used: foreign, cut short, damaged, or of a newer release."""


class StageError(RuntimeError):
    """A stage directory cannot be used: out of reach, made otherwise, half-written or damaged."""


class EngineError(RuntimeError):
    """The workers of a run cannot be used: nobody answers, other versions, or they keep dying."""


class TooManyPairsError(ValueError):
    """More pairs were found than were to be returned as arrays."""


class FailedImagesWarning(UserWarning):
    """Some images could not be read and were left out: the rest of the work was done."""


class LeakageError(AssertionError):
    """Near duplicates stand on both sides of a split.

    Parameters
    ----------
    message : str
        How many, and the worst.
    report : LeakageReport, optional
        All of them.
    """

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message, report)
        self.report = report

    def __str__(self) -> str:
        return str(self.args[0])


class UncheckedLeakageError(LeakageError):
    """Whether a split leaks was not found out: a part is empty, or images could not be read."""


class CalibrationWarning(UserWarning):
    """A calibration can say less than was asked: too few images, or edits that raised."""


class ChainingWarning(UserWarning):
    """Groups of near duplicates are very large or wide: each is near the next, the ends unlike."""


class RadiusWarning(UserWarning):
    """A radius, or the hashes that it is for, cannot tell the images of a set apart."""


class SplitSizeWarning(UserWarning):
    """The groups of near duplicates did not allow the sizes that were asked for."""


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn, naming the line that called this package, however deep inside it the cause is found.

    scikit-learn's wrappers and searches in between are not what the user wrote either.
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
