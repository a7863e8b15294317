"""The format of a directory of hashes: its settings, its columns, and the keys of images."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import PIL
from numpy.typing import NDArray

from ..duplicates.fingerprints._computed import ComputedHashes
from ..hashing._algorithms import BITS_VERSION, REDUCED_VERSION
from ..hashing._spec import parse_hashes
from ..hashing._thumbnail import THUMBNAIL_VERSION
from ..hashing.views._modes import VIEWS_VERSION
from ..images._decoding import Decoding
from ._part_directory import arrow

KIND = "hashes"
LISTING = "_listing"
DIGEST_BYTES = 16
# The column that is equal for images that are compared as equals, if there is more than codes.
FINGERPRINT = "fingerprint"

# What a run derives for reduced decoding is the same in all stages. Manifests have held it from
# the first, and those of earlier runs must compare equal.
_DERIVED = {"reduced_side": 256, "colour": True}


class HashPlan(NamedTuple):
    """What is computed of each image of a stage, and how files become pixels.

    Parameters
    ----------
    computed : ComputedHashes
        What is computed.
    decoding : Decoding
        How files become pixels.
    """

    computed: ComputedHashes
    decoding: Decoding

    def as_settings(self) -> dict[str, Any]:
        """Return the settings that determine the bytes of a stage, as JSON values."""
        computed = self.computed
        settings: dict[str, Any] = {
            "hashes": [str(spec) for spec in computed.hashes],
            "decoding": asdict(self.decoding) | _DERIVED,
            "min_detail": computed.min_detail,
            "pillow": PIL.__version__,
            "bits": BITS_VERSION,
        }
        if self.decoding.decode == "reduced":
            settings["reduced_bits"] = REDUCED_VERSION
        if computed.views != "identity":
            settings |= {"views": computed.views, "views_version": VIEWS_VERSION}
        if computed.has_colors:
            settings["colors"] = True
        if computed.has_thumbnails:
            settings["thumbnails"] = THUMBNAIL_VERSION
        return json.loads(json.dumps(settings))  # type: ignore[no-any-return]

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> HashPlan:
        """Return the plan with these settings."""
        decoding = {k: v for k, v in settings["decoding"].items() if k not in _DERIVED}
        if isinstance(decoding["background"], list):
            decoding["background"] = tuple(decoding["background"])
        computed = ComputedHashes(
            parse_hashes(settings["hashes"]),
            settings.get("views", "identity"),
            settings["min_detail"],
            settings.get("colors", False),
            "thumbnails" in settings,
        )
        return cls(computed, Decoding(**decoding))


def schema_of(computed: ComputedHashes) -> Any:
    """Return the columns of the parts."""
    pyarrow = arrow()
    widths = column_widths(computed)
    by_more_than_codes = len(widths) > 1 or computed.views != "identity"
    return pyarrow.schema(
        {
            "image": pyarrow.string(),
            "key": pyarrow.uint64(),
            **{name: pyarrow.binary(width) for name, width in widths.items()},
            **({FINGERPRINT: pyarrow.binary(DIGEST_BYTES)} if by_more_than_codes else {}),
            "detail": pyarrow.uint8(),
            "width": pyarrow.int32(),
            "height": pyarrow.int32(),
            "format": pyarrow.string(),
            "digest": pyarrow.binary(),
            "error": pyarrow.string(),
        }
    )


def column_widths(computed: ComputedHashes) -> dict[str, int]:
    """Return the columns that hold what is computed, in order, and their bytes per image."""
    n_compared = len(computed.compared)
    n_bytes = [-(-spec.n_bits // 8) for spec in computed.specs]
    names = ["codes"]
    names += ["colors"] if computed.has_colors else []
    names += ["thumbnail"] if computed.has_thumbnails else []
    return dict(zip(names, [sum(n_bytes[:n_compared]), *n_bytes[n_compared:]], strict=True))


def digest_of(name: str) -> bytes:
    """Return 16 bytes that identify a name."""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def keys_of(names: Iterable[str]) -> NDArray[np.uint64]:
    """Return a 64-bit key for each name, which is the same in all runs."""
    joined = b"".join(digest_of(name)[:8] for name in names)
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64)
