"""The order of images by their names, for ways that compare neighbors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...duplicates._labels import Labels
from ._paths import join_part_folders, natural_key, split_path


def list_in_order(rows: Labels, names: Sequence[str | None]) -> tuple[Labels, NDArray[np.bool_]]:
    """Return images by folder and name, and where a folder begins; those without names are last.

    Images without names keep their order.
    """
    keys = _order_keys(rows, names)
    order = sorted(range(len(rows)), key=keys.__getitem__)
    folders = [keys[place][:2] for place in order]
    begins = [place == 0 or folders[place] != folders[place - 1] for place in range(len(order))]
    return rows[order], np.array(begins, dtype=bool)


def _order_keys(rows: Labels, names: Sequence[str | None]) -> list[tuple[Any, ...]]:
    listed = [names[row] for row in rows.tolist()]
    paths = [split_path(name or "") for name in listed]
    return [
        (name is None, natural_key(folder), natural_key(path.stem if name else ""), row)
        for name, path, folder, row in zip(
            listed, paths, join_part_folders(paths), rows.tolist(), strict=True
        )
    ]
