"""A sealed set: a file of the fingerprints of images, without the images and their names."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import __version__
from ..._utils.array_file import read_store, write_store
from ..._utils.validation import check_int
from ...duplicates._finder import NearDuplicateFinder
from ...duplicates._persistence import params_as_json, params_from_json
from ...duplicates.fingerprints._fingerprints import Fingerprints, color_words
from ...duplicates.fingerprints._from_hashes import codes_of
from ...duplicates.fingerprints._segments import SegmentCodes
from ...exceptions import ParameterError, StoreError
from ...hashing._algorithms import BITS_VERSION, REDUCED_VERSION
from ...hashing.views._modes import VIEWS_VERSION
from ._probes import PACKAGES, digest_probes, hash_probes, list_releases

KIND = "Seal"
FORMAT = 1

_RELEASE = re.compile(r"[0-9A-Za-z.+!_-]{1,60}")

# The parameters of a finder that decide the bits, and which of them are near.
_SEALED = (
    "hashes",
    "radius",
    "views",
    "min_detail",
    "decode",
    "orient",
    "background",
    "trim_borders",
    "color_radius",
)


@dataclass(frozen=True)
class Seal:
    """The fingerprints of the images of a set, each different one once, and how they were made.

    Parameters
    ----------
    finder : NearDuplicateFinder
        How images are compared: by hashes alone, within a radius that is a number.
    fingerprints : Fingerprints
        Those that are compared by their hashes come first, in the order of their bits. Those that
        are compared by their pixels follow, in the order of their digests.
    """

    finder: NearDuplicateFinder
    fingerprints: Fingerprints

    @classmethod
    def of(cls, finder: NearDuplicateFinder, fingerprints: Fingerprints, radius: int) -> Seal:
        """Return the seal of images.

        Parameters
        ----------
        finder : NearDuplicateFinder
            What fingerprinted the images.
        fingerprints : Fingerprints
            The fingerprints, in the order of the images.
        radius : int
            The greatest distance of near duplicates, in bits.

        Returns
        -------
        Seal
            Without anything that the order of the images tells.
        """
        numbers = fingerprints.number()
        known = np.flatnonzero(numbers >= 0)
        firsts = known[np.unique(numbers[known], return_index=True)[1]]
        hashed = fingerprints.take(firsts[fingerprints.comparable[firsts]])
        digests = fingerprints.pixel_digests[firsts[fingerprints.low_detail[firsts]]]
        codes, colors = _stack_codes(hashed), hashed.colors
        keys = codes.reshape(len(codes), codes.shape[1] * codes.shape[2])
        if colors is not None:
            keys = np.hstack([keys, color_words(colors)])
        order = _sort_rows(keys)
        params = {name: finder.get_params()[name] for name in _SEALED} | {"radius": radius}
        return cls(
            NearDuplicateFinder(**params, verify=False),
            _join(
                codes[order],
                None if colors is None else colors[order],
                digests[_sort_rows(digests)],
                hashed.n_bits,
                finder.views,
            ),
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a file, which appears under its name only when it is whole."""
        hashed = self.fingerprints.take(self.fingerprints.comparable)
        arrays: dict[str, NDArray[Any]] = {
            "codes": _stack_codes(hashed),
            "pixel_digests": self.fingerprints.pixel_digests[self.fingerprints.low_detail],
        }
        if hashed.colors is not None:
            arrays["colors"] = hashed.colors
        params = self.finder._comparison_params()
        facts = {
            "format": FORMAT,
            "parameters": params_as_json({name: params[name] for name in _SEALED}),
            "versions": _list_versions(self.finder),
            "releases": list_releases(),
            "hashfeatures": __version__,
            "probes": digest_probes(hash_probes(self.finder)),
        }
        write_store(path, KIND, arrays, facts)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Seal:
        """Read a file of `write`, or raise `StoreError` if images cannot be compared with it."""
        shown = repr(os.fspath(path))
        if os.path.isdir(path):
            raise StoreError(
                f"{shown} is a folder, not a seal. Write a seal of its images with seal_images or "
                f"hashfeatures seal."
            )
        arrays, facts = read_store(path, KIND, "that seal_images or hashfeatures seal wrote")
        version = facts.get("format")
        if isinstance(version, int) and version > FORMAT:
            raise StoreError(
                f"{shown} is a seal of format {version}. This release of hashfeatures, "
                f"{__version__}, reads formats up to {FORMAT}. Upgrade hashfeatures."
            )
        finder = _read_facts(facts, shown)
        probes = hash_probes(finder)
        if digest_probes(probes) != facts["probes"]:
            raise StoreError(f"{shown} {_explain_bits(facts['releases'])}")
        _check_shapes(arrays, probes, shown)
        fingerprints = _join(
            arrays["codes"],
            arrays.get("colors"),
            arrays["pixel_digests"],
            probes.n_bits,
            finder.views,
        )
        return cls(finder, fingerprints)


def _read_facts(facts: dict[str, Any], shown: str) -> NearDuplicateFinder:
    """Return the finder of a seal.

    Raises
    ------
    StoreError
        If this release computes other hashes, or the facts are none that a release wrote.
    """
    if not _is_complete(facts):
        raise StoreError(
            f"{shown} was not written by hashfeatures: its header is not that of a seal. Ask for "
            f"another one."
        )
    release = facts["hashfeatures"]
    try:
        finder = NearDuplicateFinder(**params_from_json(facts["parameters"]), verify=False)
        check_int("A seal", "radius", finder.radius, 0)
        finder._comparison()
    except ParameterError as error:
        raise StoreError(
            f"{shown} was written by hashfeatures {release}, with settings that the installed "
            f"release, {__version__}, refuses. {error}"
        ) from error
    if facts["versions"] != _list_versions(finder):
        raise StoreError(
            f"{shown} holds hashes of hashfeatures {release}, which differ from those of the "
            f"installed release, {__version__}. Install that release, or ask for a seal by this "
            f"one."
        )
    return finder


def _is_complete(facts: dict[str, Any]) -> bool:
    """Return whether facts are all that a seal has, and releases look like such.

    A message names the releases for users to install, so nothing else may stand there.
    """
    parameters, releases = facts.get("parameters"), facts.get("releases")
    if not (isinstance(parameters, dict) and isinstance(releases, dict)):
        return False
    named = [facts.get("hashfeatures"), *releases.values()]
    return (
        set(parameters) == set(_SEALED)
        and isinstance(facts.get("versions"), dict)
        and isinstance(facts.get("probes"), str)
        and set(releases) <= set(PACKAGES)
        and all(isinstance(name, str) and _RELEASE.fullmatch(name) for name in named)
    )


def _list_versions(finder: NearDuplicateFinder) -> dict[str, int]:
    """Return the versions of the bits that this release computes for a finder."""
    versions = {"hashes": BITS_VERSION}
    if finder.views != "identity":
        versions["views"] = VIEWS_VERSION
    if finder.decode == "reduced":
        versions["reduced"] = REDUCED_VERSION
    return versions


def _stack_codes(images: Fingerprints) -> NDArray[np.uint64]:
    """Return the codes that images are compared by, shape (n_images, n_codes, n_words)."""
    if images.views is None:
        return images.words[:, None]
    if isinstance(images.views, SegmentCodes):
        return SegmentCodes.fit(images.views.words).words
    return images.views.words


def _sort_rows(rows: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return the order of rows, by their first column first."""
    return np.lexsort(rows.T[::-1])


def _join(
    codes: NDArray[np.uint64],
    colors: NDArray[np.uint8] | None,
    digests: NDArray[np.uint64],
    n_bits: int,
    views: str,
) -> Fingerprints:
    """Return the fingerprints of images with hashes, and after these of images of low detail."""
    n_hashed, n_plain = len(codes), len(digests)
    pixel_digests = np.vstack([np.zeros((n_hashed, 2), dtype=np.uint64), digests])
    low_detail = np.arange(n_hashed + n_plain) >= n_hashed
    codes = np.pad(codes, ((0, n_plain), (0, 0), (0, 0)))
    if colors is not None:
        colors = np.pad(colors, ((0, n_plain), (0, 0)))
    of_views = None if views == "identity" else codes_of(codes, views)
    return Fingerprints(
        codes[:, 0], ~low_detail, pixel_digests, low_detail, n_bits, of_views, colors
    )


def _check_shapes(arrays: dict[str, NDArray[Any]], probes: Fingerprints, shown: str) -> None:
    """Raise unless arrays have the shapes that fingerprints have here."""
    one = _stack_codes(probes)
    codes, digests, colors = (arrays.get(name) for name in ("codes", "pixel_digests", "colors"))
    is_valid = (
        codes is not None
        and digests is not None
        and codes.dtype == digests.dtype == np.uint64
        and codes.ndim == 3
        and codes.shape[2] == one.shape[2]
        and (isinstance(probes.views, SegmentCodes) or codes.shape[1] == one.shape[1])
        and codes.shape[1] >= 1
        and digests.shape == (len(digests), 2)
        and len(codes) + len(digests) > 0
        and (colors is None) == (probes.colors is None)
    )
    if is_valid and colors is not None and probes.colors is not None:
        is_valid = colors.dtype == np.uint8 and colors.shape[1:] == probes.colors.shape[1:]
        is_valid = is_valid and len(colors) == len(arrays["codes"])
    if not is_valid:
        raise StoreError(
            f"{shown} was not written by hashfeatures: its arrays have other shapes than its "
            f"settings need. Ask for another seal."
        )


def _explain_bits(releases: dict[str, str]) -> str:
    """Return why the same image has other bits here than where a seal was made."""
    ours = list_releases()
    other = {name: release for name, release in releases.items() if ours.get(name) != release}
    other |= {name: "" for name in ours if name not in releases}
    listed = ", ".join(
        f"{name} {release or 'not installed'} instead of {ours.get(name, 'not installed')}"
        for name, release in other.items()
    )
    names = ["Pillow"] if "Pillow" in other else [name for name, made in other.items() if made]
    needed = " ".join(f"{name}=={other[name]}" for name in names)
    cure = f"Run pip install {needed}, or ask" if needed else "Ask"
    return (
        f"was made where images have other bits: {listed or 'with a different decoder'}. "
        f"{cure} for a seal that was made with your releases."
    )
