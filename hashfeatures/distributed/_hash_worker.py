"""Images of one part to their hashes: what runs in the workers of `hash_dataset`."""

from __future__ import annotations

import platform
import tarfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any

import joblib
import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from .._utils.path_text import read_path, write_path
from ..exceptions import EngineError, FailedImagesWarning, StageError
from ..hashing._algorithms import BITS_VERSION
from ..hashing._batch import hash_sources
from ..hashing._hash_arrays import Hashes
from ..hashing._spec import HashSpec, parse_hashes
from ..images._decoding import Decoding
from ..images._errors import charge
from ..images._files import HEAD, has_image_suffix, recognize
from ..images._process_state import Surroundings
from ._stages import Stage, arrow, locate, open_located

KIND = "hashes"
LISTING = "_listing"
DIGEST = 16  # bytes by which a name is known

_HELD = 1 << 26  # bytes of encoded images that are held at a time


@dataclass(frozen=True)
class Place:
    """A stage directory that workers are to write to, and whose workers they are."""

    out: str
    surroundings: Surroundings = field(default_factory=Surroundings.here)


@dataclass(frozen=True)
class HashTask:
    """A part to be hashed; apart: each image where it takes no other along."""

    out: str
    name: str
    apart: bool = False
    surroundings: Surroundings = field(default_factory=Surroundings.here)


def check_worker(place: Place) -> None:
    """Raise unless this process sees the stage directory, and reads and hashes the same."""
    place.surroundings.apply()
    try:
        stage = Stage.open(place.out, KIND)
    except StageError as error:
        raise EngineError(
            f"A worker on {platform.node()} does not see what this run writes ({error}): name "
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
            f"started with Pillow {theirs['pillow']} and hash version {theirs['bits']}. Bits "
            f"could differ: install the same versions on all machines."
        )


def hash_part(task: HashTask) -> None:
    """Hash the images of one part of the listing."""
    task.surroundings.apply()
    stage = Stage.open(task.out, KIND)
    check_versions(stage.settings)
    units = stage.sub(LISTING).read(task.name).column("unit").to_pylist()
    specs, decoding, min_detail = read_settings(stage.settings)

    def tables() -> Iterator[Any]:
        for names, sources in _batches([read_path(unit) for unit in units]):
            yield hash_batch(names, sources, specs, decoding, min_detail, task.apart)

    stage.write(task.name, tables(), schema_of(specs))


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
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=DIGEST).digest()


def keys_of(names: Iterable[str]) -> NDArray[np.uint64]:
    """Return 64 bits for each name, the same in all runs."""
    joined = b"".join(digest_of(name)[:8] for name in names)
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64)


def read_settings(settings: dict[str, Any]) -> tuple[tuple[HashSpec, ...], Decoding, int]:
    """Return the hashes, the decoding and the least detail that a stage is made with."""
    decoding = dict(settings["decoding"])
    if isinstance(decoding["background"], list):
        decoding["background"] = tuple(decoding["background"])
    return parse_hashes(settings["hashes"]), Decoding(**decoding), settings["min_detail"]


def settings_of(specs: Sequence[HashSpec], decoding: Decoding, min_detail: int) -> dict[str, Any]:
    """Return what decides the bits, as a manifest tells it."""
    return {
        "hashes": [str(spec) for spec in specs],
        "decoding": asdict(decoding),
        "min_detail": min_detail,
        "pillow": PIL.__version__,
        "bits": BITS_VERSION,
    }


def is_archive(name: str) -> bool:
    """Tell whether a unit of the listing is a tar file of images."""
    return name.lower().endswith(".tar")


def _batches(units: Sequence[str]) -> Iterator[tuple[list[str], list[Any]]]:
    """Yield the names of images and what can be read of them, some at a time."""
    if not any(map(is_archive, units)):
        yield list(units), list(units)
        return
    for unit in units:
        names: list[str] = []
        sources: list[Any] = []
        held = 0
        for name, content in _members(unit):
            names.append(name)
            sources.append(content)
            held += len(content["bytes"]) if isinstance(content, dict) else 0
            if held > _HELD:
                yield names, sources
                names, sources, held = [], [], 0
        if names:
            yield names, sources


def _members(archive: str) -> Iterator[tuple[str, Any]]:
    """Yield the images of a tar file, and where it cannot be read on, an error in its name."""
    system, path, _ = locate(archive)
    try:
        with open_located(system, path) as file, tarfile.open(fileobj=file, mode="r|") as tar:
            for member in tar:
                if not member.isfile():
                    continue
                content = tar.extractfile(member)
                assert content is not None
                head = content.read(HEAD)
                if has_image_suffix(member.name) or recognize(head) in Image.OPEN:
                    name = f"tar://{member.name}::{archive}"
                    yield name, {"bytes": head + content.read(), "path": name}
    except (OSError, tarfile.TarError) as error:
        yield archive, charge(archive, error)


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
