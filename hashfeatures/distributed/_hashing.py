"""The stage `hash_dataset`: the hashes of a data set, part by part."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from .._utils.descriptions import describe_value
from .._utils.display import facts_as_html
from .._utils.docstrings import fill_in_parameters
from .._utils.path_text import read_path, write_path
from .._utils.progress import progress_bar
from .._utils.validation import check_bool, check_int
from ..exceptions import EngineError, FailedImagesWarning, StageError, warn_user
from ._executors import Executor, as_executor
from ._hash_stage import DIGEST_BYTES, KIND, LISTING, digest_of
from ._hash_worker import HashTask, Place, check_worker, hash_part, is_archive
from ._listing import list_names
from ._part_directory import arrow
from ._stage_finder import as_finder, note_of, plan_of
from ._stages import Stage

_MAX_SHOWN = 5  # failures in a warning


class HashSummary(NamedTuple):
    """The results of `hash_dataset`.

    Parameters
    ----------
    out : str
        The stage directory.
    n_images : int
        The number of images in the directory, including those that failed.
    n_new : int
        The number of images that this call hashed.
    n_failed : int
        The number of all images without hashes. The column "error" has the reasons.
    """

    out: str
    n_images: int
    n_new: int
    n_failed: int

    def _repr_html_(self) -> str:
        return facts_as_html(type(self).__name__, self._asdict())


@fill_in_parameters
def hash_dataset(
    source: Any,
    out: str | os.PathLike[str],
    finder: Any = None,
    *,
    column: str | None = None,
    part_size: int = 4096,
    retries: int = 2,
    executor: Any = None,
    progress: bool = False,
) -> HashSummary:
    """Hash a data set of any size into a directory of Parquet parts.

    A second call continues where the first one stopped, and hashes only names that are new. An
    image is known by its name alone. An image that failed, or whose file has changed, is not
    hashed again unless its part is deleted.

    Parameters
    ----------
    source : path, URL, container or ray.data.Dataset
        The names of images: a Parquet or CSV file of paths or URLs, a directory or bucket, which
        is searched with its subfolders, or a list or column of paths and URLs. For tar files of
        images (WebDataset), a pattern such as ``"shards/*.tar"`` or a list. A Ray Dataset has a
        column of names ("path", "url", ...), and may have the images themselves in a column
        "bytes" or "image".
    out : path or URL
        The directory for the hashes. "image" is the absolute path or the URL. It is
        ``tar://member::archive`` for a member of a tar file, and a JSON string for a path that is
        not UTF-8. "key" is a 64-bit hash of that name. "codes" holds the hashes one after the
        other, packed eight bits to a byte, or those of all views. "colors" and "thumbnail" hold
        what confirms near duplicates, and "fingerprint" is equal for images that are compared as
        equals. The other columns are "detail", "width", "height", "format", "digest" and "error".
    finder : NearDuplicateFinder, default=None
        The finder whose parameters say how images are hashed. Later stages compare them by the
        same finder. None means ``NearDuplicateFinder()``, which keeps a thumbnail of 4.4 kB an
        image. With ``verify=False``, the images are compared by hashes alone, and take 50 bytes.
        The parameters `n_jobs`, `cache` and `progress` of the finder have no effect.
    column : str, optional
        The column of a table or Ray Dataset that holds the names.
    part_size : int, default=4096
        The number of images in a part. A killed run loses at most one part for each worker. A tar
        file is a part of its own.
    retries : int, default=2
        How often a part is hashed again if its worker dies. After that, its images are hashed in
        isolation. An image that kills three more workers is recorded in the column "error".
    $executor
    $progress

    Returns
    -------
    HashSummary
        The numbers of images.

    Warns
    -----
    FailedImagesWarning
        If this call could not read some images.

    Raises
    ------
    StageError
        If `out` cannot be written or was made with other settings, or if the source is empty or
        cannot be listed.
    EngineError
        If the workers cannot be used, for example because their versions differ.
    MissingExtraError
        If pyarrow, or Ray for a Ray cluster, is not installed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skimage import data
    >>> from hashfeatures.distributed import LocalExecutor, hash_dataset, read_stage
    >>> folder = data.__path__[0] if hasattr(data, "__path__") else "."
    >>> with TemporaryDirectory() as out:
    ...     done = hash_dataset([f"{folder}/camera.png"], out, executor=LocalExecutor(1))
    ...     table = read_stage(out)
    >>> done.n_images, table["width"].tolist()
    (1, [512])
    """
    finder = as_finder(finder, "hash_dataset")
    settings = plan_of(finder).as_settings()
    check_int("hash_dataset", "part_size", part_size, 1)
    check_int("hash_dataset", "retries", retries, 0)
    check_bool("hash_dataset", "progress", progress)
    arrow()
    with Stage.create(out, KIND, settings, note_of(finder)) as stage:
        workers = as_executor(executor, "hash_dataset")
        workers.check(check_worker, Place(stage.address))
        if type(source).__module__.startswith("ray.data"):
            from ._ray_source import hash_ray_dataset

            before = set(stage.names())
            hash_ray_dataset(source, stage, column, part_size, workers)
            if not stage.names():
                raise StageError("There is nothing to hash. The Ray Dataset has no rows.")
            return _summarize(stage, before)
        _list_new(source, column, stage, part_size)
        before = set(stage.names())
        _hash_parts(stage, before, workers, retries, progress)
        return _summarize(stage, before)


def _hash_parts(
    stage: Stage, before: set[str], workers: Executor, retries: int, progress: bool
) -> None:
    """Hash the unfinished parts of the listing."""
    left = [name for name in stage.sub(LISTING).names() if name not in before]
    lost: list[HashTask] = []
    with progress_bar(progress, total=len(left), unit="part") as bar:
        tasks = (HashTask(stage.address, name) for name in left)
        for outcome in workers.run(hash_part, tasks, retries):
            if outcome.lost is None:
                bar.update()
            else:
                lost.append(HashTask(stage.address, outcome.task.name, isolated=True))
        for outcome in workers.run(hash_part, lost, retries):
            if outcome.lost is not None:
                raise EngineError(
                    f"The part {outcome.task.name} of {stage.address} cannot be hashed, not even "
                    f"image by image: {outcome.lost}. There may be too little memory for one "
                    f"worker. A further run keeps the finished parts."
                )
            bar.update()


def _list_new(source: Any, column: str | None, stage: Stage, part_size: int) -> None:
    """Add the names of the source that are new to the listing."""
    pyarrow = arrow()
    listing = stage.sub(LISTING)
    known: set[bytes] = set()
    present = listing.names()
    for part in present:
        known.update(listing.read(part, ["digest"]).column("digest").to_pylist())
    schema = pyarrow.schema({"unit": pyarrow.string(), "digest": pyarrow.binary(DIGEST_BYTES)})
    n_parts = 1 + int(present[-1].partition("-")[2].partition(".")[0]) if present else 0
    n_named = 0

    def new_entries() -> Iterator[tuple[str, bytes]]:
        nonlocal n_named
        for name in list_names(source, column):
            n_named += 1
            digest = digest_of(name)
            if digest not in known:
                known.add(digest)
                yield write_path(name), digest

    def write(entries: list[tuple[str, bytes]]) -> None:
        nonlocal n_parts
        table = pyarrow.table(list(map(list, zip(*entries, strict=True))), schema=schema)
        listing.write(f"part-{n_parts:08d}.parquet", [table], schema)
        n_parts += 1

    left = new_entries()
    waiting: list[tuple[str, bytes]] = []
    for entry in left:
        if is_archive(read_path(entry[0])):
            write([entry])
            continue
        waiting.append(entry)
        if len(waiting) == part_size:
            write(waiting)
            waiting = []
    if waiting:
        write(waiting)
    if not n_named:
        raise StageError(
            f"There is nothing to hash. {describe_value(source)} contains no image in a format "
            f"that Pillow reads. For tar files, pass a pattern, 'folder/*.tar'."
        )


def _summarize(stage: Stage, before: set[str]) -> HashSummary:
    """Count the images of all parts, and warn about those that failed in this run."""
    n_images = n_new = n_failed = 0
    n_new_failed = 0
    shown: list[str] = []
    for name in stage.names():
        errors = stage.read(name, ["error"]).column("error")
        failed = len(errors) - errors.null_count
        n_images += len(errors)
        n_failed += failed
        if name in before:
            continue
        n_new += len(errors)
        n_new_failed += failed
        if failed and len(shown) < _MAX_SHOWN:
            table = stage.read(name, ["image", "error"])
            failures = [row for row in table.to_pylist() if row["error"] is not None]
            shown += [f"  {row['image']}: {row['error']}" for row in islice(failures, _MAX_SHOWN)]
    if n_new_failed:
        listed = "\n".join(shown[:_MAX_SHOWN])
        warn_user(
            f"{n_new_failed} of {n_new} images could not be read. The column 'error' of "
            f"{stage.address} has the reasons:\n{listed}",
            FailedImagesWarning,
        )
    return HashSummary(stage.address, n_images, n_new, n_failed)
