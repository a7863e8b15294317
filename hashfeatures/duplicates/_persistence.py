"""A fitted finder in a file: its parameters, the fingerprints, the graph, the images' paths.

The arrays keep the names of the first format, so that files of earlier releases can be read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._utils.array_file import Strings, read_store, write_store
from ..exceptions import StoreError
from ..hamming._pairs import Pairs
from ..hashing._algorithms import BITS_VERSION
from ..hashing._thumbnail import read_thumbnails
from ..hashing.views._modes import VIEWS_VERSION
from ._diameters import Diameters
from ._labels import Labels
from ._pair_graph import PairGraph
from ._pair_search import HeldPairs
from .fingerprints._base import Codes
from .fingerprints._confirmation import Confirmation
from .fingerprints._fingerprinted_images import FingerprintedImages
from .fingerprints._fingerprints import Fingerprints
from .fingerprints._from_hashes import codes_of
from .fingerprints._search import get_confirmation, search_numbered
from .fingerprints._thumbnails import Thumbnails

_KIND = "NearDuplicateFinder"


@dataclass(frozen=True)
class SavedFinder:
    """What is saved of a fitted finder.

    Parameters
    ----------
    parameters : dict
        The parameters of the finder that decide what is found.
    images : FingerprintedImages
        The fitted images. Of those that could not be read, the paths and URLs are saved.
    radius : int
        The radius in bits.
    graph : PairGraph
        The near pairs.
    labels : ndarray of shape (n_images,), dtype intp
        The group of each image.
    diameters : Diameters
        The sizes and diameters of the groups.
    """

    parameters: dict[str, Any]
    images: FingerprintedImages
    radius: int
    graph: PairGraph
    labels: Labels
    diameters: Diameters

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a file, which appears under its name only when it is whole."""
        fingerprints, ids, failures, n_pixels, identities, _ = self.images
        named = np.array([name is not None for name in ids], dtype=bool)
        names = Strings.pack(ids[named])
        errors = Strings.pack(failures["error"])
        arrays = {
            "words": fingerprints.words,
            "hashed": fingerprints.comparable,
            "pixels": fingerprints.pixel_digests,
            "plain": fingerprints.low_detail,
            "codes": self.graph.node_of_image,
            "labels": self.labels,
            "at_least": self.diameters.at_least,
            "at_most": self.diameters.at_most,
            "components": self.graph.components,
            "nearest_code": self.graph.nearest_of_node,
            "n_pixels": n_pixels,
            "identities": identities,
            "named": named,
            "names": names.text,
            "name_ends": names.ends,
            "failed": failures["position"].to_numpy(dtype=np.int64),
            "errors": errors.text,
            "error_ends": errors.ends,
        }
        if self.graph.held is not None:
            arrays |= self.graph.held.pairs._asdict()
        if fingerprints.views is not None:
            arrays["views"] = fingerprints.views.words
        if fingerprints.colors is not None:
            arrays["colours"] = fingerprints.colors
        if fingerprints.thumbnails is not None:
            arrays["thumbnails"] = fingerprints.thumbnails.as_bytes()
            arrays["thumbnail_digests"] = fingerprints.thumbnails.digests
        facts = {
            "parameters": params_as_json(self.parameters),
            "bits_version": BITS_VERSION,
            "views_version": VIEWS_VERSION,
            "n_bits": fingerprints.n_bits,
            "n_codes": self.graph.n_nodes,
            "n_pairs": self.graph.n_pairs,
            "radius": self.radius,
            "min_agreement": get_confirmation(self.graph).min_agreement,
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
            views = codes_of(arrays["views"], facts["parameters"]["views"])
        thumbnails = None
        if "thumbnails" in arrays:
            records = read_thumbnails(arrays["thumbnails"])
            thumbnails = Thumbnails.of(records, arrays["thumbnail_digests"])
        fingerprints = Fingerprints(
            arrays["words"],
            arrays["hashed"],
            arrays["pixels"],
            arrays["plain"],
            facts["n_bits"],
            views,
            arrays.get("colours"),
            thumbnails,
        )
        failures = pd.DataFrame(
            {
                "position": failed,
                "image": pd.Series(ids[failed], dtype=object),
                "error": pd.Series(list(errors), dtype=object),
            }
        )
        parameters = params_from_json(facts["parameters"])
        nodes, n_nodes, radius = arrays["codes"].astype(np.intp), facts["n_codes"], facts["radius"]
        held = None
        if "left" in arrays:
            held = HeldPairs(Pairs(*(arrays[name] for name in Pairs._fields)), n_nodes)
        parameters.setdefault("verify", False)  # earlier releases had no thumbnails
        confirmation = Confirmation(
            facts.get("min_agreement"),
            parameters["color_radius"],
            parameters["views"],
        )
        graph = PairGraph(
            nodes,
            n_nodes,
            search_numbered(fingerprints, nodes, radius, None, confirmation),
            held,
            arrays["components"].astype(np.intp),
            arrays["nearest_code"],
            facts["n_pairs"],
        )
        labels = arrays["labels"].astype(np.intp)
        diameters = Diameters(np.bincount(labels), arrays["at_least"], arrays["at_most"])
        images = FingerprintedImages(
            fingerprints,
            ids,
            failures,
            arrays["n_pixels"],
            arrays["identities"],
            np.full(len(ids), None, dtype=object),
        )
        return cls(parameters, images, radius, graph, labels, diameters)


def params_as_json(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a finder in types of JSON."""
    return {name: _as_json(value) for name, value in parameters.items()}


def params_from_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a finder from types of JSON, which knows no tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }


def _as_json(value: Any) -> Any:
    """Return a parameter in types of JSON: lists for tuples, and Python's own numbers."""
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
