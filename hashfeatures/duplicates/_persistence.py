"""A fitted finder in a file: its settings, its signatures and near pairs, the images' paths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._utils.array_file import Strings, read_store, write_store
from ..exceptions import StoreError
from ..hamming._pairs import Pairs
from ..hashing._algorithms import BITS_VERSION
from ..hashing.views._modes import VIEWS_VERSION
from ..hashing.views._windows import VIEW_SETS
from ._diameters import Diameters
from ._labels import Labels
from ._pair_graph import CompactPairs, HeldPairs
from .fingerprints._base import Codes
from .fingerprints._fingerprinted_images import Signed
from .fingerprints._fingerprints import Signatures
from .fingerprints._segments import SegmentCodes
from .fingerprints._views import ViewCodes

_KIND = "NearDuplicateFinder"


@dataclass(frozen=True)
class SavedFinder:
    """What is kept of a fitted finder.

    Parameters
    ----------
    parameters : dict
        The parameters of the finder that decide what is near.
    signed : Signed
        What is known of the images. Of those that could not be read, the image is kept where it
        is a path or a URL.
    near : CompactPairs
        The pairs that were found.
    labels : ndarray of shape (n_images,), dtype intp
        The group of each image.
    diameters : Diameters
        How wide the groups are.
    radius : int
        The radius in bits by which they were found.
    """

    parameters: dict[str, Any]
    signed: Signed
    near: CompactPairs
    labels: Labels
    diameters: Diameters
    radius: int

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a file, which appears under its name only when it is whole."""
        signatures, _, failures, n_pixels, identities, _ = self.signed
        ids = self.signed.ids
        named = np.array([name is not None for name in ids], dtype=bool)
        names = Strings.pack(ids[named])
        errors = Strings.pack(failures["error"])
        arrays = {
            "words": signatures.words,
            "hashed": signatures.hashed,
            "pixels": signatures.pixels,
            "plain": signatures.plain,
            "codes": self.near.codes,
            "labels": self.labels,
            "at_least": self.diameters.at_least,
            "at_most": self.diameters.at_most,
            "components": self.near.components,
            "nearest_code": self.near.nearest_code,
            "n_pixels": n_pixels,
            "identities": identities,
            "named": named,
            "names": names.text,
            "name_ends": names.ends,
            "failed": failures["position"].to_numpy(dtype=np.int64),
            "errors": errors.text,
            "error_ends": errors.ends,
        }
        if self.near.held is not None:
            arrays |= self.near.held.pairs._asdict()
        if signatures.views is not None:
            arrays["views"] = signatures.views.words
        if signatures.colours is not None:
            arrays["colours"] = signatures.colours
        facts = {
            "parameters": {name: _as_json(value) for name, value in self.parameters.items()},
            "bits_version": BITS_VERSION,
            "views_version": VIEWS_VERSION,
            "n_bits": signatures.n_bits,
            "n_codes": self.near.n_codes,
            "n_pairs": self.near.n_pairs,
            "radius": self.radius,
        }
        write_store(path, _KIND, arrays, facts)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> SavedFinder:
        """Read a file of `write`, or raise `StoreError` if that cannot be done."""
        arrays, facts = read_store(path, _KIND)
        of_views = facts.get("views_version", 1) if "views" in arrays else VIEWS_VERSION
        if (facts["bits_version"], of_views) != (BITS_VERSION, VIEWS_VERSION):
            raise StoreError(
                f"{os.fspath(path)!r} holds hashes of another release of hashfeatures, which "
                f"differ from those of this one: fit the finder again."
            )
        if "identities" not in arrays:
            raise StoreError(
                f"{os.fspath(path)!r} was saved by an earlier release of hashfeatures, which kept "
                f"less of a finder: fit the finder again."
            )
        names = Strings(arrays["names"], arrays["name_ends"])
        ids = np.full(len(arrays["named"]), None, dtype=object)
        ids[arrays["named"]] = list(names)
        failed = arrays["failed"].astype(np.intp)
        errors = Strings(arrays["errors"], arrays["error_ends"])
        views: Codes | None = None
        if "views" in arrays:
            name = facts["parameters"]["views"]
            words = arrays["views"]
            views = ViewCodes(words, VIEW_SETS[name]) if name in VIEW_SETS else SegmentCodes(words)
        signatures = Signatures(
            arrays["words"],
            arrays["hashed"],
            arrays["pixels"],
            arrays["plain"],
            facts["n_bits"],
            views,
            arrays.get("colours"),
        )
        failures = pd.DataFrame(
            {
                "position": failed,
                "image": pd.Series(ids[failed], dtype=object),
                "error": pd.Series(list(errors), dtype=object),
            }
        )
        parameters = {
            name: tuple(value) if isinstance(value, list) else value  # JSON knows no tuples
            for name, value in facts["parameters"].items()
        }
        codes, n_codes, radius = arrays["codes"].astype(np.intp), facts["n_codes"], facts["radius"]
        held = None
        if "left" in arrays:
            held = HeldPairs(Pairs(*(arrays[name] for name in Pairs._fields)), n_codes)
        near = CompactPairs(
            codes,
            n_codes,
            signatures.search(codes, radius, None, facts["parameters"]["color_radius"]),
            held,
            arrays["components"].astype(np.intp),
            arrays["nearest_code"],
            facts["n_pairs"],
        )
        labels = arrays["labels"].astype(np.intp)
        diameters = Diameters(np.bincount(labels), arrays["at_least"], arrays["at_most"])
        signed = Signed(
            signatures,
            ids,
            failures,
            arrays["n_pixels"],
            arrays["identities"],
            np.full(len(ids), None, dtype=object),
        )
        return cls(parameters, signed, near, labels, diameters, radius)


def _as_json(value: Any) -> Any:
    """Return a parameter as JSON can tell it: lists for tuples, and Python's own numbers."""
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
