"""Images that were hashed to be compared: what they are compared by, and what else is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.stored_columns import read_hashes
from ...hashing._hash_arrays import Hashes
from ...hashing._spec import HashSpec
from ...images._identities import hold_weakly
from ...images._sources import IMAGE_COLUMNS, name_sources
from ._fingerprints import Signatures


class Signed(NamedTuple):
    """What is known of images that were hashed to be compared.

    Parameters
    ----------
    signatures : Signatures
        What they are compared by.
    ids : ndarray of shape (n_images,), dtype object
        The path or URL of each image; None for one from memory.
    failures : pandas.DataFrame
        Those that could not be read: columns "position", "image" and "error".
    n_pixels : ndarray of shape (n_images,), dtype int64
        The sizes of the images; 0 for one that could not be read, or whose size is not known.
    identities : ndarray of shape (n_images, 2), dtype uint64
        What they were before they were hashed, see `identify`.
    in_memory : ndarray of shape (n_images,), dtype object
        References to those in memory, see `hold_weakly`.
    """

    signatures: Signatures
    ids: NDArray[np.object_]
    failures: pd.DataFrame
    n_pixels: NDArray[np.int64]
    identities: NDArray[np.uint64]
    in_memory: NDArray[np.object_]

    @classmethod
    def from_hashes(
        cls,
        hashes: Hashes,
        sources: Sequence[Any],
        identities: NDArray[np.uint64],
        min_detail: int,
        n_compared: int,
    ) -> Signed:
        """Sign images that were hashed, see `Signatures.from_hashes`."""
        causes = [error.cause for error in hashes.errors.values()]
        return cls(
            Signatures.from_hashes(hashes, min_detail, n_compared),
            name_sources(sources),
            _list_failures(sources, list(hashes.errors), causes),
            hashes.n_pixels(),
            identities,
            hold_weakly(sources),
        )

    @classmethod
    def from_table(cls, table: pd.DataFrame, specs: Sequence[HashSpec], min_detail: int) -> Signed:
        """Sign the images of a table of hex hashes, see `Signatures.from_table`."""
        signatures = Signatures.from_table(table, specs, min_detail)
        named = [name for name in IMAGE_COLUMNS if name in table.columns]
        images = list(table[named[0]]) if named else [None] * len(table)
        columns = [read_hashes(table[str(spec)]) for spec in specs]
        failed = np.flatnonzero(np.any([column.isna() for column in columns], axis=0))
        known = "error" in table.columns
        causes = table["error"].iloc[failed] if known else ["no hash in the table"] * len(failed)
        return cls(
            signatures,
            name_sources(images),
            _list_failures(images, failed, causes),
            np.zeros(len(table), dtype=np.int64),
            np.zeros((len(table), 2), dtype=np.uint64),
            hold_weakly(images),
        )

    def joined_with(self, more: Signed) -> Signed:
        """Return what is known of these images and of more."""
        failures = more.failures.assign(position=more.failures["position"] + len(self.ids))
        return Signed(
            Signatures.join([self.signatures, more.signatures]),
            np.concatenate([self.ids, more.ids]),
            pd.concat([self.failures, failures], ignore_index=True),
            np.concatenate([self.n_pixels, more.n_pixels]),
            np.concatenate([self.identities, more.identities]),
            np.concatenate([self.in_memory, more.in_memory]),
        )


def _list_failures(
    images: Sequence[Any], rows: Sequence[int] | NDArray[np.intp], causes: Iterable[str]
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "position": np.array(rows, dtype=np.intp),
            "image": pd.Series([images[row] for row in rows], dtype=object),
            "error": pd.Series(list(causes), dtype=object),
        }
    )
