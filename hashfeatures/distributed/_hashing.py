"""Images to hashes, part by part."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from .._utils.descriptions import describe_value
from .._utils.display import facts_as_html
from .._utils.path_text import read_path, write_path
from .._utils.progress import progress_bar
from .._utils.validation import check_bool, check_int
from ..exceptions import EngineError, FailedImagesWarning, StageError, warn_user
from ..hashing._spec import parse_hashes
from ..images._decoding import Decoding
from ._executors import Executor, as_executor
from ._hash_worker import (
    DIGEST,
    KIND,
    LISTING,
    HashTask,
    Place,
    check_worker,
    digest_of,
    hash_part,
    is_archive,
    settings_of,
)
from ._listing import list_names
from ._stages import Stage, arrow

_SHOWN = 5  # failures that are told


class HashSummary(NamedTuple):
    """What a call of `hash_dataset` did.

    Parameters
    ----------
    out : str
        The stage directory.
    n_images : int
        How many images it holds now, those that failed included.
    n_new : int
        How many of them this call hashed.
    n_failed : int
        How many of all have no hashes, for the reason in the column "error".
    """

    out: str
    n_images: int
    n_new: int
    n_failed: int

    def _repr_html_(self) -> str:
        return facts_as_html(type(self).__name__, self._asdict())


def hash_dataset(
    source: Any,
    out: str | os.PathLike[str],
    *,
    hashes: str | Sequence[str] = ("phash", "dhash"),
    column: str | None = None,
    decode: str = "reduced",
    orient: bool = True,
    background: Any = "white",
    max_pixels: int | None = None,
    min_detail: int = 10,
    part_size: int = 4096,
    retries: int = 2,
    executor: Any = None,
    progress: bool = False,
) -> HashSummary:
    """Hash a data set of any size into a directory of Parquet parts.

    A second call goes on where the first one stopped: names that were seen before are not looked
    at again, so a source that has grown costs what is new in it. An image is known by its name
    alone; one that was changed under its name, or that failed, is not hashed again unless its part
    is deleted.

    Parameters
    ----------
    source : path, URL, container or ray.data.Dataset
        A Parquet or CSV file of paths or URLs; a directory or bucket, searched with all below it;
        tar files of images (WebDataset), as a pattern ``"shards/*.tar"`` or a list; a list or
        column of paths and URLs; or a Ray Dataset with a column of names ("path", "url", ...)
        and, if the names are not to be opened, the images themselves in "bytes" or "image".
    out : path or URL
        The directory. Its parts have the columns "image" (the absolute path or the URL; of a
        member of a tar file ``tar://member::archive``; a path that is not UTF-8 as a JSON string),
        "key" (64 bits of the hash of that name), "codes" (the hashes one after the other, packed
        eight bits to a byte), "detail", "width", "height", "format", "digest" and "error".
    hashes, decode, orient, background, max_pixels, min_detail
        As in `NearDuplicateFinder`.
    column : str, optional
        The column of tables, or of the Ray Dataset, that holds the names.
    part_size : int, default=4096
        Images a part: what a run that is killed may have to do again, for each worker. A tar file
        is a part of its own.
    retries : int, default=2
        How often a part is hashed again whose worker died. After that its images are hashed apart
        from each other; one whose process dies three times more is given up, and told in "error".
    executor : None, str or Executor, default=None
        None: processes of this machine, one a core; `LocalExecutor` has other numbers. The address
        of a Ray cluster ("auto", "ray://host:10001"), or a `RayExecutor`.
    progress : bool, default=False
        Whether to show a bar.

    Returns
    -------
    HashSummary
        What was done.

    Warns
    -----
    FailedImagesWarning
        If images of this call could not be read.

    Raises
    ------
    StageError
        If `out` cannot be written or was made with other settings, or the source cannot be listed
        or is empty.
    EngineError
        If the workers are of no use: other versions than here, or none at all.
    MissingExtraError
        If pyarrow, or Ray where it is asked for, is not installed.

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
    specs = parse_hashes(hashes)
    decoding = Decoding(decode, orient, background, max_pixels).check("hash_dataset").with_limit()
    check_int("hash_dataset", "min_detail", min_detail, 0)
    check_int("hash_dataset", "part_size", part_size, 1)
    check_int("hash_dataset", "retries", retries, 0)
    check_bool("hash_dataset", "progress", progress)
    arrow()
    with Stage.create(out, KIND, settings_of(specs, decoding, min_detail)) as stage:
        workers = as_executor(executor)
        workers.check(check_worker, Place(stage.address))
        if type(source).__module__.startswith("ray.data"):
            from ._ray_source import hash_ray_dataset

            before = set(stage.names())
            hash_ray_dataset(source, stage, column, part_size, workers)
            if not stage.names():
                raise StageError("There is nothing to hash: the Ray Dataset has no rows.")
            return _summarise(stage, before)
        _list_new(source, column, stage, part_size)
        before = set(stage.names())
        _hash_parts(stage, before, workers, retries, progress)
        return _summarise(stage, before)


def _hash_parts(
    stage: Stage, before: set[str], workers: Executor, retries: int, progress: bool
) -> None:
    """Hash the parts of the listing that are not finished."""
    left = [name for name in stage.sub(LISTING).names() if name not in before]
    lost: list[HashTask] = []
    with progress_bar(progress, total=len(left), unit="part") as bar:
        tasks = (HashTask(stage.address, name) for name in left)
        for outcome in workers.run(hash_part, tasks, retries):
            if outcome.lost is None:
                bar.update()
            else:
                lost.append(HashTask(stage.address, outcome.task.name, apart=True))
        for outcome in workers.run(hash_part, lost, retries):
            if outcome.lost is not None:
                raise EngineError(
                    f"The part {outcome.task.name} of {stage.address} cannot be hashed, not even "
                    f"image by image: {outcome.lost}. Is there enough memory for one worker? The "
                    f"parts that are finished stay."
                )
            bar.update()


def _list_new(source: Any, column: str | None, stage: Stage, part_size: int) -> None:
    """Add what the source names and the listing does not have to the listing."""
    pyarrow = arrow()
    listing = stage.sub(LISTING)
    known: set[bytes] = set()
    present = listing.names()
    for part in present:
        known.update(listing.read(part, ["digest"]).column("digest").to_pylist())
    schema = pyarrow.schema({"unit": pyarrow.string(), "digest": pyarrow.binary(DIGEST)})
    n_parts = 1 + int(present[-1].partition("-")[2].partition(".")[0]) if present else 0
    n_named = 0

    def new_units() -> Iterator[tuple[str, bytes]]:
        nonlocal n_named
        for name in list_names(source, column):
            n_named += 1
            digest = digest_of(name)
            if digest not in known:
                known.add(digest)
                yield write_path(name), digest

    def write(units: list[tuple[str, bytes]]) -> None:
        nonlocal n_parts
        table = pyarrow.table(list(map(list, zip(*units, strict=True))), schema=schema)
        listing.write(f"part-{n_parts:08d}.parquet", [table], schema)
        n_parts += 1

    left = new_units()
    waiting: list[tuple[str, bytes]] = []
    for unit in left:
        if is_archive(read_path(unit[0])):
            write([unit])
            continue
        waiting.append(unit)
        if len(waiting) == part_size:
            write(waiting)
            waiting = []
    if waiting:
        write(waiting)
    if not n_named:
        raise StageError(
            f"There is nothing to hash in {describe_value(source)}: it names no image. "
            f"Folders are searched for "
            f"the formats that Pillow reads; tar files are named by a pattern, 'folder/*.tar'."
        )


def _summarise(stage: Stage, before: set[str]) -> HashSummary:
    """Count what the parts hold, and warn of the images that failed in those of this run."""
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
        if failed and len(shown) < _SHOWN:
            table = stage.read(name, ["image", "error"])
            told = [row for row in table.to_pylist() if row["error"] is not None]
            shown += [f"  {row['image']}: {row['error']}" for row in islice(told, _SHOWN)]
    if n_new_failed:
        listed = "\n".join(shown[:_SHOWN])
        warn_user(
            f"{n_new_failed} of {n_new} images could not be read; the column 'error' of "
            f"{stage.address} says why:\n{listed}",
            FailedImagesWarning,
        )
    return HashSummary(stage.address, n_images, n_new, n_failed)
