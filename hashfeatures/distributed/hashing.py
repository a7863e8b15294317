"""Images to hashes, part by part."""

from __future__ import annotations

import os
import tarfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

import joblib
import numpy as np
import PIL
from PIL import Image
from tqdm.auto import tqdm

from ..batch import hash_sources
from ..exceptions import EngineError, FailedImagesWarning, StageError, warn_user
from ..hashes import Hashes
from ..hashing.algorithms import BITS_VERSION
from ..hashing.spec import HashSpec, parse_hashes
from ..images import Decoding
from ..parameters import check_bool, check_int
from ..path_text import read_path, write_path
from .executors import as_executor
from .listing import list_names
from .stages import Stage, arrow, locate

KIND = "hashes"
LISTING = "_listing"

_DIGEST = 16  # bytes by which a name is known
_HELD = 1 << 26  # bytes of encoded images that are held at a time
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
    alone; one that was changed under its name is not hashed again.

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
    decoding = Decoding(decode, orient, background, max_pixels).check("hash_dataset")
    check_int("hash_dataset", "min_detail", min_detail, 0)
    check_int("hash_dataset", "part_size", part_size, 1)
    check_int("hash_dataset", "retries", retries, 0)
    check_bool("hash_dataset", "progress", progress)
    arrow()
    stage = Stage.create(out, KIND, _settings(specs, decoding, min_detail))
    workers = as_executor(executor)
    workers.check(check_worker, Place(stage.address))
    if type(source).__module__.startswith("ray.data"):
        from .ray_source import hash_ray_dataset

        before = set(stage.names())
        hash_ray_dataset(source, stage, column, part_size)
        return _summarise(stage, before)
    listing = stage.sub(LISTING)
    _list_new(source, column, stage, part_size)
    before = set(stage.names())
    tasks = [_HashTask(stage.address, name) for name in listing.names() if name not in before]
    lost: list[_HashTask] = []
    with tqdm(total=len(tasks), unit="part", disable=not progress) as bar:
        for outcome in workers.run(hash_part, iter(tasks), retries):
            if outcome.lost is not None:
                lost.append(_HashTask(stage.address, outcome.task.name, apart=True))
            else:
                bar.update()
        for outcome in workers.run(hash_part, iter(lost), retries):
            if outcome.lost is not None:
                raise EngineError(
                    f"The part {outcome.task.name} of {stage.address} cannot be hashed, not even "
                    f"image by image: {outcome.lost}. Is there enough memory for one worker? The "
                    f"parts that are finished stay."
                )
            bar.update()
    return _summarise(stage, before)


class Place(NamedTuple):
    """A stage directory that workers are to write to."""

    out: str


@dataclass(frozen=True)
class _HashTask:
    """A part to be hashed; apart: each image where it takes no other along."""

    out: str
    name: str
    apart: bool = False


def check_worker(place: Place) -> None:
    """Raise unless this process sees the stage directory and makes the same bits."""
    try:
        stage = Stage.open(place.out, KIND)
    except StageError as error:
        raise EngineError(
            f"A worker on {os.uname().nodename} does not see what this run writes ({error}): name "
            f"a directory that all machines share, or a bucket."
        ) from error
    check_versions(stage.settings)


def check_versions(settings: dict[str, Any]) -> None:
    """Raise unless this process makes the bits that a stage is made of."""
    ours = {"pillow": PIL.__version__, "bits": BITS_VERSION}
    theirs = {name: settings[name] for name in ours}
    if ours != theirs:
        raise EngineError(
            f"A worker has Pillow {ours['pillow']} and hash version {ours['bits']}; the run was "
            f"started with Pillow {theirs['pillow']} and hash version {theirs['bits']}. Bits could "
            f"differ: install the same versions on all machines."
        )


def hash_part(task: _HashTask) -> int:
    """Hash the images of one part of the listing, and return how many failed."""
    stage = Stage.open(task.out, KIND)
    check_versions(stage.settings)
    units = stage.sub(LISTING).read(task.name).column("unit").to_pylist()
    specs, decoding, min_detail = read_settings(stage.settings)

    def tables() -> Iterator[Any]:
        for names, sources in _batches([read_path(unit) for unit in units]):
            yield hash_batch(names, sources, specs, decoding, min_detail, task.apart)

    failed = []

    def counted() -> Iterator[Any]:
        for table in tables():
            failed.append(len(table) - table.column("error").null_count)
            yield table

    stage.write(task.name, counted(), schema_of(specs))
    return sum(failed)


def hash_batch(
    names: Sequence[str],
    sources: Sequence[Any],
    specs: tuple[HashSpec, ...],
    decoding: Decoding,
    min_detail: int,
    apart: bool = False,
) -> Any:
    """Return the rows of some images as a table of Arrow."""
    backend, n_jobs = ("loky", 2) if apart else ("sequential", 1)
    with warnings.catch_warnings(), joblib.parallel_config(backend=backend):
        warnings.simplefilter("ignore", FailedImagesWarning)
        hashed = hash_sources(
            sources, specs, decoding, errors="coerce", digest_below=min_detail, n_jobs=n_jobs
        )
    return _tabulate(names, hashed)


def schema_of(specs: Sequence[HashSpec]) -> Any:
    """Return the columns of the parts."""
    pyarrow = arrow()
    return pyarrow.schema(
        {
            "image": pyarrow.string(),
            "key": pyarrow.uint64(),
            "codes": pyarrow.binary(sum(-(-spec.n_bits // 8) for spec in specs)),
            "detail": pyarrow.uint8(),
            "width": pyarrow.int32(),
            "height": pyarrow.int32(),
            "format": pyarrow.string(),
            "digest": pyarrow.binary(),
            "error": pyarrow.string(),
        }
    )


def digest_of(name: str) -> bytes:
    """Return the 16 bytes by which a name is known."""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()


def keys_of(names: Iterable[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return 64 bits for each name, the same in all runs."""
    joined = b"".join(digest_of(name)[:8] for name in names)
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64)


def read_settings(settings: dict[str, Any]) -> tuple[tuple[HashSpec, ...], Decoding, int]:
    """Return the hashes, the decoding and the least detail that a stage is made with."""
    decoding = dict(settings["decoding"])
    if isinstance(decoding["background"], list):
        decoding["background"] = tuple(decoding["background"])
    return parse_hashes(settings["hashes"]), Decoding(**decoding), settings["min_detail"]


def _settings(
    specs: Sequence[HashSpec], decoding: Decoding, min_detail: int
) -> dict[str, Any]:
    return {
        "hashes": [str(spec) for spec in specs],
        "decoding": asdict(decoding),
        "min_detail": min_detail,
        "pillow": PIL.__version__,
        "bits": BITS_VERSION,
    }


def _list_new(source: Any, column: str | None, stage: Stage, part_size: int) -> None:
    """Add what the source names and the listing does not have to the listing."""
    pyarrow = arrow()
    listing = stage.sub(LISTING)
    known: set[bytes] = set()
    present = listing.names()
    for part in present:
        known.update(listing.read(part, ["digest"]).column("digest").to_pylist())
    schema = pyarrow.schema({"unit": pyarrow.string(), "digest": pyarrow.binary(_DIGEST)})
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
        if _is_archive(read_path(unit[0])):
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
            f"There is nothing to hash in {source!r}: it names no image. Folders are searched for "
            f"the formats that Pillow reads; tar files are named by a pattern, 'folder/*.tar'."
        )


def _is_archive(name: str) -> bool:
    return name.lower().endswith(".tar")


def _batches(units: Sequence[str]) -> Iterator[tuple[list[str], list[Any]]]:
    """Yield the names of images and what can be read of them, some at a time."""
    if not any(map(_is_archive, units)):
        yield list(units), list(units)
        return
    for unit in units:
        names: list[str] = []
        sources: list[Any] = []
        held = 0
        for name, content in _members(unit):
            names.append(name)
            sources.append({"bytes": content, "path": name})
            held += len(content)
            if held > _HELD:
                yield names, sources
                names, sources, held = [], [], 0
        if names:
            yield names, sources


def _members(archive: str) -> Iterator[tuple[str, bytes]]:
    suffixes = frozenset(Image.registered_extensions())
    system, path, _ = locate(archive)
    try:
        with system.open(path, "rb") as file, tarfile.open(fileobj=file, mode="r|") as tar:
            for member in tar:
                if member.isfile() and os.path.splitext(member.name)[1].lower() in suffixes:
                    content = tar.extractfile(member)
                    assert content is not None
                    yield f"tar://{member.name}::{archive}", content.read()
    except (OSError, tarfile.TarError) as error:
        raise StageError(f"The archive {archive} cannot be read: {error}") from error


def _tabulate(names: Sequence[str], hashed: Hashes) -> Any:
    pyarrow = arrow()
    rows = range(hashed.n_images)
    failed = list(hashed.errors)
    is_read = np.ones(hashed.n_images, dtype=bool)
    is_read[failed] = False
    missing = ~is_read
    codes = pyarrow.array(
        [row.tobytes() for row in np.ascontiguousarray(hashed.codes)],
        type=schema_of(hashed.specs).field("codes").type,
        mask=missing,
    )
    columns = [
        pyarrow.array([write_path(name) for name in names]),
        pyarrow.array(keys_of(names)),
        codes,
        pyarrow.array(hashed.detail, mask=missing),
        pyarrow.array(hashed.width, mask=missing),
        pyarrow.array(hashed.height, mask=missing),
        pyarrow.array([hashed.formats.get(row) for row in rows], type=pyarrow.string()),
        pyarrow.array([hashed.digests.get(row) for row in rows], type=pyarrow.binary()),
        pyarrow.array(
            [hashed.errors[row].cause if row in hashed.errors else None for row in rows],
            type=pyarrow.string(),
        ),
    ]
    return pyarrow.table(columns, schema=schema_of(hashed.specs))


def _summarise(stage: Stage, before: set[str]) -> HashSummary:
    """Count what the parts hold, and warn of the images that failed in those of this run."""
    n_images = n_new = n_failed = 0
    n_new_failed, shown = 0, []
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
