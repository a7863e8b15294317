"""Hashing of Ray Datasets, in the tasks that read their blocks."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._utils.frames import is_missing
from ..._utils.path_text import write_path
from ...exceptions import EngineError
from ...images._process_state import ProcessState
from ...images._sources import IMAGE_COLUMNS
from .._executors import RayExecutor, cause_of
from .._hash_stage import KIND, LISTING, keys_of
from .._stages import Stage
from ..sources._entries import Entry
from ..sources._listing_parts import write_listing
from ._hash_worker import write_part

_PREFIX = "ray-"
_DATA_COLUMNS = ("bytes", "image")


def hash_ray_dataset(
    dataset: Any, stage: Stage, column: str | None, part_size: int, workers: Any
) -> None:
    """Hash the images of a Ray Dataset.

    The task that reads a batch (``map_batches``) hashes it and writes it as a part. It returns
    only a count, so no image goes through the object store.
    """
    if not isinstance(workers, RayExecutor):
        raise EngineError(
            "A Ray Dataset is hashed on its Ray cluster. Pass the address of the cluster, or a "
            "RayExecutor, as executor=..."
        )
    columns = dataset.columns()
    if columns is None:  # the dataset has no rows
        return
    name = _name_column(columns, column)
    known = [stage.read(part, ["key"]).column("key").to_numpy() for part in stage.names()]
    seen, fetch = workers.put(np.sort(np.concatenate([np.zeros(0, np.uint64), *known])))
    out, process_state = stage.address, ProcessState.here()

    def step(batch: Mapping[str, Any]) -> dict[str, Any]:
        process_state.apply()
        return {"n_images": np.array([_hash_rows(batch, out, name, fetch(seen))])}

    try:
        for _ in dataset.map_batches(step, batch_size=part_size).iter_batches():
            pass
    except Exception as error:  # Ray wraps the exception of a task
        raise cause_of(error) from error


def _hash_rows(batch: Mapping[str, Any], out: str, column: str, known: NDArray[np.uint64]) -> int:
    """Hash the new images of a batch, and return their number."""
    stage = Stage.open(out, KIND)
    names = [str(name) for name in batch[column]]
    keys = keys_of(names)
    new = np.flatnonzero(~np.isin(keys, known))
    new = new[np.sort(np.unique(keys[new], return_index=True)[1])]
    chosen = [names[row] for row in new]
    digest = blake2b("\n".join(map(write_path, chosen)).encode(), digest_size=8).hexdigest()
    part, begun = f"{_PREFIX}{digest}.parquet", f"begun-{digest}.json"
    if not chosen or stage.has(part):
        return 0
    # If this note exists already, the batch killed a worker, and Ray runs it again.
    notes = stage.sub("_begun")
    died = notes.read_json(begun) is not None
    notes.write_json(begun, {})
    sources = [_source_of(batch, int(row), names[row]) for row in new]
    write_part(stage, part, [(chosen, sources)], isolated=died)
    # Other sources that name these images find them hashed.
    write_listing(stage.sub(LISTING), part, list(map(Entry, chosen)))
    notes.remove([begun])
    return len(chosen)


def _name_column(columns: list[str], column: str | None) -> str:
    wanted = ("path", *IMAGE_COLUMNS[2:]) if column is None else (column,)
    for name in wanted:
        if name in columns:
            return name
    raise ValueError(
        f"The Ray Dataset has the columns {columns[:10]}, and none of {list(wanted)}. Pass the "
        f"column with the names of images as column=... (read_images and read_binary_files add "
        f"names with include_paths=True)."
    )


def _source_of(batch: Mapping[str, Any], row: int, name: str) -> Any:
    for column in _DATA_COLUMNS:
        value = batch[column][row] if column in batch else None
        if isinstance(value, bytes):
            return {"bytes": value, "path": name}
        if isinstance(value, np.ndarray) or (value is not None and not is_missing(value)):
            return value
    return name
