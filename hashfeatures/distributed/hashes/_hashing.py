"""The stage `hash_dataset`: the hashes of a data set, part by part."""

from __future__ import annotations

import os
from itertools import islice
from typing import Any, NamedTuple

from ..._utils.descriptions import describe_value
from ..._utils.display import facts_as_html
from ..._utils.docstrings import fill_in_parameters
from ..._utils.validation import check_bool, check_int
from ...exceptions import FailedImagesWarning, StageError, warn_user
from ...layouts.frameworks._hugging_face_stream import is_stream, open_streams
from .._executors import as_executor
from .._hash_stage import KIND, LISTING
from .._part_directory import arrow
from .._stage_finder import as_finder, note_of, plan_of
from .._stages import Stage
from ..sources._listing import find_images
from ..sources._listing_parts import check_listed, list_new
from ._hash_run import HashRun
from ._hash_worker import Place, check_worker
from ._senders import ReferenceSender, StreamSender

_MAX_SHOWN = 5  # failures in a warning


class HashSummary(NamedTuple):
    """The results of a call of `hash_dataset`.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Attributes
    ----------
    out : str
        The stage directory.
    n_images : int
        The number of images in the directory, including those that failed.
    n_new : int
        The number of images that this call hashed.
    n_failed : int
        The number of all images without hashes. The column "error" has the reasons.

    See Also
    --------
    hash_dataset : Returns it.

    Examples
    --------
    >>> from hashfeatures.distributed import HashSummary
    >>> HashSummary("run/hashes", n_images=100, n_new=20, n_failed=1)
    HashSummary(out='run/hashes', n_images=100, n_new=20, n_failed=1)
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
    hashed again unless its part is deleted. If the part then has another content, later stages
    refuse what they made of it, and say what to delete.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Parameters
    ----------
    source : path, URL, container, Collection, data set or ray.data.Dataset
        The images, on a disk or in a bucket that all workers reach:

        - a list or column of paths and URLs;
        - a folder or bucket, which is searched with its subfolders: for images, or else for tar
          files, or else for Parquet files;
        - tar files of samples (WebDataset), a Parquet or CSV file of paths, URLs or encoded
          images, or JSON of COCO; or a pattern of such files, as ``"s3://shards/{000..099}.tar"``
          or ``"s3://shards/*.tar"``;
        - a `Collection`, or what `read_collection` reads;
        - a data set of Hugging Face, which may be a stream;
        - a Ray Dataset with a column of names ("path", "url", ...), and perhaps the images
          themselves in a column "bytes" or "image".

        Workers read files, one sample or row group after the other. The images of streams and of
        data sets in memory are read in the main process, a few batches ahead of the workers. A
        stream must give the same images in the same order in each call.
    out : path-like or URL
        The directory for the hashes. "image" is the absolute path or the URL. In a file of many
        images, it is that of the file with "/" and the name of the member or the number of the
        row, as in "/data/shard.tar/0012.jpg". In a stream or a data set in memory, it is the name
        of the split or table and the row, as in "train/12". These are the names in
        `read_collection`. A path that is not UTF-8 is a JSON string. "key" is a 64-bit hash of
        the name. "codes" holds the hashes one after the other, packed eight bits to a byte, or
        those of all views. "colors" and "thumbnail" hold what confirms near duplicates, and
        "fingerprint" is equal for images that are compared as equals. The other columns are
        "detail", "width", "height", "format", "digest" and "error".
    finder : NearDuplicateFinder, default=None
        The finder whose parameters say how images are hashed. Later stages compare them by the
        same finder. None means ``NearDuplicateFinder()``, which keeps a thumbnail of 4.4 kB an
        image. With ``verify=False``, the images are compared by hashes alone, and take 70 bytes.
        The parameters `n_jobs`, `cache` and `progress` of the finder have no effect.
    column : str, default=None
        The column of a table that holds the names or the images, or that of a Ray Dataset with
        the names.
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

    Raises
    ------
    StageError
        If `out` cannot be written or was made with other settings, or if the source is empty or
        cannot be listed. If a stream fails, or gives other images than in an earlier call; what
        it gave before is hashed.
    LayoutError
        If the source is a data set in a layout that is broken.
    EngineError
        If the workers cannot be used, for example because their versions differ.
    MissingExtraError
        If pyarrow, or Ray for a Ray cluster, is not installed.

    Warns
    -----
    FailedImagesWarning
        If this call could not read some images.

    See Also
    --------
    find_pairs : The next stage.
    hashfeatures.hash_images : Hashes in memory.
    read_stage : Reads the directory.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skimage import data
    >>> from hashfeatures.distributed import LocalExecutor, hash_dataset, read_stage
    >>> with TemporaryDirectory() as out:
    ...     done = hash_dataset(
    ...         [f"{data.__path__[0]}/camera.png"], out, executor=LocalExecutor(1)
    ...     )
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
        before = set(stage.names())
        check_listed(stage, before)
        if type(source).__module__.startswith("ray.data"):
            from ._ray_source import hash_ray_dataset

            hash_ray_dataset(source, stage, column, part_size, workers)
            if not stage.names():
                raise StageError("There is nothing to hash. The Ray Dataset has no rows.")
            return _summarize(stage, before)
        run = HashRun(stage, workers, part_size, retries, progress)
        if is_stream(source):
            run.hash_listed()
            run.hash_sent(StreamSender(open_streams(source)))
        else:
            images = find_images(source, column)
            n_listed = list_new(images.entries, stage.sub(LISTING), part_size)
            if not n_listed and not images.references:
                raise _nothing_in(source)
            run.hash_listed()
            if images.references:
                run.hash_sent(ReferenceSender(images.references))
        run.check_finished()
        if not stage.names():
            raise _nothing_in(source)
        return _summarize(stage, before)


def _nothing_in(source: Any) -> StageError:
    return StageError(
        f"There is nothing to hash. {describe_value(source)} contains no image in a format that "
        f"Pillow reads."
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
