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
    position : int, default=None
        The row of the image in its collection, counted from 0.
    lasting : bool, default=True
        Whether the same file will fail again, as one with broken content does. A time-out or a
        lack of memory may pass.

    See Also
    --------
    FailedImagesWarning : Lists such images where a run goes on without them.

    Examples
    --------
    >>> from hashfeatures import ImageHashFeaturizer, ImageReadError
    >>> try:
    ...     ImageHashFeaturizer("phash").transform(["cat.jpg"])
    ... except ImageReadError as error:
    ...     error.position, error.source
    (0, 'cat.jpg')
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
        """Return the same error without its traceback, whose frames hold pixels.

        Returns
        -------
        ImageReadError
            A new error with the same values.
        """
        return ImageReadError(self.source, self.cause, self.position, self.lasting)

    def __str__(self) -> str:
        where = "image" if self.position is None else f"image {self.position},"
        return f"Could not read {where} {self.source!r}: {self.cause}"


class ParameterError(ValueError, TypeError):
    """A parameter has an invalid value, or there is no such parameter.

    The class is both a ``ValueError`` and a ``TypeError``, as are such errors of scikit-learn.

    See Also
    --------
    MissingExtraError : A feature needs a package that is not installed.

    Examples
    --------
    >>> from hashfeatures import hash_images
    >>> hash_images([], decode="half")
    Traceback (most recent call last):
    ...
    hashfeatures.exceptions.ParameterError: The 'decode' parameter of hash_images must be a str
    among {'full', 'reduced'}. Got 'half' instead.
    """


class MissingExtraError(ImportError):
    """An optional dependency of a feature is not installed.

    The message names the extra to install, as in ``pip install "hashfeatures[plot]"``.

    See Also
    --------
    ParameterError : A parameter has an invalid value.

    Examples
    --------
    >>> from hashfeatures import MissingExtraError
    >>> issubclass(MissingExtraError, ImportError)
    True
    """


class CacheError(RuntimeError):
    """A cache file cannot be used: its folder is missing, or it is damaged or not a cache.

    See Also
    --------
    CacheUnavailableError : The reason is outside of the file.
    CacheWarning : The run goes on without the cache.

    Examples
    --------
    >>> from hashfeatures import hash_images
    >>> hash_images([], cache="missing-folder/hashes.cache")
    Traceback (most recent call last):
    ...
    hashfeatures.exceptions.CacheError: The cache '...' is in a folder that does not exist: ...
    """


class CacheUnavailableError(CacheError):
    """A cache cannot be used for a reason outside of the file: a full disk, no permission.

    See Also
    --------
    CacheError : The file itself is at fault.
    CacheWarning : The run goes on without the cache.

    Examples
    --------
    >>> from hashfeatures.exceptions import CacheError, CacheUnavailableError
    >>> issubclass(CacheUnavailableError, CacheError)
    True
    """


class CacheWarning(UserWarning):
    """A cache of hashes failed or is read-only, and the run went on without it.

    See Also
    --------
    CacheError : The cache cannot be used at all.

    Examples
    --------
    Stop a long run as soon as its cache fails:

    >>> import warnings
    >>> from skimage import data
    >>> from hashfeatures import CacheWarning, hash_images
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", CacheWarning)
    ...     table = hash_images([data.coins()], "phash")
    """


class StoreError(RuntimeError):
    """A stored file cannot be used: foreign, truncated, damaged, or of a newer release.

    See Also
    --------
    HammingNeighbors.load : Opens a file of rows.
    NearDuplicateFinder.load : Opens a file of a finder.
    assign_split : Opens a lock.
    check_against_seal : Opens a seal.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from hashfeatures import HammingNeighbors, StoreError
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "notes.txt")
    ...     _ = path.write_text("no rows")
    ...     try:
    ...         HammingNeighbors.load(path)
    ...     except StoreError as error:
    ...         print(error)
    '...notes.txt' is not a file of hashfeatures. Pass a file that save() wrote.
    """


class StageError(RuntimeError):
    """A stage directory cannot be used: unreachable, of other settings, incomplete or damaged.

    See Also
    --------
    hashfeatures.distributed.read_stage : Reads a stage directory.
    EngineError : The workers cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from hashfeatures import StageError
    >>> from hashfeatures.distributed import read_stage
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     try:
    ...         read_stage(folder)
    ...     except StageError as error:
    ...         print(str(error).removeprefix(folder))
     is not a stage directory, because it has no _manifest.json. ...
    """


class EngineError(RuntimeError):
    """The workers of a run cannot be used: no answer, other versions, or repeated crashes.

    See Also
    --------
    StageError : A stage directory cannot be used.

    Examples
    --------
    >>> from hashfeatures import EngineError, StageError
    >>> issubclass(EngineError, RuntimeError), issubclass(StageError, RuntimeError)
    (True, True)
    """


class TooManyPairsError(ValueError):
    """A search found more pairs than the limit allows to return as arrays.

    See Also
    --------
    HammingNeighbors.iter_pairs : Reads pairs block by block, however many there are.
    DuplicateGroups : Groups rows without storing pairs.

    Examples
    --------
    >>> from hashfeatures import HammingNeighbors
    >>> HammingNeighbors(radius=0).fit([[0, 1], [0, 1]]).pairs(limit=0)
    Traceback (most recent call last):
    ...
    hashfeatures.exceptions.TooManyPairsError: More than 0 pairs are within the radius, ...
    """


class FailedImagesWarning(UserWarning):
    """Some images could not be read and were left out of the result.

    See Also
    --------
    ImageReadError : Is raised where no image may fail.

    Examples
    --------
    >>> import warnings
    >>> from skimage import data
    >>> from hashfeatures import FailedImagesWarning, hash_images
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", FailedImagesWarning)
    ...     table = hash_images(["missing.jpg", data.coins()], "phash")
    >>> table["error"].isna().tolist()
    [False, True]
    """


class LeakageError(AssertionError):
    """Near duplicates are on both sides of a split.

    Parameters
    ----------
    message : str
        The number of leaks, and the worst ones.
    report : LeakageReport, default=None
        All leaks.

    See Also
    --------
    assert_no_leakage : Raises it.
    UncheckedLeakageError : A split could not be checked.

    Examples
    --------
    >>> from hashfeatures import DuplicateGroups, LeakageError, assert_no_leakage
    >>> try:
    ...     assert_no_leakage([[0, 0], [1, 1]], [[0, 0]], finder=DuplicateGroups(radius=0))
    ... except LeakageError as error:
    ...     error.report.share
    1.0
    """

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message, report)
        self.report = report

    def __str__(self) -> str:
        return str(self.args[0])


class UncheckedLeakageError(LeakageError):
    """A split could not be checked for leaks: a part is empty, or images could not be read.

    Parameters
    ----------
    message : str
        Why the split was not checked.
    report : LeakageReport, default=None
        What was compared.

    See Also
    --------
    assert_no_leakage : Raises it.
    LeakageError : Near duplicates are on both sides of a split.

    Examples
    --------
    >>> from hashfeatures import DuplicateGroups, UncheckedLeakageError, assert_no_leakage
    >>> try:
    ...     assert_no_leakage([[0, 0]], [[float("nan"), 0]], finder=DuplicateGroups(radius=0))
    ... except UncheckedLeakageError as error:
    ...     print(error)
    Not checked: none of 1 image in test could be read. ...
    """


class LayoutError(ValueError):
    """A data set in a layout cannot be read or written as it is.

    The message names the file and, where it is known, the line or the key.

    See Also
    --------
    read_collection : Reads a data set.
    Collection.write_split : Writes a split of it.

    Examples
    --------
    >>> from hashfeatures import read_collection
    >>> read_collection("missing-folder")
    Traceback (most recent call last):
    ...
    hashfeatures.exceptions.LayoutError: missing-folder does not exist.
    """


class CalibrationWarning(UserWarning):
    """A calibration is less certain than requested: it has too few images, or an edit failed.

    See Also
    --------
    calibrate : Issues it.

    Examples
    --------
    >>> import warnings
    >>> from skimage import data
    >>> from hashfeatures import CalibrationWarning, calibrate
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", CalibrationWarning)  # two images are too few
    ...     calibration = calibrate([data.coins(), data.camera()], edits=[])
    >>> calibration.radius
    28
    """


class ChainingWarning(UserWarning):
    """Groups of near duplicates are very large or wide, as chains of similar images form.

    See Also
    --------
    DuplicateGroups : Has the parameter `linkage`, which avoids chains.

    Examples
    --------
    >>> import warnings
    >>> from hashfeatures import ChainingWarning, DuplicateGroups
    >>> chain = [[1] * n_ones + [0] * (30 - n_ones) for n_ones in range(30)]
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", ChainingWarning)
    ...     groups = DuplicateGroups(radius=1).fit(chain)
    >>> groups.n_groups_, DuplicateGroups(radius=1, linkage="complete").fit(chain).n_groups_
    (1, 15)
    """


class RadiusWarning(UserWarning):
    """A radius and its hashes cannot distinguish the images of a set.

    See Also
    --------
    calibrate : Chooses the radius from your own images.

    Examples
    --------
    >>> import warnings
    >>> from skimage import data
    >>> from hashfeatures import NearDuplicateFinder, RadiusWarning
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", RadiusWarning)
    ...     finder = NearDuplicateFinder().fit([data.coins(), data.camera()])
    """


class SkippedFilesWarning(UserWarning):
    """A folder or a data set holds files that were left out, as they are not images.

    See Also
    --------
    read_collection : Issues it.

    Examples
    --------
    >>> import tempfile
    >>> import warnings
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from hashfeatures import SkippedFilesWarning, read_collection
    >>> with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", SkippedFilesWarning)
    ...     _ = Path(folder, "notes.txt").write_text("The image is white.")
    ...     Image.new("RGB", (8, 8), "white").save(Path(folder, "white.png"))
    ...     collection = read_collection(folder)
    >>> collection.skipped
    'skipped 1 .txt'
    """


class SplitMoveWarning(UserWarning):
    """Images of a locked split moved to another part, as their groups are connected with it.

    See Also
    --------
    assign_split : Issues it.

    Examples
    --------
    >>> import warnings
    >>> from hashfeatures import DuplicateGroups, SplitMoveWarning, assign_split
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", SplitMoveWarning)
    ...     parts = assign_split([[0, 0], [1, 1]], test_size=1, finder=DuplicateGroups(radius=0))
    >>> sorted(parts)
    ['test', 'train']
    """


class SplitSizeWarning(UserWarning):
    """The groups of near duplicates did not allow the requested sizes.

    See Also
    --------
    SplitInfo : The sizes of a split, and what is proved about them.

    Examples
    --------
    >>> import warnings
    >>> from hashfeatures import SplitSizeWarning, train_test_split
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", SplitSizeWarning)  # a group of 8 fits in no half
    ...     train, test = train_test_split(
    ...         range(10), groups=[0] * 8 + [1, 2], finder="precomputed", test_size=5
    ...     )
    >>> len(train), len(test)
    (8, 2)
    """


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
